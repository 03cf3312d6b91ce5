import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { transforms } from '../src/index.ts';
import { checkFixture } from '../src/testing.ts';
import { casesOf, fixturesRoot } from './support/fixtures.ts';

it('has a folder for every transform, and none besides', () => {
  expect(readdirSync(fixturesRoot).sort()).toEqual(transforms.map((each) => each.name).sort());
});

for (const { name: transform } of transforms) {
  describe(transform, () => {
    const cases = casesOf(transform);
    it.each(cases)('$name', (fixture) => void checkFixture(fixture));

    it('has cases that apply, refuse and are already right', () => {
      const count = (prefix: string): number => cases.filter((each) => each.name.startsWith(prefix)).length;
      expect(count('applies-')).toBeGreaterThanOrEqual(1);
      expect(count('refuses-')).toBeGreaterThanOrEqual(2);
      expect(count('already-')).toBeGreaterThanOrEqual(1);
    });
  });
}
