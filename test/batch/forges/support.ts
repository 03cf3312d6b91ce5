/** The built command against a forge on loopback. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect } from 'vitest';
import { PROJECT } from '../../cli/support.ts';
import { TOKEN, type ForgeServer, type Repository, type Request } from './server.ts';

const command = join(import.meta.dirname, '../../../dist/cli.js');
const made: string[] = [];
afterAll(() => made.forEach((each) => rmSync(each, { recursive: true, force: true })));

export const FILES = { ...PROJECT, '.gitattributes': '*.json filter=x\n' };

export interface Place {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A working directory and a home. Every git there notes how it was called. */
export function place(more: Readonly<Record<string, string>>): Place & { readonly gitCalls: () => string } {
  const root = mkdtempSync(join(tmpdir(), 'dockerfix-forge-test-'));
  made.push(root);
  writeFileSync(join(root, '.gitconfig'), '[user]\n\tname = Robot\n\temail = robot@example.com\n');
  const real = process.env['PATH'] ?? '';
  const log = join(root, 'git.log');
  writeFileSync(join(root, 'git'), `#!/bin/sh\necho "$@" >> ${log}\nPATH='${real}' exec git "$@"\n`, { mode: 0o755 });
  return {
    cwd: root,
    environment: { PATH: `${root}:${real}`, HOME: root, ...more },
    gitCalls: () => readFileSync(log, 'utf8'),
  };
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ran: Promise<Ran>;
  /** On standard error, so far. */
  readonly said: () => string;
}

export function start({ cwd, environment }: Place, argv: readonly string[]): Started {
  const child = spawn(process.execPath, [command, 'batch', ...argv], { cwd, env: environment });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return {
    child,
    ran: new Promise((done) => child.on('close', (code) => done({ code, out, err }))),
    said: () => err,
  };
}

export async function batch(at: Place, ...argv: readonly string[]): Promise<Ran> {
  const ran = await start(at, argv).ran;
  expectNoSecret(at.cwd, ran);
  return ran;
}

export const BRANCH = 'dockerfix/layer-cache';

let runs = 0;
/** A results folder of its own, as of a run that begins anew. */
export function results(): string {
  return `run${runs++}`;
}

/** The results folder that a run told of. */
export function resultsOf({ err }: Pick<Ran, 'err'>): string {
  return /see \S+\/(run\d+)$/m.exec(err)?.[1] ?? '';
}

/** What the journal of a results folder holds. */
export function journal(cwd: string, folder: string): Record<string, unknown>[] {
  return readFileSync(join(cwd, folder, 'journal.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

export interface World {
  readonly server: ForgeServer;
  readonly at: Place & { readonly gitCalls: () => string };
  /** Of all repositories of `acme`, into a results folder of its own. */
  readonly openRequests: (...more: readonly string[]) => Promise<Ran>;
}

/** A forge, and somebody who has its token, anew for each test; a request that the forge does not know fails it. */
export function eachWithForge(
  flag: '--github' | '--gitlab' | '--gitea',
  variable: string,
  startForge: () => Promise<ForgeServer>,
): World {
  let server: ForgeServer;
  let at: World['at'];
  beforeEach(async () => {
    server = await startForge();
    at = place({ [variable]: TOKEN });
  });
  afterEach(async () => {
    const { wrong } = server;
    await server.stop();
    expect(wrong).toEqual([]);
  });
  return {
    get server() {
      return server;
    },
    get at() {
      return at;
    },
    openRequests: (...more) =>
      batch(at, flag, 'acme', '--url', server.url, '--open-prs', '--results', results(), ...more),
  };
}

export function writes({ calls }: ForgeServer): string[] {
  return calls.filter((call) => /^(?:POST|PATCH|PUT|DELETE|git git-receive)/.test(call));
}

export function only({ requests }: Repository): Request {
  expect(requests).toHaveLength(1);
  return requests[0] as Request;
}

/** Neither in what was said nor in what was written. */
export function expectNoSecret(cwd: string, { out, err }: Ran): void {
  const encoded = Buffer.from(`oauth2:${TOKEN}`).toString('base64').slice(12, 28);
  const github = Buffer.from(`x-access-token:${TOKEN}`).toString('base64').slice(24, 40);
  const texts = readdirSync(cwd, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  for (const text of [out, err, ...texts]) {
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(encoded);
    expect(text).not.toContain(github);
  }
}
