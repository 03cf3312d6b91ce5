/** Which Dockerfiles are meant by the paths of a command line. */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, relative, resolve, sep } from 'node:path';
import { openRepository, workTreeOf, type Repository, type Unsaved } from './disk.ts';

export interface FoundFile {
  readonly repository: Repository;
  /** Relative to the repository's root. */
  readonly path: string;
  /** As the user should see it: relative to the working directory. */
  readonly shown: string;
}

export interface Found {
  readonly files: readonly FoundFile[];
  /** Things passed over that somebody may miss. */
  readonly notes: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  /** Paths that cannot be read. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

const TEMPLATE = /\.(?:j2|jinja2?|tmpl|template|tpl|erb|mustache|hbs|ejs|in|gotmpl|liquid|ncl|twig|njk|ftl|tt)$/i;
const NOT_BUILT = /\.(?:dockerignore|md|txt|sh|py|js|ts|json|ya?ml|bak|orig|swp|rb|go|snap|html|lock)$/i;

/** In small letters, these are what editors, highlighters and parsers have. */
const ABOUT_DOCKERFILES =
  /^dockerfile\.(?:.*\.)?(?:rs|java|kt|scala|c|cc|cpp|h|hpp|cs|php|pl|lua|vim|el|s?css|less|xml|toml|ini|cfg|conf|log|csv|svg|png|pdf|rst|adoc|mdx|[jt]sx|[cm][jt]s|snippets?|nanorc|tm\w+|sublime-\w+|cson|patch|diff|vue|swift|dart|exs?|erl|hs|clj|sql|map|sum)$/;

/** `Dockerfile`, `Dockerfile.*`, `Dockerfile-*`, `Dockerfile_*`, `dockerfile.*`, `*.Dockerfile`, `Containerfile*`. */
export function isDockerfileName(name: string): boolean {
  if (NOT_BUILT.test(name) || ABOUT_DOCKERFILES.test(name)) return false;
  return /^Dockerfile(?:[._-].+)?$|^dockerfile(?:\..+)?$|^Containerfile|\.[Dd]ockerfile$/.test(name);
}

/** A name that a Dockerfile may have, too: for what is only looked at, never rewritten. */
export function mayBeDockerfile(name: string): boolean {
  return /dockerfile|containerfile/i.test(name) && !/\.dockerignore$/i.test(name);
}

/** Explicit files are always taken; directories are searched, as far as git does not ignore what is in them. */
export async function findDockerfiles(paths: readonly string[], cwd: string, unsaved?: Unsaved): Promise<Found> {
  const files = new Map<string, FoundFile>();
  const notes: Found['notes'][number][] = [];
  const errors: Found['errors'][number][] = [];
  const repositories = new Map<string, Repository>();
  const here = realpathSync(cwd);
  const open = async (directory: string): Promise<Repository> => {
    const root = workTreeOf(directory) ?? outsideGit(here, directory);
    let repository = repositories.get(root);
    if (repository === undefined) repositories.set(root, (repository = await openRepository(root, unsaved)));
    return repository;
  };
  for (const given of paths) {
    const absolute = resolve(cwd, given);
    let real;
    try {
      real = realpathSync(absolute);
      if (statSync(real).isDirectory()) {
        const repository = await open(real);
        const prefix = relative(repository.root, real).split(sep).join('/');
        for (const path of repository.files) {
          const name = path.slice(path.lastIndexOf('/') + 1);
          if (!/dockerfile|containerfile/i.test(name) || (prefix !== '' && !path.startsWith(`${prefix}/`))) continue;
          if (path.split('/').includes('node_modules') || repository.symlinks.has(path)) continue;
          const shown = shownPath(here, join(repository.root, path));
          if (TEMPLATE.test(name) && isDockerfileName(name.replace(TEMPLATE, '')))
            notes.push({
              path: shown,
              code: 'template-skipped',
              message: 'is a template, so what it becomes is not known',
            });
          else if (isDockerfileName(name) && isFile(join(repository.root, path)))
            files.set(join(repository.root, path), { repository, path, shown });
        }
      } else {
        const directory = resolve(absolute, '..');
        const repository = await open(realpathSync(directory));
        const path = relative(repository.root, join(realpathSync(directory), basename(absolute)))
          .split(sep)
          .join('/');
        files.set(join(repository.root, path), {
          repository,
          path,
          shown: shownPath(here, join(repository.root, path)),
        });
      }
    } catch (error) {
      errors.push({ path: given, message: reason(error) });
    }
  }
  return { files: [...files.values()].sort((a, b) => (a.shown < b.shown ? -1 : 1)), notes, errors };
}

/** Without git, the working directory stands for the project, unless it is a place that holds everything else too. */
function outsideGit(cwd: string, directory: string): string {
  return directory.startsWith(cwd + sep) && cwd !== homedir() ? cwd : directory;
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}

export function shownPath(cwd: string, path: string): string {
  return relative(cwd, path).split(sep).join('/') || '.';
}

/** What a file-system error means, without its stack or path. */
export function reason(error: unknown): string {
  const code = (error as { code?: string }).code;
  if (code === 'ENOENT') return 'no such file or directory';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'EROFS') return 'the file system is read-only';
  if (code === 'ENOSPC') return 'the disk is full';
  if (code === 'ELOOP') return 'too many symlinks';
  return error instanceof Error ? error.message : String(error);
}
