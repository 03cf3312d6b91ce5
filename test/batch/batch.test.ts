/** The built command, as its threads run from dist/ only. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FIXED, folder, PROJECT } from '../cli/support.ts';

const command = join(import.meta.dirname, '../../dist/cli.js');
const made: string[] = [];
afterAll(() => made.forEach((each) => rmSync(each, { recursive: true, force: true })));

function temporary(): string {
  const made_ = mkdtempSync(join(tmpdir(), 'dockerfix-batch-'));
  made.push(made_);
  return made_;
}

function batch(cwd: string, argv: readonly string[], input = ''): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'batch', ...argv], {
    cwd,
    input,
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

interface Row {
  readonly id: string;
  readonly location: string;
  readonly status: string;
  readonly patch: string | null;
  readonly commit?: string;
  readonly error?: { readonly code: string };
  readonly milliseconds?: number;
}

function rows(cwd: string, results = 'dockerfix-results'): Row[] {
  return readFileSync(join(cwd, results, 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
}

function commit(root: string): string {
  git(root, 'add', '-A', '-f');
  git(
    root,
    '-c',
    'user.name=a',
    '-c',
    'user.email=a@example.com',
    '-c',
    'core.hooksPath=/dev/null',
    'commit',
    '-qm',
    'x',
  );
  return git(root, 'rev-parse', 'HEAD').trim();
}

function git(root: string, ...args: string[]): string {
  return execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' });
}

describe('a rehearsal', () => {
  it('leaves the repositories alone and makes a patch for each that would change', () => {
    const cwd = temporary();
    const project = folder();
    const fine = folder({
      Dockerfile: FIXED,
      'package.json': '{}',
      'package-lock.json': '{}',
      '.dockerignore': 'node_modules\n',
    });
    const empty = folder({ 'a.txt': '' });
    const { code, err } = batch(cwd, [project, fine, '--from', '-'], `# a list\n${empty}\n\n`);
    expect(err).toContain('3 repositories: 1 would change, 0 refused, 1 fine as they are, 1 without a Dockerfile');
    expect(code).toBe(0);
    const found = new Map(rows(cwd).map((row) => [row.location, row]));
    const first = found.get(project);
    const others = [found.get(fine), found.get(empty)];
    expect(others.map((each) => [each?.status, each?.patch])).toEqual([
      ['unchanged', null],
      ['none', null],
    ]);
    expect(readFileSync(join(project, 'Dockerfile'), 'utf8')).toBe(PROJECT.Dockerfile);
    git(project, 'apply', join(cwd, 'dockerfix-results', first?.patch as string));
    expect(readFileSync(join(project, 'Dockerfile'), 'utf8')).toBe(FIXED);
    expect(JSON.parse(readFileSync(join(cwd, 'dockerfix-results/summary.json'), 'utf8'))).toMatchObject({
      repositories: 3,
      changed: 1,
    });
  });
  it('exits 1 with --check, and one bad repository costs the others nothing', () => {
    const cwd = temporary();
    expect(batch(cwd, [folder(), '--check']).code).toBe(1);
    const { code, err } = batch(cwd, [`file://${cwd}/absent`, folder(), '--results', 'two']);
    expect(code).toBe(2);
    expect(err).toContain(`file://${cwd}/absent git-failed fatal:`);
    expect(
      rows(cwd, 'two')
        .map(({ status }) => status)
        .sort(),
    ).toEqual(['changed', 'failed']);
  });
  it('does what failed again', () => {
    const cwd = temporary();
    const origin = join(cwd, 'origin');
    expect(batch(cwd, [`file://${origin}`, folder()]).code).toBe(2);
    execFileSync('cp', ['-r', folder(), origin]);
    const made_ = commit(origin);
    expect(batch(cwd, ['--retry', 'failed']).code).toBe(0);
    expect(rows(cwd).find(({ commit: of }) => of !== undefined)).toMatchObject({ status: 'changed', commit: made_ });
  });
  it('ends a repository that takes too long or is too large', () => {
    const cwd = temporary();
    const root = folder({ ...PROJECT, big: 'x' });
    execFileSync('dd', ['if=/dev/urandom', `of=${join(root, 'big')}`, 'bs=1M', 'count=5', 'status=none']);
    commit(root);
    expect(batch(cwd, [`file://${root}`, '--max-size', '3']).code).toBe(2);
    expect(rows(cwd)[0]?.error?.code).toBe('too-large');
    expect(existsSync(join(cwd, 'dockerfix-results/work'))).toBe(false);
  });
  it.each([
    ['nothing', [], 'no targets'],
    ['a transport that runs programs', ['ext::sh -c touch% x'], 'is not a clone URL that is allowed'],
    ['a URL with a password', ['https://me:secret@example.com/a.git'], 'must hold no user or password'],
    ['a URL whose host is an option', ['ssh://-oProxyCommand=x/a'], 'is not a clone URL that is allowed'],
    ['nothing to resume', ['--resume'], 'there is nothing to resume'],
    ['a silly number', ['.', '--limit', '0'], 'takes a whole number'],
  ])('refuses %s', (_reason, argv, message) => {
    const { code, err } = batch(temporary(), argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toContain('secret');
  });
});

it('loses nothing and does nothing twice when it is killed at any moment', async () => {
  const cwd = temporary();
  const list = Array.from({ length: 40 }, (_, n) => folder({ ...PROJECT, [`f${n}`]: '' }, n % 5 === 0)).join('\n');
  batch(cwd, ['--from', '-', '--results', 'whole'], list);
  writeFileSync(join(cwd, 'list'), list);
  let code: number | null = null;
  for (let kill = 0; code === null; kill++) {
    expect(kill).toBeLessThan(9);
    // Before it has begun there is nothing to resume.
    const begun =
      existsSync(join(cwd, 'dockerfix-results/journal.jsonl')) &&
      readFileSync(join(cwd, 'dockerfix-results/journal.jsonl'), 'utf8').includes('"begin"');
    const child = spawn(process.execPath, [command, 'batch', ...(begun ? ['--resume'] : ['--from', 'list'])], {
      cwd,
      stdio: 'ignore',
    });
    const timer = kill < 8 ? setTimeout(() => child.kill('SIGKILL'), 200 + Math.random() * 500) : undefined;
    code = await new Promise((done) => child.on('exit', done));
    clearTimeout(timer);
  }
  expect(code).toBe(0);
  const plain = (results: string): Row[] =>
    rows(cwd, results)
      .map(({ milliseconds: _, ...row }) => row)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  expect(plain('dockerfix-results')).toEqual(plain('whole'));
  const journal = readFileSync(join(cwd, 'dockerfix-results/journal.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; result: Row });
  const ids = journal.filter(({ event }) => event === 'result').map(({ result }) => result.id);
  expect(ids).toHaveLength(40);
  expect(new Set(ids).size).toBe(40);
  expect(readdirSync(join(cwd, 'dockerfix-results/patches')).sort()).toEqual(
    readdirSync(join(cwd, 'whole/patches')).sort(),
  );
});

describe('a hostile repository', () => {
  /** Whatever is run leaves this file. */
  function hostile(): { readonly root: string; readonly mark: string } {
    const outside = temporary();
    const mark = join(outside, 'ran');
    const program = join(outside, 'program');
    writeFileSync(program, `#!/bin/sh\necho ran >> ${mark}\ncat\n`, { mode: 0o755 });
    writeFileSync(join(outside, 'secret.json'), '{"name":"outside-secret"}');
    const root = folder({
      ...PROJECT,
      '.gitattributes': '* filter=evil\n*.json filter=lfs ident\n',
      '.gitmodules': `[submodule "s"]\n\tpath = s\n\turl = ${outside}\n\tupdate = !${program}\n`,
      '--upload-pack=x': '',
      '-c/Dockerfile': PROJECT.Dockerfile,
      'a\nb/Dockerfile': PROJECT.Dockerfile,
      'dockerfix.config.js': `require('fs').writeFileSync(${JSON.stringify(mark)}, '');`,
    });
    symlinkSync(join(outside, 'secret.json'), join(root, 'leak.json'));
    symlinkSync(outside, join(root, 'out'));
    mkdirSync(join(root, 'linked'));
    writeFileSync(join(root, 'linked/Dockerfile'), 'FROM node\nWORKDIR /a\nCOPY . .\nRUN npm ci\n');
    symlinkSync(join(outside, 'secret.json'), join(root, 'linked/package.json'));
    writeFileSync(join(root, 'huge.json'), '');
    truncateSync(join(root, 'huge.json'), 50_000_000);
    commit(root);
    for (const hook of [
      'post-checkout',
      'post-index-change',
      'fsmonitor-watchman',
      'pre-commit',
      'reference-transaction',
    ]) {
      mkdirSync(dirname(join(root, '.git/hooks', hook)), { recursive: true });
      writeFileSync(join(root, '.git/hooks', hook), readFileSync(program), { mode: 0o755 });
    }
    for (const [key, value] of [
      ['core.fsmonitor', program],
      ['core.sshCommand', program],
      ['core.pager', program],
      ['filter.evil.smudge', program],
      ['filter.evil.clean', program],
      ['filter.evil.required', 'true'],
      ['filter.lfs.process', program],
      ['diff.external', program],
      ['uploadpack.packObjectsHook', program],
      ['uploadpack.allowFilter', 'true'],
    ] as const)
      git(root, 'config', key, value);
    rmSync(mark, { force: true });
    return { root, mark };
  }
  it.each([
    ['as a checkout', (root: string) => root],
    ['as a clone', (root: string) => `file://${root}`],
  ])('gets nothing run, and leads nowhere: %s', (_reason, target) => {
    const { root, mark } = hostile();
    const cwd = temporary();
    const home = temporary();
    // The operator has a filter of that name, and it must not run either.
    writeFileSync(
      join(home, '.gitconfig'),
      `[filter "evil"]\n\tsmudge = touch ${mark}\n\trequired = true\n[safe]\n\tdirectory = *\n`,
    );
    const before = execFileSync('find', [root, '-not', '-path', '*/.git/*', '-type', 'f', '-printf', '%p %s %T@\n'], {
      encoding: 'utf8',
    });
    const { status } = spawnSync(process.execPath, [command, 'batch', target(root)], {
      cwd,
      env: { ...process.env, HOME: home },
    });
    expect(status).toBe(0);
    expect(existsSync(mark)).toBe(false);
    const [row] = rows(cwd);
    expect(row?.status).toBe('changed');
    expect(JSON.stringify(row)).toContain('"path":"a\\nb/Dockerfile"');
    for (const name of ['journal.jsonl', 'results.jsonl', 'summary.json', row?.patch as string])
      expect(readFileSync(join(cwd, 'dockerfix-results', name), 'utf8')).not.toContain('outside-secret');
    const after = execFileSync('find', [root, '-not', '-path', '*/.git/*', '-type', 'f', '-printf', '%p %s %T@\n'], {
      encoding: 'utf8',
    });
    expect(after).toBe(before);
  });
});
