/**
 * The cheapest order of a stage's instructions, as far as it is known: RUNs and everything else but plain copies stay
 * in their order, and each copy stands where the history says that it re-runs least. Nothing here is trusted: the
 * proof decides afterwards.
 */
import type { BuildContext, Copy, Dockerfile, Edit, History, Instruction, Target, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { baseName, collides, isShared, isSystem, within } from '../effects/paths.ts';
import { traceOf } from '../effects/memo.ts';
import type { Action, Event, StageTrace } from '../effects/actions.ts';
import { cacheOf } from '../layers/cache.ts';
import { DEFAULT_COSTS, measuredCosts } from '../layers/cost.ts';
import { layersOf } from '../layers/layers.ts';
import { edited } from './emit.ts';

/** One stage in a cheaper order. */
export interface Order {
  /** All of the stage's instructions but FROM. */
  readonly instructions: readonly Instruction[];
  /** The copies that do not stand where they stood, in their new order. */
  readonly moved: readonly Copy[];
  /** By copy that moved: in how many of the commits what it brings changed. */
  readonly changed: ReadonlyMap<Copy, number>;
  readonly commits: number;
  /** What part of the cost of re-runs is saved. */
  readonly saved: number;
}

/** Fewer commits that re-run anything are no evidence. */
const FEWEST = 20;
/** A gain counts from this part of what it would be to spare a copy in every commit that re-runs anything. */
const CLEAR = 1 / 50;
/** More copies than these are left in their order: the search takes twice as long for each. */
const MOST = 10;

/** Cheaper orders of the stages, best first for each stage; where the first is not proved, another one may be. */
export function cheaperOrders(
  file: Dockerfile,
  context: BuildContext,
  target: Target,
  history: History,
): readonly { readonly stage: StageTrace; readonly orders: readonly Order[] }[] {
  const traces = traceOf(file, context, target);
  const layers = layersOf(file, context, target.builder, target);
  const { seconds } = history;
  const costs = seconds === undefined ? DEFAULT_COSTS : measuredCosts(seconds, layers.layers);
  const cache = cacheOf(layers);
  const commits = history.commits.length;
  const own = layers.layers.map(() => new Commits(commits));
  history.commits.forEach((paths, commit) => {
    const build = cache.build(paths.map((path) => ({ path, tree: false })));
    own.forEach((set, at) => {
      if (build.own[at] === 1) set.add(commit);
    });
  });
  const above: Commits[] = [];
  return traces.flatMap((stage, index) => {
    const { start, end, parent } = layers.stages[index] as (typeof layers.stages)[number];
    const inherited = (parent === undefined ? undefined : above[parent]) ?? new Commits(commits);
    const all = own.slice(start, end).reduce((sum, set) => sum.or(set), inherited);
    above.push(all);
    const known = new Map(
      layers.layers
        .slice(start, end)
        .map((layer, at) => [layer.instruction, { layer, set: own[start + at] as Commits }]),
    );
    const items = stage.events.map((event): Item => {
      const found = known.get(event.instruction);
      const chained = found !== undefined && !found.layer.detached;
      return {
        event,
        movable: isMovable(event),
        weight: found !== undefined && chained && found.layer.cached ? costs.of(found.layer) : 0,
        set: found === undefined || !chained ? inherited : found.set,
      };
    });
    if (all.size < FEWEST || items.filter(({ movable }) => movable).length === 0) return [];
    const search = (free: readonly Item[], strict: boolean): Order | undefined =>
      cheapest(items, new Set(free), strict, inherited, all.size, commits);
    const free = items.filter(({ movable }) => movable).slice(0, MOST);
    const best = search(free, false);
    if (best === undefined) return [];
    // Where those may not all move, or not past a directory of another owner, one of them may.
    const single =
      best.moved.length < 2 ? [] : best.moved.map((copy) => free.filter((each) => each.event.instruction === copy));
    const others = [free, ...single].map((each) => search(each, true));
    return [{ stage, orders: [best, ...others.filter((each) => each !== undefined)] }];
  });
}

/**
 * What the file's layers would have cost over the history as it is and after edits; undefined where there is no
 * evidence.
 */
function costs(
  file: Dockerfile,
  edits: readonly Edit[],
  context: BuildContext,
  target: Target,
): { readonly before: number; readonly after: number } | undefined {
  const { history } = target;
  if (history === undefined) return undefined;
  const before = layersOf(file, context, target.builder, target);
  const after = layersOf(edited(file, edits), context, target.builder, target);
  const { seconds } = history;
  const price = seconds === undefined ? DEFAULT_COSTS : measuredCosts(seconds, before.layers);
  const sums = [before, after].map((each) => {
    const cache = cacheOf(each);
    const weights = each.layers.map((layer) => price.of(layer));
    let cost = 0;
    let reruns = 0;
    for (const paths of history.commits) {
      const { ran, count } = cache.build(paths.map((path) => ({ path, tree: false })));
      if (count > 0) reruns++;
      weights.forEach((weight, at) => (cost += ran[at] === 1 ? weight : 0));
    }
    return { cost, reruns };
  });
  const [was, is] = sums as [(typeof sums)[number], (typeof sums)[number]];
  return was.reruns < FEWEST ? undefined : { before: was.cost, after: is.cost };
}

/** Said of a move that the history speaks against. */
export function noGain(
  file: Dockerfile,
  edits: readonly Edit[],
  context: BuildContext,
  target: Target,
): Trouble | undefined {
  const found = costs(
    file,
    edits.filter((edit) => edit.file === 'dockerfile'),
    context,
    target,
  );
  if (found === undefined || found.after < found.before) return undefined;
  return {
    code: 'already-optimal',
    message: `over the last ${target.history?.commits.length ?? 0} commits, copying the source later would have saved nothing`,
  };
}

interface Item {
  readonly event: Event;
  readonly movable: boolean;
  readonly weight: number;
  /** The commits that change its own key. */
  readonly set: Commits;
}

/** A set of commits. */
class Commits {
  private readonly words: Uint32Array;
  private readonly count: number;

  constructor(count: number) {
    this.count = count;
    this.words = new Uint32Array((count + 31) >> 5);
  }

  add(commit: number): void {
    const at = commit >> 5;
    this.words[at] = ((this.words[at] as number) | (1 << (commit & 31))) >>> 0;
  }

  or(other: Commits): Commits {
    const sum = new Commits(this.count);
    for (let at = 0; at < this.words.length; at++)
      sum.words[at] = ((this.words[at] as number) | (other.words[at] as number)) >>> 0;
    return sum;
  }

  get size(): number {
    let size = 0;
    for (let word of this.words) for (; word !== 0; word = (word & (word - 1)) >>> 0) size++;
    return size;
  }
}

/** Undefined where no order that is known to mean the same is clearly cheaper. */
function cheapest(
  items: readonly Item[],
  free: ReadonlySet<Item>,
  /** Nor past what may make the same directory for another owner. */
  strict: boolean,
  inherited: Commits,
  reruns: number,
  commits: number,
): Order | undefined {
  const frame = items.filter((each) => !free.has(each));
  const copies = [...free];
  const at = new Map(items.map((item, index) => [item, index]));
  const isBefore = (one: Item, other: Item): boolean => (at.get(one) as number) < (at.get(other) as number);
  // Of each copy: how many of the frame have to stand above it, from which one on none may, and which copies have to.
  const rules = copies.map((copy) => {
    const fixed = frame.map((each) => collide(copy, each, strict));
    return {
      from: frame.findLastIndex((each, index) => fixed[index] === true && isBefore(each, copy)) + 1,
      to: frame.findIndex((each, index) => fixed[index] === true && isBefore(copy, each)),
      after: copies.reduce(
        (mask, each, index) => (isBefore(each, copy) && collide(copy, each, strict) ? mask | (1 << index) : mask),
        0,
      ),
    };
  });
  const ofFrame = [inherited];
  for (const each of frame) ofFrame.push((ofFrame.at(-1) as Commits).or(each.set));
  const ofCopies = new Map<number, Commits>([[0, inherited]]);
  const copied = (mask: number): Commits => {
    let known = ofCopies.get(mask);
    if (known === undefined) {
      const low = 31 - Math.clz32(mask);
      ofCopies.set(mask, (known = copied(mask & ~(1 << low)).or((copies[low] as Item).set)));
    }
    return known;
  };
  const price = (item: Item, placed: number, mask: number): number =>
    item.weight === 0 ? 0 : item.weight * (ofFrame[placed] as Commits).or(copied(mask)).size;

  const whole = (1 << copies.length) - 1;
  const width = frame.length + 1;
  const memo = new Map<number, { readonly cost: number; readonly next: Item | undefined }>();
  /** The cost of what is not placed yet, and what comes next; of equals, what came first. */
  const rest = (placed: number, mask: number): { readonly cost: number; readonly next: Item | undefined } => {
    if (placed === frame.length && mask === whole) return { cost: 0, next: undefined };
    const key = mask * width + placed;
    const known = memo.get(key);
    if (known !== undefined) return known;
    let best = { cost: Infinity, next: undefined as Item | undefined };
    const consider = (item: Item, cost: number): void => {
      if (cost < best.cost || (cost === best.cost && best.next !== undefined && isBefore(item, best.next)))
        best = { cost, next: item };
    };
    const next = frame[placed];
    if (next !== undefined && rules.every(({ to }, index) => to !== placed || (mask & (1 << index)) !== 0))
      consider(next, price(next, placed + 1, mask) + rest(placed + 1, mask).cost);
    copies.forEach((copy, index) => {
      const { from, to, after } = rules[index] as (typeof rules)[number];
      const bit = 1 << index;
      if ((mask & bit) !== 0 || placed < from || (to >= 0 && placed > to) || (after & ~mask) !== 0) return;
      consider(copy, price(copy, placed, mask | bit) + rest(placed, mask | bit).cost);
    });
    memo.set(key, best);
    return best;
  };

  let now = 0;
  let seen = inherited;
  for (const item of items) {
    seen = seen.or(item.set);
    now += item.weight * seen.size;
  }
  const { cost } = rest(0, 0);
  if (cost >= now) return undefined;
  const order: Item[] = [];
  for (let placed = 0, mask = 0; order.length < items.length;) {
    const { next } = rest(placed, mask);
    if (next === undefined) return undefined;
    order.push(next);
    const index = copies.indexOf(next);
    if (index < 0) placed++;
    else mask |= 1 << index;
  }
  const moved = movedIn(order, at, free);
  const least = Math.min(...moved.map(({ weight }) => weight));
  if (now - cost < reruns * least * CLEAR) return undefined;
  return {
    instructions: order.map(({ event }) => event.instruction),
    moved: moved.map(({ event }) => event.instruction as Copy),
    changed: new Map(moved.map(({ event, set }) => [event.instruction as Copy, set.size])),
    commits,
    saved: (now - cost) / now,
  };
}

/** The fewest copies that have to move: the rest, with all that does not move, is in its order. */
function movedIn(order: readonly Item[], at: ReadonlyMap<Item, number>, free: ReadonlySet<Item>): readonly Item[] {
  const best: { worth: number; before: number }[] = [];
  order.forEach((item, index) => {
    const own = free.has(item) ? 1 : order.length + 1;
    const found = { worth: own, before: -1 };
    for (let each = 0; each < index; each++) {
      const { worth } = best[each] as { worth: number };
      if ((at.get(order[each] as Item) as number) < (at.get(item) as number) && worth + own > found.worth) {
        found.worth = worth + own;
        found.before = each;
      }
    }
    best.push(found);
  });
  const stay = new Set<number>();
  let end = best.reduce((most, { worth }, index) => (worth > (best[most]?.worth ?? 0) ? index : most), 0);
  for (; end >= 0; end = best[end]?.before ?? -1) stay.add(end);
  return order.filter((_, index) => !stay.has(index));
}

function isMovable({ instruction, placements }: Event): boolean {
  if ((instruction.keyword !== 'COPY' && instruction.keyword !== 'ADD') || instruction.heredocs.length > 0)
    return false;
  if (instruction.comments.some(({ text }) => /^#\s*dockerfix\s+ignore\b/.test(text))) return false;
  if (instruction.flags.some(({ name }) => name === 'link')) return false;
  if (instruction.destination?.value === undefined) return false;
  return placements !== undefined || (instruction.keyword === 'COPY' && instruction.from !== undefined);
}

interface Tree {
  readonly path: string;
  readonly directory: boolean;
}

/** Where a copy writes; undefined: that is not known. */
function treesOf({ instruction, placements }: Event): readonly Tree[] | undefined {
  const { destination, state } = instruction as Copy;
  if (placements !== undefined) return placements.map(({ target, directory }) => ({ path: target, directory }));
  if (destination?.value === undefined) return undefined;
  return [{ path: resolvePath(state.workdir, destination.value), directory: true }];
}

/** The order of the two is known to matter, or not known not to. The first is a copy that may move. */
function collide({ event }: Item, { event: other }: Item, strict: boolean): boolean {
  const trees = treesOf(event) as readonly Tree[];
  switch (other.instruction.keyword) {
    case 'RUN':
      return other.actions.some((action) => trees.some((tree) => meets(action, tree)));
    case 'COPY':
    case 'ADD': {
      const others = treesOf(other);
      if (others === undefined) return true;
      const beside = strict && ownerOf(event) !== ownerOf(other);
      return trees.some((one) =>
        others.some((two) => overlap(one.path, two.path) || (beside && top(one.path) === top(two.path))),
      );
    }
    case 'WORKDIR': {
      const { path } = other.instruction as { readonly path: string };
      return strict && trees.some((tree) => overlap(tree.path, path));
    }
    case 'ENV':
    case 'ARG': {
      const { flags, sources, destination } = event.instruction as Copy;
      const words = [...sources, ...(destination === undefined ? [] : [destination])].map(({ text }) => text);
      return [...words, ...flags.map(({ value = '' }) => value)].some((text) => text.includes('$'));
    }
    case 'VOLUME':
    case 'ONBUILD':
      return true;
    default:
      return false;
  }
}

function ownerOf({ instruction }: Event): string {
  return instruction.flags
    .filter(({ name }) => name === 'chown' || name === 'chmod')
    .map(({ value }) => value)
    .join();
}

/** `/app` of `/app/a/b`. */
function top(path: string): string {
  return path.split('/', 2).join('/');
}

function overlap(one: string, other: string): boolean {
  return within(one, other) || within(other, one);
}

function meets({ opaque, effect }: Action, { path }: Tree): boolean {
  if (opaque !== undefined) return true;
  if (effect === undefined) return false;
  const name = baseName(path);
  const parent = path.slice(0, -name.length - 1) || '/';
  if (effect.system !== 'none' && (isSystem(path) || (isShared(parent) && collides(parent, name)))) return true;
  const written = [...effect.writes, ...effect.edits, ...(effect.removes ?? []), ...(effect.touches ?? [])];
  return (
    effect.reads.some(
      (read) =>
        !(read.optional === true && read.as === '') &&
        (within(read.path, path) || (read.tree === true && within(path, read.path))),
    ) || [...written, ...Object.keys(effect.sets ?? {}), ...(effect.makes ?? [])].some((each) => overlap(each, path))
  );
}
