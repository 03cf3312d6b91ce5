/**
 * One matcher for the three pattern languages of a build context: Go's filepath.Match, moby's patternmatcher and
 * .gitignore. Patterns come from repositories that nobody vouches for, so none becomes a JavaScript regular
 * expression: it runs as an automaton whose time is the product of the two lengths, whatever the pattern.
 */

/** One step of a pattern. `folders` is `(.*\/)?`: any leading directories or none. `start` is `^`. */
export type Token =
  | { readonly kind: 'one' | 'many'; readonly takes: Takes }
  | { readonly kind: 'one'; readonly takes: Takes; readonly literal: string }
  | { readonly kind: 'folders' | 'start' };

/** A code point is in the class. */
export type Takes = (point: number) => boolean;

export interface Glob {
  matches(path: string): boolean;
  /** Some path strictly below this directory could match. */
  reaches(directory: string): boolean;
}

const SLASH = 0x2f;
const NEWLINE = 0x0a;

export const notSlash: Takes = (point) => point !== SLASH;
export const notNewline: Takes = (point) => point !== NEWLINE;

export function literal(char: string): Token {
  const wanted = char.codePointAt(0);
  return { kind: 'one', takes: (point) => point === wanted, literal: char };
}

export function charClass(ranges: readonly (readonly [low: number, high: number])[], negated: boolean): Takes {
  return (point) => ranges.some(([low, high]) => low <= point && point <= high) !== negated;
}

export function globOf(tokens: readonly Token[]): Glob {
  const { head, tail, middle } = requiredText(tokens);
  return {
    matches: (path) =>
      path.startsWith(head) &&
      path.endsWith(tail) &&
      path.includes(middle) &&
      advance(tokens, path)[2 * tokens.length] === 1,
    reaches: (directory) => {
      const states = advance(tokens, `${directory}/`);
      return states.subarray(0, 2 * tokens.length).includes(1);
    },
  };
}

/** Literal text that every match starts with, ends with and contains: cheap to look for first. */
function requiredText(tokens: readonly Token[]): { head: string; tail: string; middle: string } {
  const runs = [''];
  for (const token of tokens) {
    if ('literal' in token) runs.push(`${runs.pop() ?? ''}${token.literal}`);
    else runs.push('');
  }
  return {
    head: runs[0] as string,
    tail: runs.at(-1) as string,
    middle: runs.reduce((longest, run) => (run.length > longest.length ? run : longest)),
  };
}

/** The states after the text: `2i` stands before token i, `2i + 1` inside the directories that token i takes. */
function advance(tokens: readonly Token[], text: string): Uint8Array {
  let states = new Uint8Array(2 * tokens.length + 1);
  let next = new Uint8Array(states.length);
  states[0] = 1;
  close(tokens, states, true);
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at) as number;
    if (point > 0xffff) at++;
    let alive = false;
    for (let index = 0; index < tokens.length; index++) {
      const token = tokens[index] as Token;
      if (states[2 * index] === 1 && 'takes' in token && token.takes(point)) {
        next[token.kind === 'many' ? 2 * index : 2 * index + 2] = 1;
        alive = true;
      }
      if (states[2 * index + 1] === 1 && point !== NEWLINE) {
        next[2 * index + 1] = 1;
        if (point === SLASH) next[2 * index + 2] = 1;
        alive = true;
      }
    }
    if (!alive) return next;
    close(tokens, next, false);
    [states, next] = [next, states];
    next.fill(0);
  }
  return states;
}

/** Takes the steps that consume nothing. */
function close(tokens: readonly Token[], states: Uint8Array, atStart: boolean): void {
  for (let index = 0; index < tokens.length; index++) {
    if (states[2 * index] !== 1) continue;
    const { kind } = tokens[index] as Token;
    if (kind === 'folders') states[2 * index + 1] = 1;
    if (kind === 'folders' || kind === 'many' || (kind === 'start' && atStart)) states[2 * index + 2] = 1;
  }
}

// ------------------------------------------------------------------------------------------- filepath.Match

const compiled = new Map<string, Glob | undefined>();

/** Go's filepath.Match of one path against one pattern: `*` stops at `/`, and there is no `**`. */
export function goMatch(pattern: string, name: string): boolean {
  return goGlob(pattern)?.matches(name) === true;
}

/** Go returns ErrBadPattern for it. */
export function isMalformed(pattern: string): boolean {
  return goGlob(pattern) === undefined;
}

function goGlob(pattern: string): Glob | undefined {
  if (!compiled.has(pattern)) {
    if (compiled.size > 1_000) compiled.clear();
    const tokens = goTokens(Array.from(pattern));
    compiled.set(pattern, tokens && globOf(tokens));
  }
  return compiled.get(pattern);
}

function goTokens(chars: readonly string[]): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    if (char === '*') tokens.push({ kind: 'many', takes: notSlash });
    else if (char === '?') tokens.push({ kind: 'one', takes: notSlash });
    else if (char === '\\') {
      const escaped = chars[++at];
      if (escaped === undefined) return undefined;
      tokens.push(literal(escaped));
    } else if (char === '[') {
      const parsed = goClass(chars, at + 1);
      if (parsed === undefined) return undefined;
      tokens.push({ kind: 'one', takes: parsed.takes });
      at = parsed.end;
    } else tokens.push(literal(char));
  }
  return tokens;
}

/** `'[' '^'? (lo | lo '-' hi)+ ']'`, where `-` and `]` must be escaped. */
function goClass(chars: readonly string[], from: number): { takes: Takes; end: number } | undefined {
  const negated = chars[from] === '^';
  const ranges: [number, number][] = [];
  let at = negated ? from + 1 : from;
  const member = (): number | undefined => {
    if (chars[at] === '-' || chars[at] === ']') return undefined;
    if (chars[at] === '\\') at++;
    return chars[at++]?.codePointAt(0);
  };
  while (chars[at] !== ']' || ranges.length === 0) {
    const low = member();
    let high = low;
    if (chars[at] === '-') {
      at++;
      high = member();
    }
    if (low === undefined || high === undefined) return undefined;
    ranges.push([low, high]);
  }
  return { takes: charClass(ranges, negated), end: at };
}
