/** A short run of `npm run bench:fuzz`, and proof that it sees what it looks for. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Fix, Transform } from '../../src/model.ts';
import { holds } from './holds.ts';
import type { Input } from './inputs.ts';
import { failureText, fuzz } from './run.ts';
import { smaller } from './smaller.ts';

const COUNT = Number(process.env['FUZZ_RUNS'] ?? 2_000);
const fixtures = join(import.meta.dirname, '..', '..', 'fixtures');

it.each([
  ['a seed that stays', 7, COUNT],
  // What a fresh one finds is a fault, but seldom one of the change that is tested: not for a gate.
  ['another seed', process.env['CI'] === undefined ? randomInt(2 ** 31) : 8, Math.ceil(COUNT / 8)],
])('nothing breaks: %s, %i, %i inputs', { timeout: 600_000 }, async (_name, seed, count) => {
  const { failures, inputs, rewrites } = await fuzz({ fixtures, seed, from: 0, count });
  expect(failures.map(failureText).join('\n')).toBe('');
  expect(inputs).toBe(count);
  // Otherwise there was nothing to look at.
  expect(rewrites).toBeGreaterThan(count / 50);
});

describe('it sees', () => {
  const project = { 'package.json': '{}', 'package-lock.json': '{}', '.dockerignore': 'node_modules\n' };
  const source = 'FROM node\nWORKDIR /app\n# about the source\nCOPY . .\nRUN npm ci\n# the end\nCMD ["node"]\n';
  const input = (transform?: Transform, more: Partial<Input> = {}): Input => ({
    kind: 'mutated',
    source,
    files: project,
    links: [],
    options: transform === undefined ? {} : { transforms: [transform], unsafe: true },
    ...more,
  });
  /** It changes what it likes, knowingly, so that no proof stands in the way. */
  const bad = (edit: (text: string) => Fix['edits']): Transform => ({
    name: 'bad',
    summary: '',
    *propose(file) {
      const at = file.instructions[0];
      const edits = edit(file.source);
      if (at !== undefined && edits.length > 0)
        yield { at, fixes: [{ edits, message: `${file.source.length}`, safety: 'unsafe', risk: 'x', changes: true }] };
    },
  });
  const replace = (what: string, by: string): Transform =>
    bad((text) => {
      const at = text.indexOf(what);
      return at < 0 ? [] : [{ file: 'dockerfile', span: [at, at + what.length], text: by }];
    });

  it('nothing in what is right', async () => {
    expect(await holds(input())).toMatchObject({ changed: true });
    expect((await holds(input())).broken).toBeUndefined();
  });

  let slow = true;
  it.each<[string, Transform, RegExp]>([
    ['a comment that is lost', replace('# the end\n', ''), /loses the comment # the end/],
    ['an instruction that is lost', replace('CMD ["node"]\n', ''), /loses a CMD/],
    ['line ends that are not the file’s', replace('# about', '# more\n# about'), /CRLF|CMD|second run/],
    [
      'a transform that throws',
      bad(() => {
        throw new Error('boom');
      }),
      /it throws: Error: boom/,
    ],
    [
      'one that takes its time',
      bad(() => {
        for (const start = process.cpuUsage().user; slow && process.cpuUsage().user < start + 1_100_000;);
        slow = false;
        return [];
      }),
      /it takes \d+ ms/,
    ],
  ])('%s', async (_name, transform, sentence) => {
    expect((await holds(input(transform))).broken).toMatch(sentence);
  });

  it('a second run that changes it again', async () => {
    let turn = 0;
    const once: Transform = bad((text) =>
      turn++ % 2 === 0 ? [{ file: 'dockerfile', span: [text.length, text.length], text: '# x\n' }] : [],
    );
    expect((await holds(input(once))).broken).toMatch(/a second run changes it again/);
  });

  it('a rewrite that the reference interpreter calls different', async () => {
    const context = { files: { ...project, 'server.js': '1' } };
    const wrong = input(replace('COPY . .', 'COPY server.js ./'), {
      kind: 'project',
      files: context.files,
      project: { source, context, disk: context },
    });
    expect((await holds(wrong)).broken).toMatch(/the reference interpreter: fails: no package.json/);
  });

  it('a context outside of the repository, were there one', async () => {
    const files = {
      Dockerfile: 'FROM node\n',
      'compose.yaml': 'services: { a: { build: .. }, b: { build: /etc }, c: { build: . } }\n',
    };
    expect((await holds({ ...input(), kind: 'evidence', files })).broken).toBeUndefined();
  });

  it('the little that matters of a large input', async () => {
    const large = input(replace('# the end\n', ''), {
      source: `FROM node\n${'RUN true\n'.repeat(40)}# the end\n${'RUN false\n'.repeat(40)}`,
    });
    const small = await smaller(large, async (each) => /the end/.test((await holds(each)).broken ?? ''));
    expect(small.source).toBe('FROM node\n# the end\n');
    expect(small.files).toEqual({});
  });
});
