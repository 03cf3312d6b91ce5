/** The options of `dockerfix batch` that concern forges: which repositories, and what kind of requests. */
import { execFileSync } from 'node:child_process';
import { version } from '../index.ts';
import type { BatchOptions } from '../batch/batch.ts';
import type { Person } from '../batch/branch.ts';
import { forgeUrl, forges, FORGES, homeOf, tokenHint, type OpenForge } from '../batch/forges/index.ts';
import { ForgeError, type ForgeKind, type Home } from '../batch/forges/forge.ts';
import type { Event, Journal } from '../batch/journal.ts';
import { hourly, makeRequest, type RequestSettings, type Row } from '../batch/requests.ts';
import { targetOf, type Target } from '../batch/targets.ts';
import { printable } from '../reporters/text.ts';
import type { Io } from './io.ts';

const KINDS = ['github', 'gitlab', 'gitea'] as const;
const many = { type: 'string', array: true, requiresArg: true } as const;

export const FORGE_FLAGS = {
  github: { type: 'string', requiresArg: true, describe: 'repositories of an organisation, a user, or a search' },
  gitlab: { type: 'string', requiresArg: true, describe: 'those of a group and of the groups below it, or of a user' },
  gitea: { type: 'string', requiresArg: true, describe: 'those of a Gitea or Forgejo organisation, or of a user' },
  url: { type: 'string', requiresArg: true, describe: 'address of a forge of your own' },
  forge: { choices: KINDS, requiresArg: true, describe: 'what kind of forge --url is, for clone URLs of it' },
  topic: { ...many, describe: 'only repositories with this topic (given again: and this one)' },
  archived: { type: 'boolean', describe: 'archived repositories too' },
  forks: { type: 'boolean', describe: 'forks too' },
  'open-prs': { type: 'boolean', describe: 'push a branch, and open or update one pull request for each repository' },
  branch: { type: 'string', requiresArg: true, describe: 'its branch (default: dockerfix/layer-cache)' },
  title: { type: 'string', requiresArg: true, describe: 'its title, and the first line of its commit' },
  label: { ...many, describe: 'a label for it' },
  reviewer: { ...many, describe: 'who is asked to review it; ORG/TEAM on GitHub' },
  draft: { type: 'boolean', describe: 'open it as a draft' },
  'sign-off': { type: 'boolean', describe: 'sign its commit off' },
  author: { type: 'string', requiresArg: true, describe: '"NAME <MAIL>" of its commit (default: as git knows you)' },
  'max-prs-per-hour': { type: 'number', requiresArg: true, describe: 'new pull requests in an hour, at most' },
} as const;

export interface ForgeFlags extends Partial<Record<ForgeKind, string | undefined>> {
  readonly url?: string | undefined;
  readonly forge?: ForgeKind | undefined;
  readonly topic?: readonly string[] | undefined;
  readonly archived?: boolean | undefined;
  readonly forks?: boolean | undefined;
  readonly 'open-prs'?: boolean | undefined;
  readonly branch?: string | undefined;
  readonly title?: string | undefined;
  readonly label?: readonly string[] | undefined;
  readonly reviewer?: readonly string[] | undefined;
  readonly draft?: boolean | undefined;
  readonly 'sign-off'?: boolean | undefined;
  readonly author?: string | undefined;
  readonly 'max-prs-per-hour'?: number | undefined;
}

/** Of a request, so they mean nothing without --open-prs. */
const REQUEST_FLAGS = [
  'branch',
  'title',
  'label',
  'reviewer',
  'draft',
  'sign-off',
  'author',
  'max-prs-per-hour',
] as const;
const LISTING_FLAGS = ['topic', 'archived', 'forks'] as const;

export interface Scope extends Pick<Home, 'forge' | 'url'> {
  readonly scope: string;
}

/** What is to be listed, and the operator's own forge. A string says what is wrong. */
export function scopesOf(
  flags: ForgeFlags,
): { readonly scopes: readonly Scope[]; readonly own?: Pick<Home, 'forge' | 'url'> } | string {
  const listed = KINDS.filter((kind) => flags[kind] !== undefined);
  const idle = LISTING_FLAGS.find((name) => flags[name] !== undefined);
  if (idle !== undefined && listed.length === 0) return `--${idle} goes with --github, --gitlab or --gitea`;
  if (flags.url === undefined) {
    if (flags.forge !== undefined) return '--forge goes with --url';
    const scopes = listed.map((forge) => ({ forge, url: FORGES[forge].url, scope: flags[forge] as string }));
    return { scopes };
  }
  const checked = forgeUrl(flags.url);
  if (typeof checked === 'string') return checked;
  const kinds = new Set([...listed, ...(flags.forge === undefined ? [] : [flags.forge])]);
  const [forge, other] = kinds;
  if (forge === undefined || other !== undefined)
    return '--url goes with one of --github, --gitlab, --gitea, or with --forge';
  const own = { forge, url: checked.url };
  return { scopes: listed.map((kind) => ({ ...own, scope: flags[kind] as string })), own };
}

/** One client for each forge, and what it has to say. */
export function forgesFor(io: Io): OpenForge {
  return forges(io.environment, `dockerfix/${version}`, (line) => io.stderr(`${printable(line)}\n`));
}

/** Stops at `limit`. A string says what is wrong. */
export async function listTargets(
  scopes: readonly Scope[],
  flags: ForgeFlags,
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

/** Each repository once, however its URL is written. */
export function withHomes(targets: readonly Target[], own: Pick<Home, 'forge' | 'url'> | undefined): readonly Target[] {
  const seen = new Set<string>();
  return targets
    .map((target) => {
      const home = target.home ?? (target.kind === 'clone' ? homeOf(target.location, own) : undefined);
      return home === undefined ? target : { ...target, home };
    })
    .filter(({ home }) => {
      if (home === undefined) return true;
      const key = `${home.url}/${home.repository}`.toLowerCase();
      return !seen.has(key) && seen.add(key).size > 0;
    });
}

/** Undefined: none are to be opened. A string says what is wrong. */
export function requestSettings(flags: ForgeFlags): RequestSettings | undefined | string {
  if (flags['open-prs'] !== true) {
    const idle = REQUEST_FLAGS.find((name) => flags[name] !== undefined);
    return idle === undefined ? undefined : `--${idle} goes with --open-prs`;
  }
  const { branch = 'dockerfix/layer-cache', title, label = [], reviewer = [] } = flags;
  if (git(['check-ref-format', `refs/heads/${branch}`]) === undefined || branch.startsWith('-'))
    return `--branch: \`${printable(branch)}\` is not a name that git allows`;
  const author = authorOf(flags.author);
  if (typeof author === 'string') return author;
  const perHour = flags['max-prs-per-hour'];
  return {
    branch,
    ...(title === undefined ? {} : { title }),
    labels: label,
    reviewers: reviewer,
    draft: flags.draft === true,
    signOff: flags['sign-off'] === true,
    author,
    ...(perHour === undefined ? {} : { perHour }),
  };
}

function authorOf(given: string | undefined): Person | string {
  if (given !== undefined) {
    const match = /^\s*([^<>\n]*[^<>\s])\s*<([^<>\s]+)>\s*$/.exec(given);
    return match === null ? '--author takes "NAME <MAIL>"' : { name: match[1] as string, email: match[2] as string };
  }
  const name = git(['config', '--get', 'user.name']);
  const email = git(['config', '--get', 'user.email']);
  return name === undefined || email === undefined
    ? 'git does not know who you are: give --author "NAME <MAIL>", or set user.name and user.email'
    : { name, email };
}

/** Not in the working directory: what a repository there says of itself does not count. */
function git(args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd: '/', encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

/** What a journal tells of requests. */
export interface RequestsBegun {
  settings?: RequestSettings;
  readonly rows: Map<string, Row>;
  /** Ids whose request was being opened. */
  readonly opening: Set<string>;
  /** By id, also where nothing is told of what followed. */
  readonly opened: Map<string, { readonly number: number; readonly url: string }>;
  /** When requests were opened. */
  readonly times: number[];
}

export function noRequests(): RequestsBegun {
  return { rows: new Map(), opening: new Set(), opened: new Map(), times: [] };
}

/** Takes in what the journal tells next. */
export function tell(begun: RequestsBegun, event: Event): void {
  if (event.event === 'requests') begun.settings = event.settings;
  else if (event.event === 'request') {
    begun.rows.set(event.row.id, event.row);
    begun.opening.delete(event.row.id);
  } else if (event.event === 'request-step' && event.step === 'open') {
    begun.opening.add(event.id);
    begun.times.push(Date.parse(event.at));
  } else if (event.event === 'request-step' && event.step === 'opened')
    begun.opened.set(event.id, { number: event.number, url: event.url });
  else if (event.event === 'retry') begun.rows.delete(event.id);
}

/** The part of a run that makes requests. */
export function requester(
  settings: RequestSettings,
  begun: RequestsBegun,
  journal: Journal,
  open: OpenForge,
  say: (line: string) => void,
): Required<BatchOptions>['act'] {
  const { perHour, branch } = settings;
  const { opening } = begun;
  const context = { settings, open, journal, version, opening, gate: hourly(perHour, begun.times, say) };
  return async ({ id, home, location }, result, place, lastLook) => {
    if (home === undefined) return false;
    const found = await makeRequest(context, { id, home, location }, result, place);
    if (found === undefined) return false;
    if (found === 'moved' && !lastLook) return true;
    const error = { code: 'keeps-moving', message: 'it was pushed to again and again meanwhile' };
    const row: Row = found === 'moved' ? { id, home, branch, state: 'failed', error, notes: [] } : found;
    await journal.append([{ event: 'request', row }]);
    begun.rows.set(id, row);
    rowLines(row).forEach(say);
    return false;
  };
}

function rowLines({ home, state, url, error, notes }: Row): readonly string[] {
  const about = url ?? `${home.url}/${home.repository}`;
  const lines = [
    ...(error === undefined ? [] : [`${about} ${error.code} ${error.message}`]),
    ...(state === 'opened' || state === 'updated' ? [`${about} ${state}`] : []),
    ...notes.map((note) => `${about} ${note}`),
  ];
  return lines.map(printable);
}

export function requestSummary(rows: readonly Row[]): string {
  const count = (state: Row['state']): number => rows.filter((row) => row.state === state).length;
  const parts = (
    [
      ['opened', 'opened'],
      ['updated', 'updated'],
      ['unchanged', 'right already'],
      ['kept', "with somebody else's commits"],
      ['closed', 'closed before'],
      ['merged', 'merged before'],
      ['stale', 'no longer offered'],
      ['failed', 'failed'],
    ] as const
  )
    .filter(([state]) => count(state) > 0)
    .map(([state, text]) => `${count(state)} ${text}`);
  return `${rows.length} pull ${rows.length === 1 ? 'request' : 'requests'}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}
