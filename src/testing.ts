/** The fixture runner, for our transforms and other people's (published as `dockerfix/testing`). */
export { runFixture, type FixtureCase, type FixtureResult } from './testing/case.ts';
export { checkFixture, fixtureFolders, withPlugin, type FixtureFolder } from './testing/folders.ts';
