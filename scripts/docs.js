// Writes what is generated: docs/refusals/, docs/transforms/, docs/managers/, docs/licences.md, the README's picture and
// schema/config.schema.json.
// `--check` writes nothing and fails where one of them is stale.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { COMMAND } from './command.js';
import { licenceOf, locked, packagesIn } from './licences.js';

mkdirSync('node_modules/.cache', { recursive: true });
const folder = mkdtempSync('node_modules/.cache/docs-');
const outfile = join(folder, 'docs.mjs');
await build({
  entryPoints: ['scripts/docs.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  logLevel: 'warning',
});
const { generated, FOLDERS } = await import(pathToFileURL(outfile).href);
rmSync(folder, { recursive: true, force: true });

const { metafile } = await build({ ...COMMAND, write: false, metafile: true });
const files = await generated({
  bundled: packagesIn([metafile]).map(licenceOf),
  installed: locked('package-lock.json').filter(({ dev }) => !dev),
  tools: ['package-lock.json', 'site/package-lock.json', 'editors/vscode/package-lock.json'].flatMap((lock) =>
    locked(lock).filter(({ dev }) => dev),
  ),
});
const check = process.argv.includes('--check');
const stale = Object.entries(files).filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text);
const left = FOLDERS.flatMap((each) =>
  existsSync(each) ? readdirSync(each).map((name) => `${each}/${name}`) : [],
).filter((path) => !(path in files));
if (check) {
  for (const path of [...stale.map(([each]) => each), ...left]) console.error(`${path} is stale: npm run docs`);
  if (stale.length + left.length > 0) process.exitCode = 1;
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  for (const path of left) rmSync(path);
}
