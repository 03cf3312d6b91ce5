/** GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format */
import { findingsOf, fingerprinted } from './findings.ts';
import type { Report } from './reporter.ts';
import { jsonText, printable } from './text.ts';

const SEVERITIES = { fix: 'minor', refusal: 'info', error: 'major' } as const;

export function gitlabReport(report: Report): string {
  const issues = fingerprinted(findingsOf(report)).map(({ path, line, rule, kind, message, id }) => ({
    description: printable(message),
    check_name: rule,
    fingerprint: id,
    severity: SEVERITIES[kind],
    location: { path, lines: { begin: line } },
  }));
  return jsonText(issues);
}
