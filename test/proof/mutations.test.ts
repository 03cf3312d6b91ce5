/**
 * Takes the correct rewrite of every `applies-` fixture, breaks it in one way, and expects the proof to refuse it.
 */
import { describe, expect, it } from 'vitest';
import { fix, memoryContext, parse } from '../../src/index.ts';
import { knowledgeOf } from '../../src/managers/index.ts';
import type { Run } from '../../src/model.ts';
import { proof } from '../../src/proof/prove.ts';
import { allCases } from '../support/fixtures.ts';

interface Subject {
  /** The original. */
  readonly source: string;
  /** The rewritten Dockerfile's lines. */
  readonly lines: readonly string[];
  /** Index of each late copy: a COPY that stood elsewhere in the original and follows a RUN now. */
  readonly late: readonly number[];
  /** Index of each copy that the rewrite added. */
  readonly narrow: readonly number[];
  /** Index of each line that starts a RUN above a late copy in its stage. */
  readonly above: readonly number[];
  /** Index of the first RUN line below a late copy in its stage. */
  readonly below: readonly number[];
}

type Mutation = (subject: Subject) => readonly (readonly string[])[];

const without = (lines: readonly string[], at: number): string[] => lines.filter((_, index) => index !== at);
const replaced = (lines: readonly string[], at: number, line: string): string[] =>
  lines.map((each, index) => (index === at ? line : each));
const inserted = (lines: readonly string[], at: number, ...more: string[]): string[] => [
  ...lines.slice(0, at),
  ...more,
  ...lines.slice(at),
];
/** The RUN that starts on a line, with its continuation lines. */
const runEnd = (lines: readonly string[], start: number): number => {
  let end = start;
  while (lines[end]?.trimEnd().endsWith('\\') === true) end++;
  return end + 1;
};
/** Commands of a RUN that starts on a line, or of a whole file. */
const commandsOf = (text: string): readonly string[] =>
  parse(text).stages.flatMap((stage) =>
    stage.instructions.flatMap((each) => ((each as Run).commands ?? []).map((command) => command.text)),
  );
/** It only does earlier what the original's own commands, which all still stand, would do: losing it loses nothing. */
const isExtra = ({ source, lines }: Subject, at: number): boolean => {
  const rest = commandsOf(dropped(lines, at).join('\n'));
  // On its own, an install with --force does what it does without.
  return commandsOf(source).every((command) => rest.includes(command) || rest.includes(`${command} --force`));
};
const dropped = (lines: readonly string[], at: number): string[] => [
  ...lines.slice(0, at),
  ...lines.slice(runEnd(lines, at)),
];
/** It fills a store, and is in the original too: without it, the build downloads the same. */
const onlyFetches = (lines: readonly string[]): boolean => {
  const run = parse(['FROM x', 'WORKDIR /x', ...lines, ''].join('\n')).stages[0]?.instructions[1] as Run;
  const installs = (run.commands ?? []).map((command) =>
    knowledgeOf().recognise(command, {
      directory: '/x',
      environment: () => undefined,
      declared: () => false,
      mounts: [],
    }),
  );
  return installs.some((install) => install?.kind === 'fetch' && install.manager !== 'pnpm');
};
const words = (line: string): string[] => line.trim().split(/\s+/);

const mutations: Readonly<Record<string, Mutation>> = {
  'drops one manifest from a narrow copy': ({ lines, narrow }) =>
    narrow.flatMap((at) => {
      const [keyword = '', ...rest] = words(lines[at] as string);
      const sources = rest.slice(0, -1).filter((word) => !word.startsWith('--'));
      if (sources.length < 2) return [];
      return sources.map((gone) => replaced(lines, at, [keyword, ...rest.filter((word) => word !== gone)].join(' ')));
    }),
  'drops a narrow copy': ({ lines, narrow }) => narrow.map((at) => without(lines, at)),
  'drops the late copy': ({ lines, late }) => late.map((at) => without(lines, at)),
  'moves the late copy one RUN too far': ({ lines, late, below }) =>
    late.flatMap((at) =>
      below.slice(0, 1).map((run) => {
        const end = runEnd(lines, run);
        return [...without(lines.slice(0, end), at), lines[at] as string, ...lines.slice(end)];
      }),
    ),
  'runs the build before the install': ({ lines, above, below }) => {
    const [second] = below;
    const first = above.findLast((at) => second !== undefined && at < second);
    if (first === undefined || second === undefined) return [];
    const build = lines.slice(second, runEnd(lines, second));
    const rest = [...lines.slice(0, second), ...lines.slice(runEnd(lines, second))];
    return [inserted(rest, first, ...build)];
  },
  'sends the late copy elsewhere': ({ lines, late }) =>
    late.map((at) => replaced(lines, at, (lines[at] as string).replace(/\S+$/, '/elsewhere/'))),
  'sends a narrow copy elsewhere': ({ lines, narrow }) =>
    narrow.map((at) => replaced(lines, at, (lines[at] as string).replace(/\S+$/, '/elsewhere/'))),
  'narrows the late copy': ({ lines, late }) =>
    late
      .filter((at) => words(lines[at] as string).at(-2) === '.')
      .map((at) => replaced(lines, at, (lines[at] as string).replace(/ \. (\S+)$/, ' server.js $1'))),
  'gives the late copy another owner': ({ lines, late }) =>
    late.map((at) =>
      replaced(lines, at, (lines[at] as string).replace(/--chown=\S+ /, '').replace(/^(\s*\S+) /, '$1 --chown=9:9 ')),
    ),
  'loses the --chown of the late copy': ({ lines, late }) =>
    late
      .filter((at) => lines[at]?.includes('--chown') === true)
      .map((at) => replaced(lines, at, (lines[at] as string).replace(/--chown=\S+ /, ''))),
  'loses the --chown of a narrow copy': ({ lines, narrow }) =>
    narrow
      .filter((at) => lines[at]?.includes('--chown') === true)
      .map((at) => replaced(lines, at, (lines[at] as string).replace(/--chown=\S+ /, ''))),
  'adds a --chmod to the late copy': ({ lines, late }) =>
    late.map((at) => replaced(lines, at, (lines[at] as string).replace(/^(\s*\S+) /, '$1 --chmod=700 '))),
  'sets an environment variable above the install': ({ lines, above }) =>
    above.map((at) => inserted(lines, at, 'ENV NODE_ENV=production')),
  'declares a build argument with a value above the install': ({ lines, above }) =>
    above.map((at) => inserted(lines, at, 'ARG MODE=fast')),
  'switches the user above the install': ({ lines, above }) => above.map((at) => inserted(lines, at, 'USER nobody')),
  'changes the directory above the install': ({ lines, above }) =>
    above.map((at) => inserted(lines, at, 'WORKDIR /other')),
  'changes the shell above the install': ({ lines, above }) =>
    above.map((at) => inserted(lines, at, 'SHELL ["/bin/bash", "-eo", "pipefail", "-c"]')),
  'drops the install': (subject) =>
    subject.above
      // One that only prints, removes what is not there or fills a store is no loss.
      .filter(
        (at) =>
          !/^RUN (?:ls|rm -rf) /.test(subject.lines[at] as string) &&
          !isExtra(subject, at) &&
          !onlyFetches(subject.lines.slice(at, runEnd(subject.lines, at))),
      )
      .map((at) => dropped(subject.lines, at)),
  'takes the network from the install': ({ lines, above }) =>
    above.map((at) => replaced(lines, at, (lines[at] as string).replace(/^(\s*\S+\s)/, '$1--network=none '))),
  'lets the install fail': ({ lines, above }) =>
    above
      .filter((at) => runEnd(lines, at) === at + 1)
      .map((at) => replaced(lines, at, `${lines[at] as string} || true`)),
  'runs an unknown command above the late copy': ({ lines, late }) =>
    late.map((at) => inserted(lines, at, 'RUN ./configure')),
  'removes what the install made': ({ lines, late }) =>
    late.map((at) =>
      inserted(
        lines,
        at,
        'RUN rm -rf node_modules /srv/app/node_modules /home/node/app/node_modules client/node_modules /usr/lib/python3',
      ),
    ),
  'uses another base image': ({ lines }) => [lines.map((line) => line.replace(/^(from\s+\S+?)(?=\s|$)/i, '$1-other'))],
  'changes the command': ({ lines }) =>
    lines.some((line) => line.startsWith('CMD')) ? [lines.map((line) => line.replace(/^CMD .*/, 'CMD ["sh"]'))] : [],
  'adds a stage in front': ({ lines }) => {
    const from = lines.findIndex((line) => /^from /i.test(line));
    return [inserted(lines, from, 'FROM scratch AS early')];
  },
};

const seen = new Map<string, number>();
let total = 0;

const applied = allCases().filter((each) => each.name.startsWith('applies-'));
/** What changes a build knowingly is not proved of the original. */
const cases = applied.filter(
  ({ files, options }) =>
    !fix({ path: 'Dockerfile', source: files['Dockerfile'] as string }, memoryContext(files), options).applied.some(
      (each) => each.changes === true,
    ),
);

describe.each(cases)('$transform/$name', ({ files, options }) => {
  const source = files['Dockerfile'] as string;
  const context = memoryContext(files);
  const outcome = fix({ path: 'Dockerfile', source }, context, options);
  const after = outcome.changes.find((change) => change.path === 'Dockerfile')?.after ?? source;
  const ignore = outcome.changes.find((change) => change.path !== 'Dockerfile')?.after;
  const newContext = ignore === undefined ? context : context.withIgnoreFile(ignore);
  const original = { file: parse(source), context };

  it('is proved', () => {
    expect(proof(original).compare({ file: parse(after), context: newContext })).toBeUndefined();
  });

  if (ignore !== undefined && after !== source)
    it('is refused without its ignore file', () => {
      expect(proof(original).compare({ file: parse(after), context })).toBeDefined();
    });

  const subject = subjectOf(source, after);
  for (const [name, mutate] of Object.entries(mutations)) {
    const mutants = mutate(subject)
      .map((lines) => lines.join('\n'))
      .filter((text) => text !== after && text !== source);
    if (mutants.length === 0) continue;
    it(`refuses one that ${name}`, () => {
      for (const text of mutants) {
        const file = parse(text);
        expect(file.trouble, text).toBeUndefined();
        expect(proof(original).compare({ file, context: newContext }), text).toBeDefined();
        seen.set(name, (seen.get(name) ?? 0) + 1);
        total++;
      }
    });
  }
});

it('applied at least 15 kinds of breakage', () => {
  console.log(`${total} mutants of ${seen.size} kinds over ${cases.length} fixtures, all refused`);
  expect(seen.size).toBeGreaterThanOrEqual(15);
});

function subjectOf(source: string, after: string): Subject {
  const lines = after.split('\n');
  const old = new Set(source.split('\n').map((line) => line.trim()));
  const isCopy = (line: string): boolean => /^\s*(?:copy|add)\s/i.test(line) && !line.includes('--from');
  const isRun = (line: string): boolean => /^\s*run\s/i.test(line);
  const narrow = lines.flatMap((line, at) => (isCopy(line) && !old.has(line.trim()) ? [at] : []));
  const late: number[] = [];
  const above: number[] = [];
  const below: number[] = [];
  let runs: number[] = [];
  let stageLate = false;
  lines.forEach((line, at) => {
    if (/^from\s/i.test(line)) {
      runs = [];
      stageLate = false;
    }
    if (isRun(line)) {
      if (stageLate) below.push(at);
      else runs.push(at);
    }
    if (isCopy(line) && old.has(line.trim()) && runs.length > 0 && !narrow.includes(at)) {
      late.push(at);
      above.push(...runs);
      runs = [];
      stageLate = true;
    }
  });
  return { source, lines, late, narrow, above, below };
}
