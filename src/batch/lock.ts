/**
 * One command at a time on a results folder. Each puts down a file of its own first and then looks for others, so that
 * two that start together see each other. A killed one is known by its process, at once: a library that goes by the
 * age of a lock file alone would make `--resume` wait.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** One that has not shown itself for so long is gone, or was of another machine, or its number is another's now. */
const AWAY_MS = 60_000;
const SHOWS_MS = 10_000;

const NAME = /^\.lock-([\w.-]+)-(\d+)-[0-9a-f]{12}$/;

export function isLock(name: string): boolean {
  return NAME.test(name);
}

export interface Lock {
  release(): void;
}

/** A string says who is at it. `lost` is called when another one took over, as this one was stopped for long. */
export function lockFolder(folder: string, lost: () => void): Lock | string {
  const host = hostname().replace(/[^\w.-]/g, '_');
  const name = `.lock-${host}-${process.pid}-${randomBytes(6).toString('hex')}`;
  const path = join(folder, name);
  writeFileSync(path, '');
  for (const each of readdirSync(folder)) {
    const [, theirHost, pid] = NAME.exec(each) ?? [];
    if (theirHost === undefined || each === name) continue;
    const theirs = join(folder, each);
    if (isFresh(theirs) && (theirHost !== host || isRunning(Number(pid)))) {
      rmSync(path, { force: true });
      return `another dockerfix is at work there (process ${pid ?? ''} on ${theirHost})`;
    }
    rmSync(theirs, { force: true });
  }
  const timer = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      clearInterval(timer);
      lost();
    }
  }, SHOWS_MS);
  timer.unref();
  const release = (): void => {
    clearInterval(timer);
    rmSync(path, { force: true });
  };
  process.once('exit', release);
  return {
    release: () => {
      process.removeListener('exit', release);
      release();
    },
  };
}

function isRunning(pid: number): boolean {
  // In a container each has the same number: it was left by the one before.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isFresh(path: string): boolean {
  const { mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return Date.now() - mtimeMs < AWAY_MS;
}
