/** Puts a project on disk with its lockfile, and runs `dockerfix verify` on it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Verification } from '../../src/verify/verify.ts';
import type { Project } from './projects.ts';

/** The docker client: `DOCKER`, as scripts/stand-ins.sh takes it. */
export const DOCKER = process.env['DOCKER'] ?? 'docker';

export function prepare({ name, files, lock }: Pick<Project, 'name' | 'files' | 'lock'>): string {
  const folder = mkdtempSync(join(tmpdir(), `dockerfix-e2e-${name}-`));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  if (lock !== undefined) {
    const [image, command] = lock;
    const argv = ['run', '--rm', '--network', 'host', '-v', `${folder}:/project`, '-w', '/project', image];
    execFileSync(DOCKER, [...argv, 'sh', '-c', command], { stdio: 'pipe' });
  }
  execFileSync('git', ['init', '-q'], { cwd: folder });
  if (existsSync(join(folder, 'node_modules'))) writeFileSync(join(folder, '.gitignore'), 'node_modules\n');
  execFileSync('git', ['add', '-A'], { cwd: folder });
  return folder;
}

export interface Verified {
  readonly code: number | null;
  /** Absent: nothing was built. */
  readonly verification?: Verification;
  readonly stderr: string;
}

export function verifyIn(folder: string, ...argv: readonly string[]): Verified {
  const fixed = ['verify', '--engine', DOCKER, '--network', 'host', '--format', 'json', '-q'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('dist/cli.js'), ...fixed, ...argv], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  const file = stdout === '' ? undefined : (JSON.parse(stdout) as { files: Verification[] }).files[0];
  return { code: status, stderr, ...(file === undefined ? {} : { verification: file }) };
}
