import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FIXED, folder, PROJECT } from '../cli/support.ts';
import { History } from '../support/history.ts';
import { batch, command, commit, git, rows, temporary, type Row } from './support.ts';

/** It takes about a second for 1,500 lines. */
const slowly = (lines: number): string =>
  `FROM a\nCOPY . .\n${'RUN apt-get update && apt-get install -y git\n'.repeat(lines)}`;

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
  it('counts what the commits of a clone would have re-run, and makes a page of all', () => {
    const cwd = temporary();
    const history = new History({ ...PROJECT, big: 'x' });
    for (let n = 0; n < 12; n++) history.commit({ 'server.js': String(n), [`blob${n}`]: `only here ${n}` });
    history.git('config', 'uploadpack.allowFilter', 'true');
    const url = `file://${history.root}`;
    expect(batch(cwd, [url, '--commits', '10']).code).toBe(0);
    expect(rows(cwd)[0]?.replay).toMatchObject({
      commits: 10,
      files: [{ path: 'Dockerfile', installs: [{ before: 10, after: 0 }] }],
    });
    const page = readFileSync(join(cwd, 'dockerfix-results/index.html'), 'utf8');
    expect(page).toContain('10 → 0 install runs in 10 commits');
    // As many as there are.
    expect(batch(cwd, [url, history.root, '--results', 'all']).code).toBe(0);
    expect(rows(cwd, 'all').map(({ replay }) => replay?.commits)).toEqual([12, 12]);
    expect(batch(cwd, [url, '--commits', '0', '--results', 'none']).code).toBe(0);
    expect(rows(cwd, 'none')[0]).not.toHaveProperty('replay');
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
  it('says which repository has no commit', () => {
    const cwd = temporary();
    execFileSync('git', ['init', '-q', '--bare', join(cwd, 'empty.git')]);
    const { code, err } = batch(cwd, [`file://${cwd}/empty.git`]);
    expect([code, err]).toEqual([2, expect.stringContaining('empty.git no-commit it is empty, or')]);
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
  it('gives up what takes too long, wherever it is, and says in the log what was done', async () => {
    const cwd = temporary();
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const slow = folder({ ...PROJECT, 'slow/Dockerfile': slowly(12_000) });
    const child = spawn(process.execPath, [
      command,
      'batch',
      `git://127.0.0.1:${port}/a.git`,
      slow,
      folder(),
      '--timeout=2',
      `--results=${cwd}`,
    ]);
    // Not waited for by a call that would stop the server, too.
    const [code] = (await once(child, 'exit')) as [number];
    silent.close();
    expect(code).toBe(2);
    const found = rows(cwd, '.');
    expect(found.map(({ status, error }) => error?.code ?? status).sort()).toEqual([
      'changed',
      'timed-out',
      'timed-out',
    ]);
    for (const { id, location, error } of found) {
      const log = readFileSync(join(cwd, 'logs', `${id}.log`), 'utf8');
      expect(log).toContain(location);
      expect(log).toContain(error === undefined ? 'looked at: changed' : 'failed: timed-out it took longer than 2 s');
    }
  });
  it('does not count the time in which a repository waits for another one', () => {
    const cwd = temporary();
    const slow = (): string => folder({ Dockerfile: slowly(3_000) });
    const first = batch(cwd, [slow(), '--results', 'one']);
    expect(first.code).toBe(0);
    const alone = rows(cwd, 'one')[0]?.milliseconds ?? 0;
    const list = Array.from({ length: 6 }, slow);
    const seconds = String(Math.ceil((alone / 1000) * 3));
    expect(batch(cwd, [...list, '--concurrency', '1', '--timeout', seconds, '--results', 'six']).code).toBe(0);
  });
  it('takes some of the targets by patterns', () => {
    const cwd = temporary();
    for (const name of ['acme/api-one', 'acme/web', 'acme/api-old', 'other/api-two'])
      cpSync(folder(), join(cwd, name), { recursive: true });
    const all = ['acme/api-one', 'acme/web', 'acme/api-old', 'other/api-two'];
    const { code } = batch(cwd, [...all, '--include', 'api-*', '--include', 'acme/*', '--exclude', '*-old']);
    expect(code).toBe(0);
    expect(
      rows(cwd)
        .map(({ location }) => relative(cwd, location))
        .sort(),
    ).toEqual(['acme/api-one', 'acme/web', 'other/api-two']);
    // A pilot sees all corners of the list, the same ones each time.
    expect(batch(cwd, [...all, '--sample', '2', '--results', 'pilot']).code).toBe(0);
    expect(
      rows(cwd, 'pilot')
        .map(({ location }) => relative(cwd, location))
        .sort(),
    ).toEqual(['acme/api-old', 'acme/api-one']);
    const none = batch(cwd, [...all, '--include', 'nope', '--results', 'none']);
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('no target is left by --include and --exclude')]);
  });
  it('takes directories by a pattern that no shell has expanded, and checkouts at any depth', () => {
    const cwd = temporary();
    for (const name of ['repos/acme/api', 'repos/acme/deep/web', 'repos/.hidden', 'other/api'])
      cpSync(folder(PROJECT, true), join(cwd, name), { recursive: true });
    mkdirSync(join(cwd, 'repos/acme/empty'));
    symlinkSync('..', join(cwd, 'repos/acme/loop'));
    writeFileSync(join(cwd, 'list'), 'repos/**\n');
    const found = (results: string, ...argv: readonly string[]): string[] => {
      expect(batch(cwd, [...argv, '--results', results, '--commits', '0']).code).toBe(0);
      return rows(cwd, results)
        .map(({ location }) => relative(realpathSync(cwd), location))
        .sort();
    };
    expect(found('one', 'repos/acme/{api,empty}')).toEqual(['repos/acme/api', 'repos/acme/empty']);
    expect(found('two', '--from', 'list')).toEqual(['repos/acme/api', 'repos/acme/deep/web']);
    expect(found('three', '*/*/api', 'o*/api')).toEqual(['other/api', 'repos/acme/api']);
    expect(batch(cwd, ['nope/*']).err).toContain('no directory matches `nope/*`');
  });
  it('lets the history of a clone order copies, where it is asked to', () => {
    const cwd = temporary();
    const history = new History({
      Dockerfile: 'FROM a\nCOPY often.txt /\nCOPY seldom.txt /\nRUN unknown-command\n',
      'often.txt': '0',
      'seldom.txt': '0',
    });
    for (let n = 1; n < 30; n++) history.commit({ 'often.txt': String(n) });
    history.git('config', 'uploadpack.allowFilter', 'true');
    const url = `file://${history.root}`;
    expect(batch(cwd, [url]).err).toContain('0 would change');
    const { code, err } = batch(cwd, [url, '--history', '--results', 'ordered']);
    expect([code, err]).toEqual([0, expect.stringContaining('1 would change')]);
    const [row] = rows(cwd, 'ordered');
    expect(readFileSync(join(cwd, 'ordered', row?.patch as string), 'utf8')).toContain('+COPY often.txt /');
    expect(row?.replay?.commits).toBe(29);
    // A checkout has its own.
    expect(batch(cwd, [history.root, '--history', '--results', 'here']).err).toContain('1 would change');
  });
  it('shares its results folder with nobody', async () => {
    const cwd = temporary();
    const slow = folder({ Dockerfile: slowly(12_000) });
    const child = spawn(process.execPath, [command, 'batch', slow], { cwd, stdio: 'ignore' });
    const journal = join(cwd, 'dockerfix-results/journal.jsonl');
    while (!(existsSync(journal) && readFileSync(journal, 'utf8').includes('"begin"'))) await setTimeout(20);
    const second = batch(cwd, ['--resume']);
    expect([second.code, second.err]).toEqual([
      2,
      expect.stringContaining(`another dockerfix is at work there (process ${child.pid ?? 0} on `),
    ]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    // Gone at once, and nothing of it is left.
    expect(batch(cwd, ['--resume']).code).toBe(0);
    expect(readdirSync(join(cwd, 'dockerfix-results')).filter((name) => name.startsWith('.'))).toEqual([]);
  });
  it('takes no folder for its results that holds something else', () => {
    const cwd = temporary();
    mkdirSync(join(cwd, 'work'));
    for (const name of ['work/thesis', 'index.html']) writeFileSync(join(cwd, name), 'mine');
    const { code, err } = batch(cwd, [folder(), '--results', '.']);
    expect([code, err]).toEqual([2, expect.stringContaining('has other files, which results would replace')]);
    for (const name of ['work/thesis', 'index.html']) expect(readFileSync(join(cwd, name), 'utf8')).toBe('mine');
    expect(readdirSync(cwd)).toHaveLength(2);
    expect(batch(cwd, [folder(), '--results', 'index.html']).err).toContain('not a directory');
  });
  it.each([
    ['nothing', [], 'no targets'],
    ['to write a clone', ['--write', 'https://example.com/a.git'], '--write changes checkouts'],
    ['to write and to check', ['--write', '--check', '.'], 'exclude each other'],
    ['a transport that runs programs', ['ext::sh -c touch% x'], 'is not a clone URL that is allowed'],
    ['a URL with a password', ['https://me:secret@example.com/a.git'], 'must hold no user or password'],
    ['one of ssh with a password', ['ssh://me:secret@example.com/a.git'], 'must hold no user or password'],
    ['one in capitals', ['HTTPS://me:secret@example.com/a.git'], 'must hold no user or password'],
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
    if (kill < 8)
      void setTimeout(200 + Math.random() * 500, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
    code = await new Promise((done) => child.on('exit', done));
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
      '.gitattributes': '* filter=evil diff=evil merge=evil\n*.json filter=lfs ident\n',
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
    // A history, so that it is replayed.
    writeFileSync(join(root, 'server.js'), '2');
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
      ['core.alternateRefsCommand', program],
      ['core.editor', program],
      ['credential.helper', program],
      ['diff.evil.command', program],
      ['diff.evil.textconv', program],
      ['gpg.program', program],
      ['interactive.diffFilter', program],
      ['log.showSignature', 'true'],
      ['merge.evil.driver', program],
      ['pager.log', program],
      ['remote.origin.promisor', 'true'],
      ['remote.origin.url', `ext::${program}`],
      ['remote.origin.uploadpack', program],
      ['remote.origin.vcs', 'evil'],
      ['extensions.partialClone', 'origin'],
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
    expect(row).toMatchObject({ status: 'changed', replay: { commits: 1 } });
    expect(JSON.stringify(row)).toContain('"path":"a\\nb/Dockerfile"');
    for (const name of ['journal.jsonl', 'results.jsonl', 'summary.json', 'index.html', row?.patch as string])
      expect(readFileSync(join(cwd, 'dockerfix-results', name), 'utf8')).not.toContain('outside-secret');
    const after = execFileSync('find', [root, '-not', '-path', '*/.git/*', '-type', 'f', '-printf', '%p %s %T@\n'], {
      encoding: 'utf8',
    });
    expect(after).toBe(before);
    // It would have run.
    spawnSync('git', ['-C', root, 'status']);
    expect(existsSync(mark)).toBe(true);
  });
  it('is not waited for where a file never ends', () => {
    const cwd = temporary();
    for (const [at, git_] of [true, false].entries()) {
      const root = folder({ ...PROJECT, 'a/Dockerfile': PROJECT.Dockerfile }, git_);
      for (const name of [
        '.dockerignore',
        '.gitattributes',
        'a/package.json',
        'compose.yaml',
        'b.Dockerfile',
        '.npmrc',
      ])
        execFileSync('mkfifo', [join(root, name)]);
      symlinkSync('/dev/zero', join(root, 'a/.dockerignore'));
      symlinkSync('/dev/zero', join(root, 'a/package-lock.json'));
      const { code, err } = batch(cwd, [root, '--timeout', '20', '--results', String(at)]);
      expect([code, err]).toEqual([expect.any(Number), expect.not.stringContaining('timed-out')]);
      expect(rows(cwd, String(at))[0]?.milliseconds).toBeLessThan(20_000);
    }
  });
  it('costs little with a file of 1 GB, wherever it is', async () => {
    const cwd = temporary();
    const root = folder(PROJECT);
    for (const name of ['package-lock.json', 'Dockerfile.huge', 'data.bin']) {
      writeFileSync(join(root, name), '');
      truncateSync(join(root, name), 1e9);
    }
    const [here] = [batch(cwd, [root, '--results', 'here']).code];
    // What it does with such a lockfile and Dockerfile is told; that it ends is what matters.
    expect([0, 2]).toContain(here);
    for (const name of ['package-lock.json', 'Dockerfile.huge']) rmSync(join(root, name));
    writeFileSync(join(root, 'package-lock.json'), '{}');
    git(root, 'config', 'core.compression', '1');
    git(root, 'config', 'core.bigFileThreshold', '1m');
    commit(root);
    // A server that leaves nothing out.
    git(root, 'config', 'uploadpack.allowFilter', 'false');
    const child = spawn(process.execPath, [command, 'batch', `file://${root}`], { cwd, stdio: 'ignore' });
    const ended = once(child, 'exit');
    let most = 0;
    while (child.exitCode === null) {
      most = Math.max(most, Number(spawnSync('du', ['-sm', cwd], { encoding: 'utf8' }).stdout.split('\t')[0]));
      await setTimeout(50);
    }
    expect((await ended)[0]).toBe(0);
    expect(rows(cwd)).toMatchObject([{ status: 'changed' }]);
    expect(most).toBeLessThan(100);
  }, 300_000);
  it('may have 200,000 files, but not as many as it likes', () => {
    const cwd = temporary();
    const root = join(cwd, 'large');
    const make = (files: number): void => {
      const paths = Array.from({ length: files }, (_, n) => `M 100644 :1 src/d${n % 500}/f${n}.ts\n`).join('');
      const project = Object.entries(PROJECT)
        .map(([name, text]) => `M 100644 inline ${name}\ndata ${text.length}\n${text}\n`)
        .join('');
      execFileSync('git', ['init', '-q', '-b', 'main', root]);
      execFileSync('git', ['-C', root, 'fast-import', '--quiet', '--force'], {
        input: `blob\nmark :1\ndata 1\n1\ncommit refs/heads/main\ncommitter a <a@b> 0 +0000\ndata 0\n${project}${paths}`,
      });
    };
    make(200_000);
    expect(batch(cwd, [`file://${root}`, '--results', 'many']).code).toBe(0);
    expect(rows(cwd, 'many')).toMatchObject([{ status: 'changed' }]);
    make(300_001);
    expect(batch(cwd, [`file://${root}`, '--results', 'more']).code).toBe(2);
    expect(rows(cwd, 'more')).toMatchObject([{ status: 'failed', error: { code: 'too-many-files' } }]);
  }, 300_000);
});
