/** Real git repositories with a history, made for one test. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];
afterAll(() => made.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Files by path; `null` removes one. */
export type Files = Readonly<Record<string, string | null>>;

export class History {
  readonly root = mkdtempSync(join(tmpdir(), 'dockerfix-history-'));
  private time = 1_700_000_000;

  constructor(first: Files) {
    made.push(this.root);
    this.git('init', '-q', '-b', 'main');
    this.commit(first);
  }

  git(...args: readonly string[]): string {
    const date = `${(this.time += 3600)} +0000`;
    return execFileSync(
      'git',
      ['-C', this.root, '-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'protocol.file.allow=always', ...args],
      {
        encoding: 'utf8',
        env: { ...process.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date, GIT_CONFIG_GLOBAL: '/dev/null' },
      },
    );
  }

  commit(files: Files): this {
    this.write(files);
    this.git('add', '-A', '-f');
    this.git('commit', '-q', '--allow-empty', '-m', 'x');
    return this;
  }

  write(files: Files): void {
    for (const [path, text] of Object.entries(files)) {
      const absolute = join(this.root, path);
      if (text === null) rmSync(absolute);
      else {
        mkdirSync(dirname(absolute), { recursive: true });
        writeFileSync(absolute, text);
      }
    }
  }

  chmod(path: string): this {
    chmodSync(join(this.root, path), 0o755);
    return this.commit({});
  }
}

/** A shallow clone of it. */
export function shallowClone({ root }: History, depth: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'dockerfix-shallow-'));
  made.push(folder);
  execFileSync('git', ['clone', '-q', '--depth', String(depth), `file://${root}`, folder]);
  return folder;
}
