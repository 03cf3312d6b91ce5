/**
 * The fixture runner.
 *
 * A case is a folder: `Dockerfile`, the context's files, and `expected/` with what must come out: `Dockerfile`,
 * `.dockerignore`, `diagnostics.txt`. A file left out of `expected/` must stay byte for byte.
 */
import { fix, type FixOptions } from '../index.ts';
import { memoryContext } from '../context/memory.ts';
import { parse } from '../dockerfile/parse.ts';
import type { Outcome } from '../model.ts';

export interface FixtureCase {
  /** Context files by path, `expected/` and the folder's own settings left out. */
  readonly files: Readonly<Record<string, string>>;
  /** Default: `Dockerfile`. */
  readonly dockerfile?: string;
  readonly options?: FixOptions;
}

export interface FixtureResult {
  readonly outcome: Outcome;
  /** What `expected/` should hold, by file name. */
  readonly actual: Readonly<Record<string, string>>;
  /** What every case must keep, broken: each a sentence. Empty is good. */
  readonly broken: readonly string[];
}

/** Runs one case and the checks that hold for every case. */
export function runFixture(fixture: FixtureCase): FixtureResult {
  const name = fixture.dockerfile ?? 'Dockerfile';
  const source = fixture.files[name] ?? '';
  const outcome = fixFiles(fixture, fixture.files);
  const after = { ...fixture.files, ...changed(outcome) };
  const broken: string[] = [];

  const again = fixFiles(fixture, after);
  if (again.changes.length > 0)
    broken.push(`a second run changes ${again.changes.map((c) => c.path).join(', ')} again`);
  const result = parse(after[name] ?? '');
  if (result.trouble !== undefined) broken.push(`the output does not parse: ${result.trouble.message}`);

  if (!source.includes('\r')) {
    const twin = { ...fixture.files };
    for (const file of [name, '.dockerignore', `${name}.dockerignore`])
      if (twin[file] !== undefined) twin[file] = crlf(twin[file]);
    const twinAfter = changed(fixFiles(fixture, twin));
    const expected = changed(outcome);
    // A heredoc's lines are content, not layout: a CRLF twin is another program (rule 3).
    if (!source.includes('<<'))
      for (const path of new Set([...Object.keys(expected), ...Object.keys(twinAfter)]))
        if (twinAfter[path] !== (expected[path] === undefined ? undefined : crlf(expected[path])))
          broken.push(`with CRLF line ends, ${path} comes out differently`);
  }
  const kept = new Set((after[name] ?? '').split('\n'));
  const touched = outcome.applied.flatMap((each) => each.edits).length > 0;
  if (!touched)
    for (const line of source.split('\n')) if (!kept.has(line)) broken.push(`line lost without an edit: ${line}`);

  const diagnostics = [
    ...outcome.applied.map(
      (a) => `${a.line} fix ${a.transform}: ${a.message}${a.risk === undefined ? '' : ` [${a.safety}: ${a.risk}]`}`,
    ),
    ...outcome.refused.map((r) => `${r.line} ${r.code} ${r.message}${r.help === undefined ? '' : `; ${r.help}`}`),
    ...outcome.notes.map((r) => `${r.line} ${r.code} ${r.message}`),
  ];
  return {
    outcome,
    broken,
    actual: { ...changed(outcome), 'diagnostics.txt': diagnostics.map((line) => `${line}\n`).join('') },
  };
}

function fixFiles(fixture: FixtureCase, files: Readonly<Record<string, string>>): Outcome {
  const path = fixture.dockerfile ?? 'Dockerfile';
  const { [path]: source = '' } = files;
  return fix({ path, source }, memoryContext(files, { dockerfile: path }), fixture.options);
}

function changed(outcome: Outcome): Record<string, string> {
  return Object.fromEntries(outcome.changes.map((change) => [change.path, change.after]));
}

function crlf(text: string): string {
  return text.replaceAll('\n', '\r\n');
}
