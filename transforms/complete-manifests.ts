/**
 * ## What it does
 * Finds manifests that an install reads and that the Dockerfile does not copy ahead of it: a new workspace member, a
 * project reference, `patches/`, `.npmrc`, a lockfile.
 *
 * ## Why
 * A Dockerfile that lists its manifests one by one drifts from the repository. A missing one usually does not fail the
 * build: the install goes on without it, and the image lacks packages.
 *
 * ## Example
 * ```diff
 *  COPY package.json package-lock.json ./
 *  COPY packages/web/package.json ./packages/web/
 * +COPY packages/ui/package.json ./packages/ui/
 *  RUN npm ci
 *  COPY . .
 * ```
 *
 * ## Fix safety
 * Unsafe, because the install then sees more than it did: what is missing is told, and copied with `--unsafe`. In CI:
 * `dockerfix --check --unsafe --transform complete-manifests`.
 */
import {
  isTrouble,
  manifestCopies,
  opportunities,
  traceOf,
  within,
  type Action,
  type BuildContext,
  type Copy,
  edited,
  type Dockerfile,
  type Edit,
  type Event,
  type Plan,
  type Proposal,
  type StageTrace,
  type Target,
  type Transform,
} from '../src/plugin.ts';

export const completeManifests: Transform = {
  name: 'complete-manifests',
  summary: 'copy manifests that an install reads and that were forgotten',
  *propose(file, context, target): Iterable<Proposal> {
    if (!context.known) return;
    for (const stage of traceOf(file, context, target)) {
      const late = lateCopy(stage, context);
      if (late === undefined) continue;
      const { install, copy } = late;
      const run = install.instruction;
      const supposed = suppose(file, stage, context, copy, run, target);
      if (supposed === undefined) continue;
      const plan = { ...supposed.plan, needs: forgotten(supposed.plan.needs, supposed.event, stage, install) };
      if (plan.needs.length === 0) continue;
      const lines = manifestCopies(supposed.file, plan, context, { ...target, style: 'copy' });
      if (isTrouble(lines)) continue;
      const missing = plan.needs.flatMap((need) => need.files.map((each) => each.source));
      const command = supposed.event.actions.find(isInstall)?.text ?? '';
      yield {
        at: run,
        fixes: [
          {
            edits: [insertion(file, run.outer[0], lines)],
            message: `copies ${missing.join(', ')} ahead of \`${command}\`, which reads ${missing.length === 1 ? 'it' : 'them'}`,
            safety: 'unsafe',
            risk: 'the install sees files that it did not see before',
            changes: true,
          },
        ],
        refusal: {
          code: 'manifests-incomplete',
          message: `\`${command}\` runs without ${missing.join(', ')}, which it would read`,
          help: 'copy what is missing with --unsafe, or exclude it in the ignore file',
        },
      };
    }
  },
};

/** The first install of a stage that manifests were copied for, and the source copy that follows it. */
function lateCopy(stage: StageTrace, context: BuildContext): { install: Event; copy: Copy } | undefined {
  for (const [index, event] of stage.events.entries()) {
    const action = event.actions.find(isInstall);
    if (action?.install === undefined) continue;
    const { directory } = action.install;
    const above = stage.events.slice(0, index);
    // What a copy from another stage brings is not known.
    if (above.some(({ instruction, placements }) => isCopy(instruction) && placements === undefined)) return undefined;
    if (above.every(({ placements }) => placements?.some((each) => within(each.target, directory)) !== true))
      return undefined;
    const copy = stage.events
      .slice(index + 1)
      .find(({ placements }) =>
        placements?.some(
          (each) => each.directory && within(directory, each.target) && context.kind(each.source) === 'directory',
        ),
      );
    return copy === undefined ? undefined : { install: event, copy: copy.instruction as Copy };
  }
  return undefined;
}

/** What the installs of a RUN read and no copy above it brings. */
function forgotten(needs: Plan['needs'], supposed: Event, { events }: StageTrace, install: Event): Plan['needs'] {
  const above = events.slice(0, events.indexOf(install)).flatMap((event) => event.placements ?? []);
  const brought = (path: string): boolean =>
    above.some((each) => (each.directory ? within(path, each.target) : path === each.target));
  const reads = new Set(
    supposed.actions
      .filter(isInstall)
      .flatMap((action) => action.effect?.reads ?? [])
      .filter((read) => read.optional !== true && read.incidental !== true)
      .map((read) => read.path),
  );
  // What an install fills, and git tracks all the same.
  for (const output of supposed.actions.flatMap((action) => action.analysis?.outputs ?? [])) reads.delete(output);
  return needs
    .filter((need) => need.reader === supposed.instruction)
    .map((need) => ({
      ...need,
      files: need.files.filter((each) => each.sure && reads.has(each.target) && !brought(each.target)),
    }))
    .filter((need) => need.files.length > 0);
}

function isInstall({ install }: Action): boolean {
  return install?.kind === 'install' || install?.kind === 'fetch';
}

function isCopy(instruction: Event['instruction']): boolean {
  return instruction.keyword === 'COPY' || instruction.keyword === 'ADD';
}

interface Supposed {
  readonly file: Dockerfile;
  /** The install's RUN in it. */
  readonly event: Event;
  readonly plan: Plan;
}

/** Supposes that the source was copied above the install: what would have to be copied first, then, is what it reads. */
function suppose(
  file: Dockerfile,
  stage: StageTrace,
  context: BuildContext,
  copy: Copy,
  run: Event['instruction'],
  target: Target,
): Supposed | undefined {
  const text = file.source.slice(copy.span[0], copy.span[1]) + file.eol;
  const supposed = edited(file, [
    { file: 'dockerfile', span: [run.outer[0], run.outer[0]], text },
    // What comes after it does not matter.
    { file: 'dockerfile', span: [run.outer[1], file.source.length], text: '' },
  ]);
  const trace = supposed.trouble === undefined ? traceOf(supposed, context, target)[stage.stage.index] : undefined;
  const event = trace?.events.find(({ instruction }) => instruction.span[0] === run.span[0] + text.length);
  if (trace === undefined || event === undefined) return undefined;
  const plan = opportunities(trace, context).plans.find(
    (each) =>
      each.split === undefined &&
      each.sunk.length === 1 &&
      each.gains.some((action) => action.install !== undefined && event.actions.includes(action)),
  );
  return plan === undefined ? undefined : { file: supposed, event, plan };
}

function insertion(file: Dockerfile, at: number, lines: readonly string[]): Edit {
  // Above the blank line that sets the RUN apart from its copies.
  const blank = /(\r?\n)[ \t]*\r?\n$/.exec(file.source.slice(0, at));
  const start = blank === null ? at : at - blank[0].length + (blank[1] as string).length;
  return { file: 'dockerfile', span: [start, start], text: lines.map((line) => line + file.eol).join('') };
}
