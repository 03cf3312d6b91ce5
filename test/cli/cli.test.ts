import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { transforms } from '../../src/index.ts';
import { History } from '../support/history.ts';
import { dockerfix, FIXED, folder, PROJECT } from './support.ts';

describe('preview', () => {
  it('prints a diff that git apply and patch take, writes nothing, exits 0', async () => {
    const root = folder();
    const { code, out, err } = await dockerfix(root, []);
    expect(code).toBe(0);
    expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).toBe(PROJECT.Dockerfile);
    expect(existsSync(join(root, '.dockerignore'))).toBe(false);
    expect(err).toContain('Dockerfile:4 split-dependency-manifests copies package.json, package-lock.json');
    expect(err).toContain('1 Dockerfile: 1 would change (1 fix), 0 refusals');
    const copy = folder();
    execFileSync('git', ['-C', root, 'apply', '-'], { input: out });
    execFileSync('patch', ['-p1', '-s'], { cwd: copy, input: out });
    for (const each of [root, copy]) {
      expect(readFileSync(join(each, 'Dockerfile'), 'utf8')).toBe(FIXED);
      expect(readFileSync(join(each, '.dockerignore'), 'utf8')).toBe('node_modules\n');
    }
  });
  it.each([
    ['CRLF', { ...PROJECT, Dockerfile: PROJECT.Dockerfile.replaceAll('\n', '\r\n') }],
    ['no line end at the end', { ...PROJECT, Dockerfile: PROJECT.Dockerfile.trimEnd(), '.dockerignore': '.git' }],
    ['a byte order mark', { ...PROJECT, Dockerfile: `\ufeff${PROJECT.Dockerfile}` }],
    [
      'blanks and quotes in paths',
      Object.fromEntries(Object.entries(PROJECT).map(([path, text]) => [`a b"c/${path}`, text])),
    ],
  ])('the diff applies with %s', async (_reason, files) => {
    const root = folder(files);
    const { out } = await dockerfix(root, []);
    const written = folder(files);
    await dockerfix(written, ['--write']);
    execFileSync('git', ['-C', root, 'apply', '--whitespace=nowarn', '-'], { input: out });
    const path = Object.keys(files).find((each) => each.endsWith('Dockerfile')) as string;
    expect(readFileSync(join(root, path), 'utf8')).toBe(readFileSync(join(written, path), 'utf8'));
    expect(readFileSync(join(root, path), 'utf8')).not.toBe((files as Record<string, string>)[path]);
  });
  it('is relative to the directory that it runs in', async () => {
    const root = folder(Object.fromEntries(Object.entries(PROJECT).map(([path, text]) => [`api/${path}`, text])));
    expect((await dockerfix(join(root, 'api'), [])).out).toContain('+++ b/Dockerfile');
    expect((await dockerfix(root, [])).out).toContain('+++ b/api/Dockerfile');
  });
  it('colours on a terminal only, unless told', async () => {
    const root = folder();
    const colored = async (argv: string[], more: object): Promise<boolean> =>
      (await dockerfix(root, argv, more)).out.includes('\u001b[');
    expect(await colored([], {})).toBe(false);
    expect(await colored([], { isTerminal: true })).toBe(true);
    expect(await colored([], { isTerminal: true, environment: { NO_COLOR: '1' } })).toBe(false);
    expect(await colored(['--color'], {})).toBe(true);
    expect(await colored(['--no-color'], { isTerminal: true })).toBe(false);
    expect(await colored([], { environment: { FORCE_COLOR: '1' } })).toBe(true);
  });
  it('works outside of git', async () => {
    expect((await dockerfix(folder(PROJECT, false), [])).out).toContain('+COPY package.json package-lock.json ./');
  });
  it('says so when there is nothing', async () => {
    expect(await dockerfix(folder({ a: '' }), [])).toEqual({ code: 0, out: '', err: 'no Dockerfiles found\n' });
  });
});

describe('which files', () => {
  it('skips ignored ones, node_modules and templates with a note', async () => {
    const root = folder({
      ...PROJECT,
      'Dockerfile.j2': 'FROM {{x}}',
      'Dockerfile.twig': '{% if x %}',
      'node_modules/a/Dockerfile': 'FROM a\n',
    });
    writeFileSync(join(root, '.gitignore'), 'node_modules\nbuild\n');
    mkdirSync(join(root, 'build'));
    writeFileSync(join(root, 'build/Dockerfile'), PROJECT.Dockerfile);
    const { err } = await dockerfix(root, []);
    expect(err).toContain('Dockerfile.j2 template-skipped');
    expect(err).toContain('Dockerfile.twig template-skipped');
    expect(err).toContain('1 Dockerfile:');
  });
  it('takes a named file whatever it is called', async () => {
    const root = folder({ ...PROJECT, build: PROJECT.Dockerfile });
    expect((await dockerfix(root, ['build'])).out).toContain('+++ b/build');
  });
  it('reads requirements that PowerShell wrote', async () => {
    const root = folder({
      Dockerfile: 'FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n',
    });
    for (const [mark, encoding] of [
      [[0xff, 0xfe], 'utf16le'],
      [[], 'utf8'],
    ] as const) {
      writeFileSync(
        join(root, 'requirements.txt'),
        Buffer.concat([Buffer.from(mark), Buffer.from('flask==3.0.0\r\n-r more.txt\r\n', encoding)]),
      );
      writeFileSync(join(root, 'more.txt'), 'click\n');
      expect((await dockerfix(root, [])).out).toContain('+COPY requirements.txt more.txt ./');
    }
  });
  it('enters a directory that the base image has, beside what is copied there', async () => {
    const root = folder({
      Dockerfile:
        'FROM nginx\nCOPY conf /usr/share/nginx\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN cd /usr/share/nginx/html && ls\n',
      'package.json': '{}',
      'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
      'conf/nginx.conf': '',
    });
    // The context is not taken for one that lacks it.
    expect((await dockerfix(root, [])).err).toContain('Dockerfile:5 intervening-run-reads-source `npm ci`');
  });
  it.each([
    [
      'a RUN goes',
      'WORKDIR /src\nADD . .\nRUN cd apps/web && npm install && npm run build\n',
      'ADD apps/web/package.json ./apps/web/',
    ],
    [
      'a WORKDIR goes',
      'COPY . /src\nWORKDIR /src/apps/web\nRUN npm install\n',
      'COPY apps/web/package.json /src/apps/web/',
    ],
  ])('builds from where the directory is to which %s', async (_what, lines, added) => {
    const root = folder({
      'apps/web/Dockerfile': `FROM node:22\n${lines}`,
      'apps/web/package.json': '{}',
      'go.work': '',
    });
    expect((await dockerfix(root, ['apps/web'])).out).toContain(`+${added}\n`);
  });
  it.each([
    ['COPY . .\nRUN npm ci\nRUN npm run build --workspace=apps/web\n', true],
    ['COPY . .\nRUN npm ci\nFROM nginx\nCOPY --from=build /src/apps/web/dist /usr/share/nginx/html\n', true],
    ['COPY . .\nRUN npm ci\nWORKDIR /src/apps/web\n', true],
    ['WORKDIR /src/apps/web\nCOPY . .\nRUN npm ci\nCMD ["node", "/src/apps/web/server.js"]\n', false],
    ['COPY . .\nRUN npm ci\nFROM nginx\nCOPY --from=build /src/web/dist /usr/share/nginx/html\n', false],
  ])('sees that a Dockerfile speaks of its own directory: %s', async (lines, isAbove) => {
    const root = folder({
      'apps/web/Dockerfile': `FROM node:22 AS build\nWORKDIR /src\n${lines}`,
      'apps/web/package.json': '{}',
      'apps/web/package-lock.json': '{}',
      'package.json': '{"workspaces":["apps/*"]}',
      'package-lock.json': '{}',
    });
    const { out } = await dockerfix(root, ['apps/web/Dockerfile']);
    expect(out).toContain('+COPY package.json package-lock.json ./');
    expect(out.includes('+COPY apps/web/package.json ./apps/web/')).toBe(isAbove);
  });
  it('takes a project that is not copied yet for no sign of another context', async () => {
    const project = (...others: string[]): string =>
      `<Project Sdk="Microsoft.NET.Sdk"><ItemGroup>${others.map((each) => `<ProjectReference Include="${each}" />`).join('')}</ItemGroup></Project>`;
    const root = folder({
      'admin/Server/Dockerfile':
        'FROM mcr.microsoft.com/dotnet/sdk:9.0 AS build\nWORKDIR /src\nCOPY Server/Server.csproj Server/\nRUN dotnet restore Server/Server.csproj\nCOPY . .\nWORKDIR /src/Server\nRUN dotnet build Server.csproj\nFROM build AS publish\nRUN dotnet publish Server.csproj -o /out\n',
      'admin/Server/Server.csproj': project('../Client/Client.csproj'),
      'admin/Client/Client.csproj': project(),
    });
    expect((await dockerfix(root, [])).err).toContain(
      'manifests-incomplete `dotnet restore Server/Server.csproj` runs without Client/Client.csproj',
    );
  });
  it('goes on after one that cannot be read or parsed, and exits 2', async () => {
    const root = folder({ ...PROJECT, 'Dockerfile.bad': 'NONSENSE\n' });
    writeFileSync(join(root, 'Dockerfile.latin'), Buffer.from([0x46, 0xff, 0x0a]));
    const { code, out, err } = await dockerfix(root, ['.', 'absent']);
    expect(code).toBe(2);
    expect(out).toContain('+++ b/Dockerfile\n');
    expect(err).toContain('Dockerfile.bad:1 syntax-error unknown instruction');
    expect(err).toContain('Dockerfile.latin:1 not-utf8');
    expect(err).toContain('absent unreadable no such file or directory');
  });
});

describe('--write', () => {
  it('applies both files, keeps the mode, prints what changed', async () => {
    const root = folder();
    chmodSync(join(root, 'Dockerfile'), 0o755);
    const { code, out } = await dockerfix(root, ['--write']);
    expect([code, out]).toEqual([0, 'Dockerfile\n.dockerignore\n']);
    expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).toBe(FIXED);
    expect(statSync(join(root, 'Dockerfile')).mode & 0o777).toBe(0o755);
    expect(readdirSync(root).filter((name) => name.startsWith('.dockerfix'))).toEqual([]);
    expect((await dockerfix(root, ['--check'])).code).toBe(0);
  });
  it('adds a shared ignore line once', async () => {
    const root = folder({ ...PROJECT, 'Dockerfile.dev': PROJECT.Dockerfile });
    const { out } = await dockerfix(root, []);
    expect(out.match(/\+\+\+ b\/\.dockerignore/g)).toHaveLength(1);
    await dockerfix(root, ['--write']);
    expect(readFileSync(join(root, '.dockerignore'), 'utf8')).toBe('node_modules\n');
    expect((await dockerfix(root, [])).out).toBe('');
  });
  it('follows a symlink inside the repository, and none out of it', async () => {
    const root = folder({ ...PROJECT, 'real/x': PROJECT.Dockerfile });
    const outside = folder({ Dockerfile: PROJECT.Dockerfile });
    symlinkSync('real/x', join(root, 'link'));
    symlinkSync(join(outside, 'Dockerfile'), join(root, 'escape'));
    expect((await dockerfix(root, ['--write', '--context', '.', 'link'])).code).toBe(0);
    expect(readFileSync(join(root, 'real/x'), 'utf8')).toBe(FIXED);
    const { code, err } = await dockerfix(root, ['--write', '--context', '.', 'escape']);
    expect([code, err]).toEqual([2, expect.stringContaining('outside of the repository')]);
    expect(readFileSync(join(outside, 'Dockerfile'), 'utf8')).toBe(PROJECT.Dockerfile);
  });
});

describe('--check', () => {
  it('exits 1 when something would change, and writes nothing', async () => {
    const root = folder();
    expect((await dockerfix(root, ['--check'])).code).toBe(1);
    expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).toBe(PROJECT.Dockerfile);
  });
});

describe('standard input', () => {
  it('prints the rewritten text, by globs, as unsafe', async () => {
    const { code, out, err } = await dockerfix(folder(), ['-'], { stdin: PROJECT.Dockerfile });
    expect([code, out]).toEqual([0, 'FROM node:20\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\n']);
    expect(err).toContain('[unsafe:');
  });
  it('uses a context that it is given', async () => {
    const root = folder({ ...PROJECT, '.dockerignore': 'node_modules' });
    const { out, err } = await dockerfix(root, ['-', '--context', '.', '--stdin-filepath', 'x/Dockerfile'], {
      stdin: PROJECT.Dockerfile,
    });
    expect(out).toBe(FIXED);
    expect(err).toContain('x/Dockerfile:4');
  });
  it('gives back what it does not change', async () => {
    expect((await dockerfix(folder(), ['-'], { stdin: 'FROM a\n' })).out).toBe('FROM a\n');
  });
});

describe('standard input under a configuration', () => {
  const config = (value: object): Record<string, string> => ({
    ...PROJECT,
    'dockerfix.config.json': JSON.stringify(value),
  });
  const stdin = PROJECT.Dockerfile;
  it('leaves out what that leaves out', async () => {
    const root = folder(config({ transforms: { 'split-dependency-manifests': false } }));
    expect((await dockerfix(root, ['-'], { stdin })).out).toBe(stdin);
    expect((await dockerfix(root, ['-', '--no-config'], { stdin })).out).not.toBe(stdin);
  });
  it('takes what holds for the file, by its path', async () => {
    const root = folder(config({ overrides: [{ files: ['api/Dockerfile'], style: 'bind' }] }));
    expect((await dockerfix(root, ['-', '--stdin-filepath', 'api/Dockerfile'], { stdin })).out).toContain('type=bind');
    expect((await dockerfix(root, ['-'], { stdin })).out).not.toContain('type=bind');
  });
  it('is built from the context of that', async () => {
    const { err } = await dockerfix(folder(config({ context: '.' })), ['-'], { stdin });
    expect(err).toContain('ignore-file-needed');
  });
  it('is left alone where that says so', async () => {
    const root = folder({ ...PROJECT, '.dockerfixignore': 'api/\n' });
    const argv = ['-', '--stdin-filepath', 'api/Dockerfile'];
    const { code, out, err } = await dockerfix(root, argv, { stdin });
    expect([code, out, err]).toEqual([0, stdin, expect.stringContaining('ignored-by-configuration')]);
    expect((await dockerfix(root, [...argv, '--format', 'diff'], { stdin })).out).toBe('');
    expect(JSON.parse((await dockerfix(root, [...argv, '--format', 'json'], { stdin })).out)).toMatchObject({
      files: [],
    });
  });
});

describe('options', () => {
  it.each<[string, string[], string]>([
    ['an unknown option', ['--frobnicate'], 'frobnicate'],
    ['an unknown transform', ['--transform', 'nothing'], 'split-dependency-manifests'],
    ['a bad choice', ['--style', 'none'], 'Choices'],
    ['write and check', ['--write', '--check'], 'exclude'],
    ['- and a path', ['-', 'a'], 'cannot be combined'],
  ])('%s is a usage error', async (_reason, argv, message) => {
    const { code, out, err } = await dockerfix(folder(), argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });
  it('--skip and --transform choose', async () => {
    const root = folder();
    expect((await dockerfix(root, ['--skip', transforms.map((each) => each.name).join(',')])).out).toBe('');
    expect((await dockerfix(root, ['--transform', 'late-copy'])).out).toBe('');
  });
  it('--style bind mounts the manifests instead', async () => {
    expect(
      (await dockerfix(folder({ ...PROJECT, '.dockerignore': 'node_modules' }), ['--style', 'bind'])).out,
    ).toContain(
      '+RUN --mount=type=bind,source=package.json,target=package.json \\\n+    --mount=type=bind,source=package-lock.json,target=package-lock.json \\\n+    npm ci\n',
    );
  });
  it('--quiet leaves the diff', async () => {
    const { out, err } = await dockerfix(folder(), ['--quiet']);
    expect(out).toContain('+++ b/Dockerfile');
    expect(err).toBe('');
  });
  it('--list, --help and --version print', async () => {
    expect((await dockerfix('/', ['--list'])).out).toMatch(/split-dependency-manifests[\s\S]*pnpm/);
    expect((await dockerfix('/', ['--help'])).out).toContain('--stdin-filepath');
    expect((await dockerfix('/', ['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
  it('--context decides, and a directory without the sources is told apart from one that is right', async () => {
    const root = folder({
      'docker/Dockerfile': PROJECT.Dockerfile,
      'app/package.json': '{}',
      'app/package-lock.json': '{}',
    });
    expect((await dockerfix(root, [])).err).toContain('context-unknown');
    expect((await dockerfix(root, ['--context', 'app', 'docker/Dockerfile'])).out).toContain(
      '+COPY package.json package-lock.json ./',
    );
  });
});

describe('--format json', () => {
  it('is what its schema says', async () => {
    const root = folder({
      ...PROJECT,
      'Dockerfile.bad': 'X\n',
      'Dockerfile.j2': '',
      'Dockerfile.no': 'FROM node\nCOPY . .\nRUN ./x\nRUN npm ci\n',
    });
    const { out, code } = await dockerfix(root, ['--format', 'json']);
    const report = JSON.parse(out) as { files: unknown[]; summary: object };
    const schema = JSON.parse(
      readFileSync(join(import.meta.dirname, '../../schema/output.schema.json'), 'utf8'),
    ) as object;
    const validate = new Ajv2020({ strict: false }).compile(schema);
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    expect(report.summary).toEqual({ files: 3, changed: 1, fixes: 1, refusals: 2, failed: 1 });
    expect(code).toBe(2);
  });
});

describe('ignoring', () => {
  it.each(['# dockerfix ignore', '# dockerfix ignore=split-dependency-manifests,late-copy'])(
    '%s spares the instruction below',
    async (comment) => {
      const root = folder({
        ...PROJECT,
        '.dockerignore': 'node_modules',
        Dockerfile: PROJECT.Dockerfile.replace('RUN npm', `${comment}\nRUN npm`),
      });
      expect((await dockerfix(root, [])).out).toBe('');
    },
  );
  it('# dockerfix ignore-file spares the file', async () => {
    expect(
      (await dockerfix(folder({ ...PROJECT, Dockerfile: `# dockerfix ignore-file\n${PROJECT.Dockerfile}` }), [])).out,
    ).toBe('');
  });
});

describe('the built command', () => {
  const bin = join(import.meta.dirname, '../../dist/cli.js');
  it('runs', () => {
    const { status, stdout } = spawnSync(process.execPath, [bin, 'Dockerfile'], { cwd: folder(), encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toContain('+COPY package.json package-lock.json ./');
  });
  it('reads YAML, HCL and standard input', () => {
    const root = folder({
      ...PROJECT,
      'package.json': '{"workspaces":[]}',
      'pnpm-workspace.yaml': 'packages: []\n',
      'docker-bake.hcl': 'target "a" {\n context = "."\n}\n',
    });
    expect(spawnSync(process.execPath, [bin], { cwd: root, encoding: 'utf8' }).status).toBe(0);
    expect(
      spawnSync(process.execPath, [bin, '-'], { cwd: root, encoding: 'utf8', input: PROJECT.Dockerfile }).stdout,
    ).toContain('COPY package*.json ./');
  });
  it('ends quietly when nobody reads on', async () => {
    const root = folder(
      Object.fromEntries(
        Array.from({ length: 400 }, (_, n) =>
          Object.entries(PROJECT).map(([path, text]) => [`s${n}/${path}`, text]),
        ).flat(),
      ) as Record<string, string>,
    );
    const child = spawn(process.execPath, [bin], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((done) => child.on('close', done));
    expect(code).toBe(0);
    expect(err).not.toContain('EPIPE');
  });
  it('leaves nothing half-written on Ctrl-C', async () => {
    const root = folder(
      Object.fromEntries(
        Array.from({ length: 300 }, (_, n) =>
          Object.entries({ ...PROJECT, '.dockerignore': 'node_modules' }).map(([path, text]) => [
            `s${n}/${path}`,
            text,
          ]),
        ).flat(),
      ) as Record<string, string>,
    );
    const child = spawn(process.execPath, [bin, '--write'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.once('data', () => child.kill('SIGINT'));
    await new Promise((done) => child.on('close', done));
    for (let n = 0; n < 300; n++) {
      expect([PROJECT.Dockerfile, FIXED]).toContain(readFileSync(join(root, `s${n}/Dockerfile`), 'utf8'));
      expect(readdirSync(join(root, `s${n}`)).filter((name) => name.startsWith('.dockerfix'))).toEqual([]);
    }
  });
});

it('runs nothing of a hostile repository and lets no file name move the cursor', async () => {
  const root = folder({
    ...PROJECT,
    '\u001b[31mDockerfile.evil': 'FROM node\nCOPY . .\nRUN ./x\nRUN npm ci\n',
    '--help': '',
    'Dockerfile.\nnew': 'FROM a\n',
  });
  const proof = join(root, 'ran');
  writeFileSync(join(root, 'hook.sh'), `#!/bin/sh\ntouch ${proof}\n`, { mode: 0o755 });
  execFileSync('git', ['-C', root, 'config', 'core.fsmonitor', join(root, 'hook.sh')]);
  execFileSync('git', ['-C', root, 'config', 'core.hooksPath', root]);
  rmSync(proof, { force: true });
  const { err } = await dockerfix(root, []);
  expect(existsSync(proof)).toBe(false);
  expect(err).not.toContain('\u001b');
});

describe('--history', () => {
  const source = 'FROM a\nCOPY src /srv/src\nCOPY docs /srv/docs\nRUN ./a\n';
  const files = { Dockerfile: source, 'src/a.js': '0', 'docs/a.md': '0' };
  it('orders copies by it, and says where it is too short', async () => {
    const history = new History(files);
    for (let at = 1; at < 20; at++) history.commit({ 'src/a.js': `${at}` });
    const short = await dockerfix(history.root, ['--history']);
    expect(short.out).toBe('');
    expect(short.err).toContain('history-too-short has 19 commits');
    history.commit({ 'src/a.js': '20' });
    expect((await dockerfix(history.root, [])).out).toBe('');
    const { out, err } = await dockerfix(history.root, ['--history']);
    expect(out).toContain(' COPY docs /srv/docs\n+COPY src /srv/src\n');
    expect(err).toContain('in how many of 20 commits their files changed (`COPY src /srv/src` 20)');
    expect((await dockerfix(history.root, ['--history', '--write'])).code).toBe(0);
    history.commit({});
    expect((await dockerfix(history.root, ['--history'])).out).toBe('');
  });
  it('counts only what lies in the context', async () => {
    const inside = Object.fromEntries(Object.entries(files).map(([path, text]) => [`api/${path}`, text]));
    const history = new History({ ...inside, 'src/a.js': '0' });
    for (let at = 1; at <= 20; at++) history.commit({ 'api/src/a.js': `${at}`, 'docs/a.md': `${at}` });
    expect((await dockerfix(history.root, ['--history'])).out).toContain('+COPY src /srv/src\n');
    const { out } = await dockerfix(history.root, ['replay', '--history', '--format', 'json']);
    expect(out).toContain('"cost": {\n            "before": 340,\n            "after": 320');
  });
});
