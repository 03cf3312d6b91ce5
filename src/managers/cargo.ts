/**
 * Cargo. Spec section 14. Adapt (W): stubs and `cargo fetch --locked`, the original build after.
 *
 * Reads: [V: 1.95] Cargo.toml and Cargo.lock, the manifests of all members and path dependencies, .cargo/config(.toml)
 * and rust-toolchain(.toml) there and in every parent. Manifests alone fail with "no targets specified", so a fetch
 * needs a file for each target, be it an empty one; build.rs is not needed to fetch.
 *
 * Writes: the registry in CARGO_HOME; builds target/.
 *
 * Runs: build scripts and procedural macros, by builds alone.
 *
 * Hazards: a stub *build* leaves fingerprints, and real source with an older time then ships the stub's binary [V]; it
 * is never emitted. A fetch leaves none. A glob member that is absent makes a smaller build, even with `--locked`.
 *
 * Sources: https://doc.rust-lang.org/cargo/commands/cargo-fetch.html,
 * https://doc.rust-lang.org/cargo/reference/config.html
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Split, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { optionTable, parseArguments, type Arguments } from './shared/arguments.ts';
import { document, list, optionalDocument } from './shared/documents.ts';
import { at, record, strings, type Json } from './shared/package-json.ts';
import {
  alreadyCached,
  bareBuild,
  build,
  installsProject,
  isMounted,
  isTrouble,
  missing,
  single,
  tool,
  unknown,
} from './shared/steps.ts';
import { workspaceMembers } from './shared/workspaces.ts';

const OPTIONS = optionTable(
  '-p --package --bin --example --test --bench -F --features --target --target-dir --profile -j --jobs --message-format --color --config -Z --root --version --git --branch --tag --rev --registry --index --out-dir --artifact-dir',
  '--manifest-path --path -C --recipe-path',
);
const BUILDS = new Set([
  'build',
  'b',
  'test',
  't',
  'run',
  'r',
  'check',
  'c',
  'clippy',
  'doc',
  'rustc',
  'bench',
  'leptos',
]);
const TABLES = ['dependencies', 'dev-dependencies', 'build-dependencies'];
const CONFIGURATION = ['.cargo/config.toml', '.cargo/config', 'rust-toolchain', 'rust-toolchain.toml'];
const STORES = ['/usr/local/cargo/registry', '/root/.cargo/registry', '/usr/local/cargo', '/root/.cargo'];
/** More stubs than anybody wants to read in a Dockerfile, or to keep up to date. */
const UNWIELDY = 12;
/** Where what they hold is known: nothing that a project's own directory could be mixed up with. */
const OFFICIAL =
  /^(?:docker\.io\/)?(?:library\/)?[\w.-]+(?:[:@]|$)|^(?:docker\.io\/)?(?:lukemathwalker\/cargo-chef|clux\/muslrust)/;

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb, second] = args.positional.filter((word) => !word.startsWith('+'));
  const manifest = args.options.get('--manifest-path');
  const path = args.options.get('--path') ?? args.options.get('-C');
  const directory =
    typeof manifest === 'string'
      ? parentOf(resolvePath(place.directory, manifest))
      : typeof path === 'string'
        ? resolvePath(place.directory, path)
        : place.directory;
  const base = { manager: 'cargo', command, place, directory };
  if (verb === undefined) return undefined;
  if (verb === 'fetch') return { ...base, kind: 'fetch' };
  if (verb === 'chef') return second === 'cook' ? { ...base, kind: 'fetch' } : undefined;
  if (verb === 'install' || verb === 'binstall')
    return { ...base, kind: args.options.has('--path') ? 'build' : 'tool' };
  return BUILDS.has(verb) ? { ...base, kind: 'build' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  if (install.kind === 'tool') return tool(install);
  const args = parseArguments(install.command, 1, OPTIONS);
  const isChef = args.positional.includes('chef');
  if (isChef) return unknown(install, installsProject(install, 'stubs of the project'));
  const refusal = install.kind === 'build' ? whyNotFetch(install) : undefined;
  if (refusal !== undefined) return bareBuild(install, refusal);
  const project = readProject(install, files);
  if (isTrouble(project)) return unknown(install, project);
  const { reads, packages } = project;
  const fetch = { reads, writes: [], edits: [], system: 'reads', warm: true } as const;
  const stubs = stubsOf(packages, files, install.place.directory);
  if (install.kind === 'fetch') {
    // Without a file for each target it fails.
    if (isTrouble(stubs)) return unknown(install, stubs);
    const targets = stubs.map((path) => resolvePath(install.place.directory, path));
    const absent = targets.find((path) => files.has(path) === 'no');
    if (absent !== undefined) return unknown(install, missing(absent, 'where cargo looks for a target'));
    // In a chain they may be made just before it, as for our own; what is in the build context has been copied.
    const areCopied = install.command.operator === undefined || targets.some((path) => files.read(path) !== undefined);
    const reading = areCopied ? [...reads, ...targets.map((path) => ({ path }))] : reads;
    return single({ ...fetch, reads: reading, name: install.command.text });
  }
  if (isTrouble(stubs)) return bareBuild(install, stubs);
  if (stubs.length > UNWIELDY)
    return bareBuild(install, {
      code: 'too-many-stubs',
      message: `a step that downloads the crates would need an empty file for each of ${stubs.length} targets`,
      help: 'use cargo-chef, or mount a cache at /usr/local/cargo/registry (--add cache-mounts)',
    });
  const command = fetchCommand(args, install.command);
  const split: Split = {
    before: withStubs(command, stubs),
    after: install.command.text,
    why: 'crates are downloaded by a step of their own',
    ...(OFFICIAL.test(install.place.image ?? 'rust')
      ? {}
      : {
          risk: `if ${install.place.image ?? 'the base image'} has files of its own in the stubs' directories, they are removed`,
        }),
  };
  return build(install, { ...fetch, name: command }, [split]);
}

function whyNotFetch(install: Install): Trouble | undefined {
  const home = install.place.environment('CARGO_HOME');
  if (isMounted(install.place, home === undefined ? STORES : [...STORES, home, `${home}/registry`]))
    return alreadyCached(install, 'the crate registry');
  return undefined;
}

interface Package {
  readonly directory: string;
  readonly json: Json;
}

/** Every manifest that the resolution of Cargo.lock looks at. */
function readProject(
  install: Install,
  files: Files,
): { reads: readonly Read[]; packages: readonly Package[] } | Trouble {
  const own = document(files, at(install.directory, 'Cargo.toml'), 'toml');
  if (isTrouble(own)) return own;
  const root = workspaceRoot(install.directory, own, files);
  if (isTrouble(root)) return root;
  const reads: Read[] = [];
  for (
    let directory = install.directory, last = '';
    directory !== last;
    last = directory, directory = parentOf(directory)
  )
    for (const name of [...CONFIGURATION, ...(directory === install.directory ? [] : ['Cargo.toml'])])
      reads.push({ path: at(directory, name) });
  const settings = optionalDocument(files, at(root.directory, '.cargo/config.toml'), 'toml') ?? {};
  if (isTrouble(settings)) return settings;
  if (Object.values(record(settings['source'])).some((source) => record(source)['replace-with'] !== undefined))
    return { code: 'already-cached', message: `\`${install.command.text}\` takes its crates from a vendored source` };
  const lock = at(root.directory, 'Cargo.lock');
  const locked = document(files, lock, 'toml');
  if (isTrouble(locked))
    return { ...locked, help: 'commit Cargo.lock: without it a build downloads whatever is newest' };
  const sources = strings(list(locked['package']).map((each) => record(each)['source']));
  if (sources.some((source) => /^git\+(?:ssh|file)/.test(source)))
    return {
      code: 'private-modules',
      message: `\`${lock}\` names crates that are fetched over SSH or from a disk`,
      help: 'mount a cache at /usr/local/cargo/registry instead',
    };
  const members = workspaceMembers(
    files,
    root.directory,
    strings(record(root.json['workspace'])['members']),
    'Cargo.toml',
  );
  if (isTrouble(members)) return members;
  const excluded = new Set(
    strings(record(root.json['workspace'])['exclude']).map((path) => resolvePath(root.directory, path)),
  );
  const packages = new Map<string, Package>();
  const queue = [root.directory, ...members.filter((member) => !excluded.has(member)), install.directory];
  for (let directory = queue.shift(); directory !== undefined; directory = queue.shift()) {
    if (packages.has(directory)) continue;
    const path = at(directory, 'Cargo.toml');
    const json = document(files, path, 'toml');
    if (isTrouble(json)) return json;
    packages.set(directory, { directory, json });
    reads.push({ path });
    queue.push(...pathDependencies(json).map((each) => resolvePath(directory, each)));
  }
  reads.push({ path: lock });
  return { reads, packages: [...packages.values()].sort((a, b) => (a.directory < b.directory ? -1 : 1)) };
}

function workspaceRoot(directory: string, json: Json, files: Files): Package | Trouble {
  if (json['workspace'] !== undefined) return { directory, json };
  const named = record(json['package'])['workspace'];
  if (typeof named === 'string') {
    const root = resolvePath(directory, named);
    const found = document(files, at(root, 'Cargo.toml'), 'toml');
    return isTrouble(found) ? found : { directory: root, json: found };
  }
  for (let above = parentOf(directory), last = directory; above !== last; last = above, above = parentOf(above)) {
    if (files.has(at(above, 'Cargo.toml')) !== 'yes') continue;
    const found = document(files, at(above, 'Cargo.toml'), 'toml');
    if (isTrouble(found)) return found;
    if (found['workspace'] !== undefined) return { directory: above, json: found };
  }
  return { directory, json };
}

function pathDependencies(json: Json): readonly string[] {
  const tables = [
    ...TABLES.map((name) => json[name]),
    ...Object.values(record(json['target'])).flatMap((target) => TABLES.map((name) => record(target)[name])),
    ...Object.values(record(json['patch'])),
    json['replace'],
    record(json['workspace'])['dependencies'],
  ];
  return tables
    .flatMap((table) => Object.values(record(table)))
    .map((dependency) => record(dependency)['path'])
    .filter((path): path is string => typeof path === 'string');
}

/** An empty file for every target that a manifest names, and for one that Cargo finds by itself. Absolute image paths. */
function stubsOf(packages: readonly Package[], files: Files, from: string): Stubs | Trouble {
  const made: string[] = [];
  for (const { directory, json } of packages) {
    const manifest = record(json['package']);
    if (json['package'] === undefined) continue;
    const library = record(json['lib'])['path'];
    const found = [
      ...(typeof library === 'string' ? [library] : []),
      ...['bin', 'example', 'test', 'bench'].flatMap((kind) =>
        list(json[kind]).map((target) => targetPath(kind, record(target), manifest, files, directory)),
      ),
      ...['src/main.rs', 'src/lib.rs'].filter((path) => files.has(at(directory, path)) === 'yes').slice(0, 1),
    ];
    if (found.length === 0 && manifest['autobins'] !== false) {
      const bins = files.entries(at(directory, 'src/bin')) ?? [];
      found.push(
        ...bins
          .filter((name) => name.endsWith('.rs'))
          .slice(0, 1)
          .map((name) => `src/bin/${name}`),
      );
    }
    if (found.length === 0 || found.some((path) => path === undefined || path.startsWith('..')))
      return {
        code: 'dynamic-manifest',
        message: `where the targets of \`${at(directory, 'Cargo.toml')}\` are is not clear`,
        help: 'give them a path',
      };
    made.push(...found.map((path) => at(directory, path as string)));
  }
  const paths = [...new Set(made)].sort().map((path) => relative(from, path));
  return paths.some((path) => path === undefined || !/^[\w./+@-]+$/.test(path))
    ? { code: 'path-outside-context', message: 'a target lies outside of the directory that the build runs in' }
    : (paths as Stubs);
}

type Stubs = readonly string[];

/** https://doc.rust-lang.org/cargo/reference/cargo-targets.html#target-auto-discovery */
function targetPath(kind: string, target: Json, manifest: Json, files: Files, directory: string): string | undefined {
  if (typeof target['path'] === 'string') return target['path'];
  const name = target['name'];
  if (typeof name !== 'string') return undefined;
  const folder = { bin: 'src/bin', example: 'examples', test: 'tests', bench: 'benches' }[kind] as string;
  const places = [
    `${folder}/${name}.rs`,
    `${folder}/${name}/main.rs`,
    ...(kind === 'bin' && name === manifest['name'] ? ['src/main.rs'] : []),
  ];
  return places.find((path) => files.has(at(directory, path)) === 'yes');
}

function relative(from: string, path: string): string | undefined {
  const inside = at(from, '');
  return path.startsWith(inside) ? path.slice(inside.length) : undefined;
}

function fetchCommand(args: Arguments, command: Command): string {
  const toolchain = args.positional.find((word) => word.startsWith('+'));
  const manifest = args.options.get('--manifest-path');
  return [
    command.words[0]?.text ?? 'cargo',
    ...(toolchain === undefined ? [] : [toolchain]),
    'fetch --locked',
    ...(typeof manifest === 'string' ? [`--manifest-path ${manifest}`] : []),
  ].join(' ');
}

/** The stubs are made, used and removed in one layer, which then holds nothing but what was downloaded. */
function withStubs(fetch: string, stubs: Stubs): string {
  const folders = [...new Set(stubs.map((path) => parentOf(`/${path}`).slice(1)).filter((path) => path !== ''))];
  const tops = [...new Set(stubs.map((path) => topOf(path)))];
  const commands = [
    ...(folders.length === 0 ? [] : [`mkdir -p ${folders.join(' ')}`]),
    `touch ${stubs.join(' ')}`,
    fetch,
    `rm -r ${tops.join(' ')}`,
  ];
  return commands.join(' && ');
}

/** The directory that only stubs are in, or the stub itself: `crates/a/src`, `build.rs`. */
function topOf(path: string): string {
  const match = /^(.*?\b(?:src|examples|tests|benches))\//.exec(path);
  return match?.[1] ?? path;
}

export const cargo: PackageManager = {
  name: 'cargo',
  summary: 'cargo fetch, and cargo build, install, test and run, which download implicitly',
  commands: ['cargo'],
  manifests: ['Cargo.toml', 'Cargo.lock'],
  globs: ['Cargo.toml', 'Cargo.lock*'],
  recognise,
  analyse,
  caches: [
    { path: '/usr/local/cargo/registry', class: 'store', variable: 'CARGO_HOME', inside: 'registry' },
    { path: '/usr/local/cargo/git/db', class: 'store', variable: 'CARGO_HOME', inside: 'git/db' },
  ],
};
