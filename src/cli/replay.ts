/** `dockerfix replay`: what a rewrite would have saved, commit by commit. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { reason } from '../context/find.ts';
import { version } from '../index.ts';
import { parseCosts } from '../layers/cost.ts';
import { replay, type Replay, type ReplayResult } from '../replay.ts';
import { day, number, replayLines, type ReplayReport } from '../reporters/replay.ts';
import { noteLine } from '../reporters/text.ts';
import { run as findFixes } from '../run.ts';
import { usageError, type Io } from './io.ts';
import { FIX_FLAGS, parseWith } from './parser.ts';
import { fixRequest } from './request.ts';

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

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const parsed = await parseWith(argv, Number(io.environment['COLUMNS'] ?? 100), (parser) =>
    parser
      .usage(
        '$0 replay [paths..]\n\nCounts, over the commits of this repository, what a build would have run again before and after the rewrite.',
      )
      .command('$0 [paths..]', false, (command) =>
        command.positional('paths', {
          type: 'string',
          array: true,
          describe: 'files, or directories to search (default: this one)',
        }),
      )
      .options({
        ...HISTORY_FLAGS,
        ...FIX_FLAGS,
        format: { choices: ['text', 'json'] as const, requiresArg: true, describe: 'text, or json for programs' },
      })
      .example('$0 replay', 'the last 500 commits')
      .example('$0 replay -n 100 api/Dockerfile --costs build.jsonl', 'with what a build took'),
  );
  if ('mistake' in parsed) return usageError(io, parsed.mistake);
  if ('text' in parsed) {
    io.stdout(parsed.text);
    return 0;
  }
  const { options } = parsed;
  const { paths = ['.'] } = options as { readonly paths?: readonly string[] };
  const history = historyRequest(options, io.cwd);
  if (typeof history === 'string') return usageError(io, history);
  const request = await fixRequest(options, io.cwd);
  if (typeof request === 'string') return usageError(io, request);
  const found = await findFixes({ ...request, paths: paths.length === 0 ? ['.'] : paths });
  for (const error of found.errors) io.stderr(`${noteLine(error)}\n`);
  const result = await replay(found.outcomes, { ...history, builder: options.builder ?? 'buildkit', fix: request.fix });
  if (typeof result === 'string') {
    io.stderr(`dockerfix: ${result}\n`);
    return 2;
  }
  const reports = result.replays.map((each) => reportOf(each, result));
  if (options.format === 'json') io.stdout(replayJson(reports, result, options));
  else {
    for (const report of reports) for (const line of replayLines(report)) io.stdout(`${line}\n`);
    for (const line of preface(result, options)) io.stderr(`${line}\n`);
  }
  return found.errors.length > 0 ? 2 : 0;
}

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
  for (const [name, value] of Object.entries({ since, branch, costs, n }))
    if (Array.isArray(value)) return `${name.length === 1 ? '-' : '--'}${name} can be given once`;
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

interface Shown {
  readonly 'as-was'?: boolean | undefined;
  readonly builder?: string | undefined;
}

/** What the figures rest on. */
function preface(
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

function replayJson(
  reports: readonly ReplayReport[],
  { commits, span, shallow }: ReplayResult,
  { 'as-was': asWas, builder = 'buildkit' }: Shown,
): string {
  return `${JSON.stringify(
    {
      version: 1,
      tool: { name: 'dockerfix', version },
      builder,
      asWas: asWas ?? false,
      commits,
      from: span === undefined ? null : new Date(span.from * 1000).toISOString(),
      to: span === undefined ? null : new Date(span.to * 1000).toISOString(),
      shallow,
      files: reports.map((report) => ({
        ...report,
        installs: report.installs.map((each) => ({ ...each, least: each.least ?? null })),
      })),
    },
    undefined,
    2,
  )}\n`;
}
