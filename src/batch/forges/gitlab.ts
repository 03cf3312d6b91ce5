/** GitLab, of gitlab.com or one's own. */
import { Gitlab } from '@gitbeaker/rest';
import { createRequesterFn, type ResponseBodyTypes } from '@gitbeaker/requester-utils';
import {
  ForgeError,
  isWanted,
  type Access,
  type Forge,
  type PullRequest,
  type Standing,
  type Wanted,
} from './forge.ts';
import { patientFetch } from './patient-fetch.ts';

const PAGE = 100;

export function gitlab({ url, token, agent, say, timeout }: Access): Forge {
  const fetched = patientFetch({ say, timeout });
  const api = new Gitlab({
    host: url,
    ...(token === undefined ? {} : { token }),
    // The client's own tries do not wait as long as GitLab asks for.
    requesterFn: createRequesterFn(
      (_resource, request) => Promise.resolve(request),
      async (endpoint, options) => {
        const { prefixUrl = '', searchParams, method = 'GET', headers, body } = options as Call;
        const address = new URL(endpoint, `${prefixUrl.replace(/\/$/, '')}/`);
        address.search = searchParams ?? '';
        const response = await fetched(address, {
          method,
          headers: { ...headers, 'user-agent': agent },
          ...(body === undefined ? {} : { body }),
        });
        const content: unknown = /json/.test(response.headers.get('content-type') ?? '')
          ? await response.json()
          : await response.text();
        if (!response.ok) throw new ForgeError(reasonOf(content, response), response.status);
        return {
          body: content as ResponseBodyTypes,
          headers: Object.fromEntries(response.headers),
          status: response.status,
        };
      },
    ),
  });

  async function projects(scope: string, wanted: Wanted): Promise<readonly Project[]> {
    const filter = {
      perPage: PAGE,
      ...(wanted.archived ? {} : { archived: false }),
    };
    try {
      const found = await api.Groups.allProjects(scope, { ...filter, includeSubgroups: true, withShared: false });
      return found as unknown as readonly Project[];
    } catch (error) {
      if (!(error instanceof ForgeError && error.status === 404)) throw error;
      return (await api.Users.allProjects(scope, filter)) as unknown as readonly Project[];
    }
  }
  const show = async (repository: string, number: number): Promise<MergeRequest> =>
    (await api.MergeRequests.show(repository, number)) as unknown as MergeRequest;

  return {
    async *list(scope, wanted) {
      const all = await asked(scope, () => projects(scope, wanted));
      for (const each of all)
        if (each.empty_repo !== true && isWanted({ ...each, fork: each.forked_from_project !== undefined }, wanted))
          yield {
            home: { forge: 'gitlab', url, repository: each.path_with_namespace },
            clone: each.http_url_to_repo,
          };
    },
    requests: (repository, branch) =>
      asked(repository, async () => {
        const found = (await api.MergeRequests.all({
          projectId: repository,
          sourceBranch: branch,
          scope: 'all',
          orderBy: 'created_at',
          sort: 'desc',
        })) as unknown as readonly MergeRequest[];
        return found
          .filter((one) => one.source_branch === branch && one.source_project_id === one.target_project_id)
          .map(requestOf);
      }),
    open: (repository, { title, body, head, base, draft }) =>
      asked(repository, async () =>
        requestOf(
          (await api.MergeRequests.create(repository, head, base, draft ? `Draft: ${title}` : title, {
            description: body,
            removeSourceBranch: true,
          })) as unknown as MergeRequest,
        ),
      ),
    rewrite: (repository, number, body) =>
      asked(repository, async () => {
        await api.MergeRequests.edit(repository, number, { description: body });
      }),
    label: (repository, number, labels) =>
      asked(repository, async () => {
        await api.MergeRequests.edit(repository, number, { addLabels: labels as unknown as string });
      }),
    askForReview: (repository, number, reviewers) =>
      asked(repository, async () => {
        const ids = new Set(((await show(repository, number)).reviewers ?? []).map(({ id }) => id));
        const unknown: string[] = [];
        for (const name of reviewers) {
          const found = await api.Projects.allUsers(repository, { search: name });
          const user = found.find(({ username }) => username.toLowerCase() === name.toLowerCase());
          if (user === undefined) unknown.push(name);
          else ids.add(user.id);
        }
        if (ids.size > 0) await api.MergeRequests.edit(repository, number, { reviewerIds: [...ids] });
        if (unknown.length > 0) throw new ForgeError(`no member is called ${unknown.join(', ')}`, 422);
      }),
    standing: (repository, number) =>
      asked(repository, async () => {
        const one = await show(repository, number);
        // Described with the project's number, not with its name.
        const approvals = (await api.MergeRequestApprovals.showConfiguration(one.target_project_id, {
          mergerequestIId: number,
        })) as unknown as Approvals;
        const { state, head } = requestOf(one);
        return {
          state,
          head,
          draft: one.draft ?? false,
          checks: checksOf(one.head_pipeline?.status),
          reviews: {
            approved: approvals.approved_by?.length ?? 0,
            changesRequested: one.detailed_merge_status === 'requested_changes' ? 1 : 0,
          },
          ...(one.has_conflicts === undefined ? {} : { conflicts: one.has_conflicts }),
        };
      }),
    close: (repository, number) =>
      asked(repository, async () => {
        await api.MergeRequests.edit(repository, number, { stateEvent: 'close' });
      }),
  };
}

/** What the client makes of a call. */
interface Call {
  readonly prefixUrl?: string;
  readonly searchParams?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** As GitLab sends them; the client's own types leave most open. */
interface Project {
  readonly path_with_namespace: string;
  readonly http_url_to_repo: string;
  readonly archived?: boolean;
  readonly topics?: readonly string[];
  readonly forked_from_project?: object;
  readonly empty_repo?: boolean;
}

interface MergeRequest {
  readonly iid: number;
  readonly web_url: string;
  readonly state: string;
  readonly description: string | null;
  readonly sha: string | null;
  readonly source_branch: string;
  readonly source_project_id: number;
  readonly target_project_id: number;
  readonly draft?: boolean;
  readonly reviewers?: readonly { readonly id: number }[];
  readonly head_pipeline?: { readonly status: string } | null;
  readonly has_conflicts?: boolean;
  readonly detailed_merge_status?: string;
}

interface Approvals {
  readonly approved_by?: readonly object[];
}

function requestOf({ iid, web_url: url, state, description, sha }: MergeRequest): PullRequest {
  return {
    number: iid,
    url,
    // `locked`: it is being merged.
    state: state === 'merged' ? 'merged' : state === 'closed' ? 'closed' : 'open',
    body: description ?? '',
    head: sha ?? '',
  };
}

function checksOf(status: string | undefined): Standing['checks'] {
  if (status === undefined || status === 'skipped') return 'none';
  if (status === 'success') return 'passed';
  return status === 'failed' || status === 'canceled' ? 'failed' : 'pending';
}

function reasonOf(content: unknown, { status }: Response): string {
  const { message, error } = (typeof content === 'object' ? (content ?? {}) : {}) as Record<string, unknown>;
  const said = message ?? error;
  const text = said === undefined ? '' : typeof said === 'string' ? said : JSON.stringify(said);
  return `${text === '' ? 'no reason given' : text.slice(0, 300)} (${status})`;
}

async function asked<T>(about: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ForgeError) throw new ForgeError(`${about}: ${error.message}`, error.status);
    throw error;
  }
}
