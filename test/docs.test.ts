/** What is generated is what the sources say now. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { managers } from '../src/managers/index.ts';
import { REFUSALS } from '../src/refusals.ts';
import { transforms } from '../transforms/index.ts';
import { dockerfix } from './cli/support.ts';

const root = join(import.meta.dirname, '..');

it('the generated documents are up to date (`npm run docs`)', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/docs.js', '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('there is a page for each transform and package manager, with all sections', () => {
  for (const { name } of transforms) {
    const page = readFileSync(join(root, `docs/transforms/${name}.md`), 'utf8');
    for (const heading of ['What it does', 'Why', 'Example', 'Fix safety'])
      expect(page, name).toContain(`## ${heading}`);
  }
  for (const { name } of managers) {
    const page = readFileSync(join(root, `docs/managers/${name}.md`), 'utf8');
    for (const heading of ['Reads', 'Writes', 'Runs', 'Hazards', 'Caches', 'Sources'])
      expect(page, name).toMatch(new RegExp(`^## ${heading}\n\n[^#\\s]`, 'm'));
  }
});

it('there is a page for each code, and `dockerfix explain CODE` prints the same', async () => {
  const words = (text: string): string => text.replace(/[^\p{L}\p{N}]+/gu, ' ');
  for (const [code, { means, why, todo, example }] of Object.entries(REFUSALS)) {
    const page = words(readFileSync(join(root, `docs/refusals/${code}.md`), 'utf8'));
    const { out } = await dockerfix(root, ['explain', code]);
    for (const text of [code, means, why, todo, example].map(words)) {
      expect(page, code).toContain(text.trim());
      expect(words(out), code).toContain(text.trim());
    }
  }
});

it('the configuration that docs/configuration.md shows is valid', async () => {
  const { checkConfig } = await import('../src/config/schema.ts');
  const shown = /```json\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/configuration.md'), 'utf8'))?.[1];
  expect(checkConfig(JSON.parse(shown as string))).toHaveProperty('config');
});

it('every manager has a file of its name, and the other way round', () => {
  const files = readdirSync(join(root, 'src/managers')).filter((name) => name.endsWith('.ts') && name !== 'index.ts');
  expect(files.map((name) => name.slice(0, -3)).sort()).toEqual(managers.map(({ name }) => name).sort());
});
