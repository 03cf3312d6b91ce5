/**
 * Which image paths belong to the system (packages, users, configuration) and which a project can call its own.
 * Source: Filesystem Hierarchy Standard 3.0 and the official images' working directories.
 */

/** Names that the root directory of an image may hold before anything is copied. */
const ROOT_NAMES = new Set(
  'bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp usr var go'.split(' '),
);

/** Directories that packages write below: never a project's own. */
const SYSTEM_TREES = [
  ...['bin', 'boot', 'dev', 'etc', 'lib', 'lib32', 'lib64', 'libx32', 'proc', 'run', 'sbin', 'sys'].map((n) => `/${n}`),
  ...['bin', 'sbin', 'lib', 'lib64', 'libexec', 'include', 'share', 'games'].map((n) => `/usr/${n}`),
  ...['bin', 'sbin', 'lib', 'lib64', 'include', 'share', 'etc', 'go', 'cargo'].map((n) => `/usr/local/${n}`),
  ...['cache', 'lib', 'log', 'run', 'spool', 'tmp'].map((n) => `/var/${n}`),
];

const SYSTEM_TREE = new RegExp(`^(?:${SYSTEM_TREES.join('|')})(?:/|$)`);

/** Directories that exist in an image and hold others' entries beside a project's. */
const SHARED = new Set([
  '/',
  '/home',
  '/root',
  '/opt',
  '/srv',
  '/mnt',
  '/media',
  '/tmp',
  '/usr',
  '/usr/src',
  '/usr/local',
  '/var',
  '/var/www',
  '?',
]);

/** Dot files in a home directory that configure tools. */
export const HOME_FILES =
  '.npmrc .yarnrc .yarnrc.yml .config .cache .local .npm .ssh .netrc .gitconfig .profile .bashrc .bash_profile .bash_login .curlrc .wgetrc .gemrc .condarc .pip .pypirc .pydistutils.cfg .bundle .composer .nuget .mix .hex .bun .cargo .m2 .mavenrc .gradle .nvm .rustup .dotnet .gnupg .fonts .docker .aws .kube'.split(
    ' ',
  );

const HOME_NAMES = new Set(HOME_FILES);

/** `/a/b` → `['a', 'b']`; `?/a` → `['?', 'a']`. */
export function components(path: string): readonly string[] {
  let known = split.get(path);
  if (known === undefined) {
    if (split.size > 10_000) split.clear();
    split.set(path, (known = path.split('/').filter((part) => part !== '')));
  }
  return known;
}

const split = new Map<string, readonly string[]>();

export function join(directory: string, name: string): string {
  if (name === '' || name === '.') return directory;
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `path` is `tree` or lies below it. */
export function within(path: string, tree: string): boolean {
  return path === tree || tree === '/' || path.startsWith(`${tree}/`);
}

/**
 * Where a copy of `source` to `target` took what is at `path`; undefined where that is nowhere below `target`, or not
 * known to be: a path below the base image's own directory (`?`) lies somewhere within `/`.
 */
export function sourceOf(path: string, { source, target }: { source: string; target: string }): string | undefined {
  if (path === target) return source;
  const tree = target === '/' ? target : `${target}/`;
  if (!path.startsWith(tree)) return undefined;
  const rest = path.slice(tree.length);
  return source === '.' ? rest : `${source}/${rest}`;
}

/** A directory that others' files share with the project's: only the entries copied into it are the project's. */
export function isShared(path: string): boolean {
  return SHARED.has(path) || /^\/home\/[^/]+$/.test(path);
}

/**
 * It lies where people put projects, and packages put nothing: in a home directory, in /usr/src, at the top. Into /opt
 * and /var/www they put directories, and no files.
 */
export function isForProjects(path: string): boolean {
  if (/^\/(?:opt|var\/www)\/[^/]*\.[a-z]+$/i.test(path)) return true;
  const parts = components(path);
  return parts.some((name, at) => {
    const directory = `/${parts.slice(0, at).join('/')}`;
    return /^\/(?:home\/[^/]+|root|usr\/src|srv)?$/.test(directory) && !collides(directory, name);
  });
}

/** A directory that packages own. */
export function isSystem(path: string): boolean {
  return SYSTEM_TREE.test(path);
}

/** An entry of that name, copied into a shared directory, would lie among the system's or a user's own files. */
export function collides(directory: string, name: string): boolean {
  if ((directory === '/' || directory === '?') && ROOT_NAMES.has(name)) return true;
  if (directory === '/' || directory === '/usr/src') return false;
  return HOME_NAMES.has(name) || isSystem(join(directory, name));
}

/** Up to `/`, or to the base image's own directory, which is unknown: `?`. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? (path.startsWith('/') ? '/' : '?') : path.slice(0, slash);
}

/** Below the base image's own directory, but the system's if that is `/`. */
export function mayBeSystem(path: string): boolean {
  return path.startsWith('?/') && isSystem(path.slice(1));
}
