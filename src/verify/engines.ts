/** The builders that dockerfix can use, as data: how each is asked, and how its answers read. */
import { accessSync, constants, statSync } from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import { runProgram, type Ran } from './process.ts';

export const ENGINES = ['docker', 'podman', 'buildah', 'nerdctl'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface Engine {
  readonly name: EngineName;
  readonly program: string;
  /** As it tells it. */
  readonly version: string;
  /** Why not the one that comes first. */
  readonly insteadOf?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** It has no daemon that removes what an interrupted build made; it does so itself where a RUN fails. */
  readonly tidies: boolean;
  /** What comes before a build's options. */
  readonly build: readonly string[];
  /** Where it keeps images; absent: not told. */
  readonly storage?: string;
  /** BuildKit: it takes the ignore file from beside the Dockerfile, and of two cached results the newer one. */
  readonly buildkit: boolean;
}

/** What is wrong, and what the user can do. */
export interface EngineTrouble {
  readonly code: string;
  readonly message: string;
  readonly help: string;
}

export interface Build {
  readonly dockerfile: string;
  readonly ignoreFile?: string;
  readonly context: string;
  /** Absent: the last stage. */
  readonly target?: string;
  readonly tag: string;
  /** Without any cache. */
  readonly cold: boolean;
  /** Options as the user gave them. */
  readonly passed: readonly string[];
}

/** `wanted` is a name, or the path of a program that has one. */
export async function findEngine(
  wanted: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<Engine | EngineTrouble> {
  if (wanted !== undefined) {
    const name = ENGINES.find((each) => basename(wanted).startsWith(each));
    if (name === undefined)
      return {
        code: 'no-engine',
        message: `\`${wanted}\` is no builder that dockerfix knows`,
        help: `it knows ${ENGINES.join(', ')}, by name or by path`,
      };
    const program = wanted.includes('/') ? resolve(cwd, wanted) : programs(wanted, environment)[0];
    if (program === undefined)
      return { code: 'no-engine', message: `there is no \`${wanted}\` on PATH`, help: 'install it, or give its path' };
    return probe(name, program);
  }
  let trouble: EngineTrouble | undefined;
  let insteadOf: string | undefined;
  for (const name of ENGINES)
    for (const program of programs(name, environment)) {
      const found = await probe(name, program);
      if (!('code' in found)) return insteadOf === undefined ? found : { ...found, insteadOf };
      trouble ??= found;
      insteadOf ??= `${program}: ${found.message}`;
    }
  return (
    trouble ?? {
      code: 'no-engine',
      message: 'there is no builder: none of docker, podman, buildah, nerdctl is on PATH',
      help: 'install one of them; `dockerfix` itself needs none',
    }
  );
}

/** All programs of that name on PATH, the first one first. */
function programs(name: string, environment: Readonly<Record<string, string | undefined>>): string[] {
  return (environment['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, name))
    .filter((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}

const PROBE_SECONDS = 60;

async function probe(name: EngineName, program: string): Promise<Engine | EngineTrouble> {
  const ask = (...argv: string[]): Promise<Ran> => runProgram(program, argv, { seconds: PROBE_SECONDS });
  if (name === 'buildah' || name === 'podman') {
    const version = await ask('--version');
    // `info` needs the storage, and for podman perhaps a machine.
    const info = version.code === 0 ? await ask('info', ...(name === 'podman' ? ['--format', 'json'] : [])) : version;
    if (info.code !== 0) return engineTrouble(name, info);
    const storage = /"[gG]raphRoot": "([^"]+)"/.exec(info.text)?.[1];
    return {
      name,
      program,
      version: version.text.trim(),
      environment: {},
      tidies: true,
      build: ['build', '--layers', '--force-rm'],
      buildkit: false,
      ...(storage === undefined ? {} : { storage }),
    };
  }
  const version = await ask('version', '--format', '{{.Server.Version}}');
  if (version.code !== 0) {
    // nerdctl has another template.
    const plain = name === 'nerdctl' ? await ask('version') : version;
    if (plain.code !== 0) return engineTrouble(name, plain);
  }
  const told = `${name} ${version.text.trim().split('\n').at(-1) ?? ''}`;
  if (name === 'nerdctl')
    return { name, program, version: told, environment: {}, build: ['build'], buildkit: true, tidies: false };
  const root = await ask('info', '--format', '{{.DockerRootDir}}');
  const storage = root.code === 0 ? { storage: root.text.trim().split('\n').at(-1) as string } : {};
  const environment = { DOCKER_BUILDKIT: '1', BUILDX_NO_DEFAULT_ATTESTATIONS: '1' };
  const buildx = await ask('buildx', 'version');
  if (buildx.code === 0)
    return {
      name,
      program,
      version: told,
      environment,
      build: ['buildx', 'build', '--load'],
      ...storage,
      buildkit: true,
      tidies: false,
    };
  // Clients before 23 have BuildKit inside; later ones need the plugin.
  const client = await ask('version', '--format', '{{.Client.Version}}');
  if (Number.parseInt(client.text.trim().split('\n').at(-1) ?? '', 10) >= 23)
    return {
      code: 'no-buildkit',
      message: `${program} has no buildx plugin, and so no BuildKit`,
      help: 'install docker-buildx, or choose another builder with --engine',
    };
  return { name, program, version: told, environment, build: ['build'], ...storage, buildkit: true, tidies: false };
}

/** Why a builder does not answer, or a build broke that no Dockerfile is to blame for. */
export function engineTrouble(name: EngineName, { text, absent, timedOut }: Ran): EngineTrouble {
  const known = hostTrouble(text);
  if (known !== undefined) return known;
  if (timedOut) return { code: 'engine-silent', message: `${name} does not answer`, help: 'restart it' };
  return {
    code: absent ? 'no-engine' : 'engine-fails',
    message: `${name} cannot be used: ${lastWord(text)}`,
    help: 'choose another builder with --engine',
  };
}

/** What the builder itself says in the end: a RUN may have printed anything before. buildah warns after it. */
function lastWord(text: string): string {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => /^error\b|level=(?:error|fatal)/i.test(line)) ?? lines.at(-1) ?? '';
}

/** What is the fault of the machine, or of what was handed on. */
export function hostTrouble(text: string): EngineTrouble | undefined {
  const last = lastWord(text);
  if (/SSH_AUTH_SOCK not set|empty ssh agent socket/.test(last))
    return {
      code: 'no-ssh-agent',
      message: 'there is no SSH agent that --ssh could hand on',
      help: 'start one with `eval $(ssh-agent)` and `ssh-add`, or name a key: --ssh default=FILE',
    };
  if (/could not parse (?:ssh|secrets)|^ERROR: failed to stat /.test(last))
    return {
      code: 'not-handed-on',
      message: last.replace(/^error: (?:creating build executor: )?/i, ''),
      help: 'mend what --secret or --ssh says',
    };
  if (/permission denied while trying to connect|permission denied.*docker\.sock|Got permission denied/i.test(last))
    return {
      code: 'no-permission',
      message: 'you may not use the daemon',
      help: 'add yourself to its group (docker), or use a rootless builder: podman, buildah',
    };
  if (
    /cannot connect to the docker daemon|is the docker daemon running|connection refused|cannot access containerd socket|rootless containerd not running|unable to connect to Podman/i.test(
      last,
    )
  )
    return {
      code: 'no-daemon',
      message: "the builder's daemon cannot be reached",
      help: 'start it, or set DOCKER_HOST',
    };
  if (/no space left on device|disk quota exceeded/i.test(text)) return DISK_FULL;
  return undefined;
}

export const DISK_FULL: EngineTrouble = {
  code: 'disk-full',
  message: 'the disk is full',
  help: 'free some: `docker system prune`, `podman system prune` or `buildah prune` remove what builds left behind',
};

export function buildArguments(engine: Engine, build: Build): string[] {
  const { dockerfile, ignoreFile, context, target, tag, cold, passed } = build;
  return [
    ...engine.build,
    ...(engine.buildkit ? ['--progress', 'plain'] : []),
    ...(cold ? ['--no-cache'] : []),
    ...(engine.buildkit || ignoreFile === undefined ? [] : ['--ignorefile', ignoreFile]),
    ...(target === undefined ? [] : ['--target', target]),
    '--tag',
    tag,
    '--file',
    dockerfile,
    ...passed,
    context,
  ];
}

export interface Save {
  readonly argv: readonly string[];
  /** The archive is written there; absent: to standard output. */
  readonly file?: string;
}

/** All of these tags are in one of them. */
export function saves({ name }: Engine, tags: readonly string[], folder: string): readonly Save[] {
  // It cannot write to what Node makes of standard output, which is a socket.
  const file = join(folder, 'image.tar');
  if (name === 'buildah')
    return tags.map((tag) => ({ argv: ['push', '--quiet', tag, `docker-archive:${file}:${tag}`], file }));
  if (name === 'podman')
    return [{ argv: ['save', '--quiet', '--format', 'docker-archive', '--multi-image-archive', ...tags] }];
  return [{ argv: ['save', ...tags] }];
}

export function removeArguments(tags: readonly string[]): string[] {
  return ['rmi', '--force', ...tags];
}

export interface Step {
  /** `RUN npm ci` */
  readonly text: string;
  readonly cached: boolean;
  /** Absent: not told. */
  readonly seconds?: number;
  /** The stage's name, empty where it is the only one and has none; from 1, which is FROM. Absent: not told. */
  readonly place?: { readonly stage: string; readonly number: number };
}

/** The instructions that a build's log tells of. */
export function stepsOf(log: string, buildkit: boolean): Step[] {
  return buildkit ? buildkitSteps(log) : buildahSteps(log);
}

/** Of each step, those that this build made: they stay where it did not get to its end. */
export function intermediateImages(log: string, buildkit: boolean): string[] {
  if (buildkit) return [];
  const used = new Set([...log.matchAll(/^--> Using cache ([0-9a-f]{12})/gm)].map(([, id]) => id as string));
  return [...log.matchAll(/^--> ([0-9a-f]{11,})\r?$/gm)]
    .map(([, id]) => id as string)
    .filter((id) => ![...used].some((each) => id.startsWith(each) || each.startsWith(id)));
}

function buildkitSteps(log: string): Step[] {
  const steps = new Map<string, { -readonly [Key in keyof Step]: Step[Key] }>();
  for (const line of log.split('\n')) {
    const match = /^#(\d+) (.*?)\r?$/.exec(line);
    if (match === null) continue;
    const [id = '', rest = ''] = match.slice(1);
    const named = /^\[(?:([^\]\s]+) +)?(\d+)\/\d+\] (.*)$/.exec(rest);
    const done = /^DONE ([\d.]+)s$/.exec(rest);
    const step = steps.get(id);
    if (named !== null && step === undefined) {
      const [stage = '', number = '', text = ''] = named.slice(1);
      steps.set(id, { text, cached: false, place: { stage, number: Number(number) } });
    } else if (step === undefined) continue;
    else if (rest === 'CACHED') step.cached = true;
    else if (done !== null) step.seconds = Number(done[1]);
  }
  // The log tells them as they end.
  const stages = [...new Set([...steps.values()].map(({ place }) => place?.stage))];
  return [...steps.values()].sort(
    (a, b) =>
      stages.indexOf(a.place?.stage) - stages.indexOf(b.place?.stage) ||
      (a.place?.number ?? 0) - (b.place?.number ?? 0),
  );
}

function buildahSteps(log: string): Step[] {
  const steps: { text: string; cached: boolean }[] = [];
  for (const line of log.split('\n')) {
    const named = /^(?:\[\d+\/\d+\] )?STEP \d+(?:\/\d+)?: (.*)$/.exec(line);
    const last = steps.at(-1);
    if (named !== null) steps.push({ text: (named[1] as string).trimEnd(), cached: false });
    else if (line.startsWith('--> Using cache') && last !== undefined) last.cached = true;
  }
  return steps;
}
