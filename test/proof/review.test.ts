/**
 * What reviewers of the proof found by comparing it with the builder's own source: each rewrite of the first kind was
 * accepted once, each Dockerfile of the second was changed by a default transform.
 */
import { describe, expect, it } from 'vitest';
import { decodeRequirements } from '../../src/context/text.ts';
import { fix, memoryContext, parse } from '../../src/index.ts';
import { proof } from '../../src/proof/prove.ts';

const PROJECT = {
  '.dockerignore': '**/node_modules\n',
  '.gitignore': 'rootfs\n',
  'package.json': '{"dependencies":{"x":"1"}}',
  'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
  'requirements.txt': 'flask==3.0.0\n',
  'src/a.js': '',
  'x.txt': '',
  'y.txt': '',
  'e/server': '',
  server: '',
  'p/a/package.json': '{}',
  'p/a/b/package.json': '{}',
  'p/q/z.txt': '',
  'conf.d/package.json': '{}',
  'rootfs.tar.gz': 'archive\0',
  'rel-1.tar.gz': 'archive\0',
  passwd: '',
  'named.txt': 'foo @ git+https://example.com/foo@${VERSION}\n',
  'composer.json': '{}',
  'composer.lock': '{}',
  'bin/npm': '',
  'settings.xml': '',
};

/** Lines below `FROM node:20`, `WORKDIR /app`; the last two change places, or another text stands in their place. */
const PAIRS: readonly (readonly [before: string, after?: string])[] = [
  ['COPY . .\nCOPY x.txt y.txt\nCOPY . .', 'COPY . .\nCOPY x.txt y.txt/\nCOPY . .'],
  ['COPY . .\nRUN chown -R bob:bob /app; true', 'COPY --chown=bob:bob . .\nRUN chown -R bob:bob /app; true'],
  ['COPY --chmod=700 x.txt /a/\nCOPY y.txt /a/'],
  ['COPY --chmod=700 x.txt /a/\nWORKDIR /a'],
  ['RUN useradd -m app\nCOPY --chown=app x.txt ./'],
  ['COPY passwd /etc/passwd\nCOPY --chown=node x.txt ./'],
  ['ADD rootfs* /a/\nCOPY x.txt /a/'],
  ['COPY --parents **/z.txt /a/\nCOPY y.txt /a/p/q/z.txt'],
  ['COPY --parents p/**/package.json ./', 'COPY --parents p/*/package.json ./'],
  ['WORKDIR /a\nCOPY --link x.txt /a/\nRUN chown node /a'],
  ['WORKDIR /a\nCOPY --link --chown=node x.txt /a/\nCOPY --link --chown=root y.txt /a/'],
  ['COPY <<EOF /a\n\tb\nEOF', 'COPY <<-EOF /a\n\tb\nEOF'],
  ['ENV A=1 \\\nB=node\nCOPY --chown=$B x.txt /a/'],
  ['ENV A=1 \\\nB=2\nENV B=3'],
  ['ENV K=bar\nENV $K=root\nCOPY --chown=$bar x.txt /a/'],
  ['ENV "b"ar=1\nENV bar=2'],
  ['LABEL b\\ar=1\nLABEL bar=2'],
  ["LABEL a=1 \\\n# isn't set\nbar=1\nLABEL bar=2"],
  ['ENV K=bar\nLABEL $K=2\nLABEL bar=3'],
  ['ENV é=1\nCOPY --chown=$é x.txt /a/'],
  ['ARG U=node\nUSER node\nRUN npm i -g x\nUSER $U'],
];

const file = (text: string) => parse(`FROM node:20\nWORKDIR /app\n${text}\n`);

describe('the proof refuses', () => {
  it.each(PAIRS.map(([before, after]) => ({ before, after })))('$before', ({ before, after }) => {
    const lines = before.split('\n');
    const start = lines.findLastIndex((line) => /^(?:COPY|ADD|RUN|WORKDIR|ENV|LABEL|USER) /.test(line));
    const above = lines.slice(0, start).findLastIndex((line) => /^(?:COPY|ADD|RUN|WORKDIR|ENV|LABEL) /.test(line));
    const swapped = [...lines.slice(0, above), ...lines.slice(start), ...lines.slice(above, start)].join('\n');
    const context = memoryContext(PROJECT);
    const held = proof({ file: file(before), context });
    expect(held.compare({ file: file(before), context })).toBeUndefined();
    expect(held.compare({ file: file(after ?? swapped), context })).toBeDefined();
  });

  const APT = 'RUN apt-get update && apt-get install -y curl\n';
  const STAGES: readonly (readonly [before: string, after: string])[] = [
    ...['ADD rootfs.tar.gz /', 'ADD https://github.com/a/b.git /', 'COPY rootfs /'].map(
      (copy) => [`FROM debian:12\n${copy}\n${APT}`, `FROM debian:12\n${APT}${copy}\n`] as const,
    ),
    ['FROM --platform=linux/arm64 node:20\n', 'FROM node:20\n'],
    ['FROM node:20 AS s\nFROM s AS a\n', 'FROM node:20 AS s\nFROM s AS b\n'],
    [
      'FROM node:20 AS s\nCOPY server /src/\nFROM node:20\nCOPY --from=s /src/server /a/\nCOPY e/server /a/\n',
      'FROM node:20 AS s\nCOPY server /src/\nFROM node:20\nCOPY e/server /a/\nCOPY --from=s /src/server /a/\n',
    ],
    [
      'FROM node:20 AS s\nCOPY x.txt /src/\nFROM node:20\nCOPY --from=s --parents /src/x.txt /a/\n',
      'FROM node:20 AS s\nCOPY x.txt /src/\nFROM node:20\nCOPY --from=s /src/x.txt /a/\n',
    ],
    [
      'FROM node:20 AS a\nONBUILD WORKDIR /y\nFROM a AS m\nFROM m\nCOPY x.txt ./\nCOPY e/server /y/x.txt\n',
      'FROM node:20 AS a\nONBUILD WORKDIR /y\nFROM a AS m\nFROM m\nCOPY e/server /y/x.txt\nCOPY x.txt ./\n',
    ],
    ['# escape=`\nFROM node:20\nENV A=a\\nb\n', 'FROM node:20\nENV A=a\\nb\n'],
  ];
  it.each(STAGES)('%j', (before, after) => {
    const context = memoryContext(PROJECT);
    const held = proof({ file: parse(before), context });
    expect(held.compare({ file: parse(before), context })).toBeUndefined();
    expect(held.compare({ file: parse(after), context })).toBeDefined();
  });
});

/** Each with what would go wrong above the copy. */
const FILES: readonly (readonly [why: string, text: string])[] = [
  [
    'node is told to load a file of the source, by a variable of before the first FROM',
    'ARG APP_HOME=/app\nFROM node:20\nARG APP_HOME\nWORKDIR $APP_HOME\nENV NODE_OPTIONS="--require $APP_HOME/src/a.js"\nCOPY . .\nRUN npm ci\n',
  ],
  [
    'the same by a default',
    'FROM node:20\nWORKDIR /app\nENV NODE_OPTIONS="${NODE_OPTIONS:---require /app/src/a.js}"\nCOPY . .\nRUN npm ci\n',
  ],
  [
    'npm is a program of the project',
    'FROM node:20\nENV DIR=/app\nWORKDIR /app\nENV PATH="/app/bin":$PATH\nCOPY . .\nRUN npm ci\n',
  ],
  [
    'the same, told over two lines',
    'FROM node:20\nWORKDIR /app\nENV A=b \\\nPATH=/app/bin:$PATH\nCOPY . .\nRUN npm ci\n',
  ],
  [
    'a directory of an image may hold a manifest',
    'FROM node:20\nWORKDIR /app\nCOPY . .\nCOPY --from=example.com/assets:1 /assets-1.2 ./\nRUN npm ci\n',
  ],
  [
    'a directory of a stage holds one',
    'FROM node:20 AS b\nWORKDIR /src\nCOPY . .\nFROM node:20\nWORKDIR /app\nCOPY . .\nCOPY --from=b /src/conf.d ./\nRUN npm ci\n',
  ],
  ['an archive that a wildcard names', 'FROM node:20\nWORKDIR /app\nCOPY . .\nADD rel* ./\nRUN npm ci\n'],
  [
    'the files would belong to another number',
    'FROM node:20\nWORKDIR /app\nCOPY --chown=node:node . .\nRUN usermod -u 1001 node\nRUN npm ci\n',
  ],
  [
    'the same, by a program that is told in full',
    'FROM node:20\nWORKDIR /app\nCOPY --chown=node:node . .\nRUN /usr/sbin/usermod -u 1001 node\nRUN npm ci\n',
  ],
  [
    'the same, in the list of users',
    'FROM node:20\nWORKDIR /app\nCOPY --chown=node:node . .\nRUN cd /etc && echo x >> passwd\nRUN npm ci\n',
  ],
  ['date tells the time of a file', 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN V=$(date +%s -r x.txt) && npm ci\n'],
  ['date does, and more', 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN V=$(date +%s; cat x.txt) && npm ci\n'],
  [
    'mkdir would make the directory, with another mode',
    'FROM python:3.12\nCOPY --chmod=750 . /srv/app/\nRUN mkdir -p /srv/app/media /srv/app/static\nRUN apt-get update && apt-get install -y libpq-dev\n',
  ],
  [
    'a label is set twice, the first time below a continuation',
    'FROM node:20\nWORKDIR /app\nARG GIT_SHA\nLABEL a=1 \\\nbar=$GIT_SHA\nLABEL bar=2\nCOPY package.json package-lock.json ./\nRUN npm ci\n',
  ],
  [
    'a trigger of the stage before the last set the options of node',
    'FROM node:20 AS a\nONBUILD ENV NODE_OPTIONS="-r /app/x.txt"\nFROM a AS m\nFROM m\nWORKDIR /app\nCOPY . .\nRUN npm ci\n',
  ],
  [
    'a version out of a file',
    'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install -g pnpm@$(cat x.txt)\nRUN npm ci\n',
  ],
  ['a token out of a file', 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN NPM_TOKEN=$(cat x.txt) npm ci\n'],
  [
    'settings that a variable names',
    'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci --userconfig ${SETTINGS:-x.txt}\n',
  ],
  ['the same, between backquotes', 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN A=`cat x.txt` npm ci\n'],
  [
    'a version out of a file, for an installer',
    'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN curl -sSf https://sh.rustup.rs | sh -s -- -y --default-toolchain $(cat x.txt)\nRUN npm ci\n',
  ],
  ['what is in a directory is copied', 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN cp -r conf.d/. ./\nRUN npm ci\n'],
  [
    'the script of sed is no path',
    'FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN sed -i /dev/d requirements.txt\nRUN pip install gunicorn\n',
  ],
  [
    'a comment ends with its line',
    'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN <<EOF\nif [ "$NODE_ENV" = "production" ]; then\n  npm ci --omit=dev # only there\n  npm run build\nfi\nEOF\n',
  ],
  [
    'a list of requirements names the argument',
    'FROM python:3.12\nARG VERSION\nWORKDIR /app\nCOPY named.txt ./\nRUN pip install -r named.txt\n',
  ],
  [
    'what the base image sets decides which manifest it is',
    'FROM example.com/base\nWORKDIR /app\nCOPY . .\nENV COMPOSER=$WHICH.json\nRUN composer install --no-scripts --no-autoloader\n',
  ],
  ...[
    'npm config set -L project registry https://r.example.com',
    'npm config set registry https://r.example.com --userconfig .npmrc',
    'yarn config set --json npmScopes "{}"',
  ].map(
    (run) =>
      [`${run} writes into the project`, `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN ${run}\nRUN npm ci\n`] as const,
  ),
  [
    'settings may name a file of it',
    'FROM node:20\nWORKDIR /app\nARG CA\nCOPY . .\nRUN npm config set cafile $CA\nRUN npm ci\n',
  ],
  ['du fails without the directory', 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN du -sh ./src\nRUN npm ci\n'],
  [
    'what a RUN has mounted is not what the copy brings',
    'FROM node:20 AS b\nCOPY . /app/\nFROM b\nWORKDIR /app\nCOPY . .\nRUN --mount=type=bind,from=b,source=/app/package.json,target=package.json npm i\n',
  ],
];

/** One RUN below `COPY . .` each, which may not be divided. */
const RUNS: readonly (readonly [why: string, run: string])[] = [
  ['a token would stay in a layer', 'echo "//r/:_authToken=${T}" > .npmrc && npm ci && npm run build && rm .npmrc'],
  ['the same, unlinked', 'echo "$K" > /root/.netrc && npm ci && npm run build && unlink /root/.netrc'],
  ['the same, written over', 'echo "$K" > /root/.npmrc && npm ci && npm run build && echo > /root/.npmrc'],
  [
    'the same, set to nothing',
    'npm config set //r/:_authToken $T && npm ci && npm run build && npm config set //r/:_authToken ""',
  ],
  [
    'the same, by its section',
    'git config --global url.$T.insteadOf a && npm ci && npm start && git config --global --remove-section url.$T',
  ],
  ['the same, where it is kept', 'npm config set //r/:_authToken $T && npm ci && npm run build && echo > ~/.npmrc'],
  ['the same, in whoever’s home', 'echo "$K" > ~/.npmrc && npm ci && npm run build && echo > ~/.npmrc'],
  [
    'the environment that was activated is gone',
    'python -m venv /tmp/v && . /tmp/v/bin/activate && pip install -r requirements.txt && rm -rf /tmp/v && python x.py',
  ],
  ['npm is a program of the project', 'PATH=/app/bin:$PATH && npm ci'],
  ['all that is set then is exported', 'set -a && NPM_CONFIG_USERCONFIG=/app/x.txt && npm ci'],
  ['a default is set on the way', ': "${MODE:=production}" && npm ci && npm run build -- --mode $MODE'],
  ['the same, while it is printed', 'echo "for ${MODE:=production}" && npm ci && npm run build -- --mode $MODE'],
];

describe('a RUN is not divided where', () => {
  it.each(RUNS)('%s', (_, run) => {
    const source = `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN ${run}\n`;
    const { changes } = fix({ path: 'Dockerfile', source }, memoryContext(PROJECT));
    expect(changes.map(({ after }) => after)).toEqual([]);
  });
  it('its shell came from a directory that is gone, but goes to the next', () => {
    const run =
      'mkdir /tmp/t && cd /tmp/t && curl -fsSLO https://e.com/a.sh && cd /app && rm -rf /tmp/t && npm ci && npm start';
    const source = `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN ${run}\n`;
    const [change] = fix({ path: 'Dockerfile', source }, memoryContext(PROJECT)).changes;
    expect(change?.after).toMatch(/\nRUN cd \/app && npm start\n$/);
  });
  it('a secret that is not there is forgiven, and so it is again', () => {
    const run = '--mount=type=secret,id=npm T=$(cat /run/secrets/npm); npm ci && npm run build -- $T';
    const source = `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN ${run}\n`;
    const [change] = fix({ path: 'Dockerfile', source }, memoryContext(PROJECT)).changes;
    expect(change?.after).toMatch(
      /\nRUN --mount=type=secret,id=npm T=\$\(cat \/run\/secrets\/npm\); npm run build -- \$T\n$/,
    );
  });
});

describe('nothing is moved where', () => {
  it.each(FILES)('%s', (_, text) => {
    const { changes } = fix({ path: 'Dockerfile', source: text }, memoryContext(PROJECT));
    expect(changes.map(({ after }) => after)).toEqual([]);
  });
  it('a source is copied that apt is told of', () => {
    const text =
      'FROM node:20\nWORKDIR /app\nCOPY . .\nCOPY e /opt/e\nRUN echo "deb [trusted=yes] file:/opt/e ./" > /etc/apt/sources.list.d/l.list && apt-get update\n';
    const [change] = fix({ path: 'Dockerfile', source: text }, memoryContext(PROJECT)).changes;
    expect(change?.after).toMatch(/COPY e \/opt\/e\n.*\nRUN echo|COPY e \/opt\/e\nRUN echo/);
  });
});

describe('a file that says which version is copied along', () => {
  it.each([
    ['.python-version', '/root/.pyenv/shims:/root/.pyenv/bin', 'pip install -r requirements.txt'],
    ['.tool-versions', '/opt/asdf/bin:/opt/asdf/shims', 'npm ci'],
  ])('%s', (name, path, run) => {
    const source = `FROM debian:12\nENV PATH=${path}:$PATH\nWORKDIR /app\nCOPY . .\nRUN ${run}\n`;
    const [change] = fix({ path: 'Dockerfile', source }, memoryContext({ ...PROJECT, [name]: 'x 1\n' })).changes;
    const [above = ''] = (change?.after ?? '').split(`RUN ${run}`);
    expect(above).toContain(name);
    expect(above).not.toContain('COPY . .');
  });
});

/** Rewritten before the faults were mended, and still. */
const KEPT: readonly (readonly [why: string, text: string])[] = [
  ['what date prints', 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN V=$(date -u +"%Y-%m-%d %H:%M") && npm ci\n'],
  [
    'a file beside the list of users',
    'FROM node:20\nWORKDIR /app\nCOPY --chown=node:node . .\nCOPY x.txt /etc/nginx/nginx.conf\nRUN npm ci\n',
  ],
  [
    'a wildcard in another directory than the one that is ignored',
    'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nFROM nginx\nCOPY conf.d/* /etc/nginx/conf.d/\n',
  ],
  [
    'a directory that is removed and made again',
    'FROM node:20\nRUN rm -rf /var/lib/apt/lists && mkdir -p /var/lib/apt/lists\nWORKDIR /app\nCOPY . .\nRUN cd /var/lib/apt/lists; cd /app && npm ci\n',
  ],
];

describe('moved, as before', () => {
  it.each(KEPT)('%s', (_, text) => {
    const files = { ...PROJECT, '.dockerignore': '', '.gitignore': 'node_modules\n' };
    expect(fix({ path: 'Dockerfile', source: text }, memoryContext(files)).status).toBe('changed');
  });
});

describe('the ignore file does not take away', () => {
  it.each([
    'FROM node:20\nRUN --mount=type=bind,source=node_modules,target=/n cp -r /n /x\n',
    'FROM node:20\nARG D\nCOPY ${D} /x\n',
    'FROM node:20\nCOPY node_modules* /x\n',
    'FROM node:20\nONBUILD COPY node_modules /x\n',
  ])('what %j names', (sibling) => {
    const files = { ...PROJECT, '.dockerignore': '', '.gitignore': 'node_modules\n' };
    const source = 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n';
    expect(fix({ path: 'Dockerfile', source }, memoryContext(files)).changes).not.toEqual([]);
    const { changes, refused } = fix({ path: 'Dockerfile', source }, memoryContext(files, { siblings: [sibling] }));
    expect([changes, refused.map(({ code }) => code)]).toEqual([[], ['ignored-path-copied']]);
  });
});

const PACKAGES = 'RUN apt-get update && apt-get install -y git\n';
const TOOLS = {
  ...PROJECT,
  'a.deb': '',
  'a.gem': '',
  'bin/config': '',
  'debs/a.deb': '',
  'start.sh': '',
  'stop.sh': '',
  'SUMS.txt': '0 x.txt',
  LICENSE: '',
  'bin/tool': '',
  'bin/bash': '',
  'lib/libssl.so.3': '',
  'logging.py': '',
  'config/pip/pip.conf': '',
  'config/curlrc': '',
  'fonts/a.ttf': '',
  '.gitconfig': '',
  '.yarn/cache/a.zip': '',
  'pyproject.toml': '[project]\nname = "a"\nversion = "1"\n',
  'uv.lock': 'version = 1\n',
  Gemfile: 'source "https://rubygems.org"\n',
  'Gemfile.lock': 'GEM\n  remote: https://rubygems.org/\n  specs:\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n',
};

/** Below `FROM debian:12`: a command that reads or changes what the copy above it brings. */
const COMMANDS: readonly (readonly [why: string, lines: string])[] = [
  ['packages that a pattern names', 'WORKDIR /app\nCOPY . .\nRUN apt-get install -y ./*.deb\n'],
  ['the same, in a shared directory', 'COPY debs/ /tmp/\nRUN apt-get install -y /tmp/*.deb\n'],
  ['directories that a pattern names', 'WORKDIR /app\nCOPY . .\nRUN mkdir -p p/*/dist\n'],
  ['a directory that a variable names', 'WORKDIR /app\nCOPY . .\nRUN D=src/new && mkdir $D\n'],
  ['a directory below a home', 'COPY . /root/app\nRUN mkdir ~/app/src/new\n'],
  ['a home that another user has', 'COPY . /home/node/app\nUSER node\nRUN rm -rf ~/app/src\nUSER root\n'],
  [
    'files between braces',
    'SHELL ["/bin/bash", "-c"]\nWORKDIR /app\nCOPY . .\nRUN chmod +x {start,stop}.sh && apt-get update\n',
  ],
  ['capabilities of a file', 'WORKDIR /app\nCOPY . .\nRUN setcap cap_net_bind_service=+ep bin/tool\n'],
  ['sums that a file lists', 'WORKDIR /app\nCOPY . .\nRUN cat SUMS.txt | sha256sum -c -\n'],
  ['a home, with the name first', 'COPY . /home/bob/app\nRUN useradd bob -m\n'],
  ['a home, with the name between options', 'COPY . /home/bob/app\nRUN useradd -m bob -u 1000\n'],
  ['a home, with a name that is not known', 'ARG NAME\nCOPY . /home/bob/app\nRUN useradd -m $NAME\n'],
  ['a home that moves', 'COPY . /home/node/app\nRUN usermod -d /home/x -m node\n'],
  ['a home that goes', 'COPY . /home/node/app\nRUN userdel -r node\n'],
  ['a number that changes', 'COPY --chown=1000:1000 . /home/node/app\nRUN usermod -u 1001 node\n'],
  ['fonts of a home', 'COPY fonts/ /root/.fonts/\nRUN fc-cache -f\n'],
  ['settings of git', 'ENV HOME=/app\nWORKDIR /app\nCOPY . .\nRUN git config --global a.b c\n'],
  [
    'settings of curl in a directory',
    'ENV CURL_HOME=/app\nWORKDIR /app\nCOPY . .\nRUN curl -o /usr/bin/y https://e.com/y\n',
  ],
  ['libraries', 'ENV LD_LIBRARY_PATH=/app/lib\nWORKDIR /app\nCOPY . .\n'],
  [
    'modules of Python, for a program that is piped into it',
    'WORKDIR /app\nCOPY . .\nRUN curl -sSL https://install.python-poetry.org | python3 -\n',
  ],
  ['a shell of the project', 'WORKDIR /app\nCOPY . .\nSHELL ["bin/bash", "-c"]\n'],
  ['what a shell is told to read', 'WORKDIR /app\nCOPY . .\nSHELL ["/bin/bash", "--rcfile", "/app/x.txt", "-ic"]\n'],
  ['a cache of the project', 'WORKDIR /app\nCOPY . .\nRUN yarn cache clean\n'],
  [
    'settings that a variable names',
    'ENV GIT_CONFIG_GLOBAL=/app/x.txt\nWORKDIR /app\nCOPY . .\nRUN git config --global a.b c\n',
  ],
  [
    'settings that Bundler is told of',
    'ENV BUNDLE_APP_CONFIG=/app/bin\nWORKDIR /app\nCOPY . .\nRUN bundle config set --local a b\n',
  ],
  ['settings of the project', 'WORKDIR /app\nCOPY . .\nRUN npm config set -L project a b\n'],
  ['a module without its ending', 'ENV NODE_OPTIONS="-r ./src/a"\nWORKDIR /app\nCOPY . .\n'],
  ['a module that virtualenv imports', 'ENV PYTHONPATH=/app\nWORKDIR /app\nCOPY . .\nRUN virtualenv /venv\n'],
  ['a project that uv asks for', 'WORKDIR /app\nCOPY . .\nRUN uv version\n'],
  ['a project that Poetry asks for', 'WORKDIR /app\nCOPY . .\nRUN poetry env info\n'],
];

describe('nothing is moved over a command that takes', () => {
  it.each(COMMANDS)('%s', (_, lines) => {
    const source = `FROM debian:12\n${lines}${PACKAGES}`;
    const { changes } = fix({ path: 'Dockerfile', source }, memoryContext(TOOLS));
    expect(changes.map(({ after }) => after)).toEqual([]);
  });
});

/** Below `FROM debian:12`, and a copy that has to stand above the first RUN. */
const AHEAD: readonly (readonly [copy: string, lines: string])[] = [
  ['COPY config/pip/pip.conf ./config/pip/', 'RUN ln -s /app/config/pip/pip.conf /etc/pip.conf'],
  ['COPY config/pip/pip.conf ./config/pip/', 'RUN ln -s ../app/config/pip/pip.conf /root/.npmrc'],
  ['COPY x.txt ./', 'RUN echo "0  x.txt" | sha256sum -c -'],
  ['COPY LICENSE ./', 'RUN echo | sort - LICENSE > /etc/y'],
  ['COPY LICENSE ./', 'RUN curl -o /usr/bin/y -d @LICENSE https://e.com/y'],
  ['COPY LICENSE ./', 'RUN curl -o /usr/bin/y --cacert LICENSE https://e.com/y'],
  ['COPY bin/tool ./bin/', 'ENV PATH=$PATH:/app/bin\nRUN which tool'],
  ['COPY config ./config/', 'ENV XDG_CONFIG_HOME=/app/config\nRUN pip install flask'],
  ['COPY config/curlrc /root/.curlrc', 'COPY config/curlrc /root/.curlrc\nRUN curl -o /usr/bin/y https://e.com/y'],
  ['COPY config/curlrc /root/.npmrc', 'COPY config/curlrc /root/.npmrc\nRUN npm config set a b'],
  ['COPY config/curlrc /root/.npmrc', 'COPY config/curlrc /root/.npmrc\nRUN npm i -g pm2'],
  ['COPY a.gem ./', 'RUN gem install --local a'],
  ['COPY Gemfile Gemfile.lock ./', 'RUN bundle config set deployment true'],
];

describe('what a command takes stays above it', () => {
  it.each(AHEAD)('%s: %s', (copy, lines) => {
    const source = `FROM debian:12\nWORKDIR /app\nCOPY . .\n${lines}\n${PACKAGES}`;
    const [change] = fix({ path: 'Dockerfile', source }, memoryContext(TOOLS)).changes;
    const [above = '', below = ''] = (change?.after ?? '').split(/^RUN [^]*^RUN /m);
    expect(above).toContain(`\n${copy}\n`);
    expect(below).toMatch(/\nCOPY \. \.\n/);
  });
});

/** Neither reads nor changes what the copy brings. */
const APART: readonly string[] = [
  'RUN rm -rf ~/.cache ~/.npm/*',
  'RUN mkdir -p ~/.ssh "$GOPATH/bin"',
  'RUN useradd -m -u 1000 -s /bin/bash app && usermod -aG audio app',
  'RUN useradd -r -d /app app',
  'RUN curl -fsSLo /tmp/y.tgz https://e.com/y.tgz && echo "$SUM  /tmp/y.tgz" | sha256sum -c -',
  'RUN ln -s /app/bin/tool /usr/local/bin/tool',
  'RUN setcap cap_net_bind_service=+ep /usr/bin/python3',
  'ENV XDG_CONFIG_HOME=/app/.config\nRUN curl -o /usr/bin/y https://e.com/y',
  'RUN bundle config set --local deployment true',
  'RUN echo "//r/:_authToken=$T" > ~/.npmrc',
  'RUN ssh-keyscan e.com >> "$HOME/.ssh/known_hosts"',
  'RUN npm config set //r/:_authToken $T',
  'RUN git config --global url."https://${T}@e.com/".insteadOf https://e.com/',
  'RUN pip config set global.index-url $I',
  'SHELL ["/bin/bash", "-o", "pipefail", "-c"]',
];

describe('a copy still moves below', () => {
  it.each(APART)('%s', (lines) => {
    const source = `FROM debian:12\nWORKDIR /app\nCOPY . .\n${lines}\n${PACKAGES}`;
    const [change] = fix({ path: 'Dockerfile', source }, memoryContext(TOOLS)).changes;
    expect(change?.after).toBe(source.replace('COPY . .\n', '') + 'COPY . .\n');
  });
});

it('no script is run by name that settings on somebody’s disk may switch off', () => {
  const source = 'FROM node:20\nWORKDIR /app\nCOPY . .\nCOPY src/ .\nRUN npm ci\n';
  const files = {
    ...PROJECT,
    '.gitignore': '.npmrc\n',
    '.npmrc': 'ignore-scripts=true\n',
    'package.json': '{"scripts":{"install":"touch made.txt"}}',
  };
  const { changes, refused } = fix({ path: 'Dockerfile', source }, memoryContext(files));
  expect([changes, refused.map(({ code }) => code)]).toEqual([[], ['lifecycle-script-reads-source']]);
});

/** What is written down of a package when it is installed: whether it has an install script [V: npm 8, 10, 11]. */
const RECORDED: readonly (readonly [reason: string, first: string | undefined, files: Record<string, string>])[] = [
  [
    'package-lock.json, where none is there',
    undefined,
    { 'package.json': '{\n  "scripts": { "postinstall": "node x.js" }\n}\n' },
  ],
  [
    'but not of a prepare',
    'npm pkg delete scripts.prepare && npm install',
    { 'package.json': '{\n  "scripts": { "prepare": "node x.js" }\n}\n' },
  ],
  [
    'but not where another stays',
    'npm pkg delete scripts.postinstall && npm install',
    { 'package.json': '{\n  "scripts": { "preinstall": "npx only-allow npm", "postinstall": "node x.js" }\n}\n' },
  ],
  [
    'node_modules/.package-lock.json, of members',
    undefined,
    {
      'package.json': '{\n  "workspaces": ["p/a"]\n}\n',
      'package-lock.json': '{"lockfileVersion":3,"packages":{"node_modules/y":{"hasInstallScript": true}}}',
      'p/a/package.json': '{\n  "name": "a",\n  "scripts": { "postinstall": "node x.js" }\n}\n',
    },
  ],
  [
    'but not with --ignore-scripts',
    'npm install --ignore-scripts',
    {
      'package.json': '{\n  "workspaces": ["p/a"]\n}\n',
      'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
      'p/a/package.json': '{\n  "name": "a",\n  "scripts": { "postinstall": "node x.js" }\n}\n',
    },
  ],
];

describe('a lockfile says the same', () => {
  it.each(RECORDED)('%s', (_reason, first, files) => {
    const source = 'FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm install\n';
    const context = memoryContext({ '.dockerignore': '**/node_modules\n', 'x.js': '', ...files });
    const [change] = fix({ path: 'Dockerfile', source }, context).changes;
    expect(/^RUN (.*)$/m.exec(change?.after ?? '')?.[1]).toBe(first);
  });
});

const PNPM = {
  'package.json': JSON.stringify({
    scripts: { postinstall: 'node x.js' },
    dependencies: { '@prisma/client': '5.22.0' },
  }),
  'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
  'prisma/schema.prisma': 'generator client {\n  provider = "prisma-client-js"\n}\n',
};

/** Install scripts of dependencies that look at the project: what runs them without it does something else. */
const LOOKING: readonly (readonly [reason: string, run: string, after: string, files: Record<string, string>])[] = [
  [
    'not by pnpm fetch [V: 9, 10]',
    'pnpm install --frozen-lockfile',
    'RUN pnpm install --frozen-lockfile --ignore-scripts\nCOPY . .\nRUN pnpm rebuild --pending\n',
    PNPM,
  ],
  [
    'but what has no schema may be fetched',
    'pnpm install --frozen-lockfile',
    'RUN pnpm fetch\nCOPY . .\nRUN pnpm install --frozen-lockfile --offline\n',
    { 'package.json': PNPM['package.json'], 'pnpm-lock.yaml': PNPM['pnpm-lock.yaml'] },
  ],
  [
    'nx keeps a graph of all projects [V: 14-21.0]',
    'npm ci',
    '',
    { 'package.json': '{"devDependencies":{"nx":"^19.8.4"}}', 'package-lock.json': '{}', 'nx.json': '{}' },
  ],
  [
    'but not without an nx.json',
    'npm ci',
    'RUN npm ci\nCOPY . .\n',
    { 'package.json': '{"devDependencies":{"nx":"^19.8.4"}}', 'package-lock.json': '{}' },
  ],
  [
    'nor from 22 on',
    'npm ci',
    'RUN npm ci\nCOPY . .\n',
    { 'package.json': '{"devDependencies":{"nx":"22.0.0"}}', 'package-lock.json': '{}', 'nx.json': '{}' },
  ],
];

describe('scripts of dependencies find the project', () => {
  it.each(LOOKING)('%s', (_reason, run, after, files) => {
    const source = `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN ${run}\n`;
    const context = memoryContext({ '.dockerignore': '**/node_modules\n', 'x.js': '', ...files });
    const [change] = fix({ path: 'Dockerfile', source }, context).changes;
    expect(/^RUN [^]*/m.exec(change?.after ?? '')?.[0] ?? '').toBe(after);
  });
});

const BERRY = {
  'package.json': '{"packageManager":"yarn@4.9.1","dependencies":{"a":"1"}}',
  'yarn.lock': '__metadata:\n  version: 8\n',
  '.yarnrc.yml': 'nodeLinker: node-modules\n',
};
const script = (postinstall: string) => ({
  'package.json': JSON.stringify({ scripts: { postinstall } }),
  'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
});

/** Below `FROM node:20`, `WORKDIR /app`: what stands in front of `COPY . .`, in its place. */
const FIRST: readonly (readonly [first: string | undefined, lines: string, files: Record<string, string>])[] = [
  ['RUN npm pkg delete scripts.postinstall && npm ci', 'RUN npm ci', script('node --require=./x.js -e 0')],
  ['RUN npm pkg delete scripts.postinstall && npm ci', 'RUN npm ci', script('node -r./x.js -p 1')],
  ['RUN npm pkg delete scripts.postinstall && npm ci', 'RUN npm ci', script('node --env-file=.env -e 0')],
  ['RUN npm pkg delete scripts.postinstall && npm ci', 'RUN npm ci', script('node -e "process.loadEnvFile()"')],
  ['RUN npm ci', 'RUN npm ci', script('node --input-type=module -e 0')],
  [
    undefined,
    'RUN npm ci',
    { 'package.json': '{"dependencies":{"a":"git+file:./vendor/a"}}', 'package-lock.json': '{}', 'vendor/a/HEAD': '' },
  ],
  [undefined, 'ENV YARN_RC_FILENAME=.rc.yml\nRUN yarn install --immutable', { ...BERRY, '.rc.yml': '' }],
  [
    undefined,
    'RUN yarn install --immutable',
    { ...BERRY, '.yarnrc.yml': 'nodeLinker: node-modules\nlockfileFilename: x.lock\n', 'x.lock': '' },
  ],
  ['RUN yarn install --immutable', 'RUN yarn install --immutable', BERRY],
  [
    'COPY vendor/b ./vendor/b/',
    'RUN pnpm install',
    {
      'package.json': '{"dependencies":{"a":"1"}}',
      'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
      'pnpm-workspace.yaml': 'packageExtensions:\n  a:\n    dependencies:\n      b: file:./vendor/b\n',
      'vendor/b/package.json': '{}',
      'vendor/b/x.js': '',
    },
  ],
];

describe('what stands ahead of the source', () => {
  it.each(FIRST)('%s: %s', (first, lines, files) => {
    const source = `FROM node:20\nWORKDIR /app\nCOPY . .\n${lines}\n`;
    const context = memoryContext({ '.dockerignore': '**/node_modules\n', 'x.js': '', ...files });
    const [change] = fix({ path: 'Dockerfile', source }, context).changes;
    const [ahead] = (change?.after ?? '').split('\nCOPY . .\n');
    expect(change?.after === undefined).toBe(first === undefined);
    expect(ahead?.split('\n').find((line) => line === first)).toBe(first);
  });
});

it('scripts that are run by name find the options that they act upon', () => {
  const source = 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci --build-from-source --loglevel verbose\n';
  const files = { ...script('node x.js'), '.dockerignore': 'node_modules\n', 'x.js': '' };
  const [change] = fix({ path: 'Dockerfile', source }, memoryContext(files)).changes;
  expect(change?.after).toMatch(/\nCOPY \. \.\nRUN npm run postinstall --build-from-source\n$/);
});
/** What is removed by the end of a RUN shares a layer with what left it, so that no image has it. */
const SHRUNK: readonly (readonly [run: string, base: string])[] = [
  ['npm ci && npm run build && npm logout', 'node:20'],
  ['npm ci && npm run build && npm uninstall typescript', 'node:20'],
  ['npm ci && npm run build && NODE_ENV=production npm prune', 'node:20'],
  ['npm ci && npm run build && (rm -rf /root/.npm)', 'node:20'],
  ['npm ci && npm run build && if [ -d /root/.npm ]; then /bin/rm -rf /root/.npm; fi', 'node:20'],
  ['npm ci && npm run build && find / -name "*.md" -print0 | xargs -0 rm', 'node:20'],
  ['npm ci && npm run build && npx rimraf /root/.npm', 'node:20'],
  ['echo "//r/:_authToken=${T}" > .npmrc && npm ci && npm run build && sed -i /token/d .npmrc', 'node:20'],
  ['echo "//r/:_authToken=${T}" > .npmrc && npm ci && npm run build && cp /dev/null .npmrc', 'node:20'],
  ['go build -o /x . && rm -rf /go/pkg/mod', 'golang:1.22'],
  ['go build -o /x . && go clean -modcache', 'golang:1.22'],
];

const MODULES = {
  'go.mod': 'module example.com/a\ngo 1.22\nrequire example.com/b v1.0.0\n',
  'go.sum': 'example.com/b v1.0.0 h1:x=\nexample.com/b v1.0.0/go.mod h1:x=\n',
  'main.go': 'package main\n',
};

describe('a RUN is not divided where the image would grow', () => {
  const context = memoryContext({ ...PROJECT, ...MODULES });
  const of = (run: string, base: string): string => `FROM ${base}\nWORKDIR /app\nCOPY . .\nRUN ${run}\n`;
  it.each(SHRUNK)('%s', (run, base) => {
    const { changes, refused } = fix({ path: 'Dockerfile', source: of(run, base) }, context);
    expect([changes, refused.map(({ code }) => code)]).toEqual([[], ['image-would-grow']]);
  });
  it('but where only what is of the project is removed', () => {
    const source = of('go build -o /x . && rm -rf dist docs/api', 'golang:1.22');
    expect(fix({ path: 'Dockerfile', source }, context).status).toBe('changed');
  });
});

it('a file that is copied under another name stays a file where it moves', () => {
  const copies = ['COPY . .', 'COPY package.json x.txt', 'COPY . .'];
  const source = ['FROM node:20', 'WORKDIR /app', ...copies, 'WORKDIR /usr/src/app', 'RUN pip install flask', ''];
  const [change] = fix({ path: 'Dockerfile', source: source.join('\n') }, memoryContext(PROJECT)).changes;
  expect(change?.after).toContain('COPY . /app/\nCOPY package.json /app/x.txt\nCOPY . /app/\n');
});

/** Ordinary ones that were left alone, and what now stands ahead of the source. */
const ORDINARY: readonly (readonly [ahead: string, text: string])[] = [
  [
    'COPY requirements.txt ${LAMBDA_TASK_ROOT}/',
    'FROM public.ecr.aws/lambda/python:3.12\nCOPY . ${LAMBDA_TASK_ROOT}\nRUN pip install -r requirements.txt\n',
  ],
  [
    'COPY requirements.txt /var/task/',
    'FROM public.ecr.aws/lambda/python:3.12\nCOPY . /var/task\nRUN pip install -r requirements.txt\n',
  ],
  ['RUN npm ci', 'FROM node:20\nRUN apt-get update\nWORKDIR /opt\nCOPY . .\nRUN npm ci\n'],
  [
    'RUN --mount=type=secret,id=n cp /run/secrets/n .npmrc && npm ci && rm .npmrc',
    'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN --mount=type=secret,id=n cp /run/secrets/n .npmrc && npm ci && rm .npmrc\n',
  ],
  ['RUN npm ci', 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci && chmod +x server && ln -s /app/server /x\n'],
];

describe('an ordinary project is not left alone', () => {
  it.each(ORDINARY)('%s: %s', (ahead, source) => {
    const [change] = fix({ path: 'Dockerfile', source }, memoryContext(PROJECT)).changes;
    expect(change?.after.split(/\nCOPY \. /)[0]?.split('\n')).toContain(ahead);
  });
});

/** Below `FROM node:20` and `ARG D`: what is said of an install where nobody knows whether the source lies above it. */
const NOWHERE: readonly (readonly [code: string | undefined, lines: string])[] = [
  ['unresolved-variable', 'WORKDIR $D\nCOPY . $D\nRUN npm ci'],
  ['unresolved-variable', 'COPY . ${D}\nRUN npm ci'],
  ['unresolved-variable', 'FROM example/base\nCOPY . /opt/x\nRUN pip install a==$V -r /opt/x/requirements.txt'],
  [undefined, 'WORKDIR $D\nCOPY package.json package-lock.json $D/\nRUN npm ci\nCOPY . $D'],
];

it.each(NOWHERE)('%s: %j', (code, lines) => {
  const source = `FROM node:20\nARG D\n${lines}\n`;
  const { changes, refused } = fix({ path: 'Dockerfile', source }, memoryContext(PROJECT));
  expect([changes, refused.map((each) => each.code)]).toEqual([[], code === undefined ? [] : [code]]);
});

it('a list of requirements in UTF-32, which pip reads, is no other one', () => {
  const wide = (width: number): Uint8Array =>
    Buffer.concat(Array.from('\ufeff-r a', (each) => Buffer.alloc(width, each, 'utf16le').fill(0, 2)));
  expect([wide(2), wide(4)].map(decodeRequirements)).toEqual(['-r a', undefined]);
});

it.each(['a,b', 'my reqs', "it's"])('a mount of what is in `%s` is refused for what it is', (folder) => {
  const context = memoryContext({ ...PROJECT, [`${folder}/r.txt`]: 'flask==3.0.0\n' });
  const source = `FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r "${folder}/r.txt"\n`;
  const { changes, refused } = fix({ path: 'Dockerfile', source }, context, {
    target: { style: 'bind', builder: 'buildkit' },
  });
  expect([changes, refused.map(({ code }) => code)]).toEqual([[], ['copy-not-movable']]);
});

it.each([
  ['0.4', '1.0.11', 'refused'],
  ['1.0.12', '1.0.11', 'refused'],
  ['1', '1.0.11', 'changed'],
  ['0.4.1', '0.4.8', 'changed'],
  ['0', '0.4.8', 'changed'],
])('cargo fetch, which asks for %s of what is locked at %s, is %s', (asked, locked, status) => {
  const crate = (name: string, version: string) => `[[package]]\nname = "${name}"\nversion = "${version}"\n`;
  const context = memoryContext({
    'Cargo.toml': `[package]\nname = "a"\nversion = "0.1.0"\n[dependencies]\nitoa = "${asked}"\n`,
    'Cargo.lock': `version = 3\n${crate('a', '0.1.0')}${crate('itoa', locked)}`,
    'src/main.rs': '',
  });
  const source = 'FROM rust:1\nWORKDIR /app\nCOPY . .\nRUN cargo fetch\nRUN cargo build\n';
  expect(fix({ path: 'Dockerfile', source }, context).changes.length > 0 ? 'changed' : 'refused').toBe(status);
});

/** What the fuzz of seed 20261401 found: none of these may move. */
it.each([
  [
    'what a copy brought is still there after a command that changes the system, where a directory is not known',
    'FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN TOKEN=$(cat x.txt) npm ci\nWORKDIR ${DIR:-/app}\nRUN useradd -m bob\nFROM node:20\nWORKDIR /tmp/app\nCOPY . .\nCOPY --from=build --chown=node /app .\nRUN ["npm", "ci"]\n',
  ],
  [
    'a virtual environment makes the directories above it',
    'FROM python:3 AS build\nWORKDIR /usr/src/app\nCOPY --chown=node . .\nADD --chown=2001 src/a.js x.txt /app/lib/\nRUN bundle install --jobs=4 && python3 -m venv /app/src/venv\n',
  ],
  [
    'a command that copies a file makes no directory for it',
    'FROM node:20 AS build\nUSER node\nWORKDIR /home/node/app\nRUN cp src/a.js src/b.js; chown -R root:root .\nCOPY src src\nRUN chmod 777 src; pnpm fetch; rm -rf x.txt\n',
  ],
  [
    'a source that is not known may bring a link',
    'FROM node:20 AS build\nCOPY ${SRC:-src} ./\nWORKDIR /app\nCOPY --parents **/*.js ./\nCOPY . /link\nRUN chmod -R 777 /app && curl -fsSL https://example.com/x -o x.txt\n',
  ],
])('%s', (_what, source) => {
  const files = { ...PROJECT, 'src/a.js': '', 'src/link': '../lib', 'x.txt': '', Gemfile: '' };
  expect(fix({ path: 'Dockerfile', source }, memoryContext(files, { symlinks: ['src/link'] })).changes).toEqual([]);
});
