/** What is in force before each instruction (rules 16-22): user, directory, shell, variables. */
import type { Variable, Variables } from './variables.ts';

interface Entry {
  readonly at: number;
  readonly value: string | undefined;
  readonly varies: boolean;
  /** False: an ARG without a value. */
  readonly set: boolean;
}

/** What BuildKit tells every `FROM` of the platforms. Source: dockerfile2llb/platform.go, defaultArgs. */
const PLATFORM_ARGS = ['BUILD', 'TARGET'].flatMap((side) =>
  ['PLATFORM', 'OS', 'OSVERSION', 'ARCH', 'VARIANT'].map((name) => side + name),
);

/**
 * Variables of one stage, as a log by instruction: cheap to extend, and every earlier point stays readable. A stage
 * that goes on from another sees what that one ended with.
 */
export class Scope {
  private readonly log = new Map<string, Entry[]>();
  private readonly inherited = new Map<string, Entry | undefined>();
  private readonly parent: Scope | undefined;
  /** Nothing else can set a variable: there is no base image that might. */
  private readonly closed: boolean;

  constructor(parent: Scope | undefined, closed = parent?.closed ?? false) {
    this.parent = parent;
    this.closed = closed;
  }

  /** Rule 16: the ARGs before the first FROM. */
  static globals(): Scope {
    const scope = new Scope(undefined, true);
    for (const name of [...PLATFORM_ARGS, 'TARGETSTAGE']) scope.set(name, undefined, true, -1);
    return scope;
  }

  /** From instruction `at` on (exclusive: the setting instruction itself still sees the old value). */
  set(name: string, value: string | undefined, varies: boolean, at: number, set = true): void {
    const entries = this.log.get(name);
    const entry = { at, value, varies, set };
    if (entries === undefined) this.log.set(name, [entry]);
    else entries.push(entry);
  }

  /** The variables as instruction `at` sees them. */
  before(at: number): Variables {
    return new View(this, at);
  }

  /** As they are now, within the instruction that sets them. */
  now(): Variables {
    return new View(this, Infinity);
  }

  look(name: string, at: number): Variable {
    const entry = this.find(name, at);
    if (entry !== undefined) return { value: entry.value, set: entry.set, varies: entry.varies };
    return this.closed ? { value: '', set: false, varies: false } : { value: undefined, set: undefined, varies: false };
  }

  find(name: string, at: number): Entry | undefined {
    const entries = this.log.get(name);
    if (entries !== undefined) {
      let low = 0;
      let high = entries.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((entries[middle] as Entry).at < at) low = middle + 1;
        else high = middle;
      }
      if (low > 0) return entries[low - 1];
    }
    return this.parent === undefined ? undefined : this.findInherited(name);
  }

  /** Parents are complete, so that what they say can be kept. No recursion: there may be thousands. */
  private findInherited(name: string): Entry | undefined {
    if (this.inherited.has(name)) return this.inherited.get(name);
    let found: Entry | undefined;
    for (let scope = this.parent; scope !== undefined && found === undefined; scope = scope.parent) {
      found = scope.log.get(name)?.at(-1);
      if (found !== undefined || !scope.inherited.has(name)) continue;
      found = scope.inherited.get(name);
      break;
    }
    this.inherited.set(name, found);
    return found;
  }
}

class View implements Variables {
  private readonly scope: Scope;
  private readonly at: number;

  constructor(scope: Scope, at: number) {
    this.scope = scope;
    this.at = at;
  }

  get(name: string): string | undefined {
    return this.scope.find(name, this.at)?.value;
  }

  declared(name: string): boolean {
    return this.scope.find(name, this.at) !== undefined;
  }

  varies(name: string): boolean {
    return this.scope.find(name, this.at)?.varies ?? false;
  }

  look(name: string): Variable {
    return this.scope.look(name, this.at);
  }
}

/**
 * The working directory of official images, by name without registry, tag and digest. Source: the WORKDIR lines of
 * their Dockerfiles. Left out where variants or versions differ (caddy, clojure, perl).
 */
const DIRECTORIES: Readonly<Record<string, string>> = {
  golang: '/go',
  composer: '/app',
  gradle: '/home/gradle',
  httpd: '/usr/local/apache2',
  redis: '/data',
  dart: '/root',
  tomcat: '/usr/local/tomcat',
  wordpress: '/var/www/html',
  'oven/bun': '/home/bun/app',
};
const AT_ROOT = new Set(
  'node python ruby rust nginx alpine debian ubuntu busybox centos fedora rockylinux almalinux amazonlinux archlinux buildpack-deps openjdk eclipse-temurin amazoncorretto maven erlang elixir haskell swift julia r-base postgres mysql mariadb mongo scratch denoland/deno gcc bash docker pypy'.split(
    ' ',
  ),
);
const LAMBDA_TASK_ROOT = '/var/task';
/** Images of AWS Lambda. Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, and their Dockerfiles. */
const OF_LAMBDA = /^(?:public\.ecr\.aws\/lambda\/|amazon\/aws-lambda-)/;
/** Variants with another directory: the old `-onbuild` ones, and Windows. */
const ODD_VARIANT = /onbuild|windows|nanoserver/;

/** An image's name, that of an official one as short as it can be, and its tag. */
export function imageOf(image: string): { readonly name: string; readonly tag: string | undefined } {
  const [, name = '', tag] = /^(?:docker\.io\/)?(?:library\/)?([^:@]+)(?::([^@/]*))?(?:@.*)?$/.exec(image) ?? [];
  return { name, tag };
}

/** The base image's own working directory; `?` when it is not known. */
export function baseDirectory(image: string | undefined): string {
  if (image === undefined) return '?';
  const { name, tag } = imageOf(image);
  if (ODD_VARIANT.test(tag ?? '')) return '?';
  // Only php-fpm and php-apache set one; a digest alone does not tell which it is.
  if (name === 'php') {
    if (tag === undefined && image.includes('@')) return '?';
    return /fpm|apache/.test(tag ?? '') ? '/var/www/html' : '/';
  }
  if (OF_LAMBDA.test(name)) return LAMBDA_TASK_ROOT;
  // None of the images of .NET sets one.
  if (/^(?:mcr\.microsoft\.com|microsoft)\/dotnet(?:\/|$)/.test(name)) return '/';
  return Object.hasOwn(DIRECTORIES, name) ? (DIRECTORIES[name] as string) : AT_ROOT.has(name) ? '/' : '?';
}

/** Variables that a base image sets, and that Dockerfiles name places by. */
export function baseVariables(image: string | undefined): readonly (readonly [name: string, value: string])[] {
  return image !== undefined && OF_LAMBDA.test(imageOf(image).name) ? [['LAMBDA_TASK_ROOT', LAMBDA_TASK_ROOT]] : [];
}

/**
 * An absolute, clean path; `..` stops at the root. A directory that is not known starts with `?`, and what is above it
 * with another one, as it is not known either.
 */
export function resolvePath(directory: string, path: string): string {
  const unknown = !path.startsWith('/') && directory.startsWith('?');
  const parts = path.startsWith('/') ? [] : directory.split('/').filter((part) => part !== '');
  let root = unknown ? (parts.shift() as string) : '';
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined && unknown) root += '{..}';
  }
  return unknown ? [root, ...parts].join('/') : `/${parts.join('/')}`;
}

/** The directory that holds a path. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? (path.startsWith('/') ? '/' : path) : path.slice(0, slash);
}

/** A directory and those above it, from the inside out. */
export function* ancestors(directory: string): Iterable<string> {
  for (let here = directory, last = ''; here !== last; last = here, here = parentOf(here)) yield here;
}
