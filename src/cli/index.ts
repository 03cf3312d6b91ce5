/** Turns a command line into a call and an exit code: 0 fine, 1 changes offered under --check, 2 the tool or its usage failed. */
import { realpathSync } from 'node:fs';
import { managers, transforms, type FixOptions } from '../index.ts';
import { parseArguments } from './arguments.ts';
import { usageError, type Io } from './io.ts';
import { report } from './report.ts';
import { openDirectory, run } from './run.ts';
import { rewriteStandardInput } from './stdin.ts';

/** Returns the exit code. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const parsed = await parseArguments(argv, Number(io.environment['COLUMNS'] ?? 100));
  if ('mistake' in parsed) return usageError(io, parsed.mistake);
  if ('text' in parsed) {
    io.stdout(parsed.text);
    return 0;
  }
  const { options } = parsed;
  if (options.list) {
    io.stdout(listing());
    return 0;
  }
  const unknown = [...(options.transform ?? []), ...(options.add ?? []), ...(options.skip ?? [])].find(
    (name) => !transforms.some((each) => each.name === name),
  );
  if (unknown !== undefined) {
    const known = transforms.map((each) => each.name).join(', ');
    return usageError(io, `there is no transform \`${unknown}\`; there are: ${known}`);
  }
  if (options.write && options.check) return usageError(io, '--write and --check exclude each other');
  const cwd = realpathSync(io.cwd);
  const context = options.context === undefined ? undefined : await openDirectory(cwd, options.context);
  if (typeof context === 'string') return usageError(io, `--context ${options.context ?? ''}: ${context}`);
  const request = {
    cwd,
    ...(context === undefined ? {} : { context }),
    fix: {
      unsafe: options.unsafe,
      target: { style: options.style, builder: options.builder },
      ...(options.transform === undefined ? {} : { only: options.transform }),
      ...(options.add === undefined ? {} : { add: options.add }),
      ...(options.skip === undefined ? {} : { skip: options.skip }),
    } satisfies FixOptions,
  };
  if (options.paths.includes('-')) return rewriteStandardInput(options, request, io);
  const paths = options.paths.length === 0 ? ['.'] : options.paths;
  return report(await run({ ...request, paths }), options, io);
}

function listing(): string {
  const width = Math.max(...[...transforms, ...managers].map((each) => each.name.length));
  const rows = (items: readonly { readonly name: string; readonly summary: string }[]): string =>
    items.map((each) => `  ${each.name.padEnd(width)}  ${each.summary}\n`).join('');
  const usual = transforms.filter((each) => each.optIn !== true);
  const asked = transforms.filter((each) => each.optIn === true);
  return `Transforms, in the order in which they are tried:\n${rows(usual)}\nTransforms that run with --add or --transform:\n${rows(asked)}\nPackage managers:\n${rows(managers)}`;
}
