import type { BuildContext, Dockerfile } from '../model.ts';
import { createSymbols } from './symbols.ts';
import { trace, type StageTrace } from './trace.ts';

const memo = new WeakMap<Dockerfile, WeakMap<BuildContext, readonly StageTrace[]>>();

/** The trace of a file in a context, worked out once however many transforms ask. */
export function traceOf(file: Dockerfile, context: BuildContext): readonly StageTrace[] {
  let byContext = memo.get(file);
  if (byContext === undefined) memo.set(file, (byContext = new WeakMap()));
  let known = byContext.get(context);
  if (known === undefined) byContext.set(context, (known = trace(file, context, createSymbols())));
  return known;
}
