/** The other end of the queue, on any machine: takes repositories, and gives back what it finds. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnrecoverableError, Worker, type Job as Queued } from 'bullmq';
import { logLine } from './log.ts';
import { discard, openLooker } from './look.ts';
import { ATTEMPTS, PASSING, QUEUE, type Connection, type Job } from './queue.ts';
import type { Result } from './results.ts';
import { targetOf } from './targets.ts';

export interface WorkerOptions {
  readonly connection: Connection;
  readonly cwd: string;
  readonly concurrency: number;
  /** Milliseconds after which a worker that is not heard of has lost its repositories. */
  readonly lock: number;
  /** Ends when there was nothing to do for so long; undefined: never. */
  readonly idle?: number | undefined;
  readonly tool: string;
  readonly configuration: string;
  /** Which configuration; everything else comes with the job. */
  readonly config: string | false | undefined;
  readonly say: (line: string) => void;
}

/** A repository that its worker was lost with twice is not given to a third. */
const MAX_LOST = 2;

/** Resolves when it has been idle for long enough. */
export async function work(options: WorkerOptions): Promise<void> {
  const { connection, cwd, concurrency, lock, idle, say } = options;
  const folder = mkdtempSync(join(tmpdir(), 'dockerfix-worker-'));
  const looker = openLooker(folder, concurrency);
  const look = async (job: Queued<Job, Result>): Promise<Result> => {
    const { target: told, flags, timeout, maxBytes, history } = checked(job.data, options);
    const target = targetOf(told.location, cwd);
    if (typeof target === 'string' || target.kind !== 'clone' || target.id !== told.id)
      throw new UnrecoverableError('it is no clone URL that is allowed');
    const started = performance.now();
    // In order, and all of it before the job is done.
    let logged: Promise<unknown> = Promise.resolve();
    const log = (line: string): void => {
      logged = logged.then(() => job.log(logLine(line))).catch(() => undefined);
    };
    log(`${target.location}, try ${job.attemptsMade + 1}`);
    const place = looker.place();
    try {
      const settings = { cwd, flags: { ...(flags as object), config: options.config }, timeout, maxBytes, history };
      const { writes: _writes, ...found } = await looker.look(target, place, settings, log);
      await logged;
      const { id, kind, location } = target;
      const milliseconds = Math.round(performance.now() - started);
      const result: Result = { version: 1, id, kind, location, ...found, milliseconds };
      const { error } = result;
      if (error !== undefined && PASSING.has(error.code) && job.attemptsMade + 1 < ATTEMPTS)
        throw new Error(`${error.code} ${error.message}`);
      return result;
    } finally {
      await discard(place);
    }
  };
  const worker = new Worker<Job, Result>(QUEUE, look, {
    connection,
    // As in a batch of one machine: a clone waits for the network.
    concurrency: concurrency * 2,
    lockDuration: lock,
    stalledInterval: lock,
    maxStalledCount: MAX_LOST,
  });
  worker.on('completed', ({ data }, { status }) => say(`${data.target.location} ${status}`));
  worker.on('failed', (job, error) => say(`${job?.data.target.location ?? 'a repository'} failed: ${error.message}`));
  worker.on('error', (error) => say(`the queue: ${error.message}`));
  let busy = 0;
  let last = Date.now();
  worker.on('active', () => busy++);
  for (const event of ['completed', 'failed'] as const)
    worker.on(event, () => {
      busy--;
      last = Date.now();
    });
  try {
    await new Promise<void>((done) => {
      if (idle === undefined) return;
      const timer = setInterval(() => {
        if (busy > 0 || Date.now() - last < idle) return;
        clearInterval(timer);
        done();
      }, 100);
    });
  } finally {
    await worker.close();
    await looker.close();
    await discard(folder);
  }
}

/** What stands in the queue is not believed. */
function checked(job: Job, { tool, configuration }: WorkerOptions): Job {
  const { version, target, flags, timeout, maxBytes, history } = job as Partial<Job>;
  if (version !== 1 || typeof target?.location !== 'string' || typeof flags !== 'object')
    throw new UnrecoverableError('it is no job of this version');
  if (![timeout, maxBytes, history].every((value) => typeof value === 'number' && value >= 0))
    throw new UnrecoverableError('it is no job of this version');
  if (job.tool !== tool) throw new UnrecoverableError(`a worker has dockerfix ${tool}, and the batch ${job.tool}`);
  if (job.configuration !== configuration)
    throw new UnrecoverableError('a worker has another configuration file than the batch: give all the same');
  return job;
}
