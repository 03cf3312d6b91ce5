/** What a stage is executed on: its file system, its environment, and what else its instructions share. */
import type { BuildContext, Command, Dockerfile, Instruction, Run, Stage, Trouble } from '../model.ts';
import { expandCopySource } from '../context/dockerignore.ts';
import { ancestors, resolvePath } from '../dockerfile/state.ts';
import type { Knowledge } from '../managers/index.ts';
import { memoOf } from '../managers/shared/memo.ts';
import type { Action, Input, StageTrace } from './actions.ts';
import { Variables } from './environment.ts';
import { Image } from './image.ts';
import { baseName, collides, isShared, isSystem, join, mayBeSystem, parentPath, sourceOf, within } from './paths.ts';
import type { Memory } from './recall.ts';
import type { Symbols } from './symbols.ts';
import { Users } from './users.ts';

/** Official images that do not run as root. Everything else without a registry or user prefix does. */
const NOT_ROOT = /^(?:elasticsearch|kibana|logstash|jenkins|solr|sonarqube|neo4j|memcached|zookeeper)(?::|$)/;

/** Images of other publishers that do, as their Dockerfiles have no USER. */
const ROOT =
  /^(?:docker\.io\/)?(?:library\/[\w.-]+(?=[:@]|$)|oven\/bun|denoland\/deno|hexpm\/elixir|continuumio\/miniconda3)(?:[:@]|$)|^ghcr\.io\/astral-sh\/uv(?:[:@]|$)|^(?:mcr\.microsoft\.com|microsoft)\/dotnet(?:\/core)?(?:\/(?:sdk|aspnet|runtime|runtime-deps))?(?::(?!.*(?:chiseled|distroless))|@|$)/;

/** What a step leaves: it has to stand for the step to be settled. */
export interface Left {
  readonly system: number;
  readonly written: readonly number[];
  readonly edited: readonly number[];
}

export interface Settled {
  readonly action: Action;
  /** The files that it edits, before it did. */
  readonly before: readonly number[];
  readonly left: Left;
}

/** The directories of the context in which there is a link, however deep; asked for each write, and worked out once. */
export const foldersWithLinks = memoOf((context: BuildContext): ReadonlySet<string> => {
  const links = context.list('.').filter((path) => context.kind(path) === 'symlink');
  return new Set(links.flatMap((link) => ['.', ...[...ancestors(link)].slice(1)]));
});

/** One stage while it is executed: the modules for COPY and RUN work on it. */
export class Machine {
  readonly environment: Variables;
  readonly image: Image;
  readonly configuration: string[];
  readonly volumes: string[] = [];
  /** What may fail a build, or with some builders: copies whose source may be missing, several sources without a slash. */
  readonly mayFail = new Set<string>();
  /** Managers whose store this stage has filled. */
  readonly warmed: Set<string>;
  readonly fetched: ReadonlySet<string>;
  /** Directories of the context that were copied, by where to. */
  readonly placed: Map<string, ReadonlySet<string>>;
  /** Steps that would change nothing if they ran again, by what they depend on. */
  readonly settled = new Map<number, Settled>();
  readonly rootUser: string;
  readonly aliased: boolean;
  /** Paths below the base image's own directory, and paths that are told in full. */
  readonly places: { readonly relative: boolean; readonly absolute: boolean };
  /** Triggers of a parent ran before its first instruction (rule 15), or its parent's, so that nothing is certain. */
  triggered = false;
  readonly file: Dockerfile;
  readonly stage: Stage;
  readonly context: BuildContext;
  readonly symbols: Symbols;
  readonly knowledge: Knowledge;
  /** The stages before this one. */
  readonly done: readonly StageTrace[];
  readonly users: Users;
  readonly memory: Memory;
  /** The variables that the last USER names: `--build-arg` may give them another value. */
  userNamed = '';
  /** What was removed of the system. */
  readonly gone: Set<string>;
  /** What the RUN has mounted in the place of the image's own files, but for caches. */
  hidden: readonly string[] = [];

  constructor(
    file: Dockerfile,
    stage: Stage,
    context: BuildContext,
    symbols: Symbols,
    knowledge: Knowledge,
    memory: Memory,
    done: readonly StageTrace[],
    environments: readonly Variables[],
    globals: Variables,
  ) {
    this.file = file;
    this.stage = stage;
    this.context = context;
    this.symbols = symbols;
    this.users = new Users(symbols);
    this.knowledge = knowledge;
    this.done = done;
    this.memory = memory;
    const parent = stage.base.stage === undefined ? undefined : done[stage.base.stage];
    const from = this.textOf(stage.from);
    this.placed = new Map(parent?.placed);
    this.gone = new Set(parent?.gone);
    if (parent === undefined) {
      this.image = new Image(symbols, symbols.of('base', from, stage.base.image ?? ''));
      this.environment = new Variables(symbols, undefined, globals.texts);
      this.configuration = file.globals.map((global) => `ARG ${this.textOf(global)}`);
    } else {
      this.image = parent.image.fork();
      this.environment = (environments[stage.base.stage as number] as Variables).fork();
      this.configuration = [...parent.configuration];
    }
    this.configuration.push(`FROM ${this.flagText(stage.from)} ${from}`);
    this.fetched = new Set(
      parent?.events
        .flatMap((event) =>
          event.actions.flatMap((each) => (each.install?.kind === 'fetch' ? [each.install.manager] : [])),
        )
        .concat([...parent.fetched]),
    );
    this.warmed = new Set(this.fetched);
    const base = stage.base.image ?? '?';
    this.rootUser = (!base.includes('/') && base !== '?' && !NOT_ROOT.test(base)) || ROOT.test(base) ? 'root' : 'base';
    const claims = [...this.claims()];
    const unknown = claims.some((path) => path.startsWith('?'));
    const absolute = claims.some((path) => !path.startsWith('?')) || this.copiesToSystem();
    // The base image's unknown directory may be any of the named ones: then order must stay as it is.
    this.aliased = unknown && absolute;
    const runsThere = stage.instructions.some((each) => each.keyword === 'RUN' && each.state.workdir[0] === '?');
    // What a RUN does in the unknown directory counts as done to everything where there are other places.
    this.places = { relative: unknown || (runsThere && !absolute), absolute };
    for (let each = parent; each !== undefined && !this.triggered; each = each.parent)
      this.triggered = each.stage.instructions.some(({ keyword }) => keyword === 'ONBUILD');
    if (!this.aliased) for (const path of claims) this.image.claim(path);
  }

  /** Paths that are the project's own in this stage, whatever the order of its instructions. */
  *claims(): Iterable<string> {
    for (const instruction of this.stage.instructions) {
      if (instruction.keyword === 'WORKDIR') {
        const path = (instruction as { path: string }).path;
        if (!isShared(path) && !isSystem(path)) yield path;
      }
      if (instruction.keyword !== 'COPY' && instruction.keyword !== 'ADD') continue;
      const copy = instruction;
      const destination = copy.destination?.value;
      if (destination === undefined) continue;
      const target = resolvePath(copy.state.workdir, destination);
      if (isSystem(target)) continue;
      if (!isShared(target)) {
        yield target;
        continue;
      }
      if (copy.from !== undefined) continue;
      for (const source of copy.sources) {
        if (source.value === undefined) continue;
        for (const path of expandCopySource(this.context, source.value)) {
          const names = this.context.kind(path) === 'directory' ? this.context.entries(path) : [baseName(path)];
          for (const name of names) if (!collides(target, name)) yield join(target, name);
        }
      }
    }
  }

  /** A relative copy may be to the very same place, where the base image's own directory is `/`. */
  copiesToSystem(): boolean {
    return this.stage.instructions.some(
      (each) =>
        (each.keyword === 'COPY' || each.keyword === 'ADD') &&
        each.destination?.value !== undefined &&
        isSystem(resolvePath(each.state.workdir, each.destination.value)),
    );
  }

  textOf(instruction: Instruction): string {
    return this.file.source.slice(...instruction.argument).trim();
  }

  flagText(instruction: Instruction, except: (name: string, value: string) => boolean = () => false): string {
    return instruction.flags
      .filter((flag) => !except(flag.name, flag.value ?? ''))
      .map((flag) => `--${flag.name}=${flag.value ?? ''}`)
      .sort()
      .join(' ');
  }

  /** The values, as symbols, of the variables that a text names. */
  used(text: string): string {
    return text.includes('$') ? ` ${this.environment.references(text)}` : '';
  }

  user(instruction: Instruction): string {
    const user = instruction.state.user ?? this.rootUser;
    return user === '0' || user === '0:0' || user === 'root:root' ? 'root' : user;
  }

  /** A link stands there or on the way, or did before a command that is not understood. */
  isLinked(path: string): boolean {
    if (this.image.throughLink(path)) return true;
    // Of a place that may have another name, too, the links are there by that name.
    if (this.aliased && path.startsWith('/') && this.placesLinks()) return true;
    const above = [path];
    while (above[0] !== '/' && above[0] !== '?') above.unshift(parentPath(above[0] as string));
    return above.some((target) =>
      [...(this.placed.get(target) ?? [])].some((source) =>
        above.some((each) => this.context.kind(sourceOf(each, { source, target }) ?? '') === 'symlink'),
      ),
    );
  }

  /** A link came to the base image's own directory. */
  private placesLinks(): boolean {
    const linked = foldersWithLinks(this.context);
    return [...this.placed].some(
      ([target, sources]) => target.startsWith('?') && [...sources].some((source) => linked.has(source)),
    );
  }

  /** Not sure to be where it says: behind a link, or in a directory that has another name too. */
  isElsewhere(path: string): boolean {
    const { relative, absolute } = this.places;
    if (path.startsWith('?') ? absolute || mayBeSystem(path) : relative && !isSystem(path)) return true;
    return this.image.throughLink(path);
  }

  /** The build made it, or the base image has it. */
  isThere(directory: string): boolean {
    return (this.image.isDirectory(directory) || isSystem(directory)) && !this.isGone(directory);
  }

  isGone(path: string): boolean {
    return [...this.gone].some((each) => within(path, each));
  }

  /** That there is such a directory, whatever lies in it. */
  existing(directory: string): Input {
    const value = this.isThere(directory) ? this.symbols.of('directory') : this.image.valueOf(directory);
    return { what: directory, value };
  }

  /** That there is such a directory, and whose it is. */
  writable(what: string): Input {
    return { what, value: this.symbols.of(this.existing(what).value, this.image.maker(what)) };
  }

  /** What a command does that is not understood: it reads and writes everything but what is spared. */
  everything(
    text: string,
    name: string,
    place: number,
    opaque: Trouble,
    rest: Partial<Action> = {},
    spared: readonly string[] = [],
  ): Action {
    const value = this.image.valueOf('/');
    const symbol = this.symbols.of('opaque', name, place, value);
    this.image.writeAll(symbol, spared);
    return { text, name, symbol, opaque, inputs: [{ what: 'everything', value }], ...rest };
  }

  /** The commands of this stage, and of those that it is based on. */
  allCommands(): readonly { readonly each: Run; readonly command: Command }[] {
    const stages: Stage[] = [];
    for (let at: number | undefined = this.stage.index; at !== undefined; at = this.file.stages[at]?.base.stage)
      stages.push(this.file.stages[at] as Stage);
    return stages
      .flatMap((stage) => stage.instructions)
      .flatMap((each) => (each.keyword === 'RUN' ? (each.commands ?? []).map((command) => ({ each, command })) : []));
  }
}
