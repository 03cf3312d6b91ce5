/**
 * A clone that is only read. Nothing of the repository runs: no hook, filter, monitor or submodule, and no attribute of
 * its own counts on checkout. Sizes are bounded while it arrives.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CloneLimits {
  readonly signal: AbortSignal;
  /** Of what is downloaded, and of what is checked out. */
  readonly maxBytes: number;
  /** For git, on top of the command's own: a forge's token. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

export class CloneError extends Error {
  readonly code: string;
  /** All that git said. */
  readonly output: string;
  constructor(code: string, message: string, output = '') {
    super(message);
    this.code = code;
    this.output = output;
  }
}

/** No manifest is larger; such a file is known by name only. */
const MAX_FILE_BYTES = 20 * 1024 * 1024;
const MAX_FILES = 300_000;

const SAFE = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.untrackedCache=false',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'protocol.allow=never',
  'gc.auto=0',
  'maintenance.auto=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=60',
];

/** Returns the commit. Throws a CloneError. */
export async function clone(url: string, into: string, limits: CloneLimits): Promise<string> {
  await bounded(into, limits, (signal) =>
    git(
      [
        'clone',
        '--quiet',
        '--no-checkout',
        '--depth=1',
        '--single-branch',
        '--no-tags',
        '--no-recurse-submodules',
        '--template=',
        `--filter=blob:limit=${MAX_FILE_BYTES}`,
        '--',
        url,
        into,
      ],
      [allowProtocol(url)],
      signal,
      { environment: limits.environment },
    ),
  );
  // These attributes beat those of the tree: nothing is filtered, converted or expanded.
  mkdirSync(join(into, '.git/info'), { recursive: true });
  writeFileSync(join(into, '.git/info/attributes'), '* -filter -text -ident -working-tree-encoding\n');
  const inside = (args: readonly string[], input?: string): Promise<string> =>
    git(['-C', into, ...args], [], limits.signal, { input });
  const commit = (await inside(['rev-parse', '--verify', '--quiet', 'HEAD']).catch(noCommit)).trim();
  // Only what has arrived is listed, so nothing is asked of the server.
  const sizes = new Map<string, number>();
  const present = await inside(['cat-file', '--batch-all-objects', '--batch-check=%(objectname) %(objectsize)']);
  for (const line of present.split('\n')) {
    const [name = '', size = ''] = line.split(' ');
    if (name !== '') sizes.set(name, Number(size));
  }
  const left: string[] = [];
  let total = 0;
  let files = 0;
  for (const entry of (await inside(['ls-tree', '-r', '-z', '--full-tree', 'HEAD'])).split('\0')) {
    const match = /^\d+ blob ([0-9a-f]+)\t([^]*)$/.exec(entry);
    if (match === null) continue;
    const size = sizes.get(match[1] as string) ?? Infinity;
    if (size > MAX_FILE_BYTES) left.push(match[2] as string);
    else total += size;
    if (++files > MAX_FILES) throw new CloneError('too-many-files', `it has more than ${MAX_FILES} files`);
  }
  if (total > limits.maxBytes) throw tooLarge(limits.maxBytes);
  await inside(['read-tree', 'HEAD']);
  if (left.length > 0)
    await inside(['update-index', '--skip-worktree', '-z', '--stdin'], left.map((path) => `${path}\0`).join(''));
  await inside(['checkout-index', '--all', '--quiet']);
  return commit;
}

function noCommit(error: unknown): never {
  throw error instanceof CloneError
    ? new CloneError('no-commit', 'it is empty, or its default branch is not there', error.output)
    : error;
}

/** Brings so many commits and their trees to a clone, but no file of them. */
export async function deepen(url: string, root: string, commits: number, limits: CloneLimits): Promise<void> {
  await bounded(root, limits, (signal) =>
    git(
      [
        '-C',
        root,
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-recurse-submodules',
        '--no-write-fetch-head',
        // One more: a commit is compared with its parent.
        `--depth=${commits + 1}`,
        '--filter=blob:none',
        'origin',
      ],
      [allowProtocol(url)],
      signal,
      { environment: limits.environment },
    ),
  );
}

interface GitOptions {
  readonly input?: string | undefined;
  readonly environment?: CloneLimits['environment'];
}

/** The one transport that a URL needs. */
export function allowProtocol(url: string): string {
  return `protocol.${/^([a-z]+):\/\//.exec(url)?.[1] ?? 'ssh'}.allow=always`;
}

async function bounded(
  root: string,
  limits: CloneLimits,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const watch = watchSize(join(root, '.git/objects/pack'), limits);
  try {
    await work(watch.signal);
  } catch (error) {
    throw watch.tooLarge() ? tooLarge(limits.maxBytes) : error;
  } finally {
    watch.stop();
  }
}

function tooLarge(maxBytes: number): CloneError {
  return new CloneError('too-large', `it is larger than ${Math.round(maxBytes / 1e6)} MB; raise --max-size to take it`);
}

/** Aborts the clone once it has brought too much. */
function watchSize(
  directory: string,
  { signal, maxBytes }: CloneLimits,
): { readonly signal: AbortSignal; tooLarge(): boolean; stop(): void } {
  const large = new AbortController();
  const timer = setInterval(() => {
    try {
      const size = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
      if (size > maxBytes) large.abort();
    } catch {
      // Not there yet, or renamed in between.
    }
  }, 200);
  return {
    signal: AbortSignal.any([signal, large.signal]),
    tooLarge: () => large.signal.aborted,
    stop: () => clearInterval(timer),
  };
}

/** Runs nothing of the repository. What it takes and gives are bytes, one in each character. Throws a CloneError. */
export function git(
  args: readonly string[],
  settings: readonly string[],
  signal: AbortSignal,
  { input, environment }: GitOptions = {},
): Promise<string> {
  const env: Record<string, string | undefined> = {
    ...process.env,
    ...environment,
    GIT_TERMINAL_PROMPT: '0',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_SSH_COMMAND: process.env['GIT_SSH_COMMAND'] ?? 'ssh -oBatchMode=yes',
    LC_ALL: 'C',
  };
  // Set inside git hooks, and would lead to another repository.
  for (const name of Object.keys(env))
    if (
      /^GIT_(?:DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|PREFIX|NAMESPACE|TEMPLATE_DIR|ALLOW_PROTOCOL)$/.test(
        name,
      )
    )
      env[name] = undefined;
  const all = [...[...SAFE, ...settings].flatMap((setting) => ['-c', setting]), ...args];
  return new Promise((done, failed) => {
    // A group of its own: what git starts ends with it, and writes no more into what is then removed.
    const child = spawn('git', all, { stdio: 'pipe', env, detached: true });
    const end = (): void => endGroup(child);
    running.add(child);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    const output: Buffer[] = [];
    let bytes = 0;
    let complaint = '';
    child.stdout.on('data', (data: Buffer) => {
      output.push(data);
      if ((bytes += data.length) > MAX_OUTPUT) end();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-10_000);
    });
    // git may be gone before it has read everything; its exit code tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '', 'latin1');
    child.on('error', (error) => failed(new CloneError('git-failed', error.message)));
    child.on('close', (code) => {
      running.delete(child);
      signal.removeEventListener('abort', end);
      // Names need not be UTF-8: so they come back to git as they were.
      if (code === 0) done(Buffer.concat(output).toString('latin1'));
      // As its own message would be, so that it is tried again.
      else if (signal.aborted && (signal.reason as Error).name === 'TimeoutError')
        failed(new CloneError('timed-out', 'git got no answer in time', 'timed out'));
      else if (signal.aborted) failed(new Error('aborted'));
      else failed(new CloneError('git-failed', complaintOf(complaint) || `git ended with ${String(code)}`, complaint));
    });
  });
}

const MAX_OUTPUT = 1 << 28;
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach(endGroup));

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** What follows the first complaint only advises. */
function complaintOf(text: string): string {
  const lines = text.trim().split('\n');
  return (lines.find((line) => /^(?:fatal|error):/.test(line)) ?? lines.at(-1) ?? '').trim();
}
