/** Where the command meets other people's repositories: contexts, links, other encodings, several files at once. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
  it.each<[reason: string, files: Record<string, string>, refused: boolean]>([
    ['lacks what is added', { '.containerignore': 'dist\n' }, true],
    ['is named after the Dockerfile', { 'Dockerfile.containerignore': 'dist\n' }, true],
    ['lacks what the other holds', { '.containerignore': 'dist\n', '.dockerignore': 'node_modules\n' }, true],
    ['says the same as the other', { '.containerignore': 'node_modules\n', '.dockerignore': 'node_modules\n' }, false],
    ["has no say beside the Dockerfile's own", { '.containerignore': '', 'Dockerfile.dockerignore': '' }, false],
  ])('has a .containerignore that %s', async (_reason, files, refused) => {
    const { out, err } = await dockerfix(folder({ ...PROJECT, ...files }), []);
    expect([out === '', err.includes(' ignore-files-differ Podman')]).toEqual([refused, refused]);
    const piped = await dockerfix(folder({ ...PROJECT, ...files }), ['-', '--context', '.', '--format', 'diff'], {
      stdin: PROJECT.Dockerfile,
    });
    expect(piped.out === '').toBe(refused);
  });
  it('is shared with a Dockerfile that was not asked for, and that copies what would be ignored', async () => {
    const root = folder({ ...PROJECT, 'Dockerfile.dev': 'FROM node\nCOPY node_modules ./node_modules\n' });
    const { out, err } = await dockerfix(root, ['Dockerfile']);
    expect(out).toBe('');
    expect(err).toContain('ignored-path-copied');
  });
  const COPIES_THEM = 'FROM node\nCOPY node_modules ./node_modules\n';
  const compose = (build: string): string =>
    `services:\n  a:\n    build: .\n  b:\n    build:\n      context: .\n${build}`;
  it.each<[reason: string, files: Record<string, string>]>([
    ['another way of writing its name', { 'DockerFile.prod': COPIES_THEM }],
    ['an ending of something else', { 'Dockerfile.ts': COPIES_THEM }],
    [
      'a name that a compose file tells',
      { 'prod.docker': COPIES_THEM, 'compose.yml': compose('      dockerfile: prod.docker\n') },
    ],
    [
      'none, in a compose file',
      {
        'compose.yml': compose(
          `      dockerfile_inline: |\n        ${COPIES_THEM.trim().replace('\n', '\n        ')}\n`,
        ),
      },
    ],
    [
      'none, in a bake file',
      { 'docker-bake.json': JSON.stringify({ target: { a: { 'dockerfile-inline': COPIES_THEM } } }) },
    ],
  ])('is shared with a Dockerfile that has %s', async (_reason, files) => {
    const { out, err } = await dockerfix(folder({ ...PROJECT, ...files }), ['Dockerfile']);
    expect(out).toBe('');
    expect(err).toContain('ignored-path-copied');
  });
  it.each<[reason: string, files: Record<string, string>]>([
    ['speaks of Dockerfiles', { 'dockerfile.ts': 'export const node_modules = `$x`;\nCOPY node_modules .\n' }],
    [
      'is built elsewhere',
      {
        'api/own': COPIES_THEM,
        'compose.yml': compose('').replace(/context: \.\n/, 'context: api\n      dockerfile: own\n'),
      },
    ],
  ])('is not shared with what %s', async (_reason, files) => {
    expect((await dockerfix(folder({ ...PROJECT, ...files }), ['Dockerfile'])).out).toContain('+++ b/.dockerignore');
  });
  it('is that of the one link to a Dockerfile, and ambiguous with two', async () => {
    const { '.gitignore': _, Dockerfile, ...rest } = PROJECT;
    const root = folder({
      ...{ ...rest, ...below('a', rest), ...below('b', rest), 'common/Dockerfile': Dockerfile },
      'compose.yml': 'services:\n  a:\n    build: ./a\n',
    });
    symlinkSync('../common/Dockerfile', join(root, 'a/Dockerfile'));
    symlinkSync('../common/Dockerfile', join(root, 'b/Dockerfile'));
    execFileSync('git', ['-C', root, 'add', '-A']);
    const contexts = async (): Promise<readonly unknown[]> => {
      const { outcomes } = await run({ paths: ['.'], cwd: root, fix: {} });
      return outcomes.map(({ context, refused }) => context ?? refused[0]?.code);
    };
    expect(await contexts()).toEqual(['a']);
    writeFileSync(join(root, 'compose.yml'), 'services:\n  a:\n    build: ./a\n  b:\n    build: ./b\n');
    expect(await contexts()).toEqual(['context-ambiguous']);
  });
  it('is that of a symlink which leads nowhere, or out of the repository: nobody minds', async () => {
    const root = folder({ ...READY, 'compose.yml': 'services:\n  a:\n    build: ./a\n', 'a/x': '' });
    symlinkSync('../absent', join(root, 'a/Dockerfile'));
    expect((await dockerfix(root, [])).out).toContain('+++ b/Dockerfile');
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

describe('what is no regular file', () => {
  const pipe = (root: string, path: string): void => {
    rmSync(join(root, path), { force: true });
    execFileSync('mkfifo', [join(root, path)]);
  };
  it.each([
    ['package.json', [0, expect.not.stringContaining('dockerfix:')]],
    ['.dockerfixignore', [2, expect.stringContaining('.dockerfixignore: it is not a regular file')]],
  ])('a pipe named %s is not waited for', async (path, expected) => {
    const root = folder(READY);
    pipe(root, path);
    const { code, err } = await dockerfix(root, []);
    expect([code, err]).toEqual(expected);
  });
  it('nor one in the place of a Dockerfile, nor of another one of the context', async () => {
    const root = folder({ ...PROJECT, 'Dockerfile.dev': 'FROM a\n' });
    pipe(root, 'Dockerfile.dev');
    for (const paths of [[], ['Dockerfile']])
      expect((await dockerfix(root, paths)).out).toContain('+++ b/.dockerignore');
  });
  it('a device as the ignore file has no end to be read to', async () => {
    const root = folder(READY);
    symlinkSync('/dev/zero', join(root, '.dockerfixignore'));
    expect(await dockerfix(root, [])).toMatchObject({
      code: 2,
      err: expect.stringContaining('not a regular file') as string,
    });
    expect((await dockerfix(root, ['--no-config'])).code).toBe(0);
  });
  it('a folder as the ignore file is told', async () => {
    const { code, err } = await dockerfix(folder({ ...READY, '.dockerfixignore/x': '' }), []);
    expect([code, err]).toEqual([2, expect.stringContaining('.dockerfixignore: it is not a regular file')]);
  });
});

describe('control characters', () => {
  const EVIL = '\u001b]0;title\u0007';
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f]/;
  it('of a path that is written do not reach the terminal', async () => {
    const root = folder(below(`d${EVIL}`, READY));
    const { out, err } = await dockerfix(root, ['--write']);
    expect(out).toContain('\\u001b]0;title');
    expect(out + err).not.toMatch(CONTROL);
  });
  it.each([
    ['a key', JSON.stringify({ [EVIL]: 1 })],
    ['a name', JSON.stringify({ transforms: { [EVIL]: true } })],
    ['a context', JSON.stringify({ context: EVIL })],
    ['what is no JSON', `{"a": ${EVIL}}`],
  ])('of a configuration do not either: %s', async (_reason, text) => {
    const { code, err } = await dockerfix(folder({ ...READY, 'dockerfix.config.json': text }), []);
    expect(code).toBe(2);
    expect(err).not.toMatch(CONTROL);
  });
});

describe('what git ignores', () => {
  const NEEDED = { ...READY, '.dockerignore': 'x\n', '.gitignore': '' };
  it('is the first pattern behind a byte order mark, too', async () => {
    const found = await run({ paths: ['.'], cwd: folder({ ...NEEDED, '.gitignore': '\ufeffmade\n' }), fix: {} });
    expect(found.outcomes[0]?.subject?.before.may('made')).toBe(true);
  });
  it('is what a work tree of `git worktree` shares with its clone', async () => {
    const root = folder(NEEDED);
    const git = (...args: string[]): void => {
      const who = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'commit.gpgsign=false'];
      execFileSync('git', ['-C', root, ...who, ...args], { stdio: 'ignore' });
    };
    git('commit', '-m', 'a');
    const tree = join(folder({}, false), 'tree');
    git('worktree', 'add', tree);
    writeFileSync(join(root, '.git/info/exclude'), 'made\n');
    const found = await run({ paths: ['.'], cwd: tree, fix: {} });
    expect(['made', 'other'].map((path) => found.outcomes[0]?.subject?.before.may(path))).toEqual([true, false]);
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
