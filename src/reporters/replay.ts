/** What a replay found, in sentences. */
import { printable } from './text.ts';

/** Of one Dockerfile; the shape that `--format json` prints, too. */
export interface ReplayReport {
  readonly path: string;
  readonly status: string;
  readonly commits: number;
  readonly installs: readonly {
    readonly command: string;
    readonly line: number;
    readonly before: number;
    readonly after: number;
    readonly least?: number;
  }[];
  readonly layers: { readonly before: number; readonly after: number };
  readonly cost: { readonly before: number; readonly after: number; readonly unit: 'seconds' | 'weight' };
  /** Seconds that the rewrite saves in a month of this history; only with measured costs. */
  readonly savedPerMonth?: number;
}

export function replayLines(report: ReplayReport): readonly string[] {
  const { path, commits, installs, layers, cost } = report;
  const lines = installs.map(({ command, line, before, after, least }) => {
    const short = command.length > 60 ? `${command.slice(0, 57)}...` : command;
    const rewrite =
      before === after
        ? 'the rewrite changes nothing in that'
        : `after the rewrite ${number(after)}${fewer(before, after)}`;
    const possible = least === undefined ? '' : ` The least possible is ${number(least)}.`;
    return `${path}:${line} Of the last ${number(commits)} commits, ${number(before)} would have re-run \`${short}\`; ${rewrite}.${possible}`;
  });
  if (installs.length === 0) lines.push(`${path} installs nothing that is known`);
  if (layers.before !== layers.after) {
    const saved = report.savedPerMonth === undefined ? '' : `, ${duration(report.savedPerMonth)} saved a month`;
    const percent = cost.before === 0 ? 0 : Math.round((1 - cost.after / cost.before) * 100);
    lines.push(
      `${path} layers re-run: ${number(layers.before)}, after the rewrite ${number(layers.after)}; ${percent} % less to do${cost.unit === 'weight' ? ' by default weights' : ''}${saved}`,
    );
  }
  return lines.map(printable);
}

/** `31 (15 × fewer)` */
function fewer(before: number, after: number): string {
  if (after === 0 || after > before) return '';
  const times = before / after;
  return ` (${times >= 10 ? Math.round(times) : Number(times.toFixed(1))} × fewer)`;
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Number((seconds / 3600).toFixed(1))} h`;
}

export function day(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
