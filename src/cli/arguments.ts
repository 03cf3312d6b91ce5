/** argv → options. User mistakes come back as a message. */
import { version } from '../index.ts';
import type { Target } from '../model.ts';

export interface Options {
  readonly paths: readonly string[];
  readonly write: boolean;
  readonly check: boolean;
  readonly context?: string;
  readonly unsafe: boolean;
  readonly transform?: readonly string[];
  readonly add?: readonly string[];
  readonly skip?: readonly string[];
  readonly style: Target['style'];
  readonly builder: Target['builder'];
  readonly format: 'text' | 'diff' | 'json';
  readonly quiet: boolean;
  readonly color?: boolean;
  readonly list: boolean;
  readonly stdinFilepath?: string;
}

/** `text` is what --help and --version print. */
export type Parsed = { readonly options: Options } | { readonly text: string } | { readonly mistake: string };

const DEFAULTS: Options = {
  paths: [],
  write: false,
  check: false,
  unsafe: false,
  style: 'copy',
  builder: 'buildkit',
  format: 'text',
  quiet: false,
  list: false,
};

/** Understood without yargs, which takes longer to load than everything else together. */
const SWITCHES: Readonly<Record<string, Partial<Options>>> = {
  '--write': { write: true },
  '--check': { check: true },
  '--unsafe': { unsafe: true },
  '--quiet': { quiet: true },
  '-q': { quiet: true },
  '--list': { list: true },
};

export async function parseArguments(argv: readonly string[], columns: number): Promise<Parsed> {
  const isPath = (word: string): boolean => word === '-' || !word.startsWith('-');
  if (argv.every((word) => isPath(word) || Object.hasOwn(SWITCHES, word)))
    return {
      options: Object.assign(
        { ...DEFAULTS, paths: argv.filter(isPath) },
        ...argv.map((word) => (isPath(word) ? {} : SWITCHES[word])),
      ) as Options,
    };
  return parseWithYargs(argv, columns);
}

/** `--transform a,b --transform c` */
function names(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).filter((name) => name !== '');
}

async function parseWithYargs(argv: readonly string[], columns: number): Promise<Parsed> {
  const { default: yargs } = await import('yargs');
  let mistake: string | undefined;
  let text = '';
  const parser = yargs()
    .scriptName('dockerfix')
    .usage('$0 [paths..]\n\nShows, as a diff, how Dockerfiles can stop re-installing dependencies on each source edit.')
    .command('$0 [paths..]', false, (command) =>
      command.positional('paths', {
        type: 'string',
        array: true,
        describe: 'files, or directories to search (default: this one); - for standard input',
      }),
    )
    .options({
      write: { type: 'boolean', describe: 'apply the changes' },
      check: { type: 'boolean', describe: 'change nothing, exit 1 if something would change' },
      context: { type: 'string', requiresArg: true, describe: 'build context DIR, instead of finding it' },
      unsafe: { type: 'boolean', describe: 'apply fixes that could change something, too' },
      transform: {
        type: 'string',
        array: true,
        requiresArg: true,
        coerce: names,
        describe: 'only these transforms (NAME,NAME or given again)',
      },
      add: {
        type: 'string',
        array: true,
        requiresArg: true,
        coerce: names,
        describe: 'these transforms too, which run only where they are asked for',
      },
      skip: { type: 'string', array: true, requiresArg: true, coerce: names, describe: 'all but these transforms' },
      style: {
        choices: ['copy', 'parents', 'bind'] as const,
        requiresArg: true,
        describe: 'how manifests are brought in (default: copy)',
      },
      builder: {
        choices: ['buildkit', 'buildah', 'kaniko', 'classic'] as const,
        requiresArg: true,
        describe: 'what must be able to build the result (default: buildkit)',
      },
      format: {
        choices: ['text', 'diff', 'json'] as const,
        requiresArg: true,
        describe: 'text: diff, and a line for each finding on standard error; diff: the patch alone; json: everything',
      },
      quiet: { alias: 'q', type: 'boolean', describe: 'only the diff and errors' },
      color: { type: 'boolean', describe: 'colour the diff (default: on a terminal)' },
      list: { type: 'boolean', describe: 'list transforms and package managers' },
      'stdin-filepath': { type: 'string', requiresArg: true, describe: 'FILE that the text on standard input is' },
    })
    .example('$0', 'show what would change below this directory')
    .example('$0 --write api/Dockerfile', 'the same for one file, in place')
    .example('$0 --check', 'for CI: exit 1 if something would change')
    .epilogue('Exit codes: 0 fine, 1 something would change (--check), 2 usage or file errors.')
    .version(version)
    .alias('h', 'help')
    .alias('v', 'version')
    .parserConfiguration({ 'greedy-arrays': false, 'duplicate-arguments-array': true })
    .strict()
    .detectLocale(false)
    .wrap(Math.min(100, columns))
    .exitProcess(false)
    .fail((message: string | null, error: unknown) => {
      mistake ??= message ?? (error instanceof Error ? error.message : String(error));
    });
  const args = await parser.parse(
    // yargs drops a lone `-`.
    argv.filter((word) => word !== '-'),
    {},
    (_error, _args, output) => {
      text = output;
    },
  );
  if (mistake !== undefined) return { mistake: oneLine(mistake) };
  if (text !== '') return { text: `${text}\n` };
  const given = {
    write: args.write,
    check: args.check,
    context: args.context,
    unsafe: args.unsafe,
    transform: args.transform,
    add: args.add,
    skip: args.skip,
    style: args.style,
    builder: args.builder,
    format: args.format,
    quiet: args.quiet,
    color: args.color,
    list: args.list,
    stdinFilepath: args['stdin-filepath'],
  };
  for (const name of ['context', 'stdinFilepath', 'format', 'style', 'builder'] as const)
    if (Array.isArray(given[name]))
      return { mistake: `--${name === 'stdinFilepath' ? 'stdin-filepath' : name} can be given once` };
  const paths = [...argv.filter((word) => word === '-'), ...((args.paths as string[] | undefined) ?? [])];
  return {
    options: {
      ...DEFAULTS,
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      paths,
    },
  };
}

function oneLine(message: string): string {
  const [first = '', ...rest] = message.split('\n').map((line) => line.trim());
  const unknown = /^Unknown arguments?: (.+)$/.exec(first)?.[1];
  if (unknown !== undefined) {
    // Each is also told in camelCase.
    const kebab = unknown.split(', ').filter((name) => !/[A-Z]/.test(name));
    return `there is no option ${kebab.map((name) => `${name.length === 1 ? '-' : '--'}${name}`).join(', ')}`;
  }
  return [first, ...rest].filter((line) => line !== '').join(' ');
}
