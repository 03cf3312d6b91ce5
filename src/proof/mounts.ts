/**
 * What RUNs leave in mounts, which no layer holds: a builder clears its caches when it likes (BuildKit's first rule is
 * after 48 hours), and another machine, which finds the layers in a registry, has caches of its own.
 */
import type { Trouble } from '../model.ts';
import type { Action, Event, StageTrace } from '../effects/trace.ts';

/** A candidate's RUN would depend on what another one leaves in a mount, where none of the original's does. */
export function mountTrouble(before: readonly StageTrace[], after: readonly StageTrace[]): Trouble | undefined {
  const mounted = partlyMounted(before);
  const manager = [...partlyMounted(after)].find((each) => !mounted.has(each));
  if (manager !== undefined)
    return {
      code: 'store-partly-mounted',
      message: `the package store of ${manager} would be a cache mount in some of its RUNs and not in others`,
    };
  const already = new Set(before.flatMap(exposed).map(({ key }) => key));
  const next = after.flatMap(exposed).find(({ key }) => !already.has(key));
  return next === undefined
    ? undefined
    : {
        code: 'mount-may-be-empty',
        message: `\`${next.action.text}\` needs what an earlier RUN leaves in the mount at \`${next.target}\`, which may be empty where that RUN is not run again`,
        help: 'install into the image rather than into a mount',
      };
}

/** A package store that is a cache mount in one RUN is empty for a RUN without it (0.5). */
function partlyMounted(stages: readonly StageTrace[]): ReadonlySet<string> {
  const mounted = new Set<string>();
  const bare = new Set<string>();
  for (const { events } of stages)
    for (const { install } of events.flatMap((event) => event.actions)) {
      if (install === undefined || install.kind === 'tool') continue;
      const isMounted = install.place.mounts.some(({ cache }) => cache === 'store');
      (isMounted ? mounted : bare).add(install.manager);
    }
  return new Set([...mounted].filter((manager) => bare.has(manager)));
}

/** `/root/.cache`, `/pnpm/store`, `/app/.next/cache`; unlike `/app/node_modules`, `/opt/venv` or `/var/lib/apt`. */
const CACHES = /cache|store|\/\.(?:npm|yarn|pnpm|bun|cargo|gradle|m2|ivy2|nuget|composer)(?:\/|$)/i;

interface Exposed {
  readonly key: string;
  readonly action: Action;
  readonly target: string;
}

/** Commands that can be run again where the RUN that filled their mount is not. */
function exposed(stage: StageTrace): readonly Exposed[] {
  const above: Event[] = [];
  for (let parent = stage.parent; parent !== undefined; parent = parent.parent) above.unshift(...parent.events);
  const found: Exposed[] = [];
  const filled = new Map<string, number>();
  let copied = -1;
  for (const [index, { instruction, actions, mounts = [], offline = [] }] of [...above, ...stage.events].entries()) {
    if (instruction.keyword === 'COPY' || instruction.keyword === 'ADD') copied = index;
    for (const { type, target, cache, writable } of mounts) {
      if (target === undefined || (type !== 'cache' && type !== 'tmpfs' && writable !== true)) continue;
      const last = filled.get(`${type} ${target}`);
      filled.set(`${type} ${target}`, index);
      // A cache is there for the next RUN, too, as long as the two are run together.
      if (index < above.length || last === undefined || (type === 'cache' && copied < last)) continue;
      for (const action of actions)
        // What is a cache by what is known of it, or by its name, may be empty: that only costs time.
        if (type !== 'cache' || offline.includes(action) || (cache === undefined && !CACHES.test(target)))
          found.push({ key: `${target} ${action.name}`, action, target });
    }
  }
  return found;
}
