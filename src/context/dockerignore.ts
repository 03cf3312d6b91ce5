/**
 * `.dockerignore`, exactly as moby's patternmatcher reads it (rule 36), and Go's filepath.Match for COPY wildcards.
 */
import type { BuildContext } from '../model.ts';

export interface IgnoreRules {
  /** The last matching pattern says exclude; a match on a parent directory counts (`!` re-includes below it). */
  ignores(path: string): boolean;
  /** Something at or below the directory could be let through. */
  mayKeep(path: string): boolean;
}

interface Pattern {
  readonly expression: RegExp;
  readonly negated: boolean;
  /** The pattern's segments, to tell what it could match further down. */
  readonly segments: readonly string[];
}

/** Goes no further than any real ignore file, and keeps hostile ones from costing time. */
const MAX_PATTERNS = 5_000;

export function parseIgnore(text: string): IgnoreRules {
  const patterns: Pattern[] = [];
  for (const raw of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .slice(0, MAX_PATTERNS)) {
    // `#` only at column 0, before trimming.
    if (raw.startsWith('#')) continue;
    let line = raw.trim();
    if (line === '') continue;
    const negated = line.startsWith('!');
    if (negated) line = line.slice(1).trim();
    line = clean(line);
    if (line.length > 1 && line.startsWith('/')) line = line.slice(1);
    if (line === '' || line === '.') continue;
    const expression = toExpression(line);
    if (expression !== undefined) patterns.push({ expression, negated, segments: line.split('/') });
  }
  if (patterns.length === 0) return { ignores: () => false, mayKeep: () => true };
  const lastExclusion = (path: string): number => {
    const paths = [path, ...ancestors(path)];
    return patterns.findLastIndex(({ expression, negated }) => !negated && paths.some((each) => expression.test(each)));
  };
  const memo = new Map<string, boolean>();
  const directory = (path: string): boolean => {
    let known = memo.get(path);
    if (known === undefined) memo.set(path, (known = decide(path)));
    return known;
  };
  const decide = (path: string): boolean => {
    const parents = ancestors(path);
    let result = false;
    for (const { expression, negated } of patterns) {
      if (negated !== result) continue;
      if (expression.test(path) || parents.some((parent) => expression.test(parent))) result = !negated;
    }
    return result;
  };
  return {
    ignores: (path) => path !== '.' && path !== '' && directory(path),
    mayKeep: (path) =>
      path === '.' ||
      !directory(path) ||
      patterns
        .slice(lastExclusion(path) + 1)
        .some((pattern) => pattern.negated && couldReach(pattern.segments, path.split('/'))),
  };
}

function ancestors(path: string): string[] {
  const result: string[] = [];
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1))
    result.push(path.slice(0, slash));
  return result;
}

/** A pattern with these segments could match something at or below the path. */
function couldReach(pattern: readonly string[], path: readonly string[]): boolean {
  for (let at = 0; at < path.length; at++) {
    const segment = pattern[at];
    if (segment === undefined) return true;
    if (segment === '**') return true;
    const expression = toExpression(segment);
    if (expression === undefined || !expression.test(path[at] as string)) return false;
  }
  return true;
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

/** moby's translation of a pattern; undefined for one that Go calls malformed. */
function toExpression(pattern: string): RegExp | undefined {
  // Runs of `**` collapse, so that no nested quantifiers arise.
  const text = pattern.replace(/(?:\*\*\/)+/g, '**/').replace(/\*{3,}/g, '**');
  let result = '^';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === '*') {
      if (text[at + 1] === '*') {
        at++;
        if (text[at + 1] === '/') at++;
        result += at + 1 >= text.length ? '.*' : '(?:.*/)?';
      } else result += '[^/]*';
    } else if (char === '?') result += '[^/]';
    else if (char === '[') {
      const close = text.indexOf(']', at + (text[at + 1] === '^' ? 3 : 2));
      if (close < 0) return undefined;
      result += classOf(text.slice(at + 1, close));
      at = close;
    } else if (char === '\\') {
      const next = text[++at];
      if (next === undefined) return undefined;
      result += escapeExpression(next);
    } else result += escapeExpression(char);
  }
  try {
    return new RegExp(`${result}$`, 's');
  } catch {
    return undefined;
  }
}

function classOf(body: string): string {
  const negated = body.startsWith('^');
  const inner = (negated ? body.slice(1) : body).replace(/\\(.)/gs, '$1').replace(/[\]\\[^]/g, '\\$&');
  return `[${negated ? '^' : ''}${inner}]`;
}

function escapeExpression(char: string): string {
  return /[.+(){}|^$\\*?[\]/]/.test(char) ? `\\${char}` : char;
}

const matchers = new Map<string, RegExp | undefined>();

/** Go's filepath.Match of one path against one pattern: `*` stops at `/`, there is no `**`. */
export function goMatch(pattern: string, name: string): boolean {
  if (!matchers.has(pattern)) {
    if (matchers.size > 1_000) matchers.clear();
    matchers.set(pattern, toExpression(pattern.replace(/\*{2,}/g, '*')));
  }
  return matchers.get(pattern)?.test(name) === true;
}

/** A COPY source as a clean path inside the context: `../a`, `/a` and `./a` all mean `a` (rule 32). */
export function contextPath(source: string): string {
  return clean(`/${source}`).slice(1) || '.';
}

const expansions = new WeakMap<BuildContext, Map<string, readonly string[]>>();

/** The context paths that a COPY source selects, wildcards matched segment by segment. */
export function expandCopySource(context: BuildContext, source: string): readonly string[] {
  let known = expansions.get(context);
  if (known === undefined) expansions.set(context, (known = new Map<string, readonly string[]>()));
  let result = known.get(source);
  if (result === undefined) known.set(source, (result = expand(context, source)));
  return result;
}

function expand(context: BuildContext, source: string): readonly string[] {
  const path = contextPath(source);
  if (!/[*?[\\]/.test(path)) return context.has(path) ? [path] : [];
  let found = ['.'];
  for (const segment of path.split('/')) {
    const literal = !/[*?[\\]/.test(segment);
    found = found.flatMap((directory) => {
      const names = literal
        ? [segment]
        : directory === '.' || context.kind(directory) === 'directory'
          ? context.entries(directory).filter((name) => goMatch(segment, name))
          : [];
      return names
        .map((name) => (directory === '.' ? name : `${directory}/${name}`))
        .filter((each) => context.has(each));
    });
  }
  return found;
}
