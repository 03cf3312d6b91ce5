/** What `dockerfix batch` says while it runs, and at its end. */
import type { Counts, Result } from '../batch/results.ts';
import { noteLine } from '../reporters/text.ts';
import type { Io } from './io.ts';

const EVERY_MS = { terminal: 200, log: 10_000 };

export interface Progress {
  /** One more repository is done. */
  step(): void;
  say(line: string): void;
  end(): void;
}

/** One line that is written over on a terminal, now and then a line elsewhere. */
export function progressOf(total: number, io: Io): Progress {
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

/** What failed in a repository, a line each. */
export function failuresOf(result: Result): readonly string[] {
  if (result.status !== 'failed') return [];
  const { location, error } = result;
  if (error !== undefined) return [noteLine({ path: location, ...error })];
  const refusals = result.files
    .filter(({ status }) => status === 'failed')
    .flatMap(({ path, refused }) => refused.map((refusal) => ({ ...refusal, path })));
  const unreadable = result.notes.filter(({ code }) => code === 'unreadable');
  return [...refusals, ...unreadable].map((each) => noteLine({ ...each, path: `${location}: ${each.path}` }));
}

export function summaryOf(
  { changed, unchanged, refused, none, failed }: Counts,
  total: number,
  written: boolean,
): string {
  const parts = [
    written ? `${changed} changed` : `${changed} would change`,
    `${refused} refused`,
    `${unchanged} fine as they are`,
    `${none} without a Dockerfile`,
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  return `${total} ${total === 1 ? 'repository' : 'repositories'}: ${parts.join(', ')}`;
}
