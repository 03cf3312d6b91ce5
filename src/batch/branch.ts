/**
 * The branch of a request: one commit on the base. It is ours as long as the seal in its message holds; what anybody
 * else made of it stays.
 */
import { createHash } from 'node:crypto';
import { allowProtocol, CloneError, git } from './clone.ts';
import { patiently } from './patience.ts';

export interface Checkout {
  /** As `clone` left it. */
  readonly place: string;
  readonly url: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds for one command that talks to the forge; absent: REMOTE_TIMEOUT. */
  readonly timeout?: number;
}

export interface Person {
  readonly name: string;
  readonly email: string;
}

export interface Message {
  readonly subject: string;
  readonly body: string;
  readonly signOff: boolean;
}

/** What the forge has, asked anew. */
export interface Remote {
  readonly base?: string;
  readonly branch?: string;
}

const REMOTE_TIMEOUT = 120_000;
const LOCAL_TIMEOUT = 60_000;

/** The branch that the clone is on: the repository's default. */
export async function baseBranch(checkout: Checkout): Promise<string> {
  return (await inside(checkout, ['symbolic-ref', '--short', 'HEAD'])).trim();
}

export async function remoteOf(checkout: Checkout, base: string, branch: string): Promise<Remote> {
  const refs = new Map<string, string>();
  const found = await remotely(checkout, ['ls-remote', 'origin', `refs/heads/${base}`, `refs/heads/${branch}`]);
  for (const line of found.split('\n')) {
    const [commit = '', ref = ''] = line.split('\t');
    refs.set(ref, commit);
  }
  const baseCommit = refs.get(`refs/heads/${base}`);
  const branchCommit = refs.get(`refs/heads/${branch}`);
  return {
    ...(baseCommit === undefined ? {} : { base: baseCommit }),
    ...(branchCommit === undefined ? {} : { branch: branchCommit }),
  };
}

/** The patch that a commit of ours carries; undefined: it is not ours, or somebody has changed it. */
export async function ourChange(checkout: Checkout, branch: string, commit: string): Promise<string | undefined> {
  await remotely(checkout, [
    'fetch',
    '--quiet',
    '--depth=1',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    'origin',
    `+refs/heads/${branch}:refs/dockerfix/seen`,
  ]);
  const seen = (await inside(checkout, ['rev-parse', '--verify', 'refs/dockerfix/seen'])).trim();
  if (seen !== commit) return undefined;
  const raw = await inside(checkout, ['cat-file', 'commit', commit]);
  const end = raw.indexOf('\n\n');
  const head = raw.slice(0, end).split('\n');
  const message = raw.slice(end + 2);
  const values = (key: string): string[] =>
    head.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const sealed = /^([^]*\n)Dockerfix-Change: ([0-9a-f]{16})\.([0-9a-f]{16})\n((?:Signed-off-by: .*\n)?)$/.exec(message);
  const [parent, ...more] = values('parent');
  const author = /^(.*>) \d+ [+-]\d+$/.exec(values('author')[0] ?? '')?.[1];
  if (sealed === null || parent === undefined || more.length > 0 || author === undefined) return undefined;
  const [, text = '', change = '', seal, signOff = ''] = sealed;
  return seal === sealOf([change, parent, values('tree')[0] ?? '', author, text + signOff]) ? change : undefined;
}

/** The patch on top of the clone's commit. Nothing is checked out and nothing of the repository runs. */
export async function commitPatch(
  checkout: Checkout,
  base: string,
  patch: string,
  { name, email }: Person,
  { subject, body, signOff }: Message,
): Promise<string> {
  await inside(checkout, ['apply', '--cached', '--whitespace=nowarn', '-'], patch);
  // What is too large to be here is in the index by its name.
  const tree = (await inside(checkout, ['write-tree', '--missing-ok'])).trim();
  const author = `${name} <${email}>`;
  const change = changeOf(patch);
  const text = `${subject}\n\n${body}\n\n`;
  const trailer = signOff ? `Signed-off-by: ${author}\n` : '';
  const seal = sealOf([change, base, tree, author, text + trailer]);
  const who = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
  const message = `${text}Dockerfix-Change: ${change}.${seal}\n${trailer}`;
  return (await inside(checkout, ['commit-tree', tree, '-p', base, '-F', '-'], message, who)).trim();
}

/** Names a patch, wherever it is met again. */
export function changeOf(patch: string): string {
  return short(patch);
}

export function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function sealOf(parts: readonly string[]): string {
  return short(JSON.stringify(parts));
}

/** Somebody else was there in between, so all is to be looked at again. */
export class MovedError extends Error {}

/** Only while the branch is what was seen; undefined: while there is none. Throws a MovedError where it is not. */
export async function push(
  checkout: Checkout,
  commit: string,
  branch: string,
  seen: string | undefined,
): Promise<void> {
  await pushed(checkout, 'origin', `${commit}:refs/heads/${branch}`, `refs/heads/${branch}:${seen ?? ''}`);
}

/** Only while it is that commit. `place` is any repository. */
export async function removeBranch(checkout: Checkout, branch: string, commit: string): Promise<void> {
  await pushed(checkout, checkout.url, `:refs/heads/${branch}`, `refs/heads/${branch}:${commit}`);
}

async function pushed(checkout: Checkout, to: string, refspec: string, lease: string): Promise<void> {
  const fixed = ['--quiet', '--no-verify', '--no-signed', '--no-follow-tags', '--recurse-submodules=no'];
  try {
    await remotely(checkout, ['push', ...fixed, `--force-with-lease=${lease}`, to, refspec]);
  } catch (error) {
    if (!(error instanceof CloneError)) throw error;
    const refused = /^ ! \[(?:remote )?rejected\].*\((.*)\)$/m.exec(error.output)?.[1];
    if (refused === 'stale info' || refused === 'fetch first') throw new MovedError(refused);
    const said = /^remote: (?:error: )?(.*\w.*)$/m.exec(error.output)?.[1];
    throw refused === undefined
      ? error
      : new CloneError('push-refused', `the push was refused: ${said ?? refused}`, error.output);
  }
}

async function inside(
  { place }: Checkout,
  args: readonly string[],
  text?: string,
  environment?: Checkout['environment'],
): Promise<string> {
  const input = text === undefined ? undefined : Buffer.from(text).toString('latin1');
  const output = await git(['-C', place, ...args], [], AbortSignal.timeout(LOCAL_TIMEOUT), { input, environment });
  return Buffer.from(output, 'latin1').toString();
}

function remotely(
  { place, url, environment, timeout = REMOTE_TIMEOUT }: Checkout,
  args: readonly string[],
): Promise<string> {
  return patiently(() =>
    git(['-C', place, ...args], [allowProtocol(url)], AbortSignal.timeout(timeout), { environment }),
  );
}
