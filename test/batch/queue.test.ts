/** `dockerfix batch --queue` and `dockerfix worker`, with a real Redis. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { folder, PROJECT } from '../cli/support.ts';
import { lacks, needs } from '../support/programs.ts';
import { batch, command, commit, rows, temporary } from './support.ts';

const root = join(import.meta.dirname, '../..');
let url: string;
let redis: ChildProcess | undefined;
const started: ChildProcess[] = [];

beforeAll(async () => {
  if (lacks('redis-server')) return;
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', tmpdir()]);
  for await (const text of redis.stdout as AsyncIterable<Buffer>) if (text.includes('Ready to accept')) break;
  url = `redis://127.0.0.1:${port}`;
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});
afterAll(() => redis?.kill('SIGKILL'));

interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly code: Promise<number | null>;
}

function start(cwd: string, argv: readonly string[]): Started {
  const child = spawn(process.execPath, [command, ...argv, '--queue', url], { cwd });
  started.push(child);
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  return { child, said: () => said, code: once(child, 'exit').then(([code]) => code as number | null) };
}

function worker(cwd: string, ...more: readonly string[]): Started {
  return start(cwd, ['worker', '--concurrency', '1', '--lock', '2', ...more]);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(50);
}

function results(cwd: string): string[] {
  const path = join(cwd, 'dockerfix-results/journal.jsonl');
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/"event":"result","result":\{"version":1,"id":"([^"]+)"/g)].map(([, id]) => id as string);
}

function logs(cwd: string): string {
  const directory = join(cwd, 'dockerfix-results/logs');
  return existsSync(directory)
    ? readdirSync(directory)
        .map((name) => readFileSync(join(directory, name), 'utf8'))
        .join('')
    : '';
}

function repository(name: string, more: Readonly<Record<string, string>> = {}): string {
  const root = folder({ ...PROJECT, name, ...more });
  commit(root);
  return `file://${root}`;
}

/** Some seconds. */
const SLOW = {
  'slow/Dockerfile': `FROM a\nCOPY . .\n${'RUN apt-get update && apt-get install -y git\n'.repeat(4000)}`,
};

it.each(['compose', 'kubernetes'])('docs/queue/%s.yaml calls what there is', (name) => {
  const documents = parseAllDocuments(readFileSync(join(root, `docs/queue/${name}.yaml`), 'utf8'));
  // Both forms: a line of the shell, and a list of words.
  const calls = JSON.stringify(documents.map((each) => each.toJS() as unknown))
    .replace(/","/g, ' ')
    .match(/dockerfix (?:batch|worker)[^"|\]]*/g);
  expect(calls?.length).toBeGreaterThanOrEqual(2);
  for (const call of calls ?? []) {
    const [, subcommand = '', ...words] = call.split(/\s+/);
    const help = spawnSync(process.execPath, [command, subcommand, '--help'], { encoding: 'utf8' }).stdout;
    const options = words.filter((word) => word.startsWith('--') && word !== '--yes');
    expect(options.length).toBeGreaterThan(0);
    for (const option of options) expect(help).toContain(option);
  }
});

describe('--queue', () => {
  needs('redis-server');

  it('has three workers do what one machine does, and a killed one costs nothing', async () => {
    const cwd = temporary();
    const list = Array.from({ length: 9 }, (_, n) => repository(String(n), n < 2 ? SLOW : {}));
    writeFileSync(join(cwd, 'list'), list.join('\n'));
    const operator = start(cwd, ['batch', '--from', 'list']);
    const taken = (): number => (logs(cwd).match(/a worker has it/g) ?? []).length;
    const first = worker(cwd);
    await until(() => taken() > 0);
    const others = [worker(cwd, '--idle', '10'), worker(cwd, '--idle', '10')];
    // One worker takes two at most, so by then another one is at work, too.
    await until(() => taken() > 2);
    first.child.kill('SIGKILL');
    expect(await operator.code).toBe(0);
    expect(operator.said()).toContain('9 repositories: 9 would change');
    expect(logs(cwd)).toContain('its worker is gone: another one takes it');
    expect(await Promise.all(others.map(({ code }) => code))).toEqual([0, 0]);
    const ids = results(cwd);
    expect([ids.length, new Set(ids).size]).toEqual([9, 9]);
    expect(batch(cwd, ['--from', 'list', '--results', 'here']).code).toBe(0);
    const plain = (name: string): unknown[] =>
      rows(cwd, name)
        .map(({ milliseconds: _, ...row }) => row)
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(plain('dockerfix-results')).toEqual(plain('here'));
  }, 180_000);
  it('obeys a rate for all workers together, and goes on where it was killed', async () => {
    const cwd = temporary();
    writeFileSync(join(cwd, 'list'), Array.from({ length: 8 }, (_, n) => repository(String(n))).join('\n'));
    const operator = start(cwd, ['batch', '--from', 'list', '--max-per-minute', '3']);
    worker(cwd);
    worker(cwd);
    await until(() => results(cwd).length === 3);
    await setTimeout(3000);
    expect(results(cwd)).toHaveLength(3);
    operator.child.kill('SIGKILL');
    await operator.code;
    const again = start(cwd, ['batch', '--resume']);
    // It lifts the rate, which holds until the minute is over.
    expect(await again.code).toBe(0);
    const ids = results(cwd);
    expect([ids.length, new Set(ids).size]).toEqual([8, 8]);
    expect(logs(cwd).match(/, try \d/g)).toHaveLength(8);
  }, 120_000);
  it('tries again what another try may bring, and no more than three times', async () => {
    const cwd = temporary();
    const operator = start(cwd, ['batch', `file://${cwd}/absent`]);
    worker(cwd);
    expect(await operator.code).toBe(2);
    expect(rows(cwd)).toMatchObject([{ status: 'failed', error: { code: 'git-failed' } }]);
    expect(logs(cwd).match(/, try \d/g)).toEqual([', try 1', ', try 2', ', try 3']);
  });
  it('takes no result of a worker with another configuration', async () => {
    const cwd = temporary();
    const other = temporary();
    writeFileSync(join(other, 'dockerfix.config.json'), '{"unsafe":true}');
    const operator = start(cwd, ['batch', repository('a')]);
    worker(other);
    expect(await operator.code).toBe(2);
    expect(operator.said()).toContain('another configuration file than the batch');
    expect(rows(cwd)).toMatchObject([{ status: 'failed', error: { code: 'worker-failed' } }]);
  });
  it('goes on with no requests that were begun without it', () => {
    const cwd = temporary();
    const home = { forge: 'github', url: 'https://github.com', repository: 'a/b' };
    const target = { id: 'b-0123456789', kind: 'clone', location: 'https://github.com/a/b.git', home };
    const settings = { branch: 'x', labels: [], reviewers: [], draft: false, signOff: false, author: {} };
    const events = [
      { event: 'run', version: 1, tool: '0', settings: {} },
      { event: 'target', ...target },
      { event: 'requests', settings },
      { event: 'begin', targets: 1 },
    ];
    mkdirSync(join(cwd, 'dockerfix-results'));
    const journal = events.map((each) => `${JSON.stringify(each)}\n`).join('');
    writeFileSync(join(cwd, 'dockerfix-results/journal.jsonl'), journal);
    const { status, stderr } = spawnSync(process.execPath, [command, 'batch', '--resume', '--queue', url], {
      cwd,
      encoding: 'utf8',
    });
    expect(stderr).toContain('--queue and --open-prs exclude each other');
    expect(status).toBe(2);
    expect(readFileSync(join(cwd, 'dockerfix-results/journal.jsonl'), 'utf8')).toBe(journal);
  });
  it.each([
    [
      'a password in its arguments',
      ['batch', 'https://a.example/b.git', '--queue', 'redis://:hush@localhost'],
      'REDIS_PASSWORD',
    ],
    ['another server', ['worker', '--queue', 'http://localhost'], '--queue takes redis://'],
    [
      'a server that is not there',
      ['worker', '--queue', 'redis://127.0.0.1:1'],
      'cannot be reached: connect ECONNREFUSED',
    ],
    ['a checkout', ['batch', '.'], '--queue takes clone URLs'],
    [
      'requests',
      ['batch', 'https://github.com/a/b.git', '--open-prs', '--author', 'A <a@example.com>'],
      '--queue and --open-prs exclude each other',
    ],
    ['a rate without a queue', ['batch', '--max-per-minute', '3', '.'], '--max-per-minute needs --queue'],
  ])('refuses %s', (_reason, argv, message) => {
    const more = argv.includes('--queue') || argv.includes('--max-per-minute') ? [] : ['--queue', url];
    const { status, stderr } = spawnSync(process.execPath, [command, ...argv, ...more], {
      cwd: temporary(),
      encoding: 'utf8',
    });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('hush');
    expect(status).toBe(2);
  });
});
