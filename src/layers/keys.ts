/** Which layers a change of the Dockerfile itself makes again. */
import type { Dockerfile, Instruction } from '../model.ts';
import type { Builder, Layers } from './layers.ts';

/** Rule 41: no part of any later key in BuildKit. The classic builder and Buildah chain them all (rule 42). */
const METADATA = new Set('LABEL EXPOSE CMD ENTRYPOINT HEALTHCHECK STOPSIGNAL VOLUME ONBUILD MAINTAINER'.split(' '));

/** By layer: its chain of instructions, so that two layers of one key have equal instructions above them. */
function chains(file: Dockerfile, { layers, builder }: Layers): readonly string[] {
  const found: string[] = [];
  const ends: string[] = [];
  let at = 0;
  for (const stage of file.stages) {
    let chain = stage.base.stage === undefined ? stage.base.text : (ends[stage.base.stage] ?? '');
    // What RUNs see of the variables, in order; COPY does not (rule 41).
    let environment = '';
    for (const instruction of stage.instructions) {
      const layer = layers[at];
      const text = file.source.slice(...instruction.span).replace(/\\\r?\n(?:[ \t]*#[^\n]*\n)*/g, '');
      if (layer?.instruction === instruction) {
        chain += `\n${own(instruction, text, environment, builder)}`;
        found.push(chain);
        at++;
      } else if (builder !== 'buildkit') chain += `\n${text}`;
      else if (!METADATA.has(instruction.keyword)) environment += `\n${text}`;
    }
    ends.push(chain);
  }
  return found;
}

function own(instruction: Instruction, text: string, environment: string, builder: Builder): string {
  const { user, workdir, shell } = instruction.state;
  if (instruction.keyword === 'RUN' && builder === 'buildkit')
    return [text, environment, user ?? '', workdir, ...shell].join('\0');
  return `${text}\0${workdir}`;
}

/** Layers of `after` that no layer of `before` was made by the same instructions as. */
export function changedLayers(
  before: { readonly file: Dockerfile; readonly layers: Layers },
  after: { readonly file: Dockerfile; readonly layers: Layers },
): ReadonlySet<number> {
  const known = new Set(chains(before.file, before.layers));
  return new Set(chains(after.file, after.layers).flatMap((chain, at) => (known.has(chain) ? [] : [at])));
}
