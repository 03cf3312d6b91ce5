/**
 * Yarn berry (2-4). Spec section 4.
 *
 * Reads: package.json, yarn.lock, .yarnrc.yml, all workspace manifests, the yarnPath file, plugins, patches, a committed
 * .yarn/cache, .env.yarn. Workspaces, the root among them, run preinstall, install and postinstall, not prepare.
 */
import type { Analysis, Files, Install, PackageManager, Read, Trouble } from '../model.ts';
import { parse as parseYaml } from 'yaml';
import { resolvePath } from '../dockerfile/state.ts';
import { packageJsonWorkspaces } from './npm.ts';
import { has, type Arguments } from './shared/arguments.ts';
import { analyseNode, findProject, type Project } from './shared/node.ts';
import { at, isTrouble, record } from './shared/package-json.ts';
import { unknown } from './shared/steps.ts';

const LIFECYCLE = ['preinstall', 'install', 'postinstall'];

/** Which Yarn a `yarn` command is: by `packageManager`, .yarnrc.yml, the lockfile's header, or berry's own options. */
export function isBerry(install: Install, files: Files, args: Arguments): boolean {
  if (has(args, '--immutable', '--immutable-cache', '--check-cache', '--mode') || args.positional[0] === 'workspaces')
    return true;
  const project = findProject(files, install.directory, packageJsonWorkspaces);
  const root = isTrouble(project) ? install.directory : project.root;
  const declared = isTrouble(project) ? undefined : project.manifest.json['packageManager'];
  if (typeof declared === 'string' && declared.startsWith('yarn@')) return !declared.startsWith('yarn@1.');
  return (
    files.has(at(root, '.yarnrc.yml')) === 'yes' ||
    /^__metadata:/m.test(files.read(at(root, 'yarn.lock'))?.slice(0, 2_000) ?? '')
  );
}

export function analyseBerry(install: Install, files: Files, args: Arguments): Analysis {
  if (args.positional[0] === 'add')
    return unknown(install, 'mutating-install', `\`${install.command.text}\` changes package.json and the lockfile`);
  const project = findProject(files, install.directory, packageJsonWorkspaces);
  if (isTrouble(project)) return unknown(install, project.code, project.message, project.help);
  const settings = readSettings(files, project.root);
  if (isTrouble(settings)) return unknown(install, settings.code, settings.message, settings.help);
  const plugAndPlay = settings['nodeLinker'] === undefined || settings['nodeLinker'] === 'pnp';
  if (plugAndPlay && files.has(at(project.root, '.pnp.cjs')) === 'yes')
    return unknown(
      install,
      'output-tracked-in-context',
      '`.pnp.cjs` is committed (zero-install), and the late copy would restore it over the install',
      'nothing to gain: a zero-install needs no download',
    );
  const skips = args.options.get('--mode') === 'skip-build';
  const options = [...args.options].filter(
    ([name]) => !/^--(?:mode|cwd|immutable|immutable-cache|check-cache|inline-builds|frozen-lockfile)$/.test(name),
  );
  const focus = args.positional[0] === 'workspaces' ? ` ${args.positional.join(' ')}` : '';
  return analyseNode(install, files, {
    stepName: `yarn berry install${focus} ${options
      .map(([name, value]) => `${name}=${String(value)}`)
      .sort()
      .join(' ')}${skips ? ' skip-build' : ''}`.trim(),
    rootFiles: ['yarn.lock', '.yarnrc.yml', '.npmrc', '.env.yarn'],
    memberFiles: [],
    workspaces: packageJsonWorkspaces,
    scriptsBefore: [],
    scriptsAfter: skips ? [] : LIFECYCLE,
    memberScripts: skips ? [] : LIFECYCLE,
    packed: new Set(['file']),
    edits: has(args, '--immutable', '--frozen-lockfile') ? [] : ['yarn.lock'],
    outputs: plugAndPlay ? ['.pnp.cjs', '.pnp.loader.mjs', '.yarn/unplugged', '.yarn/install-state.gz'] : [],
    extraReads: (view, found) => settingsReads(view, found, settings),
    // `--mode=skip-build` and the install again is verified for what it installs, but the second run's own
    // result cannot be told from the first's on symbols.
    splits: () => [],
  });
}

function readSettings(files: Files, root: string): Readonly<Record<string, unknown>> | Trouble {
  const path = at(root, '.yarnrc.yml');
  if (files.has(path) === 'no') return {};
  const text = files.read(path);
  if (text === undefined) return { code: 'manifest-generated', message: `the content of \`${path}\` is not known` };
  try {
    return record(parseYaml(text, { maxAliasCount: 50 }));
  } catch {
    return { code: 'dynamic-manifest', message: `\`${path}\` is not valid YAML` };
  }
}

function settingsReads(
  files: Files,
  { root, manifest }: Project,
  settings: Readonly<Record<string, unknown>>,
): readonly Read[] | Trouble {
  const reads: Read[] = [];
  if (typeof settings['yarnPath'] === 'string') reads.push({ path: resolvePath(root, settings['yarnPath']) });
  for (const plugin of Array.isArray(settings['plugins']) ? settings['plugins'] : []) {
    const path = typeof plugin === 'string' ? plugin : record(plugin)['path'];
    if (typeof path === 'string') reads.push({ path: resolvePath(root, path) });
  }
  if (settings['enableConstraintsChecks'] === true)
    return {
      code: 'lifecycle-script-reads-source',
      message: 'yarn.config.cjs is run by the install (`enableConstraintsChecks`)',
    };
  const resolutions = JSON.stringify(manifest.json['resolutions'] ?? {});
  const lock = files.read(at(root, 'yarn.lock')) ?? '';
  // Patches are named in the lockfile, wherever they are declared.
  for (const match of `${lock}\n${resolutions}`.matchAll(/patch:[^"#\s]*#(?:~\/|\.\/)?([^":&!\s]+\.patch)/g))
    reads.push({ path: resolvePath(root, decodeURIComponent(match[1] as string)) });
  if (files.has(at(root, '.yarn/cache')) === 'yes') reads.push({ path: at(root, '.yarn/cache'), tree: true });
  return reads;
}

export const yarnBerry: PackageManager = {
  name: 'yarn-berry',
  summary: 'Yarn 2 and later: yarn install, yarn workspaces focus',
  // Its commands are `yarn` too: yarn.ts recognises them and asks isBerry.
  commands: [],
  manifests: ['package.json', 'yarn.lock'],
  globs: ['package.json', 'yarn.lock*', '.yarnrc.yml*'],
  recognise: () => undefined,
  analyse: (install) => unknown(install, 'dynamic-manifest', 'not a command of its own'),
  caches: [{ path: '~/.yarn/berry/cache', class: 'download', variable: 'YARN_CACHE_FOLDER' }],
};
