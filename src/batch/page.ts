/** `index.html`: the repositories to look at, the ones first in which a rewrite buys most. */
import type { HtmlFile, HtmlReport, HtmlRepository } from '../reporters/html/index.ts';
import { number } from '../reporters/replay.ts';
import type { Result } from './results.ts';

/** More make a page too large to be of use; all are in results.jsonl. */
const MOST = 1000;

const MONTH = 30.44 * 24 * 3600;

/** What the page is made of: kept are those that would come first in it. */
export interface Ranking {
  add(result: Result): void;
  page(facts: readonly string[]): HtmlReport;
}

interface Ranked {
  readonly result: Result;
  /** What builds of a month's commits would do less, by default weights. */
  readonly saved: number;
  readonly commits: number;
}

const ORDER: Readonly<Record<Result['status'], number>> = { changed: 0, failed: 1, refused: 2, unchanged: 3, none: 4 };

/** `now`, in seconds: churn is told up to it, so that a repository that sleeps counts little. */
export function ranking(now: number): Ranking {
  let kept: Ranked[] = [];
  let left = 0;
  const settle = (): void => {
    kept.sort(
      (a, b) =>
        ORDER[a.result.status] - ORDER[b.result.status] ||
        b.saved - a.saved ||
        (a.result.location < b.result.location ? -1 : 1),
    );
    left += Math.max(0, kept.length - MOST);
    kept = kept.slice(0, MOST);
  };
  return {
    add(result) {
      // There is nothing to look at.
      if (result.status === 'none' || result.status === 'unchanged') return;
      kept.push({ result, ...churn(result, now) });
      if (kept.length >= 2 * MOST) settle();
    },
    page(facts) {
      settle();
      const repositories = kept.map(repositoryOf);
      return {
        title: 'dockerfix: many repositories',
        facts: [...facts, ...rankingFacts(kept), ...(left === 0 ? [] : [`${number(left)} more are in results.jsonl`])],
        files: repositories.flatMap(({ files }) => files),
        repositories,
      };
    },
  };
}

function churn({ replay }: Result, now: number): { readonly saved: number; readonly commits: number } {
  if (replay === undefined) return { saved: 0, commits: 0 };
  const months = Math.max((now - replay.from) / MONTH, 1 / 4);
  const less = replay.files.reduce((sum, { cost }) => sum + cost.before - cost.after, 0);
  return { saved: less / months, commits: replay.commits / months };
}

function rankingFacts(ranked: readonly Ranked[]): readonly string[] {
  const total = ranked.reduce((sum, { saved }) => sum + saved, 0);
  if (total <= 0) return [];
  let sum = 0;
  const enough = ranked.findIndex(({ saved }) => (sum += saved) >= total * 0.8) + 1;
  return [
    "first come those in which the rewrite saves most: how much less the builds of a month's commits have to do, by default weights (an install is 30, a copy 1)",
    `the first ${number(enough)} bring 80 % of what all bring`,
  ];
}

function repositoryOf({ result, saved, commits }: Ranked): HtmlRepository {
  const { id, location, status, commit, error, patch, replay, files, notes, written } = result;
  const installs = (replay?.files ?? []).flatMap((file) => file.installs);
  const total = (side: 'before' | 'after'): number => installs.reduce((sum, each) => sum + each[side], 0);
  const replays = new Map(replay?.files.map((file) => [file.path, file]));
  return {
    name: nameOf(location),
    status,
    // Each in its column, so that they can be compared.
    figures: [
      saved > 0 ? `saves ${short(saved)} a month` : '',
      replay === undefined || total('before') === total('after')
        ? ''
        : `${number(total('before'))} → ${number(total('after'))} install runs in ${number(replay.commits)} commits`,
      commits > 0 ? `${short(commits)} commits a month` : '',
    ],
    facts: [
      commit === undefined ? location : `${location} at ${commit.slice(0, 12)}`,
      ...(written === true ? ['its files are changed already'] : []),
      ...(status === 'changed' && replay === undefined ? ['there is no history to tell what it buys'] : []),
      ...(error === undefined ? [] : [`${error.code}: ${error.message}`]),
      ...notes.map(({ path, code, message }) => `${path} ${code}: ${message}`),
    ],
    ...(patch === '' ? {} : { patch: { name: `${id}.patch`, text: patch } }),
    files: files.map((file): HtmlFile => {
      const replayed = replays.get(file.path);
      const { path, applied, refused } = file;
      return {
        path,
        status: file.status,
        changes: [],
        applied,
        refused,
        ...(replayed === undefined ? {} : { replay: replayed }),
      };
    }),
  };
}

/** The last two parts, as people call it. */
function nameOf(location: string): string {
  const parts = location.replace(/\.git\/?$/, '').split(/[/:]/);
  return parts.slice(-2).join('/');
}

function short(value: number): string {
  return value >= 10 ? number(Math.round(value)) : String(Number(value.toFixed(1)));
}
