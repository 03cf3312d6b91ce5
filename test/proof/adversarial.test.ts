/**
 * Dockerfiles in which the obvious move changes what the build does: a command reads the source in a way that is easy
 * to overlook. Each was accepted once, or nearly so.
 */
import { describe, expect, it } from 'vitest';
import { fix, memoryContext, parse } from '../../src/index.ts';
import type { MemoryOptions } from '../../src/context/memory.ts';
import type { Dockerfile } from '../../src/model.ts';
import { proof } from '../../src/proof/prove.ts';

const PROJECT = {
  '.dockerignore': '**/node_modules\n',
  'package.json': '{"name":"a","dependencies":{"x":"1"}}',
  'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
  'requirements.txt': 'flask==3.0.0\n',
  'src/a.js': 'a',
  'x.txt': 'x',
};

interface Case {
  readonly name: string;
  readonly lines: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly options?: MemoryOptions;
  /** What must stand above the RUNs instead; absent: nothing may change. */
  readonly copies?: string;
  /** The copy and this RUN move below the install together. */
  readonly rides?: string;
}

/** A whole copy to `/app`, and commands after it. */
const app = (...lines: string[]): string[] => ['FROM node:20', 'WORKDIR /app', 'COPY . .', ...lines];

const CASES: readonly Case[] = [
  // What is printed into a file.
  { name: 'echo of a glob', lines: app('RUN echo * > list.txt && apt-get update') },
  { name: 'echo of a glob into the system', lines: app('RUN echo src/* > /etc/list', 'RUN npm ci') },
  { name: 'ls into a file', lines: app('RUN ls > list.txt && apt-get update') },
  { name: 'ls into a pipe', lines: app('RUN ls | tee /etc/list && apt-get update') },
  { name: 'du into a file', lines: app('RUN du > /etc/list && apt-get update') },
  { name: 'a second substitution', lines: app('RUN echo $(nproc) $(cat x.txt) > /etc/y && apt-get update') },
  { name: 'which into a file', lines: app('ENV PATH=$PATH:/app/bin', 'RUN which foo > /etc/y && apt-get update') },
  {
    name: 'sort of a file in a pipe',
    lines: app('RUN echo | sort - x.txt > /etc/y && apt-get update'),
    copies: 'x.txt',
  },
  { name: 'tee beside the source', lines: app('RUN echo | tee /etc/a x.txt && apt-get update') },
  // A project in a directory that is partly the system's.
  ...['/root/app', '/tmp/app', '/home/node/app', '/opt/app', '/srv/app', '/usr/src/app'].flatMap((directory) =>
    [
      'echo hi > x.txt',
      `sed -i s/a/b/ ${directory}/x.txt`,
      `cp ${directory}/x.txt ${directory}/y.txt`,
      'mv x.txt y.txt',
      'rm x.txt',
      `rm -rf ${directory.slice(0, directory.lastIndexOf('/'))}/*`,
      `rm -rf ${directory.slice(0, directory.lastIndexOf('/'))}`,
      `chown -R node ${directory.slice(0, directory.lastIndexOf('/'))}`,
    ].map((command, at) => ({
      name: `${command} in ${directory}`,
      lines: ['FROM node:20', `WORKDIR ${directory}`, 'COPY . .', `RUN ${command}`, 'RUN npm ci'],
      ...(at < 5 ? { rides: `RUN ${command}` } : {}),
    })),
  ),
  // The environment names files, or code.
  {
    name: 'PATH puts the project first',
    lines: app('ENV PATH=/app/bin:$PATH', 'RUN apt-get update'),
    files: { 'bin/apt-get': '' },
  },
  {
    name: 'PATH for one RUN',
    lines: app('RUN export PATH=/app/bin:/bin && apt-get update'),
    files: { 'bin/apt-get': '' },
  },
  { name: 'NODE_OPTIONS', lines: app('ENV NODE_OPTIONS="--require /app/src/a.js"', 'RUN npm ci') },
  { name: 'NODE_OPTIONS in two steps', lines: app('ARG X=./src/a.js', 'ENV NODE_OPTIONS="-r $X"', 'RUN npm ci') },
  { name: 'BASH_ENV', lines: app('SHELL ["/bin/bash", "-c"]', 'ENV BASH_ENV=/app/x.txt', 'RUN npm ci') },
  { name: 'npm_config_userconfig', lines: app('ENV NPM_CONFIG_USERCONFIG=/app/x.txt', 'RUN npm ci'), copies: 'x.txt' },
  { name: 'a setting in front of the command', lines: app('RUN npm_config_userconfig=x.txt npm ci'), copies: 'x.txt' },
  {
    name: 'PIP_CONFIG_FILE',
    lines: app('ENV PIP_CONFIG_FILE=/app/x.txt', 'RUN pip install -r requirements.txt'),
    copies: 'x.txt',
  },
  {
    name: 'PYTHONPATH over a module',
    lines: app('ENV PYTHONPATH=/app', 'RUN pip install -r requirements.txt'),
    files: { 'sitecustomize.py': '' },
  },
  {
    name: 'HOME in the project',
    lines: app('ENV HOME=/app', 'RUN npm i -g foo'),
    files: { '.npmrc': 'a=b' },
    copies: '.npmrc',
  },
  {
    name: 'GOBIN in the project',
    lines: app('ENV GOBIN=/app/bin', 'RUN go install example.com/a@v1'),
    files: { 'bin/a': '' },
  },
  {
    name: 'python -m over a module',
    lines: app('RUN python3 -m pip install -r requirements.txt'),
    files: { 'logging.py': '' },
  },
  // Options name files.
  { name: 'npm --userconfig', lines: app('RUN npm ci --userconfig x.txt'), copies: 'x.txt' },
  { name: 'npm --script-shell', lines: app('RUN npm ci --script-shell ./x.txt') },
  { name: 'pip -t', lines: app('RUN pip install -t lib flask'), files: { 'lib/x.py': '' } },
  { name: 'curl -K', lines: app('RUN curl -sSfo /usr/bin/y https://x -Kx.txt && apt-get update') },
  { name: 'curl -d @', lines: app('RUN curl -o /usr/bin/y -d@x.txt https://x && apt-get update'), copies: 'x.txt' },
  { name: 'curl -o attached', lines: app('RUN curl -ox.txt https://x && apt-get update') },
  { name: 'curl of a file', lines: app('RUN curl -o /usr/bin/y file:///app/x.txt && apt-get update') },
  { name: 'curl of several names', lines: app('RUN curl -O "https://h/{x,y}.txt" && apt-get update') },
  { name: 'wget -i', lines: app('RUN wget -ix.txt && apt-get update') },
  { name: 'wget -P attached', lines: app('RUN wget -Psrc https://h/a.js && apt-get update') },
  { name: 'wget -O attached', lines: app('RUN wget -Ox.txt https://h/y && apt-get update') },
  { name: 'apt-get -c', lines: app('RUN apt-get -c x.txt update'), copies: 'x.txt' },
  { name: 'apt-get -o', lines: app('RUN apt-get -o Dir::Etc::SourceList=/app/x.txt update'), copies: 'x.txt' },
  { name: 'apk --repositories-file', lines: app('RUN apk add --repositories-file x.txt curl'), copies: 'x.txt' },
  { name: 'dpkg -R', lines: app('RUN dpkg -iR debs && apt-get update'), files: { 'debs/a.deb': '' }, copies: 'debs' },
  { name: 'gem install of a file', lines: app('RUN gem install foo.gem'), files: { 'foo.gem': '' }, copies: 'foo.gem' },
  { name: 'gem install -g', lines: app('RUN gem install -g && apt-get update'), files: { Gemfile: '' } },
  {
    name: 'a toolchain file',
    lines: app('RUN rustup target add wasm32'),
    files: { 'rust-toolchain.toml': '' },
    copies: 'rust-toolchain.toml',
  },
  // What comes out of a stage by a name that is not known.
  ...['COPY --from=base $P/x ./', 'COPY --from=base /out/$P.json ./', 'COPY --from=base /out/*.js ./'].map((line) => ({
    name: line,
    lines: [
      'FROM alpine AS base',
      'RUN make',
      'FROM node:20',
      'ARG P',
      'WORKDIR /app',
      'COPY src ./',
      line,
      'RUN npm i -g foo',
    ],
  })),
  // What find does with what it finds.
  ...[
    'find . -name x.txt -exec sh -c "cat {} > /etc/y" \\;',
    'find . -name x.txt -exec chmod --reference=src/a.js {} +',
    'find . -name x.txt -fprint /etc/y -exec chmod 644 {} +',
    'find . -newer x.txt -exec cp {} /etc/y +',
  ].map((command) => ({ name: command, lines: app(`RUN ${command}`, 'RUN apt-get update') })),
  // Scripts that are run in the shell itself.
  {
    name: 'activate of the project',
    lines: app('RUN . venv/bin/activate && npm ci'),
    files: { 'venv/bin/activate': '' },
  },
  {
    name: 'activate that a copy may have replaced',
    lines: ['FROM node:20', 'WORKDIR /app', 'RUN python3 -m venv v', 'COPY . .', 'RUN . v/bin/activate && npm ci'],
    files: { 'v/bin/activate': '' },
  },
  {
    name: 'activate of an environment that is made later',
    lines: app('RUN . v/bin/activate && npm ci && python3 -m venv v'),
  },
  {
    name: "rustup's env in a home that is copied",
    lines: [
      'FROM rust:1',
      'RUN curl https://sh.rustup.rs | sh -s -- -y',
      'COPY . /root',
      'RUN . $HOME/.cargo/env && apt-get update',
    ],
    files: { '.cargo/env': '' },
  },
  // Links.
  {
    name: 'a link for a directory',
    lines: [
      'FROM node:20',
      'RUN mkdir -p /data && ln -s /data /app',
      'COPY . /app',
      'RUN cat /data/x.txt > /etc/y',
      'RUN apt-get update',
    ],
  },
  {
    name: 'workspaces behind a link of the context',
    lines: app('RUN npm ci'),
    files: {
      'package.json': '{"workspaces":["packages/*"]}',
      packages: 'shared',
      'shared/a/package.json': '{"name":"a"}',
    },
    options: { symlinks: ['packages'] },
  },
  {
    name: 'workspaces behind a link that is copied by its name',
    lines: ['FROM node:20', 'WORKDIR /app', 'COPY . .', 'COPY packages members', 'RUN npm ci'],
    files: {
      'package.json': '{"workspaces":["members/a"]}',
      packages: 'shared',
      'shared/a/package.json': '{"name":"a"}',
    },
    options: { symlinks: ['packages'] },
  },
  {
    name: 'a manifest that is a link',
    lines: app('RUN npm ci'),
    files: { 'package.json': 'etc/package.json', 'etc/package.json': '{}' },
    options: { symlinks: ['package.json'] },
  },
  {
    name: 'settings that are a link to a later copy',
    lines: ['FROM node:20', 'WORKDIR /app', 'COPY web .', 'COPY shared /shared', 'RUN npm ci'],
    files: {
      'web/package.json': '{}',
      'web/package-lock.json': '{"lockfileVersion":3}',
      'web/.npmrc': '/shared/npmrc',
      'shared/npmrc': 'a=b',
    },
    options: { symlinks: ['web/.npmrc'] },
  },
  // Settings in directories above.
  {
    name: '.yarnrc above',
    lines: ['FROM node:20', 'WORKDIR /app/web', 'COPY . /app', 'RUN yarn install --frozen-lockfile'],
    files: { '.yarnrc': 'a "b"', 'web/package.json': '{}', 'web/yarn.lock': '# yarn lockfile v1\n' },
    copies: '.yarnrc',
  },
  // What has to be there.
  {
    name: 'cd at the end of a script',
    lines: app('RUN <<EOF', 'npm ci', 'cd src', 'EOF'),
  },
  {
    name: 'cd that may fail',
    lines: app('RUN npm ci; cd web && npm ci; chown -R node .', 'RUN npm ci'),
  },
  {
    name: 'rm of what a later copy brings back',
    lines: app('RUN rm x.txt', 'COPY . /app', 'RUN npm ci'),
    rides: 'RUN rm x.txt\nCOPY . /app',
  },
  {
    name: 'a member that is copied in full',
    lines: app('RUN pnpm install --frozen-lockfile'),
    files: {
      'package.json': '{"dependencies":{"a":"file:./packages/a"}}',
      'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
      'pnpm-workspace.yaml': 'packages:\n  - packages/*\n',
      'packages/a/package.json': '{"name":"a"}',
      'packages/a/index.js': '',
    },
    copies: 'packages/a ',
  },
  // Who may write, and whose it is.
  {
    name: 'a directory that the user could not make before the copy',
    lines: ['FROM node:20', 'WORKDIR /app', 'USER node', 'COPY . .', 'RUN pip install flask && mkdir -p /app/src/deep'],
    files: { 'src/deep/b.js': '' },
  },
  {
    name: 'package.json of another user',
    lines: ['FROM node:20', 'USER node', 'WORKDIR /home/node/app', 'COPY . .', 'RUN npm ci'],
    files: {
      'package.json': '{"workspaces":["packages/*"]}',
      'packages/a/package.json': '{"name":"a","scripts":{"prepare":"node build.js"}}',
      'packages/a/build.js': '',
    },
  },
  {
    name: 'a wildcard that makes no directory where it matches nothing',
    lines: [
      'FROM node:20',
      'COPY --chown=node packages/a /app/',
      'COPY . /app',
      'RUN npm ci --prefix /app && npm run build --prefix /app',
    ],
    files: { 'packages/a/readme.md': '', '.dockerignore': 'node_modules\n', '.gitignore': '.npmrc\n' },
  },
  {
    name: 'an owner that a directory of somebody’s disk would take back',
    lines: app('RUN mkdir -p dist && chown node dist && apt-get install -y curl'),
    files: { '.gitignore': 'dist\n' },
  },
  // What came out of a stage.
  {
    name: 'a file of another stage that an option names',
    lines: [
      'FROM node:20 AS build',
      'COPY <<EOF /app/made.txt',
      'made',
      'EOF',
      'COPY . .',
      'FROM node:20',
      'WORKDIR /app',
      'COPY . .',
      'COPY --from=build /app .',
      'RUN npm ci --userconfig made.txt',
    ],
  },
  {
    name: 'a directory of another stage that pip fills',
    lines: [
      'FROM python:3.12 AS build',
      'WORKDIR /app',
      'RUN pip install -t lib flask',
      'COPY . .',
      'FROM build',
      'COPY --from=build --chown=node /app .',
      'RUN pip install -t lib flask',
    ],
  },
  {
    name: 'settings above the project that git ignores',
    lines: ['FROM node:20', 'WORKDIR /srv/app', 'COPY . .', 'WORKDIR web', 'RUN yarn'],
    files: { 'web/package.json': '{}', '.gitignore': '.npmrc\n' },
    copies: 'COPY .npmrc* ./',
  },
  {
    name: 'a manifest that an earlier command changed, and the copy restores',
    lines: app('RUN pip install .', 'RUN sed -i s/1/2/ package.json', 'COPY . ./', 'RUN pnpm fetch'),
    files: { 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n" },
  },
  // Links of the project.
  {
    name: 'a link that a command may have left',
    lines: [
      'FROM node:20',
      'WORKDIR /app',
      'COPY src /',
      'COPY . /app',
      'RUN ./configure',
      'COPY . /link',
      'RUN pip install flask',
    ],
    files: { 'src/link': '../lib' },
    options: { symlinks: ['src/link'] },
  },
  {
    name: 'what is written to a link that is copied over later',
    lines: app('RUN echo hi > x.txt; apt-get update', 'COPY <<EOF /app/x.txt', 'EOF'),
    files: { 'x.txt': 'src/a.js' },
    options: { symlinks: ['x.txt'] },
  },
  {
    name: 'a file that is copied to where a link leads',
    lines: app('COPY x.txt .npmrc', 'RUN yarn install', 'COPY <<EOF .npmrc', 'EOF'),
    files: { 'yarn.lock': '# yarn lockfile v1\n', '.npmrc': 'etc/config' },
    options: { symlinks: ['.npmrc'] },
  },
  {
    name: 'a link behind a command that is not understood',
    lines: [
      'FROM node:20',
      'RUN ln -s /app /srv/app && ./configure',
      'WORKDIR /app',
      'COPY . /srv/app',
      'RUN chown node /app && pip install flask && cp x.txt y.txt',
    ],
  },
  {
    name: 'settings in a home that git ignores',
    lines: ['FROM node:20', 'WORKDIR /root', 'COPY . ./', 'RUN apt-get update'],
    files: { '.gitignore': '.npmrc\n' },
  },
  // What only a mount holds.
  {
    name: 'dependencies in a mount of another RUN',
    lines: app(
      'RUN --mount=type=cache,target=/app/node_modules npm ci',
      'RUN --mount=type=cache,target=/app/node_modules npm run build',
    ),
    files: { 'package.json': '{"scripts":{"build":"node src/a.js"}}' },
  },
  // What grows old.
  { name: 'an update for a script', lines: app('RUN apt-get update', 'RUN ./install.sh') },
  { name: 'an update in the RUN of a script', lines: app('RUN apt-get update && ./install.sh') },
  {
    name: 'an update for packages that a file names',
    lines: app('RUN apt-get update && apt-get install -y git', 'RUN xargs apt-get install -y < x.txt'),
  },
  {
    name: 'an update in the stage that another one is based on',
    lines: [
      ...app('RUN apt-get update').map((line) => line.replace('node:20', 'node:20 AS base')),
      'FROM base',
      'RUN apt-get install -y $(cat x.txt)',
    ],
  },
  {
    name: 'lists of packages in a mount of another RUN',
    lines: app(
      'RUN --mount=type=cache,target=/var/lib/apt/lists apt-get update',
      'RUN --mount=type=cache,target=/var/lib/apt/lists apt-get install -y $(cat x.txt)',
    ),
  },
  ...['type=cache,target=/app/node_modules', 'type=tmpfs,target=/app/node_modules', 'target=/app,rw'].map((mount) => ({
    name: `dependencies in a mount of the same RUN: ${mount}`,
    lines: app(`RUN --mount=${mount} npm ci && npm run build`),
    files: { 'package.json': '{"scripts":{"build":"node src/a.js"}}' },
  })),
  {
    name: 'a link that would be copied onto a directory',
    lines: app('COPY packages packages', 'RUN pip install flask', 'COPY . .'),
    files: { packages: 'src' },
    options: { symlinks: ['packages'] },
  },
  {
    name: 'a workspace that owns the directory of the install, after a command that is not understood',
    lines: [
      'FROM node:20',
      'WORKDIR /src',
      'COPY x.txt /app/x.txt',
      'COPY . .',
      'RUN make',
      'WORKDIR /app',
      'COPY . /app',
      'RUN cd packages/a && npm ci',
    ],
    files: {
      'package.json': '{"workspaces":["packages/*"]}',
      'packages/a/package.json': '{"name":"m","scripts":{"preinstall":"true"}}',
    },
  },
  {
    name: 'a build that fails for want of a download, which nobody minds',
    lines: ['FROM rust:1', 'WORKDIR /app', 'COPY . .', 'RUN cargo build --release --offline; echo done'],
    files: { 'Cargo.toml': '[package]\nname = "a"\n', 'Cargo.lock': 'version = 4\n', 'src/main.rs': 'fn main() {}\n' },
  },
  ...['pnpm fetch && pnpm install --frozen-lockfile --offline', 'pnpm install --frozen-lockfile'].map((install) => ({
    name: `the failure of \`${install}\`, which nobody minds`,
    lines: app(`RUN ${install}; node src/a.js`),
    files: {
      'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
      'package.json': '{"scripts":{"postinstall":"node src/a.js"}}',
    },
  })),
  ...['mkdir -p /app/src/deep || true', 'for d in src lib; do mkdir -p $d; done'].map((command) => ({
    name: `a directory that \`${command}\` leaves where the stubs of a crate would go`,
    lines: ['FROM rust:1', 'WORKDIR /app', `RUN ${command}`, 'COPY . .', 'RUN cargo build --release'],
    files: { 'Cargo.toml': '[package]\nname = "a"\n', 'Cargo.lock': 'version = 4\n', 'src/main.rs': 'fn main() {}\n' },
  })),
  {
    name: 'the second line of a branch',
    lines: app('RUN <<EOF', 'if [ "$A" = b ]; then', '  npm ci', '  ./run.sh', 'fi', 'EOF'),
  },
  { name: 'a branch that cannot be parsed', lines: app('RUN if [ "$A" = b ]; then npm ci; else (; fi') },
  {
    name: 'a branch that reads a directory',
    lines: app('RUN if [ -f x.txt ]; then npm ci; else ls > /etc/y; fi; ls src'),
  },
  { name: 'what is printed into a file called 1', lines: app('RUN npm ci > 1') },
  {
    name: 'a directory that is given away with what is mounted there',
    lines: app('RUN --mount=type=bind,source=src,target=/app/src chown -R node:node /app', 'RUN npm ci'),
  },
  {
    name: 'settings of NuGet at the top',
    lines: ['FROM python:3', 'COPY . ./', 'WORKDIR /app', 'COPY . ./', 'RUN dotnet restore app.csproj'],
    files: { 'nuget.config': '<configuration />\n', 'app.csproj': '<Project Sdk="Microsoft.NET.Sdk" />\n' },
    copies: 'COPY nuget.config ./',
  },
  {
    name: 'a directory that an unknown copy may have made, for a file of another owner',
    lines: [
      'FROM example.com/base',
      'USER node',
      'WORKDIR /home/node/app',
      'COPY --chmod=755 . $DIR',
      'COPY --chown=node . .',
      'RUN dotnet restore app.csproj',
    ],
    files: {
      'app.csproj': '<Project Sdk="Microsoft.NET.Sdk"><ProjectReference Include="lib/lib.csproj" /></Project>\n',
      'lib/lib.csproj': '<Project Sdk="Microsoft.NET.Sdk" />\n',
    },
  },
  {
    name: 'a directory of the system, where the base image may work at the top',
    lines: ['FROM example.com/base', 'COPY src src', 'RUN rm -rf lib', 'RUN pip install flask'],
  },
  ...['true', 'make'].map((command) => ({
    name: `a link that comes out of another stage, where \`${command}\` ran`,
    lines: [
      'FROM node:20 AS build',
      'COPY . /app',
      `RUN ${command}`,
      'FROM node:20',
      'WORKDIR /app',
      'COPY --from=build /app /app',
      'COPY packages packages',
      'COPY --chown=node . .',
      'RUN mvn dependency:go-offline',
    ],
    files: { 'pom.xml': '<project/>', packages: 'shared', 'shared/x': 'x' },
    options: { symlinks: ['packages'] },
  })),
  {
    name: 'a link to nothing, behind a mount',
    lines: app('COPY <<EOF .npmrc', 'EOF', 'RUN --mount=type=bind,source=x.txt,target=/app/.npmrc pnpm install'),
    files: {
      'package.json': '{"scripts":{"install":"node build.js"}}',
      'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
      '.npmrc': 'etc/config',
    },
    options: { symlinks: ['.npmrc'] },
  },
  // What is not known to have run.
  {
    name: 'a cd that fails, and what follows the semicolon',
    lines: app('SHELL ["/bin/bash", "-eo", "pipefail", "-c"]', 'RUN cd web && npm ci; ls src > /etc/list'),
  },
  {
    name: 'a workspace that a command may have left',
    lines: app(
      'RUN ./configure',
      'COPY . /srv/app',
      'RUN --mount=type=bind,source=package.json,target=package.json pnpm install',
    ),
  },
  // Triggers, homes, unknown directories.
  {
    name: 'triggers of a stage',
    lines: [
      'FROM node:20 AS b',
      'ONBUILD WORKDIR /srv',
      'ONBUILD RUN rm -rf /app',
      'FROM b',
      'COPY . /app',
      'RUN npm ci --prefix /app',
    ],
  },
  {
    name: 'a home that would be filled',
    lines: ['FROM node:20', 'COPY . /home/bob/', 'RUN useradd -m bob && apt-get update'],
  },
  {
    name: 'the base image may stand in /app',
    lines: ['FROM example.com/base', 'COPY . .', 'RUN cat /app/x.txt > /etc/y && apt-get update'],
  },
  {
    name: 'a download into a directory of the source',
    lines: [
      'FROM node:20',
      'WORKDIR /app',
      'COPY . .',
      'RUN curl -fsSL https://example.com/tool -o src/tool',
      'RUN apt-get update',
    ],
  },
  {
    name: 'a download into a directory that the copy makes',
    lines: ['FROM node:20', 'COPY . /app', 'RUN wget -O /app/tool https://example.com/tool', 'RUN apt-get update'],
  },
  {
    name: 'a line written to a directory of the source',
    lines: ['FROM node:20', 'WORKDIR /app', 'COPY . .', 'RUN echo yes > src/built', 'RUN apt-get update'],
  },
  {
    name: 'an empty file in a directory of the source',
    lines: ['FROM node:20', 'WORKDIR /app', 'COPY . .', 'RUN touch src/built', 'RUN apt-get update'],
  },
  {
    name: 'a link in a directory of the source',
    lines: ['FROM node:20', 'WORKDIR /app', 'COPY . .', 'RUN ln -s /etc/hosts src/hosts', 'RUN apt-get update'],
  },
  {
    name: 'a directory in one of the source',
    lines: ['FROM node:20', 'WORKDIR /app', 'COPY . .', 'RUN mkdir src/made', 'RUN apt-get update'],
  },
  {
    name: 'a file in a directory of another owner',
    lines: [
      'FROM node:20',
      'COPY --chown=node . /app',
      'WORKDIR /srv',
      'RUN mkdir -p /app',
      'USER node',
      'RUN echo yes > /app/built',
      'USER root',
      'RUN apt-get update',
    ],
  },
  {
    name: 'an install that writes to a directory of the source by its owner',
    lines: [
      'FROM node:20',
      'WORKDIR /app',
      'RUN chown node .',
      'COPY --link . .',
      'USER node',
      'COPY --chown=node . .',
      'RUN dotnet restore',
    ],
    files: {
      'a.csproj': '<Project Sdk="Microsoft.NET.Sdk"><ProjectReference Include="lib/b.csproj" /></Project>',
      'lib/b.csproj': '<Project Sdk="Microsoft.NET.Sdk" />',
      '.dockerignore': '**/obj\n',
    },
  },
  {
    name: 'a directory that may not be made while the source is there',
    lines: [
      'FROM node:20',
      'USER node',
      'WORKDIR /app',
      'COPY . .',
      'RUN mkdir -p src/made; npm i -g serve',
      'RUN npm i -g pm2',
    ],
  },
  {
    name: 'the base image may stand in the destination',
    lines: ['FROM example.com/base', 'COPY . /app', 'RUN touch x.txt && apt-get update'],
  },
];

describe('nothing is moved over a reader', () => {
  it.each(CASES)('$name', ({ lines, files, options, copies, rides }) => {
    const source = `${lines.join('\n')}\n`;
    const context = memoryContext({ ...PROJECT, ...files }, options);
    const { changes, applied } = fix({ path: 'Dockerfile', source }, context);
    const after = changes.find((each) => each.path === 'Dockerfile')?.after ?? source;
    if (rides !== undefined) {
      expect(after).toMatch(/^COPY package\.json package-lock\.json \S+\nRUN npm ci$/m);
      expect(after.endsWith(`RUN npm ci\nCOPY . .\n${rides}\n`), after).toBe(true);
      return;
    }
    if (copies === undefined) {
      // Two installs may still be put apart below the copy, but no copy may sink.
      expect(after, applied.map((each) => each.message).join('\n')).toBe(source);
      return;
    }
    const above = after.split('\n').filter((line) => /^COPY (?!\. )/.test(line) && !source.includes(line));
    expect(above.join('\n')).toContain(copies);
  });
});

/** Sources, and whether a copy of them that is put in ahead of what overwrites it may be. */
const SOURCES: readonly (readonly [source: string, verdict: string])[] = [
  ['x.txt', 'accepted'],
  ['gone.txt', 'different-configuration'],
  ['link.txt', 'different-configuration'],
  ['link', 'different-configuration'],
];

it.each(SOURCES)('a copy of %s is %s', (source, verdict) => {
  const context = memoryContext(
    { ...PROJECT, link: 'nowhere', 'link.txt': 'nowhere' },
    { symlinks: ['link', 'link.txt'] },
  );
  const text = 'FROM node:20\nWORKDIR /app\nCOPY src/a.js ./b\n';
  const more = parse(text.replace('COPY', `COPY ${source} ./b\nCOPY`));
  const trouble = proof({ file: parse(text), context }, undefined).compare({ file: more, context });
  expect(trouble?.code ?? 'accepted', trouble?.message).toBe(verdict);
});

/** What is there already, and whether a directory that is copied ahead may be copied to it: it keeps its owner then. */
const OWNERS: readonly (readonly [above: string, verdict: string])[] = [
  ['', 'accepted'],
  ['COPY --chown=node src ./src\n', 'accepted'],
  ['COPY src ./src\n', 'intervening-run-reads-source'],
  ['COPY . .\n', 'intervening-run-reads-source'],
  ['COPY . .\nRUN make\n', 'intervening-run-reads-source'],
];

it.each(OWNERS)('a directory of another owner below `%s` is %s', (above, verdict) => {
  const context = memoryContext(PROJECT);
  const head = `FROM node:20\nWORKDIR /app\n${above}`;
  const before = parse(`${head}COPY --chown=node . .\nRUN cp -a src dist\n`);
  const after = parse(`${head}COPY --chown=node src ./src/\nRUN cp -a src dist\nCOPY --chown=node . .\n`);
  const trouble = proof({ file: before, context }, undefined).compare({ file: after, context });
  expect(trouble?.code ?? 'accepted', trouble?.message).toBe(verdict);
});

it('a file that is there keeps its mode when it is written to', () => {
  const context = memoryContext(PROJECT);
  const text = 'FROM node:20\nWORKDIR /app\nCOPY --chmod=755 . .\nRUN echo hi > x.txt\n';
  const more = parse(text.replace('RUN', 'COPY x.txt ./\nRUN'));
  const trouble = proof({ file: parse(text), context }).compare({ file: more, context });
  expect(trouble?.code).toBe('intervening-run-reads-source');
});

/** Two instructions that change places although one decides what the other does. */
const EXCHANGED: readonly (readonly [above: string, one: string, other: string, below?: string])[] = [
  // The base image's own directory may be `/`.
  ['', 'COPY . ./', 'COPY --chmod=755 src /etc'],
  ['', 'COPY x.txt ./', 'COPY src /usr/bin/'],
  // Whose it is, and whether that user is known.
  ['WORKDIR /app\n', 'COPY . .', 'RUN chown -R node:node /app'],
  ['WORKDIR /app\n', 'RUN useradd bob', 'RUN chown -R bob:bob /app'],
  ['WORKDIR /app\nCOPY . .\n', 'RUN touch new.txt', 'RUN chown -R node:node /app'],
  ['WORKDIR /app\nCOPY . .\n', 'RUN cp -a src dist', 'RUN chown -R node:node src'],
  ['WORKDIR /app\nCOPY . .\n', 'RUN chown -R node:node /app', 'RUN chown -R bob:bob .'],
  ['WORKDIR /app\nCOPY . .\n', 'USER node', 'RUN chown -R node:node /app'],
  // What a later copy leaves out stays as it is.
  ['WORKDIR /app\n', 'COPY x.txt ./', 'COPY src/a.js x.txt', 'COPY --exclude=*.txt . .'],
  ['WORKDIR /app\n', 'COPY src src', 'COPY x.txt src/a.js', 'COPY --exclude=src . .'],
  // It may be relative.
  ['WORKDIR /app\n', 'COPY . $DIR', 'WORKDIR ..'],
];

it.each(EXCHANGED)('%s%s and %s do not change places', (above, one, other, below = '') => {
  const context = memoryContext(PROJECT);
  const head = `FROM example.com/base\n${above}`;
  const [before, after] = [
    [one, other],
    [other, one],
  ].map((lines) => parse(`${head}${[...lines, below].join('\n')}\n`));
  const trouble = proof({ file: before as Dockerfile, context }).compare({ file: after as Dockerfile, context });
  expect(trouble).toBeDefined();
});

/** Two ways to write a copy that are not the same to a builder. */
const REWRITTEN: readonly (readonly [name: string, before: string, after: string])[] = [
  // `dispatchCopy` of BuildKit: SourcePaths come first, then SourceContents.
  [
    'a heredoc beside a file of its name',
    'COPY <<x.txt /d/\nhi\nx.txt\nCOPY x.txt /d/',
    'COPY <<x.txt x.txt /d/\nhi\nx.txt',
  ],
  ['a build argument in a source', 'ARG D=x\nCOPY $D.txt /d/', 'ARG D=x\nCOPY x.txt /d/'],
  [
    'a build argument that may name another file',
    'ARG D=x\nCOPY x.txt /d/a\nCOPY $D.txt /d/a',
    'ARG D=x\nCOPY x.txt /d/a',
  ],
  ['an archive that is known by its content', 'ADD bundle /d/', 'COPY bundle /d/'],
  ['one among others', 'ADD bund* /d/', 'COPY bund* /d/'],
  [
    'a checksum for several downloads',
    'ADD --checksum=sha256:0 https://example.com/a /d/\nADD --checksum=sha256:0 https://example.com/b /d/',
    'ADD --checksum=sha256:0 https://example.com/a https://example.com/b /d/',
  ],
  ['several sources without a slash', 'COPY x.txt /app\nCOPY package.json /app', 'COPY x.txt package.json /app'],
];

it.each(REWRITTEN)('not the same: %s', (_, before, after) => {
  const context = memoryContext({ ...PROJECT, bundle: 'ustar\0' });
  const file = (text: string): Dockerfile => parse(`FROM node:20\nWORKDIR /app\n${text}\n`);
  expect(proof({ file: file(before), context }).compare({ file: file(after), context })).toBeDefined();
  expect(proof({ file: file(before), context }).compare({ file: file(before), context })).toBeUndefined();
});

/** What is mounted while pnpm's store is filled, or read; and whether the install may be offline then. */
const MOUNTS: readonly (readonly [fetch: string, install: string, verdict: string])[] = [
  ['', '', 'accepted'],
  ['--mount=type=cache,target=/root/.local/share/pnpm/store ', '', 'refused'],
  ['', '--mount=type=cache,target=/root/.local/share/pnpm/store ', 'refused'],
  ['--mount=type=tmpfs,target=/root/.local/share/pnpm/store ', '', 'refused'],
];

it.each(MOUNTS)(
  'an offline install after `RUN %spnpm fetch`, `RUN %spnpm install` is %s',
  (fetch, install, verdict) => {
    const manifest = '{"scripts":{"postinstall":"node src/a.js"}}';
    const context = memoryContext({
      ...PROJECT,
      'package.json': manifest,
      'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
    });
    const head = 'FROM node:20\nWORKDIR /app\n';
    const before = parse(`${head}COPY . .\nRUN ${install}pnpm install --frozen-lockfile\n`);
    const after = parse(
      `${head}COPY pnpm-lock.yaml ./\nRUN ${fetch}pnpm fetch\nCOPY . .\nRUN ${install}pnpm install --frozen-lockfile --offline\n`,
    );
    const trouble = proof({ file: before, context }, undefined).compare({ file: after, context });
    expect(trouble === undefined ? 'accepted' : 'refused', trouble?.message).toBe(verdict);
  },
);
