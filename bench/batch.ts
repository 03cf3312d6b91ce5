/** How long a rehearsal of many repositories takes, and its memory: `npm run bench:batch -- [COUNT]`, after a build. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRepository, shapes } from './repositories.ts';

const count = Number(process.argv[2] ?? 1000);
const root = mkdtempSync(join(tmpdir(), 'dockerfix-bench-'));
try {
  const all = shapes();
  const list = Array.from({ length: count }, (_, n) => join(root, 'fleet', `r${n}`));
  list.forEach((to, n) => makeRepository(to, all[n % all.length] as string, n, 30));
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
  let seconds = 0;
  const timer = setInterval(() => {
    try {
      const of = `/proc/${child.pid ?? 0}`;
      const pages = /VmRSS:\s+(\d+)/.exec(readFileSync(`${of}/status`, 'utf8'));
      if (pages !== null) memory.push(Math.round(Number(pages[1]) / 1000));
      // Its own and that of the git commands it waited for, in hundredths.
      const [, ...ticks] = /\) (?:\S+ ){11}(\d+) (\d+) (\d+) (\d+)/.exec(readFileSync(`${of}/stat`, 'utf8')) ?? [];
      seconds = ticks.reduce((sum, each) => sum + Number(each) / 100, 0);
    } catch {
      // It has just ended.
    }
  }, 100);
  const code = await new Promise((done) => child.on('exit', done));
  clearInterval(timer);
  const at = (part: number): number => memory[Math.floor(memory.length * part)] ?? 0;
  console.log(
    `${count} repositories: ${((performance.now() - started) / 1000).toFixed(1)} s, ${seconds.toFixed(1)} s of processor time, exit ${String(code)}; resident memory at most ${Math.max(...memory)} MB, ${at(0.25)} MB after a quarter, ${at(0.5)} MB after half, ${at(0.9)} MB near the end`,
  );
} finally {
  rmSync(root, { recursive: true, force: true });
}
