import type { BuildContext, Dockerfile, Target } from '../model.ts';
import { createSymbols, type Symbols } from './symbols.ts';
import { trace, type StageTrace } from './trace.ts';

interface Traced {
  readonly stages: readonly StageTrace[];
  /** What their numbers stand for: traces can be compared that share them. */
  readonly symbols: Symbols;
}

const memo = new WeakMap<Dockerfile, WeakMap<BuildContext, WeakMap<object, Traced>>>();
const BUILT_IN = {};

/** The trace of a file in a context, worked out once however many transforms, and the proof, ask. */
export function traced(
  file: Dockerfile,
  context: BuildContext,
  managers: Target['managers'],
  /** Default: whichever, and new ones for a first trace. */
  symbols?: Symbols,
): Traced {
  let byContext = memo.get(file);
  if (byContext === undefined) memo.set(file, (byContext = new WeakMap()));
  let byManagers = byContext.get(context);
  if (byManagers === undefined) byContext.set(context, (byManagers = new WeakMap()));
  let known = byManagers.get(managers ?? BUILT_IN);
  if (known === undefined || (symbols !== undefined && known.symbols !== symbols)) {
    const table = symbols ?? createSymbols();
    known = { stages: trace(file, context, table, managers), symbols: table };
    byManagers.set(managers ?? BUILT_IN, known);
  }
  return known;
}

/** The same for transforms. */
export function traceOf(
  file: Dockerfile,
  context: BuildContext,
  { managers }: Pick<Target, 'managers'> = {},
): readonly StageTrace[] {
  return traced(file, context, managers).stages;
}
