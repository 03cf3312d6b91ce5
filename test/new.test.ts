/** `npm run new`, as CONTRIBUTING says: what it makes is formatted, has the right types and codes that are known, and passes its cases. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
let clone: string;

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'dockerfix-new-'));
  for (const each of [
    'src',
    'transforms',
    'fixtures',
    'templates',
    'scripts',
    '.prettierrc.json',
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
  ])
    cpSync(join(root, each), join(clone, each), { recursive: true });
  for (const each of ['test/fixtures.test.ts', 'test/refusals.test.ts', 'test/cli/support.ts', 'test/support'])
    cpSync(join(root, each), join(clone, each), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

const node = (...argv: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, argv, { cwd: clone, encoding: 'utf8', env: { ...process.env, UPDATE: '' } });

it('starts a transform and a manager that hold', () => {
  expect(node('scripts/new.js', 'transform', 'late-label')).toMatchObject({ status: 0, stderr: '' });
  expect(node('scripts/new.js', 'manager', 'acme')).toMatchObject({ status: 0, stderr: '' });
  writeFileSync(
    join(clone, 'tsconfig.json'),
    readFileSync(join(clone, 'tsconfig.json'), 'utf8').replace(/"include": .*/, '"files": ["transforms/index.ts"]'),
  );
  expect(node('node_modules/typescript/bin/tsc', '-p', '.')).toMatchObject({ status: 0, stdout: '' });
  const made = ['transforms/late-label.ts', 'transforms/index.ts', 'src/managers/acme.ts', 'src/managers/index.ts'];
  expect(node('node_modules/prettier/bin/prettier.cjs', '--list-different', ...made)).toMatchObject({
    status: 0,
    stdout: '',
  });
  const { status, stdout } = node(
    'node_modules/vitest/vitest.mjs',
    'run',
    'test/fixtures.test.ts',
    'test/refusals.test.ts',
    '-t',
    'acme|late-label|the table of codes',
  );
  expect(status, stdout).toBe(0);
  // Four cases of the one, three of the other, what is asked of each transform's cases, and what of the codes.
  expect(Number(/(\d+) passed/.exec(stdout.split('Tests').at(-1) ?? '')?.[1])).toBeGreaterThanOrEqual(12);
}, 120_000);

it('refuses what is there, and what is no name', () => {
  expect(node('scripts/new.js', 'manager', 'npm')).toMatchObject({
    status: 2,
    stderr: 'there is `src/managers/npm.ts` already\n',
  });
  expect(node('scripts/new.js', 'transform', 'LateLabel').status).toBe(2);
  expect(node('scripts/new.js', 'rule', 'late-label').status).toBe(2);
});
