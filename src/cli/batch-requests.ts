/** The options of `dockerfix batch` that concern pull requests, and the part of a run that makes them. */
import { execFileSync } from 'node:child_process';
import type { InferredOptionTypes } from 'yargs';
import { version } from '../index.ts';
import type { BatchOptions } from '../batch/batch.ts';
import type { RequestsBegun } from '../batch/begun.ts';
import type { Person } from '../batch/branch.ts';
import { forges, type OpenForge } from '../batch/forges/index.ts';
import type { Journal } from '../batch/journal.ts';
import { hourly, makeRequest, type RequestSettings, type Row } from '../batch/requests.ts';
import { printable } from '../reporters/text.ts';
import type { Io } from './io.ts';

const many = { type: 'string', array: true, requiresArg: true } as const;

/** Of a request, so they mean nothing without --open-prs. */
const OF_REQUESTS = {
  branch: { type: 'string', requiresArg: true, describe: 'its branch (default: dockerfix/layer-cache)' },
  title: { type: 'string', requiresArg: true, describe: 'its title, and the first line of its commit' },
  label: { ...many, describe: 'a label for it' },
  reviewer: { ...many, describe: 'who is asked to review it; ORG/TEAM on GitHub' },
  draft: { type: 'boolean', describe: 'open it as a draft' },
  'sign-off': { type: 'boolean', describe: 'sign its commit off' },
  author: { type: 'string', requiresArg: true, describe: '"NAME <MAIL>" of its commit (default: as git knows you)' },
  'max-prs-per-hour': { type: 'number', requiresArg: true, describe: 'new pull requests in an hour, at most' },
} as const;

export const REQUEST_FLAGS = {
  'open-prs': { type: 'boolean', describe: 'push a branch, and open or update one pull request for each repository' },
  ...OF_REQUESTS,
} as const;

export type RequestFlags = Readonly<InferredOptionTypes<typeof REQUEST_FLAGS>>;

/** One client for each forge, and what it has to say. */
export function forgesFor(io: Io): OpenForge {
  return forges(io.environment, `dockerfix/${version}`, (line) => io.stderr(`${printable(line)}\n`));
}

/** Undefined: none are to be opened. A string says what is wrong. */
export function requestSettings(flags: RequestFlags): RequestSettings | undefined | string {
  if (flags['open-prs'] !== true) {
    const idle = (Object.keys(OF_REQUESTS) as (keyof typeof OF_REQUESTS)[]).find((name) => flags[name] !== undefined);
    return idle === undefined ? undefined : `--${idle} goes with --open-prs`;
  }
  const { branch = 'dockerfix/layer-cache', title, label = [], reviewer = [] } = flags;
  if (git(['check-ref-format', `refs/heads/${branch}`]) === undefined || branch.startsWith('-'))
    return `--branch: \`${printable(branch)}\` is not a name that git allows`;
  const author = authorOf(flags.author);
  if (typeof author === 'string') return author;
  const perHour = flags['max-prs-per-hour'];
  return {
    branch,
    ...(title === undefined ? {} : { title }),
    labels: label,
    reviewers: reviewer,
    draft: flags.draft === true,
    signOff: flags['sign-off'] === true,
    author,
    ...(perHour === undefined ? {} : { perHour }),
  };
}

function authorOf(given: string | undefined): Person | string {
  if (given !== undefined) {
    const match = /^\s*([^<>\n]*[^<>\s])\s*<([^<>\s]+)>\s*$/.exec(given);
    return match === null ? '--author takes "NAME <MAIL>"' : { name: match[1] as string, email: match[2] as string };
  }
  const name = git(['config', '--get', 'user.name']);
  const email = git(['config', '--get', 'user.email']);
  return name === undefined || email === undefined
    ? 'git does not know who you are: give --author "NAME <MAIL>", or set user.name and user.email'
    : { name, email };
}

/** Not in the working directory: what a repository there says of itself does not count. */
function git(args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd: '/', encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

/** The part of a run that makes requests. */
export function requester(
  settings: RequestSettings,
  begun: RequestsBegun,
  journal: Journal,
  open: OpenForge,
  say: (line: string) => void,
): Required<BatchOptions>['act'] {
  const { perHour, branch } = settings;
  const { opening } = begun;
  const context = { settings, open, journal, version, opening, gate: hourly(perHour, begun.times, say) };
  return async ({ id, home, location }, result, place, lastLook) => {
    if (home === undefined) return false;
    const found = await makeRequest(context, { id, home, location }, result, place);
    if (found === undefined) return false;
    if (found === 'moved' && !lastLook) return true;
    const error = { code: 'keeps-moving', message: 'it was pushed to again and again meanwhile' };
    const row: Row = found === 'moved' ? { id, home, branch, state: 'failed', error, notes: [] } : found;
    await journal.append([{ event: 'request', row }]);
    begun.rows.set(id, row);
    rowLines(row).forEach(say);
    return false;
  };
}

function rowLines({ home, state, url, error, notes }: Row): readonly string[] {
  const about = url ?? `${home.url}/${home.repository}`;
  const lines = [
    ...(error === undefined ? [] : [`${about} ${error.code} ${error.message}`]),
    ...(state === 'opened' || state === 'updated' ? [`${about} ${state}`] : []),
    ...notes.map((note) => `${about} ${note}`),
  ];
  return lines.map(printable);
}

export function requestSummary(rows: readonly Row[]): string {
  const count = (state: Row['state']): number => rows.filter((row) => row.state === state).length;
  const parts = (
    [
      ['opened', 'opened'],
      ['updated', 'updated'],
      ['unchanged', 'right already'],
      ['kept', "with somebody else's commits"],
      ['closed', 'closed before'],
      ['merged', 'merged before'],
      ['stale', 'no longer offered'],
      ['failed', 'failed'],
    ] as const
  )
    .filter(([state]) => count(state) > 0)
    .map(([state, text]) => `${count(state)} ${text}`);
  return `${rows.length} pull ${rows.length === 1 ? 'request' : 'requests'}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}
