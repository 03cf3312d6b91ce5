/** Characters of the texts that are kept: a few large lockfiles, or very many manifests. */
const MOST = 16_000_000;

/** Remembers what was worked out from a text: the same manifests are read many times over while one file is proved. */
export function memo<T>(work: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  let kept = 0;
  return (text) => {
    if (known.has(text)) return known.get(text) as T;
    const value = work(text);
    kept += text.length;
    if (kept > MOST) {
      known.clear();
      kept = text.length;
    }
    known.set(text, value);
    return value;
  };
}

/** The same, of an object: forgotten with it. */
export function memoOf<K extends object, T>(work: (key: K) => T): (key: K) => T {
  const known = new WeakMap<K, { readonly value: T }>();
  return (key) => {
    let found = known.get(key);
    if (found === undefined) known.set(key, (found = { value: work(key) }));
    return found.value;
  };
}
