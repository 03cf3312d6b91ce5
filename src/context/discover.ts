/**
 * Which directory does a Dockerfile build from? Evidence first: compose files, bake files, workflows, Makefiles, package
 * scripts and shell scripts that name it. Without any, the nearest directory upwards that holds what it copies.
 * All of it is read as text; nothing is run, and what cannot be read is no evidence.
 */
import { parse as parseJsonc } from 'jsonc-parser';
import type { Trouble } from '../model.ts';
import { buildCommands, MAX_BUILDS, ROOT, type ScriptKind } from './commands.ts';
import { holdsBelow, sorted } from './tree.ts';

/** What of a repository is looked at: all paths relative to its root. */
export interface View {
  readonly files: readonly string[];
  read(path: string): string | undefined;
  /** The file in the repository that a symlink leads to. */
  target?(path: string): string | undefined;
}

export interface Evidence {
  /** Relative to the repository's root, `.` for the root; absent: it is named, and cannot be told. */
  readonly context?: string;
  readonly dockerfile: string;
  /** The file that says so, and where an absent context is named. */
  readonly file: string;
  readonly line?: number;
  /** From a file of which nothing says where it is run. */
  readonly weak?: boolean;
  /** The Dockerfile's text, where it stands in that file itself. */
  readonly inline?: string;
}

/** A build as some file describes it. */
interface Build {
  /** As written, relative to the base; absent: it cannot be told. */
  readonly context?: string | undefined;
  /** Relative to the repository's root; absent: the context's own. */
  readonly dockerfile?: string | undefined;
  /** Relative to a context that cannot be told. */
  readonly within?: string | undefined;
  readonly inline?: string | undefined;
  /** Relative to the repository's root. */
  readonly base: string;
  /** The same for one build that is read from two bases, of which only one can be right. */
  readonly guessed?: string;
}

type Reader = (text: string, directory: string, view: View) => Promise<readonly Build[]> | readonly Build[];

const MAX_TEXT = 1_000_000;
const MAX_CANDIDATES = 5_000;

/** One look rules out most files of a repository. */
const CANDIDATE = /\.(?:ya?ml|hcl|json|mk|sh|just)$|[Mm]akefile$|[Jj]ustfile$|Jenkinsfile/;

const COMPOSE = /(?:^|\/)(?:docker-)?compose[^/]*\.ya?ml$/;

/** The first that fits the path reads the file. */
const READERS: readonly { readonly file: RegExp; readonly read: Reader; readonly weak?: true }[] = [
  { file: COMPOSE, read: readCompose },
  { file: /(?:^|\/)docker-bake(?:\.[^/]+)?\.(?:json|hcl)$/, read: readBake },
  { file: /^\.(?:github|gitea|forgejo)\/workflows\/[^/]+\.ya?ml$/, read: readWorkflow },
  { file: /(?:^|\/)\.gitlab-ci[^/]*\.ya?ml$|^\.gitlab\/.*\.ya?ml$/, read: readGitlab },
  { file: /(?:^|\/)(?:GNU)?[Mm]akefile$/, read: (text, directory) => readMakefile(text, directory, [directory]) },
  // Included from beside it, or from the root.
  { file: /\.mk$/, read: (text, directory) => readMakefile(text, directory, ['.', directory]), weak: true },
  { file: /(?:^|\/)package\.json$/, read: readPackageScripts },
  { file: /(?:^|\/)skaffold[^/]*\.ya?ml$/, read: readSkaffold },
  { file: /(?:^|[./])devcontainer\.json$/, read: readDevcontainer },
  // Run from the root, or from where they are. Deeper ones belong to something else.
  {
    file: /^(?:[^/]+\/){0,3}[^/]+\.sh$/,
    read: (text, directory) => commands(text, directory, ['.', directory]),
    weak: true,
  },
  {
    file: /(?:^|\/)(?:\.circleci\/config|\.travis|\.drone|(?:azure|bitbucket)-pipelines[^/]*|buildspec[^/]*|cloudbuild[^/]*|[Tt]askfile[^/]*)\.ya?ml$/,
    read: readSteps,
    weak: true,
  },
  {
    file: /(?:^|\/)\.?[Jj]ustfile$|\.just$/,
    read: (text, directory) =>
      commands(text.replace(/^[ \t]+[@-]*/gm, '').replace(/\{\{ *(\w+) *\}\}/g, '${$1}'), directory, [directory], {
        separateLines: true,
      }),
    weak: true,
  },
  { file: /(?:^|\/)Jenkinsfile[^/]*$/, read: readPipeline, weak: true },
];

/** All builds that the repository's own files describe, as far as they can be read without running anything. */
export async function findEvidence(view: View): Promise<readonly Evidence[]> {
  const found: Evidence[] = [];
  const known: Known = { files: sorted(view.files), has: new Set(view.files) };
  const candidates = view.files.filter(
    (file) => CANDIDATE.test(file) && !/(?:^|\/)(?:node_modules|vendor)\//.test(file),
  );
  const included = await projectDirectories(candidates, view);
  for (const file of candidates.slice(0, MAX_CANDIDATES)) {
    const reader = READERS.find((each) => each.file.test(file));
    const text = reader === undefined ? undefined : view.read(file);
    if (reader === undefined || text === undefined || text.length > MAX_TEXT) continue;
    if (!/docker|build|podman/i.test(file + text)) continue;
    let builds: readonly Build[] = [];
    try {
      builds = await reader.read(text, included.get(file) ?? directoryOf(file), view);
    } catch {
      // Not valid: no evidence.
    }
    const located = builds
      .slice(0, MAX_BUILDS)
      .map((build) => locate(build, known, file))
      .filter((each) => each !== undefined);
    for (const each of located) {
      // The same build read from two starting points must not name two Dockerfiles.
      if (
        each.guessed !== undefined &&
        located.some(
          (other) =>
            other.guessed === each.guessed && (other.context !== each.context || other.dockerfile !== each.dockerfile),
        )
      )
        continue;
      const { context, dockerfile, inline } = each;
      const evidence: Evidence = {
        ...(context === undefined ? { line: lineOf(text, each) } : { context }),
        dockerfile,
        file,
        ...(reader.weak === true || each.guessed !== undefined ? { weak: true } : {}),
        ...(inline === undefined ? {} : { inline }),
      };
      found.push(evidence);
      const target = inline === undefined ? view.target?.(dockerfile) : undefined;
      if (target !== undefined && target !== dockerfile) found.push({ ...evidence, dockerfile: target });
    }
  }
  return found;
}

interface Known {
  readonly files: readonly string[];
  readonly has: ReadonlySet<string>;
}

interface Located {
  readonly context?: string;
  readonly dockerfile: string;
  readonly inline?: string;
  readonly guessed?: string;
  /** The context as written. */
  readonly written: string;
}

/** Known only when it runs. */
const VARIES = /[$`]|\{\{/;
const REMOTE = /^(?:[a-z][a-z+]*:|git@|github\.com\/)/;

/** Undefined: the Dockerfile is remote, outside of the repository, known only when it runs, or not there. */
function locate(build: Build, known: Known, file: string): Located | undefined {
  const { context = '', dockerfile, base, inline, guessed } = build;
  if (REMOTE.test(context) || VARIES.test(dockerfile ?? '') || REMOTE.test(dockerfile ?? '')) return undefined;
  const rest = {
    written: context,
    ...(guessed === undefined ? {} : { guessed }),
    ...(inline === undefined ? {} : { inline }),
  };
  const directory = build.context === undefined || VARIES.test(context) ? undefined : inside(base, context);
  const place = directory !== undefined && isDirectory(known, directory) ? { context: directory } : {};
  if (inline !== undefined) return { ...place, dockerfile: file, ...rest };
  if (build.within !== undefined) return placedBy(build.within, known, rest);
  if (dockerfile !== undefined) return known.has.has(dockerfile) ? { ...place, dockerfile, ...rest } : undefined;
  if (place.context === undefined) return undefined;
  const own = ['Dockerfile', 'Containerfile'].map((name) => join(place.context, name));
  const found = own.find((name) => known.has.has(name));
  return found === undefined ? undefined : { ...place, dockerfile: found, ...rest };
}

/** The one file of that name below some directory tells which directory it is. */
function placedBy(within: string, { files }: Known, rest: Pick<Located, 'written'>): Located | undefined {
  const name = VARIES.test(within) ? undefined : inside('.', within);
  if (name === undefined || within.split('/').includes('..')) return undefined;
  const found = files.filter((path) => path === name || path.endsWith(`/${name}`));
  const [dockerfile] = found;
  if (dockerfile === undefined || found.length > 1) return undefined;
  return { context: dockerfile.slice(0, -name.length - 1) || '.', dockerfile, ...rest };
}

/** A directory of which git knows nothing may be made by a step before the build. */
function isDirectory({ files }: Known, directory: string): boolean {
  return directory === '.' || holdsBelow(files, directory);
}

/** Where a build is named whose context cannot be told. */
function lineOf(text: string, { written, dockerfile }: Located): number {
  const lines = text.split('\n');
  const name = dockerfile.slice(dockerfile.lastIndexOf('/') + 1);
  for (const words of [[written, name], [written], [name]]) {
    const at = lines.findIndex((line) => words.every((word) => line.includes(word)));
    if (at >= 0 && words.some((word) => word !== '')) return at + 1;
  }
  return 1;
}

async function yaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  return parse(text, { maxAliasCount: 100, logLevel: 'silent', merge: true });
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

// --------------------------------------------------------------------------------------------------- compose

const COMPOSE_NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

interface ComposeView extends View {
  /** The services of other files, each read once. */
  readonly composed: Map<string, Readonly<Record<string, unknown>>>;
}

async function readCompose(text: string, directory: string, repository: View): Promise<readonly Build[]> {
  if (!/build|extends/.test(text)) return [];
  const view: ComposeView = { files: repository.files, read: (path) => repository.read(path), composed: new Map() };
  const fill = interpolation(directory, repository);
  const services = object(object(await yaml(text))['services']);
  const builds: Build[] = [];
  let main: Record<string, unknown> | undefined;
  for (const [name, service] of Object.entries(services)) {
    const own = await composeBuild(service, services, directory, view);
    if (own === undefined) continue;
    let { base, context, dockerfile } = own;
    if (own.inline !== undefined) {
      builds.push({ base, context: fill(context ?? '.'), inline: own.inline.replaceAll('$$', '$') });
      continue;
    }
    if (context === undefined) {
      // Often an override of the main file, which then has the context.
      main ??= await mainCompose(directory, view);
      const over = await composeBuild(main[name], main, directory, view);
      if (over?.context !== undefined) ({ base, context } = over);
      dockerfile ??= over?.dockerfile;
      if (context === undefined && dockerfile === undefined) continue;
    }
    builds.push(ofContext(base, fill(context ?? '.'), dockerfile && fill(dockerfile)));
  }
  return builds.filter((build) => build !== NONE);
}

/** Where the paths of compose files start that others include: https://docs.docker.com/reference/compose-file/include/ */
async function projectDirectories(candidates: readonly string[], view: View): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const file of candidates.filter((each) => COMPOSE.test(each)).slice(0, MAX_CANDIDATES)) {
    const text = view.read(file);
    if (text?.includes('project_directory') !== true || text.length > MAX_TEXT) continue;
    const start = directoryOf(file);
    for (const each of await includes(text)) {
      const directory = inside(start, string(each['project_directory']) ?? '');
      for (const path of [each['path']].flat()) {
        const other = inside(start, string(path) ?? '');
        if (other !== undefined && directory !== undefined && each['project_directory'] !== undefined)
          found.set(other, directory);
      }
    }
  }
  return found;
}

async function includes(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  try {
    return [object(await yaml(text))['include']].flat().map(object);
  } catch {
    // Not valid: it includes nothing.
    return [];
  }
}

const NONE: Build = { base: '.' };

/** A build whose Dockerfile is relative to its context. */
function ofContext(base: string, context: string, dockerfile: string | undefined): Build {
  if (dockerfile === undefined) return { base, context };
  if (REMOTE.test(context)) return NONE;
  if (VARIES.test(context)) return { base, context, within: dockerfile };
  const from = inside(base, context);
  const file = from && inside(from, dockerfile);
  return file === undefined ? NONE : { base, context, dockerfile: file };
}

interface ComposeBuild {
  /** What the context is relative to. */
  readonly base: string;
  readonly context?: string | undefined;
  readonly dockerfile?: string | undefined;
  readonly inline?: string | undefined;
}

const MAX_EXTENDS = 8;

/** With what the service inherits: https://docs.docker.com/reference/compose-file/services/#extends */
async function composeBuild(
  service: unknown,
  services: Readonly<Record<string, unknown>>,
  directory: string,
  view: ComposeView,
  depth = 0,
): Promise<ComposeBuild | undefined> {
  const { build, extends: from } = object(service);
  const inherited = depth < MAX_EXTENDS ? await extended(from, services, directory, view, depth) : undefined;
  if (typeof build === 'string') return { ...inherited, base: directory, context: build };
  if (typeof build !== 'object') return inherited;
  const { context, dockerfile, dockerfile_inline: inline } = object(build);
  return {
    ...(string(context) === undefined
      ? { base: inherited?.base ?? directory, context: inherited?.context }
      : { base: directory, context: string(context) }),
    dockerfile: string(dockerfile) ?? inherited?.dockerfile,
    inline: string(inline) ?? (string(dockerfile) === undefined ? inherited?.inline : undefined),
  };
}

async function extended(
  from: unknown,
  services: Readonly<Record<string, unknown>>,
  directory: string,
  view: ComposeView,
  depth: number,
): Promise<ComposeBuild | undefined> {
  const { file, service } = typeof from === 'string' ? { file: undefined, service: from } : object(from);
  if (typeof service !== 'string') return undefined;
  if (typeof file !== 'string') return composeBuild(services[service], services, directory, view, depth + 1);
  const path = inside(directory, file);
  const text = path === undefined ? undefined : view.read(path);
  if (path === undefined || text === undefined || text.length > MAX_TEXT) return undefined;
  let others = view.composed.get(path);
  if (others === undefined) view.composed.set(path, (others = object(object(await yaml(text))['services'])));
  return composeBuild(others[service], others, directoryOf(path), view, depth + 1);
}

async function mainCompose(directory: string, view: View): Promise<Record<string, unknown>> {
  for (const name of COMPOSE_NAMES) {
    const text = view.read(join(directory, name));
    if (text !== undefined && text.length <= MAX_TEXT) return object(object(await yaml(text))['services']);
  }
  return {};
}

/**
 * `$VAR`, `${VAR}`, `${VAR:-default}` and `${VAR-default}`, with what a committed `.env` beside the file says and
 * `$PWD`: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/
 */
function interpolation(directory: string, view: View): (text: string) => string {
  const path = join(directory, '.env');
  const values = new Map([['PWD', directory === '.' ? ROOT : `${ROOT}/${directory}`]]);
  for (const line of (view.files.includes(path) ? (view.read(path) ?? '') : '').split('\n')) {
    const [, name, value = ''] = /^\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*$/.exec(line.slice(0, MAX_VALUE)) ?? [];
    const plain = /^(["']?)([^"'$]*?)\1(?:\s+#.*)?$/.exec(value)?.[2];
    if (name !== undefined && plain !== undefined) values.set(name, plain);
  }
  const once = (text: string): string =>
    text.replace(
      /\$(?:\{(\w+)(?:(:?)-([^${}]*))?\}|(\w+))/g,
      (whole, name: string | undefined, colon: string | undefined, other: string | undefined, bare?: string) => {
        const value = values.get(name ?? bare ?? '');
        return value === undefined || (value === '' && colon === ':') ? (other ?? whole) : value;
      },
    );
  // A default may have one of its own.
  return (text) => once(once(text));
}

const MAX_VALUE = 4_096;

// ------------------------------------------------------------------------------------------------------ bake

type Target = Readonly<Record<string, unknown>>;

async function readBake(text: string, directory: string, view: View): Promise<readonly Build[]> {
  const main = await bakeFile(text);
  const targets = new Map(main.targets);
  // Overrides are merged into their main file, and say nothing alone.
  for (const name of ['docker-bake.override.hcl', 'docker-bake.override.json']) {
    const override = view.read(join(directory, name));
    if (override === undefined || override.length > MAX_TEXT) continue;
    if (override === text) return [];
    for (const [target, value] of (await bakeFile(override)).targets)
      targets.set(target, { ...targets.get(target), ...value });
  }
  const parents = new Set<unknown>();
  const flattened = new Map<string, Target>();
  const flat = (name: string): Target => {
    const known = flattened.get(name);
    if (known !== undefined) return known;
    // One that inherits from itself adds nothing.
    flattened.set(name, {});
    const own = targets.get(name) ?? {};
    const inherits = Array.isArray(own['inherits']) ? (own['inherits'] as unknown[]) : [];
    for (const parent of inherits) parents.add(parent);
    const target = Object.assign(
      {},
      ...inherits.map((parent) => (typeof parent === 'string' ? flat(parent) : {})),
      own,
    ) as Target;
    flattened.set(name, target);
    return target;
  };
  const all = [...targets.keys()].map((name) => [name, flat(name)] as const);
  // Paths are relative to where it is run, which often is the root: https://github.com/docker/buildx/issues/1028
  const bases = [...new Set(['.', directory])];
  return all.flatMap(([name, target]) => {
    const inline = string(target['dockerfile-inline']);
    // A base for others.
    if (target['context'] === undefined && target['dockerfile'] === undefined && parents.has(name)) return [];
    return matrix(object(target['matrix'])).flatMap((values) => {
      const fill = (value: unknown): string | undefined =>
        string(value)?.replace(
          /\$\{([\w.]+)\}/g,
          (whole, key: string) => values.get(key) ?? main.variables.get(key) ?? whole,
        );
      const context = fill(target['context']) ?? '.';
      const dockerfile = fill(target['dockerfile']);
      const guessed = bases.length === 1 ? {} : { guessed: JSON.stringify([context, dockerfile]) };
      return bases
        .map((base) => (inline === undefined ? ofContext(base, context, dockerfile) : { base, context, inline }))
        .filter((build) => build !== NONE)
        .map((build) => ({ ...build, ...guessed }));
    });
  });
}

async function bakeFile(
  text: string,
): Promise<{ targets: ReadonlyMap<string, Target>; variables: ReadonlyMap<string, string> }> {
  const targets = new Map<string, Target>();
  const variables = new Map<string, string>();
  const add = (type: string, name: string, value: Target): void => {
    const given = string(value['default']);
    if (type === 'target') targets.set(name, { ...targets.get(name), ...value });
    else if (type === 'variable' && given !== undefined) variables.set(name, given);
  };
  const json: unknown = /^\s*\{/.test(text) ? JSON.parse(text) : await hcl(text);
  for (const [type, blocks] of Object.entries(object(json)))
    for (const [name, block] of Object.entries(object(blocks)))
      add(type, name, object(Array.isArray(block) ? block[0] : block));
  return { targets, variables };
}

interface Hcl {
  parseToObject(text: string): readonly unknown[];
}

/** Brackets within brackets, and characters, for which the parser takes a second; no bake file has so many. */
const MAX_NESTED = 50;
const MAX_HCL = 50_000;

function isNested(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    if ('[{('.includes(char)) depth++;
    else if (']})'.includes(char)) depth--;
    if (depth > MAX_NESTED) return true;
  }
  return false;
}

/** As its JSON equivalent. */
async function hcl(text: string): Promise<unknown> {
  if (text.length > MAX_HCL || isNested(text)) return {};
  const module = (await import('hcl2-parser')) as unknown as { default?: Hcl } & Hcl;
  return (module.default ?? module).parseToObject(text)[0];
}

const MAX_COMBINATIONS = 200;

/** Every combination of a matrix's values; nested names as `a.b`. */
function matrix(axes: Readonly<Record<string, unknown>>): readonly ReadonlyMap<string, string>[] {
  let combinations: ReadonlyMap<string, string>[] = [new Map()];
  for (const [name, values] of Object.entries(axes)) {
    if (!Array.isArray(values)) continue;
    // As few of each as make no more than are looked at.
    const few = combinations.slice(0, Math.ceil(MAX_COMBINATIONS / Math.max(1, values.length)));
    combinations = few
      .flatMap((each) => values.slice(0, MAX_COMBINATIONS).map((value) => new Map([...each, ...leaves(name, value)])))
      .slice(0, MAX_COMBINATIONS);
  }
  return combinations;
}

function leaves(name: string, value: unknown): [string, string][] {
  return typeof value === 'string' || typeof value === 'number'
    ? [[name, String(value)]]
    : Object.entries(object(value)).flatMap(([key, inner]) =>
        typeof inner === 'string' ? [[`${name}.${key}`, inner] as [string, string]] : [],
      );
}

// -------------------------------------------------------------------------------------------------------- CI

async function readWorkflow(text: string): Promise<readonly Build[]> {
  if (!/build-push-action|docker|podman|buildah/.test(text)) return [];
  const workflow = object(await yaml(text));
  return Object.values(object(workflow['jobs'])).flatMap((each) => {
    const job = object(each);
    const folder = directoryFor(job) ?? directoryFor(workflow);
    const constants = { ...object(workflow['env']), ...object(job['env']) };
    const { include, ...axes } = object(object(job['strategy'])['matrix']);
    const rows = Array.isArray(include)
      ? include.map((row) => new Map(Object.entries(object(row)).flatMap(([key, value]) => leaves(key, value))))
      : [];
    const crossed = matrix(axes);
    // An included row extends the combinations that it agrees with, or stands alone.
    const few = crossed.slice(0, Math.ceil(MAX_COMBINATIONS / Math.max(1, rows.length)));
    const combinations = [
      ...crossed,
      ...rows,
      ...few.flatMap((one) => rows.slice(0, MAX_COMBINATIONS).map((row) => new Map([...row, ...one]))),
    ];
    // Each reads the whole job once more.
    const affordable = Math.min(MAX_COMBINATIONS, Math.ceil((5 * MAX_TEXT) / text.length));
    return combinations.slice(0, affordable).flatMap((values) => jobBuilds(job, folder, values, constants));
  });
}

/** Where the steps of a workflow or of a job run, unless they say otherwise. */
function directoryFor(each: Readonly<Record<string, unknown>>): unknown {
  return object(object(each['defaults'])['run'])['working-directory'];
}

/** This very repository, with the directory of it. */
const OWN_URL =
  /^(?:\{\{defaultContext\}\}|(?:\$\{\{ *github\.server_url *\}\}|https:\/\/github\.com)\/\$\{\{ *github\.repository *\}\}(?:\.git)?(?:#[^:]*)?)(?::(.*))?$/;

function jobBuilds(
  job: Readonly<Record<string, unknown>>,
  folder: unknown,
  values: ReadonlyMap<string, string>,
  constants: Readonly<Record<string, unknown>>,
): Build[] {
  const fill = (value: unknown): string | undefined =>
    string(value)?.replace(
      /\$\{\{\s*(?:(github\.workspace)|matrix\.([\w.-]+)|env\.(\w+))\s*\}\}/g,
      (whole, workspace?: string, key?: string, name?: string) =>
        workspace !== undefined
          ? ROOT
          : ((key === undefined ? string(constants[name ?? '']) : values.get(key)) ?? whole),
    );
  const steps: readonly unknown[] = Array.isArray(job['steps']) ? (job['steps'] as unknown[]) : [];
  return steps.flatMap((each) => {
    const step = object(each);
    // docker/build-push-action and the ones that stand in for it take the same inputs, relative to the root.
    if (/^[\w-]+\/build-push-action@/.test(string(step['uses']) ?? '')) {
      const inputs = object(step['with']);
      const context = (fill(inputs['context']) ?? '.').trim() || '.';
      const file = fill(inputs['file'])?.trim();
      return actionBuild(context, file === '' ? undefined : file);
    }
    const run = fill(step['run']);
    const base = inside('.', fill(step['working-directory'] ?? folder) ?? '.');
    return run === undefined || base === undefined ? [] : commands(run, undefined, [base]);
  });
}

/** A file is relative to the root, but to the context where that is fetched from a repository. */
function actionBuild(context: string, file: string | undefined): readonly Build[] {
  const own = OWN_URL.exec(context);
  const from = own === null ? '.' : inside('.', own[1] ?? '.');
  const dockerfile = file === undefined || from === undefined ? undefined : inside(from, file);
  if (from === undefined || (file !== undefined && dockerfile === undefined)) return [];
  // A path that is here as well is likely of this repository, whatever name the address gives it.
  if (own === null && REMOTE.test(context)) return file?.includes('/') === true ? [{ base: '.', dockerfile }] : [];
  return [{ base: '.', context: own === null ? context : from, dockerfile }];
}

async function readGitlab(text: string): Promise<readonly Build[]> {
  if (!/docker|podman|buildah/.test(text)) return [];
  const file = object(await yaml(text));
  const lines = (value: unknown): string[] =>
    Array.isArray(value)
      ? value.flat(3).filter((line) => typeof line === 'string')
      : typeof value === 'string'
        ? [value]
        : [];
  const common = object(file['default'])['before_script'] ?? file['before_script'];
  return Object.values(file).flatMap((job) => {
    const { before_script: before = common, script } = object(job);
    return commands([...lines(before), ...lines(script)].join('\n'), undefined, ['.']);
  });
}

/** Pipelines and tasks of which each has words of its own for a step: all that is text may be a script, or its lines. */
async function readSteps(text: string, directory: string): Promise<readonly Build[]> {
  if (!/docker|podman|buildah/.test(text)) return [];
  const scripts: string[] = [];
  const collect = (value: unknown, depth = 0): void => {
    if (typeof value === 'string') scripts.push(value);
    else if (typeof value !== 'object' || value === null || depth > MAX_NESTED) return;
    else if (!Array.isArray(value)) {
      const { name, args } = value as Readonly<Record<string, unknown>>;
      // https://cloud.google.com/build/docs/build-config-file-schema: the image's command is `docker`.
      if (/\/docker$/.test(string(name) ?? '') && Array.isArray(args)) scripts.push(`docker ${args.join(' ')}`);
      for (const each of Object.values(value)) collect(each, depth + 1);
    } else {
      scripts.push(value.filter((each) => typeof each === 'string').join('\n'));
      for (const each of value) if (typeof each !== 'string') collect(each, depth + 1);
    }
  };
  collect(await yaml(text));
  return scripts.flatMap((script) => commands(script, undefined, ['.', directory]));
}

/** Of Groovy, what `sh` is given. */
function readPipeline(text: string, directory: string): readonly Build[] {
  const scripts = text.matchAll(/\bsh\b[^'"\n]{0,40}(?:'''(.*?)'''|"""(.*?)"""|'([^'\n]*)'|"([^"\n]*)")/gs);
  return [...scripts].flatMap(([, ...given]) => commands(given.find(Boolean) ?? '', undefined, ['.', directory]));
}

// ------------------------------------------------------------------------------------------------ other tools

/** https://skaffold.dev/docs/references/yaml/: a Dockerfile is relative to its context. */
async function readSkaffold(text: string, directory: string): Promise<readonly Build[]> {
  const { artifacts } = object(object(await yaml(text))['build']);
  return (Array.isArray(artifacts) ? (artifacts as unknown[]) : []).flatMap((each) => {
    const artifact = object(each);
    if (BUILDERS.some((key) => artifact[key] !== undefined)) return [];
    const { context, docker, kaniko } = artifact;
    const build = ofContext(directory, string(context) ?? '.', string(object(docker ?? kaniko)['dockerfile']));
    return build === NONE ? [] : [build];
  });
}

/** That read no Dockerfile. */
const BUILDERS = ['bazel', 'jib', 'ko', 'buildpacks', 'custom'];

/** https://containers.dev/implementors/json_reference/#image-specific: both are relative to the file itself. */
function readDevcontainer(text: string, directory: string): readonly Build[] {
  const { build, ...old } = object(parseJsonc(text));
  const { dockerfile = old['dockerFile'], context = old['context'] } = object(build);
  const path = inside(directory, string(dockerfile) ?? '');
  if (typeof context !== 'string' || typeof dockerfile !== 'string' || path === undefined) return [];
  return [{ base: directory, context, dockerfile: path }];
}

// --------------------------------------------------------------------------------------------------- scripts

function readMakefile(text: string, directory: string, bases: readonly string[]): readonly Build[] {
  // `$$` is the shell's `$`.
  const plain = text.replace(/^\t[@-]*/gm, '').replace(/\$\$/g, '$');
  return commands(plain, directory, bases, { separateLines: true });
}

function readPackageScripts(text: string, directory: string): readonly Build[] {
  if (!/docker|podman/.test(text)) return [];
  return Object.values(object(object(JSON.parse(text))['scripts'])).flatMap((script) =>
    typeof script === 'string' ? commands(script, undefined, [directory]) : [],
  );
}

/** `-f` is relative to the directory that the command runs in, like the context. */
function commands(
  text: string,
  script: string | undefined,
  bases: readonly string[],
  kind: ScriptKind = {},
): readonly Build[] {
  const places = [...new Set(bases)];
  return places.flatMap((start) =>
    buildCommands(text, { ...kind, start, ...(script === undefined ? {} : { script }) }).flatMap((build): Build[] => {
      const { context, dockerfile, directory, lost } = build;
      const here = inside(start, directory);
      const file = here === undefined || dockerfile === undefined ? undefined : inside(here, dockerfile);
      if (here === undefined || (dockerfile !== undefined && file === undefined)) return [];
      // A script that goes to a place of its own goes to one of those that are tried.
      if (lost === true && (script === undefined || kind.separateLines === true)) return [];
      const guessed = places.length === 1 ? {} : { guessed: JSON.stringify([context, dockerfile, directory]) };
      return [{ base: here, context, dockerfile: file, ...guessed }];
    }),
  );
}

// ---------------------------------------------------------------------------------------------------- choice

export interface Choice {
  /** Relative to the repository's root. */
  readonly directory?: string;
  readonly trouble?: Trouble;
}

const HELP = 'pass the directory that it is built from with --context DIR';

/** `lacks(directory)` tells which of the Dockerfile's own sources the directory has not. */
export function chooseContext(
  dockerfile: string,
  evidence: readonly Evidence[],
  lacks: (directory: string) => readonly string[],
): Choice {
  const about = evidence.filter((each) => each.dockerfile === dockerfile);
  const contexts = (some: readonly Evidence[]): readonly string[] => [
    ...new Set(some.flatMap(({ context }) => (context === undefined ? [] : [context]))),
  ];
  const named = contexts(about);
  const certain = contexts(about.filter((each) => each.weak !== true));
  const fitting = named.filter((directory) => lacks(directory).length === 0);
  const fittingCertain = fitting.filter((directory) => certain.includes(directory));
  const unknown = about.find((each) => each.context === undefined);
  if (unknown !== undefined && fittingCertain.length === 0)
    return {
      trouble: {
        code: 'context-unknown',
        message: `\`${unknown.file}\` builds it in line ${unknown.line ?? 1}, from a directory that cannot be told from its text`,
        help: HELP,
      },
    };
  const choice = fittingCertain.length > 0 ? fittingCertain : fitting;
  if (choice.length === 1) return { directory: choice[0] as string };
  if (choice.length > 1) {
    const files = new Set(about.filter((each) => choice.includes(each.context ?? '')).map((each) => each.file));
    return {
      trouble: {
        code: 'context-ambiguous',
        message: `it is built from ${choice.map((each) => `\`${each}\``).join(' and ')} (${[...files].join(', ')})`,
        help: 'say which with --context DIR',
      },
    };
  }
  // What is missing may be made by the step before the build; where it is built is said all the same.
  if (certain.length === 1) return { directory: certain[0] as string };
  const start = directoryOf(dockerfile);
  for (let directory = start; ; directory = directoryOf(directory)) {
    if (lacks(directory).length === 0) return { directory };
    if (directory === '.') break;
  }
  return {
    trouble: {
      code: 'context-unknown',
      message: `no directory from its own up to the repository's root fits: in its own, ${lacks(start)[0] ?? ''}`,
      help: HELP,
    },
  };
}

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash);
}

function join(directory: string, path: string): string {
  return directory === '.' ? path : `${directory}/${path}`;
}

/** `path` from `base`, both relative to the repository's root; undefined when it leaves the repository. */
function inside(base: string, path: string): string | undefined {
  if (path.startsWith('/')) return undefined;
  const parts = base === '.' ? [] : base.split('/');
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === ROOT) parts.length = 0;
    else if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/') || '.';
}
