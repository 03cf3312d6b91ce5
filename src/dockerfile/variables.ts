/**
 * Docker's own word expansion (rules 7, 10, 16-19), after BuildKit's shell/lex.go: `$x`, `${x}`, and the operators `-`
 * and `+` with and without `:`. The pattern operators (`#`, `%`, `/`) and `?` are read but not resolved. Build-arg
 * defaults are assumed, and the result says so.
 */
import type { Environment } from '../model.ts';

/** What is known of one variable at one point. */
export interface Variable {
  /** Undefined: not known. */
  readonly value: string | undefined;
  /** It has a value, whether known or not; undefined: that is not known either (the base image may set it). */
  readonly set: boolean | undefined;
  readonly varies: boolean;
}

export interface Lookup {
  look(name: string): Variable;
  /** What a word holds where it cannot be told whether a value or its alternative does; absent: nothing is known then. */
  either?(value: string | undefined, alternative: string | undefined): string | undefined;
}

export interface Variables extends Environment, Lookup {}

export interface Expanded {
  /** Undefined: depends on something that is not known. */
  readonly value: string | undefined;
  readonly varies: boolean;
}

export type Escape = '\\' | '`';

/** Whitespace as Go's unicode.IsSpace has it: unlike JavaScript's `\s`, U+0085 counts and U+FEFF does not. */
export const SPACE = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const IS_SPACE = new RegExp(`[${SPACE}]`);

export function isSpace(char: string): boolean {
  return char <= ' ' ? char === ' ' || (char >= '\t' && char <= '\r') : char >= '\u0085' && IS_SPACE.test(char);
}

const NAME = /\p{Nd}+|[@*#?\-$!]|[\p{L}\p{Nd}_]+/uy;
const HEREDOC_MARK = /<<[\t\r ]*/y;

/** Longer values are not followed: `ENV A=$A$A` doubles with each line. */
const LONGEST = 65_536;
/** `${a:-${b:-...}}` deeper than this is not followed. */
const DEEPEST = 100;

/** Expands variables and removes quotes and escapes. */
export function expand(word: string, variables: Lookup, escape: Escape): Expanded {
  if (!/[$'"\\`]/.test(word)) return { value: word, varies: false };
  const lexer = new Lexer(word, escape, variables);
  const { text, varies } = lexer.read('', false);
  return lexer.failed ? { value: undefined, varies: false } : { value: text, varies };
}

/**
 * The words of a line with quotes, escapes and variables kept, as BuildKit splits it to look for heredocs. The escape
 * is always a backslash here, whatever the directive says. No words when a quote or a `${` is not closed; undefined
 * when it cannot be told.
 */
export function rawWords(line: string): readonly string[] | undefined {
  const lexer = new Lexer(line, '\\', undefined, true, true);
  const words = lexer.words();
  return lexer.tooDeep ? undefined : words;
}

/** The words of a heredoc's name with quotes removed or kept; undefined when a quote is not closed. */
export function nameWords(text: string, rawQuotes: boolean): readonly string[] | undefined {
  const lexer = new Lexer(text, '\\', undefined, rawQuotes, false);
  const words = lexer.words();
  return lexer.failed ? undefined : words;
}

interface Piece {
  readonly text: string | undefined;
  readonly varies: boolean;
}

const UNKNOWN: Piece = { text: undefined, varies: false };
const plain = (text: string): Piece => ({ text, varies: false });

class Lexer {
  failed = false;
  tooDeep = false;
  private readonly source: string;
  private readonly escape: Escape;
  /** Undefined: variables stay as they are written. */
  private readonly variables: Lookup | undefined;
  private readonly rawQuotes: boolean;
  private rawEscapes: boolean;
  private at = 0;
  private depth = 0;
  /** The word being read. Shared with the text inside of `${...}`, which empties it, as in BuildKit. */
  private word = '';

  constructor(source: string, escape: Escape, variables: Lookup | undefined, rawQuotes = false, rawEscapes = false) {
    this.source = source;
    this.escape = escape;
    this.variables = variables;
    this.rawQuotes = rawQuotes;
    this.rawEscapes = rawEscapes;
  }

  words(): readonly string[] {
    const words: string[] = [];
    this.read('', this.rawEscapes, words);
    return this.failed ? [] : words;
  }

  /** Up to the stop character (consumed), or to the end when there is none. */
  read(stop: string, rawEscapes: boolean, words: string[] = []): Piece {
    if (this.depth > DEEPEST) {
      this.tooDeep = true;
      return this.fail();
    }
    this.depth++;
    const outer = this.rawEscapes;
    this.rawEscapes = rawEscapes;
    this.word = '';
    let text: string | undefined = '';
    let varies = false;
    let inWord = false;
    const addChar = (char: string): void => {
      if (!isSpace(char)) {
        this.word += char;
        inWord = true;
      } else if (inWord && this.word !== '') {
        words.push(this.word);
        this.word = '';
        inWord = false;
      }
    };
    const { source } = this;
    while (this.at < source.length && !this.failed) {
      const char = source[this.at] as string;
      if (char === stop) break;
      if (char === '$') {
        const piece = this.dollar();
        text = this.join(text, piece.text);
        varies ||= piece.varies;
        if (this.variables === undefined) for (const each of piece.text ?? '') addChar(each);
      } else if (char === "'" || char === '"' || char === '<') {
        const piece = char === "'" ? this.singleQuoted() : char === '"' ? this.doubleQuoted() : this.less();
        text = this.join(text, piece.text);
        varies ||= piece.varies;
        if (this.variables === undefined) this.word += piece.text ?? '';
        inWord = true;
      } else if (char === this.escape) {
        this.at++;
        const escaped = source[this.at++] ?? '';
        const kept = (this.rawEscapes ? char : '') + escaped;
        text = this.join(text, kept);
        this.word += kept;
        inWord ||= kept !== '';
      } else {
        this.at++;
        text = this.join(text, char);
        addChar(char);
      }
    }
    if (stop !== '' && source[this.at++] !== stop) this.failed = true;
    if (this.word !== '') words.push(this.word);
    this.word = '';
    this.rawEscapes = outer;
    this.depth--;
    return this.failed ? UNKNOWN : { text, varies };
  }

  private join(text: string | undefined, more: string | undefined): string | undefined {
    if (text === undefined || more === undefined) return undefined;
    return this.variables !== undefined && text.length + more.length > LONGEST ? undefined : text + more;
  }

  private fail(): Piece {
    this.failed = true;
    return UNKNOWN;
  }

  private singleQuoted(): Piece {
    const end = this.source.indexOf("'", this.at + 1);
    if (end < 0) return this.fail();
    const text = this.rawQuotes ? this.source.slice(this.at, end + 1) : this.source.slice(this.at + 1, end);
    this.at = end + 1;
    return plain(text);
  }

  private doubleQuoted(): Piece {
    const { source } = this;
    let text: string | undefined = this.rawQuotes ? '"' : '';
    let varies = false;
    this.at++;
    for (;;) {
      const char = source[this.at];
      if (char === undefined || this.failed) return this.fail();
      if (char === '"') break;
      if (char === '$') {
        const piece = this.dollar();
        text = this.join(text, piece.text);
        varies ||= piece.varies;
        continue;
      }
      this.at++;
      if (char !== this.escape) {
        text = this.join(text, char);
        continue;
      }
      const next = source[this.at];
      if (next === undefined) continue;
      const special = next === '"' || next === '$' || next === this.escape;
      if (special) this.at++;
      text = this.join(text, (this.rawEscapes ? char : '') + (special ? next : char));
    }
    this.at++;
    return { text: text === undefined ? undefined : text + (this.rawQuotes ? '"' : ''), varies };
  }

  /** `<<` takes the blanks after it along, so that `<< EOF` is one word. */
  private less(): Piece {
    HEREDOC_MARK.lastIndex = this.at;
    const text = HEREDOC_MARK.exec(this.source)?.[0] ?? '<';
    this.at += text.length;
    return plain(text);
  }

  private dollar(): Piece {
    this.at++;
    if (this.source[this.at] !== '{') {
      const name = this.name();
      return name === '' ? plain('$') : this.value(name, `$${name}`);
    }
    this.at++;
    const first = this.source[this.at];
    if (first === undefined || first === '{' || first === '}' || first === ':') return this.fail();
    const name = this.name();
    let operator = this.source[this.at++];
    if (operator === '}') return this.value(name, `\${${name}}`);
    if (operator === '/') {
      if (this.source[this.at] === '/') this.at++;
      const pattern = this.read('/', true);
      const replacement = this.failed ? UNKNOWN : this.read('}', true);
      return this.variables === undefined
        ? plain(`\${${name}/${pattern.text ?? ''}/${replacement.text ?? ''}}`)
        : { text: undefined, varies: this.variables.look(name).varies };
    }
    const colon = operator === ':';
    if (colon) operator = this.source[this.at++];
    const pattern = operator === '#' || operator === '%';
    if (operator === undefined || !'+-?#%'.includes(operator) || (colon && pattern)) return this.fail();
    const alternative = this.read('}', pattern);
    if (this.failed) return UNKNOWN;
    if (this.variables === undefined)
      return plain(`\${${name}${colon ? ':' : ''}${operator}${alternative.text ?? ''}}`);
    const { value, set, varies } = this.variables.look(name);
    // A value that is not known may be empty.
    const counts = set === true && colon ? (value === undefined ? undefined : value !== '') : set;
    if (counts === undefined && !pattern && operator !== '?' && this.variables.either !== undefined)
      return { text: this.variables.either(operator === '+' ? '' : value, alternative.text), varies };
    if (counts === undefined || pattern) return { text: undefined, varies };
    if (operator === '?') return { text: counts ? value : undefined, varies };
    if (operator === '+')
      return counts ? { ...alternative, varies: varies || alternative.varies } : { text: '', varies };
    return counts ? { text: value, varies } : { ...alternative, varies: varies || alternative.varies };
  }

  private value(name: string, written: string): Piece {
    if (this.variables === undefined) return plain(written);
    const { value, varies } = this.variables.look(name);
    return { text: value, varies };
  }

  /** Letters, digits and `_`; a number when it starts with a digit; one character for `$@` and the like. */
  private name(): string {
    NAME.lastIndex = this.at;
    const name = NAME.exec(this.source)?.[0] ?? '';
    this.at += name.length;
    return name;
  }
}
