/** A build context over a sorted list of paths: the part that disk, git tree and memory share. */
import type { BuildContext, EntryKind } from '../model.ts';
import { parseIgnore, type IgnoreRules } from './dockerignore.ts';
import type { GitIgnore } from './gitignore.ts';

export interface TreeSource {
  /** All files and symlinks, relative to the context root, by code unit, whatever the ignore file says. */
  readonly files: readonly string[];
  isSymlink(path: string): boolean;
  /** git tracks this file; absent: all of them. */
  isTracked?(path: string): boolean;
  /** git ignores it, or something below it. */
  readonly gitIgnore: Pick<GitIgnore, 'ignores' | 'reaches'>;
  /** Something may be at this path that no listing shows: below a submodule, on this very disk. */
  hides?(path: string): boolean;
  /** `.git` may be on disk at the context root. */
  readonly repositoryRoot: boolean;
  /** The listing was cut short. */
  readonly partial?: boolean;
  read(path: string): string | undefined;
  executable(path: string): boolean;
}

export interface TreeOptions {
  readonly ignoreFile: BuildContext['ignoreFile'];
  readonly siblings: readonly string[];
}

/** Made by tools rather than written, so on somebody's disk even where git does not ignore it. */
export const GENERATED: ReadonlySet<string> = new Set(['node_modules', '.venv', 'venv', '__pycache__']);

/** What one text of the ignore file lets through: shared by all contexts over the same directory and text. */
class View {
  readonly source: TreeSource;
  readonly rules: IgnoreRules;
  private kept: readonly string[] | undefined;
  private readonly kinds = new Map<string, EntryKind | 'none'>();
  private readonly mayMemo = new Map<string, boolean>();

  constructor(source: TreeSource, ignoreText: string) {
    this.source = source;
    this.rules = parseIgnore(ignoreText);
  }

  get files(): readonly string[] {
    return (this.kept ??= this.source.files.filter((path) => !this.rules.ignores(path)));
  }

  kind(path: string): EntryKind | undefined {
    let known = this.kinds.get(path);
    if (known === undefined) this.kinds.set(path, (known = this.find(path) ?? 'none'));
    return known === 'none' ? undefined : known;
  }

  private find(path: string): EntryKind | undefined {
    if (path === '.') return 'directory';
    const { files } = this.source;
    if (files[lowerBound(files, path)] === path)
      return this.rules.ignores(path) ? undefined : this.source.isSymlink(path) ? 'symlink' : 'file';
    if (!holdsBelow(files, path)) return undefined;
    // A directory that is not ignored itself is sent even when all that is in it is.
    return !this.rules.ignores(path) || holdsBelow(this.files, path) ? 'directory' : undefined;
  }

  may(path: string): boolean {
    let known = this.mayMemo.get(path);
    if (known === undefined) this.mayMemo.set(path, (known = this.kind(path) !== undefined || this.couldExist(path)));
    return known;
  }

  private couldExist(path: string): boolean {
    if (!this.rules.mayKeep(path)) return false;
    const { source } = this;
    const parts = path.split('/');
    return (
      parts.some((part) => GENERATED.has(part)) ||
      (source.repositoryRoot && parts[0] === '.git') ||
      source.gitIgnore.ignores(path) ||
      source.gitIgnore.reaches(path) ||
      // It exists, is kept out, and something in it would not be.
      holdsBelow(source.files, path) ||
      source.hides?.(path) === true
    );
  }
}

export class TreeContext implements BuildContext {
  /** An ignore file that Docker refuses or that is not understood leaves everything open. */
  readonly known: boolean;
  readonly ignoreFile: BuildContext['ignoreFile'];
  readonly siblings: readonly string[];
  private readonly source: TreeSource;
  private readonly view: View;

  constructor(source: TreeSource, options: TreeOptions) {
    this.source = source;
    this.ignoreFile = options.ignoreFile;
    this.siblings = options.siblings;
    this.view = viewOf(source, options.ignoreFile.source ?? '');
    this.known = this.view.rules.trouble === undefined && source.partial !== true;
  }

  has(path: string): boolean {
    return this.view.kind(path) !== undefined;
  }

  kind(path: string): EntryKind | undefined {
    return this.view.kind(path);
  }

  may(path: string): boolean {
    return this.view.may(path);
  }

  read(path: string): string | undefined {
    return this.kind(path) === 'file' ? this.source.read(path) : undefined;
  }

  executable(path: string): boolean {
    return this.kind(path) === 'file' && this.source.executable(path);
  }

  entries(directory: string): readonly string[] {
    const prefix = directory === '.' ? '' : `${directory}/`;
    const names = new Set(namesBelow(this.view.files, prefix));
    if (this.view.files.length < this.source.files.length)
      for (const name of namesBelow(this.source.files, prefix))
        if (this.kind(prefix + name) === 'directory') names.add(name);
    return [...names].sort(byCodeUnit);
  }

  list(directory: string): readonly string[] {
    const { files } = this.view;
    if (directory === '.') return files;
    const kind = this.kind(directory);
    if (kind !== 'directory') return kind === undefined ? [] : [directory];
    return files.slice(lowerBound(files, `${directory}/`), lowerBound(files, `${directory}0`));
  }

  ignores(path: string): boolean {
    return this.view.rules.ignores(path);
  }

  tracks(path: string): boolean {
    const { files } = this.source;
    const is = (file: string): boolean => this.source.isTracked?.(file) ?? true;
    if (files[lowerBound(files, path)] === path) return is(path);
    const prefix = path === '.' ? '' : `${path}/`;
    for (let at = lowerBound(files, prefix); files[at]?.startsWith(prefix) === true; at++)
      if (is(files[at] as string)) return true;
    return false;
  }

  withIgnoreFile(source: string): BuildContext {
    return new TreeContext(this.source, {
      ignoreFile: { path: this.ignoreFile.path, source },
      siblings: this.siblings,
    });
  }
}

const views = new WeakMap<TreeSource, Map<string, View>>();

/** A round of fixes goes back and forth between few texts; older ones are dropped. */
function viewOf(source: TreeSource, ignoreText: string): View {
  let known = views.get(source);
  if (known === undefined) views.set(source, (known = new Map<string, View>()));
  let view = known.get(ignoreText);
  if (view === undefined) {
    if (known.size >= 4) known.clear();
    known.set(ignoreText, (view = new View(source, ignoreText)));
  }
  return view;
}

export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sorted, each once; cheap for what is sorted already. */
export function sorted(paths: readonly string[]): readonly string[] {
  let inOrder = true;
  for (let at = 1; at < paths.length && inOrder; at++) inOrder = (paths[at - 1] as string) < (paths[at] as string);
  return inOrder ? paths : [...new Set(paths)].sort(byCodeUnit);
}

/** The part of a sorted list that lies below a directory, relative to it. */
export function below(files: readonly string[], directory: string): readonly string[] {
  if (directory === '.') return files;
  const from = directory.length + 1;
  return files
    .slice(lowerBound(files, `${directory}/`), lowerBound(files, `${directory}0`))
    .map((path) => path.slice(from));
}

export function holdsBelow(files: readonly string[], directory: string): boolean {
  return files[lowerBound(files, `${directory}/`)]?.startsWith(`${directory}/`) === true;
}

/** Names directly below a prefix; a directory's own content is skipped over ('0' follows '/'). */
function* namesBelow(files: readonly string[], prefix: string): Generator<string> {
  for (let at = lowerBound(files, prefix); files[at]?.startsWith(prefix) === true;) {
    const path = files[at] as string;
    const slash = path.indexOf('/', prefix.length);
    yield slash < 0 ? path.slice(prefix.length) : path.slice(prefix.length, slash);
    at = slash < 0 ? at + 1 : lowerBound(files, `${path.slice(0, slash)}0`);
  }
}

/** Index of the first element that is not less than `key`. */
export function lowerBound(files: readonly string[], key: string): number {
  let low = 0;
  let high = files.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((files[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
