/**
 * Does replay say what BuildKit does? `npm run agreement -- [--commits N] [--results DIR] CHECKOUT[:DOCKERFILE]...` builds the last N
 * commits (default 10) of each repository one after the other, as the Dockerfile is today and as rewritten, and compares
 * each step that the cache model says is made again with the steps that BuildKit calls CACHED. Writes docs/agreement.md.
 *
 * What a command does has no part in BuildKit's decision but for `COPY --from`, so that the tools of the base images are
 * replaced by one that writes a digest of what it can see: thus many builds take seconds, and need no registry.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readHistory, type Commit } from '../src/context/history.ts';
import { parse } from '../src/index.ts';
import { cacheOf } from '../src/layers/cache.ts';
import type { Layers } from '../src/layers/layers.ts';
import { pairsOf } from '../src/replay.ts';
import { run } from '../src/run.ts';
import { stepsOf } from '../src/verify/engines.ts';
import { DOCKER } from '../test/e2e/prepare.ts';

const words = process.argv.slice(2);
function option(name: string): string | undefined {
  const at = words.indexOf(name);
  return at < 0 ? undefined : words.splice(at, 2)[1];
}
const limit = Number(option('--commits') ?? 10);
/** What it has is not built again. */
const results = option('--results');

/** Installs digest the manifests, everything else digests the tree. `-o FILE` is obeyed, as `go build` does. */
const TOOL = `#!/bin/sh
tool=$(basename "$0")
out=
previous=
for word; do
  [ "$previous" = -o ] && out=$word
  previous=$word
done
digest() { find . -xdev -type f "$@" -not -path './node_modules/*' -not -path './proc/*' -not -path './sys/*' -not -path ./.made 2> /dev/null | sort | xargs -r sha256sum | sha256sum; }
case "$tool $*" in
  *\\ install* | *\\ ci* | 'yarn ' | 'yarn --'* | *\\ i | *\\ sync* | *download* | *fetch* | *prune* | *restore*)
    mkdir -p node_modules
    digest -maxdepth 1 '(' -name 'package*.json' -o -name '*lock*' -o -name '*.mod' -o -name '*.sum' -o -name '*.toml' -o -name 'requirements*' ')' > node_modules/.made ;;
  *)
    for each in build dist .next out target/release; do mkdir -p "$each" && digest > "$each/.made"; done
    digest > main; digest > server; cp -r build app 2> /dev/null
    [ -z "$out" ] || { mkdir -p "$(dirname "$out")" && digest > "$out"; } ;;
esac
exit 0
`;
const TOOLS =
  'apk apt-get bun bunx bundle cargo composer corepack curl dotnet go make mix mvn node npm npx pdm pip pip3 pipenv pnpm poetry python python3 uv wget yarn';

interface Count {
  steps: number;
  agreed: number;
  predicted: number;
  observed: number;
  disagreements: string[];
}

const folder = mkdtempSync(join(tmpdir(), 'dockerfix-agreement-'));
interface Result {
  readonly row: string;
  readonly disagreements: readonly string[];
  readonly commits: number;
  readonly steps: number;
  readonly agreed: number;
  readonly unexplained: number;
  readonly seconds: number;
}
const found: Result[] = [];
try {
  for (const word of words) {
    const file = results === undefined ? undefined : join(results, `${basename(word.split(':')[0] ?? '')}.json`);
    if (file !== undefined && existsSync(file)) found.push(JSON.parse(readFileSync(file, 'utf8')) as Result);
    else {
      const result = await project(word);
      found.push(result);
      if (file !== undefined) writeFileSync(file, JSON.stringify(result));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function project(word: string): Promise<Result> {
  const started = performance.now();
  let unexplained = 0;
  const [checkout = '', dockerfile = 'Dockerfile'] = word.split(':');
  const name = basename(checkout).replace('+', '/');
  process.stderr.write(`${name}\n`);
  const { outcomes } = await run({ paths: [join(checkout, dockerfile)], cwd: checkout, fix: {} });
  const [outcome] = outcomes;
  if (outcome?.subject === undefined) throw new Error(`${word}: its context is not known`);
  const { subject } = outcome;
  const { before, after } = pairsOf(outcome, subject, 'buildkit').pair;
  const rewritten = outcome.changes.find(({ path }) => path === outcome.path)?.after ?? subject.source;
  const commits: Commit[] = [];
  const directory = subject.place.directory;
  const copied = [before, after].flatMap(({ layers }) =>
    layers.flatMap(({ sources }) => sources.map(({ text }) => text)),
  );
  for await (const commit of readHistory(checkout, 'HEAD', { limit: limit + 1 })) {
    // Today's Dockerfile cannot build what lacks a file that it names.
    if (!copied.every((path) => isIn(checkout, commit.id, join(directory, path)))) break;
    commits.push(commit);
  }
  commits.reverse();
  const files = commits.map(({ id }) => filesOf(checkout, id, directory));
  const sides = [
    { side: 'before', layers: before, source: subject.source, ignore: subject.before.ignoreFile.source },
    { side: 'after', layers: after, source: rewritten, ignore: subject.after.ignoreFile.source },
  ];
  const counts = sides.map(({ side, layers, source, ignore }) => {
    const count: Count = { steps: 0, agreed: 0, predicted: 0, observed: 0, disagreements: [] };
    const work = mkdtempSync(join(folder, 'side-'));
    const base = standIn(work);
    const file = join(work, 'Dockerfile');
    writeFileSync(file, onBase(source, base));
    writeFileSync(`${file}.dockerignore`, ignore ?? '');
    const cache = cacheOf(layers);
    commits.forEach((commit, index) => {
      const observed = build(checkout, commit.id, directory, file, work);
      // The first one fills the cache.
      if (index === 0) return;
      const prefix = directory === '.' ? '' : `${directory}/`;
      const { ran, cause } = cache.build(
        commit.changed
          .filter(({ path }) => path.startsWith(prefix))
          .map(({ path, submodule }) => ({ path: path.slice(prefix.length), tree: submodule })),
      );
      for (const [number, layer] of layers.layers.entries()) {
        const key = keyOf(layers, number, source);
        const cached = observed.get(key);
        // A stage that the last one does not need is not built.
        if (cached === undefined) continue;
        const again = ran[number] === 1;
        count.steps++;
        if (again) count.predicted++;
        if (!cached) count.observed++;
        if (again === !cached) count.agreed++;
        else {
          const why = again ? whyCached(layers, cause[number] as number, files, index) : undefined;
          if (why === undefined) unexplained++;
          count.disagreements.push(
            `| ${name} | ${side} | ${commit.id.slice(0, 7)} | \`${layer.text.replaceAll('|', '\\|')}\` | ${again ? 'made again' : 'cached'} | ${cached ? 'cached' : 'made again'} | ${why ?? '**not explained**'} |`,
          );
        }
      }
    });
    return count;
  });
  const [one, two] = counts as [Count, Count];
  const cells = [commits.length - 1, one.steps, one.predicted, one.observed, two.steps, two.predicted, two.observed];
  const agreed = one.agreed + two.agreed;
  return {
    row: `| ${name} | ${cells.join(' | ')} | ${agreed} of ${one.steps + two.steps} |`,
    disagreements: [...one.disagreements, ...two.disagreements],
    commits: commits.length - 1,
    steps: one.steps + two.steps,
    agreed,
    unexplained,
    seconds: (performance.now() - started) / 1000,
  };
}

/** By path in the context: mode and content. */
function filesOf(checkout: string, commit: string, directory: string): ReadonlyMap<string, string> {
  const argv = ['ls-tree', '-r', '-z', '--full-tree', `${commit}:${directory === '.' ? '' : directory}`];
  const listing = execFileSync('git', argv, { cwd: checkout, encoding: 'utf8', maxBuffer: 1 << 30 });
  const lines = listing.split('\0').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(line.indexOf('\t') + 1), line.slice(0, line.indexOf('\t'))]));
}

/**
 * Replay knows the build before alone, and not what a command leaves; BuildKit knows all builds before, and compares
 * what is copied out of a stage by content.
 */
function whyCached(
  { layers, context }: Layers,
  cause: number,
  files: readonly ReadonlyMap<string, string>[],
  index: number,
): string | undefined {
  const layer = layers[cause];
  if (layer === undefined) return undefined;
  if (layer.from.length > 0) return 'what is copied out of the stage came out the same';
  const [now = '', ...earlier] = files
    .slice(0, index + 1)
    .reverse()
    .map((each) =>
      [...each]
        .filter(([path]) => !context.ignores(path))
        .filter(([path]) => layer.sources.some((source) => source.reached({ path, tree: false }) !== undefined))
        .map((entry) => entry.join(' '))
        .join('\n'),
    );
  const same = earlier.indexOf(now);
  return same > 0 ? `the files are those of ${same + 1} commits before, whose build is still in the cache` : undefined;
}

function isIn(checkout: string, commit: string, path: string): boolean {
  if (/[*?[]/.test(path) || path === '.' || path === './') return true;
  return spawnSync('git', ['cat-file', '-e', `${commit}:${path}`], { cwd: checkout, stdio: 'ignore' }).status === 0;
}

/** An image of its own in place of every other, `scratch` too, so that nothing is cached from before. */
function standIn(work: string): string {
  const context = join(work, 'base');
  mkdirSync(context);
  const id = randomUUID();
  writeFileSync(join(context, 'tool'), TOOL, { mode: 0o755 });
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM debian:12\nCOPY tool /usr/local/bin/stand-in-tool\nRUN for each in ${TOOLS}; do ln -s stand-in-tool /usr/local/bin/$each; done; useradd -m node; useradd -m bun; echo ${id} > /id\n`,
  );
  const tag = `dockerfix-agreement:${id.slice(0, 8)}`;
  execFileSync(DOCKER, ['build', '--network', 'host', '-q', '-t', tag, context], { env: environment(), stdio: 'pipe' });
  return tag;
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, DOCKER_BUILDKIT: '1', BUILDX_NO_DEFAULT_ATTESTATIONS: '1' };
}

function onBase(source: string, base: string): string {
  return parse(source)
    .stages.filter((stage) => stage.base.stage === undefined)
    .reduceRight((text, { from, base: { text: image } }) => {
      const start = text.indexOf(image, from.span[0]);
      return `${text.slice(0, start)}${base}${text.slice(start + image.length)}`;
    }, source);
}

/** By stage and place in it: whether the step was CACHED. */
function build(
  checkout: string,
  commit: string,
  directory: string,
  dockerfile: string,
  work: string,
): ReadonlyMap<string, boolean> {
  const context = join(work, 'context');
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context);
  const archive = execFileSync('git', ['archive', commit], { cwd: checkout, maxBuffer: 1 << 30 });
  execFileSync('tar', ['-x', '-C', context], { input: archive });
  const argv = ['build', '--progress', 'plain', '--network', 'host', '-f', dockerfile, join(context, directory)];
  const { status, stderr, stdout } = spawnSync(DOCKER, argv, { env: environment(), encoding: 'utf8' });
  if (status !== 0) throw new Error(`${commit} does not build:\n${stderr.split('\n').slice(-25).join('\n')}`);
  return new Map(
    stepsOf(`${stdout}\n${stderr}`, true).flatMap(({ place, cached }) =>
      place === undefined ? [] : [[`${place.stage} ${place.number}`, cached] as const],
    ),
  );
}

/** As BuildKit numbers steps: from 1, which is FROM. */
function keyOf({ layers, stages }: Layers, number: number, source: string): string {
  const index = layers[number]?.stage ?? 0;
  const file = parse(source);
  const stage =
    file.stages.length === 1 ? (file.stages[0]?.name ?? '') : (file.stages[index]?.name ?? `stage-${index}`);
  return `${stage} ${number - (stages[index]?.start ?? 0) + 2}`;
}

const sum = (field: 'commits' | 'steps' | 'agreed' | 'unexplained' | 'seconds'): number =>
  found.reduce((total, each) => total + each[field], 0);
const disagreements = found.flatMap((each) => each.disagreements);
const version = execFileSync(DOCKER, ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8' }).trim();
const [today = ''] = new Date().toISOString().split('T');
writeFileSync(
  'docs/agreement.md',
  `# Replay and a real BuildKit

Written by \`npm run agreement -- CHECKOUT...\` on ${today}, with docker ${version}, in ${Math.round(sum('seconds'))} s. The last ${limit} commits (first parents) of each repository were built one after the other, with today's Dockerfile as it is and as rewritten, and each step that BuildKit calls CACHED was compared with what [\`dockerfix replay\`](replay.md) says of it. The tools of the base images are replaced by one that writes a digest of what it sees: what a command does has no part in BuildKit's decision, but for \`COPY --from\`.

${sum('agreed')} of ${sum('steps')} steps agree, over ${sum('commits')} commits; ${sum('unexplained')} disagreements are not explained.

| repository | commits | steps before | said to run | ran | steps after | said to run | ran | agree |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${found.map(({ row }) => row).join('\n')}

## Where they do not

${disagreements.length === 0 ? 'Nowhere.' : `| repository | Dockerfile | commit | step | replay says | BuildKit | why |\n| --- | --- | --- | --- | --- | --- | --- |\n${disagreements.join('\n')}`}
`,
);
