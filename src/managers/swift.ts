/**
 * Swift Package Manager. Spec section 18. Adapt (W): `swift package resolve`, the original after, as the Dockerfile of
 * Vapor's template does.
 *
 * Reads: Package.swift, which is code, and its variants for other versions of Swift; Package.resolved;
 * .swiftpm/configuration/.
 *
 * Writes: .build/.
 *
 * Runs: Package.swift, in a sandbox.
 *
 * Hazards: local packages are not followed: a cache mount is what is left.
 *
 * Sources: https://docs.vapor.codes/deploy/docker/, https://docs.swift.org/swiftpm/documentation/packagemanagerdocs/
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Step, Trouble } from '../model.ts';
import { directoryFrom, optionTable, parseArguments } from './shared/arguments.ts';
import { at } from './shared/package-json.ts';
import { bareBuild, build, generated, isTrouble, missing, unknown, unresolvedVariable } from './shared/steps.ts';

const OPTIONS = optionTable(
  '-c --configuration -j --jobs --product --target -Xswiftc -Xlinker -Xcc --triple --sdk --arch --swift-sdk --filter',
  '--package-path --scratch-path --build-path --cache-path',
);

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb, second] = args.positional;
  const base = { manager: 'swift', command, place, directory: directoryFrom(args, ['--package-path'], place) };
  if (verb === 'package') return second === 'resolve' ? { ...base, kind: 'fetch' } : undefined;
  return verb === 'build' || verb === 'test' || verb === 'run' ? { ...base, kind: 'build' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  const refuse = (trouble: Trouble): Analysis =>
    install.kind === 'build' ? bareBuild(install, trouble) : unknown(install, trouble);
  const moved = ['--scratch-path', '--build-path'].find((name) => args.options.has(name));
  if (moved !== undefined)
    return refuse({
      code: 'dynamic-manifest',
      message: `${moved} moves what \`${install.command.text}\` writes`,
      help: 'leave it out',
    });
  if (install.kind === 'fetch' && args.unresolved !== undefined)
    return refuse(unresolvedVariable(install, args.unresolved));
  const reads = readsOf(install, files);
  if (isTrouble(reads)) return refuse(reads);
  const tree = at(install.directory, '.build');
  const path = args.options.get('--package-path');
  const before = ['swift package', ...(typeof path === 'string' ? [`--package-path ${path}`] : []), 'resolve'].join(
    ' ',
  );
  const lock = at(install.directory, 'Package.resolved');
  const step: Step = {
    name: 'swift package resolve',
    reads: [...reads, { path: lock }, { path: tree, tree: true }],
    writes: [tree],
    edits: files.read(lock) === undefined ? [lock] : [],
    system: 'writes',
    settles: true,
  };
  const outputs = { outputs: [tree], ignore: ['.build'] };
  if (install.kind === 'fetch') return { steps: [step], ...outputs, splits: [] };
  return build(
    install,
    step,
    [{ before, after: install.command.text, why: 'packages are downloaded by a step of their own' }],
    outputs,
  );
}

function readsOf({ directory }: Install, files: Files): readonly Read[] | Trouble {
  const path = at(directory, 'Package.swift');
  if (files.has(path) === 'no') return missing(path);
  const variants = (files.entries(directory) ?? []).filter((name) => /^Package@swift-[\d.]+\.swift$/.test(name));
  for (const name of ['Package.swift', ...variants]) {
    const text = files.read(at(directory, name));
    if (text === undefined) return generated(at(directory, name));
    const code = text.replace(/\/\/.*$/gm, '');
    if (/\.package\(\s*(?:name:\s*"[^"]*",\s*)?(?:path:|url:\s*"(?:file:|\.{0,2}\/))/.test(code))
      return {
        code: 'local-dependency-builds',
        message: `\`${at(directory, name)}\` depends on packages of the project`,
        help: 'copy their Package.swift and resolve ahead of the source by hand',
      };
    if (/\b(?:FileManager|Process|contentsOf|contentsOfFile|fopen|system)\b\s*[.(:]/.test(code))
      return {
        code: 'dynamic-manifest',
        message: `\`${at(directory, name)}\` reads files or runs programs`,
        help: 'write the values out',
      };
  }
  // Mirrors and registries: https://docs.swift.org/swiftpm/documentation/packagemanagerdocs/
  const settings = at(directory, '.swiftpm/configuration');
  return [
    ...['Package.swift', ...variants].map((name) => ({ path: at(directory, name) })),
    ...(files.has(settings) === 'yes' ? [{ path: settings, tree: true }] : []),
  ];
}

export const swift: PackageManager = {
  name: 'swift',
  summary: 'swift package resolve, and swift build, test and run, which download implicitly',
  commands: ['swift'],
  manifests: ['Package.swift', 'Package.resolved'],
  globs: ['Package.*'],
  recognise,
  analyse,
  caches: [{ path: '~/.cache/org.swift.swiftpm', class: 'download' }],
};
