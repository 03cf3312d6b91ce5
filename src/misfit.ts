/** Signs that a directory is not the one that a Dockerfile is built from. */
import type { BuildContext, Copy, Dockerfile, Target } from './model.ts';
import { parentOf, resolvePath } from './dockerfile/state.ts';
import { traceOf } from './effects/memo.ts';
import { baseName, within } from './effects/paths.ts';
import { isBrought, isFilled, type Action, type Event, type StageTrace } from './effects/actions.ts';

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
          return isCopied(action.opaque.path, stage, context) ? [] : [action.opaque.message];
        const directory = emptyDirectory(stage.events.slice(0, index), action, context);
        return directory === undefined ? [] : [`there is nothing in \`${directory}\`, where it installs`];
      }),
    ),
  );
}

/** What is missing lies in the context, and is forgotten or comes later. */
function isCopied(path: string | undefined, { events, parent }: StageTrace, context: BuildContext): boolean {
  if (path === undefined) return false;
  const isHere = events.some(({ placements = [] }) => isBrought(path, placements, context));
  return isHere || (parent !== undefined && isCopied(path, parent, context));
}

/** Where an install runs although nothing is copied there: it takes the manifest of a whole project further up (npm does). */
function emptyDirectory(above: readonly Event[], action: Action, context: BuildContext): string | undefined {
  const { install, manager, effect } = action;
  if (install?.kind !== 'install' || manager === undefined) return undefined;
  const { directory } = install;
  const placements = above.flatMap((event) => event.placements ?? []);
  const found = effect?.reads.find(({ path }) => manager.manifests.includes(baseName(path)))?.path;
  if (found === undefined || directory === parentOf(found) || !within(directory, parentOf(found))) return undefined;
  const folders = placements.filter((each) => each.directory);
  return isBrought(found, folders, context) && !isFilled(directory, placements, context) ? directory : undefined;
}

/**
 * The Dockerfile copies all of a directory, and then speaks of that very directory as a part of it: `COPY . /app` and
 * `COPY --from=build /app/apps/web/dist .`, in `apps/web`. `directory` is relative to the repository's root.
 */
export function speaksOfItself({ instructions, source }: Dockerfile, directory: string): string | undefined {
  if (directory === '.') return undefined;
  const copies = instructions.filter((each): each is Copy => each.keyword === 'COPY' || each.keyword === 'ADD');
  const tops = copies.flatMap(({ from, sources, destination, state }) =>
    from === undefined && destination?.value !== undefined && sources.some(({ value }) => /^\.?\/?$/.test(value ?? '?'))
      ? [resolvePath(state.workdir, destination.value)]
      : [],
  );
  const paths = [
    ...instructions.flatMap((each) => (each.keyword === 'WORKDIR' ? [(each as { path: string }).path] : [])),
    ...copies.flatMap(({ from, sources }) =>
      from === undefined ? [] : sources.map(({ value }) => resolvePath('/', value ?? '')),
    ),
  ];
  const commands = instructions.filter(({ keyword }) => /^(?:RUN|CMD|ENTRYPOINT)$/.test(keyword));
  const texts = commands.map(({ argument }) => source.slice(...argument));
  const isNamed = (name: string): boolean => {
    // One word alone could mean anything.
    const pattern = new RegExp(`(?:^|[\\s"'=/(,])${name.replace(/[^\w/]/g, '\\$&')}(?![\\w-])`);
    return name.includes('/') && texts.some((text) => pattern.test(text));
  };
  const parts = directory.split('/');
  return parts
    .map((_, at) => parts.slice(at).join('/'))
    .find(
      (name) =>
        tops.length > 0 &&
        !tops.some((top) => top.endsWith(`/${name}`)) &&
        (isNamed(name) ||
          paths.some((path) => tops.some((top) => within(path, top === '/' ? `/${name}` : `${top}/${name}`)))),
    );
}
