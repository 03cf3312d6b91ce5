/** From a configuration and the command line to what a run takes for each Dockerfile. Flags win over overrides, those over the rest. */
import { dirname, relative, sep } from 'node:path';
import { reason } from '../context/find.ts';
import { gitIgnore } from '../context/gitignore.ts';
import { managers as builtInManagers, transforms as builtInTransforms, type FixOptions } from '../index.ts';
import type { PackageManager, Transform } from '../model.ts';
import { configuredManagers } from './knowledge.ts';
import { findConfig } from './find.ts';
import { readConfigText } from './read.ts';
import type { Config, Settings } from './schema.ts';

export interface Configuration {
  /** The file; absent where there is none. */
  readonly path?: string;
  readonly config: Config;
  readonly transforms: readonly Transform[];
  /** What holds for one Dockerfile, by its absolute path. */
  readonly settingsFor: (path: string) => { readonly fix: FixOptions; readonly context?: string };
  /** It is to be left alone. */
  readonly ignored: (path: string) => boolean;
}

/** Undefined: there is neither a configuration nor an ignore file. A string says what is wrong. */
export async function configure(
  cwd: string,
  given: { readonly path?: string; readonly none?: boolean },
): Promise<Configuration | string | undefined> {
  const found = given.none === true ? {} : findConfig(cwd);
  const path = given.path ?? found.config;
  if (path === undefined && found.ignoreFile === undefined) return undefined;
  const loaded = path === undefined ? {} : await (await import('./load.ts')).loadConfig(path);
  if (typeof loaded === 'string') return loaded;
  const ignoreFile = found.ignoreFile === undefined ? undefined : readIgnoreFile(found.ignoreFile);
  if (typeof ignoreFile === 'string') return ignoreFile;
  const plugins =
    path === undefined || loaded.plugins === undefined
      ? { transforms: [], managers: [] }
      : await (await import('./plugins.ts')).loadPlugins(loaded.plugins, path);
  if (typeof plugins === 'string') return plugins;
  const transforms =
    plugins.transforms.length === 0 ? builtInTransforms : [...builtInTransforms, ...plugins.transforms];
  const managers = plugins.managers.length === 0 ? builtInManagers : [...plugins.managers, ...builtInManagers];
  const mistake = mistakeIn(loaded, transforms, managers);
  if (mistake !== undefined) return `${path ?? ''}: ${mistake}`;
  return {
    ...(path === undefined ? {} : { path }),
    config: loaded,
    transforms,
    settingsFor: settingsBy(loaded, path === undefined ? cwd : dirname(path), transforms, managers),
    ignored: ignoring(loaded.ignore, path, ignoreFile),
  };
}

/** Names can only be checked once the plugins are there. */
function mistakeIn(
  config: Config,
  transforms: readonly Transform[],
  managers: readonly PackageManager[],
): string | undefined {
  const scopes = [
    ['', config] as const,
    ...(config.overrides ?? []).map((each, index) => [`overrides[${index}].`, each] as const),
  ];
  for (const [at, settings] of scopes) {
    for (const [name, value] of Object.entries(settings.transforms ?? {})) {
      const transform = transforms.find((each) => each.name === name);
      const known = transforms.map((each) => each.name).join(', ');
      if (transform === undefined)
        return `\`${at}transforms.${name}\`: there is no such transform; there are: ${known}`;
      if (typeof value === 'boolean') continue;
      const wrong =
        transform.checkOptions === undefined ? 'this transform takes no options' : transform.checkOptions(value);
      if (wrong !== undefined) return `\`${at}transforms.${name}\`: ${wrong}`;
    }
    const manager = Object.keys(settings.inputs ?? {}).find((name) => !managers.some((each) => each.name === name));
    if (manager !== undefined) return `\`${at}inputs.${manager}\`: there is no such package manager`;
  }
  return undefined;
}

function settingsBy(
  config: Config,
  directory: string,
  transforms: readonly Transform[],
  managers: readonly PackageManager[],
): Configuration['settingsFor'] {
  const overrides = (config.overrides ?? []).map(({ files, ...settings }) => ({ matches: matcher(files), settings }));
  // One list for Dockerfiles of the same settings: what is worked out with it is kept by the list.
  const made = new Map<string, ReturnType<Configuration['settingsFor']>>();
  return (path) => {
    const inside = relative(directory, path).split(sep).join('/');
    const applying = inside.startsWith('../') ? [] : overrides.filter(({ matches }) => matches(inside));
    const key = applying.map((each) => overrides.indexOf(each)).join();
    let known = made.get(key);
    if (known === undefined) {
      const settings = applying.reduce((all: Settings, each) => merged(all, each.settings), config);
      made.set(key, (known = optionsOf(settings, transforms, configuredManagers(managers, settings))));
    }
    return known;
  };
}

function merged(all: Settings, over: Settings): Settings {
  return {
    ...all,
    ...over,
    transforms: { ...all.transforms, ...over.transforms },
    commands: [...(over.commands ?? []), ...(all.commands ?? [])],
    inputs: { ...all.inputs, ...over.inputs },
    allowScripts: { ...all.allowScripts, ...over.allowScripts },
  };
}

function optionsOf(
  settings: Settings,
  transforms: readonly Transform[],
  managers: readonly PackageManager[],
): ReturnType<Configuration['settingsFor']> {
  const chosen = Object.entries(settings.transforms ?? {});
  const { context, unsafe, style, builder } = settings;
  return {
    ...(context === undefined ? {} : { context }),
    fix: {
      ...(transforms === builtInTransforms ? {} : { transforms }),
      ...(managers === builtInManagers ? {} : { managers }),
      ...(unsafe === undefined ? {} : { unsafe }),
      target: { ...(style === undefined ? {} : { style }), ...(builder === undefined ? {} : { builder }) },
      add: chosen.filter(([, value]) => value !== false).map(([name]) => name),
      skip: chosen.filter(([, value]) => value === false).map(([name]) => name),
      options: Object.fromEntries(
        chosen.flatMap(([name, value]) => (typeof value === 'object' ? [[name, value]] : [])),
      ),
    },
  };
}

interface IgnoreFile {
  readonly path: string;
  readonly patterns: readonly string[];
}

/** A string says what is wrong. */
function readIgnoreFile(path: string): IgnoreFile | string {
  try {
    return { path, patterns: readConfigText(path).split(/\r?\n/) };
  } catch (error) {
    return `${path}: ${reason(error)}`;
  }
}

function matcher(patterns: readonly string[]): (path: string) => boolean {
  const rules = gitIgnore((directory) => (directory === '.' ? patterns.join('\n') : undefined));
  return (path) => rules.ignores(path, true);
}

function ignoring(
  patterns: readonly string[] = [],
  config: string | undefined,
  ignoreFile: IgnoreFile | undefined,
): Configuration['ignored'] {
  const rules = [
    ...(config === undefined || patterns.length === 0 ? [] : [{ base: dirname(config), matches: matcher(patterns) }]),
    ...(ignoreFile === undefined ? [] : [{ base: dirname(ignoreFile.path), matches: matcher(ignoreFile.patterns) }]),
  ];
  return (path) =>
    rules.some(({ base, matches }) => {
      const inside = relative(base, path).split(sep).join('/');
      return !inside.startsWith('../') && matches(inside);
    });
}
