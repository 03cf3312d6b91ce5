/** Hash-consing: equal structures get equal numbers, so that two executions can be compared by number. */
export interface Symbols {
  /** The number of this list of parts: the same for the same list, different for any other. */
  of(...parts: readonly (string | number)[]): number;
}

export function createSymbols(): Symbols {
  const table = new Map<string, number>();
  return {
    of(...parts) {
      // Length-prefixing makes the key unambiguous whatever the parts contain.
      let key = '';
      for (const part of parts) key += typeof part === 'number' ? `#${part};` : `${part.length}:${part};`;
      let number = table.get(key);
      if (number === undefined) table.set(key, (number = table.size));
      return number;
    },
  };
}
