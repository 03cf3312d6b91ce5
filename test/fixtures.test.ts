import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { transforms } from '../src/index.ts';
import { runFixture } from '../src/testing.ts';
import { casesOf, filesBelow, fixturesRoot } from './support/fixtures.ts';

const update = process.env['UPDATE'] === '1';
if (update && process.env['CI'] !== undefined) throw new Error('UPDATE=1 is refused in CI');

it('has a folder for every transform, and none besides', () => {
  expect(readdirSync(fixturesRoot).sort()).toEqual(transforms.map((each) => each.name).sort());
});

for (const { name: transform } of transforms) {
  describe(transform, () => {
    const cases = casesOf(transform);
    it.each(cases)('$name', ({ name, folder, files, options }) => {
      const { outcome, actual, broken } = runFixture({ files, options });
      const expected = join(folder, 'expected');
      if (update) {
        rmSync(expected, { recursive: true, force: true });
        for (const [path, text] of Object.entries(actual)) {
          mkdirSync(dirname(join(expected, path)), { recursive: true });
          writeFileSync(join(expected, path), text);
        }
      }
      expect(actual).toEqual(filesBelow(expected));
      expect(broken).toEqual([]);
      expect(outcome.status === 'changed').toBe(name.startsWith('applies-'));
    });

    it('has cases that apply, refuse and are already right', () => {
      const count = (prefix: string): number => cases.filter((each) => each.name.startsWith(prefix)).length;
      expect(count('applies-')).toBeGreaterThanOrEqual(1);
      expect(count('refuses-')).toBeGreaterThanOrEqual(2);
      expect(count('already-')).toBeGreaterThanOrEqual(1);
    });
  });
}
