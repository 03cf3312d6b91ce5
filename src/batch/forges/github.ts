/** GitHub and GitHub Enterprise. Octokit's own plugins wait for rate limits, space out writes and try again. */
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { Octokit } from '@octokit/rest';
import {
  ForgeError,
  isWanted,
  reviewsOf,
  split,
  type Access,
  type Forge,
  type Listed,
  type PullRequest,
  type Standing,
} from './forge.ts';

const Client = Octokit.plugin(throttling, retry);

/** Tries after a rate limit; each waits as long as GitHub asks for. */
const LIMIT_TRIES = 5;

/** A search gives no more than these. */
const SEARCH_LIMIT = 1000;

export function github({ url, token, agent, say, timeout }: Access): Forge {
  const { host } = new URL(url);
  const silent = (): void => undefined;
  const limited =
    (what: string) =>
    (after: number, _options: unknown, _octokit: unknown, tries: number): boolean => {
      if (tries >= LIMIT_TRIES) return false;
      say(`${host}: ${what}, going on in ${after} s`);
      return true;
    };
  const octokit = new Client({
    ...(token === undefined ? {} : { auth: token }),
    baseUrl: apiOf(url),
    userAgent: agent,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    // A time-out for each try, which counts as a failure of the server.
    request: {
      fetch: (input: string | URL, init?: RequestInit) =>
        fetch(input, { ...init, signal: AbortSignal.timeout(timeout) }),
    },
    throttle: {
      onRateLimit: limited('the rate limit is used up'),
      onSecondaryRateLimit: limited('too many requests at once'),
    },
  });

  async function* repositories(scope: string): AsyncIterable<Repository> {
    if (/[\s:]/.test(scope)) {
      let told = false;
      for await (const { data } of octokit.paginate.iterator(octokit.rest.search.repos, { q: scope, per_page: 100 })) {
        const total = (data as { total_count?: number }).total_count ?? 0;
        if (total > SEARCH_LIMIT && !told)
          say(`${host}: the search finds ${total}, and gives the first ${SEARCH_LIMIT}`);
        told = true;
        yield* data;
      }
      return;
    }
    const { data: owner } = await octokit.rest.users.getByUsername({ username: scope });
    const pages =
      owner.type === 'Organization'
        ? octokit.paginate.iterator(octokit.rest.repos.listForOrg, { org: scope, type: 'all', per_page: 100 })
        : octokit.paginate.iterator(octokit.rest.repos.listForUser, { username: scope, type: 'owner', per_page: 100 });
    for await (const { data } of pages) yield* data;
  }

  return {
    async *list(scope, wanted) {
      try {
        for await (const each of repositories(scope))
          if (each.disabled !== true && isWanted(each, wanted)) yield listed(each, url);
      } catch (error) {
        throw told(error, scope);
      }
    },
    requests: (repository, branch) =>
      asked(repository, async () => {
        const { owner, repo } = split(repository);
        const { data } = await octokit.rest.pulls.list({
          owner,
          repo,
          head: `${owner}:${branch}`,
          state: 'all',
          sort: 'created',
          direction: 'desc',
          per_page: 100,
        });
        return data.filter((pull) => isFromItself(pull, branch)).map(requestOf);
      }),
    open: (repository, { title, body, head, base, draft }) =>
      asked(repository, async () =>
        requestOf((await octokit.rest.pulls.create({ ...split(repository), title, body, head, base, draft })).data),
      ),
    rewrite: (repository, number, body) =>
      asked(repository, async () => {
        await octokit.rest.pulls.update({ ...split(repository), pull_number: number, body });
      }),
    label: (repository, number, labels) =>
      asked(repository, async () => {
        await octokit.rest.issues.addLabels({ ...split(repository), issue_number: number, labels: [...labels] });
      }),
    askForReview: (repository, number, reviewers) =>
      asked(repository, async () => {
        const teams = reviewers.filter((name) => name.includes('/')).map((name) => name.replace(/^.*\//, ''));
        const people = reviewers.filter((name) => !name.includes('/'));
        await octokit.rest.pulls.requestReviewers({
          ...split(repository),
          pull_number: number,
          ...(people.length > 0 ? { reviewers: people } : {}),
          ...(teams.length > 0 ? { team_reviewers: teams } : {}),
        });
      }),
    standing: (repository, number) =>
      asked(repository, async () => {
        const of = split(repository);
        const { data } = await octokit.rest.pulls.get({ ...of, pull_number: number });
        const [runs, { data: combined }, reviews] = await Promise.all([
          octokit.paginate(octokit.rest.checks.listForRef, { ...of, ref: data.head.sha, per_page: 100 }),
          octokit.rest.repos.getCombinedStatusForRef({ ...of, ref: data.head.sha }),
          octokit.paginate(octokit.rest.pulls.listReviews, { ...of, pull_number: number, per_page: 100 }),
        ]);
        const { state, head } = requestOf(data);
        return {
          state,
          head,
          draft: data.draft ?? false,
          checks: checksOf(runs, combined),
          reviews: lastWords(reviews),
          ...(data.mergeable === null ? {} : { conflicts: !data.mergeable }),
        };
      }),
    close: (repository, number) =>
      asked(repository, async () => {
        await octokit.rest.pulls.update({ ...split(repository), pull_number: number, state: 'closed' });
      }),
  };
}

function apiOf(url: string): string {
  const { protocol, host } = new URL(url);
  return host === 'github.com' || host.endsWith('.ghe.com') ? `${protocol}//api.${host}` : `${url}/api/v3`;
}

interface Repository {
  readonly full_name: string;
  readonly clone_url?: string | undefined;
  readonly archived?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  readonly fork: boolean;
  readonly topics?: string[] | undefined;
}

function listed({ full_name, clone_url }: Repository, url: string): Listed {
  return {
    home: { forge: 'github', url, repository: full_name },
    clone: clone_url ?? `${url}/${full_name}.git`,
  };
}

/** A filter that is not understood is ignored, and then gives them all. The repository of a head may be gone. */
function isFromItself(
  pull: {
    readonly head: { readonly ref: string; readonly repo: { readonly full_name: string } | null };
    readonly base: { readonly repo: { readonly full_name: string } };
  },
  branch: string,
): boolean {
  return pull.head.ref === branch && pull.head.repo?.full_name === pull.base.repo.full_name;
}

function requestOf(pull: {
  readonly number: number;
  readonly html_url: string;
  readonly state: string;
  readonly merged_at: string | null;
  readonly body: string | null;
  readonly head: { readonly sha: string };
}): PullRequest {
  return {
    number: pull.number,
    url: pull.html_url,
    state: pull.merged_at !== null ? 'merged' : pull.state === 'open' ? 'open' : 'closed',
    body: pull.body ?? '',
    head: pull.head.sha,
  };
}

function checksOf(
  runs: readonly { readonly status: string; readonly conclusion: string | null }[],
  combined: { readonly state: string; readonly total_count: number },
): Standing['checks'] {
  // Without any status the combined one is called pending.
  const statuses = combined.total_count > 0 ? combined.state : undefined;
  const failed = ['failure', 'cancelled', 'timed_out', 'action_required', 'startup_failure'];
  if (
    statuses === 'failure' ||
    statuses === 'error' ||
    runs.some(({ conclusion }) => failed.includes(conclusion ?? ''))
  )
    return 'failed';
  if (statuses === 'pending' || runs.some(({ status }) => status !== 'completed')) return 'pending';
  return statuses === undefined && runs.length === 0 ? 'none' : 'passed';
}

function lastWords(
  reviews: readonly { readonly state: string; readonly user: { readonly login: string } | null }[],
): Standing['reviews'] {
  const last = new Map<string, string>();
  // They come in the order in which they were given; a mere comment takes nothing back.
  for (const { state, user } of reviews)
    if (state !== 'COMMENTED' && state !== 'PENDING') last.set(user?.login ?? '', state);
  return reviewsOf(last, { approved: 'APPROVED', changesRequested: 'CHANGES_REQUESTED' });
}

async function asked<T>(about: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw told(error, about);
  }
}

/** Octokit's own message names a page of the documentation, and each error of a list. */
function told(error: unknown, about: string): Error {
  const { status, message } = error as { readonly status?: number; readonly message: string };
  if (status === undefined) return error as Error;
  const first = message.split('\n')[0]?.replace(/ - https:\/\/\S+$/, '') ?? '';
  return new ForgeError(`${about}: ${first === '' ? 'no answer' : first} (${status})`, status);
}
