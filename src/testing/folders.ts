/** Cases as folders on disk. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { managers, transforms, type FixOptions } from '../index.ts';
import type { Plugin } from '../model.ts';
import { runFixture, type FixtureResult } from './case.ts';

/** `<applies|refuses|already>-<reason>/`: the context's files, `expected/`, and perhaps `options.json`. */
export interface FixtureFolder {
  readonly name: string;
  readonly folder: string;
  readonly files: Readonly<Record<string, string>>;
  /** Of `options.json`, as `fix` takes them. */
  readonly options: FixOptions;
}

/** Every folder directly in `root` is a case, of the transforms of these names: they run, opt-in or not. */
export function fixtureFolders(root: string, of: readonly string[] = []): readonly FixtureFolder[] {
  return readdirSync(root)
    .sort()
    .map((name) => {
      const folder = join(root, name);
      const settings = join(folder, 'options.json');
      const options = existsSync(settings) ? (JSON.parse(readFileSync(settings, 'utf8')) as FixOptions) : {};
      return {
        name,
        folder,
        files: filesBelow(folder, ['expected', 'options.json']),
        options: { ...options, add: [...of, ...(options.add ?? [])] },
      };
    });
}

/**
 * Runs a case, and throws where something else comes out than `expected/` holds, where what every case must keep is
 * broken, or where `applies-` changes nothing or another one does. Where transforms are added, `applies-` has a fix of
 * one of them: a case in which only others did something shows nothing. With UPDATE=1 in the environment it rewrites
 * `expected/` first, which CI refuses.
 */
export function checkFixture(fixture: FixtureFolder, options: FixOptions = {}): FixtureResult {
  const expected = join(fixture.folder, 'expected');
  const add = [...(options.add ?? []), ...(fixture.options.add ?? [])];
  const result = runFixture({ files: fixture.files, options: { ...options, ...fixture.options, add } });
  if (process.env['UPDATE'] === '1') {
    if (process.env['CI'] !== undefined) throw new Error('UPDATE=1 is refused in CI');
    rmSync(expected, { recursive: true, force: true });
    for (const [path, text] of Object.entries(result.actual)) {
      mkdirSync(dirname(join(expected, path)), { recursive: true });
      writeFileSync(join(expected, path), text);
    }
  }
  assert.match(fixture.name, /^(?:applies|refuses|already)-/, 'a case is called applies-, refuses- or already-');
  assert.deepEqual(result.actual, filesBelow(expected), 'what comes out is not what expected/ holds');
  assert.deepEqual(result.broken, []);
  const applies = fixture.name.startsWith('applies-');
  assert.equal(result.outcome.status === 'changed', applies, 'applies- alone changes');
  const isOwn = add.length === 0 || result.outcome.applied.some(({ transform }) => add.includes(transform));
  assert.ok(!applies || isOwn, `applies- without a fix of ${add.join(' or ')}`);
  return result;
}

/** The options under which a plugin's transforms and package managers run besides the built-in ones. */
export function withPlugin(plugin: Plugin): FixOptions {
  const own = plugin.transforms ?? [];
  return {
    transforms: [...transforms, ...own],
    add: own.map((each) => each.name),
    managers: [...(plugin.managers ?? []), ...managers],
  };
}

/** Every file below a folder, by its path in it with `/`. */
export function filesBelow(folder: string, skip: readonly string[] = []): Record<string, string> {
  if (!existsSync(folder)) return {};
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !skip.includes(path.split(sep)[0] as string) && statSync(join(folder, path)).isFile())
    .sort();
  return Object.fromEntries(paths.map((path) => [path.replaceAll(sep, '/'), readFileSync(join(folder, path), 'utf8')]));
}
