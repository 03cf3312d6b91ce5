/**
 * npm 6-12. Spec section 1.
 *
 * Reads: package.json, npm-shrinkwrap.json, package-lock.json, yarn.lock without those, the root .npmrc, every
 * workspace and linked manifest with its existing bins, binding.gyp; of npm 12 patches and .npm-extension [V]. A
 * `file:` directory is linked, not copied.
 *
 * Writes: node_modules, in the root and in members; package-lock.json, unless `npm ci`.
 *
 * Runs: in this order [V: 8, 10, 11]: the dependencies' install scripts; of members and linked packages all
 * `preinstall`, all `prepare`, all `install`, all `postinstall`; the root's `dependencies`, where packages changed;
 * then the root's other scripts, its `preinstall` first. `npm install X` runs none of these others [V: 10]. Without the
 * dependencies of development all scripts have `NODE_ENV=production` [V: 8-12].
 *
 * Hazards: without a workspace's package.json `npm ci` exits 0 with dangling links [V: 8, 10, 12]. `--ignore-scripts`
 * of npm 8-10 does not keep a workspace's `prepare` from running [V]. Lockfiles note of a package whether it has an
 * install script: node_modules/.package-lock.json of members, a package-lock.json that is made of the root, too [V: 8,
 * 10, 11]. `ci --ignore-scripts` followed by `npm install` never runs the dependencies' scripts [V: 10].
 *
 * Sources: https://docs.npmjs.com/cli/commands/npm-ci, https://docs.npmjs.com/cli/using-npm/scripts
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Split, Step, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { frozen } from './shared/frozen.ts';
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
import { analyseNode, analyseScript, modulesAround, runScript, type Pending } from './shared/node.ts';
import {
  at,
  bins,
  major,
  readManifest,
  scripts,
  stringEntries,
  withoutTheseScripts,
  type Manifest,
} from './shared/package-json.ts';
import { hookTrouble, iniFlag, iniSettings, isTold, namedFiles, npmVariable, runsScripts } from './shared/npmrc.ts';
import { findProject, packageJsonWorkspaces, projectAt, type Project } from './shared/project.ts';
import { hasInstallScript, manifestRead } from './shared/scripts.ts';
import { installsProject, isTrouble, single, tool, unknown, unresolvedVariable } from './shared/steps.ts';

const INSTALL = new Set('install i in ins inst insta instal isnt isnta isntal isntall add'.split(' '));
const CLEAN = new Set('ci clean-install ic install-clean isntall-clean'.split(' '));
const GLOBAL = new Set([...INSTALL, 'update', 'up', 'upgrade', 'uninstall', 'remove', 'rm', 'un', 'unlink', 'r']);
const RUN = new Set(['run', 'run-script', 'rum', 'urn']);
const OPTIONS = optionTable(
  '--registry --cache --omit --include --only --loglevel --fetch-timeout --fetch-retries --fetch-retry-mintimeout --fetch-retry-maxtimeout --fetch-retry-factor --network-timeout --timeout --maxsockets --cpu --os --libc --arch --platform --target --target_arch --target_platform --disturl --runtime --python --install-strategy --before --tag --audit-level --proxy --https-proxy --noproxy --ca --user-agent --scope --otp --auth-type --replace-registry-host --sharp_binary_host',
  '--prefix -C --location -w --workspace --userconfig --globalconfig --cafile --script-shell --node-options',
);
/** In the order in which npm 8-11 run them: root preinstall comes after the dependencies [V]. */
const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
/** They run where node_modules changed, ahead of the others, and with `npm install X`, too [V: 8-12]. */
const CHANGED = ['predependencies', 'dependencies', 'postdependencies'];
const MEMBER_SCRIPTS = ['preinstall', 'prepare', 'install', 'postinstall'];
/** Of npm 12 [V]. */
const EXTENSIONS = ['.npm-extension.cjs', '.npm-extension.mjs'];
const LOCKS = ['npm-shrinkwrap.json', 'package-lock.json'];
const NAME = programPattern('npm');

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb, ...rest] = args.positional;
  if (verb === undefined) return undefined;
  const base = { manager: 'npm', command, place, directory: directoryFrom(args, ['--prefix', '-C'], place) };
  if (isGlobal(args)) {
    if (!GLOBAL.has(verb)) return undefined;
    // `npm i -g .` and a bare `npm i -g` link the directory [V].
    const isBare = args.unresolved === undefined && rest.length === 0;
    return { ...base, kind: isBare || namesLocalPackage(command, rest) ? 'install' : 'tool' };
  }
  if (INSTALL.has(verb) || CLEAN.has(verb)) return { ...base, kind: 'install' };
  if (args.unresolved !== undefined) return undefined;
  if (
    verb === 'pkg' &&
    rest[0] === 'delete' &&
    rest.length > 1 &&
    rest.slice(1).every((each) => each.startsWith('scripts.'))
  )
    return { ...base, kind: 'script' };
  if (RUN.has(verb) && rest.length === 1 && LIFECYCLE.includes(rest[0] as string) && !has(args, '-w', '--workspace'))
    return { ...base, kind: 'script' };
  return undefined;
}

function isGlobal(args: Arguments): boolean {
  return has(args, '-g', '--global', '-gf', '-fg') || args.options.get('--location') === 'global';
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  const [verb = '', ...rest] = args.positional;
  if (install.kind === 'tool') return tool(install);
  if (install.kind === 'script')
    return verb === 'pkg' ? deleteScripts(install, files, args) : runScripts(install, files, args);
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  if (isGlobal(args)) return analyseGlobal(install, files, rest);
  const clean = CLEAN.has(verb);
  const added = rest.filter((each) => each !== '.');
  const folder = added.find((each) => isLocalPackage(each) && !/\.(?:tgz|tar\.gz|tar)$/.test(each));
  if (folder !== undefined)
    return unknown(install, installsProject(install, `\`${folder}\`, a directory of the project`));
  if (added.length > 0 && has(args, '-w', '--workspace', '-ws', '--workspaces'))
    return unknown(install, {
      code: 'mutating-install',
      message: `\`${install.command.text}\` changes the manifests of workspace members`,
      help: 'add the package to the manifests instead',
    });
  // A directory that is named is the project, whatever workspace it belongs to [V: 8, 10, 11].
  const project = has(args, '--prefix', '-C')
    ? projectAt(files, install.directory, packageJsonWorkspaces, false)
    : findProject(files, install.directory, packageJsonWorkspaces);
  // `npm i X` makes its own package.json where there is none.
  if (isTrouble(project) && project.code === 'manifest-missing' && added.length > 0)
    return freshInstall(install, files);
  if (isTrouble(project)) return unknown(install, project);
  const { root } = project;
  const lock = LOCKS.map((name) => at(root, name)).find((path) => files.has(path) !== 'no');
  if (clean && lock === undefined)
    return unknown(install, {
      code: 'manifest-missing',
      message: `\`${install.command.text}\` needs a package-lock.json, and there is none where it runs`,
      help: 'pass the right --context, or check .dockerignore',
      path: at(root, 'package-lock.json'),
    });
  const runs = runsScripts(install.place, args, files, root);
  const silent = runs === false;
  const builds = lock === undefined || dependenciesHaveScripts(files.read(lock));
  // One that a copy brings is restored by it.
  const writesLock = lock === undefined && !has(args, '--no-package-lock');
  const prefix = prefixOf(install.command, NAME);
  const node = nodeMajor(install.place.image);
  return analyseNode(install, files, project, {
    name: `${prefix}npm ${clean ? 'ci' : 'install'} ${[...added, optionText(args, ['--ignore-scripts'])].join(' ')}`.trim(),
    prefix: `${prefix}${scriptOptions(args)}`,
    rootFiles: [
      'package-lock.json',
      'npm-shrinkwrap.json',
      '.npmrc',
      'binding.gyp',
      ...EXTENSIONS,
      ...(lock !== undefined && files.has(lock) === 'yes' ? [] : ['yarn.lock']),
    ],
    after: silent ? [] : added.length > 0 ? CHANGED : [...CHANGED, ...LIFECYCLE],
    // npm 8-10 run a workspace's `prepare` even with --ignore-scripts [V; fixed in 11].
    memberScripts: !silent ? MEMBER_SCRIPTS : node !== undefined && node >= 24 ? [] : ['prepare'],
    builds: builds && !silent,
    together: true,
    // Into their own node_modules where the root's does not do [V: 10]; nothing is installed outside of the root [V: 10].
    fillsLinked: true,
    compiles: silent ? 'nobody' : 'all',
    records: writesLock ? 'all' : 'others',
    settings: (view, { manifest }) => {
      const path = at(root, '.npmrc');
      const named = namedFiles(view, install.place, path, iniSettings(view.read(path)), [
        root,
        install.place.directory,
      ]);
      if (isTrouble(named)) return named;
      for (const name of EXTENSIONS) {
        const trouble = hookTrouble(name, view.read(at(root, name)));
        if (trouble !== undefined) return trouble;
      }
      const patches = stringEntries(manifest.json['patchedDependencies']);
      return [
        ...localReads(install.directory, added),
        ...named,
        ...patches.map(([, patch]) => ({ path: resolvePath(root, patch) })),
      ];
    },
    packed: new Set(
      has(args, '--install-links') ||
        npmVariable(install.place, 'install-links') === 'true' ||
        iniFlag(files, at(root, '.npmrc'), 'install-links')
        ? ['file']
        : [],
    ),
    // `npm ci` removes node_modules first.
    converges: clean,
    edits: clean ? [] : added.length > 0 ? ['package.json', 'package-lock.json'] : ['package-lock.json'],
    // What ran no script would run them all.
    splits: (found, pending) =>
      added.length > 0 || runs === undefined
        ? []
        : splits(install, args, files, found, pending, { builds, writesLock }),
    frozen: frozen(
      files,
      project,
      'npm',
      'package-lock.json',
      clean || added.length > 0 ? undefined : install.command.text.replace(new RegExp(`(\\s)${verb}(?=\\s|$)`), '$1ci'),
    ),
  });
}

/**
 * The options that scripts act upon, as they would stand behind a command: those that decide whether they find
 * `NODE_ENV=production`, and what node-gyp, node-pre-gyp and prebuild-install take from `npm_config_…`.
 */
function scriptOptions(args: Arguments): string {
  return args.list
    .filter(([name]) =>
      /^--(?:omit|include|production|only|also|dev|build-from-source|target(?:_\w+)?|runtime|arch|platform|libc|disturl|nodedir|python)$/.test(
        name,
      ),
    )
    .map(([name, value]) => (value === true ? ` ${name}` : ` ${name}=${value}`))
    .join('');
}

/** `npm i -g .` builds and links the directory; an archive is only unpacked. */
function analyseGlobal(install: Install, files: Files, packages: readonly string[]): Analysis {
  const local = packages.filter(isLocalPackage);
  if (packages.length === 0 || local.some((each) => !/\.(?:tgz|tar\.gz|tar)$/.test(each)))
    return unknown(install, installsProject(install));
  const reads = localReads(install.place.directory, local);
  return tool(
    install,
    reads.filter(({ path }) => files.has(path) !== 'no'),
  );
}

/** Packages by name into a directory without a manifest: it makes one. */
function freshInstall(install: Install, files: Files): Analysis {
  const { directory } = install;
  const reads = ['package.json', 'package-lock.json', '.npmrc'].map((name) => ({ path: at(directory, name) }));
  const modules = at(directory, 'node_modules');
  const before = files.has(modules) === 'no' ? [] : [{ path: modules, tree: true }];
  const step: Step = {
    name: install.command.text,
    reads: [...reads, ...before],
    writes: [modules],
    edits: ['package.json', 'package-lock.json'].map((name) => at(directory, name)),
    system: 'reads',
  };
  return { ...single(step), outputs: [modules], ignore: ['node_modules'] };
}

/**
 * Whether a dependency that is not a link has an install script: `hasInstallScript` in lockfile versions 2 and 3 [V].
 * Version 1 does not say.
 */
function dependenciesHaveScripts(lock: string | undefined): boolean {
  if (lock === undefined || !/"lockfileVersion":\s*[23]\b/.test(lock.slice(0, 2_000))) return true;
  const name = '"hasInstallScript"';
  for (let at = lock.indexOf(name); at >= 0; at = lock.indexOf(name, at + name.length)) {
    if (!/^:\s*true/.test(lock.slice(at + name.length, at + name.length + 20))) continue;
    const open = lock.lastIndexOf('{', at);
    // Of a lockfile on one line, the end is looked at.
    const line = lock.slice(Math.max(lock.lastIndexOf('\n', open) + 1, open - 1_000), open);
    if (/"[^"]*node_modules\/[^"]*":\s*$/.test(line)) return true;
  }
  return false;
}

/** Spec 1, "Adapt, in order", steps 2 and 3. */
function splits(
  install: Install,
  args: Arguments,
  files: Files,
  project: Project,
  pending: Pending,
  { builds, writesLock }: { readonly builds: boolean; readonly writesLock: boolean },
): readonly Split[] {
  if (pending.build || pending.linked || install.directory !== project.root) return [];
  if (pending.root.some((name) => CHANGED.includes(name))) return [];
  // It may switch off scripts that would be run by name afterwards.
  if (!isTold(files, at(project.root, '.npmrc'))) return [];
  if (pending.members.length > 0 && !canReplayMembers(files, project, pending)) return [];
  const prefix = prefixOf(install.command, NAME);
  const target =
    typeof args.options.get('--prefix') === 'string'
      ? ` --prefix ${args.options.get('--prefix') as string}`
      : typeof args.options.get('-C') === 'string'
        ? ` -C ${args.options.get('-C') as string}`
        : '';
  const rerun = replay(project.manifest, pending.root);
  if (rerun === undefined || !/^[\w./ =:@-]*$/.test(target) || install.command.redirects.length > 0) return [];
  const memberScript = pending.members[0]?.name;
  const run = (rest: string): string => `${prefix}npm${target} run ${rest}${scriptOptions(args)}`;
  const after = [
    ...(memberScript === undefined ? [] : [run(`${memberScript} --workspaces --if-present`)]),
    ...rerun.names.map((name) => run(name)),
  ].join(' && ');
  const found: Split[] = [];
  const node = nodeMajor(install.place.image);
  // `npm pkg` came with npm 7, in node 16; npm 12 runs a root preinstall before the dependencies.
  const usable =
    node === undefined
      ? !pending.root.includes('preinstall')
      : node >= 16 && !(node >= 26 && pending.root.includes('preinstall'));
  // node_modules/.package-lock.json says which members have an install script, a new package-lock.json whether the root has.
  const recorded =
    (writesLock && hasInstallScript(project.manifest) && !hasInstallScript(project.manifest, rerun.removes)) ||
    (memberScript !== undefined &&
      project.members.some((each) => hasInstallScript(each) && !hasInstallScript(each, [memberScript])));
  if (usable && !recorded) {
    const remove = [
      ...(memberScript === undefined ? [] : [`${prefix}npm${target} pkg delete scripts.${memberScript} --workspaces`]),
      ...(rerun.removes.length === 0
        ? []
        : [`${prefix}npm${target} pkg delete ${rerun.removes.map((name) => `scripts.${name}`).join(' ')}`]),
    ];
    const rewrites = [
      ...(memberScript === undefined ? [] : project.members.map(({ directory }) => at(directory, 'package.json'))),
      ...(rerun.removes.length === 0 ? [] : [at(project.root, 'package.json')]),
    ];
    found.push({ before: [...remove, install.command.text].join(' && '), after, why: pending.why, rewrites });
  }
  const defined = [...CHANGED, ...LIFECYCLE].filter((name) => scripts(project.manifest)[name] !== undefined);
  // A `prepare` may run all the same; of the others all are run afterwards.
  const quietMembers = project.members.every((member) =>
    MEMBER_SCRIPTS.every(
      (name) => scripts(member)[name] === undefined || (name === memberScript && name !== 'prepare'),
    ),
  );
  if (!builds && quietMembers && defined.every((name) => rerun.removes.includes(name)))
    found.push({ before: `${install.command.text} --ignore-scripts`, after, why: pending.why });
  return found;
}

/** One script name, run in all members that have it, and nothing around it; no bin that it has yet to build. */
function canReplayMembers(files: Files, { members }: Project, pending: Pending): boolean {
  const names = new Set(pending.members.map((each) => each.name));
  const [name] = names;
  if (names.size !== 1 || name === undefined || name === 'install') return false;
  // `run` also starts the scripts around the one that it is given, and members that are known would run again.
  const plain = members.every((member) => {
    const defined = scripts(member);
    return (
      defined[`pre${name}`] === undefined && defined[`post${name}`] === undefined && defined['install'] === undefined
    );
  });
  const all = members
    .filter((member) => scripts(member)[name] !== undefined)
    .every((member) => pending.members.some((each) => each.manifest === member));
  const built = members.every((member) => bins(files, member).every((bin) => bin.read.as !== 'absent'));
  return plain && all && built;
}

/**
 * The `run`s that repeat root scripts in npm's order, and the scripts that they stand for. `npm run install` also runs
 * preinstall and postinstall, `npm run prepare` the two around it [V: 10].
 */
function replay(
  manifest: Manifest,
  pending: readonly string[],
): { readonly names: readonly string[]; readonly removes: readonly string[] } | undefined {
  const defined = scripts(manifest);
  const names: string[] = [];
  const removes: string[] = [];
  for (const group of [
    ['preinstall', 'install', 'postinstall'],
    ['prepublish'],
    ['preprepare', 'prepare', 'postprepare'],
  ]) {
    const wanted = group.filter((name) => pending.includes(name));
    const middle = group[1];
    if (middle !== undefined && wanted.includes(middle)) {
      names.push(middle);
      removes.push(...group.filter((name) => defined[name] !== undefined));
    } else {
      names.push(...wanted);
      removes.push(...wanted);
    }
  }
  const strays = names
    .flatMap((name) => [`pre${name}`, `post${name}`])
    .filter((name) => defined[name] !== undefined && !removes.includes(name));
  return strays.length > 0 ? undefined : { names, removes };
}

function deleteScripts(install: Install, files: Files, args: Arguments): Analysis {
  const names = args.positional.slice(2).map((each) => each.slice('scripts.'.length));
  const targets = packagesOf(install, files, args);
  if (isTrouble(targets)) return unknown(install, targets);
  const sets: Record<string, string> = {};
  const root = readManifest(files, install.directory);
  for (const { directory } of targets) {
    const path = at(directory, 'package.json');
    const text = withoutTheseScripts(files.read(path) ?? '', names);
    if (text !== undefined) sets[path] = text;
  }
  return single({
    name: install.command.text,
    // The root says which packages are its members.
    reads: [
      ...(isTrouble(root) || targets.some((each) => each.directory === root.directory) ? [] : [manifestRead(root)]),
      ...Object.keys(sets).map((path) => ({ path })),
    ],
    writes: [],
    edits: [],
    sets,
    system: 'none',
  });
}

/** `npm run X [--workspaces]`. */
function runScripts(install: Install, files: Files, args: Arguments): Analysis {
  const name = args.positional[1] ?? '';
  const prefix = `${prefixOf(install.command, NAME)}${scriptOptions(args)}`;
  if (!has(args, '--workspaces', '-ws')) return analyseScript(install, files, prefix, name, has(args, '--if-present'));
  const targets = packagesOf(install, files, args);
  if (isTrouble(targets)) return unknown(install, targets);
  const trees = targets[0] === undefined ? [] : modulesAround(files, targets[0]);
  return {
    steps: targets.flatMap((each) => runScript(files, each, prefix, name, trees)),
    outputs: [],
    ignore: [],
    splits: [],
  };
}

/** The packages that `--workspaces` and `--include-workspace-root` select. */
function packagesOf(install: Install, files: Files, args: Arguments): readonly Manifest[] | Trouble {
  const all = has(args, '--workspaces', '-ws');
  const root = readManifest(files, install.directory);
  if (isTrouble(root)) return root;
  if (!all) return [root];
  const project = findProject(files, install.directory, packageJsonWorkspaces);
  if (isTrouble(project)) return project;
  return [...(has(args, '--include-workspace-root') ? [project.manifest] : []), ...project.members];
}

/** Major version of Node in an official image's tag. */
export function nodeMajor(image: string | undefined): number | undefined {
  const match = /(?:^|\/)node:v?(\d+)/.exec(image ?? '');
  return match === null ? undefined : major(match[1] as string);
}

export const npm: PackageManager = {
  name: 'npm',
  summary: 'npm install, npm ci and their aliases',
  commands: ['npm'],
  manifests: ['package.json', 'package-lock.json'],
  globs: ['package*.json'],
  recognise,
  analyse,
  caches: [{ path: '~/.npm', class: 'download', variable: 'npm_config_cache' }],
};
