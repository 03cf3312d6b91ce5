/**
 * uv. Spec section 13. (`uv pip` is pip.ts.)
 *
 * Reads: pyproject.toml, uv.lock, uv.toml (which wins over `[tool.uv]`) or UV_CONFIG_FILE in its place, .python-version
 * and .python-versions, the pyproject.toml of every workspace member, what `tool.uv.sources` names, and indexes and
 * `find-links` that are directories: `uv sync --frozen` fails without them [V: 0.13]. `uv python install` reads the
 * versions alone [V: 0.13].
 *
 * Writes: .venv, or what UV_PROJECT_ENVIRONMENT names; uv.lock, unless `--locked` or `--frozen`.
 *
 * Runs: the build backend of a project with a `[build-system]` or `tool.uv.package = true`, which is installed itself:
 * editable.
 *
 * Hazards: dynamic dependencies or a dynamic version without uv.lock ask the build backend, which reads the source.
 * Divided, the project is left out first (`--no-install-project`, `--no-install-workspace`) and installed after the
 * copy.
 *
 * Sources: https://docs.astral.sh/uv/concepts/projects/ (layout, sync, workspaces, config),
 * https://docs.astral.sh/uv/guides/integration/docker/#intermediate-layers
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { ancestors, parentOf, resolvePath } from '../dockerfile/state.ts';
import { directoryFrom, has, optionTable, optionText, type Arguments } from './shared/arguments.ts';
import { document, optionalDocument } from './shared/documents.ts';
import { at, inside, record, strings, type Json } from './shared/package-json.ts';
import {
  dependencyStep,
  environmentOf,
  hasDynamicDependencies,
  programArguments,
  pythonInstall,
  requirementsOf,
  uvPlaces,
  uvSources,
} from './shared/python-project.ts';
import { ARCHIVE, isLocal, placesNamed, RequirementReader } from './shared/requirements.ts';
import { isTrouble, single, tool, unknown, unresolvedVariable } from './shared/steps.ts';
import { unknownVariable } from './shared/variables.ts';
import { workspaceMembers } from './shared/workspaces.ts';

const OPTIONS = optionTable(
  '-p --python --index --default-index -i --index-url --extra-index-url -P --upgrade-package --reinstall-package --index-strategy --keyring-provider --resolution --prerelease --fork-strategy --exclude-newer --link-mode -C --config-setting --no-build-isolation-package --no-build-package --no-binary-package --refresh-package --cache-dir --color --python-platform --prompt --allow-insecure-host',
  '--extra --no-extra --group --no-group --only-group --no-install-package --project --directory --package --config-file --env-file --script -w --with --with-requirements --with-editable --with-executables-from --from -c --constraints --overrides --excludes -b --build-constraints -f --find-links',
);
/** Options of `uv tool install` that name packages, and lists of them. */
const PACKAGES = ['-w', '--with', '--with-editable', '--with-executables-from', '--from'];
const LISTS = ['--with-requirements', '-c', '--constraints', '--overrides', '--excludes', '-b', '--build-constraints'];
/** `ruff@latest`, `ruff@0.5.0` */
const VERSIONED = /^[\w.-]+(?:\[[^\]]*\])?@(?:latest$|\d)/;
/** Either says which Python [V: 0.13]. */
const VERSIONS = ['.python-version', '.python-versions'];
/** Variables that name the current directory and the project's, as options do [V: 0.13]. */
const PLACES = ['UV_WORKING_DIR', 'UV_PROJECT'];
const WITHOUT_PROJECT = ['--no-install-project', '--no-install-workspace', '--no-install-local'];

function recognise(command: Command, place: Place): Install | undefined {
  const args = programArguments(command, 'uv', OPTIONS);
  const [verb, second] = args.positional;
  const named = PLACES.map((name) => place.environment(name) ?? '').reduce(
    (from, path) => resolvePath(from, path === '' ? '.' : path),
    place.directory,
  );
  const directory = directoryFrom(args, ['--directory', '--project'], { ...place, directory: named });
  const base = { manager: 'uv', command, place, directory };
  if (verb === 'sync') return { ...base, kind: 'install' };
  if (verb === 'venv') return { ...base, kind: 'install' };
  if (verb === 'tool' && second === 'install') return { ...base, kind: 'tool' };
  if (verb === 'python' && second === 'install') return { ...base, kind: 'tool' };
  return undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = programArguments(install.command, 'uv', OPTIONS);
  const [verb, second, ...rest] = args.positional;
  const version = [...ancestors(install.directory)].flatMap((directory) =>
    [...VERSIONS, 'uv.toml'].map((name) => ({ path: at(directory, name) })),
  );
  if (install.kind === 'tool') {
    if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
    if (verb === 'python') return tool(install, rest.length === 0 ? version : []);
    const reader = new RequirementReader(files, install.directory);
    for (const [name, value] of args.list) {
      if (typeof value !== 'string') continue;
      if (LISTS.includes(name)) reader.file(resolvePath(install.directory, value), value);
      else if (PACKAGES.includes(name)) rest.push(...value.split(','));
    }
    for (const word of rest) if (!VERSIONED.test(word)) reader.requirement(word, install.command.text);
    return reader.trouble === undefined ? tool(install, reader.reads) : unknown(install, reader.trouble);
  }
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  const open = unknownVariable(install, ['UV_PROJECT_ENVIRONMENT', 'UV_FIND_LINKS', 'UV_CONFIG_FILE', ...PLACES]);
  if (open !== undefined) return unknown(install, open);
  if (verb === 'venv') return virtualEnvironment(install, second, version);
  const project = readProject(install, files, args);
  if (isTrouble(project)) return unknown(install, project);
  const name = `uv sync ${optionText(args, [...WITHOUT_PROJECT, '--no-editable'])}`;
  const step = dependencyStep(
    name,
    project.reads,
    environmentOf(install, project.root, 'UV_PROJECT_ENVIRONMENT', !has(args, '--active')),
  );
  const local = has(args, '--no-install-local')
    ? undefined
    : (project.paths[0] ??
      (has(args, '--no-install-workspace')
        ? undefined
        : (project.members[0] ??
          (project.isPackage && !has(args, '--no-install-project') ? 'the project itself' : undefined))));
  const without = project.members.length > 0 ? '--no-install-workspace' : '--no-install-project';
  const dividable = project.paths.length === 0 && install.command.redirects.length === 0;
  // A lockfile that may be rewritten is restored by the copy that follows.
  const edits = has(args, '--locked', '--frozen') ? [] : [at(project.root, 'uv.lock')];
  return pythonInstall(
    install,
    { ...step, edits },
    local,
    dividable
      ? [
          {
            before: `${install.command.text} ${without}`,
            after: install.command.text,
            why: `${without === '--no-install-project' ? 'the project itself is' : 'the packages of the workspace are'} installed after the copy`,
          },
        ]
      : [],
  );
}

function virtualEnvironment(install: Install, path: string | undefined, reads: readonly Read[]): Analysis {
  const tree = resolvePath(install.directory, path ?? '.venv');
  const { text } = install.command;
  // Its Python has to fit `requires-python`.
  const step = {
    name: text,
    reads: [...reads, { path: at(install.directory, 'pyproject.toml') }, { path: tree, tree: true }],
    writes: [tree],
    edits: [],
    system: 'reads',
  } as const;
  return { ...single(step), outputs: [tree], ignore: inside(install.directory, [tree]) };
}

interface Project {
  readonly root: string;
  readonly reads: readonly Read[];
  readonly isPackage: boolean;
  /** Workspace members that are installed with it, and path dependencies: how to speak of each. */
  readonly members: readonly string[];
  readonly paths: readonly string[];
}

function readProject(install: Install, files: Files, args: Arguments): Project | Trouble {
  const own = document(files, at(install.directory, 'pyproject.toml'), 'toml');
  if (isTrouble(own)) return own;
  const root = workspaceRoot(install.directory, own, files);
  if (isTrouble(root)) return root;
  const workspace = record(record(record(root.json['tool'])['uv'])['workspace']);
  const members = workspaceMembers(files, root.directory, strings(workspace['members']), 'pyproject.toml');
  if (isTrouble(members)) return members;
  const excluded = strings(workspace['exclude']).map((path) => resolvePath(root.directory, path));
  const packages = [...new Set([root.directory, install.directory, ...members])].filter(
    (directory) => !excluded.includes(directory),
  );
  const reads: Read[] = [...placesNamed(install, args, 'UV_')];
  for (const directory of ancestors(install.directory)) {
    for (const name of ['uv.toml', ...VERSIONS, 'pyproject.toml']) reads.push({ path: at(directory, name) });
    const settings = optionalDocument(files, at(directory, 'uv.toml'), 'toml');
    if (isTrouble(settings)) return settings;
    reads.push(...uvPlaces(settings ?? {}, directory));
  }
  const chosen = args.options.get('--config-file') ?? install.place.environment('UV_CONFIG_FILE') ?? '';
  if (typeof chosen === 'string' && chosen !== '') {
    const path = resolvePath(install.place.directory, chosen);
    const settings = document(files, path, 'toml');
    if (isTrouble(settings)) return settings;
    reads.push({ path }, ...uvPlaces(settings, parentOf(path)));
  }
  const paths: string[] = [];
  for (const directory of packages) {
    const path = at(directory, 'pyproject.toml');
    const json = document(files, path, 'toml');
    if (isTrouble(json)) return json;
    reads.push({ path }, ...uvPlaces(record(record(json['tool'])['uv']), directory));
    if (hasDynamicDependencies(json))
      return {
        code: 'dynamic-manifest',
        message: `\`${path}\` has dynamic dependencies, which its build backend computes from the source`,
        help: 'list the dependencies in pyproject.toml',
      };
    for (const read of sourcesOf(json, directory)) {
      // An archive is one file; a directory is a package to be built.
      if (ARCHIVE.test(read)) reads.push({ path: read });
      else if (!members.includes(read)) paths.push(`\`${read}\`, a path dependency`);
    }
    if (requirementsOf(json).some(isLocal)) paths.push(`a local requirement of \`${path}\``);
  }
  const lock = at(root.directory, 'uv.lock');
  reads.push({ path: lock });
  if (files.has(lock) !== 'yes' && !has(args, '--locked', '--frozen') && hasDynamicVersion(own))
    return {
      code: 'needs-vcs',
      message: `without uv.lock, \`${install.command.text}\` asks the build backend for the project's version`,
      help: 'commit uv.lock',
    };
  const others = members.filter((member) => member !== install.directory);
  return {
    root: root.directory,
    reads,
    isPackage: isPackage(own),
    members: others.length === 0 ? [] : ['packages of the workspace'],
    paths,
  };
}

/** https://docs.astral.sh/uv/concepts/projects/config/#build-systems */
function isPackage(json: Json): boolean {
  const setting = record(record(json['tool'])['uv'])['package'];
  return typeof setting === 'boolean' ? setting : json['build-system'] !== undefined;
}

function hasDynamicVersion(json: Json): boolean {
  return strings(record(json['project'])['dynamic']).includes('version');
}

function sourcesOf(json: Json, directory: string): readonly string[] {
  return strings(uvSources(json).map(({ path }) => path)).map((path) => resolvePath(directory, path));
}

function workspaceRoot(
  directory: string,
  json: Json,
  files: Files,
): { readonly directory: string; readonly json: Json } | Trouble {
  const isRoot = (each: Json): boolean => record(record(each['tool'])['uv'])['workspace'] !== undefined;
  if (isRoot(json)) return { directory, json };
  for (const above of ancestors(parentOf(directory))) {
    if (files.has(at(above, 'pyproject.toml')) !== 'yes') continue;
    const found = document(files, at(above, 'pyproject.toml'), 'toml');
    if (isTrouble(found)) return found;
    if (isRoot(found)) return { directory: above, json: found };
  }
  return { directory, json };
}

export const uv: PackageManager = {
  name: 'uv',
  summary: 'uv sync, uv venv, uv tool install',
  commands: ['uv', 'python', 'python3'],
  manifests: ['pyproject.toml', 'uv.lock'],
  globs: ['pyproject.toml', 'uv.lock*'],
  recognise,
  analyse,
  caches: [{ path: '~/.cache/uv', class: 'download', variable: 'UV_CACHE_DIR' }],
};
