/** What a run found: written to files where asked to, told, and summed up in an exit code. */
import { appendFileSync, realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { reason } from '../context/find.ts';
import { mergeChanges, unifiedDiff } from '../diff.ts';
import { version } from '../index.ts';
import type { FileChange } from '../model.ts';
import { terminalDiff } from '../reporters/color.ts';
import { FORMATS, type Format, type Report } from '../reporters/reporter.ts';
import { noteLine, outcomeLines, printable, summary, totals } from '../reporters/text.ts';
import { writeOutcomes } from '../write.ts';
import type { Options } from './arguments.ts';
import type { Io } from './io.ts';
import type { FileOutcome, RunResult } from '../run.ts';

export async function report({ outcomes: found, notes, errors }: RunResult, options: Options, io: Io): Promise<number> {
  const outcomes = options.write ? writeOutcomes(found) : found;
  const changes = mergeChanges(outcomes.flatMap((outcome) => outcome.changes));
  const failed = outcomes.filter((outcome) => outcome.status === 'failed');
  const say = (line: string): void => io.stderr(`${line}\n`);

  const format = formatOf(options);
  if (format !== undefined) {
    const all: Report = { tool: version, outcomes, notes: [...notes, ...errors], written: options.write };
    io.stdout((await format.load())(format.fromRoot === true ? fromRoot(all, outcomes, io.cwd) : all));
    if (options.format === 'github') await summarize(all, io);
  } else if (!options.write || options.format === 'diff') printDiff(changes, options, io);
  else if (!options.quiet) for (const { path } of changes) io.stdout(`${printable(path)}\n`);

  if (options.format === 'text' && !options.quiet) {
    for (const outcome of outcomes) for (const line of outcomeLines(outcome)) say(line);
    for (const note of notes) say(noteLine(note));
  } else if (format === undefined) for (const each of failed) for (const line of outcomeLines(each)) say(line);
  for (const error of errors) say(noteLine(error));
  if (options.format === 'text' && !options.quiet) say(summary(totals(outcomes), options.write));

  if (errors.length > 0 || failed.length > 0) return 2;
  return options.check && changes.length > 0 ? 1 : 0;
}

/** On the page of a workflow's run: https://docs.github.com/actions/reference/workflow-commands-for-github-actions#adding-a-job-summary */
async function summarize(all: Report, io: Io): Promise<void> {
  const path = io.environment['GITHUB_STEP_SUMMARY'];
  if (path === undefined || path === '') return;
  const { markdownReport } = await import('../reporters/markdown.ts');
  try {
    appendFileSync(path, markdownReport(all));
  } catch (error) {
    io.stderr(`dockerfix: the job summary could not be written: ${reason(error)}\n`);
  }
}

/** Absent for what is printed as it is found. */
export function formatOf({ format }: Options): Format | undefined {
  return format === 'text' || format === 'diff' ? undefined : FORMATS[format];
}

/** Paths as the repository has them. */
function fromRoot(report: Report, outcomes: readonly FileOutcome[], cwd: string): Report {
  const path = (root: string, shown: string): string =>
    relative(root, resolve(realpathSync(cwd), shown)).replaceAll(sep, '/');
  const first = outcomes[0]?.root ?? cwd;
  return {
    ...report,
    outcomes: outcomes.map((outcome) => ({
      ...outcome,
      path: path(outcome.root, outcome.path),
      changes: outcome.changes.map((change) => ({ ...change, path: path(outcome.root, change.path) })),
    })),
    notes: report.notes.map((note) => ({ ...note, path: path(first, note.path) })),
  };
}

function printDiff(changes: readonly FileChange[], options: Options, io: Io): void {
  const diff = unifiedDiff(changes);
  const color = options.color ?? wantsColor(io);
  io.stdout(color || io.isTerminal ? terminalDiff(diff, color) : diff);
  const outside = changes.find((change) => change.path.startsWith('../'));
  if (outside !== undefined && !options.quiet)
    io.stderr(
      `${noteLine({
        path: outside.path,
        code: 'outside-directory',
        message: 'lies outside of this directory, where `git apply` and `patch` change nothing',
        help: 'run dockerfix in a directory above it, or use --write',
      })}\n`,
    );
}

function wantsColor(io: Io): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.environment;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '0') return true;
  return io.isTerminal && TERM !== 'dumb';
}
