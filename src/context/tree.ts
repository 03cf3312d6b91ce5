/** A build context over a sorted list of paths: the part that disk, git tree and memory share. */
import ignore from 'ignore';
import type { BuildContext, EntryKind } from '../model.ts';
import { parseIgnore, type IgnoreRules } from './dockerignore.ts';

export interface TreeSource {
  /** All files and symlinks, relative to the context root, whatever the ignore file says. */
  readonly files: readonly string[];
  readonly symlinks: ReadonlySet<string>;
  /** Files that git tracks; undefined: all of them. */
  readonly tracked?: ReadonlySet<string>;
  /** git ignores a path (relative to the context root). */
  readonly gitIgnored: (path: string) => boolean;
  /** `.git` may be on disk at the context root. */
  readonly repositoryRoot: boolean;
  readonly read: (path: string) => string | undefined;
  readonly executable: (path: string) => boolean;
  readonly ignoreFile: { readonly path: string; readonly source?: string };
  readonly siblings: readonly string[];
}

/** Made by tools rather than written, so on somebody's disk even where git does not ignore it. */
const GENERATED = new Set(['node_modules', '.venv', 'venv', '__pycache__']);

export class TreeContext implements BuildContext {
  readonly known = true;
  readonly ignoreFile: BuildContext['ignoreFile'];
  readonly siblings: readonly string[];
  private readonly source: TreeSource;
  private readonly rules: IgnoreRules;
  private kept: readonly string[] | undefined;
  private readonly sorted: readonly string[];
  private readonly kinds = new Map<string, EntryKind | 'none'>();
  private readonly mayMemo = new Map<string, boolean>();

  constructor(source: TreeSource, sorted: readonly string[] = [...source.files].sort(byCodeUnit)) {
    this.source = source;
    this.sorted = sorted;
    this.ignoreFile = source.ignoreFile;
    this.siblings = source.siblings;
    this.rules = parseIgnore(source.ignoreFile.source ?? '');
  }

  private get files(): readonly string[] {
    return (this.kept ??= this.sorted.filter((path) => !this.rules.ignores(path)));
  }

  has(path: string): boolean {
    return this.kind(path) !== undefined;
  }

  kind(path: string): EntryKind | undefined {
    let known = this.kinds.get(path);
    if (known === undefined) this.kinds.set(path, (known = this.find(path) ?? 'none'));
    return known === 'none' ? undefined : known;
  }

  private find(path: string): EntryKind | undefined {
    if (path === '.') return 'directory';
    const at = lowerBound(this.files, path);
    if (this.files[at] === path) return this.source.symlinks.has(path) ? 'symlink' : 'file';
    const below = lowerBound(this.files, `${path}/`);
    return this.files[below]?.startsWith(`${path}/`) === true ? 'directory' : undefined;
  }

  may(path: string): boolean {
    let known = this.mayMemo.get(path);
    if (known === undefined) this.mayMemo.set(path, (known = this.has(path) || this.couldExist(path)));
    return known;
  }

  private couldExist(path: string): boolean {
    if (!this.rules.mayKeep(path)) return false;
    const parts = path.split('/');
    if (parts.some((part) => GENERATED.has(part))) return true;
    if (this.source.repositoryRoot && parts[0] === '.git') return true;
    return this.source.gitIgnored(path) || this.source.gitIgnored(`${path}/`);
  }

  read(path: string): string | undefined {
    return this.kind(path) === 'file' ? this.source.read(path) : undefined;
  }

  executable(path: string): boolean {
    return this.kind(path) === 'file' && this.source.executable(path);
  }

  entries(directory: string): readonly string[] {
    const prefix = directory === '.' ? '' : `${directory}/`;
    const names: string[] = [];
    let at = lowerBound(this.files, prefix);
    while (at < this.files.length && (this.files[at] as string).startsWith(prefix)) {
      const rest = (this.files[at] as string).slice(prefix.length);
      const slash = rest.indexOf('/');
      const name = slash < 0 ? rest : rest.slice(0, slash);
      names.push(name);
      // Skip the rest of that directory: '0' follows '/'.
      at = slash < 0 ? at + 1 : lowerBound(this.files, `${prefix}${name}0`);
    }
    return [...new Set(names)].sort(byCodeUnit);
  }

  list(directory: string): readonly string[] {
    if (directory === '.') return this.files;
    const prefix = `${directory}/`;
    const result = this.kind(directory) === 'file' || this.kind(directory) === 'symlink' ? [directory] : [];
    for (
      let at = lowerBound(this.files, prefix);
      at < this.files.length && (this.files[at] as string).startsWith(prefix);
      at++
    )
      result.push(this.files[at] as string);
    return result;
  }

  ignores(path: string): boolean {
    return this.rules.ignores(path);
  }

  tracks(path: string): boolean {
    const is = (file: string | undefined): boolean => file !== undefined && (this.source.tracked?.has(file) ?? true);
    const at = lowerBound(this.sorted, path);
    if (this.sorted[at] === path && is(path)) return true;
    const prefix = path === '.' ? '' : `${path}/`;
    for (let below = lowerBound(this.sorted, prefix); this.sorted[below]?.startsWith(prefix) === true; below++)
      if (is(this.sorted[below])) return true;
    return false;
  }

  withIgnoreFile(source: string): BuildContext {
    return new TreeContext({ ...this.source, ignoreFile: { path: this.ignoreFile.path, source } }, this.sorted);
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Index of the first element that is not less than `key`. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What nested `.gitignore` files say, each by the directory that it stands in (`''` for the root). */
export function gitIgnoreRules(
  files: readonly { readonly directory: string; readonly text: string }[],
): (path: string) => boolean {
  const rules = files.map(({ directory, text }) => ({
    directory,
    matcher: ignore({ allowRelativePaths: true }).add(text),
  }));
  return (path) => {
    const clean = path.replace(/\/$/, '');
    if (clean === '' || clean === '.') return false;
    let result = false;
    for (const { directory, matcher } of rules) {
      if (directory !== '' && !clean.startsWith(`${directory}/`)) continue;
      const verdict = matcher.test(
        (directory === '' ? clean : clean.slice(directory.length + 1)) + (path.endsWith('/') ? '/' : ''),
      );
      if (verdict.ignored) result = true;
      else if (verdict.unignored) result = false;
    }
    return result;
  };
}
