/**
 * Builds a Dockerfile stage by stage on concrete files, from spec/dockerfile-semantics.md. It shares no code with
 * `src/`: the proof there must never pass what this calls different.
 */
import { shell, type Machine } from './commands.ts';
import { expand, instructions, jsonOr, words, type Instruction } from './dockerfile.ts';
import { absolute, base, Failure, FileSystem, hash, ownerOf, parent, unpacked, type Entry } from './files.ts';
import { expression, ignored, matches } from './ignore.ts';

export interface Context {
  /** Content by path; of a link, its target. */
  readonly files: Readonly<Record<string, string>>;
  readonly links?: readonly string[];
  readonly executable?: readonly string[];
}

export interface Stage {
  readonly name: string | undefined;
  readonly fs: FileSystem;
  readonly configuration: Map<string, string>;
  readonly log: [text: string, inputs: string][];
  /** Each file that may hold a secret and lies in one of its layers, however short. */
  readonly secrets: Set<string>;
}

interface Draft extends Stage {
  fs: FileSystem;
  /** What its layers so far are known by. */
  key: string;
  workdir: string;
  user: string;
  env: Map<string, string>;
  args: Map<string, string>;
  shell: string[];
  readonly triggers: Instruction[];
}

/** What a builder keeps from build to build. */
export interface Builder {
  /** What each RUN left, by all that it is known by. */
  readonly layers: Map<string, Layer>;
  /** What cache mounts hold, by target. */
  readonly caches: Map<string, FileSystem>;
}
interface Layer {
  readonly fs: FileSystem;
  readonly log: Stage['log'];
}

export const newBuilder = (): Builder => ({ layers: new Map(), caches: new Map() });

/** What COPY can see; rule 37 is left out, as the Dockerfile itself differs. */
function tree(context: Context, rules: string): FileSystem {
  const fs = new FileSystem();
  const skip = ignored(rules);
  for (const [path, content] of Object.entries(context.files)) {
    // A directory is sent even where all that is in it is not.
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1))
      if (!skip(path.slice(0, slash))) fs.makeDirectory(`/${path.slice(0, slash)}`, 'root');
    if (/^(?:Dockerfile|\.dockerignore)$/.test(path) || skip(path)) continue;
    fs.makeDirectory(parent(`/${path}`), 'root');
    const entry: Entry =
      context.links?.includes(path) === true
        ? { type: 'link', target: content, owner: 'root' }
        : { type: 'file', content, mode: context.executable?.includes(path) === true ? '755' : '644', owner: 'root' };
    fs.put(`/${path}`, entry);
  }
  return fs;
}

function image(name: string): FileSystem {
  const fs = new FileSystem();
  for (const path of ['/usr/bin', '/usr/src', '/etc', '/var/www', '/root', '/home', '/opt', '/srv', '/bin', '/lib'])
    fs.makeDirectory(path, 'root');
  fs.makeDirectory('/tmp', 'root', '777');
  fs.makeDirectory('/home/node', 'node');
  fs.write('/etc/passwd', 'root\nnode\n', 'root');
  fs.write('/usr/bin/base', name, 'root');
  return fs;
}

export function build(source: string, context: Context, rules: string, builder = newBuilder()): Stage[] {
  const files = tree(context, rules);
  const stages: Draft[] = [];
  const world: World = { stages, files, builder };
  const globals = new Map<string, string>();
  for (const each of instructions(source)) {
    const stage = stages.at(-1);
    if (each.keyword === 'FROM') {
      const [from = '', , name] = words(expand(each.text, (key) => globals.get(key)));
      const parentStage = stages.find((other) => other.name === from.toLowerCase());
      const draft: Draft = {
        name: name?.toLowerCase(),
        fs: parentStage?.fs.clone() ?? image(from),
        key: parentStage?.key ?? from,
        configuration: new Map(parentStage?.configuration),
        log: [],
        secrets: new Set(parentStage?.secrets),
        workdir: parentStage?.workdir ?? '/',
        user: parentStage?.user ?? 'root',
        env: new Map(parentStage?.env ?? [['PATH', '/usr/bin:/bin']]),
        args: new Map(parentStage?.args),
        shell: parentStage?.shell ?? ['/bin/sh', '-c'],
        triggers: [],
      };
      stages.push(draft);
      for (const trigger of parentStage?.triggers ?? []) execute(draft, trigger, world);
    } else if (stage === undefined) {
      if (each.keyword !== 'ARG') throw new Failure(`${each.keyword} before FROM`);
      for (const word of words(each.text)) globals.set(...pair(word, (key) => globals.get(key)));
    } else if (each.keyword === 'ARG') {
      for (const word of words(each.text)) {
        const [key, value] = pair(word, variables(stage));
        if (word.includes('=')) stage.args.set(key, value);
        else if (globals.has(key)) stage.args.set(key, globals.get(key) as string);
      }
    } else {
      try {
        execute(stage, each, world);
        for (const [path, entry] of stage.fs.entries)
          if (SECRET.test(path) && entry.type === 'file') stage.secrets.add(`${path} ${entry.content}`);
      } catch (error) {
        if (error instanceof Failure) error.lines = each.lines;
        throw error;
      }
    }
  }
  for (const stage of stages) {
    stage.configuration.set('USER', stage.user);
    stage.configuration.set('WORKDIR', stage.workdir);
    stage.configuration.set('SHELL', stage.shell.join(' '));
    stage.configuration.set(
      'ENV',
      [...stage.env]
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join('\n'),
    );
  }
  return stages;
}

/** The same Dockerfile without the instructions that fail. */
export function buildable(source: string, context: Context): string {
  const lines = source.split('\n');
  const builder = newBuilder();
  for (;;) {
    const text = lines.join('\n');
    try {
      build(text, context, context.files['.dockerignore'] ?? '', builder);
      return text;
    } catch (error) {
      // A trigger fails where the stage begins.
      if (!(error instanceof Failure) || error.lines === undefined) return text;
      const [from, to] = error.lines;
      lines.splice(from, to - from);
    }
  }
}

const SECRET = /\/(?:\.npmrc|\.env|\w*token\w*)$/;

function pair(word: string, get: (name: string) => string | undefined): [string, string] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word, ''] : [word.slice(0, equals), expand(word.slice(equals + 1), get)];
}

/** The last of ENV and ARG wins (rule 18): a stage's ENV takes an ARG of its name away, and the other way round. */
const variables =
  (stage: Draft) =>
  (name: string): string | undefined =>
    stage.args.get(name) ?? stage.env.get(name);

interface World {
  readonly stages: readonly Draft[];
  readonly files: FileSystem;
  readonly builder: Builder;
}

/** Where `--from` and `from=` lead. */
function origin(name: string | undefined, { stages, files }: World): FileSystem {
  if (name === undefined) return files;
  const earlier = stages.slice(0, -1);
  const stage = earlier.find((other) => other.name === name.toLowerCase()) ?? earlier[Number(name)];
  if (stage === undefined) throw new Failure(`no stage ${name}`);
  return stage.fs;
}

function execute(stage: Draft, each: Instruction, world: World): void {
  const get = variables(stage);
  const text = expand(each.text, get);
  switch (each.keyword) {
    case 'WORKDIR':
      stage.workdir = absolute(stage.workdir, text);
      stage.fs.makeDirectory(stage.workdir, ownerOf(stage.fs, stage.user));
      stage.key = hash(stage.key, stage.fs.hashOf('/'));
      return;
    case 'USER':
      stage.user = text === '0' ? 'root' : text;
      return;
    case 'ENV': {
      const pairs = words(each.text).map((word) => pair(word, get));
      for (const [key, value] of pairs) {
        stage.env.set(key, value);
        stage.args.delete(key);
      }
      return;
    }
    case 'SHELL':
      stage.shell = jsonOr(each.text) ?? [];
      return;
    case 'ONBUILD':
      stage.triggers.push(...instructions(each.text));
      return;
    case 'COPY':
    case 'ADD':
      copy(stage, each, world);
      stage.key = hash(stage.key, stage.fs.hashOf('/'));
      return;
    case 'RUN':
      run(stage, each, world);
      return;
    default: {
      const old = /^(?:LABEL|EXPOSE|VOLUME)$/.test(each.keyword)
        ? `${stage.configuration.get(each.keyword) ?? ''}\n`
        : '';
      stage.configuration.set(each.keyword, old + text);
    }
  }
}

function run(stage: Draft, each: Instruction, world: World): void {
  const mounts = each.mounts.map((text): Mount => {
    const options = new Map(text.split(',').map((part) => part.split('=') as [string, string]));
    const target = absolute(stage.workdir, options.get('target') ?? '.');
    const type = options.get('type') ?? 'bind';
    if (type === 'secret') {
      const entry = { type: 'file', content: options.get('id') ?? '', mode: '400', owner: 'root' } as const;
      return { type, target, tree: new FileSystem(new Map([['/', entry]])) };
    }
    if (type !== 'bind') return { type, target };
    const from = origin(options.get('from'), world);
    return { type, target, tree: from.tree(absolute('/', options.get('source') ?? '.')) };
  });
  const env = [...stage.env, ...stage.args].map((pair) => pair.join('=')).sort();
  const own = [each.text, ...each.heredocs.map(({ body }) => body), ...each.mounts, stage.user, stage.workdir];
  const bound = mounts.map(({ tree }) => tree?.hashOf('/') ?? '');
  stage.key = hash(stage.key, ...own, ...bound, ...stage.shell, ...env);
  const { layers, caches } = world.builder;
  let layer = layers.get(stage.key);
  if (layer === undefined) {
    layer = { fs: stage.fs.clone(), log: [] };
    const hidden = mounts.map(({ type, target, tree }): FileSystem => {
      const old = (layer as Layer).fs.tree(target);
      // An empty cache of a package manager is like none.
      const empty = isStore(target) ? new FileSystem(new Map()) : new FileSystem();
      (layer as Layer).fs.replace(target, tree ?? (type === 'cache' ? (caches.get(target) ?? empty) : empty));
      return old;
    });
    execution(stage, each, layer);
    for (const [at, { type, target }] of [...mounts.entries()].reverse()) {
      if (type === 'cache') caches.set(target, layer.fs.tree(target));
      layer.fs.replace(target, hidden[at] as FileSystem);
    }
    layers.set(stage.key, layer);
  }
  stage.fs = layer.fs.clone();
  stage.log.push(...layer.log);
}

const isStore = (path: string): boolean =>
  /\/(?:\.npm|\.m2|pnpm\/store|\.nuget\/packages|cargo\/registry|\.cache\/pip)$/.test(path);

interface Mount {
  readonly type: string;
  readonly target: string;
  /** What a bind mount or a secret shows. */
  readonly tree?: FileSystem;
}

function execution(stage: Draft, each: Instruction, { fs, log }: Layer): void {
  const has = (expression: RegExp): boolean => stage.shell.some((word) => expression.test(word));
  const machine: Machine = {
    fs,
    user: ownerOf(fs, stage.user),
    cwd: stage.workdir,
    env: new Map([...stage.env, ...stage.args]),
    options: { errexit: has(/^-\w*e/), pipefail: has(/^pipefail$/) },
    log,
  };
  const json = jsonOr(each.text);
  shell(machine, each.heredocs[0]?.body ?? (json === undefined ? each.text : json.join(' ')));
}

function copy(stage: Draft, each: Instruction, world: World): void {
  const get = variables(stage);
  const all = (jsonOr(each.text) ?? words(each.text)).map((word) => expand(word, get));
  const from = each.flags.get('from');
  const source = origin(from, world);
  const written = all.at(-1) as string;
  const destination = absolute(stage.workdir, written);
  const chown = each.flags.get('chown');
  const owner = chown === undefined ? 'root' : ownerOf(stage.fs, expand(chown, get));
  const chmod = each.flags.get('chmod');
  const { fs } = stage;
  const under = (path: string): string => `${destination === '/' ? '' : destination}/${path}`;
  const named = all.slice(0, -1).filter((word) => !word.startsWith('<<'));
  const sources = named.flatMap((word) => {
    if (each.keyword === 'ADD' && word.startsWith('https://')) {
      const target = written.endsWith('/') || fs.isDirectory(destination) ? under(base(word)) : destination;
      fs.makeDirectory(parent(target), owner, chmod ?? '755');
      fs.put(target, { type: 'file', content: hash(word), mode: chmod ?? '600', owner });
      return [];
    }
    const path = absolute('/', word);
    if (!/[*?]/.test(word)) {
      if (source.entries.get(path) === undefined && source.get(path) === undefined)
        throw new Failure(`COPY ${word}: not found`);
      return [{ path, word }];
    }
    // With `--parents`, two stars stand for any directories.
    const deep = each.flags.has('parents') && word.includes('**') ? expression(path) : undefined;
    const found = [...source.entries.keys()]
      .filter((other) => other !== '/' && (deep === undefined ? matches(path, other) : deep.test(other)))
      .sort();
    return found.map((path) => ({ path, word }));
  });
  const keep = from !== undefined && chown === undefined;
  const leaves = ignored(each.flags.get('exclude') ?? '');
  for (const { path, word } of sources) {
    // A link that is named is followed (rule 31).
    const real = source.real(path);
    const entry = source.entries.get(real);
    if (entry === undefined) throw new Failure(`COPY ${path}: not found`);
    if (each.keyword === 'ADD' && from === undefined && entry.type === 'file' && path.endsWith('.tar.gz')) {
      fs.makeDirectory(destination, owner, '755');
      for (const [inside, content] of unpacked(entry.content)) {
        fs.makeDirectory(parent(under(inside)), 'root');
        fs.put(under(inside), { type: 'file', content, mode: '644', owner: 'root' });
      }
      continue;
    }
    const pivot = word.indexOf('/./');
    const parents = pivot < 0 ? path : path.slice(absolute('/', word.slice(0, pivot)).length);
    const top = each.flags.has('parents') ? under(parents.slice(1)) : undefined;
    if (entry.type === 'directory') {
      const into = top ?? destination;
      fs.makeDirectory(into, owner, chmod ?? '755');
      for (const below of source.below(real)) {
        const inside = below.slice(real === '/' ? 1 : real.length + 1);
        if (below === real || leaves(inside)) continue;
        place(fs, absolute(into, inside), source.entries.get(below) as Entry, owner, chmod, keep);
      }
      continue;
    }
    if (leaves(base(path))) continue;
    const isIn = written.endsWith('/') || /(?:^|\/)\.$/.test(written) || fs.isDirectory(destination);
    const target = top ?? (isIn ? under(base(path)) : destination);
    fs.makeDirectory(parent(target), owner, chmod ?? '755');
    place(fs, target, entry, owner, chmod, keep);
  }
  // What is written in the Dockerfile comes after the files.
  for (const heredoc of each.heredocs) {
    const isIn = /\/$|^\.$/.test(written) || fs.isDirectory(destination);
    const target = isIn ? `${destination}/${heredoc.name}` : destination;
    fs.makeDirectory(parent(target), owner, chmod);
    fs.put(target, { type: 'file', content: heredoc.body, mode: chmod ?? '644', owner });
  }
}

function place(
  fs: FileSystem,
  path: string,
  entry: Entry,
  owner: string,
  chmod: string | undefined,
  keep: boolean,
): void {
  const who = keep ? entry.owner : owner;
  const old = fs.entries.get(fs.real(path, false));
  if (entry.type === 'directory') {
    if (old !== undefined && old.type !== 'directory') throw new Failure(`directory onto ${path}`);
    fs.put(path, { ...entry, owner: who, mode: chmod ?? entry.mode });
  } else if (entry.type === 'file') fs.put(path, { ...entry, owner: who, mode: chmod ?? entry.mode });
  else fs.put(path, { ...entry, owner: who });
}

function grouped(log: Stage['log']): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const [text, inputs] of log) all.set(text, [...(all.get(text) ?? []), inputs]);
  return all;
}

/** The first difference between two builds; undefined: they are the same. */
export function difference(before: readonly Stage[], after: readonly Stage[]): string | undefined {
  if (before.length !== after.length) return 'number of stages';
  for (const [at, old] of before.entries()) {
    const now = after[at] as Stage;
    // What is divided is no longer called what it was, and may now be called as another command is.
    const seen = grouped(old.log);
    for (const [text, inputs] of grouped(now.log)) {
      const known = seen.get(text);
      const others = inputs.filter((each) => known?.includes(each) === false);
      if (known !== undefined && others.length > Math.max(0, inputs.length - known.length))
        return `stage ${at}: \`${text}\` saw something else`;
    }
    for (const path of new Set([...old.fs.entries.keys(), ...now.fs.entries.keys()])) {
      const [one, other] = [old, now].map((stage) => JSON.stringify(stage.fs.entries.get(path)));
      if (one !== other) return `stage ${at}: ${path}: ${one ?? 'absent'} became ${other ?? 'absent'}`;
    }
    const [one, other] = [old, now].map((stage) => JSON.stringify([...stage.configuration].sort()));
    if (one !== other) return `stage ${at}: configuration: ${one ?? ''} became ${other ?? ''}`;
    // Only the last one is pushed anywhere.
    const told = [...now.secrets].find((each) => at === before.length - 1 && !old.secrets.has(each));
    if (told !== undefined) return `stage ${at}: a layer holds ${told}`;
  }
  return undefined;
}
