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
      for (const { instruction } of stage.events) {
        const name = provenanceOf(file, instruction);
        if (name === undefined || isDeclaredAgain(file, stage, instruction, name)) continue;
        const moved = [instruction, ...dependents(file, stage, instruction, name)];
        const last = lastInstall(file, stage.events, moved, name);
        if (last === undefined) continue;
        const above = moved.filter((each) => each.span[0] < last.span[0]);
        yield {
          at: instruction,
          fixes: [
            {
              edits: moveBelow(file, above, last),
              message: `declares ${name} after the installs, which do not use it`,
              safety: 'safe',
            },
          ],
        };
        break;
      }
    }
  },
};

/** The one provenance name that an ARG declares. */
function provenanceOf(file: Dockerfile, instruction: Instruction): string | undefined {
  if (instruction.keyword !== 'ARG') return undefined;
  const name = /^(\w+)(?:=\S*)?$/.exec(textOf(file, instruction))?.[1];
  return name !== undefined && isProvenance(name) ? name : undefined;
}

/** Its place is then between the two, and what moves the other one would move it after. */
function isDeclaredAgain(file: Dockerfile, { events }: StageTrace, argument: Instruction, name: string): boolean {
  return events.some(
    ({ instruction }) => instruction.span[0] > argument.span[0] && provenanceOf(file, instruction) === name,
  );
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
