/** The templates of `dockerfix new` hold as they stand, names and all, and so do the examples. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Plugin } from '../src/model.ts';
import { checkFixture, fixtureFolders, withPlugin } from '../src/testing.ts';

describe.each([
  'templates/transform',
  'templates/manager',
  'examples/dockerfix-late-expose',
  'examples/dockerfix-vcpkg',
])('%s', (path) => {
  const folder = join(import.meta.dirname, '..', path);
  const fixtures = fixtureFolders(join(folder, 'fixtures'));
  it.each(fixtures)('$name', async (fixture) => {
    const { default: plugin } = (await import(join(folder, 'src/index.ts'))) as { default: Plugin };
    expect(checkFixture(fixture, withPlugin(plugin)).broken).toEqual([]);
  });
});
