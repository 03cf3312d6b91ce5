import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { mergeChanges, unifiedDiff } from '../../src/diff.ts';
import type { FileChange } from '../../src/model.ts';

const made: string[] = [];
afterAll(() => made.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const long = Array.from({ length: 40 }, (_, n) => `LABEL n${n}=1\n`);

describe('a patch', () => {
  const cases: readonly (readonly [reason: string, ...changes: FileChange[]])[] = [
    ['one line', { path: 'Dockerfile', before: 'FROM a\n', after: 'FROM b\n' }],
    [
      'two hunks',
      {
        path: 'd/Dockerfile',
        before: long.join(''),
        after: `A\n${long.slice(0, 30).join('')}B\n${long.slice(31).join('')}`,
      },
    ],
    ['a new file', { path: 'new/.dockerignore', after: 'node_modules\n' }],
    ['a new file without a line end', { path: '.dockerignore', after: 'node_modules' }],
    ['an empty file that gets text', { path: '.dockerignore', before: '', after: 'node_modules\n' }],
    ['no line end before', { path: 'Dockerfile', before: 'FROM a\nRUN b', after: 'FROM a\nRUN b\nRUN c\n' }],
    ['no line end after', { path: 'Dockerfile', before: 'FROM a\nRUN b\n', after: 'RUN b\nFROM a' }],
    ['no line end on both sides', { path: 'Dockerfile', before: 'FROM a\nRUN b', after: 'RUN b\nFROM a' }],
    ['CRLF', { path: 'Dockerfile', before: 'FROM a\r\nRUN b\r\n', after: 'RUN b\r\nFROM a\r\n' }],
    ['mixed line ends', { path: 'Dockerfile', before: 'FROM a\r\nRUN b\nX\r', after: 'FROM a\nRUN b\nX\r\nY\r' }],
    ['a byte order mark', { path: 'Dockerfile', before: '\ufeffFROM a\n', after: '\ufeffFROM b\n' }],
    ['other line separators', { path: 'Dockerfile', before: 'a\u2028b\fc\u0085d\n', after: 'x\na\u2028b\fc\u0085d\n' }],
    [
      'lines that look like a patch',
      { path: 'Dockerfile', before: '-- a\n++ b\n@@ c\n', after: '++ b\n-- a\n diff --git\n' },
    ],
    ['blanks in a path', { path: 'a b/c d', before: 'x\n', after: 'y\n' }],
    ['blanks in the path of a new file', { path: 'a b/c d', after: 'y\n' }],
    ['quotes and backslashes in a path', { path: 'a"b/c\\d', before: 'x\n', after: 'y\n' }],
    ['control characters in a path', { path: 'a\tb/c\u0001\u007f\nd', before: 'x\n', after: 'y\n' }],
    ['other letters in a path', { path: 'ünï/Dockerfile', before: 'x\n', after: 'y\n' }],
    [
      'several files',
      { path: 'a/Dockerfile', before: 'x\n', after: 'y\n' },
      { path: '.dockerignore', after: 'a\n' },
      { path: 'b/Dockerfile', before: 'x\n', after: 'y\n' },
    ],
  ];
  it.each(
    cases.flatMap((each) =>
      ['git', 'patch'].map((tool) => ({ tool, reason: each[0], changes: each.slice(1) as FileChange[] })),
    ),
  )('$tool takes $reason', ({ tool, changes }) => {
    const folder = mkdtempSync(join(tmpdir(), 'dockerfix-diff-'));
    made.push(folder);
    for (const { path, before } of changes) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      if (before !== undefined) writeFileSync(join(folder, path), before);
    }
    const input = unifiedDiff(changes);
    if (tool === 'git') execFileSync('git', ['apply', '--whitespace=nowarn'], { cwd: folder, input });
    else execFileSync('patch', ['-p1', '-s', '--binary'], { cwd: folder, input });
    for (const { path, after } of changes) expect(readFileSync(join(folder, path), 'utf8')).toBe(after);
  });
});

it('is applied in a directory below the top of a repository', () => {
  const top = mkdtempSync(join(tmpdir(), 'dockerfix-diff-'));
  made.push(top);
  execFileSync('git', ['init', '-q', top]);
  const folder = join(top, 'a b');
  mkdirSync(join(folder, 'api'), { recursive: true });
  writeFileSync(join(folder, 'api/Dockerfile'), 'x\n');
  writeFileSync(join(folder, '.dockerignore'), '');
  const changes: FileChange[] = [
    { path: 'api/Dockerfile', before: 'x\n', after: 'y\n' },
    { path: '.dockerignore', before: '', after: 'a\n' },
    { path: 'api/.dockerignore', after: 'a\n' },
  ];
  execFileSync('git', ['apply'], { cwd: folder, input: unifiedDiff(changes) });
  for (const { path, after } of changes) expect(readFileSync(join(folder, path), 'utf8')).toBe(after);
});

it('says of a new file that it is empty', () => {
  expect(unifiedDiff([{ path: 'a b', after: '' }])).toBe('diff --git a/a b b/a b\nnew file mode 100644\n');
});

it('has one section for a file that changed twice, and none for one that changed back', () => {
  const changes = [
    { path: 'i', after: 'a\n' },
    { path: 'd', before: 'x', after: 'y' },
    { path: 'i', before: 'a\n', after: 'a\nb\n' },
    { path: 'd', before: 'y', after: 'x' },
  ];
  expect(mergeChanges(changes)).toEqual([{ path: 'i', after: 'a\nb\n' }]);
  expect(unifiedDiff(changes)).toBe('--- /dev/null\n+++ b/i\n@@ -0,0 +1,2 @@\n+a\n+b\n');
  expect(unifiedDiff([])).toBe('');
});
