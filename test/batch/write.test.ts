/** `dockerfix batch --write`. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../src/batch/results.ts';
import { finishWriting, type Write } from '../../src/batch/writing.ts';
import { FIXED, folder, PROJECT } from '../cli/support.ts';
import { batch, rows, temporary } from './support.ts';

const TWO = { ...PROJECT, 'b/Dockerfile': PROJECT.Dockerfile, 'b/package.json': '{}', 'b/package-lock.json': '{}' };

const dockerfile = (root: string, path = 'Dockerfile'): string => readFileSync(join(root, path), 'utf8');

describe('--write', () => {
  it('changes the checkouts as the patches say, and says so', () => {
    const cwd = temporary();
    const [one, two] = [folder(), folder(TWO)];
    const { code, err } = batch(cwd, [one, two, '--write']);
    expect([code, err]).toEqual([0, expect.stringContaining('2 repositories: 2 changed')]);
    expect([dockerfile(one), dockerfile(two), dockerfile(two, 'b/Dockerfile')]).toEqual([FIXED, FIXED, FIXED]);
    expect(rows(cwd).map(({ written, patch }) => [written, patch !== null])).toEqual([
      [true, true],
      [true, true],
    ]);
    expect(readdirSync(two).filter((name) => name.startsWith('.dockerfix'))).toEqual([]);
    // Once more: all is right.
    expect(batch(cwd, [one, two, '--write', '--results', 'again']).err).toContain('0 changed, 0 refused, 2 fine');
  });
  it('changes all of a repository or nothing', () => {
    const root = folder(TWO);
    const write = (path: string, before: string): Write => ({ path: join(root, path), before, after: FIXED });
    const writes = [write('Dockerfile', PROJECT.Dockerfile), write('b/Dockerfile', 'FROM other\n')];
    const result: Result = {
      version: 1,
      id: 'a-0123456789',
      kind: 'directory',
      location: root,
      status: 'changed',
      files: [],
      notes: [],
      patch: 'x',
      milliseconds: 1,
    };
    expect(finishWriting({ result, writes })).toMatchObject({ status: 'failed', error: { code: 'not-written' } });
    expect([dockerfile(root), dockerfile(root, 'b/Dockerfile')]).toEqual([PROJECT.Dockerfile, PROJECT.Dockerfile]);
  });
  it.each([
    ['before the first file', []],
    ['between two files', ['Dockerfile']],
    ['before it was journaled', ['Dockerfile', 'b/Dockerfile']],
  ])('finishes what it was killed in: %s', (_reason, written) => {
    const cwd = temporary();
    const root = folder(TWO);
    const results = join(cwd, 'dockerfix-results');
    killedWriting(cwd, root);
    for (const path of written) writeFileSync(join(root, path), FIXED);
    const id = rows(cwd, 'other')[0]?.id ?? '';
    mkdirSync(join(root, 'b', `.dockerfix-${id.slice(-10)}-abcdef`));
    expect(batch(cwd, ['--resume']).code).toBe(0);
    expect([dockerfile(root), dockerfile(root, 'b/Dockerfile')]).toEqual([FIXED, FIXED]);
    expect(rows(cwd)).toMatchObject([{ status: 'changed', written: true, patch: `patches/${id}.patch` }]);
    expect(readdirSync(join(root, 'b')).filter((name) => name.startsWith('.dockerfix'))).toEqual([]);
    expect(readFileSync(join(results, 'journal.jsonl'), 'utf8').match(/"event":"result"/g)).toHaveLength(1);
  });
  it('puts back what it had written when somebody changed the rest meanwhile', () => {
    const cwd = temporary();
    const root = folder(TWO);
    killedWriting(cwd, root);
    writeFileSync(join(root, 'Dockerfile'), FIXED);
    appendFileSync(join(root, 'b/Dockerfile'), '# theirs\n');
    expect(batch(cwd, ['--resume']).code).toBe(2);
    expect(dockerfile(root)).toBe(PROJECT.Dockerfile);
    expect(dockerfile(root, 'b/Dockerfile')).toBe(`${PROJECT.Dockerfile}# theirs\n`);
    expect(rows(cwd)).toMatchObject([{ status: 'failed', error: { code: 'not-written' } }]);
  });
});

/** A journal that ends where the files are about to be written. */
function killedWriting(cwd: string, root: string): void {
  expect(batch(cwd, [root, '--write', '--results', 'other']).code).toBe(0);
  const lines = readFileSync(join(cwd, 'other/journal.jsonl'), 'utf8').trimEnd().split('\n');
  expect(lines.at(-2)).toContain('"event":"writing"');
  mkdirSync(join(cwd, 'dockerfix-results'));
  writeFileSync(join(cwd, 'dockerfix-results/journal.jsonl'), `${lines.slice(0, -1).join('\n')}\n`);
  for (const path of ['Dockerfile', 'b/Dockerfile']) writeFileSync(join(root, path), PROJECT.Dockerfile);
  rmSync(join(root, 'b/.dockerignore'));
}
