/**
 * Haskell: Cabal and Stack. Spec section 18. Adapt (W, unsafe): `--only-dependencies`, the original after.
 *
 * Reads: *.cabal and package.yaml of every package, cabal.project with its .local and .freeze, stack.yaml and its
 * lockfile.
 *
 * Writes: ~/.cabal or ~/.stack; dist-newstyle/ or .stack-work/.
 *
 * Runs: the custom Setup.hs of packages.
 *
 * Hazards: packages by patterns or imports in cabal.project, and extra-deps in the project, are not followed.
 *
 * Sources: https://cabal.readthedocs.io/en/stable/cabal-commands.html,
 * https://docs.haskellstack.org/en/stable/build_command/
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { has, optionTable, parseArguments } from './shared/arguments.ts';
import { document, list } from './shared/documents.ts';
import { at, record, strings } from './shared/package-json.ts';
import {
  bareBuild,
  build,
  generated,
  installsProject,
  isTrouble,
  missing,
  single,
  tool,
  unknown,
} from './shared/steps.ts';

const OPTIONS = optionTable(
  '--installdir --install-method --overwrite-policy -j --jobs --ghc-options --flag -w --with-compiler --local-bin-path --resolver --snapshot',
  '--project-file --stack-yaml --work-dir',
);
const BUILDS = new Set(['build', 'v2-build', 'new-build', 'install', 'v2-install', 'test', 'v2-test']);

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb, ...targets] = args.positional;
  const base = { manager: 'haskell', command, place, directory: place.directory };
  if (verb === 'update' || verb === 'setup' || verb === 'upgrade') return { ...base, kind: 'tool' };
  if (!BUILDS.has(verb ?? '')) return undefined;
  if (has(args, '--only-dependencies', '--dependencies-only', '--only-snapshot')) return { ...base, kind: 'fetch' };
  // `cabal install hlint` builds what the registry has.
  const isTool =
    verb?.endsWith('install') === true &&
    targets.length > 0 &&
    targets.every((word) => /^[a-z][\w-]*-[\d.]+$/.test(word));
  return { ...base, kind: isTool ? 'tool' : 'build' };
}

function analyse(install: Install, files: Files): Analysis {
  if (install.kind === 'tool')
    return tool(install, isStack(install) ? [{ path: at(install.directory, 'stack.yaml') }] : []);
  const args = parseArguments(install.command, 1, OPTIONS);
  const moved = ['--project-file', '--stack-yaml', '--work-dir'].find((name) => args.options.has(name));
  const reads =
    moved === undefined
      ? isStack(install)
        ? stackReads(install, files)
        : cabalReads(install, files)
      : { code: 'dynamic-manifest', message: `\`${install.command.text}\` has ${moved}`, help: 'leave it out' };
  if (isTrouble(reads)) return install.kind === 'build' ? bareBuild(install, reads) : unknown(install, reads);
  const fetch = { reads, writes: [], edits: [], system: 'reads', warm: true } as const;
  if (install.kind === 'fetch') return single({ ...fetch, name: install.command.text });
  const program = install.command.words[0]?.text ?? 'cabal';
  const before = `${program} build --only-dependencies${isStack(install) ? '' : ' all'}`;
  return build(install, { ...fetch, name: before }, [
    {
      before,
      after: install.command.text,
      why: 'dependencies are built by a step of their own',
      risk: 'dependencies are built twice where the build asks for other options or components',
    },
  ]);
}

function isStack({ command }: Install): boolean {
  return /(?:^|\/)stack$/.test(command.words[0]?.value ?? '');
}

/** The manifests in one directory. */
function manifests(directory: string, files: Files): readonly Read[] | Trouble {
  const names = files.entries(directory);
  if (names === undefined) return generated(directory);
  const found = names.filter((name) => name.endsWith('.cabal') || name === 'package.yaml');
  return found.length === 0 ? missing(at(directory, '*.cabal')) : found.map((name) => ({ path: at(directory, name) }));
}

function cabalReads(install: Install, files: Files): readonly Read[] | Trouble {
  const { directory } = install;
  const reads: Read[] = ['cabal.project', 'cabal.project.local', 'cabal.project.freeze'].map((name) => ({
    path: at(directory, name),
  }));
  let folders = ['.'];
  if (files.has(at(directory, 'cabal.project')) === 'yes') {
    const text = files.read(at(directory, 'cabal.project'));
    if (text === undefined) return generated(at(directory, 'cabal.project'));
    const fields = [
      ...text.replace(/--.*$/gm, '').matchAll(/^(packages|optional-packages|import):(.*(?:\n(?:[ \t].*|(?=\n)))*)/gim),
    ];
    folders = fields
      .filter(([, name]) => /^packages$/i.test(name ?? ''))
      .flatMap(([, , value = '']) => value.split(/[\s,]+/));
    const isHere = /^\s+(?:location|url):\s*(?:\.{0,2}\/|file\b)/im.test(text);
    if (
      isHere ||
      fields.some(([, name]) => !/^packages$/i.test(name ?? '')) ||
      folders.some((folder) => /[*?[]|^https?:/.test(folder))
    )
      return {
        code: 'dynamic-manifest',
        message: `\`${at(directory, 'cabal.project')}\` names packages by patterns or imports, or repositories on the disk`,
        help: 'name the directories',
      };
  }
  for (const folder of folders.filter((each) => each !== '')) {
    const path = resolvePath(directory, folder);
    const found = path.endsWith('.cabal') ? [{ path }] : manifests(path, files);
    if (isTrouble(found)) return found;
    reads.push(...found);
    for (const { path: manifest } of found)
      if (/^build-type:\s*Custom/im.test(files.read(manifest) ?? ''))
        return installsProject(install, `\`${manifest}\`, which has a Setup of its own`);
  }
  return reads;
}

function stackReads({ directory }: Install, files: Files): readonly Read[] | Trouble {
  const path = at(directory, 'stack.yaml');
  const settings = document(files, path, 'yaml');
  if (isTrouble(settings)) return settings;
  const reads: Read[] = [{ path }, { path: at(directory, 'stack.yaml.lock') }];
  const packages = settings['packages'] === undefined ? ['.'] : strings(settings['packages']);
  const local = list(settings['extra-deps'])
    .flatMap((each) => strings([each, record(each)['archive'], record(each)['git']]))
    .filter((each) => each.includes('/') && !/^\w[\w+.-]*:|@/.test(each));
  for (const snapshot of strings([settings['resolver'], settings['snapshot']]))
    if (/\.ya?ml$/.test(snapshot) && !/^https?:/.test(snapshot)) reads.push({ path: resolvePath(directory, snapshot) });
  if (local.length > 0)
    return {
      code: 'local-dependency-builds',
      message: `\`${path}\` has extra-deps in the project (\`${local[0] ?? ''}\`)`,
      help: 'mount a cache at /root/.stack instead (--add cache-mounts)',
    };
  for (const folder of packages) {
    const found = manifests(resolvePath(directory, folder), files);
    if (isTrouble(found)) return found;
    reads.push(...found);
  }
  return reads;
}

export const haskell: PackageManager = {
  name: 'haskell',
  summary: 'cabal and stack: build --only-dependencies, and build, install and test, which download implicitly',
  commands: ['cabal', 'stack'],
  manifests: ['cabal.project', 'stack.yaml', 'package.yaml'],
  globs: ['*.cabal'],
  recognise,
  analyse,
  caches: [
    { path: '~/.cabal/packages', class: 'store' },
    { path: '~/.stack', class: 'store', variable: 'STACK_ROOT' },
  ],
};
