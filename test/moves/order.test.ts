/** The order that the history speaks for, against every order that the proof accepts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fix, memoryContext, parse, type BuildContext, type History } from '../../src/index.ts';
import { cacheOf } from '../../src/layers/cache.ts';
import { DEFAULT_COSTS } from '../../src/layers/cost.ts';
import { layersOf } from '../../src/layers/layers.ts';
import { proof } from '../../src/proof/prove.ts';

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{"name":"a"}',
  'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
  'src/a.js': '1',
  'src/lib/b.js': '1',
  'docs/a.md': '1',
  'public/a.css': '1',
  'conf/a.conf': '1',
  '.dockerignore': 'node_modules\n',
};
const context = memoryContext(FILES);

const COPIES = [
  'COPY src ./src',
  'COPY docs ./docs',
  'COPY --chown=1:1 public /srv/public',
  'COPY conf/a.conf /srv/',
  'COPY package.json package-lock.json ./',
  'COPY src/lib /opt/lib',
  'COPY . /all',
];
const RUNS = [
  'RUN apt-get update && apt-get install -y git',
  'RUN npm ci',
  'RUN npm install -g typescript',
  'RUN mkdir -p /data',
  'RUN cat src/a.js',
  'RUN ./build.sh',
];
const OTHERS = ['ENV A=1', 'USER node', 'LABEL a=b', 'WORKDIR /srv', 'EXPOSE 80'];
const PATHS = Object.keys(FILES);

const dockerfiles = fc
  .record({
    copies: fc.subarray(COPIES, { minLength: 2, maxLength: 3 }),
    runs: fc.subarray(RUNS, { minLength: 1, maxLength: 2 }),
    others: fc.subarray(OTHERS, { maxLength: 1 }),
    keys: fc.array(fc.nat(), { minLength: 7, maxLength: 7 }),
  })
  .map(({ copies, runs, others, keys }) => {
    const lines = [...copies, ...runs, ...others];
    const at = (line: string): number => keys[lines.indexOf(line)] ?? 0;
    return [...lines].sort((a, b) => at(a) - at(b));
  });

/** Each path has its own rate. */
const histories: fc.Arbitrary<History> = fc
  .record({
    rates: fc.array(fc.integer({ min: 0, max: 100 }), { minLength: PATHS.length, maxLength: PATHS.length }),
    rolls: fc.array(fc.array(fc.nat({ max: 99 }), { minLength: PATHS.length, maxLength: PATHS.length }), {
      minLength: 40,
      maxLength: 80,
    }),
  })
  .map(({ rates, rolls }) => ({
    commits: rolls.map((roll) => PATHS.filter((_, at) => (roll[at] as number) < (rates[at] as number))),
  }));

const textOf = (lines: readonly string[]): string => ['FROM node:20', 'WORKDIR /app', ...lines, ''].join('\n');

/** By the model that the replay counts with. */
function costOf(source: string, around: BuildContext, { commits }: History): number {
  const layers = layersOf(parse(source), around, 'buildkit');
  const cache = cacheOf(layers);
  const weights = layers.layers.map((layer) => DEFAULT_COSTS.of(layer));
  let sum = 0;
  for (const paths of commits) {
    const { ran } = cache.build(paths.map((path) => ({ path, tree: false })));
    weights.forEach((weight, at) => (sum += ran[at] === 1 ? weight : 0));
  }
  return sum;
}

/** How many commits re-run anything. */
function reruns(source: string, { commits }: History): number {
  const cache = cacheOf(layersOf(parse(source), context, 'buildkit'));
  return commits.filter((paths) => cache.build(paths.map((path) => ({ path, tree: false }))).count > 0).length;
}

/** Every order in which what is no COPY keeps its own. */
function* orders(lines: readonly string[]): Iterable<readonly string[]> {
  const [first, ...rest] = lines;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const other of orders(rest)) {
    const end = first.startsWith('COPY') ? other.length : other.findIndex((line) => !line.startsWith('COPY'));
    for (let at = 0; at <= (end < 0 ? other.length : end); at++)
      yield [...other.slice(0, at), first, ...other.slice(at)];
  }
}

function least(lines: readonly string[], history: History): number {
  const original = proof({ file: parse(textOf(lines)), context });
  let best = Infinity;
  for (const order of orders(lines)) {
    const source = textOf(order);
    const cost = costOf(source, context, history);
    if (cost < best && original.compare({ file: parse(source), context }) === undefined) best = cost;
  }
  return best;
}

const rewritten = (source: string, history?: History): string =>
  fix({ path: 'Dockerfile', source }, context, {
    only: ['late-copy'],
    ...(history === undefined ? {} : { history }),
  }).changes[0]?.after ?? source;

const OPTIONS = { seed: 7, endOnFailure: true };

describe('with a history, late-copy', () => {
  it('chooses the cheapest order, or one that is hardly dearer', { timeout: 300_000 }, () => {
    let all = 0;
    let equal = 0;
    let better = 0;
    fc.assert(
      fc.property(dockerfiles, histories, (lines, history) => {
        const source = textOf(lines);
        fc.pre(reruns(source, history) >= 20);
        const best = least(lines, history);
        const cost = costOf(rewritten(source, history), context, history);
        expect(cost).toBeLessThanOrEqual(best * 1.05);
        all++;
        if (cost === best) equal++;
        if (cost < costOf(source, context, history)) better++;
      }),
      { ...OPTIONS, numRuns: 80 },
    );
    expect(equal / all).toBeGreaterThanOrEqual(0.95);
    expect(better / all).toBeGreaterThan(0.5);
  });

  it('leaves its own result alone, and under another history moves only what that clearly speaks for', () => {
    fc.assert(
      fc.property(dockerfiles, histories, histories, (lines, history, other) => {
        const source = textOf(lines);
        const once = rewritten(source, history);
        expect(rewritten(once, history)).toBe(once);
        const then = rewritten(once, other);
        if (then === once) return;
        const saved = costOf(once, context, other) - costOf(then, context, other);
        expect(saved).toBeGreaterThanOrEqual(reruns(once, other) / 50);
        expect(rewritten(then, other)).toBe(then);
      }),
      { ...OPTIONS, numRuns: 150 },
    );
  });

  it('changes nothing of what it makes without one, where all commits change the source alone', () => {
    const only = { commits: Array.from({ length: 30 }, () => ['src/a.js']) };
    fc.assert(
      fc.property(fc.shuffledSubarray(RUNS, { minLength: 1 }), (runs) => {
        const usual = rewritten(textOf(['COPY src ./src', ...runs]));
        expect(reruns(usual, only)).toBe(30);
        expect(rewritten(usual)).toBe(usual);
      }),
      { ...OPTIONS, numRuns: 30 },
    );
  });
});

describe('the order of copies', () => {
  const often = (path: string, times: number, of = 40): readonly (readonly string[])[] =>
    Array.from({ length: of }, (_, at) => (at < times ? [path] : ['public/a.css']));
  const order = (source: string, commits: readonly (readonly string[])[]): string =>
    rewritten(`FROM node:20\nWORKDIR /app\n${source}`, { commits }).slice('FROM node:20\nWORKDIR /app\n'.length);

  it.each<[reason: string, before: string, commits: readonly (readonly string[])[]]>([
    ['too few commits', 'COPY src ./src\nCOPY docs ./docs\n', often('src/a.js', 19, 19)],
    ['no commit that changes what is copied', 'COPY src ./src\nCOPY docs ./docs\n', often('src/a.js', 0)],
    ['one commit of a hundred', 'COPY src ./src\nCOPY docs ./docs\nCOPY public .\n', often('src/a.js', 1, 100)],
    ['a command that reads it', 'COPY src ./src\nRUN cat src/a.js\n', often('src/a.js', 40)],
    ['files of which the last wins', 'COPY src ./src\nCOPY docs ./src\n', often('src/a.js', 40)],
    ['a variable that it names', 'ARG D=docs\nCOPY src $D\nARG D=a\nCOPY docs $D\n', []],
    [
      'comments that spare them',
      '# dockerfix ignore\nCOPY src ./src\n# dockerfix ignore\nCOPY docs ./docs\n',
      often('src/a.js', 40),
    ],
  ])('stays with %s', (_reason, before, commits) => {
    expect(order(before, commits)).toBe(before);
  });

  it.each<[reason: string, before: string, after: string]>([
    ['the rarer first', 'COPY src ./src\nCOPY docs ./docs\n', 'COPY docs ./docs\nCOPY src ./src\n'],
    [
      'below a cheap command that does not read it',
      'COPY src ./src\nRUN mkdir -p /data\nUSER node\n',
      'RUN mkdir -p /data\nCOPY src ./src\nUSER node\n',
    ],
    [
      'comments and blank lines go along',
      '# the source\nCOPY src ./src\n\n# the docs\nCOPY docs ./docs\n\nRUN mkdir -p /data\n\nCMD ["a"]\n',
      '\n# the docs\nCOPY docs ./docs\n\nRUN mkdir -p /data\n\n# the source\nCOPY src ./src\n\nCMD ["a"]\n',
    ],
    [
      'a file is told in full in another directory',
      'COPY src/a.js b.js\nWORKDIR /data\nRUN mkdir -p x\n',
      'WORKDIR /data\nRUN mkdir -p x\nCOPY src/a.js /app/b.js\n',
    ],
    ['without a line end', 'COPY src ./src\nCOPY docs ./docs', 'COPY docs ./docs\nCOPY src ./src'],
  ])('changes: %s', (_reason, before, after) => {
    expect(order(before, often('src/a.js', 40))).toBe(after);
  });
});
