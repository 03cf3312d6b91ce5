/** What `npm run bench:fuzz` found, as small as it gets: each broke something once. */
import { expect, it } from 'vitest';
import { holds } from './holds.ts';
import type { Input } from './inputs.ts';

const FOUND: readonly (readonly [what: string, input: Partial<Input>])[] = [
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
];

it.each(FOUND)('%s', async (_what, input) => {
  const { broken } = await holds({ kind: 'mutated', source: '', files: {}, links: [], options: {}, ...input });
  expect(broken).toBeUndefined();
});
