/** `dockerfix explain [paths..]`: the layers as a table, and what led to each refusal. */
import type { FileOutcome, RunResult } from '../run.ts';
import { run as findFixes } from '../run.ts';
import { version } from '../index.ts';
import { chainOf, rowsOf } from '../layers/explain.ts';
import type { Builder } from '../layers/layers.ts';
import { pairsOf, replay, type Replay, type ReplayResult } from '../replay.ts';
import { explainLines, type ExplainReport } from '../reporters/explain.ts';
import { noteLine } from '../reporters/text.ts';
import { usageError, type Io } from './io.ts';
import { FIX_FLAGS, parseWith } from './parser.ts';
import { HISTORY_FLAGS, historyRequest } from './replay.ts';
import { fixRequest } from './request.ts';

export async function explainLayers(argv: readonly string[], io: Io): Promise<number> {
  const columns = Number(io.environment['COLUMNS'] ?? 100);
  const parsed = await parseWith(argv, columns, (parser) =>
    parser
      .usage(
        '$0 explain [paths..]\n$0 explain CODE\n\nShows the layers of a Dockerfile as a table: what each reads, what re-ran it and how often in this history, what the rewrite does to it; and the facts that led to each refusal. With the code of a refusal, what that means.',
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
      }),
  );
  if ('mistake' in parsed) return usageError(io, parsed.mistake);
  if ('text' in parsed) {
    io.stdout(parsed.text);
    return 0;
  }
  const { options } = parsed;
  const { paths = [] } = options as { readonly paths?: readonly string[] };
  const history = historyRequest(options, io.cwd);
  if (typeof history === 'string') return usageError(io, history);
  const request = await fixRequest(options, io.cwd);
  if (typeof request === 'string') return usageError(io, request);
  const found = await findFixes({ ...request, paths: paths.length === 0 ? ['.'] : paths });
  for (const error of found.errors) io.stderr(`${noteLine(error)}\n`);
  const builder = options.builder ?? 'buildkit';
  const result = await replay(found.outcomes, { ...history, builder, fix: request.fix });
  const reports = explainReports(found, result, builder);
  if (options.format === 'json')
    io.stdout(
      `${JSON.stringify({ version: 1, tool: { name: 'dockerfix', version }, files: reports }, undefined, 2)}\n`,
    );
  else io.stdout(reports.map((report) => `${explainLines(report, columns).join('\n')}\n`).join('\n'));
  // The table says enough without counts.
  if (typeof result === 'string') io.stderr(`dockerfix: ${result}\n`);
  return found.errors.length > 0 ? 2 : 0;
}

/** Without a history, the layers all the same. */
export function explainReports(
  { outcomes }: RunResult,
  result: ReplayResult | string,
  builder: Builder,
): readonly ExplainReport[] {
  const replays = new Map<FileOutcome, Replay>(
    typeof result === 'string' ? [] : result.replays.map((each) => [each.outcome, each]),
  );
  return outcomes.map((outcome) => explainReport(outcome, replays.get(outcome), builder));
}

function explainReport(outcome: FileOutcome, replayed: Replay | undefined, builder: Builder): ExplainReport {
  const { path, status, subject, refused } = outcome;
  const today = subject === undefined ? undefined : pairsOf(outcome, subject, builder);
  const pair = replayed?.pair ?? today?.pair;
  return {
    path,
    status,
    ...(replayed === undefined ? {} : { commits: replayed.count.commits }),
    layers: pair === undefined ? [] : rowsOf(pair, replayed?.count),
    refusals: refused.map((refusal) =>
      today === undefined || subject === undefined
        ? {
            line: refusal.line,
            code: refusal.code,
            facts: [refusal.message],
            ...(refusal.help === undefined ? {} : { help: refusal.help }),
          }
        : chainOf(today.file, subject.before, refusal),
    ),
  };
}
