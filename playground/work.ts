/** What the page asks the core, and what it shows of the answer. Pure: runs in a worker, and in tests. */
import { assumedContext } from '../src/context/assumed.ts';
import { unifiedDiff } from '../src/diff.ts';
import { fix, managers, memoryContext, parse, transforms } from '../src/index.ts';
import { cacheOf } from '../src/layers/cache.ts';
import { rowsOf, type Row } from '../src/layers/explain.ts';
import { layersOf, type Layers } from '../src/layers/layers.ts';
import type { Applied, BuildContext, Outcome, Refusal, Target } from '../src/model.ts';
import { REFUSALS, type Explanation } from '../src/refusals.ts';

export interface ContextFile {
  readonly path: string;
  readonly text: string;
}

export interface Question {
  readonly dockerfile: string;
  readonly files: readonly ContextFile[];
  readonly style: Target['style'];
  readonly builder: Target['builder'];
  readonly unsafe: boolean;
  /** Transforms that run only where they are asked for. */
  readonly add: readonly string[];
}

export type Reason = Refusal & { readonly explanation?: Explanation };

/** What a build runs again after an edit of one file, by line of the Dockerfile as it is and as rewritten. */
export interface Rerun {
  readonly path: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface Answer {
  readonly status: Outcome['status'];
  /** False: there were no files, so the usual manifests were assumed. */
  readonly contextKnown: boolean;
  readonly diff: string;
  readonly dockerfile: string;
  readonly applied: readonly Omit<Applied, 'edits'>[];
  readonly refused: readonly Reason[];
  readonly notes: readonly Reason[];
  readonly layers: readonly Pick<Row, 'line' | 'text' | 'reads' | 'rewrite'>[];
  readonly reruns: readonly Rerun[];
}

export const OPT_IN = transforms.flatMap(({ name, summary, optIn }) => (optIn === true ? [{ name, summary }] : []));

/** A file that no manifest names: what most edits are. */
export const ANY_SOURCE_FILE = 'any other source file';

export function answer(question: Question): Answer {
  const { dockerfile: source, files, style, builder } = question;
  const named = files.map(({ path, text }) => [path.replace(/^\.?\/+/, ''), text] as const);
  const contextKnown = named.some(([path]) => path !== '');
  const context = contextKnown
    ? memoryContext(Object.fromEntries([['Dockerfile', source], ...named.filter(([path]) => path !== '')]))
    : assumedContext(managers);
  const outcome = fix({ path: 'Dockerfile', source }, context, {
    target: { style, builder },
    unsafe: question.unsafe || !contextKnown,
    add: question.add,
  });
  const dockerfile = outcome.changes.find(({ path }) => path === 'Dockerfile')?.after ?? source;
  const ignore = outcome.changes.find(({ path }) => path === context.ignoreFile.path)?.after;
  const before = layersOf(parse(source), context, builder);
  const changed = outcome.changes.length > 0;
  const after = changed
    ? layersOf(parse(dockerfile), ignore === undefined ? context : context.withIgnoreFile(ignore), builder)
    : before;
  return {
    status: outcome.status,
    contextKnown,
    diff: unifiedDiff(outcome.changes),
    dockerfile,
    applied: outcome.applied.map(({ edits: _, ...each }) => each),
    refused: outcome.refused.map(reason),
    notes: outcome.notes.map(reason),
    layers: rowsOf({ before, after }).map(({ line, text, reads, rewrite }) => ({
      ...(line === undefined ? {} : { line }),
      text,
      reads,
      rewrite,
    })),
    reruns: editable(context).map((path) => ({ path, before: rerun(before, path), after: rerun(after, path) })),
  };
}

function reason(refusal: Refusal): Reason {
  const explanation = REFUSALS[refusal.code];
  return explanation === undefined ? refusal : { ...refusal, explanation };
}

/** More would be a list that nobody reads. */
const MOST = 30;

function editable(context: BuildContext): readonly string[] {
  if (!context.known) return [ANY_SOURCE_FILE];
  const files = context.list('.').filter((path) => path !== 'Dockerfile' && path !== context.ignoreFile.path);
  return [ANY_SOURCE_FILE, ...files.slice(0, MOST)];
}

function rerun(layers: Layers, path: string): readonly string[] {
  const { ran } = cacheOf(layers).build([{ path, tree: false }]);
  return layers.layers.flatMap(({ text }, at) => (ran[at] === 1 ? [text] : []));
}
