/**
 * Dart. Spec section 18.
 *
 * Reads: pubspec.yaml, pubspec.lock, pubspec_overrides.yaml, and the pubspec.yaml of path dependencies and workspace
 * members.
 *
 * Writes: .dart_tool/, the pub cache, and pubspec.lock where there is none. `flutter pub get` writes plugin
 * registrants among the source as well.
 *
 * Runs: nothing of the project.
 *
 * Hazards: `flutter pub get` writes among the source, so that it is not moved. A pubspec_overrides.yaml names what else
 * is read: where git ignores it, so that only some have one, that is not known.
 *
 * Sources: https://dart.dev/tools/pub/dependencies, https://dart.dev/tools/pub/workspaces,
 * https://dart.dev/tools/pub/cmd/pub-get
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { directoryFrom, optionTable, optionText, parseArguments } from './shared/arguments.ts';
import { document, optionalDocument } from './shared/documents.ts';
import { at, record, strings, type Json } from './shared/package-json.ts';
import { generated, isTrouble, single, tool, unknown, unresolvedVariable } from './shared/steps.ts';

const OPTIONS = optionTable('', '-C --directory');

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const words = command.words[0]?.value === 'pub' ? ['pub', ...args.positional] : args.positional;
  if (words[0] !== 'pub') return undefined;
  const base = { manager: 'dart', command, place, directory: directoryFrom(args, ['-C', '--directory'], place) };
  if (words[1] === 'global' && words[2] === 'activate')
    return { ...base, kind: words.includes('--source') || args.options.has('--source') ? 'install' : 'tool' };
  return words[1] === 'get' || words[1] === 'upgrade' ? { ...base, kind: 'install' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  if (install.kind === 'tool') return tool(install);
  const args = parseArguments(install.command, 1, OPTIONS);
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  const isFlutter = (install.command.words[0]?.value ?? '').endsWith('flutter');
  if (isFlutter || !args.positional.includes('get'))
    return unknown(install, {
      code: 'mutating-install',
      message: isFlutter
        ? `\`${install.command.text}\` writes plugin registrants into the project`
        : `\`${install.command.text}\` changes pubspec.lock or builds a package of the project`,
      help: 'mount a cache at /root/.pub-cache instead (--add cache-mounts)',
    });
  const reads = readsOf(install.directory, files);
  if (isTrouble(reads)) return unknown(install, reads);
  const tree = at(install.directory, '.dart_tool');
  const lock = at(install.directory, 'pubspec.lock');
  return {
    ...single({
      // `--offline` only says where from.
      name: `dart pub get ${optionText(args, ['--offline', '--no-offline'])}`,
      reads: [...reads, { path: lock }, { path: tree, tree: true }],
      writes: [tree],
      edits: files.read(lock) === undefined ? [lock] : [],
      system: 'writes',
      settles: true,
    }),
    outputs: [tree],
    ignore: ['.dart_tool'],
  };
}

function readsOf(root: string, files: Files): readonly Read[] | Trouble {
  const reads: Read[] = [];
  const queue = [root];
  // What they want for development and in place of others counts, too.
  const members = new Set([root]);
  const seen = new Set<string>();
  for (let directory = queue.shift(); directory !== undefined; directory = queue.shift()) {
    if (seen.has(directory)) continue;
    seen.add(directory);
    const path = at(directory, 'pubspec.yaml');
    const manifest = document(files, path, 'yaml');
    if (isTrouble(manifest)) return manifest;
    reads.push({ path });
    if (directory === root && manifest['resolution'] === 'workspace')
      return {
        code: 'dynamic-manifest',
        message: `\`${path}\` belongs to a workspace, whose root is read as well`,
        help: "run `dart pub get` in the workspace's root",
      };
    const isOwn = members.has(directory);
    const overrides = isOwn ? overridesOf(directory, files) : {};
    if (isTrouble(overrides)) return overrides;
    if (isOwn) reads.push({ path: at(directory, 'pubspec_overrides.yaml') });
    const tables = [
      manifest['dependencies'],
      ...(isOwn ? [manifest['dev_dependencies'], manifest['dependency_overrides']] : []),
      overrides?.['dependency_overrides'],
    ];
    for (const dependency of tables.flatMap((table) => Object.values(record(table)))) {
      const local = record(dependency)['path'];
      if (typeof local === 'string') queue.push(resolvePath(directory, local));
    }
    for (const name of strings(manifest['workspace'])) {
      members.add(resolvePath(directory, name));
      queue.push(resolvePath(directory, name));
    }
  }
  return reads;
}

function overridesOf(root: string, files: Files): Json | Trouble | undefined {
  const path = at(root, 'pubspec_overrides.yaml');
  const json = optionalDocument(files, path, 'yaml');
  return json === undefined && files.has(path) === 'maybe'
    ? { ...generated(path), help: 'exclude it in .dockerignore, or commit it' }
    : json;
}

export const dart: PackageManager = {
  name: 'dart',
  summary: 'dart pub get',
  commands: ['dart', 'flutter', 'pub'],
  manifests: ['pubspec.yaml', 'pubspec.lock'],
  globs: ['pubspec.*'],
  recognise,
  analyse,
  caches: [{ path: '~/.pub-cache', class: 'store', variable: 'PUB_CACHE' }],
};
