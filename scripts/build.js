// Bundles the command and the three entry points into dist/, and their types beside them.
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';
import { COMMAND } from './command.js';
import { notices } from './licences.js';

rmSync('dist', { recursive: true, force: true });

/**
 * Packages that most runs never need are bundled on their own and loaded when first called: a cold start then does not
 * pay for them. By package, the functions that the sources import of it; `A.b` is a method of something imported.
 */
const LAZY = {
  'dockerfile-ast': ['DockerfileParser.parse'],
  yaml: ['parse', 'parseDocument'],
  diff: ['structuredPatch'],
  diff2html: ['html'],
  'smol-toml': ['parse'],
  'jsonc-parser': ['parse'],
  'fast-xml-parser': ['XMLParser'],
};
const lazyFile = (name) => `cli-${name}.cjs`;

const lazy = {
  name: 'lazy',
  setup(builder) {
    const filter = new RegExp(`^(?:${Object.keys(LAZY).join('|')})$`);
    builder.onResolve({ filter }, ({ path }) => ({ path, namespace: 'lazy' }));
    builder.onLoad({ filter: /./, namespace: 'lazy' }, ({ path }) => ({
      // The banner makes `__load`: the bundler leaves that name alone.
      contents: LAZY[path]
        .map((name) => {
          const [imported, method] = name.split('.');
          if (method !== undefined)
            return `export const ${imported} = { ${method}: (...rest) => __load('./${lazyFile(path)}').${name}(...rest) };`;
          return `export function ${name}(...rest) {
            const it = __load('./${lazyFile(path)}').${name};
            return new.target ? new it(...rest) : it(...rest);
          }`;
        })
        .join('\n'),
    }));
  },
};

const late = await Promise.all(
  Object.entries(LAZY).map(([name, functions]) =>
    build({
      stdin: {
        contents: `export { ${functions.map((each) => each.split('.')[0]).join(', ')} } from '${name}';`,
        resolveDir: '.',
      },
      outfile: `dist/${lazyFile(name)}`,
      bundle: true,
      format: 'cjs',
      target: 'node20',
      platform: 'node',
      // A UMD build hides its own requires from the bundler.
      mainFields: ['module', 'main'],
      minify: true,
      metafile: true,
      logLevel: 'warning',
    }),
  ),
);

// What is loaded late fails late: each has to load on its own.
const require = createRequire(import.meta.url);
for (const [name, functions] of Object.entries(LAZY)) {
  const loaded = require(`../dist/${lazyFile(name)}`);
  const absent = functions.find(
    (each) => typeof each.split('.').reduce((value, part) => value?.[part], loaded) !== 'function',
  );
  if (absent !== undefined) throw new Error(`dist/${lazyFile(name)} has no ${absent}`);
}

// The command carries its dependencies: one file to read at start, loaded lazily beyond that.
const command = await build({
  ...COMMAND,
  chunkNames: 'cli-[name]-[hash]',
  minify: true,
  metafile: true,
  plugins: [lazy],
  banner: {
    js: "import{createRequire as __create}from'node:module';const __load=__create(import.meta.url),require=__load;",
  },
});
const bundles = [command, ...late].map(({ metafile }) => metafile);
writeFileSync('dist/THIRD-PARTY-NOTICES.txt', notices(bundles));

// The library leaves them to npm, and uses no Node API.
await build({
  ...COMMAND,
  entryPoints: { index: 'src/index.ts', plugin: 'src/plugin.ts', testing: 'src/testing.ts' },
  chunkNames: 'lib-[hash]',
  platform: 'neutral',
  packages: 'external',
});

const typescript = require.resolve('typescript/bin/tsc');
execFileSync(process.execPath, [typescript, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
chmodSync('dist/cli.js', 0o755);
