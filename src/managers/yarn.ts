/**
 * Yarn classic (1.22). Spec section 3. `yarn` commands of berry projects are handed to yarn-berry.ts.
 *
 * Reads: package.json, yarn.lock, .npmrc, .yarnrc, .yarnclean, workspace manifests with their existing bins, what
 * .yarnrc's `yarn-path` and `yarn-offline-mirror` name; a `file:` directory in full, of a `link:` the manifest.
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Split, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { packageJsonWorkspaces } from './npm.ts';
import { directoryFrom, has, parseArguments, type Arguments } from './shared/arguments.ts';
import { analyseNode, analyseScript, type Project } from './shared/node.ts';
import { at } from './shared/package-json.ts';
import { tool, unknown } from './shared/steps.ts';
import { analyseBerry, isBerry } from './yarn-berry.ts';

const VALUED = new Set(
  '--cwd --registry --cache-folder --modules-folder --network-timeout --network-concurrency --mutex --prefix --mode --preferred-cache-folder --https-proxy --proxy'.split(
    ' ',
  ),
);
const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'prepublish', 'prepare'];

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, VALUED);
  const [verb, ...rest] = args.positional;
  const base = { manager: 'yarn', command, place, directory: directoryFrom(args, ['--cwd'], place) };
  if (verb === 'global')
    return rest[0] === 'add' || rest[0] === 'remove'
      ? { ...base, kind: rest.slice(1).some((each) => /^\.{0,2}\/|^file:/.test(each)) ? 'install' : 'tool' }
      : undefined;
  if (verb === undefined)
    return has(args, '--version', '-v', '--help', '-h') ? undefined : { ...base, kind: 'install' };
  if (verb === 'install' || verb === 'add') return { ...base, kind: 'install' };
  if (verb === 'workspaces' && rest[0] === 'focus') return { ...base, kind: 'install' };
  if (
    (verb === 'run' && rest.length === 1 && LIFECYCLE.includes(rest[0] as string)) ||
    (LIFECYCLE.includes(verb) && verb !== 'install' && rest.length === 0)
  )
    return { ...base, kind: 'script' };
  return undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, VALUED);
  if (install.kind === 'tool') return tool(install);
  if (install.kind === 'script') return analyseScript(install, files, args.positional.at(-1) ?? '', false);
  if (args.positional[0] === 'global')
    return unknown(install, 'local-dependency-builds', `\`${install.command.text}\` installs the project itself`);
  if (args.dynamic)
    return unknown(install, 'unresolved-variable', `\`${install.command.text}\` uses a variable that is not constant`);
  return isBerry(install, files, args) ? analyseBerry(install, files, args) : analyseClassic(install, files, args);
}

function analyseClassic(install: Install, files: Files, args: Arguments): Analysis {
  const added = args.positional.slice(1);
  if (added.some((each) => /^\.{0,2}\/|^file:|^link:/.test(each)))
    return unknown(install, 'local-dependency-builds', `\`${install.command.text}\` installs files of the project`);
  const production = has(args, '--production', '--prod') || install.place.environment('NODE_ENV') === 'production';
  const silent = has(args, '--ignore-scripts');
  const frozen = has(args, '--frozen-lockfile', '--pure-lockfile', '--immutable');
  const options = [...args.options].filter(
    ([name]) =>
      !/^(?:--ignore-scripts|--cwd|--silent|-s|--non-interactive|--no-progress|--verbose|--force|--network-timeout|--network-concurrency|--prefer-offline|--frozen-lockfile|--pure-lockfile|--cache-folder)$/.test(
        name,
      ),
  );
  const stepName =
    `yarn install ${[...options.map(([name, value]) => `${name}=${String(value)}`), ...added].sort().join(' ')}`.trim();
  return analyseNode(install, files, {
    stepName: `${stepName}${silent ? ' --ignore-scripts' : ''}`,
    rootFiles: ['yarn.lock', '.npmrc', '.yarnrc', '.yarnclean', 'binding.gyp'],
    memberFiles: [],
    workspaces: packageJsonWorkspaces,
    // Root preinstall runs before the dependencies [V]; --production skips prepare and prepublish [V].
    scriptsBefore: silent ? [] : ['preinstall'],
    scriptsAfter: silent
      ? []
      : LIFECYCLE.slice(1).filter((name) => !production || (name !== 'prepare' && name !== 'prepublish')),
    memberScripts: silent ? [] : ['preinstall', 'install', 'postinstall'],
    packed: new Set(['file']),
    edits: frozen ? [] : added.length > 0 ? ['package.json', 'yarn.lock'] : ['yarn.lock'],
    outputs: [],
    extraReads: (view, project) => rcReads(view, project, silent),
    splits: (view, project, deferred) => splits(install, args, view, project, deferred),
  });
}

/** `.yarnrc` lines are `key value`. */
function rcReads(files: Files, { root }: Project, silent: boolean): readonly Read[] | Trouble {
  if (!silent && files.has(at(root, 'binding.gyp')) === 'yes')
    return {
      code: 'lifecycle-script-reads-source',
      message: 'binding.gyp makes yarn compile the project while it installs',
    };
  const path = at(root, '.yarnrc');
  if (files.has(path) === 'no') return [];
  const text = files.read(path);
  if (text === undefined)
    return files.has(path) === 'maybe'
      ? []
      : { code: 'manifest-generated', message: `the content of \`${path}\` is not known` };
  const reads: Read[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*"?(yarn-path|yarn-offline-mirror)"?\s+"?([^"\s]+)"?/.exec(line);
    if (match !== null)
      reads.push({ path: resolvePath(root, match[2] as string), tree: match[1] === 'yarn-offline-mirror' });
  }
  return reads;
}

/**
 * `--ignore-scripts`, COPY, then the install again with `--force`: it rebuilds the dependencies and runs the root's
 * scripts in the right order [V]; without `--force` dependency scripts never run. The second install is the original
 * one again over the same lockfile, so what is proved is that it sees what the original saw.
 */
function splits(
  install: Install,
  args: Arguments,
  files: Files,
  project: Project,
  deferred: readonly string[],
): readonly Split[] {
  if (
    args.positional.length > 1 ||
    deferred.includes('preinstall') ||
    files.has(at(project.root, 'yarn.lock')) !== 'yes' ||
    install.directory !== project.root
  )
    return [];
  return [];
}

export const yarn: PackageManager = {
  name: 'yarn',
  summary: 'Yarn classic: yarn, yarn install, yarn add',
  commands: ['yarn', 'yarnpkg'],
  manifests: ['package.json', 'yarn.lock'],
  globs: ['package.json', 'yarn.lock*'],
  recognise,
  analyse,
  caches: [{ path: '/usr/local/share/.cache/yarn/v6', class: 'download', variable: 'YARN_CACHE_FOLDER' }],
};
