/**
 * `.dockerignore`, exactly as moby's patternmatcher reads it and BuildKit's file transfer applies it (rule 36), and the
 * paths that a COPY source selects.
 */
import type { BuildContext } from '../model.ts';
import {
  charClass,
  globOf,
  goMatch,
  isMalformed,
  literal,
  notNewline,
  notSlash,
  type Glob,
  type Token,
} from './glob.ts';

export { goMatch } from './glob.ts';

export interface IgnoreRules {
  /** The last matching pattern says exclude; a match on a parent directory counts (`!` re-includes below it). */
  ignores(path: string): boolean;
  /** Something at or below the directory could be let through. */
  mayKeep(path: string): boolean;
  /** Why builds refuse the file, or why it is not understood; the patterns concerned then match nothing. */
  readonly trouble?: string;
}

interface Pattern extends Glob {
  readonly text: string;
  readonly negated: boolean;
}

/** More than any real ignore file has; a hostile one must not cost time. */
const MAX_PATTERNS = 5_000;
/** Files that each pattern is held against. */
const MAX_LISTED = 20_000;
/** Go's bufio.Scanner takes no longer line: the build fails. */
const MAX_LINE = 65_536;

export function parseIgnore(text: string): IgnoreRules {
  const { patterns, trouble } = parsePatterns(text);
  const lastNegated = patterns.findLastIndex((pattern) => pattern.negated);
  const directories = new Map<string, Verdict>();
  const verdictOf = (path: string): Verdict => {
    const slash = path.lastIndexOf('/');
    return decide(patterns, lastNegated, path, slash < 0 ? undefined : directory(path.slice(0, slash)));
  };
  const directory = (path: string): Verdict => {
    let known = directories.get(path);
    if (known === undefined) directories.set(path, (known = verdictOf(path)));
    return known;
  };
  const isRoot = (path: string): boolean => path === '.' || path === '';
  return {
    ignores: (path) => patterns.length > 0 && !isRoot(path) && verdictOf(path).ignored,
    mayKeep: (path) => {
      if (patterns.length === 0 || isRoot(path)) return true;
      const { ignored, last } = directory(path);
      if (!ignored) return true;
      // A later `directory/**` takes everything out again that a `!` let through.
      const covered = patterns.findLastIndex(
        (each) => !each.negated && each.text.endsWith('/**') && each.matches(`${path}/x`),
      );
      return patterns.some((each, index) => index > Math.max(last, covered) && each.negated && each.reaches(path));
    },
    ...(trouble === undefined ? {} : { trouble }),
  };
}

interface Verdict {
  readonly ignored: boolean;
  /** By pattern: it matches this path or a parent; absent when nothing below can come back. */
  readonly matched?: Uint8Array;
  /** Index of the last pattern that matched. */
  readonly last: number;
}

/**
 * moby's `MatchesUsingParentResults`, which BuildKit's walk uses: a pattern that matched a parent stays matched, and one
 * that could not change the verdict is not tried. (So `a/b` then `!a` keeps `a/b` out, unlike in the older function.)
 */
function decide(patterns: readonly Pattern[], lastNegated: number, path: string, parent: Verdict | undefined): Verdict {
  if (parent?.ignored === true && parent.matched === undefined) return parent;
  const matched = new Uint8Array(patterns.length);
  let ignored = false;
  let last = -1;
  for (let index = 0; index < patterns.length; index++) {
    const pattern = patterns[index] as Pattern;
    if (parent?.matched?.[index] !== 1 && (pattern.negated !== ignored || !pattern.matches(path))) continue;
    matched[index] = 1;
    ignored = !pattern.negated;
    last = index;
  }
  return ignored && last > lastNegated ? { ignored, last } : { ignored, last, matched };
}

/** Go's strings.TrimSpace, which differs from JavaScript's in two characters. */
const BLANKS =
  /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;

function trim(text: string): string {
  return text.replace(BLANKS, '');
}

/** moby's `ignorefile.ReadAll`, then `patternmatcher.New`: the second trims and cleans once more. */
function parsePatterns(text: string): { patterns: Pattern[]; trouble: string | undefined } {
  const patterns: Pattern[] = [];
  let trouble: string | undefined;
  for (const raw of text.replace(/^\ufeff/, '').split('\n')) {
    if (raw.length >= MAX_LINE) {
      trouble ??= 'a line is too long for Docker';
      continue;
    }
    // `#` only at column 0, before trimming.
    if (raw.startsWith('#')) continue;
    const line = cleanLine(trim(raw));
    if (line === undefined) continue;
    if (patterns.length >= MAX_PATTERNS) {
      trouble ??= `it has more than ${MAX_PATTERNS} patterns`;
      break;
    }
    const negated = line.startsWith('!');
    const pattern = negated ? line.slice(1) : line;
    const glob = pattern === '' || isMalformed(pattern) ? undefined : compile(pattern);
    if (glob === undefined) trouble ??= `\`${line}\` is not a valid pattern`;
    else patterns.push({ text: pattern, negated, ...glob });
  }
  return { patterns, trouble };
}

function cleanLine(line: string): string | undefined {
  if (line === '') return undefined;
  const negated = line.startsWith('!');
  let path = negated ? trim(line.slice(1)) : line;
  if (path !== '') path = clean(path);
  if (path.length > 1 && path.startsWith('/')) path = path.slice(1);
  const again = trim(negated ? `!${path}` : path);
  return again === '' ? undefined : clean(again);
}

/** filepath.Clean, for relative and rooted paths. */
export function clean(path: string): string {
  const rooted = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !rooted) parts.push(part);
  }
  return (rooted ? '/' : '') + parts.join('/') || (rooted ? '/' : '.');
}

/**
 * What moby's `Pattern.compile` makes of a pattern: usually a plain comparison, else a regular expression. Its
 * translation is repeated to the letter, because its accidents matter: `**` takes a following `/` with it and is not
 * bound to whole segments, `**x` compares endings, `\d` is any digit, `[*]` is not a star, and `|{}` are not escaped: its
 * table has a bit for characters below 0x40 alone. Source: moby/patternmatcher, `escapeBytes`.
 */
function compile(pattern: string): Glob | undefined {
  const chars = Array.from(pattern);
  let kind: 'exact' | 'prefix' | 'suffix' | 'expression' = 'exact';
  let expression = '^';
  for (let at = 0, first = true; at < chars.length; first = false) {
    const char = chars[at++] as string;
    if (char === '*' && chars[at] === '*') {
      at++;
      if (chars[at] === '/') at++;
      if (at < chars.length) {
        expression += FOLDERS;
        kind = 'expression';
      } else if (kind === 'exact') kind = 'prefix';
      else {
        expression += '.*';
        kind = 'expression';
      }
      if (first) kind = 'suffix';
    } else if (char === '*' || char === '?') {
      expression += char === '*' ? '[^/]*' : '[^/]';
      kind = 'expression';
    } else if (char === '\\') {
      expression += `\\${chars[at++] ?? ''}`;
      kind = 'expression';
    } else if (char === '[' || char === ']') {
      expression += char;
      kind = 'expression';
    } else expression += '.+()$'.includes(char) ? `\\${char}` : char;
  }
  if (kind === 'exact')
    return { matches: (path) => path === pattern, reaches: (path) => pattern.startsWith(`${path}/`) };
  if (kind === 'prefix') {
    const prefix = pattern.slice(0, -2);
    return {
      matches: (path) => path.startsWith(prefix),
      reaches: (path) => prefix.startsWith(`${path}/`) || `${path}/`.startsWith(prefix),
    };
  }
  if (kind === 'suffix') {
    const suffix = pattern.slice(2);
    return {
      matches: (path) => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1)),
      reaches: () => true,
    };
  }
  const tokens = expressionTokens(Array.from(expression));
  return tokens && globOf(tokens);
}

const FOLDERS = '(.*/)?';

/** Reads the part of Go's regular expressions that `compile` can produce. */
function expressionTokens(chars: readonly string[]): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    if (char === '^') tokens.push({ kind: 'start' });
    else if (char === '(') {
      // Elsewhere it is escaped.
      tokens.push({ kind: 'folders' });
      at += FOLDERS.length - 1;
    } else if (char === '.') {
      tokens.push({ kind: 'many', takes: notNewline });
      at++;
    } else if (char === '\\') {
      const next = chars[++at] ?? '';
      const ranges = PERL[next.toLowerCase()];
      if (ranges !== undefined) tokens.push({ kind: 'one', takes: charClass(ranges, /[A-Z]/.test(next)) });
      else {
        const escaped = escapedChar(next);
        if (escaped === undefined) return undefined;
        tokens.push(literal(escaped));
      }
    } else if (char === '[') {
      const parsed = expressionClass(chars, at + 1);
      if (parsed === undefined) return undefined;
      at = parsed.end;
      const many = chars[at + 1] === '*';
      if (many) at++;
      const plain = parsed.source === '^/' ? notSlash : parsed.takes;
      tokens.push({ kind: many ? 'many' : 'one', takes: plain });
    } else if (char === '|' || (char === '{' && /^\d+(?:,\d*)?\}/.test(chars.slice(at + 1, at + 12).join(''))))
      // An alternative, or a count: nobody means these.
      return undefined;
    else tokens.push(literal(char));
  }
  return tokens;
}

type Ranges = readonly (readonly [low: number, high: number])[];

const PERL: Readonly<Record<string, Ranges>> = {
  d: [[0x30, 0x39]],
  s: [
    [0x09, 0x0a],
    [0x0c, 0x0d],
    [0x20, 0x20],
  ],
  w: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x5f, 0x5f],
    [0x61, 0x7a],
  ],
};

/** Undefined: Go calls it an error, or it is one of the anchors and properties that nobody writes here. */
function escapedChar(char: string): string | undefined {
  const control = { a: '\x07', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }[char];
  // ASCII, and neither a letter nor a digit.
  return control ?? (char !== '' && char < '\x80' && !/[A-Za-z\d]/.test(char) ? char : undefined);
}

function expressionClass(
  chars: readonly string[],
  from: number,
): { takes: (point: number) => boolean; source: string; end: number } | undefined {
  const negated = chars[from] === '^';
  const start = negated ? from + 1 : from;
  const ranges: (readonly [number, number])[] = [];
  let at = start;
  const member = (): number | undefined => {
    const char = chars[at++];
    return (char === '\\' ? escapedChar(chars[at++] ?? '') : char)?.codePointAt(0);
  };
  while (at === start || chars[at] !== ']') {
    // A POSIX class, which nobody writes here, or a Perl class with its upper-case complement.
    if (chars[at] === '[' && chars[at + 1] === ':') return undefined;
    const perl = chars[at] === '\\' ? PERL[chars[at + 1] ?? ''] : undefined;
    if (perl !== undefined) {
      ranges.push(...perl);
      at += 2;
      continue;
    }
    const low = member();
    let high = low;
    if (chars[at] === '-' && chars[at + 1] !== ']' && chars[at + 1] !== undefined) {
      at++;
      high = member();
    }
    if (low === undefined || high === undefined || high < low) return undefined;
    ranges.push([low, high]);
  }
  return { takes: charClass(ranges, negated), source: chars.slice(from, at).join(''), end: at };
}

// ------------------------------------------------------------------------------------------------ COPY sources

/** A COPY source as a clean path inside the context: `../a`, `/a` and `./a` all mean `a` (rule 32). */
export function contextPath(source: string): string {
  return clean(`/${source}`).slice(1) || '.';
}

const expansions = new WeakMap<BuildContext, Map<string, readonly string[]>>();

/** Asked again and again of one context. */
function remembered(context: BuildContext, key: string, make: () => readonly string[]): readonly string[] {
  let known = expansions.get(context);
  if (known === undefined) expansions.set(context, (known = new Map<string, readonly string[]>()));
  let result = known.get(key);
  if (result === undefined) known.set(key, (result = make()));
  return result;
}

/** The context paths that a COPY source selects, wildcards matched segment by segment. */
export function expandCopySource(context: BuildContext, source: string): readonly string[] {
  return remembered(context, source, () => expand(context, source));
}

/**
 * The same of a source of `COPY --parents`, where `**` stands for directories however deep: it is an include pattern
 * there. Source: dockerfile2llb, `dispatchCopy`, and moby/patternmatcher. Undefined: the context is too large for that.
 */
export function expandParentsSource(context: BuildContext, source: string): readonly string[] | undefined {
  if (!source.includes('**')) return expandCopySource(context, source);
  const files = context.list('.');
  if (files.length > MAX_LISTED) return undefined;
  return remembered(context, `--parents ${source}`, () => {
    const rules = parseIgnore(contextPath(source));
    return files.filter((path) => rules.ignores(path));
  });
}

/** Up to the first segment with a wildcard, the path is taken literally, backslashes too (fsutil's `splitWildcards`). */
function expand(context: BuildContext, source: string): readonly string[] {
  const segments = contextPath(source).split('/');
  const first = segments.findIndex(hasWildcard);
  if (first < 0) return context.has(segments.join('/')) ? [segments.join('/')] : [];
  let found = [segments.slice(0, first).join('/') || '.'];
  for (const segment of segments.slice(first)) {
    const exact = /[*?[\\]/.test(segment) ? undefined : [segment];
    found = found.flatMap((directory) =>
      (exact ?? names(context, directory).filter((name) => goMatch(segment, name)))
        .map((name) => (directory === '.' ? name : `${directory}/${name}`))
        .filter((each) => context.has(each)),
    );
  }
  return found;
}

function names(context: BuildContext, directory: string): readonly string[] {
  return directory === '.' || context.kind(directory) === 'directory' ? context.entries(directory) : [];
}

/** An escaped wildcard is none. */
function hasWildcard(segment: string): boolean {
  return /[*?[]/.test(segment.replace(/\\./gs, ''));
}
