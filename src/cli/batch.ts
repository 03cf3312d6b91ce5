/** `dockerfix batch`: a rehearsal over many repositories, into a folder of results. Goes on where it was stopped. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { runBatch } from '../batch/batch.ts';
import { openJournal, readJournal, type Event } from '../batch/journal.ts';
import type { Connection, digest as Digest } from '../batch/queue.ts';
import { NO_COUNTS, counted, replaceFile, writeResults, type Counts, type Result } from '../batch/results.ts';
import { lockFolder } from '../batch/lock.ts';
import { filtered, listed, sample, targetOf, type Target } from '../batch/targets.ts';
import { finishWriting, type Writing } from '../batch/writing.ts';
import { reason } from '../context/find.ts';
import { version } from '../index.ts';
import { noteLine, printable } from '../reporters/text.ts';
import {
  FORGE_FLAGS,
  forgesFor,
  listTargets,
  noRequests,
  requester,
  requestSettings,
  requestSummary,
  scopesOf,
  tell,
  withHomes,
  type ForgeFlags,
  type RequestsBegun,
} from './batch-forges.ts';
import { usageError, type Io } from './io.ts';
import { FIX_FLAGS, notCounts, parseCommand } from './parser.ts';
import { fixRequest, type FixFlags } from './request.ts';

/** `context` is of one repository, so it means nothing here. */
const { context: _context, history: _history, ...FLAGS } = FIX_FLAGS;

const many = { type: 'string', array: true, requiresArg: true } as const;

/** Commits to replay: enough to tell one repository from another. */
const COMMITS = 200;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  // A directory of that name is told with `./`.
  if (argv[0] === 'status' || argv[0] === 'close')
    return (await import('./batch-status.ts'))[argv[0]](argv.slice(1), io);
  const options = await parseCommand(argv, io, { name: 'targets', describe: 'directories, or clone URLs' }, (parser) =>
    parser
      .usage('$0 batch [targets..]\n\nRehearses many repositories: one patch for each, and a list of what was found.')
      .options({
        from: { type: 'string', requiresArg: true, describe: 'FILE with a target on each line; - for standard input' },
        results: { type: 'string', requiresArg: true, describe: 'DIR of the results (default: dockerfix-results)' },
        resume: { type: 'boolean', describe: 'go on with what the results folder has begun' },
        retry: { choices: ['failed'] as const, requiresArg: true, describe: 'do these again; implies --resume' },
        check: { type: 'boolean', describe: 'exit 1 if something would change' },
        write: { type: 'boolean', describe: 'change checkouts: all that a patch says, or nothing' },
        include: { ...many, describe: 'only repositories whose name, or end of path, matches GLOB' },
        exclude: { ...many, describe: 'not those' },
        limit: { type: 'number', requiresArg: true, describe: 'the first N targets only' },
        sample: { type: 'number', requiresArg: true, describe: 'N targets from all over the list' },
        concurrency: { type: 'number', requiresArg: true, describe: 'threads (default: one for each processor)' },
        timeout: { type: 'number', requiresArg: true, describe: 'seconds for one repository (default: 300)' },
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
        'max-size': { type: 'number', requiresArg: true, describe: 'megabytes of one clone (default: 1000)' },
        ...FORGE_FLAGS,
        ...FLAGS,
        quiet: { alias: 'q', type: 'boolean', describe: 'only the summary and failures' },
      })
      .example('$0 batch repos/*', 'directories of checkouts')
      .example('$0 batch --from urls.txt --sample 20', 'a pilot')
      .example('$0 batch --github acme --open-prs', 'a pull request for each repository of an organisation')
      .example('$0 batch status', 'how the requests of a results folder stand; `batch close` closes them'),
  );
  if (typeof options === 'number') return options;
  const { given } = options;
  const wrong = notCounts(options, [
    'limit',
    'sample',
    'concurrency',
    'timeout',
    'max-size',
    'max-per-minute',
    'max-prs-per-hour',
  ]);
  if (wrong !== undefined) return usageError(io, wrong);
  if (options.commits !== undefined && !(Number.isInteger(options.commits) && options.commits >= 0))
    return usageError(io, '--commits takes a number of commits, or 0');
  if (options.write === true && options.check === true) return usageError(io, '--write and --check exclude each other');
  const queue = await queueOf(options.queue, options['max-per-minute'], io);
  if (typeof queue === 'string') return usageError(io, queue);
  const asked: ForgeFlags = options;
  const scopes = scopesOf(asked);
  if (typeof scopes === 'string') return usageError(io, scopes);
  const requests = requestSettings(asked);
  if (typeof requests === 'string') return usageError(io, requests);
  const open = forgesFor(io);
  const folder = resolve(io.cwd, options.results ?? 'dockerfix-results');
  const journalPath = join(folder, 'journal.jsonl');
  const resuming = options.resume === true || options.retry !== undefined;

  const begun = existsSync(journalPath) ? await readBegun(journalPath) : undefined;
  if (begun === 'foreign') return usageError(io, `${printable(journalPath)} is not a journal of this version`);
  if (resuming && begun?.complete !== true)
    return usageError(io, `there is nothing to resume in ${printable(folder)}; without --resume it begins anew`);
  if (
    resuming &&
    (given.length > 0 ||
      scopes.scopes.length > 0 ||
      [options.from, options.limit, options.sample].some((value) => value !== undefined))
  )
    return usageError(io, '--resume takes its targets from the results folder, so none can be given');
  if (!resuming && begun?.complete === true)
    return usageError(io, `${printable(folder)} has results: give --resume, or another --results`);

  if (resuming && options.write !== undefined && options.write !== begun?.write)
    return usageError(io, `--write: what is in ${printable(folder)} was begun without it; give another --results`);

  let flags: FixFlags;
  let targets: readonly Target[];
  let { write = false, commits: history = COMMITS } = options;
  if (resuming && begun !== undefined) ({ flags, targets, write, history } = begun);
  else {
    const { config, unsafe, transform, add, skip, style, builder } = options as FixFlags;
    flags = { config, unsafe, transform, add, skip, style, builder };
    const chosen = await chooseTargets(given, options.from, io);
    if (typeof chosen === 'string') return usageError(io, chosen);
    const { include = [], exclude = [] } = options;
    // All that can be left out later have to be known; otherwise the listing stops early.
    const whole = options.sample !== undefined || include.length + exclude.length > 0;
    const enough = whole ? Infinity : (options.limit ?? Infinity) - chosen.length;
    const listing = enough > 0 ? await listTargets(scopes.scopes, asked, enough, open, io) : [];
    if (typeof listing === 'string') return usageError(io, listing);
    const all = withHomes([...chosen, ...listing], scopes.own);
    const kept = filtered(all, include, exclude);
    targets = options.sample === undefined ? kept : sample(kept, options.sample);
    if (options.limit !== undefined) targets = targets.slice(0, options.limit);
    if (targets.length === 0)
      return usageError(
        io,
        all.length > 0
          ? 'no target is left by --include and --exclude'
          : 'no targets: give directories, clone URLs, or --from FILE',
      );
    const clone = write ? targets.find(({ kind }) => kind === 'clone') : undefined;
    if (clone !== undefined)
      return usageError(io, `--write changes checkouts, and ${printable(clone.location)} is none: clone it first`);
  }
  const here = queue === undefined ? undefined : targets.find(({ kind }) => kind === 'directory');
  if (here !== undefined || (write && queue !== undefined))
    return usageError(io, '--queue takes clone URLs: another machine has not the checkouts of this one');
  // Also where the requests were asked for when it was begun.
  if (queue !== undefined && (requests ?? (resuming ? begun?.requests.settings : undefined)) !== undefined)
    return usageError(
      io,
      '--queue and --open-prs exclude each other: rehearse by the queue, then open from one machine',
    );
  const homeless = targets.find(({ home }) => home === undefined);
  if (requests !== undefined && homeless !== undefined)
    return usageError(
      io,
      `--open-prs: it is not known on which forge ${printable(homeless.location)} is; give clone URLs, and --forge and --url for a forge of your own`,
    );
  // Its mistakes are told once, not by every thread.
  const request = await fixRequest(flags, io.cwd);
  if (typeof request === 'string') return usageError(io, request);

  mkdirSync(folder, { recursive: true });
  const lock = lockFolder(folder, () => {
    io.stderr('dockerfix: another dockerfix took over this folder while this one was stopped\n');
    process.exit(2);
  });
  if (typeof lock === 'string') return usageError(io, `${printable(folder)}: ${lock}`);
  // Once more, now that nobody else writes there.
  const held = existsSync(journalPath) ? await readBegun(journalPath) : undefined;
  if (held === 'foreign' || held?.complete !== begun?.complete) {
    lock.release();
    return usageError(io, `${printable(folder)}: another dockerfix was at work there meanwhile`);
  }
  const journal = openJournal(journalPath);
  const id = randomUUID();
  // What was being written when it was killed is finished first.
  for (const writing of resuming ? (held?.writing ?? []) : []) {
    const result = finishWriting(writing);
    await journal.append([{ event: 'result', result }]);
    (held as Begun).done.set(result.id, result.status);
  }
  const done = new Map<string, Result['status']>(resuming ? held?.done : []);
  const before = (resuming ? held?.requests : undefined) ?? noRequests();
  const wanted = requests ?? before.settings;
  const isFailed = (id: string): boolean =>
    done.get(id) === 'failed' || (wanted !== undefined && before.rows.get(id)?.state === 'failed');
  const again = options.retry === undefined ? [] : [...done.keys()].filter(isFailed);
  for (const id of again) {
    done.delete(id);
    before.rows.delete(id);
  }
  // What would change and has no request yet is looked at anew: its base may have moved since.
  if (wanted !== undefined)
    for (const [id, status] of done) if (status === 'changed' && !before.rows.has(id)) done.delete(id);
  const settings: readonly Event[] = requests === undefined ? [] : [{ event: 'requests', settings: requests }];
  // Whoever is stopped before `begin` has begun nothing, so that comes last.
  await journal.append(
    resuming
      ? [...settings, ...again.map((id) => ({ event: 'retry', id }) satisfies Event)]
      : [
          { event: 'run', version: 1, id, tool: version, settings: flags, write, history },
          ...targets.map((target) => ({ event: 'target', ...target }) satisfies Event),
          ...settings,
          { event: 'begin', targets: targets.length },
        ],
  );
  let counts = [...done.values()].reduce((sum, status) => counted(sum, status), NO_COUNTS);
  const left = targets.filter(({ id }) => !done.has(id));
  const progress = progressOf(left.length, io);
  const common = {
    folder,
    flags,
    history,
    timeout: (options.timeout ?? 300) * 1000,
    maxBytes: (options['max-size'] ?? 1000) * 1e6,
    onResult: (result: Result) => {
      counts = counted(counts, result.status);
      for (const line of failures(result)) progress.say(line);
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
      act: wanted === undefined ? undefined : requester(wanted, before, journal, open, (line) => progress.say(line)),
    });
  else
    await (
      await import('../batch/enqueue.ts')
    ).runQueued(left, journal, {
      ...common,
      ...queue,
      run: held?.id ?? id,
      tool: version,
      configuration: queue.digest(request.configurationFile),
      onTrouble: (line) => progress.say(printable(line)),
    });
  progress.end();
  journal.close();
  await writeResults(folder, targets, version);
  const rows = [...before.rows.values()];
  if (rows.length > 0)
    replaceFile(join(folder, 'requests.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  lock.release();
  io.stderr(`${summaryOf(counts, targets.length, write)}; see ${printable(folder)}\n`);
  if (wanted !== undefined) io.stderr(`${requestSummary(rows)}\n`);
  if (counts.failed > 0 || rows.some(({ state }) => state === 'failed')) return 2;
  return options.check === true && counts.changed > 0 ? 1 : 0;
}

export interface Begun {
  readonly flags: FixFlags;
  readonly targets: readonly Target[];
  readonly done: Map<string, Result['status']>;
  /** Checkouts that were being changed. */
  readonly writing: readonly Writing[];
  readonly write: boolean;
  readonly history: number;
  readonly id: string | undefined;
  readonly requests: RequestsBegun;
  /** All targets were told before it was stopped. */
  readonly complete: boolean;
}

export async function readBegun(path: string): Promise<Begun | 'foreign'> {
  let flags: FixFlags = {};
  let targets: Target[] = [];
  let complete = false;
  let write = false;
  let history = 0;
  let id: string | undefined;
  const writing = new Map<string, Writing>();
  const done = new Map<string, Result['status']>();
  const requests = noRequests();
  let first = true;
  for await (const each of readJournal(path)) {
    if (first && !(each.event === 'run' && (each.version as number) === 1)) return 'foreign';
    first = false;
    if (each.event === 'run') {
      // One that was stopped before it began may stand above.
      flags = each.settings as FixFlags;
      ({ write = false, history = 0, id } = each);
      targets = [];
    } else if (each.event === 'target') {
      const { event: _event, ...target } = each;
      targets.push(target);
    } else if (each.event === 'begin') complete = true;
    else if (each.event === 'writing') writing.set(each.result.id, { result: each.result, writes: each.writes });
    else if (each.event === 'result') {
      done.set(each.result.id, each.result.status);
      writing.delete(each.result.id);
    } else {
      if (each.event === 'retry') done.delete(each.id);
      tell(requests, each);
    }
  }
  return { flags, targets, done, requests, writing: [...writing.values()], write, history, id, complete };
}

/** Undefined: no queue is asked for. A string says what is wrong. */
async function queueOf(
  url: string | undefined,
  perMinute: number | undefined,
  io: Io,
): Promise<
  | { readonly connection: Connection; readonly perMinute: number | undefined; readonly digest: typeof Digest }
  | string
  | undefined
> {
  if (url === undefined) return perMinute === undefined ? undefined : '--max-per-minute needs --queue';
  // Loaded only here: most batches do without.
  const { connectionOf, digest, unreachable } = await import('../batch/queue.ts');
  const connection = connectionOf(url, io.environment);
  if (typeof connection === 'string') return connection;
  return (await unreachable(connection)) ?? { connection, perMinute, digest };
}

async function chooseTargets(
  given: readonly string[],
  from: string | undefined,
  io: Io,
): Promise<readonly Target[] | string> {
  let more: readonly string[] = [];
  if (from !== undefined)
    try {
      more = listed(
        from === '-' ? Buffer.from(await io.stdin()).toString() : readFileSync(resolve(io.cwd, from), 'utf8'),
      );
    } catch (error) {
      return `--from ${from}: ${reason(error)}`;
    }
  const byId = new Map<string, Target>();
  for (const text of [...given, ...more]) {
    const target = targetOf(text, io.cwd);
    if (typeof target === 'string') return printable(target);
    byId.set(target.id, target);
  }
  return [...byId.values()];
}

function failures(result: Result): readonly string[] {
  if (result.status !== 'failed') return [];
  const { location, error } = result;
  if (error !== undefined) return [noteLine({ path: location, ...error })];
  const files = result.files.filter((each) => each.status === 'failed');
  return [
    ...files.flatMap((each) =>
      each.refused.map((refusal) => noteLine({ ...refusal, path: `${location}: ${each.path}` })),
    ),
    ...result.notes
      .filter(({ code }) => code === 'unreadable')
      .map((note) => noteLine({ ...note, path: `${location}: ${note.path}` })),
  ];
}

const EVERY_MS = { terminal: 200, log: 10_000 };

/** One line that is written over on a terminal, now and then a line elsewhere. */
function progressOf(total: number, io: Io): { step(): void; say(line: string): void; end(): void } {
  const started = Date.now();
  let done = 0;
  let shown = started;
  const clear = io.isTerminal ? '\r\u001b[K' : '';
  return {
    step() {
      done++;
      const now = Date.now();
      if (now - shown < (io.isTerminal ? EVERY_MS.terminal : EVERY_MS.log) || done === total) return;
      shown = now;
      const seconds = Math.ceil(((now - started) / done / 1000) * (total - done));
      const rest = seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
      io.stderr(`${clear}${done}/${total} repositories, about ${rest} left${io.isTerminal ? '' : '\n'}`);
    },
    say: (line) => io.stderr(`${clear}${line}\n`),
    end: () => io.stderr(clear),
  };
}

function summaryOf({ changed, unchanged, refused, none, failed }: Counts, total: number, written: boolean): string {
  const parts = [
    written ? `${changed} changed` : `${changed} would change`,
    `${refused} refused`,
    `${unchanged} fine as they are`,
    `${none} without a Dockerfile`,
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  return `${total} ${total === 1 ? 'repository' : 'repositories'}: ${parts.join(', ')}`;
}
