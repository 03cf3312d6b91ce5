/**
 * Build contexts on disk. The files are what git tracks plus what it does not ignore; outside a work tree, what a
 * bounded walk finds. Only reads: no hook, filter or monitor of the repository runs, and no symlink is followed.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { BuildContext } from '../model.ts';
import { gitIgnoreRules, TreeContext } from './tree.ts';

/** A file larger than this is not read: no manifest is. */
const MAX_BYTES = 20 * 1024 * 1024;
const MAX_FILES = 500_000;

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
  /** Relative to the root. */
  gitIgnored(path: string): boolean;
  /** Text of a file, never through a symlink; undefined for absent, binary and oversized files. */
  read(path: string): string | undefined;
  /** The context in a directory of it (relative to the root, `.` for the root itself). */
  context(directory: string, dockerfile: string, siblings?: readonly string[]): BuildContext;
}

/** Opens what holds `directory`. */
export async function openRepository(directory: string): Promise<Repository> {
  const listed = await gitFiles(directory);
  return listed ?? walkDirectory(directory);
}

const SAFE_GIT = [
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.untrackedCache=false',
  '-c',
  'submodule.recurse=false',
];

function git(directory: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((done) => {
    execFile(
      'git',
      ['-C', directory, ...SAFE_GIT, ...args],
      {
        encoding: 'utf8',
        maxBuffer: 1 << 30,
        env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
      },
      (error, stdout) => done(error === null ? stdout : undefined),
    );
  });
}

async function gitFiles(directory: string): Promise<Repository | undefined> {
  const root = findGitRoot(directory);
  if (root === undefined) return undefined;
  const [staged, others] = await Promise.all([
    git(root, ['ls-files', '-z', '--stage']),
    git(root, ['ls-files', '-z', '--others', '--exclude-standard']),
  ]);
  if (staged === undefined || others === undefined) return undefined;
  const tracked = new Set<string>();
  const symlinks = new Set<string>();
  const executables = new Set<string>();
  for (const entry of staged.split('\0')) {
    const tab = entry.indexOf('\t');
    if (tab < 0) continue;
    const path = entry.slice(tab + 1);
    const mode = entry.slice(0, 6);
    // A submodule is a directory of another repository: nothing is known of it.
    if (mode === '160000') continue;
    if (mode === '120000') symlinks.add(path);
    if (mode === '100755') executables.add(path);
    tracked.add(path);
  }
  const files = [...tracked];
  for (const path of others.split('\0')) {
    if (path === '' || path.endsWith('/')) continue;
    files.push(path);
    try {
      const stat = lstatSync(join(root, path));
      if (stat.isSymbolicLink()) symlinks.add(path);
      else if ((stat.mode & 0o100) !== 0) executables.add(path);
    } catch {
      // Gone since git listed it.
    }
  }
  return repository(root, true, files, symlinks, tracked, (path) => executables.has(path));
}

/** The nearest directory upwards with a `.git`, without asking git: that would cost a process. */
function findGitRoot(directory: string): string | undefined {
  for (let at = realpathSync(directory); ; at = dirname(at)) {
    if (exists(join(at, '.git'))) return at;
    if (dirname(at) === at) return undefined;
  }
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function walkDirectory(directory: string): Repository {
  const root = realpathSync(directory);
  const files: string[] = [];
  const symlinks = new Set<string>();
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
        if (entry.name !== 'node_modules' && entry.name !== '.git') queue.push(path);
      } else if (entry.isSymbolicLink()) {
        symlinks.add(path);
        files.push(path);
      } else if (entry.isFile()) files.push(path);
    }
  }
  return repository(root, false, files, symlinks, undefined, (path) => mode(join(root, path)));
}

function repository(
  root: string,
  inGit: boolean,
  all: readonly string[],
  symlinks: ReadonlySet<string>,
  tracked: ReadonlySet<string> | undefined,
  executable: (path: string) => boolean,
): Repository {
  const files = [...all].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const cache = new Map<string, string | undefined>();
  const read = (path: string): string | undefined => {
    if (!cache.has(path)) cache.set(path, readText(root, path));
    return cache.get(path);
  };
  let ignored: ((path: string) => boolean) | undefined;
  const gitIgnored = (path: string): boolean => {
    ignored ??= gitIgnoreRules(
      files
        .filter((each) => each === '.gitignore' || each.endsWith('/.gitignore'))
        .sort((a, b) => a.split('/').length - b.split('/').length)
        .map((each) => ({ directory: dirname(each) === '.' ? '' : dirname(each), text: read(each) ?? '' })),
    );
    return ignored(path);
  };
  const listings = new Map<string, readonly string[]>();
  const below = (directory: string): readonly string[] => {
    let known = listings.get(directory);
    if (known === undefined) {
      const prefix = directory === '.' ? '' : `${directory}/`;
      known =
        directory === '.'
          ? files
          : files.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
      listings.set(directory, known);
    }
    return known;
  };
  return {
    root,
    git: inGit,
    files,
    symlinks,
    ...(tracked === undefined ? {} : { tracked }),
    gitIgnored,
    executable,
    read,
    context(directory, dockerfile, siblings = []) {
      const prefix = directory === '.' ? '' : `${directory}/`;
      const own = `${dockerfile}.dockerignore`;
      // Read from disk, not from git's list: git may ignore the ignore file itself.
      const ignorePath = read(own) === undefined ? `${prefix}.dockerignore` : own;
      const ignoreSource = read(ignorePath);
      const inside = (set: ReadonlySet<string>): Set<string> => {
        const result = new Set<string>();
        for (const path of set) if (path.startsWith(prefix)) result.add(path.slice(prefix.length));
        return result;
      };
      return new TreeContext(
        {
          files: below(directory),
          symlinks: inside(symlinks),
          ...(tracked === undefined ? {} : { tracked: directory === '.' ? tracked : inside(tracked) }),
          gitIgnored: (path) => gitIgnored(prefix + path),
          repositoryRoot: inGit && directory === '.',
          read: (path) => read(prefix + path),
          executable: (path) => executable(prefix + path),
          ignoreFile: { path: ignorePath, ...(ignoreSource === undefined ? {} : { source: ignoreSource }) },
          siblings,
        },
        below(directory),
      );
    },
  };
}

function mode(path: string): boolean {
  try {
    return (lstatSync(path).mode & 0o100) !== 0;
  } catch {
    return false;
  }
}

/** Reads a regular file below the root whose directories are no symlinks either. */
function readText(root: string, path: string): string | undefined {
  const absolute = resolve(root, path);
  if (!absolute.startsWith(root + sep) && root !== sep) return undefined;
  let descriptor: number | undefined;
  try {
    if (realpathSync(dirname(absolute)) !== join(root, dirname(path) === '.' ? '' : dirname(path)).replace(/\/$/, ''))
      return undefined;
    descriptor = openSync(absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size, ...stat } = fstatSync(descriptor);
    if (!fstatSync(descriptor).isFile() || size > MAX_BYTES || stat.nlink === 0) return undefined;
    const bytes = Buffer.alloc(size);
    const length = readSync(descriptor, bytes, 0, size, 0);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length));
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** `path` relative to the repository, with `/`; undefined when it lies outside. */
export function insideRepository(repo: Repository, path: string): string | undefined {
  const inside = relative(repo.root, path).split(sep).join('/');
  return inside.startsWith('..') ? undefined : inside === '' ? '.' : inside;
}
