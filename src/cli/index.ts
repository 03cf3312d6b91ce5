/** Turns a command line into a call and an exit code: 0 fine, 1 changes offered under --check, 2 the tool or its usage failed. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fix as fixFile, fixText, managers, transforms, version, type FixOptions, type Outcome } from '../index.ts';
import { mergeChanges, unifiedDiff } from '../diff.ts';
import { colorDiff } from '../reporters/color.ts';
import { jsonReport } from '../reporters/json.ts';
import { noteLine, outcomeLines, summary, totals, type Note } from '../reporters/text.ts';
import { writeTogether } from '../write.ts';
import { insideRepository, openRepository } from '../context/disk.ts';
import { reason } from '../context/find.ts';
import { run, type FileOutcome } from './run.ts';

/** Everything that the command touches, so that tests can stand in for it. */
export interface Io {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly stdin: () => Promise<string>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

interface Options {
  readonly paths: readonly string[];
  readonly write: boolean;
  readonly check: boolean;
  readonly context: string | undefined;
  readonly unsafe: boolean;
  readonly transform: readonly string[] | undefined;
  readonly skip: readonly string[] | undefined;
  readonly style: 'copy' | 'parents' | 'bind';
  readonly builder: 'buildkit' | 'buildah' | 'kaniko' | 'classic';
  readonly format: 'text' | 'diff' | 'json';
  readonly quiet: boolean;
  readonly color: boolean | undefined;
  readonly list: boolean;
  readonly stdinFilepath: string | undefined;
}

/** Returns the exit code. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const parsed = await readArguments(argv, io);
  if (typeof parsed === 'number') return parsed;
  if (parsed.list) {
    const width = Math.max(...[...transforms, ...managers].map((each) => each.name.length));
    const rows = (items: readonly { name: string; summary: string }[]): string =>
      items.map((each) => `  ${each.name.padEnd(width)}  ${each.summary}\n`).join('');
    io.stdout(
      `Transforms, in the order in which they are tried:\n${rows(transforms)}\nPackage managers:\n${rows(managers)}`,
    );
    return 0;
  }
  const unknown = [...(parsed.transform ?? []), ...(parsed.skip ?? [])].find(
    (name) => !transforms.some((each) => each.name === name),
  );
  if (unknown !== undefined)
    return usage(
      io,
      `there is no transform \`${unknown}\`; there are: ${transforms.map((each) => each.name).join(', ')}`,
    );
  if (parsed.write && parsed.check) return usage(io, '--write and --check exclude each other');
  const fix: FixOptions = {
    unsafe: parsed.unsafe,
    target: { style: parsed.style, builder: parsed.builder },
    ...(parsed.transform === undefined ? {} : { only: parsed.transform }),
    ...(parsed.skip === undefined ? {} : { skip: parsed.skip }),
  };
  if (parsed.paths.includes('-')) return standardInput(parsed, fix, io);
  const paths = parsed.paths.length === 0 ? ['.'] : parsed.paths;
  const result = await run({
    paths,
    cwd: realpathSync(io.cwd),
    fix,
    ...(parsed.context === undefined ? {} : { context: parsed.context }),
  });
  return report(result.outcomes, result.notes, result.errors, parsed, io);
}

function report(
  outcomes: readonly FileOutcome[],
  notes: readonly Note[],
  errors: readonly Note[],
  options: Options,
  io: Io,
): number {
  const changes = mergeChanges(outcomes.flatMap((outcome) => outcome.changes));
  const say = (line: string): void => io.stderr(`${line}\n`);
  const failures: Note[] = [...errors];
  let written = 0;
  if (options.write) {
    for (const group of writeGroups(outcomes)) {
      try {
        writeTogether(group.writes, group.root);
        written += group.writes.length;
        if (!options.quiet && options.format === 'text') for (const path of group.shown) io.stdout(`${path}\n`);
      } catch (error) {
        failures.push({ path: group.shown[0] ?? '', code: 'not-written', message: reason(error) });
      }
    }
  }
  if (options.format === 'json')
    io.stdout(
      jsonReport(
        version,
        outcomes.map(({ absolute: _absolute, root: _root, ...outcome }) => outcome),
        [...notes, ...failures],
      ),
    );
  else if (!options.write) {
    const diff = unifiedDiff(changes);
    io.stdout((options.color ?? wantsColor(io)) ? colorDiff(diff) : diff);
  }
  if (options.format === 'text') {
    if (!options.quiet) {
      for (const outcome of outcomes) for (const line of outcomeLines(outcome)) say(line);
      for (const note of notes) say(noteLine(note));
    }
    for (const failure of failures) say(noteLine(failure));
    const failed = outcomes.filter((outcome) => outcome.status === 'failed');
    if (options.quiet) for (const outcome of failed) for (const line of outcomeLines(outcome)) say(line);
    if (!options.quiet) say(summary(totals(outcomes), options.write && written > 0));
  } else for (const failure of failures) say(noteLine(failure));
  if (failures.length > 0 || outcomes.some((outcome) => outcome.status === 'failed')) return 2;
  return options.check && changes.length > 0 ? 1 : 0;
}

/** What must be written together: a Dockerfile and its ignore file, and all Dockerfiles that share that ignore file. */
function writeGroups(outcomes: readonly FileOutcome[]): {
  readonly root: string;
  readonly shown: string[];
  readonly writes: { path: string; before?: string; after: string }[];
}[] {
  const groups: { root: string; paths: Set<string>; outcomes: FileOutcome[] }[] = [];
  for (const outcome of outcomes) {
    if (outcome.changes.length === 0) continue;
    const paths = outcome.changes.map((change) => change.path);
    const group = groups.find((each) => paths.some((path) => each.paths.has(path)));
    if (group === undefined) groups.push({ root: outcome.root, paths: new Set(paths), outcomes: [outcome] });
    else {
      for (const path of paths) group.paths.add(path);
      group.outcomes.push(outcome);
    }
  }
  return groups.map(({ root, outcomes: members }) => {
    const absolute = new Map(members.flatMap((each) => [...each.absolute]));
    const changes = mergeChanges(members.flatMap((each) => each.changes));
    return {
      root,
      shown: changes.map((change) => change.path),
      writes: changes.map((change) => ({
        path: absolute.get(change.path) as string,
        after: change.after,
        ...(change.before === undefined ? {} : { before: change.before }),
      })),
    };
  });
}

/** `-`: a Dockerfile in, the rewritten text out. */
async function standardInput(options: Options, fix: FixOptions, io: Io): Promise<number> {
  if (options.paths.length > 1) return usage(io, '`-` cannot be combined with paths');
  if (options.write) return usage(io, '`-` prints the result, so --write means nothing with it');
  const source = await io.stdin();
  const path = options.stdinFilepath ?? 'Dockerfile';
  const outcome: Outcome =
    options.context === undefined
      ? fixText(source, { ...fix, unsafe: true, path })
      : await inContext(source, path, resolve(io.cwd, options.context), fix);
  const change = outcome.changes.find((each) => each.path === outcome.path);
  if (options.format === 'json') io.stdout(jsonReport(version, [outcome], []));
  else if (options.format === 'diff') io.stdout(unifiedDiff(outcome.changes));
  else io.stdout(change?.after ?? source);
  if (!options.quiet && options.format !== 'json') {
    for (const line of outcomeLines(outcome)) io.stderr(`${line}\n`);
    for (const each of outcome.changes)
      if (each !== change)
        io.stderr(`${each.path} would change as well; run dockerfix on the directory to apply both\n`);
  }
  if (outcome.status === 'failed') return 2;
  return options.check && outcome.changes.length > 0 ? 1 : 0;
}

async function inContext(source: string, path: string, directory: string, options: FixOptions): Promise<Outcome> {
  const repository = await openRepository(directory);
  const inside = insideRepository(repository, realpathSync(directory)) ?? '.';
  return fixFile({ path, source }, repository.context(inside, path), options);
}

function wantsColor(io: Io): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.environment;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '0') return true;
  return io.isTerminal && TERM !== 'dumb';
}

function usage(io: Io, message: string): number {
  io.stderr(`dockerfix: ${message}\nTry \`dockerfix --help\`.\n`);
  return 2;
}

/** `--transform a,b --transform c` */
function names(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).filter((name) => name !== '');
}

/** What holds when no option is given. */
const DEFAULTS: Omit<Options, 'paths'> = {
  write: false,
  check: false,
  context: undefined,
  unsafe: false,
  transform: undefined,
  skip: undefined,
  style: 'copy',
  builder: 'buildkit',
  format: 'text',
  quiet: false,
  color: undefined,
  list: false,
  stdinFilepath: undefined,
};

async function readArguments(argv: readonly string[], io: Io): Promise<Options | number> {
  // yargs takes longer to load than everything else together: only options need it.
  if (!argv.some((word) => word.startsWith('-') && word !== '-')) return { ...DEFAULTS, paths: argv };
  const { default: yargs } = await import('yargs');
  let problem: string | undefined;
  let printed = '';
  const parser = yargs()
    .scriptName('dockerfix')
    .usage('$0 [paths..]\n\nShows, as a diff, how Dockerfiles can stop re-installing dependencies on each source edit.')
    .command('$0 [paths..]', false, (command) =>
      command.positional('paths', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'files or directories; - for standard input',
      }),
    )
    .option('write', { type: 'boolean', default: false, describe: 'apply the changes' })
    .option('check', { type: 'boolean', default: false, describe: 'change nothing, exit 1 if something would change' })
    .option('context', { type: 'string', requiresArg: true, describe: 'the build context, instead of finding it' })
    .option('unsafe', { type: 'boolean', default: false, describe: 'apply fixes that could change something, too' })
    .option('transform', {
      type: 'string',
      array: true,
      requiresArg: true,
      coerce: names,
      describe: 'only these transforms (a,b or given again)',
    })
    .option('skip', {
      type: 'string',
      array: true,
      requiresArg: true,
      coerce: names,
      describe: 'all but these transforms',
    })
    .option('style', {
      choices: ['copy', 'parents', 'bind'] as const,
      default: 'copy' as const,
      describe: 'how manifests are brought in',
    })
    .option('builder', {
      choices: ['buildkit', 'buildah', 'kaniko', 'classic'] as const,
      default: 'buildkit' as const,
      describe: 'what must be able to build the result',
    })
    .option('format', {
      choices: ['text', 'diff', 'json'] as const,
      default: 'text' as const,
      describe: 'what to print',
    })
    .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'only the diff and errors' })
    .option('color', { type: 'boolean', describe: 'colour the diff (default: on a terminal)' })
    .option('list', { type: 'boolean', default: false, describe: 'list transforms and package managers' })
    .option('stdin-filepath', { type: 'string', requiresArg: true, describe: 'what - is called in messages' })
    .example('$0', 'show what would change below this directory')
    .example('$0 --write api/Dockerfile', 'apply it to one file')
    .example('$0 --check', 'for CI: exit 1 if something would change')
    .epilogue('Exit codes: 0 fine, 1 something would change (--check), 2 usage or file errors.')
    .version(version)
    .alias('h', 'help')
    .alias('v', 'version')
    .parserConfiguration({ 'greedy-arrays': false, 'duplicate-arguments-array': true })
    .strict()
    .wrap(Math.min(100, Number(io.environment['COLUMNS'] ?? 100)))
    .exitProcess(false)
    .fail((message: string | null, error: unknown) => {
      problem ??= message ?? (error instanceof Error ? error.message : String(error));
    });
  const args = await parser.parse(
    // yargs drops a lone `-`.
    argv.filter((word) => word !== '-'),
    {},
    (_error, _args, output) => {
      printed = output;
    },
  );
  if (problem !== undefined) return usage(io, problem);
  if (printed !== '') {
    io.stdout(`${printed}\n`);
    return 0;
  }
  const { paths, context, transform, skip, color } = args;
  for (const name of ['context', 'stdinFilepath', 'format', 'style', 'builder'] as const)
    if (Array.isArray(args[name]))
      return usage(io, `--${name === 'stdinFilepath' ? 'stdin-filepath' : name} can be given once`);
  return {
    paths: [...(argv.includes('-') ? ['-'] : []), ...((paths as string[] | undefined) ?? [])],
    write: args.write,
    check: args.check,
    context,
    unsafe: args.unsafe,
    transform,
    skip,
    style: args.style,
    builder: args.builder,
    format: args.format,
    quiet: args.quiet,
    color,
    list: args.list,
    stdinFilepath: args['stdin-filepath'],
  };
}
