/**
 * Poetry. Spec section 12.
 *
 * Reads: pyproject.toml, poetry.lock, poetry.toml; path dependencies, which it builds (manifests alone failed [V]); the
 * file that poetry-dynamic-versioning takes the version from.
 *
 * Writes: .venv in the project if there is one or the settings say so; else ~/.cache/pypoetry/virtualenvs, or the
 * interpreter's own packages.
 *
 * Runs: the project's build backend, unless `--no-root` or `package-mode = false`.
 *
 * Hazards: the project itself is installed too, and without its source that fails [V]. The default environment lies in
 * the cache directory [V], of which only `cache` and `artifacts` can be mounted. Where poetry-dynamic-versioning is
 * enabled, even `--no-root` fails without .git [V: 1.10]. `--no-directory` came with Poetry 1.5 [V]: it is not added
 * where POETRY_VERSION says that Poetry is older.
 *
 * Sources: https://python-poetry.org/docs/basic-usage/#operating-modes,
 * https://python-poetry.org/docs/configuration/#virtualenvsin-project,
 * https://github.com/mtkennerly/poetry-dynamic-versioning#configuration
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { directoryFrom, has, optionTable, optionText } from './shared/arguments.ts';
import { document } from './shared/documents.ts';
import { at, record, type Json } from './shared/package-json.ts';
import {
  dependencyStep,
  environmentOf,
  programArguments,
  pythonInstall,
  requirementsOf,
} from './shared/python-project.ts';
import { hasRepository } from './shared/repository.ts';
import { ARCHIVE, isLocal } from './shared/requirements.ts';
import { isTrouble, tool, unknown, unresolvedVariable } from './shared/steps.ts';
import { unknownVariable } from './shared/variables.ts';

const OPTIONS = optionTable(
  '-E --extras --source --priority',
  '-C --directory -P --project --only --with --without -G --group',
);

/** Versions that do not know `--no-directory`. */
const BEFORE_NO_DIRECTORY = /^(?:==)?(?:0|1\.[0-4])(?:\.|$)/;

function recognise(command: Command, place: Place): Install | undefined {
  const args = programArguments(command, 'poetry', OPTIONS);
  const [verb] = args.positional;
  const directory = directoryFrom(args, ['-C', '--directory', '-P', '--project'], place);
  const base = { manager: 'poetry', command, place, directory };
  if (verb === 'install' || verb === 'sync') return { ...base, kind: 'install' };
  if (verb === 'add' || verb === 'update' || verb === 'remove') return { ...base, kind: 'install' };
  if (verb === 'self') return { ...base, kind: 'tool' };
  return undefined;
}

function analyse(install: Install, files: Files): Analysis {
  if (install.kind === 'tool') return tool(install);
  const args = programArguments(install.command, 'poetry', OPTIONS);
  const [verb] = args.positional;
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  const open = unknownVariable(install, ['VIRTUAL_ENV']);
  if (open !== undefined) return unknown(install, open);
  if (verb !== 'install' && verb !== 'sync')
    return unknown(install, {
      code: 'mutating-install',
      message: `\`${install.command.text}\` changes pyproject.toml and poetry.lock`,
      help: 'commit the result, and use `poetry install`',
    });
  if (has(args, '--only-root'))
    return unknown(install, {
      code: 'local-dependency-builds',
      message: `\`${install.command.text}\` installs the project itself`,
    });
  const project = readProject(install, files);
  if (isTrouble(project)) return unknown(install, project);
  const name = `poetry install ${optionText(args, ['--no-root', '--no-directory'])}${verb === 'sync' ? ' --sync' : ''}`;
  // Whether an environment in the project is used is also a matter of settings that are not seen here.
  const step = dependencyStep(name, project.reads, environmentOf(install, install.directory, 'VIRTUAL_ENV', false));
  const skipsRoot = has(args, '--no-root') || !project.isPackage;
  const skipsPaths = has(args, '--no-directory') || project.paths.length === 0;
  const local = !skipsPaths ? project.paths[0] : !skipsRoot ? 'the project itself' : undefined;
  const version = install.place.environment('POETRY_VERSION') ?? '';
  const flags = [
    ...(has(args, '--no-root') ? [] : ['--no-root']),
    ...(skipsPaths || has(args, '--no-directory') ? [] : ['--no-directory']),
  ].join(' ');
  return pythonInstall(
    install,
    { ...step, edits: files.read(project.lock) === undefined ? [project.lock] : [] },
    local,
    install.command.redirects.length > 0 || (!skipsPaths && BEFORE_NO_DIRECTORY.test(version))
      ? []
      : [
          {
            before: `${install.command.text} ${flags}`,
            after: install.command.text,
            why: `${skipsPaths ? 'the project itself is' : 'the packages of the project are'} installed after the copy`,
          },
        ],
  );
}

interface Project {
  readonly reads: readonly Read[];
  readonly lock: string;
  readonly isPackage: boolean;
  /** Packages of the project that it depends on: how to speak of each. */
  readonly paths: readonly string[];
}

function readProject({ directory, place, command }: Install, files: Files): Project | Trouble {
  const path = at(directory, 'pyproject.toml');
  const json = document(files, path, 'toml');
  if (isTrouble(json)) return json;
  const settings = record(record(json['tool'])['poetry']);
  const lock = at(directory, 'poetry.lock');
  const reads: Read[] = [{ path }, { path: lock }, { path: at(directory, 'poetry.toml') }];
  const versioning = record(record(json['tool'])['poetry-dynamic-versioning']);
  if (versioning['enable'] === true && (place.environment('POETRY_DYNAMIC_VERSIONING_BYPASS') ?? '') === '') {
    const { source } = record(versioning['from-file']);
    if (typeof source === 'string') reads.push({ path: resolvePath(directory, source) });
    else if (hasRepository(files, directory))
      return {
        code: 'needs-vcs',
        message: `with poetry-dynamic-versioning, \`${command.text}\` asks git for the version of \`${path}\``,
        help: 'set POETRY_DYNAMIC_VERSIONING_BYPASS to a version for the install of the dependencies',
      };
  }
  const paths: string[] = [];
  for (const [name, found] of localDependencies(settings)) {
    const target = resolvePath(directory, found);
    if (ARCHIVE.test(found)) reads.push({ path: target });
    else paths.push(`\`${name}\` from \`${found}\``);
  }
  // Not even `--no-root --no-directory` leaves it out [V: 2.5].
  const plugin = localEntries([settings['requires-plugins']])[0];
  if (plugin !== undefined)
    return {
      code: 'local-dependency-builds',
      message: `\`${command.text}\` builds the plugin \`${plugin[0]}\` from \`${plugin[1]}\``,
    };
  if (requirementsOf(json).some(isLocal)) paths.push(`a local requirement of \`${path}\``);
  return { reads, lock, paths, isPackage: settings['package-mode'] !== false };
}

function localDependencies(settings: Json): readonly (readonly [string, string])[] {
  return localEntries([
    settings['dependencies'],
    settings['dev-dependencies'],
    ...Object.values(record(settings['group'])).map((group) => record(group)['dependencies']),
  ]);
}

function localEntries(tables: readonly unknown[]): readonly (readonly [string, string])[] {
  return tables
    .flatMap((table) => Object.entries(record(table)))
    .flatMap(([name, value]) => (Array.isArray(value) ? (value as unknown[]) : [value]).map((each) => [name, each]))
    .map(([name, value]) => [name as string, record(value)['path'] ?? record(value)['file']] as const)
    .filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string');
}

export const poetry: PackageManager = {
  name: 'poetry',
  summary: 'poetry install, poetry sync',
  commands: ['poetry', 'python', 'python3'],
  manifests: ['pyproject.toml', 'poetry.lock'],
  globs: ['pyproject.toml', 'poetry.lock*', 'poetry.toml*'],
  recognise,
  analyse,
  caches: [
    // The virtual environments are below ~/.cache/pypoetry too, and are no cache.
    { path: '~/.cache/pypoetry/cache', class: 'download', variable: 'POETRY_CACHE_DIR', inside: 'cache' },
    { path: '~/.cache/pypoetry/artifacts', class: 'download', variable: 'POETRY_CACHE_DIR', inside: 'artifacts' },
  ],
};
