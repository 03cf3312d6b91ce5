/** Outcomes as the table of their layers. */
import { chainOf, rowsOf } from '../layers/explain.ts';
import type { Builder } from '../layers/layers.ts';
import { pairsOf, type Replay, type ReplayResult } from '../replay.ts';
import type { ExplainReport } from '../reporters/explain.ts';
import type { FileOutcome } from '../run.ts';

/** Without a history, the layers all the same. */
export function explainReports(
  outcomes: readonly FileOutcome[],
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
        : chainOf(today.file, subject.before, refusal, subject.fix),
    ),
  };
}
