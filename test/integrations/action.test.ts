/** The action's script as GitHub runs it: its environment, a repository with a remote, and a stand-in for the API. */
import { execFileSync, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { FIXED, folder, PROJECT, type Ran } from '../cli/support.ts';

const root = join(import.meta.dirname, '../..');
/** What npm installs: a package whose command is the built one here. */
const stand = folder(
  {
    'package.json': '{"name":"dockerfix","version":"9.9.9","type":"module"}',
    'dist/cli.js': `import ${JSON.stringify(join(root, 'dist/cli.js'))};`,
  },
  false,
);

interface Comment {
  id: number;
  body: string;
  user: { login: string };
}
let comments: Comment[] = [];
let refuses = false;
const asked: string[] = [];
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { method = '', url = '' } = request;
      asked.push(`${method} ${url}`);
      const answer = (status: number, value: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(value));
      };
      if (request.headers.authorization !== 'Bearer secret') return answer(401, {});
      if (url === '/user' || refuses) return answer(403, {});
      if (method === 'GET') {
        const page = Number(/&page=(\d+)/.exec(url)?.[1]);
        return answer(200, comments.slice((page - 1) * 100, page * 100));
      }
      const { body } = JSON.parse(text) as { body: string };
      if (method === 'POST') comments.push({ id: comments.length + 1, body, user: { login: 'github-actions[bot]' } });
      else for (const each of comments) if (url.endsWith(`/${each.id}`)) each.body = body;
      answer(200, {});
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterAll(() => server.close());
beforeEach(() => {
  comments = [];
  refuses = false;
  asked.length = 0;
});

/** A clone with a remote, on its branch. */
function clone(files: Record<string, string> = PROJECT): string {
  const repository = folder(files);
  const remote = folder({}, false);
  const git = (...argv: string[]): void => void execFileSync('git', argv, { cwd: repository, stdio: 'ignore' });
  execFileSync('git', ['init', '-q', '--bare', remote]);
  git('checkout', '-q', '-b', 'topic');
  git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '-m', 'first');
  git('remote', 'add', 'origin', remote);
  git('push', '-q', 'origin', 'topic');
  return repository;
}
const log = (repository: string, format: string): string =>
  execFileSync('git', ['log', '-1', `--format=${format}`, 'topic'], {
    cwd: execFileSync('git', ['remote', 'get-url', 'origin'], { cwd: repository, encoding: 'utf8' }).trim(),
    encoding: 'utf8',
  }).trim();

interface ActionRan extends Ran {
  readonly outputs: string;
  readonly summary: string;
}

function action(repository: string, environment: Record<string, string>, event: object = {}): Promise<ActionRan> {
  const runner = folder({ 'event.json': JSON.stringify(event), output: '', summary: '' }, false);
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [join(root, 'action/main.js')], {
    cwd: repository,
    env: {
      ...{ PATH, HOME, RUNNER_TEMP: runner, DOCKERFIX_PACKAGE: stand, DOCKERFIX_TOKEN: 'secret' },
      GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      GITHUB_REPOSITORY: 'acme/app',
      GITHUB_EVENT_PATH: join(runner, 'event.json'),
      GITHUB_OUTPUT: join(runner, 'output'),
      GITHUB_STEP_SUMMARY: join(runner, 'summary'),
      GITHUB_REF: 'refs/heads/topic',
      GITHUB_REF_NAME: 'topic',
      GITHUB_REF_TYPE: 'branch',
      ...environment,
    },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((done) =>
    child.on('close', (code) => {
      const read = (name: string): string => readFileSync(join(runner, name), 'utf8');
      done({ code: code ?? -1, out, err, outputs: read('output'), summary: read('summary') });
    }),
  );
}

const PULL = { pull_request: { number: 7 } };
const DONE = { ...PROJECT, Dockerfile: FIXED, '.dockerignore': 'node_modules\n' };

describe('check', () => {
  it('fails where something would change, with annotations and a job summary', async () => {
    const repository = clone();
    const { code, out, outputs, summary } = await action(repository, {});
    expect(code).toBe(1);
    expect(out).toContain('::warning file=Dockerfile,line=4,title=dockerfix split-dependency-manifests::');
    expect(outputs).toBe('changed=true\n');
    expect(summary).toContain('```diff\n');
    expect(readFileSync(join(repository, 'Dockerfile'), 'utf8')).toBe(PROJECT.Dockerfile);
  });
  it('passes where nothing would', async () => {
    const { code, outputs } = await action(clone(DONE), {});
    expect([code, outputs]).toEqual([0, 'changed=false\n']);
  });
  it('takes paths and options, and tells mistakes as such', async () => {
    const files = Object.fromEntries(
      ['a', 'b'].flatMap((each) => Object.entries(PROJECT).map(([path, text]) => [`${each}/${path}`, text])),
    );
    const { out } = await action(clone(files), { DOCKERFIX_PATHS: 'a\n', DOCKERFIX_OPTIONS: '--skip\nlate-copy' });
    expect(out).toContain('file=a/Dockerfile');
    expect(out).not.toContain('file=b/Dockerfile');
    expect((await action(clone(), { DOCKERFIX_OPTIONS: '--nonsense' })).code).toBe(2);
    expect((await action(clone(), { DOCKERFIX_MODE: 'guess' })).out).toContain(
      '::error title=dockerfix::mode: there is no',
    );
  });
  it('runs no configuration where a fork has secrets at hand', async () => {
    const repository = clone({
      ...PROJECT,
      'dockerfix.config.mjs': "import { writeFileSync } from 'node:fs'; writeFileSync('ran', ''); export default {};",
    });
    for (const event of ['pull_request_target', 'issue_comment', 'workflow_run'])
      await action(repository, { GITHUB_EVENT_NAME: event });
    expect(existsSync(join(repository, 'ran'))).toBe(false);
    await action(repository, { GITHUB_EVENT_NAME: 'pull_request' });
    expect(existsSync(join(repository, 'ran'))).toBe(true);
  });
  it('does not let the repository choose the registry', async () => {
    const repository = clone({ ...DONE, '.npmrc': 'registry=http://127.0.0.1:1/\n' });
    expect((await action(repository, {})).code).toBe(0);
  });
});

describe('comment', () => {
  it('keeps one comment up to date, and adds none where nothing would change', async () => {
    expect((await action(clone(DONE), { DOCKERFIX_MODE: 'comment' }, PULL)).code).toBe(0);
    expect(comments).toEqual([]);
    for (let id = 1; id <= 120; id++)
      comments.push({ id, body: '<!-- dockerfix --> mine', user: { login: 'somebody' } });
    const repository = clone();
    expect((await action(repository, { DOCKERFIX_MODE: 'comment' }, PULL)).code).toBe(0);
    expect(comments).toHaveLength(121);
    expect(comments[120]?.body).toContain('+COPY package.json package-lock.json ./');
    asked.length = 0;
    await action(repository, { DOCKERFIX_MODE: 'comment' }, PULL);
    expect(asked.filter((each) => !each.startsWith('GET'))).toEqual([]);
    writeFileSync(join(repository, 'Dockerfile'), FIXED);
    writeFileSync(join(repository, '.dockerignore'), 'node_modules\n');
    await action(repository, { DOCKERFIX_MODE: 'comment' }, PULL);
    expect(comments[120]?.body).toContain('nothing would change any more');
    expect(comments.slice(0, 120).every(({ body }) => body.endsWith('mine'))).toBe(true);
  });
  it('says so where there is no pull request, or no leave', async () => {
    const { code, out } = await action(clone(), { DOCKERFIX_MODE: 'comment' });
    expect(code).toBe(0);
    expect(out).toContain('There is no pull request here');
    refuses = true;
    const refused = await action(clone(), { DOCKERFIX_MODE: 'comment' }, PULL);
    expect(refused.code).toBe(2);
    expect(refused.out).toContain('pull-requests: write');
    expect(refused.out).not.toContain('secret');
  });
});

describe('fix', () => {
  it('commits just what it wrote, and pushes it', async () => {
    const repository = clone();
    writeFileSync(join(repository, 'server.js'), 'edited by an earlier step');
    writeFileSync(join(repository, 'stray.txt'), '');
    const { code, out } = await action(repository, { DOCKERFIX_MODE: 'fix', DOCKERFIX_MESSAGE: 'Cache -- "it"' });
    expect(code, out).toBe(0);
    expect(log(repository, '%s|%an')).toBe('Cache -- "it"|github-actions[bot]');
    const changed = execFileSync('git', ['show', '--format=', '--name-only', 'HEAD'], {
      cwd: repository,
      encoding: 'utf8',
    });
    expect(changed.trim().split('\n').sort()).toEqual(['.dockerignore', 'Dockerfile']);
    expect(execFileSync('git', ['show', 'HEAD:Dockerfile'], { cwd: repository, encoding: 'utf8' })).toBe(FIXED);
    expect((await action(repository, { DOCKERFIX_MODE: 'fix' })).outputs).toBe('changed=false\n');
    expect(log(repository, '%s')).toBe('Cache -- "it"');
  });
  it('pushes to no branch but the one that is checked out', async () => {
    const repository = clone();
    const git = (...argv: string[]): void => void execFileSync('git', argv, { cwd: repository, stdio: 'ignore' });
    git('checkout', '-q', '--detach');
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', "a fork's");
    for (const environment of [
      { GITHUB_REF: 'refs/pull/7/merge', GITHUB_HEAD_REF: 'topic' },
      // As a fork may call its own.
      { GITHUB_EVENT_NAME: 'pull_request_target', GITHUB_HEAD_REF: 'topic' },
      { GITHUB_EVENT_NAME: 'issue_comment' },
    ]) {
      const { code, out } = await action(repository, { DOCKERFIX_MODE: 'fix', ...environment });
      expect(code).toBe(2);
      expect(out).toContain('no branch is checked out');
      git('checkout', '-q', '--', '.');
    }
    expect(log(repository, '%s')).toBe('first');
  });
  it('takes names for names, not for patterns', async () => {
    const files = Object.fromEntries(Object.entries(PROJECT).map(([path, text]) => [`:(glob)x/${path}`, text]));
    const { code, out } = await action(clone(files), { DOCKERFIX_MODE: 'fix' });
    expect(code, out).toBe(0);
    expect(out).toContain('committed ":(glob)x/Dockerfile"');
  });
});

it('action.yml hands over every input, and nothing of it becomes part of a command line', () => {
  const { inputs, runs } = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as {
    inputs: Record<string, { description?: string; default?: string }>;
    runs: { using: string; steps: { run: string; env: Record<string, string> }[] };
  };
  const [step] = runs.steps;
  expect(runs.steps).toHaveLength(1);
  expect(step?.run).not.toContain('${{');
  expect(step?.env).toEqual(
    Object.fromEntries(
      Object.keys(inputs).map((name) => [`DOCKERFIX_${name.toUpperCase()}`, `\${{ inputs.${name} }}`]),
    ),
  );
  for (const [name, { description, default: value }] of Object.entries(inputs)) {
    expect(description, name).toBeDefined();
    expect(value, name).toBeDefined();
  }
  const script = readFileSync(join(root, 'action/main.js'), 'utf8');
  for (const name of Object.keys(inputs)) expect(script).toContain(`env.DOCKERFIX_${name.toUpperCase()}`);
});
