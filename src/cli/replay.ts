/** `dockerfix replay`: what a rewrite would have saved, commit by commit. */
import { version } from '../index.ts';
import type { ReplayResult } from '../replay.ts';
import { replayLines, type ReplayReport } from '../reporters/replay.ts';
import { jsonText, noteLine } from '../reporters/text.ts';
import { run as findFixes } from '../run.ts';
import { HISTORY_FLAGS, histories, historyRequest, preface, reportOf, type Shown } from './history.ts';
import { REPORT_FLAG, reportTrouble, writeReport } from './html.ts';
import { usageError, type Io } from './io.ts';
import { FIX_FLAGS, parseCommand, PATHS } from './parser.ts';
import { fixRequest } from './request.ts';

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = await parseCommand(argv, io, PATHS, (parser) =>
    parser
      .usage(
        '$0 replay [paths..]\n\nCounts, over the commits of this repository, what a build would have run again before and after the rewrite.',
      )
      .options({
        ...HISTORY_FLAGS,
        ...FIX_FLAGS,
        ...REPORT_FLAG,
        format: { choices: ['text', 'json'] as const, requiresArg: true, describe: 'text, or json for programs' },
      })
      .example('$0 replay', 'the last 500 commits')
      .example('$0 replay -n 100 api/Dockerfile --costs build.jsonl', 'with what a build took'),
  );
  if (typeof options === 'number') return options;
  const { given } = options;
  const trouble = reportTrouble(options.report);
  if (trouble !== undefined) return usageError(io, trouble);
  const history = historyRequest(options, io.cwd);
  if (typeof history === 'string') return usageError(io, history);
  const request = await fixRequest(options, io.cwd);
  if (typeof request === 'string') return usageError(io, request);
  const found = await findFixes({
    ...request,
    paths: given.length === 0 ? ['.'] : given,
    ...(history.seconds === undefined ? {} : { seconds: history.seconds }),
  });
  for (const error of found.errors) io.stderr(`${noteLine(error)}\n`);
  const builder = options.builder ?? 'buildkit';
  const past = await histories(found.outcomes, { ...history, builder });
  const replayed = past.flatMap(([, result]) => (typeof result === 'string' ? [] : [result]));
  if (replayed.length === 0) {
    const why = past.map(([, result]) => result).find((result) => typeof result === 'string');
    io.stderr(`dockerfix: ${why ?? 'there is no Dockerfile here'}\n`);
    return 2;
  }
  if (options.format === 'json') io.stdout(replayJson(replayed, options));
  else
    for (const result of replayed) {
      for (const each of result.replays) for (const line of replayLines(reportOf(each, result))) io.stdout(`${line}\n`);
      for (const line of preface(result, options)) io.stderr(`${line}\n`);
    }
  if (options.report !== undefined && !(await writeReport(options.report, found, past, options, io))) return 2;
  return found.errors.length > 0 ? 2 : 0;
}

function replayJson(
  results: readonly ReplayResult[],
  { 'as-was': asWas = false, builder = 'buildkit' }: Shown,
): string {
  const time = (seconds: number | undefined): string | null =>
    seconds === undefined ? null : new Date(seconds * 1000).toISOString();
  const repositories = results.map((result) => ({
    commits: result.commits,
    from: time(result.span?.from),
    to: time(result.span?.to),
    shallow: result.shallow,
    files: result.replays.map((each) => fileJson(reportOf(each, result))),
  }));
  const report = { version: 1, tool: { name: 'dockerfix', version }, builder, asWas, repositories };
  return jsonText(report);
}

function fileJson(report: ReplayReport): object {
  return { ...report, installs: report.installs.map((each) => ({ ...each, least: each.least ?? null })) };
}
