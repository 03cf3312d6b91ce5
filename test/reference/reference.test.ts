/**
 * A second opinion on the proof: an interpreter of Dockerfiles that shares no code with it builds the original and what
 * a safe fix made of it, on concrete files, and finds no difference in any stage.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { build, difference } from './build.ts';
import { check } from './check.ts';
import { project } from './generate.ts';
import { tryMoves } from './moves.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 300);

describe('the reference interpreter', () => {
  const files = { 'package.json': '{}', 'package-lock.json': '{}', 'server.js': 's', 'src/a.js': 'a' };
  const compare = (before: string[], after: string[]): string | undefined =>
    difference(build(before.join('\n'), { files }, ''), build(after.join('\n'), { files }, ''));
  const original = ['FROM node', 'WORKDIR /app', 'COPY . .', 'RUN npm ci', 'RUN node build.js'];

  it('passes the move that everything starts from', () => {
    const after = ['FROM node', 'WORKDIR /app', 'COPY package*.json ./', 'RUN npm ci', 'COPY . .', 'RUN node build.js'];
    expect(compare(original, after)).toBeUndefined();
  });

  it.each([
    ['a build ahead of the source', ['COPY package*.json ./', 'RUN npm ci', 'RUN node build.js', 'COPY . .']],
    ['a lost owner', ['COPY package*.json ./', 'RUN npm ci', 'COPY --chown=node . .', 'RUN node build.js']],
    ['another user', ['COPY . .', 'RUN npm ci', 'USER node', 'RUN node build.js']],
    ['another variable', ['COPY . .', 'ENV A=b', 'RUN npm ci', 'RUN node build.js']],
    ['less source', ['COPY package*.json ./', 'RUN npm ci', 'COPY src src', 'RUN node build.js']],
  ])('tells %s', (_name, lines) => {
    let found: string | undefined;
    try {
      found = compare(original, ['FROM node', 'WORKDIR /app', ...lines]);
    } catch (error) {
      found = String(error);
    }
    expect(found).toBeTypeOf('string');
  });
});

describe('the proof', () => {
  it(`accepts no random move that changes a build, in ${RUNS} random projects`, () => {
    const tally = { tried: 0, accepted: 0 };
    fc.assert(
      fc.property(project, fc.infiniteStream(fc.nat(1_000_000)), (each, numbers) => {
        tryMoves(each, (count) => (numbers.next().value as number) % count, tally);
      }),
      { seed: Number(process.env['PROPERTY_SEED'] ?? 7), numRuns: RUNS, endOnFailure: true },
    );
    expect(tally.accepted).toBeGreaterThan(RUNS / 4);
    expect(tally.accepted).toBeLessThan(tally.tried / 3);
  }, 600_000);
});

describe('safe fixes', () => {
  it(`change no build, in ${RUNS} random projects`, () => {
    const verdicts = { unchanged: 0, fails: 0, same: 0 };
    fc.assert(
      fc.property(project, (each) => {
        verdicts[check(each)]++;
      }),
      { seed: Number(process.env['PROPERTY_SEED'] ?? 7), numRuns: RUNS, endOnFailure: true },
    );
    // Fixes of Dockerfiles that build at all: otherwise nothing was compared.
    expect(verdicts.same).toBeGreaterThan(RUNS / 60);
  }, 600_000);
});
