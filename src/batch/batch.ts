/** Many repositories, some at a time: each is looked at, changed where that is asked for, and journaled. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal } from './journal.ts';
import { openLog } from './log.ts';
import { discard, openLooker, type LookSettings } from './look.ts';
import { counted, NO_COUNTS, patchPath, replaceFile, type Counts, type Result } from './results.ts';
import type { Target } from './targets.ts';
import { finishWriting } from './writing.ts';

export interface BatchOptions extends LookSettings {
  readonly folder: string;
  readonly concurrency: number;
  /** Changes checkouts. */
  readonly write: boolean;
  readonly onResult: (result: Result, counts: Counts) => void;
  /** What else is done while the clone is there; true: the repository has moved and is to be looked at again. */
  readonly act?: ((target: Target, result: Result, place: string, lastLook: boolean) => Promise<boolean>) | undefined;
}

/** At a repository that others push to all the time. */
const MAX_LOOKS = 4;

export async function runBatch(
  targets: readonly Target[],
  journal: Journal,
  { folder, concurrency, write, onResult, act, ...settings }: BatchOptions,
): Promise<Counts> {
  const work = join(folder, 'work');
  // What a run that was killed left there; its git may not have noticed yet.
  await discard(work);
  for (const each of ['patches', 'logs']) mkdirSync(join(folder, each), { recursive: true });
  const looker = openLooker(work, concurrency);
  let counts = NO_COUNTS;
  const one = async (target: Target, looks = 1): Promise<void> => {
    const started = performance.now();
    const { id, kind, location } = target;
    const log = openLog(folder, id);
    log(location);
    const place = kind === 'clone' ? looker.place() : undefined;
    let again = false;
    try {
      const { writes, ...found } = await looker.look(target, place, settings, log);
      const milliseconds = Math.round(performance.now() - started);
      let result: Result = { version: 1, id, kind, location, ...found, milliseconds };
      if (write && writes.length > 0) {
        await journal.append([{ event: 'writing', result, writes }]);
        result = finishWriting({ result, writes });
        log(result.written === true ? 'written' : `not written: ${result.error?.message ?? ''}`);
      }
      await journal.append([{ event: 'result', result }]);
      if (result.patch !== '') replaceFile(patchPath(folder, id), result.patch);
      if (act !== undefined && place !== undefined && result.status !== 'failed')
        again = await act(target, result, place, looks === MAX_LOOKS);
      if (!again) {
        counts = counted(counts, result.status);
        onResult(result, counts);
      }
    } finally {
      if (place !== undefined) await discard(place);
    }
    if (again) await one(target, looks + 1);
  };
  const queue = targets.values();
  // Twice as many as threads: a clone waits for the network.
  const lanes = Array.from({ length: concurrency * 2 }, async () => {
    for (const target of queue) await one(target);
  });
  try {
    await Promise.all(lanes);
  } finally {
    await looker.close();
    await discard(work);
  }
  return counts;
}
