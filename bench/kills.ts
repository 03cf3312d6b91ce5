/**
 * `kill -9` at random moments, each followed by `--resume`: nothing may be lost and nothing done twice.
 * `npm run bench:kills -- [KILLS]`, after a build.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makeRepository, shapes } from './repositories.ts';

const wanted = Number(process.argv[2] ?? 200);
const REPOSITORIES = 40;
const command = resolve('dist/cli.js');
const root = mkdtempSync(join(tmpdir(), 'dockerfix-kills-'));

interface Event {
  readonly event: string;
  readonly result: { readonly id: string; readonly milliseconds?: number };
}

/** Half of them clones in a rehearsal; checkouts alone where they are changed. */
const KINDS = { rehearsal: [], write: ['--write'] } as const;

try {
  const all = shapes();
  const list = Array.from({ length: REPOSITORIES }, (_, n) => join(root, 'fleet', `r${n}`));
  list.forEach((to, n) => makeRepository(to, all[(n * 7) % all.length] as string, n, 20));
  writeFileSync(join(root, 'rehearsal'), list.map((path, n) => (n % 2 === 0 ? path : `file://${path}`)).join('\n'));
  writeFileSync(join(root, 'write'), list.join('\n'));
  const whole: Record<string, string> = {};
  let typical = 0;
  for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
    const started = performance.now();
    await run(kind, `whole-${kind}`, undefined);
    typical = Math.max(typical, performance.now() - started);
    whole[kind] = state(`whole-${kind}`, list);
    reset(list);
  }
  let kills = 0;
  let rounds = 0;
  for (; kills < wanted; rounds++) {
    const kind = rounds % 3 === 2 ? 'write' : 'rehearsal';
    const results = `round-${rounds}`;
    // Some moments at the start, where little is done yet, and some so late that much is.
    for (let last = false; !last;) {
      const moment = rounds % 2 === 0 ? Math.random() * 0.4 * typical : Math.random() * 1.1 * typical;
      last = (await run(kind, results, kills < wanted ? moment : undefined)) !== null;
      if (!last) kills++;
    }
    if (state(results, list) !== whole[kind])
      throw new Error(`round ${rounds} (${kind}) differs from a run that was not killed; see ${root}`);
    const ids = journal(results)
      .filter(({ event }) => event === 'result')
      .map(({ result }) => result.id);
    if (ids.length !== REPOSITORIES || new Set(ids).size !== REPOSITORIES)
      throw new Error(`round ${rounds} (${kind}) has ${ids.length} results of ${REPOSITORIES}; see ${root}`);
    rmSync(join(root, results), { recursive: true });
    reset(list);
    if (rounds % 5 === 0) console.log(`${kills} kills in ${rounds + 1} rounds`);
  }
  console.log(`${kills} kills in ${rounds} rounds of ${REPOSITORIES} repositories: nothing lost, nothing done twice`);
  rmSync(root, { recursive: true });
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}

/** The exit code; null where it was killed first. */
async function run(kind: keyof typeof KINDS, results: string, moment: number | undefined): Promise<number | null> {
  const begun =
    existsSync(join(root, results, 'journal.jsonl')) && journal(results).some(({ event }) => event === 'begin');
  const child = spawn(
    process.execPath,
    [command, 'batch', '--results', results, ...(begun ? ['--resume'] : ['--from', kind, ...KINDS[kind]])],
    { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const timer = moment === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), moment);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  clearTimeout(timer);
  if (code !== null && code !== 0) throw new Error(`exit ${code}: ${said}`);
  return code;
}

/** Whole lines only, as the command itself reads it. */
function journal(results: string): Event[] {
  const text = readFileSync(join(root, results, 'journal.jsonl'), 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);
}

/** All that must come out the same: results, patches, and what lies in the checkouts. */
function state(results: string, list: readonly string[]): string {
  const rows = readFileSync(join(root, results, 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.stringify({ ...(JSON.parse(line) as object), milliseconds: 0 }))
    .sort();
  const patches = join(root, results, 'patches');
  mkdirSync(patches, { recursive: true });
  const texts = readdirSync(patches)
    .sort()
    .map((name) => name + readFileSync(join(patches, name), 'utf8'));
  const leftover = readdirSync(join(root, results)).filter((name) => name.startsWith('.lock'));
  const changed = list.map((path) => git(path, 'diff') + git(path, 'status', '--porcelain'));
  return [...rows, ...texts, ...leftover, ...changed].join('\n');
}

function reset(list: readonly string[]): void {
  for (const path of list) {
    git(path, 'reset', '-q', '--hard');
    git(path, 'clean', '-q', '-f', '-d');
  }
}

function git(path: string, ...args: string[]): string {
  return execFileSync('git', ['-C', path, ...args], { encoding: 'utf8' });
}
