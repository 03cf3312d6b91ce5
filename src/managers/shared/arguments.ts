/** Splits a package manager's command line by its own options. */
import type { Command, Place, Read } from '../../model.ts';
import { resolvePath } from '../../dockerfile/state.ts';

/** Which options of one manager need care; all others are bare. */
export interface OptionTable {
  /** They take the next word as their value. */
  readonly valued: ReadonlySet<string>;
  /** They decide what is read or where: an unresolved value makes the command line unknown. */
  readonly decisive: ReadonlySet<string>;
}

export interface Arguments {
  /** Words that are not options, the command name left out. */
  readonly positional: readonly string[];
  /** Option name (dashes included) to value; `true` for a bare one. Later ones win. */
  readonly options: ReadonlyMap<string, string | true>;
  /** All options in order, repeated ones too. */
  readonly list: readonly (readonly [name: string, value: string | true])[];
  /** The first word that decides what is installed and could not be resolved. */
  readonly unresolved?: string;
}

export function optionTable(valued: string, decisive: string): OptionTable {
  return { valued: new Set(`${valued} ${decisive}`.split(' ')), decisive: new Set(decisive.split(' ')) };
}

export function parseArguments(command: Command, skip: number, table: OptionTable): Arguments {
  const positional: string[] = [];
  const list: (readonly [string, string | true])[] = [];
  const words = command.words.slice(skip);
  let unresolved: string | undefined;
  const valueOf = (
    name: string,
    word: { readonly text: string; readonly value?: string } | undefined,
    text: string,
  ): string => {
    if (word?.value === undefined && table.decisive.has(name)) unresolved ??= text;
    return word?.value ?? text;
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as (typeof words)[number];
    const text = word.value ?? word.text;
    if (!/^-./.test(text)) {
      if (word.value === undefined) unresolved ??= word.text;
      else positional.push(word.value);
      continue;
    }
    const equals = text.indexOf('=');
    if (equals > 0)
      list.push([
        text.slice(0, equals),
        valueOf(
          text.slice(0, equals),
          word.value === undefined ? undefined : { text, value: text.slice(equals + 1) },
          text.slice(equals + 1),
        ),
      ]);
    else if (word.value === undefined) unresolved ??= word.text;
    else if (table.valued.has(text) && at + 1 < words.length)
      list.push([text, valueOf(text, words[at + 1], words[++at]?.text ?? '')]);
    else if (/^(?:true|false)$/.test(words[at + 1]?.value ?? '')) list.push([text, words[++at]?.value as string]);
    else list.push([text, true]);
  }
  return { positional, options: new Map(list), list, ...(unresolved === undefined ? {} : { unresolved }) };
}

/** The directory that one of these options names, or the one in force. */
export function directoryFrom(args: Arguments, names: readonly string[], place: Place): string {
  for (const name of names) {
    const value = args.options.get(name);
    if (typeof value === 'string') return resolvePath(place.directory, value);
  }
  return place.directory;
}

export function has(args: Arguments, ...names: readonly string[]): boolean {
  return names.some((name) => args.options.has(name) && args.options.get(name) !== 'false');
}

/** Options as written, sorted, without those that the forms of one install differ in: the tail of a step's name. */
export function optionText(args: Arguments, without: readonly string[]): string {
  return args.list
    .filter(([name]) => !without.includes(name))
    .map(([name, value]) => (value === true ? name : `${name}=${value}`))
    .sort()
    .join(' ');
}

/** Finds a manager's own name in a command line. */
export function programPattern(name: string): RegExp {
  return new RegExp(`(?:^|\\s)(?:\\S*/)?(${name})(?=\\s|$)`);
}

/** What stands before the manager's own name: `CI=1 `, `sudo `, `corepack `, with the blank; empty for nothing. */
export function prefixOf(command: Command, program: RegExp): string {
  const match = program.exec(command.text);
  return match === null ? '' : command.text.slice(0, match.index + (match[0].startsWith(' ') ? 1 : 0));
}

/** A package argument that names something on disk rather than in a registry; `name@` may stand in front of it [V]. */
export function isLocalPackage(word: string): boolean {
  return (
    /^(?:\.{1,2}$|\.{0,2}\/|~\/|(?:git\+)?file:|link:|portal:|workspace:)|^[^:]+\/$/.test(withoutName(word)) ||
    (/\.(?:tgz|tar\.gz|tar)$/.test(word) && !/^(?:https?|git)/.test(word) && !word.includes('@http'))
  );
}

/** The path that it names. */
function localPath(word: string): string {
  return withoutName(word).replace(/^file:/, '');
}

/** What is read of the package arguments that name something on disk. */
export function localReads(directory: string, added: readonly string[]): readonly Read[] {
  return added.filter(isLocalPackage).map((each) => ({ path: resolvePath(directory, localPath(each)) }));
}

function withoutName(word: string): string {
  return word.replace(/^(?:@[\w.~-]+\/)?[\w.~-]+@(?=\.{0,2}\/|~\/|\.{1,2}$|(?:git\+)?file:|link:|portal:)/, '');
}

/**
 * A package argument names something on disk, or a word that is not constant may: a pattern does, unless it stands in a
 * version (`tool@1.*`).
 */
export function namesLocalPackage(command: Command, packages: readonly string[]): boolean {
  return (
    packages.some(isLocalPackage) ||
    command.words.some(({ text, value }) => {
      const word = text.replace(/["']/g, '');
      return value === undefined && (isLocalPackage(word) || /^(?:[^@]|@[^@/]*\/)[^@]*[*?[]/.test(word));
    })
  );
}
