/** Who needs a package store, so that it has to stay in the image. */
import {
  within,
  type Action,
  type BuildContext,
  type Dockerfile,
  type Event,
  type Instruction,
  type PackageManager,
  type Placement,
  type StageTrace,
  type Trouble,
} from '../../src/plugin.ts';
import { absolute, unquoted } from './removals.ts';

/** What a stage goes on with that has the store in its image, or its parent's. */
interface Holder {
  readonly builds: readonly Action[];
  readonly placements: readonly Placement[];
  readonly entrypoint: Instruction | undefined;
  readonly command: Instruction | undefined;
}

/** Something other than the manager's own RUNs could need the store: another command, a copy out of it, the container. */
export function neededElsewhere(
  file: Dockerfile,
  context: BuildContext,
  stages: readonly StageTrace[],
  uses: readonly Event[],
  manager: PackageManager,
  targets: readonly string[],
): Trouble | undefined {
  const of = (text: string): boolean => manager.commands.some((name) => new RegExp(`\\b${name}\\b`).test(text));
  const used = new Set(uses);
  const holders = new Map<StageTrace, Holder>();
  for (const stage of stages) {
    const { events, parent } = stage;
    const before = parent === undefined ? undefined : holders.get(parent);
    const from = before === undefined ? events.findIndex((event) => used.has(event)) : 0;
    if (from < 0) continue;
    for (const { instruction, actions } of events.slice(from)) {
      const text = file.source.slice(...instruction.argument);
      const other = actions.find((action) => action.opaque !== undefined && action.install?.manager !== manager.name);
      const runs = isStart(instruction) && of(text);
      if (other !== undefined || runs) return needing(`\`${other?.text ?? text}\``);
    }
    const own = events.filter(({ instruction }) => isStart(instruction)).map(({ instruction }) => instruction);
    const built = events.flatMap((event) =>
      event.actions.filter(({ install }) => install?.kind === 'build' && install.manager === manager.name),
    );
    const last = (keyword: string): Instruction | undefined => own.findLast((each) => each.keyword === keyword);
    const holder: Holder = {
      builds: [...(before?.builds ?? []), ...built],
      placements: [...(before?.placements ?? []), ...events.flatMap((event) => event.placements ?? [])],
      entrypoint: last('ENTRYPOINT') ?? before?.entrypoint,
      command: last('CMD') ?? before?.command,
    };
    holders.set(stage, holder);
    if (own.length === 0 && stage !== stages.at(-1)) continue;
    const starts = [holder.entrypoint, holder.command].flatMap((each) => each ?? []);
    const unknown = mayNeed(context, holder, starts, manager, targets);
    if (unknown)
      return needing(
        starts.length === 0
          ? 'a container of the last stage'
          : starts.map((each) => `\`${file.source.slice(...each.argument)}\``).join(', '),
      );
  }
  const copied = file.instructions.find(
    (each) =>
      (each.keyword === 'COPY' || each.keyword === 'ADD') &&
      each.from !== undefined &&
      (manager.caches.some((cache) => file.source.slice(...each.argument).includes(cache.path.replace(/^~/, ''))) ||
        ([...holders.keys()].some(({ stage }) => stage.index === each.fromStage) &&
          each.sources.some(({ value = '' }) => targets.some((path) => within(path, absolute('/', value)))))),
  );
  return copied === undefined
    ? undefined
    : {
        code: 'mount-is-output',
        message: `line ${copied.line} copies the package store of ${manager.name} out of its stage`,
      };
}

function needing(what: string): Trouble {
  return {
    code: 'mount-is-output',
    message: `${what} may need the packages that a cache mount would keep out of the image`,
    help: 'mount the cache by hand if it does not',
  };
}

const isStart = ({ keyword }: Instruction): boolean => keyword === 'CMD' || keyword === 'ENTRYPOINT';

/** Programs that start another, with their options. */
const STARTERS = /^(?:exec|env|nice|nohup|time|tini|dumb-init|catatonit|gosu|su-exec)$/;
/** Those that are told as whom. */
const SWITCHERS = /^(?:gosu|su-exec)$/;
const SHELLS = /^(?:ba|da|a|z)?sh$/;
/** They need no store: what they run was built, or comes from elsewhere. */
const RUNTIMES = /^(?:java|node|python[\d.]*|nginx|cd|echo|export|set|mkdir|umask)$/;

/** A container of the stage might take packages from the store: nothing was built, or what it starts may be anything. */
function mayNeed(
  context: BuildContext,
  { builds, placements }: Holder,
  starts: readonly Instruction[],
  { manifests }: PackageManager,
  targets: readonly string[],
): boolean {
  if (builds.length === 0 || starts.some(({ text }) => targets.some((path) => text.includes(path)))) return true;
  const sourcesOf = (path: string): readonly string[] =>
    placements.flatMap(({ source, target }) =>
      within(path, target) ? absolute('/', source + path.slice(target.length)).slice(1) : [],
    );
  const told = builds.flatMap(({ text, install }) => [
    text,
    ...manifests
      .flatMap((name) => sourcesOf(`${install?.directory ?? ''}/${name}`))
      .flatMap((path) => context.read(path)?.match(/^(?:module|name)\b.*$/gm) ?? []),
  ]);
  const workdir = starts.at(-1)?.state.workdir ?? '/';
  const isMade = (program: string): boolean => {
    const [, directory, name = ''] = /^(.*\/)?([^/]*)$/.exec(program) ?? [];
    if (SHELLS.test(name) || name.endsWith('.sh') || name === 'make') return false;
    if (RUNTIMES.test(name)) return true;
    const isOfSystem = directory === undefined || /^\/(?:usr\/(?:local\/)?|go\/)?s?bin\/$/.test(directory);
    // One that comes with the source is a script.
    if (!isOfSystem && context.known)
      return !program.includes('$') && !sourcesOf(absolute(workdir, program)).some((path) => context.has(path));
    return told.some((text) => text.split(/[\s"'=/]+/).includes(name));
  };
  const isBuilt = (words: readonly string[]): boolean => {
    const nameAt = (at: number): string => (words[at] ?? '').replace(/.*\//, '');
    let at = 0;
    while (STARTERS.test(nameAt(at)) || /^(?:-.*|\w+=.*)$/.test(words[at] ?? ''))
      at += SWITCHERS.test(nameAt(at)) ? 2 : 1;
    const rest = words.slice(at);
    const name = nameAt(at);
    if (SHELLS.test(name) && /^-[a-z]*c$/.test(rest[1] ?? '')) return isBuiltScript(rest[2] ?? '');
    return rest[0] === undefined || isMade(rest[0]);
  };
  const isBuiltScript = (script: string): boolean =>
    script
      .replace(/\d*>&\d/g, '')
      .split(/[;&|\n]+/)
      .every((command) =>
        isBuilt(
          command
            .trim()
            .split(/\s+/)
            .filter((word) => word !== '')
            .map(unquoted),
        ),
      );
  const words = starts.map(({ text }) => listOf(text));
  return words.some((each) => each === undefined)
    ? !starts.every(({ text }, at) => (words[at] === undefined ? isBuiltScript(text) : isBuilt(words[at])))
    : !isBuilt(words.flatMap((each) => each ?? []));
}

/** The words of an exec form. */
function listOf(text: string): readonly string[] | undefined {
  try {
    const list: unknown = text.trim().startsWith('[') ? JSON.parse(text) : undefined;
    return Array.isArray(list) && list.every((each) => typeof each === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}
