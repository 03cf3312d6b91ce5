/** Loads plugins. What they bring gets its plugin's name in front: `dockerfix-acme/my-transform`. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { PackageManager, Plugin, Proposal, Transform } from '../model.ts';
import { importFile } from './load.ts';

export interface Loaded {
  readonly transforms: readonly Transform[];
  readonly managers: readonly PackageManager[];
}

/** `from` is the configuration file. A string says what is wrong. */
export async function loadPlugins(
  plugins: readonly (string | { readonly name: string })[],
  from: string,
): Promise<Loaded | string> {
  const transforms: Transform[] = [];
  const managers: PackageManager[] = [];
  for (const each of plugins) {
    const loaded = typeof each === 'string' ? await load(each, from) : { name: each.name, plugin: each };
    if (typeof loaded === 'string') return `${from}: \`plugins\`: ${loaded}`;
    const { name, plugin } = loaded;
    const mistake = mistakeIn(plugin);
    if (mistake !== undefined) return `${from}: \`plugins\`: ${name} ${mistake}`;
    for (const transform of (plugin as Plugin).transforms ?? []) transforms.push(named(transform, name));
    for (const manager of (plugin as Plugin).managers ?? []) managers.push(owned(manager, name));
  }
  const all = [...transforms, ...managers].map((each) => each.name);
  const twice = all.find((name, index) => all.indexOf(name) !== index);
  return twice === undefined ? { transforms, managers } : `${from}: \`plugins\`: there are two \`${twice}\``;
}

async function load(given: string, from: string): Promise<{ name: string; plugin: unknown } | string> {
  const isFile = given.startsWith('.') || isAbsolute(given);
  const path = isFile ? resolve(dirname(from), given) : entryOf(given, from);
  if (path === undefined || !existsSync(path)) return `${given} was not found`;
  try {
    return { name: isFile ? basename(given).replace(/\.[cm]?[jt]s$/, '') : given, plugin: await importFile(path) };
  } catch (error) {
    return `${given} could not be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The entry of a package, which may have a door for `import` alone. */
function entryOf(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    for (let here = dirname(from), last = ''; here !== last; last = here, here = dirname(here)) {
      const folder = join(here, 'node_modules', name);
      if (!existsSync(join(folder, 'package.json'))) continue;
      const { exports: doors } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        exports?: unknown;
      };
      const door = record(record(doors)['.'] ?? doors);
      const entry = door['import'] ?? door['default'];
      const target = typeof entry === 'string' ? entry : record(entry)['default'];
      return typeof target === 'string' ? join(folder, target) : undefined;
    }
    return undefined;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function mistakeIn(plugin: unknown): string | undefined {
  if (typeof plugin !== 'object' || plugin === null) return 'has no plugin as its default export';
  const { transforms = [], managers = [] } = plugin as Record<string, unknown>;
  if (!Array.isArray(transforms) || !Array.isArray(managers)) return 'has `transforms` or `managers` that are no lists';
  for (const [kind, list, functions] of [
    ['transform', transforms, ['propose']],
    ['manager', managers, ['recognise', 'analyse']],
  ] as const)
    for (const each of list as readonly unknown[]) {
      const { name, summary, ...rest } = record(each);
      if (typeof name !== 'string' || !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name))
        return `has a ${kind} whose name is not kebab-case`;
      if (typeof summary !== 'string') return `has a ${kind} \`${name}\` without a summary`;
      const missing = functions.find((key) => typeof rest[key] !== 'function');
      if (missing !== undefined) return `has a ${kind} \`${name}\` without \`${missing}\``;
    }
  return undefined;
}

/** A mistake of the plugin is told as such. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
}

function guarded<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new PluginError(`\`${what}\` failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function named(transform: Transform, plugin: string): Transform {
  const name = `${plugin}/${transform.name}`;
  return {
    ...transform,
    name,
    propose: (file, context, target): readonly Proposal[] =>
      guarded(name, () =>
        [...transform.propose(file, context, target)].map((each: unknown) => {
          if (!isProposal(each, { dockerfile: file.source, dockerignore: context.ignoreFile.source ?? '' }))
            throw new Error('what it proposes is no proposal, or has an edit that lies outside of its file');
          return each;
        }),
      ),
  };
}

/** A plugin need not be in TypeScript. */
function isProposal(value: unknown, texts: Readonly<Record<string, string>>): value is Proposal {
  const { at, fixes } = record(value);
  const isEdit = (edit: unknown): boolean => {
    const { file, span, text } = record(edit);
    const length = typeof file === 'string' && Object.hasOwn(texts, file) ? (texts[file] as string).length : -1;
    const places = Array.isArray(span) ? [0, ...(span as readonly unknown[]), length].map(Number) : [];
    const isSpan =
      places.length === 4 && places.every((place, n) => Number.isInteger(place) && place >= (places[n - 1] ?? 0));
    return typeof text === 'string' && isSpan;
  };
  const isFix = (fix: unknown): boolean => {
    const { edits, message, safety } = record(fix);
    return (
      Array.isArray(edits) &&
      edits.every(isEdit) &&
      typeof message === 'string' &&
      (safety === 'safe' || safety === 'unsafe')
    );
  };
  return Array.isArray(record(at)['span']) && Array.isArray(fixes) && fixes.every(isFix);
}

function owned(manager: PackageManager, plugin: string): PackageManager {
  const name = `${plugin}/${manager.name}`;
  return {
    ...manager,
    name,
    recognise: (command, place) => {
      const install = guarded(name, () => manager.recognise(command, place));
      return install === undefined ? undefined : { ...install, manager: name };
    },
    analyse: (install, files) => guarded(name, () => manager.analyse(install, files)),
  };
}
