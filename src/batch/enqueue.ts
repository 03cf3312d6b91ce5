/** The operator's end of the queue: puts repositories on it, and journals what the workers found. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Queue, QueueEvents } from 'bullmq';
import type { Journal } from './journal.ts';
import { logLine } from './log.ts';
import { ATTEMPTS, QUEUE, resultOf, type Connection, type Job } from './queue.ts';
import { keepPatch, prepareFolder, type Result } from './results.ts';
import type { Target } from './targets.ts';

export interface QueuedOptions extends Pick<
  Job,
  'flags' | 'tool' | 'configuration' | 'timeout' | 'maxBytes' | 'history'
> {
  readonly folder: string;
  readonly connection: Connection;
  /** Of this results folder: a job that is there already is not put there again. */
  readonly run: string;
  readonly perMinute?: number | undefined;
  readonly onResult: (result: Result) => void;
  readonly onTrouble: (line: string) => void;
}

const CHUNK = 500;
/** Events can be lost while the server is away; what is done stands in its lists, too. */
const LOOK_EVERY_MS = 3000;

export async function runQueued(
  targets: readonly Target[],
  journal: Journal,
  { folder, connection, run, perMinute, onResult, onTrouble, ...settings }: QueuedOptions,
): Promise<void> {
  prepareFolder(folder);
  const pending = new Map(targets.map((target) => [`${run}.${target.id}`, target]));
  // Results come with the job: the stream of events need not be long.
  const queue = new Queue<Job, Result>(QUEUE, { connection, streams: { events: { maxLen: 10_000 } } });
  const events = new QueueEvents(QUEUE, { connection });
  const settling = new Set<string>();
  const put = async (): Promise<void> => {
    const all = [...pending].filter(([id]) => !settling.has(id));
    for (let at = 0; at < all.length; at += CHUNK)
      await queue.addBulk(
        all.slice(at, at + CHUNK).map(([jobId, { id, kind, location }]) => ({
          name: 'repository',
          data: { version: 1, target: { id, kind, location }, ...settings },
          opts: { jobId, attempts: ATTEMPTS, backoff: { type: 'exponential', delay: 2000, jitter: 0.5 } },
        })),
      );
  };

  let end: (error?: Error) => void = () => undefined;
  const ended = new Promise<void>((done, failed) => {
    end = (error) => (error === undefined ? done() : failed(error));
  });
  const settle = async (jobId: string): Promise<void> => {
    const target = pending.get(jobId);
    if (target === undefined || settling.has(jobId)) return;
    settling.add(jobId);
    try {
      const job = await queue.getJob(jobId);
      const state = await job?.getState();
      if (job === undefined || (state !== 'completed' && state !== 'failed')) return;
      const { logs } = await queue.getJobLogs(jobId);
      appendFileSync(join(folder, 'logs', `${target.id}.log`), logs.join(''));
      const result =
        (state === 'completed' ? resultOf(job.returnvalue, target) : undefined) ?? lost(target, job.failedReason);
      await journal.append([{ event: 'result', result }]);
      keepPatch(folder, result);
      pending.delete(jobId);
      onResult(result);
      // On disk now: until then a command that goes on finds it there.
      await job.remove();
      if (pending.size === 0) end();
    } finally {
      settling.delete(jobId);
    }
  };
  const soon = (jobId: string): void => void settle(jobId).catch(end);
  const note = (jobId: string, line: string): void => {
    const target = pending.get(jobId);
    if (target !== undefined) appendFileSync(join(folder, 'logs', `${target.id}.log`), logLine(line));
  };
  const look = async (): Promise<void> => {
    for (const job of await queue.getJobs(['completed', 'failed'], 0, CHUNK))
      if (job.id !== undefined) await settle(job.id);
    const { waiting = 0, active = 0, delayed = 0 } = await queue.getJobCounts('waiting', 'active', 'delayed');
    // Somebody has cleared the queue, or it has lost its memory.
    if (waiting + active + delayed === 0 && pending.size > 0) await put();
  };
  let timer: NodeJS.Timeout | undefined;
  const lookAgain = (): void => {
    timer = setTimeout(() => void look().then(lookAgain, end), LOOK_EVERY_MS);
  };
  queue.on('error', (error) => onTrouble(`the queue: ${error.message}`));
  events.on('error', () => undefined);
  events.on('completed', ({ jobId }) => soon(jobId));
  events.on('failed', ({ jobId }) => soon(jobId));
  events.on('active', ({ jobId }) => note(jobId, 'a worker has it'));
  events.on('stalled', ({ jobId }) => note(jobId, 'its worker is gone: another one takes it'));
  try {
    await events.waitUntilReady();
    if (perMinute === undefined) await queue.removeGlobalRateLimit();
    else await queue.setGlobalRateLimit(perMinute, 60_000);
    if (pending.size === 0) return;
    await put();
    // What was done while no command listened.
    for (const jobId of [...pending.keys()]) await settle(jobId);
    lookAgain();
    await ended;
  } finally {
    clearTimeout(timer);
    await Promise.allSettled([events.close(), queue.close()]);
  }
}

/** A job that no worker could end, by BullMQ's own words. */
function lost({ id, kind, location }: Target, reason: string): Result {
  const stalled = /stalled/.test(reason);
  return {
    version: 1,
    id,
    kind,
    location,
    status: 'failed',
    files: [],
    notes: [],
    patch: '',
    error: {
      code: stalled ? 'worker-lost' : 'worker-failed',
      message: stalled ? 'each worker that took it was lost: it may need more memory than they have' : reason,
    },
    milliseconds: 0,
  };
}
