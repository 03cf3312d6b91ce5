/** Where an install works: the package, its workspace's members, and what they link to. */
import type { Files, Read, Trouble } from '../../model.ts';
import { parentOf } from '../../dockerfile/state.ts';
import {
  at,
  bins,
  dependencies,
  localDependencies,
  localOverrides,
  readManifest,
  record,
  strings,
  type Bin,
  type Manifest,
} from './package-json.ts';
import { isTrouble, missing } from './steps.ts';
import { workspaceMembers } from './workspaces.ts';

export interface Project {
  readonly root: string;
  readonly manifest: Manifest;
  /** Of the workspace, the root left out; sorted by path. */
  readonly members: readonly Manifest[];
}

/** The patterns of a workspace root; empty: it is none. */
export type Workspaces = (files: Files, root: string, manifest: Manifest) => readonly string[] | Trouble;

/** `workspaces` of package.json: a list, or Yarn's `{ packages }`. */
export const packageJsonWorkspaces: Workspaces = (_files, _root, manifest) => {
  const { workspaces } = manifest.json;
  return strings(Array.isArray(workspaces) ? workspaces : record(workspaces)['packages']);
};

/** The nearest package.json (npm walks up [V]), or the workspace root that owns it. `nested`: members may be roots, too. */
export function findProject(
  files: Files,
  directory: string,
  workspaces: Workspaces,
  nested = false,
): Project | Trouble {
  let nearest = directory;
  while (isMissing(files, nearest, nearest === directory)) {
    const parent = parentOf(nearest);
    if (parent === nearest) return missing(at(directory, 'package.json'));
    nearest = parent;
  }
  for (let root = parentOf(nearest), last = nearest; root !== last; last = root, root = parentOf(root)) {
    if (files.has(at(root, 'package.json')) !== 'yes') continue;
    const project = projectAt(files, root, workspaces, nested);
    // Whether the workspace owns it is not known then.
    if (isTrouble(project) || project.members.some((member) => member.directory === nearest)) return project;
  }
  return projectAt(files, nearest, workspaces, nested);
}

/** Above the install, only a directory whose content is known can hold a package.json that matters. */
function isMissing(files: Files, directory: string, here: boolean): boolean {
  const presence = files.has(at(directory, 'package.json'));
  return presence === 'no' || (presence === 'maybe' && !here && files.entries(directory) === undefined);
}

export function projectAt(files: Files, root: string, workspaces: Workspaces, nested: boolean): Project | Trouble {
  const manifest = readManifest(files, root);
  if (isTrouble(manifest)) return manifest;
  const members = new Map<string, Manifest>();
  const queue = [manifest];
  for (const owner of queue) {
    const patterns = workspaces(files, owner.directory, owner);
    if (isTrouble(patterns)) return patterns;
    const directories = patterns.length === 0 ? [] : workspaceMembers(files, owner.directory, patterns);
    if (isTrouble(directories)) return directories;
    for (const directory of directories) {
      if (members.has(directory) || directory === root) continue;
      const member = readManifest(files, directory);
      if (isTrouble(member)) return member;
      members.set(directory, member);
      if (nested) queue.push(member);
    }
  }
  return { root, manifest, members: [...members.values()].sort((a, b) => (a.directory < b.directory ? -1 : 1)) };
}

export interface Locals {
  readonly reads: readonly Read[];
  /** Packages outside of the workspace that are linked. */
  readonly linked: readonly Manifest[];
  /** A directory is packed in full. */
  readonly packs: boolean;
}

export interface LocalRules {
  /** Protocols whose directory is copied in full rather than linked. */
  readonly packed: ReadonlySet<string>;
  /** Directories that are copied in full whatever asks for them. */
  readonly copied?: readonly string[];
  /** What settings files say of where dependencies come from: like package.json's `overrides`, relative to the root. */
  readonly overrides?: readonly unknown[];
}

/** What `file:` and its likes bring in. */
export function localPackages(
  files: Files,
  project: Project,
  { packed, copied = [], overrides = [] }: LocalRules,
): Locals | Trouble {
  const reads: Read[] = copied.map((path) => ({ path, tree: true }));
  const linked: Manifest[] = [];
  let packs = copied.length > 0;
  const queue = [project.manifest, ...project.members];
  const seen = new Set(queue.map((manifest) => manifest.directory));
  for (const manifest of queue) {
    const own = manifest === project.manifest ? localOverrides(manifest, overrides) : [];
    for (const { name, protocol, path } of [...localDependencies(manifest), ...own]) {
      if (protocol === 'exec')
        return {
          code: 'dynamic-manifest',
          message: `dependency \`${name}\` is made by running a script (\`exec:\`)`,
          help: 'publish it, or make it a workspace member',
        };
      if (protocol === 'git')
        return {
          code: 'dynamic-manifest',
          message: `dependency \`${name}\` is cloned from a directory (\`git+file:\`)`,
          help: 'publish it, or make it a workspace member',
        };
      if (protocol === 'patch' || /\.(?:tgz|tar\.gz|tar)$/.test(path)) {
        reads.push({ path });
        continue;
      }
      // A member, too, is copied where it is asked for by its directory.
      if (packed.has(protocol)) {
        packs = true;
        if (!reads.some((read) => read.path === path)) reads.push({ path, tree: true });
        const inner = seen.has(path) ? undefined : readManifest(files, path);
        seen.add(path);
        if (inner !== undefined && !isTrouble(inner)) queue.push(inner);
        continue;
      }
      if (seen.has(path)) continue;
      seen.add(path);
      const found = readManifest(files, path);
      if (!isTrouble(found)) {
        linked.push(found);
        queue.push(found);
      } else if (found.code === 'manifest-missing') reads.push({ path: at(path, 'package.json') });
      else return found;
    }
  }
  return { reads, linked, packs };
}

/** The bins of members and linked packages. */
export function linkedBins(files: Files, manifests: readonly Manifest[]): readonly Bin[] {
  return manifests.flatMap((manifest) => bins(files, manifest));
}

/** A dependency that only a workspace root could resolve, where there is none. */
export function strayWorkspaceDependency({ manifest, members }: Project): Trouble | undefined {
  const name =
    members.length > 0 ? undefined : dependencies(manifest).find(([, spec]) => spec.startsWith('workspace:'))?.[0];
  return name === undefined
    ? undefined
    : {
        code: 'manifest-missing',
        message: `\`${name}\` is a workspace dependency, and the workspace root is not where this install runs`,
        help: 'pass the right --context',
      };
}
