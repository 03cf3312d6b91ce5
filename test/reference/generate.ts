/** Random projects with a Dockerfile: small, but with all that makes a move unsafe. */
import fc from 'fast-check';
import { buildable, type Context } from './build.ts';

export interface Project {
  readonly source: string;
  /** As a clean checkout has it. */
  readonly context: Context;
  /** As somebody's disk has it: with what git ignores. */
  readonly disk: Context;
}

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const maybe = (chance: number): fc.Arbitrary<boolean> => fc.integer({ min: 1, max: 100 }).map((n) => n <= chance);

// -------------------------------------------------------------------------------------------- the context

const script = pick(
  'node build.js',
  'echo done',
  'true',
  'node scripts/post.js',
  'touch generated.txt',
  'echo hi > x.txt',
  'cat x.txt > y.txt',
  'rm -f x.txt',
  'husky',
  'node-gyp rebuild',
);

const manifest = (names: readonly string[]): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .record({
      name: fc.constant(names[0] as string),
      dependencies: fc.dictionary(pick('a', 'b'), pick('1.0.0', '2.0.0'), { maxKeys: 2 }),
      scripts: fc.dictionary(
        pick('preinstall', 'install', 'postinstall', 'prepare', 'build', 'test', 'prepublish'),
        script,
        { maxKeys: 2 },
      ),
      bin: fc.option(fc.constant({ tool: 'bin/tool.js' }), { nil: undefined, freq: 4 }),
    })
    .map((json) => JSON.parse(JSON.stringify(json)) as Record<string, unknown>);

const lockfile = (builds: boolean): string =>
  JSON.stringify(
    { lockfileVersion: 3, packages: { 'node_modules/a': builds ? { hasInstallScript: true } : {} } },
    null,
    2,
  );

/** Manifests of other languages. */
const others: fc.Arbitrary<Record<string, string>> = fc
  .record({
    scripts: fc.dictionary(pick('pre-install-cmd', 'post-install-cmd', 'post-autoload-dump'), script, { maxKeys: 2 }),
    classmap: pick<string[]>([], [], ['src'], ['lib']),
    gemfile: pick('', '', 'ruby File.read(".ruby-version").strip\n', 'gemspec\n', 'gem "dep", path: "lib/dep"\n'),
    builds: pick('', '', '[build-system]\nrequires = ["hatchling"]\n'),
    tool: pick('', '', '[tool.poetry]\nname = "app"\nversion = "1"\n'),
    reference: pick('', '', '<ProjectReference Include="lib/lib.csproj" />'),
    kept: fc.subarray([
      'composer.lock',
      'auth.json',
      'Gemfile.lock',
      '.ruby-version',
      'app.gemspec',
      'uv.lock',
      'uv.toml',
      '.python-version',
      'poetry.lock',
      'poetry.toml',
      'Cargo.lock',
      'src/main.rs',
      'src/lib.rs',
      'Directory.Build.props',
      'nuget.config',
      '.cargo/config.toml',
      'rust-toolchain.toml',
      '.mvn/maven.config',
      'go.sum',
      'lib/lib.csproj',
      'src/Program.cs',
    ]),
  })
  .map(({ scripts, classmap, gemfile, builds, tool, reference, kept }) => ({
    ...Object.fromEntries(kept.map((path) => [path, CONTENTS[path] ?? `# ${path}\n`])),
    'composer.json': JSON.stringify({ require: { a: '1' }, scripts, autoload: { classmap } }, null, 2),
    Gemfile: `source "https://example.com"\n${gemfile}gem "rack"\n`,
    'pyproject.toml': `[project]\nname = "app"\nversion = "1"\ndependencies = ["flask"]\n${tool}${builds}`,
    'Cargo.toml': '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n',
    'pom.xml': '<project><artifactId>a</artifactId></project>\n',
    'app.csproj': `<Project Sdk="Microsoft.NET.Sdk">${reference}</Project>\n`,
  }));
const CONTENTS: Readonly<Record<string, string>> = {
  'composer.lock': '{"packages":[]}\n',
  'auth.json': '{}\n',
  'Gemfile.lock': 'GEM\n  specs:\n    rack (3.0)\n',
  '.ruby-version': '3.3.0\n',
  'uv.lock': 'version = 1\n',
  '.python-version': '3.12\n',
  'Cargo.lock': 'version = 4\n',
  'Directory.Build.props': '<Project />\n',
  'nuget.config': '<configuration />\n',
  'lib/lib.csproj': '<Project Sdk="Microsoft.NET.Sdk" />\n',
};

const files: fc.Arbitrary<{
  files: Record<string, string>;
  links: string[];
  executable: string[];
  dirty: Record<string, string>;
}> = fc
  .record({
    root: manifest(['root']),
    member: manifest(['member']),
    workspaces: pick(undefined, undefined, ['packages/*'], ['packages/a'], ['web']),
    local: pick(undefined, undefined, undefined, 'file:./packages/a', 'file:lib/dep'),
    builds: maybe(30),
    lock: pick('package-lock.json', 'package-lock.json', 'yarn.lock', 'pnpm-lock.yaml', 'all', 'none'),
    settings: pick('', '', 'root', 'above', 'both', 'silent'),
    ignore: pick(
      '**/node_modules\n',
      'node_modules\n',
      '',
      '*\n!src\n!package*.json\n',
      '**/node_modules\n*.txt\n!x.txt\n',
      'node_modules\n.npmrc\n',
      'packages\n',
      '# nothing\n\n/src/deep\n!src/deep/b.js\n',
    ),
    gitignore: pick('', '', 'node_modules\n.npmrc\n', 'node_modules\n*.txt\ndist\n', '.env\n.npmrc\nyarn.lock\n'),
    extra: fc.subarray([
      'x.txt',
      'src/deep/b.js',
      'packages/a/bin/tool.js',
      'bin/tool.js',
      'web/package.json',
      'x.deb',
      'bin/apt-get',
      'bin/node',
      'logging.py',
      'etc/config',
      'scripts/post.js',
      'binding.gyp',
      'dist/out.js',
      'package.json.bak',
      'lib/dep/package.json',
      'lib/dep/index.js',
      'home/.npmrc',
      '.pnpmfile.cjs',
      'x.conf/sub/y.txt',
      'sub/package.json',
      'go.mod',
      'run.sh',
      'vendor.tar.gz',
      'vendor.tar.gz',
    ]),
    requirements: pick('flask\n', '-r base.txt\n', '-e .\n', './lib/dep\n', 'flask\n-c constraints.txt\n'),
    tracked: pick(undefined, undefined, undefined, 'node_modules/a/index.js', 'packages/a/node_modules/x.js'),
    link: pick(
      undefined,
      undefined,
      undefined,
      undefined,
      ['packages', 'shared'],
      ['x.txt', 'src/a.js'],
      ['src/link', '../lib'],
      ['.npmrc', 'etc/config'],
      ['package.json', 'etc/package.json'],
    ),
    dirty: fc.subarray([
      'node_modules/.package',
      'node_modules/old.js',
      '.npmrc',
      '.env',
      'dist/out.js',
      'x.txt',
      'yarn.lock',
      'packages/a/node_modules/x.js',
    ]),
    rooted: maybe(15),
    others,
  })
  .map((made) => {
    const all: Record<string, string> = {
      'src/a.js': 'a',
      'server.js': 's',
      'build.js': 'b',
      'x.txt': 'x',
    };
    const json: Record<string, unknown> = { ...made.root };
    if (made.workspaces !== undefined) json['workspaces'] = made.workspaces;
    if (made.local !== undefined) json['dependencies'] = { ...(json['dependencies'] as object), dep: made.local };
    all['package.json'] = JSON.stringify(json, null, 2);
    all['packages/a/package.json'] = JSON.stringify(made.member, null, 2);
    Object.assign(all, made.others);
    for (const path of made.extra)
      all[path] = path.endsWith('package.json') ? JSON.stringify({ ...made.member, name: path.split('/')[0] }) : path;
    const locks =
      made.lock === 'all'
        ? ['package-lock.json', 'yarn.lock', 'pnpm-lock.yaml']
        : made.lock === 'none'
          ? []
          : [made.lock];
    for (const lock of locks) all[lock] = lock === 'package-lock.json' ? lockfile(made.builds) : '# lockfile v1\n';
    if (locks.includes('pnpm-lock.yaml')) all['pnpm-workspace.yaml'] = 'packages:\n  - packages/*\n';
    if (made.settings === 'root' || made.settings === 'both') all['.npmrc'] = 'registry=x';
    if (made.settings === 'silent') all['.npmrc'] = 'ignore-scripts=true';
    if (made.settings === 'above' || made.settings === 'both') all['.yarnrc'] = 'registry "y"';
    all['requirements.txt'] = made.requirements;
    all['base.txt'] = 'django\n';
    all['constraints.txt'] = 'flask<9\n';
    if (made.tracked !== undefined) all[made.tracked] = 'tracked';
    const links: string[] = [];
    if (made.link !== undefined) {
      const [from, to] = made.link as [string, string];
      for (const path of Object.keys(all))
        if (path === from || path.startsWith(`${from}/`)) {
          if (path !== from) all[path.replace(from, to)] = all[path] as string;
          else if (from === 'package.json') all['etc/package.json'] = all[path] as string;
          Reflect.deleteProperty(all, path);
        }
      all[from] = to;
      links.push(from);
    }
    if (made.ignore !== '') all['.dockerignore'] = made.ignore;
    if (made.gitignore !== '') all['.gitignore'] = made.gitignore;
    const ignoredByGit = (path: string): boolean =>
      made.gitignore
        .split('\n')
        .some(
          (line) =>
            line !== '' &&
            path.split('/').some((part) => (line.startsWith('*') ? part.endsWith(line.slice(1)) : part === line)),
        );
    // Tracked files stay what they are; only what git ignores, or a tool made, may be there besides.
    const dirty: Record<string, string> = {};
    for (const path of made.dirty)
      if (
        all[path] === undefined &&
        (ignoredByGit(path) || path.includes('node_modules')) &&
        !links.some((link) => path.startsWith(`${link}/`))
      )
        dirty[path] = `dirty ${path}`;
    return { files: all, links, executable: all['run.sh'] === undefined ? [] : ['run.sh'], dirty };
  });

// ------------------------------------------------------------------------------------------ the Dockerfile

const jsInstall = pick(
  'npm ci',
  'npm ci',
  'npm install',
  'npm ci --ignore-scripts',
  'npm i',
  'npm ci --omit=dev',
  'npm ci --prefix /app',
  'npm ci --userconfig x.txt',
  'yarn',
  'yarn install --frozen-lockfile',
  'yarn --cwd /app',
  'pnpm install --frozen-lockfile',
  'pnpm install',
  'pnpm fetch',
  'pip install -r requirements.txt',
  'pip install --no-cache-dir -r requirements.txt',
  'pip install -r base.txt -c constraints.txt',
  'pip install flask',
  'pip install -t lib flask',
  'pip install .',
  'NODE_ENV=production npm ci',
  'npm_config_userconfig=x.txt npm ci',
  'cd web && npm ci',
  'cd packages/a && npm ci',
  'go mod download',
  'npm ci || npm install',
  // What comes out of a file, a variable or a default.
  'npm ci --registry=$(cat x.txt)',
  'TOKEN=$(cat x.txt) npm ci',
  'pip install flask==$(cat x.txt)',
  'pip install -r $(cat list.txt)',
  'pip install -r ${REQUIREMENTS:-requirements.txt}',
  'npm ci --userconfig ${SETTINGS:-x.txt}',
  'npm ci ${FLAGS:-}',
  'npm ci $FLAGS',
  'npm_config_ignore_scripts=true npm ci',
  'cd ${DIR:-/app} && npm ci',
  'echo token > .npmrc && npm ci && rm .npmrc',
  'cp x.txt .npmrc && npm ci && rm -f .npmrc',
  'npm ci && rm -f .npmrc',
  '. ./x.txt && npm ci',
  'npm ci --prefer-offline',
  'pnpm install --frozen-lockfile --offline',
  'pnpm fetch && pnpm install --frozen-lockfile --offline',
);
const otherInstall = pick(
  'composer install',
  'composer install --no-dev --no-interaction',
  'composer install --no-scripts --no-autoloader',
  'composer install --optimize-autoloader',
  'bundle install',
  'bundle install --jobs=4',
  'uv sync',
  'uv sync --frozen',
  'uv sync --locked --no-dev',
  'uv sync --frozen --no-install-project',
  'poetry install',
  'poetry install --no-root',
  'poetry install --no-interaction --only=main',
  'cargo fetch --locked',
  'cargo build --release',
  'mvn dependency:go-offline',
  'mvn -B package',
  'dotnet restore',
  'dotnet restore app.csproj',
  'dotnet publish -c Release',
  'dotnet publish --no-restore',
  'cargo build --release --offline',
  'mvn -o package',
);
const install = fc.oneof({ arbitrary: jsInstall, weight: 2 }, { arbitrary: otherInstall, weight: 1 });
const ordinary = pick(
  'apt-get update',
  'apt-get install -y curl',
  'apt-get install -y ./x.deb',
  'mkdir -p logs',
  'mkdir -p /app/src/deep',
  'mkdir /data',
  'mkdir src',
  'mkdir -p dist && chown node dist',
  'rm -rf x.txt',
  'rm x.txt',
  'rm -rf node_modules',
  'rm -rf /app/src',
  'rm -rf dist',
  'touch x.txt',
  'touch new.txt',
  'echo hi > x.txt',
  'echo hi >> x.txt',
  'echo * > list.txt',
  'ls > list.txt',
  'ls src > /etc/list',
  'cat x.txt > /etc/y',
  'cat package.json',
  'cp x.txt y.txt',
  'mv x.txt y.txt',
  'cp x.txt src',
  'cp -r src dist',
  'cp x.txt package-lock.json',
  'sed -i s/x/y/ x.txt',
  'sed -i s/1/2/ package.json',
  'chown -R node /app',
  'chown node /app',
  'chmod +x run.sh',
  'chmod -R 777 /app',
  'chown -R node .',
  'chown -R node:node /app',
  'chown -R node:node /app',
  'chown -R node:node .',
  'chown -R 0:0 /app',
  'chown -R root:root .',
  'chown -R bob:bob /app',
  'chown -R node:node src',
  'chown -R node:node /app/lib',
  'mkdir -p /app/logs && chown -R node:node /app',
  'ln -s /data /link',
  'ln -s /app /srv/app',
  'ln -s ../lib src/link',
  'test -f x.txt',
  'test -d src',
  'useradd bob',
  'useradd -m bob',
  'npm i -g pm2',
  'npm cache clean --force',
  'cd src',
  'cd /app',
  'true',
  'chmod 777 /app',
  'echo $GIT_SHA',
  'cat /srv/app/x.txt > /etc/z',
  // In a directory that may be there only when the source is.
  'touch src/new.txt',
  'echo hi > src/new.txt',
  'echo hi > /app/new.txt',
  'printf hi >> lib/new.txt',
  'touch logs/new.txt',
  'mkdir src/made',
  'mkdir -p src/made/deep',
  'curl -fsSL https://example.com/x -o x.txt',
  'curl -fsSL https://example.com/x -o src/new.txt',
  'curl -o /srv/app/new.txt https://example.com/x',
  'wget -O /app/lib/new.txt https://example.com/x',
  'wget -q https://example.com/new.txt',
  'ln -s ../x.txt src/y',
  'ln -s x.txt y.txt',
  'cp x.txt lib/x.txt',
  'cp src/a.js src/b.js',
  'mv x.txt lib/x.txt',
  'mv src/a.js src/b.js',
  'chown node src',
  'chown node src/a.js',
  'chmod 777 src',
  'find src -type f -exec chmod 755 {} +',
  'find . -name a.js -exec chown node {} +',
  'python3 -m venv venv',
  'python3 -m venv /app/src/venv',
  'rm -rf src/deep',
  'rm -r lib',
  'test -e lib/dep',
  'cat src/a.js',
  'ls /app/src',
  'ls src/deep > list.txt',
  'sed -i s/a/b/ src/a.js',
  'npm config set fund false',
  'npm pkg delete scripts.postinstall',
  'adduser -D bob',
  'useradd -m -d /app bob',
  'usermod -u 2001 node',
  'chown -R node:node /home/node',
  'curl -fsSL https://example.com/$(cat x.txt) -o /opt/tool',
  'npm i -g pm2@${V:-1}',
  'npm i -g pm2@$(cat src/a.js)',
  'echo ${V:+x} > /etc/v',
  '. ./x.txt',
  'echo $SOURCED > /etc/sourced',
  'rm .npmrc',
  'echo token > /tmp/token && rm /tmp/token',
  // Wildcards, pipes, lists, substitutions.
  'rm -rf src/*',
  'rm *.txt',
  'cp etc/* /etc/',
  'cp *.json /tmp/',
  'chmod +x *.sh',
  'ls *.txt > list.txt',
  'cat *.txt > /etc/all',
  'cp -a src dist',
  'cp -r src/deep lib',
  'cp -p run.sh /usr/bin/run',
  'mv src lib2',
  'mv lib /opt/lib',
  'tar -xzf vendor.tar.gz',
  'tar -xzf vendor.tar.gz -C lib',
  'tar -xzf vendor.tar.gz -C /opt',
  'cat x.txt | tee y.txt',
  'ls | sort > list.txt',
  'echo hi | tee /etc/list',
  'echo hi | tee -a x.txt /etc/list',
  'cat x.txt | xargs apt-get install -y',
  'grep -q x x.txt',
  'grep x x.txt > /etc/found',
  'sort x.txt > sorted.txt',
  'head -1 x.txt | tee /etc/head',
  'curl -fsSL https://example.com/setup | sh',
  'curl -fsSL https://example.com/x > src/new.txt',
  'echo y | apt-get install -y git',
  'apt-get install -y $(cat x.txt)',
  'npm i -g pm2@$(cat x.txt)',
  'V=$(cat x.txt)',
  'export V=$(cat x.txt)',
  'echo $V > /etc/v',
  'echo $(ls) > /etc/names',
  'cat < x.txt > y.txt',
  'sh < run.sh',
  'npm ci > log.txt',
  'npm ci 2>&1 | tee log.txt',
  'npm ci > /dev/null',
  'pip install flask | tee -a /tmp/log',
  'set -o pipefail',
  'find . -name x.txt -delete',
  'find src -name a.js',
  'find . -name a.js | tee /etc/found',
  'ln -sf x.txt y.txt',
  'mkdir -p /app/lib && cp x.txt /app/lib/',
  'test -f x.txt || touch x.txt',
  'test -d src || mkdir src',
  '[ ! -f x.txt ] || cat x.txt > /etc/y',
  'rm x.txt || true',
  'mkdir src || true',
  'mkdir logs || true',
  'touch src/new.txt || true',
  'cat none.txt || true',
  'chmod +x run.sh || true',
  'grep -q none x.txt || echo none >> x.txt',
  '! test -f x.txt',
  'if [ -f x.txt ]; then apt-get install -y git; fi',
  'if [ -f yarn.lock ]; then yarn install --frozen-lockfile; elif [ -f package-lock.json ]; then npm ci; else npm install; fi',
  'if test -d src; then echo yes > /etc/src; else mkdir src; fi',
  'for d in src lib; do mkdir -p $d; done',
  'for f in *.txt; do cp $f /etc/; done',
  'for p in git curl; do apt-get install -y $p; done',
  '(cd web && npm ci)',
  '(cd /app && ls > /etc/list)',
  '(cd src; touch new.txt)',
  '{ echo one; test -d src; }',
);
const unknown = pick(
  'node build.js',
  'npm run build',
  './run.sh',
  'make',
  'npm test',
  'yarn build',
  'go build ./...',
  'sh scripts/x.sh',
);

const commands = fc
  .array(
    fc.oneof({ arbitrary: install, weight: 3 }, { arbitrary: ordinary, weight: 4 }, { arbitrary: unknown, weight: 1 }),
    { minLength: 1, maxLength: 3 },
  )
  .chain((list) => fc.tuple(fc.constant(list), pick(' && ', ' && ', ' && ', '; ', ' && \\\n    '), maybe(8)))
  .map(([list, join, errexit]) => (errexit ? 'set -e; ' : '') + list.join(join));

const run = fc.oneof(
  { arbitrary: commands.map((text) => `RUN ${text}`), weight: 20 },
  { arbitrary: install.map((text) => `RUN ${text}`), weight: 14 },
  {
    arbitrary: fc
      .array(
        fc.oneof(
          { arbitrary: install, weight: 3 },
          { arbitrary: ordinary, weight: 3 },
          {
            arbitrary: pick(
              'set -e',
              '# a comment',
              'if [ -f x.txt ]; then\n  npm ci\nfi',
              'if test -d src\nthen\n  # there\n  touch src/new.txt\nelse\n  mkdir src\nfi',
              'for f in *.txt; do\n  cp $f /etc/\ndone',
            ),
            weight: 1,
          },
        ),
        { minLength: 1, maxLength: 3 },
      )
      .map((list) => `RUN <<EOF\n${list.join('\n')}\nEOF`),
    weight: 1,
  },
  {
    arbitrary: fc
      .tuple(
        pick(
          'cache,target=/root/.npm',
          'cache,target=/root/.npm',
          'cache,target=/app/node_modules',
          'cache,target=node_modules',
          'cache,target=/root/.local/share/pnpm/store',
          'cache,target=/root/.m2',
          'cache,target=/root/.nuget/packages',
          'cache,target=/usr/local/cargo/registry',
          'cache,target=/root/.cache/pip',
          'cache,target=/app/.venv',
          'cache,target=lib',
          'cache,target=/opt/bundle',
          'cache,target=/usr/lib/apt',
          'tmpfs,target=/tmp',
          'tmpfs,target=/app/logs',
          'bind,from=build,source=/app,target=/build',
          'bind,target=.',
          'bind,target=/context',
          'bind,source=x.txt,target=/etc/config',
          'secret,id=npmrc,target=/app/.npmrc',
          'secret,id=npmrc,target=/root/.npmrc',
          'bind,from=build,source=/app/package.json,target=package.json',
        ),
        fc.oneof(
          { arbitrary: install, weight: 3 },
          { arbitrary: ordinary, weight: 1 },
          { arbitrary: unknown, weight: 1 },
        ),
      )
      .map(([mount, text]) => `RUN --mount=type=${mount} ${text}`),
    weight: 4,
  },
  {
    arbitrary: install.map((text) => `RUN --mount=type=bind,source=package.json,target=package.json ${text}`),
    weight: 1,
  },
  { arbitrary: install.map((text) => `RUN --mount=type=bind,source=x.txt,target=/app/.npmrc ${text}`), weight: 1 },
  { arbitrary: pick('RUN ["npm", "ci"]', 'RUN ["node", "build.js"]'), weight: 1 },
);

const copy = fc
  .tuple(
    pick(
      '',
      '',
      '',
      '',
      '',
      '--chown=node ',
      '--chown=node:node ',
      '--chown=0:0 ',
      '--chown=bob ',
      '--chown=2001 ',
      '--chmod=755 ',
    ),
    pick(
      '. .',
      '. .',
      '. .',
      '. ./',
      '. /app',
      '. /app/',
      'src src',
      'src ./src/',
      'src/ .',
      'package.json ./',
      'package*.json ./',
      'package.json package-lock.json ./',
      '*.json ./',
      './ ./',
      'packages packages',
      'packages/a /app/',
      'x.txt /app/y.txt',
      'x.txt .npmrc',
      'src /',
      'etc /etc',
      'home /root',
      'bin /usr/bin',
      'yarn.lock* package.json ./',
      'packages/*/package.json ./',
      'server.js build.js ./',
      'lib lib',
      '. /srv/app',
      '. /link',
      '../x.txt ./',
      '["src", "/app/src/"]',
      '. $DIR',
      'requirements.txt base.txt constraints.txt ./',
      '--parents packages/*/package.json ./',
      '--parents src/deep x.txt ./',
      '--parents src/./deep ./',
      '--exclude=*.txt . .',
      '--exclude=src . .',
      'vendor.tar.gz ./',
      'vendor.tar.gz /opt/',
      'https://example.com/x.txt ./',
      'src/* ./',
      'packages/* ./',
      'etc/* /etc/',
      '--parents **/package.json ./',
      '--parents **/*.js ./',
      'etc/package.json ./',
      'package.json x.txt',
      'src/a.js x.txt /app/lib/',
      '.npmrc ./',
      '${SRC:-src} ./',
      '${SRC:-src} ./src',
      '${FILE:-x.txt} ./',
      '. ${DIR:-/app}',
      '. ${DIR:+/app}/',
    ),
    pick('COPY', 'COPY', 'COPY', 'COPY', 'ADD', 'copy'),
  )
  // COPY takes no addresses.
  .map(([flags, paths, keyword]) => `${paths.startsWith('https:') ? 'ADD' : keyword} ${flags}${paths}`);

const other = pick(
  'WORKDIR /app',
  'WORKDIR src',
  'WORKDIR /srv/app',
  'WORKDIR ..',
  'USER node',
  'USER root',
  'ENV NODE_ENV=production',
  'ENV DIR=/app',
  'ENV DIR=/srv/app',
  'ARG GIT_SHA=1',
  'ARG GIT_SHA',
  'ENV VERSION=$GIT_SHA',
  'ARG SRC=lib',
  'ARG SRC',
  'ENV SRC=$SRC',
  'ENV SRC=${SRC:-src} FILE=$SRC',
  'ENV FILE=server.js',
  'WORKDIR ${DIR:-/app}',
  'ENV DIR=${DIR:-/app}/lib',
  'ENV FLAGS=--ignore-scripts',
  'ENV HOME=/app',
  'ENV npm_config_ignore_scripts=true',
  'ENV V=2',
  'USER 2001',
  'USER bob',
  'ARG DIR=/app',
  'ENV PATH=/app/bin:$PATH',
  'ENV NPM_CONFIG_USERCONFIG=/app/x.txt',
  'ENV PIP_CONSTRAINT=/app/constraints.txt',
  'LABEL a=b',
  'EXPOSE 80',
  'VOLUME /app',
  'CMD ["node", "server.js"]',
  'SHELL ["/bin/bash", "-eo", "pipefail", "-c"]',
  'COPY <<EOF /app/x.txt\nmade\nEOF',
  'COPY <<EOF .npmrc\nmade\nEOF',
  'ONBUILD RUN node trigger.js',
  'ONBUILD COPY . .',
  'ONBUILD WORKDIR /srv/app',
  'ONBUILD ENV NODE_OPTIONS=--require=/app/x.txt',
  'ONBUILD COPY x.txt .npmrc',
  'ONBUILD USER node',
  'ENV NODE_OPTIONS=--require=/app/src/a.js',
  '# a comment',
);

const body = fc
  .tuple(
    pick(
      ['WORKDIR /app'],
      ['WORKDIR /app'],
      ['WORKDIR /app'],
      ['WORKDIR /root/app'],
      ['WORKDIR /usr/src/app'],
      ['USER node', 'WORKDIR /home/node/app'],
      [],
      ['WORKDIR /tmp/app'],
    ),
    fc.array(fc.oneof({ arbitrary: copy, weight: 1 }, { arbitrary: other, weight: 1 }, { arbitrary: run, weight: 1 }), {
      maxLength: 3,
    }),
    pick('COPY . .', 'COPY . .', 'COPY . /app', 'COPY --chown=node . .', 'COPY src src', 'ADD . .', 'COPY . ./'),
    fc.array(fc.oneof({ arbitrary: copy, weight: 2 }, { arbitrary: other, weight: 2 }, { arbitrary: run, weight: 6 }), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([place, above, source, rest]) => [...place, ...above, source, ...rest]);

const dockerfile = fc
  .tuple(
    body,
    fc.option(body, { nil: undefined, freq: 2 }),
    fc.option(body, { nil: undefined, freq: 8 }),
    pick('ARG BASE=node:20', 'ARG BASE=python:3', 'ARG SRC=lib', ...Array<string>(9).fill('')),
    pick('Node AS Build', 'node:20 AS build', 'node:20 AS build', 'python:3 AS build'),
    pick('build', 'node:20', 'scratch-like'),
    fc.array(
      pick(
        'COPY --from=BUILD /app /app',
        'COPY --from=build /app/x.txt ./',
        'COPY --from=0 /app/node_modules ./node_modules',
        'COPY --from=build --chown=node /app .',
        'COPY --from=build /app/src ./src',
        'COPY --from=build /app/*.txt ./',
        'COPY --from=build /app/package.json /app/package-lock.json ./',
        'COPY --from=build /etc/list /etc/',
      ),
      { maxLength: 2 },
    ),
  )
  .map(
    ([first, second, third, global, base, next, from]) =>
      [
        ...(global === '' ? [] : [global]),
        `FROM ${global.startsWith('ARG BASE') ? '${BASE:-node:20} AS build' : base.replace(/^Node/, 'node')}`,
        ...first,
        ...(second === undefined ? [] : [`FROM ${next} AS next`, ...second.slice(0, 2), ...from, ...second.slice(2)]),
        ...(second === undefined || third === undefined ? [] : ['FROM next', ...third.slice(1)]),
      ].join('\n') + '\n',
  );

/** As they are written: most do not build. */
export const draft: fc.Arbitrary<Project> = fc.tuple(files, dockerfile).map(([made, source]) => {
  const context: Context = { files: made.files, links: made.links, executable: made.executable };
  return { source, context, disk: { ...context, files: { ...made.files, ...made.dirty } } };
});

/** Most without the instructions that fail. */
export const project: fc.Arbitrary<Project> = fc
  .tuple(draft, maybe(80))
  .map(([made, builds]) => (builds ? { ...made, source: buildable(made.source, made.context) } : made));
