// How the command is bundled: for the build itself, and for the list of what is in it.

/** @type {import('esbuild').BuildOptions} */
export const COMMAND = {
  entryPoints: { cli: 'src/cli/bin.ts', 'batch-worker': 'src/cli/batch-worker.ts' },
  bundle: true,
  format: 'esm',
  target: 'node20',
  platform: 'node',
  splitting: true,
  outdir: 'dist',
  // Large, and only loaded where there is a docker-bake.hcl, or a configuration in TypeScript; piscina starts a file of its own.
  external: ['hcl2-parser', 'jiti', 'piscina'],
  logLevel: 'warning',
};
