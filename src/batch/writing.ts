/** `--write`: a checkout is changed as its patch says, all of it or nothing, whenever the command is killed. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeTogether, type Write } from '../write.ts';
import { reason } from '../context/find.ts';
import type { Result } from './results.ts';

export type { Write };

/** On disk before the first file is touched. */
export interface Writing {
  /** What is journaled when all is written. */
  readonly result: Result;
  readonly writes: readonly Write[];
}

export function finishWriting({ result, writes }: Writing): Result {
  const prefix = `.dockerfix-${result.id.slice(-10)}-`;
  try {
    const { left, done } = standing(writes, prefix);
    try {
      writeTogether(left, result.location, prefix);
    } catch (error) {
      writeBack(done, result.location, prefix);
      throw error;
    }
    return { ...result, written: true };
  } catch (error) {
    const message = `it is left as it was: ${reason(error)}`;
    return { ...result, status: 'failed', error: { code: 'not-written', message } };
  }
}

/** Where the command was killed amid writing, some files are as they are to be, and temporary ones lie beside them. */
function standing(writes: readonly Write[], prefix: string): { readonly left: Write[]; readonly done: Write[] } {
  for (const directory of new Set(writes.map(({ path }) => dirname(path))))
    for (const name of readdirSync(directory))
      if (name.startsWith(prefix)) rmSync(join(directory, name), { recursive: true, force: true });
  const done = writes.filter(({ path, after }) => text(path) === after);
  return { done, left: writes.filter((each) => !done.includes(each)) };
}

function writeBack(done: readonly Write[], root: string, prefix: string): void {
  for (const { path, before, after } of done)
    if (before === undefined) rmSync(path, { force: true });
    else writeTogether([{ path, before: after, after: before }], root, prefix);
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
