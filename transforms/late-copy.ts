/**
 * ## What it does
 * Moves a source `COPY` below instructions that read nothing of it: system packages, global tools, downloads, users.
 *
 * ## Why
 * Those are slow and never depend on the source, yet above them every source edit runs them again.
 *
 * ## Example
 * ```diff
 * -COPY . .
 *  RUN apt-get update && apt-get install -y git
 * +COPY . .
 * ```
 *
 * So does what is copied out of a stage that holds the source (`COPY --from=build /app/dist ./dist`). A RUN that works on
 * nothing but the source (`chmod +x start.sh`, `cp config.example.json config.json`) moves along.
 *
 * With a history (`--history`), also copies that may stand in any order, each where it re-ran least.
 *
 * ## Fix safety
 * Safe: the proof shows that the commands neither read nor write what the copy brings.
 */
import {
  cheaperOrders,
  emit,
  isTrouble,
  noGain,
  opportunities,
  relocate,
  short,
  traceOf,
  type BuildContext,
  type Dockerfile,
  type Order,
  type Proposal,
  type Target,
  type Transform,
} from '../src/plugin.ts';

export const lateCopy: Transform = {
  name: 'late-copy',
  summary: 'copy the source below instructions that do not read it',
  *propose(file, context, target): Iterable<Proposal> {
    for (const stage of traceOf(file, context, target)) {
      for (const plan of opportunities(stage, context, { kind: 'install', narrow: false }).plans) {
        const written = emit(file, plan, context, target);
        const edits = 'code' in written ? written : (noGain(file, written, context, target) ?? written);
        if ('code' in edits) {
          // One download is not worth a word.
          if (plan.gains.every(({ text }) => /^(?:curl|wget) /.test(text))) continue;
          yield { at: plan.last, fixes: [], refusal: edits };
          continue;
        }
        const gains = [...new Set(plan.gains.map((action) => action.text))].map(short);
        yield {
          at: plan.last,
          fixes: [{ edits, message: `copies the source after ${gains.join(', ')}`, safety: 'safe' }],
        };
      }
    }
    yield* byHistory(file, context, target);
  },
};

/** Where several orders mean the same, the one that the history says is the cheapest. */
function* byHistory(file: Dockerfile, context: BuildContext, target: Target): Iterable<Proposal> {
  if (target.history === undefined) return;
  for (const { stage, orders } of cheaperOrders(file, context, target, target.history)) {
    const at = orders[0]?.moved[0];
    if (at === undefined) continue;
    yield {
      at,
      fixes: orders.flatMap((order) => {
        const edits = relocate(file, stage.stage, order);
        return isTrouble(edits) ? [] : [{ edits, message: orderMessage(file, order), safety: 'safe' }];
      }),
    };
  }
}

function orderMessage(file: Dockerfile, { moved, changed, commits, saved }: Order): string {
  const named = moved.map((copy) => {
    const text = file.source.slice(...copy.span).replace(/\s+/g, ' ');
    return `\`${text.length > 50 ? `${text.slice(0, 47)}...` : text}\` ${changed.get(copy) ?? 0}`;
  });
  const less = Math.max(1, Math.round(saved * 100));
  return `orders copies by in how many of ${commits} commits their files changed (${named.join(', ')}): re-runs cost ${less} % less`;
}
