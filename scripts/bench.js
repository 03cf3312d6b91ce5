// Runs a TypeScript file of bench/: `node scripts/bench.js scoreboard DIR...`
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';

const [name, ...rest] = process.argv.slice(2);
mkdirSync('dist', { recursive: true });
const folder = mkdtempSync('dist/bench-');
const outfile = join(folder, `${name}.js`);
await build({
  entryPoints: [`bench/${name}.ts`],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  logLevel: 'warning',
});
const { status } = spawnSync(process.execPath, ['--expose-gc', outfile, ...rest], { stdio: 'inherit' });
rmSync(folder, { recursive: true, force: true });
process.exit(status ?? 1);
