/** Which repositories are meant: directories, and clone URLs. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import picomatch from 'picomatch';
import type { Home } from './forges/forge.ts';

export interface Target {
  /** Of files about it: safe on any disk, and its own. */
  readonly id: string;
  readonly kind: 'directory' | 'clone';
  /** Absolute path, or URL. */
  readonly location: string;
  /** On which forge, where that is known. */
  readonly home?: Home;
}

/** What git may fetch by. `ext::` and its kin run programs. */
const URL_FORM = /^(https?|ssh|git|file):\/\/[^-\s]\S*$/;
const SCP_FORM = /^[\w.]+@[\w.][\w.-]*:(?!-)\S+$/;

/** A clone URL, a directory, or a pattern of directories. A string says what is wrong. */
export function targetsOf(text: string, cwd: string): readonly Target[] | string {
  const one = targetOf(text, cwd);
  if (typeof one !== 'string') return [one];
  const isPattern = picomatch.scan(text).isGlob && !/^[a-z+]+:/i.test(text) && !existsSync(resolve(cwd, text));
  if (!isPattern) return one;
  const found = [
    ...matching(
      text.startsWith('/') ? '/' : cwd,
      text.split('/').filter((part) => part !== ''),
    ),
  ]
    // It leads through all that lies between as well.
    .filter((path) => !text.includes('**') || isCheckout(path))
    .map((path) => targetOf(path, cwd))
    .filter((target) => typeof target !== 'string');
  return found.length > 0 ? found : `no directory matches \`${text}\``;
}

/** Directories, by name. `**` looks into no checkout, and follows no symlink. */
function* matching(directory: string, [part, ...rest]: readonly string[]): Iterable<string> {
  if (part === undefined) yield directory;
  else if (part === '**') {
    yield* matching(directory, rest);
    if (isCheckout(directory)) return;
    for (const each of directories(directory, false))
      if (!each.startsWith('.')) yield* matching(join(directory, each), [part, ...rest]);
  } else if (!picomatch.scan(part).isGlob) {
    const path = join(directory, part);
    if (isDirectory(path)) yield* matching(path, rest);
  } else {
    const wanted = picomatch(part);
    for (const each of directories(directory, true)) if (wanted(each)) yield* matching(join(directory, each), rest);
  }
}

function directories(directory: string, linked: boolean): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter(
      (each) => each.isDirectory() || (linked && each.isSymbolicLink() && isDirectory(join(directory, each.name))),
    )
    .map(({ name }) => name)
    .sort();
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isCheckout(path: string): boolean {
  return existsSync(join(path, '.git'));
}

/** A string says what is wrong. */
export function targetOf(text: string, cwd: string): Target | string {
  const url = URL_FORM.test(text);
  if (/^(?:https?:\/\/|[a-z+]+:\/\/[^/]*:)[^/]*@/i.test(text))
    return 'a clone URL must hold no user or password: git takes them from its credential helpers';
  if (url || SCP_FORM.test(text)) return { id: idOf(text), kind: 'clone', location: text };
  if (/^(?:[a-z]+::|[a-z+]+:\/\/)/i.test(text))
    return `\`${text}\` is not a clone URL that is allowed: https, http, ssh, git, file`;
  try {
    const location = realpathSync(resolve(cwd, text));
    if (!statSync(location).isDirectory()) return `\`${text}\` is not a directory`;
    return { id: idOf(location), kind: 'directory', location };
  } catch {
    return `\`${text}\` is no directory and no clone URL`;
  }
}

/** Lines of a list, without comments and blank ones. */
export function listed(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** By patterns on the name (`api-*`), or on the end of the path (`acme/*`, `legacy/**`). */
export function filtered<T extends Pick<Target, 'location'>>(
  all: readonly T[],
  include: readonly string[],
  exclude: readonly string[],
): readonly T[] {
  const matcher = (patterns: readonly string[]): ((name: string) => boolean) =>
    picomatch(
      patterns.map((pattern) => `**/${pattern.replace(/^\/+/, '')}`),
      { dot: true, nocase: true },
    );
  const [wanted, unwanted] = [matcher(include), matcher(exclude)];
  return all.filter(({ location }) => {
    const name = location
      .replace(/^[a-z]+:\/\//, '')
      .replace(/\.git\/?$/, '')
      .replace(/[:\\]/g, '/');
    return (include.length === 0 || wanted(name)) && !(exclude.length > 0 && unwanted(name));
  });
}

/** Every so many of them, so that a pilot sees all corners of an ordered list. */
export function sample<T>(all: readonly T[], count: number): T[] {
  if (count >= all.length) return [...all];
  return Array.from({ length: count }, (_, n) => all[Math.floor((n * all.length) / count)] as T);
}

function idOf(location: string): string {
  const name = location
    .replace(/^[a-z]+:\/\//, '')
    .replace(/\.git\/?$/, '')
    .split(/[/:]/)
    .slice(-2)
    .join('-')
    .replace(/[^\w.-]/g, '_')
    .replace(/^[.-]+/, '')
    .slice(-80);
  return `${name}-${createHash('sha256').update(location).digest('hex').slice(0, 10)}`;
}
