/** Remembers what was worked out from a text: the same manifests are read many times over while one file is proved. */
export function memo<T>(work: (text: string) => T, most = 256): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    if (known.has(text)) return known.get(text) as T;
    const value = work(text);
    // Lockfiles of megabytes would be kept alive by their facts.
    if (text.length > 100_000) return value;
    if (known.size >= most) known.clear();
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
