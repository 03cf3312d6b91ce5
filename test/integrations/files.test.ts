/** What other tools read of this repository, as they read it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dockerfix, FIXED, folder, PROJECT } from '../cli/support.ts';
import { needs } from '../support/programs.ts';

const root = join(import.meta.dirname, '../..');
const bin = join(root, 'dist/cli.js');

describe('the container image', () => {
  it('has a Dockerfile that dockerfix has nothing to say about', async () => {
    const { code, out, err } = await dockerfix(root, ['--check', '--no-config', 'Dockerfile']);
    expect([code, out]).toEqual([0, '']);
    expect(err).toContain('1 Dockerfile: 0 would change (0 fixes), 0 refusals');
    const { out: explained } = await dockerfix(root, ['explain', '--no-config', 'Dockerfile']);
    expect(explained).toMatch(/npm ci/);
  });
  it('leaves out what no layer needs', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['**/node_modules', '.git', 'dist']));
  });
});

describe('GitLab', () => {
  const { dockerfix: job } = parse(readFileSync(join(root, 'gitlab/dockerfix.yml'), 'utf8')) as {
    dockerfix: { script: string[]; variables: Record<string, string>; artifacts: Record<string, unknown> };
  };
  /** `npx` as the job calls it, with the built command in place of the published one. */
  const path = folder({}, false);
  writeFileSync(join(path, 'npx'), `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec node ${bin} "$@"\n`);
  chmodSync(join(path, 'npx'), 0o755);

  it.each([
    ['something would change', PROJECT, 1, ['split-dependency-manifests']],
    ['nothing would', { ...PROJECT, Dockerfile: FIXED, '.dockerignore': 'node_modules\n' }, 0, []],
  ])('the job leaves a report where %s', (_reason, files, code, rules) => {
    const repository = folder(files);
    const { status, stderr } = spawnSync('bash', ['-eo', 'pipefail', '-c', job.script.join('\n')], {
      cwd: repository,
      encoding: 'utf8',
      env: { ...process.env, ...job.variables, PATH: `${path}:${process.env['PATH'] ?? ''}` },
    });
    expect(status, stderr).toBe(code);
    const report = JSON.parse(readFileSync(join(repository, 'gl-code-quality-report.json'), 'utf8')) as object[];
    expect(report.map((each) => (each as { check_name: string }).check_name).sort()).toEqual([...rules].sort());
    expect(job.artifacts).toMatchObject({ when: 'always', reports: { codequality: 'gl-code-quality-report.json' } });
  });
});

describe('pre-commit', () => {
  needs('pre-commit');

  /** A repository of hooks as a tag of ours is, already built: what pre-commit installs is the package. */
  function hooks(): string {
    const made = folder({}, false);
    for (const each of ['dist', 'schema', 'templates', '.pre-commit-hooks.yaml', 'README.md', 'LICENSE'])
      cpSync(join(root, each), join(made, each), { recursive: true });
    const {
      scripts: _scripts,
      devDependencies: _tools,
      ...own
    } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
    writeFileSync(join(made, 'package.json'), JSON.stringify(own));
    for (const argv of [
      ['init', '-q'],
      ['add', '-A'],
      ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', '1'],
    ])
      execFileSync('git', argv, { cwd: made });
    return made;
  }

  it('installs the hooks; one writes the fix, the other shows it', () => {
    const home = folder({}, false);
    mkdirSync(join(home, 'cache'));
    const repo = hooks();
    const rev = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: repo, encoding: 'utf8' }).trim();
    const config = (id: string): string => JSON.stringify({ repos: [{ repo, rev, hooks: [{ id }] }] });
    const repository = folder({ ...PROJECT, '.pre-commit-config.yaml': config('dockerfix-check') });
    const preCommit = (): { status: number | null; stdout: string } =>
      spawnSync('pre-commit', ['run', '--all-files'], {
        cwd: repository,
        encoding: 'utf8',
        env: { ...process.env, PRE_COMMIT_HOME: join(home, 'cache') },
      });
    const checked = preCommit();
    expect(checked.stdout).toContain('+COPY package.json package-lock.json ./');
    expect(checked.status).toBe(1);
    expect(readFileSync(join(repository, 'Dockerfile'), 'utf8')).toBe(PROJECT.Dockerfile);
    writeFileSync(join(repository, '.pre-commit-config.yaml'), config('dockerfix'));
    execFileSync('git', ['add', '-A'], { cwd: repository });
    const fixed = preCommit();
    expect(fixed.stdout).toContain('files were modified by this hook');
    expect(fixed.status).toBe(1);
    expect(readFileSync(join(repository, 'Dockerfile'), 'utf8')).toBe(FIXED);
    execFileSync('git', ['add', '-A'], { cwd: repository });
    expect(preCommit().status).toBe(0);
  }, 240_000);
});
