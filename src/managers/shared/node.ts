/**
 * One analysis for all managers of package.json projects; each manager fills in its rules.
 *
 * An install is several steps, so that its divided forms are made of the same ones: the dependencies are laid out, a
 * function of the manifests alone; their install scripts run; the members' and the root's own lifecycle scripts run.
 */
import type { Analysis, Files, Install, Read, Split, Step, Trouble } from '../../model.ts';
import { dependencyScripts, type Needs } from './dependency-scripts.ts';
import { at, readManifest, scripts, type Manifest } from './package-json.ts';
import {
  findProject,
  linkedBins,
  localPackages,
  packageJsonWorkspaces,
  strayWorkspaceDependency,
  type LocalRules,
  type Project,
} from './project.ts';
import {
  isUnknown,
  manifestRead,
  recordedRead,
  scriptTrouble,
  understandScript,
  type Effect,
  type Unknown,
} from './scripts.ts';
import { isTrouble, unknown } from './steps.ts';

/** What one command line of one manager does differently from the others. */
export interface NodeRules extends LocalRules {
  /** Name of the layout step: equal for all forms of one install. */
  readonly name: string;
  /** What stands before the manager's name, e.g. `CI=1 `. */
  readonly prefix: string;
  /** File names read in the root, present or not; and in every member. */
  readonly rootFiles: readonly string[];
  readonly memberFiles?: readonly string[];
  /** Root scripts that run, in order: ahead of the dependencies, and after them. */
  readonly before?: readonly string[];
  readonly after: readonly string[];
  /** Scripts of members and linked packages that run: phase by phase, after the dependencies' own. */
  readonly memberScripts: readonly string[];
  /** The dependencies' own install scripts run. */
  readonly builds: boolean;
  /** It installs the dependencies of linked packages, too, those below the root. */
  readonly fillsLinked?: boolean;
  /** Whose binding.gyp it compiles. */
  readonly compiles?: 'nobody' | 'root' | 'all';
  /** Layout and install scripts are always one step, or always two; by default two where something is pending. */
  readonly together?: boolean;
  /** The files of the project that this manager's configuration names. */
  readonly settings?: (files: Files, project: Project) => readonly Read[] | Trouble;
  /** The result is the same whatever node_modules held before. */
  readonly converges: boolean;
  /** It must find all packages in its store (`--offline`). */
  readonly offline?: boolean;
  /** Whose install scripts are noted in what it writes. */
  readonly records?: 'others' | 'all';
  /** Root files that it may rewrite. */
  readonly edits: readonly string[];
  /** Root paths that it fills besides node_modules. */
  readonly outputs?: readonly string[];
  /** It makes no node_modules (Plug'n'Play). */
  readonly withoutModules?: boolean;
  readonly splits: (project: Project, pending: Pending) => readonly Split[];
  readonly frozen?: Analysis['frozen'];
}

/** What cannot run before the source is there. */
export interface Pending {
  /** A root script that runs ahead of the dependencies. */
  readonly before: boolean;
  /** The dependencies' own install scripts. */
  readonly build: boolean;
  /** These look at the project: whatever runs them without its source does something else. */
  readonly looks: boolean;
  /** Root scripts, in order. */
  readonly root: readonly string[];
  /** Scripts of workspace members. */
  readonly members: readonly { readonly manifest: Manifest; readonly name: string }[];
  /** Scripts of packages linked from outside of the workspace. */
  readonly linked: boolean;
  /** A package is copied in full, source and all. */
  readonly packs: boolean;
  /** For the report. */
  readonly why: string;
}

interface Item {
  readonly manifest: Manifest;
  readonly name: string;
  readonly text: string;
  readonly does: Effect | Unknown;
}

export function analyseNode(install: Install, files: Files, project: Project, rules: NodeRules): Analysis {
  const { root, manifest, members } = project;
  const trouble = strayWorkspaceDependency(project);
  if (trouble !== undefined) return unknown(install, trouble);
  const locals = localPackages(files, project, rules);
  if (isTrouble(locals)) return unknown(install, locals);
  const settings = rules.settings?.(files, project) ?? [];
  if (isTrouble(settings)) return unknown(install, settings);
  const others = [...members, ...locals.linked];
  const addon = compiled(
    files,
    rules.compiles === 'all' ? [manifest, ...others] : rules.compiles === 'root' ? [manifest] : [],
  );
  if (addon !== undefined) return unknown(install, addon);
  const linked = linkedBins(files, others);
  const inside = locals.linked.filter(({ directory }) => directory.startsWith(at(root, '')));
  const owners = [manifest, ...members, ...(rules.fillsLinked === true ? inside : [])];
  const trees = [
    ...(rules.withoutModules === true ? [] : owners.map((each) => at(each.directory, 'node_modules'))),
    ...(rules.outputs ?? []).map((name) => at(root, name)),
  ];
  const needs = rules.builds
    ? mergeNeeds([manifest, ...others].map((each) => dependencyScripts(files, each, manifest)))
    : NO_NEEDS;

  const layout: Step = {
    name: rules.name,
    reads: unique([
      (rules.records === 'all' ? recordedRead : manifestRead)(manifest),
      ...rules.rootFiles.map((name) => ({ path: at(root, name) })),
      ...others.map(rules.records === undefined ? manifestRead : recordedRead),
      ...members.flatMap((member) => (rules.memberFiles ?? []).map((name) => ({ path: at(member.directory, name) }))),
      ...linked.map((bin) => bin.read),
      ...locals.reads,
      ...settings,
      ...(rules.converges
        ? []
        : trees.filter((path) => files.has(path) !== 'no').map((path) => ({ path, tree: true }))),
    ]),
    writes: [...trees, ...linked.filter((bin) => bin.changed).map((bin) => bin.read.path)],
    edits: rules.edits.map((name) => at(root, name)),
    system: 'reads',
    ...(rules.offline === true ? { offline: true } : {}),
  };
  const build: Step = {
    name: `${rules.name}: install scripts of dependencies`,
    reads: unique([...trees.map((path) => ({ path, tree: true })), ...(isTrouble(needs) ? [] : needs.reads)]),
    writes: [...trees, ...(isTrouble(needs) ? [] : needs.outputs)],
    edits: isTrouble(needs) ? [] : needs.edits,
    system: 'reads',
    ...(isTrouble(needs) ? { opaque: needs } : {}),
  };
  const item = (owner: Manifest, name: string): Item[] => {
    const text = scripts(owner)[name];
    return text === undefined
      ? []
      : [{ manifest: owner, name, text, does: understandScript(text, { files, manifest: owner, depth: 0 }) }];
  };
  const before = (rules.before ?? []).flatMap((name) => item(manifest, name));
  const inMembers = rules.memberScripts.flatMap((name) => others.flatMap((owner) => item(owner, name)));
  const after = settle([...inMembers, ...rules.after.flatMap((name) => item(manifest, name))], isTrouble(needs));
  const run = (each: Item): Step => scriptStep(each, rules.prefix, trees);
  // Two steps only where a divided form could come between them: one costs the proof less.
  const whole = rules.together === true || [...before, ...after].every((each) => !isUnknown(each.does));
  const dependencies = !rules.builds
    ? [layout]
    : whole && rules.together !== false && !isTrouble(needs)
      ? [both(layout, needs)]
      : [layout, build];
  const steps = [...before.map(run), ...dependencies, ...after.map(run)];

  const open = [...before, ...after].filter((each) => isUnknown(each.does));
  const refusal = steps.find((step) => step.opaque !== undefined)?.opaque;
  const pending: Pending = {
    before: before.some((each) => isUnknown(each.does)),
    build: isTrouble(needs),
    looks: isTrouble(needs) || [needs.reads, needs.outputs, needs.edits].some((each) => each.length > 0),
    root: after.filter((each) => isUnknown(each.does) && each.manifest === manifest).map((each) => each.name),
    members: after.filter((each) => isUnknown(each.does) && members.includes(each.manifest)),
    linked: after.some((each) => isUnknown(each.does) && locals.linked.includes(each.manifest)),
    packs: locals.packs,
    why: reason(open, root),
  };
  const extra = isTrouble(needs) ? [] : needs.outputs;
  return {
    steps,
    outputs: [...trees, ...extra],
    ignore: [
      ...(rules.withoutModules === true
        ? []
        : [others.length > 0 || locals.packs ? '**/node_modules' : 'node_modules']),
      ...(rules.outputs ?? []),
      ...extra
        .filter((path) => path.startsWith(at(install.directory, '')))
        .map((path) => path.slice(at(install.directory, '').length)),
    ],
    splits: refusal === undefined ? [] : rules.splits(project, pending),
    ...(refusal === undefined ? {} : { refusal }),
    ...(rules.frozen === undefined ? {} : { frozen: rules.frozen }),
  };
}

/**
 * binding.gyp makes an install compile a package that has no script for that [V: npm 8-12, yarn 1.22, pnpm 9, 10, each
 * for members, too; bun 1.4 for the root alone; yarn 3, 4 for neither].
 */
function compiled(files: Files, manifests: readonly Manifest[]): Trouble | undefined {
  const found = manifests.find(
    (each) =>
      files.has(at(each.directory, 'binding.gyp')) !== 'no' &&
      ['install', 'preinstall'].every((name) => scripts(each)[name] === undefined),
  );
  return found === undefined
    ? undefined
    : {
        code: 'lifecycle-script-reads-source',
        message: `\`${at(found.directory, 'binding.gyp')}\` makes the install compile the source beside it`,
        help: 'move the build to a RUN of its own after the copy, with --ignore-scripts here',
      };
}

/** Layout and install scripts in one. */
function both(layout: Step, needs: Needs): Step {
  return {
    ...layout,
    name: `${layout.name} (built)`,
    reads: unique([...layout.reads, ...needs.reads]),
    writes: [...layout.writes, ...needs.outputs],
    edits: [...layout.edits, ...needs.edits],
  };
}

const NO_NEEDS: Needs = { reads: [], outputs: [], edits: [] };

function mergeNeeds(all: readonly (Needs | Trouble)[]): Needs | Trouble {
  const bad = all.find(isTrouble);
  if (bad !== undefined) return bad;
  const known = all as readonly Needs[];
  return {
    reads: known.flatMap((each) => each.reads),
    outputs: [...new Set(known.flatMap((each) => each.outputs))],
    edits: [...new Set(known.flatMap((each) => each.edits))],
  };
}

/** After a script that may do anything, one that reads or changes files sees its result: it waits for the source, too. */
function settle(items: readonly Item[], open: boolean): readonly Item[] {
  let unknownAbove = open;
  return items.map((item) => {
    if (isUnknown(item.does)) unknownAbove = true;
    else if (unknownAbove && (changes(item.does) || item.does.reads.length > 0))
      return { ...item, does: { runs: item.text, code: 'lifecycle-script-reads-source' } };
    return item;
  });
}

function changes(effect: Effect): boolean {
  return effect.modules === true || (effect.writes?.length ?? 0) > 0;
}

/** A lifecycle script, under the name that it has however it is started. */
function scriptStep({ manifest, name, text, does }: Item, prefix: string, trees: readonly string[]): Step {
  const step: Step = {
    name: `${prefix}script ${name} in ${manifest.directory}: ${text}`,
    reads: [],
    writes: [],
    edits: [],
    system: 'none',
  };
  if (isUnknown(does))
    return { ...step, system: 'writes', opaque: scriptTrouble(`\`${name}\``, { ...does, runs: text }) };
  if (!changes(does)) return { ...step, reads: unique(does.reads) };
  const modules = does.modules === true ? trees : [];
  return {
    ...step,
    reads: unique([...does.reads, ...modules.map((path) => ({ path, tree: true }))]),
    writes: [...modules, ...(does.writes ?? [])],
    system: 'reads',
  };
}

function reason(open: readonly Item[], root: string): string {
  const names = [
    ...new Set(
      open.map(
        (each) =>
          `\`${each.name}\`${each.manifest.directory === root ? '' : ` of ${each.manifest.directory.slice(root === '/' ? 1 : root.length + 1)}`}`,
      ),
    ),
  ];
  if (names.length === 0) return 'install scripts that read the project run after the copy';
  const shown = names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ');
  return `${shown} may read the source, so ${open.length === 1 ? 'it runs' : 'they run'} after the copy`;
}

/** `npm run X` and its likes, for lifecycle scripts: with the ones that run before and after it. */
export function analyseScript(
  install: Install,
  files: Files,
  prefix: string,
  name: string,
  ifPresent: boolean,
): Analysis {
  const manifest = readManifest(files, install.directory);
  if (isTrouble(manifest)) return unknown(install, manifest);
  if (scripts(manifest)[name] === undefined && !ifPresent)
    return unknown(install, {
      code: 'manifest-missing',
      message: `there is no script \`${name}\` in \`${at(install.directory, 'package.json')}\``,
      path: at(install.directory, 'package.json'),
    });
  const steps = runScript(files, manifest, prefix, name, modulesAround(files, manifest));
  return { steps, outputs: [], ignore: [], splits: [] };
}

/** Steps of one `run` in one package. */
export function runScript(
  files: Files,
  manifest: Manifest,
  prefix: string,
  name: string,
  trees: readonly string[],
): readonly Step[] {
  const defined = scripts(manifest);
  if (defined[name] === undefined) return [];
  // Once a command that may do anything has run, nothing is known to be where a script looks for it.
  const settled = files.entries(manifest.directory) !== undefined;
  const items = [`pre${name}`, name, `post${name}`].flatMap((each): Item[] => {
    const text = defined[each];
    return text === undefined
      ? []
      : [{ manifest, name: each, text, does: understandScript(text, { files, manifest, depth: 0 }) }];
  });
  return settle(items, !settled).map((item) => scriptStep(item, prefix, trees));
}

/** Every node_modules of the project that a package belongs to. */
export function modulesAround(files: Files, manifest: Manifest): readonly string[] {
  const project = findProject(files, manifest.directory, packageJsonWorkspaces);
  const owners = isTrouble(project) ? [manifest] : [project.manifest, ...project.members];
  return owners.map((each) => at(each.directory, 'node_modules'));
}

/** Made by an earlier command of this build rather than brought from a disk. */
export function madeHere(files: Files, path: string): boolean {
  return files.has(path) === 'yes' && files.entries(path) === undefined;
}

function unique(reads: readonly Read[]): readonly Read[] {
  const byPath = new Map<string, Read>();
  for (const read of reads) {
    const known = byPath.get(read.path);
    if (
      known === undefined ||
      (read.tree === true && known.tree !== true) ||
      (known.as !== undefined && read.as === undefined && known.tree !== true)
    )
      byPath.set(read.path, read);
  }
  return [...byPath.values()];
}
