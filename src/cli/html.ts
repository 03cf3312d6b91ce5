/** `--report FILE.html`: what a command found, as a page to look at. */
import { dirname, resolve } from 'node:path';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { reason, shownPath } from '../context/find.ts';
import { version } from '../index.ts';
import type { Builder } from '../layers/layers.ts';
import type { Replay, ReplayResult } from '../replay.ts';
import type { HtmlFile } from '../reporters/html/index.ts';
import { noteLine } from '../reporters/text.ts';
import type { FileOutcome, RunResult } from '../run.ts';
import { writeTogether } from '../write.ts';
import { usageError, type Io } from './io.ts';
import { explainReports } from './explained.ts';
import { histories, historyRequest, preface, reportOf, type History, type Shown } from './history.ts';

export const REPORT_FLAG = {
  report: { type: 'string', requiresArg: true, describe: 'also write FILE.html, a page to look at' },
} as const;

/** A string says what is wrong with it. */
export function reportTrouble(file: string | undefined): string | undefined {
  return file !== undefined && !/\.html?$/i.test(file) ? `--report ${file}: its name must end in .html` : undefined;
}

/** The page of the main command, with the history that `dockerfix replay` looks at. Returns the exit code where it fails. */
export async function reportRun(
  file: string,
  found: RunResult,
  { builder }: Shown,
  io: Io,
): Promise<number | undefined> {
  const trouble = reportTrouble(file);
  if (trouble !== undefined) return usageError(io, trouble);
  const history = historyRequest({}, io.cwd);
  if (typeof history === 'string') return usageError(io, history);
  const past = await histories(found.outcomes, { ...history, builder: builder ?? 'buildkit' });
  return (await writeReport(file, found, past, { builder }, io)) ? undefined : 2;
}

/** Writes the page; false, with a message, where that fails. */
export async function writeReport(
  file: string,
  found: RunResult,
  past: readonly History[],
  shown: Shown,
  io: Io,
  /** By path. */
  verified: ReadonlyMap<string, readonly string[]> = new Map(),
): Promise<boolean> {
  const { htmlReport } = await import('../reporters/html/index.ts');
  const files = past.flatMap(([outcomes, result]) =>
    htmlFiles(outcomes, result, shown.builder ?? 'buildkit', verified),
  );
  const order = new Map(found.outcomes.map(({ path }, at) => [path, at]));
  const text = htmlReport({
    title: `dockerfix: ${shownPath(dirname(realpathSync(io.cwd)), realpathSync(io.cwd))}`,
    facts: [
      `dockerfix ${version}`,
      ...past.flatMap(([, result]) =>
        typeof result === 'string' ? [`no history: ${result}`] : preface(result, shown),
      ),
    ],
    files: files.sort((a, b) => (order.get(a.path) ?? 0) - (order.get(b.path) ?? 0)),
    problems: [...found.notes, ...found.errors].map(noteLine),
  });
  const path = resolve(io.cwd, file);
  try {
    const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    writeTogether([{ path, ...(before === undefined ? {} : { before }), after: text }], dirname(path));
    return true;
  } catch (error) {
    io.stderr(`dockerfix: --report ${file}: ${reason(error)}\n`);
    return false;
  }
}

function htmlFiles(
  outcomes: readonly FileOutcome[],
  result: ReplayResult | string,
  builder: Builder,
  verified: ReadonlyMap<string, readonly string[]>,
): HtmlFile[] {
  const replays = new Map<FileOutcome, Replay>(
    typeof result === 'string' ? [] : result.replays.map((each) => [each.outcome, each]),
  );
  const explained = explainReports(outcomes, result, builder);
  return outcomes.map((outcome, at): HtmlFile => {
    const { path, status, changes, applied, refused } = outcome;
    const replayed = replays.get(outcome);
    const built = verified.get(path);
    return {
      path,
      status,
      changes,
      applied,
      refused,
      chains: explained[at]?.refusals ?? [],
      layers: explained[at]?.layers ?? [],
      ...(built === undefined ? {} : { verified: built }),
      ...(replayed === undefined || typeof result === 'string'
        ? {}
        : { replay: reportOf(replayed, result), columns: replayed.count.columns }),
    };
  });
}
