/** Where the command meets other people's repositories: contexts, links, other encodings, several files at once. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Options } from '../../src/cli/arguments.ts';
import { report } from '../../src/cli/report.ts';
import { run } from '../../src/run.ts';
import type { Transform } from '../../src/index.ts';
import { dockerfix, FIXED, folder, PROJECT } from './support.ts';

const READY = { ...PROJECT, '.dockerignore': 'node_modules\n' };
const below = (name: string, files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`${name}/${path}`, text]));

describe('the context', () => {
  it('can be given outside of git, with the Dockerfile in another directory', async () => {
    const root = folder({ ...READY, 'docker/Dockerfile': PROJECT.Dockerfile, Dockerfile: 'FROM a\n' }, false);
    const { code, out } = await dockerfix(root, ['--context', '.', 'docker/Dockerfile']);
    expect([code, out]).toEqual([0, expect.stringContaining('+++ b/docker/Dockerfile')]);
  });
  it('can be a repository of its own inside another', async () => {
    const root = folder({ 'docker/Dockerfile': PROJECT.Dockerfile });
    const { '.gitignore': _, Dockerfile: _1, ...rest } = PROJECT;
    for (const [path, text] of Object.entries(below('app', rest))) {
      mkdirSync(join(root, 'app'), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    execFileSync('git', ['init', '-q', join(root, 'app')]);
    const { out } = await dockerfix(root, ['--context', 'app', 'docker/Dockerfile']);
    expect(out).toContain('+COPY package.json package-lock.json ./');
    expect(out).toContain('+++ b/app/.dockerignore');
    await dockerfix(root, ['--write', '--context', 'app', 'docker/Dockerfile']);
    expect(readFileSync(join(root, 'app/.dockerignore'), 'utf8')).toBe('node_modules\n');
    expect(readFileSync(join(root, 'docker/Dockerfile'), 'utf8')).toBe(FIXED);
  });
  it.each([
    ['that does not exist', 'absent', 'no such file or directory'],
    ['that is a file', 'server.js', 'it is not a directory'],
  ])('%s is a usage error', async (_reason, directory, message) => {
    for (const argv of [
      ['--context', directory],
      ['-', '--context', directory],
    ])
      expect(await dockerfix(folder(), argv)).toEqual({
        code: 2,
        out: '',
        err: `dockerfix: --context ${directory}: ${message}\nTry \`dockerfix --help\`.\n`,
      });
  });
  it('has an ignore file that cannot be read: nothing is changed', async () => {
    const root = folder({ ...PROJECT, rules: 'package.json\n' });
    symlinkSync('rules', join(root, '.dockerignore'));
    const { code, out, err } = await dockerfix(root, []);
    expect([code, out]).toEqual([0, '']);
    expect(err).toContain('Dockerfile:1 ignore-file-unreadable `.dockerignore` is not a regular UTF-8 file');
  });
  it('is shared with a Dockerfile that was not asked for, and that copies what would be ignored', async () => {
    const root = folder({ ...PROJECT, 'Dockerfile.dev': 'FROM node\nCOPY node_modules ./node_modules\n' });
    const { out, err } = await dockerfix(root, ['Dockerfile']);
    expect(out).toBe('');
    expect(err).toContain('ignored-path-copied');
  });
  it('is not shared with a Dockerfile that has an ignore file of its own', async () => {
    const root = folder({
      ...PROJECT,
      'Dockerfile.dev': 'FROM node\nCOPY node_modules ./node_modules\n',
      'Dockerfile.dev.dockerignore': '.git\n',
    });
    expect((await dockerfix(root, ['Dockerfile'])).out).toContain('+++ b/.dockerignore');
  });
  it('above the directory it runs in: the patch says that it cannot be applied there', async () => {
    const root = folder({ ...PROJECT, 'sub/x': '' });
    const { out, err } = await dockerfix(join(root, 'sub'), ['..']);
    expect(out).toContain('+++ b/../Dockerfile');
    expect(err).toContain('../Dockerfile outside-directory');
    expect((await dockerfix(join(root, 'sub'), ['..', '--write'])).code).toBe(0);
    expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).toBe(FIXED);
  });
});

describe('several files', () => {
  it('of two repositories keep their ignore files apart', async () => {
    const root = folder({}, false);
    for (const name of ['a', 'b']) {
      mkdirSync(join(root, name));
      for (const [path, text] of Object.entries({ ...PROJECT, '.dockerignore': `${name}\n` }))
        writeFileSync(join(root, name, path), text);
      execFileSync('git', ['init', '-q', join(root, name)]);
    }
    await dockerfix(root, ['--write', 'a', 'b']);
    for (const name of ['a', 'b'])
      expect(readFileSync(join(root, name, '.dockerignore'), 'utf8')).toBe(`${name}\nnode_modules\n`);
  });
  it('that share an ignore file make one patch that applies', async () => {
    const files = { ...PROJECT, 'Dockerfile.dev': PROJECT.Dockerfile, 'Dockerfile.test': PROJECT.Dockerfile };
    const root = folder(files);
    const { out } = await dockerfix(root, []);
    execFileSync('git', ['-C', root, 'apply'], { input: out });
    for (const name of ['Dockerfile', 'Dockerfile.dev', 'Dockerfile.test'])
      expect(readFileSync(join(root, name), 'utf8')).toBe(FIXED);
    expect(readFileSync(join(root, '.dockerignore'), 'utf8')).toBe('node_modules\n');
  });
  it('that rest on one ignore file are written together or not at all, and the others all the same', async () => {
    const root = folder({ ...PROJECT, 'Dockerfile.dev': PROJECT.Dockerfile, ...below('api', READY) });
    const found = await run({ paths: ['.'], cwd: root, fix: {} });
    writeFileSync(join(root, 'Dockerfile.dev'), 'FROM meanwhile\n');
    let [out, err] = ['', ''];
    const options: Options = {
      ...{ paths: [], write: true, check: false, printConfig: false, quiet: false, list: false },
      ...{ style: 'copy', builder: 'buildkit', format: 'text' },
    };
    const code = await report(found, options, {
      cwd: root,
      environment: {},
      isTerminal: false,
      stdin: () => Promise.reject(new Error('unused')),
      stdout: (text) => (out += text),
      stderr: (text) => (err += text),
    });
    expect([code, out]).toEqual([2, 'api/Dockerfile\n']);
    expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).toBe(PROJECT.Dockerfile);
    expect(existsSync(join(root, '.dockerignore'))).toBe(false);
    expect(readFileSync(join(root, 'api/Dockerfile'), 'utf8')).toBe(FIXED);
    expect(err).toContain('Dockerfile.dev:1 not-written it is left as it was: it was changed by something else');
    expect(err).toContain('3 Dockerfiles: 1 changed (1 fix), 2 refusals, 2 failed');
  });
  it('go on after a mistake of ours in one', async () => {
    const root = folder({ ...READY, 'Dockerfile.dev': 'FROM boom\n' });
    const broken: Transform = {
      name: 'broken',
      summary: '',
      propose(file) {
        if (file.source.includes('boom')) throw new Error('boom');
        return [];
      },
    };
    const { outcomes } = await run({ paths: ['.'], cwd: root, fix: { transforms: [broken] } });
    expect(outcomes.map((each) => [each.path, each.status, each.refused[0]?.message])).toEqual([
      ['Dockerfile', 'unchanged', undefined],
      ['Dockerfile.dev', 'failed', 'this is a bug in dockerfix, please report it: boom'],
    ]);
  });
  it('under two names are done once, in the patch under the real one', async () => {
    const root = folder({ ...READY, 'real/x': PROJECT.Dockerfile, Dockerfile: 'FROM a\n' });
    symlinkSync('real/x', join(root, 'link'));
    const { code, out, err } = await dockerfix(root, ['--context', '.', 'link', 'real/x']);
    expect([code, out.match(/\+\+\+ .*/g)]).toEqual([0, ['+++ b/real/x']]);
    expect(err).toContain('real/x same-file is another name of link');
    execFileSync('git', ['-C', root, 'apply'], { input: out });
    expect(readFileSync(join(root, 'real/x'), 'utf8')).toBe(FIXED);
  });
});

describe('standard input', () => {
  it('that is not UTF-8 is refused', async () => {
    const { code, out, err } = await dockerfix(folder(), ['-'], { stdin: Buffer.from([0x46, 0xff]) });
    expect([code, out, err]).toEqual([2, '', 'Dockerfile not-utf8 standard input is not UTF-8 text\n']);
  });
  it('keeps line ends and byte order mark', async () => {
    const text = `\ufeff${PROJECT.Dockerfile}`.replaceAll('\n', '\r\n');
    const { out } = await dockerfix(folder(READY), ['-', '--context', '.'], { stdin: text });
    expect(out).toBe(`\ufeff${FIXED}`.replaceAll('\n', '\r\n'));
  });
  it('gets no half of a fix: one that needs the ignore file is told, and is whole as a patch', async () => {
    const root = folder();
    const text = await dockerfix(root, ['-', '--context', '.'], { stdin: PROJECT.Dockerfile });
    expect([text.code, text.out]).toEqual([0, PROJECT.Dockerfile]);
    expect(text.err).toContain('Dockerfile:4 ignore-file-needed the fix changes .dockerignore as well');
    const diff = await dockerfix(root, ['-', '--context', '.', '--format', 'diff'], { stdin: PROJECT.Dockerfile });
    expect(diff.out.match(/\+\+\+ .*/g)).toEqual(['+++ b/Dockerfile', '+++ b/.dockerignore']);
  });
  it('with --check exits 1 when it would change', async () => {
    expect((await dockerfix(folder(), ['-', '--check'], { stdin: PROJECT.Dockerfile })).code).toBe(1);
    expect((await dockerfix(folder(), ['-', '--check'], { stdin: FIXED })).code).toBe(0);
  });
  it('that cannot be parsed comes back, with exit 2', async () => {
    const { code, out, err } = await dockerfix(folder(), ['-'], { stdin: 'NONSENSE\n' });
    expect([code, out, err]).toEqual([2, 'NONSENSE\n', expect.stringContaining('Dockerfile:1 syntax-error')]);
  });
});

describe('options', () => {
  it.each<[string, string[], string]>([
    ['an unknown option', ['--dry-run'], 'there is no option --dry-run'],
    ['an unknown letter', ['-z'], 'there is no option -z'],
    ['no format', ['--format'], 'Not enough arguments following: format'],
    ['no context', ['--context'], 'Not enough arguments following: context'],
    ['an unknown builder', ['--builder', 'bazel'], 'Given: "bazel"'],
    ['two styles', ['--style', 'copy', '--style', 'bind'], '--style can be given once'],
    ['an unknown transform to skip', ['--skip', 'late-copy,nothing'], 'there is no transform `nothing`'],
    ['- and --write', ['-', '--write'], '--write means nothing'],
  ])('%s: exit 2, one line and a hint', async (_reason, argv, message) => {
    const { code, out, err } = await dockerfix(folder(), argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err.split('\n').slice(1)).toEqual(['Try `dockerfix --help`.', '']);
  });
  it.each<[string, string[]]>([
    ['switches alone', ['--check', '-q', 'Dockerfile']],
    ['the same through yargs', ['--check', '-q', '--format', 'text', 'Dockerfile']],
    ['after --', ['--check', '-q', '--', 'Dockerfile']],
    ['joined', ['--check', '--quiet', '--context=.', 'Dockerfile']],
  ])('are read alike: %s', async (_reason, argv) => {
    const { code, out, err } = await dockerfix(folder(READY), argv);
    expect([code, err]).toEqual([1, '']);
    expect(out).toContain('+++ b/Dockerfile');
  });
  it('what follows -- is a path, and nothing else is looked at', async () => {
    const files = { ...READY, 'b/Dockerfile': READY.Dockerfile, 'b/package.json': '{}', '-q': READY.Dockerfile };
    for (const more of [[], ['--format', 'diff']]) {
      const { out } = await dockerfix(folder(files), [...more, '--context', '.', '--', 'Dockerfile', '-q']);
      expect([...out.matchAll(/^\+\+\+ b\/(.*)$/gm)].map((match) => match[1])).toEqual(['-q', 'Dockerfile']);
    }
  });
  it('--check --format json exits 1 with the report', async () => {
    const { code, out } = await dockerfix(folder(READY), ['--check', '--format', 'json']);
    expect([code, (JSON.parse(out) as { files: { context: string }[] }).files[0]?.context]).toEqual([1, '.']);
  });
  it.each(['json', 'diff'])('--write --format %s writes, and prints what it wrote', async (format) => {
    const root = folder(READY);
    const { code, out } = await dockerfix(root, ['--write', '--format', format]);
    expect([code, readFileSync(join(root, 'Dockerfile'), 'utf8')]).toEqual([0, FIXED]);
    expect(out).toContain(format === 'json' ? '"changed": 1' : '+++ b/Dockerfile');
  });
  it('--unsafe applies what needs an unknown context, and never an assumed ignore file', async () => {
    const root = folder({ 'docker/Dockerfile': PROJECT.Dockerfile });
    expect((await dockerfix(root, [])).err).toContain('context-unknown');
    const { out } = await dockerfix(root, ['--unsafe']);
    expect(out.match(/\+\+\+ .*/g)).toEqual(['+++ b/docker/Dockerfile']);
  });
});

it('trouble with the machine is told in one line, and exit 2', () => {
  const bin = join(import.meta.dirname, '../../dist/cli.js');
  const { status, stderr } = spawnSync('sh', ['-c', 'mkdir gone && cd gone && rmdir ../gone && exec node "$0"', bin], {
    cwd: folder({}, false),
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([2, expect.stringMatching(/^dockerfix: ENOENT.*\n$/)]);
});
