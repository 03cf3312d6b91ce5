/** Signs that a directory is not the one that a Dockerfile is built from. */
import type { BuildContext, Dockerfile, Target } from './model.ts';
import { traceOf } from './effects/memo.ts';
import { baseName, sourceOf, within } from './effects/paths.ts';
import type { Action, Event, StageTrace } from './effects/trace.ts';

/** Manifests and directories that installs of a Dockerfile would not find in a context, each as a sentence. */
export function missingManifests(
  file: Dockerfile,
  context: BuildContext,
  known: Pick<Target, 'managers'> = {},
): readonly string[] {
  if (file.trouble !== undefined) return [];
  return traceOf(file, context, known).flatMap((stage) =>
    stage.events.flatMap((event, index) =>
      event.actions.flatMap((action) => {
        if (action.opaque?.code === 'manifest-missing')
          return isCopied(action.opaque.message, stage, context) ? [] : [action.opaque.message];
        const directory = emptyDirectory(stage.events.slice(0, index), action, context);
        return directory === undefined ? [] : [`there is nothing in \`${directory}\`, where it installs`];
      }),
    ),
  );
}

/** What is missing lies in the context, and is forgotten or comes later. */
function isCopied(message: string, { events, parent }: StageTrace, context: BuildContext): boolean {
  const path = /`(\/[^`]+)`/.exec(message)?.[1];
  if (path === undefined) return false;
  const isHere = events.some(({ placements = [] }) =>
    placements.some((each) => context.has(sourceOf(path, each) ?? '?')),
  );
  return isHere || (parent !== undefined && isCopied(message, parent, context));
}

/** Where an install runs although nothing is copied there: it takes the manifest of a whole project further up (npm does). */
function emptyDirectory(above: readonly Event[], action: Action, context: BuildContext): string | undefined {
  const { install, manager, effect } = action;
  if (install?.kind !== 'install' || manager === undefined) return undefined;
  const { directory } = install;
  const placements = above.flatMap((event) => event.placements ?? []);
  const found = effect?.reads.find(({ path }) => manager.manifests.includes(baseName(path)))?.path;
  const isElsewhere = found !== undefined && !within(found, directory);
  const isOfProject = placements.some((each) => each.directory && context.has(sourceOf(found ?? '', each) ?? '?'));
  const isFilled = placements.some(
    (each) => within(each.target, directory) || context.has(sourceOf(directory, each) ?? '?'),
  );
  return isElsewhere && isOfProject && !isFilled ? directory : undefined;
}
