/**
 * Lerna, Nx and Turborepo. Spec section 18. They run on top of a package manager, whose own install reads what it
 * always reads: nx.json and turbo.json are read by tasks alone. `turbo prune --docker` makes a directory of manifests
 * that is copied from its stage, which is as good as a split can be.
 *
 * Reads: `lerna bootstrap`, which versions before 7 have, reads the manifests of every package, and whatever their
 * scripts read.
 *
 * Writes: node_modules of every package.
 *
 * Runs: every package's lifecycle scripts.
 *
 * Hazards: `lerna bootstrap` is refused: its scripts may read all of the source.
 *
 * Sources: https://lerna.js.org/docs/legacy-package-management
 */
import type { Analysis, Command, Install, PackageManager, Place } from '../model.ts';
import { unknown } from './shared/steps.ts';

function recognise(command: Command, place: Place): Install | undefined {
  return command.words.slice(1).find((word) => !word.text.startsWith('-'))?.value === 'bootstrap'
    ? { manager: 'lerna', command, place, directory: place.directory, kind: 'install' }
    : undefined;
}

function analyse(install: Install): Analysis {
  return unknown(install, {
    code: 'lifecycle-script-reads-source',
    message: `\`${install.command.text}\` installs every package and runs its scripts`,
    help: 'let the package manager install the workspace (https://lerna.js.org/docs/legacy-package-management)',
  });
}

export const lerna: PackageManager = {
  name: 'lerna',
  summary: 'lerna bootstrap, which is refused; Nx and Turborepo go by their package manager',
  commands: ['lerna'],
  manifests: ['lerna.json'],
  globs: ['lerna.json'],
  recognise,
  analyse,
  caches: [],
};
