import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runFixture } from '../src/testing.ts';

const root = join(import.meta.dirname, '../fixtures');
const update = process.env['UPDATE'] === '1';
if (update && process.env['CI'] !== undefined) throw new Error('UPDATE=1 is refused in CI');

function filesBelow(folder: string, skip: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (directory: string): void => {
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      if (skip.includes(relative(folder, path))) continue;
      if (statSync(path).isDirectory()) walk(path);
      else found[relative(folder, path)] = readFileSync(path, 'utf8');
    }
  };
  if (existsSync(folder)) walk(folder);
  return found;
}

for (const transform of readdirSync(root)) {
  describe(transform, () => {
    const names = readdirSync(join(root, transform));
    it.each(names)('%s', (name) => {
      const folder = join(root, transform, name);
      const files = filesBelow(folder, ['expected', 'options.json']);
      const settings = join(folder, 'options.json');
      const options = existsSync(settings) ? (JSON.parse(readFileSync(settings, 'utf8')) as object) : {};
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
      const count = (prefix: string): number => names.filter((name) => name.startsWith(prefix)).length;
      expect(count('applies-')).toBeGreaterThanOrEqual(1);
      expect(count('refuses-')).toBeGreaterThanOrEqual(2);
      expect(count('already-')).toBeGreaterThanOrEqual(1);
    });
  });
}
