/**
 * Decides whether two Dockerfiles mean the same: every command sees the same inputs, and every path of every
 * stage has the same last writer. Knows no transform.
 *
 * What is knowingly left out of "same" (the allowances), each where it is applied:
 * - layer count, history and timestamps: the symbols have none;
 * - a lockfile that an install rewrites and the context restores: `layersKey` in effects/image.ts;
 * - a step that only fills a package store (strategy W): `warm` in effects/steps.ts;
 * - the Dockerfile and its ignore file as content of the image (rule 37): a context file is named by its path;
 * - an untracked install output that the new ignore file keeps out: `ignoreFileTrouble` below.
 */
import type { BuildContext, Dockerfile, PackageManager, Trouble } from '../model.ts';
import { parse } from '../dockerfile/parse.ts';
import { traced } from '../effects/memo.ts';
import { mayExclude, namedByContext } from '../effects/named.ts';
import { isForgiven, isOffline, type Action, type Input, type StageTrace } from '../effects/actions.ts';
import { togetherTrouble } from './together.ts';

export interface Side {
  readonly file: Dockerfile;
  readonly context: BuildContext;
}

/** Compares candidates with one original; the original is executed once per ignore file. */
export interface Proof {
  /** Undefined: proved equal. Otherwise the first difference, said of the candidate. */
  compare(candidate: Side): Trouble | undefined;
}

export function proof(original: Side, managers?: readonly PackageManager[]): Proof {
  return {
    compare(candidate) {
      const ignore = ignoreFileTrouble(original, candidate.context);
      if (ignore !== undefined) return ignore;
      const { symbols } = traced(original.file, original.context, managers);
      // Both run on the new ignore file: what it keeps out is an install's output that no clean checkout has.
      const [before, after] = [original.file, candidate.file].map(
        (file) => traced(file, candidate.context, managers, symbols).stages,
      ) as [readonly StageTrace[], readonly StageTrace[]];
      return compareTraces(before, after);
    },
  };
}

function compareTraces(before: readonly StageTrace[], after: readonly StageTrace[]): Trouble | undefined {
  if (after.length !== before.length) return { code: 'different-stages', message: 'the number of stages would change' };
  for (const [index, old] of before.entries()) {
    const trouble = compareStages(old, after[index] as StageTrace);
    if (trouble !== undefined) return trouble;
  }
  return togetherTrouble(before, after);
}

function compareStages(before: StageTrace, after: StageTrace): Trouble | undefined {
  const old = before.events.flatMap((event) =>
    event.actions.map((action) => ({ action, line: event.instruction.line })),
  );
  const known = new Set(old.map(({ action }) => action.symbol));
  const found = new Map<string, Set<number>>();
  for (const { action } of old)
    for (const { what, value } of [...action.inputs, ...(action.splitInputs ?? [])])
      found.set(what, (found.get(what) ?? new Set()).add(value));
  let at = 0;
  for (const event of after.events) {
    for (const action of event.actions) {
      if (action.warm === true) {
        // It must find what the real install found, or it could fail where that did not.
        const alike = old.filter((each) => each.action.warm === true && each.action.name === action.name);
        if (alike.length > 0) {
          if (alike.some((each) => sameInputs(each.action, action))) continue;
          return {
            code: 'manifest-missing',
            message: `\`${action.text}\` would not find all that \`${alike[0]?.action.text ?? ''}\` finds`,
          };
        }
        // It fills a store for one that would do so itself, or fail.
        const { manager } = action.install ?? {};
        if (!old.some(({ action: each }) => each.install?.manager === manager && !isOffline(each) && !isForgiven(each)))
          return {
            code: 'different-command',
            message: `\`${action.text}\` would download what nothing here downloads`,
          };
        const missing = action.inputs.find((input) => found.get(input.what)?.has(input.value) !== true);
        if (missing === undefined) continue;
        return { code: 'manifest-missing', message: `\`${action.text}\` would not find the same \`${missing.what}\`` };
      }
      if (known.has(action.symbol)) {
        let next = at;
        while (next < old.length && old[next]?.action.symbol !== action.symbol) next++;
        if (next < old.length) at = next + 1;
        continue;
      }
      if (onlySets(action) || isScaffolding(action)) continue;
      const same =
        old.find((each, index) => index >= at && each.action.name === action.name) ??
        old.find((each) => each.action.name === action.name);
      return explain(same, action, before, after);
    }
  }
  if (before.configuration.join('\n') !== after.configuration.join('\n')) {
    const line =
      before.configuration.find((each, index) => each !== after.configuration[index]) ??
      after.configuration[before.configuration.length];
    return {
      code: 'different-configuration',
      message: `${configured(line ?? '')} would act differently or at another time`,
    };
  }
  const owner = [...after.owners].find((name) => !before.owners.has(name));
  if (owner !== undefined)
    return {
      code: 'different-configuration',
      message: `a copy to \`${owner}\` would fail where there is no such user or group`,
    };
  if (before.image.valueOf('/') !== after.image.valueOf('/')) return explainImage(before, after);
  return undefined;
}

function sameInputs(one: Action, other: Action): boolean {
  return (
    one.inputs.length === other.inputs.length &&
    one.inputs.every(({ what, value }, index) => {
      const match = other.inputs[index];
      return match?.what === what && match.value === value;
    })
  );
}

/** A line of a trace's configuration without its symbols. */
function configured(line: string): string {
  if (line.startsWith('environment ')) return 'an `ENV` or `ARG`';
  return `\`${line.replace(/(?: \w+=\d+)+$|(?<=^LABEL .*) \d+$/, '').trim()}\``;
}

/** It only gives files a text that is known, so its result is compared wherever it is read. */
function onlySets(action: Action): boolean {
  const effect = action.effect;
  return effect?.sets !== undefined && effect.writes.length === 0 && effect.system !== 'writes';
}

/**
 * It makes or removes files of the project: what comes of it is compared wherever it is read, and at the end. Whether
 * anybody but root can make a directory, its inputs say.
 */
function isScaffolding(action: Action): boolean {
  return (
    action.effect !== undefined &&
    (action.effect.maker === undefined || action.inputs.length === 0) &&
    action.install === undefined &&
    action.lacks !== true &&
    action.effect.system !== 'writes' &&
    /^(?:mkdir -p|touch|rm -r) (?!.* \(may fail\)$)/.test(action.name)
  );
}

function explain(
  same: { readonly action: Action; readonly line: number } | undefined,
  action: Action,
  before: StageTrace,
  after: StageTrace,
): Trouble {
  if (same === undefined)
    return action.opaque?.code === 'not-writable'
      ? action.opaque
      : { code: 'different-command', message: `\`${short(action.text)}\` would run in another way than before` };
  const values = new Map(same.action.inputs.map((each) => [each.what, each.value]));
  const input =
    action.inputs.find((each) => values.has(each.what) && values.get(each.what) !== each.value) ??
    lost(same.action, action);
  if (action.opaque !== undefined || input === undefined) {
    const path = differingPath(before, after);
    return {
      ...(action.opaque ?? { code: 'intervening-run-reads-source' }),
      message:
        action.opaque === undefined
          ? `\`${short(action.text)}\` (line ${same.line}) would run with another user, directory, shell or environment`
          : `\`${short(action.text)}\` (line ${same.line}) would no longer see the same files${path === undefined ? '' : ` (${path})`}: ${action.opaque.message}`,
    };
  }
  const what = input.what === 'system' ? 'the system as it was' : `the same \`${input.what}\``;
  return {
    code: 'intervening-run-reads-source',
    message: `\`${short(action.text)}\` (line ${same.line}) would no longer see ${what}`,
  };
}

/** Something that only one of the two depends on. */
function lost(before: Action, after: Action): Input | undefined {
  const names = new Set(after.inputs.map((each) => each.what));
  return before.inputs.find((each) => !names.has(each.what));
}

function explainImage(before: StageTrace, after: StageTrace): Trouble {
  const path = differingPath(before, after);
  if (path === undefined) return { code: 'different-image', message: 'the final image would not hold the same files' };
  return {
    code: 'output-tracked-in-context',
    message: `\`${path}\` would end up with other content: another instruction would write it last`,
  };
}

/** A path that some command wrote and that ends differently. */
function differingPath(before: StageTrace, after: StageTrace): string | undefined {
  const paths = new Set<string>();
  for (const event of [...before.events, ...after.events]) {
    for (const action of event.actions)
      for (const path of [
        ...(action.effect?.writes ?? []),
        ...(action.effect?.removes ?? []),
        ...(action.effect?.makes ?? []),
      ])
        paths.add(path);
    for (const placement of event.placements ?? []) paths.add(placement.target);
  }
  for (const path of [...paths].sort((a, b) => b.length - a.length))
    if (before.image.valueOf(path) !== after.image.valueOf(path)) return path;
  return undefined;
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/**
 * An ignore file may only grow, and only by what no clean checkout has and no Dockerfile names: an install's output
 * that was copied by accident. Anything else changes images.
 */
function ignoreFileTrouble(original: Side, after: BuildContext): Trouble | undefined {
  const before = original.context;
  if (before === after || before.ignoreFile.source === after.ignoreFile.source) return undefined;
  const files = before.list('.');
  const kept = new Set(after.list('.'));
  const lost = files.find((path) => !kept.has(path));
  if (lost !== undefined || kept.size !== files.length)
    return {
      code: 'output-tracked-in-context',
      message: `ignoring more would change what the context holds (\`${lost ?? ''}\`)`,
    };
  const lines = new Set(before.ignoreFile.source?.split(/\r?\n/));
  const added = (after.ignoreFile.source ?? '').split(/\r?\n/).filter((line) => !lines.has(line));
  for (const file of [original.file, ...before.siblings.map((text) => parse(text))]) {
    for (const instruction of file.instructions) {
      const named = namedByContext(instruction).find(
        (source) => source.includes('$') || mayExclude(source, before, after, added),
      );
      if (named !== undefined)
        return {
          code: 'ignored-path-copied',
          message: `\`${instruction.keyword} ${named}\` in a Dockerfile of the same context ${named.includes('$') ? 'is not constant, and may name' : 'names'} what the ignore file would exclude`,
        };
    }
  }
  return undefined;
}
