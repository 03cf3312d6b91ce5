/** What `npm run bench:fuzz` found, as small as it gets: each broke something once. */
import { expect, it } from 'vitest';
import { holds } from './holds.ts';
import type { Input } from './inputs.ts';

const FOUND: readonly (readonly [what: string, input: Partial<Input>])[] = [
  [
    'a RUN that goes on where the file ends',
    {
      source: 'FROM clojure AS build\nCOPY . .\nCOPY . .\nRUN clojure -P -T:build \\',
      files: { 'deps.edn': '' },
      options: { unsafe: true, target: { style: 'bind', builder: 'buildkit' } },
    },
  ],
  [
    'an ignore file that lets something in the result of an install through',
    {
      source: 'FROM python:3\nCOPY . .\nRUN npm ci --prefix /app\nADD . .\n',
      files: { 'package.json': '{}', 'package-lock.json': '', '.dockerignore': 'node_modules\n!**/a.js\n' },
    },
  ],
  [
    'a lockfile that holds a table where a text belongs',
    {
      source: 'FROM rust:1\nCOPY Cargo.toml Cargo.lock ./\nRUN cargo build --release\n',
      files: { 'Cargo.toml': '', 'Cargo.lock': '[[package]]\nsource .git = "https://example.com"\n' },
    },
  ],
  [
    'line ends of two characters make no instruction wider',
    {
      source: `FROM gradle:8\nRUN gradle d${'\\\n'.repeat(20)}ependencies\n`,
      options: { unsafe: true, add: ['cache-mounts'] },
    },
  ],
  [
    'an install fills the directory of a project above the one in which it runs',
    {
      source: 'FROM python:3 AS build\nCOPY . .\nRUN cd web && npm ci\nCOPY . .\n',
      files: { 'package.json': '{}', 'package-lock.json': '' },
    },
  ],
  [
    'a build argument that is declared twice',
    {
      source:
        'FROM node\nWORKDIR /app\nARG GIT_SHA=1\nCOPY package*.json ./\nRUN npm ci\nARG GIT_SHA\nRUN npm ci --ignore-scripts\nCOPY . .\n',
      files: { 'package.json': '{}', 'package-lock.json': '{}', '.dockerignore': 'node_modules\n' },
    },
  ],
  [
    'a command whose name every object has',
    {
      source: 'FROM node\nCOPY . .\nRUN toString && constructor x && __proto__ && npm run constructor && npm ci\n',
      files: { 'package.json': '{}' },
    },
  ],
  [
    'an environment that is made and entered in a RUN that is divided',
    {
      source:
        'FROM node:20\nCOPY . .\nRUN npm ci\nRUN python -m venv venv && . venv/bin/activate && pip install -r requirements.txt\n',
      files: { 'package.json': '{}', 'package-lock.json': '' },
    },
  ],
  [
    'a comment between the commands of a RUN that is divided',
    {
      source:
        'FROM python:3.11-slim\nCOPY . /srv/app/\nRUN pip install -r /srv/app/requirements.txt && \\\n# Starts the server\nCMD ["/srv/app/start.sh"]\n',
      files: { 'requirements.txt': '' },
    },
  ],
  [
    'a comment within a command that is divided',
    {
      source: 'FROM node:20\nCOPY . .\nRUN npm install \\\n# quietly\n  --no-audit\n',
      files: { 'package.json': '{"scripts":{"postinstall":"node build.js"}}', 'build.js': '' },
    },
  ],
  [
    'a comment within a command that is frozen',
    {
      source: 'FROM node:20\nCOPY . .\nRUN pnpm install \\\n# quietly\n  --silent\n',
      files: { 'package.json': '{}', 'pnpm-lock.yaml': '' },
      options: { add: ['frozen-install'], unsafe: true },
    },
  ],
  [
    'a comment above a command that is left out',
    {
      source:
        'FROM debian\nRUN apt-get update && apt-get install -y git && \\\n# small\n  rm -rf /var/lib/apt/lists/*\n',
      options: { add: ['cache-mounts'], unsafe: true },
    },
  ],
  [
    'an install in the unknown directory of the base image, and a copy to the top',
    {
      source: 'FROM example.com/base\nCOPY . .\nRUN cd web && npm ci\nCOPY src /\n',
      files: { 'src/a.js': '', 'web/package.json': '{}', 'web/package-lock.json': '' },
    },
  ],
  [
    'a directory above the unknown one of the base image',
    {
      source: 'FROM example.com/base\nCOPY . ./\nWORKDIR ..\nRUN pip install -r requirements.txt\nCOPY . .\n',
      files: { 'requirements.txt': '', 'x.txt': 'nowhere' },
      links: ['x.txt'],
    },
  ],
  [
    'two halves of one command that are told in the same words',
    {
      source: 'FROM oven/bun:1\nWORKDIR /app\nCOPY . .\nRUN bun install --frozen-lockfile --no-save --silent\n',
      files: { 'bun.lock': '', 'package.json': '{"scripts":{"postinstall":"bun generate.ts"}}', 'generate.ts': '' },
      options: { add: ['cache-mounts'], target: { style: 'bind', builder: 'buildkit' } },
    },
  ],
  [
    'a file that is made in a directory of the source, which is removed in the end',
    {
      source:
        'FROM python:3\nWORKDIR /app\nCOPY --chown=node . .\nRUN touch src/new.txt && bundle install\nRUN rm -rf /app/src\n',
      files: { Gemfile: '', 'src/deep/b.js': '' },
    },
  ],
  [
    'a manifest of another stage, mounted over the one that is copied',
    {
      source:
        'FROM node AS Build\nCOPY --chown=node . .\nFROM build\nWORKDIR /app\nCOPY --chown=node . .\nRUN --mount=type=bind,from=build,source=/app/package.json,target=package.json npm i\n',
      files: { 'package.json': '{"scripts":{"install":"rm -f x.txt"}}' },
    },
  ],
  [
    'an ignore file without an end of a line beside a Dockerfile with two-character ones',
    {
      source: 'FROM node:20\nCOPY package*.json ./\nRUN npm install\nCOPY . .\n',
      files: { '.dockerignore': 'package-lock.json', 'package.json': '{}' },
    },
  ],
  [
    'braces that stand for more words than there is room for',
    { source: `FROM node:20\nWORKDIR /app\nRUN chmod +x ${'{a,b}'.repeat(18)} && mkdir ${'{a,b}'.repeat(18)}\n` },
  ],
  [
    'a packageManager that is no text',
    {
      source: 'FROM node:20\nCOPY . .\nRUN pnpm install --force --frozen-lockfile\n',
      files: {
        'package.json': '{"packageManager":{"toString":"z"}}',
        'packages/a/package.json': '{"scripts":{"postinstall":"node a.js"}}',
        'pnpm-lock.yaml': '',
        'pnpm-workspace.yaml': 'packages:\n  - packages/*\n',
      },
    },
  ],
];

it.each(FOUND)('%s', async (_what, input) => {
  const { broken } = await holds({ kind: 'mutated', source: '', files: {}, links: [], options: {}, ...input });
  expect(broken).toBeUndefined();
});
