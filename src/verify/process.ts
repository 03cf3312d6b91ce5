/** Runs other programs: with a time-out, a log, and nothing left running when dockerfix ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly seconds?: number;
  /** Everything it prints goes there too. */
  readonly log?: string;
  /** Takes standard output as it comes, instead of `text`. */
  readonly output?: (stream: Readable) => Promise<void>;
  /** Called with each line of either stream. */
  readonly line?: (line: string) => void;
}

export interface Ran {
  /** 0 where it went well. */
  readonly code: number;
  /** What it printed to either stream; only standard error where `output` took the rest. */
  readonly text: string;
  readonly seconds: number;
  readonly timedOut: boolean;
  /** It could not be started at all. */
  readonly absent: boolean;
}

const running = new Set<ChildProcess>();

/** Ends everything that was started here. */
export function killAll(): void {
  for (const child of running) kill(child);
}

/** The program and what it started: each gets a process group of its own. */
function kill(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

export async function runProgram(
  program: string,
  argv: readonly string[],
  { cwd, environment, seconds, log, output, line }: RunOptions = {},
): Promise<Ran> {
  const started = performance.now();
  const child = spawn(program, argv, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  let timedOut = false;
  const timer =
    seconds === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          kill(child);
        }, seconds * 1000);
  const file = log === undefined ? undefined : createWriteStream(log);
  const texts: string[] = [];
  let rest = '';
  const take = (data: Buffer): void => {
    const text = data.toString();
    texts.push(text);
    file?.write(text);
    if (line === undefined) return;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(line);
  };
  child.stderr.on('data', take);
  let failure: unknown;
  const state = { killed: false };
  let consumed: Promise<void> | undefined;
  if (output === undefined) child.stdout.on('data', take);
  else
    consumed = output(child.stdout).catch((error: unknown) => {
      failure = error;
      state.killed = child.exitCode === null;
      kill(child);
    });
  try {
    const { code, absent } = await new Promise<{ code: number; absent: boolean }>((resolve) => {
      child.on('error', (error) => {
        texts.push(error.message);
        resolve({ code: 127, absent: true });
      });
      child.on('close', (code) => {
        resolve({ code: code ?? 137, absent: false });
      });
    });
    if (!absent) await consumed;
    // Where the program failed, what is wrong with its output follows from that.
    if (failure !== undefined && (code === 0 || state.killed)) throw failure as Error;
    return {
      code: failure === undefined ? code : code || 1,
      text: texts.join(''),
      seconds: (performance.now() - started) / 1000,
      timedOut,
      absent,
    };
  } finally {
    clearTimeout(timer);
    running.delete(child);
    if (file !== undefined) {
      file.end();
      await finished(file);
    }
  }
}
