/** SARIF 2.1.0, for code scanning: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
import { lineEdits } from '../diff.ts';
import type { FileChange } from '../model.ts';
import { REFUSALS } from '../refusals.ts';
import { findingsOf, fingerprinted, type Finding } from './findings.ts';
import type { Report } from './reporter.ts';
import { jsonText, printable } from './text.ts';

const LEVELS = { fix: 'warning', refusal: 'note', error: 'error' } as const;

export function sarifReport(report: Report): string {
  const findings = fingerprinted(findingsOf(report));
  const rules = [...new Map(findings.map((finding) => [finding.rule, ruleOf(finding)])).values()];
  const fixed = new Set<string>();
  const results = findings.map((finding) => {
    // The edits of several fixes rest on one another, so they are told once: all of a file, with its first.
    const changes = report.outcomes.find(({ path }) => path === finding.path)?.changes ?? [];
    const told = report.written || finding.kind !== 'fix' || changes.length === 0 || fixed.has(finding.path);
    if (!told) fixed.add(finding.path);
    return {
      ruleId: finding.rule,
      ruleIndex: rules.findIndex(({ id }) => id === finding.rule),
      level: LEVELS[finding.kind],
      message: { text: printable(finding.message) },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: uriOf(finding.path) },
            region: { startLine: finding.line },
          },
        },
      ],
      partialFingerprints: { 'dockerfix/v1': finding.id },
      ...(told
        ? {}
        : {
            fixes: [
              {
                description: { text: 'Apply all fixes of this Dockerfile.' },
                artifactChanges: changes.map(artifactChange),
              },
            ],
          }),
    };
  });
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'dockerfix', semanticVersion: report.tool, rules } },
        columnKind: 'utf16CodeUnits',
        results,
      },
    ],
  };
  return jsonText(log);
}

function ruleOf({ rule, kind }: Finding): { readonly id: string } & Readonly<Record<string, unknown>> {
  const known = REFUSALS[rule];
  return {
    id: rule,
    defaultConfiguration: { level: LEVELS[kind] },
    ...(known === undefined
      ? // A transform, of ours or of a plugin: its name says what it does.
        { shortDescription: { text: rule.replace(/^[^]/, (first) => first.toUpperCase()).replaceAll('-', ' ') } }
      : {
          shortDescription: { text: known.means },
          fullDescription: { text: `${known.means} ${known.why}` },
          help: { text: known.todo },
        }),
  };
}

function artifactChange({ path, before = '', after }: FileChange): object {
  const lines = before.split('\n');
  return {
    artifactLocation: { uri: uriOf(path) },
    replacements: lineEdits(before, after).map(({ start, end, text }) => ({
      // The last line may have no line end.
      deletedRegion:
        end < lines.length
          ? { startLine: start + 1, startColumn: 1, endLine: end + 1, endColumn: 1 }
          : { startLine: start + 1, startColumn: 1, endLine: lines.length, endColumn: (lines.at(-1) ?? '').length + 1 },
      insertedContent: { text },
    })),
  };
}

function uriOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
