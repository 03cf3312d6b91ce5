/** What the commands share in reading their command lines. User mistakes come back as a message. */
import type { Argv } from 'yargs';
import { version } from '../index.ts';
import { usageError, type Io } from './io.ts';

/** `text` is what --help and --version print. */
export type Parsed<Options> = { readonly options: Options } | { readonly text: string } | { readonly mistake: string };

/** `--transform a,b --transform c` */
export function names(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).filter((name) => name !== '');
}

/** Which fixes, and in which context: the same options of every command that works out fixes. */
export const FIX_FLAGS = {
  config: {
    type: 'string',
    requiresArg: true,
    describe: 'configuration FILE, instead of finding it; --no-config: none',
  },
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
  history: { type: 'boolean', describe: "order copies by how often git's history changed their files" },
  builder: {
    choices: ['buildkit', 'buildah', 'kaniko', 'classic'] as const,
    requiresArg: true,
    describe: 'what must be able to build the result (default: buildkit)',
  },
} as const;

/** A number is the exit code: what was asked for, or what is wrong, has been printed. */
export async function parseOptions<Options>(
  argv: readonly string[],
  io: Io,
  define: (parser: Argv) => Argv<Options>,
  positional?: string,
): Promise<Values<Options> | number> {
  const parsed = await parseWith(argv, Number(io.environment['COLUMNS'] ?? 100), define, positional);
  if ('options' in parsed) return parsed.options;
  if ('mistake' in parsed) return usageError(io, parsed.mistake);
  io.stdout(parsed.text);
  return 0;
}

/** The same of `dockerfix NAME [paths..]`. */
export async function parseCommand<Options>(
  argv: readonly string[],
  io: Io,
  given: { readonly name: string; readonly describe: string },
  define: (parser: Argv) => Argv<Options>,
): Promise<(Values<Options> & { readonly given: readonly string[] }) | number> {
  const options = await parseOptions(
    argv,
    io,
    (parser) =>
      define(
        parser.command(`$0 [${given.name}..]`, false, (command) =>
          command.positional(given.name, { type: 'string', array: true, describe: given.describe }),
        ),
      ),
    given.name,
  );
  if (typeof options === 'number') return options;
  return {
    ...options,
    given: (options as Readonly<Record<string, readonly string[] | undefined>>)[given.name] ?? [],
  };
}

export const PATHS = { name: 'paths', describe: 'files, or directories to search (default: this one)' } as const;

type Values<Options> = { readonly [Name in keyof Options]: Options[Name] };

/** What is wrong where one of these numbers is given and counts nothing. */
export function notCounts<Name extends string>(
  options: { readonly [Option in Name]: number | undefined },
  names: readonly Name[],
): string | undefined {
  const name = names.find((each) => {
    const value = options[each];
    return value !== undefined && !(Number.isInteger(value) && value > 0);
  });
  return name === undefined ? undefined : `--${name} takes a whole number above 0`;
}

/** What the scripts of `dockerfix completion` call, with the words typed so far. */
export const COMPLETIONS = '--get-yargs-completions';

/** These, a line each, where the first word after the command is what is being typed; otherwise nothing. */
export function offered(argv: readonly string[], words: readonly string[]): string {
  return argv[0] === COMPLETIONS && argv.length === 3 ? words.map((word) => `${word}\n`).join('') : '';
}

/** What follows `--` is no option; yargs would give it to nobody. */
export function withoutDashes(argv: readonly string[]): readonly string[] {
  const end = argv[0] === COMPLETIONS ? -1 : argv.indexOf('--');
  if (end < 0) return argv;
  return [...argv.slice(0, end), ...argv.slice(end + 1).map((word) => (word.startsWith('-') ? `./${word}` : word))];
}

/** The values come by their names as written, undefined where not given. */
export async function parseWith<Options>(
  argv: readonly string[],
  columns: number,
  define: (parser: Argv) => Argv<Options>,
  positional = 'paths',
): Promise<Parsed<Values<Options>>> {
  const { default: yargs } = await import('yargs');
  let mistake: string | undefined;
  let text = '';
  const parser = define(yargs().scriptName('dockerfix'))
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
  const options = (await parser.parse([...withoutDashes(argv)], {}, (_error, _args, output) => {
    text = output;
  })) as unknown as Values<Options>;
  // A command line that is not finished has no mistakes.
  if (argv[0] === COMPLETIONS) return { text: text === '' ? '' : `${text}\n` };
  if (mistake !== undefined) return { mistake: oneLine(mistake) };
  if (text !== '') return { text: `${text}\n` };
  const { array: lists } = (parser as unknown as { getOptions(): { readonly array: readonly string[] } }).getOptions();
  const twice = Object.entries(options as object).find(
    // Each is also told in camelCase.
    ([name, value]) => Array.isArray(value) && !/[A-Z]/.test(name) && !['_', positional, ...lists].includes(name),
  )?.[0];
  if (twice !== undefined) return { mistake: `${twice.length === 1 ? '-' : '--'}${twice} can be given once` };
  return { options };
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
