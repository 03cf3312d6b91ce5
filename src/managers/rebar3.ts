/**
 * rebar3. Spec section 18.
 *
 * Reads: [V] rebar.config and rebar.lock, those of the apps of a project, and rebar.config.script, which is code.
 *
 * Writes: _build/.
 *
 * Runs: rebar.config.script and hooks.
 *
 * Hazards: a rebar.config.script is code, and is refused, and so are hooks of get-deps and dependencies by path;
 * `_checkouts` replaces dependencies by directories of the project.
 *
 * Sources: https://rebar3.org/docs/configuration/
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Step, Trouble } from '../model.ts';
import { optionTable, parseArguments } from './shared/arguments.ts';
import { at } from './shared/package-json.ts';
import { bareBuild, build, isTrouble, missing, unknown } from './shared/steps.ts';

const OPTIONS = optionTable('-n --name -v --vsn', '');
const BUILDS = new Set(['compile', 'release', 'tar', 'escriptize', 'ct', 'eunit', 'prod']);

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const words = args.positional[0] === 'as' ? args.positional.slice(2) : args.positional;
  const base = { manager: 'rebar3', command, place, directory: place.directory };
  if (words[0] === 'get-deps' && words.length === 1) return { ...base, kind: 'install' };
  return BUILDS.has(words[0] ?? '') ? { ...base, kind: 'build' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  const profile = args.positional[0] === 'as' ? `as ${args.positional[1] ?? ''} ` : '';
  const reads = readsOf(install, files);
  if (isTrouble(reads)) return install.kind === 'build' ? bareBuild(install, reads) : unknown(install, reads);
  const tree = at(install.directory, '_build');
  const step: Step = {
    name: `rebar3 ${profile}get-deps`,
    reads: [...reads, { path: tree, tree: true }],
    writes: [tree],
    edits: files.read(at(install.directory, 'rebar.lock')) === undefined ? [at(install.directory, 'rebar.lock')] : [],
    system: 'reads',
    settles: true,
  };
  const outputs = { outputs: [tree], ignore: ['_build'] };
  if (install.kind === 'install') return { steps: [step], ...outputs, splits: [] };
  return build(
    install,
    step,
    [
      {
        before: `rebar3 ${profile}get-deps`,
        after: install.command.text,
        why: 'dependencies are downloaded by a step of their own',
        risk: 'plugins that fetch or change dependencies may do more in a step of their own',
      },
    ],
    outputs,
  );
}

function readsOf({ directory }: Install, files: Files): readonly Read[] | Trouble {
  if (files.has(at(directory, 'rebar.config')) === 'no') return missing(at(directory, 'rebar.config'));
  const apps = ['apps', 'lib'].flatMap((folder) =>
    (files.entries(at(directory, folder)) ?? []).map((name) => at(at(directory, folder), name)),
  );
  const reads: Read[] = [{ path: at(directory, 'rebar.lock') }];
  for (const each of [directory, ...apps]) {
    const script = at(each, 'rebar.config.script');
    if (files.has(script) !== 'no')
      return { code: 'dynamic-manifest', message: `\`${script}\` is code`, help: 'move it into rebar.config' };
    const path = at(each, 'rebar.config');
    if (each !== directory && files.has(path) !== 'yes') continue;
    reads.push({ path });
    const code = (files.read(path) ?? '').replace(/%.*$/gm, '');
    if (/hooks/.test(code) && /['"]?get-deps\b/.test(code))
      return {
        code: 'lifecycle-script-reads-source',
        message: `\`${path}\` has a hook that runs with \`get-deps\``,
        help: 'hang it on another command',
      };
    if (/\{\s*path\s*,/.test(code))
      return {
        code: 'local-dependency-builds',
        message: `\`${path}\` depends on packages of the project`,
      };
  }
  if (files.has(at(directory, '_checkouts')) !== 'no')
    return {
      code: 'local-dependency-builds',
      message: `\`${at(directory, '_checkouts')}\` replaces dependencies by directories of the project`,
    };
  return reads;
}

export const rebar3: PackageManager = {
  name: 'rebar3',
  summary: 'rebar3 get-deps, and rebar3 compile, release and tar, which download implicitly',
  commands: ['rebar3'],
  manifests: ['rebar.config', 'rebar.lock'],
  globs: ['rebar.config', 'rebar.lock*'],
  recognise,
  analyse,
  caches: [{ path: '~/.cache/rebar3', class: 'download' }],
};
