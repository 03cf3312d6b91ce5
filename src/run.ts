/** From files on disk to outcomes: finds each Dockerfile's context and runs the library on it. */
import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import type { BuildContext, Copy, Dockerfile, Note, Outcome, Refusal, Trouble } from './model.ts';
import { findDockerfiles, mayBeDockerfile, reason, shownPath, type FoundFile } from './context/find.ts';
import {
  insideRepository,
  MAX_BYTES,
  openRepository,
  readRegular,
  type Repository,
  type Unsaved,
} from './context/disk.ts';
import { chooseContext, findEvidence, type Evidence } from './context/discover.ts';
import { contextPath, expandCopySource } from './context/dockerignore.ts';
import { readHistory, resolveCommit } from './context/history.ts';
import { assumedContext } from './context/assumed.ts';
import { fix, managers, parse, type FixOptions } from './index.ts';
import { missingManifests, speaksOfItself } from './misfit.ts';
import { decodeUtf8 } from './context/text.ts';

/** A directory that a build can have as its context. */
export interface Place {
  readonly repository: Repository;
  /** Relative to the repository's root. */
  readonly directory: string;
}

export interface RunOptions {
  readonly paths: readonly string[];
  /** Without symlinks. */
  readonly cwd: string;
  /** Given with --context: overrides what is discovered. */
  readonly context?: Place;
  readonly fix: FixOptions;
  /** What a configuration says. */
  readonly configuration?: PerFile;
  /** What an editor holds counts instead of what is on disk. */
  readonly unsaved?: Unsaved;
  /** Each repository's own history is evidence of which order is the cheapest. */
  readonly history?: true;
  /** Seconds by instruction, where somebody measured them. */
  readonly seconds?: ReadonlyMap<string, number>;
}

/** By absolute path of the Dockerfile. */
export interface PerFile {
  readonly settingsFor: (path: string) => { readonly fix: FixOptions; readonly context?: Place };
  /** It is to be left alone. */
  readonly ignored: (path: string) => boolean;
}

export interface FileOutcome extends Outcome {
  /** Relative to the working directory. */
  readonly context?: string;
  /** Absolute paths of the changed files, by their shown path. */
  readonly absolute: ReadonlyMap<string, string>;
  readonly root: string;
  /** The ignore file that the fixes rest on, absolute. */
  readonly ignoreFile?: string;
  /** What was read and where it builds, for those that look further; absent where that is not known. */
  readonly subject?: Subject;
}

export interface Subject {
  readonly place: Place;
  /** Relative to the repository's root. */
  readonly dockerfile: string;
  readonly source: string;
  /** As it is, and under the ignore file that the fixes leave. */
  readonly before: BuildContext;
  readonly after: BuildContext;
  /** How it was rewritten. */
  readonly fix: FixOptions;
}

export interface RunResult {
  readonly outcomes: readonly FileOutcome[];
  readonly notes: readonly Note[];
  /** Paths that could not be read at all. */
  readonly errors: readonly Note[];
}

interface Job {
  readonly file: FoundFile;
  /** The file to write, absolute: where a symlink leads. */
  readonly target: string;
  readonly source: string;
  readonly parsed: Dockerfile;
  place?: Place;
  /** Why there is no place. */
  trouble?: Trouble;
}

export async function run(options: RunOptions): Promise<RunResult> {
  const found = await findDockerfiles(options.paths, options.cwd, options.unsaved);
  const ignored = (file: FoundFile): boolean => options.configuration?.ignored(absolutePath({ file })) === true;
  const named = new Set(options.paths.map((path) => shownPath(options.cwd, resolve(options.cwd, path))));
  const notes = found.files
    .filter((file) => named.has(file.shown) && ignored(file))
    .map(({ shown }) => ({ path: shown, code: 'ignored-by-configuration', message: 'is to be left alone' }));
  return new Runner(options).run(
    found.files.filter((file) => !ignored(file)),
    [...found.notes, ...notes],
    found.errors,
  );
}

/** Opens what --context names; a string says why it cannot. */
export async function openDirectory(cwd: string, given: string): Promise<Place | string> {
  try {
    const real = realpathSync(resolve(cwd, given));
    if (!statSync(real).isDirectory()) return 'it is not a directory';
    const repository = await openRepository(real);
    return { repository, directory: insideRepository(repository, real) ?? '.' };
  } catch (error) {
    return reason(error);
  }
}

class Runner {
  private readonly options: RunOptions;
  private readonly evidence = new Map<Repository, Promise<readonly Evidence[]>>();
  private readonly others = new Map<Repository, Promise<readonly Job[]>>();
  /** One ignore file serves several Dockerfiles: what one adds to it, the next one starts from. By absolute path. */
  private readonly ignoreTexts = new Map<string, string>();
  private readonly pasts = new Map<Repository, Promise<Past>>();
  private readonly notes: Note[] = [];
  private jobs: readonly Job[] = [];

  constructor(options: RunOptions) {
    this.options = options;
  }

  async run(
    files: readonly FoundFile[],
    notes: readonly Note[],
    errors: readonly { path: string; message: string }[],
  ): Promise<RunResult> {
    const { paths, cwd } = this.options;
    const named = new Set(paths.map((path) => shownPath(cwd, resolve(cwd, path))));
    const outcomes = new Map<FoundFile, FileOutcome>();
    const said = [...notes];
    const jobs: Job[] = [];
    for (const file of files) {
      const job = open(file, { regular: !named.has(file.shown), unsaved: this.options.unsaved });
      if ('code' in job) {
        outcomes.set(file, failed(file, job));
        continue;
      }
      const twin = jobs.find((each) => each.target === job.target);
      if (twin === undefined) jobs.push(job);
      else said.push({ path: file.shown, code: 'same-file', message: `is another name of ${twin.file.shown}` });
    }
    this.jobs = jobs;
    // A mistake of ours in one file does not cost the others.
    const each = async (work: (job: Job) => Promise<void>): Promise<void> => {
      for (const job of jobs) {
        if (outcomes.has(job.file)) continue;
        try {
          await work(job);
        } catch (error) {
          outcomes.set(job.file, failed(job.file, mishap(error)));
        }
      }
    };
    await each((job) => this.locate(job, this.options.context ?? this.configured(job)?.context));
    await each(async (job) => void outcomes.set(job.file, await this.solve(job)));
    return {
      outcomes: files.map((file) => outcomes.get(file)).filter((outcome) => outcome !== undefined),
      notes: [...said, ...this.notes, ...this.unreadFiles()],
      errors: errors.map(({ path, message }) => ({ path, code: 'unreadable', message })),
    };
  }

  /** What is told of them elsewhere follows from their content not being known. */
  private unreadFiles(): readonly Note[] {
    const repositories = new Set(this.jobs.flatMap(({ place }) => (place === undefined ? [] : [place.repository])));
    return [...repositories].flatMap(({ root, tooLarge }) =>
      [...tooLarge].sort().map((path) => ({
        path: shownPath(this.options.cwd, join(root, path)),
        code: 'file-too-large',
        message: `is larger than ${MAX_BYTES / 1024 / 1024} MB, so it is not read`,
        help: 'keep what is that large out of the build context',
      })),
    );
  }

  private configured(job: Job): ReturnType<PerFile['settingsFor']> | undefined {
    return this.options.configuration?.settingsFor(absolutePath(job));
  }

  private fixOptions(job: Job): FixOptions {
    return this.configured(job)?.fix ?? this.options.fix;
  }

  private async solve(job: Job): Promise<FileOutcome> {
    const { place } = job;
    // What cannot be parsed needs no context to say so.
    if (job.parsed.trouble !== undefined) return this.shown(this.assume(job), job);
    if (place === undefined) return this.contextless(job);
    const { repository, directory } = place;
    const dockerfile = relative(repository.root, absolutePath(job));
    const context = repository.context(directory, dockerfile);
    const ignoreFile = join(repository.root, context.ignoreFile.path);
    const unread = unreadIgnoreFile(job, context, ignoreFile);
    if (unread !== undefined)
      return this.shown(
        refused(job, {
          code: 'ignore-file-unreadable',
          message: `\`${shownPath(this.options.cwd, unread)}\` is not a regular UTF-8 file of the context's repository, so what the build can copy is not known`,
          help: 'put its text into a regular file',
        }),
        job,
      );
    const carried = this.ignoreTexts.get(ignoreFile);
    const options = await this.withHistory(job, place);
    const attempt = (fresh: BuildContext): Outcome => fixJob(job, fresh, options);
    const started = (fresh: BuildContext): BuildContext =>
      carried === undefined ? fresh : fresh.withIgnoreFile(carried);
    const changesIgnoreFile = (each: Outcome): boolean =>
      each.changes.some((change) => change.path === context.ignoreFile.path);
    let outcome = attempt(started(context));
    if (changesIgnoreFile(outcome)) {
      // Only then do other Dockerfiles matter, and there may be many to read.
      const siblings = await this.siblings(job);
      if (siblings.length > 0) outcome = attempt(started(repository.context(directory, dockerfile, siblings)));
    }
    const show = (path: string): string => shownPath(this.options.cwd, join(repository.root, path));
    const differing = ignoreFilesDiffer(outcome, { repository, directory, dockerfile, context, attempt, show });
    if (differing !== undefined) outcome = refused(job, differing, outcome.applied[0]?.line);
    const changed = outcome.changes.find((change) => change.path === context.ignoreFile.path);
    if (changed !== undefined) this.ignoreTexts.set(ignoreFile, changed.after);
    const before = started(context);
    const after = changed === undefined ? before : before.withIgnoreFile(changed.after);
    return {
      ...this.shown(outcome, job, ignoreFile),
      subject: { place, dockerfile, source: job.source, before, after, fix: options },
    };
  }

  private async withHistory(job: Job, { repository, directory }: Place): Promise<FixOptions> {
    const options = this.fixOptions(job);
    const { history, seconds } = this.options;
    if (history === undefined) return options;
    let past = this.pasts.get(repository);
    if (past === undefined) {
      this.pasts.set(repository, (past = readPast(repository)));
      const { length } = await past;
      if (length < FEW)
        this.notes.push({
          path: shownPath(this.options.cwd, repository.root),
          code: 'history-too-short',
          message: `has ${length} commits with a parent, too few to order copies by`,
        });
    }
    const prefix = directory === '.' ? '' : `${directory}/`;
    const commits = (await past).map((paths) =>
      paths.flatMap((path) => (path.startsWith(prefix) ? [path.slice(prefix.length)] : [])),
    );
    return { ...options, history: { commits, ...(seconds === undefined ? {} : { seconds }) } };
  }

  private async locate(job: Job, given: Place | undefined): Promise<void> {
    if (given !== undefined) {
      job.place = given;
      return;
    }
    const { repository, path } = job.file;
    const sources = contextSources(job.parsed);
    const lacks = (directory: string): readonly string[] => {
      const context = repository.context(directory, path);
      const absent = sources.filter(
        (source) =>
          expandCopySource(context, source).length === 0 && !(/[*?[]/.test(source) || context.may(contextPath(source))),
      );
      if (absent.length > 0) return absent.map((source) => `there is no \`${source}\`, which it copies`);
      // A manifest that is there and kept out by the ignore file is a mistake to tell, not a sign of another context.
      const hidden = (this.fixOptions(job).managers ?? managers).some((manager) =>
        manager.manifests.some(
          (name) =>
            context.ignores(name) && repository.read(directory === '.' ? name : `${directory}/${name}`) !== undefined,
        ),
      );
      if (hidden) return [];
      const itself = speaksOfItself(job.parsed, directory);
      // Only where it is said of a directory from which it can be built.
      return itself !== undefined && lacks(directory.slice(0, -itself.length - 1) || '.').length === 0
        ? [`it speaks of \`${itself}\`, which is that directory itself`]
        : missingManifests(job.parsed, context, this.fixOptions(job));
    };
    const { directory, trouble } = chooseContext(path, await this.evidenceOf(repository), lacks);
    if (directory !== undefined) job.place = { repository, directory };
    if (trouble !== undefined) job.trouble = trouble;
  }

  private evidenceOf(repository: Repository): Promise<readonly Evidence[]> {
    let evidence = this.evidence.get(repository);
    if (evidence === undefined) this.evidence.set(repository, (evidence = findEvidence(repository)));
    return evidence;
  }

  /** The other Dockerfiles under the same ignore file, whether or not they are to be fixed. */
  private async siblings(job: Job): Promise<string[]> {
    if (hasOwnIgnoreFile(job)) return [];
    const { repository, directory } = job.place as Place;
    let others = this.others.get(repository);
    if (others === undefined) this.others.set(repository, (others = this.otherJobs(repository)));
    return [...this.jobs, ...(await others)]
      .filter(
        ({ place, ...each }) =>
          each.file !== job.file &&
          each.file.repository.root === repository.root &&
          // Where it is built from is not known: it may be here.
          (place === undefined || (place.repository.root === repository.root && place.directory === directory)) &&
          !hasOwnIgnoreFile(each),
      )
      .map((each) => each.source);
  }

  private async otherJobs(repository: Repository): Promise<readonly Job[]> {
    const known = new Set(this.jobs.map(absolutePath));
    const evidence = await this.evidenceOf(repository);
    const named = new Set(evidence.filter(({ inline }) => inline === undefined).map(({ dockerfile }) => dockerfile));
    const jobs: Job[] = evidence.flatMap(({ inline, context, dockerfile: path }) =>
      inline === undefined ? [] : [inlineJob({ repository, path, shown: path }, inline, context)],
    );
    for (const path of repository.files) {
      if (!named.has(path) && !mayBeDockerfile(path.slice(path.lastIndexOf('/') + 1))) continue;
      if (path.split('/').includes('node_modules') || repository.symlinks.has(path)) continue;
      if (known.has(join(repository.root, path))) continue;
      const job = open({ repository, path, shown: path }, { regular: true, unsaved: this.options.unsaved });
      // Some only have a name that is like a Dockerfile's.
      if ('code' in job || !job.parsed.instructions.some(({ keyword }) => keyword === 'FROM')) continue;
      await this.locate(job, this.configured(job)?.context);
      jobs.push(job);
    }
    return jobs;
  }

  private assume(job: Job, more: FixOptions = {}): Outcome {
    const options = { ...this.fixOptions(job), ...more };
    return fixJob(job, assumedContext(options.managers ?? managers), options);
  }

  /** Without a context: what would be changed is unsafe, and the reason for not knowing it is said. */
  private contextless(job: Job): FileOutcome {
    const would = this.assume(job, { unsafe: true });
    // An ignore file that is only assumed cannot be changed.
    const complete = would.changes.every((change) => change.path === job.file.path);
    if (this.fixOptions(job).unsafe === true && would.status === 'changed' && complete) return this.shown(would, job);
    if (would.applied.length === 0 && would.refused.length === 0)
      return this.shown({ ...would, status: 'unchanged', changes: [] }, job);
    return this.shown({ ...refused(job, job.trouble as Trouble, would.applied[0]?.line), notes: would.notes }, job);
  }

  /** Paths as the user should see them. */
  private shown(outcome: Outcome, job: Job, ignoreFile?: string): FileOutcome {
    const { cwd } = this.options;
    const absolute = new Map<string, string>();
    const changes = outcome.changes.map((change) => {
      const path = change.path === job.file.path ? job.target : (ignoreFile as string);
      absolute.set(shownPath(cwd, path), path);
      return { ...change, path: shownPath(cwd, path) };
    });
    const { place } = job;
    return {
      ...outcome,
      path: job.file.shown,
      changes,
      absolute,
      root: job.file.repository.root,
      ...(ignoreFile === undefined ? {} : { ignoreFile }),
      ...(place === undefined ? {} : { context: shownPath(cwd, join(place.repository.root, place.directory)) }),
    };
  }
}

/** By commit, the paths that it changed. */
type Past = readonly (readonly string[])[];

/** As many as a replay looks at. */
const COMMITS = 500;
/** Fewer than these are no evidence. */
const FEW = 20;

async function readPast({ root, git }: Repository): Promise<Past> {
  const head = git ? await resolveCommit(root, 'HEAD') : undefined;
  if (head === undefined) return [];
  const past: (readonly string[])[] = [];
  try {
    for await (const { parent, changed } of readHistory(root, head, { limit: COMMITS }))
      if (parent !== undefined) past.push(changed.map(({ path }) => path));
  } catch {
    // What git could not tell is no evidence.
    return [];
  }
  return past;
}

/** A Dockerfile that stands in another file. */
function inlineJob(file: FoundFile, source: string, directory: string | undefined): Job {
  const { repository, path } = file;
  return {
    file,
    target: join(repository.root, path),
    source,
    parsed: parse(source),
    ...(directory === undefined ? {} : { place: { repository, directory } }),
  };
}

interface Opening {
  /** A pipe is waited for only where somebody names it. */
  readonly regular: boolean;
  readonly unsaved: Unsaved | undefined;
}

function open(file: FoundFile, { regular, unsaved = () => undefined }: Opening): Job | Trouble {
  const { repository, path } = file;
  try {
    let target = join(repository.root, path);
    if (lstatSync(target).isSymbolicLink()) {
      target = realpathSync(target);
      if (!target.startsWith(repository.root + sep))
        return {
          code: 'symlink-outside-repository',
          message: 'it is a symlink to a file outside of the repository',
          help: 'run dockerfix on that file',
        };
    }
    // How large a Dockerfile may be, the parser says.
    const bytes = unsaved(target) ?? (regular ? readRegular(target, 0, Infinity) : readFileSync(target));
    if (bytes === undefined) return { code: 'unreadable', message: 'it is not a regular file' };
    const source = typeof bytes === 'string' ? bytes : decodeUtf8(bytes);
    if (source === undefined) return { code: 'not-utf8', message: 'it is not UTF-8 text' };
    return { file, target, source, parsed: parse(source) };
  } catch (error) {
    return { code: 'unreadable', message: reason(error) };
  }
}

function absolutePath({ file }: Pick<Job, 'file'>): string {
  return join(file.repository.root, file.path);
}

function hasOwnIgnoreFile(job: Pick<Job, 'file'>): boolean {
  return exists(`${absolutePath(job)}.dockerignore`);
}

/**
 * Podman and Buildah obey a `.containerignore` before a `.dockerignore`, but neither before the Dockerfile's own:
 * https://github.com/containers/common, containerignore(5).
 */
export function ignoreFilesDiffer(
  { changes }: Outcome,
  { repository, directory, dockerfile, context, attempt, show }: UnderIgnoreFile,
): Trouble | undefined {
  const { path: used } = context.ignoreFile;
  if (changes.length === 0 || used === `${dockerfile}.dockerignore`) return undefined;
  const path = [`${dockerfile}.containerignore`, join(directory, '.containerignore')].find(
    (each) => repository.read(each) !== undefined,
  );
  if (path === undefined) return undefined;
  const there = attempt(context.withIgnoreFile(repository.read(path) ?? '')).changes;
  const isWhole = [...changes, ...there].every((change) => change.path !== used);
  if (isWhole && there[0]?.after === changes[0]?.after) return undefined;
  return {
    code: 'ignore-files-differ',
    message: `Podman and Buildah read \`${show(path)}\` instead of \`${show(used)}\`, and the fix does not hold for both`,
    help: 'let both ignore what the install writes',
  };
}

interface UnderIgnoreFile extends Place {
  /** Relative to the repository's root. */
  readonly dockerfile: string;
  readonly context: BuildContext;
  readonly attempt: (context: BuildContext) => Outcome;
  readonly show: (path: string) => string;
}

/** An ignore file that a build would obey, and that the context could not read: a symlink, not text, elsewhere. */
function unreadIgnoreFile(job: Job, context: BuildContext, used: string): string | undefined {
  const own = `${absolutePath(job)}.dockerignore`;
  if (used !== own && exists(own)) return own;
  return context.ignoreFile.source === undefined && exists(used) ? used : undefined;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** An exception: a plugin's, which says so by its name, or ours. */
function mishap(error: unknown): Trouble {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof Error && error.name === 'PluginError'
    ? { code: 'plugin-failed', message: `the plugin's ${message}` }
    : { code: 'internal-error', message: `this is a bug in dockerfix, please report it: ${message}` };
}

function fixJob({ file, source }: Job, context: BuildContext, options: FixOptions): Outcome {
  return fix({ path: file.path, source }, context, options);
}

function refused({ file }: Pick<Job, 'file'>, trouble: Trouble, line = 1): Outcome {
  const { code, message, help } = trouble;
  const refusal: Refusal = { line, code, message, ...(help === undefined ? {} : { help }) };
  return { path: file.path, status: 'refused', changes: [], applied: [], refused: [refusal], notes: [] };
}

function failed(file: FoundFile, trouble: Trouble): FileOutcome {
  return {
    ...refused({ file }, trouble),
    path: file.shown,
    status: 'failed',
    absolute: new Map(),
    root: file.repository.root,
  };
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
