/** Instructions that move down as they are, or go. */
import type { Dockerfile, Edit, Instruction } from '../model.ts';
import { afterLine, blankAfter, blankBefore, cuts } from './lines.ts';

/** Takes instructions away, given in the order of the file, with their comments and the blank lines that set them off. */
export function removed({ source }: Dockerfile, instructions: readonly Instruction[]): Edit[] {
  return cuts(source, instructions).map((span) => ({ file: 'dockerfile', span, text: '' }));
}

/**
 * Moves instructions, given in the order of the file, to just below another one: with their comments, which belong to
 * the instruction below them (rule 12), and set off by a blank line where the first of them was.
 */
export function moveBelow(file: Dockerfile, moved: readonly Instruction[], anchor: Instruction): Edit[] {
  const { source, eol } = file;
  const [first] = moved;
  if (first === undefined) return [];
  const at = afterLine(source, anchor.span[1]);
  const ended = source[at - 1] === '\n';
  const block = moved.map(({ outer, span }) => source.slice(outer[0], span[1])).join(eol);
  const last = moved[moved.length - 1] as Instruction;
  const isFollowed = blankAfter(source, afterLine(source, last.span[1])) !== undefined;
  const apart = ended && (isFollowed || blankBefore(source, first.outer[0])) ? eol : '';
  const below = isFollowed && at < source.length && blankAfter(source, at) === undefined ? eol : '';
  return [
    ...removed(file, moved),
    { file: 'dockerfile', span: [at, at], text: ended ? apart + block + eol + below : eol + block },
  ];
}
