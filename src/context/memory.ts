import type { BuildContext } from '../model.ts';
import { gitIgnoreRules, TreeContext } from './tree.ts';

export interface MemoryOptions {
  /** The Dockerfile's path in the context: `<Dockerfile>.dockerignore` then replaces `.dockerignore` (rule 36). */
  readonly dockerfile?: string;
  /** Paths that are symlinks; their content is the link target. */
  readonly symlinks?: readonly string[];
  readonly siblings?: readonly string[];
  /** Files that may be executed; default: none. */
  readonly executable?: readonly string[];
}

/** A context of files given by path. All count as tracked by git; `.gitignore` files among them are obeyed. */
export function memoryContext(files: Readonly<Record<string, string>>, options: MemoryOptions = {}): BuildContext {
  const own = `${options.dockerfile ?? 'Dockerfile'}.dockerignore`;
  const ignorePath = files[own] === undefined ? '.dockerignore' : own;
  const paths = Object.keys(files);
  const ignoreSource = files[ignorePath];
  return new TreeContext({
    files: paths,
    symlinks: new Set(options.symlinks ?? []),
    gitIgnored: gitIgnoreRules(
      paths
        .filter((path) => path === '.gitignore' || path.endsWith('/.gitignore'))
        .sort((a, b) => a.length - b.length)
        .map((path) => ({
          directory: path.slice(0, -'.gitignore'.length).replace(/\/$/, ''),
          text: files[path] ?? '',
        })),
    ),
    repositoryRoot: true,
    read: (path) => files[path],
    executable: (path) => options.executable?.includes(path) === true,
    ignoreFile: { path: ignorePath, ...(ignoreSource === undefined ? {} : { source: ignoreSource }) },
    siblings: options.siblings ?? [],
  });
}
