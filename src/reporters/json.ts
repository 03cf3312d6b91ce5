/** Everything, for programs. Described by schema/output.schema.json; `version` changes when a reader could break. */
import type { Report } from './reporter.ts';
import { jsonText, totals } from './text.ts';

export const OUTPUT_VERSION = 1;

export function jsonReport({ tool, outcomes, notes }: Pick<Report, 'tool' | 'outcomes' | 'notes'>): string {
  const report = {
    version: OUTPUT_VERSION,
    tool: { name: 'dockerfix', version: tool },
    files: outcomes.map(({ path, status, context, changes, applied, refused, notes: remarks }) => ({
      path,
      status,
      context: context ?? null,
      changes: changes.map((change) => ({ path: change.path, before: change.before ?? null, after: change.after })),
      applied,
      refused,
      notes: remarks,
    })),
    notes,
    summary: totals(outcomes),
  };
  return jsonText(report);
}
