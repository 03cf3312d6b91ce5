/** Layers as a table for a terminal, and the facts behind each refusal. */
import { number } from './replay.ts';
import { printable } from './text.ts';

/** Of one Dockerfile; the shape that `--format json` prints, too. */
export interface ExplainReport {
  readonly path: string;
  readonly status: string;
  /** Absent: there is no history. */
  readonly commits?: number;
  readonly layers: readonly LayerRow[];
  readonly refusals: readonly RefusalChain[];
}

export interface LayerRow {
  readonly stage: string;
  readonly line?: number;
  readonly text: string;
  readonly reads: readonly string[];
  readonly before?: number;
  readonly after?: number;
  readonly causes: readonly { readonly line: number; readonly text: string; readonly count: number }[];
  readonly rewrite: string;
}

export interface RefusalChain {
  readonly line: number;
  readonly code: string;
  readonly facts: readonly string[];
  readonly help?: string;
}

export function explainLines({ path, commits, layers, refusals }: ExplainReport, columns: number): readonly string[] {
  const lines = [commits === undefined ? path : `${path}, over ${number(commits)} commits`];
  const rows = layers.map((layer) => [
    layer.line === undefined ? '+' : String(layer.line),
    layer.text,
    layer.reads.length === 0 ? '' : layer.reads.join(' '),
    layer.before === undefined ? '' : number(layer.before),
    layer.after === undefined ? '' : number(layer.after),
    invalidatedBy(layer),
    layer.rewrite,
  ]);
  if (rows.length > 0)
    lines.push(...table(['line', 'layer', 'reads', 'before', 'after', 'invalidated by', 'rewrite'], rows, columns));
  for (const { line, code, facts, help } of refusals) {
    lines.push(`${path}:${line} ${code}`);
    facts.forEach((fact, at) => lines.push(`  ${at === facts.length - 1 ? '→' : '-'} ${fact}`));
    if (help !== undefined) lines.push(`  what you can do: ${help}`);
  }
  return lines.map(printable);
}

export function invalidatedBy({ line, text, causes }: LayerRow): string {
  return causes
    .map((cause) => {
      const itself = line === undefined ? cause.text === text : cause.line === line;
      // A line of the rewritten text would be no help.
      const name = line === undefined ? `\`${shortened(cause.text, 24)}\`` : `line ${cause.line}`;
      return `${itself ? 'itself' : name} ${number(cause.count)}`;
    })
    .join(', ');
}

export function shortened(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}

/** Numbers to the right, the others cut to what is left of the line; columns that say nothing are left out. */
function table(head: readonly string[], rows: readonly (readonly string[])[], columns: number): string[] {
  const kept = head.flatMap((_, at) => (rows.some((row) => row[at] !== '') ? [at] : []));
  const widths = kept.map((at) => Math.max(...[head, ...rows].map((row) => (row[at] ?? '').length)));
  const elastic = kept.flatMap((at, index) => (at === 1 || at === 2 || at === 5 ? [index] : []));
  for (let excess = sum(widths) + 2 * widths.length - columns; excess > 0; excess--) {
    const widest = elastic.reduce((a, b) => ((widths[a] ?? 0) >= (widths[b] ?? 0) ? a : b));
    if ((widths[widest] ?? 0) <= 12) break;
    widths[widest] = (widths[widest] as number) - 1;
  }
  return [head, ...rows].map((row) =>
    kept
      .map((at, index) => {
        const width = widths[index] as number;
        const text = row[at] as string;
        const cut = shortened(text, width);
        return at === 0 || at === 3 || at === 4 ? cut.padStart(width) : cut.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
