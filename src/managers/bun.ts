/**
 * bun 1. Spec section 16.
 *
 * Reads: package.json, bun.lock or bun.lockb, foreign lockfiles without those, bunfig.toml, .npmrc, workspaces, patches;
 * a `file:` directory in full. Runs the root's scripts like npm.
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { packageJsonWorkspaces } from './npm.ts';
import { directoryFrom, has, parseArguments } from './shared/arguments.ts';
import { analyseNode, analyseScript } from './shared/node.ts';
import { at, record } from './shared/package-json.ts';
import { tool, unknown } from './shared/steps.ts';

const VALUED = new Set(
  '--cwd --registry --cache-dir --backend --concurrent-scripts --network-concurrency --filter --omit --config -c --linker'.split(
    ' ',
  ),
);
const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, VALUED);
  const [verb, ...rest] = args.positional;
  const base = { manager: 'bun', command, place, directory: directoryFrom(args, ['--cwd'], place) };
  if (verb === 'install' || verb === 'i' || verb === 'ci' || verb === 'add' || verb === 'a') {
    if (has(args, '-g', '--global'))
      return {
        ...base,
        kind: rest.some((each) => /^\.{0,2}(?:\/|$)/.test(each)) || rest.length === 0 ? 'install' : 'tool',
      };
    return { ...base, kind: 'install' };
  }
  if (verb === 'run' && rest.length === 1 && LIFECYCLE.includes(rest[0] as string)) return { ...base, kind: 'script' };
  return undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, VALUED);
  if (install.kind === 'tool') return tool(install);
  if (install.kind === 'script')
    return analyseScript(install, files, args.positional[1] ?? '', has(args, '--if-present'));
  if (args.dynamic)
    return unknown(install, 'unresolved-variable', `\`${install.command.text}\` uses a variable that is not constant`);
  if (has(args, '-g', '--global'))
    return unknown(install, 'local-dependency-builds', `\`${install.command.text}\` installs the project itself`);
  const [verb = '', ...added] = args.positional;
  if (added.some((each) => /^\.{0,2}\/|^file:/.test(each)))
    return unknown(install, 'local-dependency-builds', `\`${install.command.text}\` installs files of the project`);
  const silent = has(args, '--ignore-scripts');
  const frozen = verb === 'ci' || has(args, '--frozen-lockfile');
  const options = [...args.options].filter(([name]) => !/^--(?:cwd|no-progress|silent|verbose|no-summary)$/.test(name));
  const locks = ['bun.lock', 'bun.lockb'];
  const foreign = locks.every((name) => files.has(at(install.directory, name)) === 'no')
    ? ['package-lock.json', 'yarn.lock', 'pnpm-lock.yaml']
    : [];
  return analyseNode(install, files, {
    stepName:
      `bun install ${[...options.map(([name, value]) => `${name}=${String(value)}`), ...added].sort().join(' ')}`.trim(),
    rootFiles: [...locks, ...foreign, 'bunfig.toml', '.npmrc'],
    memberFiles: [],
    workspaces: packageJsonWorkspaces,
    scriptsBefore: silent ? [] : ['preinstall'],
    scriptsAfter: silent ? [] : LIFECYCLE.slice(1),
    memberScripts: silent ? [] : ['preinstall', 'install', 'postinstall', 'prepare'],
    packed: new Set(['file']),
    edits: added.length > 0 ? ['package.json', ...locks] : frozen ? [] : ['bun.lock'],
    outputs: [],
    extraReads: (_view, { root, manifest }): Read[] =>
      Object.values(record(manifest.json['patchedDependencies']))
        .filter((each): each is string => typeof each === 'string')
        .map((path) => ({ path: resolvePath(root, path) })),
    splits: () => [],
  });
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
