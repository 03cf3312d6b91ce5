/** The table of codes against the code: none is said that it does not explain, and none is explained that nothing says. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REFUSALS } from '../src/refusals.ts';
import { dockerfix, folder } from './cli/support.ts';
import { filesBelow } from './support/fixtures.ts';

const root = join(import.meta.dirname, '..');
const sources = ['src', 'transforms'].flatMap((room) =>
  Object.entries(filesBelow(join(root, room))).flatMap(([path, text]) =>
    path === 'refusals.ts' ? [] : [[`${room}/${path}`, text] as const],
  ),
);

/** `code: 'x'`, `fail('x', …)`, `code: y ? 'x' : 'z'`, the last argument of a scanner's `fail`. */
function codesIn(text: string): string[] {
  const found = [
    ...text.matchAll(/\bcode(?:: string)?(?::| =) '([a-z0-9-]+)'/g),
    ...text.matchAll(/\b(?:fail|refuse)\(\s*'([a-z0-9]+(?:-[a-z0-9]+)+)'/g),
    ...text.matchAll(/\bfail\([^;]*, '([a-z0-9]+(?:-[a-z0-9]+)+)'\)/g),
  ].map((match) => match[1] as string);
  const either = [...text.matchAll(/\bcode: [^,'\n]*(?:=== '[a-z-]+' )?\? '([a-z0-9-]+)' : '([a-z0-9-]+)'/g)];
  return [...found, ...either.flatMap((match) => [match[1] as string, match[2] as string])];
}

const said = new Map(sources.flatMap(([path, text]) => codesIn(text).map((code) => [code, path] as const)));

describe('the table of codes', () => {
  it('explains every code that is said', () => {
    expect([...said].filter(([code]) => !Object.hasOwn(REFUSALS, code))).toEqual([]);
    expect(said.size).toBeGreaterThan(40);
  });
  it('explains none that nothing says', () => {
    const all = sources.map(([, text]) => text).join('\n');
    expect(Object.keys(REFUSALS).filter((code) => !all.includes(`'${code}'`))).toEqual([]);
  });
  it('explains what the fixtures show', () => {
    const shown = Object.entries(filesBelow(join(root, 'fixtures')))
      .filter(([path]) => path.endsWith('expected/diagnostics.txt'))
      .flatMap(([, text]) => [...text.matchAll(/^\d+ ([a-z0-9-]+) /gm)].map((match) => match[1] as string))
      .filter((code) => code !== 'fix');
    expect(shown.length).toBeGreaterThan(100);
    expect(shown.filter((code) => !Object.hasOwn(REFUSALS, code))).toEqual([]);
  });
  it('is in order, and its sentences end', () => {
    expect(Object.keys(REFUSALS)).toEqual(Object.keys(REFUSALS).sort());
    for (const [code, { means, why, todo }] of Object.entries(REFUSALS))
      for (const text of [means, why, todo]) expect(text, code).toMatch(/[.)]$/);
  });
});

describe('dockerfix explain CODE', () => {
  it('prints the entry', async () => {
    const { code, out } = await dockerfix(folder({}, false), ['explain', 'mutating-install']);
    expect(code).toBe(0);
    expect(out).toContain('What to do: Make the change in the repository');
    expect(out).toContain('    RUN npm install express\n    RUN npm ci\n');
  });
  it('lists the codes', async () => {
    expect((await dockerfix(folder({}, false), ['explain', '--codes'])).out.split('\n')).toContain('unsafe-fix');
  });
  it('says where there is none', async () => {
    const { code, err } = await dockerfix(folder({}, false), ['explain', 'no-such-code']);
    expect([code, err]).toEqual([2, expect.stringContaining('there is no code `no-such-code`')]);
  });
});
