/** A thread of `dockerfix batch`: one repository at a time, only read. The operator's configuration is read once. */
import type { Finding, Task } from '../batch/look.ts';
import type { Replayed } from '../batch/results.ts';
import { mergeChanges, unifiedDiff } from '../diff.ts';
import { replay } from '../replay.ts';
import { run, type FileOutcome } from '../run.ts';
import { writesOf } from '../write.ts';
import { reportOf } from './history.ts';
import { fixRequest, type FixFlags, type Request } from './request.ts';

const requests = new Map<string, Promise<Request | string>>();

export default async function look({ root, cwd, flags, history }: Task): Promise<Finding> {
  const key = JSON.stringify([cwd, flags]);
  const request = requests.get(key) ?? fixRequest(flags as FixFlags, cwd);
  requests.set(key, request);
  const known = await request;
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
  const replayed = status === 'changed' && history !== undefined ? await replays(outcomes, history, known) : undefined;
  return {
    status,
    files: outcomes.map((each) => ({
      path: each.path,
      status: each.status,
      context: each.context ?? null,
      applied: each.applied.map(({ transform, line, message, safety, risk }) => ({
        transform,
        line,
        message,
        safety,
        ...(risk === undefined ? {} : { risk }),
      })),
      refused: each.refused,
      notes: each.notes,
    })),
    notes: [...notes, ...errors],
    patch: unifiedDiff(mergeChanges(outcomes.flatMap((each) => each.changes))),
    writes: writesOf(outcomes),
    ...(replayed === undefined ? {} : { replay: replayed }),
  };
}

/** Of the repository that most of it is. Undefined: there is no history to replay. */
async function replays(
  outcomes: readonly FileOutcome[],
  limit: number,
  { fix }: Request,
): Promise<Replayed | undefined> {
  const root = outcomes.find((each) => each.changes.length > 0)?.root;
  const result =
    limit === 0
      ? ''
      : await replay(
          outcomes.filter((each) => each.root === root && each.changes.length > 0),
          { limit, firstParent: true, asWas: false, builder: fix.target?.builder ?? 'buildkit' },
        );
  if (typeof result === 'string' || result.span === undefined) return undefined;
  return {
    commits: result.commits,
    ...result.span,
    files: result.replays.map((each) => reportOf(each, result)),
  };
}
