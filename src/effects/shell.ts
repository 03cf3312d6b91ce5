/** What the commands of one RUN share, and the commands that only change that: `cd`, `set`, `export`, `.`. */
import type { Command, Instruction, ShellWord } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import type { Input } from './actions.ts';
import { unasked } from './commands.ts';
import type { Machine } from './machine.ts';
import { INHERITED } from './surroundings.ts';

/** Variables that say how programs run, rather than being a word of a command. */
const SPECIAL =
  /^(?:PATH|HOME|PWD|IFS|ENV|BASH_ENV|CDPATH|SHELL\w*|LD_\w+|PYTHON\w*|(?:NODE|GIT)_(?!(?:\w+_)?TOKEN$)\w+|npm_config_\w+)$/i;

/** Of one RUN, between two of its commands. */
export interface Shell {
  directory: string;
  exports: Map<string, string | undefined>;
  /** It may be any: a `cd` went who knows where. */
  lost?: true;
  /** A script that only sets PATH and the like has been run: what it is now. */
  sourced?: Input;
  /** Everything else that later commands of the same shell depend on. */
  key: number;
  errexit: boolean;
  /** package.json of the directory that the RUN starts in, as it is then. */
  readonly manifest?: string | undefined;
}

/** Handles the commands that only change the shell itself. */
export function shellCommand(machine: Machine, command: Command, shell: Shell, isUnchecked: boolean): boolean {
  if (shell.lost === true) return false;
  if (!command.simple || command.redirects.length > 0) return false;
  const name = command.words[0]?.value;
  const words = command.words.map((word) => word.value);
  if (command.words.length === 0 && command.assignments.length > 0) {
    const unknown = command.assignments.some((each) => each.value === undefined);
    // What a substitution prints is known where it only asks what machine this is.
    if (unknown && /[`(]/.test(unasked(command.text))) return false;
    // Of a variable that is exported already, programs see the new value.
    const exports = command.assignments.filter(
      (each) =>
        shell.exports.has(each.name) ||
        each.name === 'HOME' ||
        each.name === 'PATH' ||
        machine.environment.has(each.name),
    );
    if (exports.some(({ value }) => value === undefined)) return false;
    for (const { name, value } of exports) shell.exports.set(name, value);
    shell.key = machine.symbols.of(
      shell.key,
      command.text,
      unknown ? `${machine.environment.references(command.text)} ${machine.image.system()}` : '',
    );
    return true;
  }
  if ((name === '.' || name === 'source') && command.assignments.length === 0 && words.length === 2) {
    if (isRustup(machine, command.words[1]?.text ?? '')) {
      shell.key = machine.symbols.of(shell.key, command.text, machine.image.system());
      return true;
    }
    const path = resolvePath(shell.directory, words[1] ?? '');
    if (machine.isGone(path)) return false;
    if (activates(machine, command, shell)) return true;
    if (words[1] === undefined || machine.image.owns(path) || !holdsVariables(machine, path)) return false;
    shell.key = machine.symbols.of(shell.key, command.text, machine.image.valueOf(path));
    return true;
  }
  if (name === 'cd' && command.assignments.length === 0) {
    const target = words[1];
    if (words.length !== 2 || target === undefined || target === '-') return false;
    // Where it fails, what follows a `;` runs here instead.
    const path = resolvePath(shell.directory, target);
    if (isUnchecked && !machine.isThere(path)) return false;
    shell.directory = path;
    return true;
  }
  if (name === 'set') {
    if (!words.slice(1).every((word) => word !== undefined && /^[-+][A-Za-z]+$|^pipefail$/.test(word))) return false;
    // All that is set then is exported.
    if (words.slice(1).some((word) => /^-\w*a/.test(word as string))) return false;
    for (const word of words.slice(1))
      if (/^[-+][a-z]*e/.test(word as string)) shell.errexit = (word as string).startsWith('-');
    // `-x` and `-v` only print.
    const kept = words
      .slice(1)
      .map((word) => (word as string).replace(/[xv]/g, ''))
      .filter((word) => word !== '-' && word !== '+');
    if (kept.length > 0) shell.key = machine.symbols.of(shell.key, `set ${kept.join(' ')}`);
    return true;
  }
  if (name === 'export' && words.length > 1) {
    const set = command.words.slice(1).map((word) => exported(word));
    if (set.includes(undefined)) return false;
    for (const [variable, value] of set as [string, string | undefined][]) shell.exports.set(variable, value);
    if (words.includes(undefined)) shell.key = machine.symbols.of(shell.key, command.text, machine.image.system());
    return true;
  }
  return false;
}

/** The file that rustup writes beside its programs, which only puts them on the PATH. */
function isRustup(machine: Machine, text: string): boolean {
  return (
    /^"?(?:\$HOME|\$\{HOME\}|~|\/root|\/home\/[\w-]+)\/\.cargo\/env"?$/.test(text) &&
    !machine.image.owns('/root/.cargo') &&
    ![...machine.claims()].some((path) => path.includes('/.cargo'))
  );
}

/**
 * The `activate` of a virtual environment that this build makes: it puts its programs ahead in PATH, and sets
 * VIRTUAL_ENV. Source: CPython's Lib/venv/scripts/common/activate.
 */
function activates(machine: Machine, { words }: Command, shell: Shell): boolean {
  const before = shell.exports.get('PATH') ?? machine.environment.followed.get('PATH') ?? INHERITED;
  const path = resolvePath(shell.directory, words[1]?.value ?? '');
  const tree = /^(\/.+)\/bin\/activate$/.exec(path)?.[1];
  if (tree === undefined || !machine.image.isMade(path)) return false;
  if (machine.image.owns(tree) && machine.image.has(tree) !== 'yes') return false;
  const makes = ({ words: [program, ...rest] }: Command, { state }: Instruction): boolean =>
    (/(?:^|\/)virtualenv$/.test(program?.value ?? '') || rest.some(({ value }) => value === 'venv')) &&
    rest.some(({ value }) => value !== undefined && resolvePath(state.workdir, value) === tree);
  if (!machine.allCommands().some(({ each, command }) => makes(command, each))) return false;
  shell.exports.set('VIRTUAL_ENV', tree).set('PATH', `${tree}/bin:${before}`);
  // Installs leave it alone.
  shell.sourced = { what: path, value: machine.symbols.of('activate') };
  return true;
}

/** A file that this build writes with `echo NAME=value > FILE` alone: to source it sets these variables. */
function holdsVariables(machine: Machine, path: string): boolean {
  const mentions = machine.allCommands().filter(({ command }) => command.text.includes(path));
  const lines = mentions.filter(({ command }) => !/^(?:\.|source|cat) \S+$/.test(command.text));
  return (
    lines.length > 0 &&
    lines.every(({ each, command: { simple, words, redirects } }) => {
      const set = /^"?([A-Za-z_]\w*)=[\w./:${}@+-]*"?$/.exec(words[1]?.text ?? '')?.[1];
      return (
        simple &&
        words[0]?.value === 'echo' &&
        words.length === 2 &&
        redirects.length === 1 &&
        redirects[0]?.target === path &&
        set !== undefined &&
        !SPECIAL.test(set) &&
        !each.state.environment.declared(set)
      );
    })
  );
}

/** A variable that is exported, with its value if that is constant; undefined: its value may depend on anything. */
function exported({ text, value }: ShellWord): readonly [name: string, value: string | undefined] | undefined {
  const [, name = '', constant] = /^([A-Za-z_]\w*)=(.*)$/s.exec(value ?? text) ?? [];
  if (name === '') return undefined;
  if (value !== undefined) return [name, constant];
  return SPECIAL.test(name) || /[`$*?[~]/.test(unasked(text)) ? undefined : [name, undefined];
}
