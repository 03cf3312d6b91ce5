/** What the commands that look at a history share: their options, and what its figures rest on. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { reason } from '../context/find.ts';
import { parseCosts } from '../layers/cost.ts';
import type { Builder } from '../layers/layers.ts';
import { replay, type Replay, type ReplayOptions, type ReplayResult } from '../replay.ts';
import { day, number, type ReplayReport } from '../reporters/replay.ts';
import type { FileOutcome } from '../run.ts';

/** Which commits, and by whose cache: the same options of every command that looks at the history. */
export const HISTORY_FLAGS = {
  n: { alias: 'max-count', type: 'number', requiresArg: true, describe: 'at most N commits (default: 500)' },
  since: { type: 'string', requiresArg: true, describe: 'commits since DATE, as git takes it: "3 months ago"' },
  branch: { type: 'string', requiresArg: true, describe: 'start at this branch or commit (default: HEAD)' },
  'all-parents': { type: 'boolean', describe: 'follow both sides of a merge (default: the first parent)' },
  'as-was': { type: 'boolean', describe: "each commit's own Dockerfile instead of today's" },
  costs: {
    type: 'string',
    requiresArg: true,
    describe: 'seconds by instruction: FILE of {"RUN npm ci": 42}, or the output of a build with --progress=rawjson',
  },
} as const;

export interface HistoryFlags {
  readonly n?: number | undefined;
  readonly since?: string | undefined;
  readonly branch?: string | undefined;
  readonly 'all-parents'?: boolean | undefined;
  readonly 'as-was'?: boolean | undefined;
  readonly costs?: string | undefined;
}

export interface HistoryRequest {
  readonly limit: number;
  readonly since?: string;
  readonly branch?: string;
  readonly firstParent: boolean;
  readonly asWas: boolean;
  readonly seconds?: ReadonlyMap<string, number>;
}

const DEFAULT_COMMITS = 500;

/** A string says what is wrong with the options. */
export function historyRequest(flags: HistoryFlags, cwd: string): HistoryRequest | string {
  const { n, since, branch, costs } = flags;
  if (n !== undefined && !(Number.isInteger(n) && n > 0)) return '-n takes a number of commits';
  const firstParent = flags['all-parents'] !== true;
  const asWas = flags['as-was'] === true;
  if (asWas && !firstParent) return '--as-was follows the first parent, so --all-parents excludes it';
  let seconds: ReadonlyMap<string, number> | undefined;
  if (costs !== undefined)
    try {
      const read = parseCosts(readFileSync(resolve(cwd, costs), 'utf8'));
      if (typeof read === 'string') return `--costs ${costs}: ${read}`;
      seconds = read;
    } catch (error) {
      return `--costs ${costs}: ${reason(error)}`;
    }
  return {
    // --since alone means all of them.
    limit: n ?? (since === undefined ? DEFAULT_COMMITS : Number.MAX_SAFE_INTEGER),
    firstParent,
    asWas,
    ...(since === undefined ? {} : { since }),
    ...(branch === undefined ? {} : { branch }),
    ...(seconds === undefined ? {} : { seconds }),
  };
}

/** Outcomes of one repository, and its history or why there is none. */
export type History = readonly [outcomes: readonly FileOutcome[], result: ReplayResult | string];

/** The history of each repository that the outcomes are of, or why there is none. */
export async function histories(outcomes: readonly FileOutcome[], options: ReplayOptions): Promise<readonly History[]> {
  const groups = new Map<string, FileOutcome[]>();
  for (const outcome of outcomes) {
    const root = outcome.subject?.place.repository.root ?? '';
    groups.set(root, [...(groups.get(root) ?? []), outcome]);
  }
  const found: History[] = [];
  for (const group of groups.values()) found.push([group, await replay(group, options)]);
  return found;
}

const MONTH = 30.44 * 24 * 3600;

export function reportOf({ outcome, count, measured }: Replay, { span }: ReplayResult): ReplayReport {
  const months = span === undefined ? 0 : Math.max((span.to - span.from) / MONTH, 1 / 30);
  return {
    path: outcome.path,
    status: outcome.status,
    commits: count.commits,
    installs: count.units.map(({ text, line, before, after, least }) => ({
      command: text,
      line,
      before,
      after,
      ...(least === undefined ? {} : { least }),
    })),
    layers: count.layers,
    cost: { ...count.cost, unit: measured ? 'seconds' : 'weight' },
    ...(measured && months > 0 ? { savedPerMonth: (count.cost.before - count.cost.after) / months } : {}),
  };
}

export interface Shown {
  readonly 'as-was'?: boolean | undefined;
  readonly builder?: Builder | undefined;
}

/** What the figures rest on. */
export function preface(
  { commits, span, shallow }: ReplayResult,
  { 'as-was': asWas, builder = 'buildkit' }: Shown,
): readonly string[] {
  const when = span === undefined ? '' : `, ${day(span.from)} to ${day(span.to)}`;
  const which = asWas === true ? 'each with its own Dockerfile' : "today's Dockerfile on each";
  const lines = [
    `replayed ${number(commits)} commits${when}; ${which}, built with the cache of the commit before (${builder})`,
  ];
  if (shallow)
    lines.push(
      `the clone is shallow: it has ${number(commits)} commits with a parent; \`git fetch --unshallow\` brings the rest`,
    );
  return lines;
}
