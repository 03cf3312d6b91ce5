/** Makes a plan into a fix: its edits, the ignore file that they need, and what to say. */
import type { BuildContext, Dockerfile, Edit, Fix, Proposal, Split, Target, Trouble } from '../model.ts';
import type { StageTrace } from '../effects/actions.ts';
import { isTrouble } from '../managers/shared/steps.ts';
import { emit, emitAhead } from './emit.ts';
import { ignoreEdit, missingIgnores } from './ignore.ts';
import { short } from './lines.ts';
import { noGain } from './order.ts';
import type { Plan } from './sink.ts';

/** One proposal for each RUN that plans end at: their fixes are alternatives. */
export function* proposals(
  file: Dockerfile,
  plans: readonly Plan[],
  stage: StageTrace,
  context: BuildContext,
  target: Target,
): Iterable<Proposal> {
  for (const last of new Set(plans.map((plan) => plan.last))) {
    const made = plans
      .filter((plan) => plan.last === last)
      .flatMap((plan) => planFixes(file, plan, stage, context, target));
    const refusal = made.find(isTrouble);
    yield {
      at: last,
      fixes: made.filter((each): each is Fix => !isTrouble(each)),
      ...(refusal === undefined ? {} : { refusal }),
    };
  }
}

/** The ways to carry out a plan, best first, each with the ignore file that it needs; or why it cannot be done. */
export function planFixes(
  file: Dockerfile,
  plan: Plan,
  stage: StageTrace,
  context: BuildContext,
  target: Target,
): readonly (Fix | Trouble)[] {
  const ahead = emitAhead(file, plan, context, target);
  return [...(ahead === undefined ? [] : [ahead]), emit(file, plan, context, target)].map((edits) =>
    isTrouble(edits) ? edits : (noGain(file, edits, context, target) ?? planFix(file, plan, stage, context, edits)),
  );
}

function planFix(
  file: Dockerfile,
  plan: Plan,
  stage: StageTrace,
  context: BuildContext,
  edits: readonly Edit[],
): Fix | Trouble {
  const installs = plan.gains.filter((action) => action.install?.kind === 'install');
  const divided = stage.events.flatMap((event) =>
    event.instruction === plan.last && plan.split !== undefined ? event.actions : [],
  );
  const removals = stage.events
    .filter(
      ({ instruction }) => instruction.span[0] <= plan.last.span[0] && !plan.riders.some((run) => run === instruction),
    )
    .flatMap((event) => event.actions.filter((action) => action.effect?.removes !== undefined));
  const ignores = missingIgnores(
    [...installs, ...divided, ...removals],
    plan.sunk.flatMap(({ stage, placements }) => (stage === undefined ? placements : [])),
    context,
  );
  if (isTrouble(ignores)) return ignores;
  return {
    edits: ignores.length === 0 ? edits : [...edits, ignoreEdit(context, ignores, file.eol)],
    message: message(
      plan.needs.flatMap((need) => need.files.map((each) => each.source)),
      plan.gains.map(
        ({ text, command, install }) => (command?.simple === false ? install?.command.text : text) ?? text,
      ),
      plan.split,
    ),
    ...(plan.split?.risk === undefined ? { safety: 'safe' } : { safety: 'unsafe', risk: plan.split.risk }),
  };
}

function message(files: readonly string[], commands: readonly string[], split: Split | undefined): string {
  const listed = files.length > 4 ? `${files.slice(0, 3).join(', ')} and ${files.length - 3} more` : files.join(', ');
  const all = [...new Set(commands)];
  const kept = `${all.map(short).join(', ')} ${all.length > 1 ? 'stay' : 'stays'} cached`;
  const what =
    listed !== ''
      ? `copies ${listed} ahead of the source`
      : split === undefined
        ? 'copies the source after the install'
        : `runs ${short(split.before)} ahead of the source`;
  return `${what}${all.length === 0 ? '' : `, so that ${kept}`}${split === undefined ? '' : ` (${split.why})`}`;
}
