/**
 * The layers of a Dockerfile as a builder's cache sees them (rules 39-44): what each one's key is made of, as far as
 * the build context and earlier stages can change it. Made of the same trace that the proof uses.
 */
import type { BuildContext, Copy, Dockerfile, Instruction, Run, Target } from '../model.ts';
import { contextPath, goMatch, parseIgnore } from '../context/dockerignore.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { traceOf } from '../effects/memo.ts';
import { baseName, join, sourceOf, within } from '../effects/paths.ts';
import { contextBinds, mountOptions } from '../effects/mounts.ts';
import type { Action, Event, StageTrace } from '../effects/actions.ts';

/** Whose cache: Buildah's chains every instruction, as the classic builder's does (rule 42). */
export type Builder = Target['builder'];

/** What a layer costs to make again depends on this. */
export type Kind = 'copy' | 'install' | 'build' | 'system' | 'run' | 'directory';

/** A path of the build context that a commit changed. */
export interface Change {
  /** `.` for the whole context. */
  readonly path: string;
  /** Anything below may have changed: a submodule moved. */
  readonly tree: boolean;
}

/** Something of the build context that is part of a layer's key. */
export interface Source {
  /** As the Dockerfile names it. */
  readonly text: string;
  /** The image path that a change would reach; undefined: the change is not in it. */
  reached(change: Change): string | undefined;
}

export interface Layer {
  readonly stage: number;
  readonly instruction: Instruction;
  /** On one line. */
  readonly text: string;
  readonly kind: Kind;
  readonly sources: readonly Source[];
  /** Paths of earlier stages whose content is in the key (rule 43), and where they go. */
  readonly from: readonly { readonly stage: number; readonly path: string; readonly target?: string }[];
  /** Its key does not hold what stands above (`COPY --link`, rule 35). */
  readonly detached: boolean;
  /** The key is looked up at all. */
  readonly cached: boolean;
  /** A unit's first install: what later ones need is there already. */
  readonly first: boolean;
  readonly actions: readonly Action[];
}

/** Installs of one project by one manager within one stage. What is counted is how often the first of them runs. */
export interface Unit {
  /** The same before and after a rewrite. */
  readonly key: string;
  /** Index of the first layer that installs. */
  readonly layer: number;
  /** The command, as written. */
  readonly text: string;
  /** Context paths that the install reads; undefined: not known exactly. */
  readonly inputs?: readonly Change[];
}

export interface Layers {
  readonly builder: Builder;
  readonly context: BuildContext;
  readonly layers: readonly Layer[];
  /** By stage, the range of its layers, and the stage that it is based on. */
  readonly stages: readonly { readonly start: number; readonly end: number; readonly parent?: number }[];
  readonly units: readonly Unit[];
}

export function layersOf(
  file: Dockerfile,
  context: BuildContext,
  builder: Builder,
  known: Pick<Target, 'managers'> = {},
): Layers {
  const layers: Layer[] = [];
  const stages: Layers['stages'][number][] = [];
  const units = new Map<string, Unit>();
  const traces = file.trouble === undefined ? traceOf(file, context, known) : [];
  for (const trace of traces) {
    const start = layers.length;
    for (const event of trace.events) {
      const layer = layerOf(file, trace, event, context, builder);
      if (layer === undefined) continue;
      let first = false;
      for (const action of event.actions) {
        const { install } = action;
        if (install === undefined || install.kind === 'tool' || install.kind === 'script') continue;
        const key = `${trace.stage.index} ${install.manager} ${install.directory}`;
        if (units.has(key)) continue;
        // A build finds what was downloaded for the project before, from whatever directory.
        if (install.kind === 'build' && isSupplied(install.manager, trace, units)) continue;
        const inputs = inputsOf(action, trace, event, context);
        first = true;
        units.set(key, {
          key,
          layer: layers.length,
          text: install.command.text,
          ...(inputs === undefined ? {} : { inputs }),
        });
      }
      layers.push({ ...layer, first });
    }
    const parent = trace.stage.base.stage;
    stages.push({ start, end: layers.length, ...(parent === undefined ? {} : { parent }) });
  }
  return { builder, context, layers, stages, units: [...units.values()] };
}

function isSupplied(manager: string, trace: StageTrace, units: ReadonlyMap<string, Unit>): boolean {
  for (let at: StageTrace | undefined = trace; at !== undefined; at = at.parent)
    for (const key of units.keys()) if (key.startsWith(`${at.stage.index} ${manager} `)) return true;
  return false;
}

function layerOf(
  file: Dockerfile,
  trace: StageTrace,
  { instruction, actions, placements }: Event,
  context: BuildContext,
  builder: Builder,
): Omit<Layer, 'first'> | undefined {
  const shared = {
    stage: trace.stage.index,
    instruction,
    text: oneLine(file, instruction),
    actions,
    detached: false,
    cached: true,
  };
  switch (instruction.keyword) {
    case 'RUN': {
      const mounts = mountsOf(instruction);
      return {
        ...shared,
        kind: kindOf(actions),
        sources: mounts
          .filter(({ stage }) => stage === undefined)
          .map(({ path }) => literalSource(path, path, context)),
        from: mounts.flatMap(({ stage, path }) => {
          const index = stage === undefined ? undefined : stageNamed(file, stage, trace.stage.index);
          return index === undefined ? [] : [{ stage: index, path: resolvePath('/', path) }];
        }),
      };
    }
    case 'COPY':
    case 'ADD': {
      const copy = instruction;
      const destination = copy.destination?.value;
      const directory = destination === undefined ? '/' : resolvePath(copy.state.workdir, destination);
      const constant = copy.sources.every(({ value }) => value !== undefined);
      return {
        ...shared,
        kind: 'copy',
        sources:
          copy.from !== undefined
            ? []
            : constant
              ? copy.sources.flatMap((source) =>
                  copySource(copy, source.value as string, directory, placements, context),
                )
              : // Named by a variable: it may be any.
                [literalSource('.', directory, context)],
        from:
          copy.fromStage === undefined
            ? []
            : copy.sources.map((source) => ({
                stage: copy.fromStage as number,
                path: resolvePath('/', (source.value ?? '/').replace(/\/?[^/]*[*?[].*$/, '')),
                target: directory,
              })),
        detached: builder === 'buildkit' && copy.flags.some(({ name }) => name === 'link'),
        // kaniko caches RUNs alone unless it is told otherwise.
        cached: builder !== 'kaniko',
      };
    }
    case 'WORKDIR':
      return (instruction as { path: string }).path === '/'
        ? undefined
        : { ...shared, kind: 'directory', sources: [], from: [] };
    default:
      return undefined;
  }
}

// ----------------------------------------------------------------------------------------------- sources

type Placements = Event['placements'];

function copySource(
  copy: Copy,
  value: string,
  directory: string,
  placements: Placements,
  context: BuildContext,
): readonly Source[] {
  if (copy.heredocs.some(({ name }) => value.includes(name)) && value.includes('<<')) return [];
  if (copy.keyword === 'ADD' && (/^[a-z+]+:\/\//.test(value) || value.startsWith('git@'))) return [];
  const excluded = copy.flags.filter(({ name }) => name === 'exclude').map((flag) => flag.value ?? '');
  const source = plainSource(value, directory, placements, context);
  if (excluded.length === 0) return [source];
  const rules = parseIgnore(excluded.join('\n'));
  const base = contextPath(value);
  return [
    {
      ...source,
      reached: (change) =>
        rules.ignores(base === '.' ? change.path : change.path.slice(base.length + 1))
          ? undefined
          : source.reached(change),
    },
  ];
}

function plainSource(value: string, directory: string, placements: Placements, context: BuildContext): Source {
  const path = contextPath(value);
  const targetOf = (source: string): string | undefined => placements?.find((each) => each.source === source)?.target;
  const segments = path.split('/');
  if (!segments.some((segment) => /[*?[\\]/.test(segment))) {
    const target = targetOf(path) ?? directory;
    return { ...literalSource(path, target, context), text: value };
  }
  return {
    text: value,
    reached({ path: changed, tree }) {
      const parts = changed.split('/');
      if (parts.length < segments.length && !(tree && parts.every((part, at) => goMatch(segments[at] as string, part))))
        return undefined;
      if (!segments.every((segment, at) => at >= parts.length || goMatch(segment, parts[at] as string)))
        return undefined;
      const matched = parts.slice(0, segments.length).join('/');
      const target = targetOf(matched) ?? join(directory, baseName(matched));
      return join(target, parts.slice(segments.length).join('/'));
    },
  };
}

function literalSource(path: string, target: string, context: BuildContext): Source {
  // A link that is named is followed (rule 31), and where it leads is not read.
  if (context.kind(path) === 'symlink') return { text: path, reached: () => target };
  return {
    text: path,
    reached(change) {
      if (path === '.') return change.path === '.' ? target : join(target, change.path);
      if (change.path === path) return target;
      if (change.path.startsWith(`${path}/`)) return join(target, change.path.slice(path.length + 1));
      return change.tree && (change.path === '.' || path.startsWith(`${change.path}/`)) ? target : undefined;
    },
  };
}

interface Mount {
  readonly path: string;
  readonly stage?: string;
}

/** Bind mounts: the content of what is mounted is in the key (rule 40). */
function mountsOf(run: Run): readonly Mount[] {
  return run.flags.flatMap(({ name, value = '' }): Mount[] => {
    if (name !== 'mount') return [];
    const options = mountOptions(value);
    if ((options.get('type') ?? 'bind') !== 'bind') return [];
    const stage = options.get('from');
    const path = contextPath(options.get('source') ?? options.get('src') ?? '.');
    return [{ path, ...(stage === undefined ? {} : { stage }) }];
  });
}

function stageNamed(file: Dockerfile, name: string, before: number): number | undefined {
  return file.stages.findLast((stage) => stage.index < before && stage.name === name.toLowerCase())?.index;
}

// ------------------------------------------------------------------------------------------------- kinds

function kindOf(actions: readonly Action[]): Kind {
  const kinds = new Set(actions.map(({ install }) => install?.kind));
  if (kinds.has('install') || kinds.has('fetch')) return 'install';
  if (kinds.has('build')) return 'build';
  if (kinds.has('tool') || actions.some(({ effect }) => effect?.system === 'writes')) return 'system';
  return actions.some(({ opaque }) => opaque !== undefined) ? 'build' : 'run';
}

function oneLine(file: Dockerfile, { span, keyword, heredocs }: Instruction): string {
  const text = file.source.slice(span[0], heredocs[0] === undefined ? span[1] : heredocs[0].body[0]);
  const folded = text
    .split(/\r?\n/)
    .filter((line, at) => at === 0 || !/^\s*(?:#|$)/.test(line))
    .map((line) => line.replace(/[\\`]?\s*$/, '').trim())
    .join(' ');
  return `${keyword}${folded.slice(keyword.length)}`;
}

// ------------------------------------------------------------------------------------------------ inputs

/** What an install reads of the context. With a way to divide it, what its first half reads. */
function inputsOf(
  action: Action,
  trace: StageTrace,
  event: Event,
  context: BuildContext,
): readonly Change[] | undefined {
  const whole = event.actions.filter(({ command }) => command !== undefined && command === action.command);
  const reads = whole.some(({ opaque }) => opaque !== undefined)
    ? (action.splitReads?.[0] ?? (action.opaque === undefined ? action.effect?.reads : undefined))
    : (whole.length === 0 ? [action] : whole).flatMap(({ effect }) => effect?.reads ?? []);
  if (reads === undefined || reads.length === 0) return undefined;
  const found = new Map<string, Change>();
  const add = (path: string, tree: boolean): void => {
    // An install that a file would change once it was there is not what the history had.
    if (context.has(path)) found.set(path, { path, tree: tree || context.kind(path) === 'directory' });
  };
  for (const read of reads) {
    if (read.incidental === true) continue;
    for (let at: StageTrace | undefined = trace; at !== undefined; at = at.parent)
      for (const { instruction, placements = [] } of at === trace
        ? at.events.slice(0, at.events.indexOf(event) + 1)
        : at.events) {
        for (const placement of placements) {
          const source = sourceOf(read.path, placement);
          if (source !== undefined) {
            if (read.path === placement.target || placement.directory) add(source, read.tree === true);
          } else if (read.tree === true && within(placement.target, read.path)) add(placement.source, true);
        }
        if (instruction.keyword === 'RUN')
          for (const bind of contextBinds(instruction)) {
            const source = sourceOf(read.path, bind);
            if (source !== undefined) add(source, read.tree === true);
          }
      }
  }
  return found.size === 0 ? undefined : [...found.values()];
}
