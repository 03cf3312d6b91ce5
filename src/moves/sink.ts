/**
 * The one move (design, idea 1): a broad COPY sinks below the instructions that do not read what it brings, and
 * leaves behind a narrow COPY of the files that they do read. This file decides how far, and which files; `emit.ts`
 * writes it down. Nothing here is trusted: the proof decides afterwards.
 */
import type { BuildContext, Command, Copy, Install, Read, Run, Split, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { substitutes } from '../effects/commands.ts';
import { contextBinds } from '../effects/mounts.ts';
import { isShared, isSystem, sourceOf, within } from '../effects/paths.ts';
import {
  isBrought,
  isFilled,
  isForgiven,
  isOffline,
  type Action,
  type Event,
  type Placement,
  type StageTrace,
} from '../effects/actions.ts';
import { unresolved } from './emit.ts';
import { short } from './lines.ts';

/** Files of one copy that a RUN needs before the copy itself comes. */
export interface Need {
  readonly copy: CopyEvent;
  readonly reader: Run;
  /** Context paths, each with the image path where the reader expects it. */
  readonly files: readonly {
    readonly source: string;
    readonly target: string;
    readonly directory: boolean;
    readonly sure: boolean;
  }[];
}

export interface CopyEvent {
  readonly copy: Copy;
  readonly placements: readonly Placement[];
  /** Where the placements' sources are; absent: in the build context. */
  readonly stage?: StageTrace;
}

function copyOf({ instruction, placements, from }: Event): CopyEvent | undefined {
  if (placements !== undefined) return { copy: instruction as Copy, placements };
  return from === undefined ? undefined : { copy: instruction as Copy, ...from };
}

/** One sinking move within one stage. */
export interface Plan {
  /** The copies that move, in order. */
  readonly sunk: readonly CopyEvent[];
  /** RUNs that work on nothing but what those copies bring, and move along. */
  readonly riders: readonly Run[];
  readonly needs: readonly Need[];
  /** Copies that sink below a RUN that gives what they bring to somebody, and to whom. */
  readonly owners: ReadonlyMap<Copy, { readonly to: string; readonly by: Run }>;
  /** The last RUN that will stand above the moved copies. */
  readonly last: Run;
  /** Commands of `last` that stay above: all (undefined), or up to this index; the others go below the copies. */
  readonly cut?: number;
  /** The command of `last` at `cut` is replaced by `split.before`, and `split.after` runs below the copies. */
  readonly split?: Split;
  /** An install gains although nothing is left behind: what it reads is copied by others, or by copies that stay. */
  readonly provided: boolean;
  /** Nothing that stands between the copies and `last`, and stays there, brings what the divided command reads. */
  readonly clear: boolean;
  /** What gains: installs and expensive commands that the copies no longer invalidate. */
  readonly gains: readonly Action[];
}

/** An install that stays below a broad copy, and why. */
export interface Blocked {
  readonly run: Run;
  readonly install: Install;
  readonly trouble: Trouble;
}

export interface Opportunities {
  readonly plans: readonly Plan[];
  readonly blocked: readonly Blocked[];
  /** Installs that no broad copy stands above. */
  readonly optimal: readonly { readonly run: Run; readonly install: Install }[];
}

/** Commands that are worth keeping cached: they download or build. */
const EXPENSIVE =
  /^(?:sudo )?(?:apt|apt-get|apk|yum|dnf|microdnf|tdnf|zypper|pacman|gem|pecl|docker-php-ext-\w+|install-php-extensions|curl|wget|rustup|corepack|add-apt-repository|\S*python3? -m venv|virtualenv)\b/;

/** Commands that a package manager counts as an install, and that take no time: an empty environment. */
const CHEAP = /^uv venv\b/;

/** Done in a second or two: pip and what builds packages brought up to date, corepack's links made. */
const QUICK =
  /^(?:sudo )?(?:(?:\S*python[\d.]* -m )?pip[\d.]* install(?: (?:-\S+|pip|setuptools|wheel|cython|build))+|corepack enable(?: \w+)*)$/i;

export interface Wanted {
  /** Whose way to be divided is of interest: installs, or builds that download. */
  readonly kind: 'install' | 'build';
  /** False: only plans that need nothing left behind. */
  readonly narrow: boolean;
}

export function opportunities(
  trace: StageTrace,
  context: BuildContext,
  { kind, narrow }: Wanted = { kind: 'install', narrow: true },
): Opportunities {
  let plans: Plan[] = [];
  const blocked: Blocked[] = [];
  const optimal: Opportunities['optimal'][number][] = [];
  const built = new Set<string>();
  /** Managers of which a build stands above every broad copy. */
  const early = new Set<string>();
  for (const segment of segments(trace.events)) {
    // The plain move is a fallback for when a divided install is not provable.
    const last = segment.at(-1)?.actions.find((action) => action.opaque !== undefined);
    // What it would take ahead has been installed already.
    const isAgain =
      last !== undefined &&
      kind === 'install' &&
      installedAbove(trace.events, trace.events.indexOf(segment.at(-1) as Event), last);
    const divides = narrow && !isAgain && (last?.install?.kind === 'build') === (kind === 'build');
    const ways = divides ? (last?.analysis?.splits.length ?? 0) : 0;
    const divide = (withRiders: boolean, restoring: boolean): void => {
      for (let way = 0; way < ways; way++) {
        const divided = planSegment(segment, context, way, withRiders, trace.fetched, restoring);
        if (divided !== undefined && !isHalfDone(trace.events, divided)) plans.push(divided);
      }
    };
    for (const withRiders of [true, false]) {
      divide(withRiders, false);
      if (kind === 'build') continue;
      const whole = planSegment(
        narrow ? segment : beforeReaders(segment, context, withRiders),
        context,
        'whole',
        withRiders,
      );
      if (whole !== undefined) plans.push(whole);
    }
    divide(false, true);
  }
  for (const [index, event] of trace.events.entries()) {
    for (const action of event.actions) {
      if (kind === 'install' && action.inner !== undefined) {
        const inner = { ...action, install: action.inner };
        if (hasWholeCopyAbove(trace.events, index, inner) && !installedAbove(trace.events, index, inner))
          blocked.push({ run: event.instruction as Run, install: action.inner, trouble: notLookedInto(inner) });
        continue;
      }
      if (!(kind === 'build' ? isBuild(action) : isInstall(action)) || action.install === undefined) continue;
      // Its first half stands above the copy already.
      if (isRepeated(event, action)) continue;
      const run = event.instruction as Run;
      const fetched = isFetched(trace.events.slice(0, index), action, trace.fetched);
      if (kind === 'build') {
        // Later builds find what the first one downloaded, be it one of stubs that stands above the source.
        if (built.has(action.install.manager)) {
          if (early.has(action.install.manager)) plans = plans.filter((plan) => plan.last !== run);
          continue;
        }
        built.add(action.install.manager);
        const isEarly =
          isOfStubs(trace.events, index, action) ||
          (!hasBroadCopyAbove(trace.events, index, action, context) && hasManifest(trace.events, index, action));
        if (isEarly) early.add(action.install.manager);
        // A restore that is incomplete wants completing, not another beside it.
        const isTried = trace.events
          .slice(0, index)
          .some(({ actions }) =>
            actions.some((each) => isInstall(each) && (isOfSame(each, action) || sharesProject(each, action))),
          );
        if (isEarly || fetched || isTried || isOffline(action) || restoredAbove(trace, index, action)) {
          optimal.push({ run, install: action.install });
          plans = plans.filter((plan) => plan.last !== run);
        } else if (
          hasBroadCopyAbove(trace.events, index, action, context) &&
          !plans.some((plan) => plan.last === run) &&
          action.analysis?.refusal !== undefined
        )
          blocked.push({ run, install: action.install, trouble: action.analysis.refusal });
        continue;
      }
      if (fetched || !hasBroadCopyAbove(trace.events, index, action, context)) {
        const trouble = fetched
          ? undefined
          : (copiedSomewhere(trace.events.slice(0, index)) ??
            inEmptyDirectory(trace.events, index, action, context) ??
            sourceFromStage(trace, index, action, context));
        if (trouble === undefined) optimal.push({ run, install: action.install });
        else blocked.push({ run, install: action.install, trouble });
      } else {
        if (action.analysis?.splits.some((split) => hasHalf(trace.events.slice(0, index), split)) === true) {
          if (!plans.some((plan) => plan.last === run)) optimal.push({ run, install: action.install });
          continue;
        }
        const trouble =
          blockedBy(trace.events, index, action) ?? outOfStage(trace.events.slice(0, index), action, context);
        const why = action.opaque?.code;
        // Parts of the source, copied ahead for a script that needs them.
        if (why === 'lifecycle-script-reads-source' && !hasProjectAbove(trace.events, index, action))
          optimal.push({ run, install: action.install });
        // A second install after the build, in a place that has one already; or of the project itself, after its dependencies.
        else if (
          (trouble?.code === 'intervening-run-reads-source' ||
            trouble?.code === 'local-dependency-builds' ||
            trouble?.code === 'lifecycle-script-reads-source') &&
          (installedAbove(trace.events, index, action) ||
            (trouble.code === 'local-dependency-builds' && requiredAbove(trace, index, action)))
        ) {
          optimal.push({ run, install: action.install });
          if (trouble.code === 'local-dependency-builds')
            plans = plans.filter((plan) => plan.last !== run || plan.split === undefined);
        } else if (trouble !== undefined) blocked.push({ run, install: action.install, trouble });
        else if (
          !plans.some((plan) => plan.last === run || plan.gains.includes(action)) &&
          // Said of the install that reads what it changes.
          !trace.events.some(({ actions }) => actions.some((each) => mutatedBy([action], each) !== undefined))
        )
          blocked.push({ run, install: action.install, trouble: notMoved(trace.events.slice(0, index)) });
      }
    }
  }
  return { plans, blocked, optimal };
}

function notLookedInto({ install, text }: Action): Trouble {
  const own = install?.command.text ?? '';
  const why = substitutes(text) ? 'depends on what another command prints' : 'keeps what it prints in a file';
  return {
    code: 'unsplittable-run',
    message:
      own === text
        ? `${short(text)} ${why}, and is taken as a whole`
        : `\`${own}\` stands within ${short(text)}, which is taken as a whole`,
    help: 'write the install as a command of its own',
  };
}

function notMoved(above: readonly Event[]): Trouble {
  const copies = above.flatMap((event) => copyOf(event) ?? []);
  const isPlain = copies.every((each) => isMovable(each) && each.copy.sources.every(({ text }) => !text.includes('$')));
  return {
    code: 'copy-not-movable',
    message: isPlain
      ? 'the COPY above it may bring what it fills'
      : 'the COPY above it has options (--link, --parents, --exclude) or variables that are not moved',
    help: isPlain
      ? 'keep its output out by the ignore file, and move the COPY by hand'
      : 'move it below the install by hand',
  };
}

/** All of the context is copied to a place that is not known: it may be where the install runs. */
function copiedSomewhere(above: readonly Event[]): Trouble | undefined {
  const copies = above.flatMap(({ instruction }) =>
    instruction.keyword === 'COPY' || instruction.keyword === 'ADD' ? [instruction] : [],
  );
  const found = copies.find(
    ({ from, sources, destination }) =>
      from === undefined &&
      destination !== undefined &&
      destination.value === undefined &&
      sources.some(({ value }) => value !== undefined && /^\.?\/?$/.test(value)),
  );
  return found === undefined ? undefined : unresolved(found);
}

/** It finds no manifest, and nothing is brought to where it runs. */
function inEmptyDirectory(
  events: readonly Event[],
  index: number,
  action: Action,
  context: BuildContext,
): Trouble | undefined {
  if (action.opaque?.code !== 'manifest-missing' || action.install === undefined) return undefined;
  const { directory } = action.install;
  const above = events.slice(0, index).flatMap(({ placements = [] }) => placements);
  const first = events.flatMap(({ actions }) => actions).find((each) => each.opaque !== undefined);
  return isFilled(directory, above, context) || first !== action ? undefined : action.opaque;
}

/** The source came with the stage that this one is based on: every stage must stay as it is, so it cannot move out. */
function sourceFromStage(trace: StageTrace, index: number, action: Action, context: BuildContext): Trouble | undefined {
  if (installedAbove(trace.events, index, action)) return undefined;
  for (let parent = trace.parent; parent !== undefined; parent = parent.parent) {
    const { events, stage } = parent;
    if (installedAbove(events, events.length, action)) return undefined;
    if (!hasBroadCopyAbove(events, events.length, action, context)) continue;
    return {
      code: 'source-from-stage',
      message: `the source is copied in the stage \`${stage.name ?? stage.index}\` that this one is based on, and that stage must stay as it is`,
      help: 'copy the source in the stages that need it, below their installs',
    };
  }
  return undefined;
}

/** Its manifests come out of another stage, together with the source. */
function outOfStage(above: readonly Event[], { install }: Action, context: BuildContext): Trouble | undefined {
  const directory = install?.directory ?? '/';
  for (const event of above) {
    const copy = copyOf(event);
    if (copy === undefined || !isBroad(copy, context) || !bringsSource(copy, directory)) continue;
    return {
      code: 'source-from-stage',
      message: `the source is copied out of the stage \`${copy.copy.from ?? ''}\` together with what the install reads`,
      help: 'copy the manifests alone and install, before the rest is copied out of the stage',
    };
  }
  return undefined;
}

/** It brings a directory of another stage, to this one or above it, that a copy from the build context filled there. */
function bringsSource({ stage, placements }: CopyEvent, directory: string): boolean {
  const filled: Placement[] = [];
  for (let from = stage; from !== undefined; from = from.parent)
    filled.push(...from.events.flatMap((event) => event.placements ?? []));
  return placements.some(
    ({ source, target }) =>
      within(directory, target) && filled.some((each) => each.directory && within(each.target, source)),
  );
}

/** Up to and including the next RUN with something opaque in it: no copy can sink below that. */
function* segments(events: readonly Event[]): Iterable<readonly Event[]> {
  let current: Event[] = [];
  for (const event of events) {
    current.push(event);
    if (event.actions.some((action) => action.opaque !== undefined)) {
      yield current;
      current = [];
    }
  }
  yield current;
}

/**
 * A RUN that works on nothing but what these copies bring: `chmod +x start.sh`, `cp config.example.json config.json`.
 * It may sink with them.
 */
function rides(actions: readonly Action[], copies: readonly Placement[]): boolean {
  let changes = false;
  for (const { effect, install } of actions) {
    if (effect === undefined || install !== undefined || effect.system === 'writes') return false;
    const { reads, writes, edits, removes = [], makes = [], touches = [], gives } = effect;
    const given = gives?.trees ?? [];
    const paths = [...writes, ...edits, ...removes, ...makes, ...touches, ...given, ...reads.map(({ path }) => path)];
    if (!paths.every((path) => copies.some((each) => within(path, each.target)))) return false;
    changes ||= writes.length + removes.length + touches.length + given.length > 0;
  }
  return changes;
}

/** The part of a segment in which no RUN reads what a copy above brings. */
function beforeReaders(events: readonly Event[], context: BuildContext, withRiders: boolean): readonly Event[] {
  const copies: CopyEvent[] = [];
  const targets: Placement[] = [];
  for (const [index, event] of events.entries()) {
    if (withRiders && rides(event.actions, targets)) continue;
    const copy = copyOf(event);
    if (copy !== undefined && isBroad(copy, context)) {
      copies.push(copy);
      targets.push(...copy.placements);
    }
    const reads = event.actions.flatMap((action) => action.effect?.reads ?? []);
    if (reads.some((read) => copies.some((each) => mayBring(each, read, context)))) return events.slice(0, index);
  }
  return events;
}

function mayBring({ placements, stage }: CopyEvent, read: Read, context: BuildContext): boolean {
  return placements.some((each) => {
    if (read.tree === true && within(each.target, read.path)) return true;
    if (!within(read.path, each.target)) return false;
    const source = sourceOf(read.path, each);
    return stage !== undefined || source === undefined || context.kind(source) !== undefined || context.may(source);
  });
}

function planSegment(
  events: readonly Event[],
  context: BuildContext,
  /** Which split of the install that ends the segment to use. */
  mode: number | 'whole',
  /** RUNs that can move along with the copies do; false: they stay, with what they need. */
  withRiders: boolean,
  fetched?: ReadonlySet<string>,
  /** A copy of manifests that the first half changes is repeated below it. */
  restoring = false,
): Plan | undefined {
  const whole = reach(events, mode, fetched);
  if (whole === undefined) return undefined;
  const needs: Need[] = [];
  const copies = events.slice(0, whole.index).flatMap((event) => copyOf(event) ?? []);
  const isOfSource = (each: CopyEvent): boolean => isBroad(each, context);
  if (!copies.some(isOfSource)) return undefined;
  const rewritten = restoring ? (whole.split?.rewrites ?? []).map((path) => ({ path })) : [];
  const restores = (each: CopyEvent): boolean =>
    each.stage === undefined && isMovable(each) && brought(each, rewritten);
  if (restoring && !copies.some((each) => restores(each) && !isOfSource(each))) return undefined;
  const broad = copies.filter((each) => isOfSource(each) || restores(each));
  const stop = withRiders ? withoutTail(whole, events, broad) : whole;
  const firm = copies.filter((each) => !broad.includes(each));
  const stuck = new Set<CopyEvent>();
  const provided = new Set<CopyEvent>();
  const riders: Run[] = [];
  for (const [index, event] of events.slice(0, stop.index + 1).entries()) {
    if (event.actions.length === 0) continue;
    const above = broad.filter((each) => each.copy.span[0] < event.instruction.span[0]);
    const placed = above.flatMap((each) => each.placements);
    if (withRiders && index < stop.index && rides(event.actions, placed)) {
      riders.push(event.instruction as Run);
      continue;
    }
    for (const need of needsOf(event, stop, index === stop.index, above, firm, context, stuck, provided)) {
      // What an earlier reader needed is there already.
      const files = need.files.filter((file) => !needs.some((earlier) => brings(earlier, need.copy, file)));
      if (files.length > 0) needs.push({ ...need, files });
    }
  }
  if (withRiders && riders.length === 0 && stop === whole) return undefined;
  // A copy that brings nothing but what is read has nothing to sink for.
  for (const each of broad) {
    const needed = new Set(
      needs.filter((need) => need.copy === each).flatMap((need) => need.files.map((file) => file.source)),
    );
    if (!restores(each) && each.placements.every((placement) => needed.has(placement.source))) stuck.add(each);
  }
  const first = broad.find((each) => !stuck.has(each));
  if (first === undefined) return undefined;
  // Single files, copied ahead for a script that needs them, are as early as they can be.
  const isInstallDivided = stop.split !== undefined && stop.divided?.install?.kind === 'install';
  if (isInstallDivided && !broad.some((each) => each.placements.some(({ directory }) => directory))) return undefined;
  const from = events.findIndex((event) => event.instruction === first.copy);
  const sunk: CopyEvent[] = [];
  for (const each of copies) {
    const at = events.findIndex((event) => event.instruction === each.copy);
    if (at < from || stuck.has(each)) continue;
    // Later copies over the same files go along, so that they still come last; so does what is written as one block.
    const isRead = (): boolean => readBy(each, events.slice(at, stop.index + 1), stop);
    if (broad.includes(each) || ((isOfBlock(each, sunk.at(-1)) || overlaps(each, broad)) && !isRead())) sunk.push(each);
  }
  const gains = events
    .slice(from, stop.index + 1)
    .flatMap((event) => (event === events[stop.index] ? event.actions.slice(0, stop.actions) : event.actions))
    .filter(isGain);
  if (gains.length === 0 && stop.split === undefined) return undefined;
  const owners = new Map<Copy, { to: string; by: Run }>();
  for (const { instruction, actions } of events.slice(from, stop.index + 1)) {
    const by = instruction as Run;
    const gifts = riders.includes(by)
      ? []
      : actions.flatMap((action) => (isForgiven(action) ? [] : (action.effect?.gives ?? [])));
    for (const { to, trees } of gifts)
      for (const { copy, placements } of sunk)
        if (copy.span[0] < by.span[0] && placements.every(({ target }) => trees.some((tree) => within(target, tree))))
          owners.set(copy, { to, by });
  }
  return {
    sunk,
    owners,
    riders: riders.filter((run) => run.span[0] > first.copy.span[0]),
    needs: needs.filter((need) => sunk.includes(need.copy)),
    last: events[stop.index]?.instruction as Run,
    ...(stop.cut === undefined ? {} : { cut: stop.cut }),
    ...(stop.split === undefined ? {} : { split: stop.split }),
    provided: provided.size > 0 || stuck.size > 0,
    clear: !copies.some((each) => !sunk.includes(each) && isAfter(each, first) && brought(each, stop.reads ?? [])),
    gains,
  };
}

/** Without the end of the RUN, where that works on what these copies bring: `pip install … && chmod +x start.sh`. */
function withoutTail(stop: Stop, events: readonly Event[], copies: readonly CopyEvent[]): Stop {
  const { instruction, actions } = events[stop.index] as Event;
  if (stop.cut !== undefined || actions.length !== stop.actions) return stop;
  const gain = actions.findLastIndex(isGain);
  const command = actions[gain]?.command;
  const tail = actions.slice(gain + 1);
  if (command === undefined || tail.some((each) => each.command === command)) return stop;
  const placed = copies.flatMap((each) => each.placements);
  if (!tail.some((each) => rides([each], placed))) return stop;
  return { ...stop, actions: gain + 1, cut: ((instruction as Run).commands ?? []).indexOf(command) };
}

/** A copy to the project, and no blank line or comment stands between it and the one above. */
function isOfBlock(each: CopyEvent, above: CopyEvent | undefined): boolean {
  const { copy, placements } = each;
  return (
    above !== undefined &&
    isMovable(each) &&
    placements.every(({ target }) => !isSystem(target) && !isShared(target)) &&
    copy.outer[0] === copy.span[0] &&
    copy.line === above.copy.line + 1
  );
}

function isAfter(one: CopyEvent, other: CopyEvent): boolean {
  return one.copy.span[0] > other.copy.span[0];
}

function brought(event: CopyEvent, reads: readonly Read[]): boolean {
  return reads.some((read) =>
    event.placements.some(
      ({ target }) => within(read.path, target) || (read.tree === true && within(target, read.path)),
    ),
  );
}

function brings({ copy, files }: Need, of: CopyEvent, { source }: Need['files'][number]): boolean {
  return copy === of && files.some((each) => each.source === source || (each.directory && within(source, each.source)));
}

interface Stop {
  /** Index of the last event above the copies. */
  readonly index: number;
  /** How many of its actions stand above. */
  readonly actions: number;
  readonly cut?: number;
  readonly split?: Split;
  /** The install that is divided. */
  readonly divided?: Action;
  /** What its first half reads. */
  readonly reads?: readonly Read[];
}

/** How far down a copy can go: below the last RUN, or part of one, that gains and reads nothing unknown. */
function reach(events: readonly Event[], mode: number | 'whole', fetched?: ReadonlySet<string>): Stop | undefined {
  const tail = events.length - 1;
  const last = events[tail];
  const run = last?.instruction as Run;
  const opaque = last?.actions.findIndex((action) => action.opaque !== undefined) ?? -1;
  if (last !== undefined && opaque >= 0 && run.commands !== undefined) {
    const action = last.actions[opaque] as Action;
    // Once its store is filled ahead of the copy, there is nothing more to divide.
    const isDone = isRepeated(last, action) || isFetched(events, action, fetched);
    const split = mode === 'whole' || isDone ? undefined : action.analysis?.splits[mode];
    const command = action.command === undefined ? -1 : run.commands.indexOf(action.command);
    if (split !== undefined && command >= 0)
      return {
        index: tail,
        actions: opaque,
        cut: command,
        split,
        divided: action,
        reads: action.splitReads?.[mode as number] ?? [],
      };
    const before = last.actions.slice(0, opaque).filter((each) => each.command !== action.command);
    // A RUN is not divided for that alone.
    const isWorth = before.some((each) => isGain(each) && !QUICK.test(each.text));
    if (mode === 'whole' && isWorth && mutatedBy(before, action) === undefined) {
      const end = before.at(-1)?.command as Command;
      return { index: tail, actions: before.length, cut: run.commands.indexOf(end) };
    }
  }
  if (mode !== 'whole') return undefined;
  const end = opaque >= 0 ? tail - 1 : tail;
  for (let index = end; index >= 0; index--) {
    const event = events[index] as Event;
    if (event.actions.some(isGain)) return { index, actions: event.actions.length };
  }
  return undefined;
}

/** Its packages were downloaded by a command of their own. */
function isFetched(events: readonly Event[], action: Action, before?: ReadonlySet<string>): boolean {
  const manager = action.install?.manager ?? '';
  if (before?.has(manager) === true && action.install?.kind !== 'fetch') return true;
  return events.some(
    ({ actions, from }) =>
      actions.some(({ install }) => install?.manager === manager && install.kind === 'fetch') ||
      (from?.placements.some(({ source, target }) => source === target && holdsStore(source, action)) === true &&
        isFetched(from.stage.events, action, from.stage.fetched)),
  );
}

/** A package store of its manager lies at or below this path, or it is a part of one. */
function holdsStore(path: string, { manager }: Action): boolean {
  return (manager?.caches ?? []).some((cache) => {
    const store = cache.path.replace(/^~/, '/root');
    return within(store, path) || within(path, store);
  });
}

/** The part of its command that can run ahead of the source has been run. */
function isRepeated({ actions }: Event, { command }: Action): boolean {
  return command !== undefined && actions.some((each) => each.repeats === true && each.command === command);
}

/** The first half of the divided install stands above already. */
function isHalfDone(events: readonly Event[], { last, needs, split }: Plan): boolean {
  if (split === undefined || needs.length > 0) return false;
  const at = events.findIndex((event) => event.instruction === last);
  return hasHalf(events.slice(0, at), split);
}

/** In whatever order its options are. */
function hasHalf(events: readonly Event[], { before }: Split): boolean {
  const half = sortedWords(before);
  return events.some(({ actions }) =>
    actions.some(({ install, text }) => install !== undefined && sortedWords(text) === half),
  );
}

const sortedWords = (text: string): string => text.trim().split(/\s+/).sort().join(' ');

/** A build that still downloads: its own part is what cannot be moved. */
function isBuild(action: Action): boolean {
  return action.install?.kind === 'build' && action.opaque !== undefined;
}

/** Its result stays in a layer. A fetch into a cache mount leaves nothing that a layer could keep. */
function isInstall({ install }: Action): boolean {
  if (install?.kind !== 'fetch') return install?.kind === 'install';
  return !install.place.mounts.some(({ cache }) => cache === 'store');
}

function isGain(action: Action): boolean {
  if (action.repeats === true || CHEAP.test(action.text)) return false;
  return isInstall(action) || action.install?.kind === 'tool' || EXPENSIVE.test(action.text);
}

/** Its options mean the same in another place. */
function isMovable({ copy }: CopyEvent): boolean {
  return !copy.flags.some(({ name }) => name === 'link' || name === 'parents' || name === 'exclude');
}

/** Extensions of source code: a list of such files is a source copy, a list of manifests and settings is not. */
const CODE = /\.(?:[cm]?[jt]sx?|py|go|rb|php|rs|java|kt|cs|vue|svelte|html|css|scss)$/;
const SETTINGS = /(?:^|\/)(?:setup\.py|conftest\.py|\.?[\w-]+(?:\.config|rc)\.[cm]?[jt]s|[\w.-]+\.d\.[cm]?ts)$/;

function isBroad(event: CopyEvent, context: BuildContext): boolean {
  if (!isMovable(event)) return false;
  if (event.stage !== undefined)
    return (
      event.placements.some(({ target, directory }) => directory && !isSystem(target) && !isShared(target)) &&
      isMadeOfSource(event.stage, context)
    );
  return event.placements.some(
    (each) =>
      (each.directory && !isManifestFolder(each.source)) ||
      (CODE.test(each.source) && !SETTINGS.test(each.source) && context.kind(each.source) === 'file'),
  );
}

/** Many copies may come out of one stage, and stages out of one another: each is looked at once. */
const madeOfSource = new WeakMap<StageTrace, boolean>();

/** The source is copied in it, so that what it brings changes with every edit. */
function isMadeOfSource(stage: StageTrace, context: BuildContext): boolean {
  let known = madeOfSource.get(stage);
  if (known === undefined) {
    const { events, parent } = stage;
    known =
      (parent !== undefined && isMadeOfSource(parent, context)) ||
      events.some((event) => {
        const copy = copyOf(event);
        return copy !== undefined && isBroad(copy, context);
      });
    madeOfSource.set(stage, known);
  }
  return known;
}

/** Directories that hold what installs read, copied ahead on purpose. */
function isManifestFolder(source: string): boolean {
  return /(?:^|\/)(?:\.yarn(?:\/\w+)*|patches|prisma(?:\/\w+)*|\.mvn|gradle|requirements|\.husky|vendor|\.cargo)$/.test(
    source,
  );
}

function* needsOf(
  event: Event,
  stop: Stop,
  isStop: boolean,
  above: readonly CopyEvent[],
  firm: readonly CopyEvent[],
  context: BuildContext,
  stuck: Set<CopyEvent>,
  provided: Set<CopyEvent>,
): Iterable<Need> {
  const run = event.instruction as Run;
  const actions = isStop ? event.actions.slice(0, stop.actions) : event.actions;
  const reads = [
    ...actions
      .filter((action) => action.command !== stop.divided?.command)
      .flatMap((action) => action.effect?.reads ?? []),
    ...(isStop ? (stop.reads ?? []) : []),
  ];
  const binds = contextBinds(run);
  const found = new Map<CopyEvent, Map<string, Need['files'][number]>>();
  for (const read of reads) {
    if (read.optional === true && read.as === '') continue;
    // It sees what is mounted there instead.
    if (binds.some(({ target }) => within(read.path, target))) continue;
    for (const copy of [...above].reverse()) {
      const placement = [...copy.placements].reverse().find((each) => within(read.path, each.target));
      if (placement === undefined) {
        // A tree that contains all that the copy brings.
        if (read.tree === true && copy.placements.some((each) => within(each.target, read.path))) stuck.add(copy);
        continue;
      }
      const source = sourceOf(read.path, placement);
      if (source === undefined) {
        stuck.add(copy);
        break;
      }
      if (copy.stage !== undefined) {
        // Out of a stage, nothing is taken ahead.
        if (copy.stage.image.has(source) === 'no') continue;
        stuck.add(copy);
        break;
      }
      const kind = context.kind(source);
      if (kind === undefined && !context.may(source)) continue;
      if (kind === undefined && read.tree === true) continue;
      if (read.path === placement.target && placement.directory) {
        stuck.add(copy);
        break;
      }
      if (providedBy(firm, source, read.path, copy, run)) {
        provided.add(copy);
        break;
      }
      const files = found.get(copy) ?? new Map<string, Need['files'][number]>();
      found.set(copy, files);
      files.set(source, { source, target: read.path, directory: kind === 'directory', sure: kind !== undefined });
      if (kind !== undefined) break;
    }
  }
  for (const [copy, files] of found) {
    const folders = [...files.values()].filter((each) => each.directory);
    const outside = [...files.values()].filter(
      (each) => !folders.some((folder) => folder !== each && within(each.source, folder.source)),
    );
    yield { copy, reader: run, files: outside };
  }
}

function providedBy(firm: readonly CopyEvent[], source: string, target: string, like: CopyEvent, reader: Run): boolean {
  const owner = (copy: Copy): string =>
    copy.flags
      .filter((f) => f.name === 'chown' || f.name === 'chmod')
      .map((f) => f.value)
      .join();
  return firm.some(
    (each) =>
      each.copy.span[0] < reader.span[0] &&
      owner(each.copy) === owner(like.copy) &&
      each.placements.some((placement) => placement.source === source && placement.target === target),
  );
}

function readBy(event: CopyEvent, events: readonly Event[], stop: Stop): boolean {
  return events.some((each, at) =>
    (at === events.length - 1 ? each.actions.slice(0, Math.max(stop.actions, 1)) : each.actions).some((action) =>
      [...(action.analysis?.steps.flatMap((step) => step.reads) ?? []), ...(action.effect?.reads ?? [])].some((read) =>
        event.placements.some(
          (placement) =>
            within(read.path, placement.target) || (read.tree === true && within(placement.target, read.path)),
        ),
      ),
    ),
  );
}

function overlaps(event: CopyEvent, others: readonly CopyEvent[]): boolean {
  return others.some(
    (other) =>
      other !== event &&
      other.copy.span[0] < event.copy.span[0] &&
      other.placements.some((mine) =>
        event.placements.some((theirs) => within(theirs.target, mine.target) || within(mine.target, theirs.target)),
      ),
  );
}

/** A copy that brings all of the directory that the install works in. */
function hasWholeCopyAbove(events: readonly Event[], index: number, action: Action): boolean {
  const directory = action.install?.directory ?? '/';
  return events
    .slice(0, index)
    .some((event) => event.placements?.some((each) => each.directory && within(directory, each.target)));
}

/** The same, or one that brings all of a workspace's member. */
function hasProjectAbove(events: readonly Event[], index: number, action: Action): boolean {
  const manifests = (action.analysis?.steps ?? [])
    .flatMap(({ reads }) => reads)
    .filter(({ path }) => path.endsWith('/package.json'));
  return (
    hasWholeCopyAbove(events, index, action) ||
    events
      .slice(0, index)
      .some((event) =>
        event.placements?.some(
          ({ directory, source, target }) =>
            directory && !isManifestFolder(source) && manifests.some(({ path }) => within(path, target)),
        ),
      )
  );
}

function installedAbove(events: readonly Event[], index: number, action: Action): boolean {
  return events
    .slice(0, index)
    .some((event) =>
      event.actions.some((each) => isInstall(each) && each.opaque === undefined && isOfSame(each, action)),
    );
}

/** By the same manager in the same directory. */
function isOfSame({ install: one }: Action, { install: other }: Action): boolean {
  return one?.directory === other?.directory && one?.manager === other?.manager;
}

/** By the same manager, and both name one project: `dotnet restore Api/Api.csproj`, `cd Api && dotnet build Api.csproj`. */
function sharesProject({ install: one }: Action, { install: other }: Action): boolean {
  if (one === undefined || other === undefined || one.manager !== other.manager) return false;
  const named = new Set(projectsOf(one));
  return projectsOf(other).some((path) => named.has(path));
}

function projectsOf({ command, directory }: Install): readonly string[] {
  return command.words.flatMap(({ value }) =>
    value !== undefined && /^[^-].*\.\w*proj$/.test(value) ? [resolvePath(directory, value)] : [],
  );
}

/** The project's dependencies were installed from a list of them, above or in a stage that this one is based on. */
function requiredAbove({ events, parent }: StageTrace, index: number, action: Action): boolean {
  const isList = (each: Action): boolean =>
    each.install?.manager === action.install?.manager &&
    each.install?.kind === 'install' &&
    each.opaque?.code !== 'local-dependency-builds' &&
    each.analysis?.refusal?.code !== 'local-dependency-builds';
  const above = events.slice(0, index).some(({ actions }) => actions.some(isList));
  return above || (parent !== undefined && requiredAbove(parent, parent.events.length, action));
}

/** All that the build's own installing would fill has been filled by an earlier install. */
function restoredAbove({ events, parent }: StageTrace, index: number, action: Action): boolean {
  const trees = action.analysis?.steps[0]?.writes ?? [];
  const stages: (readonly Event[])[] = [events.slice(0, index)];
  for (let stage = parent; stage !== undefined; stage = stage.parent) stages.push(stage.events);
  const filled = stages
    .flat()
    .flatMap((event) => event.actions)
    .filter((each) => each.install?.manager === action.install?.manager && isInstall(each))
    .flatMap((each) => each.effect?.writes ?? []);
  return trees.length > 0 && trees.every((tree) => filled.includes(tree));
}

/** A copy above it brings the project's manifest, so that it builds the project rather than a tool. */
function hasManifest(events: readonly Event[], index: number, action: Action): boolean {
  const directory = action.install?.directory ?? '/';
  return events
    .slice(0, index)
    .some((event) => event.placements?.some((each) => !each.directory && parentOf(each.target) === directory));
}

/** The whole project is copied below it, and built again. */
function isOfStubs(events: readonly Event[], index: number, action: Action): boolean {
  if (hasWholeCopyAbove(events, index, action)) return false;
  const manager = action.install?.manager;
  const again = events.findLastIndex((event) =>
    event.actions.some(({ install }) => install?.kind === 'build' && install.manager === manager),
  );
  return again > index && hasWholeCopyAbove(events, again, action);
}

function hasBroadCopyAbove(events: readonly Event[], index: number, action: Action, context: BuildContext): boolean {
  const directory = action.install?.directory ?? '/';
  return events.slice(0, index).some((event) => {
    const copy = copyOf(event);
    if (copy?.stage !== undefined)
      return (
        isBroad(copy, context) &&
        (bringsSource(copy, directory) ||
          copy.placements.some(({ target }) => target !== directory && within(target, directory)))
      );
    return copy?.placements.some((each) => {
      if (!each.directory || isManifestDirectory(each, action)) return false;
      if (within(each.target, directory)) return true;
      // The base image's own directory may be any.
      if (directory.startsWith('?') && action.opaque !== undefined && each.source === '.') return true;
      // A directory that a command makes inside the project has nothing to do with the copy.
      return isBrought(directory, [each], context);
    });
  });
}

/** A directory that the install reads in full, or in which it reads a file: `prisma`, `patches`, `.yarn`, `packages/a`. */
function isManifestDirectory(placement: Placement, action: Action): boolean {
  const reads = action.analysis?.steps.flatMap((step) => step.reads) ?? [];
  return (
    reads.some((read) => (read.tree === true ? within(placement.target, read.path) : false)) ||
    isManifestFolder(placement.source)
  );
}

/** An earlier install that changed the manifest which this one then reads: `npm install express && npm ci`. */
function mutatedBy(earlier: readonly Action[], { opaque, install }: Action): Action | undefined {
  if (opaque?.code !== 'manifest-generated' || install === undefined) return undefined;
  const manifest = `${install.directory === '/' ? '' : install.directory}/package.json`;
  return earlier.find((each) => each.install !== undefined && each.effect?.edits.includes(manifest) === true);
}

function blockedBy(events: readonly Event[], index: number, action: Action): Trouble | undefined {
  const above = [
    ...events.slice(0, index).flatMap(({ actions }) => actions),
    ...(events[index] as Event).actions.slice(0, (events[index] as Event).actions.indexOf(action)),
  ];
  const mutating = mutatedBy(above, action);
  if (mutating !== undefined)
    return {
      code: 'mutating-install',
      message: `\`${mutating.text}\` changes package.json, which \`${action.text}\` reads`,
      help: 'commit the result, and leave that command out',
    };
  if (action.opaque !== undefined && action.opaque.code !== 'manifest-generated')
    return action.analysis?.refusal ?? action.opaque;
  const event = events[index] as Event;
  const inside = event.actions.slice(0, event.actions.indexOf(action)).find((each) => each.opaque !== undefined);
  if (inside !== undefined) return inside.opaque;
  // The nearest opaque command that stands between a broad copy and the install.
  for (let at = index - 1; at >= 0; at--) {
    const earlier = events[at] as Event;
    const opaque = earlier.actions.find((each) => each.opaque !== undefined);
    if (opaque === undefined) continue;
    return {
      ...(opaque.opaque as Trouble),
      code: opaque.opaque?.code === 'shell-not-understood' ? 'shell-not-understood' : 'intervening-run-reads-source',
    };
  }
  return action.opaque ?? action.analysis?.refusal;
}
