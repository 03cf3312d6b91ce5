/** Every folder of fixtures/ is a case: the context's files, and in expected/ what must come out. UPDATE=1 rewrites it. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { managers, transforms } from 'dockerfix';
import { runFixture } from 'dockerfix/testing';
import plugin from '../src/index.js';

function filesIn(folder: string, skip?: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(folder, name)).isFile() && name.split('/')[0] !== skip);
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

const options = {
  transforms: [...transforms, ...(plugin.transforms ?? [])],
  managers: [...(plugin.managers ?? []), ...managers],
};
const root = join(import.meta.dirname, '../../fixtures');
for (const name of readdirSync(root))
  test(name, () => {
    const folder = join(root, name);
    const expected = join(folder, 'expected');
    const { outcome, actual, broken } = runFixture({ files: filesIn(folder, 'expected'), options });
    if (process.env['UPDATE'] === '1' && process.env['CI'] === undefined) {
      rmSync(expected, { recursive: true, force: true });
      mkdirSync(expected);
      for (const [path, text] of Object.entries(actual)) writeFileSync(join(expected, path), text);
    }
    assert.deepEqual(actual, filesIn(expected));
    assert.deepEqual(broken, []);
    assert.equal(outcome.status === 'changed', name.startsWith('applies-'));
  });
