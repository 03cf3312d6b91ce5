/** Where lines begin and end in a text, for edits that look hand-made. */
import type { Instruction, Span } from '../model.ts';

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

/** An instruction with its comments and one of two blank lines around it: what to cut where it moves away. */
export function withoutGap(source: string, { outer: [start], span }: Instruction): Span {
  const end = afterLine(source, span[1]);
  const after = blankAfter(source, end);
  return [start, after !== undefined && (start === 0 || blankBefore(source, start)) ? after : end];
}
