/** `node scripts/bench.js replay [COMMITS]`: what a replay takes beyond git's own time, and its memory. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const commits = Number(process.argv[2] ?? 10_000);
const root = mkdtempSync(join(tmpdir(), 'dockerfix-bench-'));
const cli = join(import.meta.dirname, '../cli.js');

/** One `git fast-import` makes the history. */
function history(): string {
  const file = (path: string, text: string): string =>
    `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
  const commit = (at: number, body: string): string =>
    `commit refs/heads/main\ncommitter a <a@b> ${1_600_000_000 + at * 600} +0000\ndata 1\nx\n${body}\n`;
  const dockerfile = (label: string): string =>
    `FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\nLABEL a=${label}\nCMD ["node", "server.js"]\n`;
  const first = [
    file('Dockerfile', dockerfile('0')),
    file('package.json', '{"name":"a","scripts":{"build":"tsc"}}'),
    file('package-lock.json', '{"lockfileVersion":3,"packages":{}}'),
    file('.dockerignore', 'node_modules\ndocs\n**/*.test.ts\n!keep\n'),
    file('.gitignore', 'node_modules\n'),
  ];
  const parts = [commit(0, first.join(''))];
  for (let at = 1; at < commits; at++) {
    const changed = [1, 2, 3, 4, 5].map((each) => file(`src/m${(at * each) % 90}/f${each}.ts`, `${at}`));
    if (at % 100 === 0) changed.push(file('Dockerfile', dockerfile(`${at}`)));
    if (at % 20 === 0) changed.push(file('package-lock.json', `{"lockfileVersion":3,"packages":{"${at}":{}}}`));
    parts.push(commit(at, changed.join('')));
  }
  return parts.join('');
}

/** Megabytes, and seconds of its own processor time: git's is that of a child. */
const SAYS_USAGE =
  'data:text/javascript,process.on("exit",()=>{const u=process.resourceUsage();console.error((u.maxRSS/1024).toFixed(0)+" MB, "+((u.userCPUTime+u.systemCPUTime)/1e6).toFixed(2)+" s of its own processor time")})';

function timed(command: string, args: readonly string[]): { seconds: number; said: string } {
  const started = performance.now();
  const { stderr, status } = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (status !== 0) throw new Error(stderr);
  return { seconds: (performance.now() - started) / 1000, said: stderr };
}

try {
  execFileSync('git', ['init', '-q', '-b', 'main', root]);
  execFileSync('git', ['-C', root, 'fast-import', '--quiet'], { input: history(), maxBuffer: 1 << 30 });
  execFileSync('git', ['-C', root, 'reset', '-q', '--hard', 'main']);
  const git = timed('git', ['log', '--raw', '-z', '--no-abbrev', '--first-parent', '-m', '--no-renames']);
  const replay = (...args: string[]): string => {
    const { seconds, said } = timed(process.execPath, ['--import', SAYS_USAGE, cli, 'replay', ...args]);
    return `${seconds.toFixed(2)} s, ${said.trim().split('\n').at(-1) ?? ''}`;
  };
  for (const count of [Math.ceil(commits / 10), commits]) console.log(`${count} commits: ${replay('-n', `${count}`)}`);
  console.log(`--as-was, ${Math.floor((commits - 1) / 100)} Dockerfiles: ${replay('--as-was', '-n', String(commits))}`);
  console.log(`git log alone: ${git.seconds.toFixed(2)} s`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
