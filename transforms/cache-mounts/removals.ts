/** Which commands of a RUN remove what is mounted, or would fail where a mount is. */
import type { Run } from '../../src/plugin.ts';

const REMOVES = /(?<![\w.-])(rm|rmdir|unlink|mv|find)(?=\s)([^;&|()\n]*)/g;

/** A removal of a mount, of what it is in or, unless `whole`, of what is in it; what is not known counts by its name. */
export function removalOf(
  run: Run,
  home: string,
  targets: readonly string[],
  whole = false,
): { readonly command: string; readonly target: string } | undefined {
  const commands = run.commands ?? [];
  const expand = (word: string): string =>
    word
      .replace(/^~(?=\/|$)/, home)
      .replace(/\$(?:\{(\w+)(?:\}|:[^}]*\})|(\w+))/g, (all, braced: string | undefined, bare: string | undefined) => {
        const name = braced ?? bare ?? '';
        return run.state.environment.get(name) ?? (name === 'HOME' ? home : all);
      });
  const directories = new Set([run.state.workdir]);
  for (const { text } of commands)
    for (const [, to = ''] of text.matchAll(/\bcd(?: ([^\s;&|()]+))?/g))
      for (const from of directories.size < 16 ? [...directories] : [])
        directories.add(absolute(from, to === '' ? home : expand(unquoted(to))));
  for (const { text } of commands) {
    if (!/\b(?:rm|rmdir|unlink|mv|find)\s/.test(text)) continue;
    for (const operand of operands(text).flatMap(alternatives).map(expand))
      for (const target of targets)
        if ([...directories].some((each) => removes(operand, each, target, whole))) return { command: text, target };
  }
  return undefined;
}

export const unquoted = (word: string): string => word.replace(/["']/g, '');

export function absolute(directory: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/'))
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  return `/${parts.join('/')}`;
}

/** What the removals in a command name. Where that comes from a loop or `xargs`: all that the command names. */
function operands(command: string): readonly string[] {
  const text = command.replace(
    /\$\(([^()]*)\)|`([^`]*)`/g,
    (_all, one: string | undefined, other: string | undefined) =>
      '${'.concat((one ?? other ?? '').replace(/\W+/g, '_'), '}'),
  );
  const named = [...text.matchAll(REMOVES)].flatMap(([, name, rest = '']) => {
    const words = rest.trim().split(/\s+/).map(unquoted);
    if (name === 'find') {
      if (!/ -delete\b|\brm(?:dir)?\b/.test(text)) return [];
      const end = words.findIndex((word) => /^[-!\\]/.test(word) && !/^-[HLP]$/.test(word));
      return words.slice(0, end < 0 ? undefined : end);
    }
    const paths = words.filter((word) => word !== '' && !word.startsWith('-'));
    return name === 'mv' && !/ (?:-t|--target-directory)\b/.test(rest) ? paths.slice(0, -1) : paths;
  });
  const isIndirect = /\bxargs\b.*\brm\b/.test(text) || named.some((word) => /^\$\{?\w+\}?$/.test(word));
  return isIndirect
    ? text
        .split(/[\s;&|()]+/)
        .map(unquoted)
        .filter((word) => word !== '')
    : named;
}

/** `/root/{.cache,.npm}` as bash expands it. */
function alternatives(word: string, depth = 0): readonly string[] {
  const match = [...word.matchAll(/(?<!\$)\{([^{}]*)\}/g)].find(([, list = '']) => list.includes(','));
  if (match === undefined || depth > 2) return [word];
  const after = word.slice(match.index + match[0].length);
  return (match[1] ?? '')
    .split(',')
    .slice(0, 32)
    .flatMap((each) => alternatives(word.slice(0, match.index) + each + after, depth + 1));
}

function removes(operand: string, directory: string, target: string, whole: boolean): boolean {
  const [, name, below = ''] = /.*\$\{?([^}/]*)\}?(.*)$/.exec(operand) ?? [];
  if (name !== undefined) {
    const rest = below.replace(/(?:\/\*?)+$/, '');
    return rest === '' ? /CACHE|GOPATH|CARGO_HOME/i.test(name) : `${target}/`.includes(`${rest}/`);
  }
  const patterns = absolute(directory, operand)
    .split('/')
    .filter((each) => each !== '');
  const names = target.split('/').slice(1);
  return (
    (!whole || patterns.length <= names.length) &&
    patterns.every((pattern, at) => at >= names.length || fits(pattern, names[at] as string))
  );
}

/** As a shell matches: a dot at the beginning is no match for a wildcard. */
function fits(pattern: string, name: string): boolean {
  if (!/[*?[]/.test(pattern)) return pattern === name;
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  if (pattern.split(/[*?[]/).length > 6) return true;
  const expression = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\[(?:!|\\\^)?[^\]]*\]|[*?]+/g, (each) => (each.startsWith('[') || each === '?' ? '.' : '.*'));
  return new RegExp(`^${expression.replaceAll('[', '\\[')}$`).test(name);
}
