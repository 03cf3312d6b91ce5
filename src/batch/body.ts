/** What a request says: its commit's message, and its text. Nothing of a repository becomes markup or a mention. */
import { codeSpan, howToVerify, prose, REASON } from '../reporters/markdown.ts';
import { replayLines } from '../reporters/replay.ts';
import { printable } from '../reporters/text.ts';
import { changeOf, short, type Message } from './branch.ts';
import type { Result } from './results.ts';

export const TITLE = 'Keep Docker layers cached when only the source changes';

/** Every forge takes more. */
const LIMIT = 60_000;
const MAX_LINES = 100;

export function commitMessage(title: string, { files }: Result, signOff: boolean): Message {
  const lines = files.flatMap(({ path, applied }) =>
    applied.map(({ line, message }) => printable(`- ${path}:${line} ${message}`)),
  );
  return { subject: printable(title), body: some(lines).join('\n'), signOff };
}

/** Ends in a mark that tells which patch it is about, and whether somebody has edited it since. */
export function requestBody(result: Result, tool: string): string {
  const changed = result.files.filter(({ applied }) => applied.length > 0);
  const refused = result.files.filter(({ refused }) => refused.length > 0);
  const parts = [
    REASON,
    section('What changes', changed, ({ path, applied }) =>
      applied.map(
        ({ line, message, transform, risk }) =>
          `- ${codeSpan(path)}, line ${line}: ${prose(message)} (${codeSpan(transform)})${risk === undefined ? '' : `; **unsafe**: ${prose(risk)}`}`,
      ),
    ),
    section('In the history of this repository', result.replay?.files ?? [], (file) =>
      replayLines(file).map((line) => `- ${prose(line)}`),
    ),
    section('What is left alone', refused, ({ path, refused: refusals }) =>
      refusals.map(
        ({ line, code, message, help }) =>
          `- ${codeSpan(path)}, line ${line}: ${prose(message)}${help === undefined ? '' : `; ${prose(help)}`} (${codeSpan(code)})`,
      ),
    ),
    `#### To verify\n\n${howToVerify(tool)}`,
    `Made by dockerfix ${tool}. Close this to be left alone: it is not opened again. Commits of yours on the branch stay.`,
  ];
  const text = `${parts.filter((part) => part !== '').join('\n\n')}\n`.slice(0, LIMIT);
  return `${text}\n<!-- dockerfix ${changeOf(result.patch)}.${short(normal(text))} -->\n`;
}

export interface Mark {
  /** Of the patch that it was written for. */
  readonly change: string;
  /** Nobody has edited the text. */
  readonly intact: boolean;
}

export function markOf(body: string): Mark | undefined {
  const match = /\n*<!-- dockerfix ([0-9a-f]{16})\.([0-9a-f]{16}) -->\s*$/.exec(body);
  if (match === null) return undefined;
  return { change: match[1] as string, intact: short(normal(body.slice(0, match.index))) === match[2] };
}

/** Forges change line ends, and trim. */
function normal(text: string): string {
  return text.replace(/\r\n?/g, '\n').trim();
}

function section<T>(title: string, items: readonly T[], lines: (item: T) => readonly string[]): string {
  const all = items.flatMap(lines);
  return all.length === 0 ? '' : `#### ${title}\n\n${some(all).join('\n')}`;
}

function some(all: readonly string[]): string[] {
  const left = all.length - MAX_LINES;
  return [...all.slice(0, MAX_LINES), ...(left > 0 ? [`- and ${left} more`] : [])];
}
