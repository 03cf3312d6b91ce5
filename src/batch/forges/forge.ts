/** What a forge is asked: the same of all of them. */

export type ForgeKind = 'github' | 'gitlab' | 'gitea';

/** Where a repository lives. */
export interface Home {
  readonly forge: ForgeKind;
  /** Of the forge's pages, without a slash at the end: `https://github.com`. */
  readonly url: string;
  /** `owner/name`; on GitLab with all groups above it. */
  readonly repository: string;
}

export interface Listed {
  readonly home: Home;
  /** Clone URL. */
  readonly clone: string;
}

/** Which repositories of an owner are meant. */
export interface Wanted {
  /** All of them. */
  readonly topics: readonly string[];
  readonly archived: boolean;
  readonly forks: boolean;
}

/** What a forge says of a repository, as far as it is asked for. */
export interface About {
  readonly archived?: boolean | undefined;
  readonly fork?: boolean | undefined;
  readonly topics?: readonly string[] | undefined;
}

export function isWanted({ archived, fork, topics = [] }: About, wanted: Wanted): boolean {
  return (
    (wanted.archived || archived !== true) &&
    (wanted.forks || fork !== true) &&
    wanted.topics.every((topic) => topics.includes(topic))
  );
}

/** `owner/name`, where nothing is nested. */
export function split(repository: string): { readonly owner: string; readonly repo: string } {
  const [owner = '', repo = ''] = repository.split('/');
  return { owner, repo };
}

/** A pull or merge request. */
export interface PullRequest {
  readonly number: number;
  readonly url: string;
  readonly state: 'open' | 'closed' | 'merged';
  readonly body: string;
  /** Commit at the tip of its branch. */
  readonly head: string;
}

export interface Standing extends Pick<PullRequest, 'state' | 'head'> {
  readonly draft: boolean;
  readonly checks: 'passed' | 'failed' | 'pending' | 'none';
  /** Of each reviewer the last word. */
  readonly reviews: { readonly approved: number; readonly changesRequested: number };
  /** It cannot be merged as it is; absent: the forge does not say. */
  readonly conflicts?: boolean;
}

/** From what each reviewer said last. */
export function reviewsOf(
  last: ReadonlyMap<string, string>,
  words: { readonly approved: string; readonly changesRequested: string },
): Standing['reviews'] {
  const count = (wanted: string): number => [...last.values()].filter((word) => word === wanted).length;
  return { approved: count(words.approved), changesRequested: count(words.changesRequested) };
}

export interface NewRequest {
  readonly title: string;
  readonly body: string;
  /** Branch of the repository itself. */
  readonly head: string;
  readonly base: string;
  readonly draft: boolean;
}

/** Every call waits where the forge asks for it, and is tried again where that helps. All throw a ForgeError. */
export interface Forge {
  /** An organisation, group or user; on GitHub also a search. */
  list(scope: string, wanted: Wanted): AsyncIterable<Listed>;
  /** Of a branch of the repository itself, in every state, newest first. */
  requests(repository: string, branch: string): Promise<readonly PullRequest[]>;
  open(repository: string, request: NewRequest): Promise<PullRequest>;
  rewrite(repository: string, number: number, body: string): Promise<void>;
  /** Adds what is not there yet. */
  label(repository: string, number: number, labels: readonly string[]): Promise<void>;
  askForReview(repository: string, number: number, reviewers: readonly string[]): Promise<void>;
  standing(repository: string, number: number): Promise<Standing>;
  close(repository: string, number: number): Promise<void>;
}

export class ForgeError extends Error {
  /** Absent: there was no answer. */
  readonly status: number | undefined;
  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** What a client of a forge needs to know. */
export interface Access {
  readonly url: string;
  readonly token: string | undefined;
  /** Of the tool. */
  readonly agent: string;
  /** Waiting, told once it is long. */
  readonly say: (line: string) => void;
  /** Milliseconds for one try of one call. */
  readonly timeout: number;
}
