/** Small real projects, one or more for each package manager, and how each gets its lockfile. */
export interface Project {
  readonly name: string;
  readonly manager: string;
  readonly files: Readonly<Record<string, string>>;
  /** Shell text that writes the lockfile, run in this stand-in image. */
  readonly lock?: readonly [image: string, command: string] | undefined;
  /** The manager's registry is not needed: dependencies are local. */
  readonly offline?: true;
  /** Of `dockerfix verify`. */
  readonly options?: readonly string[];
  /** The gate builds it, too. */
  readonly gate?: true;
  /** A rebuild after a source edit has to be more than this many times faster. */
  readonly faster?: number;
}

const ignore = { '.dockerignore': 'node_modules\n**/node_modules\n.venv\nvendor\ntarget\ndeps\n_build\n' };
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const manifest = (dependencies: Readonly<Record<string, string>>, more: object = {}): string =>
  json({ name: 'app', version: '1.0.0', private: true, dependencies, ...more });
const server = { 'server.js': "console.log(require('ms')('1h'));\n" };
const npmLock = ['node:20', 'npm install --package-lock-only --ignore-scripts'] as const;
const pom = (more = ''): string =>
  `<project xmlns="http://maven.apache.org/POM/4.0.0">\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>example</groupId>\n  <artifactId>app</artifactId>\n  <version>1</version>\n  <properties>\n    <maven.compiler.source>17</maven.compiler.source>\n    <maven.compiler.target>17</maven.compiler.target>\n    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>\n    <project.build.outputTimestamp>2024-01-01T00:00:00Z</project.build.outputTimestamp>\n  </properties>\n${more}</project>\n`;

export const PROJECTS: readonly Project[] = [
  {
    name: 'express-seed',
    manager: 'npm',
    gate: true,
    faster: 8,
    files: {
      ...ignore,
      Dockerfile: `FROM node\nWORKDIR /app\nCOPY . /app\nRUN npm install\nEXPOSE 80\nCMD ["node", "server.js"]\n`,
      'package.json': manifest({ express: '4.21.2' }),
      'server.js': "require('express')().listen(80);\n",
    },
    lock: npmLock,
  },
  {
    name: 'npm-workspaces',
    manager: 'npm',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD ["node", "packages/a/index.js"]\n`,
      'package.json': manifest({}, { workspaces: ['packages/*'] }),
      'packages/a/package.json': json({ name: 'a', version: '1.0.0', dependencies: { b: '1.0.0', ms: '2.1.3' } }),
      'packages/a/index.js': "require('b');\n",
      'packages/b/package.json': json({ name: 'b', version: '1.0.0', dependencies: { 'is-odd': '3.0.1' } }),
      'packages/b/index.js': "require('is-odd');\n",
    },
    lock: npmLock,
  },
  {
    name: 'npm-stages-chown',
    manager: 'npm',
    gate: true,
    files: {
      ...ignore,
      Dockerfile: `FROM node:20 AS build\nUSER node\nWORKDIR /home/node/app\nCOPY --chown=node:node . .\nRUN npm ci\n\nFROM node:20-slim\nWORKDIR /app\nCOPY --from=build /home/node/app /app\nCMD ["node", "server.js"]\n`,
      'package.json': manifest({ ms: '2.1.3' }),
      ...server,
    },
    lock: npmLock,
  },
  {
    name: 'npm-postinstall',
    manager: 'npm',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n`,
      'package.json': manifest({ ms: '2.1.3', esbuild: '0.21.5' }, { scripts: { postinstall: 'node generate.js' } }),
      'generate.js': "require('fs').writeFileSync('generated.txt', String(require('ms')('1h')));\n",
      ...server,
    },
    lock: npmLock,
  },
  {
    name: 'npm-manifest-copied-again',
    manager: 'npm',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nWORKDIR /app\nCOPY packages/a packages/a\nCOPY package.json package-lock.json ./\nRUN npm ci\nCMD ["node", "packages/a"]\n`,
      'package.json': manifest(
        { ms: '2.1.3' },
        { workspaces: ['packages/a'], scripts: { install: 'node packages/a/generate.js' } },
      ),
      'packages/a/package.json': json({ name: 'a', version: '1.0.0', dependencies: { 'is-odd': '3.0.1' } }),
      'packages/a/generate.js': "require('fs').writeFileSync('generated.txt', String(require('ms')('1h')));\n",
      'packages/a/index.js': "require('is-odd');\n",
    },
    lock: npmLock,
  },
  {
    name: 'npm-owned-and-chosen',
    manager: 'npm',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nRUN mkdir -p /srv/web/logs && chown -R node:node /srv/web\nWORKDIR /srv/web\nUSER node\nCOPY --chown=node . .\nUSER root\nRUN cp start.sh /usr/local/bin/ && chmod +x /usr/local/bin/start.sh\nUSER node\nARG NODE_ENV=production\nRUN if [ -f yarn.lock ]; then exit 1; elif [ "$NODE_ENV" = "production" ]; then npm ci --omit=dev; else npm ci; fi\nCMD ["start.sh"]\n`,
      'package.json': manifest({ ms: '2.1.3' }),
      'start.sh': '#!/bin/sh\nexec node server.js\n',
      ...server,
    },
    lock: npmLock,
  },
  {
    name: 'npm-given-away',
    manager: 'npm',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN chown -R node:node /app\nUSER node\nRUN npm ci\nCMD ["node", "server.js"]\n`,
      'package.json': manifest({ ms: '2.1.3' }),
      'lib/deep/a.js': 'module.exports = 1;\n',
      ...server,
    },
    lock: npmLock,
  },
  {
    name: 'npm-subdirectory',
    manager: 'npm',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN cd frontend && npm ci\nRUN cd frontend && npm run build\n\nFROM node:20-slim\nCOPY --from=build /app/frontend/out /srv\nCMD ["node", "/srv/index.js"]\n`,
      'frontend/package.json': manifest(
        { ms: '2.1.3', esbuild: '0.21.5' },
        { scripts: { build: 'esbuild index.js --bundle --platform=node --outfile=out/index.js' } },
      ),
      'frontend/index.js': "console.log(require('ms')('1h'));\n",
      'README.md': '# App\n',
    },
    lock: ['node:20', 'cd frontend && npm install --package-lock-only --ignore-scripts'],
  },
  {
    name: 'npm-late-arg',
    manager: 'npm',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nARG GIT_SHA=unknown\nENV GIT_SHA=$GIT_SHA\nLABEL org.opencontainers.image.revision=$GIT_SHA\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD ["node", "server.js"]\n`,
      'package.json': manifest({ express: '4.21.2' }),
      ...server,
    },
    lock: npmLock,
    options: ['--build-arg', 'GIT_SHA=0123456'],
  },
  {
    name: 'npm-cache-mount',
    manager: 'npm',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD ["node", "server.js"]\n`,
      'package.json': manifest({ express: '4.21.2' }),
      ...server,
    },
    lock: npmLock,
    options: ['--add', 'cache-mounts'],
  },
  {
    name: 'npm-ssh',
    manager: 'npm',
    files: {
      '.dockerignore': 'node_modules\nkey.pem\n',
      Dockerfile: `FROM node:20\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"\nWORKDIR /app\nCOPY . .\nRUN --mount=type=ssh npm ci\n`,
      'package.json': manifest({ ms: '2.1.3' }),
      // A throw-away key: BuildKit is the agent, and nothing asks it.
      'key.js':
        "const { generateKeyPairSync } = require('crypto');\nconst { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });\nrequire('fs').writeFileSync('key.pem', privateKey.export({ type: 'pkcs1', format: 'pem' }));\n",
      ...server,
    },
    lock: ['node:20', `node key.js && ${npmLock[1]}`],
    options: ['--ssh', 'default=key.pem'],
  },
  {
    name: 'yarn-classic',
    manager: 'yarn 1',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN yarn install --frozen-lockfile\nCMD ["node", "server.js"]\n`,
      'package.json': manifest({ ms: '2.1.3', express: '4.21.2' }),
      ...server,
    },
    lock: ['node:20', 'yarn install --ignore-scripts && rm -rf node_modules'],
  },
  {
    name: 'yarn-workspaces',
    manager: 'yarn 1',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN yarn install --frozen-lockfile\nCMD ["node", "packages/a/index.js"]\n`,
      'package.json': manifest({}, { workspaces: ['packages/*'] }),
      'packages/a/package.json': json({ name: 'a', version: '1.0.0', dependencies: { b: '1.0.0', ms: '2.1.3' } }),
      'packages/a/index.js': "require('b');\n",
      'packages/b/package.json': json({ name: 'b', version: '1.0.0', dependencies: { 'is-odd': '3.0.1' } }),
      'packages/b/index.js': "require('is-odd');\n",
    },
    lock: ['node:20', 'yarn install --ignore-scripts && rm -rf node_modules packages/*/node_modules'],
  },
  {
    name: 'yarn-berry',
    manager: 'yarn 4',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nRUN npm install -g --force @yarnpkg/cli-dist@4.9.1\nWORKDIR /app\nCOPY . .\nRUN yarn install --immutable\nCMD ["node", "server.js"]\n`,
      '.yarnrc.yml': 'nodeLinker: node-modules\nenableTelemetry: false\n',
      'package.json': manifest({ ms: '2.1.3', express: '4.21.2' }),
      ...server,
    },
    lock: [
      'node:20',
      'npm install -g --force @yarnpkg/cli-dist@4.9.1 && touch yarn.lock && yarn install --mode=update-lockfile && rm -rf node_modules .yarn',
    ],
  },
  {
    name: 'pnpm',
    manager: 'pnpm 9',
    gate: true,
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nRUN npm install -g pnpm@9.15.9\nWORKDIR /app\nCOPY . .\nRUN pnpm install --frozen-lockfile\nCMD ["node", "server.js"]\n`,
      'package.json': manifest({ ms: '2.1.3', express: '4.21.2' }),
      ...server,
    },
    lock: ['node:20', 'npm install -g pnpm@9.15.9 && pnpm install --lockfile-only'],
  },
  {
    name: 'pnpm-workspaces',
    manager: 'pnpm 9',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nRUN npm install -g pnpm@9.15.9\nWORKDIR /app\nCOPY . .\nRUN pnpm install --frozen-lockfile\nRUN pnpm -r build\nCMD ["node", "packages/a/index.js"]\n`,
      'package.json': manifest({}),
      'pnpm-workspace.yaml': 'packages:\n  - packages/*\n',
      'packages/a/package.json': json({
        name: 'a',
        version: '1.0.0',
        scripts: { build: 'node index.js > built.txt' },
        dependencies: { b: 'workspace:*', ms: '2.1.3' },
      }),
      'packages/a/index.js': "console.log(require('b'));\n",
      'packages/b/package.json': json({ name: 'b', version: '1.0.0', dependencies: { 'is-odd': '3.0.1' } }),
      'packages/b/index.js': "module.exports = require('is-odd')(1);\n",
    },
    lock: ['node:20', 'npm install -g pnpm@9.15.9 && pnpm install --lockfile-only'],
  },
  {
    // Without its look at signatures, which mirrors of the registry do not have.
    name: 'corepack-pnpm',
    manager: 'corepack',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nRUN npm install -g --force corepack@0.34.0 && corepack enable\nENV COREPACK_INTEGRITY_KEYS=0\nWORKDIR /app\nCOPY . .\nRUN corepack install\nRUN pnpm install --frozen-lockfile\nCMD ["node", "server.js"]\n`,
      'package.json': manifest({ ms: '2.1.3', express: '4.21.2' }, { packageManager: 'pnpm@9.15.9' }),
      ...server,
    },
    lock: ['node:20', 'npm install -g pnpm@9.15.9 && pnpm install --lockfile-only'],
  },
  {
    name: 'deno',
    manager: 'deno',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nRUN npm install -g deno@2.9.6\nENV DENO_DIR=/deno-dir\nWORKDIR /app\nCOPY . .\nRUN deno install --frozen\nCMD ["deno", "run", "--allow-net", "server.ts"]\n`,
      'deno.json': json({ imports: { express: 'npm:express@4.21.2' } }),
      'server.ts': "import express from 'express';\nexpress().listen(80);\n",
    },
    lock: ['node:20', 'npm install -g deno@2.9.6 && deno install'],
  },
  {
    name: 'bun',
    manager: 'bun',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nRUN npm install -g bun@1.2.20\nWORKDIR /app\nCOPY . .\nRUN bun install --frozen-lockfile\nCMD ["node", "server.js"]\n`,
      'package.json': manifest({ ms: '2.1.3', express: '4.21.2' }),
      ...server,
    },
    lock: ['node:20', 'npm install -g bun@1.2.20 && bun install --lockfile-only'],
  },
  {
    name: 'bun-workspaces',
    manager: 'bun',
    files: {
      ...ignore,
      Dockerfile: `FROM oven/bun:1\nWORKDIR /app\nCOPY . .\nRUN bun install --frozen-lockfile\nCMD ["bun", "packages/a/index.js"]\n`,
      'package.json': manifest({}, { workspaces: ['packages/*'] }),
      'packages/a/package.json': json({ name: 'a', version: '1.0.0', dependencies: { b: 'workspace:*', ms: '2.1.3' } }),
      'packages/a/index.js': "require('b');\n",
      'packages/b/package.json': json({ name: 'b', version: '1.0.0', dependencies: { 'is-odd': '3.0.1' } }),
      'packages/b/index.js': "require('is-odd');\n",
    },
    lock: ['oven/bun:1', 'bun install --lockfile-only'],
  },
  {
    name: 'pip',
    manager: 'pip',
    gate: true,
    files: {
      ...ignore,
      Dockerfile: `FROM python:3.11\nENV PYTHONDONTWRITEBYTECODE=1\nWORKDIR /app\nCOPY . .\nRUN pip install --no-cache-dir --no-compile -r requirements.txt\nCMD ["python", "app.py"]\n`,
      'requirements.txt': '-r base.txt\nflask==3.0.3\n',
      'base.txt': 'click==8.1.7\n',
      'app.py': 'import flask\n',
    },
  },
  {
    name: 'pip-virtualenv',
    manager: 'pip',
    files: {
      ...ignore,
      Dockerfile: `FROM python:3.11 AS build\nENV PYTHONDONTWRITEBYTECODE=1\nRUN python3 -m venv /venv\nWORKDIR /app\nCOPY . .\nRUN /venv/bin/pip install --no-cache-dir --no-compile -c constraints.txt -r requirements/prod.txt\n\nFROM python:3.11-slim\nCOPY --from=build /venv /venv\nCOPY --from=build /app /app\nCMD ["/venv/bin/python", "/app/app.py"]\n`,
      'constraints.txt': 'click==8.1.7\n',
      'requirements/base.txt': 'click\n',
      'requirements/prod.txt': '-r base.txt\nflask==3.0.3\n',
      'app.py': 'import flask\n',
    },
  },
  {
    name: 'uv',
    manager: 'uv',
    files: {
      ...ignore,
      Dockerfile: `FROM python:3.11\nRUN pip install --no-cache-dir uv==0.8.13\nENV UV_NO_CACHE=1\nWORKDIR /app\nCOPY . .\nRUN uv sync --locked\nCMD ["python", "app.py"]\n`,
      'pyproject.toml':
        '[project]\nname = "app"\nversion = "1.0.0"\nrequires-python = ">=3.11"\ndependencies = ["flask==3.0.3"]\n',
      'app.py': 'import flask\n',
    },
    lock: ['python:3.11', 'pip install -q uv==0.8.13 && uv lock'],
  },
  {
    name: 'uv-pip',
    manager: 'uv',
    files: {
      ...ignore,
      Dockerfile: `FROM python:3.11\nRUN pip install --no-cache-dir uv==0.8.13\nWORKDIR /app\nCOPY . .\nRUN uv pip install --system --no-cache -r requirements.txt\nCMD ["python", "app.py"]\n`,
      'requirements.txt': 'flask==3.0.3\n',
      'app.py': 'import flask\n',
    },
  },
  {
    name: 'pipenv',
    manager: 'pipenv',
    files: {
      ...ignore,
      Dockerfile: `FROM python:3.11\nENV PYTHONDONTWRITEBYTECODE=1\nRUN pip install --no-cache-dir pipenv==2024.0.1\nWORKDIR /app\nCOPY . .\nRUN pipenv install --deploy --system\nCMD ["python", "app.py"]\n`,
      Pipfile: '[packages]\nflask = "==3.0.3"\n',
      'app.py': 'import flask\n',
    },
    lock: ['python:3.11', 'pip install -q pipenv==2024.0.1 && pipenv lock'],
  },
  {
    name: 'poetry',
    manager: 'poetry',
    files: {
      ...ignore,
      Dockerfile: `FROM python:3.11\nENV PYTHONDONTWRITEBYTECODE=1 POETRY_VIRTUALENVS_CREATE=false\nRUN pip install --no-cache-dir poetry==2.1.4 poetry-plugin-pypi-mirror==0.6.5\nWORKDIR /app\nCOPY . .\nRUN poetry install --no-interaction --no-root --no-cache\nCMD ["python", "app.py"]\n`,
      'pyproject.toml':
        '[tool.poetry]\nname = "app"\nversion = "1.0.0"\ndescription = ""\nauthors = []\n\n[tool.poetry.dependencies]\npython = "^3.11"\nflask = "3.0.3"\n\n[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n',
      'app.py': 'import flask\n',
    },
    lock: ['python:3.11', 'pip install -q poetry==2.1.4 poetry-plugin-pypi-mirror==0.6.5 && poetry lock --no-cache'],
  },
  {
    name: 'poetry-root',
    manager: 'poetry',
    files: {
      ...ignore,
      Dockerfile: `FROM python:3.11\nENV PYTHONDONTWRITEBYTECODE=1 POETRY_VIRTUALENVS_CREATE=false\nRUN pip install --no-cache-dir poetry==2.1.4 poetry-plugin-pypi-mirror==0.6.5\nWORKDIR /app\nCOPY . .\nRUN poetry install --no-interaction --no-cache\nCMD ["python", "-m", "app"]\n`,
      'pyproject.toml':
        '[tool.poetry]\nname = "app"\nversion = "1.0.0"\ndescription = ""\nauthors = []\n\n[tool.poetry.dependencies]\npython = "^3.11"\nflask = "3.0.3"\n\n[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n',
      'app/__init__.py': 'import flask\n',
    },
    lock: ['python:3.11', 'pip install -q poetry==2.1.4 poetry-plugin-pypi-mirror==0.6.5 && poetry lock --no-cache'],
  },
  {
    name: 'pdm',
    manager: 'pdm',
    files: {
      ...ignore,
      Dockerfile: `FROM python:3.11\nENV PYTHONDONTWRITEBYTECODE=1 PDM_CHECK_UPDATE=false\nRUN pip install --no-cache-dir pdm==2.10.4\nWORKDIR /app\nCOPY . .\nRUN pdm sync --no-self --no-editable\nCMD ["pdm", "run", "python", "app.py"]\n`,
      'pyproject.toml':
        '[project]\nname = "app"\nversion = "1.0.0"\nrequires-python = ">=3.11"\ndependencies = ["flask==3.0.3"]\n\n[tool.pdm]\ndistribution = false\n',
      'app.py': 'import flask\n',
    },
    lock: ['python:3.11', 'pip install -q pdm==2.10.4 && pdm lock && rm -rf .venv .pdm-python'],
  },
  {
    name: 'go',
    manager: 'go',
    files: {
      Dockerfile: `FROM golang:1.19 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/app .\n\nFROM debian:12\nCOPY --from=build /out/app /app\nCMD ["/app"]\n`,
      'go.mod': 'module example.com/app\n\ngo 1.19\n\nrequire github.com/google/uuid v1.3.0\n',
      'main.go': 'package main\n\nimport "github.com/google/uuid"\n\nfunc main() { println(uuid.NewString()) }\n',
    },
    lock: ['golang:1.19', 'go mod tidy'],
  },
  {
    name: 'go-replaced-module',
    manager: 'go',
    files: {
      Dockerfile: `FROM golang:1.19 AS build\nWORKDIR /src\nCOPY . .\nRUN go mod download\nRUN CGO_ENABLED=0 go build -trimpath -o /out/app .\n\nFROM scratch\nCOPY --from=build /out/app /app\nENTRYPOINT ["/app"]\n`,
      'go.mod':
        'module example.com/app\n\ngo 1.19\n\nrequire (\n\texample.com/lib v0.0.0\n\tgithub.com/google/uuid v1.3.0\n)\n\nreplace example.com/lib => ./lib\n',
      'main.go':
        'package main\n\nimport (\n\t"example.com/lib"\n\t"github.com/google/uuid"\n)\n\nfunc main() { println(lib.Name, uuid.NewString()) }\n',
      'lib/go.mod': 'module example.com/lib\n\ngo 1.19\n',
      'lib/lib.go': 'package lib\n\nconst Name = "lib"\n',
    },
    lock: ['golang:1.19', 'go mod tidy'],
  },
  {
    name: 'cargo',
    manager: 'cargo',
    files: {
      ...ignore,
      Dockerfile: `FROM rust:1 AS build\nWORKDIR /src\nCOPY . .\nRUN cargo build --release --locked\n\nFROM debian:12\nCOPY --from=build /src/target/release/app /app\nCMD ["/app"]\n`,
      'Cargo.toml': '[package]\nname = "app"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\nitoa = "=1.0.5"\n',
      'src/main.rs': 'fn main() { println!("{}", itoa::Buffer::new().format(1)); }\n',
    },
    lock: ['rust:1', 'cargo generate-lockfile'],
  },
  {
    name: 'cargo-fetch',
    manager: 'cargo',
    files: {
      ...ignore,
      Dockerfile: `FROM rust:1 AS build\nWORKDIR /src\nCOPY . .\nRUN cargo fetch --locked\nRUN cargo build --release --offline\n\nFROM debian:12\nCOPY --from=build /src/target/release/app /app\nCMD ["/app"]\n`,
      'Cargo.toml': '[workspace]\nresolver = "2"\nmembers = ["app", "lib"]\n',
      'app/Cargo.toml':
        '[package]\nname = "app"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\nlib = { path = "../lib" }\n',
      'app/src/main.rs': 'fn main() { println!("{}", lib::one()); }\n',
      'lib/Cargo.toml':
        '[package]\nname = "lib"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\nitoa = "=1.0.5"\n',
      'lib/src/lib.rs': 'pub fn one() -> String { itoa::Buffer::new().format(1).to_string() }\n',
    },
    lock: ['rust:1', 'cargo generate-lockfile'],
  },
  {
    name: 'maven',
    manager: 'maven',
    files: {
      ...ignore,
      Dockerfile: `FROM maven:3\nWORKDIR /src\nCOPY . .\nRUN mvn -B -q package\nCMD ["java", "-jar", "target/app-1.jar"]\n`,
      'pom.xml': pom(),
      'src/main/java/App.java': 'class App { public static void main(String[] a) { System.out.println("hello"); } }\n',
    },
  },
  {
    name: 'maven-go-offline',
    manager: 'maven',
    files: {
      ...ignore,
      Dockerfile: `FROM maven:3 AS build\nWORKDIR /src\nCOPY . .\nRUN mvn -B -q dependency:go-offline\nRUN mvn -B -q package\n\nFROM maven:3\nCOPY --from=build /src/target/app-1.jar /app.jar\nCMD ["java", "-jar", "/app.jar"]\n`,
      'pom.xml': pom(
        '  <dependencies>\n    <dependency>\n      <groupId>commons-io</groupId>\n      <artifactId>commons-io</artifactId>\n      <version>2.15.1</version>\n    </dependency>\n  </dependencies>\n',
      ),
      'src/main/java/App.java': 'class App { public static void main(String[] a) { System.out.println("hello"); } }\n',
    },
  },
  {
    name: 'gradle',
    manager: 'gradle',
    files: {
      '.dockerignore': 'build\n.gradle\n',
      Dockerfile: `FROM gradle:4\nWORKDIR /src\nCOPY . .\nRUN gradle --no-daemon dependencies\nRUN gradle --no-daemon jar\nCMD ["java", "-cp", "build/libs/app.jar", "App"]\n`,
      'settings.gradle': "rootProject.name = 'app'\n",
      'build.gradle':
        "apply plugin: 'java'\n\nrepositories {\n    mavenCentral()\n}\n\ndependencies {\n    compile 'commons-io:commons-io:2.15.1'\n}\n",
      'src/main/java/App.java': 'class App { public static void main(String[] a) { System.out.println("hello"); } }\n',
    },
  },
  {
    name: 'leiningen',
    manager: 'clojure',
    files: {
      '.dockerignore': 'target\n',
      Dockerfile: `FROM clojure:lein\nENV LEIN_ROOT=1\nWORKDIR /src\nCOPY . .\nRUN lein deps\nRUN lein jar\nCMD ["lein", "run"]\n`,
      'project.clj': '(defproject app "1.0.0"\n  :dependencies [[org.clojure/clojure "1.11.1"]]\n  :main app.core)\n',
      'src/app/core.clj': '(ns app.core)\n\n(defn -main [] (println "hello"))\n',
    },
  },
  {
    name: 'composer-path',
    manager: 'composer',
    offline: true,
    files: {
      ...ignore,
      Dockerfile: `FROM composer:2\nENV COMPOSER_ALLOW_SUPERUSER=1\nWORKDIR /app\nCOPY . .\nRUN composer install --no-interaction\n`,
      'composer.json': json({
        name: 'example/app',
        repositories: [{ type: 'path', url: 'packages/lib' }, { packagist: false }],
        require: { 'example/lib': '1.0.0' },
      }),
      'packages/lib/composer.json': json({ name: 'example/lib', version: '1.0.0' }),
      'src/index.php': '<?php echo 1;\n',
    },
    lock: ['composer:2', 'COMPOSER_ALLOW_SUPERUSER=1 composer update --no-install --no-interaction'],
  },
  {
    name: 'bundler-path',
    manager: 'bundler',
    offline: true,
    files: {
      ...ignore,
      Dockerfile: `FROM ruby:3.1\nWORKDIR /app\nCOPY . .\nRUN bundle install --local\nCMD ["ruby", "app.rb"]\n`,
      Gemfile: "gem 'rack'\n",
      'app.rb': "require 'rack'\n",
    },
    lock: ['ruby:3.1', 'bundle lock --local'],
  },
  {
    name: 'mix-path',
    manager: 'mix',
    offline: true,
    files: {
      ...ignore,
      Dockerfile: `FROM elixir:1.14\nWORKDIR /app\nCOPY . .\nRUN mix deps.get\n`,
      'mix.exs':
        'defmodule App.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :app, version: "1.0.0", deps: deps()]\n  end\n\n  defp deps do\n    [{:lib, path: "vendored/lib"}]\n  end\nend\n',
      'vendored/lib/mix.exs':
        'defmodule Lib.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :lib, version: "1.0.0"]\n  end\nend\n',
      'lib/app.ex': 'defmodule App do\nend\n',
    },
  },
  {
    name: 'rebar3-apps',
    manager: 'rebar3',
    offline: true,
    files: {
      ...ignore,
      Dockerfile: `FROM erlang:25\nWORKDIR /app\nCOPY . .\nRUN rebar3 get-deps\nRUN rebar3 compile\n`,
      'rebar.config': '{deps, []}.\n{erl_opts, [deterministic]}.\n',
      'apps/app/src/app.app.src': '{application, app, [{vsn, "1.0.0"}, {applications, [kernel, stdlib]}]}.\n',
      'apps/app/src/app.erl': '-module(app).\n-export([one/0]).\none() -> 1.\n',
    },
  },
];

/** A rewrite that a person could make by mistake, which the images have to show. */
export interface Control {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly lock?: Project['lock'];
  readonly rewritten: string;
  /** A path that has to be among the differences. */
  readonly shows: string;
}

export const CONTROLS: readonly Control[] = [
  {
    name: 'workspace-left-out',
    files: PROJECTS[1]?.files ?? {},
    lock: npmLock,
    rewritten: `FROM node:20\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\nCMD ["node", "packages/a/index.js"]\n`,
    shows: '/app/node_modules/is-odd/package.json',
  },
  {
    name: 'node_modules-not-ignored',
    files: {
      Dockerfile: `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n`,
      'package.json': manifest({ ms: '2.1.3' }),
      'node_modules/ms/index.js': 'throw new Error("the host\'s");\n',
    },
    lock: npmLock,
    rewritten: `FROM node:20\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n`,
    shows: '/app/node_modules/ms/index.js',
  },
  {
    name: 'chown-lost',
    files: PROJECTS[2]?.files ?? {},
    lock: npmLock,
    rewritten: `FROM node:20 AS build\nUSER node\nWORKDIR /home/node/app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n\nFROM node:20-slim\nWORKDIR /app\nCOPY --from=build /home/node/app /app\nCMD ["node", "server.js"]\n`,
    shows: '/home/node/app/server.js',
  },
  {
    name: 'postinstall-reads-source',
    files: {
      ...ignore,
      Dockerfile: `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n`,
      'package.json': manifest(
        { ms: '2.1.3' },
        {
          scripts: {
            postinstall:
              "node -e \"const f=require('fs'); f.writeFileSync('list.txt', String(f.existsSync('server.js')))\"",
          },
        },
      ),
      ...server,
    },
    lock: npmLock,
    rewritten: `FROM node:20\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n`,
    shows: '/app/list.txt',
  },
];
