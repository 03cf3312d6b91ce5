/**
 * conda, mamba and micromamba. Spec section 18.
 *
 * Reads: the environment file, and what its `pip:` list names: `-r` and `-c` files relative to the environment file,
 * `-e` and paths, which build the project. `--file` of `conda install` and `create` is a list of specs, or of packages,
 * which may be files; channels may be directories.
 *
 * Writes: the environment, which is the system, or the directory that `--prefix` names.
 *
 * Runs: the build backends of `-e` entries and paths.
 *
 * Hazards: an environment file with `-e .` builds the project, and is refused.
 *
 * Sources: https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { has, optionTable, parseArguments, type Arguments } from './shared/arguments.ts';
import { optionalDocument } from './shared/documents.ts';
import { record, strings } from './shared/package-json.ts';
import { localPlaces, RequirementReader } from './shared/requirements.ts';
import { generated, isTrouble, missing, single, tool, unknown, unresolvedVariable } from './shared/steps.ts';

const OPTIONS = optionTable(
  '-n --name -c --channel --solver --platform --subdir --revision --repodata-fn --console',
  '-f --file -p --prefix',
);

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb, second] = args.positional;
  const base = { manager: 'conda', command, place, directory: place.directory };
  const fromFile = verb === 'env' ? second === 'create' || second === 'update' : has(args, '-f', '--file');
  if (verb === 'env') return fromFile ? { ...base, kind: 'install' } : undefined;
  if (verb !== 'install' && verb !== 'create' && verb !== 'update') return undefined;
  return { ...base, kind: fromFile ? 'install' : 'tool' };
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  const prefix = args.options.get('-p') ?? args.options.get('--prefix');
  const tree = typeof prefix === 'string' ? resolvePath(install.directory, prefix) : undefined;
  if (tree !== undefined && (tree === install.directory || install.directory.startsWith(`${tree}/`)))
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `\`${install.command.text}\` puts its environment around the source`,
      help: 'name a directory for it',
    });
  if (install.kind === 'tool' && tree === undefined) return tool(install);
  const reader = new RequirementReader(files, install.directory);
  for (const path of filesOf(install, args)) {
    const trouble = environmentFile(path, install.directory, files, reader);
    if (trouble !== undefined) return unknown(install, trouble);
  }
  if (reader.trouble !== undefined) return unknown(install, reader.trouble);
  const inside = `${install.directory}/`;
  return {
    ...single({
      name: install.command.text,
      reads: [...reader.reads, ...(tree === undefined ? [] : [{ path: tree, tree: true }])],
      writes: [...reader.checkouts, ...(tree === undefined ? [] : [tree])],
      edits: [],
      system: 'writes',
    }),
    outputs: tree === undefined ? [] : [tree],
    ignore: tree?.startsWith(inside) === true ? [tree.slice(inside.length)] : [],
  };
}

function filesOf({ directory }: Install, args: Arguments): readonly string[] {
  const named = args.list
    .filter(([name, value]) => (name === '-f' || name === '--file') && typeof value === 'string')
    .map(([, value]) => resolvePath(directory, value as string));
  return named.length > 0 || args.positional[0] !== 'env' ? named : [resolvePath(directory, 'environment.yml')];
}

/** Follows one file; a list of specs or an explicit list names nothing else. */
function environmentFile(
  path: string,
  directory: string,
  files: Files,
  reader: RequirementReader,
): Trouble | undefined {
  reader.reads.push({ path });
  if (!/\.ya?ml$/.test(path)) {
    // Packages of an explicit list may be files, which is said from the current directory.
    for (const line of (files.read(path) ?? '').split('\n'))
      if (/^(?:file:|\.{0,2}\/)/.test(line))
        reader.reads.push({ path: resolvePath(directory, line.trim().replace(/^file:(?:\/\/)?|#.*$/g, '')) });
    return files.has(path) === 'no' ? missing(path) : undefined;
  }
  const json = optionalDocument(files, path, 'yaml');
  if (json === undefined) return files.has(path) === 'no' ? missing(path) : generated(path);
  if (isTrouble(json)) return json;
  // Channels that are directories.
  reader.reads.push(
    ...localPlaces(
      strings(json['channels']).filter((each) => /^(?:file:|\.{0,2}\/)/.test(each)),
      parentOf(path),
    ),
  );
  const dependencies = Array.isArray(json['dependencies']) ? (json['dependencies'] as unknown[]) : [];
  for (const entry of dependencies) {
    const pip = record(entry)['pip'];
    for (const line of Array.isArray(pip) ? (pip as unknown[]) : [])
      if (typeof line === 'string') reader.line(line.trim(), path);
  }
  return undefined;
}

export const conda: PackageManager = {
  name: 'conda',
  summary: 'conda, mamba and micromamba: env create, env update, install and create with --file',
  commands: ['conda', 'mamba', 'micromamba'],
  manifests: ['environment.yml', 'environment.yaml'],
  globs: ['environment.y*ml'],
  recognise,
  analyse,
  caches: [{ path: '/opt/conda/pkgs', class: 'download', variable: 'CONDA_PKGS_DIRS' }],
};
