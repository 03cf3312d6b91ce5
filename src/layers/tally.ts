/** Counts, over many builds, what runs again before and after a rewrite. Its size does not grow with the history. */
import { cacheOf, type Build } from './cache.ts';
import type { Costs } from './cost.ts';
import type { Change, Layers, Unit } from './layers.ts';

/** The same Dockerfile as it is and as rewritten; one and the same where nothing changes. */
export interface Pair {
  readonly before: Layers;
  readonly after: Layers;
}

export interface UnitCount {
  readonly key: string;
  readonly text: string;
  /** 1-based, in the Dockerfile as it is. */
  readonly line: number;
  readonly before: number;
  readonly after: number;
  /** Commits that changed what the install reads; absent: what it reads is not known exactly. */
  readonly least?: number;
}

export interface LayerCount {
  readonly ran: number;
  /** By index of the layer whose own key changed. */
  readonly causes: ReadonlyMap<number, number>;
}

/** One column of the chart: some commits in a row. */
export interface Column {
  readonly commits: number;
  readonly layers: Sides;
  readonly cost: Sides;
}

/** As it is, and as rewritten. */
export interface Sides {
  readonly before: number;
  readonly after: number;
}

export interface Count {
  readonly commits: number;
  readonly units: readonly UnitCount[];
  readonly layers: Sides;
  readonly cost: Sides;
  /** Of the pair that was counted last. */
  readonly perLayer: { readonly before: readonly LayerCount[]; readonly after: readonly LayerCount[] };
  /** Oldest first. */
  readonly columns: readonly Column[];
}

const MAX_COLUMNS = 120;

interface Counter {
  text: string;
  line: number;
  before: number;
  after: number;
  least: number | undefined;
}

export class Tally {
  private commits = 0;
  private readonly units = new Map<string, Counter>();
  private layers: Sides = { before: 0, after: 0 };
  private cost: Sides = { before: 0, after: 0 };
  private columns: Column[] = [];
  private width = 1;
  private side:
    { before: Side; after: Side; pair: Pair; leasts: readonly (readonly Change[] | undefined)[] } | undefined;
  private readonly costs: Costs;

  constructor(costs: Costs) {
    this.costs = costs;
  }

  /** Whose builds are counted from here on. */
  use(pair: Pair): void {
    if (this.side?.pair === pair) return;
    const before = new Side(pair.before, this.costs);
    const after = pair.after === pair.before ? before : new Side(pair.after, this.costs);
    const leasts = pair.before.units.map((unit) => counterpart(pair.after, unit)?.inputs ?? unit.inputs);
    this.side = { before, after, pair, leasts };
    for (const unit of pair.before.units)
      if (!this.units.has(unit.key)) {
        const line = pair.before.layers[unit.layer]?.instruction.line ?? 1;
        this.units.set(unit.key, { text: unit.text, line, before: 0, after: 0, least: 0 });
      }
  }

  /** One commit, newest first. The sets name layers whose own instruction changed with it. */
  add(
    changes: readonly Change[],
    texts?: { readonly before: ReadonlySet<number>; readonly after: ReadonlySet<number> },
  ): void {
    const { side } = this;
    if (side === undefined) return;
    this.commits++;
    const before = side.before.build(changes, texts?.before);
    const beforeRan = side.pair.before.units.map((unit) => before.ran[unit.layer] === 1);
    const layers = { before: before.count, after: before.count };
    const cost = { before: side.before.lastCost, after: side.before.lastCost };
    if (side.after !== side.before) {
      layers.after = side.after.build(changes, texts?.after).count;
      cost.after = side.after.lastCost;
    }
    this.layers = plus(this.layers, layers);
    this.cost = plus(this.cost, cost);
    side.pair.before.units.forEach((unit, at) => {
      const counter = this.units.get(unit.key) as Counter;
      const other = counterpart(side.pair.after, unit) ?? unit;
      if (beforeRan[at] === true) counter.before++;
      if (side.after.last?.ran[other.layer] === 1) counter.after++;
      const inputs = side.leasts[at];
      if (inputs === undefined) counter.least = undefined;
      else if (counter.least !== undefined && changes.some((change) => isInput(change, inputs))) counter.least++;
    });
    this.addColumn({ commits: 1, layers, cost });
  }

  private addColumn(column: Column): void {
    const last = this.columns.at(-1);
    if (last !== undefined && last.commits < this.width) this.columns[this.columns.length - 1] = together(last, column);
    else this.columns.push(column);
    if (this.columns.length <= MAX_COLUMNS) return;
    this.width *= 2;
    const wider: Column[] = [];
    for (let at = 0; at < this.columns.length; at += 2) {
      const [one, two] = [this.columns[at] as Column, this.columns[at + 1]];
      wider.push(two === undefined ? one : together(one, two));
    }
    this.columns = wider;
  }

  count(): Count {
    return {
      commits: this.commits,
      units: [...this.units].map(([key, { text, line, before, after, least }]) => ({
        key,
        text,
        line,
        before,
        after,
        ...(least === undefined ? {} : { least }),
      })),
      layers: this.layers,
      cost: this.cost,
      perLayer: { before: this.side?.before.counts() ?? [], after: this.side?.after.counts() ?? [] },
      columns: [...this.columns].reverse(),
    };
  }
}

class Side {
  lastCost = 0;
  last: Build | undefined;
  private readonly cache: ReturnType<typeof cacheOf>;
  private readonly weights: readonly number[];
  private readonly ran: number[];
  private readonly causes: Map<number, number>[];

  constructor(layers: Layers, costs: Costs) {
    this.cache = cacheOf(layers);
    this.weights = layers.layers.map((layer) => costs.of(layer));
    this.ran = layers.layers.map(() => 0);
    this.causes = layers.layers.map(() => new Map<number, number>());
  }

  build(changes: readonly Change[], texts: ReadonlySet<number> | undefined): Build {
    const build = this.cache.build(changes, texts);
    this.lastCost = 0;
    for (let at = 0; at < this.weights.length; at++) {
      if (build.ran[at] !== 1) continue;
      this.lastCost += this.weights[at] as number;
      this.ran[at] = (this.ran[at] as number) + 1;
      const causes = this.causes[at] as Map<number, number>;
      const cause = build.cause[at] as number;
      causes.set(cause, (causes.get(cause) ?? 0) + 1);
    }
    this.last = build;
    return build;
  }

  counts(): readonly LayerCount[] {
    return this.ran.map((ran, at) => ({ ran, causes: this.causes[at] as Map<number, number> }));
  }
}

function plus(one: Sides, other: Sides): Sides {
  return { before: one.before + other.before, after: one.after + other.after };
}

function together(one: Column, other: Column): Column {
  return {
    commits: one.commits + other.commits,
    layers: plus(one.layers, other.layers),
    cost: plus(one.cost, other.cost),
  };
}

function counterpart({ units }: Layers, { key }: Unit): Unit | undefined {
  return units.find((each) => each.key === key);
}

function isInput(change: Change, inputs: readonly Change[]): boolean {
  return inputs.some(
    ({ path, tree }) =>
      change.path === path ||
      path === '.' ||
      (tree && change.path.startsWith(`${path}/`)) ||
      (change.tree && (change.path === '.' || path.startsWith(`${change.path}/`))),
  );
}
