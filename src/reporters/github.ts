/** Annotations of GitHub Actions: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
import { findingsOf } from './findings.ts';
import type { Report } from './reporter.ts';
import { printable } from './text.ts';

const COMMANDS = { fix: 'warning', refusal: 'notice', error: 'error' } as const;

export function githubReport(report: Report): string {
  return findingsOf(report)
    .map(({ path, line, rule, kind, message }) => {
      const properties = `file=${property(path)},line=${line},title=${property(`dockerfix ${rule}`)}`;
      return `::${COMMANDS[kind]} ${properties}::${data(printable(message))}\n`;
    })
    .join('');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(printable(text)).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
