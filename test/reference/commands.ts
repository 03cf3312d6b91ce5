/**
 * What commands do to the file system of the reference interpreter: each is a function of its exact inputs, and what
 * is not listed is a function of all that it can see. Written from spec/package-managers.md, not from `src/`.
 */
import { replaced, words as split } from './dockerfile.ts';
import { absolute, base, Failure, type FileSystem, hash, ownerOf, parent, unpacked } from './files.ts';
import { INSTALLERS } from './installs.ts';
import { runText, type Commands, type State } from './shell.ts';

export interface Machine {
  readonly fs: FileSystem;
  readonly user: string;
  cwd: string;
  readonly env: Map<string, string>;
  readonly options: State;
  /** What each command saw. */
  readonly log: [text: string, inputs: string][];
}

/** Of /usr what the Filesystem Hierarchy Standard has there; a project may lie beside it. */
const USR = ['bin', 'include', 'lib', 'local', 'sbin', 'share'].map((name) => `/usr/${name}`);
const SYSTEM = [...USR, '/etc', '/var', '/bin', '/lib'];
const PROVENANCE = /^(?:GIT_SHA|BUILD_DATE|VERSION)$/;
const HOME = /^\.(?:npmrc|config|profile)$/;
/** What npm is told there is none of what other languages' installers read. */
const NOT_NPM = /^\.(?:config|profile)$/;

/** `own`: what the command left itself when it ran before, which it finds to be right. */
const system = ({ fs }: Machine, home = HOME, own?: string): string =>
  hash(
    ...SYSTEM.flatMap((tree) => fs.below(tree))
      .filter((path) => path !== own && !/^\/var\/www(?:\/|$)/.test(path))
      .map((path) => `${path} ${JSON.stringify(fs.entries.get(path))}`),
    ...fs
      .below('/root')
      .filter((path) => home.test(base(path)) && parent(path) === '/root')
      .map((path) => `${path} ${fs.read(path) ?? ''}`),
  );

const environment = (machine: Machine, text?: string): string =>
  hash(
    ...[...machine.env]
      .filter(([name]) => text === undefined || !PROVENANCE.test(name) || text.includes(name))
      .map(([name, value]) => `${name}=${value}`)
      .sort(),
  );

const COMMANDS: Commands<Machine> = {
  command,
  subshell: (machine) => ({ ...machine, env: new Map(machine.env), options: { ...machine.options } }),
  expand: (machine, words) => split(words).flatMap((word) => expanded(machine, machine.env, word)),
  assign: ({ env }, name, value) => void env.set(name, value),
};

/** Runs shell text in the shell that it is given; what it prints. */
export function shell(machine: Machine, text: string): string {
  return runText(machine, text, COMMANDS);
}

/** A script: a shell of its own. */
function script(machine: Machine, directory: string, text: string): void {
  shell({ ...machine, cwd: directory, env: new Map(machine.env), options: { errexit: false, pipefail: false } }, text);
}

/** A word without quotes, with variables, substitutions and wildcards replaced. */
function expanded(machine: Machine, env: ReadonlyMap<string, string>, word: string): string[] {
  if (word.startsWith("'")) return [word.slice(1, -1)];
  const isQuoted = word.includes('"');
  const text = replaced(
    word
      .replace(/"/g, '')
      .replace(/\$\(([^()]*)\)/g, (_, inner: string) => shell(COMMANDS.subshell(machine), inner).trimEnd()),
    (key) => env.get(key),
  );
  if (isQuoted) return [text];
  return text.split(/\s+/).flatMap((each) => (each === '' ? [] : globbed(machine, each)));
}

/** Wildcards in the last part of a path. */
function globbed({ fs, cwd }: Machine, word: string): string[] {
  if (!word.includes('*')) return [word];
  const slash = word.lastIndexOf('/') + 1;
  const [directory, pattern] = [word.slice(0, slash), word.slice(slash)];
  const expression = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*')}$`);
  const inside = absolute(cwd, directory);
  const names = fs.isDirectory(inside) ? fs.names(inside) : [];
  const found = names.filter((name) => expression.test(name) && (pattern.startsWith('.') || !name.startsWith('.')));
  return found.length === 0 ? [word] : found.map((name) => directory + name);
}

/** Where the output goes and the input comes from, and the rest. */
function redirected(written: string): { text: string; to?: string; appends: boolean; from?: string } {
  let text = written.replace(/ 2>&1| 2>\s?\/dev\/null/g, '');
  let to: string | undefined;
  let from: string | undefined;
  let appends = false;
  text = text.replace(/(^|\s)(>>?|<)\s*([\w./-]+)(?=\s|$)/g, (_, blank: string, sign: string, path: string) => {
    if (sign === '<') from = path;
    else [to, appends] = [path, sign === '>>'];
    return blank;
  });
  return { text: text.trim(), appends, ...(to === undefined ? {} : { to }), ...(from === undefined ? {} : { from }) };
}

function command(machine: Machine, written: string, given: string): string {
  const { fs, user, env } = machine;
  const { text: whole, to, from, appends } = redirected(written);
  const at = (path: string): string => absolute(machine.cwd, path);
  let input = given;
  if (from !== undefined) {
    const content = fs.read(at(from));
    if (content === undefined) throw new Failure(`no ${from}`);
    input = content;
  }
  let text = whole;
  const own = new Map(env);
  const assignment = /^(\w+)=((?:"[^"]*"|'[^']*'|\$\([^()]*\)|[^\s"'])*)(?:\s+|$)/;
  for (let match = assignment.exec(text); match !== null; match = assignment.exec(text)) {
    own.set(match[1] as string, expanded(machine, own, match[2] as string).join(' '));
    text = text.slice(match[0].length);
  }
  if (text === '') {
    for (const [name, value] of own) env.set(name, value);
    return '';
  }
  const here: Machine = own.size === env.size ? machine : { ...machine, env: own };
  // Variables of a command's own are not seen by its words; in the texts that are generated that makes no difference.
  const words = split(text).flatMap((word) => expanded(machine, own, word));
  if (to === undefined || to === '/dev/null') return simple(here, words, written, input);
  const target = at(to);
  // It is opened first.
  fs.write(target, appends ? (fs.read(target) ?? '') : '', user);
  fs.write(target, (fs.read(target) ?? '') + simple(here, words, written, input), user);
  return '';
}

/** One command with its words; what it prints. */
function simple(machine: Machine, words: readonly string[], written: string, input: string): string {
  const { fs, user, env } = machine;
  const [name = '', ...args] = words;
  const text = words.join(' ');
  const at = (path: string): string => absolute(machine.cwd, path);
  const paths = args.filter((arg) => !arg.startsWith('-'));
  const options = args.filter((arg) => arg.startsWith('-'));
  const known = (inputs: string): string => {
    machine.log.push([written, inputs]);
    return `${inputs}\n`;
  };
  const content = (path: string): string => {
    const found = fs.read(at(path));
    if (found === undefined) throw new Failure(text);
    return found;
  };
  switch (name) {
    case 'cd':
      if (!fs.isDirectory(at(args[0] as string))) throw new Failure(`no directory ${args[0] ?? ''}`);
      machine.cwd = at(args[0] as string);
      return '';
    case 'set':
      if (options.some((each) => /^-\w*e/.test(each))) machine.options.errexit = true;
      if (args.includes('pipefail')) machine.options.pipefail = true;
      return '';
    case 'export': {
      const [key, value] = (args[0] as string).split('=');
      env.set(key as string, value ?? '');
      return '';
    }
    case '.': {
      // A file of settings: what it sets depends on all of it.
      env.set('SOURCED', hash(content(args[0] as string)));
      return '';
    }
    case 'true':
    case ':':
      return '';
    case 'exit':
      if (args[0] === undefined || args[0] === '0') return '';
      throw new Failure(text);
    case 'false':
      throw new Failure('false');
    case 'printf':
    case 'echo':
      return `${args.join(' ')}\n`;
    case 'ls':
      for (const path of paths) if (fs.get(at(path)) === undefined) throw new Failure(`ls ${path}`);
      return `${paths.length < 2 ? fs.names(at(paths[0] ?? '.')).join('\n') : paths.join('\n')}\n`;
    case 'cat':
      return paths.length === 0 ? input : paths.map(content).join('');
    case 'grep':
    case 'head':
    case 'sort': {
      // A pattern or a number stands first.
      const files = name === 'sort' ? paths : paths.slice(1);
      const lines = (files.length === 0 ? input : files.map(content).join(''))
        .split('\n')
        .filter((each) => each !== '');
      const kept = name === 'grep' ? lines.filter((each) => each.includes(paths[0] as string)) : lines;
      if (name === 'grep' && kept.length === 0) throw new Failure(text);
      if (options.includes('-q')) return '';
      return `${(name === 'sort' ? kept.sort() : name === 'head' ? kept.slice(0, 1) : kept).join('\n')}\n`;
    }
    case 'tee':
      for (const path of paths) {
        const old = options.includes('-a') ? (fs.read(at(path)) ?? '') : '';
        if (path !== '/dev/null') fs.write(at(path), old + input, user);
      }
      return input;
    case 'xargs':
      return simple(machine, [...args, ...input.split(/\s+/).filter((each) => each !== '')], written, '');
    case 'test':
    case '[': {
      const operands = name === '[' ? args.slice(0, -1) : args;
      const isNot = operands[0] === '!';
      const [sign = '', path = ''] = isNot ? operands.slice(1) : operands;
      const entry = fs.get(at(path));
      const ok =
        sign === '-f'
          ? entry?.type === 'file'
          : sign === '-d'
            ? entry?.type === 'directory'
            : sign === '-n' || sign === '-z'
              ? (path === '') === (sign === '-z')
              : entry !== undefined;
      if (ok === isNot) throw new Failure(text);
      return '';
    }
    case 'mkdir':
      for (const path of paths) {
        if (!options.includes('-p') && fs.get(at(path)) !== undefined) throw new Failure(`mkdir ${path}`);
        if (!options.includes('-p') && !fs.isDirectory(parent(at(path)))) throw new Failure(`mkdir ${path}`);
        fs.makeAs(at(path), user);
      }
      return '';
    case 'rm':
      for (const path of paths) {
        if (fs.entries.get(fs.real(at(path), false)) === undefined) {
          if (!options.some((each) => each.includes('f'))) throw new Failure(`rm ${path}`);
          continue;
        }
        if (fs.isDirectory(at(path)) && !options.some((each) => each.includes('r'))) throw new Failure(`rm ${path}`);
        fs.mayWrite(parent(at(path)), user);
        fs.remove(at(path));
      }
      return '';
    case 'touch':
      for (const path of paths) fs.write(at(path), fs.read(at(path)) ?? '', user);
      return '';
    case 'ln': {
      const [target = '', link = ''] = paths;
      const place = fs.isDirectory(at(link)) ? `${at(link)}/${base(target)}` : at(link);
      if (fs.entries.has(fs.real(place, false)) && !options.some((each) => each.includes('f')))
        throw new Failure('link exists');
      fs.mayWrite(parent(fs.real(place, false)), user);
      fs.put(place, { type: 'link', target, owner: user });
      return '';
    }
    case 'cp':
    case 'mv': {
      const to = at(paths.at(-1) as string);
      const isInto = fs.isDirectory(to);
      if (!isInto && (paths.length !== 2 || (paths.at(-1) as string).endsWith('/'))) throw new Failure(text);
      for (const path of paths.slice(0, -1)) {
        const target = isInto ? `${to === '/' ? '' : to}/${base(at(path))}` : to;
        if (name === 'mv') fs.rename(at(path), target, user);
        else fs.copy(at(path), target, user, options.join(''));
      }
      return '';
    }
    case 'sed': {
      // `-i SCRIPT FILE...` alone.
      const [expression = '', ...files] = paths;
      for (const path of files) fs.write(at(path), hash(expression, content(path)), user);
      return '';
    }
    case 'tar': {
      // `-xzf ARCHIVE -C DIRECTORY`
      const archive = content(paths[0] as string);
      const directory = at(options.includes('-C') ? (paths[1] as string) : '.');
      if (!fs.isDirectory(directory)) throw new Failure(text);
      for (const [path, inside] of unpacked(archive)) {
        fs.makeAs(parent(absolute(directory, path)), user);
        fs.write(absolute(directory, path), inside, user);
      }
      return '';
    }
    case 'chown':
    case 'chmod': {
      const [value = '', ...targets] = paths;
      for (const path of targets.map((each) => fs.real(at(each)))) {
        if (!fs.entries.has(path)) throw new Failure(text);
        for (const each of options.includes('-R') ? fs.below(path) : [path]) {
          const entry = fs.entries.get(each);
          if (entry === undefined) continue;
          if (name === 'chown') fs.entries.set(each, { ...entry, owner: ownerOf(fs, value) });
          else if (entry.type !== 'link') fs.entries.set(each, { ...entry, mode: value === '+x' ? '755' : value });
        }
      }
      return '';
    }
    case 'find': {
      // `DIRECTORY -type f|-name NAME`, and `-delete` or `-exec chmod|chown VALUE {} +`
      const [directory = '', test = '', pattern = '', action, change = '', value = ''] = args;
      if (fs.get(at(directory)) === undefined) throw new Failure(text);
      const found: string[] = [];
      for (const path of fs.below(fs.real(at(directory)))) {
        const entry = fs.entries.get(path);
        if (entry === undefined || (test === '-type' ? entry.type !== 'file' : base(path) !== pattern)) continue;
        found.push(path);
        if (action === '-delete') fs.remove(path);
        else if (change === 'chown') fs.entries.set(path, { ...entry, owner: ownerOf(fs, value) });
        else if (change === 'chmod' && entry.type !== 'link') fs.entries.set(path, { ...entry, mode: value });
      }
      return action === undefined ? `${found.join('\n')}\n` : '';
    }
    case 'curl':
    case 'wget': {
      const output = args.findIndex((arg) => arg === '-o' || arg === '-O');
      const inputs = hash(text, system(machine), environment(machine, written));
      known(inputs);
      if (output < 0 && name === 'curl') return `${inputs}\n`;
      fs.write(at(output < 0 ? base(paths[0] as string) : (args[output + 1] as string)), inputs, user);
      return '';
    }
    case 'python3': {
      // `-m venv DIRECTORY`
      if (args[1] !== 'venv') break;
      const target = at(args[2] as string);
      const inputs = hash(text, system(machine), environment(machine, written), fs.hashOf(target));
      known(inputs);
      fs.makeAs(target, user);
      fs.write(`${target}/pyvenv.cfg`, inputs, user);
      return '';
    }
    case 'husky':
      // It finds no .git, says so, and leaves.
      if (!fs.isDirectory(at('.git'))) return '';
      break;
    case 'usermod': {
      // `-u NUMBER NAME`: the home goes with it.
      const [number = '', who = ''] = paths;
      const old = ownerOf(fs, who);
      const others = (fs.read('/etc/passwd') ?? '').split('\n').filter((line) => line.split('=')[0] !== who);
      fs.write('/etc/passwd', [`${who}=${number}`, ...others].join('\n'), user);
      for (const path of fs.below(`/home/${who}`)) {
        const entry = fs.entries.get(path);
        if (entry?.owner === old) fs.entries.set(path, { ...entry, owner: number });
      }
      return '';
    }
    case 'adduser':
    case 'useradd': {
      fs.write('/etc/passwd', `${fs.read('/etc/passwd') ?? ''}${args.at(-1) ?? ''}\n`, 'root');
      const home = options.includes('-d') ? (args[args.indexOf('-d') + 1] as string) : `/home/${args.at(-1) ?? ''}`;
      if ((options.includes('-m') || name === 'adduser') && fs.get(home) === undefined) {
        fs.makeDirectory(home, args.at(-1) as string);
        fs.write(`${home}/.profile`, 'skel', args.at(-1) as string);
      }
      return '';
    }
    case 'apt-get': {
      const local = paths.filter((path) => path.startsWith('./')).map((path) => fs.read(at(path)) ?? '-');
      const inputs = hash(text, system(machine), environment(machine, written), ...local);
      fs.makeDirectory('/usr/lib/apt', 'root');
      fs.write(`/usr/lib/apt/${hash(text)}`, inputs, user);
      return known(inputs);
    }
    case 'pip':
      return pip(machine, written, args);
    case 'npm':
    case 'yarn':
    case 'pnpm':
      if (node(machine, name, written, args)) return '';
      break;
    case 'composer':
    case 'bundle':
    case 'uv':
    case 'poetry':
    case 'cargo':
    case 'mvn':
    case 'dotnet': {
      const around = {
        system: system(machine, NOT_NPM),
        environment: environment(machine, written),
        script,
        store: (...all: [string, string, boolean]) => store(machine, ...all),
      };
      if (INSTALLERS[name]?.(machine, written, args, around) === true) return '';
      break;
    }
    case 'go':
      if (args.join(' ') !== 'mod download') break;
      for (let above = machine.cwd; ; above = parent(above)) {
        const [mod = '-', ...others] = ['go.mod', 'go.sum', 'go.work'].map(
          (each) => fs.read(absolute(above, each)) ?? '-',
        );
        if (mod !== '-') {
          known(hash(mod, ...others, environment(machine, written)));
          return '';
        }
        if (above === '/') throw new Failure('no go.mod');
      }
  }
  return unknown(machine, written, text, input);
}

const home = ({ env, user }: Machine): string => env.get('HOME') ?? (user === 'root' ? '/root' : `/home/${user}`);

/** A package manager's store: filled from the network, needed without it. */
export function store(machine: Machine, place: string, key: string, isOffline: boolean): void {
  const { fs } = machine;
  const path = `${place.replace(/^~/, home(machine))}/${hash(key)}`;
  if (isOffline && !fs.stores.has(path)) throw new Failure(`not in the store: ${path}`);
  fs.stores.add(path);
}

/** It sees everything, and leaves a file that tells what it saw. */
function unknown(machine: Machine, written: string, text: string, input: string): string {
  const { fs, user, cwd } = machine;
  const inputs = hash(text, input, fs.hashOf('/'), environment(machine), user, cwd);
  machine.log.push([written, inputs]);
  fs.write(`${cwd === '/' ? '' : cwd}/made-${hash(text)}`, inputs, user);
  return `${inputs}\n`;
}

// ------------------------------------------------------------------------------------------------ Python

function pip(machine: Machine, written: string, args: readonly string[]): string {
  const { fs, cwd } = machine;
  const seen: string[] = [];
  const file = (path: string): void => {
    const content = fs.read(path);
    if (content === undefined) throw new Failure(`no ${path}`);
    seen.push(path, content);
    for (const line of content.split('\n')) requirement(line.trim(), parent(path));
  };
  const requirement = (line: string, directory: string): void => {
    const nested = /^(?:-r|-c)\s*(\S+)$/.exec(line)?.[1];
    const local = /^(?:-e\s*)?(\.\S*)$/.exec(line)?.[1];
    if (nested !== undefined) file(absolute(directory, nested));
    else if (local !== undefined) seen.push(fs.hashOf(absolute(cwd, local)), fs.hashOf('/'));
  };
  for (let at = 1; at < args.length; at++) {
    const arg = args[at] as string;
    if (/^(?:-r|-c|--requirement|--constraint)$/.test(arg)) file(absolute(cwd, args[++at] as string));
    else if (arg === '-t') seen.push(fs.packed(absolute(cwd, args[++at] as string)));
    else requirement(arg === '-e' ? `-e ${args[++at] ?? ''}` : arg, cwd);
  }
  const constraint = machine.env.get('PIP_CONSTRAINT');
  if (constraint !== undefined) file(absolute(cwd, constraint));
  const text = written.replace(/ --no-cache-dir/g, '');
  const target = args.includes('-t') ? absolute(cwd, args[args.indexOf('-t') + 1] as string) : '/usr/lib/python';
  const packages = `${target}/${hash(text)}`;
  fs.makeDirectory(target, machine.user);
  const named = args.filter((arg) => arg !== '--no-cache-dir').join(' ');
  const inputs = hash(text, named, ...seen, system(machine, HOME, packages), environment(machine, written));
  machine.log.push([text, inputs]);
  fs.write(packages, inputs, machine.user);
  return `${inputs}\n`;
}

// ---------------------------------------------------------------------------------------------- JavaScript

type Json = Record<string, unknown>;
const ROOT_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
/** By manager: of the root, in order. */
const RUNS: Record<Manager, readonly string[]> = {
  npm: ROOT_SCRIPTS,
  yarn: ['preinstall', 'install', 'postinstall', 'prepublish', 'prepare'],
  pnpm: ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'],
};
const LOCK = { npm: 'package-lock.json', yarn: 'yarn.lock', pnpm: 'pnpm-lock.yaml' } as const;
/** A `.npmrc` that switches scripts off; Yarn does not look there for it. */
const SILENT = 'ignore-scripts=true';
const STORE = { npm: '~/.npm', yarn: '~/.cache/yarn', pnpm: '~/.local/share/pnpm/store' } as const;
type Manager = keyof typeof LOCK;

function manifest(fs: FileSystem, directory: string): Json | undefined {
  const text = fs.read(`${directory === '/' ? '' : directory}/package.json`);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new Failure(`package.json in ${directory}`);
  }
}

const object = (value: unknown): Record<string, string> =>
  typeof value === 'object' && value !== null ? (value as Record<string, string>) : {};

/** What the installer makes of a manifest: all but its scripts. */
const facts = (json: Json): string => {
  const { scripts: _, ...rest } = json;
  return JSON.stringify(rest, Object.keys(rest).sort().concat(['a', 'b', 'dep']));
};

function globs(fs: FileSystem, root: string, json: Json, manager: Manager): string[] {
  if (manager !== 'pnpm') return Array.isArray(json['workspaces']) ? (json['workspaces'] as string[]) : [];
  const text = fs.read(`${root}/pnpm-workspace.yaml`) ?? '';
  return [
    ...text.slice(/^packages:/m.exec(text)?.index ?? text.length).matchAll(/^\s*-\s*["']?([^"'\n]+)["']?$/gm),
  ].map((match) => match[1] as string);
}

function members(fs: FileSystem, root: string, json: Json, manager: Manager): string[] {
  return globs(fs, root, json, manager)
    .flatMap((glob) => {
      const [folder = '', last] = glob.replace(/\/$/, '').split('/');
      if (last !== '*') return [absolute(root, glob)];
      const inside = absolute(root, folder);
      return fs.isDirectory(inside) ? fs.names(inside).map((name) => absolute(inside, name)) : [];
    })
    .filter((directory) => manifest(fs, directory) !== undefined)
    .sort();
}

/** False: not a command that is known. */
function node(machine: Machine, manager: Manager, written: string, args: readonly string[]): boolean {
  const { fs, user } = machine;
  const option = (...names: string[]): string | undefined => {
    for (const [at, arg] of args.entries())
      for (const name of names) {
        if (arg === name) return args[at + 1];
        if (arg.startsWith(`${name}=`)) return arg.slice(name.length + 1);
      }
    return undefined;
  };
  const valued = ['--prefix', '--cwd', '-C', '--dir', '--userconfig'];
  const words = args.filter((arg, at) => !arg.startsWith('-') && !valued.includes(args[at - 1] as string));
  const [verb = manager === 'yarn' ? 'install' : ''] = words;
  const directory = absolute(machine.cwd, option('--prefix', '--cwd', '-C', '--dir') ?? '.');
  if (verb === 'cache') return true;
  if (verb === 'config') {
    const settings = '/usr/lib/npm/config';
    fs.makeDirectory(parent(settings), 'root');
    fs.write(settings, `${fs.read(settings) ?? ''}${words.join(' ')}\n`, 'root');
    return true;
  }
  if (args.includes('-g')) {
    const inputs = hash(written, args.join(' '), system(machine), environment(machine, written));
    machine.log.push([written, inputs]);
    fs.makeDirectory('/usr/lib/npm', 'root');
    fs.write(`/usr/lib/npm/${hash(written)}`, inputs, user);
    return true;
  }
  const json = manifest(fs, directory);
  const meant = args.includes('--workspaces') ? members(fs, directory, json ?? {}, manager) : [directory];
  if (verb === 'pkg' && words[1] === 'delete') {
    for (const each of meant) {
      const json = manifest(fs, each);
      if (json === undefined) throw new Failure('no package.json');
      const scripts = { ...object(json['scripts']) };
      for (const word of words.slice(2)) Reflect.deleteProperty(scripts, word.replace(/^scripts\./, ''));
      fs.write(`${each}/package.json`, `${JSON.stringify({ ...json, scripts }, null, 2)}\n`, user);
    }
    return true;
  }
  if (verb === 'run' && ROOT_SCRIPTS.includes(words[1] as string)) {
    const name = words[1] as string;
    for (const each of meant) {
      const script = object(manifest(fs, each)?.['scripts'])[name];
      // npm runs a script between its pre and post scripts.
      if (script !== undefined)
        scripts(machine, each, manager === 'npm' ? [`pre${name}`, name, `post${name}`] : [name]);
      else if (!args.includes('--if-present')) throw new Failure(`no script ${name}`);
    }
    return true;
  }
  if (verb === 'fetch') {
    const lock = fs.read(`${directory}/pnpm-lock.yaml`);
    if (lock === undefined) throw new Failure('no pnpm-lock.yaml');
    store(machine, STORE.pnpm, lock, false);
    return true;
  }
  if (verb === 'rebuild' && manager === 'pnpm') {
    const result = fs.read(`${directory}/node_modules/.package`);
    if (result === undefined) return true;
    fs.write(`${directory}/node_modules/.built`, result, user);
    scripts(machine, directory, RUNS.pnpm);
    return true;
  }
  if (!/^(?:i|install|ci)$/.test(verb) || words.length > 1) return false;

  // Upwards to a manifest, and on to one whose workspaces hold it.
  let root = directory;
  while (root !== '/' && manifest(fs, root) === undefined) root = parent(root);
  const nearest = manifest(fs, root);
  if (nearest === undefined) throw new Failure('no package.json');
  for (let above = parent(root); ; above = parent(above)) {
    const outer = manifest(fs, above);
    if (outer !== undefined && members(fs, above, outer, manager).includes(root)) {
      root = above;
      break;
    }
    if (above === '/') break;
  }
  const top = manifest(fs, root) as Json;
  const inside = members(fs, root, top, manager);
  const found = fs.read(`${root}/${LOCK[manager]}`);
  // One that an earlier install made says what that one resolved, which the packages tell as well.
  const lock = found?.startsWith('made ') === true ? undefined : found;
  const frozen = verb === 'ci' || args.includes('--frozen-lockfile');
  if (verb === 'ci' && found === undefined) throw new Failure('npm ci needs a lockfile');
  const seen: string[] = [facts(top), lock ?? '-'];
  for (const name of [
    '.npmrc',
    ...(manager === 'yarn' ? ['.yarnrc'] : []),
    ...(manager === 'pnpm' ? ['pnpm-workspace.yaml', '.pnpmfile.cjs'] : ['binding.gyp']),
  ])
    seen.push(name, fs.read(`${root}/${name}`) ?? '-');
  if (manager === 'yarn')
    for (let above = root; above !== '/';) {
      above = parent(above);
      for (const name of ['.yarnrc', '.npmrc']) seen.push(fs.read(`${above === '/' ? '' : above}/${name}`) ?? '-');
    }
  // An earlier install wrote a package-lock.json, which is none of what this file keeps.
  const modules = `${root}/node_modules`;
  const before = fs.read(`${modules}/.package`);
  if (manager === 'npm' && lock === undefined && before === undefined) seen.push(fs.read(`${root}/yarn.lock`) ?? '-');
  const settings = option('--userconfig') ?? machine.env.get('NPM_CONFIG_USERCONFIG');
  seen.push(fs.read(absolute(machine.cwd, settings ?? `${home(machine)}/.npmrc`)) ?? '-', option('--registry') ?? '-');
  const links: [string, string][] = [];
  for (const member of inside) {
    const each = manifest(fs, member) as Json;
    seen.push(member, facts(each));
    for (const [name, target] of Object.entries(object(each['bin']))) {
      const exists = fs.get(absolute(member, target)) !== undefined;
      seen.push(name, String(exists));
      if (exists) links.push([`.bin/${name}`, absolute(member, target)]);
    }
    if (typeof each['name'] === 'string') links.push([each['name'], member]);
  }
  for (const [name, version] of Object.entries(object(top['dependencies']))) {
    const local = /^file:(.+)$/.exec(version)?.[1];
    if (local === undefined) continue;
    const path = absolute(root, local);
    // npm links it, whatever is there (run with npm 11.19).
    if (manager === 'npm' && (fs.isDirectory(path) || fs.get(path) === undefined)) {
      if (!inside.includes(path)) seen.push(name, fs.read(`${path}/package.json`) ?? '-');
      links.push([name, path]);
    } else seen.push(name, fs.get(path) === undefined ? '-' : fs.packed(path));
  }
  const result = hash(
    verb === 'i' ? 'install' : verb,
    String(frozen),
    ...seen,
    system(machine),
    environment(machine, written),
  );
  store(machine, STORE[manager], lock ?? '', args.includes('--offline'));
  machine.log.push([written.replace(/\bnpm i\b/, 'npm install'), result]);
  const leftover = verb === 'ci' || before === result || fs.get(modules) === undefined ? '' : fs.hashOf(modules);
  const built = verb !== 'ci' && before === result ? fs.read(`${modules}/.built`) : undefined;
  if (fs.get(modules) === undefined) fs.mayWrite(root, user);
  fs.remove(modules);
  fs.makeDirectory(modules, user);
  fs.write(`${modules}/.package`, result, user);
  if (found === undefined && !frozen) fs.write(`${root}/${LOCK[manager]}`, `made ${result}`, user);
  if (leftover !== '') fs.write(`${modules}/.leftover`, leftover, user);
  for (const [name, target] of links) {
    fs.makeDirectory(parent(`${modules}/${name}`), user);
    fs.put(`${modules}/${name}`, { type: 'link', target, owner: user });
  }
  const silent =
    args.includes('--ignore-scripts') ||
    (manager !== 'yarn' && (seen.includes(SILENT) || machine.env.get('npm_config_ignore_scripts') === 'true'));
  const isRepeat = before === result && verb !== 'ci' && !args.includes('--force');
  // Nothing is built where the lockfile says that nothing has a script.
  const builds = manager !== 'npm' || lock === undefined || lock.includes('hasInstallScript');
  if (built !== undefined || (builds && !silent && !isRepeat)) fs.write(`${modules}/.built`, built ?? result, user);
  if (!silent)
    for (const member of inside)
      scripts(machine, member, ['preinstall', 'install', 'postinstall', ...(manager === 'yarn' ? [] : ['prepare'])]);
  else if (manager === 'npm') for (const member of inside) scripts(machine, member, ['prepare']);
  // Yarn leaves out what builds a package for others [V].
  const isProduction =
    args.some((arg) => /^--prod(?:uction)?$/.test(arg)) || machine.env.get('NODE_ENV') === 'production';
  const own = RUNS[manager].filter(
    (name) => !(manager === 'yarn' && isProduction && /^pre(?:publish|pare)$/.test(name)),
  );
  if (!silent) scripts(machine, root, own);
  return true;
}

function scripts(machine: Machine, directory: string, names: readonly string[]): void {
  const all = object(manifest(machine.fs, directory)?.['scripts']);
  for (const name of names) {
    const text = all[name];
    if (text !== undefined) script(machine, directory, text);
  }
}
