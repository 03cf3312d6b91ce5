/**
 * Calls git so that the repository it looks at gets to start nothing: no hook, monitor, filter, external diff or
 * transport.
 */
import { execFile, spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

const GIT_TIMEOUT_MS = 60_000;

/** `-c` beats the repository's own configuration, which must not get to start a program. */
const SAFE_GIT = ['core.fsmonitor=false', 'core.hooksPath=/dev/null', 'core.untrackedCache=false'].flatMap(
  (setting) => ['-c', setting],
);

/** Set inside git hooks, and would lead to another repository or index (`git rev-parse --local-env-vars`). */
const REDIRECTING =
  /^GIT_(?:DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|PREFIX|NAMESPACE)$/;

function environment(): Record<string, string | undefined> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !REDIRECTING.test(name)));
  // A partial clone would fetch what it lacks, by whatever transport its configuration names.
  return Object.assign(env, {
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOW_PROTOCOL: '',
    LC_ALL: 'C',
  });
}

function safely(directory: string, args: readonly string[]): string[] {
  return ['-C', directory, ...SAFE_GIT, ...args];
}

/** What it prints; undefined where it fails. */
export function git(directory: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((done) => {
    execFile(
      'git',
      safely(directory, args),
      { encoding: 'utf8', maxBuffer: 1 << 29, timeout: GIT_TIMEOUT_MS, killSignal: 'SIGKILL', env: environment() },
      (error, stdout) => done(error === null ? stdout : undefined),
    ).stdin?.end();
  });
}

/** The same without waiting for other work; `input` goes to its standard input. */
export function gitBytes(directory: string, args: readonly string[], input = ''): Buffer | undefined {
  const { status, stdout } = spawnSync('git', safely(directory, args), {
    input,
    maxBuffer: 1 << 29,
    timeout: GIT_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    env: environment(),
  });
  return status === 0 ? stdout : undefined;
}

/** For output that is read as it comes. */
export function gitStream(directory: string, args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
  return spawn('git', safely(directory, args), { stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
}
