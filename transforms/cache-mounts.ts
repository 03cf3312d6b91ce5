/**
 * ## What it does
 * Mounts a package manager's cache where it downloads: `RUN --mount=type=cache,target=/root/.npm npm ci`, and drops
 * the option that would keep the cache from being used (`--no-cache-dir`).
 *
 * ## Why
 * When a manifest did change, an install downloads every package again. With a cache mount it downloads what is new.
 *
 * ## Example
 * ```diff
 * -RUN pip install --no-cache-dir -r requirements.txt
 * +RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
 * ```
 *
 * ## Fix safety
 * Safe for download caches. A package store that later steps need (Go, Cargo, Maven) is mounted in every RUN of that
 * manager or in none, and not where a container may run from it. Unsafe for apt, whose base images need a file removed
 * to keep downloads. Refused where the cache is the output, where the RUN removes it, where the user's home is not
 * known, and where the builder knows no mounts. Runs only where it is asked for: `--add cache-mounts`.
 */
import {
  rewritten,
  short,
  supportsMounts,
  traceOf,
  within,
  worksOffline,
  type Action,
  type BuildContext,
  type CacheDirectory,
  type Command,
  type Dockerfile,
  type Edit,
  type Event,
  type Install,
  type Instruction,
  type PackageManager,
  type Placement,
  type Proposal,
  type Run,
  type StageTrace,
  type Target,
  type Transform,
  type Trouble,
} from '../src/plugin.ts';

export const cacheMounts: Transform = {
  name: 'cache-mounts',
  summary: 'mount package managers’ caches (BuildKit)',
  optIn: true,
  *propose(file, context, target): Iterable<Proposal> {
    const stages = traceOf(file, context, target);
    const held = heldByLayers(stages);
    const takers = [...takersOf(file, stages)];
    const unlisted = file.instructions.filter((each) => each.keyword === 'RUN').filter(isUnlisted);
    for (const { events } of stages) {
      for (const event of events) {
        yield* downloads(file, takers, event, target, held);
        yield* systemPackages(file, unlisted, event, target);
      }
    }
    const managers = stages.flatMap((each) =>
      each.events.flatMap(({ actions }) => actions.map(({ manager }) => manager)),
    );
    for (const manager of new Set(managers))
      if (manager !== undefined) yield* stores(file, context, stages, takers, manager, target, held);
  },
};

/** One mount: where it is, and the flag as BuildKit takes it. */
interface Mounted {
  readonly path: string;
  readonly flag: string;
}

/** Undefined: it is there already. */
function mountOf(run: Run, action: Action, cache: CacheDirectory): Mounted | Trouble | undefined {
  const { install } = action;
  const place = install?.place;
  if (place === undefined) return undefined;
  if (cache.never !== undefined)
    return { code: 'mount-is-output', message: `the cache of \`${action.text}\` must not be mounted: ${cache.never}` };
  const home = homeOf(place.user, place.image);
  if (home === undefined)
    return {
      code: 'user-unknown',
      message: `\`${action.text}\` runs as ${place.user === 'base' ? "the base image's user" : `\`${place.user ?? ''}\``}, whose home and ids are not known`,
      help: 'add the mount by hand, with uid= and gid=',
    };
  const moved = cache.variable === undefined ? undefined : variableOf(run, place, cache.variable);
  const mover =
    moved === null
      ? cache.variable
      : moved === undefined || moved === ''
        ? moverOf(run, place, cache, home)
        : undefined;
  if (mover !== undefined)
    return {
      code: 'user-unknown',
      message: `${mover} moves the cache of \`${action.text}\``,
      help:
        cache.variable === undefined ? 'add the mount by hand' : `write the directory out: ENV ${cache.variable}=...`,
    };
  const path =
    moved === undefined || moved === null || moved === ''
      ? cache.path.replace(/^~/, home.path)
      : cache.inside === undefined
        ? moved
        : `${moved}/${cache.inside}`;
  // Of an install in `/`, everything would lie in the project.
  if (!path.startsWith('/') || (install?.directory !== '/' && within(path, install?.directory ?? '/')))
    return {
      code: 'mount-is-output',
      message: `\`${path}\`, the cache of \`${action.text}\`, lies in the project`,
      help: 'mount nothing there: the image would lack it',
    };
  const above = path.slice(0, path.lastIndexOf('/'));
  // What is made for the mount is root's, and nothing else of the user could write to it.
  if (home.ids !== '' && above !== home.path && within(above, home.path))
    return {
      code: 'user-unknown',
      message: `\`${path}\`, the cache of \`${action.text}\`, would be mounted in a directory that \`${place.user ?? ''}\` could not write to: the builder makes it as root`,
      help: `make \`${above}\` in a RUN of its own, then add the mount by hand, with uid= and gid=`,
    };
  if (run.flags.some((flag) => flag.name === 'mount' && (flag.value ?? '').includes(`=${path}`))) return undefined;
  return { path, flag: `--mount=type=cache,target=${path}${home.ids}` };
}

/** Null: it is set to what is not known. */
function variableOf(run: Run, place: Install['place'], name: string): string | null | undefined {
  const value = place.environment(name);
  if (value !== undefined) return value;
  const texts = [run.text, ...(run.commands ?? []).map(({ text }) => text)];
  const isSet = run.state.environment.declared(name) || texts.some((text) => new RegExp(`\\b${name}=`).test(text));
  return isSet ? null : undefined;
}

/**
 * A variable that decides where the directory of a cache lies. Java programs do not ask HOME, so that nothing is
 * mounted where it says.
 * Source: XDG Base Directory Specification
 */
function moverOf(run: Run, place: Install['place'], { path }: CacheDirectory, home: Home): string | undefined {
  const [, base = '', xdg] = /^(.*)\/\.(cache|local\/share)\//.exec(path) ?? [];
  const usual: [name: string, value: string][] = [];
  if (xdg !== undefined)
    usual.push([xdg === 'cache' ? 'XDG_CACHE_HOME' : 'XDG_DATA_HOME', `${base.replace(/^~/, home.path)}/.${xdg}`]);
  if (path.startsWith('~')) usual.push(['HOME', home.path]);
  return usual.find(([name, value]) => ![undefined, '', value].includes(variableOf(run, place, name) as string))?.[0];
}

interface Home {
  readonly path: string;
  readonly ids: string;
}

/** The official images' users. */
function homeOf(user: string | undefined, image: string | undefined): Home | undefined {
  if (user === undefined || user === 'root') return { path: '/root', ids: '' };
  if (user === 'node' && /^(?:docker\.io\/)?(?:library\/)?node(?::|@|$)/.test(image ?? ''))
    return { path: '/home/node', ids: ',uid=1000,gid=1000' };
  if (user === 'gradle' && /^gradle(?::|@|$)/.test(image ?? ''))
    return { path: '/home/gradle', ids: ',uid=1000,gid=1000' };
  return undefined;
}

function cachesOf(action: Action, wanted: CacheDirectory['class']): readonly CacheDirectory[] {
  const { install, manager } = action;
  const isRoot = install?.place.user === undefined || install.place.user === 'root';
  return (manager?.caches ?? []).filter(
    (cache) =>
      cache.class === wanted &&
      (cache.compiled !== true || install?.kind === 'build') &&
      (cache.uses === undefined || (install !== undefined && cache.uses(install))) &&
      (cache.only === undefined || (cache.only === 'root') === isRoot),
  );
}

/** What keeps a download cache from being used, or empties it. */
const DISABLING = ['PIP_NO_CACHE_DIR', 'UV_NO_CACHE'];
const CLEANS = new RegExp(
  `(?<![\\w.-])(?:${[
    'npm cache (?:clean|clear|rm)',
    'yarn cache clean',
    'pnpm (?:store prune|cache delete)',
    'bun pm cache rm',
    'pip[\\d.]* cache (?:purge|remove)',
    'uv cache (?:clean|prune)',
    '(?:poetry|pdm) cache clear',
    'pipenv --clear',
    '(?:conda|mamba) clean',
    'composer (?:clear-?cache|cc)',
    'go clean .*-(?:mod)?cache',
    'nuget locals .*(?:--clear|-c)',
    'pub cache clean',
    'deno clean',
    'mvn .*dependency:purge-local-repository',
  ].join('|')})(?![\\w-])`,
);

/** With options between its words, or without. */
const cleans = ({ text }: Command): boolean => CLEANS.test(text) || CLEANS.test(text.replace(/ -\S+/g, ''));

/** By manager, why its caches have to stay in layers. */
function heldByLayers(stages: readonly StageTrace[]): ReadonlyMap<string, Trouble> {
  const found = new Map<string, Trouble>();
  for (const { events, image } of stages)
    for (const action of events.flatMap(({ actions }) => actions)) {
      if (action.install === undefined) continue;
      const keep = (does: string, help: string): void =>
        void found.set(action.install?.manager ?? '', {
          code: 'mount-is-output',
          message: `${short(action.text)} ${does}`,
          help: `${help}, or mount nothing`,
        });
      if (worksOffline(action.text, action.install))
        keep('downloads nothing, so it needs what a layer holds: a cache mount may be empty', 'let it download');
      else if (linksIntoCache(action, action.install, image))
        keep('leaves links into its cache, which the image would lack', 'let it copy');
    }
  return found;
}

/**
 * Source: https://docs.astral.sh/uv/reference/settings/#link-mode, https://bun.sh/docs/cli/install (`--backend`),
 * https://pnpm.io/settings#enableglobalvirtualstore
 */
function linksIntoCache({ text }: Action, { directory, place }: Install, image: StageTrace['image']): boolean {
  const says = (name: string, pattern: RegExp): boolean => pattern.test(image.read(`${directory}/${name}`) ?? '');
  return (
    /--(?:link-mode|backend)[= ]symlink\b/.test(text) ||
    place.environment('UV_LINK_MODE') === 'symlink' ||
    ['uv.toml', 'pyproject.toml'].some((name) => says(name, /^[ \t]*link-mode\s*=\s*["']symlink/m)) ||
    says('pnpm-workspace.yaml', /^enableGlobalVirtualStore:\s*true/m)
  );
}

function* downloads(
  file: Dockerfile,
  takers: readonly Taker[],
  event: Event,
  target: Target,
  held: ReadonlyMap<string, Trouble>,
): Iterable<Proposal> {
  const run = event.instruction;
  if (run.keyword !== 'RUN') return;
  const mounts = new Map<string, string>();
  const users: Action[] = [];
  for (const action of event.actions) {
    const caches = cachesOf(action, 'download');
    if (caches.length > 0) users.push(action);
    for (const cache of caches) {
      const mount = mountOf(run, action, cache);
      if (mount === undefined) continue;
      if ('code' in mount) {
        yield { at: run, fixes: [], refusal: mount };
        return;
      }
      mounts.set(mount.path, mount.flag);
    }
  }
  if (mounts.size === 0) return;
  const kept = event.actions.map(({ install }) => held.get(install?.manager ?? '')).find((each) => each !== undefined);
  const targets = [...mounts.keys()];
  const refusal =
    kept ?? cleaned(run, users, targets) ?? disabled(run) ?? takenOut(takers, targets) ?? supportsMounts(file, target);
  if (refusal !== undefined) {
    yield { at: run, fixes: [], refusal };
    return;
  }
  yield {
    at: run,
    fixes: [
      {
        edits: [flagEdit(file, run, [...mounts.values()]), ...uncached(file, users)],
        message: `keeps what ${commandsOf(event)} downloads in a cache mount`,
        safety: 'safe',
      },
    ],
  };
}

/** What might take what a cache holds: a copy or a mount out of a stage, and a command that is no install. */
interface Taker {
  readonly line: number;
  readonly text: string;
  /** What is copied. */
  readonly sources: readonly string[];
}

function* takersOf(file: Dockerfile, stages: readonly StageTrace[]): Iterable<Taker> {
  const actions = stages.flatMap(({ events }) => events.flatMap((event) => event.actions));
  const installs = new Set(actions.flatMap(({ install }) => (install === undefined ? [] : [install.command.text])));
  for (const each of file.instructions) {
    const { line } = each;
    if ((each.keyword === 'COPY' || each.keyword === 'ADD') && each.from !== undefined) {
      const sources = each.sources.flatMap(({ value }) => (value === undefined ? [] : [absolute('/', value)]));
      yield { line, text: file.source.slice(...each.argument), sources };
    } else if (each.keyword === 'RUN') {
      for (const { value = '' } of each.flags) if (/(?:^|,)from=/.test(value)) yield { line, text: value, sources: [] };
      for (const { text } of each.commands ?? [])
        if (!installs.has(text) && !/^(?:rm|mkdir|\S+ config) /.test(text)) yield { line, text, sources: [] };
    }
  }
}

/** Somebody takes what the caches hold: once they are mounted, the image has nothing there. */
function takenOut(takers: readonly Taker[], targets: readonly string[]): Trouble | undefined {
  const ends = targets.map((path) => path.replace(/^(?:\/root|\/home\/[^/]+)(?=\/)/, '').replace(/\W/g, '\\$&'));
  const names = new RegExp(`(?:${ends.join('|')})(?![\\w.-])`);
  const taker = takers.find(
    ({ text, sources }) => sources.some((source) => targets.some((path) => within(path, source))) || names.test(text),
  );
  return taker === undefined
    ? undefined
    : {
        code: 'mount-is-output',
        message: `\`${taker.text}\` (line ${taker.line}) takes what the cache holds`,
        help: 'mount nothing there: the image would lack it',
      };
}

function disabled(run: Run): Trouble | undefined {
  const name = DISABLING.find((each) => run.state.environment.get(each) !== undefined);
  return name === undefined
    ? undefined
    : { code: 'cache-disabled', message: `ENV ${name} turns the cache off`, help: `leave ${name} out` };
}

/** A command of the RUN that empties one of the mounts, or would remove a directory that cannot be removed then. */
function cleaned(run: Run, users: readonly Action[], targets: readonly string[]): Trouble | undefined {
  const place = users[0]?.install?.place;
  const home = homeOf(place?.user, place?.image)?.path ?? '/root';
  const commands = run.commands ?? [];
  const emptying = commands.find(cleans);
  const removing = removalOf(run, home, targets);
  if (emptying === undefined && removing === undefined) return undefined;
  return {
    code: 'cache-cleaned',
    message:
      emptying !== undefined
        ? `\`${emptying.text}\` would empty the cache mount`
        : `\`${removing?.command ?? ''}\` would fail or empty the cache mount at \`${removing?.target ?? ''}\``,
    help: 'leave it out once the cache is mounted: the image no longer holds it',
  };
}

const REMOVES = /(?<![\w.-])(rm|rmdir|unlink|mv|find)(?=\s)([^;&|()\n]*)/g;

/** A removal of a mount, of what it is in or, unless `whole`, of what is in it; what is not known counts by its name. */
function removalOf(
  run: Run,
  home: string,
  targets: readonly string[],
  whole = false,
): { readonly command: string; readonly target: string } | undefined {
  const commands = run.commands ?? [];
  const expand = (word: string): string =>
    word
      .replace(/^~(?=\/|$)/, home)
      .replace(/\$(?:\{(\w+)(?:\}|:[^}]*\})|(\w+))/g, (all, braced: string | undefined, bare: string | undefined) => {
        const name = braced ?? bare ?? '';
        return run.state.environment.get(name) ?? (name === 'HOME' ? home : all);
      });
  const directories = new Set([run.state.workdir]);
  for (const { text } of commands)
    for (const [, to = ''] of text.matchAll(/\bcd(?: ([^\s;&|()]+))?/g))
      for (const from of directories.size < 16 ? [...directories] : [])
        directories.add(absolute(from, to === '' ? home : expand(unquoted(to))));
  for (const { text } of commands) {
    if (!/\b(?:rm|rmdir|unlink|mv|find)\s/.test(text)) continue;
    for (const operand of operands(text).flatMap(alternatives).map(expand))
      for (const target of targets)
        if ([...directories].some((each) => removes(operand, each, target, whole))) return { command: text, target };
  }
  return undefined;
}

const unquoted = (word: string): string => word.replace(/["']/g, '');

function absolute(directory: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/'))
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  return `/${parts.join('/')}`;
}

/** What the removals in a command name. Where that comes from a loop or `xargs`: all that the command names. */
function operands(command: string): readonly string[] {
  const text = command.replace(
    /\$\(([^()]*)\)|`([^`]*)`/g,
    (_all, one: string | undefined, other: string | undefined) =>
      '${'.concat((one ?? other ?? '').replace(/\W+/g, '_'), '}'),
  );
  const named = [...text.matchAll(REMOVES)].flatMap(([, name, rest = '']) => {
    const words = rest.trim().split(/\s+/).map(unquoted);
    if (name === 'find') {
      if (!/ -delete\b|\brm(?:dir)?\b/.test(text)) return [];
      const end = words.findIndex((word) => /^[-!\\]/.test(word) && !/^-[HLP]$/.test(word));
      return words.slice(0, end < 0 ? undefined : end);
    }
    const paths = words.filter((word) => word !== '' && !word.startsWith('-'));
    return name === 'mv' && !/ (?:-t|--target-directory)\b/.test(rest) ? paths.slice(0, -1) : paths;
  });
  const isIndirect = /\bxargs\b.*\brm\b/.test(text) || named.some((word) => /^\$\{?\w+\}?$/.test(word));
  return isIndirect
    ? text
        .split(/[\s;&|()]+/)
        .map(unquoted)
        .filter((word) => word !== '')
    : named;
}

/** `/root/{.cache,.npm}` as bash expands it. */
function alternatives(word: string, depth = 0): readonly string[] {
  const match = [...word.matchAll(/(?<!\$)\{([^{}]*)\}/g)].find(([, list = '']) => list.includes(','));
  if (match === undefined || depth > 2) return [word];
  const after = word.slice(match.index + match[0].length);
  return (match[1] ?? '')
    .split(',')
    .slice(0, 32)
    .flatMap((each) => alternatives(word.slice(0, match.index) + each + after, depth + 1));
}

function removes(operand: string, directory: string, target: string, whole: boolean): boolean {
  const [, name, below = ''] = /.*\$\{?([^}/]*)\}?(.*)$/.exec(operand) ?? [];
  if (name !== undefined) {
    const rest = below.replace(/(?:\/\*?)+$/, '');
    return rest === '' ? /CACHE|GOPATH|CARGO_HOME/i.test(name) : `${target}/`.includes(`${rest}/`);
  }
  const patterns = absolute(directory, operand)
    .split('/')
    .filter((each) => each !== '');
  const names = target.split('/').slice(1);
  return (
    (!whole || patterns.length <= names.length) &&
    patterns.every((pattern, at) => at >= names.length || fits(pattern, names[at] as string))
  );
}

/** As a shell matches: a dot at the beginning is no match for a wildcard. */
function fits(pattern: string, name: string): boolean {
  if (!/[*?[]/.test(pattern)) return pattern === name;
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  if (pattern.split(/[*?[]/).length > 6) return true;
  const expression = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\[(?:!|\\\^)?[^\]]*\]|[*?]+/g, (each) => (each.startsWith('[') || each === '?' ? '.' : '.*'));
  return new RegExp(`^${expression.replaceAll('[', '\\[')}$`).test(name);
}

function commandsOf({ actions }: Event): string {
  const texts = new Set(actions.filter((action) => action.install !== undefined).map((action) => action.text));
  return [...texts].map(short).join(', ');
}

function flagEdit(file: Dockerfile, run: Run, mounts: readonly string[]): Edit {
  const at = run.flags[0]?.span[0] ?? run.argument[0];
  const text = mounts.join(` ${file.escape}${file.eol}    `);
  // Line ends of two characters are no wider.
  const written = file.source.slice(...run.argument).replaceAll('\r', '');
  const isLong = mounts.length > 1 || text.length + written.length > 110;
  return {
    file: 'dockerfile',
    span: [at, at],
    text: isLong ? `${text} ${file.escape}${file.eol}    ` : `${text} `,
  };
}

/** Takes `--no-cache-dir` out of the commands whose cache is mounted. */
function uncached(file: Dockerfile, users: readonly Action[]): Edit[] {
  const commands = new Set(users.flatMap(({ command }) => command ?? []));
  const ends = file.escape === '`' ? '`' : '\\\\';
  return [...commands].flatMap((command) =>
    command.words
      .filter((word) => word.text === '--no-cache-dir')
      .map((word): Edit => {
        const [start, end] = word.span;
        // With its line, where it has one of its own.
        const [line = ''] =
          new RegExp(`(?:[ \\t]*${ends}[ \\t]*\\r?\\n)?[ \\t]*$`).exec(
            file.source.slice(Math.max(0, start - 200), start),
          ) ?? [];
        const isAlone =
          line.includes('\n') &&
          new RegExp(`^[ \\t]*(?:${ends}[ \\t]*)?(?:\\r?\\n|$)`).test(file.source.slice(end, end + 200));
        const before = isAlone ? line : (/[ \t]*$/.exec(line)?.[0] ?? '');
        return { file: 'dockerfile', span: [start - before.length, end], text: '' };
      }),
  );
}

/** In all RUNs of a manager, or in none. */
function* stores(
  file: Dockerfile,
  context: BuildContext,
  stages: readonly StageTrace[],
  takers: readonly Taker[],
  manager: PackageManager,
  target: Target,
  held: ReadonlyMap<string, Trouble>,
): Iterable<Proposal> {
  const events = stages.flatMap((stage) => stage.events);
  const uses = events.filter((event) =>
    event.actions.some(({ install }) => install?.manager === manager.name && install.kind !== 'tool'),
  );
  const first = uses[0]?.instruction;
  if (first === undefined || !manager.caches.some((cache) => cache.class === 'store')) return;
  const edits: Edit[] = [];
  const targets = new Set<string>();
  let refusal: Trouble | undefined;
  for (const event of uses) {
    const run = event.instruction as Run;
    const mounts = new Map<string, string>();
    const own = event.actions.filter(({ install }) => install?.manager === manager.name);
    for (const action of own) {
      for (const cache of cachesOf(action, 'store')) {
        const mount = mountOf(run, action, cache);
        if (mount === undefined) continue;
        if ('code' in mount) {
          yield { at: run, fixes: [], refusal: mount };
          return;
        }
        mounts.set(mount.path, mount.flag);
        targets.add(mount.path);
      }
    }
    if (mounts.size === 0) continue;
    edits.push(flagEdit(file, run, [...mounts.values()]));
    refusal ??= cleaned(run, own, [...mounts.keys()]);
  }
  if (edits.length === 0) return;
  refusal =
    held.get(manager.name) ??
    refusal ??
    neededElsewhere(file, context, stages, uses, manager, [...targets]) ??
    takenOut(takers, [...targets]) ??
    supportsMounts(file, target);
  if (refusal !== undefined) yield { at: first, fixes: [], refusal };
  else
    yield {
      at: first,
      fixes: [{ edits, message: `keeps the package store of ${manager.name} in a cache mount`, safety: 'safe' }],
    };
}

/** What a stage goes on with that has the store in its image, or its parent's. */
interface Holder {
  readonly builds: readonly Action[];
  readonly placements: readonly Placement[];
  readonly entrypoint: Instruction | undefined;
  readonly command: Instruction | undefined;
}

/** Something other than the manager's own RUNs could need the store: another command, a copy out of it, the container. */
function neededElsewhere(
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

const APT = ['/var/cache/apt', '/var/lib/apt'];

const INSTALLS = /(?:^|[\s;&|(])apt(?:-get)? (?:[^\s;&|]+ ){0,50}install /;

/** It fetches the lists ahead of its first install. */
function updates({ text }: Run): boolean {
  const at = INSTALLS.exec(text)?.index ?? 0;
  return /(?:^|[\s;&|(])apt(?:-get)? (?:-\S+ ){0,20}update\b/.test(text.slice(0, at));
}

/** It installs by lists that an earlier one fetched. */
const isUnlisted = (run: Run): boolean => INSTALLS.test(run.text) && !updates(run);

/** Debian's and Ubuntu's images delete what apt downloads; the documented way is to take that file out. */
function* systemPackages(file: Dockerfile, unlisted: readonly Run[], event: Event, target: Target): Iterable<Proposal> {
  const { instruction } = event;
  if (instruction.keyword !== 'RUN' || instruction.form !== 'shell') return;
  const run = instruction;
  const commands = run.commands ?? [];
  const first = commands[0];
  const installs = commands.findIndex(({ text }) => INSTALLS.test(text));
  const isRoot = (run.state.user ?? 'root') === 'root';
  if (first === undefined || installs < 0 || !isRoot || supportsMounts(file, target) !== undefined) return;
  if (run.flags.some((flag) => flag.name === 'mount' && (flag.value ?? '').includes('/var/cache/apt'))) return;
  // Lists are mounted with the rest: who installs has to fetch them in the same RUN, and who comes later, too.
  if (!updates(run)) return;
  const later = unlisted.find(({ line }) => line > run.line);
  if (later !== undefined) {
    yield {
      at: run,
      fixes: [],
      refusal: {
        code: 'mount-is-output',
        message: `the RUN of line ${later.line} installs by the package lists that this one fetches`,
        help: 'let it run `apt-get update` itself',
      },
    };
    return;
  }
  // What is cleaned ahead of the install is left: it is not what that downloads.
  const cleaning = commands.filter(
    (command, at) =>
      at > installs && /^(?:rm -rf? \/var\/lib\/apt\/lists(?:\/\*)?|apt(?:-get)? clean)$/.test(command.text),
  );
  const removal = removalOf(run, '/root', APT, true);
  if (removal !== undefined) {
    yield {
      at: run,
      fixes: [],
      refusal: {
        code: 'cache-cleaned',
        message: `\`${removal.command}\` would fail with a cache mount at \`${removal.target}\``,
        help: 'remove what is in it instead',
      },
    };
    return;
  }
  yield {
    at: run,
    fixes: [
      {
        edits: [
          flagEdit(
            file,
            run,
            APT.map((path) => `--mount=type=cache,target=${path},sharing=locked`),
          ),
          {
            file: 'dockerfile',
            span: [first.span[0], first.span[0]],
            text: 'rm -f /etc/apt/apt.conf.d/docker-clean && ',
          },
          ...cleaning.flatMap((command) => {
            const before = commands[commands.indexOf(command) - 1];
            return rewritten(file, run, [before?.span[1] ?? command.span[0], command.span[1]], '');
          }),
        ],
        message: 'keeps what apt downloads in a cache mount',
        safety: 'unsafe',
        risk: 'the image no longer has /etc/apt/apt.conf.d/docker-clean, which later apt runs in it would obey',
        changes: true,
      },
    ],
  };
}
