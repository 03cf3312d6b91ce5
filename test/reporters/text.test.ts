import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/model.ts';
import { terminalDiff } from '../../src/reporters/color.ts';
import { jsonReport } from '../../src/reporters/json.ts';
import { noteLine, outcomeLines, printable, summary, totals } from '../../src/reporters/text.ts';

const outcome: Outcome = {
  path: 'api/Dockerfile',
  status: 'changed',
  changes: [{ path: 'api/Dockerfile', before: 'a', after: 'b' }],
  applied: [
    { transform: 'late-copy', line: 7, message: 'copies later', safety: 'unsafe', risk: 'it may differ', edits: [] },
  ],
  refused: [{ line: 3, code: 'image-would-grow', message: 'it would grow', help: 'use a stage' }],
  notes: [],
};

it('says path, line, code, message and what to do, in the order of the file', () => {
  expect(outcomeLines(outcome)).toEqual([
    'api/Dockerfile:3 image-would-grow it would grow; use a stage',
    'api/Dockerfile:7 late-copy copies later [unsafe: it may differ]',
  ]);
  expect(noteLine({ path: 'x', code: 'c', message: 'm', help: '' })).toBe('x c m');
});

it.each([
  ['escapes', '\u001b[2Jx', '\\u001b[2Jx'],
  ['the 8-bit kind', '\u009b2J', '\\u009b2J'],
  ['line ends', 'a\r\nb', 'a\\u000d\\u000ab'],
  ['text that runs the other way', 'a\u202eb\u2066', 'a\\u202eb\\u2066'],
  ['nothing of plain text', 'Dockerfile ünï 日本 $(x)', 'Dockerfile ünï 日本 $(x)'],
])('shows %s harmlessly', (_reason, text, shown) => {
  expect(printable(text)).toBe(shown);
});

describe('the summary', () => {
  it.each([
    [[], false, 'no Dockerfiles found'],
    [[outcome], false, '1 Dockerfile: 1 would change (1 fix), 1 refusal'],
    [[outcome, outcome], true, '2 Dockerfiles: 2 changed (2 fixes), 2 refusals'],
    [
      [{ ...outcome, status: 'failed' as const, applied: [] }],
      false,
      '1 Dockerfile: 0 would change (0 fixes), 1 refusal, 1 failed',
    ],
  ])('%#', (outcomes, written, text) => {
    expect(summary(totals(outcomes), written)).toBe(text);
  });
});

it('colours a diff, and escapes what its lines hold', () => {
  const diff = 'diff --git a/x b/x\n@@ -1 +1 @@\n-a\tb\r\n+\u001b]0;title\u0007\n c\n';
  expect(terminalDiff(diff, false)).toBe('diff --git a/x b/x\n@@ -1 +1 @@\n-a\tb\n+\\u001b]0;title\\u0007\n c\n');
  expect(terminalDiff(diff, true)).toBe(
    '\u001b[1mdiff --git a/x b/x\u001b[m\n\u001b[36m@@ -1 +1 @@\u001b[m\n\u001b[31m-a\tb\u001b[m\n\u001b[32m+\\u001b]0;title\\u0007\u001b[m\n c\n',
  );
});

it('gives programs the texts before and after, null where there was no file', () => {
  const created = { ...outcome, context: 'api', changes: [{ path: 'api/.dockerignore', after: 'x\n' }] };
  const { files, version } = JSON.parse(jsonReport({ tool: '1.2.3', outcomes: [created], notes: [] })) as {
    files: unknown[];
    version: number;
  };
  expect(version).toBe(1);
  expect(files).toEqual([{ ...created, changes: [{ path: 'api/.dockerignore', before: null, after: 'x\n' }] }]);
});
