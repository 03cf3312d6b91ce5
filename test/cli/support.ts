import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { main } from '../../src/cli/index.ts';

const made: string[] = [];
afterAll(() => made.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

export const PROJECT = {
  Dockerfile: 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n',
  'package.json': '{}',
  'package-lock.json': '{}',
  'server.js': '1',
  '.gitignore': 'node_modules\n',
};
export const FIXED = 'FROM node:20\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n';

/** A folder with these files; a git repository unless told otherwise. */
export function folder(files: Record<string, string> = PROJECT, git = true): string {
  const root = mkdtempSync(join(tmpdir(), 'dockerfix-test-'));
  made.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  if (git) {
    execFileSync('git', ['init', '-q', root]);
    execFileSync('git', ['-C', root, 'add', '-A', '-f']);
  }
  return root;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function dockerfix(
  cwd: string,
  argv: readonly string[],
  more: { stdin?: string | Uint8Array; environment?: Record<string, string>; isTerminal?: boolean } = {},
): Promise<Ran> {
  let out = '';
  let err = '';
  const code = await main(argv, {
    cwd,
    environment: more.environment ?? {},
    isTerminal: more.isTerminal ?? false,
    stdin: () => Promise.resolve(Buffer.from(more.stdin ?? '')),
    stdout: (text) => (out += text),
    stderr: (text) => (err += text),
  });
  return { code, out, err };
}
