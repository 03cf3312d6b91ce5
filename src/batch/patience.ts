/** git has no retries of its own: a server that is away for a moment is asked again. */
import { setTimeout as wait } from 'node:timers/promises';
import { CloneError } from './clone.ts';

const SECONDS = [1, 4, 15];

const PASSING =
  /returned error: (?:408|429|5\d\d)|HTTP 5\d\d|timed? ?out|too slow|reset by peer|Could not resolve host|early EOF|unexpected disconnect|hung up|Empty reply|Connection refused|Failed to connect/i;

/** Not where somebody else ended it. */
export async function patiently<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const seconds = SECONDS[tries];
      const text = error instanceof CloneError ? error.output : '';
      if (seconds === undefined || !PASSING.test(text)) throw error;
      // Not all at the same moment.
      await wait(seconds * 1000 * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal });
    }
  }
}
