import { cacheMounts } from './cache-mounts.ts';
import type { Transform } from '../src/plugin.ts';
import { completeManifests } from './complete-manifests.ts';
import { frozenInstall } from './frozen-install.ts';
import { ignoreInstallOutput } from './ignore-install-output.ts';
import { lateArg } from './late-arg.ts';
import { lateCopy } from './late-copy.ts';
import { prefetchDependencies } from './prefetch-dependencies.ts';
import { splitDependencyManifests } from './split-dependency-manifests.ts';

/**
 * In the order in which they are tried.
 * The split goes first: it already sinks the copy below everything on the way to the install, in one edit, where
 * `late-copy` alone would take a second round to get there. The ignore file follows the copies.
 */
export const transforms: readonly Transform[] = [
  splitDependencyManifests,
  prefetchDependencies,
  lateCopy,
  lateArg,
  completeManifests,
  frozenInstall,
  cacheMounts,
  ignoreInstallOutput,
];
