import type { BuildContext } from '../model.ts';
import { gitIgnore } from './gitignore.ts';
import { sorted, TreeContext } from './tree.ts';

export interface MemoryOptions {
  /** The Dockerfile's path in the context: `<Dockerfile>.dockerignore` then replaces `.dockerignore` (rule 36). */
  readonly dockerfile?: string;
  /** Paths that are symlinks; their content is the link target. */
  readonly symlinks?: readonly string[];
  readonly siblings?: readonly string[];
  /** Files that may be executed; default: none. */
  readonly executable?: readonly string[];
}

/** A context of files given by path; one with a NUL in it is binary. All count as tracked by git; `.gitignore` files among them are obeyed. */
export function memoryContext(files: Readonly<Record<string, string>>, options: MemoryOptions = {}): BuildContext {
  const read = (path: string): string | undefined => {
    const text = Object.hasOwn(files, path) ? files[path] : undefined;
    return text?.includes('\0') === true ? undefined : text;
  };
  const own = `${options.dockerfile ?? 'Dockerfile'}.dockerignore`;
  const ignorePath = read(own) === undefined ? '.dockerignore' : own;
  const ignoreSource = read(ignorePath);
  const symlinks = new Set(options.symlinks ?? []);
  return new TreeContext(
    {
      files: sorted(Object.keys(files)),
      isSymlink: (path) => symlinks.has(path),
      gitIgnore: gitIgnore((directory) => read(directory === '.' ? '.gitignore' : `${directory}/.gitignore`)),
      repositoryRoot: true,
      read,
      executable: (path) => options.executable?.includes(path) === true,
    },
    {
      ignoreFile: { path: ignorePath, ...(ignoreSource === undefined ? {} : { source: ignoreSource }) },
      siblings: options.siblings ?? [],
    },
  );
}
