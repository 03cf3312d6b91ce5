import { describe, expect, it } from 'vitest';
import { knowledgeOf, managers } from '../../src/managers/index.ts';
import { parse } from '../../src/dockerfile/parse.ts';
import { resolvePath } from '../../src/dockerfile/state.ts';
import type { Analysis, Command, Files, Install, Place, Run } from '../../src/model.ts';

/** What an image would show: files by path, below /app where that is relative. */
function imageOf(files: Record<string, string>, maybe: readonly string[] = []): Files {
  const texts = new Map(Object.entries(files).map(([path, text]) => [resolvePath('/app', path), text]));
  const paths = [...texts.keys()];
  return {
    has: (path) =>
      paths.some((each) => each === path || each.startsWith(`${path}/`))
        ? 'yes'
        : maybe.includes(path)
          ? 'maybe'
          : 'no',
    read: (path) => texts.get(path),
    executable: () => true,
    entries: (directory) => {
      const prefix = `${directory}/`;
      return [
        ...new Set(
          paths
            .filter((path) => path.startsWith(prefix))
            .map((path) => path.slice(prefix.length).split('/')[0] as string),
        ),
      ].sort();
    },
  };
}

const knowledge = knowledgeOf();

function command(text: string): Command {
  return (parse(`FROM node:20\nRUN ${text}\n`).instructions[1] as Run).commands?.[0] as Command;
}

function place(environment: Record<string, string> = {}, image = 'node:20'): Place {
  const declared = (name: string): boolean => Object.hasOwn(environment, name);
  return { directory: '/app', user: 'root', image, environment: (name) => environment[name], declared, mounts: [] };
}

function known(text: string, environment: Record<string, string> = {}): Install | undefined {
  return knowledge.recognise(command(text), place(environment));
}

function analysed(text: string, files: Record<string, string>, environment: Record<string, string> = {}): Analysis {
  return knowledge.analyse(known(text, environment) as Install, imageOf(files));
}

const reads = (analysis: Analysis): string[] =>
  analysis.steps.flatMap((step) => step.reads.map((read) => read.path.slice('/app/'.length)));
const code = (analysis: Analysis): string | undefined =>
  analysis.steps.find((step) => step.opaque !== undefined)?.opaque?.code;
const json = (value: unknown): string => JSON.stringify(value);

const csproj = (inside: string): Record<string, string> => ({
  'a.csproj': `<Project Sdk="Microsoft.NET.Sdk">${inside}</Project>`,
});
const version = (text: string): Record<string, string> =>
  csproj(`<PropertyGroup><Version>${text}</Version></PropertyGroup>`);

const pom = (more = ''): Record<string, string> => ({
  'pom.xml': `<project><groupId>a</groupId><artifactId>b</artifactId><version>1</version>${more}</project>`,
});

const crate = (more = ''): Record<string, string> => ({
  'Cargo.toml': `[package]\nname = "a"\nversion = "0.1.0"\n${more}`,
  'Cargo.lock': 'version = 4\n[[package]]\nname = "a"\nversion = "0.1.0"\n',
  'src/main.rs': '',
});

describe('which commands are installs', () => {
  it.each<[string, string | undefined]>([
    ['npm run build', undefined],
    ['npm test', undefined],
    ['npm cit', undefined],
    ['yarn build', undefined],
    ['yarn --version', undefined],
    ['pnpm build', undefined],
    ['pnpm deploy out', undefined],
    ['bun run build', undefined],
    ['pip list', undefined],
    ['npm i -g typescript@5.*', 'npm tool'],
    ['npm i -g @angular/cli@17.*', 'npm tool'],
    ['npm i -g pnpm@$VERSION', 'npm tool'],
    ['npm i -g "https://example.com/$VERSION.tgz"', 'npm tool'],
    ['yarn global add serve@$VERSION', 'yarn tool'],
    ['yarn global upgrade', 'yarn tool'],
    ['python -m pytest', undefined],
    ['node server.js', undefined],
    ['npm ci', 'npm install'],
    ['npm i', 'npm install'],
    ['npm isntall --omit=dev', 'npm install'],
    ['npm --prefix client ci', 'npm install'],
    ['sudo npm ci', 'npm install'],
    ['npm i -g pm2', 'npm tool'],
    ['npm i -g .', 'npm install'],
    ['npm i -g ./a.tgz', 'npm install'],
    ['npm i -g ./pkg/*.tgz', 'npm install'],
    ['npm i -g *.tgz', 'npm install'],
    ['npm i -g pkg/*', 'npm install'],
    ['npm i -g ./tools/$NAME', 'npm install'],
    ['npm i -g $NAME ./tool', 'npm install'],
    ['pnpm add -g ./pkg/*.tgz', 'pnpm install'],
    ['yarn global add /app/pkg/*.tgz', 'yarn install'],
    ['bun add -g ./pkg/*.tgz', 'bun install'],
    ['npm run postinstall', 'npm script'],
    ['npm pkg delete scripts.prepare', 'npm script'],
    ['yarn', 'yarn install'],
    ['yarn --frozen-lockfile', 'yarn install'],
    ['corepack yarn install', 'yarn install'],
    ['yarn global add serve', 'yarn tool'],
    ['yarn workspaces focus --production', 'yarn install'],
    ['pnpm i', 'pnpm install'],
    ['pnpm -C client install', 'pnpm install'],
    ['pnpm fetch', 'pnpm fetch'],
    ['pnpm add -g turbo', 'pnpm tool'],
    ['bun install --frozen-lockfile', 'bun install'],
    ['bun add -g x', 'bun tool'],
    ['pip install -r requirements.txt', 'pip install'],
    ['pip3.11 install -r requirements.txt', 'pip install'],
    ['python3 -m pip install --upgrade pip', 'pip tool'],
    ['/opt/venv/bin/pip install -rrequirements.txt', 'pip install'],
    ['uv pip install --system -r requirements.txt', 'pip install'],
    ['pip-sync', 'pip install'],
    ['pip install flask==3.0', 'pip tool'],
    ['pip install .', 'pip install'],
    ['pip install --no-cache-dir -e .[dev]', 'pip install'],
    ['go run golang.org/x/tools/cmd/stringer@v0.1.0 -type A', undefined],
    ['go run ./cmd/gen', 'go build'],
  ])('%s → %s', (text, expected) => {
    const install = known(text);
    expect(install === undefined ? undefined : `${install.manager} ${install.kind}`).toBe(expected);
  });

  it.each([
    ['npm ci --prefix client', '/app/client'],
    ['npm -C /srv ci', '/srv'],
    ['yarn --cwd web install', '/app/web'],
    ['pnpm --dir web i', '/app/web'],
    ['bun install --cwd web', '/app/web'],
  ])('%s works in %s', (text, directory) => {
    expect(known(text)?.directory).toBe(directory);
  });
});

it.each(['mvn install:install-file -Dfile=lib/x.jar', 'mvn -N wrapper:wrapper', 'mvn versions:set -DnewVersion=2'])(
  'no build: %s',
  (text) => {
    expect(known(text)).toBeUndefined();
  },
);

describe('what is refused', () => {
  const pkg = (extra: object = {}): string => json({ name: 'a', dependencies: { x: '1' }, ...extra });
  it.each<[reason: string, text: string, files: Record<string, string>, expected: string]>([
    ['no manifest', 'npm install', {}, 'manifest-missing'],
    [
      "a member's client of Prisma, with a schema of the root that is not known",
      'npm install',
      {
        'package.json': pkg({ workspaces: ['p/*'] }),
        'p/a/package.json': json({ dependencies: { '@prisma/client': '5.0.0' } }),
        'prisma/schema.prisma': 'generator x {\n  provider = "./x.js"\n}\n',
      },
      'lifecycle-script-reads-source',
    ],
    [
      'packages that git knows to have changed',
      'pnpm install --filter "...[HEAD~1]"',
      { 'package.json': pkg(), 'pnpm-lock.yaml': '' },
      'needs-vcs',
    ],
    ...['npm i lib/', 'npm i git+file:///app/lib', 'npm i foo@git+file:///app/lib', 'pnpm add lib/'].map(
      (text): [string, string, Record<string, string>, string] => [
        `a directory, ${text}`,
        text,
        { 'package.json': pkg(), 'lib/package.json': '{}' },
        'local-dependency-builds',
      ],
    ),
    [
      'a member whose manifest is YAML',
      'pnpm install',
      { 'package.json': pkg(), 'pnpm-workspace.yaml': 'packages: [p/*]', 'p/a/package.yaml': 'name: a' },
      'dynamic-manifest',
    ],
    [
      'settings of the member in which Yarn runs',
      'yarn --cwd p/a',
      { 'package.json': pkg({ workspaces: ['p/*'] }), 'p/a/package.json': '{}', 'p/a/.yarnrc': '--modules-folder x' },
      'dynamic-manifest',
    ],
    [
      'the same of berry',
      'yarn --cwd p/a install --immutable',
      {
        'package.json': pkg({ workspaces: ['p/*'] }),
        'p/a/package.json': '{}',
        'p/a/.yarnrc.yml': 'npmRegistryServer: https://example.com',
      },
      'dynamic-manifest',
    ],
    ...['npm install', 'yarn', 'pnpm install'].map((text): [string, string, Record<string, string>, string] => [
      `${text}: a member with a binding.gyp`,
      text,
      {
        'package.json': pkg({ workspaces: ['p/*'] }),
        'pnpm-workspace.yaml': 'packages: [p/*]',
        'p/a/package.json': '{}',
        'p/a/binding.gyp': '{}',
      },
      'lifecycle-script-reads-source',
    ]),
    ...['pnpm install', 'bun install'].map((text): [string, string, Record<string, string>, string] => [
      `${text}: a binding.gyp`,
      text,
      { 'package.json': pkg(), 'binding.gyp': '{}' },
      'lifecycle-script-reads-source',
    ]),
    ...['npm ci', 'npm i y'].map((text): [string, string, Record<string, string>, string] => [
      `${text}: a script that runs where packages changed`,
      text,
      { 'package.json': pkg({ scripts: { dependencies: 'node x' } }), 'package-lock.json': '{}' },
      'lifecycle-script-reads-source',
    ]),
    [
      'a hook of npm 12 that loads others',
      'npm install',
      { 'package.json': pkg(), '.npm-extension.cjs': "require('./x.cjs')" },
      'dynamic-manifest',
    ],
    ...[
      'npm i foo@file:./lib',
      'npm i @a/foo@./lib',
      'yarn add foo@link:lib',
      'pnpm add foo@file:lib',
      'bun add foo@./lib',
    ].map((text): [string, string, Record<string, string>, string] => [
      `a directory by a name, ${text}`,
      text,
      { 'package.json': pkg(), 'lib/package.json': '{}' },
      'local-dependency-builds',
    ]),
    ['the same for all users', 'npm i -g foo@file:./lib', { 'lib/package.json': '{}' }, 'local-dependency-builds'],
    [
      'a directory that is named is no member',
      'npm ci --prefix p/a',
      { 'package.json': pkg({ workspaces: ['p/*'] }), 'package-lock.json': '{}', 'p/a/package.json': '{}' },
      'manifest-missing',
    ],
    [
      "a dependency that sets up git hooks, by its publisher's name",
      'npm install',
      { 'package.json': pkg({ devDependencies: { '@evilmartians/lefthook': '1' } }), '.git/HEAD': '' },
      'needs-vcs',
    ],
    ['ci without a lockfile', 'npm ci', { 'package.json': pkg() }, 'manifest-missing'],
    ['frozen pnpm without a lockfile', 'pnpm i --frozen-lockfile', { 'package.json': pkg() }, 'manifest-missing'],
    [
      'a workspace dependency outside of its workspace',
      'pnpm i',
      { 'package.json': pkg({ dependencies: { y: 'workspace:*' } }) },
      'manifest-missing',
    ],
    ['a manifest that is not JSON', 'npm install', { 'package.json': '{' }, 'dynamic-manifest'],
    [
      'a workspace pattern that leaves the project',
      'npm install',
      { 'package.json': pkg({ workspaces: ['../x/*'] }) },
      'dynamic-manifest',
    ],
    [
      'an exec: dependency',
      'yarn',
      { 'package.json': pkg({ dependencies: { y: 'exec:./make.js' } }) },
      'dynamic-manifest',
    ],
    [
      'a root postinstall that runs source',
      'npm install',
      { 'package.json': pkg({ scripts: { postinstall: 'node build.js' } }) },
      'lifecycle-script-reads-source',
    ],
    [
      'husky while .git may be there',
      'npm install',
      { 'package.json': pkg({ scripts: { prepare: 'husky' } }), '.git/HEAD': '' },
      'needs-vcs',
    ],
    [
      "a member's postinstall that runs source",
      'npm install',
      { 'package.json': pkg({ workspaces: ['p/*'] }), 'p/a/package.json': pkg({ scripts: { postinstall: 'tsc' } }) },
      'lifecycle-script-reads-source',
    ],
    ['binding.gyp', 'npm install', { 'package.json': pkg(), 'binding.gyp': '{}' }, 'lifecycle-script-reads-source'],
    [
      'a prisma configuration that loads code of the project',
      'npm install',
      {
        'package.json': pkg({ dependencies: { '@prisma/client': '6.0.0' } }),
        'prisma.config.ts': "import './lib.ts';",
      },
      'lifecycle-script-reads-source',
    ],
    [
      'a dependency that sets up git hooks while .git may be there',
      'npm install',
      { 'package.json': pkg({ devDependencies: { 'git-commit-msg-linter': '^5.0.0' } }), '.git/HEAD': '' },
      'needs-vcs',
    ],
    ...['semantic-ui', 'fomantic-ui'].map((name): [string, string, Record<string, string>, string] => [
      `${name} with files of the project`,
      'npm install',
      { 'package.json': pkg({ dependencies: { [name]: '^2.8.0' } }), 'semantic.json': '{}' },
      'lifecycle-script-reads-source',
    ]),
    ['a variable', 'npm install $FLAGS', { 'package.json': pkg() }, 'unresolved-variable'],
    ...['npm i -g', 'pnpm add -g', 'yarn global add', 'bun add -g'].map(
      (text): [string, string, Record<string, string>, string] => [
        `${text} of a pattern`,
        `${text} ./pkg/*.tgz`,
        { 'pkg/a.tgz': '' },
        'unresolved-variable',
      ],
    ),
    [
      'an .npmrc with a shell of the project',
      'npm install',
      { 'package.json': pkg(), '.npmrc': 'script-shell=./tools/sh.sh', 'tools/sh.sh': '' },
      'lifecycle-script-reads-source',
    ],
    [
      'an .npmrc that preloads a file of the project',
      'pnpm install',
      { 'package.json': pkg(), '.npmrc': 'node-options="--require ./pre.js"', 'pre.js': '' },
      'lifecycle-script-reads-source',
    ],
    [
      'the same in pnpm-workspace.yaml',
      'pnpm install',
      { 'package.json': pkg(), 'pnpm-workspace.yaml': 'nodeOptions: --import=./pre.mjs', 'pre.mjs': '' },
      'lifecycle-script-reads-source',
    ],
    [
      'a certificate whose place a variable says',
      'npm install',
      { 'package.json': pkg(), '.npmrc': 'cafile=${CERTS}/ca.pem' },
      'unresolved-variable',
    ],
    [
      'node_modules that pnpm puts elsewhere',
      'pnpm install',
      { 'package.json': pkg(), '.npmrc': 'modules-dir=deps' },
      'dynamic-manifest',
    ],
    [
      "pnpm's hooks in a file of another name that loads others",
      'pnpm install',
      { 'package.json': pkg(), '.npmrc': 'pnpmfile=config/hooks.cjs', 'config/hooks.cjs': "require('./more.cjs')" },
      'dynamic-manifest',
    ],
    [
      "pnpm's hooks with a path that is put together",
      'pnpm install',
      { 'package.json': pkg(), '.pnpmfile.cjs': "require(require('path').resolve('more.cjs'))" },
      'dynamic-manifest',
    ],
    [
      "a plugin that is not Yarn's own",
      'yarn install --immutable',
      {
        'package.json': pkg(),
        '.yarnrc.yml':
          'plugins:\n  - path: .yarn/plugins/@yarnpkg/plugin-after-install.cjs\n    spec: https://example.com/after-install.js\n',
      },
      'dynamic-manifest',
    ],
    [
      'a zero-install of Yarn berry',
      'yarn install --immutable',
      { 'package.json': pkg(), '.yarnrc.yml': '', '.pnp.cjs': '' },
      'output-tracked-in-context',
    ],
    ['pip of the project', 'pip install .', { 'setup.py': '' }, 'local-dependency-builds'],
    ['pip of the project, editable', 'pip install -e .', { 'setup.py': '' }, 'local-dependency-builds'],
    [
      'a requirements file that installs the project',
      'pip install -r r.txt',
      { 'r.txt': 'flask\n-e .\n' },
      'local-dependency-builds',
    ],
    [
      'a requirements file that installs a local package',
      'pip install -r r.txt',
      { 'r.txt': './lib\n', 'lib/setup.py': '' },
      'local-dependency-builds',
    ],
    ...[
      'foo @ ./lib',
      'foo @ lib',
      'foo[x] @ file:///app/lib',
      'git+file:///app/lib',
      'foo @ git+file:///app/lib@v1',
      '-e git+file:///app/lib#egg=foo',
    ].map((line): [string, string, Record<string, string>, string] => [
      `a requirements file that says ${line}`,
      'pip install -r r.txt',
      { 'r.txt': `${line}\n`, 'lib/setup.py': '' },
      'local-dependency-builds',
    ]),
    ...['${ROOT}/w/foo.whl', 'foo @ ${ROOT}/foo.whl', '-f ${ROOT}/w'].map(
      (line): [string, string, Record<string, string>, string] => [
        `a requirements file that says ${line}`,
        'pip install -r r.txt',
        { 'r.txt': `${line}\n`, 'w/foo.whl': '' },
        'dynamic-manifest',
      ],
    ),
    [
      'a version that a plugin of Poetry takes from git',
      'poetry install --no-root',
      { 'pyproject.toml': '[tool.poetry-dynamic-versioning]\nenable = true\n', '.git/HEAD': '' },
      'needs-vcs',
    ],
    ...['git: "file:///app/foo"', ':git => "./foo"', "git: '/app/foo'"].map(
      (option): [string, string, Record<string, string>, string] => [
        `a gem of a repository in the project, ${option}`,
        'bundle install',
        { Gemfile: `gem "foo", ${option}\n`, 'foo/foo.gemspec': '' },
        'dynamic-manifest',
      ],
    ),
    ['a requirements file that is absent', 'pip install -r r.txt', {}, 'manifest-missing'],
    ['an include that is absent', 'pip install -r r.txt', { 'r.txt': '-r base.txt\n' }, 'manifest-missing'],
    [
      'dynamic dependencies',
      'uv pip install -r pyproject.toml',
      { 'pyproject.toml': '[project]\ndynamic = ["dependencies"]\n' },
      'dynamic-manifest',
    ],
    [
      'crates vendored by a configuration of the older name',
      'cargo fetch --locked',
      {
        ...crate(),
        '.cargo/config': '[source.crates-io]\nreplace-with = "v"\n[source.v]\ndirectory = "vendor"\n',
      },
      'already-cached',
    ],
    [
      'crates vendored by a configuration above',
      'cargo install --path be',
      {
        ...Object.fromEntries(Object.entries(crate()).map(([path, text]) => [`be/${path}`, text])),
        '.cargo/config.toml': '[source.crates-io]\nreplace-with = "v"\n[source.v]\nlocal-registry = "vendor"\n',
      },
      'already-cached',
    ],
    [
      'a program of the project around rustc',
      'cargo build',
      { ...crate(), '.cargo/config.toml': '[build]\nrustc-wrapper = "scripts/w.sh"\n', 'scripts/w.sh': '' },
      'dynamic-manifest',
    ],
    [
      'a mirror that is reached over SSH',
      'cargo build',
      {
        ...crate(),
        '.cargo/config.toml':
          '[source.crates-io]\nreplace-with = "m"\n[source.m]\nregistry = "ssh://git@example.com/index"\n',
      },
      'private-modules',
    ],
    [
      'cargo settings on the command line',
      `cargo build --config 'source.crates-io.replace-with="v"'`,
      crate(),
      'dynamic-manifest',
    ],
    [
      'a Cargo.lock of another version',
      'cargo fetch',
      { ...crate(), 'Cargo.toml': '[package]\nname = "a"\nversion = "0.2.0"\n' },
      'lockfile-outdated',
    ],
    [
      'a property read from a file with a computed name',
      'dotnet restore',
      { ...version('$([System.IO.File]::ReadAllText($(VersionFile)))'), VERSION: '1' },
      'dynamic-manifest',
    ],
    [
      'a property read from a file that is not there',
      'dotnet publish',
      version("$([System.IO.File]::ReadAllText('VERSION'))"),
      'dynamic-manifest',
    ],
    [
      'a property made of the files in a directory',
      'dotnet restore',
      version("$([System.IO.Directory]::GetFiles('libs'))"),
      'dynamic-manifest',
    ],
    [
      'packages for a directory that is there',
      'dotnet restore',
      { ...csproj(`<ItemGroup Condition="Exists('libs')"><PackageReference Include="A"/></ItemGroup>`), 'libs/x': '' },
      'dynamic-manifest',
    ],
    [
      'packages for a file with a computed name',
      'dotnet restore',
      csproj(`<ItemGroup Condition="Exists('$(Root)x')"><PackageReference Include="A"/></ItemGroup>`),
      'dynamic-manifest',
    ],
    [
      'a target that runs before a restore',
      'dotnet restore',
      csproj('<Target Name="Prepare" BeforeTargets="Restore"><Exec Command="./x.sh"/></Target>'),
      'dynamic-manifest',
    ],
    [
      'settings of Maven with a repository on the disk',
      'mvn package',
      { ...pom(), '.mvn/maven.config': '-s\nci/settings.xml\n', 'ci/settings.xml': '<url>file:///app/repo</url>' },
      'dynamic-manifest',
    ],
    [
      'plugins of Maven out of a repository on the disk',
      'mvn package',
      pom(
        '<pluginRepositories><pluginRepository><url>file://${project.basedir}/repo</url></pluginRepository></pluginRepositories>',
      ),
      'dynamic-manifest',
    ],
    [
      'settings of Maven with a computed name',
      'mvn package',
      { ...pom(), '.mvn/maven.config': '-s ${session.rootDirectory}/s.xml\n' },
      'dynamic-manifest',
    ],
    [
      'another POM by configuration',
      'mvn package',
      { ...pom(), '.mvn/maven.config': '--file=other.xml' },
      'dynamic-manifest',
    ],
    [
      'a Maven that is offline by configuration',
      'mvn package',
      { ...pom(), '.mvn/maven.config': '-o' },
      'already-cached',
    ],
    [
      'an included build in Groovy',
      'gradle dependencies',
      { 'settings.gradle': "pluginManagement {\n  includeBuild 'build-logic'\n}\n", 'build.gradle': '' },
      'dynamic-manifest',
    ],
    [
      'computed names of subprojects',
      'gradle dependencies',
      { 'settings.gradle': "['a', 'b'].each { include it }\n", 'build.gradle': '' },
      'dynamic-manifest',
    ],
    [
      'jars of a directory as a repository',
      'gradle dependencies',
      { 'build.gradle': "repositories { flatDir { dirs 'libs' } }" },
      'dynamic-manifest',
    ],
    [
      'a script of Gradle by option',
      'gradle -I ci/init.gradle dependencies',
      { 'build.gradle': '' },
      'dynamic-manifest',
    ],
    ['an option that older restores do not have', 'dotnet publish --os linux', csproj(''), 'unsplittable-run'],
    [
      'a project below a comment that ends with a backslash',
      'pip install -r r.txt',
      { 'r.txt': 'foo\n# ours: \\\n-e .\n', 'setup.py': '' },
      'local-dependency-builds',
    ],
    [
      'a package in a hidden directory',
      'pip install -r r.txt',
      { 'r.txt': '.lib\n', '.lib/setup.py': '' },
      'local-dependency-builds',
    ],
    [
      'a package in a directory of any name',
      'pip install -r r.txt',
      { 'r.txt': 'libs/c++/a,b[x]\n', 'libs/c++/a,b/setup.py': '' },
      'local-dependency-builds',
    ],
    [
      'a script that PDM runs with the install',
      'pdm sync --no-self',
      { 'pyproject.toml': '[tool.pdm.scripts]\npost_install = "python assets.py"\n' },
      'lifecycle-script-reads-source',
    ],
    [
      'an autoloader that lists classes, by letters set together',
      'composer install -no',
      { 'composer.json': '{}' },
      'lifecycle-script-reads-source',
    ],
    [
      'a script that hears of a command',
      'composer install',
      { 'composer.json': json({ scripts: { 'pre-command-run': 'php a.php' } }) },
      'lifecycle-script-reads-source',
    ],
    [
      'a tool of the project',
      'uv tool install --from tools/a a',
      { 'tools/a/pyproject.toml': '' },
      'local-dependency-builds',
    ],
    [
      'a plugin of Poetry that lies in the project',
      'poetry install --no-root',
      { 'pyproject.toml': '[tool.poetry.requires-plugins]\nmine = { path = "plugin" }\n' },
      'local-dependency-builds',
    ],
    [
      "the project's own scripts by Deno",
      'deno install --allow-scripts',
      { 'package.json': json({ scripts: { postinstall: 'node x.js' } }) },
      'lifecycle-script-reads-source',
    ],
    ...['{:b, path: "libs/#{x}"}', '{:b, [{:path, "libs/b"}]}', '{:b, path: System.get_env("B")}'].map(
      (entry): [string, string, Record<string, string>, string] => [
        `a path of Mix that is not a plain one: ${entry}`,
        'mix deps.get',
        { 'mix.exs': `def project, do: [deps: [${entry}]]\n` },
        'dynamic-manifest',
      ],
    ),
    [
      'a task of Mix by another name, in tuples',
      'mix deps.get',
      { 'mix.exs': 'def project, do: [aliases: [{:"deps.get", ["deps.get", "cmd npm i"]}]]\n' },
      'lifecycle-script-reads-source',
    ],
    [
      'a member of a workspace of Dart alone',
      'dart pub get',
      { 'pubspec.yaml': 'name: a\nresolution: workspace\n' },
      'dynamic-manifest',
    ],
    [
      'a hook of rebar3',
      'rebar3 get-deps',
      { 'rebar.config': '{pre_hooks, [{\'get-deps\', "sh gen.sh"}]}.\n' },
      'lifecycle-script-reads-source',
    ],
    [
      'a path of rebar3',
      'rebar3 get-deps',
      { 'rebar.config': '{deps, [{a, {path, "libs/a"}}]}.\n' },
      'local-dependency-builds',
    ],
    ['a Cargo.lock that lacks a crate', 'cargo fetch', crate('[dependencies]\nitoa = "1"\n'), 'lockfile-outdated'],
    ['a tree that Maven writes to a file', 'mvn dependency:tree -DoutputFile=deps.txt', pom(), 'mutating-install'],
    [
      'a class path that Maven writes to a file',
      'mvn dependency:build-classpath -Dmdep.outputFile=cp.txt',
      pom(),
      'mutating-install',
    ],
    [
      'packages that Maven puts beside the source',
      'mvn dependency:copy-dependencies -DoutputDirectory=.',
      pom(),
      'mutating-install',
    ],
    ['a repository that Maven empties', 'mvn dependency:purge-local-repository', pom(), 'mutating-install'],
    [
      'a task of Gradle that copies: downloadDependencies',
      'gradle downloadDependencies',
      { 'build.gradle.kts': 'task downloadDependencies(type: Copy) { into "libs" }\n' },
      'dynamic-manifest',
    ],
    [
      'a task of Gradle that copies: getDeps',
      'gradle getDeps',
      { 'build.gradle.kts': 'tasks.register<Sync>("getDeps") { into("libs") }\n' },
      'dynamic-manifest',
    ],
    [
      'a store of NuGet that a project names',
      'dotnet restore',
      csproj('<PropertyGroup><RestorePackagesPath>packages</RestorePackagesPath></PropertyGroup>'),
      'dynamic-manifest',
    ],
    [
      'packages of stack in the project',
      'stack build --only-dependencies',
      { 'stack.yaml': 'extra-deps:\n- vendor/x\n', 'a.cabal': '' },
      'local-dependency-builds',
    ],
    [
      'archives of stack in the project',
      'stack build --only-dependencies',
      { 'stack.yaml': 'extra-deps:\n- archive: vendor/x.tar.gz\n', 'a.cabal': '' },
      'local-dependency-builds',
    ],
    [
      'a repository of Cabal on the disk',
      'cabal build --only-dependencies',
      { 'cabal.project': 'packages: .\nrepository own\n  url: file+noindex:///app/own\n', 'a.cabal': '' },
      'dynamic-manifest',
    ],
    [
      'a Swift package in the project, by its URL',
      'swift package resolve',
      { 'Package.swift': '.package(url: "../b", branch: "main")' },
      'local-dependency-builds',
    ],
    [
      'a repository of Leiningen on the disk',
      'lein deps',
      { 'project.clj': '(defproject a "1" :repositories [["own" "file:repo"]])' },
      'dynamic-manifest',
    ],
    [
      'a plugin of Leiningen that reads deps.edn',
      'lein deps',
      { 'project.clj': '(defproject a "1" :plugins [[lein-tools-deps "0.4"]])' },
      'dynamic-manifest',
    ],
    [
      'packages that Clojure puts into the project',
      'clojure -P',
      { 'deps.edn': '{:mvn/local-repo ".m2"}' },
      'dynamic-manifest',
    ],
    [
      'a repository of sbt on the disk',
      'sbt update',
      { 'build.sbt': 'resolvers += "own" at "file:repo"' },
      'dynamic-manifest',
    ],
    [
      'a file that sbt reads',
      'sbt update',
      { 'build.sbt': 'version := io.Source.fromFile("VERSION").mkString' },
      'dynamic-manifest',
    ],
  ])('%s', (_reason, text, files, expected) => {
    expect(code(analysed(text, files))).toBe(expected);
  });
  it.each<[reason: string, environment: Record<string, string>, expected: string]>([
    ['requirements of Go in another file, by GOFLAGS', { GOFLAGS: '-modfile=other.mod' }, 'dynamic-manifest'],
    ['a workspace of Go that is named and not there', { GOWORK: '/app/x.work' }, 'manifest-missing'],
  ])('%s', (_reason, environment, expected) => {
    expect(code(analysed('go mod download', { 'go.mod': 'module a\n' }, environment))).toBe(expected);
  });
  it('an environment variable that has pip build the project', () => {
    const files = { 'r.txt': '', 'setup.py': '' };
    expect(code(analysed('pip install -r r.txt', files, { PIP_EDITABLE: '.' }))).toBe('local-dependency-builds');
  });
  it('an environment variable that moves what pip writes', () => {
    expect(code(analysed('pip install -r r.txt', { 'r.txt': '' }, { PIP_TARGET: 'lib' }))).toBe('dynamic-manifest');
  });
  it.each([
    'COMPOSER=$WHICH.json composer install',
    'COMPOSER_VENDOR_DIR=$WHERE/php composer install',
    'PIP_TARGET=$WHERE/x pip install -r r.txt',
    'PIP_CONSTRAINT=$WHICH.txt pip install foo',
    'UV_FIND_LINKS=$WHERE uv sync',
    'UV_PROJECT_ENVIRONMENT=$WHERE/venv uv sync',
    'VIRTUAL_ENV=$WHERE poetry install --no-root',
    'VIRTUAL_ENV=$WHERE pdm sync --no-self',
    'PIPENV_PIPFILE=$WHERE/Pipfile pipenv sync',
    'BUNDLE_GEMFILE=$WHICH bundle install',
  ])('a variable that is not constant, for one command: %s', (text) => {
    expect(code(analysed(text, { 'r.txt': '', 'composer.json': '{}' }))).toBe('unresolved-variable');
  });
  it('not a variable that mostly holds a URL', () => {
    const text = 'PIP_EXTRA_INDEX_URL=https://$TOKEN@x/simple pip install -r r.txt';
    expect(code(analysed(text, { 'r.txt': '' }))).toBeUndefined();
  });
  it('overrides of Dart that only some have', () => {
    const files = { 'pubspec.yaml': 'name: a\n' };
    const install = known('dart pub get') as Install;
    const troubleWith = (maybe: readonly string[]): string | undefined =>
      code(knowledge.analyse(install, imageOf(files, maybe)));
    expect(troubleWith(['/app/pubspec_overrides.yaml'])).toBe('manifest-generated');
    expect(troubleWith(['/app/pubspec.lock'])).toBeUndefined();
  });
  it('a file that an environment variable adds, and that is absent', () => {
    expect(code(analysed('pip install -r r.txt', { 'r.txt': '' }, { PIP_CONSTRAINT: 'c.txt' }))).toBe(
      'manifest-missing',
    );
  });
});

describe('what is read', () => {
  it.each<[reason: string, text: string, files: Record<string, string>, expected: string[]]>([
    [
      'npm: both lockfiles, .npmrc and binding.gyp, present or not',
      'npm ci',
      { 'package.json': '{}', 'package-lock.json': '{}' },
      ['package.json', 'package-lock.json', 'npm-shrinkwrap.json', '.npmrc', 'binding.gyp'],
    ],
    ['npm without its own lockfile: yarn.lock too', 'npm i', { 'package.json': '{}' }, ['yarn.lock']],
    [
      "a member's client of Prisma: the schema of the root",
      'npm i',
      {
        'package.json': json({ workspaces: ['p/*'] }),
        'p/a/package.json': json({ dependencies: { '@prisma/client': '5.0.0' } }),
        'prisma/schema.prisma': 'generator x {\n  provider = "prisma-client-js"\n}\n',
      },
      ['prisma/schema.prisma'],
    ],
    [
      'bun: where its settings take variables from',
      'bun i',
      {
        'package.json': '{}',
        'bunfig.toml': '[install]\nregistry = { url = "https://example.com", token = "$TOKEN" }\n',
        '.env': 'TOKEN=x',
      },
      ['.env'],
    ],
    [
      'pnpm: all packages below, without a workspace',
      'pnpm -r install',
      { 'package.json': '{}', 'p/a/package.json': '{}', 'p/a/pnpm-lock.yaml': '' },
      ['p/a/package.json', 'p/a/pnpm-lock.yaml'],
    ],
    [
      'pnpm: what corepack reads',
      'pnpm i',
      { 'package.json': '{}', '.corepack.env': 'COREPACK_NPM_REGISTRY=https://example.com' },
      ['.corepack.env'],
    ],
    [
      'pnpm fetch: archives of the project',
      'pnpm fetch',
      {
        'package.json': '{}',
        'pnpm-lock.yaml':
          'packages:\n  x@file:vendor/x.tgz:\n    resolution: {integrity: sha512-aa, tarball: file:vendor/x.tgz}\n',
      },
      ['vendor/x.tgz'],
    ],
    [
      'classic: a member that berry would leave out',
      'yarn',
      { 'package.json': json({ workspaces: ['p/*', '!p/b'] }), 'yarn.lock': '', 'p/b/package.json': '{}' },
      ['p/b/package.json'],
    ],
    [
      'classic: a registry of the member in which it runs',
      'yarn --cwd p/a',
      {
        'package.json': json({ workspaces: ['p/*'] }),
        'p/a/package.json': '{}',
        'p/a/.yarnrc': 'registry "https://example.com"',
        'p/a/.npmrc': '',
      },
      ['p/a/.yarnrc', 'p/a/.npmrc'],
    ],
    ...['yarn', 'yarn install --immutable'].map((text): [string, string, Record<string, string>, string[]] => [
      `${text}: what corepack reads`,
      text,
      { 'package.json': '{}', '.corepack.env': 'COREPACK_NPM_REGISTRY=https://example.com' },
      ['.corepack.env'],
    ]),
    [
      'npm: the lockfile of a directory that is named, whatever workspace has it',
      'npm ci --prefix p/a',
      {
        'package.json': json({ workspaces: ['p/*'] }),
        'p/a/package.json': '{}',
        'p/a/package-lock.json': '{}',
      },
      ['p/a/package.json', 'p/a/package-lock.json'],
    ],
    [
      'npm 12: patches and hooks',
      'npm ci',
      {
        'package.json': json({ patchedDependencies: { 'x@1.0.0': 'patches/x.patch' } }),
        'package-lock.json': '{}',
        '.npm-extension.mjs': '',
      },
      ['patches/x.patch', '.npm-extension.mjs'],
    ],
    ['an archive by a name', 'npm i foo@file:./foo.tgz', { 'package.json': '{}' }, ['foo.tgz']],
    [
      'an archive without file: in front',
      'bun i',
      { 'package.json': json({ dependencies: { x: 'vendor/x-1.0.0.tgz' } }) },
      ['vendor/x-1.0.0.tgz'],
    ],
    [
      'members and their bins',
      'npm i',
      {
        'package.json': json({ workspaces: ['p/*', '!p/b'] }),
        'p/a/package.json': json({ bin: './cli.js' }),
        'p/a/cli.js': '',
        'p/b/package.json': '{}',
      },
      ['p/a/package.json', 'p/a/cli.js'],
    ],
    [
      'members by braces, and a directory that comes back',
      'npm i',
      {
        'package.json': json({ workspaces: ['{p,q}/*', '!p/*', 'p/b'] }),
        'p/a/package.json': '{}',
        'p/b/package.json': '{}',
        'q/c/package.json': '{}',
      },
      ['p/b/package.json', 'q/c/package.json'],
    ],
    [
      'members at any depth',
      'yarn',
      { 'package.json': json({ workspaces: { packages: ['libs/**'] } }), 'libs/x/y/package.json': '{}' },
      ['libs/x/y/package.json'],
    ],
    [
      'members deep down',
      'yarn',
      { 'package.json': json({ workspaces: ['libs/**'] }), [`libs/${'x/'.repeat(40)}package.json`]: '{}' },
      [`libs/${'x/'.repeat(40)}package.json`],
    ],
    [
      'pnpm: members from pnpm-workspace.yaml',
      'pnpm i',
      { 'package.json': '{}', 'pnpm-workspace.yaml': 'packages:\n  - apps/*\n', 'apps/a/package.json': '{}' },
      ['pnpm-workspace.yaml', '.pnpmfile.cjs', 'apps/a/package.json', 'apps/a/.npmrc'],
    ],
    [
      'pnpm: patches',
      'pnpm i',
      { 'package.json': json({ pnpm: { patchedDependencies: { 'x@1': 'patches/x.patch' } } }), 'patches/x.patch': '' },
      ['patches/x.patch'],
    ],
    [
      'berry: the release, plugins and patches',
      'yarn install --immutable',
      {
        'package.json': '{}',
        '.yarnrc.yml':
          'nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn.cjs\nplugins:\n  - .yarn/plugins/@yarnpkg/plugin-version.cjs\n',
        'yarn.lock': '__metadata:\n"x@patch:x@npm%3A1#./.yarn/patches/x.patch":\n',
      },
      ['.yarn/releases/yarn.cjs', '.yarn/plugins/@yarnpkg/plugin-version.cjs', '.yarn/patches/x.patch'],
    ],
    [
      'classic: what .yarnrc names',
      'yarn',
      { 'package.json': '{}', '.yarnrc': 'yarn-path ".yarn/yarn.js"\n' },
      ['.yarnrc', '.yarn/yarn.js'],
    ],
    [
      'bun: both lockfiles and bunfig.toml',
      'bun i',
      { 'package.json': '{}', 'bun.lock': '' },
      ['bun.lock', 'bun.lockb', 'bunfig.toml'],
    ],
    [
      'linked dependencies',
      'npm i',
      { 'package.json': json({ dependencies: { l: 'file:lib' } }), 'lib/package.json': '{}' },
      ['lib/package.json'],
    ],
    [
      'packed dependencies in full',
      'yarn',
      { 'package.json': json({ dependencies: { l: 'file:lib' } }), 'lib/package.json': '{}' },
      ['lib'],
    ],
    [
      'what a packed dependency packs in turn',
      'yarn',
      {
        'package.json': json({ dependencies: { l: 'file:lib' } }),
        'lib/package.json': json({ dependencies: { m: 'file:../more' } }),
        'more/package.json': '{}',
      },
      ['lib', 'more'],
    ],
    [
      'overrides that are files, however deep',
      'npm i',
      {
        'package.json': json({ overrides: { a: 'file:a.tgz', b: { '.': '1', c: 'file:c' } } }),
        'c/package.json': '{}',
      },
      ['a.tgz', 'c/package.json'],
    ],
    ['peers that are files', 'npm i', { 'package.json': json({ peerDependencies: { a: 'file:a.tgz' } }) }, ['a.tgz']],
    [
      "pnpm's overrides, in both of their places",
      'pnpm i',
      {
        'package.json': json({ pnpm: { overrides: { a: 'file:a.tgz' } } }),
        'pnpm-workspace.yaml': 'overrides:\n  b: file:b\n',
      },
      ['a.tgz', 'b'],
    ],
    [
      "bun's overrides and catalogs",
      'bun i',
      { 'package.json': json({ overrides: { a: 'file:a' }, workspaces: { catalog: { b: 'file:b.tgz' } } }) },
      ['a', 'b.tgz'],
    ],
    [
      'a catalog of Yarn berry',
      'yarn install --immutable',
      { 'package.json': '{}', '.yarnrc.yml': 'catalog:\n  a: file:a.tgz\ncatalogs:\n  old:\n    b: file:b.tgz\n' },
      ['a.tgz', 'b.tgz'],
    ],
    ...['npm i', 'pnpm i', 'yarn', 'bun i'].map((text): [string, string, Record<string, string>, string[]] => [
      `${text}: what .npmrc names`,
      text,
      { 'package.json': '{}', '.npmrc': 'cafile = "certs/ca.pem" # ours\n//npm.example.com/:keyfile=key.pem\n' },
      ['certs/ca.pem', 'key.pem'],
    ]),
    [
      'a folder that a setting names',
      'pnpm i',
      { 'package.json': '{}', '.npmrc': 'store-dir=./vendor/store', 'vendor/store/v10/x': '' },
      ['vendor/store'],
    ],
    [
      'npm: where it runs, too',
      'npm i --prefix web',
      { 'web/package.json': '{}', 'web/.npmrc': 'cafile=ca.pem' },
      ['ca.pem'],
    ],
    [
      "pnpm's hooks in files of other names",
      'pnpm i',
      {
        'package.json': '{}',
        '.npmrc': 'global-pnpmfile=all.cjs',
        'pnpm-workspace.yaml': 'pnpmfile:\n  - config/a.cjs\n  - config/b.cjs\n',
      },
      ['all.cjs', 'config/a.cjs', 'config/b.cjs'],
    ],
    [
      'classic: a certificate',
      'yarn',
      { 'package.json': '{}', '.yarnrc': 'cafile "./my certs/ca.pem"\n' },
      ['my certs/ca.pem'],
    ],
    [
      'bun: a certificate',
      'bun i',
      { 'package.json': '{}', 'bunfig.toml': '[install]\ncafile = "ca.pem"' },
      ['ca.pem'],
    ],
    [
      'berry: certificates, environment files and a cache of its own',
      'yarn install --immutable',
      {
        'package.json': '{}',
        '.yarnrc.yml':
          'httpsCaFilePath: ./ca.pem\nnetworkSettings:\n  "*.example.com":\n    httpsKeyFilePath: key.pem\ninjectEnvironmentFiles:\n  - .env.build\n  - .env.local?\ncacheFolder: ./vendor/cache\n',
        'vendor/cache/a.zip': '',
      },
      ['ca.pem', 'key.pem', '.env.build', '.env.local', 'vendor/cache'],
    ],
    [
      'patch-package',
      'npm i',
      { 'package.json': json({ scripts: { postinstall: 'patch-package' } }), 'patches/x.patch': '' },
      ['patches'],
    ],
    [
      'prisma generate',
      'npm i',
      { 'package.json': json({ scripts: { postinstall: 'prisma generate' } }), 'prisma/schema.prisma': 'model A {}' },
      ['prisma/schema.prisma'],
    ],
    [
      'a script that calls another',
      'npm i',
      {
        'package.json': json({ scripts: { postinstall: 'npm run gen', gen: 'prisma generate' } }),
        'prisma/schema.prisma': '',
      },
      ['prisma/schema.prisma'],
    ],
    [
      '-r and -c, relative to the file that names them',
      'pip install -r a/r.txt -c c.txt',
      { 'a/r.txt': '-r b.txt # x\nflask \\\n  ==1\n', 'a/b.txt': '', 'c.txt': '' },
      ['a/r.txt', 'a/b.txt', 'c.txt'],
    ],
    [
      'wheels relative to the current directory',
      'pip install -r a/r.txt',
      { 'a/r.txt': './w/x.whl\n', 'w/x.whl': '' },
      ['w/x.whl'],
    ],
    ...['foo-1.tar.bz2', 'httpx-1.whl', 'foo @ file:///app/foo-1.txz', './foo-1.tar.gz[x] ; python_version > "3"'].map(
      (line): [string, string, Record<string, string>, string[]] => [
        `an archive: ${line}`,
        'pip install -r r.txt',
        { 'r.txt': `${line}\n`, 'foo-1.tar.bz2': '', 'httpx-1.whl': '', 'foo-1.txz': '', 'foo-1.tar.gz': '' },
        [/[\w-]+-1[.a-z\d]+/.exec(line)?.[0] as string],
      ],
    ),
    ...[
      '-f ./w',
      '-fw',
      '--find-links=w',
      '--no-index --find-links w',
      '-i file:///app/w',
      '--extra-index-url=file:///app/w',
    ].map((line): [string, string, Record<string, string>, string[]] => [
      `packages that lie in a directory, by a requirements file: ${line}`,
      'pip install -r r.txt',
      { 'r.txt': `${line}\nfoo\n`, 'w/foo.whl': '' },
      ['r.txt', 'w'],
    ]),
    ...[
      'pip install --no-index --find-links=w foo',
      'pip install --no-index --find-links w foo',
      'pip install -f w foo',
      'pip install --extra-index-url file:///app/w foo',
      'uv pip install --system --index l=./w foo',
      'uv sync --frozen --find-links w',
    ].map((text): [string, string, Record<string, string>, string[]] => [
      `packages that lie in a directory: ${text}`,
      text,
      { 'pyproject.toml': '[project]\nname = "a"\n', 'w/foo.whl': '' },
      ['w'],
    ]),
    ...[
      'find-links = ["./w"]\n',
      'extra-index-url = ["file:///app/w"]\n',
      '[[index]]\nname = "l"\nurl = "w"\nformat = "flat"\n',
      '[pip]\nfind-links = ["w"]\n',
    ].flatMap((settings): [string, string, Record<string, string>, string[]][] => {
      const toml = settings.replace('[[index', '[[tool.uv.index').replace('[pip', '[tool.uv.pip');
      const tables = toml.startsWith('[') ? toml : `[tool.uv]\n${toml}`;
      const project = '[project]\nname = "a"\ndependencies = ["foo"]\n';
      return ['uv sync --frozen', 'uv pip install --system foo', 'uv pip install -r pyproject.toml'].flatMap((text) => [
        [`${text}: ${tables}`, text, { 'pyproject.toml': project + tables, 'w/foo.whl': '' }, ['pyproject.toml', 'w']],
        [`${text}, uv.toml: ${settings}`, text, { 'pyproject.toml': project, 'uv.toml': settings }, ['uv.toml', 'w']],
      ]);
    }),
    [
      'Composer: patches with more to say of each',
      'composer install',
      { 'composer.json': json({ extra: { patches: { 'a/b': [{ description: 'x', url: 'p/a.patch' }] } } }) },
      ['p/a.patch'],
    ],
    ...['patches.json', 'patches.lock.json'].map((name): [string, string, Record<string, string>, string[]] => [
      `Composer: patches of ${name}`,
      'composer install',
      {
        'composer.json': json({ require: { 'cweagans/composer-patches': '^2' } }),
        [name]: json({ patches: { 'a/b': [{ url: 'p/a.patch' }, { url: 'https://x/b.patch' }] } }),
      },
      [name, 'p/a.patch'],
    ]),
    [
      'Composer: an archive of the lockfile',
      'composer install',
      {
        'composer.json': '{}',
        'composer.lock': json({ packages: [{ name: 'a/b', dist: { type: 'zip', url: 'libs/b.zip' } }] }),
      },
      ['libs/b.zip'],
    ],
    ...['uv python install', 'uv venv'].map((text): [string, string, Record<string, string>, string[]] => [
      `the version of Python by ${text}`,
      text,
      { '.python-versions': '3.12\n' },
      ['.python-version', '.python-versions'],
    ]),
    [
      'uv: lists of what a tool is installed with',
      'uv tool install ruff@latest --with-requirements r.txt -w foo,./b.whl',
      { 'r.txt': '-c c.txt\n', 'c.txt': '' },
      ['r.txt', 'c.txt', 'b.whl'],
    ],
    [
      'Deno: links, and a lockfile elsewhere',
      'deno install --frozen',
      { 'deno.json': json({ lock: 'locks/deno.lock', links: ['./libs/y'] }), 'libs/y/deno.json': '{}' },
      ['locks/deno.lock', 'libs/y'],
    ],
    [
      'Dart: what members of a workspace want for development',
      'dart pub get',
      {
        'pubspec.yaml': 'name: a\nworkspace:\n  - p/b\n',
        'p/b/pubspec.yaml': 'name: b\nresolution: workspace\ndev_dependencies:\n  c:\n    path: ../c\n',
        'p/c/pubspec.yaml': 'name: c\n',
      },
      ['p/b/pubspec.yaml', 'p/c/pubspec.yaml', 'p/b/pubspec_overrides.yaml'],
    ],
    [
      'PDM: a source that is a directory',
      'pdm sync --no-self',
      { 'pyproject.toml': '[[tool.pdm.source]]\nurl = "file:///${PROJECT_ROOT}/w"\ntype = "find_links"\n' },
      ['pyproject.toml', 'w'],
    ],
    [
      'Pipenv: a source that is a directory',
      'pipenv install',
      { Pipfile: '[[source]]\nname = "l"\nurl = "file:///app/w"\n' },
      ['Pipfile', 'w'],
    ],
    ...['source "file:///app/gems"', 'source("file:/app/gems")', 'gem "foo", source: "file:///app/gems"'].map(
      (line): [string, string, Record<string, string>, string[]] => [
        `Bundler: ${line}`,
        'bundle install',
        { Gemfile: `${line}\ngem "bar", git: "https://x/bar"\n`, 'gems/specs.4.8': '' },
        ['Gemfile', 'gems'],
      ],
    ),
    [
      'whichever file of a folder is meant',
      'pip install -r requirements/$E.txt',
      { 'requirements/a.txt': '', 'requirements/b.txt': '' },
      ['requirements', 'requirements/a.txt', 'requirements/b.txt'],
    ],
    [
      'lockfiles of Gradle',
      'gradle resolveDependencies',
      { 'build.gradle': '', 'gradle.lockfile': '', 'buildscript-gradle.lockfile': '' },
      ['gradle.lockfile', 'buildscript-gradle.lockfile'],
    ],
    [
      'what a project of another kind imports',
      'dotnet restore a.sln',
      {
        'a.sln': 'Project("{1}") = "d", "d\\d.sqlproj", "{2}"\n',
        'd/d.sqlproj': '<Project><Import Project="../x.props" /></Project>',
        'x.props': '<Project />',
      },
      ['d/d.sqlproj', 'x.props'],
    ],
    [
      'a snapshot of stack',
      'stack build --only-dependencies',
      { 'stack.yaml': 'snapshot: ./snap.yaml\n', 'snap.yaml': '', 'a.cabal': '' },
      ['snap.yaml'],
    ],
    [
      'packages of Cabal behind an empty line',
      'cabal build --only-dependencies',
      { 'cabal.project': 'Packages: b\n\n  c\n', 'b/b.cabal': '', 'c/c.cabal': '' },
      ['b/b.cabal', 'c/c.cabal'],
    ],
    [
      'mirrors of Swift',
      'swift package resolve',
      { 'Package.swift': '', '.swiftpm/configuration/mirrors.json': '{}' },
      ['.swiftpm/configuration'],
    ],
    [
      'channels of conda',
      'conda env create',
      { 'environment.yml': 'channels: [file:///app/a, ./b, defaults]\n', 'a/x': '', 'b/x': '' },
      ['a', 'b'],
    ],
    [
      'an explicit list of conda',
      'conda create -n x --file list.txt',
      { 'list.txt': '@EXPLICIT\n./a/x.conda\nfile:///app/b/y.conda#123\nhttps://x/z.conda\n' },
      ['a/x.conda', 'b/y.conda'],
    ],
    [
      'build constraints, and what they name',
      'uv pip install --build-constraints c/b.txt -r r.txt',
      { 'r.txt': '', 'c/b.txt': '-r d.txt\n', 'c/d.txt': '' },
      ['c/b.txt', 'c/d.txt'],
    ],
    [
      'Composer: a repository of type vcs',
      'composer install',
      { 'composer.json': json({ repositories: [{ type: 'vcs', url: './p' }] }), 'p/composer.json': '{}' },
      ['p'],
    ],
    [
      'Composer: a repository of type composer',
      'composer install',
      {
        'composer.json': json({ repositories: [{ type: 'composer', url: 'file:///app/p' }] }),
        'p/composer.json': '{}',
      },
      ['p'],
    ],
    [
      'Composer: a repository of type composer',
      'composer install',
      { 'composer.json': json({ repositories: [{ type: 'composer', url: 'p' }] }), 'p/composer.json': '{}' },
      ['p'],
    ],
    [
      'Composer: an archive by its URL',
      'composer install',
      {
        'composer.json': '{}',
        'composer.lock': json({ packages: [{ dist: { type: 'zip', url: 'file:///app/z/b.zip' } }] }),
        'z/b.zip': '',
      },
      ['z/b.zip'],
    ],
    [
      'Composer: an archive of a package',
      'composer install',
      {
        'composer.json': json({
          repositories: [{ type: 'package', package: { dist: { type: 'zip', url: 'z/b.zip' } } }],
        }),
        'z/b.zip': '',
      },
      ['z/b.zip'],
    ],
  ])('%s', (_reason, text, files, expected) => {
    const analysis = analysed(text, files);
    expect(code(analysis)).toBeUndefined();
    expect(reads(analysis)).toEqual(expect.arrayContaining(expected));
  });
  it.each<[reason: string, text: string, environment: Record<string, string>, expected: string[]]>([
    [
      'pip: what PIP_BUILD_CONSTRAINT names',
      'pip install -r r.txt',
      { PIP_BUILD_CONSTRAINT: 'c.txt' },
      ['c.txt', 'd.txt'],
    ],
    [
      'uv pip: what UV_BUILD_CONSTRAINT names',
      'uv pip install -r r.txt',
      { UV_BUILD_CONSTRAINT: 'c.txt' },
      ['c.txt', 'd.txt'],
    ],
    ['pip: wheels', 'pip install foo', { PIP_FIND_LINKS: '/app/w https://x/y' }, ['w']],
    ['npm: directories in full', 'npm i', { NPM_CONFIG_INSTALL_LINKS: 'true' }, ['lib']],
    ['pip: an index', 'pip install -r r.txt', { PIP_EXTRA_INDEX_URL: 'file:///app/w' }, ['w', 'r.txt']],
    ['pip: constraints that name others', 'pip install foo', { PIP_CONSTRAINT: 'c.txt' }, ['c.txt', 'd.txt']],
    ['uv: wheels', 'uv pip install --system foo', { UV_FIND_LINKS: 'v,w' }, ['v', 'w']],
    ['uv: the project', 'uv sync --frozen', { UV_PROJECT: 'api' }, ['api/pyproject.toml', 'api/uv.lock']],
    ['uv: the directory', 'uv sync --frozen', { UV_WORKING_DIR: '/app/api' }, ['api/pyproject.toml', 'api/uv.lock']],
    ['uv: settings', 'uv sync --frozen', { UV_CONFIG_FILE: 'ci/uv.toml' }, ['ci/uv.toml', 'ci/w']],
    ['uv: an index', 'uv sync --frozen', { UV_INDEX: 'l=./w' }, ['w']],
  ])('by a variable, %s', (_reason, text, environment, expected) => {
    const files = {
      'r.txt': '',
      'c.txt': '-c d.txt\n',
      'd.txt': '',
      'pyproject.toml': '[project]\nname = "a"\n',
      'api/pyproject.toml': '[project]\nname = "b"\n',
      'ci/uv.toml': 'find-links = ["w"]\n',
      'package.json': json({ dependencies: { l: 'file:lib' } }),
      'lib/package.json': '{}',
    };
    expect(reads(analysed(text, files, environment))).toEqual(expect.arrayContaining(expected));
  });
  it.each([
    'pip install foo',
    'pip install --index-url https://x/simple --extra-index-url $INDEX foo',
    'pip install git+https://x/y https://x/foo.whl',
    'pip install "foo @ git+ssh://git@x/y@v1"',
  ])('nothing by %s', (text) => {
    expect(reads(analysed(text, { 'pyproject.toml': '' }))).toEqual([]);
  });
  it.each([
    '-i https://${TOKEN}@x/simple',
    '--extra-index-url ${INDEX}',
    'https://x/foo-1.whl',
    'foo @ https://${TOKEN}@x/foo-1.tar.bz2',
    'git+ssh://git@x/y@v1',
    'foo[x]>=1 ; python_version < "3.9"',
    'foo --hash=sha256:0',
  ])('nothing but the file by a requirement %s', (line) => {
    expect(reads(analysed('pip install -r r.txt', { 'r.txt': `${line}\n` }))).toEqual(['r.txt']);
  });
});

describe('what is read ahead of a build, or by a tool', () => {
  const read = (text: string, files: Record<string, string>): string[] => {
    const analysis = analysed(text, files);
    expect(analysis.refusal).toBeUndefined();
    return (analysis.steps[0]?.reads ?? []).map(({ path }) => path.slice('/app/'.length));
  };
  it.each<[reason: string, text: string, files: Record<string, string>, expected: string[]]>([
    [
      'certificates, a patch, an override and what is included',
      'cargo build',
      {
        ...crate(),
        '.cargo/config.toml': [
          'paths = ["own/y"]',
          'include = ["more.toml", { path = "none.toml", optional = true }]',
          '[http]',
          'cainfo = "certs/ca.pem"',
          '[patch.crates-io]',
          'x = { path = "own/x" }',
        ].join('\n'),
        '.cargo/more.toml': '[http]\nproxy-cainfo = "certs/proxy.pem"\n',
        'certs/ca.pem': '',
        'certs/proxy.pem': '',
        'own/x/Cargo.toml': '[package]\nname = "x"\n',
        'own/x/src/lib.rs': '',
        'own/y/Cargo.toml': '[package]\nname = "y"\n',
      },
      ['.cargo/more.toml', '.cargo/none.toml', 'certs/ca.pem', 'certs/proxy.pem', 'own/x/Cargo.toml', 'own/y'],
    ],
    [
      'a file that a property function in a directory above reads',
      'dotnet publish sub/a.csproj',
      {
        'sub/a.csproj': '<Project/>',
        'Directory.Build.props':
          '<Project><PropertyGroup><Version>$([System.IO.File]::ReadAllText("$(MSBuildThisFileDirectory)VERSION").Trim())</Version></PropertyGroup></Project>',
        VERSION: '1',
      },
      ['VERSION', 'Directory.Build.props'],
    ],
    [
      'files whose presence a condition asks for, and one that marks a root',
      'dotnet publish',
      {
        ...csproj(
          `<PropertyGroup><Root>$([MSBuild]::GetDirectoryNameOfFileAbove($(MSBuildThisFileDirectory), 'root.txt'))</Root></PropertyGroup><ItemGroup Condition="Exists('libs\\x.dll') Or Exists('y')"><PackageReference Include="A"/></ItemGroup>`,
        ),
        'libs/x.dll': '',
        'root.txt': '',
      },
      ['libs/x.dll', 'y', 'root.txt'],
    ],
    [
      'conditions of what a restore does not look at, and of imports that are not there',
      'dotnet publish',
      csproj(
        `<Import Project="x.props" Condition="Exists('x.props')"/><ItemGroup Condition="Exists('$(Root)x')"><None Include="x"/></ItemGroup><Target Name="Npm" Condition="!Exists('$(Root)node_modules')"/><PropertyGroup><Out>$([System.IO.Path]::Combine('$(A)', 'b'))</Out></PropertyGroup>`,
      ),
      ['a.csproj', 'x.props'],
    ],
    [
      'the toolchain that builds a tool',
      'cargo install cargo-leptos',
      { 'rust-toolchain.toml': '', '.cargo/config.toml': '' },
      ['rust-toolchain.toml'],
    ],
    [
      'what a tool is installed from',
      'dotnet tool install -g x --add-source ./own',
      {
        'nuget.config': '<configuration><packageSources><add key="a" value="feed"/></packageSources></configuration>',
        'feed/x.nupkg': '',
        'own/y.nupkg': '',
      },
      ['nuget.config', 'feed', 'own'],
    ],
    [
      'what the configuration of Maven names',
      'mvn package -Dorg.x.store=ci/own.jks',
      {
        ...pom(),
        '.mvn/maven.config': '-s ci/settings.xml\n-t toolchains.xml\n',
        '.mvn/jvm.config': '-Xmx1g -Djavax.net.ssl.trustStore=ci/ts.jks -javaagent:ci/agent.jar=x\n',
        'ci/settings.xml': '<settings/>',
        'ci/ts.jks': '',
        'ci/own.jks': '',
        'ci/agent.jar': '',
        'toolchains.xml': '',
      },
      ['.mvn', 'ci/settings.xml', 'ci/ts.jks', 'ci/own.jks', 'ci/agent.jar', 'toolchains.xml'],
    ],
    [
      'the configuration of Maven in a directory above',
      'mvn -f a/b/pom.xml package',
      { 'a/b/pom.xml': pom()['pom.xml'] as string, 'a/.mvn/extensions.xml': '<extensions/>' },
      ['a/.mvn', 'a/b/pom.xml'],
    ],
    [
      'a project of Gradle that only has others below it',
      'gradle dependencies',
      { 'settings.gradle': "include ':a:b'", 'a/build.gradle': '', 'a/b/build.gradle.kts': '' },
      ['a/build.gradle', 'a/b/build.gradle.kts'],
    ],
    [
      'the wrapper beside its script, and the proxy that it uses',
      './gradlew -p sub --version',
      { gradlew: '', 'gradle/wrapper/x.jar': '', 'gradle.properties': 'systemProp.https.proxyHost=x\n' },
      ['gradlew', 'gradle/wrapper', 'gradle.properties'],
    ],
    [
      'subprojects of sbt that are named by their directory, and options of the launcher',
      'sbt compile',
      { 'build.sbt': 'lazy val core = project\n', 'core/core.sbt': '', '.jvmopts': '-Xmx2g' },
      ['build.sbt', 'core/core.sbt', '.jvmopts'],
    ],
    [
      'a mirror is no vendored source',
      'cargo build',
      {
        ...crate(),
        '.cargo/config.toml':
          '[source.crates-io]\nreplace-with = "m"\n[source.m]\nregistry = "sparse+https://example.com/"\n',
      },
      ['.cargo/config.toml', 'Cargo.lock'],
    ],
    [
      'the root of another workspace, which a path dependency inherits from',
      'cargo build',
      {
        ...crate('[dependencies]\nc = { path = "libs/c" }\n'),
        'libs/Cargo.toml': '[workspace]\nmembers = ["c"]\n[workspace.package]\nedition = "2021"\n',
        'libs/c/Cargo.toml': '[package]\nname = "c"\nedition.workspace = true\n',
        'libs/c/src/lib.rs': '',
      },
      ['libs/Cargo.toml', 'libs/c/Cargo.toml'],
    ],
  ])('%s', (_reason, text, files, expected) => {
    expect(read(text, files)).toEqual(expect.arrayContaining(expected));
  });
});

describe('what `go mod download` reads', () => {
  const files = {
    'go.mod': 'module a\nreplace(\n\tx => "./own x"\n)\n',
    'own x/go.mod': 'module x\n',
    'go.work': 'use ./none\n',
    'other.work': 'use(\n./b\n)\n',
    'b/go.mod': 'module b\n',
    'proxy/x': '',
  };
  it.each<[reason: string, text: string, environment: Record<string, string>, expected: string[]]>([
    ['a replacement, without the workspace', 'GOWORK=off go mod download', {}, ['go.mod', 'go.sum', 'own x/go.mod']],
    [
      'the workspace that is named',
      'go build',
      { GOWORK: '/app/other.work' },
      ['other.work', 'other.work.sum', 'b/go.mod'],
    ],
    ['a proxy on the disk', 'GOWORK=off go build', { GOPROXY: 'file:///app/proxy,direct' }, ['proxy']],
  ])('%s', (_reason, text, environment, expected) => {
    const [step] = analysed(text, files, environment).steps;
    expect(step?.opaque).toBeUndefined();
    const paths = step?.reads.map(({ path }) => path.slice('/app/'.length));
    expect(paths).toEqual(expect.arrayContaining(expected));
  });
});

describe('members that pnpm copies', () => {
  const member = (name: string, extra: object = {}): string => json({ name, ...extra });
  const workspace = {
    'package.json': '{}',
    'pnpm-workspace.yaml': 'packages: [p/*]\n',
    'p/a/package.json': member('a', { dependencies: { b: 'workspace:*' } }),
    'p/b/package.json': member('b'),
  };
  const injects = { 'pnpm-workspace.yaml': 'packages: [p/*]\ninjectWorkspacePackages: true\n' };
  it.each<[reason: string, files: Record<string, string>, expected: string]>([
    ['not without a setting', {}, 'p/b/package.json'],
    [
      'not where the lockfile links it all the same',
      { ...injects, 'pnpm-lock.yaml': 'settings:\n  injectWorkspacePackages: true\n' },
      'p/b/package.json',
    ],
    ['by pnpm-workspace.yaml', injects, 'p/b'],
    ['by .npmrc', { '.npmrc': 'inject-workspace-packages=true' }, 'p/b'],
    [
      'by dependenciesMeta',
      {
        'p/a/package.json': member('a', {
          dependencies: { b: 'workspace:*' },
          dependenciesMeta: { b: { injected: true } },
        }),
      },
      'p/b',
    ],
    [
      'by the lockfile',
      { 'pnpm-lock.yaml': 'packages:\n\n  b@file:p/b:\n    resolution: {directory: p/b, type: directory}\n' },
      'p/b',
    ],
  ])('%s', (_reason, files, expected) => {
    const found = analysed('pnpm i', { ...workspace, ...files });
    expect(reads(found)).toContain(expected);
    expect(reads(found).includes('p/b')).toBe(expected === 'p/b');
  });
});

describe('scripts that are known not to read the source', () => {
  it.each([
    'husky',
    'husky install',
    'npx husky install',
    'husky || true',
    'is-ci || husky install',
    'only-allow pnpm',
    'npx only-allow pnpm',
    'echo done',
    'exit 0',
    '[ -d .git ] && husky',
    'lefthook install',
    'opencollective-postinstall || true',
  ])('%s', (script) => {
    expect(code(analysed('npm i', { 'package.json': json({ scripts: { prepare: script } }) }))).toBeUndefined();
  });
});

describe('how an install is divided', () => {
  const files = {
    'package.json': json({ scripts: { postinstall: 'node a.js', prepare: 'tsc', build: 'x' } }),
    'package-lock.json': json({ lockfileVersion: 3, packages: { 'node_modules/x': {} } }),
    'pnpm-lock.yaml': 'lockfileVersion: 9',
    'yarn.lock': '',
  };
  it('npm: the root scripts are taken out and run later, then by --ignore-scripts', () => {
    expect(analysed('npm ci', files).splits.map((each) => [each.before, each.after])).toEqual([
      ['npm pkg delete scripts.postinstall scripts.prepare && npm ci', 'npm run postinstall && npm run prepare'],
      ['npm ci --ignore-scripts', 'npm run postinstall && npm run prepare'],
    ]);
  });
  it('npm: not by --ignore-scripts when a dependency has an install script', () => {
    const lock = json({ lockfileVersion: 3, packages: { 'node_modules/x': { hasInstallScript: true } } });
    expect(analysed('npm ci', { ...files, 'package-lock.json': lock }).splits).toHaveLength(1);
  });
  it.each(['npm_config_ignore_scripts', 'NPM_CONFIG_IGNORE_SCRIPTS', 'NPM_CONFIG_ignore_scripts'])(
    'npm: no script runs with %s, now or later',
    (name) => {
      const found = analysed('npm ci', files, { [name]: 'true' });
      expect(code(found)).toBeUndefined();
      expect(found.splits).toEqual([]);
    },
  );
  it.each([
    ['.npmrc', 'ignore-scripts'],
    ['.npmrc', 'ignore-scripts = "true" # no'],
    ['/root/.npmrc', 'ignore-scripts=true'],
    ['/usr/local/etc/npmrc', 'ignore-scripts=true'],
  ])('npm: no script runs where %s says %s', (path, text) => {
    expect(code(analysed('npm ci', { ...files, [path]: text }))).toBeUndefined();
  });
  it.each<[reason: string, text: string, more: Record<string, string>, environment: Record<string, string>]>([
    ['a variable over .npmrc', 'npm ci', { '.npmrc': 'ignore-scripts' }, { NPM_CONFIG_IGNORE_SCRIPTS: 'false' }],
    ['an option over a variable', 'npm ci --ignore-scripts=false', {}, { NPM_CONFIG_IGNORE_SCRIPTS: 'true' }],
    ['the project over the user', 'npm ci', { '.npmrc': 'ignore-scripts=false', '/root/.npmrc': 'ignore-scripts' }, {}],
  ])('npm: scripts run: %s', (_reason, text, more, environment) => {
    const found = analysed(text, { ...files, ...more }, environment);
    expect(code(found)).toBe('lifecycle-script-reads-source');
    expect(found.splits).not.toEqual([]);
  });
  it('npm and pnpm: scripts are not run later where settings that a command wrote may switch them off', () => {
    const image = imageOf(files);
    const written: Files = { ...image, has: (path) => (path === '/root/.npmrc' ? 'yes' : image.has(path)) };
    const later = (text: string): string[] =>
      knowledge.analyse(known(text) as Install, written).splits.map((each) => each.after);
    expect(later('npm ci')).toEqual([]);
    expect(later('pnpm i')).toEqual(['pnpm i']);
  });
  it('npm: the halves do what the whole does', () => {
    const whole = analysed('npm ci', files).steps.map((step) => step.name);
    const deleted = analysed('npm pkg delete scripts.postinstall scripts.prepare', files).steps[0]?.sets?.[
      '/app/package.json'
    ] as string;
    const halves = [
      ...analysed('npm ci', { ...files, 'package.json': deleted }).steps,
      ...analysed('npm run postinstall', files).steps,
      ...analysed('npm run prepare', files).steps,
    ].map((step) => step.name);
    expect(halves).toEqual(whole);
  });
  it('pnpm: fetch, and offline only where it was frozen', () => {
    expect(analysed('pnpm i --frozen-lockfile', files).splits[0]).toMatchObject({
      before: 'pnpm fetch',
      after: 'pnpm i --frozen-lockfile --offline',
    });
    expect(analysed('pnpm i', files).splits[0]?.after).toBe('pnpm i');
  });
  it('pnpm: with a file: dependency, by the versions whose fetch leaves it out', () => {
    const local = {
      ...files,
      'package.json': json({ scripts: { postinstall: 'node a.js' }, dependencies: { l: 'file:lib' } }),
      'lib/package.json': '{}',
    };
    expect(analysed('pnpm i', local).splits).toEqual([]);
    const by = (version: string): string[] =>
      analysed('pnpm i', {
        ...local,
        'package.json': json({ ...(JSON.parse(local['package.json']) as object), packageManager: `pnpm@${version}` }),
      }).splits.map((each) => each.before);
    expect([by('9.1.0'), by('10.1.0'), by('11.1.0'), by('12.1.0')]).toEqual([[], ['pnpm fetch'], ['pnpm fetch'], []]);
  });
  it('pnpm fetch needs package.json only for the version to run', () => {
    const fetched = (manifest: object) =>
      analysed('pnpm fetch', { ...files, 'package.json': json(manifest) }).steps[0]?.reads[0];
    expect(fetched({ packageManager: 'pnpm@9.1.0' })?.as).toBe('pnpm@9.1.0');
    expect(fetched({})?.as).toBe('');
  });
});

describe('Poetry', () => {
  const plugin = '[tool.poetry-dynamic-versioning]\nenable = true\n';
  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['there is no repository', { 'pyproject.toml': plugin }, {}],
    ['it is off', { 'pyproject.toml': plugin.replace('true', 'false'), '.git/HEAD': '' }, {}],
    ['it is told', { 'pyproject.toml': plugin, '.git/HEAD': '' }, { POETRY_DYNAMIC_VERSIONING_BYPASS: '0.0.0' }],
    ['a file says it', { 'pyproject.toml': `${plugin}from-file.source = "VERSION"\n`, '.git/HEAD': '' }, {}],
  ])('asks git for no version where %s', (_reason, files, environment) => {
    const analysis = analysed('poetry install --no-root', files, environment);
    expect(code(analysis)).toBeUndefined();
    expect(reads(analysis).includes('VERSION')).toBe(files['pyproject.toml']?.includes('VERSION'));
  });
  it('asks git where a .git may be further up', () => {
    const install = known('poetry -C server install --no-root') as Install;
    const files = imageOf({ 'server/pyproject.toml': plugin }, ['/app/.git']);
    expect(code(knowledge.analyse(install, files))).toBe('needs-vcs');
  });
  it.each([
    ['1.1.13', 0],
    ['1.4', 0],
    ['==1.4.2', 0],
    ['1.5.0', 1],
    ['1.14.0', 1],
    ['2.1.1', 1],
    ['', 1],
  ])('%s has --no-directory: %d', (version, count) => {
    const files = { 'pyproject.toml': '[tool.poetry.dependencies]\nlib = { path = "lib" }\n' };
    const { splits } = analysed('poetry install', files, { POETRY_VERSION: version });
    expect(splits.map(({ before }) => before)).toEqual(
      Array.from({ length: count }, () => 'poetry install --no-root --no-directory'),
    );
  });
});

describe('the download that is put ahead of a build', () => {
  const first = (text: string, files: Record<string, string>): string | undefined =>
    analysed(text, files).splits[0]?.before;
  it.each<[reason: string, text: string, files: Record<string, string>, expected: string]>([
    [
      'cargo: locked where the build is',
      'cargo build --locked',
      crate(),
      'mkdir -p src && touch src/main.rs && cargo fetch --locked && rm -r src',
    ],
    [
      'cargo: not locked where the build is not, which mends an old Cargo.lock',
      'cargo build',
      crate(),
      'mkdir -p src && touch src/main.rs && cargo fetch && rm -r src',
    ],
    [
      'cargo: what follows -- is not for cargo',
      'cargo run -- --locked',
      crate(),
      'mkdir -p src && touch src/main.rs && cargo fetch && rm -r src',
    ],
    [
      'cargo: a file for the library beside the program',
      'cargo build',
      { ...crate('[lib]\nname = "b"\n'), 'src/lib.rs': '' },
      'mkdir -p src && touch src/lib.rs src/main.rs && cargo fetch && rm -r src',
    ],
    [
      'cargo: a file for the program to run by default',
      'cargo build',
      { ...crate('default-run = "c"\n'), 'src/bin/c.rs': '' },
      'mkdir -p src/bin src && touch src/bin/c.rs src/main.rs && cargo fetch && rm -r src',
    ],
    [
      'cargo: a build script where a library is linked',
      'cargo build',
      { ...crate('links = "z"\n'), 'build.rs': '' },
      'mkdir -p src && touch build.rs src/main.rs && cargo fetch && rm -r build.rs src',
    ],
  ])('%s', (_reason, text, files, expected) => {
    expect(first(text, files)).toBe(expected);
  });
});

describe('outputs', () => {
  it.each<[string, string, Record<string, string>, string[]]>([
    ['one package', 'npm i', { 'package.json': '{}' }, ['node_modules']],
    [
      'a workspace',
      'npm i',
      { 'package.json': json({ workspaces: ['p/*'] }), 'p/a/package.json': '{}' },
      ['**/node_modules'],
    ],
    ['pip', 'pip install -r r.txt', { 'r.txt': '' }, []],
    ['Mix', 'mix deps.get', { 'mix.exs': 'def project, do: [deps_path: "vendor/deps"]\n' }, ['vendor/deps']],
    [
      'Bundler, by its settings',
      'bundle install',
      { Gemfile: 'gem "a"\n', '.bundle/config': '---\nBUNDLE_PATH: "gems"\n' },
      ['gems', 'vendor/bundle'],
    ],
    ['Deno', 'deno install', { 'deno.json': json({ vendor: true }) }, ['node_modules', 'vendor']],
    ['Maven, where it cleans', 'mvn clean dependency:resolve', pom(), ['target']],
    ['Maven, where it copies', 'mvn dependency:copy-dependencies -DoutputDirectory=lib', pom(), ['lib']],
    ['Maven, where it copies by itself', 'mvn dependency:copy-dependencies', pom(), ['target/dependency']],
    [
      'NuGet, by its settings',
      'dotnet restore',
      {
        ...csproj(''),
        'nuget.config':
          '<configuration><config><add key="globalPackagesFolder" value="./packages" /></config></configuration>',
      },
      ['**/obj', 'packages'],
    ],
    ['NuGet, by an option', 'dotnet restore --packages pk', csproj(''), ['**/obj', 'pk']],
    [
      'pip, where it checks out',
      'pip install --src vendor -r r.txt',
      { 'r.txt': '-e git+https://x/y#egg=y\n' },
      ['vendor/y'],
    ],
  ])('%s', (_reason, text, files, ignore) => {
    expect(analysed(text, files).ignore).toEqual(ignore);
  });
  it.each<[string, Record<string, string>, object, string[]]>([
    ['neither', {}, {}, ['vendor']],
    ['the configuration', {}, { 'vendor-dir': 'lib', 'bin-dir': 'tools' }, ['lib', 'tools']],
    ['variables', { COMPOSER_VENDOR_DIR: 'php', COMPOSER_BIN_DIR: 'bin' }, { 'vendor-dir': 'lib' }, ['php', 'bin']],
    ['empty variables', { COMPOSER_VENDOR_DIR: '', COMPOSER_BIN_DIR: '' }, { 'vendor-dir': 'lib' }, ['lib']],
    ['a directory elsewhere', { COMPOSER_VENDOR_DIR: '/opt/php' }, {}, []],
  ])('Composer, by %s', (_reason, environment, config, ignore) => {
    expect(analysed('composer install', { 'composer.json': json({ config }) }, environment).ignore).toEqual(ignore);
  });
  it('Mix, of an app of an umbrella', () => {
    const project = 'lockfile: "../../mix.lock", config_path: "../../config/config.exs", deps_path: "../../deps"';
    const files = imageOf({
      'apps/a/mix.exs': `def project, do: [${project}, deps: [{:b, in_umbrella: true}]]\n`,
      'apps/b/mix.exs': 'def project, do: []\n',
      'config/config.exs': '',
    });
    const analysis = knowledge.analyse({ ...(known('mix deps.get') as Install), directory: '/app/apps/a' }, files);
    expect(reads(analysis)).toEqual(['apps/a/mix.exs', 'apps/b/mix.exs', 'config/config.exs', 'mix.lock', 'deps']);
    expect(analysis.outputs).toEqual(['/app/deps']);
  });
  it('a linked package has modules of its own', () => {
    const files = { 'package.json': json({ dependencies: { l: 'file:lib' } }), 'lib/package.json': '{}' };
    expect(analysed('npm i', files).outputs).toEqual(['/app/node_modules', '/app/lib/node_modules']);
    const outside = { 'web/package.json': json({ dependencies: { l: 'file:../lib' } }), 'lib/package.json': '{}' };
    expect(analysed('npm i --prefix web', outside).outputs).toEqual(['/app/web/node_modules']);
  });
  it('edits the lockfile only when it is not frozen', () => {
    const edits = (text: string): readonly string[] =>
      analysed(text, { 'package.json': '{}', 'package-lock.json': '{}', 'yarn.lock': '', 'pnpm-lock.yaml': '' })
        .steps[0]?.edits ?? [];
    expect([edits('npm ci'), edits('npm i'), edits('yarn --frozen-lockfile'), edits('yarn')]).toEqual([
      [],
      ['/app/package-lock.json'],
      [],
      ['/app/yarn.lock'],
    ]);
  });
});

it('every manager has its facts', () => {
  for (const manager of managers) {
    expect(manager.summary).not.toBe('');
    expect(manager.manifests.length).toBeGreaterThan(0);
  }
});
