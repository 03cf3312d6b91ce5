/**
 * A forge on loopback: a real git server, and an API that answers only what the forge's published description allows.
 * A request that it does not allow is kept in `wrong`, which every test expects to be empty.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { OpenAPIRouter, OpenAPIValidator, type Document } from 'openapi-backend';

export const TOKEN = 'very-secret-token';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** By operationId. A string is a mistake of the request that the description cannot tell. */
export type Operations = Readonly<Record<string, (call: Call) => Answer | string>>;

/** Undefined: this call is none of its business. It is done with once it has answered. */
export interface Fault {
  readonly on: (call: Pick<Call, 'method' | 'path'>) => boolean;
  /** The call is carried out, but its answer is lost. */
  readonly after?: boolean;
  /** `hang`: no answer at all. */
  readonly answer: Answer | 'hang';
}

export interface Request {
  readonly number: number;
  readonly title: string;
  body: string;
  readonly head: string;
  readonly base: string;
  readonly draft: boolean;
  state: 'open' | 'closed' | 'merged';
  labels: string[];
  reviewers: string[];
  conflicts?: boolean;
  /** Of its branch, as long as there is one. */
  commit: string;
}

export interface Repository {
  readonly name: string;
  readonly bare: string;
  topics: string[];
  archived: boolean;
  fork: boolean;
  readonly requests: Request[];
}

export interface ForgeServer {
  readonly url: string;
  readonly repositories: Map<string, Repository>;
  /** `METHOD /path` of every call of the API, and `git SERVICE /path`. */
  readonly calls: string[];
  readonly wrong: string[];
  readonly faults: Fault[];
  add(name: string, files: Readonly<Record<string, string>>): Repository;
  stop(): Promise<void>;
}

export function git(root: string, ...args: string[]): string {
  return execFileSync('git', ['-C', root, '-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

/** A commit on a branch of a bare repository, as somebody else would push it. */
export function commitTo(bare: string, branch: string, files: Readonly<Record<string, string>>): string {
  const work = mkdtempSync(join(tmpdir(), 'dockerfix-forge-work-'));
  try {
    execFileSync('git', ['clone', '-q', bare, work], { stdio: 'ignore' });
    try {
      git(work, 'checkout', '-q', branch);
    } catch {
      git(work, 'checkout', '-q', '-B', branch);
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(work, path)), { recursive: true });
      writeFileSync(join(work, path), text);
    }
    git(work, 'add', '-A', '-f');
    git(work, 'commit', '-qm', 'by hand');
    git(work, 'push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
    return git(work, 'rev-parse', 'HEAD');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function tip({ bare }: Repository, branch: string): string | undefined {
  try {
    return git(bare, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}`);
  } catch {
    return undefined;
  }
}

export async function startForge(
  description: string,
  {
    prefix,
    described = false,
    authorized,
    operations,
  }: {
    /** Of the API's paths. */
    readonly prefix: string;
    /** The description's paths have it, too. */
    readonly described?: boolean;
    readonly authorized: (headers: IncomingMessage['headers']) => boolean;
    readonly operations: (server: ForgeServer) => Operations;
  },
): Promise<ForgeServer> {
  const folder = mkdtempSync(join(tmpdir(), 'dockerfix-forge-'));
  const definition = strict(
    JSON.parse(readFileSync(join(import.meta.dirname, `${description}.openapi.json`), 'utf8')),
  ) as Document;
  const router = new OpenAPIRouter({ definition });
  const validator = new OpenAPIValidator({
    definition,
    ajvOpts: { strict: false, logger: false },
    lazyCompileValidators: true,
  });
  const http = createServer((request, response) => {
    void answer(request, response);
  });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  const server: ForgeServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    repositories: new Map(),
    calls: [],
    wrong: [],
    faults: [],
    add(name, files) {
      const bare = join(folder, `${name}.git`);
      mkdirSync(bare, { recursive: true });
      execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare]);
      git(bare, 'config', 'http.receivepack', 'true');
      git(bare, 'config', 'uploadpack.allowFilter', 'true');
      const repository = { name, bare, topics: [], archived: false, fork: false, requests: [] };
      server.repositories.set(name, repository);
      commitTo(bare, 'main', files);
      return repository;
    },
    async stop() {
      http.closeAllConnections();
      await new Promise((done) => http.close(done));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const handlers = operations(server);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search, searchParams } = new URL(request.url ?? '/', 'http://x');
    const method = request.method ?? 'GET';
    const send = ({ status = 200, headers = {}, body }: Answer): void => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    const isApi = pathname.startsWith(`${prefix}/`);
    const service = /\/(?:info\/refs|git-(?:upload|receive)-pack)$/.test(pathname)
      ? (searchParams.get('service') ?? pathname.replace(/^.*\//, ''))
      : '';
    const path = isApi && !described ? pathname.slice(prefix.length) : pathname;
    server.calls.push(isApi ? `${method} ${path}` : `git ${service} ${path}`);
    const at = server.faults.findIndex(({ on }) => on({ method: isApi ? method : `git ${service}`, path }));
    const fault = at < 0 ? undefined : server.faults.splice(at, 1)[0];
    if (fault?.after !== true && fault !== undefined) {
      if (fault.answer !== 'hang') send(fault.answer);
      return;
    }
    if (!isApi) {
      const token = Buffer.from(request.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64')
        .toString()
        .replace(/^[^:]*:/, '');
      if (token === TOKEN) serveGit(folder, request, response, pathname, search.slice(1));
      else {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="forge"' });
        response.end();
      }
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    if (!authorized(request.headers)) {
      send({ status: 401, body: { message: 'Bad credentials' } });
      return;
    }
    const parsed = {
      method,
      path,
      headers: request.headers as Record<string, string>,
      query: search,
      ...(text === '' ? {} : { body: JSON.parse(text) as Record<string, unknown> }),
    };
    const operation = router.matchOperation(parsed);
    const handler = handlers[operation?.operationId ?? ''];
    const { errors } = operation === undefined ? { errors: undefined } : validator.validateRequest(parsed, operation);
    const wrong = (what: string): void => {
      server.wrong.push(`${method} ${path}${search}: ${what}`);
      send({ status: 422, body: { message: `Validation Failed: ${what}` } });
    };
    if (operation === undefined || handler === undefined) wrong('there is no such operation');
    else if (errors !== undefined && errors !== null && errors.length > 0) wrong(JSON.stringify(errors));
    else {
      const params = router.parseRequest(parsed, operation).params as Call['params'];
      const query = Object.fromEntries(searchParams);
      const answered = handler({ method, path, query, params, body: parsed.body ?? {} });
      if (typeof answered === 'string') wrong(answered);
      else if (fault === undefined) send(answered);
      else if (fault.answer !== 'hang') send(fault.answer);
    }
  }
  return server;
}

/** What a body holds beyond its description would be ignored there, and is a mistake here. */
function strict(value: unknown, inBody = false): unknown {
  if (Array.isArray(value)) return value.map((each) => strict(each, inBody));
  if (value === null || typeof value !== 'object') return value;
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, strict(each, inBody || key === 'requestBody')]),
  );
  return inBody && copy['type'] === 'object' && 'properties' in copy ? { additionalProperties: false, ...copy } : copy;
}

function serveGit(root: string, request: IncomingMessage, response: ServerResponse, path: string, query: string): void {
  const child = spawn('git', ['http-backend'], {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      REMOTE_USER: 'someone',
      ...(request.headers['content-encoding'] === undefined
        ? {}
        : { HTTP_CONTENT_ENCODING: request.headers['content-encoding'] }),
      ...(request.headers['git-protocol'] === undefined
        ? {}
        : { GIT_PROTOCOL: request.headers['git-protocol'] as string }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    const headers = Object.fromEntries(
      all
        .subarray(0, end)
        .toString()
        .split('\r\n')
        .map((line) => line.split(/: (.*)/s) as [string, string]),
    );
    const { Status = '200', ...rest } = headers;
    response.writeHead(Number.parseInt(Status, 10), rest);
    response.end(all.subarray(end + 4));
  });
}
