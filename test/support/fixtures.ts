import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fixtureFolders, type FixtureFolder } from '../../src/testing.ts';

export { filesBelow } from '../../src/testing/folders.ts';

export const fixturesRoot = join(import.meta.dirname, '../../fixtures');

/** The cases of one transform, which runs on them even where it has to be asked for. */
export function casesOf(transform: string): readonly FixtureFolder[] {
  return fixtureFolders(join(fixturesRoot, transform), [transform]);
}

export function allCases(): (FixtureFolder & { readonly transform: string })[] {
  return readdirSync(fixturesRoot).flatMap((transform) => casesOf(transform).map((each) => ({ ...each, transform })));
}
