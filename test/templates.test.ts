/** The templates of `dockerfix new` hold as they stand, names and all. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Plugin } from '../src/model.ts';
import { checkFixture, fixtureFolders, withPlugin } from '../src/testing.ts';

describe.each(['transform', 'manager'])('%s', (kind) => {
  const folder = join(import.meta.dirname, '../templates', kind);
  const fixtures = fixtureFolders(join(folder, 'fixtures'));
  it.each(fixtures)('$name', async (fixture) => {
    const { default: plugin } = (await import(join(folder, 'src/index.ts'))) as { default: Plugin };
    expect(checkFixture(fixture, withPlugin(plugin)).broken).toEqual([]);
  });
});
