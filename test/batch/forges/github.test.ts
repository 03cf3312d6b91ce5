import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dockerfix, FIXED } from '../../cli/support.ts';
import { startGitHub } from './github.ts';
import { commitTo, git, tip, TOKEN, type ForgeServer, type Repository } from './server.ts';
import { batch, FILES, place, type Place } from './support.ts';

const BRANCH = 'dockerfix/layer-cache';
let server: ForgeServer;
let at: Place & { readonly gitCalls: () => string };
beforeEach(async () => {
  server = await startGitHub();
  at = place({ GH_ENTERPRISE_TOKEN: TOKEN });
});
afterEach(async () => {
  const { wrong } = server;
  await server.stop();
  expect(wrong).toEqual([]);
});

let run = 0;
/** Into a results folder of its own, as one that begins anew. */
function openRequests(...more: readonly string[]): ReturnType<typeof batch> {
  return batch(at, '--github', 'acme', '--url', server.url, '--open-prs', '--results', `run${run++}`, ...more);
}

function journal(results: string): Record<string, unknown>[] {
  return readFileSync(join(at.cwd, results, 'journal.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const writes = (): string[] => server.calls.filter((call) => /^(?:POST|PATCH|PUT|DELETE|git git-receive)/.test(call));

describe('listing', () => {
  it('leaves out archived repositories and forks, and takes all pages', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.add(`acme/${name}`, { 'a.txt': '' });
    (server.repositories.get('acme/b') as Repository).archived = true;
    (server.repositories.get('acme/c') as Repository).fork = true;
    (server.repositories.get('acme/e') as Repository).topics = ['docker', 'web'];
    server.add('other/f', { 'a.txt': '' });
    const listed = async (...argv: readonly string[]): Promise<string[]> => {
      const results = `list${run++}`;
      const { err } = await batch(at, '--url', server.url, '--results', results, ...argv);
      expect(err).toContain('without a Dockerfile');
      return journal(results)
        .filter(({ event }) => event === 'target')
        .map(({ home }) => (home as { repository: string }).repository);
    };
    expect(await listed('--github', 'acme')).toEqual(['acme/a', 'acme/d', 'acme/e']);
    expect(await listed('--github', 'acme', '--archived', '--forks', '--limit', '3')).toEqual([
      'acme/a',
      'acme/b',
      'acme/c',
    ]);
    expect(await listed('--github', 'acme', '--topic', 'docker', '--topic', 'web')).toEqual(['acme/e']);
    expect(await listed('--github', 'topic:web')).toEqual(['acme/e']);
  });
  it.each([
    ['an owner that is not there', ['--github', 'nobody'], '--github nobody: Not Found (404)'],
    ['a topic without a listing', ['.', '--topic', 'x'], '--topic goes with --github'],
    ['requests for a directory', ['.', '--open-prs'], 'it is not known on which forge'],
    ['a branch that git does not allow', ['.', '--open-prs', '--branch', 'a..b'], 'is not a name that git allows'],
    ['an author without an address', ['.', '--open-prs', '--author', 'Ann'], '--author takes "NAME <MAIL>"'],
    ['a label without requests', ['.', '--label', 'x'], '--label goes with --open-prs'],
    ['a plain http address', ['--github', 'a', '--url', 'http://git.example.com'], '--url must be https'],
  ])('refuses %s', async (_reason, argv, message) => {
    const { code, err } = await dockerfix(
      at.cwd,
      ['batch', ...(argv.includes('--url') ? [] : ['--url', server.url, '--forge', 'github']), ...argv],
      { environment: { GH_ENTERPRISE_TOKEN: TOKEN } },
    );
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});

describe('a request', () => {
  it('is opened with a branch of one commit, shown, and closed', async () => {
    const repository = server.add('acme/app', FILES);
    server.add('acme/none', { 'a.txt': '' });
    const base = tip(repository, 'main') as string;
    const { code, err } = await openRequests(
      ...[
        '--label',
        'docker',
        '--label',
        'cache',
        '--reviewer',
        'bo',
        '--reviewer',
        'acme/ops',
        '--draft',
        '--sign-off',
      ],
    );
    expect(err).toContain('1 pull request: 1 opened');
    expect(code).toBe(0);
    const [request, ...more] = repository.requests;
    expect(more).toEqual([]);
    expect(request).toMatchObject({
      title: 'Keep Docker layers cached when only the source changes',
      head: BRANCH,
      base: 'main',
      draft: true,
      labels: ['docker', 'cache'],
      reviewers: ['bo', 'team ops'],
    });
    expect(request?.body).toContain('- `Dockerfile`, line 4: copies');
    const commit = tip(repository, BRANCH) as string;
    expect(git(repository.bare, 'rev-parse', `${commit}^`)).toBe(base);
    expect(`${git(repository.bare, 'show', `${commit}:Dockerfile`)}\n`).toBe(FIXED);
    expect(git(repository.bare, 'diff', '--name-only', base, commit).split('\n')).toEqual([
      '.dockerignore',
      'Dockerfile',
    ]);
    const message = git(repository.bare, 'log', '-1', '--format=%an <%ae>%n%B', commit);
    expect(message).toMatch(/^Robot <robot@example\.com>\nKeep Docker layers cached/);
    expect(message).toMatch(/\nSigned-off-by: Robot <robot@example\.com>$/);
    // No argument of any git has the token.
    expect(at.gitCalls()).toContain('push');
    expect(at.gitCalls()).not.toContain(TOKEN);
    expect(at.gitCalls()).not.toContain('Authorization');

    const results = `run${run - 1}`;
    const text = await batch(at, 'status', '--results', results);
    expect(text.out).toMatch(/^open +passed +1 approved +http:\S+\/acme\/app\/pull\/1 \(draft\)$/m);
    expect(text.err).toContain('1 pull request: 1 open (1 approved)');
    const json = await batch(at, 'status', '--results', results, '--format', 'json');
    expect(JSON.parse(json.out)).toMatchObject([
      {
        repository: 'acme/app',
        number: 1,
        state: 'open',
        checks: 'passed',
        reviews: { approved: 1, changesRequested: 0 },
        changedByOthers: false,
      },
    ]);
    const closed = await batch(at, 'close', '--results', results);
    expect(closed.err).toContain('1 closed');
    expect([request?.state, tip(repository, BRANCH)]).toEqual(['closed', undefined]);
    expect((await batch(at, 'close', '--results', results)).err).toContain('0 closed, 1 no longer open');
  });
  it('is left as it is by the next run, which pushes nothing either', async () => {
    const repository = server.add('acme/app', FILES);
    await openRequests('--label', 'docker');
    const before = [tip(repository, BRANCH), JSON.stringify(repository.requests)];
    // Elsewhere in the repository: the same patch still applies.
    commitTo(repository.bare, 'main', { 'server.js': '2' });
    server.calls.length = 0;
    const { code, err } = await openRequests('--label', 'other');
    expect(err).toContain('1 pull request: 1 right already');
    expect(code).toBe(0);
    expect(writes()).toEqual([]);
    expect([tip(repository, BRANCH), JSON.stringify(repository.requests)]).toEqual(before);
  });
  it('follows a base that has moved under it', async () => {
    const repository = server.add('acme/app', FILES);
    await openRequests();
    const text = FILES.Dockerfile.replace('node:20', 'node:22');
    const base = commitTo(repository.bare, 'main', { Dockerfile: text });
    const { err } = await openRequests();
    expect(err).toContain('1 pull request: 1 updated');
    const commit = tip(repository, BRANCH) as string;
    expect(git(repository.bare, 'rev-parse', `${commit}^`)).toBe(base);
    expect(`${git(repository.bare, 'show', `${commit}:Dockerfile`)}\n`).toBe(FIXED.replace('node:20', 'node:22'));
    expect(repository.requests).toHaveLength(1);
  });
  it('stays closed, and is not opened again when it was merged and taken back', async () => {
    const repository = server.add('acme/app', FILES);
    await openRequests();
    const [request] = repository.requests;
    if (request === undefined) throw new Error('no request');
    request.state = 'closed';
    server.calls.length = 0;
    expect((await openRequests()).err).toContain('1 pull request: 1 closed before');
    request.state = 'merged';
    expect((await openRequests()).err).toContain('1 pull request: 1 merged before');
    expect(writes()).toEqual([]);
    // Something new to offer.
    commitTo(repository.bare, 'main', {
      'web/Dockerfile': FILES.Dockerfile,
      'web/package.json': '{}',
      'web/package-lock.json': '{}',
    });
    expect((await openRequests()).err).toContain('1 pull request: 1 opened');
    expect(repository.requests).toHaveLength(2);
  });
  it("leaves somebody else's commits and text alone", async () => {
    const repository = server.add('acme/app', FILES);
    await openRequests();
    const [request] = repository.requests;
    if (request === undefined) throw new Error('no request');
    const theirs = commitTo(repository.bare, BRANCH, { 'mine.txt': 'by hand' });
    commitTo(repository.bare, 'main', { Dockerfile: FILES.Dockerfile.replace('node:20', 'node:22') });
    server.calls.length = 0;
    expect((await openRequests()).err).toContain("1 with somebody else's commits");
    expect(writes()).toEqual([]);
    expect(tip(repository, BRANCH)).toBe(theirs);
    const kept = await batch(at, 'close', '--results', `run${run - 1}`);
    expect(kept.err).toContain('left open: somebody else has pushed to its branch');
    expect(kept.code).toBe(2);
    expect(request.state).toBe('open');
    expect(tip(repository, BRANCH)).toBe(theirs);
  });
  it('leaves an edited text alone when the branch is brought up to date', async () => {
    const repository = server.add('acme/app', FILES);
    await openRequests();
    const [request] = repository.requests;
    if (request === undefined) throw new Error('no request');
    request.body = request.body.replace('#### To verify', '#### To verify (ask Ann first)');
    const { body } = request;
    commitTo(repository.bare, 'main', { Dockerfile: FILES.Dockerfile.replace('node:20', 'node:22') });
    expect((await openRequests()).err).toContain('1 updated');
    expect(request.body).toBe(body);
  });
  it('does not take over a branch that was there before', async () => {
    const repository = server.add('acme/app', FILES);
    const theirs = commitTo(repository.bare, BRANCH, { 'mine.txt': 'x' });
    const { code, err } = await openRequests();
    expect(err).toContain("branch-taken there is a branch `dockerfix/layer-cache` with somebody else's commits");
    expect(code).toBe(2);
    expect(tip(repository, BRANCH)).toBe(theirs);
    expect(repository.requests).toEqual([]);
  });
  it('can be made after a rehearsal, and only for what has none yet', async () => {
    const repository = server.add('acme/app', FILES);
    const results = `run${run++}`;
    await batch(at, '--github', 'acme', '--url', server.url, '--results', results);
    expect(repository.requests).toEqual([]);
    const { err } = await batch(at, '--resume', '--open-prs', '--results', results);
    expect(err).toContain('1 pull request: 1 opened');
    server.calls.length = 0;
    expect((await batch(at, '--resume', '--results', results)).err).toContain('1 pull request: 1 opened');
    expect(server.calls).toEqual([]);
  });
  it('stands without a reviewer that is none', async () => {
    const repository = server.add('acme/app', FILES);
    const { code, err } = await openRequests('--reviewer', 'nobody');
    expect(err).toContain('reviewers nobody: acme/app: Reviews may only be requested from collaborators. (422)');
    expect(code).toBe(0);
    expect(repository.requests).toHaveLength(1);
  });
});
