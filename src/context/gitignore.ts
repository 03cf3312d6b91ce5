/** What git would leave out of a listing: such paths may be on somebody's disk, and so in a build. */
import { charClass, globOf, literal, notSlash, type Glob, type Takes, type Token } from './glob.ts';

export interface GitIgnore {
  /** As a file or a directory, unless it is known to be no directory. */
  ignores(path: string, isFile?: boolean): boolean;
  /** A pattern names something below this directory in plain text; what a wildcard could reach is no such sign. */
  reaches(directory: string): boolean;
}

interface Pattern {
  readonly glob: Glob;
  /** Its text before the first wildcard. */
  readonly head: string;
  readonly negated: boolean;
  readonly directoryOnly: boolean;
  /** Without a slash in it: compared with the last segment only. */
  readonly nameOnly: boolean;
}

/** More than a file for people has; a hostile one must not cost time. */
const MAX_PATTERNS = 5_000;

/** Stands for more patterns than are looked at: what git does not track may be ignored, whatever it is. */
const ANYTHING: Pattern = {
  glob: { matches: () => true, reaches: () => true },
  head: '',
  negated: false,
  directoryOnly: false,
  nameOnly: true,
};

/** `textIn` gives the `.gitignore` of a directory (`.` for the root); each is asked for once, when it is needed. */
export function gitIgnore(textIn: (directory: string) => string | undefined): GitIgnore {
  const patterns = new Map<string, readonly Pattern[]>();
  const patternsIn = (directory: string): readonly Pattern[] => {
    let known = patterns.get(directory);
    if (known === undefined) patterns.set(directory, (known = parse(textIn(directory) ?? '')));
    return known;
  };
  const memo = new Map<string, boolean>();
  const directoryIgnored = (path: string): boolean => {
    let known = memo.get(path);
    if (known === undefined) memo.set(path, (known = decide(path, false)));
    return known;
  };
  /** The deepest file that has a word on it decides, by its last match; nothing below an ignored directory returns. */
  const decide = (path: string, isFile: boolean): boolean => {
    const parent = parentOf(path);
    if (parent !== '.' && directoryIgnored(parent)) return true;
    const name = path.slice(path.lastIndexOf('/') + 1);
    for (let directory = parent; ; directory = parentOf(directory)) {
      const inside = directory === '.' ? path : path.slice(directory.length + 1);
      const match = patternsIn(directory).findLast(
        ({ glob, nameOnly, directoryOnly }) => !(directoryOnly && isFile) && glob.matches(nameOnly ? name : inside),
      );
      if (match !== undefined) return !match.negated;
      if (directory === '.') return false;
    }
  };
  return {
    ignores: (path, isFile) => path !== '.' && (decide(path, true) || (isFile !== true && directoryIgnored(path))),
    reaches(path) {
      for (let directory = parentOf(path); ; directory = parentOf(directory)) {
        const inside = directory === '.' ? path : path.slice(directory.length + 1);
        if (patternsIn(directory).some((each) => !each.negated && !each.nameOnly && each.head.startsWith(`${inside}/`)))
          return true;
        if (directory === '.') return false;
      }
    },
  };
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash);
}

function parse(text: string): readonly Pattern[] {
  const patterns: Pattern[] = [];
  for (const raw of text.replace(/^\ufeff/, '').split('\n')) {
    if (raw.startsWith('#')) continue;
    let line = trimEnd(raw.replace(/\r$/, ''));
    const negated = line.startsWith('!');
    if (negated) line = line.slice(1);
    const directoryOnly = line.endsWith('/');
    if (directoryOnly) line = line.slice(0, -1);
    const nameOnly = !line.includes('/');
    const tokens = line === '' ? undefined : tokensOf(Array.from(line.replace(/^\//, '')), nameOnly);
    if (tokens === undefined) continue;
    if (patterns.length >= MAX_PATTERNS) return [ANYTHING];
    patterns.push({ glob: globOf(tokens), head: plainHead(tokens), negated, directoryOnly, nameOnly });
  }
  return patterns;
}

function plainHead(tokens: readonly Token[]): string {
  let head = '';
  for (const token of tokens) {
    if (!('literal' in token)) break;
    head += token.literal;
  }
  return head;
}

/** Spaces at the end go, unless the last is escaped. */
function trimEnd(line: string): string {
  let end = 0;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === ' ') continue;
    end = Math.min(at + 1, line.length);
  }
  return line.slice(0, end);
}

/**
 * git's wildmatch: `**` counts only as a whole segment, or where the first wildcard stands, because git compares the
 * plain text before it apart (`match_pathname` in dir.c). Undefined: malformed, matches nothing.
 */
function tokensOf(chars: readonly string[], nameOnly: boolean): Token[] | undefined {
  const tokens: Token[] = [];
  const first = chars.findIndex((char) => '*?[\\'.includes(char));
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    if (char === '*') {
      const start = at;
      while (chars[at + 1] === '*') at++;
      const whole = at > start && (start === first || chars[start - 1] === '/');
      const next = chars[at + 1];
      if (whole && next === '/' && !nameOnly) {
        tokens.push({ kind: 'folders' });
        at++;
      } else tokens.push({ kind: 'many', takes: whole && next === undefined ? () => true : notSlash });
    } else if (char === '?') tokens.push({ kind: 'one', takes: notSlash });
    else if (char === '\\') {
      const escaped = chars[++at];
      if (escaped === undefined) return undefined;
      tokens.push(literal(escaped));
    } else if (char === '[') {
      const parsed = classOf(chars, at + 1);
      if (parsed === undefined) return undefined;
      tokens.push({ kind: 'one', takes: parsed.takes });
      at = parsed.end;
    } else tokens.push(literal(char));
  }
  return tokens;
}

const POSIX: Readonly<Record<string, string>> = {
  alnum: '09AZaz',
  alpha: 'AZaz',
  digit: '09',
  lower: 'az',
  upper: 'AZ',
  xdigit: '09AFaf',
  space: '\t\r  ',
  blank: '\t\t  ',
  punct: '!/:@[`{~',
  cntrl: '\0\x1f\x7f\x7f',
  print: ' ~',
  graph: '!~',
};

/** A class never matches a slash; its first `]` may be a member. */
function classOf(chars: readonly string[], from: number): { takes: Takes; end: number } | undefined {
  const negated = chars[from] === '!' || chars[from] === '^';
  const start = negated ? from + 1 : from;
  const ranges: [number, number][] = [];
  let at = start;
  const member = (): number | undefined => {
    if (chars[at] === '\\') at++;
    return chars[at++]?.codePointAt(0);
  };
  while (at === start || chars[at] !== ']') {
    const posix = /^\[:([a-z]*):\]/.exec(chars.slice(at, at + 12).join(''));
    if (posix !== null) {
      const pairs = POSIX[posix[1] as string];
      if (pairs === undefined) return undefined;
      for (let pair = 0; pair < pairs.length; pair += 2)
        ranges.push([pairs.charCodeAt(pair), pairs.charCodeAt(pair + 1)]);
      at += posix[0].length;
      continue;
    }
    const low = member();
    let high = low;
    if (chars[at] === '-' && chars[at + 1] !== ']' && chars[at + 1] !== undefined) {
      at++;
      high = member();
    }
    if (low === undefined || high === undefined) return undefined;
    ranges.push([low, high]);
  }
  const takes = charClass(ranges, negated);
  return { takes: (point) => notSlash(point) && takes(point), end: at };
}
