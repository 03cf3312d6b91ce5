/**
 * Input that somebody made to hurt: it costs seconds at most, is told about in a sentence, and harms no other file.
 * Time is what this process was busy for, since the machine may have others to serve.
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findEvidence } from '../src/context/discover.ts';
import { fix, memoryContext, type Outcome } from '../src/index.ts';
import { dockerfix, FIXED, folder, PROJECT } from './cli/support.ts';

/** Twice what any of it takes on a machine that has nothing else to do: a shared one does less in a second. */
const SECONDS = 6;

async function inTime<T>(work: () => T | Promise<T>): Promise<T> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(SECONDS);
  return result;
}

/** The project whose every install comes after its source. */
const NPM: Readonly<Record<string, string>> = {
  'package.json': '{}',
  'package-lock.json': '{}',
  '.dockerignore': '**/node_modules\n',
  'src/a.js': '',
};
const SOURCE = 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n';

function fixed(files: Readonly<Record<string, string>>, source = SOURCE): Promise<Outcome> {
  return inTime(() => fix({ path: 'Dockerfile', source }, memoryContext({ ...NPM, ...files }), { unsafe: true }));
}

const json = JSON.stringify;

// ---------------------------------------------------------------------------------------------- Dockerfiles

describe('a Dockerfile', () => {
  it.each<[string, () => string]>([
    ['of 50 MB', () => `FROM node\n${'RUN echo 0123456789012345678901234567890\n'.repeat(1_250_000)}`],
    ['of 50 MB in one line', () => `FROM node\nRUN ${'a'.repeat(50_000_000)}\n`],
    ['of a million lines', () => `FROM node\n${'\n'.repeat(1_000_000)}`],
  ])('%s is left alone, with what to do, and the others are not', async (_name, make) => {
    const cwd = folder({ ...PROJECT, 'big/Dockerfile': make() });
    const { code, out, err } = await inTime(() => dockerfix(cwd, ['.']));
    expect(out).toContain('+COPY package.json package-lock.json ./');
    expect(err).toMatch(
      /^big\/Dockerfile:1 file-too-large the file is larger than 2,000,000 characters or 100,000 lines; change what generates it$/m,
    );
    expect(err).not.toMatch(/\n\s+at /);
    expect(code).toBe(0);
  });

  it.each<[string, string]>([
    ['a line just too long', `RUN ${'a'.repeat(65_536)}`],
    ['a line of two million characters', `RUN ${'a'.repeat(1_900_000)}`],
  ])('%s is a syntax error, as for Docker', async (_name, line) => {
    const outcome = await fixed({}, `${SOURCE}${line}\n`);
    expect(outcome.status).toBe('failed');
    expect(outcome.refused).toMatchObject([{ line: 5, code: 'syntax-error' }]);
  });

  const deep = (open: string, close: string, times: number): string => open.repeat(times) + close.repeat(times);
  it.each<[string, string]>([
    ['variables in variables', `ENV A=${deep('${A:-', '}', 8_000)}`],
    ['a variable that doubles', Array.from({ length: 60 }, () => 'ENV A=$A$A').join('\n')],
    ['subshells in subshells', `RUN ${deep('(', ')', 20_000)}`],
    ['substitutions in substitutions', `RUN echo ${deep('$(', ')', 15_000)}`],
    ['substitutions that do not end', `RUN echo ${'$('.repeat(20_000)}`],
    ['quotes and backslashes', `RUN echo ${'"\\'.repeat(20_000)}`],
    ['blocks in blocks', `RUN ${'if true; then '.repeat(3_000)}true${'; fi'.repeat(3_000)}`],
    ['as many commands as fit', `RUN ${'a && '.repeat(12_000)}a`],
    ['as many commands as fit, on lines', `RUN ${'a && \\\n'.repeat(10_000)}a`],
    ['as many heredocs as fit on a line', `COPY ${'<<A '.repeat(15_000)}/x/\n${'A\n'.repeat(15_000)}`],
    ['a heredoc in a heredoc in a heredoc', `RUN <<A\n${'cat <<B\n'.repeat(20_000)}${'B\n'.repeat(20_000)}A`],
    ['heredocs that do not end', 'RUN <<A cat <<B\n'.repeat(20_000)],
    ['triggers of triggers', `${'ONBUILD '.repeat(8_000)}RUN npm ci`],
    [
      'stages, each on the one before',
      Array.from({ length: 3_000 }, (_, n) => `FROM ${n === 0 ? 'node' : `s${n - 1}`} AS s${n}`).join('\n'),
    ],
    [
      'copies from all stages',
      Array.from({ length: 1_000 }, (_, n) => `FROM node AS s${n}\nCOPY --from=s${n >> 1} / /x${n}`).join('\n'),
    ],
    [
      'copies from the two stages before',
      Array.from({ length: 60 }, (_, n) =>
        [
          `FROM node AS s${n}\nWORKDIR /app\nRUN npm install x`,
          ...(n < 2 ? [] : [`COPY --from=s${n - 1} /a ./a\nCOPY --from=s${n - 2} /a ./b`]),
          'RUN npm install y',
        ].join('\n'),
      ).join('\n'),
    ],
    ['arrays in arrays', `CMD ${deep('[', ']', 30_000)}`],
    ['a glob that is hard to match', `COPY ${'*a'.repeat(5_000)}b ./`],
    ['a source of many glob segments', `COPY ${'*/'.repeat(20_000)}x ./`],
    ['sources without end', `COPY ${'* '.repeat(5_000)}./`],
    ['a class that does not end', 'COPY [a- ./\nCOPY [ ./\nCOPY a[]-z] ./'],
    ['flags without end', `COPY ${'--link '.repeat(9_000)}. .`],
    ['mounts without end', `RUN ${'--mount=type=cache,target=/a '.repeat(2_000)}npm ci`],
    ['blanks', `RUN a${' '.repeat(60_000)}b`],
    ['comments', '# a\n'.repeat(90_000)],
    ['variables without end', Array.from({ length: 5_000 }, (_, n) => `ARG A${n}=$A${n - 1}`).join('\n')],
  ])('%s cost little, before the install and after it', async (_name, text) => {
    await fixed({}, `${SOURCE}${text}\n`);
    await fixed({}, `FROM node:20\nWORKDIR /app\n${text}\nCOPY . .\nRUN npm ci\n`);
  });
});

// ---------------------------------------------------------------------------------------------- ignore files

describe('an ignore file', () => {
  const files = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, n) => [`${'a/'.repeat(n % 20)}${'a'.repeat(40)}${n}.js`, '']),
  );
  it.each<[string, string]>([
    ['of stars', `${'*a'.repeat(500)}b\n`],
    ['of double stars', `${'**/'.repeat(1_000)}b\n!${'**/a'.repeat(300)}b\n`],
    ['of classes', `${'[a-z]*'.repeat(400)}!\n`],
    ['of very many patterns', Array.from({ length: 200_000 }, (_, n) => `a${n}`).join('\n')],
    [
      'of as many patterns as are read',
      Array.from({ length: 4_999 }, (_, n) => `${n % 2 ? '!' : ''}*a*${n}`).join('\n'),
    ],
    ['of one line', 'a'.repeat(200_000)],
    ['of brackets', '['.repeat(60_000)],
    ['of backslashes', '\\'.repeat(60_001)],
  ])('%s costs little', async (_name, text) => {
    await fixed({ ...files, '.dockerignore': text });
    await fixed({ ...files, '.gitignore': text });
  });
});

// ------------------------------------------------------------------------------------------------- manifests

/** Each line is ten times the one before. */
const YAML_BOMB = Array.from(
  { length: 30 },
  (_, n) =>
    `a${n}: &a${n} [${
      n === 0
        ? 'x'
        : Array(10)
            .fill(`*a${n - 1}`)
            .join(', ')
    }]\n`,
).join('');
const nested = (open: string, close: string, times = 50_000): string => open.repeat(times) + close.repeat(times);
const ENTITIES = `<?xml version="1.0"?>\n<!DOCTYPE p [\n<!ENTITY a0 "x">\n${Array.from({ length: 30 }, (_, n) => `<!ENTITY a${n + 1} "${`&a${n};`.repeat(10)}">`).join('\n')}\n<!ENTITY e SYSTEM "file:///etc/passwd">\n]>\n`;

describe('a manifest', () => {
  const directories = Object.fromEntries(
    Array.from({ length: 300 }, (_, n) => [`${'a/'.repeat(1 + (n % 14))}b${n}/package.json`, '{}']),
  );

  it.each<[string, unknown]>([
    ['braces that multiply', ['{a,b}'.repeat(40)]],
    ['braces in braces', ['{a,'.repeat(300) + '}'.repeat(300)]],
    ['braces of one', ['{a}'.repeat(100_000)]],
    ['stars that take turns', [`${'*a'.repeat(50)}!`]],
    ['double stars that multiply', [`${'**/a/'.repeat(12)}b`]],
    ['only double stars', ['**/'.repeat(200)]],
    ['double stars that are taken back', ['**', `!${'**/*a/'.repeat(12)}b`]],
    ['a class that does not end', ['[']],
    ['a class that does not end, taken back', ['a/*', '![z-a]']],
    ['very many patterns', Array.from({ length: 5_000 }, (_, n) => `p${n}/*`)],
  ])('with workspaces of %s costs little', async (_name, workspaces) => {
    await fixed({ ...directories, 'package.json': json({ workspaces }) });
    const source = SOURCE.replace('npm ci', 'pnpm install --frozen-lockfile');
    await fixed(
      { ...directories, 'pnpm-lock.yaml': '', 'pnpm-workspace.yaml': json({ packages: workspaces }) },
      source,
    );
  });

  it('of 50 MB is not read, which is said, and the other Dockerfiles are done', async () => {
    const cwd = folder({
      ...PROJECT,
      'big/Dockerfile': PROJECT.Dockerfile,
      'big/package.json': `{"x":"${'a'.repeat(50_000_000)}"}`,
      'big/package-lock.json': '{}',
    });
    const { code, out, err } = await inTime(() => dockerfix(cwd, ['.']));
    expect(out).toContain('+COPY package.json package-lock.json ./');
    expect(err).toContain('big/package.json file-too-large is larger than 20 MB, so it is not read; keep');
    expect(code).toBe(0);
  });

  it('with a workspace pattern that is no pattern is refused in a sentence', async () => {
    for (const pattern of ['[', '{a,b}'.repeat(40), '../x']) {
      const { refused } = await fixed({ 'package.json': json({ workspaces: [pattern] }) });
      expect(refused).toMatchObject([{ code: 'dynamic-manifest' }]);
      expect(refused[0]?.message.length).toBeLessThan(200);
    }
  });

  const python = 'FROM python:3\nWORKDIR /app\nCOPY . .\nRUN ';
  it.each<[string, string, Readonly<Record<string, string>>]>([
    ['package.json, nested', SOURCE, { 'package.json': nested('[', ']') }],
    [
      'package.json, nested objects',
      SOURCE,
      { 'package.json': `${'{"workspaces":'.repeat(50_000)}1${'}'.repeat(50_000)}` },
    ],
    ['package.json, cut off', SOURCE, { 'package.json': '{"a":'.repeat(50_000) }],
    ['package-lock.json, nested', SOURCE, { 'package-lock.json': nested('[', ']') }],
    [
      'deno.json with comments, nested',
      SOURCE.replace('npm ci', 'deno install'),
      { 'deno.json': `// x\n${nested('[', ']')}`, 'deno.lock': '{}' },
    ],
    [
      'bun.lock, nested',
      SOURCE.replace('npm ci', 'bun install --frozen-lockfile'),
      { 'bun.lock': `// x\n${nested('[', ']')}` },
    ],
    [
      '.yarnrc.yml of aliases',
      SOURCE.replace('npm ci', 'yarn install --immutable'),
      { '.yarnrc.yml': YAML_BOMB, 'yarn.lock': '__metadata:\n  version: 8\n' },
    ],
    [
      '.yarnrc.yml, nested',
      SOURCE.replace('npm ci', 'yarn install --immutable'),
      { '.yarnrc.yml': nested('[', ']', 5_000), 'yarn.lock': '' },
    ],
    [
      'pnpm-workspace.yaml of aliases',
      SOURCE.replace('npm ci', 'pnpm i --frozen-lockfile'),
      { 'pnpm-workspace.yaml': `${YAML_BOMB}\npackages: *a29\n`, 'pnpm-lock.yaml': '' },
    ],
    [
      'pnpm-workspace.yaml, nested',
      SOURCE.replace('npm ci', 'pnpm i --frozen-lockfile'),
      { 'pnpm-workspace.yaml': nested('{a: ', '}', 5_000), 'pnpm-lock.yaml': '' },
    ],
    [
      'pnpm-lock.yaml of aliases',
      SOURCE.replace('npm ci', 'pnpm i --frozen-lockfile'),
      { 'pnpm-lock.yaml': YAML_BOMB },
    ],
    [
      'Cargo.toml, nested',
      'FROM rust\nWORKDIR /app\nCOPY . .\nRUN cargo build --locked\n',
      { 'Cargo.toml': `a = ${nested('[', ']')}\n`, 'Cargo.lock': '' },
    ],
    [
      'Cargo.toml of dotted keys',
      'FROM rust\nWORKDIR /app\nCOPY . .\nRUN cargo build --locked\n',
      { 'Cargo.toml': `[${'a.'.repeat(20_000)}b]\nx = 1\n`, 'Cargo.lock': '' },
    ],
    [
      'Cargo.toml of members',
      'FROM rust\nWORKDIR /app\nCOPY . .\nRUN cargo build --locked\n',
      { 'Cargo.toml': `[workspace]\nmembers = ["${'{a,b}'.repeat(40)}", "${'**/'.repeat(50)}*"]\n`, 'Cargo.lock': '' },
    ],
    [
      'pyproject.toml, nested',
      `${python}poetry install\n`,
      { 'pyproject.toml': `a = ${'{a='.repeat(20_000)}1${'}'.repeat(20_000)}\n`, 'poetry.lock': '' },
    ],
    [
      'requirements.txt in a circle',
      `${python}pip install -r requirements.txt\n`,
      { 'requirements.txt': '-r a.txt\n-r requirements.txt\n', 'a.txt': '-r requirements.txt\n-c a.txt\n' },
    ],
    [
      'requirements.txt that multiply',
      `${python}pip install -r requirements.txt\n`,
      {
        'requirements.txt': '-r r0.txt\n',
        ...Object.fromEntries(
          Array.from({ length: 60 }, (_, n) => [`r${n}.txt`, `-r r${n + 1}.txt\n-r r${n + 2}.txt\n-c r${n + 1}.txt\n`]),
        ),
      },
    ],
    [
      'requirements.txt of one line of brackets, blanks or signs',
      `${python}pip install -r requirements.txt -r b.txt -r c.txt -r d.txt -r e.txt\n`,
      {
        'requirements.txt': `a${'['.repeat(1_000_000)}`,
        'b.txt': `a${' '.repeat(1_000_000)}b`,
        'c.txt': `a${'/'.repeat(1_000_000)};`,
        'd.txt': `a${' --'.repeat(300_000)}`,
        'e.txt': `a${' #'.repeat(300_000)}`,
      },
    ],
    ['a tool of brackets', `${python}uv tool install ${'a['.repeat(15_000)}\n`, {}],
    [
      'mix.exs of blank lines',
      'FROM elixir:1\nWORKDIR /app\nCOPY . .\nRUN mix deps.get\n',
      { 'mix.exs': '\n'.repeat(1_000_000), 'mix.lock': '' },
    ],
    [
      'build.gradle of blank lines and includes',
      'FROM gradle:8\nWORKDIR /app\nCOPY . .\nRUN gradle dependencies\n',
      {
        'build.gradle': '\n'.repeat(1_000_000),
        'settings.gradle': `${'include '.repeat(100_000)}\n${'\n'.repeat(100_000)}`,
        'gradle.properties': '\n'.repeat(100_000),
      },
    ],
    [
      'pom.xml of entities',
      'FROM maven\nWORKDIR /app\nCOPY . .\nRUN mvn package\n',
      { 'pom.xml': `${ENTITIES}<project><artifactId>&a30;&e;</artifactId></project>` },
    ],
    [
      'pom.xml, nested',
      'FROM maven\nWORKDIR /app\nCOPY . .\nRUN mvn package\n',
      { 'pom.xml': nested('<a>', '</a>', 20_000) },
    ],
    ['pom.xml, cut off', 'FROM maven\nWORKDIR /app\nCOPY . .\nRUN mvn package\n', { 'pom.xml': '<a '.repeat(30_000) }],
    [
      'pom.xml of modules in a circle',
      'FROM maven\nWORKDIR /app\nCOPY . .\nRUN mvn package\n',
      {
        'pom.xml':
          '<project><parent><relativePath>pom.xml</relativePath></parent><modules><module>.</module><module>a</module><module>../..</module></modules></project>',
        'a/pom.xml':
          '<project><parent><relativePath>..</relativePath></parent><modules><module>..</module></modules></project>',
      },
    ],
    [
      'a csproj of entities',
      'FROM sdk\nWORKDIR /app\nCOPY . .\nRUN dotnet restore\n',
      {
        'a.csproj': `${ENTITIES}<Project Sdk="Microsoft.NET.Sdk"><ItemGroup><ProjectReference Include="&a30;" /></ItemGroup></Project>`,
      },
    ],
    [
      'a csproj, nested',
      'FROM sdk\nWORKDIR /app\nCOPY . .\nRUN dotnet restore\n',
      { 'a.csproj': nested('<a>', '</a>', 20_000) },
    ],
    [
      'csprojs in a circle',
      'FROM sdk\nWORKDIR /app\nCOPY . .\nRUN dotnet restore a.csproj\n',
      {
        'a.csproj':
          '<Project Sdk="Microsoft.NET.Sdk"><ItemGroup><ProjectReference Include="b.csproj" /><ProjectReference Include="a.csproj" /></ItemGroup></Project>',
        'b.csproj':
          '<Project Sdk="Microsoft.NET.Sdk"><Import Project="b.csproj" /><ItemGroup><ProjectReference Include="a.csproj" /></ItemGroup></Project>',
      },
    ],
    [
      'scripts that call each other',
      SOURCE,
      {
        'package.json': json({
          scripts: {
            postinstall: 'npm run a && npm run b',
            a: 'npm run b && npm run b && npm run b',
            b: 'npm run a && npm run a && npm run a',
          },
        }),
      },
    ],
    [
      'a script that is hard to read',
      SOURCE,
      { 'package.json': json({ scripts: { postinstall: '"'.repeat(100_001) } }) },
    ],
    [
      'packages that link in a circle',
      SOURCE,
      {
        'package.json': json({ dependencies: { a: 'file:.', b: 'file:./b' } }),
        'b/package.json': json({ dependencies: { a: 'link:..', b: 'file:.' } }),
      },
    ],
    [
      'keys of every object',
      SOURCE,
      {
        'package.json':
          '{"__proto__":{"workspaces":["a"]},"constructor":1,"toString":"x","scripts":{"__proto__":"y","constructor":"z","postinstall":"npm run constructor"},"dependencies":{"hasOwnProperty":"file:__proto__"}}',
      },
    ],
  ])('%s', async (_name, source, files) => {
    const outcome = await fixed(files, source);
    expect(JSON.stringify(outcome)).not.toContain('root:');
    expect(JSON.stringify(outcome).length).toBeLessThan(100_000);
  });
});

// --------------------------------------------------------------------------------- what says where it is built

describe('what says where a Dockerfile is built', () => {
  it.each<[string, string, string]>([
    ['a compose file of aliases', 'compose.yaml', `${YAML_BOMB}\nservices: { a: { build: *a29 } }\n`],
    ['a compose file, nested', 'compose.yaml', `services: {a: {build: ${nested('[', ']', 5_000)}}}\n`],
    [
      'a compose file that merges itself',
      'compose.yaml',
      'services: &s\n  a: &a\n    build: .\n    <<: *a\n  <<: *s\n',
    ],
    [
      'a workflow of combinations',
      '.github/workflows/a.yml',
      `jobs:\n  a:\n    strategy:\n      matrix:\n${Array.from({ length: 30 }, (_, n) => `        m${n}: [${Array.from({ length: 200 }, (_x, i) => `v${i}`).join(', ')}]`).join('\n')}\n    steps:\n      - run: docker build \${{ matrix.m0 }}\n`,
    ],
    [
      'a workflow of a long script in many combinations',
      '.github/workflows/a.yml',
      `jobs:\n  a:\n    strategy: { matrix: { a: [${Array.from({ length: 200 }, (_, n) => n).join(', ')}] } }\n    steps:\n      - run: |\n${'          docker build -t ${{ matrix.a }} .\n'.repeat(20_000)}`,
    ],
    ['a bake file, nested', 'docker-bake.json', `{"target":${nested('[', ']')}}`],
    [
      'a bake file in a circle',
      'docker-bake.json',
      json({
        target: {
          a: { inherits: ['b', 'b', 'b', 'b', 'b', 'b', 'b', 'b'] },
          b: { inherits: ['a', 'a', 'a', 'a', 'a', 'a', 'a', 'a'] },
        },
      }),
    ],
    [
      'a bake file of combinations',
      'docker-bake.json',
      json({
        target: {
          a: {
            matrix: Object.fromEntries(
              Array.from({ length: 40 }, (_, n) => [`m${n}`, Array.from({ length: 500 }, String)]),
            ),
          },
        },
      }),
    ],
    ['a bake file in HCL, nested', 'docker-bake.hcl', `target "a" {\n  context = ${nested('[', ']', 1_000)}\n}\n`],
    [
      'a bake file in HCL, of very many targets',
      'docker-bake.hcl',
      'target "a" {\n  context = "."\n}\n'.repeat(30_000),
    ],
    ['a bake file in HCL, nested blocks', 'docker-bake.hcl', `${'target "a" {\n'.repeat(500)}${'}\n'.repeat(500)}`],
    ['a Makefile of one line', 'Makefile', `build:\n\tdocker build ${'a '.repeat(400_000)}\n`],
    ['a Makefile of subshells', 'Makefile', `build:\n\tdocker build ${'$('.repeat(4_000)}\n`],
    ['a script of very many builds', 'build.sh', 'cd a && docker build .\n'.repeat(30_000)],
    ['package scripts, nested', 'package.json', `{"scripts":{"docker":${nested('[', ']')}}}`],
  ])('%s costs little', async (_name, path, text) => {
    const files: Record<string, string> = { Dockerfile: SOURCE, 'a/Dockerfile': SOURCE, [path]: text };
    await inTime(() => findEvidence({ files: Object.keys(files).sort(), read: (each) => files[each] }));
  });

  it('in one file does not keep the others from being read', async () => {
    const cwd = folder({
      'api/Dockerfile': PROJECT.Dockerfile,
      'package.json': '{}',
      'package-lock.json': '{}',
      '.gitignore': 'node_modules\n',
      'docker-bake.json': nested('[', ']'),
      'compose.yaml': 'services: { a: { build: { context: ., dockerfile: api/Dockerfile } } }\n',
    });
    expect((await dockerfix(cwd, ['.'])).out).toContain('+COPY package.json package-lock.json ./');
  });
});

// ------------------------------------------------------------------------------------------- ways out of it

describe('nothing outside of the repository is read', () => {
  const SECRET = 'a-secret-of-somebody';

  /** A repository beside a folder with a secret. */
  function beside(files: Record<string, string>): string {
    const outer = folder(
      {
        'secret/package.json': json({ name: SECRET, scripts: { postinstall: SECRET } }),
        'secret/Dockerfile': `FROM ${SECRET}\n`,
        'secret/.dockerignore': `${SECRET}\n`,
        'secret/requirements.txt': SECRET,
      },
      false,
    );
    const cwd = join(outer, 'repository');
    for (const [path, text] of Object.entries({ ...PROJECT, '.git/HEAD': '', ...files })) {
      mkdirSync(join(cwd, path, '..'), { recursive: true });
      writeFileSync(join(cwd, path), text);
    }
    return cwd;
  }

  it.each<[string, Record<string, string>]>([
    ['a workspace', { 'package.json': json({ workspaces: ['../secret', '../*', '/**'] }) }],
    [
      'a dependency',
      { 'package.json': json({ dependencies: { a: 'file:../secret', b: 'link:../../secret', c: 'portal:/etc' } }) },
    ],
    [
      'a compose file',
      {
        'compose.yaml':
          'services: { a: { build: { context: ../secret, dockerfile: Dockerfile } }, b: { build: { context: ., dockerfile: ../secret/Dockerfile } } }\n',
      },
    ],
    [
      'a bake file',
      {
        'docker-bake.json': json({
          target: { a: { context: '../secret' }, b: { context: '.', dockerfile: '../secret/Dockerfile' } },
        }),
      },
    ],
    [
      'a COPY',
      { Dockerfile: 'FROM node:20\nWORKDIR /app\nCOPY ../secret/package.json ./\nCOPY ../secret .\nRUN npm ci\n' },
    ],
    [
      'requirements',
      {
        Dockerfile: 'FROM python:3\nCOPY . .\nRUN pip install -r requirements.txt\n',
        'requirements.txt': '-r ../secret/requirements.txt\n-e ../secret\n',
      },
    ],
    [
      'a configuration',
      {
        'pnpm-workspace.yaml': 'packages: ["../secret"]\n',
        'pnpm-lock.yaml': '',
        Dockerfile: 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN pnpm i --frozen-lockfile\n',
      },
    ],
  ])('by %s', async (_name, files) => {
    const cwd = beside(files);
    for (const argv of [['.'], ['explain', '.'], ['.', '--format', 'json'], ['.', '--unsafe']]) {
      const { out, err } = await dockerfix(cwd, argv);
      expect(out + err).not.toContain(SECRET);
    }
  });

  it.each<[string, string, string]>([
    ['a manifest', 'package.json', '../secret/package.json'],
    ['an ignore file', '.dockerignore', '../secret/.dockerignore'],
    ['a Dockerfile', 'x.Dockerfile', '../secret/Dockerfile'],
    ['a directory', 'packages', '../secret'],
    ['a directory of the machine', 'etc', '/etc'],
    ['itself', 'self', 'self'],
    ['a directory above itself', 'up', '.'],
  ])('through %s that is a symlink', async (_name, path, target) => {
    const cwd = beside({ 'package.json': json({ workspaces: ['*', 'packages', 'up/up/up'] }) });
    rmSync(join(cwd, path), { force: true });
    symlinkSync(target, join(cwd, path));
    for (const argv of [['.'], [path], ['explain', '.'], ['.', '--format', 'json']]) {
      const { out, err } = await inTime(() => dockerfix(cwd, argv));
      expect(out + err).not.toContain(SECRET);
      expect(err).not.toMatch(/\n\s+at |bug in dockerfix/);
    }
  });
});

// -------------------------------------------------------------------------------------------- the terminal

describe('nothing from a repository moves the cursor', () => {
  const EVIL = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e\b';
  const files = {
    ...PROJECT,
    Dockerfile: `FROM node:20\n# ${EVIL}\nWORKDIR /app\nCOPY . .\nRUN npm ci && echo '${EVIL}'\nRUN sh ${EVIL}.sh\nRUN npm ci\n`,
    [`a${EVIL}\r\nb/Dockerfile`]: `FROM node:20\nCOPY gone${EVIL} .\nRUN npm ci\n`,
    [`a${EVIL}\r\nb/broken.Dockerfile`]: `FROM${EVIL}\nFOO${EVIL}\n`,
    [`a${EVIL}.Dockerfile`]: FIXED,
  };
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const MOVES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

  it.each([
    ['.'],
    ['. --check'],
    ['. --format json'],
    ['. --format sarif'],
    ['. --format github'],
    ['. --format gitlab'],
    ['. --format junit'],
    ['. --format markdown'],
    ['explain .'],
    ['. --print-config'],
  ])('dockerfix %s', async (words) => {
    const { out, err } = await dockerfix(folder(files), words.split(' '), {
      isTerminal: true,
      environment: { NO_COLOR: '1' },
    });
    expect(out + err).toContain('Dockerfile');
    expect(MOVES.exec(err)).toBeNull();
    expect(MOVES.exec(out)).toBeNull();
  });

  it('and the change is shown all the same', async () => {
    const { out } = await dockerfix(folder(files), ['.'], { isTerminal: true });
    expect(out).toContain("RUN npm ci && echo '\\u001b[2J");
  });

  it('dockerfix --report, in a page that runs none of it', async () => {
    const cwd = folder({
      ...files,
      'x<img src=x onerror=alert(1)>.Dockerfile': `FROM node\nCOPY . .\nRUN npm ci && echo '</script><script>alert(1)</script>'\n`,
    });
    await dockerfix(cwd, ['.', '--report', 'page.html'], { isTerminal: true });
    const page = readFileSync(join(cwd, 'page.html'), 'utf8');
    expect(page).toContain('onerror=alert(1)&gt;');
    expect(page).not.toMatch(/<img src=x|<script>alert/);
  });

  it('dockerfix PATH, where there is no such file', async () => {
    const { err } = await dockerfix(folder(), [`gone${EVIL}\r`], { isTerminal: true });
    expect(err).toContain('gone');
    expect(MOVES.exec(err)).toBeNull();
  });
});
