/**
 * Cargo. Spec section 14. Adapt (W): stubs and `cargo fetch`, with `--locked` where the build has it; the original
 * build after.
 *
 * Reads: [V: 1.95] Cargo.toml and Cargo.lock, the manifests of all members and path dependencies, .cargo/config(.toml)
 * and rust-toolchain(.toml) there and in every parent, and what that configuration names: other files of it, patches
 * and overrides by path, certificates. Manifests alone fail with "no targets specified", so a fetch needs a file for
 * each target, be it an empty one; build.rs is not needed to fetch, unless the package has `links`.
 *
 * Writes: the registry in CARGO_HOME; builds target/.
 *
 * Runs: build scripts and procedural macros, by builds alone.
 *
 * Hazards: a stub *build* leaves fingerprints, and real source with an older time then ships the stub's binary [V]; it
 * is never emitted. A fetch leaves none. A glob member that is absent makes a smaller build, even with `--locked`. With
 * a Cargo.lock that is not up to date a build passes and brings it up to date, as a fetch does, and `cargo fetch
 * --locked` fails [V]; the copy of the source puts back what stood there.
 *
 * Sources: https://doc.rust-lang.org/cargo/commands/cargo-fetch.html,
 * https://doc.rust-lang.org/cargo/reference/config.html
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Split, Trouble } from '../model.ts';
import { ancestors, parentOf, resolvePath } from '../dockerfile/state.ts';
import { optionTable, parseArguments, type Arguments } from './shared/arguments.ts';
import { document, list } from './shared/documents.ts';
import { at, record, relative, strings, type Json } from './shared/package-json.ts';
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
  '-p --package --bin --example --test --bench -F --features --target --target-dir --profile -j --jobs --message-format --color -Z --root --version --git --branch --tag --rev --registry --index --out-dir --artifact-dir',
  '--manifest-path --path -C --recipe-path --config',
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
const TOOLCHAIN = ['rust-toolchain', 'rust-toolchain.toml'];
const CONFIGURATION = ['.cargo/config.toml', '.cargo/config', ...TOOLCHAIN];
/** Of `[build]`: run by every command, to ask for the version [V: 1.95]. */
const PROGRAMS = ['rustc', 'rustc-wrapper', 'rustc-workspace-wrapper'];
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
  // Which toolchain builds it is said there; .cargo/config.toml of the project does not count.
  // https://doc.rust-lang.org/cargo/commands/cargo-install.html
  if (install.kind === 'tool')
    return tool(
      install,
      [...ancestors(install.directory)]
        .flatMap((directory) => TOOLCHAIN.map((name) => ({ path: at(directory, name) })))
        .filter(({ path }) => files.has(path) === 'yes'),
    );
  const args = parseArguments(install.command, 1, OPTIONS);
  const isChef = args.positional.includes('chef');
  if (isChef) return unknown(install, installsProject(install, 'stubs of the project'));
  const refusal = install.kind === 'build' ? whyNotFetch(install) : undefined;
  if (refusal !== undefined) return bareBuild(install, refusal);
  const project = readProject(install, args, files);
  if (isTrouble(project)) return unknown(install, project);
  const { reads, packages } = project;
  const fetch = { reads, writes: [], edits: [], system: 'reads', warm: true } as const;
  const stubs = stubsOf(packages, files, install.place.directory);
  if (install.kind === 'fetch') {
    const isAlone = install.command.operator === undefined;
    // What it adds to Cargo.lock would be lost with a copy below it, and a later `--locked` would fail.
    if (isAlone && project.outdated !== undefined && !isLocked(args)) return unknown(install, project.outdated);
    // Without a file for each target it fails.
    if (isTrouble(stubs)) return unknown(install, stubs);
    const targets = stubs.map((path) => resolvePath(install.place.directory, path));
    const absent = targets.find((path) => files.has(path) === 'no');
    if (absent !== undefined) return unknown(install, missing(absent, 'where cargo looks for a target'));
    // In a chain they may be made just before it, as for our own; what is in the build context has been copied.
    const areCopied = isAlone || targets.some((path) => files.read(path) !== undefined);
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

interface Project {
  readonly reads: readonly Read[];
  readonly packages: readonly Package[];
  /** Cargo.lock does not fit the manifests, as far as they tell. */
  readonly outdated: Trouble | undefined;
}

/** Every manifest that the resolution of Cargo.lock looks at. */
function readProject(install: Install, args: Arguments, files: Files): Project | Trouble {
  const own = document(files, at(install.directory, 'Cargo.toml'), 'toml');
  if (isTrouble(own)) return own;
  const root = workspaceRoot(install.directory, own, files);
  if (isTrouble(root)) return root;
  const reads: Read[] = [];
  for (const directory of new Set([...ancestors(install.directory), ...ancestors(install.place.directory)]))
    for (const name of [...CONFIGURATION, ...(directory === install.directory ? [] : ['Cargo.toml'])])
      reads.push({ path: at(directory, name) });
  const settings = readSettings(install, args, files);
  if (isTrouble(settings)) return settings;
  reads.push(...settings.reads);
  const lock = at(root.directory, 'Cargo.lock');
  const locked = document(files, lock, 'toml');
  if (isTrouble(locked))
    return { ...locked, help: 'commit Cargo.lock: without it a build downloads whatever is newest' };
  const sources = strings(list(locked['package']).map((each) => record(each)['source']));
  if (sources.some((source) => /^(?:git|registry)\+(?:ssh|file)/.test(source))) return notOverHttp(lock);
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
  const local = [root.directory, ...members.filter((member) => !excluded.has(member)), install.directory];
  const queue = [...local, ...settings.patches];
  for (let directory = queue.shift(); directory !== undefined; directory = queue.shift()) {
    if (packages.has(directory)) continue;
    const path = at(directory, 'Cargo.toml');
    const json = document(files, path, 'toml');
    if (isTrouble(json)) return json;
    packages.set(directory, { directory, json });
    reads.push({ path });
    // One of another workspace may inherit from its root.
    const owner = workspaceRoot(directory, json, files);
    if (isTrouble(owner)) return owner;
    if (owner.directory !== directory) reads.push({ path: at(owner.directory, 'Cargo.toml') });
    queue.push(...pathDependencies(json).map((each) => resolvePath(directory, each)));
  }
  reads.push({ path: lock });
  const locals = local.flatMap((directory) => packages.get(directory) ?? []);
  return {
    reads,
    packages: [...packages.values()].sort((a, b) => (a.directory < b.directory ? -1 : 1)),
    outdated: whyOutdated(lock, locked, locals, root.json),
  };
}

/** A package that Cargo.lock lacks, or has in another version, or a dependency; which features it is for is not looked at. */
function whyOutdated(path: string, lock: Json, packages: readonly Package[], root: Json): Trouble | undefined {
  const locked = list(lock['package']).map(record);
  const shared = record(root['workspace']);
  for (const { json } of packages) {
    const { name, version = '0.0.0' } = record(json['package']);
    const own = record(version)['workspace'] === true ? record(shared['package'])['version'] : version;
    if (typeof name === 'string' && !locked.some((each) => each['name'] === name && each['version'] === own))
      return outdated(path, name);
    for (const [key, dependency] of dependencyTables(json).flatMap((table) => Object.entries(record(table)))) {
      const isShared = record(dependency)['workspace'] === true;
      const said = isShared ? record(shared['dependencies'])[key] : dependency;
      const meant = record(said)['package'] ?? key;
      const asked = typeof said === 'string' ? said : record(said)['version'];
      if (!locked.some((each) => each['name'] === meant && mayMeet(each['version'], asked))) return outdated(path, key);
    }
  }
  return undefined;
}

/** Whether a locked version is one that a requirement such as `1.2` or `^0.4` takes; of any other kind it is not judged. */
function mayMeet(locked: unknown, asked: unknown): boolean {
  const caret = typeof asked === 'string' ? /^\s*\^?\s*(\d+(?:\.\d+){0,2})\s*$/.exec(asked)?.[1] : undefined;
  if (caret === undefined || typeof locked !== 'string' || !/^\d+\.\d+\.\d+$/.test(locked)) return true;
  const least = caret.split('.').map(Number);
  const has = locked.split('.').map(Number);
  const fixed = least.findIndex((part) => part !== 0);
  const differs = least.findIndex((part, index) => part !== has[index]);
  if (differs === -1) return true;
  return fixed !== -1 && differs > fixed && (has[differs] ?? 0) > (least[differs] ?? 0);
}

function outdated(path: string, name: string): Trouble {
  return {
    code: 'lockfile-outdated',
    message: `\`${path}\` does not have \`${name}\` as the manifests do`,
    help: 'run `cargo update --workspace` and commit Cargo.lock',
  };
}

function notOverHttp(path: string): Trouble {
  return {
    code: 'private-modules',
    message: `\`${path}\` names crates that are fetched over SSH or from a disk`,
    help: 'mount a cache at /usr/local/cargo/registry instead',
  };
}

interface Settings {
  readonly reads: readonly Read[];
  /** Directories of packages that take the place of others. */
  readonly patches: readonly string[];
}

/**
 * The configuration from the current directory upward and in CARGO_HOME. Of one directory `config` wins over
 * `config.toml`. Paths are relative to the directory that .cargo is in.
 * https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure
 */
function readSettings(install: Install, args: Arguments, files: Files): Settings | Trouble {
  const reads: Read[] = [];
  const patches: string[] = [];
  const sources = new Map<string, Json>();
  const given = args.list.find(
    ([name, value]) => name === '--config' && (value === true || !/^(?:build|env|profile|target|term)\./.test(value)),
  );
  if (given !== undefined)
    return {
      code: 'dynamic-manifest',
      message: `\`${install.command.text}\` is told where crates come from (\`--config ${given[1]}\`)`,
      help: 'put it into .cargo/config.toml',
    };
  // `--manifest-path` does not change where it looks, `cargo install --path` does [V].
  const from = args.options.has('--manifest-path') ? install.place.directory : install.directory;
  const home = install.place.environment('CARGO_HOME') ?? '/usr/local/cargo';
  const queue: { path: string; base: string }[] = [];
  for (const folder of [...[...ancestors(from)].map((directory) => at(directory, '.cargo')), home]) {
    const found = ['config', 'config.toml'].map((name) => at(folder, name)).find((path) => files.has(path) === 'yes');
    if (found !== undefined) queue.push({ path: found, base: parentOf(folder) });
  }
  const seen = new Set<string>();
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { path, base } = next;
    if (seen.has(path)) continue;
    seen.add(path);
    reads.push({ path });
    const json = document(files, path, 'toml');
    if (isTrouble(json)) return json;
    for (const each of list(json['include'])) {
      const { path: name, optional } = typeof each === 'string' ? { path: each, optional: false } : record(each);
      if (typeof name !== 'string') continue;
      const included = resolvePath(parentOf(path), name);
      if (optional !== true || files.has(included) !== 'no') queue.push({ path: included, base });
      else reads.push({ path: included });
    }
    const program = PROGRAMS.map((key) => record(json['build'])[key]).find(isPath);
    if (program !== undefined)
      return {
        code: 'dynamic-manifest',
        message: `\`${path}\` has every command of cargo run \`${program}\`, and what that reads is not known`,
        help: 'set it with ENV in front of the build alone, or mount a cache at /usr/local/cargo/registry (--add cache-mounts)',
      };
    for (const key of ['cainfo', 'proxy-cainfo']) {
      const name = record(json['http'])[key];
      if (typeof name === 'string') reads.push({ path: resolvePath(base, name) });
    }
    for (const name of strings(list(record(json['build'])['target'])))
      if (name.endsWith('.json')) reads.push({ path: resolvePath(base, name) });
    for (const each of Object.values(record(json['registries'])))
      for (const name of strings(list(record(each)['credential-provider'])).filter(isPath))
        reads.push({ path: resolvePath(base, name) });
    for (const name of strings(json['paths'])) reads.push({ path: resolvePath(base, name), tree: true });
    patches.push(...pathDependencies({ patch: json['patch'] }).map((each) => resolvePath(base, each)));
    for (const [name, source] of Object.entries(record(json['source'])))
      sources.set(name, { ...record(source), ...sources.get(name) });
    for (const { registry } of Object.values(record(json['source'])).map(record))
      if (typeof registry === 'string' && !/^(?:sparse\+)?https?:/.test(registry)) return notOverHttp(path);
  }
  const replacements = [...sources.values()].map((source) => source['replace-with']);
  const vendored = replacements
    .map((name) => (typeof name === 'string' ? (sources.get(name) ?? {}) : {}))
    .some((source) => source['directory'] !== undefined || source['local-registry'] !== undefined);
  return vendored
    ? { code: 'already-cached', message: `\`${install.command.text}\` takes its crates from a vendored source` }
    : { reads, patches };
}

const isPath = (value: unknown): value is string => typeof value === 'string' && value.includes('/');

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

function dependencyTables(json: Json): readonly unknown[] {
  return [json, ...Object.values(record(json['target']))].flatMap((each) => TABLES.map((name) => record(each)[name]));
}

function pathDependencies(json: Json): readonly string[] {
  const tables = [
    ...dependencyTables(json),
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
    const bins = list(json['bin']).map(record);
    const { 'default-run': run } = manifest;
    const found = [
      // Once there is a [lib], cargo wants its file, whatever else there is [V].
      ...(json['lib'] === undefined ? [] : [record(json['lib'])['path'] ?? 'src/lib.rs']),
      ...['bin', 'example', 'test', 'bench'].flatMap((kind) =>
        list(json[kind]).map((target) => targetPath(kind, record(target), manifest, files, directory)),
      ),
      ...(run === undefined || bins.some(({ name }) => name === run)
        ? []
        : [targetPath('bin', { name: run }, manifest, files, directory)]),
      ...['src/main.rs', 'src/lib.rs'].filter((path) => files.has(at(directory, path)) === 'yes').slice(0, 1),
    ];
    if (found.length === 0 && manifest['autobins'] !== false) {
      const names = files.entries(at(directory, 'src/bin')) ?? [];
      found.push(
        ...names
          .filter((name) => name.endsWith('.rs'))
          .slice(0, 1)
          .map((name) => `src/bin/${name}`),
      );
    }
    if (found.length === 0 || found.some((path) => typeof path !== 'string' || path.startsWith('..')))
      return {
        code: 'dynamic-manifest',
        message: `where the targets of \`${at(directory, 'Cargo.toml')}\` are is not clear`,
        help: 'give them a path',
      };
    // With `links`, cargo wants the build script, too [V: 1.95].
    const { links, build: script = 'build.rs' } = manifest;
    if (links !== undefined && typeof script === 'string') found.push(script);
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

/** Of the options of cargo itself: what follows `--` is the program's. */
function isLocked({ list: options }: Arguments): boolean {
  const end = options.findIndex(([name]) => name === '--');
  return options.some(([name], index) => /^--(?:locked|frozen)$/.test(name) && (end < 0 || index < end));
}

function fetchCommand(args: Arguments, command: Command): string {
  const toolchain = args.positional.find((word) => word.startsWith('+'));
  const manifest = args.options.get('--manifest-path');
  return [
    command.words[0]?.text ?? 'cargo',
    ...(toolchain === undefined ? [] : [toolchain]),
    'fetch',
    ...(isLocked(args) ? ['--locked'] : []),
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
