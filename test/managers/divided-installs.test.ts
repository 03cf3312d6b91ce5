/** That the ways to divide an install are proved, not only offered: the engine applies them to whole Dockerfiles. */
import { describe, expect, it } from 'vitest';
import { memoryContext } from '../../src/context/memory.ts';
import { fix } from '../../src/index.ts';

const json = (value: unknown): string => JSON.stringify(value);

/** The RUN and COPY lines that come out, or the refusals. */
function rewritten(run: string, files: Record<string, string>, image = 'node:20'): string[] {
  const source = `FROM ${image}\nWORKDIR /app\nCOPY . .\nRUN ${run}\nCMD ["x"]\n`;
  const outcome = fix(
    { path: 'Dockerfile', source },
    memoryContext({ '.dockerignore': '**/node_modules\n.git\n', ...files }),
  );
  if (outcome.status !== 'changed') return outcome.refused.map((each) => each.code);
  const after = outcome.changes.find((each) => each.path === 'Dockerfile')?.after ?? '';
  return after.split('\n').filter((line) => /^(?:RUN|COPY)/.test(line));
}

const postinstall = json({ name: 'a', scripts: { postinstall: 'node scripts/x.js' } });
const source = { 'scripts/x.js': '', 'index.js': '' };

describe('refused', () => {
  it.each<[reason: string, run: string, files: Record<string, string>, code: string, image?: string]>([
    [
      'npm 6 has no `npm pkg`',
      'npm ci',
      { 'package.json': postinstall, 'package-lock.json': json({ lockfileVersion: 1 }) },
      'lifecycle-script-reads-source',
      'node:14',
    ],
    [
      'a hook would run twice around `npm run`',
      'npm i',
      { 'package.json': json({ scripts: { postinstall: 'node x', prepostinstall: 'node y' } }) },
      'lifecycle-script-reads-source',
    ],
    [
      'yarn without a lockfile would make one twice',
      'yarn',
      { 'package.json': postinstall },
      'lifecycle-script-reads-source',
    ],
    [
      "yarn's preinstall would find node_modules",
      'yarn',
      { 'package.json': json({ scripts: { preinstall: 'node x' } }), 'yarn.lock': '' },
      'lifecycle-script-reads-source',
    ],
    [
      'bun without a lockfile of its own',
      'bun install',
      { 'package.json': postinstall },
      'lifecycle-script-reads-source',
    ],
    [
      'a member builds the bin that it links',
      'npm ci',
      {
        'package.json': json({ workspaces: ['p/*'] }),
        'package-lock.json': '{}',
        'p/a/package.json': json({ bin: 'dist/cli.js', scripts: { prepare: 'tsc' } }),
      },
      'lifecycle-script-reads-source',
    ],
    [
      'members with several scripts',
      'npm ci',
      {
        'package.json': json({ workspaces: ['p/*'] }),
        'package-lock.json': '{}',
        'p/a/package.json': json({ scripts: { prepare: 'tsc', postinstall: 'node x' } }),
      },
      'lifecycle-script-reads-source',
    ],
    [
      'a linked package outside of the workspace',
      'npm ci',
      {
        'package.json': json({ dependencies: { l: 'file:lib' } }),
        'package-lock.json': '{}',
        'lib/package.json': json({ scripts: { prepare: 'tsc' } }),
      },
      'lifecycle-script-reads-source',
    ],
    [
      'pnpm has a lockfile for each member',
      'pnpm i --frozen-lockfile',
      {
        'package.json': postinstall,
        'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
        'pnpm-workspace.yaml': 'packages: [p/*]\nsharedWorkspaceLockfile: false\n',
        'p/a/package.json': '{}',
        'p/a/pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
      },
      'lifecycle-script-reads-source',
    ],
    [
      'binding.gyp compiles',
      'npm ci',
      { 'package.json': '{}', 'package-lock.json': '{}', 'binding.gyp': '{}' },
      'lifecycle-script-reads-source',
    ],
  ])('%s', (_reason, run, files, code, image) => {
    expect(rewritten(run, { ...source, ...files }, image)).toEqual([code]);
  });
});

describe('proved', () => {
  it.each<[reason: string, run: string, files: Record<string, string>, lines: string[]]>([
    [
      'npm: the root scripts wait',
      'npm ci --omit=dev',
      { 'package.json': postinstall, 'package-lock.json': '{}' },
      [
        'COPY package.json package-lock.json ./',
        'RUN npm pkg delete scripts.postinstall && npm ci --omit=dev',
        'COPY . .',
        'RUN npm run postinstall --omit=dev',
      ],
    ],
    [
      'npm: one that is known stays in the install',
      'npm ci',
      {
        'package.json': json({
          scripts: { preinstall: 'npx only-allow npm', postinstall: 'node scripts/x.js', prepare: 'husky' },
        }),
        'package-lock.json': '{}',
      },
      [
        'COPY package.json package-lock.json ./',
        'RUN npm pkg delete scripts.postinstall && npm ci',
        'COPY . .',
        'RUN npm run postinstall',
      ],
    ],
    [
      'npm: `npm run install` also runs what stands around it',
      'npm ci',
      {
        'package.json': json({ scripts: { preinstall: 'echo', install: 'node a', postinstall: 'node b' } }),
        'package-lock.json': '{}',
      },
      [
        'COPY package.json package-lock.json ./',
        'RUN npm pkg delete scripts.preinstall scripts.install scripts.postinstall && npm ci',
        'COPY . .',
        'RUN npm run install',
      ],
    ],
    [
      'npm: prepare with its two neighbours, after another script',
      'npm ci',
      {
        'package.json': json({ scripts: { postinstall: 'node a', prepare: 'tsc', postprepare: 'node b' } }),
        'package-lock.json': '{}',
      },
      [
        'COPY package.json package-lock.json ./',
        'RUN npm pkg delete scripts.postinstall scripts.prepare scripts.postprepare && npm ci',
        'COPY . .',
        'RUN npm run postinstall && npm run prepare',
      ],
    ],
    [
      'npm: a variable in front counts for both halves',
      'CI=1 npm ci',
      { 'package.json': postinstall, 'package-lock.json': '{}' },
      [
        'COPY package.json package-lock.json ./',
        'RUN CI=1 npm pkg delete scripts.postinstall && CI=1 npm ci',
        'COPY . .',
        'RUN CI=1 npm run postinstall',
      ],
    ],
    [
      'npm: in a subdirectory, by option',
      'npm --prefix web ci',
      { 'web/package.json': postinstall, 'web/package-lock.json': '{}' },
      [
        'COPY web/package.json web/package-lock.json ./web/',
        'RUN npm --prefix web pkg delete scripts.postinstall && npm --prefix web ci',
        'COPY . .',
        'RUN npm --prefix web run postinstall',
      ],
    ],
    [
      'npm: one script of the members',
      'npm ci',
      {
        'package.json': json({ workspaces: ['p/*'] }),
        'package-lock.json': '{}',
        'p/a/package.json': json({ name: 'a', scripts: { prepare: 'tsc' } }),
        'p/b/package.json': json({ name: 'b' }),
      },
      [
        'COPY package.json package-lock.json ./',
        'COPY p/a/package.json ./p/a/',
        'COPY p/b/package.json ./p/b/',
        'RUN npm pkg delete scripts.prepare --workspaces && npm ci',
        'COPY . .',
        'RUN npm run prepare --workspaces --if-present',
      ],
    ],
    [
      'npm: of the members and of the root',
      'npm ci',
      {
        'package.json': json({ workspaces: ['p/*'], scripts: { postinstall: 'node scripts/x.js' } }),
        'package-lock.json': '{}',
        'p/a/package.json': json({ name: 'a', scripts: { prepare: 'tsc' } }),
      },
      [
        'COPY package.json package-lock.json ./',
        'COPY p/a/package.json ./p/a/',
        'RUN npm pkg delete scripts.prepare --workspaces && npm pkg delete scripts.postinstall && npm ci',
        'COPY . .',
        'RUN npm run prepare --workspaces --if-present && npm run postinstall',
      ],
    ],
    [
      'yarn classic: again with --force',
      'yarn install --frozen-lockfile',
      { 'package.json': postinstall, 'yarn.lock': '# yarn lockfile v1\n' },
      [
        'COPY package.json yarn.lock ./',
        'RUN yarn install --frozen-lockfile --ignore-scripts',
        'COPY . .',
        'RUN yarn install --frozen-lockfile --force',
      ],
    ],
    [
      "yarn classic: members' scripts, too",
      'yarn',
      {
        'package.json': json({ private: true, workspaces: ['p/*'] }),
        'yarn.lock': '',
        'p/a/package.json': json({ scripts: { postinstall: 'node x', install: 'node y' } }),
      },
      [
        'COPY package.json yarn.lock ./',
        'COPY p/a/package.json ./p/a/',
        'RUN yarn --ignore-scripts',
        'COPY . .',
        'RUN yarn --force',
      ],
    ],
    [
      'yarn berry: skip-build',
      'yarn install --immutable',
      {
        'package.json': postinstall,
        'yarn.lock': '__metadata:\n  version: 8\n',
        '.yarnrc.yml': 'nodeLinker: node-modules\n',
      },
      [
        'COPY package.json yarn.lock .yarnrc.yml ./',
        'RUN yarn install --immutable --mode=skip-build',
        'COPY . .',
        'RUN yarn install --immutable',
      ],
    ],
    [
      'bun: again with --force',
      'bun install --frozen-lockfile',
      { 'package.json': postinstall, 'bun.lock': '{}' },
      [
        'COPY package.json bun.lock ./',
        'RUN bun install --frozen-lockfile --ignore-scripts',
        'COPY . .',
        'RUN bun install --frozen-lockfile --force',
      ],
    ],
    [
      'pnpm: the store is filled first',
      'pnpm install --frozen-lockfile',
      { 'package.json': postinstall, 'pnpm-lock.yaml': 'lockfileVersion: 9.0\n' },
      ['COPY pnpm-lock.yaml ./', 'RUN pnpm fetch', 'COPY . .', 'RUN pnpm install --frozen-lockfile --offline'],
    ],
    [
      'pnpm: with a script of a member',
      'corepack pnpm i --prod',
      {
        'package.json': '{}',
        'pnpm-lock.yaml': 'lockfileVersion: 9.0\n',
        'pnpm-workspace.yaml': 'packages: ["p/*"]\n',
        'p/a/package.json': json({ scripts: { prepare: 'tsc' } }),
      },
      [
        'COPY pnpm-lock.yaml pnpm-workspace.yaml ./',
        'RUN corepack pnpm fetch --prod',
        'COPY . .',
        'RUN corepack pnpm i --prod',
      ],
    ],
    [
      'pnpm without a lockfile: what is pending is built later',
      'pnpm install',
      { 'package.json': postinstall },
      ['COPY package.json ./', 'RUN pnpm install --ignore-scripts', 'COPY . .', 'RUN pnpm rebuild --pending'],
    ],
  ])('%s', (_reason, run, files, lines) => {
    expect(rewritten(run, { ...source, ...files })).toEqual(lines);
  });
});

describe('hoisted whole', () => {
  it.each<[reason: string, run: string, files: Record<string, string>, copies: string[]]>([
    [
      'husky without .git',
      'npm ci',
      { 'package.json': json({ scripts: { prepare: 'husky || true' } }), 'package-lock.json': '{}' },
      ['COPY package.json package-lock.json ./'],
    ],
    [
      '@prisma/client 6 generates when it is installed',
      'npm i',
      {
        'package.json': json({ dependencies: { '@prisma/client': '^6.1.0' } }),
        'prisma/schema.prisma': 'generator client {\n  provider = "prisma-client-js"\n}\n',
      },
      ['COPY package.json ./', 'COPY prisma/schema.prisma ./prisma/'],
    ],
    [
      'puppeteer looks for its settings',
      'yarn',
      { 'package.json': json({ dependencies: { puppeteer: '22.0.0' } }), 'yarn.lock': '', '.puppeteerrc.cjs': '' },
      ['COPY package.json yarn.lock .puppeteerrc.cjs ./'],
    ],
    [
      'patch-package',
      'npm ci',
      {
        'package.json': json({ scripts: { postinstall: 'patch-package' } }),
        'package-lock.json': '{}',
        'patches/x+1.patch': '',
      },
      ['COPY package.json package-lock.json ./', 'COPY patches ./patches/'],
    ],
    [
      'scripts that never run',
      'npm ci',
      { 'package.json': postinstall, 'package-lock.json': '{}', '.npmrc': 'ignore-scripts=true\n' },
      ['COPY package.json package-lock.json .npmrc ./'],
    ],
    [
      'a package by name',
      'npm i express',
      { 'package.json': json({ scripts: { postinstall: 'node x' } }) },
      ['COPY package.json ./'],
    ],
  ])('%s', (_reason, run, files, copies) => {
    expect(rewritten(run, { ...source, ...files })).toEqual([...copies, `RUN ${run}`, 'COPY . .']);
  });
});
