import type { BuildContext, Dockerfile, Target } from '../model.ts';
import type { StageTrace } from './actions.ts';
import type { Memory } from './recall.ts';
import { createSymbols, type Symbols } from './symbols.ts';
import { trace } from './trace.ts';

interface Traced {
  readonly stages: readonly StageTrace[];
  /** What their numbers stand for: traces can be compared that share them. */
  readonly symbols: Symbols;
}

/** What was worked out for a list of managers. */
type ByManagers<T> = WeakMap<object, T>;

const memo = new WeakMap<Dockerfile, WeakMap<BuildContext, ByManagers<Traced>>>();
const memories = new WeakMap<BuildContext, ByManagers<Memory>>();
const BUILT_IN = {};

function ensure<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

/** The trace of a file in a context, worked out once however many transforms, and the proof, ask. */
export function traced(
  file: Dockerfile,
  context: BuildContext,
  managers: Target['managers'],
  /** Default: whichever, and new ones for a first trace. */
  symbols?: Symbols,
): Traced {
  const list = managers ?? BUILT_IN;
  const byManagers = ensure(
    ensure(memo, file, () => new WeakMap()),
    context,
    () => new WeakMap(),
  );
  let known = byManagers.get(list);
  if (known === undefined || (symbols !== undefined && known.symbols !== symbols)) {
    const table = symbols ?? createSymbols();
    const memory = ensure(
      ensure(memories, context, () => new WeakMap()),
      list,
      (): Memory => new Map(),
    );
    known = { stages: trace(file, context, table, managers, memory), symbols: table };
    byManagers.set(list, known);
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
