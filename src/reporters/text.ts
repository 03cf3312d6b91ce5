/** Lines for people: `path:line code message; what you can do`. */
import type { Note, Outcome, Refusal } from '../model.ts';

/** Nothing from a repository may move the cursor or colour the terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escaped);
}

/** JSON for programs and people: JSON itself lets through some of what could move the cursor. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escaped)}\n`;
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

export function noteLine(note: Note): string {
  const place = note.line === undefined ? note.path : `${note.path}:${note.line}`;
  return printable(
    `${place} ${note.code} ${note.message}${note.help === undefined || note.help === '' ? '' : `; ${note.help}`}`,
  );
}

/** One line per applied fix and per refusal, in the order of the file. */
export function outcomeLines(outcome: Outcome): readonly string[] {
  const lines: { line: number; text: string }[] = outcome.applied.map((each) => ({
    line: each.line,
    text: noteLine({
      path: outcome.path,
      line: each.line,
      code: each.transform,
      message: each.message + (each.risk === undefined ? '' : ` [unsafe: ${each.risk}]`),
    }),
  }));
  for (const each of outcome.refused) lines.push({ line: each.line, text: refusalLine(outcome.path, each) });
  return lines.sort((a, b) => a.line - b.line).map((each) => each.text);
}

export function refusalLine(path: string, refusal: Refusal): string {
  return noteLine({ path, help: `\`dockerfix explain ${refusal.code}\` says more`, ...refusal });
}

export interface Totals {
  readonly files: number;
  readonly changed: number;
  readonly fixes: number;
  readonly refusals: number;
  readonly failed: number;
}

export function totals(outcomes: readonly Outcome[]): Totals {
  const count = (test: (outcome: Outcome) => boolean): number => outcomes.filter(test).length;
  return {
    files: outcomes.length,
    changed: count((each) => each.status === 'changed'),
    fixes: outcomes.reduce((sum, each) => sum + each.applied.length, 0),
    refusals: outcomes.reduce((sum, each) => sum + each.refused.length, 0),
    failed: count((each) => each.status === 'failed'),
  };
}

export function summary({ files, changed, fixes, refusals, failed }: Totals, written: boolean): string {
  if (files === 0) return 'no Dockerfiles found';
  const parts = [
    `${plural(files, 'Dockerfile')}: ${changed} ${written ? 'changed' : 'would change'} (${plural(fixes, 'fix', 'fixes')})`,
    plural(refusals, 'refusal'),
  ];
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join(', ');
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
