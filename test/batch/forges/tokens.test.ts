/** Where a token is looked for, and who is shown it. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { gitEnvironment, tokenOf } from '../../../src/batch/forges/tokens.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'dockerfix-tokens-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
}

it('shows a token of github.com to no other host', async () => {
  const environment = { HOME: home, PATH: home, GH_TOKEN: 'public', GH_ENTERPRISE_TOKEN: 'own' };
  expect(await tokenOf('github', 'https://github.com', environment)).toBe('public');
  expect(await tokenOf('github', 'https://acme.ghe.com', environment)).toBe('public');
  expect(await tokenOf('github', 'https://git.example.com', environment)).toBe('own');
  const other = { HOME: home, PATH: home, GITHUB_TOKEN: 'public' };
  expect(await tokenOf('github', 'https://git.example.com', other)).toBeUndefined();
  expect(await tokenOf('gitlab', 'https://gitlab.com', other)).toBeUndefined();
});

it('reads what `gh` keeps, by the host', async () => {
  write('.config/gh/hosts.yml', 'github.com:\n    user: ann\n    oauth_token: kept\n    git_protocol: https\n');
  const environment = { HOME: home, PATH: home };
  expect(await tokenOf('github', 'https://github.com', environment)).toBe('kept');
  expect(await tokenOf('github', 'https://git.example.com', environment)).toBeUndefined();
  write('elsewhere/hosts.yml', 'github.com:\n    oauth_token: moved\n');
  const moved = { ...environment, GH_CONFIG_DIR: join(home, 'elsewhere') };
  expect(await tokenOf('github', 'https://github.com', moved)).toBe('moved');
  // Set, and so it goes first; empty, and so it does not count.
  expect(await tokenOf('github', 'https://github.com', { ...moved, GITHUB_TOKEN: 'set' })).toBe('set');
  expect(await tokenOf('github', 'https://github.com', { ...moved, GITHUB_TOKEN: '' })).toBe('moved');
});

it('asks `gh` where the token is in a keyring', async () => {
  write('.config/gh/hosts.yml', 'github.com:\n    user: ann\n');
  write('bin/gh', '#!/bin/sh\n[ "$*" = "auth token --hostname github.com" ] && echo "from the keyring"\n');
  chmodSync(join(home, 'bin/gh'), 0o755);
  const environment = { HOME: home, PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}` };
  expect(await tokenOf('github', 'https://github.com', environment)).toBe('from the keyring');
  expect(await tokenOf('github', 'https://git.example.com', environment)).toBeUndefined();
});

it('reads what `glab` keeps, with its own tag, and goes on where a file is broken', async () => {
  write(
    '.config/glab-cli/config.yml',
    'git_protocol: ssh\nhosts:\n    gitlab.com:\n        token: !!null kept\n    git.example.com:\n        token: own\n',
  );
  const environment = { HOME: home, PATH: home };
  expect(await tokenOf('gitlab', 'https://gitlab.com', environment)).toBe('kept');
  expect(await tokenOf('gitlab', 'https://git.example.com', environment)).toBe('own');
  expect(await tokenOf('gitlab', 'https://other.example.com', environment)).toBeUndefined();
  write('.config/glab-cli/config.yml', 'hosts: [');
  expect(await tokenOf('gitlab', 'https://gitlab.com', environment)).toBeUndefined();
});

it('gives git the token in its environment, for that forge alone, beside what is there', () => {
  const settings = gitEnvironment({ forge: 'gitlab', url: 'https://git.example.com' }, 'secret', {
    GIT_CONFIG_COUNT: '1',
  });
  expect(settings).toEqual({
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_1: 'http.https://git.example.com/.extraHeader',
    GIT_CONFIG_VALUE_1: `Authorization: Basic ${Buffer.from('oauth2:secret').toString('base64')}`,
  });
  expect(gitEnvironment({ forge: 'gitlab', url: 'https://git.example.com' }, undefined, {})).toEqual({});
});
