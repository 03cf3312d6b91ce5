/**
 * What is done, one JSON line each, on disk before the next step begins. Everything else in the results folder is made
 * from it again, so that a kill at any moment loses nothing.
 */
import {
  closeSync,
  createReadStream,
  existsSync,
  fdatasync,
  openSync,
  readFileSync,
  ftruncateSync,
  fsyncSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RequestEvent } from './requests.ts';
import type { Target } from './targets.ts';
import type { Result } from './results.ts';
import type { Writing } from './writing.ts';

export type Event =
  | {
      readonly event: 'run';
      readonly version: 1;
      /** Of this journal: jobs on a queue are named after it. */
      readonly id?: string;
      readonly tool: string;
      readonly settings: unknown;
      readonly write?: boolean;
      /** Commits to replay. */
      readonly history?: number;
    }
  | ({ readonly event: 'target' } & Target)
  /** All targets are told. */
  | { readonly event: 'begin'; readonly targets: number }
  /** A checkout is about to be changed; its result follows. */
  | ({ readonly event: 'writing' } & Writing)
  | { readonly event: 'result'; readonly result: Result }
  /** The result of before no longer counts. */
  | { readonly event: 'retry'; readonly id: string }
  | RequestEvent;

export interface Journal {
  /** Resolves when it is on disk. What is asked for meanwhile goes to disk together. */
  append(events: readonly Event[]): Promise<void>;
  close(): void;
}

export function journalPath(folder: string): string {
  return join(folder, 'journal.jsonl');
}

export function openJournal(path: string): Journal {
  const isNew = !existsSync(path);
  const descriptor = openSync(path, 'a+');
  // A line that was cut short was never acted on.
  const bytes = isNew ? Buffer.alloc(0) : readFileSync(path);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) ftruncateSync(descriptor, whole);
  if (isNew) syncDirectory(dirname(path));
  let waiting: { readonly text: string; readonly done: () => void; readonly failed: (error: Error) => void }[] = [];
  let busy = false;
  const flush = (): void => {
    if (busy || waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    busy = true;
    const settle = (error: Error | null): void => {
      busy = false;
      for (const { done, failed } of batch)
        if (error === null) done();
        else failed(error);
      flush();
    };
    try {
      const all = Buffer.from(batch.map(({ text }) => text).join(''));
      for (let at = 0; at < all.length;) at += writeSync(descriptor, all, at);
    } catch (error) {
      settle(error as Error);
      return;
    }
    fdatasync(descriptor, settle);
  };
  return {
    append: (events) =>
      new Promise((done, failed) => {
        waiting.push({ text: events.map((event) => `${JSON.stringify(event)}\n`).join(''), done, failed });
        flush();
      }),
    close: () => closeSync(descriptor),
  };
}

export async function* readJournal(path: string): AsyncIterable<Event> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    try {
      yield JSON.parse(line) as Event;
    } catch {
      // Only the last line can be torn.
      return;
    }
  }
}

export function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
