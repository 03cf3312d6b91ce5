/** Runs other programs: with a time-out, a log, and nothing left running when dockerfix ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly seconds?: number;
  /** It removes what it made when a RUN fails, and only then: not when it is itself ended. */
  readonly tidies?: boolean;
  /** Everything it prints goes there, and so is there however this ends. */
  readonly log?: string;
  /** Takes standard output as it comes, instead of `text`; where there is no log. */
  readonly output?: (stream: Readable) => Promise<void>;
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

/** Each, and whether it tidies up. */
const running = new Map<ChildProcess, boolean>();

/** That long one has to come to its next RUN and to tidy up. */
const GRACE_MILLISECONDS = 20_000;
const POLL_MILLISECONDS = 100;

/** Ends everything that was started here, and returns when it has ended. */
export function killAll(): void {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  for (const [child, tidies] of running)
    for (let waited = 0; tidies && waited < GRACE_MILLISECONDS && isRunning(child); waited += POLL_MILLISECONDS) {
      endCommand(child);
      Atomics.wait(nothing, 0, 0, POLL_MILLISECONDS);
    }
  for (const child of running.keys()) kill(child);
}

/** The program and what it started: each gets a process group of its own. */
function kill(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Asks Linux; elsewhere builders run in a machine of their own, and are not waited for. */
function isRunning({ pid }: ChildProcess): boolean {
  return !['', 'Z', 'X'].includes(statusOf(String(pid)).state);
}

/** Ends the RUN that a builder without a daemon is at. */
function endCommand({ pid }: ChildProcess): void {
  const parents = new Map(readdirSync('/proc').map((each) => [each, statusOf(each).parent]));
  for (const each of parents.keys()) {
    if (!/^buildah-\w+-runtime\0/.test(readText(`/proc/${each}/cmdline`))) continue;
    for (let at: string | undefined = each; at !== undefined; at = parents.get(at))
      if (at === String(pid)) process.kill(Number(each), 'SIGTERM');
  }
}

function statusOf(pid: string): { readonly state: string; readonly parent: string } {
  const [state = '', parent = ''] = /^.*\) (\w) (\d+)/s.exec(readText(`/proc/${pid}/stat`))?.slice(1) ?? [];
  return { state, parent };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export async function runProgram(
  program: string,
  argv: readonly string[],
  { cwd, environment, seconds, tidies = false, log, output }: RunOptions = {},
): Promise<Ran> {
  const started = performance.now();
  const file = log === undefined ? undefined : openSync(log, 'a');
  const child = spawn(program, argv, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', file ?? 'pipe', file ?? 'pipe'],
    detached: true,
  });
  running.set(child, tidies);
  let timedOut = false;
  const end = (waited: number): void => {
    timedOut = true;
    if (!tidies || waited >= GRACE_MILLISECONDS || !isRunning(child)) kill(child);
    else {
      endCommand(child);
      timer = setTimeout(end, POLL_MILLISECONDS, waited + POLL_MILLISECONDS);
    }
  };
  let timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000, 0);
  if (file !== undefined) closeSync(file);
  const texts: string[] = [];
  const take = (data: Buffer): void => void texts.push(data.toString());
  child.stderr?.on('data', take);
  let failure: unknown;
  const state = { killed: false };
  let consumed: Promise<void> | undefined;
  const { stdout } = child;
  if (stdout !== null && output !== undefined)
    consumed = output(stdout).catch((error: unknown) => {
      failure = error;
      // It may have closed its output because it failed.
      state.killed = !stdout.readableEnded;
      if (state.killed) kill(child);
    });
  else stdout?.on('data', take);
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
      text: (log === undefined ? '' : readFileSync(log, 'utf8')) + texts.join(''),
      seconds: (performance.now() - started) / 1000,
      timedOut,
      absent,
    };
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
}
