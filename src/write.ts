/** Puts changed files on disk: all of one Dockerfile's, or none. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
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
import { basename, dirname, join, sep } from 'node:path';

export interface Write {
  /** Absolute. */
  readonly path: string;
  /** The text that the change was made from; absent: the file must not exist yet. */
  readonly before?: string;
  readonly after: string;
}

/**
 * Writes temporary files beside the originals first, then renames them over; what was renamed is put back when a later
 * rename fails. Mode is kept, and a symlink is followed to a file inside `root`. Throws an Error with a clear message.
 */
export function writeTogether(writes: readonly Write[], root: string): void {
  const staged: {
    readonly path: string;
    readonly folder: string;
    readonly temporary: string;
    readonly before?: string;
  }[] = [];
  const done: typeof staged = [];
  try {
    for (const write of writes) staged.push(stage(write, root));
    for (const each of staged) {
      renameSync(each.temporary, each.path);
      done.push(each);
    }
  } catch (error) {
    for (const each of done.reverse()) {
      if (each.before === undefined) rmSync(each.path, { force: true });
      else {
        const back = stage({ path: each.path, after: each.before }, root, true);
        renameSync(back.temporary, back.path);
        rmSync(back.folder, { recursive: true, force: true });
      }
    }
    throw error;
  } finally {
    for (const each of staged) rmSync(each.folder, { recursive: true, force: true });
  }
}

function stage(
  write: Write,
  root: string,
  overwrite = false,
): { path: string; folder: string; temporary: string; before?: string } {
  const path = target(write.path, root);
  const present = exists(path);
  if (!overwrite) {
    if (write.before === undefined ? present : !present || readFileSync(path, 'utf8') !== write.before)
      throw new Error('it was changed by something else meanwhile; run dockerfix again');
  }
  const folder = mkdtempSync(join(dirname(path), '.dockerfix-'));
  const temporary = join(folder, basename(path));
  try {
    const descriptor = openSync(temporary, 'wx', present ? statSync(path).mode & 0o7777 : 0o644);
    try {
      writeFileSync(descriptor, write.after);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (present) chmodSync(temporary, statSync(path).mode & 0o7777);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return { path, folder, temporary, ...(write.before === undefined ? {} : { before: write.before }) };
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
