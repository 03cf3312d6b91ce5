/** Where lines begin and end in a text, for edits that look hand-made. */
import type { Dockerfile, Edit, Instruction, Span } from '../model.ts';

/** The offset just after the line end that follows `offset`. */
export function afterLine(source: string, offset: number): number {
  const newline = source.indexOf('\n', offset);
  return newline < 0 ? source.length : newline + 1;
}

export function indentAt(source: string, offset: number): string {
  const start = source.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(source.slice(start, offset))?.[0] ?? '';
}

export function blankBefore(source: string, lineStart: number): boolean {
  return /(?:^|\n)[ \t]*\r?\n$/.test(source.slice(Math.max(0, lineStart - 400), lineStart));
}

/** The offset after the blank line that starts at `offset`, if one does. */
export function blankAfter(source: string, offset: number): number | undefined {
  const match = /^[ \t]*\r?\n/.exec(source.slice(offset, offset + 200));
  return match === null ? undefined : offset + match[0].length;
}

/**
 * What to cut where these instructions move away: each with its comments, those that follow one another as one, and one
 * of the two blank lines that would meet.
 */
export function cuts(source: string, instructions: readonly Instruction[]): readonly Span[] {
  const spans: [start: number, end: number][] = [];
  for (const { outer, span } of [...instructions].sort((one, other) => one.span[0] - other.span[0])) {
    const last = spans.at(-1);
    const end = afterLine(source, span[1]);
    if (last?.[1] === outer[0]) last[1] = end;
    else spans.push([outer[0], end]);
  }
  return spans.map(([start, end]) => {
    const after = blankAfter(source, end);
    return [start, after !== undefined && (start === 0 || blankBefore(source, start)) ? after : end];
  });
}

/** The comments of a part of an instruction, as lines of their own. */
export function commentsIn({ source, eol }: Dockerfile, span: Span, indent: string): string {
  const lines = source.slice(...span).match(/^[ \t]*#[^\r\n]*/gm) ?? [];
  return lines.map((line) => indent + line.trim() + eol).join('');
}

/** Another text in the place of a part of an instruction; comments that it held go above. */
export function rewritten(file: Dockerfile, instruction: Instruction, span: Span, text: string): readonly Edit[] {
  const indent = indentAt(file.source, instruction.span[0]);
  const start = instruction.span[0] - indent.length;
  const comments = commentsIn(file, span, indent);
  const above: Edit[] = comments === '' ? [] : [{ file: 'dockerfile', span: [start, start], text: comments }];
  return [...above, { file: 'dockerfile', span, text }];
}

/** A command as a message tells it: between backquotes, and not too long. */
export function short(text: string): string {
  return `\`${text.length > 40 ? `${text.slice(0, 37)}...` : text}\``;
}
