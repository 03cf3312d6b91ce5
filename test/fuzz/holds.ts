/** What has to hold for every input, whatever it says. */
import { applyPatch } from 'diff';
import { chooseContext, findEvidence } from '../../src/context/discover.ts';
import { unifiedDiff } from '../../src/diff.ts';
import { fix, memoryContext, parse } from '../../src/index.ts';
import type { Applied, Outcome } from '../../src/model.ts';
import { githubReport } from '../../src/reporters/github.ts';
import { gitlabReport } from '../../src/reporters/gitlab.ts';
import { jsonReport } from '../../src/reporters/json.ts';
import { junitReport } from '../../src/reporters/junit.ts';
import { markdownReport } from '../../src/reporters/markdown.ts';
import { sarifReport } from '../../src/reporters/sarif.ts';
import { outcomeLines } from '../../src/reporters/text.ts';
import { compare } from '../reference/check.ts';
import type { Input } from './inputs.ts';

export interface Held {
  /** A sentence on the first thing that does not hold. */
  readonly broken?: string;
  readonly changed: boolean;
  /** The reference interpreter built both and found them the same. */
  readonly compared: boolean;
  /** Of the longest part, in milliseconds. */
  readonly longest: number;
}

/** Longer is a hang, where this process was busy as long: the machine may have others to serve. */
const HANG = 1_000;
const IGNORE = ['.dockerignore', 'Dockerfile.dockerignore'];

export async function holds(input: Input): Promise<Held> {
  let longest = 0;
  const cpu = process.cpuUsage();
  /** Starts a clock; what it gives stops it. */
  const clock: Clock = () => {
    const start = performance.now();
    return () => void (longest = Math.max(longest, performance.now() - start));
  };
  const facts = { changed: false, compared: false };
  let broken: string | undefined;
  try {
    broken = input.kind === 'evidence' ? await discovered(input, clock) : rewritten(input, clock, facts);
  } catch (error) {
    broken = `it throws: ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join('\n') : String(error)}`;
  }
  const { user, system } = longest > HANG ? process.cpuUsage(cpu) : { user: 0, system: 0 };
  if (broken === undefined && (user + system) / 1_000 > HANG) broken = `it takes ${Math.round(longest)} ms`;
  return { ...facts, longest, ...(broken === undefined ? {} : { broken }) };
}

type Clock = () => () => void;

async function discovered({ files }: Input, clock: Clock): Promise<string | undefined> {
  const view = { files: Object.keys(files).sort(), read: (path: string) => files[path] };
  // The parsers are loaded when they are first needed: that is none of this input's time.
  await findEvidence(view);
  const stop = clock();
  const found = await findEvidence(view);
  stop();
  for (const { context, dockerfile } of found) {
    if (context === undefined) continue;
    if (context.startsWith('/') || context.split('/').includes('..'))
      return `the context ${context} is outside of the repository`;
    if (!Object.hasOwn(files, dockerfile)) return `there is no ${dockerfile}`;
  }
  chooseContext('Dockerfile', found, () => []);
  return undefined;
}

function rewritten(input: Input, clock: Clock, facts: { changed: boolean; compared: boolean }): string | undefined {
  const { source, files } = input;
  const run = (text: string, others: Readonly<Record<string, string>>): Outcome => {
    const context = memoryContext(
      { ...others, Dockerfile: text },
      { symlinks: input.links, executable: input.project?.context.executable ?? [] },
    );
    const stop = clock();
    const outcome = fix({ path: 'Dockerfile', source: text }, context, input.options);
    stop();
    return outcome;
  };
  const lost = inOrder(source);
  if (lost !== undefined) return lost;
  const outcome = run(source, files);
  const after = changed(outcome);
  facts.changed = outcome.changes.length > 0;
  const told = reported(outcome, source);
  if (told !== undefined) return told;
  if (facts.changed) {
    const text = after['Dockerfile'] ?? source;
    const { trouble } = parse(text);
    if (trouble !== undefined) return `the result does not parse: ${trouble.message}`;
    const kept = keptText(source, text, outcome.applied);
    if (kept !== undefined) return kept;
    const again = run(text, { ...files, ...ignoreFiles(after) });
    if (again.changes.length > 0)
      return `a second run changes it again: ${again.applied.map((each) => `${each.transform} ${each.message}`).join('; ')}`;
    if (input.project !== undefined) {
      try {
        facts.compared = compare(input.project, outcome) === 'same';
      } catch (error) {
        return `the reference interpreter: ${(error as Error).message}`;
      }
    }
  }
  // A heredoc's lines are content: with other line ends it is another program (rule 3).
  if (
    ![source, ...IGNORE.map((path) => files[path] ?? '')].some((text) => text.includes('\r')) &&
    !source.includes('<<')
  ) {
    const twin: Record<string, string> = { ...files };
    for (const path of IGNORE) if (twin[path] !== undefined) twin[path] = crlf(twin[path]);
    const expected = Object.fromEntries(Object.entries(after).map(([path, text]) => [path, crlf(text)]));
    const actual = changed(run(crlf(source), twin));
    for (const path of new Set([...Object.keys(expected), ...Object.keys(actual)]))
      if (actual[path] !== expected[path])
        return `with CRLF line ends ${path} comes out differently:\n${actual[path] ?? 'unchanged'}`;
  }
  return undefined;
}

const changed = (outcome: Outcome): Record<string, string> =>
  Object.fromEntries(outcome.changes.map((change) => [change.path, change.after]));
const ignoreFiles = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).filter(([path]) => path !== 'Dockerfile'));
const crlf = (text: string): string => text.replace(/\r?\n/g, '\r\n');

/** Instructions and comments lie in the text, one after the other. */
function inOrder(source: string): string | undefined {
  const { instructions, comments } = parse(source);
  let end = 0;
  for (const { span, outer, argument, line } of instructions) {
    if (!(
      outer[0] >= end &&
      outer[0] <= span[0] &&
      span[0] <= argument[0] &&
      argument[0] <= argument[1] &&
      argument[1] <= span[1] &&
      span[1] <= outer[1] &&
      outer[1] <= source.length
    ))
      return `the instruction of line ${line} lies outside of its place`;
    end = span[1];
  }
  for (const { span, text } of comments)
    if (source.slice(...span) !== text) return `the comment ${text} is not where it is said to be`;
  return undefined;
}

/** Every format can be made, and the patch makes the same of the file. */
function reported(outcome: Outcome, source: string): string | undefined {
  outcomeLines(outcome);
  const report = { tool: '0', outcomes: [outcome], notes: [], written: false };
  for (const each of [sarifReport, jsonReport, junitReport, githubReport, gitlabReport, markdownReport]) each(report);
  for (const { line } of [...outcome.refused, ...outcome.notes, ...outcome.applied])
    if (line < 1 || line > source.split('\n').length) return `line ${line} is not in the file`;
  for (const change of outcome.changes)
    if (applyPatch(change.before ?? '', unifiedDiff([change]), { autoConvertLineEndings: false }) !== change.after)
      return `the patch does not make the new ${change.path}`;
  return undefined;
}

/** The edits that are told make the result of the source, and lose no comment and no instruction. */
function keptText(source: string, after: string, applied: readonly Applied[]): string | undefined {
  let text = source;
  for (const { edits, transform } of applied) {
    const own = edits.filter((edit) => edit.file === 'dockerfile').map((edit, order) => ({ ...edit, order }));
    own.sort((a, b) => b.span[0] - a.span[0] || b.span[1] - a.span[1] || b.order - a.order);
    const before = text;
    for (const edit of own) text = text.slice(0, edit.span[0]) + edit.text + text.slice(edit.span[1]);
    const gone = missing(commentLines(before), commentLines(text));
    if (gone !== undefined) return `${transform} loses the comment ${gone}`;
    const counts = (from: string): string[] => parse(from).instructions.map((each) => each.keyword);
    const keyword = missing(counts(before), counts(text));
    if (keyword !== undefined) return `${transform} loses a ${keyword}`;
  }
  return text === after ? undefined : 'the edits that are told do not make the result';
}

const commentLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('#'));

/** One of the first that the others have less often. */
function missing(before: readonly string[], after: readonly string[]): string | undefined {
  const left = new Map<string, number>();
  for (const each of after) left.set(each, (left.get(each) ?? 0) + 1);
  for (const each of before) {
    const count = left.get(each) ?? 0;
    if (count === 0) return each;
    left.set(each, count - 1);
  }
  return undefined;
}
