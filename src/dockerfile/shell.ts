/** RUN text to commands, through unbash. */
import {
  parse as parseShell,
  type Assignment,
  type Redirection,
  type Statement,
  type Word,
  type WordPart,
} from 'unbash';
import type { Command, Environment, ShellWord } from '../model.ts';
import type { Traced } from './scan.ts';

/** Those whose language unbash knows: not zsh or ksh. */
const POSIX_SHELL = /(?:^|\/)(?:sh|bash|ash|dash)$/;

/** The shell in force runs POSIX or bash text. */
export function understandsShell(shell: readonly string[]): boolean {
  return POSIX_SHELL.test(shell[0] ?? '');
}

/**
 * The top-level commands of a script; undefined when it does not parse. Newlines count as `;`. Never throws.
 *
 * A carriage return is an ordinary character to a shell: `npm ci\r` is not `npm ci`.
 */
export function parseCommands(
  text: Traced,
  environment: Environment,
  shell: readonly string[],
): readonly Command[] | undefined {
  if (text.text.includes('\r')) return undefined;
  try {
    const script = parseShell(text.text);
    if (script.errors !== undefined && script.errors.length > 0) return undefined;
    const reader = new Reader(text, environment, shell);
    return script.commands.flatMap((statement, index) =>
      flatten(statement, index === 0 ? undefined : ';').map((each) => reader.command(each)),
    );
  } catch {
    // unbash gives up by recursion on text that is nested thousands of levels deep.
    return undefined;
  }
}

type Joined = { readonly node: Node; readonly operator?: '&&' | ';'; readonly simple: boolean };
type Node = Statement | Statement['command'];

function flatten(statement: Statement, operator: '&&' | ';' | undefined): Joined[] {
  const first = operator === undefined ? {} : { operator };
  const node = statement.command;
  if (statement.background === true) return [{ node: statement, ...first, simple: false }];
  if (node.type !== 'AndOr') return [{ node, ...first, simple: node.type === 'Command' }];
  if (node.operators.includes('||')) return [{ node, ...first, simple: false }];
  return node.commands.map((each, index) => ({
    node: each,
    ...(index === 0 ? first : { operator: '&&' as const }),
    simple: each.type === 'Command',
  }));
}

/** What a login or interactive shell sets from its profile is not known. */
const READS_PROFILE = /^(?:-[a-z]*[li]|--login|--rcfile|--init-file)/;
/** Set by the shell itself, whatever the environment says. */
const SHELL_VARIABLES = new Set(
  '_ IFS PWD OLDPWD PPID UID EUID SHLVL OPTIND OPTARG LINENO RANDOM SECONDS FUNCNAME BASH BASHPID BASH_VERSION'.split(
    ' ',
  ),
);
/** Commands that can set any variable. */
const SETS_ANYTHING = /(?:^|[\s;&|(){}])(?:\.|source|eval|read|mapfile|readarray|getopts|let|unset|printf\s+-v)(?=\s)/;
/** Assignments before these stay after them. */
const SPECIAL = /^(?:[:.]|eval|exec|export|readonly|set|shift|times|trap|unset)$/;

/** Turns nodes to commands, in order: what one sets, those after it do not take for constant. */
class Reader {
  private readonly text: Traced;
  private readonly environment: Environment;
  private readonly assigned = new Set<string>();
  private anything: boolean;

  constructor(text: Traced, environment: Environment, shell: readonly string[]) {
    this.text = text;
    this.environment = environment;
    this.anything = shell.some((word) => READS_PROFILE.test(word));
  }

  command({ node, operator, simple }: Joined): Command {
    const written = this.text.text.slice(node.pos, node.end);
    const base = {
      span: this.text.span(node.pos, node.end),
      text: fold(written),
      ...(operator === undefined ? {} : { operator }),
      words: [],
      assignments: [],
      redirects: [],
      simple: false,
    };
    // `&>` is bash's alone: in other shells it sends the command to the background.
    if (
      !simple ||
      node.type !== 'Command' ||
      node.redirects.some((each) => each.type !== 'Redirect' || each.operator.startsWith('&'))
    ) {
      const pipeline = this.pipeline(node);
      this.assignedBy(written);
      return pipeline === undefined ? base : { ...base, pipeline };
    }
    const words = [...(node.name === undefined ? [] : [node.name]), ...node.args].map((each): ShellWord => {
      const value = each.type === 'Assignment' ? this.assignmentText(each) : this.constant(each);
      return {
        text: this.text.text.slice(each.pos, each.end),
        span: this.text.span(each.pos, each.end),
        ...(value === undefined ? {} : { value }),
      };
    });
    const assignments = node.prefix
      .filter((each): each is Assignment => each.type === 'Assignment')
      .map((each) => {
        const value = this.assignedValue(each);
        return { name: each.name, ...(value === undefined ? {} : { value }) };
      });
    const redirects = node.redirects.map((each) => this.redirect(each));
    const name = words[0]?.value;
    if (words.length === 0 || SPECIAL.test(name ?? '')) for (const each of assignments) this.assigned.add(each.name);
    if (words.length > 0 && name === undefined) this.anything = true;
    else if (/^(?:export|declare|local|readonly|typeset)$/.test(name ?? ''))
      for (const each of words) this.assigned.add(each.text.split('=', 1)[0] as string);
    this.assignedBy(written, false);
    return { ...base, words, assignments, redirects, simple: true };
  }

  private pipeline(node: Node): readonly Command[] | undefined {
    if (
      node.type !== 'Pipeline' ||
      node.prefixes.length > 0 ||
      node.operators.some((each) => each !== '|') ||
      node.commands.some((each) => each.type !== 'Command')
    )
      return undefined;
    const parts = node.commands.map((each) => this.command({ node: each, simple: true }));
    return parts.every((each) => each.simple) ? parts : undefined;
  }

  /** Takes note of the variables that a piece of text may set. */
  private assignedBy(text: string, compound = true): void {
    if (SETS_ANYTHING.test(text)) this.anything = true;
    for (const match of text.matchAll(/\$\{(\w+):?=/g)) this.assigned.add(match[1] as string);
    if (!compound) return;
    for (const match of text.matchAll(
      /\b([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=|\b(?:for|select)\s+(\w+)|\b(\w+)(?:\+\+|--)/g,
    ))
      this.assigned.add((match[1] ?? match[2] ?? match[3]) as string);
  }

  private assignmentText(each: Assignment): string | undefined {
    const value = this.assignedValue(each);
    return value === undefined ? undefined : `${each.name}=${value}`;
  }

  private assignedValue(each: Assignment): string | undefined {
    return each.value.type === 'Word' && each.append !== true && each.index === undefined
      ? this.constant(each.value, true)
      : undefined;
  }

  private redirect(each: Redirection): Command['redirects'][number] {
    const { operator } = each;
    if (each.type === 'HereDoc' || each.target === undefined) return { operator };
    const target = this.constant(each.target);
    return { operator, text: each.target.text, ...(target === undefined ? {} : { target }) };
  }

  /** A word's value when nothing in it is decided at run time. The value of an assignment is not split. */
  private constant(word: Word, assignment = false): string | undefined {
    if (/(?:^|[=:])~/.test(word.text)) return undefined;
    if (word.parts === undefined) return word.value;
    let value = '';
    for (const part of word.parts) {
      const text = this.part(part, assignment);
      if (text === undefined) return undefined;
      value += text;
    }
    // Nothing at all, and not quoted: there is no such word.
    return value === '' && !assignment && !/['"]/.test(word.text) ? undefined : value;
  }

  private part(part: WordPart, quoted: boolean): string | undefined {
    switch (part.type) {
      case 'Literal':
      case 'SingleQuoted':
        return part.value;
      case 'DoubleQuoted': {
        let value = '';
        for (const child of part.parts) {
          const text = this.part(child, true);
          if (text === undefined) return undefined;
          value += text;
        }
        return value;
      }
      case 'SimpleExpansion':
      case 'ParameterExpansion': {
        const name = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})$/.exec(part.text);
        const known = name === null ? undefined : this.variable((name[1] ?? name[2]) as string);
        // An unquoted value with blanks or globs would be split.
        return known !== undefined && !quoted && /[\s*?[\\]/.test(known) ? undefined : known;
      }
      // $'...' is bash's alone.
      default:
        return undefined;
    }
  }

  private variable(name: string): string | undefined {
    if (this.anything || this.assigned.has(name) || SHELL_VARIABLES.has(name)) return undefined;
    return this.environment.get(name);
  }
}

/** Runs of blanks outside quotes become one, lines stay lines. What may hide a quote is left as it is. */
function fold(text: string): string {
  if (/\$'|<<|(?:^|\s)#/.test(text)) return text;
  let result = '';
  let quote = '';
  let blank = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (quote === '' && /\s/.test(char)) {
      if (blank !== '\n') blank = char === '\n' ? char : ' ';
      continue;
    }
    if (result !== '') result += blank;
    blank = '';
    result += char;
    if (quote !== '') {
      if (char === '\\' && quote === '"' && at + 1 < text.length) result += text.charAt(++at);
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '\\' && at + 1 < text.length) result += text.charAt(++at);
  }
  return result;
}
