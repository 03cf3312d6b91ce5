/** What is in force before each instruction (rules 16-22): user, directory, shell, variables. */
import type { Environment } from '../model.ts';

interface Entry {
  readonly at: number;
  readonly value: string | undefined;
  readonly varies: boolean;
}

/** Variables of one stage, as a log by instruction: cheap to extend, and every earlier point stays readable. */
export class Scope {
  private readonly log = new Map<string, Entry[]>();
  private readonly parent: Environment | undefined;

  constructor(parent?: Environment) {
    this.parent = parent;
  }

  /** From instruction `at` on (exclusive: the setting instruction itself still sees the old value). */
  set(name: string, value: string | undefined, varies: boolean, at: number): void {
    const entries = this.log.get(name);
    if (entries === undefined) this.log.set(name, [{ at, value, varies }]);
    else entries.push({ at, value, varies });
  }

  /** The variables as instruction `at` sees them. */
  before(at: number): Environment {
    const find = (name: string): Entry | undefined => {
      const entries = this.log.get(name);
      if (entries === undefined) return undefined;
      let low = 0;
      let high = entries.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((entries[middle] as Entry).at < at) low = middle + 1;
        else high = middle;
      }
      return entries[low - 1];
    };
    const parent = this.parent;
    return {
      get: (name) => {
        const entry = find(name);
        return entry === undefined ? parent?.get(name) : entry.value;
      },
      declared: (name) => find(name) !== undefined || parent?.declared(name) === true,
      varies: (name) => find(name)?.varies ?? parent?.varies(name) ?? false,
    };
  }
}

/** The working directory of official images, by name without registry, tag and digest. Source: their Dockerfiles. */
const DIRECTORIES: Readonly<Record<string, string>> = {
  golang: '/go',
  php: '/var/www/html',
  composer: '/app',
  gradle: '/home/gradle',
  'oven/bun': '/home/bun/app',
  wordpress: '/var/www/html',
  tomcat: '/usr/local/tomcat',
};
const AT_ROOT = new Set(
  'node python ruby rust nginx httpd alpine debian ubuntu busybox centos fedora rockylinux almalinux amazonlinux archlinux buildpack-deps openjdk eclipse-temurin amazoncorretto maven erlang elixir haskell swift dart julia perl r-base redis postgres mysql mariadb mongo scratch denoland/deno gcc bash caddy docker clojure sbt pypy'.split(
    ' ',
  ),
);

/** The base image's own working directory; `?` when it is not known. */
export function baseDirectory(image: string | undefined): string {
  if (image === undefined) return '?';
  const name = image
    .replace(/@.*$/, '')
    .replace(/:[^/]*$/, '')
    .replace(/^(?:docker\.io\/)?(?:library\/)?/, '');
  return DIRECTORIES[name] ?? (AT_ROOT.has(name) ? '/' : '?');
}

/** An absolute, clean path; `..` stops at the root. A directory that is not known starts with `?`. */
export function resolvePath(directory: string, path: string): string {
  const unknown = !path.startsWith('/') && directory.startsWith('?');
  const start = path.startsWith('/') ? [] : directory.split('/').filter((part) => part !== '');
  const parts = unknown ? start.slice(1) : start;
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return unknown ? [start[0], ...parts].join('/') : `/${parts.join('/')}`;
}

/** The directory that holds a path. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? (path.startsWith('/') ? '/' : path) : path.slice(0, slash);
}
