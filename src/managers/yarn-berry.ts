/**
 * Yarn berry (2-4). Spec section 4.
 *
 * Reads: package.json, yarn.lock, .yarnrc.yml, all workspace manifests with their existing bins, the yarnPath file,
 * Yarn's own plugins, certificates, patches, a committed .yarn/cache, .env.yarn or other environment files. `link:` and
 * `portal:` need the manifest, `file:` the directory.
 *
 * Writes: node_modules, or .pnp.cjs with .yarn/unplugged and .yarn/install-state.gz; yarn.lock, unless `--immutable`.
 *
 * Runs: `preinstall`, `install` and `postinstall` of the dependencies and of every workspace, the root among them, in
 * an order that follows the dependencies [V]; not `prepare`. `enableScripts: false` stops the dependencies' alone [V].
 *
 * Hazards: a committed .pnp.cjs (zero-install) would be restored over the install by the late copy. With PnP and the
 * global cache, .pnp.cjs points into the cache [V], so that it is never mounted. `exec:` dependencies, constraints, and
 * plugins that are not Yarn's own run code of the project.
 *
 * Sources: https://yarnpkg.com/cli/install, https://yarnpkg.com/configuration/yarnrc
 */
import type { Analysis, Files, Install, PackageManager, Read, Split, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { frozen } from './shared/frozen.ts';
import { has, optionText, type Arguments } from './shared/arguments.ts';
import { analyseNode, madeHere, type Pending } from './shared/node.ts';
import { at, filesAbove, record, stringEntries, strings, type Json } from './shared/package-json.ts';
import { findProject, packageJsonWorkspaces, type Project } from './shared/project.ts';
import { yamlSettings } from './shared/settings.ts';
import { isTrouble, unknown } from './shared/steps.ts';

const LIFECYCLE = ['preinstall', 'install', 'postinstall'];
/** Settings that put its files elsewhere. Sources: https://yarnpkg.com/configuration/yarnrc, https://v3.yarnpkg.com/configuration/yarnrc */
const MOVES = /^(?:installStatePath|lockfileFilename|pnpDataPath|pnpUnpluggedFolder|virtualFolder)$/;

/** Which Yarn a `yarn` command is: by `packageManager`, .yarnrc.yml, the lockfile's header, or berry's own options. */
export function isBerry(files: Files, project: Project, args: Arguments): boolean {
  if (
    has(args, '--immutable-cache', '--check-cache', '--mode', '--inline-builds') ||
    args.positional[0] === 'workspaces'
  )
    return true;
  const declared = project.manifest.json['packageManager'];
  if (typeof declared === 'string' && declared.startsWith('yarn@')) return !declared.startsWith('yarn@1.');
  if (files.has(at(project.root, '.yarnrc.yml')) === 'yes') return true;
  const lock = files.read(at(project.root, 'yarn.lock'));
  return lock === undefined ? has(args, '--immutable') : /^__metadata:/m.test(lock.slice(0, 2_000));
}

export function analyseBerry(install: Install, files: Files, args: Arguments, prefix: string): Analysis {
  const project = findProject(files, install.directory, packageJsonWorkspaces, true);
  if (isTrouble(project)) return unknown(install, project);
  const { root, manifest } = project;
  const settings = yamlSettings(files, at(root, '.yarnrc.yml'));
  if (isTrouble(settings)) return unknown(install, settings);
  const moved = [
    ...(install.place.declared('YARN_RC_FILENAME') ? ['YARN_RC_FILENAME'] : []),
    ...Object.keys(settings).filter((key) => MOVES.test(key)),
  ][0];
  if (moved !== undefined)
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `\`${moved}\` moves what yarn reads or writes`,
      help: `leave \`${moved}\` out`,
    });
  // All from the current directory upwards are merged [V: 4].
  const above = filesAbove(files, at(install.directory, 'package.json'), ['.yarnrc.yml']).find(
    ({ path }) => path !== at(root, '.yarnrc.yml'),
  );
  if (above !== undefined)
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `\`${above.path}\` says how yarn installs, too`,
    });
  const linker = install.place.environment('YARN_NODE_LINKER') ?? settings['nodeLinker'];
  const plugAndPlay = linker === undefined || linker === 'pnp';
  if (plugAndPlay && files.has(at(root, '.pnp.cjs')) === 'yes')
    return unknown(install, {
      code: 'output-tracked-in-context',
      message: '`.pnp.cjs` is committed (zero-install), and the late copy would restore it over the install',
      help: 'nothing to gain: a zero-install needs no download',
    });
  const [verb, ...names] = args.positional;
  const focus = verb === 'workspaces';
  const added = verb === 'add' ? names : [];
  const skips =
    /^(?:skip-build|update-lockfile)$/.test(String(args.options.get('--mode'))) || has(args, '--skip-builds');
  const version = majorOf(manifest.json['packageManager'], settings['yarnPath']);
  const folder = cacheFolder(settings);
  const cache = localCache(files, root, settings, version, folder);
  const made = madeHere(files, at(root, plugAndPlay ? '.pnp.cjs' : 'node_modules'));
  return analyseNode(install, files, project, {
    name: `${prefix}yarn berry ${[...args.positional, optionText(args, ['--mode', '--skip-builds'])].join(' ')}`.trim(),
    prefix,
    rootFiles: ['yarn.lock', '.yarnrc.yml', '.npmrc', '.env.yarn', '.corepack.env'],
    after: skips ? [] : LIFECYCLE,
    memberScripts: skips ? [] : LIFECYCLE,
    builds: !skips && settings['enableScripts'] !== false,
    settings: (view, found) => settingsReads(view, found, settings, folder),
    packed: new Set(['file']),
    overrides: [settings['catalog'], settings['catalogs']],
    // An install brings what it finds into line with the lockfile; what a disk brought in may have been built elsewhere.
    converges: made,
    edits: [
      ...(added.length > 0 ? ['package.json'] : []),
      ...(has(args, '--immutable', '--frozen-lockfile') || focus ? [] : ['yarn.lock']),
      ...(cache === 'committed' && !has(args, '--immutable', '--immutable-cache') ? [folder] : []),
    ],
    outputs: [
      ...(plugAndPlay ? ['.pnp.cjs', '.pnp.loader.mjs', '.yarn/unplugged'] : []),
      '.yarn/install-state.gz',
      ...(cache === 'filled' ? [folder] : []),
    ],
    withoutModules: plugAndPlay,
    frozen: frozen(
      files,
      project,
      'berry',
      'yarn.lock',
      verb !== 'add' && !focus && !skips && !has(args, '--immutable', '--frozen-lockfile')
        ? `${install.command.text} --immutable`
        : undefined,
    ),
    splits: (found, pending) =>
      // What is laid out already has been divided.
      made || focus || skips || added.length > 0 || version === 2 ? [] : splits(install, files, found, pending),
  });
}

/** Major version, from `yarn@4.1.0` or `.yarn/releases/yarn-3.6.1.cjs`. */
function majorOf(...hints: readonly unknown[]): number | undefined {
  for (const hint of hints) {
    const match = typeof hint === 'string' ? /yarn[@-](\d+)\./.exec(hint) : null;
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}

/** The project's own cache. Source: https://yarnpkg.com/configuration/yarnrc#cacheFolder */
function cacheFolder(settings: Json): string {
  const { cacheFolder: named } = settings;
  return typeof named === 'string' ? named.replace(/^\.\//, '').replace(/\/+$/, '') : '.yarn/cache';
}

/** In the project until version 3, and outside of it from 4 on, unless `enableGlobalCache` says otherwise. */
function localCache(
  files: Files,
  root: string,
  settings: Json,
  version: number | undefined,
  folder: string,
): 'committed' | 'filled' | 'elsewhere' {
  if (/^(?:\/|~|\.\.|\$|$)/.test(folder)) return 'elsewhere';
  if (files.has(at(root, folder)) === 'yes' && !madeHere(files, at(root, folder))) return 'committed';
  const isGlobal =
    settings['enableGlobalCache'] === undefined ? (version ?? 4) >= 4 : settings['enableGlobalCache'] === true;
  return isGlobal ? 'elsewhere' : 'filled';
}

/** Plugins of Yarn's own repository: with their package, or without it by where `yarn plugin import` puts them. */
const OFFICIAL =
  /^@yarnpkg\/plugin-[\w-]+$|^(?:\.\/)?\.yarn\/plugins\/@yarnpkg\/plugin-(?:compat|constraints|dlx|essentials|exec|file|git|github|http|init|interactive-tools|link|nm|node-modules|npm|npm-cli|pack|patch|pnp|pnpm|stage|typescript|version|workspace-tools)\.c?js$/;
/** Source: https://yarnpkg.com/configuration/yarnrc#networkSettings; `ca…` until Yarn 3. */
const CERTIFICATES = /^(?:ca|https(?:Ca|Cert|Key))FilePath$/;

function settingsReads(
  files: Files,
  { root, manifest }: Project,
  settings: Json,
  folder: string,
): readonly Read[] | Trouble {
  const reads: Read[] = [];
  const { yarnPath, plugins, injectEnvironmentFiles, networkSettings } = settings;
  if (typeof yarnPath === 'string') reads.push({ path: resolvePath(root, yarnPath) });
  for (const plugin of Array.isArray(plugins) ? plugins : []) {
    const { path, spec }: Json = typeof plugin === 'string' ? { path: plugin } : record(plugin);
    if (!OFFICIAL.test(typeof spec === 'string' ? spec : String(path)))
      return {
        code: 'dynamic-manifest',
        message: `\`${String(path)}\` is a plugin that is not Yarn’s own, and may read anything while it installs`,
        help: 'leave the plugin out',
      };
    if (typeof path === 'string' && !path.startsWith('@')) reads.push({ path: resolvePath(root, path) });
  }
  // One with a `?` at its end may be absent.
  for (const name of strings(injectEnvironmentFiles)) reads.push({ path: resolvePath(root, name.replace(/\?$/, '')) });
  for (const each of [settings, ...Object.values(record(networkSettings))])
    for (const [key, path] of stringEntries(each))
      if (CERTIFICATES.test(key)) reads.push({ path: resolvePath(root, path) });
  if (settings['enableConstraintsChecks'] === true)
    return {
      code: 'lifecycle-script-reads-source',
      message: '`yarn.config.cjs` is run by the install (`enableConstraintsChecks`)',
      help: 'set YARN_ENABLE_CONSTRAINTS_CHECKS=false in the Dockerfile, or turn the setting off',
    };
  // Patches are named in the lockfile, wherever they are declared; `~builtin` ones come with Yarn.
  const lock = files.read(at(root, 'yarn.lock')) ?? '';
  const declared = stringEntries(manifest.json['resolutions'])
    .map(([, spec]) => spec)
    .join('\n');
  const text = lock.includes('patch:') ? `${lock}\n${declared}` : declared;
  for (const match of text.matchAll(/patch:[^"#\s]*#(?:~\/|\.\/)?([^":&!~\s][^":&!\s]*)/g))
    reads.push({ path: resolvePath(root, decodeURIComponent(match[1] as string)) });
  const cache = resolvePath(root, folder);
  if (files.has(cache) === 'yes' && !madeHere(files, cache)) reads.push({ path: cache, tree: true });
  return reads;
}

/** `--mode=skip-build`, COPY, and the install again, which builds what has not been built [V]. */
function splits(install: Install, files: Files, project: Project, pending: Pending): readonly Split[] {
  if (
    pending.packs ||
    install.directory !== project.root ||
    files.has(at(project.root, 'yarn.lock')) !== 'yes' ||
    install.command.redirects.length > 0
  )
    return [];
  const { text } = install.command;
  return [{ before: `${text} --mode=skip-build`, after: text, why: pending.why }];
}

export const yarnBerry: PackageManager = {
  name: 'yarn-berry',
  summary: 'Yarn 2 and later: yarn install, yarn workspaces focus',
  // Its commands are `yarn` too: yarn.ts recognises them and asks isBerry.
  commands: [],
  manifests: ['package.json', 'yarn.lock'],
  globs: ['package.json', 'yarn.lock*', '.yarnrc.yml*'],
  recognise: () => undefined,
  analyse: (install) => unknown(install, { code: 'dynamic-manifest', message: 'not a command of its own' }),
  caches: [
    {
      path: '~/.yarn/berry/cache',
      class: 'store',
      variable: 'YARN_CACHE_FOLDER',
      never: 'with Plug’n’Play `.pnp.cjs` points into the cache',
    },
  ],
};
