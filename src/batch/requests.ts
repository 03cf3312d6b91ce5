/**
 * One pull or merge request for each repository that would change. What the forge already has decides what is left to
 * do, so it can be asked again at any time; the journal tells which step was begun when the command was stopped.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { commitMessage, markOf, requestBody, TITLE } from './body.ts';
import {
  baseBranch,
  changeOf,
  commitPatch,
  MovedError,
  ourChange,
  push,
  remoteOf,
  type Checkout,
  type Person,
} from './branch.ts';
import { CloneError } from './clone.ts';
import { ForgeError, type Forge, type Home, type PullRequest } from './forges/forge.ts';
import type { OpenForge } from './forges/index.ts';
import type { Event, Journal } from './journal.ts';
import type { Result } from './results.ts';

export interface RequestSettings {
  readonly branch: string;
  readonly title?: string;
  readonly labels: readonly string[];
  readonly reviewers: readonly string[];
  readonly draft: boolean;
  readonly signOff: boolean;
  readonly author: Person;
  /** New requests in an hour, at most. */
  readonly perHour?: number;
}

/** How it stands between a repository and its request. */
export interface Row {
  readonly id: string;
  readonly home: Home;
  /**
   * `opened`, `updated`: now. `unchanged`: it was right already. `kept`: somebody else has worked on the branch.
   * `closed`, `merged`: before, and it is left at that. `stale`: open, but the fix is not offered any more.
   */
  readonly state: 'opened' | 'updated' | 'unchanged' | 'kept' | 'closed' | 'merged' | 'stale' | 'failed';
  readonly branch: string;
  readonly number?: number;
  readonly url?: string;
  /** At the tip of the branch, where it is ours. */
  readonly commit?: string;
  readonly error?: { readonly code: string; readonly message: string };
  /** What could not be done besides: a reviewer that is none. */
  readonly notes: readonly string[];
}

/** A step is on disk before it is taken. */
export type Step =
  | { readonly step: 'push'; readonly commit: string }
  | { readonly step: 'open' }
  | { readonly step: 'opened'; readonly number: number; readonly url: string };

export type RequestEvent =
  /** The last one counts. */
  | { readonly event: 'requests'; readonly settings: RequestSettings }
  | ({ readonly event: 'request-step'; readonly id: string; readonly at: string } & Step)
  | { readonly event: 'request'; readonly row: Row };

export interface Context {
  readonly settings: RequestSettings;
  readonly open: OpenForge;
  readonly journal: Journal;
  /** Of the tool. */
  readonly version: string;
  /** Resolves when one more request may be opened; true: that took a while. */
  readonly gate: (id: string) => Promise<boolean>;
  /** By id: a request was being opened when the command was stopped, so that what follows may be missing. */
  readonly opening: ReadonlySet<string>;
}

/** Undefined: nothing to ask for, and nothing asked. `moved`: the repository is to be looked at again. */
export async function makeRequest(
  context: Context,
  { id, home, location }: { readonly id: string; readonly home: Home; readonly location: string },
  result: Result,
  place: string,
): Promise<Row | 'moved' | undefined> {
  const { branch } = context.settings;
  let secret: string | undefined;
  try {
    const opened = await context.open(home);
    secret = opened.token;
    const forge = await opened.forge();
    const checkout: Checkout = { place, url: location, environment: opened.git };
    const found =
      result.status === 'changed' && result.patch !== ''
        ? await wanted(context, forge, checkout, home, result)
        : await unwanted(context, forge, checkout, home);
    return found === undefined || found === 'moved' ? found : { id, home, branch, notes: [], ...found };
  } catch (error) {
    if (error instanceof MovedError) return 'moved';
    return { id, home, branch, state: 'failed', error: whyFailed(error, secret), notes: [] };
  }
}

type Found = Omit<Row, 'id' | 'home' | 'branch' | 'notes'> & { readonly notes?: readonly string[] };

async function wanted(
  context: Context,
  forge: Forge,
  checkout: Checkout,
  { repository }: Home,
  result: Result,
): Promise<Found | 'moved'> {
  const { settings, journal, version } = context;
  const { branch } = settings;
  const { id, patch, commit: base = '' } = result;
  const change = changeOf(patch);
  const baseName = await baseBranch(checkout);
  const remote = await remoteOf(checkout, baseName, branch);
  if (remote.base !== base) return 'moved';
  const before = await forge.requests(repository, branch);
  const open = before.find(({ state }) => state === 'open');
  const last = before[0];
  if (open === undefined && last?.state === 'closed') return { state: 'closed', ...named(last) };
  // Merged and then taken back: once was enough.
  if (open === undefined && last?.state === 'merged' && markOf(last.body)?.change === change)
    return { state: 'merged', ...named(last) };

  const step = (each: Step): Promise<void> =>
    journal.append([{ event: 'request-step', id, at: new Date().toISOString(), ...each } satisfies Event]);
  const ours = remote.branch === undefined ? undefined : await ourChange(checkout, branch, remote.branch);
  if (remote.branch !== undefined && ours === undefined) {
    if (open !== undefined) return { state: 'kept', ...named(open) };
    throw new CloneError(
      'branch-taken',
      `there is a branch \`${branch}\` with somebody else's commits; give another --branch`,
    );
  }
  let commit = remote.branch;
  let pushed = false;
  // The same patch on a base that has moved elsewhere is left alone: a new commit would only run its checks again.
  if (commit === undefined || ours !== change) {
    // Meanwhile the base may have moved.
    if (open === undefined && (await context.gate(id))) return 'moved';
    const title = settings.title ?? TITLE;
    commit = await commitPatch(checkout, base, patch, settings.author, commitMessage(title, result, settings.signOff));
    await step({ step: 'push', commit });
    await push(checkout, commit, branch, remote.branch);
    pushed = true;
  }

  const body = requestBody(result, version);
  if (open !== undefined) {
    const rewritten = await rewriteBody(forge, repository, open, body, change);
    const notes = context.opening.has(id) ? await dress(forge, repository, open.number, settings) : [];
    return { state: pushed || rewritten ? 'updated' : 'unchanged', ...named(open), commit, notes };
  }
  if (!pushed) await context.gate(id);
  await step({ step: 'open' });
  const opened = await openOrFind(forge, repository, branch, {
    title: settings.title ?? TITLE,
    body,
    head: branch,
    base: baseName,
    draft: settings.draft,
  });
  await step({ step: 'opened', number: opened.number, url: opened.url });
  const notes = await dress(forge, repository, opened.number, settings);
  return { state: 'opened', ...named(opened), commit, notes };
}

/** Nothing would change (any more): a request of ours that is still open is told. */
async function unwanted(
  { settings: { branch } }: Context,
  forge: Forge,
  checkout: Checkout,
  { repository }: Home,
): Promise<Found | undefined> {
  const remote = await remoteOf(checkout, await baseBranch(checkout), branch);
  if (remote.branch === undefined) return undefined;
  const open = (await forge.requests(repository, branch)).find(({ state }) => state === 'open');
  if (open === undefined) return undefined;
  return { state: 'stale', ...named(open), notes: ['the fix is not offered for the base as it is now'] };
}

/** The answer may be lost when the request was made all the same. */
async function openOrFind(
  forge: Forge,
  repository: string,
  branch: string,
  request: Parameters<Forge['open']>[1],
): Promise<PullRequest> {
  try {
    return await forge.open(repository, request);
  } catch (error) {
    const found = await forge.requests(repository, branch).catch(() => []);
    const open = found.find(({ state }) => state === 'open');
    if (open === undefined) throw error;
    return open;
  }
}

/** A text that somebody has edited is theirs. */
async function rewriteBody(
  forge: Forge,
  repository: string,
  open: PullRequest,
  body: string,
  change: string,
): Promise<boolean> {
  const mark = markOf(open.body);
  if (mark === undefined || !mark.intact || mark.change === change) return false;
  await forge.rewrite(repository, open.number, body);
  return true;
}

/** Labels and reviewers. The request stands without them, too. */
async function dress(
  forge: Forge,
  repository: string,
  number: number,
  { labels, reviewers }: RequestSettings,
): Promise<readonly string[]> {
  const notes: string[] = [];
  const attempt = async (what: string, names: readonly string[], work: () => Promise<void>): Promise<void> => {
    if (names.length === 0) return;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      notes.push(`${what} ${names.join(', ')}: ${error.message}`);
    }
  };
  await attempt('labels', labels, () => forge.label(repository, number, labels));
  await attempt('reviewers', reviewers, () => forge.askForReview(repository, number, reviewers));
  return notes;
}

function named({ number, url }: PullRequest): { readonly number: number; readonly url: string } {
  return { number, url };
}

function whyFailed(error: unknown, secret: string | undefined): { readonly code: string; readonly message: string } {
  const told = (text: string): string => (secret === undefined ? text : text.replaceAll(secret, '***'));
  if (error instanceof CloneError) return { code: error.code, message: told(error.message) };
  if (error instanceof ForgeError)
    return {
      code:
        error.status === undefined || error.status >= 500
          ? 'forge-unreachable'
          : error.status === 401
            ? 'not-authorised'
            : error.status === 403 || error.status === 404
              ? 'not-allowed'
              : 'forge-refused',
      message: told(error.message),
    };
  return { code: 'internal-error', message: `this is a bug in dockerfix, please report it: ${told(String(error))}` };
}

const HOUR = 3_600_000;

/** No more than so many in any hour, those of before the command was started again included. Once for each id. */
export function hourly(
  perHour: number | undefined,
  before: readonly number[],
  say: (line: string) => void,
): Context['gate'] {
  const taken = before.filter((at) => at > Date.now() - HOUR).sort((a, b) => a - b);
  const granted = new Set<string>();
  return async (id) => {
    if (perHour === undefined || granted.has(id)) return false;
    granted.add(id);
    const now = Date.now();
    const blocking = taken.at(-perHour);
    const at = blocking === undefined ? now : Math.max(now, blocking + HOUR);
    // Taken before it waits: the next one queues behind it.
    taken.push(at);
    if (at === now) return false;
    say(`--max-prs-per-hour: going on in ${Math.ceil((at - now) / 60_000)} min`);
    await wait(at - now);
    return true;
  };
}
