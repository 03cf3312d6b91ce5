/** What dockerfix is made of: each package has a licence that lets it be passed on, and a reason in CONTRIBUTING. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Licences that ask for no more than their text. */
const PERMISSIVE = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0']);

/** The table below a heading of docs/licences.md. */
function listed(heading: string): Map<string, readonly string[]> {
  const [, section = ''] = read('docs/licences.md').split(`## ${heading}\n`);
  const rows = (section.split('\n## ')[0] as string).matchAll(/^\| ([^|]+?) +\| (.+?) +\|$/gm);
  return new Map(
    [...rows].slice(2).map(([, licence, names]) => [licence as string, (names as string).split(', ')] as const),
  );
}

it('what is bundled or installed along is licensed permissively', () => {
  for (const heading of ['In the command', 'Installed along']) {
    const licences = [...listed(heading).keys()];
    expect(licences.length).toBeGreaterThan(2);
    expect(licences.filter((each) => !PERMISSIVE.has(each))).toEqual([]);
  }
});

it('the notices ship with the command, and name what the list names', () => {
  const notices = read('dist/THIRD-PARTY-NOTICES.txt');
  const named = new Set([...notices.matchAll(/^-{80}\n(.+)$/gm)].flatMap(([, names]) => (names as string).split(', ')));
  const names = new Set([...named].map((each) => each.slice(0, each.lastIndexOf(' '))));
  expect([...listed('In the command').values()].flat().sort()).toEqual([...names].sort());
  expect(notices).toContain('Permission is hereby granted, free of charge');
  expect(notices).toContain('Apache License');
});

it('each dependency has its reason, and each reason its dependency', () => {
  const direct = ['package.json', 'site/package.json', 'editors/vscode/package.json'].flatMap((path) => {
    const { dependencies, devDependencies } = JSON.parse(read(path)) as Record<string, Record<string, string>>;
    return Object.keys({ ...dependencies, ...devDependencies });
  });
  const [, table = ''] = read('CONTRIBUTING.md').split('each with its reason\n');
  const reasons = [...table.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)].slice(2);
  for (const [, , reason] of reasons) expect(reason).toMatch(/\S+ \S+/);
  expect(reasons.flatMap(([, names]) => (names as string).split(', ')).sort()).toEqual([...new Set(direct)].sort());
});
