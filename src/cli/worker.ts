/** `dockerfix worker --queue redis://HOST`: takes repositories off the queue of `dockerfix batch --queue`. */
import { availableParallelism } from 'node:os';
import { connectionOf, digest, unreachable } from '../batch/queue.ts';
import { work } from '../batch/worker.ts';
import { version } from '../index.ts';
import { printable } from '../reporters/text.ts';
import { usageError, type Io } from './io.ts';
import { FIX_FLAGS, notCounts, parseOptions } from './parser.ts';
import { fixRequest } from './request.ts';

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = await parseOptions(argv, io, (parser) =>
    parser
      .usage(
        '$0 worker --queue redis://HOST\n\nTakes repositories off the queue of `dockerfix batch --queue`, on any number of machines.',
      )
      .options({
        queue: { type: 'string', requiresArg: true, demandOption: true, describe: 'redis://HOST:PORT, or rediss://' },
        concurrency: { type: 'number', requiresArg: true, describe: 'threads (default: one for each processor)' },
        idle: { type: 'number', requiresArg: true, describe: 'end after SECONDS without work (default: never)' },
        lock: {
          type: 'number',
          requiresArg: true,
          describe: 'a worker not heard of for SECONDS has lost its repositories to others (default: 30)',
        },
        config: FIX_FLAGS.config,
        quiet: { alias: 'q', type: 'boolean', describe: 'say nothing of each repository' },
      }),
  );
  if (typeof options === 'number') return options;
  const wrong = notCounts(options, ['concurrency', 'idle', 'lock']);
  if (wrong !== undefined) return usageError(io, wrong);
  const connection = connectionOf(options.queue, io.environment);
  if (typeof connection === 'string') return usageError(io, connection);
  const { config } = options as { readonly config?: string | false };
  const request = await fixRequest({ config }, io.cwd);
  if (typeof request === 'string') return usageError(io, request);
  const trouble = await unreachable(connection);
  if (trouble !== undefined) return usageError(io, trouble);
  await work({
    connection,
    cwd: request.cwd,
    config,
    concurrency: options.concurrency ?? availableParallelism(),
    lock: (options.lock ?? 30) * 1000,
    idle: options.idle === undefined ? undefined : options.idle * 1000,
    tool: version,
    configuration: digest(request.configurationFile),
    say: (line) => {
      if (options.quiet !== true) io.stderr(`${printable(line)}\n`);
    },
  });
  return 0;
}
