import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dockerfix } from '../cli/support.ts';
import { History, shallowClone, type Files } from '../support/history.ts';

const NODE: Files = {
  Dockerfile: 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD ["node", "server.js"]\n',
  '.dockerignore': 'node_modules\ndocs\n',
  '.gitignore': 'node_modules\n',
  'package.json': '{"name":"a","version":"1.0.0"}\n',
  'package-lock.json':
    '{"name":"a","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"a","version":"1.0.0"}}}\n',
  'server.js': '0',
  'docs/a.md': '0',
};

interface Report {
  readonly commits: number;
  readonly shallow: boolean;
  readonly files: readonly {
    readonly path: string;
    readonly commits: number;
    readonly installs: readonly {
      command: string;
      line: number;
      before: number;
      after: number;
      least: number | null;
    }[];
    readonly layers: { before: number; after: number };
    readonly cost: { before: number; after: number; unit: string };
    readonly savedPerMonth?: number;
  }[];
}

async function replayed(root: string, ...argv: string[]): Promise<Report> {
  const { code, out, err } = await dockerfix(root, ['replay', '--format', 'json', ...argv]);
  expect(err).toBe('');
  expect(code).toBe(0);
  return (JSON.parse(out) as { repositories: [Report] }).repositories[0];
}

async function install(root: string, ...argv: string[]): Promise<string> {
  const { files } = await replayed(root, ...argv);
  const [first] = files[0]?.installs ?? [];
  return first === undefined ? 'none' : `${first.before} → ${first.after} (${first.least ?? '?'})`;
}

/** Each commit after the first; `before → after (least)` of the install. */
const CASES: readonly (readonly [reason: string, commits: readonly Files[], expected: string])[] = [
  ['nothing that is copied', [{ 'docs/a.md': '1' }, {}], '0 → 0 (0)'],
  ['source', [{ 'server.js': '1' }, { 'server.js': '2' }], '2 → 0 (0)'],
  ['the manifest', [{ 'package.json': '{"name":"a","version":"1.0.1"}\n' }], '1 → 1 (1)'],
  ['the Dockerfile, which is copied too', [{ Dockerfile: `${NODE['Dockerfile'] ?? ''}# x\n` }], '1 → 0 (0)'],
  ['the ignore file, which is copied too', [{ '.dockerignore': 'node_modules\ndocs\nx\n' }], '1 → 0 (0)'],
  ['a rename, as one path gone and one come', [{ 'server.js': null, 'docs/server.js': '0' }], '1 → 0 (0)'],
  ['a rename within what is not copied', [{ 'docs/a.md': null, 'docs/b.md': '0' }], '0 → 0 (0)'],
  ['a path that starts like git’s own lines', [{ ':100644 x': '1' }], '1 → 0 (0)'],
  ['a path with a line end', [{ 'a\nb': '1' }], '1 → 0 (0)'],
];

describe('an install above which all is copied', () => {
  it.each(CASES)('%s', async (_reason, commits, expected) => {
    const history = new History(NODE);
    for (const files of commits) history.commit(files);
    // Today's Dockerfile is what is replayed.
    history.write({ Dockerfile: NODE['Dockerfile'] as string });
    expect(await install(history.root)).toBe(expected);
  });

  it('a mode that changes', async () => {
    expect(await install(new History(NODE).chmod('server.js').root)).toBe('1 → 0 (0)');
  });

  it('a submodule that moves, and one in what is not copied', async () => {
    const history = new History(NODE);
    const head = history.git('rev-parse', 'HEAD').trim();
    for (const path of ['lib', 'docs/lib']) {
      history.git('update-index', '--add', '--cacheinfo', `160000,${head},${path}`);
      history.git('commit', '-q', '-m', 'x');
    }
    // What is ignored counts all the same: something in a submodule may be re-included.
    expect(await install(history.root)).toBe('2 → 0 (0)');
  });

  it('a merge is one commit, or all that it brings', async () => {
    const history = new History(NODE);
    history.git('checkout', '-q', '-b', 'side');
    history.commit({ 'a.js': '1' }).commit({ 'a.js': '2' });
    history.git('checkout', '-q', 'main');
    history.commit({ 'docs/a.md': '1' });
    history.git('merge', '-q', '--no-edit', 'side');
    expect(await install(history.root)).toBe('1 → 0 (0)');
    expect(await install(history.root, '--all-parents')).toBe('3 → 0 (0)');
    expect(await install(history.root, '--branch', 'side')).toBe('2 → 0 (0)');
  });

  it('-n and --since', async () => {
    const history = new History(NODE)
      .commit({ 'server.js': '1' })
      .commit({ 'server.js': '2' })
      .commit({ 'server.js': '3' });
    expect(await install(history.root, '-n', '2')).toBe('2 → 0 (0)');
    expect(await install(history.root, '--since', '2099-01-01')).toBe('0 → 0 (0)');
    expect(await install(history.root, '--since', '2001-01-01')).toBe('3 → 0 (0)');
  });

  it('a shallow clone says how much it has', async () => {
    const history = new History(NODE).commit({ 'server.js': '1' }).commit({ 'server.js': '2' });
    const clone = shallowClone(history, 2);
    const report = await replayed(clone);
    expect(report).toMatchObject({ shallow: true, commits: 1 });
    expect((await dockerfix(clone, ['replay'])).err).toContain('shallow: it has 1 commits');
  });

  it('a context below the root takes no part in what lies beside it', async () => {
    const inside = Object.fromEntries(Object.entries(NODE).map(([path, text]) => [`api/${path}`, text]));
    const history = new History(inside).commit({ 'web/x.js': '1' }).commit({ 'api/server.js': '1' });
    expect(await install(history.root)).toBe('1 → 0 (0)');
  });
});

describe('each commit’s own Dockerfile', () => {
  it('is rewritten as it was', async () => {
    const fixed = 'FROM node:20\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n';
    const history = new History(NODE)
      .commit({ 'server.js': '1' })
      .commit({ Dockerfile: fixed })
      .commit({ 'server.js': '2' })
      .commit({ Dockerfile: `${fixed}LABEL a=b\n` });
    // 1: the source. 2: another chain above the install; the rewrite had made that chain before. 3, 4: nothing.
    expect(await install(history.root, '--as-was')).toBe('2 → 0 (0)');
    expect(await install(history.root)).toBe('0 → 0 (0)');
  });

  it('a label re-runs what follows in a cache that chains all instructions', async () => {
    const labelled = (version: string): string => `FROM node:20\nLABEL v=${version}\nRUN apt-get update\n`;
    const history = new History({ Dockerfile: labelled('1') }).commit({ Dockerfile: labelled('2') });
    const layers = async (builder: string): Promise<number | undefined> =>
      (await replayed(history.root, '--as-was', '--builder', builder)).files[0]?.layers.before;
    expect(await layers('buildkit')).toBe(0);
    expect(await layers('classic')).toBe(1);
  });

  it('an ignore file that lets go of a file changes what is copied', async () => {
    const history = new History({
      ...NODE,
      Dockerfile: 'FROM node:20\nCOPY docs /docs\nRUN ls\n',
      '.dockerignore': 'docs/b.md\n',
    })
      .commit({ 'docs/b.md': '1' })
      .commit({ '.dockerignore': 'x\n' });
    expect((await replayed(history.root, '--as-was')).files[0]?.layers.before).toBe(2);
  });
});

describe('the cache', () => {
  const stages = (last: string): Files => ({
    ...NODE,
    Dockerfile: `FROM node:20 AS deps\nWORKDIR /app\nCOPY . .\nRUN npm ci\nFROM node:20\n${last}`,
  });
  const layers = async (files: Files, change: Files, builder = 'buildkit'): Promise<number | undefined> => {
    const history = new History(files).commit(change);
    const report = await replayed(history.root, '--transform', 'late-copy', '--builder', builder);
    return report.files[0]?.layers.before;
  };
  const source = { 'server.js': '1' };
  it.each<[reason: string, last: string, expected: number]>([
    [
      'what an install of unchanged inputs left, copied out of a stage',
      'COPY --from=deps /app/node_modules /m\nRUN ls',
      2,
    ],
    ['the file that changed', 'COPY --from=deps /app/server.js /\nRUN ls', 4],
    ['another file', 'COPY --from=deps /app/package.json /\nRUN ls', 2],
    ['the directory of both', 'COPY --from=deps /app /app\nRUN ls', 4],
    ['a bind mount of the stage', 'RUN --mount=type=bind,from=deps,source=/app,target=/a ls', 3],
    ['a bind mount of one file of the context', 'RUN --mount=type=bind,source=package.json,target=p ls', 2],
    ['a bind mount of the file that changed', 'RUN --mount=type=bind,source=server.js,target=p ls', 3],
    ['a wildcard', 'COPY *.js /x/\nCOPY *.json /y/', 4],
    ['a wildcard above another copy', 'COPY *.json /y/\nCOPY *.js /x/', 3],
    ['a linked copy does not see what stands above', 'COPY server.js /\nCOPY --link package.json /\nRUN ls', 4],
    ['exclude', 'COPY --exclude=*.js . /x', 2],
  ])('%s', async (_reason, last, expected) => {
    expect(await layers(stages(last), source)).toBe(expected);
  });
  it('of kaniko holds no copies', async () => {
    expect(await layers(stages('COPY package.json /'), { 'docs/a.md': '1' }, 'kaniko')).toBe(2);
  });
});

describe('costs', () => {
  const history = new History(NODE).commit({ 'server.js': '1' });
  const costs = async (text: string): Promise<Report['files'][number] | undefined> => {
    writeFileSync(join(history.root, 'docs/costs'), text);
    return (await replayed(history.root, '--costs', 'docs/costs')).files[0];
  };
  it('by default weights, as seconds by instruction, and of a build', async () => {
    expect((await replayed(history.root)).files[0]?.cost).toEqual({ before: 31, after: 1, unit: 'weight' });
    const given = await costs('{"RUN npm ci": 40, "COPY . .": 2}');
    expect(given?.cost).toEqual({ before: 42, after: 2, unit: 'seconds' });
    expect(given?.savedPerMonth).toBe(1200);
    const vertex = { name: '[4/4] RUN npm ci', started: '2026-01-01T00:00:00Z', completed: '2026-01-01T00:00:10Z' };
    const built = await costs(`{"vertexes":[${JSON.stringify(vertex)}]}\n{"logs":[]}\nnot json\n`);
    expect(built?.cost).toEqual({ before: 11, after: 1, unit: 'seconds' });
  });
  it('of what several platforms and stages took, a cached vertex aside', async () => {
    const at = (seconds: number): string => new Date(1_700_000_000_000 + seconds * 1000).toISOString();
    const log = [
      {
        digest: 'sha256:0',
        name: '[internal] load build definition from Dockerfile',
        started: at(0),
        completed: at(1),
      },
      { digest: 'sha256:1', name: '[linux/amd64 app 3/4] COPY . .', started: at(1), completed: at(3) },
      { digest: 'sha256:2', name: '[linux/amd64 app 4/4] RUN npm ci' },
      { digest: 'sha256:2', name: '[linux/amd64 app 4/4] RUN npm ci', started: at(3) },
      { digest: 'sha256:2', name: '[linux/amd64 app 4/4] RUN npm ci', started: at(3), completed: at(33.5) },
      { digest: 'sha256:3', name: '[linux/arm64 app 4/4] RUN npm ci', cached: true, started: at(3), completed: at(3) },
    ].map((vertex) => JSON.stringify({ vertexes: [vertex], statuses: null, logs: null, warnings: null }));
    expect((await costs(log.join('\n')))?.cost).toEqual({ before: 32.5, after: 2, unit: 'seconds' });
  });
  it.each([['{}'], ['{"RUN a":"b"}'], ['x']])('%s is no costs', async (text) => {
    writeFileSync(join(history.root, 'docs/costs'), text);
    expect(await dockerfix(history.root, ['replay', '--costs', 'docs/costs'])).toMatchObject({ code: 2, out: '' });
  });
});

it('says it in a sentence', async () => {
  const history = new History(NODE);
  for (let at = 1; at <= 10; at++)
    history.commit({ 'server.js': `${at}`, ...(at === 5 ? { 'package.json': '{"name":"b"}\n' } : {}) });
  const { code, out, err } = await dockerfix(history.root, ['replay']);
  expect(code).toBe(0);
  expect(out.split('\n')[0]).toBe(
    'Dockerfile:4 Of the last 10 commits, 10 would have re-run `npm ci`; after the rewrite 1 (10 × fewer). The least possible is 1.',
  );
  expect(err).toContain("today's Dockerfile on each");
});

it.each<[reason: string, argv: string[], message: string]>([
  ['a number that is none', ['-n', 'x'], '-n takes a number'],
  ['a branch that is none', ['--branch', 'nope'], 'no branch or commit `nope`'],
  ['a branch that looks like an option', ['--branch=--output=x'], 'no branch or commit `--output=x`'],
  ['options that exclude each other', ['--as-was', '--all-parents'], 'excludes'],
  ['a file of costs that is not there', ['--costs', 'nope'], 'no such file'],
])('refuses %s', async (_reason, argv, message) => {
  const ran = await dockerfix(new History(NODE).root, ['replay', ...argv]);
  expect(ran.code).toBe(2);
  expect(ran.err).toContain(message);
});

describe('a package manager that a plugin brings', () => {
  const files: Files = {
    Dockerfile: 'FROM a\nWORKDIR /app\nCOPY . .\nRUN fetchit\nCMD ["a"]\n',
    'fetchit.txt': 'a\n',
    'main.c': '0',
    'dockerfix.config.json': '{ "plugins": ["./plugin/fetchit.mjs"] }',
    'plugin/fetchit.mjs': `export default { managers: [{
      name: 'fetchit', summary: 'a', commands: ['fetchit'], manifests: ['fetchit.txt'], globs: ['fetchit.txt'], caches: [],
      recognise: (command, place) => ({ manager: 'fetchit/fetchit', kind: 'install', directory: place.directory, command, place }),
      analyse: ({ directory, command }) => ({
        steps: [{ name: command.text, reads: [{ path: directory + '/fetchit.txt' }], writes: [directory + '/deps'], edits: [], system: 'none' }],
        outputs: [directory + '/deps'], ignore: ['deps'], splits: [],
      }),
    }] };`,
    '.gitignore': 'deps\n',
    '.dockerignore': 'deps\n',
  };
  it.each([[[]], [['--as-was']]])('is known to the replay, %j', async (argv) => {
    const history = new History(files).commit({ 'main.c': '1' }).commit({ 'fetchit.txt': 'b\n' });
    history.commit({ Dockerfile: `${files['Dockerfile'] ?? ''}# x\n` });
    expect(await install(history.root, ...argv)).toBe('3 → 1 (1)');
  });
  it('is known to the table of layers', async () => {
    const { out } = await dockerfix(new History(files).root, ['explain']);
    expect(out).toMatch(/COPY fetchit\.txt \.\/ +fetchit\.txt/);
  });
});
