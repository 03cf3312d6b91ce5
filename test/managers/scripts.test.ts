/** Which lifecycle scripts are known, what they read, and what they are called when they are not. */
import { describe, expect, it } from 'vitest';
import type { Files } from '../../src/model.ts';
import { isUnknown, understandScript } from '../../src/managers/shared/scripts.ts';
import { commandsOf } from '../../src/managers/shared/shell-words.ts';
import { withoutTheseScripts } from '../../src/managers/shared/package-json.ts';

function image(files: Record<string, string>, maybe: readonly string[] = [], system = false): Files {
  const paths = Object.keys(files).map((path) => `/app/${path}`);
  return {
    has: (path) =>
      paths.some((each) => each === path || each.startsWith(`${path}/`))
        ? 'yes'
        : maybe.includes(path) || (system && !path.startsWith('/app'))
          ? 'maybe'
          : 'no',
    read: (path) => files[path.slice('/app/'.length)],
    executable: () => true,
    entries: (directory) => {
      if (system && !directory.startsWith('/app')) return undefined;
      const below = paths
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1));
      return [...new Set(below.map((path) => path.split('/')[0] as string))].sort();
    },
  };
}

function does(
  script: string,
  files: Record<string, string> = {},
  others: Record<string, string> = {},
  view = image(files),
): string {
  const manifest = { directory: '/app', json: { scripts: { postinstall: script, ...others } } };
  const effect = understandScript(script, { files: view, manifest, depth: 0 });
  if (isUnknown(effect)) return effect.code;
  return [
    ...effect.reads.map((read) => read.path.slice('/app/'.length) + (read.tree === true ? '/' : '')),
    ...(effect.modules === true ? ['→ node_modules'] : []),
  ].join(' ');
}

describe('scripts that may read the source', () => {
  it.each([
    'node scripts/build.js',
    'node -e "require(\'./x\')"',
    "node -e \"require('fs').readFileSync('x')\"",
    'node -e "import(\'./x.mjs\')"',
    'tsc',
    'npm run build',
    'yarn build',
    'husky && tsc',
    'echo a | sh x',
    'echo $(cat x)',
    'echo a > b',
    'cd client && npm install',
    'patch-package x',
    'prisma migrate deploy',
    'npx prisma generate && node x',
    '[ -d src ] && echo yes',
    'npm run loop',
    'cross-env A=1 vite build',
    'constructor',
  ])('%s', (script) => {
    expect(does(script, { 'src/x': '' }, { build: 'webpack', loop: 'npm run loop' })).toBe(
      'lifecycle-script-reads-source',
    );
  });
  it('hooks are set up when .git is there, or may be', () => {
    expect(does('husky', { '.git/HEAD': '' })).toBe('needs-vcs');
    expect(does('husky', {}, {}, image({}, ['/app/.git']))).toBe('needs-vcs');
    expect(does('[ -d .git ] && husky', { '.git/HEAD': '' })).toBe('needs-vcs');
  });
});

describe('scripts that are known', () => {
  it.each<[script: string, effect: string]>([
    ['true', ''],
    ['exit 0', ''],
    ['echo "a && b"', ''],
    ['node -e "console.log(1)"', ''],
    ['node -e "if (!/yarn/.test(process.env.npm_execpath)) throw new Error(1)"', ''],
    [`node -e "try { require('husky').install() } catch (e) { if (e.code !== 'MODULE_NOT_FOUND') throw e }"`, ''],
    ['husky', ''],
    ['husky install .config/husky', ''],
    ['[ "$CI" = "true" ] || husky', ''],
    ['husky || true', ''],
    ['husky > /dev/null 2>&1 || echo none', ''],
    ['is-ci || husky install', ''],
    ['if [ -d .git ]; then husky; fi', ''],
    ['[ -n "$CI" ] || husky', ''],
    ['test -d .git && husky || :', ''],
    ['npx --yes only-allow pnpm', ''],
    ['npx -y husky@8 install', ''],
    ['pnpm exec lefthook install', ''],
    ['yarn dlx simple-git-hooks', ''],
    ['cross-env CI=1 husky', ''],
    ['SKIP=1 husky', ''],
    ['npm run hooks', ''],
    ['yarn hooks', ''],
    ['run-s hooks hooks', ''],
    ['patch-package', 'patches/ package.json → node_modules'],
    ['npx patch-package --patch-dir fixes --error-on-fail', 'fixes/ package.json → node_modules'],
    ['prisma generate', 'prisma/schema.prisma package.json → node_modules'],
    ['yarn prisma generate --schema=./prisma/schema.prisma', 'prisma/schema.prisma package.json → node_modules'],
    ['husky || true; patch-package', 'patches/ package.json → node_modules'],
  ])('%s', (script, effect) => {
    expect(
      does(script, { 'prisma/schema.prisma': 'generator c {\n  provider = "prisma-client-js"\n}' }, { hooks: 'husky' }),
    ).toBe(effect);
  });
  it('directories that packages fill, above the project, are no checkout', () => {
    expect(does('husky', {}, {}, image({}, [], true))).toBe('');
  });
});

describe('prisma', () => {
  const client = 'generator c {\n  provider = "prisma-client-js"\n}\n';
  it.each<[reason: string, files: Record<string, string>, expected: string]>([
    ['no schema', {}, 'lifecycle-script-reads-source'],
    [
      'a generator of the project',
      { 'schema.prisma': 'generator x {\n  provider = "node ./gen.js"\n}' },
      'lifecycle-script-reads-source',
    ],
    [
      'a generator that is not known',
      { 'schema.prisma': 'generator x {\n  provider = "zod-prisma"\n}' },
      'lifecycle-script-reads-source',
    ],
    [
      'it writes into the source',
      { 'schema.prisma': 'generator x {\n  provider = "prisma-client"\n  output = "./src/db"\n}' },
      'lifecycle-script-reads-source',
    ],
    [
      'a configuration with code of its own',
      { 'schema.prisma': client, 'prisma.config.ts': "import './env'\nexport default {}" },
      'lifecycle-script-reads-source',
    ],
    [
      'a schema named by an expression',
      { 'schema.prisma': client, 'prisma.config.ts': 'export default { schema: pick() }' },
      'lifecycle-script-reads-source',
    ],
    [
      'output in node_modules',
      { 'prisma/schema.prisma': 'generator x {\n  provider = "prisma-client-js"\n  output = "../node_modules/db"\n}' },
      'prisma/schema.prisma package.json → node_modules',
    ],
    [
      'a folder of schemas',
      { 'prisma/schema/a.prisma': client, 'prisma/schema/b.prisma': '' },
      'prisma/schema/ package.json → node_modules',
    ],
    [
      'a configuration that names the schema',
      {
        'db/x.prisma': client,
        'prisma.config.ts':
          "import 'dotenv/config'\nimport { defineConfig } from 'prisma/config'\nexport default defineConfig({\n  schema: 'db/x.prisma',\n})",
      },
      'prisma.config.ts .env db/x.prisma package.json → node_modules',
    ],
    [
      'by joined parts',
      {
        'db/x.prisma': client,
        'prisma.config.ts': "import path from 'node:path'\nexport default {\n  schema: path.join('db', 'x.prisma'),\n}",
      },
      'prisma.config.ts db/x.prisma package.json → node_modules',
    ],
  ])('%s', (_reason, files, expected) => {
    expect(does('prisma generate', files)).toBe(expected);
  });
});

it('a script is split into its commands', () => {
  expect(commandsOf('A=1 b "c d" && (e || f \'g;h\') ; ! i 2>/dev/null')).toEqual([
    ['b', 'c d'],
    ['e'],
    ['f', 'g;h'],
    ['i'],
  ]);
  expect(commandsOf('a "b')).toBeUndefined();
  expect(commandsOf('a | b')).toBeUndefined();
});

it.each([
  [
    'two blanks',
    '{\n  "scripts": {\n    "a": "1",\n    "b": "2"\n  }\n}\n',
    '{\n  "scripts": {\n    "b": "2"\n  }\n}\n',
  ],
  ['tabs and CRLF', '{\r\n\t"scripts": {\r\n\t\t"a": "1"\r\n\t}\r\n}\r\n', '{\r\n\t"scripts": {}\r\n}\r\n'],
  ['one line', '{"scripts":{"a":"1"}}', '{"scripts":{}}'],
  ['no scripts', '{\n  "name": "x"\n}\n', '{\n  "name": "x"\n}\n'],
])('npm pkg delete keeps the layout: %s', (_reason, before, after) => {
  expect(withoutTheseScripts(before, ['a'])).toBe(after);
});
