/**
 * RUNs that work while they are run together, and may not where a COPY between them lets the first be found again, long
 * after or on another machine, and the second run anew.
 *
 * - What is left in a mount no layer holds: a builder clears its caches when it likes (BuildKit's first rule is after 48
 *   hours), and another machine, which finds the layers in a registry, has caches of its own.
 * - The lists that `apt-get update` leaves grow old: the versions that they name are taken off the mirrors. Source:
 *   https://docs.docker.com/build/building/best-practices/#apt-get
 */
import type { Trouble } from '../model.ts';
import { isOffline, type Action, type Event, type StageTrace } from '../effects/actions.ts';

/** A candidate would part two such RUNs, which the original does not. */
export function togetherTrouble(before: readonly StageTrace[], after: readonly StageTrace[]): Trouble | undefined {
  return mountTrouble(before, after) ?? listTrouble(before, after);
}

function mountTrouble(before: readonly StageTrace[], after: readonly StageTrace[]): Trouble | undefined {
  const mounted = partlyMounted(before);
  const manager = [...partlyMounted(after)].find((each) => !mounted.has(each));
  if (manager !== undefined)
    return {
      code: 'store-partly-mounted',
      message: `the package store of ${manager} would be a cache mount in some of its RUNs and not in others`,
    };
  const next = newcomer(before, after, exposed, ({ key }) => key);
  return next === undefined
    ? undefined
    : {
        code: 'mount-may-be-empty',
        message: `\`${next.action.text}\` needs what an earlier RUN leaves in the mount at \`${next.target}\`, which may be empty where that RUN is not run again`,
        help: 'install into the image rather than into a mount',
      };
}

/** The first that the candidate has and the original has not. */
function newcomer<T>(
  before: readonly StageTrace[],
  after: readonly StageTrace[],
  of: (stage: StageTrace) => readonly T[],
  key: (each: T) => string,
): T | undefined {
  const found = after.flatMap(of);
  if (found.length === 0) return undefined;
  const already = new Set(before.flatMap(of).map(key));
  return found.find((each) => !already.has(key(each)));
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

/** Of the stages that it is based on. */
function eventsAbove({ parent }: StageTrace): readonly Event[] {
  return parent === undefined ? [] : [...eventsAbove(parent), ...parent.events];
}

interface Exposed {
  readonly key: string;
  readonly action: Action;
  readonly target: string;
}

/** Commands that can be run again where the RUN that filled their mount is not. */
function exposed(stage: StageTrace): readonly Exposed[] {
  const above = eventsAbove(stage);
  const found: Exposed[] = [];
  const filled = new Map<string, number>();
  let copied = -1;
  for (const [index, { instruction, actions, mounts = [] }] of [...above, ...stage.events].entries()) {
    if (instruction.keyword === 'COPY' || instruction.keyword === 'ADD') copied = index;
    for (const { type, target, cache, writable } of mounts) {
      if (target === undefined || (type !== 'cache' && type !== 'tmpfs' && writable !== true)) continue;
      const last = filled.get(`${type} ${target}`);
      filled.set(`${type} ${target}`, index);
      // A cache is there for the next RUN, too, as long as the two are run together.
      if (index < above.length || last === undefined || (type === 'cache' && copied < last)) continue;
      for (const action of actions)
        // What is a cache by what is known of it, or by its name, may be empty: that only costs time.
        if (type !== 'cache' || isOffline(action) || (cache === undefined && !CACHES.test(target)))
          found.push({ key: `${target} ${action.name}`, action, target });
    }
  }
  return found;
}

function listTrouble(before: readonly StageTrace[], after: readonly StageTrace[]): Trouble | undefined {
  const next = newcomer(before, after, onOldLists, ({ name }) => name);
  return next === undefined
    ? undefined
    : {
        code: 'stale-package-lists',
        message: `\`${next.text.split('\n', 1)[0] ?? ''}\` would be run again on the lists of an \`apt-get update\` that is not: they grow old`,
        help: 'update and install in one RUN',
      };
}

/** With its options, and the verb if that is `update`. */
const APT = /\b(?:apt-get|apt|aptitude)\b(?: -\S+)*( update\b)?/g;
const INSTALLS = /\b(?:install|build-dep|upgrade|dist-upgrade|full-upgrade)\b/;
const SELF_UPDATING = /\bplaywright\b/;

/** Commands that install by lists that a COPY parts from them. */
function onOldLists(stage: StageTrace): readonly Action[] {
  const above = eventsAbove(stage);
  const found: Action[] = [];
  let updated = -1;
  // Lists that nothing installs by are there for a script.
  let isUsed = false;
  let copied = -1;
  for (const [index, { instruction, actions }] of [...above, ...stage.events].entries()) {
    if (instruction.keyword === 'COPY' || instruction.keyword === 'ADD') copied = index;
    for (const action of actions) {
      const calls = [...action.text.matchAll(APT)];
      const installs = calls[0] !== undefined && INSTALLS.test(action.text.slice(calls[0].index));
      if (calls.some(([, verb]) => verb !== undefined)) {
        updated = index;
        isUsed = installs;
        continue;
      }
      if (updated < 0) continue;
      const isScript = action.opaque !== undefined && action.install === undefined && !SELF_UPDATING.test(action.text);
      if ((installs || (!isUsed && isScript)) && copied > updated && index >= above.length) found.push(action);
      isUsed ||= installs;
    }
  }
  return found;
}
