/** A file system with concrete contents, as an image has one. Part of the reference interpreter: nothing from `src/`. */
import { createHash } from 'node:crypto';

export type Entry =
  | { readonly type: 'file'; readonly content: string; readonly mode: string; readonly owner: string }
  | { readonly type: 'directory'; readonly mode: string; readonly owner: string }
  | { readonly type: 'link'; readonly target: string; readonly owner: string };

export class Failure extends Error {
  /** Of the instruction that failed. */
  lines?: readonly [number, number];
}

export const hash = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);

export const parent = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
export const base = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** An absolute path without `.`, `..` and doubled slashes. */
export function absolute(directory: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/'))
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  return `/${parts.join('/')}`;
}

/** What an archive holds: for this interpreter, its text names it. */
export const unpacked = (archive: string): readonly (readonly [path: string, content: string])[] =>
  ['x.txt', 'lib/unpacked.js'].map((path) => [path, hash(path, archive)]);

/** Of `user:group`, by the names that the image knows: a line of /etc/passwd is a name, or a name and its number. */
export function ownerOf(fs: FileSystem, who: string): string {
  const name = who.replace(/:.*/, '');
  if (name === '0') return 'root';
  if (/^\d+$/.test(name)) return name;
  const line = (fs.read('/etc/passwd') ?? '').split('\n').find((each) => each.split('=')[0] === name);
  if (line === undefined) throw new Failure(`no user ${name}`);
  return line.split('=')[1] ?? name;
}

const isBelow = (path: string, tree: string): boolean =>
  path === tree || path.startsWith(tree === '/' ? '/' : `${tree}/`);
const moved = (path: string, from: string, to: string): string =>
  absolute(to, path.slice(from === '/' ? 1 : from.length + 1));

export class FileSystem {
  readonly entries: Map<string, Entry>;
  /** What package managers have downloaded, as paths: compared by nobody, but needed offline. */
  readonly stores = new Set<string>();

  constructor(
    entries: ReadonlyMap<string, Entry> = new Map([['/', { type: 'directory', mode: '755', owner: 'root' }]]),
  ) {
    this.entries = new Map(entries);
  }

  clone(): FileSystem {
    const fs = new FileSystem(this.entries);
    for (const each of this.stores) fs.stores.add(each);
    return fs;
  }

  /** What lies at and below a path, as a file system of its own; without anything where there is nothing. */
  tree(path: string): FileSystem {
    const real = this.real(path);
    const fs = new FileSystem(new Map());
    for (const each of this.below(real)) fs.entries.set(moved(each, real, '/'), this.entries.get(each) as Entry);
    for (const each of this.stores) if (isBelow(each, real)) fs.stores.add(moved(each, real, '/'));
    return fs;
  }

  /** The other way round. */
  replace(path: string, tree: FileSystem): void {
    const real = this.real(path);
    for (const each of this.below(real)) this.entries.delete(each);
    for (const each of [...this.stores]) if (isBelow(each, real)) this.stores.delete(each);
    for (const [each, entry] of tree.entries) this.entries.set(moved(each, '/', real), entry);
    for (const each of tree.stores) this.stores.add(moved(each, '/', real));
  }

  /** Follows links in all parts but the last, or in that too. */
  real(path: string, last = true, depth = 0): string {
    if (depth > 20) throw new Failure(`too many links: ${path}`);
    let current = '';
    const parts = path.split('/').filter((part) => part !== '');
    for (const [at, part] of parts.entries()) {
      current = `${current}/${part}`;
      const entry = this.entries.get(current);
      if (entry?.type === 'link' && (last || at < parts.length - 1))
        return this.real(absolute(parent(current), [entry.target, ...parts.slice(at + 1)].join('/')), last, depth + 1);
    }
    return current === '' ? '/' : current;
  }

  get(path: string): Entry | undefined {
    return this.entries.get(this.real(path));
  }

  read(path: string): string | undefined {
    const entry = this.get(path);
    return entry?.type === 'file' ? entry.content : undefined;
  }

  isDirectory(path: string): boolean {
    return this.get(path)?.type === 'directory';
  }

  names(directory: string): string[] {
    const real = this.real(directory);
    const prefix = real === '/' ? '/' : `${real}/`;
    return [...this.entries.keys()]
      .filter((path) => path !== '/' && path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length))
      .sort();
  }

  /** Everything at and below a path, links not followed. */
  below(path: string): string[] {
    return [...this.entries.keys()].filter((each) => isBelow(each, path)).sort();
  }

  makeDirectory(path: string, owner: string, mode = '755'): void {
    const real = this.real(path);
    if (this.entries.get(real)?.type === 'directory') return;
    if (this.entries.has(real)) throw new Failure(`not a directory: ${path}`);
    if (real !== '/') this.makeDirectory(parent(real), owner, mode);
    this.entries.set(real, { type: 'directory', mode, owner });
  }

  /** As a command does: below the nearest directory that there is, where the user may write. */
  makeAs(path: string, user: string): void {
    let existing = path;
    while (this.get(existing) === undefined) existing = parent(existing);
    if (existing !== path) this.mayWrite(existing, user);
    this.makeDirectory(path, user);
  }

  /** As COPY does: an existing link or file is replaced, a directory is not. */
  put(path: string, entry: Entry): void {
    const real = this.real(path, false);
    if (this.entries.get(real)?.type === 'directory' && entry.type !== 'directory')
      throw new Failure(`cannot overwrite the directory ${path}`);
    this.entries.set(real, entry);
  }

  /** As a command does: through a link, in an existing directory that the user may write to. */
  write(path: string, content: string, user: string): void {
    const real = this.real(path);
    this.mayWrite(parent(real), user);
    const old = this.entries.get(real);
    if (old?.type === 'directory') throw new Failure(`is a directory: ${path}`);
    this.entries.set(real, {
      type: 'file',
      content,
      mode: old?.type === 'file' ? old.mode : '644',
      owner: old?.owner ?? user,
    });
  }

  mayWrite(directory: string, user: string): void {
    const entry = this.get(directory);
    if (entry?.type !== 'directory') throw new Failure(`no such directory: ${directory}`);
    if (user !== 'root' && entry.owner !== user && entry.mode !== '777')
      throw new Failure(`${user} may not write to ${directory}`);
  }

  /** `options` as of cp: with `r` or `a` whole trees, with `a` or `p` as they are. */
  copy(from: string, to: string, user: string, options: string): void {
    const real = this.real(from, !/[ra]/.test(options));
    const entry = this.entries.get(real);
    if (entry === undefined) throw new Failure(`no ${from}`);
    const keeps = /[ap]/.test(options);
    // Only root may give files away.
    const own = { owner: keeps && user === 'root' ? entry.owner : user };
    if (entry.type === 'directory') {
      if (!/[ra]/.test(options)) throw new Failure(`${from} is a directory`);
      if (to === real || to.startsWith(`${real}/`)) throw new Failure(`${from} into itself`);
      const inside = this.names(real);
      this.makeAs(to, user);
      for (const name of inside) this.copy(`${real}/${name}`, `${to}/${name}`, user, options);
      if (keeps) this.entries.set(this.real(to), { ...entry, ...own });
    } else if (entry.type === 'link') {
      this.mayWrite(parent(this.real(to, false)), user);
      this.put(to, { ...entry, ...own });
    } else {
      const isNew = this.get(to) === undefined;
      this.write(to, entry.content, user);
      const made = this.entries.get(this.real(to)) as Entry;
      if (keeps) this.entries.set(this.real(to), { ...entry, ...own });
      else if (isNew) this.entries.set(this.real(to), { ...made, mode: entry.mode } as Entry);
    }
  }

  rename(from: string, to: string, user: string): void {
    const real = this.real(from, false);
    const entry = this.entries.get(real);
    const target = this.real(to, false);
    if (entry === undefined || target === real || target.startsWith(`${real}/`)) throw new Failure(`mv ${from}`);
    if (this.entries.get(target)?.type === 'directory') throw new Failure(`${to} is a directory`);
    this.mayWrite(parent(real), user);
    this.mayWrite(parent(target), user);
    for (const path of this.below(real)) {
      this.entries.set(target + path.slice(real.length), this.entries.get(path) as Entry);
      this.entries.delete(path);
    }
  }

  remove(path: string): void {
    for (const each of this.below(this.real(path, false))) if (each !== '/') this.entries.delete(each);
  }

  /** What is packed of a tree: its files. Whose directories they lie in is not. */
  packed(path: string): string {
    const entries = this.below(this.real(path)).map((each) => [each, this.entries.get(each)] as const);
    return hash(
      ...entries
        .filter(([, entry]) => entry?.type !== 'directory')
        .map(([each, entry]) => `${each} ${JSON.stringify(entry)}`),
    );
  }

  /** Of a tree, or of a single file; links are followed at the top only. */
  hashOf(path: string): string {
    const real = this.real(path);
    return hash(...this.below(real).map((each) => `${each} ${JSON.stringify(this.entries.get(each))}`));
  }
}
