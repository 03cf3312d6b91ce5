/**
 * Which directory does a Dockerfile build from? Evidence first: compose files, bake files, workflows, Makefiles, package
 * scripts and shell scripts that name it. Without any, the nearest directory upwards that holds what it copies.
 */
import { parse as parseShell } from 'unbash';
import type { Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';

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
}

/** All builds that the repository's own files describe, as far as they can be read without running anything. */
export async function findEvidence(view: View): Promise<readonly Evidence[]> {
  const found: Evidence[] = [];
  const known = new Set(view.files);
  const add = (file: string, base: string, context: string, dockerfile: string | undefined): void => {
    if (/\$|\{\{/.test(context + (dockerfile ?? '')) || /^(?:https?:|git@|git:)/.test(context)) return;
    const directory = inside(base, context);
    if (directory === undefined) return;
    found.push({ context: directory, dockerfile: dockerfile ?? join(directory, 'Dockerfile'), file });
  };
  for (const file of view.files) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    const reader = READERS.find((each) => each.file.test(file) || each.file.test(name));
    if (reader === undefined || file.split('/').includes('node_modules')) continue;
    const text = view.read(file);
    if (text === undefined || text.length > 1_000_000 || !/docker|build|podman/i.test(text)) continue;
    try {
      await reader.read(text, directoryOf(file), (context, dockerfile, base = directoryOf(file)) =>
        add(file, base, context, dockerfile),
      );
    } catch {
      // Not valid: no evidence.
    }
  }
  return found.filter((each) => known.has(each.dockerfile));
}

type Add = (context: string, dockerfile?: string, base?: string) => void;

const READERS: readonly {
  readonly file: RegExp;
  readonly read: (text: string, directory: string, add: Add) => Promise<void> | void;
}[] = [
  { file: /^(?:docker-)?compose[\w.-]*\.ya?ml$/, read: readCompose },
  {
    file: /^docker-bake(?:\.[\w-]+)?\.json$/,
    read: (text, directory, add) => readBake(JSON.parse(text), directory, add),
  },
  { file: /^docker-bake(?:\.[\w-]+)?\.hcl$/, read: readHcl },
  { file: /^\.github\/workflows\/[^/]+\.ya?ml$/, read: readWorkflow },
  {
    file: /^\.gitlab-ci\.yml$/,
    read: (text, _directory, add) => readCommands(text.replace(/^\s*-\s*/gm, ''), '.', add),
  },
  {
    file: /^(?:GNU)?[Mm]akefile$|\.mk$/,
    read: (text, directory, add) => readCommands(text.replace(/^\t[@-]*/gm, ''), directory, add),
  },
  { file: /^package\.json$/, read: readPackageScripts },
  { file: /\.sh$/, read: (text, _directory, add) => readCommands(text, '.', add) },
];

async function yaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  return parse(text, { maxAliasCount: 100, logLevel: 'silent', merge: true });
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

async function readCompose(text: string, directory: string, add: Add): Promise<void> {
  if (!text.includes('build')) return;
  for (const service of Object.values(object(object(await yaml(text))['services']))) {
    const build = object(service)['build'];
    if (typeof build === 'string') add(defaults(build), undefined);
    const { context = '.', dockerfile, dockerfile_inline: inline } = object(build);
    if (Object.keys(object(build)).length === 0 || inline !== undefined || typeof context !== 'string') continue;
    const base = inside(directory, defaults(context));
    if (base === undefined) continue;
    // `dockerfile` is relative to the context.
    add(defaults(context), typeof dockerfile === 'string' ? inside(base, defaults(dockerfile)) : undefined);
  }
}

/** `${VAR:-default}` and `${VAR-default}`. */
function defaults(text: string): string {
  return text.replace(/\$\{\w+:?-([^}]*)\}/g, '$1');
}

function readBake(json: unknown, directory: string, add: Add): void {
  const targets = object(object(json)['target']);
  const flat = (name: string, depth = 0): Record<string, unknown> => {
    const raw = targets[name];
    const target = object(Array.isArray(raw) ? raw[0] : raw);
    const parents = depth > 8 || !Array.isArray(target['inherits']) ? [] : target['inherits'];
    return Object.assign(
      {},
      ...parents.map((parent) => (typeof parent === 'string' ? flat(parent, depth + 1) : {})),
      target,
    ) as Record<string, unknown>;
  };
  for (const name of Object.keys(targets)) {
    const { context = '.', dockerfile } = flat(name);
    if (typeof context !== 'string') continue;
    const base = inside(directory, context);
    if (base !== undefined) add(context, typeof dockerfile === 'string' ? inside(base, dockerfile) : undefined);
  }
}

async function readHcl(text: string, directory: string, add: Add): Promise<void> {
  const module = (await import('hcl2-parser')) as unknown as { default?: Hcl } & Hcl;
  const [json] = (module.default ?? module).parseToObject(text);
  readBake(json, directory, add);
}

interface Hcl {
  parseToObject(text: string): readonly unknown[];
}

async function readWorkflow(text: string, _directory: string, add: Add): Promise<void> {
  if (!/build-push-action|docker|podman/.test(text)) return;
  const workflow = object(await yaml(text));
  for (const job of Object.values(object(workflow['jobs']))) {
    const steps = object(job)['steps'];
    for (const step of Array.isArray(steps) ? steps : []) {
      const { uses, with: inputs, run } = object(step);
      if (typeof uses === 'string' && /^docker\/build-push-action@/.test(uses)) {
        const { context = '.', file } = object(inputs);
        if (typeof context === 'string')
          add(context.trim(), typeof file === 'string' ? inside('.', file) : undefined, '.');
      }
      const directory =
        object(step)['working-directory'] ?? object(object(object(job)['defaults'])['run'])['working-directory'];
      if (typeof run === 'string')
        readCommands(run, typeof directory === 'string' ? (inside('.', directory) ?? '.') : '.', add);
    }
  }
}

function readPackageScripts(text: string, directory: string, add: Add): void {
  if (!/docker|podman/.test(text)) return;
  for (const script of Object.values(object(object(JSON.parse(text))['scripts'])))
    if (typeof script === 'string') readCommands(script, directory, add);
}

const VALUED =
  /^(?:-t|--tag|-f|--file|--build-arg|--target|--platform|--cache-from|--cache-to|--label|-o|--output|--secret|--ssh|--progress|--network|--add-host|--build-context|--builder|--shm-size|-m|--memory|--iidfile|--metadata-file|--isolation|--ulimit|--cpuset-cpus|--annotation|--attest|--format)$/;

/** `docker build`, `docker buildx build`, `podman build` and their likes in a script. */
function readCommands(text: string, directory: string, add: Add): void {
  if (!/(?:docker|podman|buildah|nerdctl)\b.*\b(?:build|bud)\b/.test(text)) return;
  const joined = text.replace(/\\\r?\n/g, ' ');
  let here = directory;
  for (const line of joined.split('\n')) {
    if (!/\b(?:build|bud|cd)\b/.test(line)) continue;
    for (const command of parseShell(line).commands.flatMap((statement) =>
      statement.command.type === 'AndOr' ? statement.command.commands : [statement.command],
    )) {
      if (command.type !== 'Command') continue;
      const words = [command.name, ...command.args]
        .map((word) =>
          word === undefined ? '' : 'value' in word && typeof word.value === 'string' ? word.value : word.text,
        )
        .filter((word) => word !== 'sudo');
      if (words[0] === 'cd' && words[1] !== undefined && !words[1].includes('$')) here = inside(here, words[1]) ?? here;
      if (!/^(?:docker|podman|buildah|nerdctl)$/.test(words[0] ?? '')) continue;
      const start = words.findIndex((word) => word === 'build' || word === 'bud');
      if (start < 1 || words.slice(1, start).some((word) => !/^(?:buildx|image|builder|--\S+)$/.test(word))) continue;
      let file: string | undefined;
      let context: string | undefined;
      for (let at = start + 1; at < words.length; at++) {
        const word = words[at] as string;
        const joinedFile = /^(?:--file=|-f(?=[^\s-]))(.+)$/.exec(word)?.[1];
        if (joinedFile !== undefined) file = joinedFile;
        else if (word === '-f' || word === '--file') file = words[++at];
        else if (VALUED.test(word)) at++;
        else if (!word.startsWith('-')) context = word;
      }
      // `-f` is relative to the directory that the command runs in.
      if (context !== undefined && context !== '-')
        add(context, file === undefined ? undefined : inside(here, file), here);
    }
  }
}

// ---------------------------------------------------------------------------------------------------- choice

export interface Choice {
  /** Relative to the repository's root. */
  readonly directory?: string;
  readonly trouble?: Trouble;
}

/** `holds(directory)` tells how many of the Dockerfile's own sources the directory lacks. */
export function chooseContext(
  dockerfile: string,
  evidence: readonly Evidence[],
  lacks: (directory: string) => readonly string[],
): Choice {
  const named = [...new Set(evidence.filter((each) => each.dockerfile === dockerfile).map((each) => each.context))];
  const fitting = named.filter((directory) => lacks(directory).length === 0);
  if (fitting.length === 1) return { directory: fitting[0] as string };
  if (fitting.length > 1) {
    const files = evidence.filter((each) => each.dockerfile === dockerfile && fitting.includes(each.context));
    return {
      trouble: {
        code: 'context-ambiguous',
        message: `it is built from ${fitting.map((each) => `\`${each}\``).join(' and ')} (${[...new Set(files.map((each) => each.file))].join(', ')})`,
        help: 'say which with --context DIR',
      },
    };
  }
  let directory = directoryOf(dockerfile);
  const first = lacks(directory);
  for (;;) {
    if (lacks(directory).length === 0) return { directory };
    if (directory === '.') break;
    directory = directoryOf(directory);
  }
  return {
    trouble: {
      code: 'context-unknown',
      message: `no directory from its own up to the repository's root holds \`${first[0] ?? ''}\`, which it copies`,
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
  let depth = base === '.' ? 0 : base.split('/').length;
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    depth += part === '..' ? -1 : 1;
    if (depth < 0) return undefined;
  }
  return resolvePath(base === '.' ? '/' : `/${base}`, path).slice(1) || '.';
}
