/** GitHub Enterprise, as far as dockerfix asks. What it answers is checked against Octokit's types of the answers. */
import type { RestEndpointMethodTypes } from '@octokit/rest';
import { startForge, tip, TOKEN, type Answer, type ForgeServer, type Repository, type Request } from './server.ts';

type Methods = RestEndpointMethodTypes;
type Some<T> = T extends readonly (infer Item)[]
  ? Some<Item>[]
  : T extends object
    ? { [Name in keyof T]?: Some<T[Name]> }
    : T;

/** Pages of two, so that paging is seen. */
const PAGE = 2;

export function startGitHub(): Promise<ForgeServer> {
  return startForge('github', {
    prefix: '/api/v3',
    authorized: ({ authorization }) => authorization === `token ${TOKEN}`,
    operations(server) {
      const repositoryOf = ({ owner, repo }: Readonly<Record<string, string>>): Repository | undefined =>
        server.repositories.get(`${owner ?? ''}/${repo ?? ''}`);
      const requestOf = (params: Readonly<Record<string, string>>): Request | undefined =>
        repositoryOf(params)?.requests.find(
          ({ number }) => String(number) === (params['pull_number'] ?? params['issue_number']),
        );
      const missing: Answer = { status: 404, body: { message: 'Not Found' } };

      const repository = (one: Repository) =>
        ({
          full_name: one.name,
          clone_url: `${server.url}/${one.name}.git`,
          archived: one.archived,
          disabled: false,
          fork: one.fork,
          topics: one.topics,
        }) satisfies Some<Methods['repos']['listForOrg']['response']['data'][number]>;
      const pull = (one: Repository, request: Request) => {
        const commit = tip(one, request.head);
        if (commit !== undefined && request.state !== 'merged') request.commit = commit;
        // The branch is gone.
        else if (request.state === 'open') request.state = 'closed';
        return {
          number: request.number,
          html_url: `${server.url}/${one.name}/pull/${request.number}`,
          state: request.state === 'open' ? ('open' as const) : ('closed' as const),
          merged_at: request.state === 'merged' ? '2026-01-01T00:00:00Z' : null,
          title: request.title,
          body: request.body,
          draft: request.draft,
          head: { ref: request.head, sha: request.commit, repo: { full_name: one.name } },
          base: { ref: request.base, repo: { full_name: one.name } },
        } satisfies Some<Methods['pulls']['list']['response']['data'][number]>;
      };
      const paged = (all: readonly unknown[], path: string, query: Readonly<Record<string, string>>): Answer => {
        const page = Number(query['page'] ?? 1);
        const rest = new URLSearchParams({ ...query, page: String(page + 1) }).toString();
        const more = all.length > page * PAGE;
        return {
          headers: more ? { link: `<${server.url}/api/v3${path}?${rest}>; rel="next"` } : {},
          body: all.slice((page - 1) * PAGE, page * PAGE),
        };
      };
      const owned = (owner: string): Repository[] =>
        [...server.repositories.values()].filter(({ name }) => name.startsWith(`${owner}/`));

      return {
        'users/get-by-username': ({ params }) =>
          owned(params['username'] ?? '').length === 0
            ? missing
            : {
                body: {
                  login: params['username'] ?? '',
                  type: params['username'] === 'ann' ? 'User' : 'Organization',
                } satisfies Some<Methods['users']['getByUsername']['response']['data']>,
              },
        'repos/list-for-org': ({ params, path, query }) =>
          paged(owned(params['org'] ?? '').map(repository), path, query),
        'repos/list-for-user': ({ params, path, query }) =>
          paged(owned(params['username'] ?? '').map(repository), path, query),
        'search/repos': ({ path, query }) => {
          const topic = /topic:(\S+)/.exec(query['q'] ?? '')?.[1] ?? '';
          const items = [...server.repositories.values()]
            .filter(({ topics }) => topics.includes(topic))
            .map(repository);
          const { headers = {}, body } = paged(items, path, query);
          return { headers, body: { total_count: items.length, incomplete_results: false, items: body } };
        },
        'pulls/list': ({ params, query, path }) => {
          const one = repositoryOf(params);
          if (one === undefined) return missing;
          const [owner, branch] = (query['head'] ?? '').split(':');
          if (branch === undefined || owner !== params['owner']) return '`head` must be OWNER:BRANCH';
          const wanted = query['state'] ?? 'open';
          const all = one.requests.filter(({ head }) => head === branch).map((each) => pull(one, each));
          return paged(all.filter(({ state }) => wanted === 'all' || state === wanted).reverse(), path, query);
        },
        'pulls/create': ({ params, body }) => {
          const one = repositoryOf(params);
          if (one === undefined) return missing;
          const { title = '', body: text = '', head = '', base = '', draft = false } = body as Partial<Request>;
          if (one.requests.some((each) => each.head === head && each.state === 'open'))
            return {
              status: 422,
              body: {
                message: 'Validation Failed',
                errors: [
                  { resource: 'PullRequest', code: 'custom', message: `A pull request already exists for x:${head}.` },
                ],
              },
            };
          const commit = tip(one, head);
          if (commit === undefined || tip(one, base) === undefined) return '`head` or `base` is no branch';
          const number = one.requests.length + 1;
          const request: Request = {
            number,
            title,
            body: text,
            head,
            base,
            draft,
            state: 'open',
            labels: [],
            reviewers: [],
            commit,
          };
          one.requests.push(request);
          return { status: 201, body: pull(one, request) };
        },
        'pulls/get': ({ params }) => {
          const one = repositoryOf(params);
          const request = requestOf(params);
          return one === undefined || request === undefined
            ? missing
            : { body: { ...pull(one, request), mergeable: request.conflicts !== true } };
        },
        'pulls/update': ({ params, body }) => {
          const one = repositoryOf(params);
          const request = requestOf(params);
          if (one === undefined || request === undefined) return missing;
          if (typeof body['body'] === 'string') request.body = body['body'];
          if (body['state'] === 'closed') request.state = 'closed';
          return { body: pull(one, request) };
        },
        'issues/add-labels': ({ params, body }) => {
          const request = requestOf(params);
          if (request === undefined) return missing;
          request.labels = [...new Set([...request.labels, ...((body['labels'] as string[] | undefined) ?? [])])];
          return { body: request.labels.map((name) => ({ name })) };
        },
        'pulls/request-reviewers': ({ params, body }) => {
          const one = repositoryOf(params);
          const request = requestOf(params);
          if (one === undefined || request === undefined) return missing;
          const { reviewers = [], team_reviewers = [] } = body as { reviewers?: string[]; team_reviewers?: string[] };
          if (reviewers.includes('nobody'))
            return {
              status: 422,
              body: { message: 'Reviews may only be requested from collaborators.' },
            };
          request.reviewers.push(...reviewers, ...team_reviewers.map((team) => `team ${team}`));
          return { status: 201, body: pull(one, request) };
        },
        'pulls/list-reviews': () => ({
          body: [
            { id: 1, user: { login: 'bo' }, state: 'CHANGES_REQUESTED' },
            { id: 2, user: { login: 'bo' }, state: 'APPROVED' },
            { id: 3, user: { login: 'bo' }, state: 'COMMENTED' },
          ] satisfies Some<Methods['pulls']['listReviews']['response']['data']>,
        }),
        'checks/list-for-ref': () => ({
          body: {
            total_count: 1,
            check_runs: [{ id: 1, status: 'completed', conclusion: 'success' }],
          } satisfies Some<Methods['checks']['listForRef']['response']['data']>,
        }),
        'repos/get-combined-status-for-ref': () => ({
          body: { state: 'pending', total_count: 0 } satisfies Some<
            Methods['repos']['getCombinedStatusForRef']['response']['data']
          >,
        }),
      };
    },
  });
}
