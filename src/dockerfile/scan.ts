/**
 * Our own reading of a Dockerfile's lines, after BuildKit's parser (rules 1-9 of the semantics): directives,
 * instructions with their continuations, comments and heredocs. Linear in the text.
 */
import type { Comment, Flag, Heredoc, Span } from '../model.ts';

export interface RawInstruction {
  readonly span: Span;
  /** End of the logical line, heredoc bodies excluded. */
  readonly head: number;
  /** As written. */
  readonly keyword: string;
  readonly flags: readonly Flag[];
  readonly argument: Span;
  readonly heredocs: readonly Heredoc[];
  readonly line: number;
}

export interface Scan {
  readonly escape: '\\' | '`';
  readonly syntax?: string;
  readonly eol: '\n' | '\r\n';
  readonly instructions: readonly RawInstruction[];
  readonly comments: readonly (Comment & { readonly line: number })[];
  /** Offset just after the directive block. */
  readonly directivesEnd: number;
  readonly error?: { readonly message: string; readonly offset: number };
}

const MAX_LINE = 65_535;
const BLANK = /^[ \t\v\f\r\u0085\u00a0]*$/;
const COMMENT = /^[ \t\v\f\r]*#/;
/** A heredoc word (rule 7). */
const HEREDOC = /^(\d*)<<(-?)\s*([^<]*)$/;

interface Line {
  readonly start: number;
  /** Without the line end. */
  readonly end: number;
}

export function scan(source: string): Scan {
  const lines = splitLines(source);
  const newline = source.indexOf('\n');
  const eol = newline > 0 && source[newline - 1] === '\r' ? '\r\n' : '\n';
  const comments: (Comment & { line: number })[] = [];
  const instructions: RawInstruction[] = [];
  let error: Scan['error'];
  const fail = (message: string, offset: number): void => {
    error ??= { message, offset };
  };

  const { escape, syntax, count, problem } = directives(source, lines);
  if (problem !== undefined) fail(problem.message, problem.offset);
  let at = count;
  while (at < lines.length) {
    const line = lines[at] as Line;
    const text = source.slice(line.start, line.end);
    if (line.end - line.start > MAX_LINE) fail('a line is longer than 65,535 bytes', line.start);
    if (COMMENT.test(text)) {
      const start = line.start + text.indexOf('#');
      comments.push({
        span: [start, trimmedEnd(source, start, line.end)],
        text: source.slice(start, trimmedEnd(source, start, line.end)),
        line: at + 1,
      });
      at++;
      continue;
    }
    if (BLANK.test(text)) {
      at++;
      continue;
    }
    // The logical line: continuations, with comment and blank lines inside dropped (rule 5).
    const first = at;
    let last = at;
    const pieces: Line[] = [line];
    let open = continues(text, escape);
    at++;
    while (open && at < lines.length) {
      const next = lines[at] as Line;
      const nextText = source.slice(next.start, next.end);
      if (next.end - next.start > MAX_LINE) fail('a line is longer than 65,535 bytes', next.start);
      if (!COMMENT.test(nextText) && !BLANK.test(nextText)) {
        pieces.push(next);
        last = at;
        open = continues(nextText, escape);
      }
      at++;
    }
    if (!open) at = last + 1;
    const start = line.start + (/^[ \t\v\f\r\ufeff]*/.exec(text)?.[0].length ?? 0);
    const head = trimmedEnd(source, start, (lines[open ? Math.max(last, first) : last] as Line).end);
    const keyword = /^[^\s\\`]+/.exec(source.slice(start, head))?.[0] ?? source.slice(start, start + 1);
    const bodies = heredocNames(source, keyword, start + keyword.length, head, escape);
    const heredocs: Heredoc[] = [];
    let end = head;
    for (const each of bodies) {
      const bodyStart = lines[at]?.start ?? source.length;
      let closed = false;
      while (at < lines.length) {
        const body = lines[at] as Line;
        let content = source.slice(body.start, body.end).replace(/\r$/, '');
        if (each.stripTabs) content = content.replace(/^\t+/, '');
        at++;
        if (content === each.name) {
          heredocs.push({ ...each, body: [bodyStart, body.start] });
          end = trimmedEnd(source, body.start, body.end);
          closed = true;
          break;
        }
      }
      if (!closed) {
        fail(`unterminated heredoc ${each.name}`, start);
        end = source.length;
      }
    }
    const { flags, argument } = readFlags(source, start + keyword.length, head, escape);
    instructions.push({ span: [start, end], head, keyword, flags, argument, heredocs, line: first + 1 });
  }
  if (instructions.length === 0) fail('the file has no instructions', 0);
  const directivesEnd = lines[count]?.start ?? source.length;
  return {
    escape,
    ...(syntax === undefined ? {} : { syntax }),
    eol,
    instructions,
    comments,
    directivesEnd,
    ...(error === undefined ? {} : { error }),
  };
}

function splitLines(source: string): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (let end = source.indexOf('\n'); end >= 0; end = source.indexOf('\n', start)) {
    lines.push({ start, end });
    start = end + 1;
  }
  if (start < source.length) lines.push({ start, end: source.length });
  return lines;
}

function directives(
  source: string,
  lines: readonly Line[],
): { escape: '\\' | '`'; syntax?: string; count: number; problem?: { message: string; offset: number } } {
  let escape: '\\' | '`' = '\\';
  let syntax: string | undefined;
  let count = 0;
  let problem: { message: string; offset: number } | undefined;
  const seen = new Set<string>();
  for (const line of lines) {
    const text = source
      .slice(line.start, line.end)
      .replace(/^\ufeff/, '')
      .replace(/\r$/, '');
    const match = /^[ \t]*#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.+?)[ \t]*$/.exec(text);
    const key = match?.[1]?.toLowerCase();
    if (match === null || (key !== 'syntax' && key !== 'escape' && key !== 'check')) break;
    if (seen.has(key)) problem ??= { message: `only one ${key} directive may be given`, offset: line.start };
    seen.add(key);
    if (key === 'syntax') syntax = match[2];
    if (key === 'escape') {
      if (match[2] === '\\' || match[2] === '`') escape = match[2];
      else problem ??= { message: `invalid escape directive ${match[2] ?? ''}`, offset: line.start };
    }
    count++;
  }
  return { escape, ...(syntax === undefined ? {} : { syntax }), count, ...(problem === undefined ? {} : { problem }) };
}

/** Rule 4: `([^\\])\\[ \t]*$|^\\[ \t]*$` with the active escape character; a trailing CR is trimmed before. */
export function continues(text: string, escape: string): boolean {
  let end = text.length;
  if (text[end - 1] === '\r') end--;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  return text[end - 1] === escape && (end === 1 || text[end - 2] !== escape);
}

function trimmedEnd(source: string, start: number, end: number): number {
  while (end > start && /[ \t\r\v\f]/.test(source[end - 1] as string)) end--;
  return end;
}

/**
 * The text of a range with continuations, and comment and blank lines within them, blanked out to spaces: same
 * length, same offsets.
 */
export function blankContinuations(source: string, start: number, end: number, escape: string): string {
  const text = source.slice(start, end);
  if (!text.includes('\n')) return text.replace(/\r/g, ' ');
  const parts = text.split('\n');
  let open = true;
  return parts
    .map((part, index) => {
      const inside = index > 0 && open;
      const skipped = inside && (COMMENT.test(part) || BLANK.test(part));
      if (skipped) return ' '.repeat(part.length);
      open = continues(part, escape);
      if (!open) return part.replace(/\r$/, ' ');
      const cut = part.replace(/\r$/, '').trimEnd().length - 1;
      return part.slice(0, cut) + ' '.repeat(part.length - cut);
    })
    .join(' ');
}

function heredocNames(
  source: string,
  keyword: string,
  from: number,
  head: number,
  escape: string,
): Omit<Heredoc, 'body'>[] {
  const upper = keyword.toUpperCase();
  let text = source.slice(from, head);
  if (!text.includes('<<')) return [];
  text = blankContinuations(source, from, head, escape);
  if (upper === 'ONBUILD') {
    const inner = /^\s+(\S+)/.exec(text);
    if (inner === null || !/^(?:ADD|COPY|RUN)$/i.test(inner[1] as string)) return [];
  } else if (upper !== 'ADD' && upper !== 'COPY' && upper !== 'RUN') return [];
  if (isJsonArray(text.replace(/^(?:\s+--\S+)*/, '').trim())) return [];
  const words = shellWords(text, escape);
  if (words === undefined) return [];
  const found: Omit<Heredoc, 'body'>[] = [];
  for (const word of words) {
    const match = HEREDOC.exec(word);
    if (match === null) continue;
    const raw = match[3] as string;
    const quoted = /["']/.test(raw);
    const names = shellWords(raw, escape);
    if (names === undefined || names.length !== 1) continue;
    const name = unquote(names[0] as string, escape);
    if (name === '') continue;
    found.push({ name, stripTabs: match[2] === '-', quoted });
  }
  return found;
}

/** Words split on blanks with quotes kept; undefined when a quote is not closed. `<< EOF` stays one word. */
function shellWords(text: string, escape: string): string[] | undefined {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (quote !== '') {
      word += char;
      if (char === escape && quote === '"' && at + 1 < text.length) word += text.charAt(++at);
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'") {
      quote = char;
      word += char;
    } else if (char === escape && at + 1 < text.length) {
      word += char + (text[++at] as string);
    } else if (/\s/.test(char)) {
      if (/^\d*<<-?$/.test(word)) continue;
      if (word !== '') words.push(word);
      word = '';
    } else word += char;
  }
  if (quote !== '') return undefined;
  if (word !== '') words.push(word);
  return words;
}

export function unquote(word: string, escape: string): string {
  let result = '';
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const char = word[at] as string;
    if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
    else if (char === escape && quote !== "'" && at + 1 < word.length) result += word.charAt(++at);
    else result += char;
  }
  return result;
}

export function isJsonArray(text: string): boolean {
  if (!text.startsWith('[')) return false;
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

/** Flags precede the arguments; quotes in them are processed; `--` ends them (rule 8). */
function readFlags(source: string, from: number, head: number, escape: string): { flags: Flag[]; argument: Span } {
  const text = blankContinuations(source, from, head, escape);
  const flags: Flag[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/.test(text[at] as string)) at++;
    if (!text.startsWith('--', at)) break;
    const start = at;
    let quote = '';
    while (at < text.length) {
      const char = text[at] as string;
      if (quote !== '') {
        if (char === quote) quote = '';
      } else if (char === '"' || char === "'") quote = char;
      else if (char === escape && at + 1 < text.length) at++;
      else if (/\s/.test(char)) break;
      at++;
    }
    const word = text.slice(start, at);
    if (word === '--') {
      while (at < text.length && /\s/.test(text[at] as string)) at++;
      break;
    }
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word.slice(2) : word.slice(2, equals)).toLowerCase();
    flags.push({
      name,
      ...(equals < 0 ? {} : { value: unquote(word.slice(equals + 1), escape) }),
      span: [from + start, from + at],
    });
  }
  return { flags, argument: [from + at, head] };
}
