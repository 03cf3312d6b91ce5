/**
 * Pipenv. Spec section 15.
 *
 * Reads: [V] Pipfile and Pipfile.lock, here or above; .venv; .env, whose variables a Pipfile's `[[source]]` may use; a
 * `[[source]]` that is a directory.
 *
 * Writes: the system (`--system`), ~/.local/share/virtualenvs [V], or .venv. Without a lockfile it resolves, and
 * writes one.
 *
 * Runs: the build backends of editable and path entries.
 *
 * Hazards: editable and path entries build what they name, so they stay below the copy.
 *
 * Sources: https://pipenv.pypa.io/en/latest/credentials.html, https://pipenv.pypa.io/en/latest/configuration.html
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { has, optionTable, optionText, type Arguments } from './shared/arguments.ts';
import { document, list } from './shared/documents.ts';
import { at, record, strings } from './shared/package-json.ts';
import { dependencyStep, environmentOf, programArguments, pythonInstall } from './shared/python-project.ts';
import { localPlaces, RequirementReader } from './shared/requirements.ts';
import { installsProject, isTrouble, unknown, unresolvedVariable } from './shared/steps.ts';
import { unknownVariable } from './shared/variables.ts';

const OPTIONS = optionTable(
  '--python -i --index --pypi-mirror --extra-pip-args',
  '-e --editable -r --requirements --categories',
);

function recognise(command: Command, place: Place): Install | undefined {
  const [verb] = programArguments(command, 'pipenv', OPTIONS).positional;
  return verb === 'install' || verb === 'sync'
    ? { manager: 'pipenv', command, place, directory: place.directory, kind: 'install' }
    : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = programArguments(install.command, 'pipenv', OPTIONS);
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  const open = unknownVariable(install, ['PIPENV_PIPFILE', 'VIRTUAL_ENV']);
  if (open !== undefined) return unknown(install, open);
  if (args.positional.length > 1)
    return unknown(install, {
      code: 'mutating-install',
      message: `\`${install.command.text}\` changes Pipfile`,
      help: 'commit the result, and use `pipenv install --deploy`',
    });
  if (has(args, '-e', '--editable')) return unknown(install, installsProject(install));
  const root = rootOf(install, files);
  const reader = new RequirementReader(files, install.directory);
  for (const [name, value] of args.list)
    if (['-r', '--requirements'].includes(name) && typeof value === 'string')
      reader.file(resolvePath(install.directory, value), value);
  if (reader.trouble !== undefined) return unknown(install, reader.trouble);
  const project = readProject(root, files, args);
  if (isTrouble(project)) return unknown(install, project);
  const step = dependencyStep(
    `pipenv ${args.positional.join(' ')} ${optionText(args, [])}`,
    [...project.reads, ...reader.reads],
    has(args, '--system') ? { certain: false } : environmentOf(install, root, 'VIRTUAL_ENV', false),
  );
  return pythonInstall(install, { ...step, edits: project.edits }, project.local, []);
}

/** Pipfile is looked for in up to three directories. Source: PIPENV_MAX_DEPTH, https://pipenv.pypa.io/en/latest/configuration.html */
function rootOf({ directory, place }: Install, files: Files): string {
  const named = place.environment('PIPENV_PIPFILE');
  if (named !== undefined && named !== '') return parentOf(resolvePath(directory, named));
  const above = [directory, parentOf(directory), parentOf(parentOf(directory))];
  return above.find((each) => files.has(at(each, 'Pipfile')) === 'yes') ?? directory;
}

function readProject(
  root: string,
  files: Files,
  args: Arguments,
):
  { readonly reads: readonly Read[]; readonly edits: readonly string[]; readonly local: string | undefined } | Trouble {
  const path = at(root, 'Pipfile');
  const json = document(files, path, 'toml');
  if (isTrouble(json)) return json;
  const lock = at(root, 'Pipfile.lock');
  const locked = document(files, lock, 'json');
  const text = files.read(lock);
  const needsLock = args.positional[0] === 'sync' || has(args, '--deploy', '--ignore-pipfile');
  if (files.has(lock) === 'yes' && text === undefined)
    return { code: 'manifest-generated', message: `an earlier command may have changed \`${lock}\`` };
  if (isTrouble(locked) && needsLock) return locked;
  const entries = [
    ...Object.entries(json).filter(([name]) => !['source', 'requires', 'scripts', 'pipenv'].includes(name)),
    ...(isTrouble(locked) ? [] : Object.entries(locked).filter(([name]) => name !== '_meta')),
  ];
  const local = entries
    .flatMap(([, table]) => Object.entries(record(table)))
    .find(([, value]) => record(value)['path'] !== undefined || record(value)['file'] !== undefined);
  const environment = at(root, '.env');
  // Variables of a .env matter to a Pipfile that uses some.
  const usesVariables = /\$\{?\w/.test(files.read(path) ?? '');
  const reads: Read[] = [
    { path },
    { path: lock },
    ...(usesVariables || files.has(environment) === 'yes' ? [{ path: environment }] : []),
    ...localPlaces(strings(list(json['source']).map((source) => record(source)['url'])), root),
  ];
  return {
    reads,
    edits: needsLock ? [] : [lock],
    local: local === undefined ? undefined : `\`${local[0]}\` from the project`,
  };
}

export const pipenv: PackageManager = {
  name: 'pipenv',
  summary: 'pipenv install, pipenv sync',
  commands: ['pipenv', 'python', 'python3'],
  manifests: ['Pipfile', 'Pipfile.lock'],
  globs: ['Pipfile', 'Pipfile.lock*'],
  recognise,
  analyse,
  caches: [{ path: '~/.cache/pipenv', class: 'download', variable: 'PIPENV_CACHE_DIR' }],
};
