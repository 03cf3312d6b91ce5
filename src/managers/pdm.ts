/**
 * PDM. Spec section 18.
 *
 * Reads: pyproject.toml, pdm.lock, pdm.toml (once .pdm.toml), .python-version, .pdm-python, and sources that are
 * directories.
 *
 * Writes: .venv, or __pypackages__ where that exists, or the interpreter's own packages (`python.use_venv`).
 *
 * Runs: the build backend of a project with a `[build-system]`, unless `--no-self` or `distribution = false`; the
 * scripts `pre_install` and `post_install` of `[tool.pdm.scripts]`, on install and sync, and those around a lock [V:
 * 2.25].
 *
 * Hazards: the project is installed itself; divided, it is left out first (`--no-self`) and installed after the copy.
 *
 * Sources: https://pdm-project.org/latest/reference/pep621/,
 * https://pdm-project.org/latest/usage/advanced/#use-pdm-in-a-multi-stage-dockerfile,
 * https://pdm-project.org/latest/usage/scripts/#hook-scripts
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { directoryFrom, has, optionTable, optionText } from './shared/arguments.ts';
import { document, list } from './shared/documents.ts';
import { at, record, strings } from './shared/package-json.ts';
import {
  dependencyStep,
  environmentOf,
  hasDynamicDependencies,
  programArguments,
  pythonInstall,
  requirementsOf,
} from './shared/python-project.ts';
import { isLocal, localPlaces } from './shared/requirements.ts';
import { installsProject, isTrouble, tool, unknown, unresolvedVariable } from './shared/steps.ts';
import { unknownVariable } from './shared/variables.ts';

const OPTIONS = optionTable(
  '--override -C --config-setting --venv',
  '-G --group --with --without -p --project -L --lockfile -c --config',
);
/** Scripts that an install runs by itself. */
const HOOKS = ['pre_lock', 'post_lock', 'pre_install', 'post_install'];

function recognise(command: Command, place: Place): Install | undefined {
  const args = programArguments(command, 'pdm', OPTIONS);
  const [verb] = args.positional;
  const base = { manager: 'pdm', command, place, directory: directoryFrom(args, ['-p', '--project'], place) };
  if (verb === 'install' || verb === 'sync' || verb === 'add' || verb === 'update') return { ...base, kind: 'install' };
  return verb === 'self' || verb === 'plugin' ? { ...base, kind: 'tool' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  if (install.kind === 'tool') return tool(install);
  const args = programArguments(install.command, 'pdm', OPTIONS);
  const [verb] = args.positional;
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  const open = unknownVariable(install, ['VIRTUAL_ENV']);
  if (open !== undefined) return unknown(install, open);
  if (verb === 'add' || verb === 'update')
    return unknown(install, {
      code: 'mutating-install',
      message: `\`${install.command.text}\` changes pyproject.toml and pdm.lock`,
      help: 'commit the result, and use `pdm sync`',
    });
  const project = readProject(install, files);
  if (isTrouble(project)) return unknown(install, project);
  if (project.local !== undefined) return unknown(install, installsProject(install, project.local));
  const step = dependencyStep(
    `pdm ${verb ?? ''} ${optionText(args, ['--no-self', '--no-editable'])}`,
    project.reads,
    environmentOf(install, install.directory, 'VIRTUAL_ENV', false),
  );
  const lock = at(install.directory, 'pdm.lock');
  return pythonInstall(
    install,
    { ...step, edits: has(args, '--frozen-lockfile', '--no-lock', '--check') || verb === 'sync' ? [] : [lock] },
    project.isPackage && !has(args, '--no-self') ? 'the project itself' : undefined,
    install.command.redirects.length > 0
      ? []
      : [
          {
            before: `${install.command.text} --no-self`,
            after: install.command.text,
            why: 'the project itself is installed after the copy',
          },
        ],
  );
}

function readProject(
  { directory }: Install,
  files: Files,
): { readonly reads: readonly Read[]; readonly isPackage: boolean; readonly local: string | undefined } | Trouble {
  const path = at(directory, 'pyproject.toml');
  const json = document(files, path, 'toml');
  if (isTrouble(json)) return json;
  if (hasDynamicDependencies(json))
    return {
      code: 'dynamic-manifest',
      message: `\`${path}\` has dynamic dependencies, which its build backend computes from the source`,
      help: 'list the dependencies in pyproject.toml',
    };
  const settings = record(record(json['tool'])['pdm']);
  const interpreter = at(directory, '.pdm-python');
  const hook = HOOKS.find((name) => record(settings['scripts'])[name] !== undefined);
  if (hook !== undefined)
    return {
      code: 'lifecycle-script-reads-source',
      message: `\`${path}\` has a script \`${hook}\`, which runs with the install`,
      help: 'call it something else, and run it after the copy',
    };
  const editable = Object.values(record(settings['dev-dependencies'])).flatMap((group) =>
    Array.isArray(group) ? (group as unknown[]) : [],
  );
  const local =
    requirementsOf(json).some(isLocal) ||
    editable.some((each) => typeof each === 'string' && (each.startsWith('-e ') || isLocal(each)));
  // Source: https://pdm-project.org/latest/usage/config/#configure-the-package-indexes
  const sources = strings(list(settings['source']).map((source) => record(source)['url']));
  return {
    reads: [
      ...['pyproject.toml', 'pdm.lock', 'pdm.toml', '.pdm.toml', '.python-version'].map((name) => ({
        path: at(directory, name),
      })),
      // Where git ignores it, as PDM has it do, it names an interpreter of somebody's machine.
      ...(files.has(interpreter) === 'yes' ? [{ path: interpreter }] : []),
      ...localPlaces(
        sources.map((url) => url.replace('/${PROJECT_ROOT}', directory)),
        directory,
      ),
    ],
    isPackage: json['build-system'] !== undefined && settings['distribution'] !== false,
    local: local ? `a local requirement of \`${path}\`` : undefined,
  };
}

export const pdm: PackageManager = {
  name: 'pdm',
  summary: 'pdm install, pdm sync',
  commands: ['pdm', 'python', 'python3'],
  manifests: ['pyproject.toml', 'pdm.lock'],
  globs: ['pyproject.toml', 'pdm.lock*'],
  recognise,
  analyse,
  caches: [{ path: '~/.cache/pdm', class: 'download' }],
};
