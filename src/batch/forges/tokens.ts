/**
 * Where a forge's token comes from: the environment, or what the forge's own command keeps. It is handed to the client
 * and to git's environment, and written nowhere.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ForgeKind } from './forge.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The names that `gh`, `glab` and `tea` know, by the forge. */
export function variablesOf(forge: ForgeKind, url: string): readonly string[] {
  const { hostname } = new URL(url);
  if (forge === 'gitlab') return ['GITLAB_TOKEN', 'GITLAB_ACCESS_TOKEN'];
  if (forge === 'gitea') return ['GITEA_TOKEN', 'FORGEJO_TOKEN'];
  // A token for github.com is not shown to another host.
  return hostname === 'github.com' || hostname.endsWith('.ghe.com')
    ? ['GH_TOKEN', 'GITHUB_TOKEN']
    : ['GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN'];
}

export async function tokenOf(forge: ForgeKind, url: string, environment: Environment): Promise<string | undefined> {
  for (const name of variablesOf(forge, url)) {
    const value = environment[name];
    if (value !== undefined && value !== '') return value;
  }
  const { host } = new URL(url);
  const home = environment['XDG_CONFIG_HOME'] ?? join(environment['HOME'] ?? homedir(), '.config');
  if (forge === 'github')
    return (
      kept(join(environment['GH_CONFIG_DIR'] ?? join(home, 'gh'), 'hosts.yml'), (hosts) => hosts[host]?.oauth_token) ??
      (await ghToken(host, environment))
    );
  if (forge === 'gitlab')
    return kept(
      join(environment['GLAB_CONFIG_DIR'] ?? join(home, 'glab-cli'), 'config.yml'),
      ({ hosts }) => (hosts as Hosts | undefined)?.[host]?.token,
    );
  return undefined;
}

type Hosts = Readonly<Record<string, { readonly oauth_token?: unknown; readonly token?: unknown } | undefined>>;

function kept(path: string, pick: (content: Hosts) => unknown): string | undefined {
  try {
    // glab marks tokens with a tag of its own.
    const value = pick((parse(readFileSync(path, 'utf8'), { logLevel: 'silent' }) ?? {}) as Hosts);
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** It may keep the token in the system's keyring. */
function ghToken(host: string, environment: Environment): Promise<string | undefined> {
  return new Promise((done) => {
    execFile(
      'gh',
      ['auth', 'token', '--hostname', host],
      { encoding: 'utf8', timeout: 10_000, env: environment },
      (error, stdout) => {
        const token = stdout.trim();
        done(error === null && token !== '' ? token : undefined);
      },
    );
  });
}

/** git's settings in its environment: neither its arguments nor its configuration show the token. */
export function gitEnvironment(
  { forge, url }: { readonly forge: ForgeKind; readonly url: string },
  token: string | undefined,
  environment: Environment,
): Environment {
  if (token === undefined) return {};
  const user = forge === 'github' ? 'x-access-token' : 'oauth2';
  const before = Number(environment['GIT_CONFIG_COUNT'] ?? 0) || 0;
  return {
    GIT_CONFIG_COUNT: String(before + 1),
    [`GIT_CONFIG_KEY_${before}`]: `http.${url}/.extraHeader`,
    [`GIT_CONFIG_VALUE_${before}`]: `Authorization: Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`,
  };
}
