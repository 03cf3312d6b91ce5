/** What uv, Poetry, PDM and Pipenv share: pyproject.toml, and a virtual environment that may lie in the project. */
import type { Analysis, Command, Install, Read, Split, Step } from '../../model.ts';
import { resolvePath } from '../../dockerfile/state.ts';
import { parseArguments, type Arguments, type OptionTable } from './arguments.ts';
import { list } from './documents.ts';
import { inside, record, strings, type Json } from './package-json.ts';
import { localPlaces } from './requirements.ts';
import { build, installsProject, single, type Outputs } from './steps.ts';

/** Where an install puts its packages. */
export interface Environment {
  /** A directory of the project that it fills, or may fill. */
  readonly tree?: string;
  /** It writes nowhere else. */
  readonly certain: boolean;
}

/** What follows `poetry` and the like, or `python -m poetry`. */
export function programArguments(command: Command, name: string, table: OptionTable): Arguments {
  const words = command.words.map((word) => word.value ?? '');
  if (!/(?:^|\/)python[\d.]*$/.test(words[0] ?? '')) return parseArguments(command, 1, table);
  return words[1] === '-m' && words[2] === name
    ? parseArguments(command, 3, table)
    : { positional: [], options: new Map(), list: [] };
}

/** The directory that `variable` names, or `.venv`. `certain` says that the tool never installs anywhere else. */
export function environmentOf(install: Install, root: string, variable: string, certain: boolean): Environment {
  const named = install.place.environment(variable);
  return { tree: resolvePath(root, named === undefined || named === '' ? '.venv' : named), certain };
}

/** Installing what a project depends on, and nothing of the project. */
export function dependencyStep(name: string, reads: readonly Read[], { tree, certain }: Environment): Step {
  return {
    name,
    reads: [...reads, ...(tree === undefined ? [] : [{ path: tree, tree: true }])],
    writes: tree === undefined ? [] : [tree],
    edits: [],
    system: certain ? 'reads' : 'writes',
    settles: true,
  };
}

/** The dependencies, and where `local` is not empty the project's own packages after them. */
export function pythonInstall(
  install: Install,
  dependencies: Step,
  local: string | undefined,
  splits: readonly Split[],
): Analysis {
  const trees = dependencies.writes.slice(0, 1);
  const outputs: Outputs = { outputs: trees, ignore: inside(install.directory, trees) };
  if (local === undefined) return { ...single(dependencies), ...outputs };
  const trouble = installsProject(install, local);
  return { ...build(install, dependencies, splits, outputs, trouble), refusal: trouble };
}

/** `dynamic = ["dependencies"]`: a build backend computes them from other files. */
export function hasDynamicDependencies(pyproject: Json): boolean {
  const { dynamic } = record(pyproject['project']);
  return strings(dynamic).some((name) => name === 'dependencies' || name === 'optional-dependencies');
}

/** Requirements of the `[project]` table, groups included, as written. */
export function requirementsOf(pyproject: Json): readonly string[] {
  const project = record(pyproject['project']);
  return [
    ...strings(project['dependencies']),
    ...Object.values(record(project['optional-dependencies'])).flatMap(strings),
    ...Object.values(record(pyproject['dependency-groups'])).flatMap(strings),
  ];
}

/** The tables of `[tool.uv.sources]`: where a dependency comes from, if not from a registry. */
export function uvSources(pyproject: Json): readonly Json[] {
  return Object.values(record(record(record(pyproject['tool'])['uv'])['sources']))
    .flatMap((source) => (Array.isArray(source) ? (source as unknown[]) : [source]))
    .map(record);
}

/**
 * What is read of the places where uv finds packages, by a uv.toml or a `[tool.uv]`: they are relative to the file
 * [V: 0.13]. Source: https://docs.astral.sh/uv/reference/settings/ (find-links, index, pip).
 */
export function uvPlaces(settings: Json, directory: string): readonly Read[] {
  const named = [settings, record(settings['pip'])].flatMap((table) => [
    ...strings(table['find-links']),
    ...strings(list(table['index']).map((index) => record(index)['url'])),
    ...strings([table['index-url']]),
    ...strings(table['extra-index-url']),
  ]);
  return localPlaces(named, directory);
}
