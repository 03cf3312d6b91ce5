/**
 * Deno. Spec section 18.
 *
 * Reads: `deno install` reads [V: 2.9]: deno.json or deno.jsonc, deno.lock, package.json, .npmrc, the import map, and
 * the manifests of workspace members; linked packages; the lockfile that `lock` names. `deno cache main.ts` and
 * `--entrypoint` read the module graph: the source itself.
 *
 * Writes: DENO_DIR, and node_modules where there is a package.json or `nodeModulesDir` says so; vendor/ where `vendor`
 * does; deno.lock.
 *
 * Runs: no script, unless `--allow-scripts` names its package; without a name, the project's own as well [V: 2.9].
 *
 * Hazards: what a module imports can be computed, so that `deno cache` is never moved above the source.
 *
 * Sources: https://docs.deno.com/runtime/fundamentals/configuration/,
 * https://docs.deno.com/runtime/reference/cli/install/
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { has, optionTable, parseArguments } from './shared/arguments.ts';
import { optionalDocument } from './shared/documents.ts';
import { at, record, strings } from './shared/package-json.ts';
import { isTrouble, missing, single, tool, unknown, unresolvedVariable } from './shared/steps.ts';
import { workspaceMembers } from './shared/workspaces.ts';

const OPTIONS = optionTable('-n --name --root -L --log-level', '-c --config --import-map --lock --cert');
/** https://docs.deno.com/runtime/reference/cli/install/ (lifecycle scripts) */
const SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb] = args.positional;
  const base = { manager: 'deno', command, place, directory: place.directory };
  if (verb === 'install' || verb === 'i') return { ...base, kind: has(args, '-g', '--global') ? 'tool' : 'install' };
  return verb === 'cache' ? { ...base, kind: 'install' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  const named = args.positional.slice(1);
  if (install.kind === 'tool')
    return named.some((word) => /^\.{0,2}\//.test(word) || /^[\w-]+\.[jt]sx?$/.test(word))
      ? unknown(install, moduleGraph(install))
      : tool(install);
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  if (args.positional[0] === 'cache' || has(args, '--entrypoint', '-e')) return unknown(install, moduleGraph(install));
  if (named.length > 0)
    return unknown(install, {
      code: 'mutating-install',
      message: `\`${install.command.text}\` changes deno.json`,
      help: 'commit the result, and use `deno install`',
    });
  const project = readProject(install.directory, files);
  if (isTrouble(project)) return unknown(install, project);
  const { reads, lock, outputs } = project;
  if (project.scripts && args.options.get('--allow-scripts') === true)
    return unknown(install, {
      code: 'lifecycle-script-reads-source',
      message: `\`${install.command.text}\` runs the scripts of package.json`,
      help: 'name the packages whose scripts may run',
    });
  const trees = outputs.map((name) => at(install.directory, name));
  return {
    ...single({
      name: install.command.text,
      reads: [...reads, ...trees.map((path) => ({ path, tree: true }))],
      writes: trees,
      edits: has(args, '--frozen') ? [] : [lock],
      system: 'writes',
    }),
    outputs: trees,
    ignore: outputs,
  };
}

function moduleGraph({ command }: Install): Trouble {
  return {
    code: 'dynamic-manifest',
    message: `\`${command.text}\` follows the imports of the source`,
    help: 'list the dependencies in deno.json, and use `deno install`; or mount a cache (--add cache-mounts)',
  };
}

interface Project {
  readonly reads: readonly Read[];
  readonly lock: string;
  /** Names of directories that it fills. */
  readonly outputs: readonly string[];
  /** It has lifecycle scripts. */
  readonly scripts: boolean;
}

function readProject(root: string, files: Files): Project | Trouble {
  const reads: Read[] = [{ path: at(root, '.npmrc') }];
  const outputs = ['node_modules'];
  let lock = at(root, 'deno.lock');
  let scripts = false;
  let found = false;
  const queue = [root];
  for (let directory = queue.shift(); directory !== undefined; directory = queue.shift())
    for (const name of ['deno.json', 'deno.jsonc', 'package.json']) {
      const path = at(directory, name);
      const json = optionalDocument(files, path, 'json');
      if (isTrouble(json)) return json;
      if (json === undefined) {
        if (directory === root) reads.push({ path });
        continue;
      }
      found = true;
      reads.push({ path });
      if (typeof json['importMap'] === 'string') reads.push({ path: resolvePath(directory, json['importMap']) });
      if (directory !== root) continue;
      const named = record(json['lock'])['path'] ?? json['lock'];
      if (typeof named === 'string') lock = resolvePath(root, named);
      if (json['vendor'] === true) outputs.push('vendor');
      if (SCRIPTS.some((each) => record(json['scripts'])[each] !== undefined)) scripts = true;
      for (const path of strings(json['links'] ?? json['patch']))
        reads.push({ path: resolvePath(root, path), tree: true });
      const workspace = json['workspace'] ?? json['workspaces'];
      const members = workspaceMembers(files, root, strings(workspace), 'deno.json');
      const others = workspaceMembers(files, root, strings(workspace), 'package.json');
      if (isTrouble(members)) return members;
      if (isTrouble(others)) return others;
      // `../` and the like were refused above; `deno.jsonc` is found with the directory.
      queue.push(...new Set([...members, ...others]));
    }
  return found ? { reads: [{ path: lock }, ...reads], lock, outputs, scripts } : missing(at(root, 'deno.json'));
}

export const deno: PackageManager = {
  name: 'deno',
  summary: 'deno install',
  commands: ['deno'],
  manifests: ['deno.json', 'deno.lock'],
  globs: ['deno.json*', 'deno.lock*'],
  recognise,
  analyse,
  caches: [{ path: '/deno-dir', class: 'store', variable: 'DENO_DIR' }],
};
