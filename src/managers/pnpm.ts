/**
 * pnpm 8-12. Spec section 5.
 *
 * Reads: package.json, pnpm-lock.yaml, pnpm-workspace.yaml, .npmrc, .pnpmfile.cjs and .mjs, patched dependencies, every
 * workspace manifest with its existing bins; a `file:` directory in full.
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Split, Trouble } from '../model.ts';
import { parse as parseYaml } from 'yaml';
import { resolvePath } from '../dockerfile/state.ts';
import { directoryFrom, has, parseArguments, type Arguments } from './shared/arguments.ts';
import { analyseNode, analyseScript, findProject, type NodeRules, type Project } from './shared/node.ts';
import {
  at,
  isTrouble,
  localDependencies,
  readManifest,
  record,
  strings,
  type Manifest,
} from './shared/package-json.ts';
import { single, tool, unknown } from './shared/steps.ts';

const VALUED = new Set(
  '-C --dir --prefix --filter -F --filter-prod --registry --store-dir --reporter --loglevel --network-concurrency --child-concurrency --fetch-timeout --config --lockfile-dir --virtual-store-dir --cpu --os --libc'.split(
    ' ',
  ),
);
const INSTALL = new Set(['install', 'i']);
const LIFECYCLE_BEFORE = ['pnpm:devPreinstall', 'preinstall'];
const LIFECYCLE_AFTER = ['install', 'postinstall', 'prepublish', 'prepare'];
const ROOT_FILES = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', '.pnpmfile.cjs', '.pnpmfile.mjs'];

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, VALUED);
  const [verb, ...rest] = args.positional;
  const base = { manager: 'pnpm', command, place, directory: directoryFrom(args, ['-C', '--dir', '--prefix'], place) };
  if (verb === undefined) return undefined;
  if (has(args, '-g', '--global'))
    return verb === 'add' || INSTALL.has(verb) || verb === 'remove'
      ? { ...base, kind: rest.length > 0 && rest.every((each) => !/^\.{0,2}(?:\/|$)/.test(each)) ? 'tool' : 'install' }
      : undefined;
  if (INSTALL.has(verb) || verb === 'add') return { ...base, kind: 'install' };
  if (verb === 'fetch') return { ...base, kind: 'fetch' };
  if (verb === 'run' && rest.length === 1 && LIFECYCLE_AFTER.includes(rest[0] as string))
    return { ...base, kind: 'script' };
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
  const added = args.positional.slice(1);
  if (added.some((each) => /^\.{0,2}\/|^(?:file|link|workspace):/.test(each)))
    return unknown(install, 'local-dependency-builds', `\`${install.command.text}\` installs files of the project`);
  if (install.kind === 'fetch') return fetch(install, files);
  const silent = has(args, '--ignore-scripts');
  const production =
    has(args, '--prod', '-P', '--production') || install.place.environment('NODE_ENV') === 'production';
  const frozen = has(args, '--frozen-lockfile') || (install.place.environment('CI') ?? '') !== '';
  const options = [...args.options].filter(
    ([name]) =>
      !/^(?:-C|--dir|--prefix|--reporter|--loglevel|--silent|-s|--offline|--prefer-offline|-r|--recursive|--no-optional-progress)$/.test(
        name,
      ),
  );
  const root = findProject(files, install.directory, workspaces);
  if (has(args, '--frozen-lockfile') && !isTrouble(root) && files.has(at(root.root, 'pnpm-lock.yaml')) === 'no')
    return unknown(
      install,
      'manifest-missing',
      `\`${install.command.text}\` needs a pnpm-lock.yaml, and there is none where it runs`,
      'pass the right --context, or check .dockerignore',
    );
  return analyseNode(install, files, {
    stepName:
      `pnpm install ${[...options.map(([name, value]) => `${name}=${String(value)}`), ...added].sort().join(' ')}`.trim(),
    rootFiles: ROOT_FILES,
    memberFiles: ['.npmrc'],
    workspaces,
    scriptsBefore: silent ? [] : LIFECYCLE_BEFORE,
    scriptsAfter: silent
      ? []
      : LIFECYCLE_AFTER.filter((name) => !production || (name !== 'prepublish' && name !== 'prepare')),
    memberScripts: silent ? [] : ['preinstall', 'install', 'postinstall', ...(production ? [] : ['prepare'])],
    packed: new Set(['file']),
    edits: added.length > 0 ? ['package.json', 'pnpm-lock.yaml'] : frozen ? [] : ['pnpm-lock.yaml'],
    outputs: [],
    offline: has(args, '--offline'),
    extraReads: (view, project) => configurationReads(view, project.root, project.manifest),
    splits: (view, project) => splits(args, view, project, frozen, added.length > 0, production, install),
  });
}

/** Members are listed in pnpm-workspace.yaml; package.json's `workspaces` means nothing to pnpm. */
const workspaces: NodeRules['workspaces'] = (files, root) => {
  const settings = workspaceFile(files, root);
  return isTrouble(settings) ? settings : strings(settings['packages']);
};

function workspaceFile(files: Files, root: string): Readonly<Record<string, unknown>> | Trouble {
  const path = at(root, 'pnpm-workspace.yaml');
  if (files.has(path) === 'no') return {};
  const text = files.read(path);
  if (text === undefined)
    return files.has(path) === 'maybe'
      ? {}
      : { code: 'manifest-generated', message: `the content of \`${path}\` is not known` };
  try {
    return record(parseYaml(text, { maxAliasCount: 50 }));
  } catch {
    return { code: 'dynamic-manifest', message: `\`${path}\` is not valid YAML` };
  }
}

/** Patches, from package.json (until 10), pnpm-workspace.yaml and the lockfile; hook files that import others. */
function configurationReads(files: Files, root: string, manifest: Manifest): readonly Read[] | Trouble {
  const settings = workspaceFile(files, root);
  if (isTrouble(settings)) return settings;
  const reads: Read[] = [];
  const pnpm = record(manifest.json['pnpm']);
  for (const patched of [record(pnpm['patchedDependencies']), record(settings['patchedDependencies'])])
    for (const path of Object.values(patched))
      if (typeof path === 'string') reads.push({ path: resolvePath(root, path) });
  const lock = files.read(at(root, 'pnpm-lock.yaml')) ?? '';
  for (const match of lock.matchAll(/^\s{2,}path: ['"]?([^'"\n]+\.patch)['"]?$/gm))
    reads.push({ path: resolvePath(root, match[1] as string) });
  for (const name of ['.pnpmfile.cjs', '.pnpmfile.mjs'])
    if (/require\(\s*['"]\.|from\s+['"]\.|import\(\s*['"]\./.test(files.read(at(root, name)) ?? ''))
      return { code: 'dynamic-manifest', message: `\`${name}\` loads other files of the project` };
  return reads;
}

/** `pnpm fetch` fills the virtual store from the lockfile alone; it needs no package.json [V]. */
function fetch(install: Install, files: Files): Analysis {
  const root = install.directory;
  if (files.has(at(root, 'pnpm-lock.yaml')) === 'no')
    return unknown(install, 'manifest-missing', `there is no \`${at(root, 'pnpm-lock.yaml')}\``);
  const extra = configurationReads(files, root, { directory: root, json: {} });
  if (isTrouble(extra)) return unknown(install, extra.code, extra.message);
  // corepack, and pnpm itself from 9 on, take the version to run from package.json.
  const manifest = readManifest(files, root);
  const version = isTrouble(manifest) ? undefined : manifest.json['packageManager'];
  const chosen: Read = {
    path: at(root, 'package.json'),
    as: typeof version === 'string' ? version : '',
    optional: true,
  };
  return single({
    name: install.command.text,
    reads: [chosen, ...ROOT_FILES.map((name) => ({ path: at(root, name) })), ...extra],
    writes: [],
    edits: [],
    system: 'reads',
    warm: true,
  });
}

/** Spec 5: `pnpm fetch`, COPY, the original install, `--offline` only where it was frozen already. */
function splits(
  args: Arguments,
  files: Files,
  project: Project,
  frozen: boolean,
  adds: boolean,
  production: boolean,
  install: Install,
): readonly Split[] {
  if (
    adds ||
    files.has(at(project.root, 'pnpm-lock.yaml')) !== 'yes' ||
    install.directory !== project.root ||
    has(args, '--filter', '-F')
  )
    return [];
  // pnpm 12's `fetch` fails with `file:` dependencies [V].
  if (
    [project.manifest, ...project.members].some((manifest) =>
      localDependencies(manifest).some((each) => each.protocol === 'file'),
    )
  )
    return [];
  const offline = frozen && !has(args, '--offline', '--prefer-offline') ? ' --offline' : '';
  return [
    {
      before: `pnpm fetch${production ? ' --prod' : ''}`,
      after: `${install.command.text}${offline}`,
      why: 'scripts that may read the source run after the copy, from the fetched store',
    },
  ];
}

export const pnpm: PackageManager = {
  name: 'pnpm',
  summary: 'pnpm install, pnpm fetch',
  commands: ['pnpm'],
  manifests: ['package.json', 'pnpm-lock.yaml'],
  globs: ['package.json', 'pnpm-lock.yaml*', 'pnpm-workspace.yaml*'],
  recognise,
  analyse,
  caches: [{ path: '~/.local/share/pnpm/store', class: 'download', variable: 'npm_config_store_dir' }],
};
