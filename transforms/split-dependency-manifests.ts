/**
 * ## What it does
 * Moves a broad `COPY` below the installs that follow it, and copies just their manifests ahead of them.
 *
 * ## Why
 * Docker re-runs an instruction when what it depends on changed. A source copy above `npm ci` makes every edit of
 * every file re-install all dependencies.
 *
 * ## Example
 * ```diff
 *  WORKDIR /app
 * -COPY . .
 * +COPY package.json package-lock.json ./
 *  RUN npm ci
 * +COPY . .
 * ```
 *
 * ## Fix safety
 * Safe when the build context is known: every file that the install reads is copied first, and the proof shows that
 * all commands see the same inputs. Without a context it is unsafe: which manifests exist is assumed.
 */
import {
  emit,
  ignoreEdit,
  missingIgnores,
  opportunities,
  traceOf,
  type BuildContext,
  type Dockerfile,
  type Fix,
  type Plan,
  type Proposal,
  type StageTrace,
  type Target,
  type Transform,
  type Trouble,
} from '../src/plugin.ts';

export const splitDependencyManifests: Transform = {
  name: 'split-dependency-manifests',
  summary: 'copy dependency manifests and install before copying the source',
  *propose(file, context, target): Iterable<Proposal> {
    for (const stage of traceOf(file, context)) {
      const { plans, blocked, optimal } = opportunities(stage, context);
      const worth = plans.filter((plan) => plan.needs.length > 0 || plan.provided || plan.split !== undefined);
      // Several ways to divide one install are alternatives; moving what stands above it is a proposal of its own.
      for (const group of [
        worth.filter((plan) => plan.split !== undefined),
        worth.filter((plan) => plan.split === undefined),
      ]) {
        for (const last of new Set(group.map((plan) => plan.last))) {
          const made = group
            .filter((plan) => plan.last === last)
            .map((plan) => fixOf(file, plan, stage, context, target));
          const refusal = made.find(isTrouble);
          yield {
            at: last,
            fixes: made.filter((each): each is Fix => !isTrouble(each)),
            ...(refusal === undefined ? {} : { refusal }),
          };
        }
      }
      for (const { run, trouble } of blocked) yield { at: run, fixes: [], refusal: trouble };
      for (const { run, install } of optimal)
        yield {
          at: run,
          fixes: [],
          refusal: {
            code: 'already-optimal',
            message: `\`${install.command.text}\` is re-run only when its manifests change`,
          },
        };
    }
  },
};

function fixOf(file: Dockerfile, plan: Plan, stage: StageTrace, context: BuildContext, target: Target): Fix | Trouble {
  const edits = emit(file, plan, context, target);
  if (isTrouble(edits)) return edits;
  const installs = plan.gains.filter((action) => action.install?.kind === 'install');
  const divided = stage.events.flatMap((event) =>
    event.instruction === plan.last && plan.split !== undefined ? event.actions : [],
  );
  const removals = stage.events
    .filter((event) => event.instruction.span[0] <= plan.last.span[0])
    .flatMap((event) => event.actions.filter((action) => action.effect?.removes !== undefined));
  const ignores = missingIgnores(
    [...installs, ...divided, ...removals],
    plan.sunk.flatMap((each) => each.placements),
    context,
  );
  if (isTrouble(ignores)) return ignores;
  return {
    edits: ignores.length === 0 ? edits : [...edits, ignoreEdit(context, ignores, file.eol)],
    message: message(
      plan.needs.flatMap((need) => need.files.map((each) => each.source)),
      plan.gains.map((action) => action.text),
      plan.split?.why,
    ),
    safety: 'safe',
  };
}

function message(files: readonly string[], commands: readonly string[], why: string | undefined): string {
  const shown = files.length > 4 ? `${files.slice(0, 3).join(', ')} and ${files.length - 3} more` : files.join(', ');
  const what = [...new Set(commands)]
    .map((text) => `\`${text.length > 40 ? `${text.slice(0, 37)}...` : text}\``)
    .join(', ');
  return `copies ${shown === '' ? 'the source after the install' : `${shown} ahead of the source`}${what === '' ? '' : `, so that ${what} stays cached`}${why === undefined ? '' : ` (${why})`}`;
}

function isTrouble(value: object): value is Trouble {
  return 'code' in value;
}
