/** What package.json files say. Spec sections 0, 1, 3-5, 16. */
import type { Files, Read, Trouble } from '../../model.ts';
import { resolvePath } from '../../dockerfile/state.ts';
import { shallow } from './depth.ts';
import { memo, memoOf } from './memo.ts';
import { generated, missing } from './steps.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface Manifest {
  readonly directory: string;
  readonly json: Json;
}

export function at(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

/** The path within a directory; undefined where it lies elsewhere. */
export function relative(directory: string, path: string): string | undefined {
  const inside = at(directory, '');
  return path.startsWith(inside) ? path.slice(inside.length) : undefined;
}

/** Of these paths those that lie in a directory, relative to it: as an ignore file names them. */
export function inside(directory: string, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => relative(directory, path) ?? []);
}

/** Settings files of these names in the directories above, which Yarn merges; by default those that are sure to be there. */
export function filesAbove(
  files: Files,
  directory: string,
  names: readonly string[],
  perhaps = false,
): readonly { path: string }[] {
  const found: { path: string }[] = [];
  let above = directory;
  while (above !== '/' && above !== '' && above !== '?') {
    above = above.slice(0, above.lastIndexOf('/')) || (above.startsWith('/') ? '/' : '');
    for (const name of names) {
      const presence = files.has(at(above, name));
      if (presence === 'yes' || (perhaps && presence === 'maybe')) found.push({ path: at(above, name) });
    }
  }
  return found;
}

export function record(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

/** The entries of an object whose values are strings. */
export function stringEntries(value: unknown): readonly (readonly [string, string])[] {
  return Object.entries(record(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}

const parseJson = memo((text: string): Json | undefined => {
  try {
    return shallow(record(JSON.parse(text.replace(/^\ufeff/, ''))));
  } catch {
    return undefined;
  }
});

export function readManifest(files: Files, directory: string): Manifest | Trouble {
  const path = at(directory, 'package.json');
  if (files.has(path) === 'no') return missing(path);
  const text = files.read(path);
  if (text === undefined) return generated(path);
  const json = parseJson(text);
  return json === undefined
    ? { code: 'dynamic-manifest', message: `\`${path}\` is not valid JSON` }
    : { directory, json };
}

/** Without a prototype: no script is called `constructor` unless somebody wrote one. */
const scriptsOf = memoOf((json: Json): Readonly<Record<string, string>> =>
  Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(stringEntries(json['scripts']))),
);

export function scripts(manifest: Manifest): Readonly<Record<string, string>> {
  return scriptsOf(manifest.json);
}

const textWithoutScripts = memoOf((json: Json): string => {
  const { scripts: _scripts, ...rest } = json;
  return JSON.stringify(rest);
});

/** The manifest without its scripts, in a form that does not depend on layout: all that installing its dependencies uses. */
export function withoutScripts(manifest: Manifest): string {
  return textWithoutScripts(manifest.json);
}

/** The text that `npm pkg delete` leaves: it keeps indentation and line ends. Source: json-parse-even-better-errors. */
export function withoutTheseScripts(text: string, names: readonly string[]): string | undefined {
  const json = parseJson(text);
  if (json === undefined) return undefined;
  const [, newline = '', indent = ''] = /^\s*[{[]((?:\r?\n)+)([\s\t]*)/.exec(text) ?? [];
  const changed =
    json['scripts'] === undefined
      ? json
      : {
          ...json,
          scripts: Object.fromEntries(
            Object.entries(record(json['scripts'])).filter(([name]) => !names.includes(name)),
          ),
        };
  return `${JSON.stringify(changed, undefined, indent)}\n`.replaceAll('\n', newline);
}

const DEPENDENCY_FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies'];

const dependenciesOf = memoOf((json: Json) => DEPENDENCY_FIELDS.flatMap((field) => stringEntries(json[field])));

export function dependencies(manifest: Manifest): readonly (readonly [name: string, spec: string])[] {
  return dependenciesOf(manifest.json);
}

export interface LocalDependency {
  readonly name: string;
  readonly protocol: 'file' | 'link' | 'portal' | 'exec' | 'patch' | 'git';
  /** Absolute image path. */
  readonly path: string;
}

/** Dependencies that are files of the project. `workspace:` ones are found as members. */
export function localDependencies(manifest: Manifest): readonly LocalDependency[] {
  const { peerDependencies, resolutions } = manifest.json;
  return local(manifest.directory, [
    ...dependencies(manifest),
    ...stringEntries(peerDependencies),
    ...stringEntries(resolutions),
  ]);
}

/**
 * What a workspace's root says of everybody's dependencies: npm's and bun's `overrides`, which nest, those of pnpm, and
 * the catalogs that bun has in package.json. Of other managers' fields nothing comes but a read too many.
 * Sources: https://docs.npmjs.com/cli/configuring-npm/package-json#overrides, https://pnpm.io/settings#overrides,
 * https://bun.sh/docs/install/catalogs
 */
export function localOverrides({ directory, json }: Manifest, more: readonly unknown[]): readonly LocalDependency[] {
  const { overrides, pnpm, catalog, catalogs, workspaces } = json;
  const shared = record(workspaces);
  const { overrides: ofPnpm, packageExtensions } = record(pnpm);
  const all = [overrides, ofPnpm, packageExtensions, catalog, catalogs, shared['catalog'], shared['catalogs'], ...more];
  return local(directory, all.flatMap(leaves));
}

/** The strings of nested objects, each with its key. */
function leaves(value: unknown): readonly (readonly [name: string, spec: string])[] {
  return Object.entries(record(value)).flatMap(([name, each]) =>
    typeof each === 'string' ? [[name, each] as const] : leaves(each),
  );
}

function local(directory: string, specs: readonly (readonly [name: string, spec: string])[]): LocalDependency[] {
  const found: LocalDependency[] = [];
  for (const [name, spec] of specs) {
    const match = /^(file|link|portal|exec):(?:\/\/)?([^#?]+)/.exec(spec);
    if (match !== null)
      found.push({
        name,
        protocol: match[1] as LocalDependency['protocol'],
        path: resolvePath(directory, match[2] as string),
      });
    // A repository that lies in the project, or anywhere.
    else if (/^git\+file:/.test(spec)) found.push({ name, protocol: 'git', path: directory });
    // A bare name of an archive is a file to npm, bun and, in part, pnpm [V: npm 10, pnpm 10, bun 1.4].
    else if (/^(?:\.{1,2}(?:\/|$)|\/)/.test(spec) || /^[^:]+\.(?:tgz|tar\.gz|tar)$/.test(spec))
      found.push({ name, protocol: 'file', path: resolvePath(directory, spec) });
    const patch = /^patch:[^#]*#(?:~\/|\.\/)?([^!&~:][^&:#]*)/.exec(spec)?.[1];
    if (patch !== undefined)
      found.push({ name, protocol: 'patch', path: resolvePath(directory, decodeURIComponent(patch)) });
  }
  return found;
}

export interface Bin {
  readonly read: Read;
  /** The install makes the target executable, which the copy that follows undoes. */
  readonly changed: boolean;
}

/**
 * What a manifest's `bin` names. A link is made only to a target that exists (0.1), so one that is built later must
 * not be there in either order. The target is made executable and its `#!` line loses a carriage return
 * [V: npm 8, 10, 11, yarn 1.22, 4.9, pnpm 10, bun 1.4].
 */
export function bins(files: Files, manifest: Manifest): readonly Bin[] {
  const { bin } = manifest.json;
  const targets = typeof bin === 'string' ? [bin] : stringEntries(bin).map(([, target]) => target);
  const found = targets.map((target): Bin => {
    const path = resolvePath(manifest.directory, target);
    const exists = files.has(path) !== 'no';
    return {
      read: { path, as: exists ? 'present' : 'absent' },
      // Every manager makes a bin executable, and a late copy would undo that.
      changed: exists && (files.executable(path) !== true || /^#![^\n]*\r\n/.test(files.read(path) ?? '')),
    };
  });
  const directory = record(manifest.json['directories'])['bin'];
  if (typeof directory === 'string' && bin === undefined)
    found.push({ read: { path: resolvePath(manifest.directory, directory), tree: true }, changed: false });
  return found;
}

/** The lowest major version that a range allows; 0 when it says none. */
export function major(range: string): number {
  const found = [...range.matchAll(/(?:^|[\s^~>=<@|v])v?(\d+)/g)].map((match) => Number(match[1]));
  return found.length === 0 ? 0 : Math.min(...found);
}
