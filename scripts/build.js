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

// The command carries its dependencies: one file to read at start, loaded lazily beyond that.
await build({
  ...common,
  entryPoints: { cli: 'src/cli/bin.ts' },
  chunkNames: 'cli-[name]-[hash]',
  platform: 'node',
  minify: true,
  // Large, and only read where a docker-bake.hcl is.
  external: ['hcl2-parser'],
  banner: { js: "import{createRequire as __create}from'node:module';const require=__create(import.meta.url);" },
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
