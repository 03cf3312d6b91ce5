/**
 * A second opinion before a file is changed: dockerfile-ast must see the same instructions in the same places. Where it
 * does not, the file is left alone (`parser-disagrees`). Only its ranges are used; see the semantics' list of its faults.
 */
import { DockerfileParser } from 'dockerfile-ast';
import type { Dockerfile, Trouble } from '../model.ts';

/** Undefined: both parsers agree on boundaries and keywords. Never throws. */
export function crossCheck(file: Dockerfile): Trouble | undefined {
  let theirs: readonly { start: number; end: number; keyword: string }[];
  try {
    const lines = lineStarts(file.source);
    const offset = (position: { line: number; character: number }): number =>
      (lines[position.line] ?? file.source.length) + position.character;
    theirs = withBuffer(() => DockerfileParser.parse(file.source))
      .getInstructions()
      .map((each) => {
        const range = each.getRange();
        return { start: offset(range.start), end: offset(range.end), keyword: each.getKeyword() };
      });
  } catch {
    return disagreement(file, 0);
  }
  const ours = file.instructions;
  for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
    const mine = ours[index];
    const other = theirs[index];
    if (mine === undefined || other === undefined) return disagreement(file, mine?.span[0] ?? other?.start ?? 0);
    if (mine.span[0] !== other.start || mine.keyword !== other.keyword) return disagreement(file, mine.span[0]);
    // Its ranges may end in blanks, in comments inside a continuation, or one line late at the file's end.
    const gap = file.source.slice(Math.min(mine.span[1], other.end), Math.max(mine.span[1], other.end));
    if (!/^[\s\\`]*$/.test(gap.replace(/^\s*#.*$/gm, ''))) return disagreement(file, mine.span[0]);
  }
  return undefined;
}

function disagreement(file: Dockerfile, offset: number): Trouble {
  const line = file.source.slice(0, offset).split('\n').length;
  return {
    code: 'parser-disagrees',
    message: `two parsers read line ${line} differently, so nothing in this file is changed`,
    help: 'simplify the quoting, the heredoc or the line continuation there',
    span: [offset, offset],
  };
}

/** It asks Node's Buffer whether a text begins with a byte order mark; a browser has none. */
function withBuffer<Result>(work: () => Result): Result {
  const scope = globalThis as { Buffer?: unknown };
  if (scope.Buffer !== undefined) return work();
  scope.Buffer = { from: (text: string) => (text === '\ufeff' ? [0xef, 0xbb, 0xbf] : []) };
  try {
    return work();
  } finally {
    delete scope.Buffer;
  }
}

/** dockerfile-ast counts a lone CR as a line end as well. */
function lineStarts(source: string): number[] {
  const starts = [0];
  for (let at = 0; at < source.length; at++)
    if (source[at] === '\n' || (source[at] === '\r' && source[at + 1] !== '\n')) starts.push(at + 1);
  return starts;
}
