/** How full the disks get that a verification writes to. */
import { statSync, statfsSync } from 'node:fs';

const MILLISECONDS = 500;

export interface DiskWatch {
  /** The most that was in use beyond the start, in bytes. What others wrote there in the meantime is part of it. */
  readonly stop: () => number;
  /** One of them is: a builder does not always say so, and its log may have been on it. */
  readonly full: () => boolean;
}

const LEFT = 1 << 20;

/** Paths that are not there, of a builder on another machine, are left out. */
export function watchDisks(paths: readonly string[]): DiskWatch {
  const disks = new Map<number, string>();
  for (const path of paths) {
    const device = statSync(path, { throwIfNoEntry: false })?.dev;
    if (device !== undefined && !disks.has(device)) disks.set(device, path);
  }
  const used = (): number =>
    [...disks.values()].reduce((sum, path) => {
      const { blocks, bfree, bsize } = statfsSync(path);
      return sum + (blocks - bfree) * bsize;
    }, 0);
  const start = used();
  let most = start;
  const look = (): void => {
    most = Math.max(most, used());
  };
  const timer = setInterval(look, MILLISECONDS);
  timer.unref();
  return {
    full: () =>
      [...disks.values()].some((path) => {
        const { bavail, bsize } = statfsSync(path);
        return bavail * bsize < LEFT;
      }),
    stop: () => {
      clearInterval(timer);
      look();
      return most - start;
    },
  };
}
