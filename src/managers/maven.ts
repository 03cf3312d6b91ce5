/**
 * Maven. Spec section 7. Adapt (W): `dependency:go-offline` with the same -f, -P, -s and -D options; the original
 * build after.
 *
 * Reads: [V: 3.8] the POM, every POM of `<modules>`, those of profiles too, parent POMs by their relativePath, the
 * nearest .mvn/, the wrapper, the `-s` file; and the files that the options in .mvn/maven.config, .mvn/jvm.config and
 * MAVEN_OPTS name, from the current directory.
 *
 * Writes: ~/.m2; builds target/ of every module.
 *
 * Runs: plugins, which builds run over the source.
 *
 * Hazards: go-offline is for a project of a single module: it fails on siblings that have not been built [V]. A
 * profile that a file activates changes with missing source [V]. It does not find all that plugins load at run time.
 * `clean` and `dependency:copy-dependencies` change target/ or another directory, so that a late copy could undo them;
 * `install:install-file` is what a later download needs.
 *
 * Sources: https://maven.apache.org/plugins/maven-dependency-plugin/go-offline-mojo.html,
 * https://maven.apache.org/configure.html
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { ancestors, parentOf, resolvePath } from '../dockerfile/state.ts';
import { has, optionTable, parseArguments, type Arguments } from './shared/arguments.ts';
import { document, list } from './shared/documents.ts';
import { at, inside, record, type Json } from './shared/package-json.ts';
import {
  alreadyCached,
  bareBuild,
  build,
  generated,
  isMounted,
  isTrouble,
  single,
  unknown,
  unresolvedVariable,
} from './shared/steps.ts';

const OPTIONS = optionTable(
  '-T --threads -l --log-file -b --builder -rf --resume-from -pl --projects -D --define --color',
  '-f --file -s --settings -gs --global-settings -P --activate-profiles -t --toolchains -gt --global-toolchains',
);
/** Options that name a file. */
const NAMED = ['-s', '--settings', '-gs', '--global-settings', '-t', '--toolchains', '-gt', '--global-toolchains'];
const FETCHES =
  /^(?:clean|(?:org\.apache\.maven\.plugins:maven-)?dependency(?:-plugin)?:.*|de\.qaware\.maven:go-offline-maven-plugin:.*)$/;
/** Of these, the ones that do no more than fill the local repository, unless they are told to write a file. */
const DOWNLOADS =
  /:(?:resolve-dependencies|go-offline|resolve(?:-plugins|-sources)?|sources|get|list(?:-repositories)?|tree)$/;
/** Goals that copy what they download, and where to if nothing is said. https://maven.apache.org/plugins/maven-dependency-plugin */
const COPIES = /:(copy|unpack)-dependencies$/;
/** A build has a phase in it; a goal alone, such as `install:install-file` or `versions:set`, may need no dependency. */
const isPhase = (goal: string): boolean => !goal.includes(':') && goal !== 'clean';
const STORES = ['/root/.m2', '/root/.m2/repository'];
/** Options that a download has as well. */
const KEPT =
  /^(?:-B|--batch-mode|-q|--quiet|-ntp|--no-transfer-progress|-U|--update-snapshots|-e|--errors|-f|--file|-s|--settings|-gs|--global-settings|-P.*|--activate-profiles|-C|-D(?!skipTests|maven\.test\.skip|skipITs).*)$/;

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  if (args.positional.length === 0) return undefined;
  const file = args.options.get('-f') ?? args.options.get('--file');
  const path = typeof file === 'string' ? resolvePath(place.directory, file) : place.directory;
  const directory = /\.(?:xml|pom)$/.test(path) ? parentOf(path) : path;
  const base = { manager: 'maven', command, place, directory };
  if (args.positional.some(isPhase)) return { ...base, kind: 'build' };
  return args.positional.every((goal) => FETCHES.test(goal)) ? { ...base, kind: 'fetch' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  const refuse = (trouble: Trouble): Analysis =>
    install.kind === 'build' ? bareBuild(install, trouble) : unknown(install, trouble);
  if (install.kind === 'build' && isMounted(install.place, STORES))
    return refuse(alreadyCached(install, 'the local repository'));
  if (has(args, '-o', '--offline'))
    return refuse({ code: 'already-cached', message: `\`${install.command.text}\` downloads nothing` });
  // Goals and options that are not constant are those of the build, unless they say what is read.
  if (args.unresolved !== undefined && !args.unresolved.startsWith('-D') && !args.unresolved.startsWith('"-D'))
    return refuse(unresolvedVariable(install, args.unresolved));
  const project = readProject(install, files, args);
  if (isTrouble(project)) return refuse(project);
  const fetch = { reads: project.reads, writes: [], edits: [], system: 'reads', warm: true } as const;
  if (install.kind === 'fetch') {
    const filled = filledBy(install, args, project);
    if (isTrouble(filled)) return unknown(install, filled);
    const name = install.command.text;
    if (filled.length === 0) return single({ ...fetch, name });
    const kept = filled.map((path) => ({ path, tree: true }));
    return {
      ...single({
        name,
        reads: [...project.reads, ...kept],
        writes: filled,
        edits: [],
        system: 'writes',
        settles: true,
      }),
      outputs: filled,
      ignore: inside(install.directory, filled),
    };
  }
  if (project.several !== undefined)
    return refuse({
      code: 'local-dependency-builds',
      message: `\`${project.several}\`: its modules may depend on one another, and \`dependency:go-offline\` fails on one that has not been built`,
      help: 'mount a cache at /root/.m2 instead (--add cache-mounts)',
    });
  const program = install.command.words[0]?.text ?? 'mvn';
  const options = args.list
    .filter(([name]) => KEPT.test(name))
    .map(([name, value]) => (value === true ? name : `${name}${name.startsWith('-D') ? '=' : ' '}${value}`));
  const before = [program, ...options, 'dependency:go-offline'].join(' ');
  return build(install, { ...fetch, name: before }, [
    {
      before,
      after: install.command.text,
      why: 'dependencies are downloaded by a step of their own',
      ...(project.repositories
        ? { risk: 'plugins that the build never uses may be missing from the repositories that the project names' }
        : {}),
    },
  ]);
}

interface Project {
  readonly reads: readonly Read[];
  /** A POM that has modules, or is one. */
  readonly several: string | undefined;
  /** It, or its settings, names repositories of its own. */
  readonly repositories: boolean;
  /** It says where plugins put what they make. */
  readonly moves: boolean;
}

function readProject(install: Install, files: Files, args: Arguments): Project | Trouble {
  const { directory, command } = install;
  const file = args.options.get('-f') ?? args.options.get('--file');
  const pom =
    typeof file === 'string' && /\.(?:xml|pom)$/.test(file)
      ? resolvePath(install.place.directory, file)
      : at(directory, 'pom.xml');
  const reads = new Map<string, Read>();
  let several: string | undefined;
  let repositories = false;
  let moves = false;
  const queue = [pom];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (reads.has(path)) continue;
    reads.set(path, { path });
    const xml = document(files, path, 'xml');
    if (isTrouble(xml)) return xml;
    const project = record(xml['project']);
    const profiles = list(record(project['profiles'])['profile']).map(record);
    const trouble = whyNot(path, project, profiles);
    if (trouble !== undefined) return trouble;
    const here = parentOf(path);
    if (
      record(project['build'])['directory'] !== undefined ||
      /<output(?:Directory|File)>/.test(files.read(path) ?? '')
    )
      moves = true;
    for (const each of [project, ...profiles]) {
      for (const module of texts(record(each['modules'])['module'])) {
        several ??= path;
        const target = resolvePath(here, module);
        queue.push(target.endsWith('.xml') ? target : at(target, 'pom.xml'));
      }
      const own = list(record(each['repositories'])['repository']).map(record);
      if (own.length > 0) repositories = true;
      own.push(...list(record(each['pluginRepositories'])['pluginRepository']).map(record));
      if (own.some((repository) => /^file:|\$\{/.test(textOf(repository['url']))))
        return dynamic(`\`${path}\` names a repository on the disk`);
    }
    const parent = parentPom(project, here);
    if (parent !== undefined && files.has(parent) === 'yes') {
      several ??= path;
      queue.push(parent);
    }
  }
  const wrapper = command.words[0]?.value ?? '';
  const script = wrapper.endsWith('mvnw') ? resolvePath(install.place.directory, wrapper) : undefined;
  if (script !== undefined) reads.set(script, { path: script });
  const words: string[] = ['MAVEN_OPTS', 'MAVEN_ARGS'].flatMap((name) => wordsOf(install.place.environment(name)));
  for (const start of new Set([directory, script === undefined ? install.place.directory : parentOf(script)])) {
    const folder = nearest(start, files);
    if (folder === undefined) continue;
    reads.set(folder, { path: folder, tree: true });
    for (const name of ['maven.config', 'jvm.config']) {
      const path = at(folder, name);
      if (files.has(path) === 'no') continue;
      const text = files.read(path);
      if (text === undefined) return generated(path);
      words.push(...wordsOf(text));
    }
  }
  const options = words.map((word) => word.split('=', 1)[0] ?? '');
  if (options.some((name) => name === '-o' || name === '--offline'))
    return { code: 'already-cached', message: `\`${command.text}\` downloads nothing, by its configuration` };
  if (options.some((name) => name === '-f' || name === '--file'))
    return dynamic(`.mvn/maven.config of \`${directory}\` names another POM`);
  for (const name of NAMED) {
    const given = words.flatMap((word, index) =>
      word === name ? (words[index + 1] ?? '') : word.startsWith(`${name}=`) ? word.slice(name.length + 1) : [],
    );
    for (const value of [args.options.get(name), ...given]) {
      if (typeof value !== 'string') continue;
      if (value.includes('$')) return dynamic(`\`${name} ${value}\` in the configuration of Maven is computed`);
      repositories = true;
      const path = resolvePath(install.place.directory, value);
      reads.set(path, { path });
      if (/file:\/|\$\{(?:basedir|project|session|maven)\./.test(files.read(path) ?? ''))
        return dynamic(`\`${path}\` names a repository on the disk`);
    }
  }
  // -Djavax.net.ssl.trustStore=ci/store.jks, -javaagent:ci/agent.jar
  const set = args.list.filter(([name]) => name.startsWith('-D')).map(([name, value]) => `${name}=${value}`);
  for (const part of [...set, ...words].flatMap((word) => word.split(/[=:,]/))) {
    const path = resolvePath(install.place.directory, part);
    if (part !== '' && files.has(path) === 'yes' && files.entries(path)?.length === 0) reads.set(path, { path });
  }
  return { reads: [...reads.values()], several, repositories, moves };
}

/** Directories of the project that a download fills, or empties. */
function filledBy(install: Install, args: Arguments, project: Project): readonly string[] | Trouble {
  const { directory } = install;
  const target = at(directory, 'target');
  const options = args.list.map(([name, value]) => (name === '-D' ? `-D${value}` : name));
  const given = args.options.get('-DoutputDirectory');
  const filled: string[] = [];
  let isKnown = !options.some((name) => /^-D(?:mdep\.|output(?!Directory$))/.test(name));
  for (const goal of args.positional)
    if (goal === 'clean') filled.push(target);
    else if (COPIES.test(goal))
      filled.push(typeof given === 'string' ? resolvePath(directory, given) : at(target, 'dependency'));
    else if (!DOWNLOADS.test(goal)) isKnown = false;
  const isBeside = filled.some((path) => path === directory || directory.startsWith(`${path}/`));
  return isKnown && !isBeside && (filled.length === 0 || (project.several === undefined && !project.moves))
    ? filled
    : {
        code: 'mutating-install',
        message: `\`${install.command.text}\` writes into the project, or may`,
        help: 'download with `dependency:go-offline` in a step of its own, ahead of the source',
      };
}

function dynamic(message: string): Trouble {
  return { code: 'dynamic-manifest', message, help: 'mount a cache at /root/.m2 instead (--add cache-mounts)' };
}

function wordsOf(text = ''): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Maven takes the first .mvn from the POM's directory upward [V: 3.8]. */
function nearest(directory: string, files: Files): string | undefined {
  return [...ancestors(directory)].map((each) => at(each, '.mvn')).find((folder) => files.has(folder) === 'yes');
}

function whyNot(path: string, project: Json, profiles: readonly Json[]): Trouble | undefined {
  if (profiles.some((profile) => record(profile['activation'])['file'] !== undefined))
    return dynamic(`a profile of \`${path}\` is activated by a file`);
  const version = textOf(project['version']);
  const parent = textOf(record(project['parent'])['version']);
  if (/\$\{(?:revision|sha1|changelist)\}/.test(version + parent) || parent.endsWith('-SNAPSHOT'))
    return dynamic(`the version of \`${path}\` is not fixed (\`${version === '' ? parent : version}\`)`);
  const dependencies = list(record(project['dependencies'])['dependency']).map(record);
  if (dependencies.some((each) => textOf(each['scope']) === 'system'))
    return {
      code: 'dynamic-manifest',
      message: `\`${path}\` has a dependency of scope \`system\``,
      help: 'put it into a repository',
    };
  return undefined;
}

/** https://maven.apache.org/ref/current/maven-model/maven.html#parent: `../pom.xml`, unless it says otherwise. */
function parentPom(project: Json, directory: string): string | undefined {
  if (project['parent'] === undefined) return undefined;
  const { relativePath } = record(project['parent']);
  if (relativePath === '') return undefined;
  const path = resolvePath(directory, relativePath === undefined ? '../pom.xml' : textOf(relativePath));
  return path.endsWith('.xml') ? path : at(path, 'pom.xml');
}

function texts(value: unknown): readonly string[] {
  return list(value).map(textOf);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

export const maven: PackageManager = {
  name: 'maven',
  summary: 'mvn dependency:go-offline and the like, and mvn package, verify and install, which download implicitly',
  commands: ['mvn', 'mvnw', 'mvnd'],
  manifests: ['pom.xml'],
  globs: ['pom.xml'],
  recognise,
  analyse,
  caches: [{ path: '~/.m2', class: 'store' }],
};
