/**
 * pnpm 8-12. Spec section 5.
 *
 * Reads: package.json, pnpm-lock.yaml, pnpm-workspace.yaml, .npmrc, .pnpmfile.cjs and .mjs, patched dependencies,
 * every workspace manifest with its existing bins; a `file:` directory and an injected member in full; what settings
 * and overrides name. `pnpm fetch` needs the lockfile and the settings alone.
 *
 * Writes: node_modules, in the root and in members; pnpm-lock.yaml, unless frozen. `fetch` fills the store and
 * node_modules/.pnpm.
 *
 * Runs: package by package [V: 10]: `preinstall`, `install`, `postinstall`, `preprepare`, `prepare`, `postprepare`,
 * with --prod too. `pnpm add X` runs none [V: 10].
 *
 * Hazards: without a workspace's manifest `--frozen-lockfile` exits 0 with less installed [V: 8-12]. A second `pnpm
 * install` never runs pending builds; `pnpm rebuild --pending` does [V: 8-12]. `fetch` of pnpm 9 and 12 fails where the
 * lockfile has directories to copy [V].
 *
 * Sources: https://pnpm.io/cli/install, https://pnpm.io/cli/fetch, https://pnpm.io/settings
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Split, Step, Trouble } from '../model.ts';
import { ancestors, resolvePath } from '../dockerfile/state.ts';
import { frozen as frozenForm } from './shared/frozen.ts';
import {
  directoryFrom,
  has,
  isLocalPackage,
  localReads,
  namesLocalPackage,
  optionTable,
  optionText,
  parseArguments,
  prefixOf,
  programPattern,
  type Arguments,
} from './shared/arguments.ts';
import { memo } from './shared/memo.ts';
import { analyseNode, analyseScript, type NodeRules, type Pending } from './shared/node.ts';
import {
  at,
  dependencies,
  readManifest,
  record,
  scripts,
  stringEntries,
  strings,
  type Json,
  type Manifest,
} from './shared/package-json.ts';
import { hookTrouble, iniFlag, iniSettings, isTold, namedFiles, npmVariable, runsScripts } from './shared/npmrc.ts';
import { findProject, projectAt, type Project, type Workspaces } from './shared/project.ts';
import { yamlSettings } from './shared/settings.ts';
import { workspaceMembers } from './shared/workspaces.ts';
import {
  generated,
  installsProject,
  isTrouble,
  keepsStores,
  missing,
  single,
  tool,
  unknown,
  unresolvedVariable,
} from './shared/steps.ts';

const OPTIONS = optionTable(
  '--registry --store-dir --reporter --loglevel --network-concurrency --child-concurrency --workspace-concurrency --fetch-timeout --fetch-retries --cpu --os --libc --package-import-method --node-linker --hoist-pattern --public-hoist-pattern --color --side-effects-cache',
  '-C --dir --prefix --filter -F --filter-prod --lockfile-dir --virtual-store-dir --modules-dir --config --changed-files-ignore-pattern --test-pattern',
);
const INSTALL = new Set(['install', 'i']);
const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'];
/** corepack reads the last. */
const ROOT_FILES = [
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  '.npmrc',
  '.pnpmfile.cjs',
  '.pnpmfile.mjs',
  '.corepack.env',
];
/** The forms of one install differ in these. */
const FORMS = ['--ignore-scripts', '--offline', '--prefer-offline', '-r', '--recursive'];
const NAME = programPattern('pnpm(?:@[\\w.^~-]+)?');

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb, ...rest] = args.positional;
  const base = { manager: 'pnpm', command, place, directory: directoryFrom(args, ['-C', '--dir', '--prefix'], place) };
  if (verb === undefined) return undefined;
  if (has(args, '-g', '--global')) {
    if (verb !== 'add' && verb !== 'remove' && verb !== 'update' && !INSTALL.has(verb)) return undefined;
    const isBare = args.unresolved === undefined && rest.length === 0;
    return { ...base, kind: isBare || namesLocalPackage(command, rest) ? 'install' : 'tool' };
  }
  if (INSTALL.has(verb) || verb === 'add') return { ...base, kind: 'install' };
  if (args.unresolved !== undefined) return undefined;
  if (verb === 'fetch') return { ...base, kind: 'fetch' };
  if (verb === 'rebuild' && rest.length === 0 && has(args, '--pending')) return { ...base, kind: 'script' };
  const script = verb === 'run' ? rest : [verb, ...rest];
  const lifecycle = script.length === 1 && script[0] !== 'install' && LIFECYCLE.includes(script[0] as string);
  return lifecycle && !has(args, '-r', '--recursive', '--filter', '-F') ? { ...base, kind: 'script' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  if (install.kind === 'tool') return tool(install);
  const prefix = prefixOf(install.command, NAME);
  const rebuild = args.positional[0] === 'rebuild';
  if (install.kind === 'script' && !rebuild)
    return analyseScript(install, files, prefix, args.positional.at(-1) ?? '', has(args, '--if-present'));
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  if (has(args, '-g', '--global')) return unknown(install, installsProject(install));
  if (install.kind === 'fetch') return fetch(install, files);
  const option = ['--lockfile-dir', '--virtual-store-dir', '--modules-dir', '--config'].find((name) => has(args, name));
  if (option !== undefined)
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `\`${install.command.text}\` works outside of its own directory (\`${option}\`)`,
      help: 'leave that option out',
    });
  const changed = args.list.find(
    ([name, value]) => /^(?:--filter|-F|--filter-prod)$/.test(name) && /\[/.test(String(value)),
  );
  if (changed !== undefined)
    return unknown(install, {
      code: 'needs-vcs',
      message: `\`${install.command.text}\` asks git what has changed`,
      help: 'select the packages by name',
    });
  const added = args.positional.slice(1);
  const folder = added.find((each) => isLocalPackage(each) && !/\.(?:tgz|tar\.gz)$/.test(each));
  if (folder !== undefined)
    return unknown(install, installsProject(install, `\`${folder}\`, a directory of the project`));
  const recursive = has(args, '-r', '--recursive');
  const project = findWorkspace(files, install.directory, has(args, '--ignore-workspace'), recursive);
  if (isTrouble(project)) return unknown(install, project);
  const { root } = project;
  const lock = files.has(at(root, 'pnpm-lock.yaml'));
  if (has(args, '--frozen-lockfile') && lock === 'no')
    return unknown(install, {
      code: 'manifest-missing',
      message: `\`${install.command.text}\` needs a pnpm-lock.yaml, and there is none where it runs`,
      help: 'pass the right --context, or check .dockerignore',
      path: at(root, 'pnpm-lock.yaml'),
    });
  const settings = yamlSettings(files, at(root, 'pnpm-workspace.yaml'));
  if (isTrouble(settings)) return unknown(install, settings);
  const silent =
    has(args, '--ignore-scripts') ||
    settings['ignoreScripts'] === true ||
    iniFlag(files, at(root, '.npmrc'), 'ignore-scripts');
  const frozen = has(args, '--frozen-lockfile') || (install.place.environment('CI') ?? '') !== '';
  const copied = copiedDirectories(install, files, project, settings);
  // Each member has a lockfile of its own.
  const separate =
    settings['sharedWorkspaceLockfile'] === false ||
    /^shared-workspace-lockfile\s*=\s*false/m.test(files.read(at(root, '.npmrc')) ?? '') ||
    (recursive && files.has(at(root, 'pnpm-workspace.yaml')) === 'no');
  const rules: NodeRules = {
    name: `${prefix}pnpm ${added.length > 0 ? `add ${added.join(' ')} ` : 'install '}${optionText(args, FORMS)}`.trim(),
    prefix,
    rootFiles: ROOT_FILES,
    memberFiles: separate ? ['.npmrc', 'pnpm-lock.yaml', '.pnpmfile.cjs'] : ['.npmrc'],
    before: silent || added.length > 0 ? [] : ['pnpm:devPreinstall'],
    after: silent || added.length > 0 ? [] : LIFECYCLE,
    memberScripts: silent || added.length > 0 ? [] : LIFECYCLE,
    builds: !silent,
    compiles: silent ? 'nobody' : 'all',
    ...(rebuild ? { together: false } : {}),
    settings: (view, found) => {
      const reads = configurationReads(install, view, found.root, found.manifest);
      return isTrouble(reads) ? reads : [...reads, ...localReads(install.directory, added)];
    },
    packed: new Set(['file']),
    copied,
    overrides: [settings['overrides'], settings['catalog'], settings['catalogs'], settings['packageExtensions']],
    converges: false,
    offline: has(args, '--offline'),
    edits: added.length > 0 ? ['package.json', 'pnpm-lock.yaml'] : frozen ? [] : ['pnpm-lock.yaml'],
    frozen: frozenForm(
      files,
      project,
      'pnpm',
      'pnpm-lock.yaml',
      added.length === 0 && !frozen && !has(args, '--no-lockfile', '--no-frozen-lockfile')
        ? `${install.command.text} --frozen-lockfile`
        : undefined,
    ),
    splits: (found, pending) =>
      added.length > 0 ? [] : splits(install, args, files, found, pending, { frozen, separate }),
  };
  const analysis = analyseNode(install, files, project, rules);
  const named = withSharedBuild(analysis, rules, prefix);
  return rebuild
    ? { ...named, steps: named.steps.filter((step) => step.name !== rules.name), outputs: [], ignore: [], splits: [] }
    : named;
}

/** `rebuild --pending` does what is left of an install, so both have one name for it. */
function withSharedBuild(analysis: Analysis, rules: NodeRules, prefix: string): Analysis {
  const rename = (step: Step): Step =>
    step.name.startsWith(`${rules.name}: `)
      ? { ...step, name: `${prefix}pnpm${step.name.slice(rules.name.length)}` }
      : step;
  return { ...analysis, steps: analysis.steps.map(rename) };
}

/** The directory with pnpm-workspace.yaml decides, whether or not it has a package.json. */
function findWorkspace(files: Files, directory: string, alone: boolean, recursive: boolean): Project | Trouble {
  const none: Workspaces = () => [];
  if (alone) return findProject(files, directory, none);
  for (const root of ancestors(directory)) {
    const path = at(root, 'pnpm-workspace.yaml');
    const presence = files.has(path);
    // Among what a command left that could do anything.
    if (presence === 'maybe' && root === directory && files.entries(root) === undefined) return generated(path);
    if (presence !== 'yes') continue;
    const project = projectAt(files, root, workspaces, false);
    // A workspace owns what it lists; for anything else the install is a project of its own.
    if (isTrouble(project) && root === directory) return project;
    if (!isTrouble(project) && (root === directory || project.members.some((member) => member.directory === directory)))
      return project;
  }
  return files.has(at(directory, 'package.json')) === 'no' && files.has(at(directory, 'pnpm-workspace.yaml')) === 'no'
    ? missing(at(directory, 'package.json'))
    : // Without a workspace, all packages below are members of one [V: 9, 10].
      projectAt(files, directory, recursive ? () => ['**'] : none, false);
}

/** Members are listed in pnpm-workspace.yaml; package.json's `workspaces` means nothing to pnpm. */
const workspaces: Workspaces = (files, root) => {
  const settings = yamlSettings(files, at(root, 'pnpm-workspace.yaml'));
  if (isTrouble(settings)) return settings;
  const patterns = strings(settings['packages']);
  for (const name of ['package.yaml', 'package.json5']) {
    const others = workspaceMembers(files, root, patterns, name);
    if (isTrouble(others)) return others;
    if (others[0] !== undefined)
      return {
        code: 'dynamic-manifest',
        message: `\`${at(others[0], name)}\` is a manifest that is not in JSON`,
        help: 'make it a package.json',
      };
  }
  return patterns;
};

/**
 * Directories that are copied while it installs: those of `file:`, and members that are injected [V: 10]. The lockfile
 * has them; it leaves links what settings ask to inject where that makes no difference.
 * Sources: https://pnpm.io/settings#injectworkspacepackages, https://pnpm.io/settings#dedupeinjecteddeps,
 * https://pnpm.io/package_json#dependenciesmetainjected
 */
function copiedDirectories(install: Install, files: Files, project: Project, settings: Json): readonly string[] {
  const { root, manifest, members } = project;
  const lock = files.read(at(root, 'pnpm-lock.yaml')) ?? '';
  const locked = lockedDirectories(lock).map((path) => resolvePath(root, path));
  const all =
    settings['injectWorkspacePackages'] === true ||
    iniFlag(files, at(root, '.npmrc'), 'inject-workspace-packages') ||
    npmVariable(install.place, 'inject-workspace-packages') === 'true';
  const isTold = (all ? /^ {2}injectWorkspacePackages: true\r?$/m : /^ +injected: true\r?$/m).test(lock);
  const asked = new Set(
    [manifest, ...members].flatMap((each) =>
      dependencies(each)
        .map(([name]) => name)
        .filter((name) => all || record(record(each.json['dependenciesMeta'])[name])['injected'] === true),
    ),
  );
  const more = isTold ? [] : members.filter(({ json }) => typeof json['name'] === 'string' && asked.has(json['name']));
  return [...new Set([...locked, ...more.map(({ directory }) => directory)])];
}

const lockedDirectories = memo((lock) =>
  [...lock.matchAll(/resolution: \{[^}\n]*\bdirectory: ['"]?([^'",}\n]+)/g)].map(([, path = '']) => path),
);

/** Settings that put node_modules or the lockfile elsewhere, as the options of these names do. */
const MOVES = /^(?:modules-?dir|virtual-?store-?dir|lockfile-?dir)$/i;

/** Patches, from package.json (until 10), pnpm-workspace.yaml and the lockfile; hook files that import others. */
function configurationReads(
  install: Install,
  files: Files,
  root: string,
  manifest: Manifest | undefined,
): readonly Read[] | Trouble {
  const settings = yamlSettings(files, at(root, 'pnpm-workspace.yaml'));
  if (isTrouble(settings)) return settings;
  const reads: Read[] = [];
  const ini = iniSettings(files.read(at(root, '.npmrc')));
  const inYaml = Object.entries(settings).flatMap(([key, value]) =>
    (Array.isArray(value) ? strings(value) : [value])
      .filter((each): each is string => typeof each === 'string')
      .map((each) => [key, each] as const),
  );
  for (const [name, found] of [
    ['.npmrc', ini],
    ['pnpm-workspace.yaml', inYaml.filter(([key]) => key !== 'packages')],
  ] as const) {
    const moved = found.find(
      ([key, value]) => MOVES.test(key) && !/^(?:\.\/)?(?:node_modules(?:\/\.pnpm)?)?$/.test(value),
    );
    if (moved !== undefined)
      return {
        code: 'dynamic-manifest',
        message: `\`${at(root, name)}\` moves what pnpm writes (\`${moved[0]}\`)`,
        help: 'leave that setting out',
      };
    const named = namedFiles(files, install.place, at(root, name), found, [root]);
    if (isTrouble(named)) return named;
    reads.push(...named);
  }
  const inManifest = record(record(manifest?.json['pnpm'])['patchedDependencies']);
  for (const [, path] of [...stringEntries(inManifest), ...stringEntries(settings['patchedDependencies'])])
    reads.push({ path: resolvePath(root, path) });
  const lock = files.read(at(root, 'pnpm-lock.yaml')) ?? '';
  if (lock.includes('.patch'))
    for (const match of lock.matchAll(/^\s{2,}path: ['"]?([^'"\n]+\.patch)['"]?\r?$/gm))
      reads.push({ path: resolvePath(root, match[1] as string) });
  const hooks = [...ini, ...inYaml].filter(([key]) => /^(?:global-?)?pnpmfile$/i.test(key)).map(([, name]) => name);
  for (const name of ['.pnpmfile.cjs', '.pnpmfile.mjs', ...hooks]) {
    const path = resolvePath(root, name);
    const text = files.read(path);
    if (text === undefined && files.has(path) === 'yes') return generated(path);
    const trouble = hookTrouble(name, text);
    if (trouble !== undefined) return trouble;
  }
  return reads;
}

/** `pnpm fetch` fills the virtual store from the lockfile alone; it needs no package.json [V]. */
function fetch(install: Install, files: Files): Analysis {
  const root = install.directory;
  if (files.has(at(root, 'pnpm-lock.yaml')) === 'no') return unknown(install, missing(at(root, 'pnpm-lock.yaml')));
  const manifest = readManifest(files, root);
  const extra = configurationReads(install, files, root, isTrouble(manifest) ? undefined : manifest);
  if (isTrouble(extra)) return unknown(install, extra);
  // corepack, and pnpm itself from 9 on, take the version to run from package.json; until 10 patches are named there.
  const { packageManager: version, pnpm: settings } = isTrouble(manifest)
    ? { packageManager: undefined, pnpm: undefined }
    : manifest.json;
  const as = [typeof version === 'string' ? version : '', settings === undefined ? '' : JSON.stringify(settings)].join(
    '',
  );
  const path = at(root, 'package.json');
  // Archives of the project are fetched like others [V: 9, 10].
  const archives = [
    ...(files.read(at(root, 'pnpm-lock.yaml')) ?? '').matchAll(/\btarball: ['"]?file:([^'",}\r\n]+)/g),
  ].map(([, name = '']) => ({ path: resolvePath(root, name) }));
  // What an earlier command made of it could say anything.
  const isUnknown = isTrouble(manifest) && files.has(path) !== 'no';
  const chosen: Read = isUnknown ? { path } : { path, as, optional: true };
  return single({
    name: install.command.text,
    reads: [chosen, ...ROOT_FILES.map((name) => ({ path: at(root, name) })), ...extra, ...archives],
    writes: [],
    edits: [],
    system: 'reads',
    warm: true,
  });
}

/**
 * `pnpm fetch`, COPY, the original install, `--offline` only where it was frozen already [V: 8-12]. Where that is not
 * possible: `--ignore-scripts`, COPY, `pnpm rebuild --pending` [V: 8-12, of a single package].
 */
function splits(
  install: Install,
  args: Arguments,
  files: Files,
  project: Project,
  pending: Pending,
  { frozen, separate }: { readonly frozen: boolean; readonly separate: boolean },
): readonly Split[] {
  const { command } = install;
  if (install.directory !== project.root || command.redirects.length > 0) return [];
  const found: Split[] = [];
  const prefix = prefixOf(command, NAME);
  const directory = command.words
    .slice(1)
    .flatMap((word, index, all) =>
      /^(?:-C|--dir|--prefix)$/.test(word.text)
        ? [` ${word.text} ${all[index + 1]?.text ?? ''}`]
        : /^--(?:dir|prefix)=/.test(word.text)
          ? [` ${word.text}`]
          : [],
    )
    .join('');
  const name = NAME.exec(command.text)?.[1] ?? 'pnpm';
  const production = has(args, '--prod', '-P', '--production') ? ' --prod' : '';
  // With directories to copy, `fetch` of pnpm 9 and 12 fails, and that of 10 and 11 leaves them out [V]; a `file:` one
  // that is a member of the workspace is locked as a link.
  const lock = files.read(at(project.root, 'pnpm-lock.yaml')) ?? '';
  const linked = /specifier: ['"]?file:/.test(lock) && !/type: directory|version: ['"]?file:/.test(lock);
  const { packageManager } = project.manifest.json;
  const said = name.includes('@') || typeof packageManager !== 'string' ? name : packageManager;
  const version = /^pnpm@(\d+)/.exec(said)?.[1];
  const packs = pending.packs && !linked && version !== '10' && version !== '11';
  if (
    !packs &&
    // `fetch` runs the dependencies' scripts, and the install that follows does not [V: 9, 10].
    !pending.looks &&
    !separate &&
    keepsStores(install.place) &&
    files.has(at(project.root, 'pnpm-lock.yaml')) === 'yes' &&
    !has(args, '--filter', '-F', '--filter-prod', '--ignore-workspace')
  ) {
    // With `--force` it also installs what is meant for other systems, which `fetch` leaves out.
    const offline = frozen && !has(args, '--offline', '--prefer-offline', '--force', '-f') ? ' --offline' : '';
    found.push({
      before: `${prefix}${name}${directory} fetch${production}`,
      after: `${command.text}${offline}`,
      why: 'scripts that may read the source run after the copy, from the fetched store',
    });
  }
  // `rebuild --pending` runs scripts that are switched off [V: 10, 11] and `prepublish`, and not what stands around
  // `prepare` [V: 10].
  const defined = scripts(project.manifest);
  const plain = ['prepublish', 'preprepare', 'postprepare', 'pnpm:devPreinstall'].every(
    (each) => defined[each] === undefined,
  );
  const isOn =
    runsScripts(install.place, args, files, project.root) === true && isTold(files, at(project.root, '.npmrc'));
  if (!pending.packs && !pending.before && project.members.length === 0 && plain && isOn)
    found.push({
      before: `${command.text} --ignore-scripts`,
      after: `${prefix}${name}${directory} rebuild --pending`,
      why: pending.why,
    });
  return found;
}

export const pnpm: PackageManager = {
  name: 'pnpm',
  summary: 'pnpm install, pnpm fetch',
  commands: ['pnpm'],
  manifests: ['package.json', 'pnpm-lock.yaml'],
  globs: ['package.json', 'pnpm-lock.yaml*', 'pnpm-workspace.yaml*'],
  recognise,
  analyse,
  caches: [{ path: '~/.local/share/pnpm/store', class: 'download', variable: 'PNPM_HOME', inside: 'store' }],
};
