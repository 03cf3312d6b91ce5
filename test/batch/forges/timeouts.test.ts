/** No answer at all: of the forge's API, and of its git. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remoteOf } from '../../../src/batch/branch.ts';
import { CloneError, git } from '../../../src/batch/clone.ts';
import type { ForgeKind } from '../../../src/batch/forges/forge.ts';
import { FORGES } from '../../../src/batch/forges/index.ts';
import { gitEnvironment } from '../../../src/batch/forges/tokens.ts';
import { startGitea } from './gitea.ts';
import { startGitHub } from './github.ts';
import { startGitLab } from './gitlab.ts';
import { commitTo, tip, TOKEN, type ForgeServer } from './server.ts';
import { FILES } from './support.ts';

const START: Readonly<Record<ForgeKind, () => Promise<ForgeServer>>> = {
  github: startGitHub,
  gitlab: startGitLab,
  gitea: startGitea,
};

describe.each(['github', 'gitlab', 'gitea'] as const)('%s', (kind) => {
  let server: ForgeServer;
  beforeEach(async () => {
    server = await START[kind]();
  });
  afterEach(() => server.stop());

  it('is asked again where it does not answer, and what it did without answering is found', async () => {
    const repository = server.add('acme/app', FILES);
    commitTo(repository.bare, 'topic', { 'a.txt': '' });
    const make = await FORGES[kind].load();
    const forge = make({ url: server.url, token: TOKEN, agent: 'test', say: () => undefined, timeout: 500 });
    server.faults.push({ on: ({ method }) => method === 'GET', answer: 'hang' });
    expect(await forge.requests('acme/app', 'topic')).toEqual([]);
    // Opened, but the answer never comes: the next try is told that there is one.
    server.faults.push({ on: ({ method }) => method === 'POST', answer: 'hang', after: true });
    const request = { title: 'x', body: 'y', head: 'topic', base: 'main', draft: false };
    await expect(forge.open('acme/app', request)).rejects.toThrow(/acme\/app: /);
    expect(server.faults).toEqual([]);
    expect(repository.requests).toHaveLength(1);
    expect(await forge.requests('acme/app', 'topic')).toMatchObject([{ number: 1, state: 'open' }]);
    expect(server.wrong).toEqual([]);
  });
});

describe('git', () => {
  it('is asked again where the server does not answer, and is not called a bug where it never does', async () => {
    const server = await startGitHub();
    const place = mkdtempSync(join(tmpdir(), 'dockerfix-timeouts-'));
    try {
      const repository = server.add('acme/app', FILES);
      const url = `${server.url}/acme/app.git`;
      await git(['init', '--quiet', place], [], AbortSignal.timeout(10_000));
      await git(['-C', place, 'remote', 'add', 'origin', url], [], AbortSignal.timeout(10_000));
      const environment = gitEnvironment({ forge: 'github', url: server.url }, TOKEN, {});
      server.faults.push({ on: ({ method }) => method.startsWith('git'), answer: 'hang' });
      const checkout = { place, url, environment, timeout: 5000 };
      expect(await remoteOf(checkout, 'main', 'topic')).toEqual({ base: tip(repository, 'main') });
      expect(server.faults).toEqual([]);
      server.faults.push({ on: () => true, answer: 'hang' });
      const asked = git(['ls-remote', url], ['protocol.http.allow=always'], AbortSignal.timeout(1000), { environment });
      await expect(asked).rejects.toMatchObject({ code: 'timed-out' });
      await expect(asked).rejects.toBeInstanceOf(CloneError);
    } finally {
      await server.stop();
      rmSync(place, { recursive: true, force: true });
    }
  });
});
