/** What the tests of `dockerfix batch` share: they start the built command, as its threads run from dist/ only. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export const command = join(import.meta.dirname, '../../dist/cli.js');
const made: string[] = [];
afterAll(() => made.forEach((each) => rmSync(each, { recursive: true, force: true })));

export function temporary(): string {
  const made_ = mkdtempSync(join(tmpdir(), 'dockerfix-batch-'));
  made.push(made_);
  return made_;
}

export function batch(
  cwd: string,
  argv: readonly string[],
  input = '',
): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'batch', ...argv], {
    cwd,
    input,
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

export interface Row {
  readonly id: string;
  readonly location: string;
  readonly status: string;
  readonly patch: string | null;
  readonly commit?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly milliseconds?: number;
  readonly written?: boolean;
  readonly replay?: { readonly commits: number };
}

export function rows(cwd: string, results = 'dockerfix-results'): Row[] {
  return readFileSync(join(cwd, results, 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
}

export function commit(root: string): string {
  git(root, 'add', '-A', '-f');
  git(
    root,
    '-c',
    'user.name=a',
    '-c',
    'user.email=a@example.com',
    '-c',
    'core.hooksPath=/dev/null',
    'commit',
    '-qm',
    'x',
  );
  return git(root, 'rev-parse', 'HEAD').trim();
}

export function git(root: string, ...args: string[]): string {
  return execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' });
}
