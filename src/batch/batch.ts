/** Many repositories, some at a time: each is looked at, changed where that is asked for, and journaled. */
import { join } from 'node:path';
import type { Journal } from './journal.ts';
import { openLog } from './log.ts';
import { discard, openLooker, type LookSettings } from './look.ts';
import { keepPatch, prepareFolder, type Result } from './results.ts';
import type { Target } from './targets.ts';
import { finishWriting } from './writing.ts';

export interface BatchOptions extends LookSettings {
  readonly folder: string;
  readonly concurrency: number;
  /** Changes checkouts. */
  readonly write: boolean;
  readonly onResult: (result: Result) => void;
  /** What else is done while the clone is there; true: the repository has moved and is to be looked at again. */
  readonly act?: ((target: Target, result: Result, place: string, lastLook: boolean) => Promise<boolean>) | undefined;
}

/** At a repository that others push to all the time. */
const MAX_LOOKS = 4;

export async function runBatch(
  targets: readonly Target[],
  journal: Journal,
  { folder, concurrency, write, onResult, act, ...settings }: BatchOptions,
): Promise<void> {
  const work = join(folder, 'work');
  // What a run that was killed left there; its git may not have noticed yet.
  await discard(work);
  prepareFolder(folder);
  const looker = openLooker(work, concurrency);
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
      keepPatch(folder, result);
      if (act !== undefined && place !== undefined && result.status !== 'failed')
        again = await act(target, result, place, looks === MAX_LOOKS);
      if (!again) onResult(result);
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
}
