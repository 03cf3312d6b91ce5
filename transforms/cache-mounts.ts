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
 * manager or in none. Unsafe for apt, whose base images need a file removed to keep downloads. Refused where the
 * cache is the output, where the user's home is not known, and where the builder knows no mounts. Runs only where it
 * is asked for: `--add cache-mounts`.
 */
import {
  rewritten,
  short,
  supportsMounts,
  traceOf,
  within,
  worksOffline,
  type Action,
  type CacheDirectory,
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

export const cacheMounts: Transform = {
  name: 'cache-mounts',
  summary: 'mount package managers’ caches (BuildKit)',
  optIn: true,
  *propose(file, context, target): Iterable<Proposal> {
    const stages = traceOf(file, context, target);
    const held = heldByLayers(stages);
    for (const { events } of stages) {
      for (const event of events) {
        yield* downloads(file, event, target, held);
        yield* systemPackages(file, event, target);
      }
    }
    const managers = stages.flatMap((each) =>
      each.events.flatMap(({ actions }) => actions.map(({ manager }) => manager)),
    );
    for (const manager of new Set(managers))
      if (manager !== undefined) yield* stores(file, stages, manager, target, held);
  },
};

/** One mount, as BuildKit takes it; empty when it is there already. */
function mountText(run: Run, action: Action, cache: CacheDirectory): string | Trouble {
  const { install } = action;
  const place = install?.place;
  if (place === undefined) return '';
  if (cache.never !== undefined)
    return { code: 'mount-is-output', message: `the cache of \`${action.text}\` must not be mounted: ${cache.never}` };
  const home = homeOf(place.user, place.image);
  if (home === undefined)
    return {
      code: 'user-unknown',
      message: `\`${action.text}\` runs as ${place.user === 'base' ? "the base image's user" : `\`${place.user ?? ''}\``}, whose home and ids are not known`,
      help: 'add the mount by hand, with uid= and gid=',
    };
  const moved = cache.variable === undefined ? undefined : place.environment(cache.variable);
  const path =
    moved === undefined || moved === ''
      ? cache.path.replace(/^~/, home.path)
      : cache.inside === undefined
        ? moved
        : `${moved}/${cache.inside}`;
  if (!path.startsWith('/') || within(path, install?.directory ?? '/'))
    return {
      code: 'mount-is-output',
      message: `\`${path}\`, the cache of \`${action.text}\`, lies in the project`,
      help: 'mount nothing there: the image would lack it',
    };
  if (run.flags.some((flag) => flag.name === 'mount' && (flag.value ?? '').includes(`=${path}`))) return '';
  return `--mount=type=cache,target=${path}${home.ids}`;
}

/** The official images' users. */
function homeOf(user: string | undefined, image: string | undefined): { path: string; ids: string } | undefined {
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
      (cache.only === undefined || (cache.only === 'root') === isRoot),
  );
}

/** What keeps a download cache from being used, or empties it. */
const DISABLING = ['PIP_NO_CACHE_DIR', 'UV_NO_CACHE'];
const CLEANS =
  /^(?:npm cache clean|yarn cache clean|pnpm store prune|bun pm cache rm|pip3? cache purge|composer clear-?cache)/;

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
  event: Event,
  target: Target,
  held: ReadonlyMap<string, Trouble>,
): Iterable<Proposal> {
  const run = event.instruction;
  if (run.keyword !== 'RUN') return;
  const mounts = new Set<string>();
  for (const action of event.actions) {
    for (const cache of cachesOf(action, 'download')) {
      const mount = mountText(run, action, cache);
      if (typeof mount !== 'string') {
        yield { at: run, fixes: [], refusal: mount };
        return;
      }
      if (mount !== '') mounts.add(mount);
    }
  }
  if (mounts.size === 0) return;
  const kept = event.actions.map(({ install }) => held.get(install?.manager ?? '')).find((each) => each !== undefined);
  const refusal = kept ?? unusable(run, event) ?? supportsMounts(file, target);
  if (refusal !== undefined) {
    yield { at: run, fixes: [], refusal };
    return;
  }
  yield {
    at: run,
    fixes: [
      {
        edits: [flagEdit(file, run, [...mounts]), ...uncached(file, run)],
        message: `keeps what ${commandsOf(event)} downloads in a cache mount`,
        safety: 'safe',
      },
    ],
  };
}

function unusable(run: Run, event: Event): Trouble | undefined {
  const cleaning = event.actions.find((action) => CLEANS.test(action.text));
  if (cleaning !== undefined)
    return {
      code: 'cache-cleaned',
      message: `\`${cleaning.text}\` would empty the cache mount`,
      help: 'leave it out once the cache is mounted: the image no longer holds it',
    };
  const disabled = DISABLING.find((name) => run.state.environment.get(name) !== undefined);
  return disabled === undefined
    ? undefined
    : { code: 'cache-disabled', message: `ENV ${disabled} turns the cache off`, help: `leave ${disabled} out` };
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

/** Takes `--no-cache-dir` out. */
function uncached(file: Dockerfile, run: Run): Edit[] {
  return (run.commands ?? []).flatMap((command) =>
    command.words
      .filter((word) => word.text === '--no-cache-dir')
      .map((word): Edit => {
        const before = /[ \t]+$/.exec(file.source.slice(0, word.span[0]))?.[0].length ?? 0;
        return { file: 'dockerfile', span: [word.span[0] - before, word.span[1]], text: '' };
      }),
  );
}

/** In all RUNs of a manager, or in none. */
function* stores(
  file: Dockerfile,
  stages: readonly StageTrace[],
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
  for (const event of uses) {
    const mounts = new Set<string>();
    for (const action of event.actions.filter(({ install }) => install?.manager === manager.name)) {
      for (const cache of cachesOf(action, 'store')) {
        const mount = mountText(event.instruction as Run, action, cache);
        if (typeof mount !== 'string') {
          yield { at: event.instruction, fixes: [], refusal: mount };
          return;
        }
        if (mount !== '') mounts.add(mount);
      }
    }
    if (mounts.size > 0) edits.push(flagEdit(file, event.instruction as Run, [...mounts]));
  }
  if (edits.length === 0) return;
  const refusal =
    held.get(manager.name) ?? neededElsewhere(file, stages, uses, manager) ?? supportsMounts(file, target);
  if (refusal !== undefined) yield { at: first, fixes: [], refusal };
  else
    yield {
      at: first,
      fixes: [{ edits, message: `keeps the package store of ${manager.name} in a cache mount`, safety: 'safe' }],
    };
}

/** Something other than the manager's own RUNs could need the store: another command, a copy out of it, the container. */
function neededElsewhere(
  file: Dockerfile,
  stages: readonly StageTrace[],
  uses: readonly Event[],
  manager: PackageManager,
): Trouble | undefined {
  const of = (text: string): boolean => manager.commands.some((name) => new RegExp(`\\b${name}\\b`).test(text));
  for (const { events } of stages) {
    const from = events.findIndex((event) => uses.includes(event));
    if (from < 0) continue;
    for (const { instruction, actions } of events.slice(from)) {
      const text = file.source.slice(...instruction.argument);
      const other = actions.find((action) => action.opaque !== undefined && action.install?.manager !== manager.name);
      const runs = (instruction.keyword === 'CMD' || instruction.keyword === 'ENTRYPOINT') && of(text);
      if (other !== undefined || runs)
        return {
          code: 'mount-is-output',
          message: `\`${other?.text ?? text}\` may need the packages that a cache mount would keep out of the image`,
          help: 'mount the cache by hand if it does not',
        };
    }
  }
  const copied = file.instructions.find(
    (each) =>
      (each.keyword === 'COPY' || each.keyword === 'ADD') &&
      each.from !== undefined &&
      manager.caches.some((cache) => file.source.slice(...each.argument).includes(cache.path.replace(/^~/, ''))),
  );
  return copied === undefined
    ? undefined
    : {
        code: 'mount-is-output',
        message: `line ${copied.line} copies the package store of ${manager.name} out of its stage`,
      };
}

/** Debian's and Ubuntu's images delete what apt downloads; the documented way is to take that file out. */
function* systemPackages(file: Dockerfile, event: Event, target: Target): Iterable<Proposal> {
  const { instruction } = event;
  if (instruction.keyword !== 'RUN' || instruction.form !== 'shell') return;
  const run = instruction;
  const commands = run.commands ?? [];
  const first = commands[0];
  const installs = commands.some((command) => /^apt(?:-get)? (?:\S+ )*install /.test(command.text));
  const isRoot = (run.state.user ?? 'root') === 'root';
  if (first === undefined || !installs || !isRoot || supportsMounts(file, target) !== undefined) return;
  if (run.flags.some((flag) => flag.name === 'mount' && (flag.value ?? '').includes('/var/cache/apt'))) return;
  const cleaning = commands.filter((command) =>
    /^(?:rm -rf? \/var\/lib\/apt\/lists(?:\/\*)?|apt(?:-get)? clean)$/.test(command.text),
  );
  yield {
    at: run,
    fixes: [
      {
        edits: [
          flagEdit(
            file,
            run,
            ['/var/cache/apt', '/var/lib/apt'].map((path) => `--mount=type=cache,target=${path},sharing=locked`),
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
