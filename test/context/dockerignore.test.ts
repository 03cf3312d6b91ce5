import { describe, expect, it } from 'vitest';
import { expandCopySource, goMatch, parseIgnore } from '../../src/context/dockerignore.ts';
import { memoryContext } from '../../src/context/memory.ts';

describe('the ignore file (rule 36)', () => {
  it.each<[reason: string, text: string, path: string, ignored: boolean]>([
    ['nothing is ignored by default', '', 'a', false],
    ['a name is the root one only', 'node_modules', 'packages/a/node_modules', false],
    ['a name ignores what is below', 'node_modules', 'node_modules/x/y', true],
    ['**/ means any depth, the root too', '**/node_modules', 'node_modules', true],
    ['**/ means any depth', '**/node_modules', 'a/b/node_modules/x', true],
    ['a trailing slash does not matter', 'dist/', 'dist/a', true],
    ['a leading slash does not matter', '/dist', 'dist', true],
    ['./ does not matter', './dist', 'dist', true],
    ['.. is cleaned away', 'a/../dist', 'dist', true],
    ['# at column 0 is a comment', '#a', '#a', false],
    ['# after a blank is a name', ' #a', '#a', true],
    ['blanks around are trimmed', '  dist  ', 'dist', true],
    ['* stops at a slash', '*.log', 'a/b.log', false],
    ['* matches in the root', '*.log', 'b.log', true],
    ['* ignores directories and so what is in them', '*', 'a/b/c', true],
    ['? is one character', 'a?c', 'abc', true],
    ['? is no slash', 'a?c', 'a/c', false],
    ['a class', 'a[bc]d', 'acd', true],
    ['a negated class', 'a[^bc]d', 'acd', false],
    ['a range', 'v[0-9]', 'v7', true],
    ['an escape', 'a\\*', 'a*', true],
    ['an escaped star is no wildcard', 'a\\*', 'ab', false],
    ['** in the middle', 'a/**/z', 'a/b/c/z', true],
    ['** in the middle may be nothing', 'a/**/z', 'a/z', true],
    ['** at the end', 'a/**', 'a/b/c', true],
    ['! re-includes', '*\n!a', 'a', false],
    ['! re-includes inside an excluded directory', 'a\n!a/b', 'a/b', false],
    ['what is beside it stays out', 'a\n!a/b', 'a/c', true],
    ['the last match wins', 'a\n!a\na', 'a', true],
    ['a later exclusion of the parent wins', '!a/b\na', 'a/b', true],
    ['a malformed pattern is nothing', 'a[', 'a[', false],
    ['CRLF', 'dist\r\nnode_modules\r\n', 'node_modules', true],
    ['a byte order mark', '\ufeffdist', 'dist', true],
    ['a dot is a dot', 'a.b', 'axb', false],
    ['regular expressions mean nothing', '(a|b)+', 'a', false],
  ])('%s', (_reason, text, path, ignored) => {
    expect(parseIgnore(text).ignores(path)).toBe(ignored);
  });

  it.each<[reason: string, text: string, path: string, may: boolean]>([
    ['an excluded directory keeps nothing', 'node_modules', 'node_modules', false],
    ['unless something below is re-included', 'node_modules\n!node_modules/x', 'node_modules', true],
    ['which an exclusion after it undoes', '!**/build\nnode_modules', 'node_modules', false],
    ['a re-inclusion elsewhere does not count', '*\n!src', 'node_modules', false],
  ])('what may get through: %s', (_reason, text, path, may) => {
    expect(parseIgnore(text).mayKeep(path)).toBe(may);
  });

  it('is not slow on hostile patterns', () => {
    const start = process.cpuUsage();
    const rules = parseIgnore([`${'**/'.repeat(200)}a`, `${'*a'.repeat(30)}b`, '[^a]*'.repeat(30)].join('\n'));
    rules.ignores(`${'a/'.repeat(100)}${'a'.repeat(200)}`);
    expect(process.cpuUsage(start).user / 1e3).toBeLessThan(2_000);
  });
});

describe('COPY sources (rules 27, 32)', () => {
  const context = memoryContext({
    'package.json': '',
    'package-lock.json': '',
    'a/b/x.ts': '',
    'a/c/y.ts': '',
    'a/z.ts': '',
    '.dockerignore': 'a/c',
  });
  it.each<[string, string, string[]]>([
    ['.', 'the context itself', ['.']],
    ['/package.json', 'a leading slash', ['package.json']],
    ['../package.json', 'a climb out', ['package.json']],
    ['package*.json', 'a wildcard', ['package-lock.json', 'package.json']],
    ['a/*', 'a wildcard over directories, without the ignored one', ['a/b', 'a/z.ts']],
    ['a/*/*.ts', 'two wildcards', ['a/b/x.ts']],
    ['a/c', 'an ignored directory', []],
    ['nothing', 'an absent file', []],
    ['packag[e].json', 'a class', ['package.json']],
  ])('%s: %s', (source, _reason, expected) => {
    expect(expandCopySource(context, source)).toEqual(expected);
  });
  it('matches like filepath.Match', () => {
    expect([goMatch('*.json', 'a.json'), goMatch('*.json', 'a/b.json'), goMatch('**', 'a')]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('contexts', () => {
  it('know what git ignores may be on disk', () => {
    const context = memoryContext({
      '.gitignore': 'dist/\n*.local\n!keep.local\n',
      'a.js': '',
      'sub/.gitignore': 'made\n',
    });
    const may = [
      'a.js',
      'dist',
      'dist/x',
      '.env.local',
      'keep.local',
      'sub/made',
      'made',
      'node_modules',
      'x/node_modules/y',
      '.git',
      'b.js',
    ];
    expect(may.filter((path) => context.may(path))).toEqual([
      'a.js',
      'dist',
      'dist/x',
      '.env.local',
      'sub/made',
      'node_modules',
      'x/node_modules/y',
      '.git',
    ]);
  });
  it('let the ignore file keep it out', () => {
    const context = memoryContext({
      '.gitignore': 'dist\n',
      '.dockerignore': 'dist\n**/node_modules\n.git\n',
      'a.js': '',
    });
    expect(['dist', 'node_modules', 'a/node_modules', '.git'].filter((path) => context.may(path))).toEqual([]);
  });
  it('prefer the ignore file of the Dockerfile itself', () => {
    const files = { '.dockerignore': 'a', 'Dockerfile.dockerignore': 'b', a: '', b: '' };
    expect(memoryContext(files).list('.')).toEqual(['.dockerignore', 'Dockerfile.dockerignore', 'a']);
    expect(memoryContext(files, { dockerfile: 'other' }).list('.')).toEqual([
      '.dockerignore',
      'Dockerfile.dockerignore',
      'b',
    ]);
  });
  it('list directories by code unit, without their neighbours', () => {
    const context = memoryContext({ 'a/x': '', 'a-b/x': '', 'a.b': '', a0: '' });
    expect(context.entries('.')).toEqual(['a', 'a-b', 'a.b', 'a0']);
    expect(context.list('a')).toEqual(['a/x']);
    expect(context.kind('a')).toBe('directory');
  });
});

describe('what moby leaves to the regular expression', () => {
  it.each(['*|a', 'a{2}*', 'a{2,}?', '[ab]{1,3}'])('is not understood: %s', (text) => {
    expect(parseIgnore(text).trouble).toContain('not a valid pattern');
  });
  it.each([
    ['a|b', 'a|b'],
    ['[|]*', '|x'],
    ['\\|*', '|x'],
    ['{a}*', '{a}x'],
    ['x{,2}*', 'x{,2}y'],
    ['*.{js}', 'a.{js}'],
  ])('means itself elsewhere: %s', (text, path) => {
    const rules = parseIgnore(text);
    expect([rules.trouble, rules.ignores(path)]).toEqual([undefined, true]);
  });
});
