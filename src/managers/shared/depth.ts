/** Deeper than any manifest nests: what goes through it step by step inwards would run out of stack. */
const DEEPEST = 500;

/** The value of a document. Throws where it is nested too deeply. */
export function shallow<T>(value: T): T {
  let level: readonly unknown[] = [value];
  // What is there twice, by an alias, is looked at once.
  const seen = new Set<unknown>();
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) throw new RangeError('it is nested too deeply');
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each !== 'object' || each === null || seen.has(each)) continue;
      seen.add(each);
      for (const inner of Object.values(each)) if (typeof inner === 'object') next.push(inner);
    }
    level = next;
  }
  return value;
}
