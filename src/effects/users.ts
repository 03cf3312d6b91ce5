/** Users and groups of a stage: whom a copy or a command needs, and which commands may have changed. */
import type { Command } from '../model.ts';
import { baseName } from './paths.ts';
import type { Symbols } from './symbols.ts';

/** Stands for whoever: `COPY passwd /etc/`. */
const ANYBODY = '*';

/** Stands for those that a copy tells by number. */
const NUMBER = '#';

export class Users {
  /** Users and groups whose names fail a build where nobody has them. */
  readonly needed = new Set<string>();
  /** Users and groups that commands of this stage add or change; what may change any is `ANYBODY`. */
  private readonly changed = new Map<string, number>();
  private readonly symbols: Symbols;

  constructor(symbols: Symbols) {
    this.symbols = symbols;
  }

  /** Of `user:group`: a name that nobody has fails a copy to it, as it fails the command. */
  need(owner: string): void {
    for (const name of owner.split(':')) if (/^[^\d]/.test(name) && name !== 'root') this.needed.add(name);
  }

  /** Whom the names in a `--chown` mean: a builder looks them up in the image. Source: BuildKit, `readUser`. */
  idsOf(chown: string): string {
    if (this.changed.size === 0) return '';
    const isNumber = (name: string): boolean => /^\d*$/.test(name);
    const names = chown.split(':').filter((name) => name !== 'root' && !isNumber(name));
    // usermod gives what lies in the user's home to the new number.
    const told = names.length > 0 ? [ANYBODY, ...names] : /[1-9]/.test(chown) ? [NUMBER] : [];
    const changed = told.filter((name) => this.changed.has(name));
    return changed.map((name) => ` ${name}=${this.changed.get(name) ?? 0}`).join('');
  }

  /** A command that adds or changes users, or the files that list them. */
  change(command: Command | undefined, symbol: number): void {
    const words = command?.words.map(({ value, text }) => value ?? text) ?? [];
    const isOfUsers = words.some((word) =>
      /^(?:user|group)(?:add|mod|del)$|^(?:add|del)(?:user|group)$/.test(baseName(word)),
    );
    const isOfFiles = /(?:^|[\s>/"'])(?:passwd|group)\b/.test(command?.text ?? '');
    const names = isOfUsers ? words.filter((word) => /^[\w.-]+$/.test(word)) : isOfFiles ? [ANYBODY] : [];
    const isTold = !isOfUsers || words.every((word) => !word.includes('$'));
    const numbers = words.some((word) => baseName(word) === 'usermod') ? [NUMBER] : [];
    for (const name of [...(isTold ? names : [ANYBODY]), ...numbers])
      this.changed.set(name, this.symbols.of('user', this.changed.get(name) ?? 0, symbol));
  }

  /** A copy brings the files that list them. */
  copied(key: string): void {
    this.changed.set(ANYBODY, this.symbols.of('user', this.changed.get(ANYBODY) ?? 0, key));
  }
}

/** Without the group, and without the mode of what was made. */
export function userOf(owner: string | undefined): string | undefined {
  return owner?.replace(/[: ].*/, '');
}
