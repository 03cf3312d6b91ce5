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
 * ## Fix safety
 * Safe: the proof shows that the commands neither read nor write what the copy brings.
 */
import { emit, opportunities, traceOf, type Proposal, type Transform } from '../src/plugin.ts';

export const lateCopy: Transform = {
  name: 'late-copy',
  summary: 'copy the source below instructions that do not read it',
  *propose(file, context, target): Iterable<Proposal> {
    for (const stage of traceOf(file, context, target)) {
      for (const plan of opportunities(stage, context, { kind: 'install', narrow: false }).plans) {
        const edits = emit(file, plan, context, target);
        if ('code' in edits) {
          yield { at: plan.last, fixes: [], refusal: edits };
          continue;
        }
        const gains = [...new Set(plan.gains.map((action) => action.text))].map(
          (text) => `\`${text.length > 40 ? `${text.slice(0, 37)}...` : text}\``,
        );
        yield {
          at: plan.last,
          fixes: [{ edits, message: `copies the source after ${gains.join(', ')}`, safety: 'safe' }],
        };
      }
    }
  },
};
