/**
 * Random moves: instructions of a generated project change places, and a copy leaves part of itself elsewhere. Most
 * change the build, and the proof has to refuse those; a transform would propose few of them, a plugin might any.
 */
import { parse } from '../../src/index.ts';
import { proof } from '../../src/proof/prove.ts';
import { attempt, different, known } from './check.ts';
import { Failure } from './files.ts';
import type { Project } from './generate.ts';

export interface Tally {
  tried: number;
  accepted: number;
}

const PARTS = ['package.json', 'package*.json', 'requirements.txt', 'x.txt', 'src', 'lib'];

/** Throws where the proof accepts a move that changes what the reference interpreter builds. */
export function tryMoves(project: Project, below: (count: number) => number, tally: Tally): void {
  const { source, context } = project;
  const rules = context.files['.dockerignore'] ?? '';
  if (attempt(source, context, rules) instanceof Failure) return;
  const seen = known(context);
  const file = parse(source);
  const original = proof({ file, context: seen });
  const lines = file.instructions.map(({ span }) => source.slice(...span));
  for (let n = 0; n < 10; n++) {
    const moved = `${move(lines, below).join('\n')}\n`;
    const candidate = parse(moved);
    if (!/^FROM/i.test(moved) || moved === source || candidate.trouble !== undefined) continue;
    tally.tried++;
    if (original.compare({ file: candidate, context: seen }) !== undefined) continue;
    const trouble = different(project, moved, rules);
    if (trouble instanceof Failure) continue;
    tally.accepted++;
    if (trouble !== undefined) throw new Error(trouble);
  }
}

function move(lines: readonly string[], below: (count: number) => number): readonly string[] {
  const moved = [...lines];
  for (let left = 1 + below(2); left > 0; left--) {
    const [line = ''] = moved.splice(below(moved.length), 1);
    moved.splice(below(moved.length + 1), 0, line);
    const part = PARTS[below(PARTS.length)] as string;
    const narrow = line.replace(/ \.\/? (\S+?)\/?$/, ` ${part} $1/`);
    if (/^(?:COPY|ADD) /i.test(line) && narrow !== line && below(3) === 0)
      moved.splice(below(moved.length + 1), 0, narrow);
  }
  return moved;
}
