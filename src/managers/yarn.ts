/**
 * Yarn classic (1.22). Spec section 3. `yarn` commands of berry projects are handed to yarn-berry.ts.
 *
 * Reads: package.json, yarn.lock, .npmrc, .yarnrc, .yarnclean, workspace manifests with their existing bins, what the
 * settings name (`yarn-path`, `yarn-offline-mirror`, `cafile`); a `file:` directory in full, of a `link:` the manifest.
 *
 * Writes: node_modules, in the root and in members; yarn.lock, unless `--frozen-lockfile`.
 *
 * Runs: in this order [V]: the root's `preinstall`; the dependencies' and the members' `preinstall`, `install`,
 * `postinstall`; the root's `install`, `postinstall`, and without --production `prepublish`, `prepare`.
 *
 * Hazards: `--frozen-lockfile` without a yarn.lock exits 0 [V], and so it does without a workspace's manifest. After
 * `--ignore-scripts` a second install runs the dependencies' scripts with `--force` alone [V]. A `packageManager` that
 * names berry makes it fail [V].
 *
 * Sources: https://classic.yarnpkg.com/en/docs/cli/install, https://classic.yarnpkg.com/en/docs/yarnrc
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Split, Trouble } from '../model.ts';
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
import { analyseNode, analyseScript, madeHere, type NodeRules, type Pending } from './shared/node.ts';
import { at, filesAbove } from './shared/package-json.ts';
import { iniSettings, namedFiles } from './shared/npmrc.ts';
import { findProject, packageJsonWorkspaces, type Project, type Workspaces } from './shared/project.ts';
import { installsProject, isTrouble, tool, unknown, unresolvedVariable } from './shared/steps.ts';
import { analyseBerry, isBerry } from './yarn-berry.ts';

const OPTIONS = optionTable(
  '--registry --cache-folder --network-timeout --network-concurrency --child-concurrency --mutex --preferred-cache-folder --https-proxy --proxy --mode --otp --emoji --global-folder --link-folder --include --since',
  '--cwd --modules-folder --prefix --from --use-yarnrc',
);
const LIFECYCLE = ['install', 'postinstall', 'prepublish', 'prepare'];
const SCRIPTS = new Set(['preinstall', 'postinstall', 'prepublish', 'prepare']);
const NAME = programPattern('yarn(?:pkg|@[\\w.^~-]+)?');

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb, ...rest] = args.positional;
  const base = { manager: 'yarn', command, place, directory: directoryFrom(args, ['--cwd'], place) };
  if (verb === 'global') {
    if (rest[0] !== 'add' && rest[0] !== 'remove' && rest[0] !== 'upgrade') return undefined;
    return { ...base, kind: namesLocalPackage(command, rest.slice(1)) ? 'install' : 'tool' };
  }
  if (verb === undefined)
    return args.unresolved !== undefined || has(args, '--version', '-v', '--help', '-h')
      ? undefined
      : { ...base, kind: 'install' };
  if (verb === 'install' || verb === 'add') return { ...base, kind: 'install' };
  if (verb === 'workspaces' && rest[0] === 'focus') return { ...base, kind: 'install' };
  const script = verb === 'run' ? rest : [verb, ...rest];
  return script.length === 1 && SCRIPTS.has(script[0] as string) ? { ...base, kind: 'script' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  // `yarn global add` obeys the settings files where it runs.
  if (install.kind === 'tool')
    return tool(
      install,
      ['.npmrc', '.yarnrc']
        .map((name) => at(install.directory, name))
        .filter((path) => files.has(path) !== 'no')
        .map((path) => ({ path })),
    );
  if (install.kind === 'script')
    return analyseScript(install, files, prefixOf(install.command, NAME), args.positional.at(-1) ?? '', false);
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  if (args.positional[0] === 'global') return unknown(install, installsProject(install, 'a directory of the project'));
  if (has(args, '--modules-folder'))
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `\`${install.command.text}\` installs into a directory of its own choice (\`--modules-folder\`)`,
      help: 'use --cwd',
    });
  const folder = args.positional.slice(1).find((each) => isLocalPackage(each) && !/\.(?:tgz|tar\.gz)$/.test(each));
  if (args.positional[0] === 'add' && folder !== undefined)
    return unknown(install, installsProject(install, `\`${folder}\`, a directory of the project`));
  const project = findProject(files, install.directory, packageJsonWorkspaces);
  if (isTrouble(project)) return unknown(install, project);
  return isBerry(files, project, args)
    ? analyseBerry(install, files, args, prefixOf(install.command, NAME))
    : analyseClassic(install, files, args);
}

/** To Yarn classic a pattern that starts with `!` is one that selects nothing, and takes nothing away [V]. */
const classicWorkspaces: Workspaces = (files, root, manifest) => {
  const patterns = packageJsonWorkspaces(files, root, manifest);
  return isTrouble(patterns) ? patterns : patterns.filter((each) => !each.startsWith('!'));
};

function analyseClassic(install: Install, files: Files, args: Arguments): Analysis {
  const project = findProject(files, install.directory, classicWorkspaces);
  if (isTrouble(project)) return unknown(install, project);
  const { root } = project;
  const added = args.positional.slice(1);
  const rc = readRc(install, files, root);
  if (isTrouble(rc)) return unknown(install, rc);
  const production =
    has(args, '--production', '--prod') ||
    (install.place.environment('NODE_ENV') === 'production' && args.options.get('--production') !== 'false');
  const silent = has(args, '--ignore-scripts') || rc.silent;
  const forced = has(args, '--force');
  const prefix = prefixOf(install.command, NAME);
  const after = LIFECYCLE.filter((name) => !production || (name !== 'prepare' && name !== 'prepublish'));
  const rules: NodeRules = {
    name: `${prefix}yarn ${added.length > 0 ? `add ${added.join(' ')} ` : 'install '}${optionText(args, ['--ignore-scripts', '--force'])}`.trim(),
    prefix,
    rootFiles: ['yarn.lock', '.npmrc', '.yarnrc', '.yarnclean', '.corepack.env', 'binding.gyp'],
    before: silent ? [] : ['preinstall'],
    after: silent ? [] : after,
    memberScripts: silent ? [] : ['preinstall', 'install', 'postinstall'],
    builds: !silent,
    compiles: silent ? 'nobody' : 'all',
    settings: () => [
      ...rc.reads,
      // One that git ignores may be on somebody's disk.
      ...filesAbove(files, at(install.directory, 'package.json'), ['.yarnrc', '.npmrc'], true),
      ...localReads(install.directory, added),
    ],
    packed: new Set(['file']),
    // Over what this build has installed, --force lays everything out again [V].
    converges: forced && madeHere(files, at(root, 'node_modules')),
    edits:
      added.length > 0
        ? ['package.json', 'yarn.lock']
        : has(args, '--frozen-lockfile', '--pure-lockfile', '--immutable', '--no-lockfile')
          ? []
          : ['yarn.lock'],
    frozen: frozen(
      files,
      project,
      'yarn',
      'yarn.lock',
      added.length === 0 && !has(args, '--frozen-lockfile', '--pure-lockfile', '--immutable', '--no-lockfile')
        ? `${install.command.text} --frozen-lockfile`
        : undefined,
    ),
    splits: (found, pending) => (added.length > 0 || forced ? [] : splits(install, files, found, pending)),
  };
  return analyseNode(install, files, project, rules);
}

interface Rc {
  readonly silent: boolean;
  readonly reads: readonly Read[];
}

/** `.yarnrc` lines are `key value`. */
function readRc(install: Install, files: Files, root: string): Rc | Trouble {
  const path = at(root, '.yarnrc');
  const reads: Read[] = [];
  let silent = false;
  const above = filesAbove(files, at(install.directory, 'package.json'), ['.yarnrc']).find(
    (each) => each.path !== path && !/^(?!.*(?:path|mirror|folder|scripts))/s.test(files.read(each.path) ?? 'path'),
  );
  if (above !== undefined)
    return { code: 'dynamic-manifest', message: `\`${above.path}\` says how yarn installs, too` };
  const lines = (files.read(path) ?? '').split('\n').flatMap((line) => {
    const [, key, value] = /^\s*"?(?:--)?(?:install\.)?([\w-]+)"?\s+("[^"]+"|\S+)/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value.replace(/^"(.*)"$/, '$1')] as const];
  });
  for (const [key, value] of lines) {
    if (key === 'yarn-path') reads.push({ path: resolvePath(root, value) });
    else if (key === 'yarn-offline-mirror' && value !== 'false')
      reads.push({ path: resolvePath(root, value), tree: true });
    else if (key === 'ignore-scripts' && value === 'true') silent = true;
    else if (key === 'modules-folder')
      return { code: 'dynamic-manifest', message: `\`${path}\` names a \`modules-folder\`` };
  }
  for (const [name, settings] of [
    [path, lines],
    [at(root, '.npmrc'), iniSettings(files.read(at(root, '.npmrc')))],
  ] as const) {
    const named = namedFiles(files, install.place, name, settings, [root]);
    if (isTrouble(named)) return named;
    reads.push(...named);
  }
  return { silent, reads };
}

/**
 * `--ignore-scripts`, COPY, then the install again with `--force`: it lays the same dependencies out, builds them, and
 * runs the scripts in the right order [V]; without `--force` the dependencies' scripts never run [V].
 */
function splits(install: Install, files: Files, project: Project, pending: Pending): readonly Split[] {
  // A `preinstall` would find node_modules where it found none; a lockfile that is not there would be made twice.
  if (
    pending.before ||
    pending.packs ||
    install.directory !== project.root ||
    files.has(at(project.root, 'yarn.lock')) !== 'yes'
  )
    return [];
  if (install.command.redirects.length > 0) return [];
  const { text } = install.command;
  return [{ before: `${text} --ignore-scripts`, after: `${text} --force`, why: pending.why }];
}

export const yarn: PackageManager = {
  name: 'yarn',
  summary: 'Yarn classic: yarn, yarn install, yarn add',
  commands: ['yarn', 'yarnpkg'],
  manifests: ['package.json', 'yarn.lock'],
  globs: ['package.json', 'yarn.lock*'],
  recognise,
  analyse,
  caches: [
    { path: '/usr/local/share/.cache/yarn/v6', class: 'download', variable: 'YARN_CACHE_FOLDER', only: 'root' },
    { path: '~/.cache/yarn', class: 'download', variable: 'YARN_CACHE_FOLDER', only: 'others' },
  ],
};
