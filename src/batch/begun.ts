/** What a results folder has begun, as its journal tells. */
import { existsSync } from 'node:fs';
import { journalPath, readJournal, type Event } from './journal.ts';
import type { RequestSettings, Row } from './requests.ts';
import type { Result } from './results.ts';
import type { Target } from './targets.ts';
import type { Writing } from './writing.ts';

export interface Begun {
  /** Of the journal; one of an older version has none. */
  readonly id: string | undefined;
  /** Which fixes, as the command that began it was told. */
  readonly flags: unknown;
  readonly targets: readonly Target[];
  readonly write: boolean;
  /** To replay. */
  readonly commits: number;
  /** All targets were told before it was stopped. */
  readonly complete: boolean;
  /** By id. */
  readonly done: Map<string, Result['status']>;
  /** Checkouts that were being changed. */
  readonly writing: readonly Writing[];
  readonly requests: RequestsBegun;
}

/** What a journal tells of pull requests. */
export interface RequestsBegun {
  settings?: RequestSettings;
  /** By id. */
  readonly rows: Map<string, Row>;
  /** Ids whose request was being opened. */
  readonly opening: Set<string>;
  /** By id, also where nothing is told of what followed. */
  readonly opened: Map<string, { readonly number: number; readonly url: string }>;
  /** When requests were opened. */
  readonly times: number[];
}

export function noRequests(): RequestsBegun {
  return { rows: new Map(), opening: new Set(), opened: new Map(), times: [] };
}

/** Undefined: nothing is begun there. `foreign`: its journal is none of this version. */
export async function readBegun(folder: string): Promise<Begun | 'foreign' | undefined> {
  const path = journalPath(folder);
  if (!existsSync(path)) return undefined;
  let run: Pick<Begun, 'id' | 'flags' | 'write' | 'commits'> | undefined;
  let targets: Target[] = [];
  let complete = false;
  const writing = new Map<string, Writing>();
  const done = new Map<string, Result['status']>();
  const requests = noRequests();
  for await (const each of readJournal(path)) {
    if (run === undefined && !(each.event === 'run' && (each.version as number) === 1)) return 'foreign';
    switch (each.event) {
      case 'run':
        // One that was stopped before it began may stand above.
        run = { id: each.id, flags: each.settings, write: each.write ?? false, commits: each.history ?? 0 };
        targets = [];
        break;
      case 'target': {
        const { event: _event, ...target } = each;
        targets.push(target);
        break;
      }
      case 'begin':
        complete = true;
        break;
      case 'writing':
        writing.set(each.result.id, { result: each.result, writes: each.writes });
        break;
      case 'result':
        done.set(each.result.id, each.result.status);
        writing.delete(each.result.id);
        break;
      case 'retry':
        done.delete(each.id);
        requests.rows.delete(each.id);
        break;
      default:
        tell(requests, each);
    }
  }
  // A journal that ends within its first line has begun nothing.
  if (run === undefined) run = { id: undefined, flags: {}, write: false, commits: 0 };
  return { ...run, targets, complete, done, writing: [...writing.values()], requests };
}

function tell(begun: RequestsBegun, event: Extract<Event, { readonly event: `request${string}` }>): void {
  if (event.event === 'requests') begun.settings = event.settings;
  else if (event.event === 'request') {
    begun.rows.set(event.row.id, event.row);
    begun.opening.delete(event.row.id);
  } else if (event.step === 'open') {
    begun.opening.add(event.id);
    begun.times.push(Date.parse(event.at));
  } else if (event.step === 'opened') begun.opened.set(event.id, { number: event.number, url: event.url });
}
