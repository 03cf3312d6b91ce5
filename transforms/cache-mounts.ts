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
  type PackageManager,
  type Proposal,
  type Run,
  type StageTrace,
  type Target,
  type Transform,
  type Trouble,
} from '../src/plugin.ts';
import { isUnlisted, systemPackages } from './cache-mounts/apt.ts';
import { flagEdit, homeOf, type Home } from './cache-mounts/mounts.ts';
import { neededElsewhere } from './cache-mounts/needs.ts';
import { absolute, removalOf } from './cache-mounts/removals.ts';

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

function commandsOf({ actions }: Event): string {
  const texts = new Set(actions.filter((action) => action.install !== undefined).map((action) => action.text));
  return [...texts].map(short).join(', ');
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
