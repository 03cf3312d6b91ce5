/** Where the results of a batch lie: the same option of every command that reads them. */
import { resolve } from 'node:path';
import type { Io } from './io.ts';

export const RESULTS_FLAG = {
  results: { type: 'string', requiresArg: true, describe: 'DIR of the results (default: dockerfix-results)' },
} as const;

export function resultsFolder(given: string | undefined, { cwd }: Io): string {
  return resolve(cwd, given ?? 'dockerfix-results');
}
