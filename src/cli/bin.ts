#!/usr/bin/env node
import { main } from './index.ts';

// `dockerfix | head`: the reader has seen enough.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
// Files are written without waiting in between, so a signal is seen before the first or after the last.
for (const [signal, code] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.on(signal, () => process.exit(code));

async function start(): Promise<number> {
  return main(process.argv.slice(2), {
    cwd: process.cwd(),
    environment: process.env,
    isTerminal: process.stdout.isTTY,
    stdin: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  });
}

start().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const { message, stack, syscall } = error as NodeJS.ErrnoException;
    process.stderr.write(
      syscall === undefined
        ? `dockerfix: this is a bug in dockerfix, please report it: ${stack ?? message}\n`
        : `dockerfix: ${message}\n`,
    );
    process.exitCode = 2;
  },
);
