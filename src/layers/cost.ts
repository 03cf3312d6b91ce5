/**
 * What it costs to make a layer again: relative weights by kind, or seconds where somebody measured them.
 */
import type { Kind, Layer } from './layers.ts';

/** In the rough proportion that builds show: an install takes as long as some thirty copies. */
const WEIGHTS: Readonly<Record<Kind, number>> = { install: 5, build: 15, system: 20, run: 2, copy: 1, directory: 0 };
/** What downloading a project's dependencies adds, wherever that happens first. */
const DOWNLOAD = 25;

function weightOf({ kind, first }: Layer): number {
  return WEIGHTS[kind] + (first ? DOWNLOAD : 0);
}

export interface Costs {
  /** The figures are seconds. */
  readonly measured: boolean;
  of(layer: Layer): number;
}

export const DEFAULT_COSTS: Costs = { measured: false, of: weightOf };

/**
 * Seconds by instruction. What was not measured (a layer that only the rewrite has) is taken for the average of its
 * kind, and without one by its weight.
 */
export function measuredCosts(seconds: ReadonlyMap<string, number>, layers: readonly Layer[]): Costs {
  const known = new Map([...seconds].map(([text, value]) => [normal(text), value]));
  const sums = new Map<string, { total: number; count: number }>();
  for (const layer of layers) {
    const value = known.get(normal(layer.text));
    if (value === undefined) continue;
    const sum = sums.get(classOf(layer)) ?? { total: 0, count: 0 };
    sums.set(classOf(layer), { total: sum.total + value, count: sum.count + 1 });
  }
  return {
    measured: true,
    of(layer) {
      const own = known.get(normal(layer.text));
      if (own !== undefined) return own;
      const sum = sums.get(classOf(layer));
      return sum === undefined ? weightOf(layer) : sum.total / sum.count;
    },
  };
}

function classOf({ kind, first }: Layer): string {
  return `${kind} ${first ? 1 : 0}`;
}

function normal(text: string): string {
  return text.replace(/[\\\s]+/g, ' ').trim();
}

/**
 * Two forms: `{"RUN npm ci": 42.5}`, or what `docker buildx build --progress=rawjson` prints, one JSON object a line.
 * A string says what is wrong.
 */
export function parseCosts(text: string): ReadonlyMap<string, number> | string {
  const costs = new Map<string, number>();
  const whole = json(text);
  if (isObject(whole) && !('vertexes' in whole) && !('statuses' in whole) && !('logs' in whole)) {
    for (const [instruction, value] of Object.entries(whole)) {
      if (typeof value !== 'number' || !(value >= 0)) return `\`${instruction}\` is not given in seconds`;
      costs.set(instruction, value);
    }
  } else
    for (const line of text.split('\n')) {
      const { vertexes } = (json(line) ?? {}) as { readonly vertexes?: unknown };
      if (!Array.isArray(vertexes)) continue;
      for (const vertex of vertexes as readonly unknown[]) {
        const { name, started, completed, cached } = vertex as Readonly<Record<string, unknown>>;
        if (typeof name !== 'string' || typeof started !== 'string' || typeof completed !== 'string') continue;
        const took = (Date.parse(completed) - Date.parse(started)) / 1000;
        // `[build 3/7] RUN npm ci`
        if (cached !== true && took >= 0) costs.set(name.replace(/^\[[^\]]*\] /, ''), took);
      }
    }
  return costs.size > 0
    ? costs
    : 'it has no costs: give {"RUN npm ci": SECONDS} or the output of `docker buildx build --progress=rawjson`';
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
