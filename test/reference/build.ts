/**
 * Builds a Dockerfile stage by stage on concrete files, from spec/dockerfile-semantics.md. It shares no code with
 * `src/`: the proof there must never pass what this calls different.
 */
import { shell, type Machine } from './commands.ts';
import { expand, instructions, jsonOr, words, type Instruction } from './dockerfile.ts';
import { absolute, base, Failure, FileSystem, parent, type Entry } from './files.ts';
import { ignored, matches } from './ignore.ts';

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
}

interface Draft extends Stage {
  workdir: string;
  user: string;
  env: Map<string, string>;
  args: Map<string, string>;
  shell: string[];
  readonly triggers: Instruction[];
}

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

export function build(source: string, context: Context, rules: string): Stage[] {
  const files = tree(context, rules);
  const stages: Draft[] = [];
  const globals = new Map<string, string>();
  for (const each of instructions(source)) {
    const stage = stages.at(-1);
    if (each.keyword === 'FROM') {
      const [from = '', , name] = words(expand(each.text, (key) => globals.get(key)));
      const parentStage = stages.find((other) => other.name === from.toLowerCase());
      const draft: Draft = {
        name: name?.toLowerCase(),
        fs: parentStage?.fs.clone() ?? image(from),
        configuration: new Map(parentStage?.configuration),
        log: [],
        workdir: parentStage?.workdir ?? '/',
        user: parentStage?.user ?? 'root',
        env: new Map(parentStage?.env ?? [['PATH', '/usr/bin:/bin']]),
        args: new Map(parentStage?.args),
        shell: parentStage?.shell ?? ['/bin/sh', '-c'],
        triggers: [],
      };
      stages.push(draft);
      for (const trigger of parentStage?.triggers ?? []) execute(draft, trigger, stages, files);
    } else if (stage === undefined) {
      for (const word of words(each.text)) globals.set(...pair(word, (key) => globals.get(key)));
    } else if (each.keyword === 'ARG') {
      for (const word of words(each.text)) {
        const [key, value] = pair(word, variables(stage));
        if (word.includes('=')) stage.args.set(key, value);
        else if (globals.has(key)) stage.args.set(key, globals.get(key) as string);
      }
    } else {
      try {
        execute(stage, each, stages, files);
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
  for (;;) {
    const text = lines.join('\n');
    try {
      build(text, context, context.files['.dockerignore'] ?? '');
      return text;
    } catch (error) {
      // A trigger fails where the stage begins.
      if (!(error instanceof Failure) || error.lines === undefined) return text;
      const [from, to] = error.lines;
      lines.splice(from, to - from);
    }
  }
}

function pair(word: string, get: (name: string) => string | undefined): [string, string] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word, ''] : [word.slice(0, equals), expand(word.slice(equals + 1), get)];
}

/** The last of ENV and ARG wins (rule 18): a stage's ENV takes an ARG of its name away, and the other way round. */
const variables =
  (stage: Draft) =>
  (name: string): string | undefined =>
    stage.args.get(name) ?? stage.env.get(name);

function execute(stage: Draft, each: Instruction, stages: readonly Draft[], files: FileSystem): void {
  const get = variables(stage);
  const text = expand(each.text, get);
  switch (each.keyword) {
    case 'WORKDIR':
      stage.workdir = absolute(stage.workdir, text);
      stage.fs.makeDirectory(stage.workdir, stage.user);
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
      copy(stage, each, stages, files);
      return;
    case 'RUN':
      run(stage, each, files);
      return;
    default: {
      const old = /^(?:LABEL|EXPOSE|VOLUME)$/.test(each.keyword)
        ? `${stage.configuration.get(each.keyword) ?? ''}\n`
        : '';
      stage.configuration.set(each.keyword, old + text);
    }
  }
}

function run(stage: Draft, each: Instruction, files: FileSystem): void {
  const machine: Machine = {
    fs: stage.fs,
    user: stage.user,
    cwd: stage.workdir,
    env: new Map([...stage.env, ...stage.args]),
    log: stage.log,
  };
  const hidden: [string, Map<string, Entry>][] = [];
  for (const mount of each.mounts) {
    const options = new Map(mount.split(',').map((part) => part.split('=') as [string, string]));
    const target = absolute(stage.workdir, options.get('target') ?? '.');
    if (options.get('type') !== 'bind') continue;
    const source = files.real(absolute('/', options.get('source') ?? '.'));
    const paths = stage.fs.below(target);
    hidden.push([target, new Map(paths.map((path) => [path, stage.fs.entries.get(path) as Entry]))]);
    for (const path of paths) if (path !== '/') stage.fs.entries.delete(path);
    for (const path of files.below(source))
      stage.fs.entries.set(target + path.slice(source.length), files.entries.get(path) as Entry);
  }
  const body = each.heredocs[0]?.body;
  const json = jsonOr(each.text);
  const errexit = stage.shell.some((word) => /^-\w*e/.test(word));
  shell(machine, body ?? (json === undefined ? each.text : json.join(' ')), errexit);
  for (const [target, old] of hidden.reverse()) {
    for (const path of stage.fs.below(target)) stage.fs.entries.delete(path);
    for (const [path, entry] of old) stage.fs.entries.set(path, entry);
  }
}

function copy(stage: Draft, each: Instruction, stages: readonly Draft[], files: FileSystem): void {
  const get = variables(stage);
  const all = (jsonOr(each.text) ?? words(each.text)).map((word) => expand(word, get));
  const from = each.flags.get('from')?.toLowerCase();
  const source = from === undefined ? files : (stages.find((other) => other.name === from) ?? stages[Number(from)])?.fs;
  if (source === undefined) throw new Failure(`no stage ${from ?? ''}`);
  const written = all.at(-1) as string;
  const destination = absolute(stage.workdir, written);
  const chown = each.flags.get('chown');
  const owner =
    chown === undefined || chown === '0' || chown === '0:0' ? 'root' : expand(chown, get).replace(/:.*/, '');
  const chmod = each.flags.get('chmod');
  const { fs } = stage;
  for (const heredoc of each.heredocs) {
    const isIn = /\/$|^\.$/.test(written) || fs.isDirectory(destination);
    const target = isIn ? `${destination}/${heredoc.name}` : destination;
    fs.makeDirectory(parent(target), owner, chmod);
    fs.put(target, { type: 'file', content: heredoc.body, mode: chmod ?? '644', owner });
  }
  const named = all.slice(0, -1).filter((word) => !word.startsWith('<<'));
  const sources = named.flatMap((word) => {
    const path = absolute('/', word);
    if (!/[*?]/.test(word)) {
      if (source.entries.get(path) === undefined && source.get(path) === undefined)
        throw new Failure(`COPY ${word}: not found`);
      return [path];
    }
    return [...source.entries.keys()].filter((other) => other !== '/' && matches(path, other)).sort();
  });
  for (const path of sources) {
    // A link that is named is followed (rule 31).
    const real = source.real(path);
    const entry = source.entries.get(real);
    if (entry === undefined) throw new Failure(`COPY ${path}: not found`);
    if (entry.type === 'directory') {
      fs.makeDirectory(destination, owner, chmod ?? '755');
      for (const below of source.below(real)) {
        if (below === real) continue;
        place(
          fs,
          `${destination === '/' ? '' : destination}${below.slice(real === '/' ? 0 : real.length)}`,
          source.entries.get(below) as Entry,
          owner,
          chmod,
          from !== undefined && chown === undefined,
        );
      }
      continue;
    }
    const isIn = written.endsWith('/') || /(?:^|\/)\.$/.test(written) || fs.isDirectory(destination);
    const target = isIn ? `${destination === '/' ? '' : destination}/${base(path)}` : destination;
    fs.makeDirectory(parent(target), owner, chmod ?? '755');
    place(fs, target, entry, owner, chmod, from !== undefined && chown === undefined);
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
  }
  return undefined;
}
