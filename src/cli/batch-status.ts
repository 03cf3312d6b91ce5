/** `dockerfix batch status` and `dockerfix batch close`: the requests of a results folder, as the forge has them now. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBegun } from '../batch/begun.ts';
import { MovedError, removeBranch } from '../batch/branch.ts';
import { CloneError, git } from '../batch/clone.ts';
import { ForgeError, type Home, type Standing } from '../batch/forges/forge.ts';
import type { OpenForge } from '../batch/forges/index.ts';
import { journalPath } from '../batch/journal.ts';
import { inLanes } from '../batch/lanes.ts';
import { jsonText, printable } from '../reporters/text.ts';
import { RESULTS_FLAG, resultsFolder } from './batch-folder.ts';
import { forgesFor } from './batch-requests.ts';
import { usageError, type Io } from './io.ts';
import { parseOptions } from './parser.ts';

const NONE = 'no pull requests: `dockerfix batch --resume --open-prs` opens them\n';

interface Request {
  readonly id: string;
  readonly home: Home;
  readonly location: string;
  readonly number: number;
  readonly url: string;
  readonly branch: string;
  /** At its tip, as it was pushed. */
  readonly commit?: string;
}

export async function status(argv: readonly string[], io: Io): Promise<number> {
  const options = await parseOptions(argv, io, (parser) =>
    parser
      .usage(
        '$0 batch status\n\nShows the pull requests of a results folder: state, checks and reviews as they are now.',
      )
      .options({
        ...RESULTS_FLAG,
        format: { choices: ['text', 'json'] as const, requiresArg: true, describe: 'text, or json for programs' },
      }),
  );
  if (typeof options === 'number') return options;
  const { results, format } = options;
  const requests = await requestsOf(results, io);
  if (typeof requests === 'string') return usageError(io, requests);
  if (requests.length === 0 && format !== 'json') {
    io.stderr(NONE);
    return 0;
  }
  const open = forgesFor(io);
  const found = await inLanes(requests, async (request) => ({ request, ...(await standingOf(open, request)) }));
  if (format === 'json') {
    const rows = found.map(({ request: { location: _location, home, commit, ...request }, standing, error }) => ({
      ...request,
      forge: home.forge,
      repository: home.repository,
      ...standing,
      ...(standing === undefined || commit === undefined ? {} : { changedByOthers: standing.head !== commit }),
      ...(error === undefined ? {} : { error }),
    }));
    io.stdout(jsonText(rows));
  } else {
    const rows = found.map(({ request, standing, error }) =>
      standing === undefined ? ['unknown', '', '', `${request.url} ${error ?? ''}`] : columns(request, standing),
    );
    io.stdout(table([['state', 'checks', 'reviews', ''], ...rows]));
    io.stderr(
      `${summaryOf(
        found.flatMap(({ standing }) => standing ?? []),
        requests.length,
      )}\n`,
    );
  }
  return found.some(({ error }) => error !== undefined) ? 2 : 0;
}

export async function close(argv: readonly string[], io: Io): Promise<number> {
  const options = await parseOptions(argv, io, (parser) =>
    parser
      .usage(
        '$0 batch close\n\nCloses the open pull requests of a results folder and removes their branches. One that somebody else has pushed to stays.',
      )
      .options({
        ...RESULTS_FLAG,
        'keep-branches': { type: 'boolean', describe: 'leave the branches' },
      }),
  );
  if (typeof options === 'number') return options;
  const { results, 'keep-branches': keepBranches } = options;
  const requests = await requestsOf(results, io);
  if (typeof requests === 'string') return usageError(io, requests);
  if (requests.length === 0) {
    io.stderr(NONE);
    return 0;
  }
  const open = forgesFor(io);
  const place = mkdtempSync(join(tmpdir(), 'dockerfix-close-'));
  try {
    await git(['init', '--quiet', '--bare', '--template=', place], [], AbortSignal.timeout(10_000));
    const done = await inLanes(requests, async (request) => {
      const { standing, error } = await standingOf(open, request);
      const failed =
        error ?? (standing?.state === 'open' ? await closeOne(open, request, standing, place, keepBranches) : '');
      if (failed !== '') io.stderr(printable(`${request.url} ${failed}`) + '\n');
      return standing?.state === 'open' && failed === '' ? 'closed' : failed === '' ? 'before' : 'left';
    });
    const count = (wanted: string): number => done.filter((one) => one === wanted).length;
    io.stderr(`${count('closed')} closed, ${count('before')} no longer open, ${count('left')} left\n`);
    return count('left') > 0 ? 2 : 0;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Empty: it is closed. */
async function closeOne(
  open: OpenForge,
  { home, location, number, branch, commit }: Request,
  { head }: Standing,
  place: string,
  keepBranches: boolean | undefined,
): Promise<string> {
  if (commit === undefined || head !== commit) return 'left open: somebody else has pushed to its branch';
  const { forge, git: environment } = await open(home);
  try {
    await (await forge()).close(home.repository, number);
    if (keepBranches !== true) await removeBranch({ place, url: location, environment }, branch, commit);
    return '';
  } catch (error) {
    if (error instanceof MovedError) return 'closed, but its branch has moved and stays';
    if (error instanceof ForgeError || error instanceof CloneError) return error.message;
    throw error;
  }
}

async function standingOf(
  open: OpenForge,
  { home, number }: Request,
): Promise<{ readonly standing?: Standing; readonly error?: string }> {
  try {
    const { forge } = await open(home);
    return { standing: await (await forge()).standing(home.repository, number) };
  } catch (error) {
    if (error instanceof ForgeError) return { error: error.message };
    throw error;
  }
}

/** A string says what is wrong. */
async function requestsOf(results: string | undefined, io: Io): Promise<readonly Request[] | string> {
  const folder = resultsFolder(results, io);
  const begun = await readBegun(folder);
  if (begun === undefined) return `there are no results in ${printable(folder)}`;
  if (begun === 'foreign') return `${printable(journalPath(folder))} is not a journal of this version`;
  const { rows, opened, settings } = begun.requests;
  return begun.targets.flatMap(({ id, home, location }) => {
    const row = rows.get(id);
    // It was stopped just after.
    const { number, url } = row ?? opened.get(id) ?? {};
    if (home === undefined || number === undefined || url === undefined) return [];
    const commit = row?.commit;
    const branch = row?.branch ?? settings?.branch ?? '';
    return [{ id, home, location, number, url, branch, ...(commit === undefined ? {} : { commit }) }];
  });
}

function columns({ url, commit }: Request, standing: Standing): string[] {
  const { state, draft, checks, reviews, conflicts, head } = standing;
  const about = [
    ...(draft && state === 'open' ? ['draft'] : []),
    ...(conflicts === true && state === 'open' ? ['conflicts'] : []),
    ...(commit !== undefined && commit !== head ? ["somebody else's commits"] : []),
  ];
  const told = [
    ...(reviews.approved > 0 ? [`${reviews.approved} approved`] : []),
    ...(reviews.changesRequested > 0 ? [`${reviews.changesRequested} asked for changes`] : []),
  ];
  return [
    state,
    checks === 'none' ? '-' : checks,
    told.length === 0 ? '-' : told.join(', '),
    `${url}${about.length === 0 ? '' : ` (${about.join(', ')})`}`,
  ];
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows
    .map((row) => `${printable(row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')).trimEnd()}\n`)
    .join('');
}

function summaryOf(standings: readonly Standing[], total: number): string {
  const count = (state: Standing['state']): number => standings.filter((one) => one.state === state).length;
  const approved = standings.filter(({ state, reviews }) => state === 'open' && reviews.approved > 0).length;
  return `${total} pull ${total === 1 ? 'request' : 'requests'}: ${count('open')} open (${approved} approved), ${count('merged')} merged, ${count('closed')} closed`;
}
