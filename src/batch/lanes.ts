/** Calls to forges, some at a time; their clients space them further where the forge asks for it. */
import pLimit from 'p-limit';

const LANES = 4;

/** The results in the order of what was given. */
export function inLanes<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  return pLimit(LANES).map(all, work);
}
