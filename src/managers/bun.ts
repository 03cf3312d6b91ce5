/**
 * bun 1. Spec section 16.
 *
 * Reads: package.json, bun.lock or bun.lockb, bunfig.toml, .npmrc, workspace manifests with their existing bins,
 * patches; other managers' lockfiles when there is none of its own; a `file:` directory in full.
 *
 * Writes: node_modules, in the root and in members; the lockfile, unless frozen.
 *
 * Runs: after the dependencies' [V: 1.4]: the members' `preinstall`, `install`, `postinstall`, `prepare`; then the
 * root's, `preinstall` first, with what stands around `prepare`. `bun add X` runs them, too [V].
 *
 * Hazards: a missing patch is an error, a missing workspace is not [V]. After `--ignore-scripts` a second install runs
 * the dependencies' scripts with `--force` alone [V].
 *
 * Sources: https://bun.sh/docs/cli/install, https://bun.sh/docs/install/workspaces
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
} from './shared/arguments.ts';
import { analyseNode, analyseScript, madeHere, type Pending } from './shared/node.ts';
import { optionalDocument } from './shared/documents.ts';
import { at, record, stringEntries } from './shared/package-json.ts';
import { iniSettings, namedFiles } from './shared/npmrc.ts';
import { findProject, packageJsonWorkspaces, type Project } from './shared/project.ts';
import { installsProject, isTrouble, tool, unknown, unresolvedVariable } from './shared/steps.ts';

const OPTIONS = optionTable(
  '--registry --cache-dir --backend --concurrent-scripts --network-concurrency --omit --linker --cpu --os --ca',
  '--cwd --filter --config -c --cafile',
);
const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'];
const VERBS = new Set(['install', 'i', 'ci', 'add', 'a']);
const LOCKS = ['bun.lock', 'bun.lockb'];
/** Source: https://bun.sh/docs/runtime/env */
const ENVIRONMENTS = [
  '',
  '.local',
  ...['production', 'development', 'test'].flatMap((mode) => [`.${mode}`, `.${mode}.local`]),
].map((end) => `.env${end}`);
const NAME = programPattern('bun');

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb, ...rest] = args.positional;
  if (verb === undefined) return undefined;
  const base = { manager: 'bun', command, place, directory: directoryFrom(args, ['--cwd'], place) };
  if (VERBS.has(verb)) {
    if (!has(args, '-g', '--global')) return { ...base, kind: 'install' };
    const isBare = args.unresolved === undefined && rest.length === 0;
    return { ...base, kind: isBare || namesLocalPackage(command, rest) ? 'install' : 'tool' };
  }
  const lifecycle = verb === 'run' && rest.length === 1 && LIFECYCLE.includes(rest[0] as string);
  return lifecycle && args.unresolved === undefined ? { ...base, kind: 'script' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  if (install.kind === 'tool') return tool(install);
  const prefix = prefixOf(install.command, NAME);
  if (install.kind === 'script')
    return analyseScript(install, files, prefix, args.positional[1] ?? '', has(args, '--if-present'));
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  if (has(args, '-g', '--global')) return unknown(install, installsProject(install));
  const [verb = '', ...added] = args.positional;
  const folder = added.find((each) => isLocalPackage(each) && !/\.(?:tgz|tar\.gz)$/.test(each));
  if (folder !== undefined)
    return unknown(install, installsProject(install, `\`${folder}\`, a directory of the project`));
  const project = findProject(files, install.directory, packageJsonWorkspaces);
  if (isTrouble(project)) return unknown(install, project);
  const { root } = project;
  const silent = has(args, '--ignore-scripts');
  const forced = has(args, '--force', '-f');
  const own = LOCKS.some((name) => files.has(at(root, name)) === 'yes');
  const kept = verb === 'ci' || has(args, '--frozen-lockfile', '--no-save');
  return analyseNode(install, files, project, {
    name: `${prefix}bun ${[verb === 'i' ? 'install' : verb, ...added, optionText(args, ['--ignore-scripts', '--force', '-f'])].join(' ')}`.trim(),
    prefix,
    rootFiles: [
      ...LOCKS,
      ...(own ? [] : ['package-lock.json', 'yarn.lock', 'pnpm-lock.yaml']),
      'bunfig.toml',
      '.npmrc',
    ],
    after: silent ? [] : LIFECYCLE,
    memberScripts: silent ? [] : ['preinstall', 'install', 'postinstall', 'prepare'],
    builds: !silent,
    compiles: silent ? 'nobody' : 'root',
    settings: (view, { manifest }) => {
      const named = settingsReads(install, view, root);
      return isTrouble(named)
        ? named
        : [
            ...named,
            ...stringEntries(manifest.json['patchedDependencies']).map(([, path]) => ({
              path: resolvePath(root, path),
            })),
            ...localReads(install.directory, added),
          ];
    },
    packed: new Set(['file']),
    // Over what this build has installed, --force lays everything out again [V].
    converges: forced && madeHere(files, at(root, 'node_modules')),
    edits:
      added.length > 0
        ? ['package.json', ...LOCKS]
        : kept
          ? []
          : files.has(at(root, 'bun.lockb')) === 'yes'
            ? ['bun.lockb']
            : ['bun.lock'],
    frozen: frozen(
      files,
      project,
      'bun',
      'bun.lock',
      added.length === 0 && !kept ? `${install.command.text} --frozen-lockfile` : undefined,
    ),
    splits: (found, pending) => (added.length > 0 || forced || !own ? [] : splits(install, found, pending)),
  });
}

/** What `[install]` of bunfig.toml and .npmrc name. Source: https://bun.sh/docs/runtime/bunfig */
function settingsReads(install: Install, files: Files, root: string): readonly Read[] | Trouble {
  const toml = optionalDocument(files, at(root, 'bunfig.toml'), 'toml');
  if (toml !== undefined && isTrouble(toml)) return toml;
  const found = namedFiles(files, install.place, at(root, 'bunfig.toml'), stringEntries(record(toml)['install']), [
    root,
  ]);
  if (isTrouble(found)) return found;
  const path = at(root, '.npmrc');
  const named = namedFiles(files, install.place, path, iniSettings(files.read(path)), [root]);
  if (isTrouble(named)) return named;
  // Variables in either come from .env files, too [V: 1.4].
  const refers = [path, at(root, 'bunfig.toml')].some((each) => /\$\{?\w/.test(files.read(each) ?? ''));
  const variables = ENVIRONMENTS.map((name) => at(install.directory, name)).filter((each) => files.has(each) !== 'no');
  return [...found, ...named, ...(refers ? variables.map((each) => ({ path: each })) : [])];
}

/** `--ignore-scripts`, COPY, the install again with `--force`; without that the dependencies' scripts never run [V]. */
function splits(install: Install, project: Project, pending: Pending): readonly Split[] {
  if (pending.packs || install.directory !== project.root || install.command.redirects.length > 0) return [];
  const { text } = install.command;
  return [{ before: `${text} --ignore-scripts`, after: `${text} --force`, why: pending.why }];
}

export const bun: PackageManager = {
  name: 'bun',
  summary: 'bun install, bun ci',
  commands: ['bun'],
  manifests: ['package.json', 'bun.lock'],
  globs: ['package.json', 'bun.lock*'],
  recognise,
  analyse,
  caches: [{ path: '~/.bun/install/cache', class: 'download', variable: 'BUN_INSTALL_CACHE_DIR' }],
};
