/** Gitea, as far as dockerfix asks. What it answers is checked against the client's types of the answers. */
import type { PullRequest, PullReview, Repository as GiteaRepository } from 'gitea-js';
import { startForge, tip, TOKEN, type Answer, type ForgeServer, type Repository, type Request } from './server.ts';

const PAGE = 2;

export function startGitea(): Promise<ForgeServer> {
  return startForge('gitea', {
    prefix: '/api/v1',
    authorized: ({ authorization }) => authorization === `Bearer ${TOKEN}`,
    operations(server) {
      type Params = Readonly<Record<string, string>>;
      const labels = new Map<string, { id: number; name: string }[]>();
      const repositoryOf = ({ owner, repo }: Params): Repository | undefined =>
        server.repositories.get(`${owner ?? ''}/${repo ?? ''}`);
      const requestOf = (params: Params): Request | undefined =>
        repositoryOf(params)?.requests.find(({ number }) => String(number) === params['index']);
      const missing: Answer = { status: 404, body: { message: 'GetUserByName', url: `${server.url}/api/swagger` } };

      const repository = (one: Repository): GiteaRepository & { topics: string[] } => ({
        full_name: one.name,
        clone_url: `${server.url}/${one.name}.git`,
        archived: one.archived,
        fork: one.fork,
        empty: false,
        topics: one.topics,
      });
      const pull = (one: Repository, request: Request): PullRequest => {
        const commit = tip(one, request.head);
        if (commit !== undefined && request.state !== 'merged') request.commit = commit;
        else if (request.state === 'open') request.state = 'closed';
        return {
          number: request.number,
          html_url: `${server.url}/${one.name}/pulls/${request.number}`,
          state: request.state === 'open' ? 'open' : 'closed',
          merged: request.state === 'merged',
          title: request.title,
          body: request.body,
          mergeable: request.conflicts !== true,
          head: {
            label: request.head,
            ref: commit === undefined ? `refs/pull/${request.number}/head` : request.head,
            sha: request.commit,
            repo_id: 1,
          },
          base: { label: request.base, ref: request.base, repo_id: 1 },
        };
      };
      const paged = (all: readonly unknown[], query: Params): Answer => {
        const page = Number(query['page'] ?? 1);
        return { body: all.slice((page - 1) * PAGE, page * PAGE) };
      };
      const owned = (owner: string): GiteaRepository[] =>
        [...server.repositories.values()].filter(({ name }) => name.startsWith(`${owner}/`)).map(repository);
      const labelsOf = (key: string): { id: number; name: string }[] => {
        const known = labels.get(key) ?? [];
        labels.set(key, known);
        return known;
      };
      labelsOf('acme').push({ id: 7, name: 'docker' });

      return {
        orgListRepos: ({ params, query }) => {
          const all = owned(params['org'] ?? '');
          return params['org'] === 'ann' || all.length === 0 ? missing : paged(all, query);
        },
        userListRepos: ({ params, query }) => {
          const all = owned(params['username'] ?? '');
          return all.length === 0 ? missing : paged(all, query);
        },
        repoListPullRequests: ({ params, query }) => {
          const one = repositoryOf(params);
          if (one === undefined) return missing;
          const all = one.requests.map((each) => pull(one, each));
          return paged(query['state'] === 'all' ? all : all.filter(({ state }) => state === 'open'), query);
        },
        repoCreatePullRequest: ({ params, body }) => {
          const one = repositoryOf(params);
          if (one === undefined) return missing;
          const { title = '', body: text = '', head = '', base = '' } = body as Partial<Request>;
          if (one.requests.some((each) => each.head === head && each.state === 'open'))
            return { status: 409, body: { message: 'pull request already exists for these targets' } };
          const commit = tip(one, head);
          if (commit === undefined || tip(one, base) === undefined) return 'there is no such branch';
          const request: Request = {
            number: one.requests.length + 1,
            title,
            body: text,
            head,
            base,
            draft: title.startsWith('WIP: '),
            state: 'open',
            labels: [],
            reviewers: [],
            commit,
          };
          one.requests.push(request);
          return { status: 201, body: pull(one, request) };
        },
        repoGetPullRequest: ({ params }) => {
          const one = repositoryOf(params);
          const request = requestOf(params);
          return one === undefined || request === undefined ? missing : { body: pull(one, request) };
        },
        repoEditPullRequest: ({ params, body }) => {
          const one = repositoryOf(params);
          const request = requestOf(params);
          if (one === undefined || request === undefined) return missing;
          if (typeof body['body'] === 'string') request.body = body['body'];
          if (body['state'] === 'closed') request.state = 'closed';
          return { status: 201, body: pull(one, request) };
        },
        orgListLabels: ({ params, query }) => paged(labelsOf(params['org'] ?? ''), query),
        issueListLabels: ({ params, query }) => paged(labelsOf(`${params['owner']}/${params['repo']}`), query),
        issueCreateLabel: ({ params, body }) => {
          const known = labelsOf(`${params['owner']}/${params['repo']}`);
          const label = { id: 100 + known.length, name: String(body['name']) };
          known.push(label);
          return { status: 201, body: label };
        },
        issueAddLabel: ({ params, body }) => {
          const request = requestOf(params);
          if (request === undefined) return missing;
          const known = [...labelsOf(params['owner'] ?? ''), ...labelsOf(`${params['owner']}/${params['repo']}`)];
          for (const id of body['labels'] as number[]) {
            const name = known.find((each) => each.id === id)?.name;
            if (name === undefined) return 'there is no such label';
            request.labels.push(name);
          }
          return { body: request.labels.map((name) => ({ name })) };
        },
        repoCreatePullReviewRequests: ({ params, body }) => {
          const request = requestOf(params);
          if (request === undefined) return missing;
          const { reviewers = [], team_reviewers = [] } = body as { reviewers?: string[]; team_reviewers?: string[] };
          request.reviewers.push(...reviewers, ...team_reviewers.map((team) => `team ${team}`));
          return { status: 201, body: [] };
        },
        repoListPullReviews: ({ query }) =>
          paged(
            [
              { id: 1, user: { login: 'bo' }, state: 'REQUEST_CHANGES', dismissed: false },
              { id: 2, user: { login: 'bo' }, state: 'COMMENT' },
              { id: 3, user: { login: 'bo' }, state: 'APPROVED', dismissed: false },
            ] satisfies PullReview[],
            query,
          ),
        repoGetCombinedStatusByRef: () => ({ body: { state: 'success', total_count: 1, statuses: [] } }),
      };
    },
  });
}
