// Bundles the command and the three entry points into dist/, and their types beside them.
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });

const common = {
  bundle: true,
  format: 'esm',
  target: 'node20',
  splitting: true,
  outdir: 'dist',
  logLevel: 'warning',
};

/**
 * Packages that most runs never need are required when first used: a cold start then does not pay for them.
 * By package, the functions that the sources import of it.
 */
const LAZY = { yaml: ['parse'], ignore: ['default'], diff: ['structuredPatch'] };

const lazy = {
  name: 'lazy',
  setup(builder) {
    const filter = new RegExp(`^(?:${Object.keys(LAZY).join('|')})$`);
    builder.onResolve({ filter }, ({ path }) => ({ path, namespace: 'lazy' }));
    builder.onLoad({ filter: /./, namespace: 'lazy' }, ({ path }) => ({
      // `require` is made by the banner; under another name the bundler leaves it alone.
      contents: LAZY[path]
        .map((name) => {
          const target = name === 'default' ? `(m => m.default ?? m)(load('${path}'))` : `load('${path}').${name}`;
          return `export ${name === 'default' ? 'default ' : `const ${name} = `}(...rest) => ${target}(...rest);`;
        })
        .concat('const load = __load;')
        .join('\n'),
    }));
  },
};

// The command carries its dependencies: one file to read at start, loaded lazily beyond that.
await build({
  ...common,
  entryPoints: { cli: 'src/cli/bin.ts' },
  chunkNames: 'cli-[name]-[hash]',
  platform: 'node',
  minify: true,
  // Large, and only read where a docker-bake.hcl is.
  external: ['hcl2-parser'],
  plugins: [lazy],
  banner: {
    js: "import{createRequire as __create}from'node:module';const __load=__create(import.meta.url),require=__load;",
  },
});

// The library leaves them to npm, and uses no Node API.
await build({
  ...common,
  entryPoints: { index: 'src/index.ts', plugin: 'src/plugin.ts', testing: 'src/testing.ts' },
  chunkNames: 'lib-[hash]',
  platform: 'neutral',
  packages: 'external',
});

const typescript = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [typescript, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
chmodSync('dist/cli.js', 0o755);
