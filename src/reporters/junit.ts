/** JUnit XML: a test for each Dockerfile, which fails where something would change. */
import { unifiedDiff } from '../diff.ts';
import type { Outcome } from '../model.ts';
import type { Report } from './reporter.ts';
import { noteLine, outcomeLines } from './text.ts';

export function junitReport({ outcomes, notes, written }: Report): string {
  const errors = outcomes.filter(({ status }) => status === 'failed').length;
  const failures = written ? 0 : outcomes.filter(({ status }) => status === 'changed').length;
  const counts = `tests="${outcomes.length}" failures="${failures}" errors="${errors}"`;
  const told = notes.length === 0 ? '' : `    <system-out>${escape(notes.map(noteLine).join('\n'))}</system-out>\n`;
  const cases = outcomes.map((outcome) => testCase(outcome, written)).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="dockerfix" ${counts}>
  <testsuite name="dockerfix" ${counts}>
${cases}${told}  </testsuite>
</testsuites>
`;
}

function testCase(outcome: Outcome, written: boolean): string {
  const head = `    <testcase classname="dockerfix" name="${escape(outcome.path)}"`;
  const lines = outcomeLines(outcome);
  const text = escape(lines.join('\n'));
  if (lines.length === 0) return `${head}/>\n`;
  if (outcome.status === 'failed')
    return `${head}>\n      <error message="${escape(lines[0] ?? '')}">${text}</error>\n    </testcase>\n`;
  if (outcome.status !== 'changed' || written)
    return `${head}>\n      <system-out>${text}</system-out>\n    </testcase>\n`;
  const body = `${text}\n${escape(unifiedDiff(outcome.changes))}`;
  return `${head}>\n      <failure message="${escape(outcome.applied[0]?.message ?? '')}">${body}</failure>\n    </testcase>\n`;
}

/** XML 1.0 has no room for most control characters, be they written as references. Others could move a cursor as they are. */
function escape(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replace(/\p{Surrogate}/gu, '\ufffd')
      .replace(/[&<>"\r\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (char) => `&#${char.charCodeAt(0)};`)
  );
}
