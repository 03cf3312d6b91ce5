/**
 * Our own reading of a Dockerfile's lines, after BuildKit's parser (parser.go, directives.go, split_command.go; rules
 * 1-9 of the semantics): directives, instructions with their continuations, comments and heredocs. Linear in the text.
 */
import type { Comment, Flag, Heredoc, Span } from '../model.ts';
import { type Escape, isSpace, nameWords, rawWords, SPACE } from './variables.ts';

export interface RawInstruction {
  readonly span: Span;
  /** As written. */
  readonly keyword: string;
  readonly flags: readonly Flag[];
  readonly argument: Span;
  /** The argument with its continuations joined. */
  readonly text: Traced;
  /** Its elements, where the argument is a JSON array of strings and the instruction takes one (rule 9). */
  readonly json?: readonly string[];
  readonly heredocs: readonly Heredoc[];
  readonly line: number;
}

export interface ScanError {
  readonly code: string;
  readonly message: string;
  readonly help?: string;
  readonly offset: number;
}

export interface Scan {
  readonly escape: Escape;
  readonly syntax?: string;
  readonly eol: '\n' | '\r\n';
  readonly instructions: readonly RawInstruction[];
  readonly comments: readonly (Comment & { readonly line: number })[];
  /** The first thing that is wrong. */
  readonly error?: ScanError;
}

/** bufio.MaxScanTokenSize less the line end: bytes of UTF-8. */
const MAX_LINE = 65_535;
export const BLANK = new RegExp(`^[${SPACE}]*$`);
const COMMENT = new RegExp(`^[${SPACE}]*#`);
/** What parts a keyword from its argument, and the words of the plain form: no-break spaces do not. */
export const BLANKS = /[\t\v\f\r ]+/;
/** A heredoc word (rule 7). */
export const HEREDOC = /^(\d*)<<(-?)[\t\n\f\r ]*([^<]*)$/;
const TAKES_JSON = new Set(['RUN', 'CMD', 'ENTRYPOINT', 'COPY', 'ADD', 'VOLUME', 'SHELL']);
const TAKES_HEREDOC = new Set(['RUN', 'COPY', 'ADD']);

/** Text put together from pieces of a file. Each character can be traced back to its offset there. */
export class Traced {
  readonly text: string;
  /** Where each piece starts, in the text and in the file. */
  private readonly starts: readonly number[];
  private readonly offsets: readonly number[];

  constructor(text: string, starts: readonly number[], offsets: readonly number[]) {
    this.text = text;
    this.starts = starts;
    this.offsets = offsets;
  }

  offset(index: number): number {
    const { starts, offsets } = this;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= index) low = middle;
      else high = middle - 1;
    }
    return (offsets[low] ?? 0) + index - (starts[low] ?? 0);
  }

  /** The range in the file. Its end is just after the last character, not where the next piece starts. */
  span(start: number, end: number): Span {
    return [this.offset(start), end > start ? this.offset(end - 1) + 1 : this.offset(start)];
  }

  slice(start: number, end: number): Traced {
    const from = this.starts.findLastIndex((each) => each <= start);
    return new Traced(
      this.text.slice(start, end),
      this.starts.slice(from).map((each) => each - start),
      this.offsets.slice(from),
    );
  }

  trim(): Traced {
    let end = this.text.length;
    let start = 0;
    while (start < end && isSpace(this.text[start] as string)) start++;
    while (end > start && isSpace(this.text[end - 1] as string)) end--;
    return start === 0 && end === this.text.length ? this : this.slice(start, end);
  }
}

/** Lines of a range, each without something at its front or end. */
export function joined(source: string, pieces: readonly Span[], glue = ''): Traced {
  if (pieces.length === 1) {
    const [start, end] = pieces[0] as Span;
    return new Traced(source.slice(start, end), [0], [start]);
  }
  const starts: number[] = [];
  let length = 0;
  const texts = pieces.map(([start, end]) => {
    starts.push(length);
    length += end - start + glue.length;
    return source.slice(start, end);
  });
  return new Traced(
    texts.join(glue),
    starts,
    pieces.map(([start]) => start),
  );
}

/** Far more than anybody writes: no Dockerfile of the scoreboard has a hundredth of it. */
const MAX_SOURCE = 2_000_000;
/** Lines, with what one costs even when it is empty. */
const MAX_LINES = 100_000;

export function scan(source: string): Scan {
  if (source.length > MAX_SOURCE || moreLines(source, MAX_LINES)) {
    const message = `the file is larger than ${MAX_SOURCE.toLocaleString('en')} characters or ${MAX_LINES.toLocaleString('en')} lines`;
    return {
      escape: '\\',
      eol: '\n',
      instructions: [],
      comments: [],
      error: { code: 'file-too-large', message, help: 'change what generates it', offset: 0 },
    };
  }
  return new Scanner(source).scan();
}

function moreLines(source: string, most: number): boolean {
  let lines = 1;
  for (let at = source.indexOf('\n'); at >= 0 && lines <= most; at = source.indexOf('\n', at + 1)) lines++;
  return lines > most;
}

class Scanner {
  private readonly source: string;
  private readonly lines: readonly Span[];
  private readonly comments: (Comment & { line: number })[] = [];
  private readonly instructions: RawInstruction[] = [];
  private escape: Escape = '\\';
  private error: ScanError | undefined;
  /** Index of the line to read next. */
  private at = 0;

  constructor(source: string) {
    this.source = source;
    this.lines = splitLines(source);
  }

  scan(): Scan {
    const { source, lines } = this;
    const tooLong = lines.find((line) => isTooLong(source, line));
    if (tooLong !== undefined) this.fail('a line is longer than 65,535 bytes', tooLong[0]);
    this.directives();
    while (this.at < lines.length) {
      const text = this.lineText(this.at);
      if (COMMENT.test(text)) this.comment(text);
      else if (BLANK.test(text)) this.at++;
      else this.instruction(text);
    }
    if (this.instructions.length === 0) this.fail('the file has no instructions', 0);
    const syntax = detectSyntax(source);
    const newline = source.indexOf('\n');
    return {
      escape: this.escape,
      ...(syntax === undefined ? {} : { syntax }),
      eol: newline > 0 && source[newline - 1] === '\r' ? '\r\n' : '\n',
      instructions: this.instructions,
      comments: this.comments,
      ...(this.error === undefined ? {} : { error: this.error }),
    };
  }

  private fail(message: string, offset: number, code = 'syntax-error'): void {
    this.error ??= { code, message, offset };
  }

  /** Without its line end; the first without the byte order mark (rules 2 and 3). */
  private lineText(index: number): string {
    const [start, end] = this.lines[index] as Span;
    return this.source.slice(start, end);
  }

  private comment(text: string): void {
    const [start] = this.lines[this.at] as Span;
    const from = start + text.indexOf('#');
    const to = start + trimmedLength(text);
    this.comments.push({ span: [from, to], text: this.source.slice(from, to), line: this.at + 1 });
    this.at++;
  }

  /** Rule 1: one unbroken block from the first line on. */
  private directives(): void {
    const seen = new Set<string>();
    for (; this.at < this.lines.length; this.at++) {
      const text = this.lineText(this.at);
      const found = directive(text.slice(leadingLength(text)), '#');
      if (found === undefined) return;
      const [offset] = this.lines[this.at] as Span;
      if (seen.has(found.key)) this.fail(`only one \`# ${found.key}=\` directive may be given`, offset);
      seen.add(found.key);
      if (found.key !== 'escape') continue;
      if (found.value === '\\' || found.value === '`') this.escape = found.value;
      else this.fail('the escape directive must name a backslash or a backtick', offset);
    }
  }

  /** The logical line from `this.at` on, with comment and blank lines within it dropped (rule 5), and its heredocs. */
  private instruction(first: string): void {
    const { source, lines } = this;
    const line = this.at + 1;
    const [lineStart] = lines[this.at] as Span;
    const start = lineStart + leadingLength(first);
    const pieces: Span[] = [];
    let end = start;
    let open = true;
    for (let text = first; ; text = this.lineText(this.at)) {
      const [from] = lines[this.at] as Span;
      if (this.at + 1 === line || !(COMMENT.test(text) || BLANK.test(text))) {
        const length = trimmedLength(text);
        const cut = continuation(text, this.escape);
        open = cut >= 0;
        pieces.push([from, from + (open ? cut : length)]);
        end = from + length;
      }
      this.at++;
      if (!open || this.at >= lines.length) break;
    }
    const logical = joined(source, pieces).trim();
    const { keyword, flags, argument } = splitCommand(logical, this.escape);
    if (!source.startsWith(keyword, start))
      this.fail('a keyword is broken over two lines', start, 'keyword-over-two-lines');
    const json = TAKES_JSON.has(keyword.toUpperCase()) ? jsonArray(argument.text) : undefined;
    if (json === 'other') this.fail('a JSON array may hold nothing but strings', start);
    const allowed = logical.text.includes('<<') && takesHeredoc(keyword, argument, this.escape);
    const heredocs = allowed ? this.heredocs(logical.text, start) : [];
    const last = heredocs.at(-1);
    const head = argument.text === '' ? end : argument.offset(0);
    this.instructions.push({
      span: [start, last === undefined ? end : last.end],
      keyword,
      flags,
      argument: [head, end],
      text: argument,
      ...(json === undefined || json === 'other' ? {} : { json }),
      heredocs: heredocs.map((each) => each.heredoc),
      line,
    });
  }

  private heredocs(line: string, offset: number): { heredoc: Heredoc; end: number }[] {
    const words = rawWords(line);
    if (words === undefined) this.fail('variables are nested too deeply', offset, 'too-deep');
    return (words ?? []).flatMap((word) => {
      const match = HEREDOC.exec(word);
      if (match === null || match[3] === '') return [];
      const names = nameWords(match[3] as string, false);
      const raw = nameWords(match[3] as string, true);
      if (names === undefined || raw === undefined) this.fail('a heredoc name has an open quote', offset);
      if (names?.length !== 1 || raw?.length !== 1) return [];
      const name = names[0] as string;
      const quoted = quotes(name) !== quotes(raw[0] as string);
      return [this.heredocBody({ name, stripTabs: match[2] === '-', quoted }, offset)];
    });
  }

  /** Carriage returns are part of the body (rule 3); a terminator may end in some. */
  private heredocBody(heredoc: Omit<Heredoc, 'body'>, offset: number): { heredoc: Heredoc; end: number } {
    const { source, lines } = this;
    const start = lines[this.at]?.[0] ?? source.length;
    while (this.at < lines.length) {
      const [from] = lines[this.at] as Span;
      const text = this.lineText(this.at++).replace(/\r+$/, '');
      if ((heredoc.stripTabs ? text.replace(/^\t+/, '') : text) === heredoc.name)
        return { heredoc: { ...heredoc, body: [start, from] }, end: from + text.length };
    }
    this.fail(`the heredoc \`${heredoc.name}\` does not end`, offset);
    return { heredoc: { ...heredoc, body: [start, source.length] }, end: source.length };
  }
}

/** An instruction's keyword, its flags, and the rest. */
export function splitCommand(
  command: Traced,
  escape: Escape,
): { keyword: string; flags: readonly Flag[]; argument: Traced } {
  const { text } = command;
  const gap = BLANKS.exec(text);
  if (gap === null) return { keyword: text, flags: [], argument: command.slice(text.length, text.length) };
  const { flags, from } = readFlags(command, gap.index + gap[0].length, escape);
  return { keyword: text.slice(0, gap.index), flags, argument: command.slice(from, text.length).trim() };
}

/** Rule 7: not in the JSON form; `ONBUILD RUN` as `RUN`. */
function takesHeredoc(keyword: string, argument: Traced, escape: Escape): boolean {
  const upper = keyword.toUpperCase();
  if (upper !== 'ONBUILD') return TAKES_HEREDOC.has(upper) && jsonArray(argument.text) === undefined;
  const inner = splitCommand(argument, escape);
  return TAKES_HEREDOC.has(inner.keyword.toUpperCase()) && jsonArray(inner.argument.text) === undefined;
}

function quotes(text: string): number {
  return text.replace(/[^'"]/g, '').length;
}

/** Ranges without the `\n`; the first starts after a byte order mark. */
function splitLines(source: string): Span[] {
  const lines: Span[] = [];
  let start = source.startsWith('\ufeff') ? 1 : 0;
  for (let end = source.indexOf('\n'); end >= 0; end = source.indexOf('\n', start)) {
    lines.push([start, end]);
    start = end + 1;
  }
  if (start < source.length) lines.push([start, source.length]);
  return lines;
}

function isTooLong(source: string, [start, end]: Span): boolean {
  if ((end - start) * 3 <= MAX_LINE) return false;
  let bytes = 0;
  for (let at = start; at < end && bytes <= MAX_LINE; at++) {
    const code = source.charCodeAt(at);
    const pair = code >= 0xd800 && code < 0xdc00 && (source.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : pair ? 4 : 3;
    if (pair) at++;
  }
  return bytes > MAX_LINE;
}

function leadingLength(text: string): number {
  let at = 0;
  while (at < text.length && isSpace(text[at] as string)) at++;
  return at;
}

function trimmedLength(text: string): number {
  let at = text.length;
  while (at > 0 && isSpace(text[at - 1] as string)) at--;
  return at;
}

function directive(text: string, comment: '#' | '//'): { key: string; value: string } | undefined {
  if (!text.startsWith(comment)) return undefined;
  const rest = text.slice(comment.length).replace(/\r+$/, '');
  const match = /^([A-Za-z][A-Za-z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*([^]*)$/.exec(rest.slice(leadingLength(rest)));
  const key = match?.[1]?.toLowerCase();
  if (match === null || (key !== 'syntax' && key !== 'escape' && key !== 'check')) return undefined;
  const written = match[2] as string;
  let end = written.length;
  while (end > 0 && /[\t\n\f\r ]/.test(written[end - 1] as string)) end--;
  return end === 0 ? undefined : { key, value: written.slice(0, end) };
}

/** Rule 1: `# syntax=`, after a `#!` line as well; else `// syntax=`, else a JSON file's `syntax`. */
function detectSyntax(source: string): string | undefined {
  const text = source.startsWith('\ufeff') ? source.slice(1) : source;
  const start = text.startsWith('#!') ? text.indexOf('\n') + 1 || text.length : 0;
  for (const comment of ['#', '//'] as const) {
    for (let at = start; at < text.length;) {
      const newline = text.indexOf('\n', at);
      const end = newline < 0 ? text.length : newline;
      const found = directive(text.slice(at, end), comment);
      if (found === undefined) break;
      if (found.key === 'syntax') return found.value;
      at = end + 1;
    }
  }
  if (!text.startsWith('{', start)) return undefined;
  try {
    const parsed = JSON.parse(text.slice(start)) as { readonly syntax?: unknown };
    return typeof parsed.syntax === 'string' ? parsed.syntax : undefined;
  } catch {
    return undefined;
  }
}

/** Rule 4: where the escape character stands that continues the line, or -1. A trailing CR does not count. */
function continuation(text: string, escape: Escape): number {
  let end = text.length;
  while (end > 0 && text[end - 1] === '\r') end--;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  return text[end - 1] === escape && text[end - 2] !== escape ? end - 1 : -1;
}

/** Rule 9: undefined: not a JSON array; `other`: one that does not hold just strings, which is an error. */
export function jsonArray(text: string): readonly string[] | 'other' | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return undefined;
    return parsed.every((each) => typeof each === 'string') ? parsed : 'other';
  } catch {
    return undefined;
  }
}

/** Rule 8: flags precede the arguments; quotes and escapes in them are processed; `--` ends them. */
function readFlags(logical: Traced, start: number, escape: Escape): { flags: Flag[]; from: number } {
  const { text } = logical;
  const flags: Flag[] = [];
  let at = start;
  for (;;) {
    while (BLANKS.test(text[at] ?? '')) at++;
    if (!text.startsWith('--', at)) return { flags, from: at };
    const begin = at;
    let quote = '';
    let word = '';
    for (; at < text.length; at++) {
      const char = text[at] as string;
      if (quote === '' && BLANKS.test(char)) break;
      if (quote === '' && (char === '"' || char === "'")) quote = char;
      else if (char === quote) quote = '';
      else if (char !== escape) word += char;
      else if (at + 1 < text.length) word += text.charAt(++at);
    }
    if (word === '--') return { flags, from: at };
    const equals = word.indexOf('=');
    flags.push({
      name: equals < 0 ? word.slice(2) : word.slice(2, equals),
      ...(equals < 0 ? {} : { value: word.slice(equals + 1) }),
      span: logical.span(begin, at),
    });
  }
}
