/**
 * The library's door. Nothing here touches a disk: give it text and a context, get back an outcome.
 */
import type { BuildContext, Dockerfile, History, Outcome, PackageManager, Target, Transform } from './model.ts';
import { transforms as builtIn } from '../transforms/index.ts';
import { assumedContext } from './context/assumed.ts';
import packageJson from '../package.json' with { type: 'json' };
import { parse } from './dockerfile/parse.ts';
import { run } from './engine.ts';
import { managers as knownManagers } from './managers/index.ts';

export type * from './model.ts';
export { memoryContext } from './context/memory.ts';
export { parse } from './dockerfile/parse.ts';
export { missingManifests } from './misfit.ts';

/** Of this package. */
export const version: string = packageJson.version;

export const transforms: readonly Transform[] = builtIn;
export const managers: readonly PackageManager[] = knownManagers;

export interface FixOptions {
  /** In the order in which they are tried; default: the built-in ones. */
  readonly transforms?: readonly Transform[];
  /** Only these, by name. */
  readonly only?: readonly string[];
  /** Besides the usual ones, these that run only where they are asked for. */
  readonly add?: readonly string[];
  /** All but these, by name. */
  readonly skip?: readonly string[];
  /** Apply fixes that could change something, too. */
  readonly unsafe?: boolean;
  readonly target?: Partial<Target>;
  /** Default: the built-in ones. */
  readonly managers?: readonly PackageManager[];
  /** What changed in the past, to order copies by. */
  readonly history?: History;
  /** By transform, what its `checkOptions` takes. */
  readonly options?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Works out the fixes of one Dockerfile in its build context. Never throws on what the file says. */
export function fix(
  file: { readonly path: string; readonly source: string },
  context: BuildContext,
  options: FixOptions = {},
): Outcome {
  const chosen = (options.transforms ?? builtIn)
    .filter(
      ({ name, optIn }) =>
        (options.only === undefined
          ? optIn !== true || options.add?.includes(name) === true
          : options.only.includes(name) || options.add?.includes(name) === true) &&
        options.skip?.includes(name) !== true,
    )
    .map((each) => (builtIn.includes(each) ? each : onItsOwnModel(each)));
  return run(file.path, file.source, context, {
    transforms: chosen,
    target: {
      style: options.target?.style ?? 'copy',
      builder: options.target?.builder ?? 'buildkit',
      ...(options.managers === undefined ? {} : { managers: options.managers }),
      ...(options.history === undefined ? {} : { history: options.history }),
    },
    unsafe: options.unsafe ?? false,
    ...(options.options === undefined ? {} : { options: options.options }),
  });
}

/** `.reverse()` changes a list in place: what it does to the model reaches neither the proof nor another transform. */
function onItsOwnModel(transform: Transform): Transform {
  const models = new WeakMap<Dockerfile, Dockerfile>();
  return {
    ...transform,
    propose(file, context, target) {
      const own = models.get(file) ?? parse(file.source);
      models.set(file, own);
      return transform.propose(own, context, target);
    },
  };
}

/**
 * The same without a build context: the usual manifests are assumed, copied by globs that may match nothing, and
 * every fix counts as unsafe.
 */
export function fixText(source: string, options: FixOptions & { readonly path?: string } = {}): Outcome {
  return fix({ path: options.path ?? 'Dockerfile', source }, assumedContext(options.managers ?? knownManagers), {
    unsafe: true,
    ...options,
  });
}
