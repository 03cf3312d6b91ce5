/** The results folder: made from the journal, again and again the same. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Note, Outcome } from '../model.ts';
import type { ReplayReport } from '../reporters/replay.ts';
import { htmlReport } from '../reporters/html/index.ts';
import { journalPath, readJournal, syncDirectory } from './journal.ts';
import { ranking } from './page.ts';
import type { Target } from './targets.ts';

export interface Result {
  readonly version: 1;
  readonly id: string;
  readonly kind: Target['kind'];
  readonly location: string;
  /** `none`: no Dockerfile in it. */
  readonly status: 'changed' | 'unchanged' | 'refused' | 'none' | 'failed';
  /** Of what was read, where git says so. */
  readonly commit?: string;
  /** Why it failed. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly files: readonly (Pick<Outcome, 'path' | 'status' | 'refused' | 'notes'> & {
    readonly context: string | null;
    readonly applied: readonly {
      readonly transform: string;
      readonly line: number;
      readonly message: string;
      readonly safety: string;
      readonly risk?: string;
    }[];
  })[];
  readonly notes: readonly Note[];
  /** Taken by `git apply` in the repository. Empty: nothing would change. */
  readonly patch: string;
  /** The files are as the patch says: with `--write`. */
  readonly written?: boolean;
  /** What the commits would have re-run; absent: nothing would change, or there is no history. */
  readonly replay?: Replayed;
  readonly milliseconds: number;
}

export interface Replayed {
  readonly commits: number;
  /** Seconds: of the oldest and of the newest commit. */
  readonly from: number;
  readonly to: number;
  readonly files: readonly ReplayReport[];
}

export type Counts = Readonly<Record<Result['status'], number>>;

export const NO_COUNTS: Counts = { changed: 0, unchanged: 0, refused: 0, none: 0, failed: 0 };

export function counted(counts: Counts, status: Result['status'], by = 1): Counts {
  return { ...counts, [status]: counts[status] + by };
}

/** Where patches and logs go. */
export function prepareFolder(folder: string): void {
  for (const each of ['patches', 'logs']) mkdirSync(join(folder, each), { recursive: true });
}

export function keepPatch(folder: string, { id, patch }: Pick<Result, 'id' | 'patch'>): void {
  const path = join(folder, 'patches', `${id}.patch`);
  if (patch !== '') replaceFile(path, patch);
  // Of a try before.
  else rmSync(path, { force: true });
}

/** `results.jsonl` in the order in which they were done, `summary.json`, `index.html`, and `patches/`. */
export async function writeResults(folder: string, targets: readonly Target[], tool: string): Promise<void> {
  prepareFolder(folder);
  // By id, the place of its last result in the journal: texts of many repositories are not held in memory together.
  const last = new Map<string, number>();
  let at = 0;
  for await (const each of readJournal(journalPath(folder))) {
    if (each.event === 'result') last.set(each.result.id, at);
    at++;
  }
  const wanted = new Set(targets.map(({ id }) => id));
  const refusals = new Map<string, number>();
  const ranked = ranking(Date.now() / 1000);
  let counts = NO_COUNTS;
  const temporary = join(folder, '.results.jsonl');
  const descriptor = openSync(temporary, 'w');
  at = 0;
  for await (const each of readJournal(journalPath(folder))) {
    if (each.event === 'result' && last.get(each.result.id) === at && wanted.has(each.result.id)) {
      const { patch, ...rest } = each.result;
      keepPatch(folder, each.result);
      counts = counted(counts, rest.status);
      ranked.add(each.result);
      for (const { code } of rest.files.flatMap(({ refused }) => refused))
        refusals.set(code, (refusals.get(code) ?? 0) + 1);
      const row = { ...rest, patch: patch === '' ? null : `patches/${rest.id}.patch` };
      writeSync(descriptor, `${JSON.stringify(row)}\n`);
    }
    at++;
  }
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(temporary, join(folder, 'results.jsonl'));
  const byNumber = [...refusals].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const summary = { version: 1, repositories: targets.length, ...counts, refusals: Object.fromEntries(byNumber) };
  replaceFile(join(folder, 'summary.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
  const facts = [
    `dockerfix ${tool}`,
    `${targets.length} repositories: ${Object.entries(counts)
      .map(([status, count]) => `${count} ${status === 'none' ? 'without a Dockerfile' : status}`)
      .join(', ')}`,
  ];
  replaceFile(join(folder, 'index.html'), htmlReport(ranked.page(facts)));
  syncDirectory(folder);
}

export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
