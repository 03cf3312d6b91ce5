/**
 * Which layers a builder makes again when some paths of the context changed, given the cache of the build before.
 *
 * A layer's key is the chain above it and what it reads itself; `COPY --from` and mounts are keyed by content (rules
 * 39-43). What a RUN that ran again wrote counts as changed, except where an install of unchanged inputs comes out
 * the same.
 */
import { isSystem, within } from '../effects/paths.ts';
import type { Action } from '../effects/actions.ts';
import type { Change, Layer, Layers } from './layers.ts';

export interface Build {
  /** By layer: 1 where it is made again. Used again by the next build. */
  readonly ran: Uint8Array;
  /** By layer: 1 where its own key changed, whatever stands above it. */
  readonly own: Uint8Array;
  /** By layer that ran: the first layer above it, or itself, whose own key changed. */
  readonly cause: Int32Array;
  /** How many ran. */
  readonly count: number;
}

/** Managers whose install of the same lockfile leaves the same bytes, times aside. pip is not one: .pyc files hold times. */
const REPEATABLE = new Set(['npm', 'yarn', 'yarn-berry', 'pnpm', 'bun', 'go']);

/** Prepared once; each call is one build. `texts` are layers whose own instruction changed. */
export function cacheOf({ builder, layers, stages, context }: Layers): {
  build(changes: readonly Change[], texts?: ReadonlySet<number>): Build;
} {
  const ran = new Uint8Array(layers.length);
  const changed = new Uint8Array(layers.length);
  const cause = new Int32Array(layers.length);
  const copiedFrom = new Set(layers.flatMap(({ from }) => from.map(({ stage }) => stage)));
  // What a stage leaves matters where something is copied out of it or of one that is based on it.
  const matters = stages.map((_, index) => {
    for (const each of copiedFrom)
      for (let at: number | undefined = each; at !== undefined; at = stages[at]?.parent) if (at === index) return true;
    return false;
  });
  const ends: { readonly dirty: readonly string[]; readonly cause: number }[] = [];
  return {
    build(all, texts) {
      let count = 0;
      const changes = all.filter(({ path, tree }) => tree || !context.ignores(path));
      stages.forEach(({ start, end, parent }, index) => {
        const inherited = parent === undefined ? undefined : ends[parent];
        const dirty = [...(inherited?.dirty ?? [])];
        let first = inherited?.cause ?? -1;
        for (let at = start; at < end; at++) {
          const layer = layers[at] as Layer;
          const reached = reachedBy(layer, changes, matters[index] === true);
          let own = texts?.has(at) === true || reached.length > 0;
          const copied: string[] = [];
          for (const { stage, path, target } of layer.from)
            if (touches(ends[stage]?.dirty ?? [], path)) {
              own = true;
              if (target !== undefined) copied.push(target);
            }
          changed[at] = own ? 1 : 0;
          if (own && first < 0) first = at;
          const runs = own || (layer.detached ? false : first >= 0) || !layer.cached;
          ran[at] = runs ? 1 : 0;
          if (!runs) continue;
          cause[at] = first >= 0 && !(layer.detached && own) ? first : at;
          count++;
          if (matters[index] !== true || (first < 0 && builder === 'kaniko')) continue;
          if (layer.instruction.keyword === 'RUN') for (const action of layer.actions) spread(action, dirty);
          else dirty.push(...reached, ...copied);
        }
        ends[index] = { dirty, cause: first };
      });
      return { ran, own: changed, cause, count };
    },
  };
}

const ANY = [''];

/** Where the changes reach in the image; just whether they do, unless `where`. */
function reachedBy({ sources }: Layer, changes: readonly Change[], where: boolean): readonly string[] {
  if (sources.length === 0) return [];
  const found: string[] = [];
  for (const change of changes)
    for (const source of sources) {
      const path = source.reached(change);
      if (path === undefined) continue;
      if (!where) return ANY;
      found.push(path);
    }
  return found;
}

/** `*` stands for everything that is not in a project's own tree. */
function touches(dirty: readonly string[], path: string): boolean {
  return dirty.some((each) =>
    each === '*' ? isSystem(path) || path === '/' : within(each, path) || within(path, each),
  );
}

/** What a command that ran again may have changed. */
function spread({ opaque, effect, install }: Action, dirty: string[]): void {
  if (opaque !== undefined || effect === undefined) {
    dirty.push('/');
    return;
  }
  if (
    install !== undefined &&
    REPEATABLE.has(install.manager) &&
    effect.system !== 'writes' &&
    !effect.reads.some((read) => touches(dirty, read.path))
  )
    return;
  dirty.push(...effect.writes, ...effect.edits, ...(effect.removes ?? []), ...(effect.makes ?? []));
  dirty.push(...(effect.touches ?? []), ...Object.keys(effect.sets ?? {}));
  if (effect.system === 'writes') dirty.push('*');
}
