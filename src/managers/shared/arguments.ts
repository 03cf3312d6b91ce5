/** Splits a package manager's command line by its own options. */
import type { Command, Place } from '../../model.ts';
import { resolvePath } from '../../dockerfile/state.ts';

export interface Arguments {
  /** Words that are not options, the command name left out. */
  readonly positional: readonly string[];
  /** Option name (dashes included) to value; `true` for a bare one. Later ones win. */
  readonly options: ReadonlyMap<string, string | true>;
  /** Options as written, sorted: the part of a step's name that tells two installs apart. */
  readonly text: string;
  /** A word could not be resolved. */
  readonly dynamic: boolean;
}

/** `valued`: options that take the next word as their value. */
export function parseArguments(command: Command, skip: number, valued: ReadonlySet<string>): Arguments {
  const positional: string[] = [];
  const options = new Map<string, string | true>();
  const words = command.words.slice(skip);
  let dynamic = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]?.value;
    if (word === undefined) {
      dynamic = true;
      continue;
    }
    if (!word.startsWith('-') || word === '-') {
      positional.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    if (equals > 0) options.set(word.slice(0, equals), word.slice(equals + 1));
    else if (valued.has(word) && at + 1 < words.length) {
      const value = words[++at]?.value;
      if (value === undefined) dynamic = true;
      options.set(word, value ?? '');
    } else options.set(word, true);
  }
  const text = [...options]
    .map(([name, value]) => (value === true ? name : `${name}=${value}`))
    .sort()
    .join(' ');
  return { positional, options, text, dynamic };
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
