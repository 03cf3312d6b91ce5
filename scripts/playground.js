// Bundles the playground into playground/dist, or the directory that is named; `--serve` serves it, too.
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { context } from 'esbuild';
import { notices } from './licences.js';

const [outdir = 'playground/dist'] = process.argv.slice(2).filter((word) => !word.startsWith('-'));
rmSync(outdir, { recursive: true, force: true });
const builder = await context({
  entryPoints: { main: 'playground/main.ts', worker: 'playground/worker.ts' },
  outdir,
  bundle: true,
  minify: true,
  format: 'iife',
  platform: 'browser',
  target: 'es2022',
  // Only where there is a docker-bake.hcl, which the page never looks for.
  external: ['hcl2-parser'],
  metafile: true,
  logLevel: 'warning',
});
const { metafile } = await builder.rebuild();
writeFileSync(join(outdir, 'THIRD-PARTY-NOTICES.txt'), notices([metafile]));
for (const name of ['index.html', 'style.css']) cpSync(join('playground', name), join(outdir, name));
if (process.argv.includes('--serve')) {
  const { port } = await builder.serve({ servedir: outdir, host: '127.0.0.1' });
  console.log(`http://127.0.0.1:${port}/`);
} else await builder.dispose();
