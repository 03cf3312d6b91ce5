/** Writes a stage's instructions in another order: what moves is taken out with its comments and put in elsewhere. */
import type { Copy, Dockerfile, Edit, Instruction, Stage, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { removed } from './below.ts';
import { unresolved } from './emit.ts';
import { afterLine, blankAfter, blankBefore } from './lines.ts';
import type { Order } from './order.ts';

export function relocate(file: Dockerfile, stage: Stage, { instructions, moved }: Order): readonly Edit[] | Trouble {
  const { source, eol } = file;
  const edits: Edit[] = removed(file, moved);
  const groups = new Map<Instruction, Copy[]>();
  let last = stage.from;
  for (const each of instructions) {
    if (!moved.includes(each as Copy)) last = each;
    else groups.set(last, [...(groups.get(last) ?? []), each as Copy]);
  }
  for (const [above, copies] of groups) {
    const lines: string[] = [];
    for (const copy of copies) {
      const text = textBelow(source, copy, workdirBelow(stage, above));
      if (typeof text !== 'string') return text;
      lines.push(text);
    }
    const at = afterLine(source, above.span[1]);
    const ended = /\n$/.test(source.slice(0, at));
    const apart =
      !isCopy(above) &&
      copies.some(
        ({ outer, span }) =>
          blankBefore(source, outer[0]) || blankAfter(source, afterLine(source, span[1])) !== undefined,
      );
    const block = (apart ? [''] : []).concat(lines).join(eol);
    edits.push({ file: 'dockerfile', span: [at, at], text: ended ? block + eol : eol + block });
  }
  return edits;
}

function isCopy({ keyword }: Instruction): boolean {
  return keyword === 'COPY' || keyword === 'ADD';
}

/** The directory in force below an instruction. */
function workdirBelow({ instructions }: Stage, above: Instruction): string {
  const next = instructions[instructions.indexOf(above) + 1];
  if (next !== undefined) return next.state.workdir;
  return above.keyword === 'WORKDIR' ? (above as { path: string }).path : above.state.workdir;
}

/** With its destination told in full where another directory is in force. */
function textBelow(source: string, copy: Copy, workdir: string): string | Trouble {
  const text = source.slice(copy.outer[0], copy.span[1]);
  const { destination } = copy;
  const value = destination?.value;
  if (destination === undefined || value === undefined || value.startsWith('/') || workdir === copy.state.workdir)
    return text;
  const absolute = resolvePath(copy.state.workdir, value);
  if (absolute.startsWith('?')) return unresolved(copy);
  const slash = /(?:^|\/)\.{0,2}$/.test(value) && absolute !== '/' ? '/' : '';
  const offset = destination.span[0] - copy.outer[0];
  return text.slice(0, offset) + absolute + slash + text.slice(destination.span[1] - copy.outer[0]);
}
