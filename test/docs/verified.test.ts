import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cloneInto, REPOSITORIES, targetOf } from '../../bench/public-repositories.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

describe('the page of what was built', () => {
  it('tells of each repository that is listed, at its commit, and of no other', () => {
    const [, part = ''] = readFileSync('docs/verified.md', 'utf8').split('## Public repositories\n');
    const told = [...part.matchAll(/[^\s|]+\/[^\s|]+(?: \S+)? \([0-9a-f]{7}\)/g)].map(([label]) => label);
    const listed = REPOSITORIES.map((word) => {
      const { name, commit = '', dockerfile } = targetOf(word, () => false);
      return `${name}${dockerfile.includes('/') ? ` ${dockerfile}` : ''} (${commit.slice(0, 7)})`;
    });
    expect(told.sort()).toEqual(listed.sort());
  });
});

describe('a repository to build', () => {
  it.each([
    [
      `a/b@${COMMIT}:c/Dockerfile`,
      { name: 'a/b', url: 'https://github.com/a/b.git', commit: COMMIT, dockerfile: 'c/Dockerfile' },
    ],
    ['a/b', { name: 'a/b', url: 'https://github.com/a/b.git', dockerfile: 'Dockerfile' }],
    [
      `https://x.example:8080/a/b.git@${COMMIT}`,
      { name: 'a/b', url: 'https://x.example:8080/a/b.git', commit: COMMIT, dockerfile: 'Dockerfile' },
    ],
    ['file:///a/b:c', { name: 'a/b', url: 'file:///a/b', dockerfile: 'c' }],
    ['here/a+b:c/Dockerfile', { name: 'a/b', directory: 'here/a+b', dockerfile: 'c/Dockerfile' }],
  ])('%s', (word, target) => {
    expect(targetOf(word, (path) => path.startsWith('here/'))).toEqual(target);
  });
  it('is not nothing', () => {
    expect(() => targetOf(':x', () => false)).toThrow('neither a repository nor a checkout');
  });
  it('is brought at its commit, whatever came later', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dockerfix-test-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const origin = join(folder, 'a', 'b');
    const git = (...argv: readonly string[]): string =>
      execFileSync('git', ['-C', origin, '-c', 'user.name=a', '-c', 'user.email=a@example.com', ...argv], {
        encoding: 'utf8',
      }).trim();
    mkdirSync(origin, { recursive: true });
    git('init', '-q');
    const commits = ['1', '2'].map((text) => {
      writeFileSync(join(origin, 'Dockerfile'), text);
      git('add', '-A');
      git('commit', '-qm', text);
      return git('rev-parse', 'HEAD');
    });
    const brought = (word: string, name: string): string => {
      const into = join(folder, name);
      mkdirSync(into);
      cloneInto(
        into,
        targetOf(word, () => false),
      );
      expect(statSync(join(into, '.git')).isDirectory()).toBe(true);
      return readFileSync(join(into, 'Dockerfile'), 'utf8');
    };
    expect(brought(`file://${origin}@${commits[0] ?? ''}`, 'first')).toBe('1');
    expect(brought(`file://${origin}`, 'last')).toBe('2');
  });
});
