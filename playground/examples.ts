/** To start from. A test holds what each of them shows against its title. */
import type { ContextFile } from './work.ts';

export interface Example {
  readonly title: string;
  readonly dockerfile: string;
  readonly files: readonly ContextFile[];
}

const file = (path: string, text = ''): ContextFile => ({ path, text });
const json = (path: string, value: unknown): ContextFile => file(path, `${JSON.stringify(value, null, 2)}\n`);

const EXPRESS = { name: 'shop', version: '1.0.0', dependencies: { express: '^5.1.0' } };
const NODE = 'FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nEXPOSE 80\nCMD ["node", "server.js"]\n';
const LOCK = { name: 'shop', lockfileVersion: 3, packages: {} };

export const EXAMPLES: readonly Example[] = [
  {
    title: 'npm: the source is copied first',
    dockerfile: NODE,
    files: [json('package.json', EXPRESS), json('package-lock.json', LOCK), file('server.js', '// the source\n')],
  },
  {
    title: 'pip: a requirements file that includes another',
    dockerfile:
      'FROM python:3.13-slim\nWORKDIR /srv\nCOPY . .\nRUN apt-get update && apt-get install -y libpq5\nRUN pip install -r requirements.txt\nCMD ["python", "app.py"]\n',
    files: [
      file('requirements.txt', '-r requirements/base.txt\ngunicorn==23.0.0\n'),
      file('requirements/base.txt', 'flask==3.1.0\n'),
      file('app.py', '# the source\n'),
    ],
  },
  {
    title: 'pnpm: a workspace',
    dockerfile:
      'FROM node:22\nRUN corepack enable\nWORKDIR /repo\nCOPY . .\nRUN pnpm install --frozen-lockfile\nRUN pnpm --filter api build\n',
    files: [
      json('package.json', { name: 'repo', private: true, packageManager: 'pnpm@9.15.0' }),
      file('pnpm-workspace.yaml', 'packages:\n  - packages/*\n'),
      file('pnpm-lock.yaml', "lockfileVersion: '9.0'\n"),
      json('packages/api/package.json', { name: 'api', dependencies: { shared: 'workspace:*' } }),
      json('packages/shared/package.json', { name: 'shared' }),
      file('packages/api/index.ts', '// the source\n'),
      file('.dockerignore', '**/node_modules\n'),
    ],
  },
  {
    title: 'npm: a postinstall script needs the source',
    dockerfile: NODE,
    files: [
      json('package.json', { ...EXPRESS, scripts: { postinstall: 'node build.js' } }),
      json('package-lock.json', LOCK),
      file('build.js', '// reads who knows what\n'),
      file('server.js', '// the source\n'),
    ],
  },
  {
    title: 'Refused: a script runs between the copy and the install',
    dockerfile: 'FROM node:22\nWORKDIR /app\nCOPY . .\nRUN ./configure\nRUN npm ci\n',
    files: [json('package.json', EXPRESS), json('package-lock.json', LOCK), file('configure', '#!/bin/sh\n')],
  },
  {
    title: 'Nothing to do: the manifests come first',
    dockerfile: 'FROM node:22\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\n',
    files: [
      json('package.json', EXPRESS),
      json('package-lock.json', LOCK),
      file('server.js', '// the source\n'),
      file('.dockerignore', 'node_modules\n'),
    ],
  },
];
