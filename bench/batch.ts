/** How long a rehearsal of many repositories takes, and its memory: `npm run bench:batch -- [COUNT]`, after a build. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const count = Number(process.argv[2] ?? 1000);
const root = mkdtempSync(join(tmpdir(), 'dockerfix-bench-'));
try {
  const shapes = readdirSync('fixtures').flatMap((name) =>
    readdirSync(join('fixtures', name)).map((each) => join('fixtures', name, each)),
  );
  const list: string[] = [];
  for (let n = 0; n < count; n++) {
    const to = join(root, `r${n}`);
    const from = shapes[n % shapes.length] as string;
    cpSync(from, to, { recursive: true, filter: (path) => path !== join(from, 'expected') });
    for (let file = 0; file < 50; file++) {
      mkdirSync(join(to, `src/d${file % 7}`), { recursive: true });
      writeFileSync(join(to, `src/d${file % 7}/f${file}.ts`), `export const n = ${n * file};\n`);
    }
    execFileSync('git', ['init', '-q', to]);
    execFileSync('git', ['-C', to, 'add', '-A', '-f']);
    list.push(to);
  }
  writeFileSync(join(root, 'list'), list.join('\n'));
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ['dist/cli.js', 'batch', '--from', join(root, 'list'), '--results', join(root, 'out')],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const memory: number[] = [];
  const timer = setInterval(() => {
    try {
      const pages = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8'));
      if (pages !== null) memory.push(Math.round(Number(pages[1]) / 1000));
    } catch {
      // It has just ended.
    }
  }, 100);
  const code = await new Promise((done) => child.on('exit', done));
  clearInterval(timer);
  const at = (part: number): number => memory[Math.floor(memory.length * part)] ?? 0;
  console.log(
    `${count} repositories: ${((performance.now() - started) / 1000).toFixed(1)} s, exit ${String(code)}; resident memory at most ${Math.max(...memory)} MB, ${at(0.25)} MB after a quarter, ${at(0.5)} MB after half, ${at(0.9)} MB near the end`,
  );
} finally {
  rmSync(root, { recursive: true, force: true });
}
