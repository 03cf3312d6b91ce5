/**
 * What a rewrite would have spared real repositories: `npm run scoreboard:replay -- DIR...`, each DIR a checkout with
 * its history. Of those with 50 commits or more that get a rewrite, a row for each install that stood below the
 * source: commits in which it re-ran as it is and as rewritten, and the least possible.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { replay, type Replay } from '../src/replay.ts';
import { run } from '../src/run.ts';

const FEWEST = 50;
const MOST = 500;

const directories = process.argv
  .slice(2)
  .flatMap((each) =>
    each.endsWith('/*') ? readdirSync(each.slice(0, -2)).map((name) => join(each.slice(0, -2), name)) : [each],
  )
  .filter((each) => statSync(each).isDirectory());

interface Row {
  readonly where: string;
  readonly command: string;
  readonly commits: number;
  readonly before: number;
  readonly after: number;
  readonly least: number | undefined;
  /** Layers of the rewritten file whose own change re-ran it, with how often. */
  readonly causes: string;
  /** Why it stands where it stood. */
  readonly refused: string | undefined;
}

const rows: Row[] = [];
let rewritten = 0;
let looked = 0;

for (const directory of directories) {
  const { outcomes } = await run({ paths: ['.'], cwd: directory, fix: {} });
  const changed = outcomes.filter((each) => each.status === 'changed' && each.subject !== undefined);
  if (outcomes.length > 0) looked++;
  if (changed.length === 0) continue;
  const result = await replay(changed, { limit: MOST, firstParent: true, asWas: false, builder: 'buildkit' });
  if (typeof result === 'string') {
    console.error(`${directory}: ${result}`);
    continue;
  }
  if (result.commits < FEWEST) continue;
  rewritten++;
  const name = basename(directory).replace('+', '/');
  for (const each of result.replays) rows.push(...rowsOf(name, each));
}

function rowsOf(name: string, { outcome, pair, count }: Replay): Row[] {
  return count.units.flatMap((unit, at): Row[] => {
    const before = pair.before.units[at];
    const after = pair.after.units.find(({ key }) => key === unit.key);
    if (before === undefined || after === undefined) return [];
    // An install that the rewrite leaves where it is, is no row.
    const isSame =
      causesOf(pair.before, count.perLayer.before, before.layer) ===
      causesOf(pair.after, count.perLayer.after, after.layer);
    if (isSame && unit.before === unit.after) return [];
    return [
      {
        where: `${name} ${outcome.path}:${unit.line}`,
        command: unit.text,
        commits: count.commits,
        before: unit.before,
        after: unit.after,
        least: unit.least,
        causes: causesOf(pair.after, count.perLayer.after, after.layer),
        refused: outcome.refused.find(({ line }) => line === unit.line)?.code,
      },
    ];
  });
}

function causesOf(
  { layers }: Replay['pair']['after'],
  counts: Replay['count']['perLayer']['after'],
  layer: number,
): string {
  return [...(counts[layer]?.causes ?? [])]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([at, times]) => `\`${(layers[at]?.text ?? '').slice(0, 60)}\` ${times}`)
    .join(', ');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** The rewrite spared it nothing, although something could be. */
const isLeft = ({ before, after, least }: Row): boolean => after >= before && after !== least;
const moved = rows.filter((row) => !isLeft(row));
const sum = (of: (row: Row) => number): number => moved.reduce((all, row) => all + of(row), 0);

console.log(
  `${looked} repositories with a Dockerfile, ${rewritten} of them rewritten and with ${FEWEST} commits or more`,
);
console.log(
  `${moved.length} installs: re-ran ${sum((row) => row.before)} times as they are, ${sum((row) => row.after)} as rewritten, least possible ${sum((row) => row.least ?? row.after)}\n`,
);
console.log('| Dockerfile | install | commits | before | after | least possible |\n|---|---|---|---|---|---|');
for (const { where, command, commits, before, after, least } of moved)
  console.log(
    `| ${cell(where)} | \`${cell(short(command))}\` | ${commits} | ${before} | ${after} | ${least ?? 'not known'} |`,
  );
console.log('\nMore often than the least possible, and what re-runs them:\n');
for (const { where, command, after, least, causes } of moved)
  if (after !== least) console.log(`- ${where} \`${short(command)}\` ${after} (${least ?? 'not known'}): ${causes}`);
console.log('\nLeft where they are:\n');
for (const { where, command, before, after, refused, causes } of rows.filter(isLeft))
  console.log(`- ${where} \`${short(command)}\` ${before} → ${after}, ${refused ?? 'not refused'}: ${causes}`);
