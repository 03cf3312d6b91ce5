/** argv → options. User mistakes come back as a message. */
import type { Argv } from 'yargs';
import type { Target } from '../model.ts';
import { FORMATS, type FormatName } from '../reporters/reporter.ts';
import { COMMANDS } from './commands.ts';
import { COMPLETIONS, FIX_FLAGS, parseWith, withoutDashes, type Parsed } from './parser.ts';

export interface Options {
  readonly paths: readonly string[];
  readonly write: boolean;
  readonly check: boolean;
  readonly config?: string | false;
  readonly printConfig: boolean;
  readonly context?: string;
  readonly unsafe?: boolean;
  readonly transform?: readonly string[];
  readonly add?: readonly string[];
  readonly skip?: readonly string[];
  readonly style?: Target['style'];
  readonly builder?: Target['builder'];
  readonly history?: boolean;
  readonly format: 'text' | 'diff' | FormatName;
  readonly quiet: boolean;
  readonly color?: boolean;
  readonly list: boolean;
  readonly stdinFilepath?: string;
  readonly report?: string;
}

const DEFAULTS: Options = {
  paths: [],
  write: false,
  check: false,
  printConfig: false,
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
  '--history': { history: true },
  '--no-config': { config: false },
  '--print-config': { printConfig: true },
};

export async function parseArguments(given: readonly string[], columns: number): Promise<Parsed<Options>> {
  const argv = withoutDashes(given);
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

async function parseWithYargs(argv: readonly string[], columns: number): Promise<Parsed<Options>> {
  const parsed = await parseWith(
    // yargs drops a lone `-`.
    argv[0] === COMPLETIONS ? argv : argv.filter((word) => word !== '-'),
    columns,
    (parser) =>
      (argv[0] === COMPLETIONS ? withCommands(parser) : parser)
        .usage(
          '$0 [paths..]\n\nShows, as a diff, how Dockerfiles can stop re-installing dependencies on each source edit.',
        )
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
          ...FIX_FLAGS,
          report: { type: 'string', requiresArg: true, describe: 'also write FILE.html, a page to look at' },
          format: {
            choices: ['text', 'diff', ...(Object.keys(FORMATS) as FormatName[])] as const,
            requiresArg: true,
            describe:
              'text: diff, and a line for each finding on standard error; diff: the patch alone; others: docs/reporters.md',
          },
          quiet: { alias: 'q', type: 'boolean', describe: 'only the diff and errors' },
          color: { type: 'boolean', describe: 'colour the diff (default: on a terminal)' },
          list: { type: 'boolean', describe: 'list transforms and package managers' },
          'print-config': { type: 'boolean', describe: 'print the configuration that holds for each Dockerfile' },
          'stdin-filepath': { type: 'string', requiresArg: true, describe: 'FILE that the text on standard input is' },
        })
        .example('$0', 'show what would change below this directory')
        .example('$0 --write api/Dockerfile', 'the same for one file, in place')
        .example('$0 --check', 'for CI: exit 1 if something would change')
        .epilogue(`${commandList()}Exit codes: 0 fine, 1 something would change (--check), 2 usage or file errors.`),
  );
  if (!('options' in parsed)) return parsed;
  const given = parsed.options;
  const { paths = [] } = given as { readonly paths?: readonly string[] };
  const { write, check, context, unsafe, transform, add, skip, style, builder, format, quiet, color, list, report } =
    given;
  const known = {
    ...{
      write,
      check,
      config: given.config,
      printConfig: given['print-config'],
      context,
      unsafe,
      transform,
      add,
      skip,
      style,
      builder,
      format,
      quiet,
      color,
      list,
      report,
    },
    stdinFilepath: given['stdin-filepath'],
  };
  return {
    options: {
      ...DEFAULTS,
      ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
      paths: [...argv.filter((word) => word === '-'), ...paths],
    },
  };
}

/** Their names are offered; what follows one of them is completed by its own parser. */
function withCommands(parser: Argv): Argv {
  return Object.entries(COMMANDS).reduce((each, [name, { summary }]) => each.command(name, summary), parser);
}

function commandList(): string {
  const names = Object.keys(COMMANDS);
  if (names.length === 0) return '';
  const width = Math.max(...names.map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`);
  return `Commands (dockerfix COMMAND --help):\n${lines.join('')}\n`;
}
