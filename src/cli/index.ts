/** Turns a command line into a call and an exit code: 0 fine, 1 changes offered under --check, 2 the tool or its usage failed. */
import { managers } from '../index.ts';
import type { Transform } from '../model.ts';
import { parseArguments } from './arguments.ts';
import { usageError, type Io } from './io.ts';
import { report } from './report.ts';
import { run } from '../run.ts';
import { COMMANDS, type Command } from './commands.ts';
import { COMPLETIONS } from './parser.ts';
import { fixRequest } from './request.ts';
import { rewriteStandardInput } from './stdin.ts';

/** Returns the exit code. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [name = '', ...rest] = argv;
  // A path of a command's name is told with `./`.
  if (Object.hasOwn(COMMANDS, name)) return (await (COMMANDS[name] as Command).load()).run(rest, io);
  if (name === COMPLETIONS) {
    const code = await (await import('./completion.ts')).complete(rest, io);
    if (code !== undefined) return code;
  }
  const parsed = await parseArguments(argv, Number(io.environment['COLUMNS'] ?? 100));
  if ('mistake' in parsed) return usageError(io, parsed.mistake);
  if ('text' in parsed) {
    io.stdout(parsed.text);
    return 0;
  }
  const { options } = parsed;
  if (options.write && options.check) return usageError(io, '--write and --check exclude each other');
  const request = await fixRequest(options, io.cwd);
  if (typeof request === 'string') return usageError(io, request);
  if (options.list) {
    io.stdout(listing(request.transforms));
    return 0;
  }
  if (options.printConfig) return (await import('./print-config.ts')).printConfig(options, request, io);
  if (options.paths.includes('-')) return rewriteStandardInput(options, request, io);
  const paths = options.paths.length === 0 ? ['.'] : options.paths;
  const found = await run({ ...request, paths });
  if (options.report === undefined) return report(found, options, io);
  // Loaded only here: a plain run does without history and page.
  const { reportRun } = await import('./html.ts');
  const trouble = await reportRun(options.report, found, options, io);
  return trouble ?? report(found, options, io);
}

function listing(transforms: readonly Transform[]): string {
  const width = Math.max(...[...transforms, ...managers].map((each) => each.name.length));
  const rows = (items: readonly { readonly name: string; readonly summary: string }[]): string =>
    items.map((each) => `  ${each.name.padEnd(width)}  ${each.summary}\n`).join('');
  const usual = transforms.filter((each) => each.optIn !== true);
  const asked = transforms.filter((each) => each.optIn === true);
  return `Transforms, in the order in which they are tried:\n${rows(usual)}\nTransforms that run with --add or --transform:\n${rows(asked)}\nPackage managers:\n${rows(managers)}`;
}
