/** Many repositories, some at a time: each is brought here if need be, looked at in a thread, and journaled. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { clone, CloneError } from './clone.ts';
import type { Journal } from './journal.ts';
import { counted, NO_COUNTS, patchPath, replaceFile, type Counts, type Result } from './results.ts';
import type { Target } from './targets.ts';

/** What a thread is given and gives back. */
export interface Task {
  readonly root: string;
  /** Where the command runs: its configuration counts, not the repository's. */
  readonly cwd: string;
  readonly flags: unknown;
}
export type Finding = Pick<Result, 'status' | 'files' | 'notes' | 'patch'>;

export interface BatchOptions {
  readonly folder: string;
  readonly cwd: string;
  readonly flags: unknown;
  readonly concurrency: number;
  /** Milliseconds for one repository. */
  readonly timeout: number;
  readonly maxBytes: number;
  readonly onResult: (result: Result, counts: Counts) => void;
}

/** A thread that needs more is ended, and its repository has failed. */
const THREAD_MEGABYTES = 1024;

export async function runBatch(
  targets: readonly Target[],
  journal: Journal,
  { folder, cwd, flags, concurrency, timeout, maxBytes, onResult }: BatchOptions,
): Promise<Counts> {
  const work = join(folder, 'work');
  // What a run that was killed left there.
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  mkdirSync(join(folder, 'patches'), { recursive: true });
  const pool = new Piscina<Task, Finding>({
    filename: new URL('./batch-worker.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: concurrency,
    resourceLimits: { maxOldGenerationSizeMb: THREAD_MEGABYTES },
  });
  let counts = NO_COUNTS;
  const one = async (target: Target): Promise<void> => {
    const started = performance.now();
    const signal = AbortSignal.timeout(timeout);
    const { id, kind, location } = target;
    let found: Pick<Result, 'status' | 'files' | 'notes' | 'patch' | 'commit' | 'error'>;
    const place = kind === 'clone' ? mkdtempSync(join(work, 'clone-')) : undefined;
    try {
      const commit = place === undefined ? undefined : await clone(location, place, { signal, maxBytes });
      const task: Task = { root: place ?? location, cwd, flags };
      found = { ...(await pool.run(task, { signal })), ...(commit === undefined ? {} : { commit }) };
    } catch (error) {
      found = { status: 'failed', files: [], notes: [], patch: '', error: whyFailed(error, signal, timeout) };
    } finally {
      if (place !== undefined) await discard(place);
    }
    const result: Result = {
      version: 1,
      id,
      kind,
      location,
      ...found,
      milliseconds: Math.round(performance.now() - started),
    };
    await journal.append([{ event: 'result', result }]);
    if (result.patch !== '') replaceFile(patchPath(folder, id), result.patch);
    counts = counted(counts, result.status);
    onResult(result, counts);
  };
  const queue = targets.values();
  // Twice as many as threads: a clone waits for the network.
  const lanes = Array.from({ length: concurrency * 2 }, async () => {
    for (const target of queue) await one(target);
  });
  try {
    await Promise.all(lanes);
  } finally {
    await pool.destroy();
    await discard(work);
  }
  return counts;
}

/** A git that was just killed may still be writing there; what stays is cleared by the next run. */
async function discard(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }).catch(() => undefined);
}

function whyFailed(error: unknown, signal: AbortSignal, timeout: number): { code: string; message: string } {
  if (error instanceof CloneError) return { code: error.code, message: error.message };
  if (signal.aborted) return { code: 'timed-out', message: `it took longer than ${timeout / 1000} s; raise --timeout` };
  const { code, message } = error as { readonly code?: string; readonly message: string };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY')
    return { code: 'out-of-memory', message: 'it needs more memory than there is' };
  return { code: 'internal-error', message: `this is a bug in dockerfix, please report it: ${message}` };
}
