/** Which forge a repository lives on, and its client. A client is loaded when it is first needed. */
import type { Access, Forge, ForgeKind, Home } from './forge.ts';
import { gitEnvironment, tokenOf, variablesOf, type Environment } from './tokens.ts';

/** Of the forges that everybody knows. */
const HOSTS: Readonly<Record<string, ForgeKind>> = {
  'github.com': 'github',
  'gitlab.com': 'gitlab',
  'codeberg.org': 'gitea',
  'gitea.com': 'gitea',
};

interface Entry {
  readonly url: string;
  readonly load: () => Promise<(access: Access) => Forge>;
}

export const FORGES: Readonly<Record<ForgeKind, Entry>> = {
  github: { url: 'https://github.com', load: async () => (await import('./github.ts')).github },
  gitlab: { url: 'https://gitlab.com', load: async () => (await import('./gitlab.ts')).gitlab },
  gitea: { url: 'https://gitea.com', load: async () => (await import('./gitea.ts')).gitea },
};

/** Where a clone URL leads; `known` is what the operator says of a host of their own. */
export function homeOf(clone: string, known?: Pick<Home, 'forge' | 'url'>): Home | undefined {
  const match =
    /^(https?):\/\/([^/]+)\/(.+)$/.exec(clone) ??
    /^(ssh):\/\/(?:[^@/]*@)?([^/:]+)(?::\d+)?\/(.+)$/.exec(clone) ??
    /^()(?:[^@/]*@)([^/:]+):(.+)$/.exec(clone);
  if (match === null) return undefined;
  const [, scheme = '', host = '', path = ''] = match;
  const own = known !== undefined && sameHost(known.url, scheme, host);
  const forge = own ? known.forge : Object.hasOwn(HOSTS, host.toLowerCase()) ? HOSTS[host.toLowerCase()] : undefined;
  const url = own ? known.url : `https://${host.toLowerCase()}`;
  const below = own ? new URL(known.url).pathname.replace(/^\/|\/$/g, '') : '';
  const repository = path
    .replace(/^\/+|\/+$/g, '')
    .replace(/\.git$/, '')
    .slice(below !== '' && scheme.startsWith('http') ? below.length + 1 : 0);
  return forge === undefined || !/^[^/]+(?:\/[^/]+)+$/.test(repository) ? undefined : { forge, url, repository };
}

function sameHost(url: string, scheme: string, host: string): boolean {
  const parsed = new URL(url);
  return scheme.startsWith('http') ? parsed.host === host.toLowerCase() : parsed.hostname === host.toLowerCase();
}

/** Without a slash at the end. A string that begins with `--url` says what is wrong. */
export function forgeUrl(text: string): { readonly url: string } | string {
  if (!URL.canParse(text)) return `--url takes the address of a forge, such as https://git.example.com`;
  const { protocol, hostname, username, password, origin, pathname, search, hash } = new URL(text);
  if (username !== '' || password !== '') return '--url must hold no user or password';
  const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
  if (protocol !== 'https:' && !(protocol === 'http:' && loopback))
    return '--url must be https, as a token is sent to it';
  if (search !== '' || hash !== '') return '--url takes the address of a forge, without `?` and `#`';
  return { url: `${origin}${pathname.replace(/\/+$/, '')}` };
}

export interface Opened {
  /** Its client is loaded now. */
  readonly forge: () => Promise<Forge>;
  /** For git, where it reaches the forge by http. */
  readonly git: Environment;
  /** Nothing that is told may hold it. */
  readonly token: string | undefined;
}

export type OpenForge = (of: Pick<Home, 'forge' | 'url'>) => Promise<Opened>;

/** Milliseconds for one try of one call. */
const CALL_TIMEOUT = 60_000;

/** One client for each forge, however many repositories. */
export function forges(environment: Environment, agent: string, say: (line: string) => void): OpenForge {
  const opened = new Map<string, Promise<Opened>>();
  const open = async ({ forge, url }: Pick<Home, 'forge' | 'url'>): Promise<Opened> => {
    const token = await tokenOf(forge, url, environment);
    let client: Promise<Forge> | undefined;
    return {
      forge: () =>
        (client ??= FORGES[forge].load().then((make) => make({ url, token, agent, say, timeout: CALL_TIMEOUT }))),
      git: gitEnvironment({ forge, url }, token, environment),
      token,
    };
  };
  return (of) => {
    const key = `${of.forge} ${of.url}`;
    const known = opened.get(key) ?? open(of);
    opened.set(key, known);
    return known;
  };
}

/** Where a token would be looked for. */
export function tokenHint({ forge, url }: Pick<Home, 'forge' | 'url'>): string {
  const command = { github: '`gh auth login`', gitlab: '`glab auth login`', gitea: undefined }[forge];
  return `set ${variablesOf(forge, url).join(' or ')}${command === undefined ? '' : `, or ${command}`}`;
}
