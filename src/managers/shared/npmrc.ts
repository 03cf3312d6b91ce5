/**
 * npm's settings, which pnpm, Yarn classic and bun read too, and the files that settings name.
 * Sources: https://docs.npmjs.com/cli/using-npm/config, https://docs.npmjs.com/cli/configuring-npm/npmrc
 */
import type { Files, Place, Read, Trouble } from '../../model.ts';
import { resolvePath } from '../../dockerfile/state.ts';
import { has, type Arguments } from './arguments.ts';
import { at } from './package-json.ts';

/** Settings in order; later ones win. */
export type Settings = readonly (readonly [key: string, value: string])[];

/** The lines of an .npmrc. A bare key is `true`, a list has its key with `[]` on several lines. Source: npm's `ini`. */
export function iniSettings(text = ''): Settings {
  return text.split('\n').flatMap((line) => {
    const [, key = '', equals, value = ''] = /^([^=]*)(=?)(.*)$/s.exec(line.replace(/[#;].*$/s, '')) ?? [];
    const name = key.trim().replace(/\[\]$/, '');
    return name === '' || name.startsWith('[')
      ? []
      : [[name, equals === '' ? 'true' : value.trim().replace(/^(["'])(.*)\1$/, '$2')] as const];
  });
}

function setting(settings: Settings, name: string): string | undefined {
  return settings.findLast(([key]) => key === name)?.[1];
}

/** A flag that an .npmrc sets: `ignore-scripts=true`. */
export function iniFlag(files: Files, path: string, name: string): boolean {
  return /^(?:true|)$/.test(setting(iniSettings(files.read(path)), name) ?? 'false');
}

/** A setting by its variable: npm takes `npm_config_` and the name in any case, `_` for `-`, and an empty one for none. */
export function npmVariable(place: Place, name: string): string | undefined {
  return spellings(name)
    .map((each) => place.environment(each))
    .find((value) => value !== undefined && value !== '');
}

function spellings(name: string): readonly string[] {
  const key = name.replaceAll('-', '_');
  return ['npm_config_', 'NPM_CONFIG_'].flatMap((prefix) =>
    [key, key.toUpperCase(), name].map((each) => prefix + each),
  );
}

/** The user's .npmrc and the one beside npm; a variable may name others. */
function npmrcOutside(place: Place): readonly string[] {
  const user = (place.user ?? 'root').split(':')[0] ?? '';
  const home = place.environment('HOME') ?? (/^(?:root|0|)$/.test(user) ? '/root' : `/home/${user}`);
  return [
    npmVariable(place, 'userconfig') ?? at(home, '.npmrc'),
    npmVariable(place, 'globalconfig') ?? '/usr/local/etc/npmrc',
  ].map((path) => resolvePath(place.directory, path));
}

/**
 * Whether scripts run, unless `ignore-scripts` says otherwise: as an option, a variable, or in an .npmrc, in that order.
 * Undefined: a value is not known.
 */
export function runsScripts(place: Place, args: Arguments, files: Files, root: string): boolean | undefined {
  const option = args.options.get('--ignore-scripts');
  if (option !== undefined || has(args, '--no-ignore-scripts')) return option === undefined || option === 'false';
  const isOpen = (name: string): boolean => place.declared(name) && place.environment(name) === undefined;
  if (spellings('ignore-scripts').some(isOpen)) return undefined;
  const saidBy = (path: string): string | undefined => setting(iniSettings(files.read(path)), 'ignore-scripts');
  // Of the project's, a build writes a token for the registry; the others may say anything where a command wrote them.
  const outside = npmrcOutside(place).map((path) =>
    files.has(path) === 'yes' && files.read(path) === undefined ? '?' : saidBy(path),
  );
  const value = [npmVariable(place, 'ignore-scripts'), saidBy(at(root, '.npmrc')), ...outside].find(
    (each) => each !== undefined,
  );
  return value === undefined || value === 'false' ? true : /^(?:true|)$/.test(value) ? false : undefined;
}

/** Whether it can be told what an .npmrc says: a command may have written it, or a copy brought another. */
export function isTold(files: Files, path: string): boolean {
  return files.has(path) === 'no' || files.read(path) !== undefined;
}

/** Their values are files, whatever they look like. A registry's own have its address in front. */
const FILES = /^(?:\/\/.*:)?(?:cafile|certfile|keyfile|(?:global-)?pnpmfile|(?:user|global)config)$/;
/** What they name runs with every script. */
const PROGRAMS = /^(?:script-shell|node-options)$/;

/**
 * What a settings file names of the project. `from`: where relative values start, the project's root first; npm takes
 * the current directory [V: 11].
 */
export function namedFiles(
  files: Files,
  place: Place,
  path: string,
  settings: Settings,
  from: readonly string[],
): readonly Read[] | Trouble {
  const [root = ''] = from;
  const reads: Read[] = [];
  for (const [key, written] of settings) {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const isFile = FILES.test(name);
    const isProgram = PROGRAMS.test(name);
    const value = expanded(written, place);
    if (value === undefined) {
      if (!isFile && !isProgram) continue;
      return {
        code: 'unresolved-variable',
        message: `\`${key}\` in \`${path}\` is \`${written}\`, which is not constant`,
        help: 'write the value out, or set it with ENV',
      };
    }
    const words = isProgram ? value.split(/[\s=]+/) : [value.replace(/^file:(?:\/\/)?/, '')];
    for (const word of words) {
      if (word === '' || word.startsWith('~/') || (!isFile && !/[./]/.test(word)) || /^\w+:\/\//.test(word)) continue;
      for (const found of new Set(from.map((directory) => resolvePath(directory, word)))) {
        const presence = files.has(found);
        const isOurs = found.startsWith(at(root, ''));
        // Packages fill the system's directories; the project's are known.
        const isThere = presence === 'yes' || (presence === 'maybe' && isOurs);
        if (isProgram && isThere)
          return {
            code: 'lifecycle-script-reads-source',
            message: `\`${word}\` of the project is run by each script (\`${key}\` in \`${path}\`)`,
            help: 'leave that setting out of the file',
          };
        if (isProgram) continue;
        if (isFile) reads.push({ path: found });
        else if (presence === 'yes' && isOurs)
          reads.push({ path: found, ...(files.read(found) === undefined ? { tree: true } : {}) });
      }
    }
  }
  return reads;
}

/** With the variables that it names; undefined: one is not known. */
function expanded(value: string, place: Place): string | undefined {
  const isKnown = [...value.matchAll(VARIABLE)].every(([, name = '']) => place.environment(name) !== undefined);
  return isKnown ? value.replace(VARIABLE, (_whole, name: string) => place.environment(name) ?? '') : undefined;
}

const VARIABLE = /\$\{([^}]+)\}/g;

/** Code that loads or reads other files than packages by name. */
const LOADS =
  /\b(?:require|import)\((?!\s*['"`][^.'"`$/][^'"`$]*['"`])|\bfrom\s+['"]\.|\bimport\s+['"]\.|readFile|readdir|__dirname|__filename|import\.meta/;

/** Why a file of hooks, which every install runs, cannot be told by its own text. */
export function hookTrouble(name: string, text = ''): Trouble | undefined {
  return LOADS.test(text)
    ? {
        code: 'dynamic-manifest',
        message: `\`${name}\` loads other files of the project`,
        help: `keep \`${name}\` free of relative imports`,
      }
    : undefined;
}
