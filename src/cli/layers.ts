/** `dockerfix explain [paths..]`: the layers as a table, and what led to each refusal. */
import { version } from '../index.ts';
import { explainLines } from '../reporters/explain.ts';
import { jsonText, noteLine } from '../reporters/text.ts';
import { run as findFixes } from '../run.ts';
import { explainReports } from './explained.ts';
import { HISTORY_FLAGS, histories, historyRequest } from './history.ts';
import { REPORT_FLAG, reportTrouble, writeReport } from './html.ts';
import { usageError, type Io } from './io.ts';
import { FIX_FLAGS, parseCommand, PATHS } from './parser.ts';
import { fixRequest } from './request.ts';

export async function explainLayers(argv: readonly string[], io: Io): Promise<number> {
  const columns = Number(io.environment['COLUMNS'] ?? 100);
  const options = await parseCommand(argv, io, PATHS, (parser) =>
    parser
      .usage(
        '$0 explain [paths..]\n$0 explain CODE\n\nShows the layers of a Dockerfile as a table: what each reads, what re-ran it and how often in this history, what the rewrite does to it; and the facts that led to each refusal. With the code of a refusal, what that means.',
      )
      .options({
        ...HISTORY_FLAGS,
        ...FIX_FLAGS,
        ...REPORT_FLAG,
        format: { choices: ['text', 'json'] as const, requiresArg: true, describe: 'text, or json for programs' },
      }),
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
  const reports = past.flatMap(([outcomes, result]) => explainReports(outcomes, result, builder));
  if (options.format === 'json')
    io.stdout(jsonText({ version: 1, tool: { name: 'dockerfix', version }, files: reports }));
  else io.stdout(reports.map((report) => `${explainLines(report, columns).join('\n')}\n`).join('\n'));
  // The table says enough without counts.
  for (const [, result] of past) if (typeof result === 'string') io.stderr(`dockerfix: ${result}\n`);
  if (options.report !== undefined && !(await writeReport(options.report, found, past, options, io))) return 2;
  return found.errors.length > 0 ? 2 : 0;
}
