import { describe, expect, it } from 'vitest';
import { dockerfix, FIXED } from '../../cli/support.ts';
import { startGitHub } from './github.ts';
import { commitTo, git, tip, TOKEN, type Repository, type Request } from './server.ts';
import { batch, BRANCH, eachWithForge, FILES, journal, results, resultsOf, writes } from './support.ts';

const world = eachWithForge('--github', 'GH_ENTERPRISE_TOKEN', startGitHub);

describe('listing', () => {
  it('leaves out archived repositories and forks, and takes all pages', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) world.server.add(`acme/${name}`, { 'a.txt': '' });
    (world.server.repositories.get('acme/b') as Repository).archived = true;
    (world.server.repositories.get('acme/c') as Repository).fork = true;
    (world.server.repositories.get('acme/e') as Repository).topics = ['docker', 'web'];
    world.server.add('other/f', { 'a.txt': '' });
    const listed = async (...argv: readonly string[]): Promise<string[]> => {
      const folder = results();
      const { err } = await batch(world.at, '--url', world.server.url, '--results', folder, ...argv);
      expect(err).toContain('without a Dockerfile');
      return journal(world.at.cwd, folder)
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
      world.at.cwd,
      ['batch', ...(argv.includes('--url') ? [] : ['--url', world.server.url, '--forge', 'github']), ...argv],
      { environment: { GH_ENTERPRISE_TOKEN: TOKEN } },
    );
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});

describe('a request', () => {
  it('is opened with a branch of one commit, shown, and closed', async () => {
    const repository = world.server.add('acme/app', FILES);
    world.server.add('acme/none', { 'a.txt': '' });
    const base = tip(repository, 'main') as string;
    const { code, err } = await world.openRequests(
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
    expect(world.at.gitCalls()).toContain('push');
    expect(world.at.gitCalls()).not.toContain(TOKEN);
    expect(world.at.gitCalls()).not.toContain('Authorization');

    const folder = resultsOf({ err });
    const text = await batch(world.at, 'status', '--results', folder);
    expect(text.out).toMatch(/^open +passed +1 approved +http:\S+\/acme\/app\/pull\/1 \(draft\)$/m);
    expect(text.err).toContain('1 pull request: 1 open (1 approved)');
    (request as Request).conflicts = true;
    expect((await batch(world.at, 'status', '--results', folder)).out).toContain('/pull/1 (draft, conflicts)');
    const json = await batch(world.at, 'status', '--results', folder, '--format', 'json');
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
    const closed = await batch(world.at, 'close', '--results', folder);
    expect(closed.err).toContain('1 closed');
    expect([request?.state, tip(repository, BRANCH)]).toEqual(['closed', undefined]);
    expect((await batch(world.at, 'close', '--results', folder)).err).toContain('0 closed, 1 no longer open');
  });
  it('is left as it is by the next run, which pushes nothing either', async () => {
    const repository = world.server.add('acme/app', FILES);
    await world.openRequests('--label', 'docker');
    const before = [tip(repository, BRANCH), JSON.stringify(repository.requests)];
    // Elsewhere in the repository: the same patch still applies.
    commitTo(repository.bare, 'main', { 'server.js': '2' });
    world.server.calls.length = 0;
    const { code, err } = await world.openRequests('--label', 'other');
    expect(err).toContain('1 pull request: 1 right already');
    expect(code).toBe(0);
    expect(writes(world.server)).toEqual([]);
    expect([tip(repository, BRANCH), JSON.stringify(repository.requests)]).toEqual(before);
  });
  it('follows a base that has moved under it', async () => {
    const repository = world.server.add('acme/app', FILES);
    await world.openRequests();
    const text = FILES.Dockerfile.replace('node:20', 'node:22');
    const base = commitTo(repository.bare, 'main', { Dockerfile: text });
    const { err } = await world.openRequests();
    expect(err).toContain('1 pull request: 1 updated');
    const commit = tip(repository, BRANCH) as string;
    expect(git(repository.bare, 'rev-parse', `${commit}^`)).toBe(base);
    expect(`${git(repository.bare, 'show', `${commit}:Dockerfile`)}\n`).toBe(FIXED.replace('node:20', 'node:22'));
    expect(repository.requests).toHaveLength(1);
  });
  it('stays closed, and is not opened again when it was merged and taken back', async () => {
    const repository = world.server.add('acme/app', FILES);
    await world.openRequests();
    const [request] = repository.requests;
    if (request === undefined) throw new Error('no request');
    request.state = 'closed';
    world.server.calls.length = 0;
    expect((await world.openRequests()).err).toContain('1 pull request: 1 closed before');
    request.state = 'merged';
    expect((await world.openRequests()).err).toContain('1 pull request: 1 merged before');
    expect(writes(world.server)).toEqual([]);
    // Something new to offer.
    commitTo(repository.bare, 'main', {
      'web/Dockerfile': FILES.Dockerfile,
      'web/package.json': '{}',
      'web/package-lock.json': '{}',
    });
    expect((await world.openRequests()).err).toContain('1 pull request: 1 opened');
    expect(repository.requests).toHaveLength(2);
  });
  it("leaves somebody else's commits and text alone", async () => {
    const repository = world.server.add('acme/app', FILES);
    await world.openRequests();
    const [request] = repository.requests;
    if (request === undefined) throw new Error('no request');
    const theirs = commitTo(repository.bare, BRANCH, { 'mine.txt': 'by hand' });
    commitTo(repository.bare, 'main', { Dockerfile: FILES.Dockerfile.replace('node:20', 'node:22') });
    world.server.calls.length = 0;
    const again = await world.openRequests();
    expect(again.err).toContain("1 with somebody else's commits");
    expect(writes(world.server)).toEqual([]);
    expect(tip(repository, BRANCH)).toBe(theirs);
    const kept = await batch(world.at, 'close', '--results', resultsOf(again));
    expect(kept.err).toContain('left open: somebody else has pushed to its branch');
    expect(kept.code).toBe(2);
    expect(request.state).toBe('open');
    expect(tip(repository, BRANCH)).toBe(theirs);
  });
  it('leaves an edited text alone when the branch is brought up to date', async () => {
    const repository = world.server.add('acme/app', FILES);
    await world.openRequests();
    const [request] = repository.requests;
    if (request === undefined) throw new Error('no request');
    request.body = request.body.replace('#### To verify', '#### To verify (ask Ann first)');
    const { body } = request;
    commitTo(repository.bare, 'main', { Dockerfile: FILES.Dockerfile.replace('node:20', 'node:22') });
    expect((await world.openRequests()).err).toContain('1 updated');
    expect(request.body).toBe(body);
  });
  it('does not take over a branch that was there before', async () => {
    const repository = world.server.add('acme/app', FILES);
    const theirs = commitTo(repository.bare, BRANCH, { 'mine.txt': 'x' });
    const { code, err } = await world.openRequests();
    expect(err).toContain("branch-taken there is a branch `dockerfix/layer-cache` with somebody else's commits");
    expect(code).toBe(2);
    expect(tip(repository, BRANCH)).toBe(theirs);
    expect(repository.requests).toEqual([]);
  });
  it('can be made after a rehearsal, and only for what has none yet', async () => {
    const repository = world.server.add('acme/app', FILES);
    const folder = results();
    await batch(world.at, '--github', 'acme', '--url', world.server.url, '--results', folder);
    expect(repository.requests).toEqual([]);
    const { err } = await batch(world.at, '--resume', '--open-prs', '--results', folder);
    expect(err).toContain('1 pull request: 1 opened');
    world.server.calls.length = 0;
    expect((await batch(world.at, '--resume', '--results', folder)).err).toContain('1 pull request: 1 opened');
    expect(world.server.calls).toEqual([]);
  });
  it('stands without a reviewer that is none', async () => {
    const repository = world.server.add('acme/app', FILES);
    const { code, err } = await world.openRequests('--reviewer', 'nobody');
    expect(err).toContain('reviewers nobody: acme/app: Reviews may only be requested from collaborators. (422)');
    expect(code).toBe(0);
    expect(repository.requests).toHaveLength(1);
  });
});
