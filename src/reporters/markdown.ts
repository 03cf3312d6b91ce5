/** For pull requests, comments and job summaries. Nothing from a repository becomes markup, a mention or a link. */
import { unifiedDiff } from '../diff.ts';
import type { FileChange, Note, Outcome } from '../model.ts';
import type { Report } from './reporter.ts';
import { printable, summary, totals } from './text.ts';

export interface MarkdownOptions {
  /** Characters at most; GitHub takes 65,536 in a comment. What does not fit is counted at the end. */
  readonly limit?: number;
}

/** Why anybody should want it, and why it can be trusted. */
export const REASON =
  'Docker runs an instruction again, and all after it, when what it depends on has changed. This keeps more of them cached when only the source changes.\n\ndockerfix has proved that each command still sees the same inputs and that the image comes out the same; a fix that could change something is marked unsafe and says what.';

export function howToVerify(tool: string): string {
  return `On the base branch, \`npx dockerfix@${tool}\` shows the same diff and why, and \`npx dockerfix@${tool} verify\` builds before and after and compares the images.`;
}

/** As it is the text of a pull request. What is written is left out: the request's own diff shows it. */
export function markdownReport(report: Report, options: MarkdownOptions = {}): string {
  const { tool, outcomes, notes, written } = report;
  const told = outcomes.filter((each) => each.applied.length + each.refused.length > 0);
  const changes = told.some((each) => each.changes.length > 0);
  const head = ['## dockerfix', summary(totals(outcomes), written), ...(changes ? [REASON, howToVerify(tool)] : [])];
  const sections = told.map((outcome) => section(outcome, !written));
  if (notes.length > 0) sections.push(`### Notes\n\n${notes.map((note) => `- ${noteText(note)}\n`).join('')}`);
  return within(`${head.join('\n\n')}\n`, sections, options.limit ?? 60_000);
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
