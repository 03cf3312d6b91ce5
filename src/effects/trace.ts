/**
 * Runs every stage of a Dockerfile on symbols: what each instruction reads, what it writes, and the state it leaves.
 * The proof compares two traces; transforms and the cache model read one.
 */
import type {
  Analysis,
  BuildContext,
  Command,
  Copy,
  Dockerfile,
  Files,
  Install,
  Instruction,
  Mount,
  PackageManager,
  Place,
  Presence,
  Read,
  Run,
  ShellWord,
  Stage,
  Trouble,
  Word,
} from '../model.ts';
import { expandCopySource, expandParentsSource, goMatch } from '../context/dockerignore.ts';
import { parse } from '../dockerfile/parse.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { knowledgeOf, type Knowledge } from '../managers/index.ts';
import { sparedBy } from '../managers/shared/compiler.ts';
import { worksOffline } from '../managers/shared/offline.ts';
import { keepsStores, missing } from '../managers/shared/steps.ts';
import { branches, either, eitherInstall } from './choice.ts';
import { isPrinted, ordinary, pipeline, ASSIGNS, substitutes, unasked, type Effect } from './commands.ts';
import { Variables } from './environment.ts';
import {
  contextLayer,
  editLayer,
  Image,
  type Layer,
  linkLayer,
  mergeLayer,
  ownLayer,
  sievedLayer,
  stageLayer,
  stageWildcardLayer,
  valueLayer,
  wildcardLayer,
} from './image.ts';
import { recall, type Memory } from './recall.ts';
import { contextBinds, isContextBind, mountOf } from './mounts.ts';
import { baseName, collides, HOME_FILES, isShared, isSystem, join, sourceOf, within } from './paths.ts';
import { afterPivot, ARCHIVE, endsInSlash, excluded, looksLikeFile, NO_ARCHIVE, SURE_FILE } from './sources.ts';
import { INHERITED, isFollowed, surroundings, type Surroundings } from './surroundings.ts';
import type { Symbols } from './symbols.ts';

/** Something an action depends on, with the value that it had. */
export interface Input {
  /** An image path, `system` for everything outside the project, or `everything`. */
  readonly what: string;
  readonly value: number;
}

/** One thing that a RUN does. */
export interface Action {
  /** What it is called in a message: the command's text. */
  readonly text: string;
  /** Actions of one name do the same to the same inputs. */
  readonly name: string;
  readonly command?: Command;
  readonly install?: Install;
  /** Whose install it is. */
  readonly manager?: PackageManager;
  readonly analysis?: Analysis;
  readonly effect?: Effect;
  /** Why it counts as reading and writing everything. */
  readonly opaque?: Trouble;
  readonly inputs: readonly Input[];
  readonly symbol: number;
  /** What the first half of each split of the analysis would read here. */
  readonly splitReads?: readonly (readonly Read[])[];
  /** The values of those, here. */
  readonly splitInputs?: readonly Input[];
  /** Texts of files that it reads and that name variables: `x==${VERSION}`. */
  readonly told?: string;
  /** It only fills a store (strategy W): its result is not compared, what it reads is. */
  readonly warm?: boolean;
  /** An install within a command that is not looked into: `if … fi`, `… || …`. */
  readonly inner?: Install;
  /** What it writes into, or removes, may not be there, so that it fails. */
  readonly lacks?: boolean;
  /** It repeats an earlier action on its own result, and so changes nothing. */
  readonly repeats?: boolean;
}

const FORGIVEN = ' (may fail)';

/** Nobody minds where it fails. */
export function isForgiven({ name }: Action): boolean {
  return name.endsWith(FORGIVEN);
}

/** Where one source of a COPY ends up. */
export interface Placement {
  /** Context path. */
  readonly source: string;
  /** Image path of that very file or directory. */
  readonly target: string;
  readonly directory: boolean;
}

/** One of these copies brings what the build context has to this path. */
export function isBrought(path: string, placements: readonly Placement[], context: BuildContext): boolean {
  return placements.some((each) => {
    const source = sourceOf(path, each);
    return source !== undefined && context.has(source);
  });
}

/** One of these copies puts something there, or further down. */
export function isFilled(directory: string, placements: readonly Placement[], context: BuildContext): boolean {
  return placements.some(({ target }) => within(target, directory)) || isBrought(directory, placements, context);
}

export interface Event {
  readonly instruction: Instruction;
  readonly actions: readonly Action[];
  /** For a COPY or ADD of plain context files: where each goes. Absent: not a plain copy from the context. */
  readonly placements?: readonly Placement[];
  /** For a plain COPY from a stage of this file: that stage, and where each of its paths goes. */
  readonly from?: { readonly stage: StageTrace; readonly placements: readonly Placement[] };
  /** Of a RUN. */
  readonly mounts?: readonly Mount[];
}

/** It downloads nothing. */
export function isOffline({ text, install }: Action): boolean {
  return worksOffline(text, install);
}

export interface StageTrace {
  readonly stage: Stage;
  readonly events: readonly Event[];
  /** The file system at the end. */
  readonly image: Image;
  /** What `docker inspect` would show, in the order it was set. */
  readonly configuration: readonly string[];
  /** Users and groups whose names fail it where nobody has them. */
  readonly owners: ReadonlySet<string>;
  /** The stage of this file that it is based on. */
  readonly parent?: StageTrace;
  /** Managers whose store was filled by a fetch before this stage began. */
  readonly fetched: ReadonlySet<string>;
  /** Directories of the context that were copied, by where to. */
  readonly placed: ReadonlyMap<string, ReadonlySet<string>>;
  /** Paths of the system that were removed. */
  readonly gone: ReadonlySet<string>;
}

/** Executes a whole file. Share `symbols` between two traces to compare them. */
export function trace(
  file: Dockerfile,
  context: BuildContext,
  symbols: Symbols,
  /** Default: the built-in ones. */
  managers: readonly PackageManager[] | undefined,
  /** Of these managers in this context. */
  memory: Memory,
): readonly StageTrace[] {
  const knowledge = knowledgeOf(managers);
  const done: StageTrace[] = [];
  const environments: Variables[] = [];
  const globals = new Variables(symbols);
  for (const each of file.globals) globals.set('ARG', each.text, file.escape);
  for (const stage of file.stages) {
    const execution = new Execution(file, stage, context, symbols, knowledge, memory, done, environments, globals);
    done.push(execution.run());
    environments.push(execution.environment);
  }
  return done;
}

/** Commands that change the shell for those after them in ways that are not modelled. */
const SHELL_ALTERING = new Set(
  '. source eval umask shopt alias unalias trap exec ulimit unset read pushd popd nvm conda declare local typeset readonly getopts shift hash enable'.split(
    ' ',
  ),
);

/** Official images that do not run as root. Everything else without a registry or user prefix does. */
const NOT_ROOT = /^(?:elasticsearch|kibana|logstash|jenkins|solr|sonarqube|neo4j|memcached|zookeeper)(?::|$)/;

/** Images of other publishers that do, as their Dockerfiles have no USER. */
const ROOT =
  /^(?:docker\.io\/)?(?:library\/[\w.-]+(?=[:@]|$)|oven\/bun|denoland\/deno|hexpm\/elixir|continuumio\/miniconda3)(?:[:@]|$)|^ghcr\.io\/astral-sh\/uv(?:[:@]|$)|^(?:mcr\.microsoft\.com|microsoft)\/dotnet(?:\/core)?(?:\/(?:sdk|aspnet|runtime|runtime-deps))?(?::(?!.*(?:chiseled|distroless))|@|$)/;

/** Variables that say how programs run, rather than being a word of a command. */
const SPECIAL =
  /^(?:PATH|HOME|PWD|IFS|ENV|BASH_ENV|CDPATH|SHELL\w*|LD_\w+|PYTHON\w*|(?:NODE|GIT)_(?!(?:\w+_)?TOKEN$)\w+|npm_config_\w+)$/i;

/** Stands for whoever: `COPY passwd /etc/`. */
const ANYBODY = '*';

/** Stands for those that a copy tells by number. */
const NUMBER = '#';

/** Of a compound command, in UTF-16 units. */
const LONGEST_LOOKED_INTO = 2_000;

/** What a RUN's commands share; with a text, variables that differ from build to build count only where it names them. */
type Base = (used?: string) => number;

/** What a step leaves: it has to stand for the step to be settled. */
interface Left {
  readonly system: number;
  readonly written: readonly number[];
  readonly edited: readonly number[];
}

interface Settled {
  readonly action: Action;
  /** The files that it edits, before it did. */
  readonly before: readonly number[];
  readonly left: Left;
}

interface Shell {
  directory: string;
  exports: Map<string, string | undefined>;
  /** It may be any: a `cd` went who knows where. */
  lost?: true;
  /** A script that only sets PATH and the like has been run: what it is now. */
  sourced?: Input;
  /** Everything else that later commands of the same shell depend on. */
  key: number;
  errexit: boolean;
  /** package.json of the directory that the RUN starts in, as it is then. */
  readonly manifest?: string | undefined;
}

class Execution {
  readonly environment: Variables;
  private readonly image: Image;
  private readonly configuration: string[];
  private readonly volumes: string[] = [];
  /** What may fail a build, or with some builders: copies whose source may be missing, several sources without a slash. */
  private readonly mayFail = new Set<string>();
  private readonly owners = new Set<string>();
  /** Managers whose store this stage has filled. */
  private readonly warmed: Set<string>;
  private readonly fetched: ReadonlySet<string>;
  /** Directories of the context that were copied, by where to. */
  private readonly placed: Map<string, ReadonlySet<string>>;
  /** Steps that would change nothing if they ran again, by what they depend on. */
  private readonly settled = new Map<number, Settled>();
  private readonly rootUser: string;
  private readonly aliased: boolean;
  /** Paths below the base image's own directory, and paths that are told in full. */
  private readonly places: { readonly relative: boolean; readonly absolute: boolean };
  /** Triggers of a parent ran before its first instruction (rule 15), or its parent's, so that nothing is certain. */
  private triggered = false;
  private readonly file: Dockerfile;
  private readonly stage: Stage;
  private readonly context: BuildContext;
  private readonly symbols: Symbols;
  private readonly knowledge: Knowledge;
  private readonly done: readonly StageTrace[];
  private readonly memory: Memory;
  /** The variables that the last USER names: `--build-arg` may give them another value. */
  private userNamed = '';
  /** What was removed of the system. */
  private readonly gone: Set<string>;
  /** Users and groups that commands of this stage add or change; what may change any is `ANYBODY`. */
  private readonly users = new Map<string, number>();
  /** What the RUN has mounted in the place of the image's own files, but for caches. */
  private hidden: readonly string[] = [];

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

  run(): StageTrace {
    const events = this.stage.instructions.map((instruction) => this.execute(instruction));
    const { stage } = this.stage.base;
    const parent = stage === undefined ? undefined : this.done[stage];
    return {
      stage: this.stage,
      events,
      image: this.image,
      configuration: [...this.configuration, ...[...this.mayFail].sort(), ...this.environment.lines()],
      owners: this.owners,
      fetched: this.fetched,
      placed: this.placed,
      gone: this.gone,
      ...(parent === undefined ? {} : { parent }),
    };
  }

  /** Paths that are the project's own in this stage, whatever the order of its instructions. */
  private *claims(): Iterable<string> {
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
  private copiesToSystem(): boolean {
    return this.stage.instructions.some(
      (each) =>
        (each.keyword === 'COPY' || each.keyword === 'ADD') &&
        each.destination?.value !== undefined &&
        isSystem(resolvePath(each.state.workdir, each.destination.value)),
    );
  }

  private textOf(instruction: Instruction): string {
    return this.file.source.slice(...instruction.argument).trim();
  }

  private flagText(instruction: Instruction, except: (name: string, value: string) => boolean = () => false): string {
    return instruction.flags
      .filter((flag) => !except(flag.name, flag.value ?? ''))
      .map((flag) => `--${flag.name}=${flag.value ?? ''}`)
      .sort()
      .join(' ');
  }

  /** The values, as symbols, of the variables that a text names. */
  private used(text: string): string {
    return text.includes('$') ? ` ${this.environment.references(text)}` : '';
  }

  private user(instruction: Instruction): string {
    const user = instruction.state.user ?? this.rootUser;
    return user === '0' || user === '0:0' || user === 'root:root' ? 'root' : user;
  }

  /** Of `user:group`: a name that nobody has fails a copy to it, as it fails the command. */
  private needUsers(owner: string): void {
    for (const name of owner.split(':')) if (/^[^\d]/.test(name) && name !== 'root') this.owners.add(name);
  }

  /** Whom the names in a `--chown` mean: a builder looks them up in the image. Source: BuildKit, `readUser`. */
  private idsOf(chown: string): string {
    if (this.users.size === 0) return '';
    const isNumber = (name: string): boolean => /^\d*$/.test(name);
    const names = chown.split(':').filter((name) => name !== 'root' && !isNumber(name));
    // usermod gives what lies in the user's home to the new number.
    const told = names.length > 0 ? [ANYBODY, ...names] : /[1-9]/.test(chown) ? [NUMBER] : [];
    const changed = told.filter((name) => this.users.has(name));
    return changed.map((name) => ` ${name}=${this.users.get(name) ?? 0}`).join('');
  }

  /** A command that adds or changes users, or the files that list them. */
  private changeUsers(command: Command | undefined, symbol: number): void {
    const words = command?.words.map(({ value, text }) => value ?? text) ?? [];
    const isOfUsers = words.some((word) =>
      /^(?:user|group)(?:add|mod|del)$|^(?:add|del)(?:user|group)$/.test(baseName(word)),
    );
    const isOfFiles = /(?:^|[\s>/"'])(?:passwd|group)\b/.test(command?.text ?? '');
    const names = isOfUsers ? words.filter((word) => /^[\w.-]+$/.test(word)) : isOfFiles ? [ANYBODY] : [];
    const isTold = !isOfUsers || words.every((word) => !word.includes('$'));
    const numbers = words.some((word) => baseName(word) === 'usermod') ? [NUMBER] : [];
    for (const name of [...(isTold ? names : [ANYBODY]), ...numbers])
      this.users.set(name, this.symbols.of('user', this.users.get(name) ?? 0, symbol));
  }

  private execute(instruction: Instruction): Event {
    if (this.triggered) this.configuration.push(`${instruction.keyword} ${this.textOf(instruction)}`);
    switch (instruction.keyword) {
      case 'RUN':
        return this.runEvent(instruction);
      case 'COPY':
      case 'ADD':
        return { instruction, actions: [], ...this.copy(instruction) };
      case 'WORKDIR':
        this.image.makeDirectory((instruction as { path: string }).path, `${this.user(instruction)}${this.userNamed}`);
        break;
      case 'USER':
        this.userNamed = this.used(instruction.text);
        break;
      case 'ENV':
      case 'ARG':
      case 'LABEL':
        this.environment.set(instruction.keyword, instruction.text, this.file.escape);
        return { instruction, actions: [] };
      case 'VOLUME':
        this.volumes.push(this.textOf(instruction));
        break;
    }
    const text = this.textOf(instruction);
    const words = [instruction.keyword, this.flagText(instruction), text].filter((each) => each !== '');
    this.configuration.push(words.join(' ') + this.used(text));
    return { instruction, actions: [] };
  }

  // ---------------------------------------------------------------------------------------------- COPY

  private copy(copy: Copy): Pick<Event, 'placements' | 'from'> {
    const flag = (name: string): string => copy.flags.find((each) => each.name === name)?.value ?? '';
    const chown = flag('chown') + this.used(flag('chown')) + this.idsOf(flag('chown'));
    const others = this.flagText(copy, (name) => name === 'chown' || name === 'from' || name === 'parents');
    const refs = this.used([others, ...copy.sources.map((source) => source.text)].join(' '));
    const owner = [
      refs,
      chown === '0:0' || chown === 'root:root' || chown === 'root' ? '' : chown,
      others,
      this.volumes.length > 0 ? this.volumes.join() : '',
    ]
      .join(' ')
      .trim();
    if (this.aliased) this.configuration.push(`copy ${this.textOf(copy)}`);
    this.needUsers(flag('chown'));
    const destination = copy.destination?.value;
    // Directories get the mode of --chmod, but for a symbolic one. Source: fsutil, copy/copy.go, `createParentDirs`.
    const mode = /^0?755$|^[^\d$]+$/.test(flag('chmod')) ? '' : flag('chmod') + this.used(flag('chmod'));
    const maker = `${chown === '' ? 'root' : chown} ${mode}`.trim();
    const unknown = copy.from === undefined && copy.sources.some((source) => source.value === undefined);
    if (destination === undefined || unknown) {
      this.copyUnknown(copy, maker);
      return {};
    }
    const directory = resolvePath(copy.state.workdir, destination);
    const sources = copy.sources.map((source) => source.value ?? source.text);
    const many = sources.length + copy.heredocs.length > 1;
    // The classic builder refuses the first, BuildKit the second.
    if (many && !destination.endsWith('/')) this.mayFail.add(`several sources to ${destination}`);
    if (sources.length > 1 && flag('checksum') !== '') this.mayFail.add(`one checksum of ${sources.join(' ')}`);
    const into = endsInSlash(destination) || many || this.image.isDirectory(directory);
    const isLink = copy.flags.some(({ name, value }) => name === 'link' && value !== 'false');
    const place = (target: string, layer: Layer, isDirectory: boolean, perhaps = false): void => {
      if (['/etc/passwd', '/etc/group'].some((path) => within(path, target)))
        this.users.set(ANYBODY, this.symbols.of('user', this.users.get(ANYBODY) ?? 0, layer.key));
      if (this.isLinked(target)) {
        this.image.writeAll(this.symbols.of('link', target, layer.key, this.image.valueOf('/')));
        return;
      }
      const folder = isDirectory ? target : parentPath(target);
      if (this.image.isFile(folder)) this.mayFail.add(`copy into ${folder}, a file`);
      const before = isDirectory ? this.ownerOf(target, maker) : maker;
      this.image.makeDirectory(folder, maker, perhaps);
      this.image.write(target, this.isOwn(copy, target, isDirectory) ? ownLayer(layer) : layer);
      // What lies in the source is given the owner; the destination keeps the one that it has (rule 29), but for a layer
      // of its own, which has all directories on the way, too (rule 35).
      if (!isLink && before !== maker) this.image.keepMaker(target, before);
      for (let each = folder; isLink && each.length > 1; each = parentPath(each)) this.image.keepMaker(each, maker);
    };
    const placements: Placement[] = [];
    const parents = copy.flags.some((each) => each.name === 'parents');
    if (copy.from !== undefined) {
      const stage = copy.fromStage === undefined ? undefined : this.done[copy.fromStage];
      for (const source of sources) {
        const path = resolvePath('/', source);
        if (/[*?[\\$]/.test(source)) {
          place(directory, this.fromPattern(copy, source, stage?.image, owner), true);
          continue;
        }
        const key = `${copy.from}:${path}:${owner}`;
        if (parents) {
          place(directory, mergeLayer(`parents ${key}`), true);
          continue;
        }
        const layer = stage === undefined ? mergeLayer(key) : stageLayer(stage.image, path, owner);
        const isFile = !endsInSlash(source) && (stage?.image.isFile(path) ?? false);
        const isDirectory = endsInSlash(source) || (stage?.image.isDirectory(path) ?? false);
        const named = into && !isDirectory && (isFile || looksLikeFile(source));
        const target = named ? join(directory, baseName(path)) : directory;
        // What is in it comes there if it is a directory.
        if (named && !isFile && !SURE_FILE.test(path)) place(directory, mergeLayer(`either ${key}`), true);
        place(target, layer, target === directory);
        placements.push({ source: path, target, directory: target === directory && !isFile && !looksLikeFile(source) });
        this.addPlacedOf(stage, path, target);
      }
      const isPlain = placements.length === sources.length;
      return isPlain && stage !== undefined ? { from: { stage, placements } } : {};
    }
    // A wildcard that matches nothing makes no directory either.
    const isSure = sources.some(
      (source) => !/[*?[\\]/.test(source) || expandCopySource(this.context, source).length > 0,
    );
    const isInDoubt = excluded(copy);
    const brought = (path: string, layer: Layer): Layer =>
      isInDoubt === undefined ? layer : sievedLayer(layer, path, isInDoubt);
    let plain = !parents && copy.heredocs.length === 0;
    for (const source of sources) {
      const matches = parents ? expandParentsSource(this.context, source) : expandCopySource(this.context, source);
      if (matches === undefined) {
        place(directory, mergeLayer(`parents ${source}:${owner}`), true);
        continue;
      }
      if (copy.keyword === 'ADD' && this.isMerged(source)) {
        plain = false;
        place(directory, mergeLayer(`${source}:${owner}`), true);
        continue;
      }
      const wildcard = /[*?[\\]/.test(source);
      const pattern = resolvePath('/', source).slice(1) || '.';
      if (matches.length === 0 && !wildcard) {
        this.mayFail.add(`copy of ${source}, which may be missing`);
        const file = looksLikeFile(source);
        const isAbsent = this.context.known && !this.context.may(pattern);
        const target = file && into ? join(directory, baseName(pattern)) : directory;
        if (target !== directory && !SURE_FILE.test(source))
          place(directory, mergeLayer(`either:${pattern}:${owner}`), true);
        place(
          target,
          isAbsent
            ? mergeLayer(`missing:${source}:${owner}`)
            : file
              ? brought(pattern, contextLayer(this.context, pattern, owner, maker))
              : mergeLayer(`c:${pattern}:${owner}`),
          !file,
        );
        // One that git ignores, such as a secret, is where it says if it is anywhere.
        if (file && this.context.known && !isAbsent) placements.push({ source: pattern, target, directory: false });
        else plain = false;
        continue;
      }
      for (const path of matches) {
        const kind = this.context.kind(path);
        // It is followed (rule 31), so that what it leads to comes, which may be a directory, or nothing.
        if (kind === 'symlink') this.mayFail.add(`copy of ${path}, which may be missing`);
        if (kind === 'symlink' && !SURE_FILE.test(path)) {
          plain = false;
          place(directory, mergeLayer(`followed:${path}:${owner}`), this.isLinked(directory));
          if (!into || !looksLikeFile(path)) continue;
        }
        const isDirectory = kind === 'directory';
        const top = parents ? join(directory, afterPivot(source, path)) : directory;
        const target = parents || isDirectory || !(into || matches.length > 1) ? top : join(directory, baseName(path));
        place(target, brought(path, contextLayer(this.context, path, owner, maker)), isDirectory);
        placements.push({ source: path, target, directory: isDirectory });
        if (isDirectory) this.addPlaced(target, path);
      }
      if (wildcard) {
        const slash = pattern.lastIndexOf('/');
        const inside = slash < 0 ? '.' : pattern.slice(0, slash);
        if (/[*?[\\]/.test(inside)) continue;
        const layer = wildcardLayer(this.context, inside, pattern.slice(slash + 1), owner, maker, goMatch);
        place(directory, brought(inside, layer), true, !isSure);
      }
    }
    // They come after the files (`dispatchCopy` of BuildKit: SourcePaths, then SourceContents).
    for (const heredoc of copy.heredocs) {
      const text = this.file.source.slice(...heredoc.body);
      const symbol = this.symbols.of(
        'heredoc',
        heredoc.stripTabs ? '-' : '',
        text,
        owner,
        heredoc.quoted ? '' : this.environment.value(),
      );
      place(into ? join(directory, heredoc.name) : directory, valueLayer(symbol, 'made'), false);
    }
    return plain ? { placements } : {};
  }

  /** What ADD fetches or unpacks: nothing tells which files it brings. */
  private isMerged(source: string): boolean {
    if (/:\/\/|^git@/.test(source) || this.mayUnpack(source)) return true;
    return expandCopySource(this.context, source).some((path) => this.mayUnpack(path));
  }

  /** An archive, which BuildKit tells by what is in it: of a file that is no text, by its name. */
  private mayUnpack(path: string): boolean {
    if (ARCHIVE.test(path)) return true;
    return this.context.kind(path) === 'file' && this.context.read(path) === undefined && !NO_ARCHIVE.test(path);
  }

  /** Whose a directory is once a copy of `maker`'s goes to it: one that is there stays whose it was (rule 29). */
  private ownerOf(directory: string, maker: string): string {
    return this.image.isDirectory(directory) ? this.image.maker(directory) : this.image.ownerMade(directory, maker);
  }

  /** What was copied to a stage at or below this path is here, too. */
  private addPlacedOf(stage: StageTrace | undefined, path: string, target: string): void {
    for (const [place, sources] of stage?.placed ?? [])
      for (const source of within(place, path) ? sources : [])
        this.addPlaced(join(target, place.slice(path.length).replace(/^\//, '')), source);
  }

  private addPlaced(target: string, source: string): void {
    this.placed.set(target, new Set(this.placed.get(target)).add(source));
  }

  /** A link stands there or on the way, or did before a command that is not understood. */
  private isLinked(path: string): boolean {
    if (this.image.throughLink(path)) return true;
    const above = [path];
    while (above[0] !== '/' && above[0] !== '?') above.unshift(parentPath(above[0] as string));
    return above.some((target) =>
      [...(this.placed.get(target) ?? [])].some((source) =>
        above.some((each) => this.context.kind(sourceOf(each, { source, target }) ?? '') === 'symlink'),
      ),
    );
  }

  /** What a wildcard or a variable stands for in another stage: files by such a name, otherwise it may be anything. */
  private fromPattern(copy: Copy, source: string, image: Image | undefined, owner: string): Layer {
    const path = resolvePath('/', source);
    const inside = parentPath(path);
    if (image !== undefined && !/[*?[\\$]/.test(inside) && !path.includes('$') && looksLikeFile(source))
      return stageWildcardLayer(image, inside, baseName(path), owner, goMatch);
    return mergeLayer(`${copy.from ?? ''}:${path}${this.used(source)}:${owner}:${image?.valueOf('/') ?? ''}`);
  }

  /** In a directory shared with the system, it lies among the project's own entries alone. */
  private isOwn(copy: Copy, target: string, isDirectory: boolean): boolean {
    if (!isShared(target) || !isDirectory || copy.from !== undefined || this.aliased) return false;
    const { sources } = copy;
    const isKnown = ({ value = '' }: Word): boolean =>
      looksLikeFile(value) || expandCopySource(this.context, value).length > 0;
    if (!sources.every(isKnown)) return false;
    if (copy.keyword === 'ADD' && sources.some(({ value = '' }) => this.isMerged(value))) return false;
    const names = sources.flatMap((source) =>
      expandCopySource(this.context, source.value ?? '').flatMap((path) => {
        if (this.context.kind(path) !== 'directory') return [baseName(path)];
        // Of what git ignores, settings alone: somebody's `lib` beside a Dockerfile that copies to `/` is left out.
        const below = path === '.' ? '' : `${path}/`;
        return [...this.context.entries(path), ...HOME_FILES.filter((name) => this.context.may(below + name))];
      }),
    );
    return !names.some((name) => collides(target, name));
  }

  /** What it brings is not known, or just where below some directory: it may bring anything there. */
  private copyUnknown(copy: Copy, maker: string): void {
    const text = copy.destination?.value ?? /^[^$*?[]*\//.exec(copy.destination?.text ?? '')?.[0];
    const key = `${this.textOf(copy)} ${this.flagText(copy)} ${this.environment.value()} ${copy.state.workdir}`;
    if (text === undefined) {
      this.image.writeAll(this.symbols.of('copy', key, this.image.valueOf('/')), [], true);
      return;
    }
    const directory = resolvePath(copy.state.workdir, text);
    this.image.makeDirectory(directory, maker);
    this.image.write(directory, mergeLayer(key));
  }

  // ----------------------------------------------------------------------------------------------- RUN

  private runEvent(run: Run): Event {
    const actions = this.runCommands(run);
    const mounts = this.mountsOf(run);
    return mounts.length === 0 ? { instruction: run, actions } : { instruction: run, actions, mounts };
  }

  private runCommands(run: Run): readonly Action[] {
    const binds = contextBinds(run);
    for (const { source, target } of binds) this.image.mount(target, contextLayer(this.context, source, '', 'root'));
    const others = this.mountsOf(run).filter(({ type }) => type === 'bind' || type === 'tmpfs');
    this.hidden = others.flatMap(({ target }) => target ?? []);
    // What comes out of a stage, or is made anew.
    for (const target of this.hidden)
      if (!binds.some((each) => each.target === target)) this.image.mount(target, mergeLayer(`mount:${target}`));
    // What a package manager's cache holds decides how long an install takes, and nothing else.
    const flags = this.flagText(
      run,
      (name, value) =>
        name === 'mount' && (isContextBind(value) || mountOf(run, value, this.knowledge).cache !== undefined),
    );
    const base = (used?: string): number =>
      this.symbols.of(
        this.environment.value(used),
        this.user(run),
        run.state.shell.join('\0'),
        flags + this.used(flags) + this.userNamed,
      );
    // The project's own shell, or one that is told to read a file of it, may do anything.
    const isOwn = (word: string): boolean => {
      const path = resolvePath(run.state.workdir, word);
      return /^[^-].*[./]/.test(word) && this.image.owns(path) && this.image.has(path) !== 'no';
    };
    const isKnown = run.commands !== undefined && (run.form === 'exec' || !run.state.shell.some(isOwn));
    const actions = isKnown ? this.runShell(run, run.commands, base) : [this.opaque(run, base())];
    this.image.unmountAll();
    this.hidden = [];
    return actions;
  }

  private mountsOf(run: Run): readonly Mount[] {
    return run.flags
      .filter(({ name }) => name === 'mount')
      .map(({ value }) => mountOf(run, value ?? '', this.knowledge));
  }

  private opaque(run: Run, base: number): Action {
    const text = this.textOf(run);
    const trouble = {
      code: 'shell-not-understood',
      message: `\`RUN ${firstLine(text)}\` could not be parsed as a POSIX or bash script`,
    };
    return this.everything(text, text, this.symbols.of(base, run.state.workdir), trouble);
  }

  private everything(
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

  private runShell(run: Run, commands: readonly Command[], base: Base): readonly Action[] {
    const shell: Shell = {
      directory: run.state.workdir,
      exports: new Map(),
      key: 0,
      manifest: this.image.read(join(run.state.workdir, 'package.json')),
      errexit: run.form === 'shell' && run.state.shell.some((word) => /^-[a-df-z]*e/.test(word)),
    };
    const lastSemicolon = commands.findLastIndex((command) => command.operator === ';');
    const actions: Action[] = [];
    commands.forEach((command, at) => {
      const from = shell.directory;
      // With errexit, too, the failure of any but the last of `a && b;` is ignored.
      const isUnchecked = at < lastSemicolon && !(shell.errexit && commands[at + 1]?.operator === ';');
      if (this.shellCommand(command, shell, isUnchecked)) {
        if (shell.directory !== from) actions.push(this.entering(command, shell.directory));
        if (shell.sourced !== undefined) actions.push(this.sourcing(command, shell.sourced));
        delete shell.sourced;
        return;
      }
      const done = this.command(run, command, shell, base, isUnchecked ? FORGIVEN : '');
      actions.push(...done);
      this.settings(run, command, done);
    });
    return actions;
  }

  /** `npm config set ignore-scripts true`, `echo ignore-scripts=true >> ~/.npmrc`: what a home's settings say is not known. */
  private settings(run: Run, command: Command, done: readonly Action[]): void {
    const [action] = done;
    if (action === undefined || action.install !== undefined || !command.text.includes('ignore-scripts')) return;
    const user = userOf(this.user(run)) ?? '';
    const told = run.state.environment.get('HOME') ?? '';
    const homes = ['/root', `/home/${user}`, told].filter((home) => home.startsWith('/'));
    for (const home of homes) this.image.write(`${home}/.npmrc`, valueLayer(action.symbol, 'made'));
  }

  /** `cd` fails where the directory does not exist yet. */
  private entering(command: Command, directory: string): Action {
    const name = `cd ${directory}`;
    const isOfCopy = [...this.placed.keys()].some((target) => within(directory, target));
    if (!this.isThere(directory) && isOfCopy && this.image.has(directory) === 'no')
      return this.everything(command.text, name, 0, missing(directory, `where \`${command.text}\` goes`), { command });
    const input = this.existing(directory);
    return { text: command.text, name, command, inputs: [input], symbol: this.symbols.of(name, input.value) };
  }

  /** The build made it, or the base image has it. */
  private isThere(directory: string): boolean {
    return (this.image.isDirectory(directory) || isSystem(directory)) && !this.isGone(directory);
  }

  private isGone(path: string): boolean {
    return [...this.gone].some((each) => within(path, each));
  }

  /** That there is such a directory, whatever lies in it. */
  private existing(directory: string): Input {
    const value = this.isThere(directory) ? this.symbols.of('directory') : this.image.valueOf(directory);
    return { what: directory, value };
  }

  /** That there is such a directory, and whose it is. */
  private writable(what: string): Input {
    return { what, value: this.symbols.of(this.existing(what).value, this.image.maker(what)) };
  }

  private sourcing(command: Command, { what, value }: Input): Action {
    const name = `. ${what}`;
    return { text: command.text, name, command, inputs: [{ what, value }], symbol: this.symbols.of(name, value) };
  }

  /** Handles the commands that only change the shell itself. */
  private shellCommand(command: Command, shell: Shell, isUnchecked: boolean): boolean {
    if (shell.lost === true) return false;
    if (!command.simple || command.redirects.length > 0) return false;
    const name = command.words[0]?.value;
    const words = command.words.map((word) => word.value);
    if (command.words.length === 0 && command.assignments.length > 0) {
      const unknown = command.assignments.some((each) => each.value === undefined);
      // What a substitution prints is known where it only asks what machine this is.
      if (unknown && /[`(]/.test(unasked(command.text))) return false;
      // Of a variable that is exported already, programs see the new value.
      const exports = command.assignments.filter(
        (each) =>
          shell.exports.has(each.name) ||
          each.name === 'HOME' ||
          each.name === 'PATH' ||
          this.environment.has(each.name),
      );
      if (exports.some(({ value }) => value === undefined)) return false;
      for (const { name, value } of exports) shell.exports.set(name, value);
      shell.key = this.symbols.of(
        shell.key,
        command.text,
        unknown ? `${this.environment.references(command.text)} ${this.image.system()}` : '',
      );
      return true;
    }
    if ((name === '.' || name === 'source') && command.assignments.length === 0 && words.length === 2) {
      if (this.isRustup(command.words[1]?.text ?? '')) {
        shell.key = this.symbols.of(shell.key, command.text, this.image.system());
        return true;
      }
      const path = resolvePath(shell.directory, words[1] ?? '');
      if (this.isGone(path)) return false;
      if (this.activates(command, shell)) return true;
      if (words[1] === undefined || this.image.owns(path) || !this.holdsVariables(path)) return false;
      shell.key = this.symbols.of(shell.key, command.text, this.image.valueOf(path));
      return true;
    }
    if (name === 'cd' && command.assignments.length === 0) {
      const target = words[1];
      if (words.length !== 2 || target === undefined || target === '-') return false;
      // Where it fails, what follows a `;` runs here instead.
      const path = resolvePath(shell.directory, target);
      if (isUnchecked && !this.isThere(path)) return false;
      shell.directory = path;
      return true;
    }
    if (name === 'set') {
      if (!words.slice(1).every((word) => word !== undefined && /^[-+][A-Za-z]+$|^pipefail$/.test(word))) return false;
      // All that is set then is exported.
      if (words.slice(1).some((word) => /^-\w*a/.test(word as string))) return false;
      for (const word of words.slice(1))
        if (/^[-+][a-z]*e/.test(word as string)) shell.errexit = (word as string).startsWith('-');
      // `-x` and `-v` only print.
      const kept = words
        .slice(1)
        .map((word) => (word as string).replace(/[xv]/g, ''))
        .filter((word) => word !== '-' && word !== '+');
      if (kept.length > 0) shell.key = this.symbols.of(shell.key, `set ${kept.join(' ')}`);
      return true;
    }
    if (name === 'export' && words.length > 1) {
      const set = command.words.slice(1).map((word) => exported(word));
      if (set.includes(undefined)) return false;
      for (const [variable, value] of set as [string, string | undefined][]) shell.exports.set(variable, value);
      if (words.includes(undefined)) shell.key = this.symbols.of(shell.key, command.text, this.image.system());
      return true;
    }
    return false;
  }

  /** The file that rustup writes beside its programs, which only puts them on the PATH. */
  private isRustup(text: string): boolean {
    return (
      /^"?(?:\$HOME|\$\{HOME\}|~|\/root|\/home\/[\w-]+)\/\.cargo\/env"?$/.test(text) &&
      !this.image.owns('/root/.cargo') &&
      ![...this.claims()].some((path) => path.includes('/.cargo'))
    );
  }

  /**
   * The `activate` of a virtual environment that this build makes: it puts its programs ahead in PATH, and sets
   * VIRTUAL_ENV. Source: CPython's Lib/venv/scripts/common/activate.
   */
  private activates({ words }: Command, shell: Shell): boolean {
    const before = shell.exports.get('PATH') ?? this.environment.followed.get('PATH') ?? INHERITED;
    const path = resolvePath(shell.directory, words[1]?.value ?? '');
    const tree = /^(\/.+)\/bin\/activate$/.exec(path)?.[1];
    if (tree === undefined || !this.image.isMade(path)) return false;
    if (this.image.owns(tree) && this.image.has(tree) !== 'yes') return false;
    const makes = ({ words: [program, ...rest] }: Command, { state }: Instruction): boolean =>
      (/(?:^|\/)virtualenv$/.test(program?.value ?? '') || rest.some(({ value }) => value === 'venv')) &&
      rest.some(({ value }) => value !== undefined && resolvePath(state.workdir, value) === tree);
    if (!this.allCommands().some(({ each, command }) => makes(command, each))) return false;
    shell.exports.set('VIRTUAL_ENV', tree).set('PATH', `${tree}/bin:${before}`);
    // Installs leave it alone.
    shell.sourced = { what: path, value: this.symbols.of('activate') };
    return true;
  }

  /** The commands of this stage, and of those that it is based on. */
  private allCommands(): readonly { readonly each: Run; readonly command: Command }[] {
    const stages: Stage[] = [];
    for (let at: number | undefined = this.stage.index; at !== undefined; at = this.file.stages[at]?.base.stage)
      stages.push(this.file.stages[at] as Stage);
    return stages
      .flatMap((stage) => stage.instructions)
      .flatMap((each) => (each.keyword === 'RUN' ? (each.commands ?? []).map((command) => ({ each, command })) : []));
  }

  /** A file that this build writes with `echo NAME=value > FILE` alone: to source it sets these variables. */
  private holdsVariables(path: string): boolean {
    const mentions = this.allCommands().filter(({ command }) => command.text.includes(path));
    const lines = mentions.filter(({ command }) => !/^(?:\.|source|cat) \S+$/.test(command.text));
    return (
      lines.length > 0 &&
      lines.every(({ each, command: { simple, words, redirects } }) => {
        const set = /^"?([A-Za-z_]\w*)=[\w./:${}@+-]*"?$/.exec(words[1]?.text ?? '')?.[1];
        return (
          simple &&
          words[0]?.value === 'echo' &&
          words.length === 2 &&
          redirects.length === 1 &&
          redirects[0]?.target === path &&
          set !== undefined &&
          !SPECIAL.test(set) &&
          !each.state.environment.declared(set)
        );
      })
    );
  }

  /**
   * npm reads package.json once and then runs its scripts one after another; `npm run a && npm run b` reads it again
   * in between. That a lifecycle script rewrites the scripts that follow it is left out.
   */
  private scriptView(shell: Shell): Files {
    const { image } = this;
    const path = join(shell.directory, 'package.json');
    return {
      has: (each) => (each === path && shell.manifest !== undefined ? 'yes' : image.has(each)),
      read: (each) => image.read(each) ?? (each === path ? shell.manifest : undefined),
      executable: (each) => image.executable(each),
      entries: (each) => image.entries(each),
    };
  }

  private command(run: Run, command: Command, shell: Shell, base: Base, suffix: string): readonly Action[] {
    const exports = [...shell.exports].map(([name, value]) => `${name}=${value ?? `?${shell.key}`}`).sort();
    const stateWith = (variables: number): number =>
      this.symbols.of(variables, shell.directory, this.image.maker(shell.directory), ...exports);
    const known = stateWith(base(isQuiet(command) ? command.text : undefined));
    // A word that is not constant may use a shell variable set earlier in the same RUN.
    const open = [command, ...(command.pipeline ?? [])].some((each) =>
      each.words.some((word) => word.value === undefined),
    );
    const inShell = (state: number): number => (open && shell.key !== 0 ? this.symbols.of(state, shell.key) : state);
    const where = inShell(known);
    const stage = this.stage;
    const place: Place = {
      directory: shell.directory,
      user: this.user(run),
      ...(stage.base.image === undefined ? {} : { image: stage.base.image }),
      environment: (name) => (shell.exports.has(name) ? shell.exports.get(name) : run.state.environment.get(name)),
      declared: (name) => shell.exports.has(name) || run.state.environment.declared(name),
      mounts: this.mountsOf(run),
    };
    const around = surroundings(command, place, this.variables(shell, command), this.image);
    const withSurroundings = (step: Effect): Effect => this.surrounded(step, around);
    if (command.simple && shell.lost !== true) {
      const install = this.knowledge.recognise(command, place);
      const isOpen = substitutes(command.text);
      // A build stays where it is; its download may be told without what it is told.
      if (install !== undefined && command.redirects.every(isPrinted) && (!isOpen || install.kind === 'build')) {
        const manager = this.knowledge.manager(install.manager) as PackageManager;
        const found = this.analysis(manager, install, install.kind === 'script' ? this.scriptView(shell) : this.image);
        const analysis = isOpen ? closed(found, command) : found;
        const splitReads = analysis.splits.map((split) => this.readsOf(split.before, place));
        // What comes from a registry does not depend on what a build is called; what a script or a build makes may.
        const told = this.environment.differs() ? this.variablesOf(analysis) : '';
        const quiet = install.kind === 'script' ? where : inShell(stateWith(base(command.text + told)));
        // A download of its own names fewer variables than the build that it is made for.
        const placeOf = (text: string): number => {
          const state = stateWith(base(text));
          return text.includes('$') ? this.symbols.of(state, shell.key) : state;
        };
        const splitInputs: Input[] = [
          ...splitReads.flat().map((read) => this.input(read)),
          ...analysis.splits.map((split): Input => ({ what: 'place', value: placeOf(split.before) })),
          { what: 'place', value: quiet },
        ];
        return analysis.steps.map((step) =>
          this.step(
            withSurroundings({ ...step, name: uncached(step.name) + suffix }),
            step.warm === true
              ? placeOf(step.name)
              : step.opaque === undefined && step.variables !== true
                ? quiet
                : where,
            command.text,
            {
              command,
              install,
              manager,
              analysis,
              splitReads,
              splitInputs,
              ...(told === '' ? {} : { told }),
            },
          ),
        );
      }
      const effects = install === undefined ? ordinary(command, place, this.image) : undefined;
      if (suffix === '') for (const { gives } of effects ?? []) if (gives !== undefined) this.needUsers(gives.to);
      if (effects !== undefined)
        return effects.map((effect) =>
          this.step(
            withSurroundings({ ...this.given(effect, place), name: effect.name + suffix }),
            where,
            command.text,
            {
              command,
            },
          ),
        );
    }
    const piped =
      command.pipeline === undefined || shell.lost === true || substitutes(command.text)
        ? undefined
        : pipeline(command, place, this.image);
    if (piped !== undefined) {
      const each = (command.pipeline ?? []).map((part) =>
        surroundings(part, place, this.variables(shell, part), this.image),
      );
      const all: Surroundings = {
        operands: each.flatMap(({ operands }) => operands),
        reads: each.flatMap(({ reads }) => reads),
        trees: each.flatMap(({ trees }) => trees),
      };
      return piped.map((effect) =>
        this.step(this.surrounded({ ...effect, name: effect.name + suffix }, all), where, command.text, { command }),
      );
    }
    const here = this.symbols.of(known, shell.key, shell.errexit ? 'e' : '');
    const choice = command.simple || shell.lost === true ? undefined : this.choice(command, place, shell);
    if (choice !== undefined) {
      // Its conditions may name what the same shell has set.
      const effect = { ...choice.effect, name: command.text + suffix };
      return [this.step(effect, here, command.text, choice.install)];
    }
    const name = command.words[0]?.value;
    const alters = command.simple
      ? ASSIGNS.test(command.text) ||
        name === undefined ||
        SHELL_ALTERING.has(name) ||
        name === 'cd' ||
        name === 'set' ||
        name === 'export'
      : !command.text.startsWith('(') &&
        /\b(?:cd|pushd|popd|export|set|source|eval|umask|exec|\.)\s|\b[A-Za-z_]\w*=|\bread\b/.test(command.text);
    // Where other code could run, or other files be seen, nothing is certain.
    const isPlain =
      command.simple &&
      shell.lost !== true &&
      command.assignments.length === 0 &&
      (place.environment('NODE_OPTIONS') ?? '') === '' &&
      !around.reads.some(({ path }) => path === '/') &&
      run.flags.every(({ name, value }) => name !== 'mount' || /(?:^|,)type=(?:cache|secret|ssh)/.test(value ?? ''));
    const parts = (command.simple ? [command] : commandsWithin(command.text)).flatMap(handedOn);
    const inner = parts
      .map((each) => this.knowledge.recognise(each, place))
      .find((install) => install?.kind === 'install');
    const left = parts.flatMap((each) => ordinary(each, place, this.image) ?? []);
    const action = this.everything(
      command.text,
      command.text + suffix,
      here,
      {
        code: 'intervening-run-reads-source',
        message: `\`${firstLine(command.text)}\` is not known to leave the source alone`,
        help: 'copy what it needs ahead of it, or move it below the install',
      },
      { command, ...(inner === undefined ? {} : { inner }) },
      isPlain ? sparedBy(command, shell.directory, this.image) : [],
    );
    for (const { writes, makes = [], touches = [] } of left)
      for (const path of [...writes, ...makes, ...touches]) this.image.leave(path, action.symbol);
    if (/\b(?:cd|pushd|popd)\b/.test(command.text) && !command.text.startsWith('(')) shell.lost = true;
    if (alters) shell.key = this.symbols.of(shell.key, command.text, action.symbol);
    return [action];
  }

  /** Gives what it gives, where that is all that it does; otherwise it is as any change of attributes. */
  private given(effect: Effect, place: Place): Effect {
    const { gives, ...rest } = effect;
    if (gives === undefined) return effect;
    const isRoot = /^(?:0:0|root:root)$/.test(gives.to);
    const owner = gives.to + this.idsOf(gives.to);
    const to = { owner: isRoot ? '' : owner, maker: isRoot ? 'root' : owner };
    const [tree] = gives.trees;
    if (userOf(place.user) !== 'root' || this.volumes.length + place.mounts.length > 0) return rest;
    if (tree === undefined || gives.trees.length > 1 || this.isElsewhere(tree) || this.isLinked(tree)) return rest;
    if (!this.image.give(tree, to)) return rest;
    return { ...effect, reads: [], writes: [], touches: [], system: 'reads' };
  }

  /** Installs of which variables choose one, or the files that there are. */
  private choice(
    command: Command,
    place: Place,
    shell: Shell,
  ): { readonly effect: Effect; readonly install: Partial<Action> } | undefined {
    const effects: Effect[] = [];
    const installs: Install[] = [];
    const analyses: Analysis[] = [];
    for (const { file, body } of branches(command.text) ?? []) {
      if (/^exit [1-9]\d*$/.test(body)) continue;
      let presence: Presence = 'maybe';
      if (file !== undefined) {
        const path = resolvePath(place.directory, file.path);
        if (this.image.isDirectory(path)) return undefined;
        effects.push({ name: '', reads: [{ path }], writes: [], edits: [], system: 'none' });
        presence = this.image.has(path);
        if (presence === (file.absent ? 'yes' : 'no')) continue;
      }
      // A comment would take along what is joined to its line.
      const commands = /<<|(?:^|\s)#/.test(body) ? [] : commandsOf(oneLine(body));
      if (commands.length === 0) return undefined;
      for (const each of commands) {
        if (!each.simple) return undefined;
        const around = surroundings(each, place, this.variables(shell, each), this.image);
        const install = this.knowledge.recognise(each, place);
        if (install === undefined) {
          const own = ordinary(each, place, this.image);
          if (own === undefined) return undefined;
          effects.push(...own.map((effect) => this.surrounded(effect, around)));
          continue;
        }
        if (install.kind !== 'install' || !each.redirects.every(isPrinted) || substitutes(each.text)) return undefined;
        const analysis = this.analysis(this.knowledge.manager(install.manager) as PackageManager, install, this.image);
        installs.push(install);
        analyses.push(analysis);
        effects.push(...analysis.steps.map((step) => this.surrounded(step, around)));
      }
      if (presence !== 'maybe') break;
    }
    const [install] = installs;
    const effect = either(effects, command.text);
    if (install === undefined || effect === undefined) return undefined;
    const manager = this.knowledge.manager(install.manager) as PackageManager;
    return { effect, install: { command, install, manager, analysis: eitherInstall(analyses) } };
  }

  /** The variables that programs take file names from, as this command sees them. */
  private variables(shell: Shell, command: Command): ReadonlyMap<string, string> {
    if (command.assignments.length === 0 && shell.exports.size === 0) return this.environment.followed;
    const seen = new Map(this.environment.followed);
    for (const [name, value] of [
      ...shell.exports,
      ...command.assignments.map(({ name, value }) => [name, value ?? ''] as const),
    ])
      if (value === undefined) seen.delete(name);
      else if (isFollowed(name)) seen.set(name, value);
    return seen;
  }

  /** A step with what it reads of its surroundings; one that works on the system may have been told to do it there. */
  private surrounded(step: Effect, { operands, reads: ambient, trees }: Surroundings): Effect {
    // What fills a store is part of a command that may have operands of its own.
    const reads = step.warm === true ? ambient : [...operands, ...ambient];
    if (step.opaque !== undefined || (reads.length === 0 && trees.length === 0)) return step;
    const known = new Set(step.reads.map((read) => read.path));
    const moved =
      step.system === 'writes' && step.writes.length + step.edits.length === 0 && step.removes === undefined
        ? trees.filter((path) => !known.has(path))
        : [];
    const more = [
      ...reads.filter(({ path }) => !known.has(path) && !step.writes.some((tree) => within(path, tree))),
      ...moved.map((path) => ({ path, tree: true })),
    ];
    if (more.length === 0) return step;
    return { ...step, reads: [...step.reads, ...more], writes: [...step.writes, ...moved] };
  }

  private analysis(manager: PackageManager, install: Install, files: Files): Analysis {
    const { kind, directory, command } = install;
    const words = command.words.map(({ text, value }) => [text, value]);
    // Unambiguous whatever stands in a word.
    const key = JSON.stringify([manager.name, kind, directory, command.text, command.assignments, words]);
    const found = recall(this.memory, key, install.place, files, (place, seen) =>
      manager.analyse({ ...install, place }, seen),
    );
    // What it asks later, it asks of these files.
    return found.frozen === undefined ? found : { ...found, frozen: () => manager.analyse(install, files).frozen?.() };
  }

  /** The files that its steps read, as far as they name variables. */
  private variablesOf({ steps }: Analysis): string {
    const paths = new Set(steps.flatMap(({ reads }) => reads.map(({ path }) => path)));
    return [...paths]
      .map((path) => this.image.read(path) ?? '')
      .filter((text) => text.includes('${'))
      .join('\n');
  }

  /** What a command line would read if it ran now, as far as its installs are understood. */
  private readsOf(line: string, place: Place): readonly Read[] {
    return recall(this.memory, `reads ${line}`, place, this.image, (here, files) => {
      const commands = commandsOf(line);
      const words = commands.map((command) => command.words.map(({ value }) => value ?? ''));
      // What the line makes itself was not there to be read.
      const made = new Set(
        words.flatMap(([name, ...paths]) =>
          name === 'touch' ? paths.map((path) => resolvePath(here.directory, path)) : [],
        ),
      );
      return commands.flatMap((command) => {
        const install = this.knowledge.recognise(command, here);
        const steps = install === undefined ? [] : this.knowledge.analyse(install, files).steps;
        return steps
          .filter((step) => step.opaque === undefined)
          .flatMap((step) => step.reads.filter(({ path }) => !made.has(path)));
      });
    });
  }

  /** Not sure to be where it says: behind a link, or in a directory that has another name too. */
  private isElsewhere(path: string): boolean {
    const { relative, absolute } = this.places;
    if (path.startsWith('?') ? absolute || mayBeSystem(path) : relative && !isSystem(path)) return true;
    return this.image.throughLink(path);
  }

  private input(read: Read): Input {
    if (this.isElsewhere(read.path)) return { what: read.path, value: this.image.valueOf('/', true) };
    const projected = read.as !== undefined && (read.optional === true || this.image.has(read.path) !== 'no');
    return { what: read.path, value: projected ? this.symbols.of('as', read.as) : this.image.valueOf(read.path, true) };
  }

  private step(step: Effect, place: number, text: string, rest: Partial<Action>): Action {
    const opaque = step.opaque ?? this.notAllowed(step, rest.install?.place.user) ?? this.notKept(step, text);
    if (opaque !== undefined) return this.everything(text, step.name, place, opaque, rest);
    const inputs = step.reads.map((read) => this.input(read));
    // A mount hides the store that an earlier layer filled, and what it holds belongs to no layer.
    const sees = rest.install === undefined || keepsStores(rest.install.place);
    if (step.warm === true) {
      if (sees) this.warmed.add(rest.install?.manager ?? '');
      inputs.push({ what: 'place', value: place });
      return { text, name: step.name, symbol: 0, effect: step, inputs, warm: true, ...rest };
    }
    const settled = this.settle(step, place, inputs);
    if (typeof settled !== 'number') return { ...settled, ...rest, repeats: true };
    const before = this.edited(step);
    if (step.system !== 'none') inputs.push({ what: 'system', value: this.image.system() });
    for (const path of step.makes ?? []) inputs.push(...this.whereMade(path, userOf(step.maker)));
    // A package manager makes the directories that it needs, where its user may.
    const user = userOf(rest.install?.place.user ?? 'root');
    const into = [...(step.into ?? []), ...(user === 'root' ? [] : step.writes.map(parentPath))];
    for (const directory of new Set(into)) inputs.push(this.writable(directory));
    const cold = step.offline === true && !(sees && this.warmed.has(rest.install?.manager ?? ''));
    const name = cold ? `${step.name} --offline` : step.name;
    const exact = this.symbols.of('step', name, place, ...inputs.map((input) => input.value));
    const lenient = step.attributes === true ? this.lenient(step, name, place, inputs) : undefined;
    const symbol = lenient ?? exact;
    if (step.system === 'writes') this.image.writeSystem(symbol);
    const { removes = [], makes = [], touches = [] } = step;
    const removed = step.reads.filter(({ path }) => removes.includes(path));
    const lacks =
      step.into?.some((each) => !this.isThere(each)) === true ||
      removed.some(({ path }) => !this.image.isDirectory(path) && this.image.has(path) !== 'yes');
    const written = [...step.writes, ...step.edits, ...makes, ...touches];
    // A link is taken away itself; what is written to it goes to where it leads.
    if (
      written.some((path) => this.isElsewhere(path) || this.isLinked(path)) ||
      removes.some((path) => this.isElsewhere(parentPath(path)) || mayBeSystem(path))
    )
      this.image.writeAll(this.symbols.of('elsewhere', symbol, this.image.valueOf('/')));
    step.writes.forEach((path, at) => {
      const strict = lenient === undefined ? undefined : this.symbols.of(exact, at);
      const layer = valueLayer(this.symbols.of(symbol, at), 'made', '', undefined, strict);
      this.image.write(path, step.links === true ? linkLayer(layer) : layer);
    });
    for (const path of removes) this.image.remove(path);
    for (const path of step.gone ?? []) this.gone.add(path);
    for (const path of step.edits) this.image.write(path, editLayer(this.symbols.of(symbol, path)));
    for (const [path, content] of Object.entries(step.sets ?? {}))
      this.image.write(path, valueLayer(this.symbols.of('text', content), 'made', '', content));
    for (const path of makes) {
      this.image.makeDirectory(path, step.maker ?? '');
      this.gone.delete(path);
    }
    for (const path of touches) this.image.touchDirectory(path, symbol);
    if (step.system === 'writes') this.changeUsers(rest.command, symbol);
    const action: Action = { text, name, symbol, effect: step, inputs, ...(lacks ? { lacks } : {}), ...rest };
    if (step.settles === true) this.settled.set(settled, { action, before, left: this.left(step) });
    return action;
  }

  /** Who may make a directory depends on whose the one is that it would be made in. */
  private whereMade(path: string, user: string | undefined): readonly Input[] {
    let directory = path;
    while (!this.image.isDirectory(directory)) directory = parentPath(directory);
    const maker = directory === path ? '' : this.image.maker(directory);
    return user === 'root' || user === userOf(maker)
      ? []
      : [{ what: path, value: this.symbols.of(directory === path ? 'there' : 'made', maker) }];
  }

  /** Only root may rewrite a file that another user's copy brought. */
  private notAllowed({ sets = {} }: Effect, user: string | undefined): Trouble | undefined {
    const name = userOf(user);
    const path = Object.keys(sets).find((each) => userOf(this.image.owner(each)) !== name);
    return name === 'root' || path === undefined
      ? undefined
      : {
          code: 'not-writable',
          message: `\`${path}\` was not copied as the user \`${user ?? ''}\`, who has to change it`,
          help: 'copy it with --chown',
        };
  }

  /** What is mounted is read-only, or what is written there is lost. */
  private notKept({ writes, edits, removes = [], makes = [], sets = {} }: Effect, text: string): Trouble | undefined {
    if (this.hidden.length === 0) return undefined;
    const written = [...writes, ...edits, ...removes, ...makes, ...Object.keys(sets)];
    const path = written.find((each) => this.hidden.some((target) => within(each, target)));
    return path === undefined
      ? undefined
      : {
          code: 'intervening-run-reads-source',
          message: `\`${firstLine(text)}\` may write to \`${path}\`, where something is mounted`,
          help: 'copy it instead of mounting it',
        };
  }

  /** Files whose owner changes carry allowance 0.4 along: what decides is how they end. */
  private lenient(step: Effect, name: string, place: number, inputs: readonly Input[]): number {
    const trees = new Set(step.writes);
    const values = inputs.map(({ what, value }) => (trees.has(what) ? this.image.valueOf(what) : value));
    return this.symbols.of('step', name, place, ...values);
  }

  /** The action that this step repeats on its own result; otherwise the key to remember it by. */
  private settle(step: Effect, place: number, inputs: readonly Input[]): Action | number {
    if (step.settles !== true) return 0;
    // What it wrote itself is compared with what it left.
    const own = (path: string): boolean => step.edits.includes(path) || step.writes.some((tree) => within(path, tree));
    const key = this.symbols.of(
      'settle',
      step.name,
      place,
      ...inputs.filter(({ what }) => !own(what)).map(({ value }) => value),
    );
    const known = this.settled.get(key);
    if (known === undefined) return key;
    const { system, written, edited } = this.left(step);
    if (system !== known.left.system || written.some((value, index) => value !== known.left.written[index])) return key;
    // A copy may have put back what stood there before.
    const isOwn = edited.every((value, index) => value === known.left.edited[index] || value === known.before[index]);
    if (!isOwn) return key;
    for (const path of step.edits) this.image.write(path, editLayer(this.symbols.of(known.action.symbol, path)));
    return known.action;
  }

  private left(step: Effect): Left {
    return {
      system: step.system === 'none' ? 0 : this.image.system(),
      written: step.writes.map((path) => this.image.valueOf(path, true)),
      edited: this.edited(step),
    };
  }

  private edited(step: Effect): readonly number[] {
    return step.edits.map((path) => this.image.valueOf(path, true));
  }
}

/** Installs of system packages: their results do not depend on what a build is called. */
function isQuiet(command: Command): boolean {
  return /^(?:sudo )?(?:apt|apt-get|apk|yum|dnf|microdnf) /.test(`${command.text} `);
}

/** What an install leaves in its own cache is no part of its result. */
function uncached(name: string): string {
  return name.replace(/ --no-cache-dir(?= |$)/g, '');
}

const lookedInto = new Map<string, readonly Command[]>();

/** The commands of a compound one, as far as their words tell; what loops over constant words is repeated. */
function commandsWithin(text: string): readonly Command[] {
  let known = lookedInto.get(text);
  if (known === undefined) {
    if (lookedInto.size > 1_000) lookedInto.clear();
    const parts = text
      .slice(0, LONGEST_LOOKED_INTO)
      .replace(
        /\bfor (\w+) in ([\w./ -]+)[;\n]\s*do\b([^]*?)\bdone\b/g,
        (_, name: string, words: string, body: string) =>
          words
            .trim()
            .split(/ +/)
            .map((word) => body.replace(new RegExp(`\\$(?:${name}\\b|\\{${name}\\})`, 'g'), word))
            .join(';'),
      )
      .slice(0, LONGEST_LOOKED_INTO)
      .split(/[;|&(){}\n]+|(?:^|\s)(?:if|then|elif|else|fi|do|done|while|time|!)(?=\s|$)/);
    known = parts
      .filter((part) => part.trim() !== '' && !part.includes('<<'))
      .flatMap((part) => commandsOf(part.trim()).slice(0, 1))
      .filter((command) => command.simple);
    lookedInto.set(text, known);
  }
  return known;
}

/** Of a command that holds what another one prints: its steps may do anything, and so may what is made of it. */
function closed(analysis: Analysis, command: Command): Analysis {
  const opaque = {
    code: 'intervening-run-reads-source',
    message: `${firstLine(command.text)} depends on what another command prints`,
  };
  return {
    ...analysis,
    steps: analysis.steps.map((step) => (step.warm === true ? step : { ...step, opaque: step.opaque ?? opaque })),
    splits: analysis.splits.filter(({ before }) => !substitutes(before)),
  };
}

/** Itself, or the commands that it is given to run: `sh -c "npm ci"`, `timeout 600 npm ci`, `env A=$(b) npm ci`. */
function handedOn(command: Command): readonly Command[] {
  const words = command.words.map(({ value, text }) => value ?? text);
  const name = baseName(words[0] ?? '');
  if (/^(?:ba|da|z)?sh$/.test(name)) {
    const script = words.findIndex((word) => /^-\w*c$/.test(word));
    return script < 0 ? [command] : commandsWithin(words[script + 1] ?? '');
  }
  if (!/^(?:env|timeout|nice|nohup|xargs)$/.test(name)) return [command];
  const start = words.findIndex((word, at) => at > 0 && !/^(?:-\S*|\d+[smh]?|\w+=.*)$/s.test(word));
  return start < 0 ? [] : commandsOf(words.slice(start).join(' '));
}

function oneLine(script: string): string {
  return script.replace(/\\\r?\n/g, ' ').replace(/\s*\n\s*/g, '; ');
}

/** What a RUN of this line would run. */
function commandsOf(line: string): readonly Command[] {
  const run = parse(`FROM scratch\nRUN ${line}\n`).stages[0]?.instructions[0] as Run | undefined;
  return run?.commands ?? [];
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}

/** Up to `/`, or to the base image's own directory, which is unknown: `?`. */
function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? (path.startsWith('/') ? '/' : '?') : path.slice(0, slash);
}

/** Below the base image's own directory, but the system's if that is `/`. */
function mayBeSystem(path: string): boolean {
  return path.startsWith('?/') && isSystem(path.slice(1));
}

/** A variable that is exported, with its value if that is constant; undefined: its value may depend on anything. */
function exported({ text, value }: ShellWord): readonly [name: string, value: string | undefined] | undefined {
  const [, name = '', constant] = /^([A-Za-z_]\w*)=(.*)$/s.exec(value ?? text) ?? [];
  if (name === '') return undefined;
  if (value !== undefined) return [name, constant];
  return SPECIAL.test(name) || /[`$*?[~]/.test(unasked(text)) ? undefined : [name, undefined];
}

/** Without the group, and without the mode of what was made. */
function userOf(owner: string | undefined): string | undefined {
  return owner?.replace(/[: ].*/, '');
}
