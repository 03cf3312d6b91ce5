/** Which directories are members of a workspace. The patterns of npm, Yarn, pnpm and bun agree on what is read here. */
import type { Files, Trouble } from '../../model.ts';
import { goMatch, isMalformed } from '../../context/glob.ts';
import { at } from './package-json.ts';

/** Longer patterns, and more of what braces stand for, than anybody writes: what they cost is for others to bear. */
const MAX_PATTERN = 1_000;
const MAX_ALTERNATIVES = 1_000;
const MAX_DEPTH = 64;

/** Directories below `root` that the patterns select and that have a manifest, sorted. */
export function workspaceMembers(
  files: Files,
  root: string,
  patterns: readonly string[],
  manifest = 'package.json',
): readonly string[] | Trouble {
  const found = new Set<string>();
  for (const raw of patterns) {
    const negated = raw.startsWith('!');
    const variants = raw.length > MAX_PATTERN ? undefined : alternatives(tidy(negated ? raw.slice(1) : raw));
    if (variants === undefined || variants.some((segments) => segments.some(isUnclear)))
      return {
        code: 'dynamic-manifest',
        message: `workspace pattern \`${raw.length > 60 ? `${raw.slice(0, 57)}...` : raw}\` is not understood`,
        help: 'list the members one by one',
      };
    if (negated) {
      // Patterns apply in order: a later one may bring a directory back.
      for (const directory of found) {
        const parts = directory.slice(root === '/' ? 1 : root.length + 1).split('/');
        if (variants.some((segments) => covers(segments, parts))) found.delete(directory);
      }
      continue;
    }
    for (const segments of variants) {
      const matches = expand(files, root, segments);
      if (matches === undefined)
        return { code: 'manifest-generated', message: `an earlier command may have changed what \`${raw}\` selects` };
      for (const directory of matches)
        if (directory !== root && files.has(at(directory, manifest)) !== 'no') found.add(directory);
    }
  }
  return [...found].sort();
}

/** Extended globs, ways out of the workspace, and classes that do not end. */
function isUnclear(segment: string): boolean {
  return segment === '..' || /[!@+*?]\(/.test(segment) || isMalformed(goSegment(segment));
}

function tidy(pattern: string): string {
  return pattern
    .replace(/^(?:\.?\/)+/, '')
    .replace(/\/package\.json$/, '')
    .replace(/\/+/g, '/')
    .replace(/\/$/, '');
}

/** `{a,b}/c` → `a/c`, `b/c`, each in segments; undefined: too many. */
function alternatives(pattern: string): string[][] | undefined {
  const open = [pattern];
  const done: string[][] = [];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    const match = /^(.*?)\{([^{}]*)\}(.*)$/.exec(each);
    if (match === null) done.push(each.split('/').filter((segment) => segment !== '' && segment !== '.'));
    else
      for (const one of (match[2] as string).split(',')) open.push(`${match[1] as string}${one}${match[3] as string}`);
    if (open.length + done.length > MAX_ALTERNATIVES) return undefined;
  }
  return done;
}

/** Undefined: what a directory holds is not known, or directories lie too deep. */
function expand(files: Files, root: string, segments: readonly string[]): string[] | undefined {
  const found: string[] = [];
  // However many `**` lead to a directory, it is looked at once for each.
  const seen = new Set<string>();
  const visit = (directory: string, index: number, depth: number): boolean => {
    const key = `${index} ${directory}`;
    if (depth > MAX_DEPTH) return false;
    if (seen.has(key)) return true;
    seen.add(key);
    const segment = segments[index];
    if (segment === undefined) {
      found.push(directory);
      return true;
    }
    if (!/[*?[]/.test(segment)) {
      const next = at(directory, segment);
      return files.has(next) === 'no' || visit(next, index + 1, depth + 1);
    }
    const names = files.entries(directory);
    if (names === undefined) return false;
    const isDeep = segment === '**';
    if (isDeep && !visit(directory, index + 1, depth + 1)) return false;
    return names.every((name) => {
      // Stars match no hidden names, and nothing is a member inside node_modules.
      if (name === 'node_modules' || (name.startsWith('.') && !segment.startsWith('.'))) return true;
      if (!isDeep && !goMatch(goSegment(segment), name)) return true;
      const next = at(directory, name);
      // A file has no entries, and a directory that a command filled is not listed: only the second is a question.
      const below = files.entries(next);
      if (below?.length === 0) return true;
      if (below === undefined && isDeep) return false;
      return visit(next, isDeep ? index : index + 1, depth + 1);
    });
  };
  return visit(root, 0, 0) ? found : undefined;
}

/** One segment in Go's pattern language, which has a matcher that takes no longer than the texts are long. */
function goSegment(segment: string): string {
  return segment.replaceAll('[!', '[^');
}

/** A whole relative path against a whole pattern: `**` is any number of directories. */
function covers(segments: readonly string[], parts: readonly string[]): boolean {
  const withStars = (states: Set<number>): Set<number> => {
    for (const index of states) if (segments[index] === '**') states.add(index + 1);
    return states;
  };
  let states = withStars(new Set([0]));
  for (const part of parts) {
    const next = new Set<number>();
    for (const index of states) {
      const segment = segments[index];
      if (segment === '**') next.add(index);
      else if (segment !== undefined && goMatch(goSegment(segment), part)) next.add(index + 1);
    }
    states = withStars(next);
  }
  return states.has(segments.length);
}
