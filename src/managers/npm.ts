/**
 * npm 6-12. Spec section 1.
 *
 * Reads: package.json, npm-shrinkwrap.json, package-lock.json, yarn.lock without those, the root .npmrc, every
 * workspace and linked manifest with its existing bins, binding.gyp. Runs the root lifecycle scripts.
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Split } from '../model.ts';
import { has, directoryFrom, parseArguments, type Arguments } from './shared/arguments.ts';
import { analyseNode, analyseScript, findProject, type NodeRules, type Project } from './shared/node.ts';
import { at, isTrouble, readManifest, record, scripts, strings, type Manifest } from './shared/package-json.ts';
import { tool, unknown } from './shared/steps.ts';

const INSTALL = new Set('install i in ins inst insta instal isnt isnta isntal isntall add'.split(' '));
const CLEAN = new Set('ci clean-install ic install-clean isntall-clean'.split(' '));
const RUN = new Set(['run', 'run-script', 'rum', 'urn']);
const VALUED = new Set(
  '--prefix -C --registry --cache --omit --include --only --loglevel --location --userconfig --globalconfig --fetch-timeout --fetch-retries --network-timeout --maxsockets --cpu --os --libc -w --workspace --install-strategy --before --tag --unsafe-perm'.split(
    ' ',
  ),
);
/** In the order in which npm 8-11 run them: root preinstall comes after the dependencies [V]. */
export const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
const MEMBER_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, VALUED);
  const [verb, ...rest] = args.positional;
  const directory = directoryFrom(args, ['--prefix', '-C'], place);
  const base = { manager: 'npm', command, place, directory };
  if (verb === undefined || args.dynamic)
    return verb !== undefined && (INSTALL.has(verb) || CLEAN.has(verb)) && !isGlobal(args)
      ? { ...base, kind: 'install' }
      : undefined;
  if (isGlobal(args)) {
    if (!INSTALL.has(verb) && verb !== 'update' && verb !== 'uninstall' && verb !== 'remove' && verb !== 'rm')
      return undefined;
    // `npm i -g .` links the directory [V].
    return rest.length > 0 && rest.every((each) => !/^\.{0,2}(?:\/|$)|\.tgz$/.test(each))
      ? { ...base, kind: 'tool' }
      : { ...base, kind: 'install' };
  }
  if (INSTALL.has(verb) || CLEAN.has(verb)) return { ...base, kind: 'install' };
  if (verb === 'pkg' && rest[0] === 'delete' && rest.slice(1).every((each) => each.startsWith('scripts.')))
    return { ...base, kind: 'script' };
  if (RUN.has(verb) && rest.length === 1 && LIFECYCLE.includes(rest[0] as string)) return { ...base, kind: 'script' };
  return undefined;
}

function isGlobal(args: Arguments): boolean {
  return has(args, '-g', '--global') || args.options.get('--location') === 'global';
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, VALUED);
  const [verb = '', ...rest] = args.positional;
  if (install.kind === 'tool') return tool(install);
  if (verb === 'pkg')
    return deleteScripts(
      install,
      files,
      rest.slice(1).map((each) => each.slice('scripts.'.length)),
    );
  if (install.kind === 'script') return analyseScript(install, files, rest[0] ?? '', has(args, '--if-present'));
  if (args.dynamic)
    return unknown(install, 'unresolved-variable', `\`${install.command.text}\` uses a variable that is not constant`);
  if (isGlobal(args))
    return unknown(install, 'local-dependency-builds', `\`${install.command.text}\` installs the project itself`);
  const clean = CLEAN.has(verb);
  const names = rest.filter((each) => each !== '.');
  if (names.some((each) => /^\.{0,2}\/|\.tgz$|^file:/.test(each)))
    return unknown(install, 'local-dependency-builds', `\`${install.command.text}\` installs files of the project`);
  if (
    clean &&
    ['package-lock.json', 'npm-shrinkwrap.json'].every(
      (name) => files.has(at(lockRoot(files, install.directory), name)) === 'no',
    )
  )
    return unknown(
      install,
      'manifest-missing',
      `\`${install.command.text}\` needs a package-lock.json, and there is none where it runs`,
      'pass the right --context, or check .dockerignore',
    );
  const silent = has(args, '--ignore-scripts');
  const lock = lockfile(files, install.directory);
  const options = [...args.options].filter(
    ([name]) =>
      !/^(?:--ignore-scripts|--prefix|-C|--no-audit|--no-fund|--audit|--fund|--loglevel|--no-progress|--progress|--silent|--quiet|--verbose|-s|-q|-d)$/.test(
        name,
      ),
  );
  const stepName =
    `npm ${clean ? 'ci' : 'install'} ${[...options.map(([name, value]) => `${name}=${String(value)}`), ...names].sort().join(' ')}${silent && lock.scripts !== false ? ' --ignore-scripts' : ''}`.trim();
  return analyseNode(install, files, {
    stepName,
    rootFiles: [
      'package-lock.json',
      'npm-shrinkwrap.json',
      '.npmrc',
      ...(lock.known ? [] : ['yarn.lock']),
      'binding.gyp',
    ],
    memberFiles: [],
    workspaces: packageJsonWorkspaces,
    scriptsBefore: [],
    scriptsAfter: silent ? [] : LIFECYCLE,
    // npm 8-10 run a workspace's `prepare` even with --ignore-scripts [V].
    memberScripts: silent ? ['prepare'] : MEMBER_SCRIPTS,
    packed: new Set(has(args, '--install-links') ? ['file'] : []),
    edits: clean ? [] : names.length > 0 ? ['package.json', 'package-lock.json'] : ['package-lock.json'],
    outputs: [],
    splits: (_files, project, deferred) => splits(install, project, deferred, lock.scripts, names.length > 0),
    ...(silent
      ? {}
      : {
          extraReads: (view, project) =>
            view.has(at(project.root, 'binding.gyp')) === 'yes'
              ? {
                  code: 'lifecycle-script-reads-source',
                  message: 'binding.gyp makes npm compile the project while it installs',
                }
              : [],
        }),
  } satisfies NodeRules);
}

export function packageJsonWorkspaces(_files: Files, _root: string, manifest: Manifest): readonly string[] {
  const workspaces = manifest.json['workspaces'];
  return strings(Array.isArray(workspaces) ? workspaces : record(workspaces)['packages']);
}

/** The workspace root that owns a directory, where the lockfile is. */
function lockRoot(files: Files, directory: string): string {
  const project = findProject(files, directory, packageJsonWorkspaces);
  return isTrouble(project) ? directory : project.root;
}

interface Lock {
  readonly known: boolean;
  /** Some dependency that is not a link has an install script; undefined: not known. */
  readonly scripts: boolean | undefined;
}

/** `hasInstallScript` in lockfile versions 2 and 3 [V]. */
function lockfile(files: Files, directory: string): Lock {
  const name = ['npm-shrinkwrap.json', 'package-lock.json'].find((each) => files.has(at(directory, each)) !== 'no');
  const text = name === undefined ? undefined : files.read(at(directory, name));
  if (text === undefined) return { known: name !== undefined, scripts: undefined };
  try {
    const json = record(JSON.parse(text));
    if (Number(json['lockfileVersion']) < 2) return { known: true, scripts: undefined };
    const packages = Object.entries(record(json['packages']));
    return {
      known: true,
      scripts: packages.some(
        ([path, entry]) =>
          path.includes('node_modules/') &&
          record(entry)['link'] !== true &&
          record(entry)['hasInstallScript'] === true,
      ),
    };
  } catch {
    return { known: true, scripts: undefined };
  }
}

/** Spec 1, "Adapt, in order", steps 2 and 3. */
function splits(
  install: Install,
  project: Project,
  deferred: readonly string[],
  dependencyScripts: boolean | undefined,
  adds: boolean,
): readonly Split[] {
  if (deferred.includes('*') || adds || install.directory !== project.root) return [];
  const node = nodeMajor(install.place.image);
  const after = replay(project.manifest, deferred);
  if (after === undefined) return [];
  const why = `${deferred.map((each) => `\`${each}\``).join(', ')} may read the source, so it runs after the copy`;
  const found: Split[] = [];
  // `npm pkg` came with npm 7; npm 12 runs a root preinstall before the dependencies.
  const pkg =
    node === undefined
      ? !deferred.includes('preinstall')
      : node >= 16 && !(node >= 26 && deferred.includes('preinstall'));
  const all = LIFECYCLE.filter(
    (name) => deferred.includes(name) || (scripts(project.manifest)[name] !== undefined && after.covers.includes(name)),
  );
  if (pkg)
    found.push({
      before: `npm pkg delete ${all.map((name) => `scripts.${name}`).join(' ')} && ${install.command.text}`,
      after: after.text,
      why,
    });
  const members = project.members.some((member) => scripts(member)['prepare'] !== undefined);
  if (
    dependencyScripts === false &&
    !members &&
    all.length === LIFECYCLE.filter((name) => scripts(project.manifest)[name] !== undefined).length
  )
    found.push({ before: `${install.command.text} --ignore-scripts`, after: after.text, why });
  return found;
}

/** The commands that run the deferred scripts in npm's order; `npm run install` runs preinstall and postinstall, too. */
function replay(
  manifest: Manifest,
  deferred: readonly string[],
): { text: string; covers: readonly string[] } | undefined {
  const defined = scripts(manifest);
  const commands: string[] = [];
  const covers: string[] = [];
  for (const group of [
    ['preinstall', 'install', 'postinstall'],
    ['prepublish'],
    ['preprepare', 'prepare', 'postprepare'],
  ]) {
    const wanted = group.filter((name) => deferred.includes(name));
    if (wanted.length === 0) continue;
    const middle = group[1];
    if (group.length === 3 && middle !== undefined && defined[middle] !== undefined) {
      commands.push(`npm run ${middle}`);
      covers.push(...group);
    } else {
      commands.push(...wanted.map((name) => `npm run ${name}`));
      covers.push(...wanted);
    }
  }
  return commands.length === 0 ? undefined : { text: commands.join(' && '), covers };
}

/** Major version of Node in an official image's tag. */
export function nodeMajor(image: string | undefined): number | undefined {
  const match = /(?:^|\/)node:(\d+)/.exec(image ?? '');
  return match === null ? undefined : Number(match[1]);
}

function deleteScripts(install: Install, files: Files, names: readonly string[]): Analysis {
  const manifest = readManifest(files, install.directory);
  if (isTrouble(manifest)) return unknown(install, manifest.code, manifest.message);
  const kept = Object.fromEntries(Object.entries(scripts(manifest)).filter(([name]) => !names.includes(name)));
  const path = at(install.directory, 'package.json');
  const text = `${JSON.stringify({ ...manifest.json, scripts: kept }, undefined, 2)}\n`;
  return {
    steps: [
      { name: install.command.text, reads: [{ path }], writes: [], edits: [], sets: { [path]: text }, system: 'none' },
    ],
    outputs: [],
    ignore: [],
    splits: [],
  };
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
