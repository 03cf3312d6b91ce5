/**
 * ## What it does
 * Moves an `ARG` whose value differs from build to build (a commit, a date, a version), with the `ENV` and `LABEL`
 * that are made of it, below the installs that do not use it.
 *
 * ## Why
 * A build argument with a value is part of the environment of every later `RUN`, so that a new commit hash above
 * `npm ci` installs everything again, although nothing reads it.
 *
 * ## Example
 * ```diff
 * -ARG GIT_SHA
 * -LABEL org.opencontainers.image.revision=$GIT_SHA
 *  COPY package.json package-lock.json ./
 *  RUN npm ci
 * +ARG GIT_SHA
 * +LABEL org.opencontainers.image.revision=$GIT_SHA
 *  COPY . .
 * ```
 *
 * ## Fix safety
 * Safe: only names that say where an image came from are moved, and only below installs from registries that do not
 * name them. Every other command sees the same environment, and the image's own is the same.
 */
import {
  isProvenance,
  moveBelow,
  traceOf,
  type Dockerfile,
  type Event,
  type Instruction,
  type Proposal,
  type StageTrace,
  type Transform,
} from '../src/plugin.ts';

export const lateArg: Transform = {
  name: 'late-arg',
  summary: 'declare build arguments such as GIT_SHA below the installs that do not use them',
  *propose(file, context, target): Iterable<Proposal> {
    for (const stage of traceOf(file, context, target)) {
      const [first, ...others] = latecomers(file, stage);
      if (first === undefined) continue;
      const together = [first, ...others.filter(({ last }) => last === first.last)];
      yield {
        at: first.argument,
        fixes: (together.length > 1 ? [together, [first]] : [[first]]).map((group) => {
          const moved = new Set(group.flatMap((each) => each.moved));
          const names = group.map(({ name }) => name).join(', ');
          return {
            edits: moveBelow(
              file,
              file.instructions.filter((each) => moved.has(each)),
              first.last,
            ),
            message: `declares ${names} after the installs, which do not use ${group.length > 1 ? 'them' : 'it'}`,
            safety: 'safe',
          };
        }),
      };
    }
  },
};

interface Latecomer {
  readonly name: string;
  readonly argument: Instruction;
  /** The ARG, and what is made of it. */
  readonly moved: readonly Instruction[];
  /** The install below which it can be declared. */
  readonly last: Instruction;
}

function latecomers(file: Dockerfile, stage: StageTrace): readonly Latecomer[] {
  // Where one is declared twice, its place is between the two, and what moves the other one would move it after.
  const declared = new Map<string, Instruction>();
  for (const { instruction } of stage.events) {
    const name = provenanceOf(file, instruction);
    if (name !== undefined) declared.set(name, instruction);
  }
  return [...declared].flatMap(([name, argument]) => {
    const all = [argument, ...dependents(file, stage, argument, name)];
    const last = lastInstall(file, stage.events, all, name);
    if (last === undefined) return [];
    return [{ name, argument, moved: all.filter((each) => each.span[0] < last.span[0]), last }];
  });
}

/** The one provenance name that an ARG declares. */
function provenanceOf(file: Dockerfile, instruction: Instruction): string | undefined {
  if (instruction.keyword !== 'ARG') return undefined;
  const name = /^(\w+)(?:=\S*)?$/.exec(textOf(file, instruction))?.[1];
  return name !== undefined && isProvenance(name) ? name : undefined;
}

/** The ENVs and LABELs below it that are made of it. */
function dependents(file: Dockerfile, { events }: StageTrace, argument: Instruction, name: string): Instruction[] {
  return events
    .map((event) => event.instruction)
    .filter(
      (each) =>
        (each.keyword === 'ENV' || each.keyword === 'LABEL') &&
        each.span[0] > argument.span[0] &&
        uses(textOf(file, each), name),
    );
}

/** The last RUN with an install that stands below it, and above everything that may use it. */
function lastInstall(
  file: Dockerfile,
  events: readonly Event[],
  moved: readonly Instruction[],
  name: string,
): Instruction | undefined {
  let last: Instruction | undefined;
  for (const { instruction, actions } of events) {
    if (instruction.span[0] < (moved[0] as Instruction).span[0] || moved.includes(instruction)) continue;
    if (uses(file.source.slice(...instruction.span), name)) break;
    if (actions.some(({ told = '' }) => uses(told, name))) break;
    if (actions.some((action) => action.opaque !== undefined || action.effect?.variables === true)) break;
    if (actions.some((action) => action.install?.kind === 'install' || action.install?.kind === 'fetch'))
      last = instruction;
  }
  return last;
}

function uses(text: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(text);
}

function textOf(file: Dockerfile, instruction: Instruction): string {
  return file.source.slice(...instruction.argument).trim();
}
