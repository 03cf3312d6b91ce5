/**
 * Build contexts on disk. The files are what git tracks plus what it does not ignore; outside a work tree, what a
 * bounded walk finds. Only reads: no hook, filter or monitor of the repository runs, and no symlink is followed.
 */
import { constants, lstatSync, readdirSync, realpathSync, type Stats } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { BuildContext } from '../model.ts';
import { git } from './git.ts';
import { gitIgnore, type GitIgnore } from './gitignore.ts';
import { MAX_BYTES, readRegular } from './regular.ts';
import { decodeRequirements, decodeText } from './text.ts';
import { below, GENERATED, lowerBound, sorted, TreeContext, type TreeSource } from './tree.ts';

export { MAX_BYTES, readRegular } from './regular.ts';

const MAX_FILES = 500_000;
/** Texts kept in memory, in UTF-16 units. */
const MAX_CACHED = 32 * 1024 * 1024;

/** The files of one repository, or of a directory that is not in one. */
export interface Repository {
  /** Absolute. */
  readonly root: string;
  /** In a git work tree. */
  readonly git: boolean;
  /** All files and symlinks, relative to the root, sorted. */
  readonly files: readonly string[];
  readonly symlinks: ReadonlySet<string>;
  /** Files that may be executed. */
  executable(path: string): boolean;
  /** Undefined: all, as outside of git there is no telling. */
  readonly tracked?: ReadonlySet<string>;
  /** Files that a context was asked for and that are too large to be read. */
  readonly tooLarge: ReadonlySet<string>;
  /** Relative to the root. */
  gitIgnored(path: string): boolean;
  /** Text of a file, never through a symlink; undefined for absent, binary and oversized files. */
  read(path: string): string | undefined;
  /** The listed file that a symlink leads to; undefined: it is none, or leads elsewhere. */
  target(path: string): string | undefined;
  /** The context in a directory of it (relative to the root, `.` for the root itself). */
  context(directory: string, dockerfile: string, siblings?: readonly string[]): BuildContext;
}

interface Listing {
  readonly root: string;
  readonly git: boolean;
  readonly files: readonly string[];
  readonly symlinks: ReadonlySet<string>;
  executable(path: string): boolean;
  readonly tracked?: ReadonlySet<string>;
  /** Submodules and other repositories inside this one: directories of which nothing is known. */
  readonly opaque: readonly string[];
  /** Cut short: what is not listed may exist all the same. */
  readonly partial: boolean;
  readonly ignore?: GitIgnore;
}

/** The text that an editor holds of a file, by absolute path without symlinks; undefined: what is on disk counts. */
export type Unsaved = (path: string) => string | undefined;

/** Opens what holds `directory`: its git work tree, else the directory itself. */
export async function openRepository(directory: string, unsaved?: Unsaved): Promise<Repository> {
  const root = workTreeOf(directory);
  const listing = root === undefined ? undefined : await gitListing(root);
  return repository(listing ?? walk(directory), unsaved);
}

/** One process lists it all: `H 100644 <object> 0⇥path` for tracked, `R ...` once more for deleted, `? path` for others. */
async function gitListing(root: string): Promise<Listing | undefined> {
  const output = await git(root, [
    'ls-files',
    '-z',
    '-t',
    '--stage',
    '--cached',
    '--deleted',
    '--others',
    '--exclude-standard',
  ]);
  if (output === undefined) return undefined;
  const tracked = new Set<string>();
  const deleted = new Set<string>();
  const symlinks = new Set<string>();
  const executables = new Set<string>();
  const others: string[] = [];
  const opaque: string[] = [];
  for (const entry of output.split('\0')) {
    if (entry.startsWith('? ')) {
      const path = entry.slice(2);
      if (path.endsWith('/')) opaque.push(path.slice(0, -1));
      else others.push(path);
      continue;
    }
    const tab = entry.indexOf('\t');
    if (tab < 0) continue;
    const path = entry.slice(tab + 1);
    const mode = entry.slice(2, 8);
    if (mode === '160000') opaque.push(path);
    else if (entry.startsWith('R')) deleted.add(path);
    else {
      tracked.add(path);
      if (mode === '120000') symlinks.add(path);
      if (mode === '100755') executables.add(path);
    }
  }
  for (const path of others) {
    const stat = statOf(join(root, path));
    if (stat?.isSymbolicLink() === true) symlinks.add(path);
    else if (isExecutable(stat)) executables.add(path);
  }
  const files = deleted.size === 0 ? [...tracked] : [...tracked].filter((path) => !deleted.has(path));
  return {
    root,
    git: true,
    files: sorted([...files, ...others]),
    symlinks,
    executable: (path) => executables.has(path),
    tracked,
    opaque,
    partial: false,
  };
}

/** The nearest directory upwards with a `.git`, without asking git: that would cost a process. */
export function workTreeOf(directory: string): string | undefined {
  for (let at = realpathSync(directory); ; at = dirname(at)) {
    if (exists(join(at, '.git'))) return at;
    if (dirname(at) === at) return undefined;
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // Below a file, or not readable.
    return undefined;
  }
}

function exists(path: string): boolean {
  return statOf(path) !== undefined;
}

function isExecutable(stat: Stats | undefined): boolean {
  return stat !== undefined && (stat.mode & 0o100) !== 0;
}

/** Outside of git, or where git refuses to list: `.gitignore` files are obeyed all the same. */
function walk(directory: string): Listing {
  const root = realpathSync(directory);
  const files: string[] = [];
  const symlinks = new Set<string>();
  const ignore = gitIgnore((folder) => readText(root, folder === '.' ? '.gitignore' : `${folder}/.gitignore`));
  const queue = [''];
  for (let at = 0; at < queue.length && files.length < MAX_FILES; at++) {
    const folder = queue[at] as string;
    let entries;
    try {
      entries = readdirSync(join(root, folder), { withFileTypes: true });
    } catch {
      continue;
    }
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!GENERATED.has(entry.name) && entry.name !== '.git' && !ignore.ignores(path)) queue.push(path);
        continue;
      }
      if (ignore.ignores(path, true) || !(entry.isFile() || entry.isSymbolicLink())) continue;
      files.push(path);
      if (entry.isSymbolicLink()) symlinks.add(path);
    }
  }
  return {
    root,
    git: false,
    files: sorted(files),
    symlinks,
    executable: (path) => isExecutable(statOf(join(root, path))),
    opaque: [],
    partial: files.length >= MAX_FILES,
    ignore,
  };
}

function repository(listing: Listing, unsaved: Unsaved = () => undefined): Repository {
  const { root, files, symlinks, tracked, opaque } = listing;
  const saved = cachedReader(root);
  const read = (path: string): string | undefined => unsaved(join(root, path)) ?? saved(path);
  const listed = (path: string): boolean => files[lowerBound(files, path)] === path;
  // The root's own `.gitignore` comes after, and so above, what git keeps for this clone alone.
  const ignore =
    listing.ignore ??
    gitIgnore((directory) => {
      const path = directory === '.' ? '.gitignore' : `${directory}/.gitignore`;
      const text = listed(path) ? read(path) : undefined;
      return directory === '.' ? [exclude(root, read), text].map(withoutMark).join('\n') : text;
    });
  /** Nothing says that it is there or not: in a submodule, or ignored by a rule of this machine. */
  const hides = (path: string): boolean => {
    if (opaque.some((each) => path === each || path.startsWith(`${each}/`) || each.startsWith(`${path}/`))) return true;
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1))
      if (symlinks.has(path.slice(0, slash))) return false;
    // git knows that a listed file was there, and that it is gone.
    return tracked?.has(path) !== true && exists(join(root, path));
  };
  const tooLarge = new Set<string>();
  const contexts = new Map<string, TreeContext>();
  const sources = new Map<string, TreeSource>();
  const sourceOf = (directory: string): TreeSource => {
    let known = sources.get(directory);
    if (known === undefined) {
      const inside = (path: string): string =>
        directory === '.' ? path : path === '.' ? directory : `${directory}/${path}`;
      known = {
        files: below(files, directory),
        isSymlink: (path) => symlinks.has(inside(path)),
        ...(tracked === undefined ? {} : { isTracked: (path: string) => tracked.has(inside(path)) }),
        gitIgnore: {
          ignores: (path, isFile) => ignore.ignores(inside(path), isFile),
          reaches: (path) => ignore.reaches(inside(path)),
        },
        hides: (path) => hides(inside(path)),
        repositoryRoot: listing.git && directory === '.',
        partial: listing.partial,
        read: (path) => {
          const text = read(inside(path));
          if (text === undefined && (statOf(join(root, inside(path)))?.size ?? 0) > MAX_BYTES)
            tooLarge.add(inside(path));
          return text;
        },
        executable: (path) => listing.executable(inside(path)),
      };
      sources.set(directory, known);
    }
    return known;
  };
  return {
    root,
    git: listing.git,
    files,
    symlinks,
    executable: (path) => listing.executable(path),
    ...(tracked === undefined ? {} : { tracked }),
    tooLarge,
    gitIgnored: (path) => ignore.ignores(path),
    read,
    target(path) {
      if (!symlinks.has(path)) return undefined;
      try {
        const real = relative(root, realpathSync(join(root, path)))
          .split(sep)
          .join('/');
        return listed(real) && !symlinks.has(real) ? real : undefined;
      } catch {
        // It leads nowhere.
        return undefined;
      }
    },
    context(directory, dockerfile, siblings = []) {
      const own = `${dockerfile}.dockerignore`;
      // Read from disk, not from git's list: git may ignore the ignore file itself.
      const path = read(own) === undefined ? (directory === '.' ? '' : `${directory}/`) + '.dockerignore' : own;
      const source = read(path);
      const make = (): TreeContext =>
        new TreeContext(sourceOf(directory), {
          ignoreFile: { path, ...(source === undefined ? {} : { source }) },
          siblings,
        });
      if (siblings.length > 0) return make();
      // What is worked out for one Dockerfile of a context serves the others.
      const key = JSON.stringify([directory, path, source]);
      let known = contexts.get(key);
      if (known === undefined) contexts.set(key, (known = make()));
      return known;
    },
  };
}

function withoutMark(text = ''): string {
  return text.replace(/^\ufeff/, '');
}

/** What git keeps for this clone alone. In a work tree of `git worktree`, and in a submodule, `.git` is a file that says where. */
function exclude(root: string, read: Repository['read']): string | undefined {
  const own = read('.git/info/exclude');
  if (own !== undefined) return own;
  const textOf = (path: string): string | undefined => {
    try {
      return new TextDecoder().decode(readRegular(path));
    } catch {
      return undefined;
    }
  };
  const folder = /^gitdir: (.+?)\r?\n?$/.exec(read('.git') ?? '')?.[1];
  if (folder === undefined) return undefined;
  const directory = resolve(root, folder);
  // https://git-scm.com/docs/gitrepository-layout: `info` is that of the common directory.
  const common = resolve(directory, textOf(join(directory, 'commondir'))?.trim() ?? '.');
  return textOf(join(common, 'info/exclude'));
}

function cachedReader(root: string): (path: string) => string | undefined {
  const cache = new Map<string, string | undefined>();
  let size = 0;
  return (path) => {
    if (cache.has(path)) return cache.get(path);
    const text = readText(root, path);
    size += text?.length ?? 0;
    if (size > MAX_CACHED) {
      cache.clear();
      size = text?.length ?? 0;
    }
    cache.set(path, text);
    return text;
  };
}

/** Reads a regular file below the root whose directories are no symlinks either. */
function readText(root: string, path: string): string | undefined {
  const absolute = resolve(root, path);
  if (!absolute.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
  try {
    const content = readRegular(absolute, constants.O_NOFOLLOW);
    if (content === undefined || realpathSync(dirname(absolute)) !== dirname(absolute)) return undefined;
    return /\.(?:txt|in)$/.test(path) ? decodeRequirements(content) : decodeText(content);
  } catch {
    return undefined;
  }
}

/** `path` relative to the repository, with `/`; undefined when it lies outside. */
export function insideRepository(repo: Repository, path: string): string | undefined {
  const inside = relative(repo.root, path).split(sep).join('/');
  return inside === '..' || inside.startsWith('../') ? undefined : inside === '' ? '.' : inside;
}
