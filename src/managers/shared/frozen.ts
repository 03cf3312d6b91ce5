/**
 * Does a JavaScript lockfile fit its manifests? Compared are the direct dependencies of every package of the project:
 * that is what `npm ci`, `--frozen-lockfile` and `--immutable` compare first.
 */
import { parse as parseJsonc } from 'jsonc-parser';
import type { Files, Trouble } from '../../model.ts';
import { at, dependencies, record, stringEntries, type Manifest } from './package-json.ts';
import type { Project } from './project.ts';
import { missing } from './steps.ts';
import { parseYaml } from './yaml.ts';

export type Lockfile = 'npm' | 'yarn' | 'berry' | 'pnpm' | 'bun';

/**
 * The frozen form of a command that could take one. Answers later, so that only who asks pays for reading a lockfile.
 */
export function frozen(
  files: Files,
  project: Project,
  kind: Lockfile,
  name: string,
  text: string | undefined,
): () => string | Trouble | undefined {
  const path = at(project.root, name);
  const lock = files.has(path) === 'yes' ? files.read(path) : undefined;
  return () =>
    text === undefined
      ? undefined
      : lock === undefined
        ? missing(path, 'where this install runs, so that there is nothing to keep to')
        : fits(lock, project, kind)
          ? text
          : {
              code: 'lockfile-outdated',
              message: `\`${path}\` does not fit the manifests`,
              help: 'bring the lockfile up to date and commit it',
            };
}

function fits(lock: string, project: Project, kind: Lockfile): boolean {
  try {
    const known = READERS[kind](lock);
    return [project.manifest, ...project.members].every((manifest) => {
      const inside = manifest.directory === project.root ? '' : manifest.directory.slice(at(project.root, '').length);
      return agree(dependencies(manifest), known(inside, manifest));
    });
  } catch {
    return false;
  }
}

/** The specifiers that a lockfile has for one package, by name; undefined: it has not that package. */
type Reader = (text: string) => (directory: string, manifest: Manifest) => ReadonlyMap<string, string> | undefined;

const READERS: Readonly<Record<Lockfile, Reader>> = {
  npm: (text) => {
    const packages = record(record(JSON.parse(text))['packages']);
    return (directory) => specifiers(packages[directory]);
  },
  bun: (text) => {
    const workspaces = record(record(parseJsonc(text, [], { allowTrailingComma: true }))['workspaces']);
    return (directory) => specifiers(workspaces[directory]);
  },
  pnpm: (text) => {
    const lock = record(parseYaml(text));
    const importers = record(lock['importers'] ?? { '.': lock });
    return (directory) => {
      const importer = importers[directory === '' ? '.' : directory];
      if (importer === undefined) return undefined;
      const found = new Map<string, string>();
      for (const field of FIELDS)
        for (const [name, value] of Object.entries(record(record(importer)[field]))) {
          const specifier = record(value)['specifier'] ?? record(record(importer)['specifiers'])[name];
          if (typeof specifier === 'string') found.set(name, specifier);
        }
      return found;
    };
  },
  yarn: (text) => {
    const keys = new Set(
      text
        .split('\n')
        .filter((line) => /^[^\s#].*:$/.test(line))
        .flatMap((line) => line.slice(0, -1).split(', '))
        .map((key) => key.replace(/^"(.*)"$/, '$1')),
    );
    return (_directory, manifest) =>
      new Map(dependencies(manifest).filter(([name, spec]) => keys.has(`${name}@${spec}`)));
  },
  berry: (text) => {
    const lock = record(parseYaml(text));
    const keys = new Set(Object.keys(lock).flatMap((key) => key.split(', ')));
    return (_directory, manifest) =>
      new Map(
        dependencies(manifest).filter(([name, spec]) => keys.has(`${name}@${spec}`) || keys.has(`${name}@npm:${spec}`)),
      );
  },
};

const FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies'];

function specifiers(entry: unknown): ReadonlyMap<string, string> | undefined {
  return entry === undefined ? undefined : new Map(FIELDS.flatMap((field) => stringEntries(record(entry)[field])));
}

function agree(
  wanted: readonly (readonly [string, string])[],
  locked: ReadonlyMap<string, string> | undefined,
): boolean {
  return locked !== undefined && wanted.every(([name, specifier]) => locked.get(name) === specifier);
}
