/** The layers of a Dockerfile as a table, and what led to each refusal. */
import type { BuildContext, Dockerfile, Install, Instruction, Refusal, Target } from '../model.ts';
import { traceOf } from '../effects/memo.ts';
import type { Action } from '../effects/actions.ts';
import type { Kind, Layer, Layers } from './layers.ts';
import type { Count, LayerCount, Pair } from './tally.ts';

/** One layer, before and after the rewrite. */
export interface Row {
  readonly stage: string;
  /** 1-based, in the Dockerfile as it is; absent: only the rewrite has it. */
  readonly line?: number;
  readonly text: string;
  readonly kind: Kind;
  /** What its key takes from the context and from other stages. */
  readonly reads: readonly string[];
  /** Commits in which it ran again; absent: there is no history, or no such layer on that side. */
  readonly before?: number;
  readonly after?: number;
  /** What made it run again most often, and how often. */
  readonly causes: readonly { readonly line: number; readonly text: string; readonly count: number }[];
  /** What the rewrite does to it. */
  readonly rewrite: 'stays' | 'new' | 'moves below' | 'is replaced';
}

export function rowsOf(pair: Pair, count?: Count): readonly Row[] {
  const { before, after } = pair;
  const taken = new Set<number>();
  // Equal instructions of a stage in their order; the others are replaced or new.
  const partners = before.layers.map((layer) => {
    const at = after.layers.findIndex(
      (each, index) => !taken.has(index) && each.stage === layer.stage && same(each.text, layer.text),
    );
    if (at >= 0) taken.add(at);
    return at;
  });
  const rows = before.layers.map((layer, at): Row => {
    const partner = partners[at] as number;
    // Something that stood below it stands above it now.
    const sinks = partners.some((other, index) => index > at && other >= 0 && other < partner);
    return {
      ...shared(layer, before, count?.perLayer.before[at]),
      line: layer.instruction.line,
      ...(count === undefined ? {} : { before: count.perLayer.before[at]?.ran ?? 0 }),
      ...(count === undefined || partner < 0 ? {} : { after: count.perLayer.after[partner]?.ran ?? 0 }),
      rewrite: partner < 0 ? 'is replaced' : sinks ? 'moves below' : 'stays',
    };
  });
  // Each new layer stands above the one that follows it in the rewritten text and kept its place.
  const shown = rows.map((row) => [row]);
  const end: Row[] = [];
  after.layers.forEach((layer, at) => {
    if (taken.has(at)) return;
    const row: Row = {
      ...shared(layer, after, count?.perLayer.after[at]),
      ...(count === undefined ? {} : { after: count.perLayer.after[at]?.ran ?? 0 }),
      rewrite: 'new',
    };
    const next = rows.findIndex((each, index) => each.rewrite === 'stays' && (partners[index] as number) > at);
    if (next < 0) end.push(row);
    else shown[next]?.splice(-1, 0, row);
  });
  return [...shown.flat(), ...end];
}

function same(one: string, other: string): boolean {
  return one.replace(/\s+/g, ' ') === other.replace(/\s+/g, ' ');
}

function shared(
  layer: Layer,
  { layers }: Layers,
  count: LayerCount | undefined,
): Pick<Row, 'stage' | 'text' | 'kind' | 'reads' | 'causes'> {
  return {
    stage: String(layer.stage),
    text: layer.text,
    kind: layer.kind,
    reads: [
      ...layer.sources.map(({ text }) => text),
      ...layer.from.map(({ stage, path }) => `${path} of stage ${stage}`),
    ],
    causes: [...(count?.causes ?? [])]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 3)
      .flatMap(([at, times]) => {
        const cause = layers[at];
        return cause === undefined ? [] : [{ line: cause.instruction.line, text: cause.text, count: times }];
      }),
  };
}

/** The facts that a refusal rests on, the refusal itself last. */
export interface Chain {
  readonly line: number;
  readonly code: string;
  readonly facts: readonly string[];
  readonly help?: string;
}

export function chainOf(
  file: Dockerfile,
  context: BuildContext,
  refusal: Refusal,
  known: Pick<Target, 'managers'> = {},
): Chain {
  const { line, code, message, help } = refusal;
  // Packages of a workspace may say the same.
  const facts = [...new Set([...factsAt(file, context, refusal, known), message])];
  return { line, code, facts, ...(help === undefined || help === '' ? {} : { help }) };
}

const DOES: Readonly<Record<Install['kind'], string>> = {
  install: 'installs with',
  tool: 'installs a tool with',
  fetch: 'downloads with',
  build: 'builds, and downloads what that needs, with',
  script: 'runs a script with',
};

function* factsAt(
  file: Dockerfile,
  context: BuildContext,
  { line, message }: Refusal,
  known: Pick<Target, 'managers'>,
): Iterable<string> {
  if (file.trouble !== undefined) return;
  for (const { events, stage } of traceOf(file, context, known)) {
    const at = events.findIndex(({ instruction }) => instruction.line === line);
    const event = events[at];
    if (event === undefined) continue;
    for (const above of events.slice(0, at)) {
      const { instruction, placements } = above;
      if (placements === undefined || placements.every(({ directory }) => !directory)) continue;
      const brings = placements.map(({ source }) => (source === '.' ? 'the whole build context' : `\`${source}\``));
      yield `${named(file, instruction)} brings ${brings.join(', ')}, so whatever changes there re-runs all below it`;
    }
    if (stage.base.stage !== undefined)
      yield `its stage starts from the stage \`${stage.base.text}\`, whose layers stand above its own`;
    const install = event.actions.find((action) => action.install !== undefined);
    if (install?.install !== undefined) {
      const { kind, manager, directory } = install.install;
      const where = directory.startsWith('?') ? '' : ` in ${directory}`;
      yield `\`${install.text}\` (line ${line}) ${DOES[kind]} ${manager}${where}`;
      const reads = readsOf(event.actions);
      if (reads.length > 0) yield `it reads ${listed(reads)}`;
    }
    for (const action of event.actions) {
      const opaque = action.opaque;
      if (opaque !== undefined && opaque.message !== message) yield opaque.message;
      const other = action.analysis?.refusal;
      if (other !== undefined && other.message !== message && other.message !== opaque?.message) yield other.message;
    }
    return;
  }
}

function readsOf(actions: readonly Action[]): readonly string[] {
  const paths = actions.flatMap((action) => [...(action.effect?.reads ?? []), ...(action.splitReads?.flat() ?? [])]);
  return [...new Set(paths.map(({ path, tree }) => (tree === true ? `${path}/` : path)))];
}

const MOST = 6;

function listed(paths: readonly string[]): string {
  const shown = paths.slice(0, MOST).map((path) => `\`${path}\``);
  return paths.length > MOST ? `${shown.join(', ')} and ${paths.length - MOST} more` : shown.join(', ');
}

function named(file: Dockerfile, instruction: Instruction): string {
  const text = file.source.slice(...instruction.span).split(/\r?\n/, 1)[0] ?? '';
  return `\`${text.length > 50 ? `${text.slice(0, 47)}...` : text}\` (line ${instruction.line})`;
}
