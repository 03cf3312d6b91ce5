/** Which directories are members of a workspace. The patterns of npm, Yarn, pnpm and bun agree on what is read here. */
import type { Files, Trouble } from '../../model.ts';
import { at } from './package-json.ts';

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
    const pattern = tidy(negated ? raw.slice(1) : raw);
    const segments = pattern === '.' ? [] : pattern.split('/');
    if (segments.includes('..') || /[!@+*?]\(/.test(pattern))
      return {
        code: 'dynamic-manifest',
        message: `workspace pattern \`${raw}\` is not understood`,
        help: 'list the members one by one',
      };
    if (negated) {
      // Patterns apply in order: a later one may bring a directory back.
      const excludes = pathPattern(segments);
      for (const directory of found)
        if (excludes.test(directory.slice(root === '/' ? 1 : root.length + 1))) found.delete(directory);
      continue;
    }
    for (const alternative of alternatives(segments)) {
      const matches = expand(files, root, alternative, 0);
      if (matches === undefined)
        return { code: 'manifest-generated', message: `an earlier command may have changed what \`${raw}\` selects` };
      for (const directory of matches)
        if (directory !== root && files.has(at(directory, manifest)) !== 'no') found.add(directory);
    }
  }
  return [...found].sort();
}

function tidy(pattern: string): string {
  return (
    pattern
      .replace(/^(?:\.?\/)+/, '')
      .replace(/\/package\.json$/, '')
      .replace(/\/+/g, '/')
      .replace(/\/$/, '') || '.'
  );
}

/** `{a,b}/c` → `a/c`, `b/c`. Only where a brace spans whole segments or lies within one. */
function alternatives(segments: readonly string[]): string[][] {
  return braces(segments.join('/')).map((each) => each.split('/').filter((segment) => segment !== ''));
}

function braces(pattern: string): string[] {
  const match = /^(.*?)\{([^{}]*)\}(.*)$/.exec(pattern);
  if (match === null) return [pattern];
  return (match[2] as string).split(',').flatMap((each) => braces(`${match[1] as string}${each}${match[3] as string}`));
}

function expand(files: Files, directory: string, segments: readonly string[], depth: number): string[] | undefined {
  const [segment, ...rest] = segments;
  if (segment === undefined) return [directory];
  if (depth > 16) return [];
  if (!/[*?[]/.test(segment)) {
    const next = at(directory, segment);
    return files.has(next) === 'no' ? [] : expand(files, next, rest, depth + 1);
  }
  const names = files.entries(directory);
  if (names === undefined) return undefined;
  const result: string[] = [];
  if (segment === '**') {
    const here = expand(files, directory, rest, depth + 1);
    if (here === undefined) return undefined;
    result.push(...here);
  }
  const accepts = segment === '**' ? undefined : segmentPattern(segment);
  for (const name of names) {
    // Stars match no hidden names, and nothing is a member inside node_modules.
    if (name === 'node_modules' || (name.startsWith('.') && !segment.startsWith('.'))) continue;
    if (accepts?.test(name) === false) continue;
    const next = at(directory, name);
    // A file has no entries, and a directory that a command filled is not listed: only the second is a question.
    const below = files.entries(next);
    if (below?.length === 0) continue;
    if (below === undefined && segment === '**') return undefined;
    const members = expand(files, next, segment === '**' ? segments : rest, depth + 1);
    if (members === undefined) return undefined;
    result.push(...members);
  }
  return result;
}

function segmentPattern(segment: string): RegExp {
  return new RegExp(`^${segmentSource(segment)}$`);
}

function segmentSource(segment: string): string {
  return segment
    .replace(/[.+^$()|{}\\]/g, '\\$&')
    .replaceAll('**', '*')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
    .replaceAll('[!', '[^');
}

/** A whole relative path against a whole pattern. */
function pathPattern(segments: readonly string[]): RegExp {
  const variants = alternatives(segments).map((each) =>
    each
      .map((segment, index) => {
        const last = index === each.length - 1;
        if (segment === '**') return last ? '.*' : '(?:[^/]+/)*';
        return (
          segmentSource(segment) + (last ? '' : each[index + 1] === '**' && index === each.length - 2 ? '(?:/|$)' : '/')
        );
      })
      .join(''),
  );
  return new RegExp(`^(?:${variants.join('|')})$`);
}
