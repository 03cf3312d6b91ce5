/**
 * Does replay say what BuildKit does? `npm run agreement -- [--commits N] CHECKOUT[:DOCKERFILE]...` builds the last N
 * commits (default 10) of each repository one after the other, as the Dockerfile is today and as rewritten, and compares
 * each step that the cache model says is made again with the steps that BuildKit calls CACHED. Writes docs/agreement.md.
 *
 * What a command does has no part in BuildKit's decision but for `COPY --from`, so that the tools of the base images are
 * replaced by one that writes a digest of what it can see: thus many builds take seconds, and need no registry.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
const at = words.indexOf('--commits');
const limit = at < 0 ? 10 : Number(words.splice(at, 2)[1]);

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
  *install* | *\\ ci* | 'yarn ' | 'yarn --'* | *\\ i | *\\ sync* | *download* | *fetch* | *prune* | *restore*)
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
const rows: string[] = [];
const disagreements: string[] = [];
const total = { commits: 0, steps: 0, agreed: 0 };
const started = performance.now();
try {
  for (const word of words) await project(word);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function project(word: string): Promise<void> {
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
  for await (const commit of readHistory(checkout, 'HEAD', { limit: limit + 1 })) commits.push(commit);
  commits.reverse();
  const sides = [
    { side: 'before', layers: before, source: subject.source, ignore: subject.before.ignoreFile.source },
    { side: 'after', layers: after, source: rewritten, ignore: subject.after.ignoreFile.source },
  ];
  const directory = subject.place.directory;
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
      const { ran } = cache.build(
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
        else
          count.disagreements.push(
            `| ${name} | ${side} | ${commit.id.slice(0, 7)} | \`${layer.text.replaceAll('|', '\\|')}\` | ${again ? 'made again' : 'cached'} | ${cached ? 'cached' : 'made again'} |`,
          );
      }
    });
    return count;
  });
  const [one, two] = counts as [Count, Count];
  const cells = [commits.length - 1, one.steps, one.predicted, one.observed, two.steps, two.predicted, two.observed];
  const agreed = one.agreed + two.agreed;
  rows.push(`| ${name} | ${cells.join(' | ')} | ${agreed} of ${one.steps + two.steps} |`);
  disagreements.push(...one.disagreements, ...two.disagreements);
  total.commits += commits.length - 1;
  total.steps += one.steps + two.steps;
  total.agreed += agreed;
}

/** An image of its own, so that nothing is cached from before. */
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
    .stages.filter((stage) => stage.base.stage === undefined && stage.base.image !== 'scratch')
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

const version = execFileSync(DOCKER, ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8' }).trim();
const [today = ''] = new Date().toISOString().split('T');
writeFileSync(
  'docs/agreement.md',
  `# Replay and a real BuildKit

Written by \`npm run agreement -- CHECKOUT...\` on ${today}, with docker ${version}, in ${Math.round((performance.now() - started) / 1000)} s. The last ${limit} commits (first parents) of each repository were built one after the other, with today's Dockerfile as it is and as rewritten, and each step that BuildKit calls CACHED was compared with what [\`dockerfix replay\`](replay.md) says of it. The tools of the base images are replaced by one that writes a digest of what it sees: what a command does has no part in BuildKit's decision, but for \`COPY --from\`.

${total.agreed} of ${total.steps} steps agree, over ${total.commits} commits.

| repository | commits | steps before | said to run | ran | steps after | said to run | ran | agree |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

## Where they do not

${disagreements.length === 0 ? 'Nowhere.' : `| repository | Dockerfile | commit | step | replay says | BuildKit |\n| --- | --- | --- | --- | --- | --- |\n${disagreements.join('\n')}`}
`,
);
