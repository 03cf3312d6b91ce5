/** A thread of `dockerfix batch`: one repository at a time, only read. The operator's configuration is read once. */
import type { Finding, Task } from '../batch/batch.ts';
import { unifiedDiff } from '../diff.ts';
import { run } from '../run.ts';
import { fixRequest, type FixFlags, type Request } from './request.ts';

let request: Promise<Request | string> | undefined;

export default async function look({ root, cwd, flags }: Task): Promise<Finding> {
  const known = await (request ??= fixRequest(flags as FixFlags, cwd));
  if (typeof known === 'string') throw new Error(known);
  const { outcomes, notes, errors } = await run({ ...known, cwd: root, paths: ['.'] });
  const failed = errors.length > 0 || outcomes.some((each) => each.status === 'failed');
  const status = failed
    ? 'failed'
    : outcomes.length === 0
      ? 'none'
      : outcomes.some((each) => each.status === 'changed')
        ? 'changed'
        : outcomes.some((each) => each.status === 'refused')
          ? 'refused'
          : 'unchanged';
  return {
    status,
    files: outcomes.map((each) => ({
      path: each.path,
      status: each.status,
      context: each.context ?? null,
      applied: each.applied.map(({ transform, line, message, safety }) => ({ transform, line, message, safety })),
      refused: each.refused,
      notes: each.notes,
    })),
    notes: [...notes, ...errors],
    patch: unifiedDiff(outcomes.flatMap((each) => each.changes)),
  };
}
