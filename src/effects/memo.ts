import type { BuildContext, Dockerfile, Target } from '../model.ts';
import { createSymbols } from './symbols.ts';
import { trace, type StageTrace } from './trace.ts';

const memo = new WeakMap<Dockerfile, WeakMap<BuildContext, WeakMap<object, readonly StageTrace[]>>>();
const BUILT_IN = {};

/** The trace of a file in a context, worked out once however many transforms ask. */
export function traceOf(
  file: Dockerfile,
  context: BuildContext,
  { managers }: Pick<Target, 'managers'> = {},
): readonly StageTrace[] {
  let byContext = memo.get(file);
  if (byContext === undefined) memo.set(file, (byContext = new WeakMap()));
  let byManagers = byContext.get(context);
  if (byManagers === undefined) byContext.set(context, (byManagers = new WeakMap()));
  let known = byManagers.get(managers ?? BUILT_IN);
  if (known === undefined)
    byManagers.set(managers ?? BUILT_IN, (known = trace(file, context, createSymbols(), managers)));
  return known;
}
