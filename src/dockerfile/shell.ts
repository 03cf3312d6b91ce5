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

const POSIX_SHELL = /(?:^|\/)(?:sh|bash|ash|dash|zsh|ksh)$/;

/** The shell in force runs POSIX or bash text. */
export function understandsShell(shell: readonly string[]): boolean {
  return POSIX_SHELL.test(shell[0] ?? '');
}

type Joined = { readonly node: Node; readonly operator?: '&&' | ';'; readonly simple: boolean };
type Node = Statement | Statement['command'];

/**
 * The top-level commands of a script whose text starts at `offset` in the file; undefined when it does not parse.
 * Newlines count as `;`. Never throws.
 */
export function parseCommands(text: string, offset: number, environment: Environment): Command[] | undefined {
  let script;
  try {
    script = parseShell(text);
  } catch {
    return undefined;
  }
  if (script.errors !== undefined && script.errors.length > 0) return undefined;
  const assigned = new Set<string>();
  return script.commands.flatMap((statement, index) =>
    flatten(statement, index === 0 ? undefined : ';').map((each) =>
      toCommand(each, text, offset, environment, assigned),
    ),
  );
}

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

function toCommand(
  { node, operator, simple }: Joined,
  text: string,
  offset: number,
  environment: Environment,
  assigned: Set<string>,
): Command {
  const canonical = fold(text.slice(node.pos, node.end));
  const base = {
    span: [offset + node.pos, offset + node.end] as const,
    text: canonical,
    ...(operator === undefined ? {} : { operator }),
  };
  if (!simple || node.type !== 'Command' || node.redirects.some((each) => each.type !== 'Redirect')) {
    if (
      node.type === 'Pipeline' &&
      node.prefixes.length === 0 &&
      node.commands.every((each) => each.type === 'Command')
    ) {
      const pipeline = node.commands.map((each) =>
        toCommand({ node: each, simple: true }, text, offset, environment, assigned),
      );
      if (pipeline.every((each) => each.simple))
        return { ...base, words: [], assignments: [], redirects: [], simple: false, pipeline };
    }
    for (const match of canonical.matchAll(/\b([A-Za-z_]\w*)=/g)) assigned.add(match[1] as string);
    return { ...base, words: [], assignments: [], redirects: [], simple: false };
  }
  const words = [...(node.name === undefined ? [] : [node.name]), ...node.args].map((each): ShellWord => {
    const value =
      each.type === 'Assignment' ? assignmentText(each, environment, assigned) : constant(each, environment, assigned);
    return {
      text: text.slice(each.pos, each.end),
      span: [offset + each.pos, offset + each.end],
      ...(value === undefined ? {} : { value }),
    };
  });
  const assignments = node.prefix
    .filter((each): each is Assignment => each.type === 'Assignment')
    .map((each) => {
      const value =
        each.value.type === 'Word' && each.append !== true ? constant(each.value, environment, assigned) : undefined;
      return { name: each.name, ...(value === undefined ? {} : { value }) };
    });
  if (words.length === 0) for (const each of assignments) assigned.add(each.name);
  else if (/^(?:export|declare|local|readonly|typeset|read|unset|eval|source|\.)$/.test(words[0]?.value ?? ''))
    for (const each of words) assigned.add(each.text.split('=', 1)[0] as string);
  return {
    ...base,
    words,
    assignments,
    redirects: node.redirects.map((each) => redirect(each, environment, assigned)),
    simple: true,
  };
}

function assignmentText(each: Assignment, environment: Environment, assigned: ReadonlySet<string>): string | undefined {
  const value =
    each.value.type === 'Word' && each.append !== true ? constant(each.value, environment, assigned) : undefined;
  return value === undefined ? undefined : `${each.name}=${value}`;
}

function redirect(
  each: Redirection,
  environment: Environment,
  assigned: ReadonlySet<string>,
): Command['redirects'][number] {
  const target =
    each.type === 'HereDoc' || each.target === undefined ? undefined : constant(each.target, environment, assigned);
  return { operator: each.operator, ...(target === undefined ? {} : { target }) };
}

/** A word's value when nothing in it is decided at run time. */
function constant(word: Word, environment: Environment, assigned: ReadonlySet<string>): string | undefined {
  if (word.parts === undefined) return word.text.startsWith('~') ? undefined : word.value;
  let value = '';
  for (const part of word.parts) {
    const text = partValue(part, environment, assigned, false);
    if (text === undefined) return undefined;
    value += text;
  }
  return value;
}

function partValue(
  part: WordPart,
  environment: Environment,
  assigned: ReadonlySet<string>,
  quoted: boolean,
): string | undefined {
  switch (part.type) {
    case 'Literal':
      return !quoted && /^~/.test(part.text) ? undefined : part.value;
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return part.value;
    case 'DoubleQuoted': {
      let value = '';
      for (const child of part.parts) {
        const text = partValue(child, environment, assigned, true);
        if (text === undefined) return undefined;
        value += text;
      }
      return value;
    }
    case 'SimpleExpansion':
    case 'ParameterExpansion': {
      const match = /^\$\{?([A-Za-z_]\w*)\}?$/.exec(part.text);
      if (match === null || assigned.has(match[1] as string)) return undefined;
      const known = environment.get(match[1] as string);
      // An unquoted value with blanks or globs would be split.
      return known !== undefined && !quoted && /[\s*?[]/.test(known) ? undefined : known;
    }
    default:
      return undefined;
  }
}

/** Runs of blanks outside quotes become one. */
function fold(text: string): string {
  let result = '';
  let quote = '';
  let blank = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (quote === '' && /\s/.test(char)) {
      blank = true;
      continue;
    }
    if (blank && result !== '') result += ' ';
    blank = false;
    result += char;
    if (quote !== '') {
      if (char === '\\' && quote === '"' && at + 1 < text.length) result += text.charAt(++at);
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '\\' && at + 1 < text.length) result += text.charAt(++at);
  }
  return result;
}
