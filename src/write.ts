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
export function writeTogether(writes: readonly Write[], root: string): void {
  const staged: Staged[] = [];
  const renamed: Staged[] = [];
  try {
    for (const write of writes) staged.push(stage(write, root));
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

function stage(write: Write, root: string): Staged {
  const path = target(write.path, root);
  const present = exists(path);
  if (write.before === undefined ? present : !present || readFileSync(path, 'utf8') !== write.before)
    throw new Error('it was changed by something else meanwhile; run dockerfix again');
  const folder = mkdtempSync(join(dirname(path), '.dockerfix-'));
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
