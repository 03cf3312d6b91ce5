/** GitLab, as far as dockerfix asks. */
import { startForge, tip, TOKEN, type Answer, type ForgeServer, type Repository, type Request } from './server.ts';

export function startGitLab(): Promise<ForgeServer> {
  return startForge('gitlab', {
    prefix: '/api/v4',
    described: true,
    authorized: (headers) => headers['private-token'] === TOKEN,
    operations(server) {
      type Params = Readonly<Record<string, string>>;
      const repositoryOf = ({ id = '' }: Params): Repository | undefined =>
        server.repositories.get(decodeURIComponent(id));
      const requestOf = (params: Params): Request | undefined =>
        repositoryOf(params)?.requests.find(({ number }) => String(number) === params['merge_request_iid']);
      const missing: Answer = { status: 404, body: { message: '404 Not found' } };
      const idOf = (one: Repository): number => [...server.repositories.keys()].indexOf(one.name) + 1;
      const people = ['bo', 'cy'];

      const project = (one: Repository) => ({
        id: idOf(one),
        path_with_namespace: one.name,
        http_url_to_repo: `${server.url}/${one.name}.git`,
        archived: one.archived,
        empty_repo: false,
        topics: one.topics,
        ...(one.fork ? { forked_from_project: { id: 99 } } : {}),
      });
      const show = (one: Repository, request: Request) => {
        const commit = tip(one, request.head);
        // Unlike elsewhere, it stays open without its branch.
        if (commit !== undefined && request.state !== 'merged') request.commit = commit;
        return {
          iid: request.number,
          web_url: `${server.url}/${one.name}/-/merge_requests/${request.number}`,
          state: request.state === 'open' ? 'opened' : request.state,
          title: request.title,
          description: request.body,
          draft: request.draft,
          sha: request.commit,
          source_branch: request.head,
          source_project_id: idOf(one),
          target_project_id: idOf(one),
          reviewers: request.reviewers.map((username) => ({ id: people.indexOf(username) + 1, username })),
          head_pipeline: { status: 'success' },
          has_conflicts: request.conflicts === true,
          detailed_merge_status: 'requested_changes',
        };
      };
      const owned = (all: readonly Repository[], query: Params, path: string): Answer => {
        const kept = all.filter(
          ({ archived }) => query['archived'] === undefined || String(archived) === query['archived'],
        );
        // Pages of two, so that paging is seen.
        const page = Number(query['page'] ?? 1);
        const next = new URLSearchParams({ ...query, page: String(page + 1) }).toString();
        return {
          headers: kept.length > page * 2 ? { link: `<${server.url}${path}?${next}>; rel="next"` } : {},
          body: kept.slice((page - 1) * 2, page * 2).map(project),
        };
      };
      const below = (group: string): Repository[] =>
        [...server.repositories.values()].filter(({ name }) => name.startsWith(`${group}/`));

      return {
        getApiV4GroupsIdProjects: ({ params, query, path }) => {
          const group = decodeURIComponent(params['id'] ?? '');
          if (group === 'ann' || below(group).length === 0) return missing;
          if (query['include_subgroups'] !== 'true') return 'the groups below are left out';
          return owned(below(group), query, path);
        },
        getApiV4UsersUserIdProjects: ({ params, query, path }) =>
          below(params['user_id'] ?? '').length === 0 ? missing : owned(below(params['user_id'] ?? ''), query, path),
        getApiV4ProjectsIdMergeRequests: ({ params, query }) => {
          const one = repositoryOf(params);
          if (one === undefined) return missing;
          const found = one.requests.filter(({ head }) => head === query['source_branch']);
          return { body: found.map((each) => show(one, each)).reverse() };
        },
        postApiV4ProjectsIdMergeRequests: ({ params, body }) => {
          const one = repositoryOf(params);
          if (one === undefined) return missing;
          const head = String(body['source_branch']);
          const base = String(body['target_branch']);
          const there = one.requests.find((each) => each.head === head && each.state === 'open');
          if (there !== undefined)
            return {
              status: 409,
              body: { message: [`Another open merge request already exists for this source branch: !${there.number}`] },
            };
          const commit = tip(one, head);
          if (commit === undefined || tip(one, base) === undefined) return 'there is no such branch';
          const title = String(body['title']);
          const request: Request = {
            number: one.requests.length + 1,
            title,
            body: String(body['description']),
            head,
            base,
            draft: title.startsWith('Draft: '),
            state: 'open',
            labels: [],
            reviewers: [],
            commit,
          };
          one.requests.push(request);
          return { status: 201, body: show(one, request) };
        },
        getApiV4ProjectsIdMergeRequestsMergeRequestIid: ({ params }) => {
          const one = repositoryOf(params);
          const request = requestOf(params);
          return one === undefined || request === undefined ? missing : { body: show(one, request) };
        },
        putApiV4ProjectsIdMergeRequestsMergeRequestIid: ({ params, body }) => {
          const one = repositoryOf(params);
          const request = requestOf(params);
          if (one === undefined || request === undefined) return missing;
          if (typeof body['description'] === 'string') request.body = body['description'];
          if (body['state_event'] === 'close') request.state = 'closed';
          request.labels = [...new Set([...request.labels, ...((body['add_labels'] as string[] | undefined) ?? [])])];
          const reviewers = body['reviewer_ids'] as number[] | undefined;
          if (reviewers !== undefined) request.reviewers = reviewers.map((id) => people[id - 1] ?? '');
          return { body: show(one, request) };
        },
        getApiV4ProjectsIdMergeRequestsMergeRequestIidApprovals: () => ({
          body: { approved: true, approved_by: [{ user: { username: 'bo' } }] },
        }),
        getApiV4ProjectsIdUsers: ({ query }) => ({
          body: people
            .map((username, at) => ({ id: at + 1, username }))
            .filter(({ username }) => username.includes(query['search'] ?? '')),
        }),
      };
    },
  });
}
