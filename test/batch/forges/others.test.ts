/** GitLab and Gitea: what is the same for all forges is tested with GitHub. */
import { describe, expect, it } from 'vitest';
import { FIXED } from '../../cli/support.ts';
import { startGitea } from './gitea.ts';
import { startGitLab } from './gitlab.ts';
import { commitTo, git, tip, TOKEN, type Repository } from './server.ts';
import { batch, BRANCH, eachWithForge, FILES, journal, only, results, resultsOf, writes } from './support.ts';

describe.each([
  { forge: 'gitlab', start: startGitLab, variable: 'GITLAB_TOKEN', draft: 'Draft: ', page: '-/merge_requests/1' },
  { forge: 'gitea', start: startGitea, variable: 'FORGEJO_TOKEN', draft: 'WIP: ', page: 'pulls/1' },
] as const)('$forge', ({ forge, start, variable, draft, page }) => {
  const world = eachWithForge(`--${forge}`, variable, start);

  it('lists without archived repositories and forks, all pages, and a user too', async () => {
    for (const name of ['acme/a', 'acme/b', 'acme/c', 'acme/d', 'acme/e', 'ann/f'])
      world.server.add(name, { 'a.txt': '' });
    (world.server.repositories.get('acme/b') as Repository).archived = true;
    (world.server.repositories.get('acme/c') as Repository).fork = true;
    (world.server.repositories.get('acme/e') as Repository).topics = ['docker'];
    const listed = async (...argv: readonly string[]): Promise<string[]> => {
      const folder = results();
      await batch(world.at, '--url', world.server.url, '--results', folder, ...argv);
      return journal(world.at.cwd, folder).flatMap(
        ({ home }) => (home as { repository: string } | undefined)?.repository ?? [],
      );
    };
    expect(await listed(`--${forge}`, 'acme')).toEqual(['acme/a', 'acme/d', 'acme/e']);
    expect(await listed(`--${forge}`, 'acme', '--topic', 'docker')).toEqual(['acme/e']);
    expect(await listed(`--${forge}`, 'ann')).toEqual(['ann/f']);
    const { err } = await batch(world.at, `--${forge}`, 'nobody', '--url', world.server.url);
    expect(err).toMatch(new RegExp(`^dockerfix: --${forge} nobody: .*\\(404\\)`, 'm'));
  });
  it('opens a request with a branch of one commit, shows it, and closes it', async () => {
    const repository = world.server.add('acme/app', FILES);
    const base = tip(repository, 'main') as string;
    const { code, err } = await world.openRequests(
      ...[
        '--label',
        'docker',
        '--label',
        'cache',
        '--reviewer',
        'bo',
        '--draft',
        '--author',
        'Ann B <ann@example.com>',
      ],
    );
    expect(err).toContain('1 pull request: 1 opened');
    expect(code).toBe(0);
    const request = only(repository);
    expect(request).toMatchObject({
      title: `${draft}Keep Docker layers cached when only the source changes`,
      base: 'main',
      labels: ['docker', 'cache'],
      reviewers: ['bo'],
    });
    const commit = tip(repository, BRANCH) as string;
    expect(git(repository.bare, 'rev-parse', `${commit}^`)).toBe(base);
    expect(`${git(repository.bare, 'show', `${commit}:Dockerfile`)}\n`).toBe(FIXED);
    expect(git(repository.bare, 'log', '-1', '--format=%an <%ae>', commit)).toBe('Ann B <ann@example.com>');
    expect(world.at.gitCalls()).not.toContain(TOKEN);

    const folder = `--results=${resultsOf({ err })}`;
    const shown = await batch(world.at, 'status', folder);
    expect(shown.out).toMatch(/^open +passed +1 approved/m);
    expect(shown.out).toContain(`/acme/app/${page} (draft)`);
    request.conflicts = true;
    expect((await batch(world.at, 'status', folder)).out).toContain(`/acme/app/${page} (draft, conflicts)`);
    const closed = await batch(world.at, 'close', folder);
    expect(closed.err).toContain('1 closed');
    expect([request.state, tip(repository, BRANCH)]).toEqual(['closed', undefined]);
    world.server.calls.length = 0;
    expect((await world.openRequests()).err).toContain('1 closed before');
    expect(writes(world.server)).toEqual([]);
  });
  it('leaves what is right, follows a moved base, and respects what is closed or worked on', async () => {
    const repository = world.server.add('acme/app', FILES);
    await world.openRequests();
    world.server.calls.length = 0;
    expect((await world.openRequests()).err).toContain('1 right already');
    expect(writes(world.server)).toEqual([]);
    const base = commitTo(repository.bare, 'main', { Dockerfile: FILES.Dockerfile.replace('node:20', 'node:22') });
    expect((await world.openRequests()).err).toContain('1 updated');
    expect(git(repository.bare, 'rev-parse', `${BRANCH}^`)).toBe(base);
    const theirs = commitTo(repository.bare, BRANCH, { 'mine.txt': '' });
    commitTo(repository.bare, 'main', { Dockerfile: FILES.Dockerfile.replace('node:20', 'node:24') });
    expect((await world.openRequests()).err).toContain("1 with somebody else's commits");
    expect(tip(repository, BRANCH)).toBe(theirs);
    expect(repository.requests).toHaveLength(1);
  });
  it('waits where it is asked to, and tries again', async () => {
    const repository = world.server.add('acme/app', FILES);
    world.server.faults.push(
      { on: ({ path }) => path.includes('acme'), answer: { status: 429, headers: { 'retry-after': '2' } } },
      { on: ({ method }) => method === 'POST', answer: { status: 502 } },
      // Made, but nobody hears of it.
      { on: ({ method }) => method === 'POST', after: true, answer: { status: 504 } },
    );
    const started = Date.now();
    const { err } = await world.openRequests();
    expect(err).toContain('1 pull request: 1 opened');
    expect(Date.now() - started).toBeGreaterThan(2000);
    expect(world.server.faults).toEqual([]);
    only(repository);
  });
});
