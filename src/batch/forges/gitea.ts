/** Gitea and Forgejo. */
import { giteaApi, type PullRequest as Pull, type PullReview, type Repository } from 'gitea-js';
import {
  ForgeError,
  isWanted,
  reviewsOf,
  split,
  type Access,
  type Forge,
  type PullRequest,
  type Standing,
} from './forge.ts';
import { patientFetch } from './patient-fetch.ts';

/** Servers give no more on a page by default. */
const PAGE = 50;

/** Of a label that is not there yet. */
const COLOR = '#0db7ed';

/** The server takes this for a draft. */
const DRAFT = 'WIP: ';

export function gitea({ url, token, agent, say, timeout }: Access): Forge {
  const fetched = patientFetch({ say, timeout });
  const api = giteaApi(url, {
    ...(token === undefined ? {} : { token }),
    customFetch: (input, init) =>
      fetched(input, { ...init, headers: { ...(init?.headers as Record<string, string>), 'user-agent': agent } }),
  });

  async function* paged<T>(about: string, ask: (page: number) => Promise<{ data: T[] }>): AsyncIterable<T> {
    for (let page = 1; ; page++) {
      const { data } = await asked(about, () => ask(page));
      yield* data;
      // The server may allow less on a page than was asked for.
      if (data.length === 0) return;
    }
  }
  async function* repositories(scope: string): AsyncIterable<Repository> {
    const of = (ask: (page: number) => Promise<{ data: Repository[] }>): AsyncIterable<Repository> => paged(scope, ask);
    try {
      yield* of((page) => api.orgs.orgListRepos(scope, { page, limit: PAGE }));
    } catch (error) {
      if (!(error instanceof ForgeError && error.status === 404)) throw error;
      yield* of((page) => api.users.userListRepos(scope, { page, limit: PAGE }));
    }
  }

  return {
    async *list(scope, wanted) {
      for await (const each of repositories(scope))
        if (each.empty !== true && isWanted(each, wanted)) {
          const repository = each.full_name ?? '';
          yield { home: { forge: 'gitea', url, repository }, clone: each.clone_url ?? `${url}/${repository}.git` };
        }
    },
    async requests(repository, branch) {
      const { owner, repo } = split(repository);
      const found: PullRequest[] = [];
      // It cannot be asked for those of a branch.
      const all = paged(repository, (page) =>
        api.repos.repoListPullRequests(owner, repo, { state: 'all', page, limit: PAGE }),
      );
      for await (const each of all)
        // Its label stays when the branch is gone.
        if (each.head?.label === branch && each.head.repo_id === each.base?.repo_id) found.push(requestOf(each));
      return found.sort((a, b) => b.number - a.number);
    },
    open: (repository, { title, body, head, base, draft }) =>
      asked(repository, async () => {
        const { owner, repo } = split(repository);
        const { data } = await api.repos.repoCreatePullRequest(owner, repo, {
          title: draft ? `${DRAFT}${title}` : title,
          body,
          head,
          base,
        });
        return requestOf(data);
      }),
    rewrite: (repository, number, body) =>
      asked(repository, async () => {
        const { owner, repo } = split(repository);
        await api.repos.repoEditPullRequest(owner, repo, number, { body });
      }),
    label: async (repository, number, labels) => {
      const { owner, repo } = split(repository);
      const ids = new Map<string, number>();
      // An owner that is a user has none.
      const known = [
        paged(repository, (page) => api.orgs.orgListLabels(owner, { page, limit: PAGE })),
        paged(repository, (page) => api.repos.issueListLabels(owner, repo, { page, limit: PAGE })),
      ];
      for (const each of known)
        try {
          for await (const { name = '', id = 0 } of each) ids.set(name, id);
        } catch (error) {
          if (!(error instanceof ForgeError && error.status === 404)) throw error;
        }
      await asked(repository, async () => {
        for (const name of labels)
          if (!ids.has(name)) {
            const { data } = await api.repos.issueCreateLabel(owner, repo, { name, color: COLOR });
            ids.set(name, data.id ?? 0);
          }
        await api.repos.issueAddLabel(owner, repo, number, { labels: labels.map((name) => ids.get(name)) });
      });
    },
    askForReview: (repository, number, reviewers) =>
      asked(repository, async () => {
        const { owner, repo } = split(repository);
        await api.repos.repoCreatePullReviewRequests(owner, repo, number, {
          reviewers: reviewers.filter((name) => !name.includes('/')),
          team_reviewers: reviewers.filter((name) => name.includes('/')).map((name) => name.replace(/^.*\//, '')),
        });
      }),
    async standing(repository, number) {
      const { owner, repo } = split(repository);
      const { data } = await asked(repository, () => api.repos.repoGetPullRequest(owner, repo, number));
      const { state, head } = requestOf(data);
      const status = await asked(repository, () => api.repos.repoGetCombinedStatusByRef(owner, repo, head));
      const reviews: PullReview[] = [];
      for await (const each of paged(repository, (page) =>
        api.repos.repoListPullReviews(owner, repo, number, { page, limit: PAGE }),
      ))
        reviews.push(each);
      return {
        state,
        head,
        draft: data.draft ?? data.title?.startsWith(DRAFT) ?? false,
        checks: checksOf(status.data),
        reviews: lastWords(reviews),
        ...(data.mergeable === undefined || state !== 'open' ? {} : { conflicts: !data.mergeable }),
      };
    },
    close: (repository, number) =>
      asked(repository, async () => {
        const { owner, repo } = split(repository);
        await api.repos.repoEditPullRequest(owner, repo, number, { state: 'closed' });
      }),
  };
}

function requestOf({ number = 0, html_url: url = '', merged, state, body, head }: Pull): PullRequest {
  return {
    number,
    url,
    state: merged === true ? 'merged' : state === 'closed' ? 'closed' : 'open',
    body: body ?? '',
    head: head?.sha ?? '',
  };
}

function checksOf({
  state,
  total_count: total = 0,
}: {
  readonly state?: string;
  readonly total_count?: number;
}): Standing['checks'] {
  if (total === 0) return 'none';
  return state === 'success' || state === 'warning' ? 'passed' : state === 'pending' ? 'pending' : 'failed';
}

function lastWords(reviews: readonly PullReview[]): Standing['reviews'] {
  const last = new Map<string, string>();
  for (const { state, user, dismissed } of reviews)
    if (state === 'APPROVED' || state === 'REQUEST_CHANGES')
      last.set(user?.login ?? '', dismissed === true ? '' : state);
  return reviewsOf(last, { approved: 'APPROVED', changesRequested: 'REQUEST_CHANGES' });
}

/** The client throws its answer where it says no. */
async function asked<T>(about: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ForgeError) throw error;
    const { status, error: content } = error as {
      readonly status?: number;
      readonly error?: { readonly message?: string };
    };
    if (status === undefined) throw error;
    throw new ForgeError(`${about}: ${content?.message ?? 'no reason given'} (${status})`, status);
  }
}
