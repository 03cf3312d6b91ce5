/** The options of `dockerfix batch` that say which repositories are meant. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { InferredOptionTypes } from 'yargs';
import { FORGES, forgeUrl, homeOf, tokenHint, type OpenForge } from '../batch/forges/index.ts';
import { ForgeError, type ForgeKind, type Home } from '../batch/forges/forge.ts';
import { filtered, listed, sample, targetOf, targetsOf, type Target } from '../batch/targets.ts';
import { reason } from '../context/find.ts';
import { printable } from '../reporters/text.ts';
import type { Io } from './io.ts';

const KINDS = ['github', 'gitlab', 'gitea'] as const satisfies readonly ForgeKind[];
const many = { type: 'string', array: true, requiresArg: true } as const;

export const TARGET_FLAGS = {
  from: { type: 'string', requiresArg: true, describe: 'FILE with a target on each line; - for standard input' },
  github: { type: 'string', requiresArg: true, describe: 'repositories of an organisation, a user, or a search' },
  gitlab: { type: 'string', requiresArg: true, describe: 'those of a group and of the groups below it, or of a user' },
  gitea: { type: 'string', requiresArg: true, describe: 'those of a Gitea or Forgejo organisation, or of a user' },
  url: { type: 'string', requiresArg: true, describe: 'address of a forge of your own' },
  forge: { choices: KINDS, requiresArg: true, describe: 'what kind of forge --url is, for clone URLs of it' },
  topic: { ...many, describe: 'only repositories with this topic (given again: and this one)' },
  archived: { type: 'boolean', describe: 'archived repositories too' },
  forks: { type: 'boolean', describe: 'forks too' },
  include: { ...many, describe: 'only repositories whose name, or end of path, matches GLOB' },
  exclude: { ...many, describe: 'not those' },
  limit: { type: 'number', requiresArg: true, describe: 'the first N targets only' },
  sample: { type: 'number', requiresArg: true, describe: 'N targets from all over the list' },
} as const;

export type TargetFlags = Readonly<InferredOptionTypes<typeof TARGET_FLAGS>>;

interface Scope extends Pick<Home, 'forge' | 'url'> {
  readonly scope: string;
}

export interface Scopes {
  /** What a forge is asked to list. */
  readonly listed: readonly Scope[];
  /** The operator's own forge. */
  readonly own?: Pick<Home, 'forge' | 'url'>;
}

/** A string says what is wrong. */
export function scopesOf(flags: TargetFlags): Scopes | string {
  const kinds = KINDS.filter((kind) => flags[kind] !== undefined);
  const idle = (['topic', 'archived', 'forks'] as const).find((name) => flags[name] !== undefined);
  if (idle !== undefined && kinds.length === 0) return `--${idle} goes with --github, --gitlab or --gitea`;
  if (flags.url === undefined) {
    if (flags.forge !== undefined) return '--forge goes with --url';
    return { listed: kinds.map((forge) => ({ forge, url: FORGES[forge].url, scope: flags[forge] as string })) };
  }
  const checked = forgeUrl(flags.url);
  if (typeof checked === 'string') return checked;
  const [forge, other] = new Set([...kinds, ...(flags.forge === undefined ? [] : [flags.forge])]);
  if (forge === undefined || other !== undefined)
    return '--url goes with one of --github, --gitlab, --gitea, or with --forge';
  const own = { forge, url: checked.url };
  return { listed: kinds.map((kind) => ({ ...own, scope: flags[kind] as string })), own };
}

/** At least one. A string says what is wrong. */
export async function chooseTargets(
  given: readonly string[],
  flags: TargetFlags,
  { listed: scopes, own }: Scopes,
  open: OpenForge,
  io: Io,
): Promise<readonly Target[] | string> {
  const named = await namedTargets(given, flags.from, io);
  if (typeof named === 'string') return named;
  const { include = [], exclude = [], limit } = flags;
  // All that can be left out later have to be known; otherwise the listing stops early.
  const whole = flags.sample !== undefined || include.length + exclude.length > 0;
  const enough = (whole ? undefined : limit) ?? Infinity;
  const more = enough > named.length ? await listTargets(scopes, flags, enough - named.length, open, io) : [];
  if (typeof more === 'string') return more;
  const all = onceEach([...named, ...more].map((target) => withHome(target, own)));
  const kept = filtered(all, include, exclude);
  const sampled = flags.sample === undefined ? kept : sample(kept, flags.sample);
  const targets = limit === undefined ? sampled : sampled.slice(0, limit);
  if (targets.length > 0) return targets;
  return all.length > 0
    ? 'no target is left by --include and --exclude'
    : 'no targets: give directories, clone URLs, or --from FILE';
}

/** Of the command line and of `--from`. */
async function namedTargets(
  given: readonly string[],
  from: string | undefined,
  io: Io,
): Promise<readonly Target[] | string> {
  let more: readonly string[] = [];
  if (from !== undefined)
    try {
      more = listed(
        from === '-' ? Buffer.from(await io.stdin()).toString() : readFileSync(resolve(io.cwd, from), 'utf8'),
      );
    } catch (error) {
      return `--from ${from}: ${reason(error)}`;
    }
  const byId = new Map<string, Target>();
  for (const text of [...given, ...more]) {
    const found = targetsOf(text, io.cwd);
    if (typeof found === 'string') return printable(found);
    for (const target of found) byId.set(target.id, target);
  }
  return [...byId.values()];
}

/** Stops at `limit`. */
async function listTargets(
  scopes: readonly Scope[],
  flags: TargetFlags,
  limit: number,
  open: OpenForge,
  io: Io,
): Promise<readonly Target[] | string> {
  const wanted = { topics: flags.topic ?? [], archived: flags.archived === true, forks: flags.forks === true };
  const targets: Target[] = [];
  for (const { scope, ...of } of scopes)
    try {
      const { forge, token } = await open(of);
      const client = await forge();
      if (token === undefined) io.stderr(`${of.url}: no token, so only what is public is seen; ${tokenHint(of)}\n`);
      for await (const { clone, home } of client.list(scope, wanted)) {
        const target = targetOf(clone, io.cwd);
        if (typeof target === 'string') return printable(`${of.url}: ${target}`);
        targets.push({ ...target, home });
        if (targets.length >= limit) return targets;
      }
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      return printable(`--${of.forge} ${error.message}`);
    }
  return targets;
}

function withHome(target: Target, own: Scopes['own']): Target {
  const home = target.home ?? (target.kind === 'clone' ? homeOf(target.location, own) : undefined);
  return home === undefined ? target : { ...target, home };
}

/** However the URL of a repository is written. */
function onceEach(targets: readonly Target[]): readonly Target[] {
  const seen = new Set<string>();
  return targets.filter(({ home }) => {
    if (home === undefined) return true;
    const key = `${home.url}/${home.repository}`.toLowerCase();
    return !seen.has(key) && seen.add(key).size > 0;
  });
}
