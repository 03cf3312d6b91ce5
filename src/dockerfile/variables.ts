/**
 * Docker's own word expansion (rules 10, 16-19), after BuildKit's shell/lex.go: `$x`, `${x}`, `:-`, `:+`, `-`, `+`;
 * other operators are not resolved. Build-arg defaults are assumed, and the result says so.
 */
import type { Environment } from '../model.ts';

export interface Expanded {
  /** Undefined: depends on something that is not known. */
  readonly value: string | undefined;
  readonly varies: boolean;
}

/** Expands variables and removes quotes and escapes. */
export function expand(word: string, environment: Environment, escape: '\\' | '`'): Expanded {
  if (!/[$'"\\`]/.test(word)) return { value: word, varies: false };
  let value: string | undefined = '';
  let varies = false;
  let quote = '';
  const add = (text: string | undefined): void => {
    value = value === undefined || text === undefined ? undefined : value + text;
  };
  let at = 0;
  while (at < word.length) {
    const char = word[at] as string;
    if (quote === "'") {
      if (char === "'") quote = '';
      else add(char);
      at++;
    } else if (char === '"' || (char === "'" && quote === '')) {
      quote = quote === char ? '' : char;
      at++;
    } else if (char === escape) {
      const next = word[at + 1];
      if (next === undefined) add(char);
      else if (quote === '"' && !/["$\\`]/.test(next)) add(char + next);
      else add(next);
      at += 2;
    } else if (char === '$') {
      const found = variable(word, at, environment, escape);
      add(found.value);
      varies ||= found.varies;
      at = found.end;
    } else {
      add(char);
      at++;
    }
  }
  return { value, varies };
}

function variable(word: string, at: number, environment: Environment, escape: '\\' | '`'): Expanded & { end: number } {
  const plain = /^\$([A-Za-z_]\w*)/.exec(word.slice(at));
  if (plain !== null) {
    const name = plain[1] as string;
    return { ...lookUp(name, environment), end: at + plain[0].length };
  }
  const braced = /^\$\{([A-Za-z_]\w*)(:?[-+])?/.exec(word.slice(at));
  if (braced === null) return { value: undefined, varies: false, end: at + 1 };
  const name = braced[1] as string;
  const operator = braced[2];
  let depth = 1;
  let end = at + braced[0].length;
  const start = end;
  while (end < word.length && depth > 0) {
    if (word[end] === escape) end++;
    else if (word[end] === '{' && word[end - 1] === '$') depth++;
    else if (word[end] === '}') depth--;
    end++;
  }
  if (depth > 0) return { value: undefined, varies: false, end: word.length };
  const rest = word.slice(start, end - 1);
  const known = lookUp(name, environment);
  if (operator === undefined) return { ...known, value: rest === '' ? known.value : undefined, end };
  const set =
    environment.declared(name) && known.value === undefined && !known.settled
      ? undefined
      : known.present && (operator.length === 1 || known.value !== '');
  if (set === undefined) return { value: undefined, varies: known.varies, end };
  const alternative = operator.endsWith('-') ? !set : set;
  if (!alternative) return { value: operator.endsWith('-') ? known.value : '', varies: known.varies, end };
  const inner = expand(rest, environment, escape);
  return { value: inner.value, varies: inner.varies || known.varies, end };
}

/** A variable that nothing declares is empty: an undeclared build-arg has no effect (rule 17). */
function lookUp(name: string, environment: Environment): Expanded & { present: boolean; settled: boolean } {
  const value = environment.get(name);
  const varies = environment.varies(name);
  if (value !== undefined) return { value, varies, present: true, settled: true };
  if (environment.declared(name)) return { value: undefined, varies: true, present: false, settled: varies };
  // The base image may set it.
  return { value: undefined, varies: false, present: false, settled: true };
}
