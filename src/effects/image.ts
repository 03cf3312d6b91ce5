/**
 * The file system of a stage, on symbols instead of files: which value each image path holds.
 *
 * It is a tree by path. Each node carries the layers that were written over it, oldest first, and a child exists
 * only where something was written below: everything else follows from the parent's layers. So the last writer
 * of every path is exact, and a state costs as much as the instructions that made it, not as the files in it.
 */
import type { BuildContext, Files, Presence } from '../model.ts';
import { components, isForProjects, isShared, join, within } from './paths.ts';
import type { Symbols } from './symbols.ts';

/** One write over a path and everything below it. */
export interface Layer {
  /** Two layers with one key bring the same content. */
  readonly key: string;
  /** The key where allowance 0.4 does not hold; default: the same. */
  readonly strict?: string;
  /** Nothing that was there before is left. */
  readonly settles: boolean;
  readonly presence: Presence;
  /** A lockfile that an install rewrote: harmless once the context restores it (allowance 0.4). */
  readonly soft?: boolean;
  /** It is a file. */
  readonly file?: boolean;
  /** It may be a file although it settles nothing. */
  readonly either?: true;
  /** Lies in a shared directory but among a project's own entries: commands on the system do not see it. */
  readonly own?: boolean;
  /** A symbolic link: what lies behind it may be any path of the image. */
  readonly link?: true;
  /** What a command that is not understood, or an unknown copy, may have left: anybody's. */
  readonly unknown?: boolean;
  /** Who owns the directories that it brings: as if that one had made them (rule 29). */
  readonly maker?: string;
  /** What it brings to one entry; undefined: nothing. */
  child(name: string): Layer | undefined;
  /** What it may bring below an entry that it is not known to bring: a file that git ignores by its name alone. */
  hidden?(name: string): Layer | undefined;
  /** It stands for such an entry, and brings nothing to it itself. */
  readonly ghost?: boolean;
  /** It brings all that the other, older layer brought. */
  covers?(older: Layer): boolean;
  /** The same as another owner's; undefined, or absent: what that makes of it is not known. */
  ownedBy?(owner: Owner): Layer | undefined;
  read?(): string | undefined;
  executable?(): boolean | undefined;
  /** Names that it brings directly below; undefined: not known. */
  entries(): readonly string[] | undefined;
}

/** As a copy tells it: its `--chown`, and who makes the directories. */
export interface Owner {
  readonly owner: string;
  readonly maker: string;
}

/** A copy has no options but `--chown`, perhaps of users whom the build has changed. */
function isPlain(owner: string): boolean {
  return /^[\w.-]*(?::[\w.-]*)?(?: [\w.*-]+=\d+)*$/.test(owner);
}

interface Node {
  layers: Layers;
  children?: Map<string, Node>;
}

type Origin = 'base' | 'made' | 'system' | 'opaque' | 'absent';

/** The result of a command, or of the base image, seen at a path within it. */
class ValueLayer implements Layer {
  readonly key: string;
  readonly strict?: string;
  readonly settles = true;
  readonly presence: Presence;
  readonly unknown: boolean;
  private readonly origin: Origin;
  private readonly path: string;
  private readonly symbol: number;
  private readonly strictSymbol: number | undefined;
  private readonly text: string | undefined;
  private children: Map<string, Layer> | undefined;

  constructor(symbol: number, origin: Origin, path: string, text?: string, strictSymbol?: number) {
    this.symbol = symbol;
    this.origin = origin;
    this.path = path;
    this.text = text;
    this.strictSymbol = strictSymbol;
    this.key = origin === 'absent' ? 'absent' : `v${symbol}:${path}`;
    if (strictSymbol !== undefined) this.strict = `v${strictSymbol}:${path}`;
    this.presence = presenceOf(origin, path);
    this.unknown = origin === 'opaque';
  }

  child(name: string): Layer {
    if (this.origin === 'absent') return ABSENT;
    this.children ??= new Map();
    let child = this.children.get(name);
    if (child === undefined) {
      child = new ValueLayer(this.symbol, this.origin, `${this.path}/${name}`, undefined, this.strictSymbol);
      this.children.set(name, child);
    }
    return child;
  }

  read(): string | undefined {
    return this.text;
  }

  entries(): readonly string[] | undefined {
    return this.origin === 'base' || this.origin === 'absent' ? [] : undefined;
  }
}

/** `strict` is the symbol of a result that keeps what it was made of, where allowance 0.4 does not hold. */
export function valueLayer(symbol: number, origin: Origin, path = '', text?: string, strict?: number): Layer {
  return new ValueLayer(symbol, origin, path, text, strict);
}

function presenceOf(origin: Origin, path: string): Presence {
  if (origin === 'base' || origin === 'absent') return 'no';
  if (origin === 'system') return isForProjects(path) ? 'no' : 'maybe';
  return origin === 'made' && path === '' ? 'yes' : 'maybe';
}

export const ABSENT: Layer = valueLayer(0, 'absent');

/** A file that a command edits in place: presence certain, content only as a symbol. */
export function editLayer(symbol: number): Layer {
  const key = `e${symbol}`;
  return withTraits(valueLayer(symbol, 'made'), {
    key,
    settles: false,
    soft: true,
    covers: (older) => older.key === key,
  });
}

/** What `COPY` of one context path brings. `owner` stands for everything that `--chown` and the like decide. */
export function contextLayer(context: BuildContext, source: string, owner: string, maker: string): Layer {
  let layers = contextLayers.get(context);
  if (layers === undefined) contextLayers.set(context, (layers = new Map<string, Layer>()));
  // No path holds a NUL.
  const key = [source, owner, maker].join('\0');
  let layer = layers.get(key);
  if (layer === undefined) layers.set(key, (layer = new ContextLayer(context, source, owner, maker, true)));
  return layer;
}

const contextLayers = new WeakMap<BuildContext, Map<string, Layer>>();

class ContextLayer implements Layer {
  readonly key: string;
  readonly settles: boolean;
  readonly presence: Presence;
  readonly maker: string;
  readonly link?: true;
  readonly file: boolean;
  private readonly context: BuildContext;
  private readonly source: string;
  private readonly owner: string;
  private readonly kind: ReturnType<BuildContext['kind']>;
  private readonly named: boolean;
  private children: Map<string, Layer | undefined> | undefined;
  private names: readonly string[] | undefined;

  constructor(context: BuildContext, source: string, owner: string, maker: string, named: boolean) {
    this.context = context;
    this.source = source;
    this.owner = owner;
    this.maker = maker;
    this.named = named;
    this.kind = context.kind(source);
    // A symlink is followed when named as a source, and stays a link inside a copied directory (rule 31).
    const link = this.kind === 'symlink' ? (named ? ':followed' : ':link') : '';
    this.key = `c:${source}:${owner}${link}`;
    this.file = this.kind === 'file';
    this.settles = this.file || this.kind === 'symlink';
    this.presence = this.kind === undefined ? 'maybe' : 'yes';
    if (link === ':link') this.link = true;
  }

  child(name: string): Layer | undefined {
    if (this.settles) return undefined;
    this.children ??= new Map();
    let child = this.children.get(name);
    if (child !== undefined || this.children.has(name)) return child;
    const below = this.below(name);
    if (this.context.may(below)) child = new ContextLayer(this.context, below, this.owner, this.maker, false);
    this.children.set(name, child);
    return child;
  }

  hidden(name: string): Layer | undefined {
    return this.kind === 'directory' ? ghostLayer(this.context, this.below(name), this.owner, this.maker) : undefined;
  }

  covers(older: Layer): boolean {
    return older.key === this.key || older.key.startsWith(`w:${this.source}:${this.owner}:`);
  }

  ownedBy({ owner, maker }: Owner): Layer | undefined {
    return isPlain(this.owner) ? new ContextLayer(this.context, this.source, owner, maker, this.named) : undefined;
  }

  read(): string | undefined {
    return this.kind === 'file' ? this.context.read(this.source) : undefined;
  }

  executable(): boolean | undefined {
    return this.owner.includes('chmod') ? undefined : this.context.executable(this.source);
  }

  entries(): readonly string[] | undefined {
    if (this.kind !== 'directory') return this.kind === 'symlink' ? undefined : [];
    return (this.names ??= this.context.entries(this.source));
  }

  private below(name: string): string {
    return this.source === '.' ? name : `${this.source}/${name}`;
  }
}

/** The same layer but for some traits. */
function withTraits(layer: Layer, traits: Partial<Layer>): Layer {
  return Object.assign(Object.create(layer) as Layer, traits);
}

/** The same, among a project's own entries of a shared directory. */
export function ownLayer(layer: Layer): Layer {
  return withTraits(layer, { own: true });
}

/** The same, as a symbolic link. */
export function linkLayer(layer: Layer): Layer {
  return withTraits(layer, { link: true });
}

/** The same, but for what an option may keep out of it: that may be there or not. */
export function sievedLayer(layer: Layer, path: string, isInDoubt: (path: string) => boolean): Layer {
  if (isInDoubt(path)) return mergeLayer(layer.key);
  const below = (name: string): string => (path === '.' ? name : `${path}/${name}`);
  const sieved = (name: string, inside: Layer | undefined): Layer | undefined =>
    inside === undefined ? undefined : sievedLayer(inside, below(name), isInDoubt);
  return withTraits(layer, {
    child: (name) => sieved(name, layer.child(name)),
    hidden: (name) => sieved(name, layer.hidden?.(name)),
    entries: () => {
      const names = layer.entries();
      return names?.some((name) => isInDoubt(below(name))) === true ? undefined : names;
    },
  });
}

/** A directory that no file is known of: somebody's may hold files that git ignores wherever they are (`*.log`). */
function ghostLayer(context: BuildContext, source: string, owner: string, maker: string): Layer {
  return {
    key: '',
    settles: false,
    presence: 'no',
    ghost: true,
    child(name) {
      const below = `${source}/${name}`;
      return context.may(below) ? new ContextLayer(context, below, owner, maker, false) : undefined;
    },
    hidden: (name) => ghostLayer(context, `${source}/${name}`, owner, maker),
    entries: () => [],
  };
}

/** What a wildcard may bring beyond the files that are known: those that git ignores. */
export function wildcardLayer(
  context: BuildContext,
  directory: string,
  pattern: string,
  owner: string,
  maker: string,
  matches: (pattern: string, name: string) => boolean,
): Layer {
  const layer: Layer = {
    key: `w:${directory}:${owner}:${pattern}`,
    settles: false,
    presence: 'no',
    child(name) {
      const path = directory === '.' ? name : `${directory}/${name}`;
      return matches(pattern, name) && context.may(path) ? contextLayer(context, path, owner, maker) : undefined;
    },
    covers: (older) => older.key === layer.key,
    ownedBy: (other) =>
      isPlain(owner) ? wildcardLayer(context, directory, pattern, other.owner, other.maker, matches) : undefined,
    entries: () => [],
  };
  return layer;
}

/** Content that is merged in but not known in detail: an archive, a URL, another image's directory. */
export function mergeLayer(key: string): Layer {
  return {
    key: `m:${key}`,
    settles: false,
    presence: 'maybe',
    unknown: true,
    child: (name) => mergeLayer(`${key}/${name}`),
    covers: (older) => older.key === `m:${key}`,
    entries: () => undefined,
  };
}

/** What `COPY --from=stage` brings: that stage's content at a path. A link that is not `named` stays one (rule 31). */
export function stageLayer(stage: Image, source: string, owner: string, named = true): Layer {
  const layer: Layer = {
    key: `s:${stage.valueOf(source)}:${owner}`,
    settles: false,
    presence: stage.has(source),
    ...(stage.isDirectory(source) ? {} : { either: true }),
    ...(!named && stage.throughLink(source) ? { link: true } : {}),
    child: (name) => {
      const below = join(source, name);
      return stage.has(below) === 'no' ? undefined : stageLayer(stage, below, owner, false);
    },
    covers: (older) => older.key === layer.key,
    read: () => stage.read(source),
    entries: () => stage.entries(source),
  };
  return layer;
}

/** What a wildcard brings out of a stage: whatever is there by such a name. */
export function stageWildcardLayer(
  stage: Image,
  directory: string,
  pattern: string,
  owner: string,
  matches: (pattern: string, name: string) => boolean,
): Layer {
  const layer: Layer = {
    key: `sw:${stage.valueOf(directory)}:${owner}:${pattern}`,
    settles: false,
    presence: 'no',
    child: (name) =>
      matches(pattern, name) && stage.has(join(directory, name)) !== 'no'
        ? stageLayer(stage, join(directory, name), owner)
        : undefined,
    covers: (older) => older.key === layer.key,
    entries: () => stage.entries(directory)?.filter((name) => matches(pattern, name)),
  };
  return layer;
}

/** What commands left in a place that nothing was copied to yet is no part of the project: the same value, taken as absent. */
class BeforeAnyCopy implements Layer {
  readonly key: string;
  readonly strict?: string;
  readonly settles = true;
  readonly presence = 'no';
  readonly soft?: boolean;
  readonly own?: boolean;
  readonly link?: true;
  private readonly layer: Layer;

  constructor(layer: Layer) {
    this.layer = layer;
    this.key = layer.key;
    if (layer.strict !== undefined) this.strict = layer.strict;
    if (layer.soft !== undefined) this.soft = layer.soft;
    if (layer.own !== undefined) this.own = layer.own;
    if (layer.link !== undefined) this.link = layer.link;
  }

  child(name: string): Layer {
    return beforeAnyCopy(this.layer.child(name) as Layer);
  }

  read(): string | undefined {
    return this.layer.read?.();
  }

  entries(): readonly string[] {
    return [];
  }
}

function beforeAnyCopy(layer: Layer): Layer {
  return !layer.settles || layer.presence === 'yes' ? layer : new BeforeAnyCopy(layer);
}

function over(list: readonly Layer[], layer: Layer): readonly Layer[] {
  if (layer.settles) return [layer];
  return [...list.filter((older) => !layer.covers?.(older)), layer];
}

/** The layers at a path, oldest first. It never changes, and remembers what follows from it. */
class Layers {
  readonly list: readonly Layer[];
  private below: Map<string, Layers> | undefined;
  private known: Presence | undefined;
  private readonly keys: [string | undefined, string | undefined] = [undefined, undefined];

  constructor(list: readonly Layer[]) {
    this.list = list;
  }

  get last(): Layer | undefined {
    return this.list[this.list.length - 1];
  }

  /** What they bring to an entry that nothing else was written to. */
  child(name: string): Layers {
    this.below ??= new Map();
    let child = this.below.get(name);
    if (child === undefined) this.below.set(name, (child = new Layers(this.childList(name))));
    return child;
  }

  private childList(name: string): readonly Layer[] {
    if (this.list.length === 1) {
      const inside = (this.list[0] as Layer).child(name);
      return inside === undefined ? [] : [inside];
    }
    let result: readonly Layer[] = [];
    for (const layer of this.list) {
      const inside = layer.child(name);
      if (inside !== undefined) result = over(result, inside);
    }
    return result;
  }

  /** Whether there is something, by what they bring alone. */
  get presence(): Presence {
    return (this.known ??= this.find());
  }

  private find(): Presence {
    let result: Presence = 'no';
    for (let at = this.list.length - 1; at >= 0; at--) {
      const layer = this.list[at] as Layer;
      if (layer.presence === 'yes') return 'yes';
      if (layer.presence === 'maybe') result = 'maybe';
      if (layer.settles) break;
    }
    return result;
  }

  /** Equal for equal content. `strict` also tells apart what allowance 0.4 equates. */
  key(strict: boolean): string {
    return (this.keys[strict ? 1 : 0] ??= layersKey(this.list, strict));
  }
}

function layersKey(list: readonly Layer[], strict: boolean): string {
  if (strict) return list.map((layer) => layer.strict ?? layer.key).join('|');
  if (!list.some((layer) => layer.soft)) return list.map((layer) => layer.key).join('|');
  // Allowance 0.4: an install's edit of a file that the context surely brings is as good as undone; of one that
  // the context may bring, it does not matter which came last.
  const firm = list.filter((layer) => !layer.soft);
  // Whatever is merged in afterwards comes over the one as over the other.
  const last = list.findLastIndex((layer) => layer.soft);
  const below = list.slice(0, last).findLast((layer) => !layer.soft);
  if ([firm.at(-1), below].some((layer) => layer?.settles === true && layer.key.startsWith('c:')))
    return firm.map((layer) => layer.key).join('|');
  return [...list.filter((layer) => layer.soft), ...firm].map((layer) => layer.key).join('|');
}

export class Image implements Files {
  private readonly symbols: Symbols;
  private root: Node;
  /** Directories that this build made, with who made them: their owner and mode follow from it (rules 21, 28). */
  private directories = new Map<string, string>();
  /** Paths that are a project's own, not the system's; none lies within another. */
  private own = new Set<string>();
  /** Where a command made a link: it may still be there behind one that is not understood. */
  private links = new Set<string>();
  /** Entries of a project that a command which is not understood may have made ahead of any copy. */
  private left = new Set<string>();
  private mounts: { readonly path: string; readonly layer: Layer }[] = [];

  constructor(symbols: Symbols, base: number) {
    this.symbols = symbols;
    this.root = { layers: new Layers([valueLayer(base, 'base')]) };
  }

  /** A copy to go on from (`FROM stage`). */
  fork(): Image {
    const image = new Image(this.symbols, 0);
    image.root = cloneNode(this.root);
    image.directories = new Map(this.directories);
    image.own = new Set(this.own);
    image.links = new Set(this.links);
    image.left = new Set(this.left);
    return image;
  }

  /** Declares a tree as the project's own. Done before a stage runs, so that it does not depend on order. */
  claim(path: string): void {
    for (const other of this.own) if (within(path, other)) return;
    for (const other of [...this.own]) if (within(other, path)) this.own.delete(other);
    this.own.add(path);
    const node = this.nodeAt(path);
    node.layers = new Layers(node.layers.list.map(beforeAnyCopy));
  }

  owns(path: string): boolean {
    for (const own of this.own) if (within(path, own)) return true;
    return false;
  }

  // ------------------------------------------------------------------------------------------- writing

  write(path: string, layer: Layer): void {
    const node = this.nodeAt(path);
    put(node, layer);
    if (layer.link === true) this.links.add(path);
    if (!layer.settles) {
      // Directories that the copy brings take its owner and mode (rule 29), except the top one.
      for (const [made, maker] of [...this.directories]) {
        if (made === path || !within(made, path)) continue;
        const brought = directoryIn(layer, components(made.slice(path.length)));
        if (brought === undefined) continue;
        if (brought.presence === 'yes' && brought.either !== true) this.directories.delete(made);
        // One that git ignores may be on somebody's disk.
        else if (brought.maker !== maker)
          this.directories.set(made, this.symbols.of(maker, brought.maker ?? '', layer.key).toString());
      }
    }
  }

  /**
   * Makes a directory and its parents where they do not exist yet; `maker` decides their owner and mode. `perhaps`: it may
   * do nothing, and then whoever comes next makes them.
   */
  makeDirectory(path: string, maker: string, perhaps = false): void {
    const parts = components(path);
    let current = path.startsWith('/') ? '' : (parts[0] ?? '');
    for (const part of path.startsWith('/') ? parts : parts.slice(1)) {
      current = `${current}/${part}`;
      const known = this.directories.get(current);
      const isOpen = known?.startsWith('perhaps ') === true;
      if (!isOpen && this.isDirectory(current)) continue;
      const own = this.ownerMade(current, maker);
      const made = perhaps ? `perhaps ${own}` : own;
      this.directories.set(current, !isOpen || known === `perhaps ${own}` ? made : `${known.slice(8)} or ${made}`);
    }
  }

  /** An existing directory's own owner or mode changes. */
  touchDirectory(path: string, symbol: number): void {
    this.directories.set(path, this.symbols.of(this.directories.get(path) ?? '', symbol).toString());
  }

  /** Takes a path away. Where nothing but commands of this build had put something, it is as it was before them. */
  remove(path: string): void {
    const slash = path.lastIndexOf('/');
    const inherited = this.layersAt(path.slice(0, slash) || '/').child(path.slice(slash + 1)).list;
    if (
      inherited.length > 0 &&
      inherited.every((layer) => layer.presence === 'no' && layer.settles) &&
      !this.left.has(path)
    ) {
      let node: Node | undefined = this.root;
      for (const name of components(path).slice(0, -1)) node = node?.children?.get(name);
      node?.children?.delete(path.slice(slash + 1));
      for (const made of [...this.directories.keys()]) if (within(made, path)) this.directories.delete(made);
      this.links.delete(path);
    } else this.write(path, ABSENT);
  }

  /**
   * A command changed the system: everything that is not a project's own. `aliased`: nothing is known to be, so that what
   * was copied may still be anywhere.
   */
  writeSystem(symbol: number, aliased: boolean): void {
    this.writeBelow(this.root, '', valueLayer(symbol, aliased && holdsAnything(this.root) ? 'opaque' : 'system'));
  }

  private writeBelow(node: Node, path: string, layer: Layer): void {
    node.layers = new Layers([layer, ...node.layers.list.filter((each) => each.own)]);
    for (const [name, child] of node.children ?? []) {
      const below = path === '' && name === '?' ? '?' : `${path}/${name}`;
      if (this.own.has(below)) continue;
      const inside = layer.child(name) as Layer;
      if (this.holdsOwn(below)) this.writeBelow(child, below, inside);
      else node.children?.delete(name);
    }
  }

  /** Something that lies at or below it is a project's own. */
  holdsOwn(path: string): boolean {
    for (const own of this.own) if (within(own, path)) return true;
    return false;
  }

  /**
   * A command that is not understood: everything becomes its result, but for files that it is known to leave alone.
   * `copies`: it puts the source somewhere.
   */
  writeAll(symbol: number, spared: readonly string[] = [], copies = false): void {
    const kept = spared.map((path) => ({ path, layers: this.layersAt(path) }));
    // What lies in a project's tree before anything was copied there is not the project's source.
    const untouched = [...this.own].filter(
      (path) =>
        !copies &&
        this.layersAt(path).list.every((layer) => layer.presence === 'no' && layer.settles) &&
        !holdsAnything(this.existing(path)),
    );
    this.root = { layers: new Layers([valueLayer(symbol, 'opaque')]) };
    const before = new Set(untouched);
    for (const path of this.own) {
      const node = this.nodeAt(path);
      if (before.has(path)) node.layers = new Layers([valueLayer(symbol, 'base', path)]);
    }
    for (const { path, layers } of kept) this.nodeAt(path).layers = layers;
  }

  /** What a command that is not understood may have left of a project, although nothing was copied there yet. */
  leave(path: string, symbol: number): void {
    const tree = [...this.own].find((own) => path !== own && within(path, own));
    if (tree === undefined) return;
    const [name = ''] = components(path.slice(tree.length));
    const entry = join(tree, name);
    this.nodeAt(entry).layers = new Layers([valueLayer(symbol, 'opaque', entry)]);
    this.left.add(entry);
  }

  mount(path: string, layer: Layer): void {
    this.mounts.push({ path, layer });
  }

  unmountAll(): void {
    this.mounts = [];
  }

  private nodeAt(path: string): Node {
    let node = this.root;
    for (const name of components(path)) {
      node.children ??= new Map();
      let child = node.children.get(name);
      if (child === undefined) node.children.set(name, (child = { layers: node.layers.child(name) }));
      node = child;
    }
    return node;
  }

  private existing(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of components(path)) node = node?.children?.get(name);
    return node;
  }

  // ------------------------------------------------------------------------------------------- reading

  private layersAt(path: string): Layers {
    let layers = this.root.layers;
    let node: Node | undefined = this.root;
    for (const name of components(path)) {
      // What lies behind it may be anything.
      if (layers.last?.link === true) return new Layers([mergeLayer('behind a link')]);
      node = node?.children?.get(name);
      layers = node?.layers ?? layers.child(name);
    }
    for (const { path: target, layer } of this.mounts) {
      if (!within(path, target)) continue;
      let inside: Layer | undefined = layer;
      for (const name of components(path.slice(target.length))) inside = inside?.child(name);
      if (inside !== undefined) layers = new Layers(over(layers.list, inside));
    }
    return layers;
  }

  has(path: string): Presence {
    return this.directories.has(path) ? 'yes' : this.layersAt(path).presence;
  }

  read(path: string): string | undefined {
    return this.layersAt(path).last?.read?.();
  }

  executable(path: string): boolean | undefined {
    return this.layersAt(path).last?.executable?.();
  }

  entries(directory: string): readonly string[] | undefined {
    const layers = this.layersAt(directory).list;
    const written = this.existing(directory)?.children;
    // The names that a layer brings are sorted.
    if (written === undefined && layers.length === 1) return layers[0]?.entries();
    const names = new Set<string>();
    for (let at = layers.length - 1; at >= 0; at--) {
      const layer = layers[at] as Layer;
      const brought = layer.entries();
      if (brought === undefined) return undefined;
      for (const name of brought) names.add(name);
      if (layer.settles) break;
    }
    for (const name of written?.keys() ?? []) if (this.has(join(directory, name)) === 'yes') names.add(name);
    return [...names].sort();
  }

  /** A command's result alone, that nothing was copied over. */
  isMade(path: string): boolean {
    const { list } = this.layersAt(path);
    return list.length === 1 && list[0] instanceof ValueLayer;
  }

  /** Known to exist and to be a directory. */
  isDirectory(path: string): boolean {
    if (path === '/' || path === '' || path === '?' || this.directories.has(path)) return true;
    return this.layersAt(path).list.some(
      (layer) => layer.presence === 'yes' && !layer.settles && layer.soft !== true && layer.either !== true,
    );
  }

  /** A file of the build context is what was written there last. */
  isFile(path: string): boolean {
    return this.layersAt(path).list.at(-1)?.file === true;
  }

  /**
   * Gives a directory with all in it to somebody; false: what is in it is not known well enough, and nothing is done. The
   * base image's own files in it are given as well, before as after.
   */
  give(path: string, to: Owner): boolean {
    const made = [...this.directories].filter(([each]) => within(each, path));
    if (!this.isDirectory(path) || isShared(path) || made.some(([, maker]) => maker.startsWith('perhaps ')))
      return false;
    const given: (() => void)[] = [];
    const visit = (node: Node): boolean => {
      const list: Layer[] = [];
      for (const layer of node.layers.list) {
        const isUntouched = layer.settles && layer.presence === 'no';
        const owned = isUntouched ? layer : layer.ownedBy?.(to);
        if (owned === undefined) return false;
        list.push(owned);
      }
      given.push(() => void (node.layers = new Layers(list)));
      return [...(node.children?.values() ?? [])].every(visit);
    };
    if (!visit(this.nodeAt(path))) return false;
    for (const each of given) each();
    for (const [directory, maker] of made) this.directories.set(directory, givenTo(to.maker, maker));
    return true;
  }

  /** A directory with those in it, where nothing else has been put there; undefined: something has, or may have. */
  bare(path: string): readonly string[] | undefined {
    const isFilled = this.layersAt(path).presence !== 'no' || holdsAnything(this.existing(path));
    if (!this.directories.has(path) || isFilled) return undefined;
    return [...this.directories.keys()].filter((each) => within(each, path));
  }

  /** Whose a directory is that `maker` makes: what a command may have left there may be anybody's. */
  ownerMade(path: string, maker: string): string {
    const isAnybodys = this.layersAt(path).list.some((layer) => layer.presence === 'maybe' && layer.unknown === true);
    return isAnybodys ? `${this.symbols.of('perhaps', this.valueOf(path), maker)}` : maker;
  }

  /** The directory stays whose it was, whatever has been copied to it. */
  keepMaker(path: string, maker: string): void {
    if (!isShared(path)) this.directories.set(path, maker);
  }

  /** Who made a directory: that decides whether a command may write in it. */
  maker(path: string): string {
    return isShared(path) ? '' : (this.directories.get(path) ?? this.owner(path) ?? '');
  }

  /** Of the copy that brought a file or directory: its `--chown` and `--chmod`, or `root`. */
  owner(path: string): string | undefined {
    return this.layersAt(path).list.findLast((layer) => layer.maker !== undefined && layer.presence === 'yes')?.maker;
  }

  /** It is a symbolic link, or is reached through one. */
  throughLink(path: string): boolean {
    if (this.links.size > 0)
      for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
        if (this.links.has(path.slice(0, end))) return true;
    let layers = this.root.layers;
    let node: Node | undefined = this.root;
    for (const name of components(path)) {
      node = node?.children?.get(name);
      layers = node?.layers ?? layers.child(name);
      if (layers.list.some((layer) => layer.link === true)) return true;
    }
    return false;
  }

  /** The symbol of a path with everything below it. `strict` also tells apart what allowance 0.4 equates. */
  valueOf(path: string, strict = false): number {
    let node: Node | undefined = this.root;
    for (const name of components(path)) node = node?.children?.get(name);
    const layers = this.layersAt(path);
    const own = this.hash(layers, node?.children, path === '/' ? '' : path, strict);
    const made = this.directoriesWithin(path, () => true);
    const mounted = this.mounts
      .filter((mount) => mount.path !== path && within(mount.path, path))
      .map((m) => `${m.path}=${m.layer.key}`);
    return made === '' && mounted.length === 0 ? own : this.symbols.of(own, made, mounted.sort().join());
  }

  /** The symbol of everything that is not a project's own. */
  system(): number {
    return this.symbols.of(
      this.hash(this.root.layers, this.root.children, '', false, true),
      this.directoriesWithin('/', (path) => !this.owns(path) && !this.holdsOwn(path)),
    );
  }

  private directoriesWithin(tree: string, keep: (path: string) => boolean): string {
    const made: string[] = [];
    for (const [path, maker] of this.directories)
      // One that a copy brings anyway is as if that copy had made it.
      if (within(path, tree) && keep(path) && this.owner(path) !== maker) made.push(`${path}=${maker}`);
    return made.sort().join('\n');
  }

  private hash(
    layers: Layers,
    children: Map<string, Node> | undefined,
    path: string,
    strict: boolean,
    systemOnly = false,
  ): number {
    const parts: string[] = [];
    const seen =
      systemOnly && layers.list.some((layer) => layer.own === true)
        ? new Layers(layers.list.filter((layer) => layer.own !== true))
        : layers;
    for (const [name, child] of children ?? []) {
      const below = path === '' && name === '?' ? '?' : `${path}/${name}`;
      if (systemOnly && this.own.has(below)) continue;
      const hash = this.hash(child.layers, child.children, below, strict, systemOnly);
      const implied = this.symbols.of('layers', seen.child(name).key(strict));
      if (hash !== implied) parts.push(`${name}=${hash}`);
    }
    const own = this.symbols.of('layers', seen.key(strict));
    return parts.length === 0 ? own : this.symbols.of('node', own, parts.sort().join('\n'));
  }
}

/** The mode stays. */
function givenTo(maker: string, before: string): string {
  const [, mode = ''] = /^(?:\D\S*)?( \S.*)$/.exec(before) ?? (/^\d+$/.test(before) ? ['', ` ${before}`] : []);
  return maker + mode;
}

function put(node: Node, layer: Layer): void {
  if (layer.ghost !== true) node.layers = new Layers(over(node.layers.list, layer));
  if (layer.settles) delete node.children;
  for (const [name, child] of node.children ?? []) {
    const inside = layer.child(name) ?? layer.hidden?.(name);
    if (inside !== undefined) put(child, inside);
  }
}

/** Something was put in or below it. */
function holdsAnything(node: Node | undefined): boolean {
  if (node === undefined) return false;
  return (
    node.layers.list.some((layer) => layer.presence !== 'no') ||
    [...(node.children?.values() ?? [])].some(holdsAnything)
  );
}

/** What a layer brings there, or may bring, if that can be a directory. */
function directoryIn(layer: Layer, path: readonly string[]): Layer | undefined {
  let inside: Layer | undefined = layer;
  for (const name of path) inside = inside?.child(name);
  return inside?.presence === 'no' || inside?.settles === true ? undefined : inside;
}

function cloneNode(node: Node): Node {
  if (node.children === undefined) return { layers: node.layers };
  return { layers: node.layers, children: new Map([...node.children].map(([n, child]) => [n, cloneNode(child)])) };
}
