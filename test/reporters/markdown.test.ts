import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/model.ts';
import { codeSpan, howToVerify, markdownReport, REASON } from '../../src/reporters/markdown.ts';

const changed: Outcome = {
  path: 'api/Dockerfile',
  status: 'changed',
  changes: [{ path: 'api/Dockerfile', before: 'FROM a\nCOPY . .\n', after: 'FROM a\nCOPY b .\n' }],
  applied: [
    {
      transform: 'split-dependency-manifests',
      line: 2,
      message: 'copies a*b ahead of `npm ci`',
      safety: 'unsafe',
      risk: 'x_y_z',
      edits: [],
    },
  ],
  refused: [{ line: 1, code: 'shell-not-understood', message: '`RUN ``x` is odd', help: 'ask @someone, see #12' }],
  notes: [],
};
const report = (outcomes: readonly Outcome[]): Parameters<typeof markdownReport>[0] => ({
  tool: '1',
  outcomes,
  notes: [],
  written: false,
});

describe('markdownReport', () => {
  it('tells fixes, refusals and the diff, in the order of the file', () => {
    expect(markdownReport(report([changed]))).toBe(`## dockerfix

1 Dockerfile: 1 would change (1 fix), 1 refusal

${REASON}

${howToVerify('1')}

### \`api/Dockerfile\`

- line 1 left alone, \`shell-not-understood\`: \`RUN \`&#8203;\`x\` is odd; ask @&#8203;someone, see #&#8203;12
- line 2 **split-dependency-manifests** copies a\\*b ahead of \`npm ci\`; **unsafe**: x\\_y\\_z

\`\`\`diff
--- a/api/Dockerfile
+++ b/api/Dockerfile
@@ -1,2 +1,2 @@
 FROM a
-COPY . .
+COPY b .
\`\`\`
`);
  });
  it('says nothing of Dockerfiles without findings', () => {
    const silent: Outcome = { ...changed, status: 'unchanged', changes: [], applied: [], refused: [] };
    expect(markdownReport(report([silent]))).toBe(
      '## dockerfix\n\n1 Dockerfile: 0 would change (0 fixes), 0 refusals\n',
    );
  });
  it('leaves the diff out where it is written: a pull request shows it', () => {
    const text = markdownReport({ ...report([changed]), written: true });
    expect(text).toContain('1 changed (1 fix)');
    expect(text).toContain('### `api/Dockerfile`');
    expect(text).not.toContain('```diff');
  });
  it('keeps to a limit by whole Dockerfiles, and counts the rest', () => {
    const text = markdownReport(report(Array.from({ length: 50 }, () => changed)), { limit: 2_000 });
    expect(text.length).toBeLessThan(2_000);
    const shown = text.match(/^### /gm)?.length ?? 0;
    expect(text).toContain(`${50 - shown} more not shown`);
  });
  it('keeps a file from closing the fence', () => {
    const tricky = { ...changed, changes: [{ path: 'D', before: 'a\n', after: '```\n````\n' }] };
    expect(markdownReport(report([tricky]))).toContain('`````diff\n');
  });
  it.each([
    ['html', '<img src=x onerror=1>', '\\<img src=x onerror=1\\>'],
    ['a link', '[a](https://b)', '\\[a\\](https:&#8203;//b)'],
    ['terminal escapes', 'a\u001b[31m', 'a\\\\u001b\\[31m'],
    ['an entity', '&lt;', '&amp;lt;'],
  ])('writes %s as plain text', (_name, message, expected) => {
    const outcome = { ...changed, refused: [{ line: 1, code: 'c', message }], applied: [], changes: [] };
    expect(markdownReport(report([outcome]))).toContain(`: ${expected}\n`);
  });
  it.each([
    ['a`b', '``a`b``'],
    ['`a', '`` `a ``'],
    ['a', '`a`'],
    ['', ''],
  ])('codeSpan(%s)', (text, expected) => {
    expect(codeSpan(text)).toBe(expected);
  });
});
