/** The release script in a small repository, with npm and its registry played by a stand-in: what is refused, and what is run. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = join(import.meta.dirname, '../scripts/release.js');
let folder: string;
let repository: string;

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(repository, path)), { recursive: true });
  writeFileSync(join(repository, path), text);
};
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const version = (path: string): string => (JSON.parse(read(path)) as { version: string }).version;
const git = (...argv: readonly string[]): string =>
  execFileSync('git', argv, { cwd: repository, encoding: 'utf8' }).trim();

function release(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { status, stderr, stdout } = spawnSync(process.execPath, [script, ...argv], {
    cwd: repository,
    encoding: 'utf8',
    env: {
      ...process.env,
      GITHUB_ACTIONS: '',
      AUDIT: '0',
      PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      ...environment,
    },
  });
  const log = join(folder, 'npm.log');
  const npm = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  return { status, said: stderr + stdout, npm };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dockerfix-release-'));
  repository = join(folder, 'repository');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(
    join(folder, 'bin/npm'),
    `#!/bin/sh\necho "$*" >> "${folder}/npm.log"\ncase "$*" in *audit*) exit "$AUDIT";; esac\n`,
  );
  chmodSync(join(folder, 'bin/npm'), 0o755);
  for (const at of ['', 'editors/vscode/']) {
    write(`${at}package.json`, '{"version":"0.1.0"}');
    write(`${at}package-lock.json`, '{"version":"0.1.0","packages":{"":{"version":"0.1.0"}}}');
  }
  write(
    'CHANGELOG.md',
    '# Changelog\n\n## Unreleased\n\n- It does more.\n\n## 0.1.0 (2026-01-01)\n\n- It does something.\n',
  );
  write('docs/integrations.md', 'uses: dockerfix/dockerfix@v0.1.0\n');
  git('init', '--quiet', '--initial-branch', 'main');
  git('config', 'user.name', 'a');
  git('config', 'user.email', 'a@example.org');
  git('add', '-A');
  git('commit', '--quiet', '-m', 'one');
  git('tag', 'v0.1.0');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('prepare refuses', () => {
  const head = (): string => git('rev-parse', 'HEAD');
  it.each<readonly [reason: string, version: string, setUp: () => void, said: string]>([
    ['a tree with changes', '0.2.0', () => write('new', ''), 'not committed'],
    ['another branch', '0.2.0', () => void git('switch', '--quiet', '-c', 'work'), 'not on work'],
    ['what is no version', 'v0.2', () => undefined, 'is no version'],
    ['the version that is there', '0.1.0', () => undefined, 'there is a tag v0.1.0'],
    ['an older version', '0.0.9', () => undefined, 'does not come after 0.1.0'],
    [
      'a release without changes',
      '0.2.0',
      () => {
        write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n## 0.1.0 (2026-01-01)\n\n- It does something.\n');
        git('commit', '--quiet', '--all', '-m', 'two');
      },
      'nothing under',
    ],
  ])('%s', (_reason, number, setUp, said) => {
    setUp();
    const before = head();
    const result = release(['prepare', number]);
    expect(result.said).toContain(said);
    expect(result.status).toBe(1);
    expect([head(), git('tag')]).toEqual([before, 'v0.1.0']);
  });
});

describe('what prepare makes', () => {
  beforeEach(() => {
    expect(release(['prepare', '0.2.0'])).toMatchObject({ status: 0 });
  });
  it('is one commit with a tag: the versions, the heading, the documents', () => {
    expect(git('log', '--format=%s', 'v0.1.0..v0.2.0')).toBe('Release 0.2.0');
    for (const path of ['package.json', 'package-lock.json', 'editors/vscode/package.json'])
      expect(version(path)).toBe('0.2.0');
    expect(read('CHANGELOG.md')).toMatch(
      /^# Changelog\n\n## Unreleased\n\n## 0\.2\.0 \(\d{4}-\d\d-\d\d\)\n\n- It does more/,
    );
    expect(read('docs/integrations.md')).toContain('@v0.2.0');
    expect(git('tag', '--list', '--format=%(contents)', 'v0.2.0')).toContain('- It does more.');
    expect(release(['notes']).said.trim()).toBe('- It does more.');
    expect(git('status', '--porcelain')).toBe('');
  });
  it('is published by the workflow: audited, with provenance', () => {
    const { status, npm } = release(['publish'], { GITHUB_ACTIONS: 'true' });
    expect(status).toBe(0);
    expect(npm).toEqual([
      '--prefix . audit',
      '--prefix site audit',
      '--prefix editors/vscode audit',
      'publish --provenance --access public',
    ]);
  });
  it('can be tried anywhere', () => {
    expect(release(['publish', '--dry-run']).npm.at(-1)).toBe('publish --provenance --access public --dry-run');
  });
  it.each<readonly [reason: string, setUp: () => void, environment: Record<string, string>, said: string]>([
    ['from a desk', () => undefined, { GITHUB_ACTIONS: '' }, 'only the workflow publishes'],
    ['where the audit fails or gets no answer', () => undefined, { AUDIT: '1' }, 'npm audit of . found something, or'],
    ['with changes', () => write('new', ''), {}, 'not committed'],
    [
      'of a commit without the tag',
      () => void git('commit', '--quiet', '--allow-empty', '-m', '3'),
      {},
      'the tag v0.2.0',
    ],
    [
      'where the extension has another version',
      () => {
        write('editors/vscode/package.json', '{"version":"0.1.0"}');
        git('commit', '--quiet', '--all', '-m', '3');
        git('tag', '--force', 'v0.2.0');
      },
      {},
      'editors/vscode/package.json has version 0.1.0',
    ],
    [
      'that the CHANGELOG does not name',
      () => {
        write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n');
        git('commit', '--quiet', '--all', '-m', '3');
        git('tag', '--force', 'v0.2.0');
      },
      {},
      'nothing under `## 0.2.0`',
    ],
  ])('is not published %s', (_reason, setUp, environment, said) => {
    setUp();
    const result = release(['publish'], { GITHUB_ACTIONS: 'true', ...environment });
    expect(result.said).toContain(said);
    expect(result.status).toBe(1);
    expect(result.npm.filter((each) => each.startsWith('publish'))).toEqual([]);
  });
});
