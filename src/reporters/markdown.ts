/** For pull requests, comments and job summaries. Nothing from a repository becomes markup, a mention or a link. */
import { unifiedDiff } from '../diff.ts';
import type { FileChange, Note, Outcome } from '../model.ts';
import type { Report } from './reporter.ts';
import { printable, summary, totals } from './text.ts';

export interface MarkdownOptions {
  /** Leave the diff out: a pull request shows it anyway. */
  readonly diff?: boolean;
  /** Characters at most; GitHub takes 65,536 in a comment. What does not fit is counted at the end. */
  readonly limit?: number;
}

export function markdownReport(report: Report, options: MarkdownOptions = {}): string {
  const { outcomes, notes, written } = report;
  const told = outcomes.filter((each) => each.applied.length + each.refused.length > 0);
  const sections = told.map((outcome) => section(outcome, options.diff ?? true));
  if (notes.length > 0) sections.push(`### Notes\n\n${notes.map((note) => `- ${noteText(note)}\n`).join('')}`);
  return within(`## dockerfix\n\n${summary(totals(outcomes), written)}\n`, sections, options.limit ?? 60_000);
}

/** The findings of one Dockerfile and its diff. */
function section(outcome: Outcome, diff: boolean): string {
  const lines = [
    ...outcome.applied.map(({ line, transform, message, risk }) => ({
      line,
      text: `line ${line} **${transform}** ${prose(message)}${risk === undefined ? '' : `; **unsafe**: ${prose(risk)}`}`,
    })),
    ...outcome.refused.map(({ line, code, message, help }) => ({
      line,
      text: `line ${line} left alone, ${codeSpan(code)}: ${prose(message)}${help === undefined ? '' : `; ${prose(help)}`}`,
    })),
  ].sort((a, b) => a.line - b.line);
  const found = `### ${codeSpan(outcome.path)}\n\n${lines.map(({ text }) => `- ${text}\n`).join('')}`;
  return diff && outcome.changes.length > 0 ? `${found}\n${diffBlock(outcome.changes)}` : found;
}

function diffBlock(changes: readonly FileChange[]): string {
  const text = unifiedDiff(changes)
    .split('\n')
    .map((line) => line.replace(/\r$/, '').split('\t').map(printable).join('\t'))
    .join('\n');
  const fence = '`'.repeat(Math.max(3, longestTicks(text) + 1));
  return `${fence}diff\n${text}${fence}\n`;
}

function noteText({ path, line, code, message, help }: Note): string {
  const place = line === undefined ? path : `${path}:${line}`;
  return `${codeSpan(place)} ${codeSpan(code)}: ${prose(message)}${help === undefined || help === '' ? '' : `; ${prose(help)}`}`;
}

/** A message: what stands between backticks stays code, all else is plain text. */
export function prose(message: string): string {
  const parts = message.split(/(`[^`]+`)/);
  return parts
    .map((part, at) => (part === '' && at > 0 && at < parts.length - 1 ? '\u200b' : part))
    .map((part) => (/^`[^`]+`$/.test(part) ? codeSpan(part.slice(1, -1)) : plain(part)))
    .join('');
}

/** Zero-width spaces keep `@name` and `#1` from notifying people and linking to issues. */
function plain(text: string): string {
  return printable(text)
    .replace(/[\\`*_[\]<>|~$]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/[@#](?=\w)/g, '$&&#8203;')
    .replace(/:\/\//g, ':&#8203;//')
    .replaceAll('\u200b', '&#8203;');
}

export function codeSpan(text: string): string {
  const shown = printable(text);
  const ticks = '`'.repeat(longestTicks(shown) + 1);
  const padded = /^`|`$|^ .* $/.test(shown) ? ` ${shown} ` : shown;
  return shown === '' ? '' : `${ticks}${padded}${ticks}`;
}

function longestTicks(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((each) => each.length));
}

/** Whole sections, as many as fit. */
function within(head: string, sections: readonly string[], limit: number): string {
  const room = limit - 100;
  const kept: string[] = [head];
  let length = head.length;
  for (const each of sections) {
    if (length + each.length + 1 > room) break;
    kept.push(each);
    length += each.length + 1;
  }
  const left = sections.length - (kept.length - 1);
  if (left > 0) kept.push(`${left} more not shown: run dockerfix for all.\n`);
  return kept.join('\n');
}
