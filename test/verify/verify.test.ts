import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/index.ts';
import { findEngine, intermediateImages, stepsOf } from '../../src/verify/engines.ts';
import { verificationLines } from '../../src/reporters/verify.ts';
import { imageArchive, type Member } from './archive.ts';

const DOCKERFILE = `FROM node:20 AS app
WORKDIR /app
COPY . .
RUN npm ci
CMD ["node", "server.js"]
`;

let folder: string;
let project: string;
let fake: string;
let engine: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dockerfix-test-'));
  project = join(folder, 'project');
  fake = join(folder, 'fake');
  mkdirSync(project);
  mkdirSync(fake);
  mkdirSync(join(folder, 'tmp'));
  engine = join(folder, 'docker');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  copyFileSync(join(import.meta.dirname, 'fake-engine.js'), engine);
  chmodSync(engine, 0o755);
  vi.stubEnv('FAKE_ENGINE', fake);
  vi.stubEnv('TMPDIR', join(folder, 'tmp'));
  const manifest = { name: 'a', version: '1.0.0', dependencies: { ms: '2.1.3' } };
  const files = {
    Dockerfile: DOCKERFILE,
    '.dockerignore': 'node_modules\n',
    'package.json': `${JSON.stringify(manifest)}\n`,
    'package-lock.json': JSON.stringify({
      ...manifest,
      lockfileVersion: 3,
      packages: { '': manifest, 'node_modules/ms': { version: '2.1.3' } },
    }),
    'server.js': 'require("ms")\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text);
  spawnSync('git', ['init', '-q'], { cwd: project });
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function images(plans: Readonly<Record<string, readonly Member[]>>): Promise<void> {
  for (const [variant, members] of Object.entries(plans))
    writeFileSync(
      join(fake, `${variant}.tar`),
      await imageArchive({ [variant]: { layers: [members], history: ['RUN /bin/sh -c npm ci'] } }),
    );
}

const same: readonly Member[] = [{ name: 'app/server.js', text: 'x' }];

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await main(['verify', '--engine', engine, ...argv], {
    cwd: project,
    environment: process.env,
    isTerminal: false,
    stdin: () => Promise.resolve(new Uint8Array()),
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
  });
  return { code, out, err };
}

interface Call {
  readonly variant: string;
  readonly argv: readonly string[];
  readonly context: string;
  readonly dockerfile: string;
  readonly ignore: string;
  readonly edited: readonly string[];
}

function calls(): Call[] {
  return readFileSync(join(fake, 'calls.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Call);
}

function nothingIsLeft(): void {
  expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  const tags = new Set(calls().map(({ argv }) => argv[argv.indexOf('--tag') + 1]));
  const removed = readFileSync(join(fake, 'removed.txt'), 'utf8').trim().split('\n');
  expect([...removed].sort()).toEqual([...tags].sort());
}

describe('verify', () => {
  it('builds both cold, compares them, and looks at the cache', async () => {
    await images({ original: same });
    const { code, out } = await run();
    expect(out).toContain('Dockerfile the images are the same\n');
    expect(out).toMatch(/after an edit of server\.js: [\d.]+ s before, [\d.]+ s after/);
    expect(out).toContain('    cached: RUN npm ci\n');
    expect(out).toMatch(
      /^ {2}8 builds, .* MB in all, removed; at most \d+ MB of disk at once; BuildKit's cache stays$/m,
    );
    expect(out).toMatch(/after an edit of package\.json: [\d.]+ s, ran again: RUN npm ci/);
    expect(code).toBe(0);
    const made = calls();
    expect(made.slice(0, 3).map(({ variant, argv }) => [variant, argv.includes('--no-cache')])).toEqual([
      ['original', true],
      ['rewritten', true],
      ['original-again', true],
    ]);
    expect(made[0]?.dockerfile).toBe(DOCKERFILE);
    expect(made[1]?.dockerfile).toContain('COPY package.json package-lock.json ./\n');
    expect(made[1]?.ignore).toBe('node_modules\n');
    expect(made.slice(0, 3).every(({ context }) => context === project)).toBe(true);
    // Edits are made to a copy.
    expect(made.filter(({ edited }) => edited.length > 0).every(({ context }) => context !== project)).toBe(true);
    expect(made.flatMap(({ edited }) => edited)).toEqual(['server.js', 'server.js', 'package.json']);
    expect(readFileSync(join(project, 'server.js'), 'utf8')).toBe('require("ms")\n');
    nothingIsLeft();
  });
  it('edits what the manager of a plugin reads, and lets its cache pass', async () => {
    const manager = `{
      name: 'acme', summary: 'acme get', commands: ['acme'], manifests: ['zacme.json'], globs: ['zacme.json'],
      caches: [{ path: '~/.acme', class: 'download' }],
      recognise: (command, place) => ({ manager: 'own/acme', kind: 'install', directory: place.directory, command, place }),
      analyse: ({ directory, command }) => ({
        steps: [{
          name: command.text, edits: [], system: 'none', writes: [directory + '/deps'],
          reads: ['acme-lock.json', 'acme.conf', 'zacme.json'].map((name) => ({ path: directory + '/' + name })),
        }],
        outputs: [directory + '/deps'], ignore: ['deps'], splits: [],
      }),
    }`;
    const files = {
      Dockerfile: 'FROM debian AS app\nWORKDIR /app\nCOPY . .\nRUN acme get\n',
      '.dockerignore': 'deps\n',
      'acme-lock.json': '{}\n',
      'acme.conf': '\n',
      'zacme.json': '{}\n',
      'plugin/own.mjs': `export default { managers: [${manager}] };\n`,
      'dockerfix.config.json': '{ "plugins": ["./plugin/own.mjs"] }\n',
    };
    mkdirSync(join(project, 'plugin'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text);
    writeFileSync(join(fake, 'install'), 'zacme.json acme get');
    await images({ original: same, rewritten: [...same, { name: 'root/.acme/x', text: 'x' }] });
    const { code, out } = await run();
    expect(out).toContain('  stage app: 0 differences (let pass: 1 package-manager-cache)\n');
    expect(out).toMatch(/after an edit of zacme\.json: [\d.]+ s, ran again: RUN acme get/);
    expect(calls().flatMap(({ edited }) => edited)).toEqual(['server.js', 'server.js', 'zacme.json']);
    expect(code).toBe(0);
  });
  it('tells differences with their layer, and exits 1', async () => {
    await images({ original: same, rewritten: [{ name: 'app/server.js', text: 'y', uid: 5 }] });
    const { code, out } = await run('--no-cache');
    expect(out).toContain('Dockerfile the images differ\n  stage app: 2 differences\n');
    expect(out).toContain('    /app/server.js owner: 0:0 → 5:0 (RUN npm ci)\n');
    expect(code).toBe(1);
    const logs = /logs: (.*)/.exec(out)?.[1] ?? '';
    expect(readdirSync(logs).length).toBe(3);
  });
  it('says so first where the original does not build', async () => {
    await images({ original: same });
    writeFileSync(join(fake, 'fails-original'), 'npm error 404');
    const { code, out } = await run();
    expect(out.split('\n')[0]).toBe('Dockerfile the original does not build, so nothing can be said of the rewrite');
    expect(out).toContain('    npm error 404\n');
    expect(code).toBe(2);
    expect(calls()).toHaveLength(1);
  });
  it('tells that a rewrite does not build', async () => {
    await images({ original: same });
    writeFileSync(join(fake, 'fails-rewritten'), 'npm error ENOENT');
    const { code, out } = await run();
    expect(out).toContain('the original builds, the rewrite does not');
    expect(out).toContain('npm error ENOENT');
    expect(code).toBe(1);
  });
  it.each([
    ['fails-original', 'write /x: no space left on device', 'disk-full the disk is full; free some'],
    [
      'fails-original',
      'could not parse ssh: [default]: invalid empty ssh agent socket, make sure SSH_AUTH_SOCK is set',
      'no-ssh-agent there is no SSH agent',
    ],
    ['fails-original', 'Error: creating build executor: $SSH_AUTH_SOCK not set', 'no-ssh-agent there is no SSH agent'],
    [
      'fails-original',
      'Error: creating build executor: could not parse secrets: stat /nope: no such file or directory',
      'not-handed-on could not parse secrets: stat /nope: no such file or directory; mend what --secret',
    ],
    ['version-fails', 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?', 'no-daemon '],
    ['version-fails', 'Got permission denied while trying to connect to the Docker daemon socket', 'no-permission '],
  ])('tells what is wrong with the machine: %s %s', async (file, text, message) => {
    await images({ original: same });
    writeFileSync(join(fake, file), text);
    const { code, err, out } = await run();
    expect(err).toContain(`dockerfix: ${message}`);
    expect(out).toBe('');
    expect(code).toBe(2);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });
  it.each([
    '#8 0.311 curl: (7) connection refused\n#8 ERROR: exit code: 7\nexecutor failed running [/bin/sh -c curl x]: exit code: 7',
    'curl: (7) connection refused\nerror: $SSH_AUTH_SOCK not set\nError: building at STEP "RUN x": exit status 1\ntime="x" level=warning msg="left"',
  ])('does not take what a RUN prints for the builder: %j', async (text) => {
    await images({ original: same });
    writeFileSync(join(fake, 'fails-original'), text);
    const { code, out, err } = await run('-q');
    expect(out).toContain('the original does not build');
    expect(err).toBe('');
    expect(code).toBe(2);
  });
  it('tells of mounts that nothing is handed on for', async () => {
    await images({ original: same });
    const mounts =
      '--mount=type=ssh --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,target=/run/secrets/token';
    writeFileSync(join(project, 'Dockerfile'), DOCKERFILE.replace('RUN', `RUN ${mounts}`));
    const { err } = await run('--no-cache', '-q');
    expect(err).toBe(
      'dockerfix: Dockerfile:4 mounts SSH keys, and no --ssh hands any on, such as `--ssh default`\n' +
        'dockerfix: Dockerfile:4 mounts the secret `npmrc`, and no --secret hands it on\n' +
        'dockerfix: Dockerfile:4 mounts the secret `token`, and no --secret hands it on\n',
    );
    const given = ['--ssh', 'default', '--secret', 'id=npmrc,src=x', '--secret', 'src=y,id=token'];
    expect((await run('--no-cache', '-q', ...given)).err).toBe('');
    expect(calls().at(-1)?.argv.join(' ')).toContain('--secret id=npmrc,src=x --secret src=y,id=token --ssh default');
  });
  it('ends a build that takes too long', async () => {
    await images({ original: same });
    writeFileSync(join(fake, 'hangs'), '');
    const { code, out } = await run('--timeout', '0.5');
    expect(out).toContain('Dockerfile the original does not build in time, so nothing can be said of the rewrite\n');
    expect(out).toContain(
      '  ended after 1 s, --timeout gives it longer: original, stage app\n    #4 [1/3] FROM node\n',
    );
    expect(code).toBe(2);
  });
  it('cleans up on Ctrl-C', async () => {
    await images({ original: same });
    writeFileSync(join(fake, 'hangs'), '');
    const bin = join(import.meta.dirname, '../../dist/cli.js');
    const child = spawn(process.execPath, [bin, 'verify', '--engine', engine], { cwd: project, stdio: 'pipe' });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    await expect.poll(() => existsSync(join(fake, 'calls.jsonl')), { timeout: 20_000 }).toBe(true);
    let err = '';
    child.stderr.on('data', (data: Buffer) => void (err += data.toString()));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(err).toContain('Dockerfile stopped; removing what was built\n');
    nothingIsLeft();
  });
  it('hands options on, keeps images, and prints JSON', async () => {
    await images({ original: same });
    const { code, out } = await run(
      '--build-arg',
      'A=1',
      '--secret',
      'id=x',
      '--keep',
      '--no-cache',
      '--format',
      'json',
      '-q',
    );
    expect(code).toBe(0);
    const { files } = JSON.parse(out) as { files: { verdict: string; kept: string[] }[] };
    expect(files[0]?.verdict).toBe('same');
    expect(files[0]?.kept).toHaveLength(3);
    expect(existsSync(join(fake, 'removed.txt'))).toBe(false);
    expect(calls()[0]?.argv.join(' ')).toContain('--build-arg A=1 --secret id=x');
  });
  it('writes a page', async () => {
    await images({ original: same });
    const page = join(folder, 'page.html');
    const { code } = await run('--no-cache', '-q', '--report', page);
    expect(code).toBe(0);
    expect(readFileSync(page, 'utf8')).toContain(
      '<h3>Built before and after</h3><ul class="said"><li>the images are the same</li>',
    );
    expect((await run('--report', 'page.txt')).err).toContain('its name must end in .html');
  });
  it('builds each stage, the last without naming it', async () => {
    await images({ original: same });
    writeFileSync(
      join(project, 'Dockerfile'),
      `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nFROM node:20\nCOPY --from=0 /app /app\n`,
    );
    const { code, out } = await run('--no-cache');
    expect(code).toBe(0);
    expect(out).toContain('  stage 0: 0 differences\n  stage 1: 0 differences\n');
    const made = calls();
    expect(made).toHaveLength(6);
    expect(made[0]?.argv).not.toContain('--target');
    expect(made[1]?.argv.join(' ')).toContain('--target dockerfix-stage-0');
    expect(made[1]?.argv).not.toContain('--no-cache');
    expect(made[1]?.dockerfile).toContain('FROM node:20 AS dockerfix-stage-0\n');
  });
  it('compares with any other Dockerfile', async () => {
    await images({ original: same });
    writeFileSync(join(folder, 'Other'), 'FROM node:20 AS app\n');
    const { code } = await run('--against', join(folder, 'Other'), '--no-cache', 'Dockerfile');
    expect(code).toBe(0);
    expect(calls()[1]?.dockerfile).toBe('FROM node:20 AS app\n');
  });
  it('has nothing to do where nothing changes', async () => {
    writeFileSync(join(project, 'Dockerfile'), 'FROM node:20\n');
    const { code, err } = await run();
    expect(err).toContain('would not change: there is nothing to verify');
    expect(code).toBe(0);
  });
  it.each([
    [['--target', 'nope'], 'there is no stage `nope`'],
    [['--timeout', '0'], '--timeout takes a number of seconds'],
    [['--against', 'x'], '--against compares with one Dockerfile'],
    [['--engine', 'a', '--engine', 'b'], '--engine can be given once'],
    [['--nope'], 'there is no option --nope'],
  ])('refuses %j', async (argv, message) => {
    const { code, err } = await run(...argv);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});

describe('what a builder keeps', () => {
  const nothing = { stages: [], builds: [], imageBytes: 0, diskBytes: 1e6, seconds: 1, logs: '', kept: [] } as const;
  it.each([
    ['docker', "BuildKit's cache stays"],
    ['nerdctl', "BuildKit's cache stays"],
    ['podman', 'base images that it pulled and cache mounts stay'],
    ['buildah', 'base images that it pulled and cache mounts stay'],
  ])('is told of %s', (engine, left) => {
    const lines = verificationLines('Dockerfile', { engine, verdict: 'original-fails', ...nothing });
    expect(lines.at(-1)).toBe(`  0 builds, 1 s; at most 1 MB of disk at once; ${left}`);
  });
});

describe('engines', () => {
  it('leave the images of an interrupted build, but not those that were there', () => {
    const log = `STEP 1/4: FROM x\nSTEP 2/4: WORKDIR /app\n--> Using cache ${'ab12'.repeat(16)}\n--> ab12ab12ab1\nSTEP 3/4: COPY . .\n--> 4759aaeee6e\nSTEP 4/4: RUN echo "--> 0"\n--> 0\n`;
    expect(intermediateImages(log, false)).toEqual(['4759aaeee6e']);
    expect(intermediateImages(log, true)).toEqual([]);
  });
  it('are told to be absent', async () => {
    expect(await findEngine(undefined, { PATH: project }, project)).toMatchObject({ code: 'no-engine' });
    expect(await findEngine('kaniko', { PATH: project }, project)).toMatchObject({ code: 'no-engine' });
  });
  it('are found on PATH', async () => {
    expect(await findEngine(undefined, { PATH: `${project}:${folder}` }, project)).toMatchObject({
      name: 'docker',
      program: engine,
      buildkit: true,
    });
  });
  it('tell which one they stand in for', async () => {
    const broken = join(project, 'docker');
    writeFileSync(broken, '#!/bin/sh\necho "Cannot connect to the Docker daemon at x" >&2; exit 1\n');
    chmodSync(broken, 0o755);
    expect(await findEngine(undefined, { PATH: `${project}:${folder}` }, project)).toMatchObject({
      program: engine,
      insteadOf: `${broken}: the builder's daemon cannot be reached`,
    });
  });
  it('need BuildKit', async () => {
    writeFileSync(engine, '#!/bin/sh\ncase $1 in version) echo 28.2.2;; *) exit 1;; esac\n');
    expect(await findEngine('docker', { PATH: folder }, project)).toMatchObject({ code: 'no-buildkit' });
  });
  it.each([
    [
      true,
      '#1 [internal] load build definition\n#1 DONE 0.0s\n#4 [build 1/2] FROM x\n#4 CACHED\n#5 [build 2/2] RUN a\n#5 0.1 [1/2] RUN fake\n#5 DONE 1.5s\n#6 [2/9] COPY a b\n#6 CACHED\n',
      [
        { text: 'FROM x', cached: true, place: { stage: 'build', number: 1 } },
        { text: 'RUN a', cached: false, seconds: 1.5, place: { stage: 'build', number: 2 } },
        { text: 'COPY a b', cached: true, place: { stage: '', number: 2 } },
      ],
    ],
    [
      true,
      '#7 [2/3] RUN b\n#6 [other 2/2] RUN c\n#8 [3/3] RUN a\n#8 DONE 1.0s\n#5 [1/3] FROM x\n',
      [
        { text: 'FROM x', cached: false, place: { stage: '', number: 1 } },
        { text: 'RUN b', cached: false, place: { stage: '', number: 2 } },
        { text: 'RUN a', cached: false, seconds: 1, place: { stage: '', number: 3 } },
        { text: 'RUN c', cached: false, place: { stage: 'other', number: 2 } },
      ],
    ],
    [
      false,
      'STEP 1/2: FROM x\nSTEP 2/2: RUN a\n--> Using cache 12ab\nSTEP 3/3: COPY a b\n',
      [
        { text: 'FROM x', cached: false },
        { text: 'RUN a', cached: true },
        { text: 'COPY a b', cached: false },
      ],
    ],
  ])('tell their steps (BuildKit: %s)', (buildkit, log, steps) => {
    expect(stepsOf(log, buildkit)).toEqual(steps);
  });
});
