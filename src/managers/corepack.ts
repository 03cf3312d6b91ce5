/**
 * corepack. Spec section 18.
 *
 * Reads: `enable` and `disable` read nothing. `prepare` and `install` read `packageManager` of package.json and
 * .corepack.env, unless they are told what to get [V].
 *
 * Writes: shims beside Node, and its own cache: the system. `use` and `up` rewrite package.json.
 *
 * Runs: nothing of the project.
 *
 * Hazards: the first call of a shim looks for package.json as well [V].
 *
 * Sources: https://github.com/nodejs/corepack#readme
 */
import type { Analysis, Command, Install, PackageManager, Place } from '../model.ts';
import { optionTable, parseArguments } from './shared/arguments.ts';
import { at } from './shared/package-json.ts';
import { tool, unknown } from './shared/steps.ts';

const OPTIONS = optionTable('-o --output --install-directory', '');

function recognise(command: Command, place: Place): Install | undefined {
  const [verb, ...named] = parseArguments(command, 1, OPTIONS).positional;
  const base = { manager: 'corepack', command, place, directory: place.directory };
  if (verb === 'enable' || verb === 'disable' || verb === 'cache') return { ...base, kind: 'tool' };
  if (verb === 'prepare' || verb === 'install') return { ...base, kind: named.length > 0 ? 'tool' : 'install' };
  return verb === 'use' || verb === 'up' ? { ...base, kind: 'install' } : undefined;
}

function analyse(install: Install): Analysis {
  const [verb] = parseArguments(install.command, 1, OPTIONS).positional;
  if (verb === 'use' || verb === 'up')
    return unknown(install, {
      code: 'mutating-install',
      message: `\`${install.command.text}\` rewrites package.json, and installs`,
      help: 'commit the result, and use `corepack install`',
    });
  return install.kind === 'tool'
    ? tool(install)
    : tool(
        install,
        ['package.json', '.corepack.env'].map((name) => ({ path: at(install.directory, name) })),
      );
}

export const corepack: PackageManager = {
  name: 'corepack',
  summary: 'corepack enable, prepare and install',
  commands: ['corepack'],
  manifests: ['package.json'],
  globs: ['package.json'],
  recognise,
  analyse,
  // COREPACK_HOME holds the package managers themselves, and which of them are active: the image needs it.
  caches: [],
};
