/** What `dockerfix/testing` asks of a case. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkFixture, fixtureFolders } from '../src/testing.ts';
import { fixturesRoot } from './support/fixtures.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'dockerfix-cases-'));
  for (const each of ['split-dependency-manifests/applies-design-example', 'cache-mounts/applies-gradle-build'])
    cpSync(join(fixturesRoot, each), join(root, basename(each)), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const check = (name: string, of: readonly string[]): unknown =>
  checkFixture(fixtureFolders(root, of).find((each) => each.name === name) as never);

it('runs the transform that a case is of, opt-in or not', () => {
  expect(check('applies-gradle-build', ['cache-mounts'])).toMatchObject({ outcome: { status: 'changed' } });
  expect(() => check('applies-gradle-build', [])).toThrow('what comes out is not what expected/ holds');
});
it('lets no case apply in which that transform did nothing', () => {
  expect(check('applies-design-example', ['split-dependency-manifests'])).toMatchObject({ broken: [] });
  expect(() => check('applies-design-example', ['late-arg'])).toThrow('applies- without a fix of late-arg');
});
