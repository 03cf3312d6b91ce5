/** One analysis for all managers of package.json projects; each manager fills in its rules. */
import type { Analysis, Files, Install, Read, Split, Step, Trouble } from '../../model.ts';
import { parentOf } from '../../dockerfile/state.ts';
import {
  at,
  binReads,
  dependencies,
  dependencyScriptNeed,
  isTrouble,
  localDependencies,
  readManifest,
  scriptNeed,
  scripts,
  withoutScripts,
  workspaceMembers,
  type Manifest,
} from './package-json.ts';
import { unknown } from './steps.ts';

export interface Project {
  readonly root: string;
  readonly manifest: Manifest;
  readonly members: readonly Manifest[];
}

/** What one command line of one manager does differently from the others. */
export interface NodeRules {
  /** Name of the dependency step: equal for command lines that install the same. */
  readonly stepName: string;
  /** File names read in the root, present or not. */
  readonly rootFiles: readonly string[];
  /** File names read in every member. */
  readonly memberFiles: readonly string[];
  readonly workspaces: (files: Files, root: string, manifest: Manifest) => readonly string[] | Trouble;
  /** Root scripts that run, in order; those before the dependencies are installed, and those after. */
  readonly scriptsBefore: readonly string[];
  readonly scriptsAfter: readonly string[];
  readonly memberScripts: readonly string[];
  /** Protocols whose directory is copied in full rather than linked. */
  readonly packed: ReadonlySet<string>;
  readonly extraReads?: (files: Files, project: Project) => readonly Read[] | Trouble;
  readonly edits: readonly string[];
  readonly offline?: boolean;
  readonly outputs: readonly string[];
  readonly splits: (files: Files, project: Project, deferred: readonly string[]) => readonly Split[];
}

/** Where an install in `directory` really works: the nearest package.json, or the workspace root that owns it. */
export function findProject(files: Files, directory: string, workspaces: NodeRules['workspaces']): Project | Trouble {
  let nearest = directory;
  while (files.has(at(nearest, 'package.json')) !== 'yes' && nearest !== '/' && nearest.includes('/')) {
    const parent = parentOf(nearest);
    if (parent === nearest) break;
    nearest = parent;
  }
  // Further up than the project itself, only a file that is surely there counts.
  if (files.has(at(nearest, 'package.json')) !== 'yes') nearest = directory;
  for (let root = parentOf(nearest), last = nearest; root !== last; last = root, root = parentOf(root)) {
    if (files.has(at(root, 'package.json')) !== 'yes') continue;
    const project = projectAt(files, root, workspaces);
    if (!isTrouble(project) && project.members.some((member) => member.directory === nearest)) return project;
  }
  return projectAt(files, nearest, workspaces);
}

function projectAt(files: Files, root: string, workspaces: NodeRules['workspaces']): Project | Trouble {
  const manifest = readManifest(files, root);
  if (isTrouble(manifest)) return manifest;
  const patterns = workspaces(files, root, manifest);
  if (isTrouble(patterns)) return patterns;
  const directories = workspaceMembers(files, root, patterns);
  if (isTrouble(directories)) return directories;
  const members: Manifest[] = [];
  for (const directory of directories) {
    const member = readManifest(files, directory);
    if (isTrouble(member)) return member;
    members.push(member);
  }
  return { root, manifest, members };
}

export function analyseNode(install: Install, files: Files, rules: NodeRules): Analysis {
  const project = findProject(files, install.directory, rules.workspaces);
  if (isTrouble(project)) return unknown(install, project.code, project.message, project.help);
  const { root, manifest, members } = project;
  const reads: Read[] = [{ path: at(root, 'package.json'), as: withoutScripts(manifest) }];
  for (const name of rules.rootFiles) reads.push({ path: at(root, name) });
  for (const member of members) {
    reads.push(
      { path: at(member.directory, 'package.json'), as: JSON.stringify(member.json) },
      ...binReads(files, member),
    );
    for (const name of rules.memberFiles) reads.push({ path: at(member.directory, name) });
  }
  const locals = localReads(files, project, rules);
  if (isTrouble(locals)) return unknown(install, locals.code, locals.message, locals.help);
  reads.push(...locals);
  const extra = rules.extraReads?.(files, project) ?? [];
  if (isTrouble(extra)) return unknown(install, extra.code, extra.message, extra.help);
  reads.push(...extra);

  let refusal: Trouble | undefined;
  for (const each of [manifest, ...members]) {
    const own = dependencyScriptNeed(files, each);
    if (own.kind === 'source') refusal ??= sourceTrouble(own.runs);
    else reads.push(...own.reads);
  }
  const foreign =
    members.length > 0 ? undefined : dependencies(manifest).find(([, spec]) => spec.startsWith('workspace:'));
  if (foreign !== undefined)
    return unknown(
      install,
      'manifest-missing',
      `\`${foreign[0]}\` is a workspace dependency, and the workspace root is not where this install runs`,
      'pass the right --context',
    );
  for (const member of members) {
    for (const name of rules.memberScripts) {
      const script = scripts(member)[name];
      const need = script === undefined ? undefined : scriptNeed(files, member, script);
      if (need?.kind === 'source') refusal ??= sourceTrouble(`\`${name}\` of ${member.directory} (\`${need.runs}\`)`);
      else reads.push(...(need?.reads ?? []));
    }
  }
  const deferred: string[] = [];
  for (const name of [...rules.scriptsBefore, ...rules.scriptsAfter]) {
    const script = scripts(manifest)[name];
    if (script === undefined) continue;
    const need = scriptNeed(files, manifest, script);
    if (need.kind === 'source') deferred.push(name);
    else reads.push(...need.reads);
  }
  const modules = ['', ...members.map((member) => member.directory.slice(root === '/' ? 0 : root.length))].map(
    (path) => `${root === '/' ? '' : root}${path}/node_modules`,
  );
  const grown = files.has(modules[0] as string) === 'no' ? [] : [{ path: modules[0] as string, tree: true }];
  const step: Step = {
    name: rules.stepName,
    reads: unique([...reads, ...(rules.stepName.includes(' ci') ? [] : grown)]),
    writes: rules.outputs.length > 0 ? rules.outputs.map((path) => at(root, path)) : modules,
    edits: rules.edits.map((name) => at(root, name)),
    system: 'reads',
    ...(rules.offline === true ? { offline: true } : {}),
  };
  const run = (name: string): Step => scriptStep(manifest, name);
  const nested = members.length > 0 || locals.length > 0;
  const splits =
    deferred.length > 0 || refusal !== undefined
      ? rules.splits(files, project, refusal === undefined ? deferred : ['*'])
      : [];
  const trouble =
    refusal ??
    (deferred[0] === undefined
      ? undefined
      : sourceTrouble(`\`${deferred[0]}\` runs \`${scripts(manifest)[deferred[0]] ?? ''}\``));
  const steps: Step[] =
    refusal === undefined
      ? [
          ...rules.scriptsBefore.filter((name) => deferred.includes(name)).map(run),
          step,
          ...rules.scriptsAfter.filter((name) => deferred.includes(name)).map(run),
        ]
      : [{ ...step, name: `${rules.stepName} with scripts`, opaque: refusal }];
  return {
    steps,
    outputs: step.writes,
    ignore: rules.outputs.length > 0 ? rules.outputs : [nested ? '**/node_modules' : 'node_modules'],
    splits,
    ...(trouble === undefined ? {} : { refusal: trouble }),
  };
}

function sourceTrouble(what: string): Trouble {
  return {
    code: 'lifecycle-script-reads-source',
    message: `${what}, which may read the source`,
    help: 'move what it does to a RUN of its own after the copy',
  };
}

/** A root script, under the name that it has however it is started. */
export function scriptStep(manifest: Manifest, name: string): Step {
  const script = scripts(manifest)[name] ?? '';
  return {
    name: `script ${name} in ${manifest.directory}: ${script}`,
    reads: [],
    writes: [],
    edits: [],
    system: 'writes',
    opaque: sourceTrouble(`\`${name}\` runs \`${script}\``),
  };
}

/** `npm run X` and its likes for lifecycle scripts: with the pre and post scripts around it. */
export function analyseScript(install: Install, files: Files, name: string, ifPresent: boolean): Analysis {
  const manifest = readManifest(files, install.directory);
  if (isTrouble(manifest)) return unknown(install, manifest.code, manifest.message, manifest.help);
  const defined = scripts(manifest);
  if (defined[name] === undefined && !ifPresent)
    return unknown(install, 'manifest-missing', `there is no script \`${name}\``);
  const names =
    defined[name] === undefined
      ? []
      : [`pre${name}`, name, `post${name}`].filter((each) => defined[each] !== undefined);
  return { steps: names.map((each) => scriptStep(manifest, each)), outputs: [], ignore: [], splits: [] };
}

function localReads(files: Files, project: Project, rules: NodeRules): Read[] | Trouble {
  const reads: Read[] = [];
  const queue = [project.manifest, ...project.members];
  const seen = new Set(queue.map((manifest) => manifest.directory));
  for (const manifest of queue) {
    for (const local of localDependencies(manifest)) {
      if (local.protocol === 'exec')
        return {
          code: 'dynamic-manifest',
          message: `dependency \`${local.name}\` is made by running a script (\`exec:\`)`,
        };
      if (local.protocol === 'patch' || /\.(?:tgz|tar\.gz)$/.test(local.path)) {
        reads.push({ path: local.path });
        continue;
      }
      if (seen.has(local.path)) continue;
      seen.add(local.path);
      if (local.protocol === 'file' && rules.packed.has('file')) {
        reads.push({ path: local.path, tree: true });
        continue;
      }
      const linked = readManifest(files, local.path);
      if (isTrouble(linked)) {
        if (linked.code !== 'manifest-missing') return linked;
        reads.push({ path: at(local.path, 'package.json') });
        continue;
      }
      reads.push({ path: at(local.path, 'package.json'), as: JSON.stringify(linked.json) }, ...binReads(files, linked));
      for (const name of rules.memberScripts) {
        const script = scripts(linked)[name];
        if (script !== undefined && scriptNeed(files, linked, script).kind === 'source')
          return sourceTrouble(`\`${name}\` of the local dependency ${local.path} (\`${script}\`)`);
      }
      queue.push(linked);
    }
  }
  return reads;
}

function unique(reads: readonly Read[]): Read[] {
  const byPath = new Map<string, Read>();
  for (const read of reads) {
    const known = byPath.get(read.path);
    if (known === undefined || (known.as !== undefined && read.as === undefined)) byPath.set(read.path, read);
  }
  return [...byPath.values()];
}
