// Bundles the extension, and the server that comes with it, into dist/.
const { join } = require('node:path');
const { rmSync, writeFileSync } = require('node:fs');
const { build } = require('esbuild');

const dist = join(__dirname, 'dist');

/** @param {import('esbuild').Plugin[]} plugins of the extension: the tests bring their own `vscode` */
async function bundle(outdir = dist, plugins = []) {
  rmSync(outdir, { recursive: true, force: true });
  const common = {
    bundle: true,
    platform: 'node',
    target: 'node20',
    minify: true,
    metafile: true,
    logLevel: 'warning',
  };
  const bundles = await Promise.all([
    build({
      ...common,
      entryPoints: [join(__dirname, 'extension.ts')],
      outfile: join(outdir, 'extension.js'),
      format: 'cjs',
      external: plugins.length === 0 ? ['vscode'] : [],
      plugins,
    }),
    build({
      ...common,
      entryPoints: [join(__dirname, 'server.ts')],
      outdir,
      outExtension: { '.js': '.mjs' },
      chunkNames: 'server-[name]-[hash]',
      splitting: true,
      format: 'esm',
      // Loads configurations, which the server never does.
      external: ['jiti'],
      // A UMD build hides its own requires from the bundler.
      mainFields: ['module', 'main'],
      banner: { js: "import{createRequire as __create}from'node:module';const require=__create(import.meta.url);" },
    }),
  ]);
  const { notices } = await import('../../scripts/licences.js');
  writeFileSync(join(outdir, 'THIRD-PARTY-NOTICES.txt'), notices(bundles.map(({ metafile }) => metafile)));
}

module.exports = { bundle };
if (require.main === module) bundle();
