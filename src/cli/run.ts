/** From files on disk to outcomes: finds each Dockerfile's context and runs the library on it. */
import { readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import type { BuildContext, Copy, Dockerfile, Outcome, Trouble } from '../model.ts';
import { findDockerfiles, reason, shownPath, type FoundFile } from '../context/find.ts';
import { insideRepository, openRepository, type Repository } from '../context/disk.ts';
import { chooseContext, findEvidence, type Evidence } from '../context/discover.ts';
import { contextPath, expandCopySource } from '../context/dockerignore.ts';
import { assumedContext } from '../context/assumed.ts';
import { fix, managers, missingManifests, parse, type FixOptions } from '../index.ts';
import type { Note } from '../reporters/text.ts';

export interface RunOptions {
  readonly paths: readonly string[];
  readonly cwd: string;
  /** Given with --context: overrides what is discovered. */
  readonly context?: string;
  readonly fix: FixOptions;
}

export interface FileOutcome extends Outcome {
  /** Relative to the working directory. */
  readonly context?: string;
  /** Absolute paths of the changed files, by their shown path. */
  readonly absolute: ReadonlyMap<string, string>;
  readonly root: string;
}

export interface RunResult {
  readonly outcomes: readonly FileOutcome[];
  readonly notes: readonly Note[];
  /** Paths that could not be read at all. */
  readonly errors: readonly Note[];
}

interface Job {
  readonly file: FoundFile;
  readonly source: string;
  readonly parsed: Dockerfile;
  directory?: string;
  trouble?: Trouble;
}

export async function run(options: RunOptions): Promise<RunResult> {
  const found = await findDockerfiles(options.paths, options.cwd);
  const errors: Note[] = found.errors.map((error) => ({
    path: error.path,
    code: 'unreadable',
    message: error.message,
  }));
  const outcomes = new Map<FoundFile, FileOutcome>();
  const jobs: Job[] = [];
  for (const file of found.files) {
    const source = readSource(join(file.repository.root, file.path));
    if (typeof source === 'string') jobs.push({ file, source, parsed: parse(source) });
    else outcomes.set(file, failed(file, source));
  }
  const evidence = new Map<Repository, Promise<readonly Evidence[]>>();
  for (const job of jobs) await locate(job, options, evidence);

  // One ignore file serves several Dockerfiles: what one adds to it, the next one starts from.
  const ignoreTexts = new Map<string, string>();
  for (const job of jobs) {
    const { file } = job;
    if (job.trouble !== undefined && job.parsed.trouble === undefined) {
      outcomes.set(file, contextless(job, job.trouble, options));
      continue;
    }
    const siblings = jobs
      .filter((each) => each !== job && each.file.repository === file.repository && each.directory === job.directory)
      .map((each) => each.source);
    const directory = job.directory ?? '.';
    let context = await openContext(job, directory, siblings, options);
    const ignorePath = context.ignoreFile.path;
    const carried = ignoreTexts.get(ignorePath);
    if (carried !== undefined) context = context.withIgnoreFile(carried);
    const outcome = fix({ path: file.path, source: job.source }, context, options.fix);
    const changedIgnore = outcome.changes.find((change) => change.path === ignorePath);
    if (changedIgnore !== undefined) ignoreTexts.set(ignorePath, changedIgnore.after);
    outcomes.set(file, located(outcome, file, directory, options.cwd));
  }
  return {
    outcomes: found.files.map((file) => outcomes.get(file)).filter((outcome) => outcome !== undefined),
    notes: found.notes,
    errors,
  };
}

/** UTF-8 or nothing: another encoding would come back changed. */
function readSource(path: string): string | { readonly code: string; readonly message: string } {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    return error instanceof TypeError
      ? { code: 'not-utf8', message: 'it is not UTF-8 text' }
      : { code: 'unreadable', message: reason(error) };
  }
}

function failed(file: FoundFile, trouble: { readonly code: string; readonly message: string }): FileOutcome {
  return {
    path: file.shown,
    status: 'failed',
    changes: [],
    applied: [],
    refused: [{ line: 1, ...trouble }],
    notes: [],
    absolute: new Map(),
    root: file.repository.root,
  };
}

async function locate(
  job: Job,
  options: RunOptions,
  evidence: Map<Repository, Promise<readonly Evidence[]>>,
): Promise<void> {
  const { repository, path } = job.file;
  if (options.context !== undefined) {
    const directory = insideRepository(repository, resolve(options.cwd, options.context));
    if (directory === undefined)
      job.trouble = {
        code: 'path-outside-context',
        message: `--context ${options.context} lies outside of the repository that holds it`,
      };
    else job.directory = directory;
    return;
  }
  const sources = contextSources(job.parsed);
  const lacks = (directory: string): readonly string[] => {
    const context = repository.context(directory, path);
    const absent = sources.filter(
      (source) =>
        expandCopySource(context, source).length === 0 && !(/[*?[]/.test(source) || context.may(contextPath(source))),
    );
    return absent.length > 0 ? absent : missingManifests(job.parsed, context);
  };
  if (!evidence.has(repository)) evidence.set(repository, findEvidence(repository));
  const choice = chooseContext(path, await (evidence.get(repository) as Promise<readonly Evidence[]>), lacks);
  if (choice.directory !== undefined) job.directory = choice.directory;
  if (choice.trouble !== undefined) job.trouble = choice.trouble;
}

/** What a Dockerfile takes from its context by a constant name. */
function contextSources(file: Dockerfile): string[] {
  return file.instructions
    .filter(
      (each): each is Copy =>
        (each.keyword === 'COPY' || each.keyword === 'ADD') &&
        'sources' in each &&
        each.from === undefined &&
        each.heredocs.length === 0,
    )
    .flatMap((copy) => copy.sources)
    .filter((source) => source.value !== undefined && !source.varies && !/^(?:[a-z]+:\/\/|git@)/.test(source.value))
    .map((source) => source.value as string);
}

async function openContext(
  job: Job,
  directory: string,
  siblings: readonly string[],
  options: RunOptions,
): Promise<BuildContext> {
  const { repository, path } = job.file;
  if (options.context === undefined) return repository.context(directory, path, siblings);
  const own = await openRepository(resolve(options.cwd, options.context));
  const inside = own.root === repository.root ? repository : own;
  return inside.context(insideRepository(inside, resolve(options.cwd, options.context)) ?? '.', path, siblings);
}

/** Without a context: what would be changed is unsafe, and the reason for not knowing it is said. */
function contextless(job: Job, trouble: Trouble, options: RunOptions): FileOutcome {
  const { file } = job;
  const outcome =
    options.fix.unsafe === true
      ? fix({ path: file.path, source: job.source }, assumedContext(managers), options.fix)
      : undefined;
  const would = fix({ path: file.path, source: job.source }, assumedContext(managers), {
    ...options.fix,
    unsafe: true,
  });
  if (outcome?.status === 'changed') return located(outcome, file, '.', options.cwd);
  if (would.applied.length === 0 && would.refused.length === 0)
    return located({ ...would, status: 'unchanged', changes: [] }, file, '.', options.cwd);
  const line = would.applied[0]?.line ?? 1;
  return located(
    {
      path: file.path,
      status: 'refused',
      changes: [],
      applied: [],
      refused: [
        {
          line,
          code: trouble.code,
          message: trouble.message,
          ...(trouble.help === undefined ? {} : { help: trouble.help }),
        },
      ],
      notes: would.notes,
    },
    file,
    undefined,
    options.cwd,
  );
}

/** Paths as the user should see them. */
function located(outcome: Outcome, file: FoundFile, directory: string | undefined, cwd: string): FileOutcome {
  const { root } = file.repository;
  const show = (path: string): string => shownPath(cwd, join(root, path));
  const absolute = new Map(outcome.changes.map((change) => [show(change.path), join(root, change.path)]));
  return {
    ...outcome,
    path: file.shown,
    changes: outcome.changes.map((change) => ({ ...change, path: show(change.path) })),
    absolute,
    root,
    ...(directory === undefined ? {} : { context: relative(cwd, join(root, directory)).split(sep).join('/') || '.' }),
  };
}
