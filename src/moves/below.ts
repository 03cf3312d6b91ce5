/** Instructions that move down as they are. */
import type { Dockerfile, Edit, Instruction } from '../model.ts';
import { afterLine, blankAfter, blankBefore, cuts } from './lines.ts';

/**
 * Moves instructions, given in the order of the file, to just below another one: with their comments, which belong to
 * the instruction below them (rule 12), and set off by a blank line where the first of them was.
 */
export function moveBelow({ source, eol }: Dockerfile, moved: readonly Instruction[], anchor: Instruction): Edit[] {
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
    ...cuts(source, moved).map((span): Edit => ({ file: 'dockerfile', span, text: '' })),
    { file: 'dockerfile', span: [at, at], text: ended ? apart + block + eol + below : eol + block },
  ];
}
