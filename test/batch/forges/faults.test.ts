/** What goes wrong between here and a forge, and kills at any moment. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startGitHub } from './github.ts';
import { commitTo, git, tip, type Answer } from './server.ts';
import { batch, BRANCH, eachWithForge, FILES, only, results, start, writes } from './support.ts';

const world = eachWithForge('--github', 'GH_ENTERPRISE_TOKEN', startGitHub);
/** The next such call fails. */
const fail = (what: string, answer: Answer | 'hang', after = false): void => {
  const [method, path = ''] = what.split(/ (?=\S+$)/);
  world.server.faults.push({ on: (call) => call.method === method && call.path.includes(path), answer, after });
};

const LIMITED: Answer = {
  status: 403,
  headers: { 'retry-after': '1' },
  body: { message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.' },
};

it('waits for rate limits and tries again where the server fails, and makes each request once', async () => {
  const repository = world.server.add('acme/app', FILES);
  fail('GET /orgs/acme/repos', {
    status: 403,
    headers: {
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 1),
    },
    body: { message: 'API rate limit exceeded' },
  });
  fail('git git-upload-pack /info/refs', { status: 503 });
  fail('GET /pulls', { status: 429, headers: { 'retry-after': '1' }, body: { message: 'secondary rate limit' } });
  fail('git git-receive-pack /git-receive-pack', { status: 502 });
  fail('POST /pulls', LIMITED);
  // Opened, but nobody hears of it.
  fail('POST /pulls', { status: 502 }, true);
  fail('POST /labels', LIMITED);
  const { code, err } = await world.openRequests('--label', 'docker');
  expect(err).toContain('the rate limit is used up, going on in');
  expect(err).toContain('too many requests at once, going on in 1 s');
  expect(err).toContain('1 pull request: 1 opened');
  expect(code).toBe(0);
  expect(world.server.faults).toEqual([]);
  expect(only(repository).labels).toEqual(['docker']);
});

it('goes on to the others where one repository fails for good, and does it again when told to', async () => {
  const [good, bad] = [world.server.add('acme/good', FILES), world.server.add('acme/bad', FILES)];
  const folder = results();
  // Not one that passes.
  fail('POST /repos/acme/bad/pulls', { status: 403, body: { message: 'Resource not accessible by integration' } });
  const argv = ['--github', 'acme', '--url', world.server.url, '--open-prs', '--results', folder];
  const first = await batch(world.at, ...argv);
  expect(first.err).toContain('/acme/bad not-allowed acme/bad: Resource not accessible by integration (403)');
  expect(first.err).toContain('2 pull requests: 1 opened, 1 failed');
  expect(first.code).toBe(2);
  only(good);
  expect(bad.requests).toEqual([]);
  world.server.calls.length = 0;
  const second = await batch(world.at, '--retry', 'failed', '--results', folder);
  expect(second.err).toContain('2 pull requests: 2 opened');
  expect(second.code).toBe(0);
  only(bad);
  expect(world.server.calls.filter((call) => call.includes('/good'))).toEqual([]);
});

it('says so where the token is refused', async () => {
  world.server.add('acme/app', FILES);
  const ran = await start({ ...world.at, environment: { ...world.at.environment, GH_ENTERPRISE_TOKEN: 'wrong' } }, [
    ...['--github', 'acme', '--url', world.server.url],
  ]).ran;
  expect(ran.err).toContain('dockerfix: --github acme: Bad credentials (401)');
  expect(ran.code).toBe(2);
});

it('looks again where the base moves just before the push, and where somebody takes the branch', async () => {
  const repository = world.server.add('acme/app', FILES);
  const text = FILES.Dockerfile.replace('node:20', 'node:22');
  let base = '';
  // Between the clone and the request: the forge is asked for requests only after that.
  world.server.faults.push({
    on: ({ path, method }) => {
      const moves = base === '' && method === 'git git-upload-pack' && path.endsWith('/git-upload-pack');
      if (moves) base = commitTo(repository.bare, 'main', { Dockerfile: text });
      return false;
    },
    answer: {},
  });
  const { err } = await world.openRequests();
  expect(err).toContain('1 pull request: 1 opened');
  expect(git(repository.bare, 'rev-parse', `${BRANCH}^`)).toBe(base);
  expect(git(repository.bare, 'show', `${BRANCH}:Dockerfile`)).toContain('node:22');
  only(repository);
});

it('does not push over a branch that appears in between', async () => {
  const repository = world.server.add('acme/app', FILES);
  let theirs = '';
  world.server.faults.push({
    on: ({ path, method }) => {
      if (theirs === '' && method === 'git git-receive-pack' && path.endsWith('/info/refs'))
        theirs = commitTo(repository.bare, BRANCH, { 'mine.txt': '' });
      return false;
    },
    answer: {},
  });
  const { code, err } = await world.openRequests();
  expect(err).toContain('branch-taken');
  expect(code).toBe(2);
  expect(tip(repository, BRANCH)).toBe(theirs);
  expect(repository.requests).toEqual([]);
});

it('takes a request whose branch was deleted for closed', async () => {
  const repository = world.server.add('acme/app', FILES);
  await world.openRequests();
  git(repository.bare, 'update-ref', '-d', `refs/heads/${BRANCH}`);
  world.server.calls.length = 0;
  expect((await world.openRequests()).err).toContain('1 closed before');
  expect(writes(world.server)).toEqual([]);
});

it('does not open more in an hour than it may', async () => {
  for (const name of ['a', 'b', 'c']) world.server.add(`acme/${name}`, FILES);
  const folder = results();
  const argv = [
    '--github',
    'acme',
    '--url',
    world.server.url,
    '--open-prs',
    '--max-prs-per-hour',
    '2',
    '--results',
    folder,
  ];
  const waits = /--max-prs-per-hour: going on in (?:59|60) min/;
  for (const each of [argv, ['--resume', '--results', folder]]) {
    // The hour goes on when it is started again.
    const { child, ran, said } = start(world.at, each);
    for (let tries = 0; (opened() < 2 || !waits.test(said())) && tries < 1200; tries++) await wait(50);
    child.kill('SIGKILL');
    expect((await ran).err).toMatch(waits);
    expect(opened()).toBe(2);
  }
  function opened(): number {
    return [...world.server.repositories.values()].reduce((sum, { requests }) => sum + requests.length, 0);
  }
});

it('loses no request and makes none twice when it is killed at any moment', async () => {
  const names = Array.from({ length: 6 }, (_, n) => `acme/r${n}`);
  for (const name of names) world.server.add(name, FILES);
  const folder = results();
  const first = ['--github', 'acme', '--url', world.server.url, '--open-prs', '--label', 'docker', '--results', folder];
  let kills = 0;
  let begun = false;
  for (;;) {
    const { child, ran } = start(world.at, (begun as boolean) ? ['--resume', '--results', folder] : first);
    // After some number of calls rather than of milliseconds, so that it hits between the steps.
    const until = world.server.calls.length + 1 + Math.floor(Math.random() * 12);
    const timer =
      kills < 15
        ? setInterval(() => {
            begun ||= journal().includes('"begin"');
            if (begun && world.server.calls.length >= until) child.kill('SIGKILL');
          }, 5)
        : undefined;
    const { code } = await ran;
    clearInterval(timer);
    if (code !== null) {
      expect(code).toBe(0);
      break;
    }
    kills++;
  }
  expect(kills).toBeGreaterThan(3);
  for (const { requests } of world.server.repositories.values()) {
    expect(requests.map(({ labels, state }) => [labels, state])).toEqual([[['docker'], 'open']]);
  }
  const rows = readFileSync(join(world.at.cwd, folder, 'requests.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(rows).toHaveLength(names.length);
  const posts = world.server.calls.filter((call) => /^POST \S+\/pulls$/.test(call));
  // One may have been asked for, and answered to nobody; it is then found.
  expect(posts.length).toBeLessThanOrEqual(names.length + kills);
  function journal(): string {
    try {
      return readFileSync(join(world.at.cwd, folder, 'journal.jsonl'), 'utf8');
    } catch {
      return '';
    }
  }
});
