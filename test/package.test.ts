/** The package as somebody else gets it: packed, installed elsewhere, run, imported and type-checked. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transforms } from '../transforms/index.ts';

const root = join(import.meta.dirname, '..');
let folder: string;
let listing: string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dockerfix-pack-'));
  // `--ignore-scripts`: the tests run on what was built already.
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as unknown;
  const { filename, files } = (Array.isArray(packed) ? packed[0] : Object.values(packed as object)[0]) as {
    filename: string;
    files: { path: string }[];
  };
  listing = files.map((file) => file.path);
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, filename)], {
    cwd: folder,
    stdio: 'ignore',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed package', () => {
  it('holds what is needed and nothing else', () => {
    expect(listing).toEqual(
      expect.arrayContaining([
        'package.json',
        'README.md',
        'LICENSE',
        'dist/cli.js',
        'dist/index.js',
        'dist/plugin.js',
        'dist/testing.js',
        'schema/output.schema.json',
      ]),
    );
    expect(
      listing.filter(
        (path) => !/^(?:dist\/|schema\/|templates\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path),
      ),
    ).toEqual([]);
  });
  it('runs by its name', () => {
    mkdirSync(join(folder, 'app'));
    writeFileSync(join(folder, 'app/Dockerfile'), 'FROM node\nWORKDIR /app\nCOPY . /app\nRUN npm install\n');
    writeFileSync(join(folder, 'app/package.json'), '{}');
    const { stdout } = spawnSync(join(folder, 'node_modules/.bin/dockerfix'), ['app'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stdout).toContain('+COPY package.json /app/');
  });
  it('can be imported by its three doors, two of them without Node, with types', () => {
    const program = `
      import { fix, fixText, memoryContext, transforms, type Outcome } from 'dockerfix';
      import { traceOf, type Transform } from 'dockerfix/plugin';
      import { runFixture } from 'dockerfix/testing';
      const context = memoryContext({ 'package.json': '{}', '.dockerignore': 'node_modules' });
      const outcome: Outcome = fix({ path: 'Dockerfile', source: 'FROM node\\nWORKDIR /app\\nCOPY . .\\nRUN npm i\\n' }, context);
      const none: Transform = { name: 'a/b', summary: '', *propose(file, around) { traceOf(file, around); } };
      const text: string = fixText('FROM node\\nCOPY . /app\\nRUN cd /app && npm i\\n').status;
      console.log(JSON.stringify([outcome.status, transforms.map(({ name }) => name), none.name, text, runFixture({ files: { Dockerfile: 'FROM a\\n' } }).broken]));
    `;
    writeFileSync(join(folder, 'use.ts'), program);
    writeFileSync(
      join(folder, 'tsconfig.json'),
      '{"compilerOptions":{"strict":true,"module":"nodenext","target":"es2023","lib":["es2023","dom"],"types":[],"outDir":"out","skipLibCheck":false}}',
    );
    const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    });
    expect(tsc.stdout).toBe('');
    const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'out/use.js')], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(['changed', transforms.map(({ name }) => name), 'a/b', 'changed', []]);
    for (const door of ['index', 'plugin'])
      expect(readFileSync(join(root, `dist/${door}.js`), 'utf8')).not.toMatch(/from ?["']node:/);
  });
});

const npm = (argv: readonly string[], cwd: string): string =>
  execFileSync('npm', [...argv], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

/** Compiled and tested as an outside package: the packed dockerfix is what it imports. */
function passesItsTests(plugin: string, cases: number): void {
  // Its own devDependencies, from here.
  for (const types of ['@types/node', 'undici-types'])
    cpSync(join(root, 'node_modules', types), join(folder, 'node_modules', types), { recursive: true });
  const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], {
    cwd: plugin,
    encoding: 'utf8',
  });
  expect(tsc.stdout).toBe('');
  const { stdout, status } = spawnSync(process.execPath, ['--test', 'dist/test/'], {
    cwd: plugin,
    encoding: 'utf8',
    env: { ...process.env, UPDATE: '' },
  });
  expect(status, stdout).toBe(0);
  expect(stdout).toMatch(new RegExp(`^# pass ${cases}$`, 'm'));
}

/** Installed from its own tarball and named by a configuration, it changes a Dockerfile. */
function worksWhenInstalled(plugin: string, name: string, files: Record<string, string>, expected: string): void {
  npm(['pack', '--ignore-scripts', '--pack-destination', folder], plugin);
  npm(['install', '--no-audit', '--no-fund', '--prefer-offline', `./${name}-0.1.0.tgz`], folder);
  const project = join(folder, `uses-${name}`);
  mkdirSync(project);
  for (const [path, text] of Object.entries(files)) writeFileSync(join(project, path), text);
  writeFileSync(join(project, 'dockerfix.config.json'), JSON.stringify({ plugins: [name] }));
  const { stdout, stderr } = spawnSync(join(folder, 'node_modules/.bin/dockerfix'), [], {
    cwd: project,
    encoding: 'utf8',
  });
  expect(stdout, stderr).toContain(expected);
}

describe.each([
  ['dockerfix-vcpkg', 'FROM a\nWORKDIR /src\nCOPY . .\nRUN vcpkg install\n', '+COPY vcpkg.json ./'],
  ['dockerfix-late-expose', 'FROM a\nEXPOSE 80\nRUN apk add nginx\n', '-EXPOSE 80\n RUN apk add nginx\n+EXPOSE 80'],
])('the example plugin %s, as an outside package', (name, dockerfile, expected) => {
  it('compiles and passes its own fixtures against the packed dockerfix', () => {
    cpSync(join(root, 'examples', name), join(folder, name), { recursive: true });
    passesItsTests(join(folder, name), 3);
  });
  it('works from its own tarball, named by a configuration', () => {
    const files = { Dockerfile: dockerfile, 'vcpkg.json': '{}', '.dockerignore': 'vcpkg_installed\n' };
    worksWhenInstalled(join(folder, name), name, files, expected);
  });
});

describe.each([
  [
    'transform',
    'late-label',
    4,
    'FROM a\nLABEL a=b\nRUN apk add nginx\n',
    '-LABEL a=b\n RUN apk add nginx\n+LABEL a=b',
  ],
  ['manager', 'acme', 3, 'FROM a\nWORKDIR /src\nCOPY . .\nRUN acme install\n', '+COPY acme.json ./'],
])('a %s made by the packed `dockerfix new`', (kind, short, cases, dockerfile, expected) => {
  const name = `dockerfix-${short}`;
  it('passes its tests as it is, and works from its own tarball', () => {
    execFileSync(join(folder, 'node_modules/.bin/dockerfix'), ['new', kind, short], { cwd: folder, stdio: 'ignore' });
    passesItsTests(join(folder, name), cases);
    const files = { Dockerfile: dockerfile, 'acme.json': '{}', '.dockerignore': 'acme_modules\n' };
    worksWhenInstalled(join(folder, name), name, files, expected);
  });
});

it("the README's first command shows the diff that it promises", () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const line = /npm ci && node dist\/cli\.js (\S+)/.exec(readme)?.[1];
  expect(line).toBeDefined();
  const { stdout, status } = spawnSync(process.execPath, ['dist/cli.js', line as string], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout).toContain('-COPY . /app\n+COPY package.json /app/\n RUN npm install\n+COPY . /app\n');
});
