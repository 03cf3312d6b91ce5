/**
 * Which directory does a Dockerfile build from? Evidence first: compose files, bake files, workflows, Makefiles, package
 * scripts and shell scripts that name it. Without any, the nearest directory upwards that holds what it copies.
 * All of it is read as text; nothing is run, and what cannot be read is no evidence.
 */
import type { Trouble } from '../model.ts';
import { buildCommands, MAX_BUILDS, type ScriptKind } from './commands.ts';

/** What of a repository is looked at: all paths relative to its root. */
export interface View {
  readonly files: readonly string[];
  read(path: string): string | undefined;
}

export interface Evidence {
  /** Relative to the repository's root, `.` for the root. */
  readonly context: string;
  readonly dockerfile: string;
  /** The file that says so. */
  readonly file: string;
  /** From a script, of which nothing says where it is run. */
  readonly weak?: boolean;
}

/** A build as some file describes it. */
interface Build {
  /** As written, relative to the base. */
  readonly context: string;
  /** Relative to the repository's root; absent: the context's own. */
  readonly dockerfile?: string | undefined;
  /** Relative to the repository's root. */
  readonly base: string;
}

type Reader = (text: string, directory: string, view: View) => Promise<readonly Build[]> | readonly Build[];

const MAX_TEXT = 1_000_000;
const MAX_CANDIDATES = 5_000;

/** One look rules out most files of a repository. */
const CANDIDATE = /\.(?:ya?ml|hcl|json|mk|sh)$|[Mm]akefile$/;

/** The first that fits the path reads the file. */
const READERS: readonly { readonly file: RegExp; readonly read: Reader; readonly weak?: true }[] = [
  { file: /(?:^|\/)(?:docker-)?compose[^/]*\.ya?ml$/, read: readCompose },
  { file: /(?:^|\/)docker-bake(?:\.[^/]+)?\.(?:json|hcl)$/, read: readBake },
  { file: /^\.(?:github|gitea|forgejo)\/workflows\/[^/]+\.ya?ml$/, read: readWorkflow },
  { file: /(?:^|\/)\.gitlab-ci[^/]*\.ya?ml$|^\.gitlab\/.*\.ya?ml$/, read: readGitlab },
  {
    file: /(?:^|\/)(?:GNU)?[Mm]akefile$|\.mk$/,
    read: (text, directory) => commands(text.replace(/^\t[@-]*/gm, ''), [directory], { separateLines: true }),
  },
  { file: /(?:^|\/)package\.json$/, read: readPackageScripts },
  // Run from the root, or from where they are. Deeper ones belong to something else.
  { file: /^(?:[^/]+\/){0,3}[^/]+\.sh$/, read: (text, directory) => commands(text, ['.', directory]), weak: true },
];

/** All builds that the repository's own files describe, as far as they can be read without running anything. */
export async function findEvidence(view: View): Promise<readonly Evidence[]> {
  const found: Evidence[] = [];
  const known = new Set(view.files);
  const candidates = view.files.filter(
    (file) => CANDIDATE.test(file) && !/(?:^|\/)(?:node_modules|vendor)\//.test(file),
  );
  for (const file of candidates.slice(0, MAX_CANDIDATES)) {
    const reader = READERS.find((each) => each.file.test(file));
    const text = reader === undefined ? undefined : view.read(file);
    if (reader === undefined || text === undefined || text.length > MAX_TEXT) continue;
    if (!/docker|build|podman/i.test(text)) continue;
    let builds: readonly Build[] = [];
    try {
      builds = await reader.read(text, directoryOf(file), view);
    } catch {
      // Not valid: no evidence.
    }
    const located = builds
      .slice(0, MAX_BUILDS)
      .map((build) => locate(build, known))
      .filter((each) => each !== undefined);
    for (const each of located) {
      // The same script read from two starting points must not name two Dockerfiles.
      if (
        reader.weak === true &&
        located.some((other) => other.command === each.command && other.context !== each.context)
      )
        continue;
      found.push({
        context: each.context,
        dockerfile: each.dockerfile,
        file,
        ...(reader.weak === true ? { weak: true } : {}),
      });
    }
  }
  return found;
}

/** Undefined: remote, outside of the repository, known only when it runs, or not there. */
function locate(
  { context, dockerfile, base }: Build,
  known: ReadonlySet<string>,
): { context: string; dockerfile: string; command: string } | undefined {
  const written = `${context} ${dockerfile ?? ''}`;
  if (/[$`]|\{\{|^(?:[a-z][a-z+]*:|git@|github\.com\/)/.test(written)) return undefined;
  const directory = inside(base, context);
  if (directory === undefined) return undefined;
  const names =
    dockerfile === undefined ? ['Dockerfile', 'Containerfile'].map((name) => join(directory, name)) : [dockerfile];
  const file = names.find((name) => known.has(name));
  return file === undefined ? undefined : { context: directory, dockerfile: file, command: written };
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

async function readCompose(text: string, directory: string, view: View): Promise<readonly Build[]> {
  if (!text.includes('build')) return [];
  const builds: Build[] = [];
  let base: Record<string, unknown> | undefined;
  for (const [name, service] of Object.entries(object(object(await yaml(text))['services']))) {
    const own = composeBuild(service);
    if (own === undefined) continue;
    let { context, dockerfile } = own;
    if (context === undefined) {
      // Often an override of the main file, which then has the context.
      base ??= await mainCompose(directory, view);
      const main = composeBuild(base[name]);
      context = main?.context;
      dockerfile ??= main?.dockerfile;
      if (context === undefined && dockerfile === undefined) continue;
    }
    context = defaults(context ?? '.');
    // `dockerfile` is relative to the context.
    const from = inside(directory, context);
    if (from === undefined) continue;
    builds.push({ base: directory, context, dockerfile: dockerfile && inside(from, defaults(dockerfile)) });
  }
  return builds;
}

function composeBuild(service: unknown): { context?: string | undefined; dockerfile?: string | undefined } | undefined {
  const build = object(service)['build'];
  if (typeof build === 'string') return { context: build };
  const { context, dockerfile, dockerfile_inline: inline } = object(build);
  if (typeof build !== 'object' || inline !== undefined) return undefined;
  return { context: string(context), dockerfile: string(dockerfile) };
}

async function mainCompose(directory: string, view: View): Promise<Record<string, unknown>> {
  for (const name of COMPOSE_NAMES) {
    const text = view.read(join(directory, name));
    if (text !== undefined && text.length <= MAX_TEXT) return object(object(await yaml(text))['services']);
  }
  return {};
}

/** `${VAR:-default}` and `${VAR-default}`. */
function defaults(text: string): string {
  return text.replace(/\$\{\w+:?-([^}]*)\}/g, '$1');
}

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
  const flat = (name: string, depth = 0): Target => {
    const own = targets.get(name) ?? {};
    const inherits = depth > 8 || !Array.isArray(own['inherits']) ? [] : (own['inherits'] as unknown[]);
    for (const parent of inherits) parents.add(parent);
    return Object.assign(
      {},
      ...inherits.map((parent) => (typeof parent === 'string' ? flat(parent, depth + 1) : {})),
      own,
    ) as Target;
  };
  const all = [...targets.keys()].map((name) => [name, flat(name)] as const);
  return all.flatMap(([name, target]) => {
    if (target['dockerfile-inline'] !== undefined) return [];
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
      const from = inside(directory, context);
      return from === undefined
        ? []
        : [{ base: directory, context, dockerfile: dockerfile && inside(from, dockerfile) }];
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

/** As its JSON equivalent. */
async function hcl(text: string): Promise<unknown> {
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
    return combinations.slice(0, affordable).flatMap((values) => jobBuilds(job, values, constants));
  });
}

function jobBuilds(
  job: Readonly<Record<string, unknown>>,
  values: ReadonlyMap<string, string>,
  constants: Readonly<Record<string, unknown>>,
): Build[] {
  const fill = (value: unknown): string | undefined =>
    string(value)?.replace(
      /\$\{\{\s*(?:(github\.workspace)|matrix\.([\w.-]+)|env\.(\w+))\s*\}\}/g,
      (whole, workspace?: string, key?: string, name?: string) =>
        workspace !== undefined
          ? '.'
          : ((key === undefined ? string(constants[name ?? '']) : values.get(key)) ?? whole),
    );
  const steps: readonly unknown[] = Array.isArray(job['steps']) ? (job['steps'] as unknown[]) : [];
  return steps.flatMap((each) => {
    const step = object(each);
    // docker/build-push-action and the ones that stand in for it take the same inputs, relative to the root.
    if (/^[\w-]+\/build-push-action@/.test(string(step['uses']) ?? '')) {
      const inputs = object(step['with']);
      const context = (fill(inputs['context']) ?? '.').trim().replace(/^\{\{defaultContext\}\}:?/, '') || '.';
      const file = fill(inputs['file'])?.trim();
      return [{ base: '.', context, dockerfile: file && inside('.', file) }];
    }
    const run = fill(step['run']);
    const directory =
      fill(step['working-directory'] ?? object(object(job['defaults'])['run'])['working-directory']) ?? '.';
    const base = inside('.', directory);
    return run === undefined || base === undefined ? [] : commands(run, [base]);
  });
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
  return Object.values(file).flatMap((job) => {
    const { before_script: before = file['before_script'], script } = object(job);
    return commands([...lines(before), ...lines(script)].join('\n'), ['.']);
  });
}

// --------------------------------------------------------------------------------------------------- scripts

function readPackageScripts(text: string, directory: string): readonly Build[] {
  if (!/docker|podman/.test(text)) return [];
  return Object.values(object(object(JSON.parse(text))['scripts'])).flatMap((script) =>
    typeof script === 'string' ? commands(script, [directory]) : [],
  );
}

/** `-f` is relative to the directory that the command runs in, like the context. */
function commands(text: string, bases: readonly string[], kind?: ScriptKind): readonly Build[] {
  return buildCommands(text, kind).flatMap(({ context, dockerfile, directory }) =>
    [...new Set(bases)].flatMap((base) => {
      const here = inside(base, directory);
      const file = here === undefined || dockerfile === undefined ? undefined : inside(here, dockerfile);
      if (here === undefined || (dockerfile !== undefined && file === undefined)) return [];
      return [{ base: here, context, dockerfile: file }];
    }),
  );
}

// ---------------------------------------------------------------------------------------------------- choice

export interface Choice {
  /** Relative to the repository's root. */
  readonly directory?: string;
  readonly trouble?: Trouble;
}

/** `lacks(directory)` tells which of the Dockerfile's own sources the directory has not. */
export function chooseContext(
  dockerfile: string,
  evidence: readonly Evidence[],
  lacks: (directory: string) => readonly string[],
): Choice {
  const about = evidence.filter((each) => each.dockerfile === dockerfile);
  const named = [...new Set(about.map((each) => each.context))];
  const certain = [...new Set(about.filter((each) => each.weak !== true).map((each) => each.context))];
  const fitting = named.filter((directory) => lacks(directory).length === 0);
  const fittingCertain = fitting.filter((directory) => certain.includes(directory));
  const choice = fittingCertain.length > 0 ? fittingCertain : fitting;
  if (choice.length === 1) return { directory: choice[0] as string };
  if (choice.length > 1) {
    const files = new Set(about.filter((each) => choice.includes(each.context)).map((each) => each.file));
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
      help: 'pass the directory that it is built from with --context DIR',
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
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/') || '.';
}
