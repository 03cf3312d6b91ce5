/**
 * What a repository's own history tells without a checkout: one `git log` names, for each commit, the paths that
 * differ from its first parent, and trees are read with `git ls-tree` and `git cat-file`.
 */
import type { BuildContext } from '../model.ts';
import { git, gitBytes, gitStream } from './git.ts';
import { gitIgnore } from './gitignore.ts';
import { decodeText } from './text.ts';
import { below, sorted, TreeContext } from './tree.ts';

/** One path that a commit changed, against its first parent. A rename is one path gone and another one come. */
export interface ChangedPath {
  readonly path: string;
  /** Object names; absent: the path is not there on that side. */
  readonly before?: string;
  readonly after?: string;
  /** A submodule moved: anything below may differ. */
  readonly submodule: boolean;
}

export interface Commit {
  readonly id: string;
  /** What it is compared with; absent: the first commit, or where a shallow clone ends. */
  readonly parent?: string;
  /** Seconds. */
  readonly time: number;
  readonly changed: readonly ChangedPath[];
}

export interface HistoryOptions {
  /** At most this many commits that have a parent. */
  readonly limit?: number;
  /** As `git log --since` takes it. */
  readonly since?: string;
  /** What to start from; default: HEAD. */
  readonly branch?: string;
  /** Follow only the first parent of a merge; default: true. */
  readonly firstParent?: boolean;
}

/** The commit that a branch, tag or object name stands for. */
export async function resolveCommit(root: string, name: string): Promise<string | undefined> {
  const id = await git(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
  return id?.trim();
}

export async function isShallow(root: string): Promise<boolean> {
  return (await git(root, ['rev-parse', '--is-shallow-repository']))?.trim() === 'true';
}

const NO_OBJECT = /^0+$/;

/** Newest first. Throws an Error with git's own words where git fails. */
export async function* readHistory(root: string, commit: string, options: HistoryOptions): AsyncGenerator<Commit> {
  const child = gitStream(root, [
    // A root commit's files are no change, and a submodule's move is one whatever the repository configures.
    ...['-c', 'log.showRoot=false', '-c', 'log.showSignature=false', '-c', 'log.mailmap=false'],
    'log',
    '--raw',
    '-z',
    '--no-abbrev',
    ...['--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', '--no-relative', '--ignore-submodules=none'],
    ...(options.firstParent === false ? ['--diff-merges=first-parent'] : ['--first-parent', '-m']),
    '--format=tformat:%x01%H %ct %P',
    ...(options.limit === undefined ? [] : [`--max-count=${options.limit}`]),
    ...(options.since === undefined ? [] : [`--since=${options.since}`]),
    commit,
    '--',
  ]);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 2000);
  });
  const ended = new Promise<number | null>((done) => {
    child.on('close', done);
    child.on('error', () => done(127));
  });
  try {
    let current: (Commit & { readonly changed: ChangedPath[] }) | undefined;
    let pending: string | undefined;
    let rest = '';
    // Paths need not be UTF-8; as UTF-16 they then differ from those that `git ls-files` lists, like anything else here.
    for await (const text of child.stdout.setEncoding('utf8') as AsyncIterable<string>) {
      const tokens = (rest + text).split('\0');
      rest = tokens.pop() as string;
      for (const token of tokens) {
        if (pending !== undefined) {
          current?.changed.push(changedPath(pending, token));
          pending = undefined;
          continue;
        }
        const line = token.charCodeAt(0) === 10 ? token.slice(1) : token;
        if (line.startsWith(':')) pending = line;
        else if (line.charCodeAt(0) === 1) {
          if (current !== undefined) yield current;
          const [id = '', time = '', parent = ''] = line.slice(1).split(' ');
          current = { id, time: Number(time), ...(parent === '' ? {} : { parent }), changed: [] };
        }
      }
    }
    const code = await ended;
    if (code !== 0) throw new Error(code === 127 ? 'git could not be started' : `git log: ${firstLine(complaint)}`);
    if (current !== undefined) yield current;
  } finally {
    child.kill('SIGKILL');
  }
}

/** `:100644 100755 <old> <new> M`, or `T`, `A`, `D`. */
function changedPath(line: string, path: string): ChangedPath {
  const [before = '', after = '', old = '', fresh = ''] = line.slice(1).split(' ');
  return {
    path,
    ...(NO_OBJECT.test(old) ? {} : { before: old }),
    ...(NO_OBJECT.test(fresh) ? {} : { after: fresh }),
    submodule: before === '160000' || after === '160000',
  };
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}

/** Files larger than this are not read: no manifest is. */
const MAX_BYTES = 20 * 1024 * 1024;

const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/** The files of one commit. */
export interface CommitTree {
  readonly files: readonly string[];
  read(path: string): string | undefined;
  /** The context in a directory of it (`.` for the root). */
  context(directory: string, dockerfile: string): BuildContext;
}

interface TreeEntry {
  readonly mode: string;
  readonly object: string;
  readonly size: number;
}

/** Characters of files that are kept, so that memory stays flat over a long history. */
const KEPT = 64 * 1024 * 1024;

/**
 * The trees of a repository's commits. Most files are the same from one commit to the next, and are read once; those
 * that differ come in one batch, for what was read of one commit will be read of the next.
 */
export function commitTrees(root: string): (commit: string) => CommitTree | undefined {
  const asked = new Set<string>();
  const texts = new Map<string, string | undefined>();
  let kept = 0;
  const fetch = (objects: readonly string[]): void => {
    for (const [object, text] of readObjects(root, objects)) {
      kept += text?.length ?? 0;
      texts.set(object, text);
    }
  };
  return (commit) => {
    const listing = listTree(root, commit);
    if (listing === undefined) return undefined;
    if (kept > KEPT) {
      texts.clear();
      kept = 0;
    }
    const wanted = [...asked].flatMap((path) => {
      const entry = listing.entries.get(path);
      return entry !== undefined && isText(entry) && !texts.has(entry.object) ? [entry.object] : [];
    });
    if (wanted.length > 0) fetch([...new Set(wanted)]);
    return treeOf(listing, (path) => {
      asked.add(path);
      const entry = listing.entries.get(path);
      if (entry === undefined || !isText(entry)) return undefined;
      if (!texts.has(entry.object)) fetch([entry.object]);
      return texts.get(entry.object);
    });
  };
}

interface Listing {
  readonly entries: ReadonlyMap<string, TreeEntry>;
  readonly submodules: readonly string[];
}

/** Undefined where git cannot list it. */
function listTree(root: string, commit: string): Listing | undefined {
  const listing = gitBytes(root, ['ls-tree', '-r', '-l', '-z', '--full-tree', commit, '--'])?.toString('utf8');
  if (listing === undefined) return undefined;
  const entries = new Map<string, TreeEntry>();
  const submodules: string[] = [];
  for (const line of listing.split('\0')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const [mode = '', , object = '', size = ''] = line.slice(0, tab).split(/ +/);
    if (mode === '160000') submodules.push(line.slice(tab + 1));
    else entries.set(line.slice(tab + 1), { mode, object, size: Number(size) });
  }
  return { entries, submodules };
}

function treeOf({ entries, submodules }: Listing, read: CommitTree['read']): CommitTree {
  const files = sorted([...entries.keys()]);
  const ignore = gitIgnore((directory) => read(directory === '.' ? '.gitignore' : `${directory}/.gitignore`));
  return {
    files,
    read,
    context(directory, dockerfile) {
      const inside = (path: string): string =>
        directory === '.' ? path : path === '.' ? directory : `${directory}/${path}`;
      const own = `${dockerfile}.dockerignore`;
      const path = entries.has(own) ? own : inside('.dockerignore');
      const source = read(path);
      return new TreeContext(
        {
          files: below(files, directory),
          isSymlink: (each) => entries.get(inside(each))?.mode === '120000',
          gitIgnore: {
            ignores: (each, isFile) => ignore.ignores(inside(each), isFile),
            reaches: (each) => ignore.reaches(inside(each)),
          },
          hides: (each) => submodules.some((one) => inside(each) === one || inside(each).startsWith(`${one}/`)),
          repositoryRoot: directory === '.',
          read: (each) => read(inside(each)),
          executable: (each) => entries.get(inside(each))?.mode === '100755',
        },
        { ignoreFile: { path, ...(source === undefined ? {} : { source }) }, siblings: [] },
      );
    },
  };
}

function isText({ mode, size }: TreeEntry): boolean {
  return mode !== '120000' && size <= MAX_BYTES;
}

/** `<object> blob <size>`, a line end, that many bytes, a line end; or `<object> missing`. */
function readObjects(root: string, objects: readonly string[]): ReadonlyMap<string, string | undefined> {
  const texts = new Map<string, string | undefined>(objects.map((object) => [object, undefined]));
  const bytes = gitBytes(root, ['cat-file', '--batch'], `${objects.join('\n')}\n`);
  for (let at = 0; bytes !== undefined && at < bytes.length;) {
    const end = bytes.indexOf(10, at);
    const [object = '', type, size] = bytes.toString('latin1', at, end).split(' ');
    at = end + 1;
    if (type !== 'blob') continue;
    texts.set(object, textOf(bytes.subarray(at, at + Number(size))));
    at += Number(size) + 1;
  }
  return texts;
}

function textOf(bytes: Buffer): string | undefined {
  const text = decodeText(bytes);
  // What a checkout would put there is not in this repository.
  return text?.startsWith(LFS_POINTER) === true ? undefined : text;
}
