/** Puts changed files on disk: all of one group, or none. */
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { reason } from './context/find.ts';
import { mergeChanges } from './diff.ts';
import type { Note } from './model.ts';
import type { FileOutcome } from './run.ts';

export interface Write {
  /** Absolute. */
  readonly path: string;
  /** The text that the change was made from; absent: the file must not exist yet. */
  readonly before?: string;
  readonly after: string;
}

interface Staged {
  readonly path: string;
  /** A directory beside the file, so on the same file system. */
  readonly folder: string;
  readonly temporary: string;
  /** The original under a second name; absent for a new file. */
  readonly backup?: string;
}

/**
 * Writes temporary files beside the originals first, then renames them over; what was renamed is put back when a later
 * rename fails. Mode and owner are kept, and a symlink is followed to a file inside `root`. Nothing here waits, so
 * Ctrl-C finds all of it done or none. Throws an Error with a clear message.
 */
export function writeTogether(writes: readonly Write[], root: string, prefix = '.dockerfix-'): void {
  const staged: Staged[] = [];
  const renamed: Staged[] = [];
  try {
    for (const write of writes) staged.push(stage(write, root, prefix));
    for (const each of staged) {
      renameSync(each.temporary, each.path);
      renamed.push(each);
    }
  } catch (error) {
    for (const { path, backup } of renamed.reverse()) {
      if (backup === undefined) rmSync(path, { force: true });
      else renameSync(backup, path);
    }
    throw error;
  } finally {
    for (const each of staged) rmSync(each.folder, { recursive: true, force: true });
  }
}

function stage(write: Write, root: string, prefix: string): Staged {
  const path = target(write.path, root);
  const present = exists(path);
  if (write.before === undefined ? present : !present || readFileSync(path, 'utf8') !== write.before)
    throw new Error('it was changed by something else meanwhile; run dockerfix again');
  const folder = mkdtempSync(join(dirname(path), prefix));
  try {
    const temporary = join(folder, 'after');
    const descriptor = openSync(temporary, 'wx');
    try {
      writeFileSync(descriptor, write.after);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (!present) return { path, folder, temporary };
    keepOwnerAndMode(path, temporary);
    const backup = join(folder, 'before');
    try {
      linkSync(path, backup);
    } catch {
      copyFileSync(path, backup);
      keepOwnerAndMode(path, backup);
    }
    return { path, folder, temporary, backup };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function keepOwnerAndMode(from: string, to: string): void {
  const { mode, uid, gid } = statSync(from);
  const own = statSync(to);
  if (own.uid !== uid || own.gid !== gid) {
    try {
      chownSync(to, uid, gid);
    } catch {
      // Only root may give files away; the file is then the user's own.
    }
  }
  // After chown, which clears some bits.
  chmodSync(to, mode & 0o7777);
}

function target(path: string, root: string): string {
  if (!exists(path) || !lstatSync(path).isSymbolicLink()) return path;
  const real = realpathSync(path);
  if (!real.startsWith(realpathSync(root) + sep))
    throw new Error('it is a symlink to a file outside of the repository');
  return real;
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Group by group; what could not be written has failed, and changed nothing. */
export function writeOutcomes(outcomes: readonly FileOutcome[]): readonly FileOutcome[] {
  const failures = new Map<FileOutcome, Note>();
  for (const group of groups(outcomes)) {
    try {
      writeTogether(writesOf(group), group[0]?.root ?? '');
    } catch (error) {
      for (const each of group)
        failures.set(each, { path: each.path, code: 'not-written', message: `it is left as it was: ${reason(error)}` });
    }
  }
  return outcomes.map((outcome) => {
    const failure = failures.get(outcome);
    if (failure === undefined) return outcome;
    const { code, message } = failure;
    return { ...outcome, status: 'failed', changes: [], applied: [], refused: [{ line: 1, code, message }] };
  });
}

/** In the order in which they are to be written. */
export function writesOf(outcomes: readonly FileOutcome[]): readonly Write[] {
  const absolute = new Map(outcomes.flatMap((each) => [...each.absolute]));
  const changes = mergeChanges(outcomes.flatMap((each) => each.changes));
  // The ignore file first: alone it harms nothing, should the machine stop in between.
  const rank = (path: string): number => (outcomes.some((each) => each.ignoreFile === path) ? 0 : 1);
  return changes
    .map(({ path, ...texts }) => ({ path: absolute.get(path) as string, ...texts }))
    .sort((a, b) => rank(a.path) - rank(b.path));
}

/** What is written together: a Dockerfile and its ignore file, and all Dockerfiles that rest on that one's change. */
function groups(outcomes: readonly FileOutcome[]): readonly (readonly FileOutcome[])[] {
  const changing = outcomes.filter((outcome) => outcome.changes.length > 0);
  const ignoreFiles = new Set(
    changing.flatMap(({ absolute, ignoreFile }) => [...absolute.values()].filter((path) => path === ignoreFile)),
  );
  const shared = [...ignoreFiles].map((path) => changing.filter((each) => each.ignoreFile === path));
  return [...changing.filter((each) => !ignoreFiles.has(each.ignoreFile ?? '')).map((each) => [each]), ...shared];
}
