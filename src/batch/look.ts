/** One repository: brought here if need be, and looked at in a thread. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { Piscina } from 'piscina';
import { clone, CloneError, deepen, type CloneLimits } from './clone.ts';
import type { Log } from './log.ts';
import { patiently } from './patience.ts';
import type { Result } from './results.ts';
import type { Target } from './targets.ts';
import type { Write } from './writing.ts';

/** What a thread is given and gives back. */
export interface Task {
  readonly root: string;
  /** Where the command runs: its configuration counts, not the repository's. */
  readonly cwd: string;
  readonly flags: unknown;
  /** Commits to replay; undefined: not now. */
  readonly history: number | undefined;
}
export type Found = Pick<Result, 'status' | 'files' | 'notes' | 'patch' | 'commit' | 'error' | 'replay'>;
export interface Finding extends Found {
  /** Makes of the files what the patch says. */
  readonly writes: readonly Write[];
}

export interface LookSettings {
  readonly cwd: string;
  readonly flags: unknown;
  /** Milliseconds for one repository. */
  readonly timeout: number;
  readonly maxBytes: number;
  /** Commits to replay. */
  readonly history: number;
  /** For git, where a clone needs more than the operator's own helpers. */
  readonly gitEnvironment?: (target: Target) => Promise<CloneLimits['environment']>;
}

export interface Looker {
  /** Never throws: what went wrong is in what it finds. `place` is where a clone goes. */
  look(target: Target, place: string | undefined, settings: LookSettings, log: Log): Promise<Finding>;
  /** A directory for a clone. */
  place(): string;
  close(): Promise<void>;
}

/** Commits by which `--history` orders copies, as of a checkout. */
const ORDERED_BY = 500;

/** A thread that needs more is ended, and its repository has failed. */
const THREAD_MEGABYTES = 1024;

export function openLooker(work: string, concurrency: number): Looker {
  mkdirSync(work, { recursive: true });
  const pool = new Piscina<Task, Finding>({
    filename: new URL('./batch-worker.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: concurrency,
    resourceLimits: { maxOldGenerationSizeMb: THREAD_MEGABYTES },
  });
  // One that waits for a thread has begun nothing: the clock of another repository is not its own.
  const thread = pLimit(concurrency);
  return {
    async look(target, place, settings, log) {
      const { kind, location } = target;
      const clock = clockOf(settings.timeout);
      const inThread = (task: Task): Promise<Finding> =>
        thread(() => clock.run((signal) => pool.run(task, { signal })));
      const { cwd, flags, history, maxBytes } = settings;
      try {
        if (place === undefined || kind === 'directory') {
          const found = await inThread({ root: location, cwd, flags, history });
          log(`looked at: ${found.status}`);
          return found;
        }
        const environment = await settings.gitEnvironment?.(target);
        const commit = await clock.run((signal) =>
          patiently(() => clone(location, place, { signal, maxBytes, environment }), signal),
        );
        log(`cloned: ${commit}`);
        const bring = async (commits: number): Promise<boolean> => {
          try {
            await clock.run((signal) => deepen(location, place, commits, { signal, maxBytes, environment }));
            log('brought its history');
            return true;
          } catch (error) {
            // The patch stands without it.
            log(`its history did not come: ${whyFailed(error, clock.late(), settings.timeout).message}`);
            return false;
          }
        };
        const isOrdered = ordersByHistory(flags);
        if (isOrdered) await bring(Math.max(history, ORDERED_BY));
        const found = {
          ...(await inThread({ root: place, cwd, flags, history: isOrdered ? history : undefined })),
          commit,
        };
        log(`looked at: ${found.status}`);
        // Only what would change is replayed, and only for that the history of a clone is fetched.
        if (isOrdered || found.status !== 'changed' || history === 0 || !(await bring(history))) return found;
        return { ...(await inThread({ root: place, cwd, flags, history })), commit };
      } catch (error) {
        const trouble = whyFailed(error, clock.late(), settings.timeout);
        log(`failed: ${trouble.code} ${trouble.message}`);
        if (error instanceof CloneError && error.output !== '') log(error.output.trimEnd());
        if (trouble.code === 'internal-error' && error instanceof Error) log(error.stack ?? '');
        return { status: 'failed', files: [], notes: [], patch: '', writes: [], error: trouble };
      }
    },
    place: () => mkdtempSync(join(work, 'clone-')),
    close: () => pool.destroy(),
  };
}

function ordersByHistory(flags: unknown): boolean {
  return (flags as { readonly history?: boolean }).history === true;
}

/** Runs only while there is work on the repository. */
function clockOf(timeout: number): {
  run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  late(): boolean;
} {
  let left = timeout;
  let late = false;
  return {
    async run(work) {
      const stop = new AbortController();
      const started = performance.now();
      const timer = setTimeout(
        () => {
          late = true;
          stop.abort();
        },
        Math.max(1, left),
      );
      try {
        return await work(stop.signal);
      } finally {
        clearTimeout(timer);
        left -= performance.now() - started;
      }
    },
    late: () => late,
  };
}

/** A git that was just killed may still be writing there; what stays is cleared by the next run. */
export async function discard(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }).catch(() => undefined);
}

function whyFailed(error: unknown, late: boolean, timeout: number): { code: string; message: string } {
  if (error instanceof CloneError) return { code: error.code, message: error.message };
  if (late) return { code: 'timed-out', message: `it took longer than ${timeout / 1000} s; raise --timeout` };
  const { code, message } = error as { readonly code?: string; readonly message: string };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY')
    return { code: 'out-of-memory', message: 'it needs more memory than there is' };
  return { code: 'internal-error', message: `this is a bug in dockerfix, please report it: ${message}` };
}
