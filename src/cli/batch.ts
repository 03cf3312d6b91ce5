/** `dockerfix batch`: a rehearsal over many repositories, into a folder of results. Goes on where it was stopped. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runBatch } from '../batch/batch.ts';
import { noRequests, readBegun, type Begun, type RequestsBegun } from '../batch/begun.ts';
import type { OpenForge } from '../batch/forges/index.ts';
import { journalPath, openJournal, type Event, type Journal } from '../batch/journal.ts';
import { isLock, lockFolder } from '../batch/lock.ts';
import type { Connection, digest as Digest } from '../batch/queue.ts';
import type { RequestSettings, Row } from '../batch/requests.ts';
import { NO_COUNTS, counted, replaceFile, writeResults, type Result } from '../batch/results.ts';
import type { Target } from '../batch/targets.ts';
import { finishWriting } from '../batch/writing.ts';
import { version } from '../index.ts';
import { printable } from '../reporters/text.ts';
import { RESULTS_FLAG, resultsFolder } from './batch-folder.ts';
import { failuresOf, progressOf, summaryOf, type Progress } from './batch-progress.ts';
import { forgesFor, requester, REQUEST_FLAGS, requestSettings, requestSummary } from './batch-requests.ts';
import { chooseTargets, scopesOf, TARGET_FLAGS, type Scopes } from './batch-targets.ts';
import { usageError, type Io } from './io.ts';
import { FIX_FLAGS, notCounts, parseCommand } from './parser.ts';
import { fixRequest, type FixFlags, type Request } from './request.ts';

/** `context` is of one repository, so it means nothing here. */
const { context: _context, ...FLAGS } = FIX_FLAGS;

/** Commits to replay: enough to tell one repository from another. */
const COMMITS = 200;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  // A directory of that name is told with `./`.
  if (argv[0] === 'status' || argv[0] === 'close')
    return (await import('./batch-status.ts'))[argv[0]](argv.slice(1), io);
  const options = await parse(argv, io);
  if (typeof options === 'number') return options;
  const plan = mistakeIn(options) ?? (await planOf(options, io));
  if (typeof plan === 'string') return usageError(io, plan);
  const code = await carryOut(plan, io);
  return typeof code === 'string' ? usageError(io, code) : code;
}

function parse(argv: readonly string[], io: Io) {
  return parseCommand(argv, io, { name: 'targets', describe: 'directories, or clone URLs' }, (parser) =>
    parser
      .usage('$0 batch [targets..]\n\nRehearses many repositories: one patch for each, and a list of what was found.')
      .options({
        ...TARGET_FLAGS,
        ...RESULTS_FLAG,
        resume: { type: 'boolean', describe: 'go on with what the results folder has begun' },
        retry: { choices: ['failed'] as const, requiresArg: true, describe: 'do these again; implies --resume' },
        check: { type: 'boolean', describe: 'exit 1 if something would change' },
        write: { type: 'boolean', describe: 'change checkouts: all that a patch says, or nothing' },
        ...REQUEST_FLAGS,
        concurrency: { type: 'number', requiresArg: true, describe: 'threads (default: one for each processor)' },
        timeout: { type: 'number', requiresArg: true, describe: 'seconds for one repository (default: 300)' },
        'max-size': { type: 'number', requiresArg: true, describe: 'megabytes of one clone (default: 1000)' },
        commits: {
          type: 'number',
          requiresArg: true,
          describe: 'commits to replay, of what would change (default: 200; 0: none)',
        },
        queue: {
          type: 'string',
          requiresArg: true,
          describe: 'redis://HOST:PORT: `dockerfix worker`s on any machine take the repositories',
        },
        'max-per-minute': {
          type: 'number',
          requiresArg: true,
          describe: 'with --queue: repositories that all workers together begin in a minute',
        },
        ...FLAGS,
        quiet: { alias: 'q', type: 'boolean', describe: 'only the summary and failures' },
      })
      .example('$0 batch repos/*', 'directories of checkouts')
      .example('$0 batch --from urls.txt --sample 20', 'a pilot')
      .example('$0 batch --github acme --open-prs', 'a pull request for each repository of an organisation')
      .example('$0 batch status', 'how the requests of a results folder stand; `batch close` closes them'),
  );
}

type Options = Exclude<Awaited<ReturnType<typeof parse>>, number>;

/** Undefined: none that can be seen without looking further. */
function mistakeIn(options: Options): string | undefined {
  const { commits, write, check } = options;
  if (commits !== undefined && !(Number.isInteger(commits) && commits >= 0))
    return '--commits takes a number of commits, or 0';
  if (write === true && check === true) return '--write and --check exclude each other';
  return notCounts(options, [
    'limit',
    'sample',
    'concurrency',
    'timeout',
    'max-size',
    'max-per-minute',
    'max-prs-per-hour',
  ]);
}

/** What is done with which repositories: journaled, so that `--resume` does the same. */
type Work = Pick<Begun, 'flags' | 'targets' | 'write' | 'commits'>;

interface Plan extends Work {
  readonly options: Options;
  readonly folder: string;
  /** What was there when the plan was made. */
  readonly begun: Begun | undefined;
  /** Goes on with it. */
  readonly resuming: boolean;
  /** Undefined: this machine does all. */
  readonly queue: QueueEnd | undefined;
  /** As this command line asks for them. */
  readonly requests: RequestSettings | undefined;
  readonly open: OpenForge;
  readonly request: Request;
}

/** Nothing is written yet. A string says what is wrong. */
async function planOf(options: Options, io: Io): Promise<Plan | string> {
  const scopes = scopesOf(options);
  if (typeof scopes === 'string') return scopes;
  const requests = requestSettings(options);
  if (typeof requests === 'string') return requests;
  const queue = await queueOf(options, io);
  if (typeof queue === 'string') return queue;
  const folder = resultsFolder(options.results, io);
  const begun = await readBegun(folder);
  if (begun === 'foreign') return `${printable(journalPath(folder))} is not a journal of this version`;
  const resuming = options.resume === true || options.retry !== undefined;
  if (begun === undefined && !resuming && holdsMore(folder))
    return `${printable(folder)} has other files, which results would replace: give an empty --results, or a new one`;
  const open = forgesFor(io);
  const work = resuming
    ? begunWork(begun, options, scopes, folder)
    : begun?.complete === true
      ? `${printable(folder)} has results: give --resume, or another --results`
      : await newWork(options, scopes, open, io);
  if (typeof work === 'string') return work;
  // Also where the requests were asked for when it was begun.
  const wanted = requests ?? (resuming ? begun?.requests.settings : undefined);
  const unfit = queue === undefined ? undefined : unfitForQueue(work, wanted);
  if (unfit !== undefined) return unfit;
  const homeless = work.targets.find(({ home }) => home === undefined);
  if (requests !== undefined && homeless !== undefined)
    return `--open-prs: it is not known on which forge ${printable(homeless.location)} is; give clone URLs, and --forge and --url for a forge of your own`;
  // Its mistakes are told once, not by every thread.
  const request = await fixRequest(work.flags as FixFlags, io.cwd);
  if (typeof request === 'string') return request;
  return { ...work, options, folder, begun, resuming, queue, requests, open, request };
}

/** Besides what a command that was killed at once left there. */
function holdsMore(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => !isLock(name));
}

function begunWork(
  begun: Begun | undefined,
  { given, from, limit, sample, write }: Options,
  { listed }: Scopes,
  folder: string,
): Work | string {
  if (begun?.complete !== true)
    return `there is nothing to resume in ${printable(folder)}; without --resume it begins anew`;
  if (given.length + listed.length > 0 || [from, limit, sample].some((value) => value !== undefined))
    return '--resume takes its targets from the results folder, so none can be given';
  if (write !== undefined && write !== begun.write)
    return `--write: what is in ${printable(folder)} was begun without it; give another --results`;
  return begun;
}

async function newWork(options: Options, scopes: Scopes, open: OpenForge, io: Io): Promise<Work | string> {
  const { config, unsafe, transform, add, skip, style, builder, history } = options as FixFlags;
  const { write = false, commits = COMMITS } = options;
  const targets = await chooseTargets(options.given, options, scopes, open, io);
  if (typeof targets === 'string') return targets;
  const clone = write ? targets.find(({ kind }) => kind === 'clone') : undefined;
  if (clone !== undefined) return `--write changes checkouts, and ${printable(clone.location)} is none: clone it first`;
  return { flags: { config, unsafe, transform, add, skip, style, builder, history }, targets, write, commits };
}

interface QueueEnd {
  readonly connection: Connection;
  readonly perMinute: number | undefined;
  readonly digest: typeof Digest;
}

/** Undefined: no queue is asked for. A string says what is wrong. */
async function queueOf(
  { queue: url, 'max-per-minute': perMinute }: Options,
  io: Io,
): Promise<QueueEnd | string | undefined> {
  if (url === undefined) return perMinute === undefined ? undefined : '--max-per-minute needs --queue';
  // Loaded only here: most batches do without.
  const { connectionOf, digest, unreachable } = await import('../batch/queue.ts');
  const connection = connectionOf(url, io.environment);
  if (typeof connection === 'string') return connection;
  return (await unreachable(connection)) ?? { connection, perMinute, digest };
}

function unfitForQueue({ targets, write }: Work, requests: RequestSettings | undefined): string | undefined {
  if (write || targets.some(({ kind }) => kind === 'directory'))
    return '--queue takes clone URLs: another machine has not the checkouts of this one';
  return requests === undefined
    ? undefined
    : '--queue and --open-prs exclude each other: rehearse by the queue, then open from one machine';
}

/** With the results folder to itself. Gives the exit code; a string says why it did not begin. */
async function carryOut(plan: Plan, io: Io): Promise<number | string> {
  const { folder, begun } = plan;
  mkdirSync(folder, { recursive: true });
  const lock = lockFolder(folder, () => {
    io.stderr('dockerfix: another dockerfix took over this folder while this one was stopped\n');
    process.exit(2);
  });
  if (typeof lock === 'string') return `${printable(folder)}: ${lock}`;
  try {
    // Once more, now that nobody else writes there.
    const held = await readBegun(folder);
    if (held === 'foreign' || held?.complete !== begun?.complete)
      return `${printable(folder)}: another dockerfix was at work there meanwhile`;
    const journal = openJournal(journalPath(folder));
    const state = await takeUp(plan, held, journal);
    const left = plan.targets.filter(({ id }) => !state.done.has(id));
    const progress = progressOf(left.length, io);
    await work(plan, state, left, journal, progress);
    progress.end();
    journal.close();
    return await finish(plan, state, io);
  } finally {
    lock.release();
  }
}

/** How far it has come. */
interface State {
  /** Of the journal. */
  readonly id: string;
  /** By id. */
  readonly done: Map<string, Result['status']>;
  readonly requests: RequestsBegun;
  /** In force, now or since it was begun. */
  readonly settings: RequestSettings | undefined;
}

/** Journals that it begins, or that it goes on and what is done again. */
async function takeUp(plan: Plan, held: Begun | undefined, journal: Journal): Promise<State> {
  const asked: readonly Event[] = plan.requests === undefined ? [] : [{ event: 'requests', settings: plan.requests }];
  if (held === undefined || !plan.resuming) {
    const { flags, write, commits, targets } = plan;
    const id = randomUUID();
    // Whoever is stopped before `begin` has begun nothing, so that comes last.
    await journal.append([
      { event: 'run', version: 1, id, tool: version, settings: flags, write, history: commits },
      ...targets.map((target) => ({ event: 'target', ...target }) satisfies Event),
      ...asked,
      { event: 'begin', targets: targets.length },
    ]);
    return { id, done: new Map(), requests: noRequests(), settings: plan.requests };
  }
  const { done, requests, writing, id = randomUUID() } = held;
  // What was being written when it was killed is finished first.
  for (const each of writing) {
    const result = finishWriting(each);
    await journal.append([{ event: 'result', result }]);
    done.set(result.id, result.status);
  }
  const settings = plan.requests ?? requests.settings;
  const isFailed = (id: string): boolean =>
    done.get(id) === 'failed' || (settings !== undefined && requests.rows.get(id)?.state === 'failed');
  const again = plan.options.retry === undefined ? [] : [...done.keys()].filter(isFailed);
  await journal.append([...asked, ...again.map((id) => ({ event: 'retry', id }) satisfies Event)]);
  for (const id of again) {
    done.delete(id);
    requests.rows.delete(id);
  }
  // What would change and has no request yet is looked at anew: its base may have moved since.
  if (settings !== undefined)
    for (const [id, status] of done) if (status === 'changed' && !requests.rows.has(id)) done.delete(id);
  return { id, done, requests, settings };
}

async function work(
  { options, folder, flags, commits, write, queue, open, request }: Plan,
  { id, done, requests, settings }: State,
  left: readonly Target[],
  journal: Journal,
  progress: Progress,
): Promise<void> {
  const common = {
    folder,
    flags,
    history: commits,
    timeout: (options.timeout ?? 300) * 1000,
    maxBytes: (options['max-size'] ?? 1000) * 1e6,
    onResult: (result: Result) => {
      done.set(result.id, result.status);
      failuresOf(result).forEach((line) => progress.say(line));
      if (options.quiet !== true) progress.step();
    },
  };
  if (queue === undefined)
    await runBatch(left, journal, {
      ...common,
      cwd: request.cwd,
      write,
      concurrency: options.concurrency ?? availableParallelism(),
      gitEnvironment: async ({ home }) => (home === undefined ? {} : (await open(home)).git),
      act:
        settings === undefined ? undefined : requester(settings, requests, journal, open, (line) => progress.say(line)),
    });
  else {
    const { runQueued } = await import('../batch/enqueue.ts');
    await runQueued(left, journal, {
      ...common,
      connection: queue.connection,
      perMinute: queue.perMinute,
      run: id,
      tool: version,
      configuration: queue.digest(request.configurationFile),
      onTrouble: (line) => progress.say(printable(line)),
    });
  }
}

/** Writes the results folder, and gives the exit code. */
async function finish({ folder, targets, write, options }: Plan, state: State, io: Io): Promise<number> {
  await writeResults(folder, targets, version);
  const rows = [...state.requests.rows.values()];
  if (rows.length > 0) writeRequests(folder, rows);
  const counts = [...state.done.values()].reduce((sum, status) => counted(sum, status), NO_COUNTS);
  io.stderr(`${summaryOf(counts, targets.length, write)}; see ${printable(folder)}\n`);
  if (state.settings !== undefined) io.stderr(`${requestSummary(rows)}\n`);
  if (counts.failed > 0 || rows.some(({ state }) => state === 'failed')) return 2;
  return options.check === true && counts.changed > 0 ? 1 : 0;
}

function writeRequests(folder: string, rows: readonly Row[]): void {
  replaceFile(join(folder, 'requests.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
