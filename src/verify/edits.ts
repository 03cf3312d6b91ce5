/** Which files to change, to see the cache at work: one of the source, one that an install reads. */
import { posix } from 'node:path';
import type { BuildContext, Dockerfile, PackageManager } from '../model.ts';
import { cacheOf } from '../layers/cache.ts';
import { layersOf, type Layers } from '../layers/layers.ts';
import { LOCKFILE } from './compare.ts';

export interface Edits {
  /** A source file whose change re-ran an install, and no longer does. */
  readonly source?: string;
  /** A file whose change still has to re-run one. */
  readonly manifest?: string;
}

const SOURCE =
  /\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|scala|rb|php|exs?|erl|cs|fs|swift|dart|hs|clj|c|cc|cpp|h|vue|svelte|astro|css|html?|md|txt)$/;

interface Side {
  readonly file: Dockerfile;
  readonly context: BuildContext;
}

export function chooseEdits(before: Side, after: Side, managers: readonly PackageManager[]): Edits {
  const [old, fresh] = [before, after].map(({ file, context }) =>
    layersOf(file, context, 'buildkit', { managers }),
  ) as [Layers, Layers];
  const main = new Set(managers.map(({ manifests }) => manifests[0]));
  const [wasRun, isRun] = [installsRun(old), installsRun(fresh)];
  let source: { path: string; rank: number } | undefined;
  let manifest: { path: string; rank: number } | undefined;
  for (const path of after.context.list('.')) {
    const text = after.context.read(path);
    if (text === undefined) continue;
    const now = isRun(path);
    const depth = path.split('/').length;
    if (now > 0) {
      // The main manifest rather than settings, and these rather than a lockfile, whose every line may be checked.
      const rank = depth * 10 + (main.has(posix.basename(path)) ? 0 : LOCKFILE.test(path) ? 5 : 2);
      if (manifest === undefined || rank < manifest.rank) manifest = { path, rank };
    }
    if (now >= wasRun(path)) continue;
    const rank = (SOURCE.test(path) ? 0 : 1000) + (/\.(?:md|txt|html?|css)$/.test(path) ? 100 : 0) + now * 500 + depth;
    if (source === undefined || rank < source.rank) source = { path, rank };
  }
  return {
    ...(source === undefined ? {} : { source: source.path }),
    ...(manifest === undefined ? {} : { manifest: manifest.path }),
  };
}

/** How many installs the change of one file re-runs. */
function installsRun(layers: Layers): (path: string) => number {
  const cache = cacheOf(layers);
  return (path) => {
    const { ran } = cache.build([{ path, tree: false }]);
    return layers.units.filter((unit) => ran[unit.layer] === 1).length;
  };
}
