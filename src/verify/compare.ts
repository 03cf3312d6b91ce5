/** What is different about two images, beyond what two builds of the same Dockerfile differ in. */
import type { Entry, Image } from './image.ts';

export interface Difference {
  /** Image path, or `config.Env` and the like. */
  readonly path: string;
  /** `missing`: only the original has it. `added`: only the rewritten image has it. */
  readonly what: 'missing' | 'added' | 'type' | 'mode' | 'owner' | 'link' | 'content' | 'configuration';
  readonly before?: string;
  readonly after?: string;
  /** The instruction whose layer it comes from: of the rewritten image, where it is there. */
  readonly layer?: string;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Those that are let pass, by the name of the rule that does so. */
  readonly allowed: Readonly<Record<Allowance, number>>;
}

/**
 * `nondeterminism`: two builds of the original differ there, too. `package-manager-cache`: what a package manager
 * leaves in its own cache. `lockfile-restored`: the install rewrote a lockfile, and the late copy brings the context's.
 */
export type Allowance = 'nondeterminism' | 'package-manager-cache' | 'lockfile-restored';

/** Cargo keeps there what it asked its compiler, in an order that changes from run to run. */
const CACHE_FILE = /\/target\/\.rustc_info\.json$/;

export const LOCKFILE = /(?:^|\/)[^/]*(?:lock|shrinkwrap|\.sum$)[^/]*$/;

export function compareImages(
  before: Image,
  after: Image,
  /** A second build of the original. */
  again: Image,
  /** Directories that package managers keep their caches in; `*` stands for one name. */
  caches: readonly string[],
  /** SHA-256 of the context's lockfiles, by their names. */
  lockfiles: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
): Comparison {
  const noise = noiseOf(differencesOf(before, again), before);
  const isCache = cacheTest(caches);
  const isRestored = ({ path, what }: Difference): boolean =>
    what === 'content' &&
    (lockfiles.get(path.slice(path.lastIndexOf('/') + 1))?.has(after.entries.get(path)?.sha256 ?? '') ?? false);
  const allowed: Record<Allowance, number> = { nondeterminism: 0, 'package-manager-cache': 0, 'lockfile-restored': 0 };
  const differences = differencesOf(before, after).filter((each) => {
    const allowance = noise(each)
      ? 'nondeterminism'
      : isCache(each.path)
        ? 'package-manager-cache'
        : isRestored(each)
          ? 'lockfile-restored'
          : undefined;
    if (allowance !== undefined) allowed[allowance]++;
    return allowance === undefined;
  });
  return { differences, allowed };
}

export function differencesOf(before: Image, after: Image): Difference[] {
  const found: Difference[] = [];
  for (const [path, entry] of before.entries) {
    const other = after.entries.get(path);
    if (other === undefined) found.push({ path, what: 'missing', before: describe(entry), ...layer(before, entry) });
    else found.push(...entryDifferences(path, entry, other).map((each) => ({ ...each, ...layer(after, other) })));
  }
  for (const [path, entry] of after.entries)
    if (!before.entries.has(path)) found.push({ path, what: 'added', after: describe(entry), ...layer(after, entry) });
  for (const field of new Set([...Object.keys(before.configuration), ...Object.keys(after.configuration)])) {
    const [one, two] = [before.configuration[field], after.configuration[field]].map((value) => stable(value));
    if (one !== two)
      found.push({
        path: `config.${field}`,
        what: 'configuration',
        ...(one === undefined ? {} : { before: one }),
        ...(two === undefined ? {} : { after: two }),
      });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function entryDifferences(path: string, one: Entry, two: Entry): Difference[] {
  if (one.type !== two.type) return [{ path, what: 'type', before: one.type, after: two.type }];
  const found: Difference[] = [];
  const differ = (what: Difference['what'], before: string, after: string): void => {
    if (before !== after) found.push({ path, what, before, after });
  };
  differ('mode', octal(one.mode), octal(two.mode));
  differ('owner', `${one.uid}:${one.gid}`, `${two.uid}:${two.gid}`);
  differ('link', one.link ?? '', two.link ?? '');
  if (one.sha256 !== two.sha256) found.push({ path, what: 'content', before: contentOf(one), after: contentOf(two) });
  return found;
}

function layer(image: Image, entry: Entry): { layer?: string } {
  const text = image.layers[entry.layer];
  return text === undefined || text === '' ? {} : { layer: text };
}

function describe({ type, mode, uid, gid, size }: Entry): string {
  return `${type} ${octal(mode)} ${uid}:${gid}${type === 'file' ? ` ${size} bytes` : ''}`;
}

function contentOf({ size, sha256 }: Entry): string {
  return `${size} bytes, sha256 ${(sha256 ?? '').slice(0, 12)}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** JSON whose keys are in order, so that equal values give equal text. */
function stable(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/**
 * Whether the original differs from itself there. A path that only one of its builds has tells of names that change:
 * others of the same directory and shape are such names, too. Nothing else in that directory is.
 */
function noiseOf(own: readonly Difference[], image: Image): (difference: Difference) => boolean {
  const changed = new Set(own.map(({ path, what }) => `${what} ${path}`));
  const comes = own.filter(({ what }) => what === 'missing' || what === 'added');
  const roots = new Set(comes.map(({ path }) => shape(topmost(path, comes))));
  return ({ path, what }) => {
    if (changed.has(`${what} ${path}`)) return true;
    if (what !== 'missing' && what !== 'added') return false;
    // It may be below a directory of such a name.
    for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/')))
      if (roots.has(shape(at)) && !(what === 'added' && image.entries.has(at))) return true;
    return false;
  };
}

function topmost(path: string, among: readonly Difference[]): string {
  const paths = new Set(among.map((each) => each.path));
  let top = path;
  for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) if (paths.has(at)) top = at;
  return top;
}

/** Numbers and long hexadecimal names are what changes from build to build: times, process ids, hashes. */
function shape(path: string): string {
  const at = path.lastIndexOf('/');
  const name = path
    .slice(at + 1)
    .replace(/[0-9a-f]{8,}/g, '#')
    .replace(/\d+/g, '#');
  return name.includes('#') ? `${path.slice(0, at)}/${name}` : path;
}

function cacheTest(caches: readonly string[]): (path: string) => boolean {
  const patterns = caches.map(
    (cache) => new RegExp(`^${cache.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '[^/]+')}(?:/|$)`),
  );
  return (path) => CACHE_FILE.test(path) || patterns.some((pattern) => pattern.test(path));
}
