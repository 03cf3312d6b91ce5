/**
 * The build scoreboard: `npm run scoreboard:verify -- [--results DIR] [--merge] [REPOSITORY|PROJECT...]` builds the end-to-end
 * suite's projects and these repositories (default: REPOSITORIES) before and after, and writes docs/verified.md. What DIR
 * has is not made again: an interrupted run goes on where it was. With --merge, what is neither named nor in DIR is not
 * made, and its rows on the page stay. How a repository is named, tells public-repositories.ts. Run it below
 * scripts/with-builder.sh where there is no builder or no registry of images: what a repository builds on is then a
 * stand-in of the same family.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { managers, parse } from '../src/index.ts';
import { DOCKER, prepare, verifyIn, type Verified } from '../test/e2e/prepare.ts';
import { CONTROLS, PROJECTS } from '../test/e2e/projects.ts';
import { cloneInto, REPOSITORIES, targetOf } from './public-repositories.ts';

const PAGE = 'docs/verified.md';

const words = process.argv.slice(2);
const at = words.indexOf('--results');
const results = at < 0 ? mkdtempSync(join(tmpdir(), 'dockerfix-verified-')) : resolve(words.splice(at, 2)[1] ?? '');
const merge = words.includes('--merge');
const named = words.filter((word) => word !== '--merge');
mkdirSync(results, { recursive: true });

/** `label`: of a repository. */
type Result = Verified & { readonly label?: string };
type Row = readonly string[];

const fileOf = (name: string): string => join(results, `${name.replaceAll('/', '+')}.json`);

function result(name: string, make: () => Result): Result {
  const file = fileOf(name);
  if (!existsSync(file)) {
    process.stderr.write(`${name}\n`);
    writeFileSync(file, JSON.stringify(make()));
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Result;
}

const page = merge ? readFileSync(PAGE, 'utf8') : '';

/** The rows that stay, by their first cell. */
function rowsBelow(heading: string): ReadonlyMap<string, Row> {
  const [part = ''] = (page.split(`## ${heading}\n`)[1] ?? '').split('\n## ');
  const rows = [...part.matchAll(/^\|(.*)\|$/gm)].map(([, row = '']) => row.split('|').map((cell) => cell.trim()));
  // The first two are the head and the line below it.
  return new Map(rows.slice(2).map((cells) => [cells[0] ?? '', cells]));
}

/** A row for each: made now, or as the page has it. */
function rowsOf<T extends { readonly name: string }>(
  all: readonly T[],
  heading: string,
  make: (each: T) => Row,
): Row[] {
  const kept = rowsBelow(heading);
  return all.flatMap((each) => {
    if (!merge || named.includes(each.name) || existsSync(fileOf(each.name))) return [make(each)];
    const row = kept.get(each.name.replace('control-', ''));
    return row === undefined ? [] : [row];
  });
}

function within(project: Parameters<typeof prepare>[0], work: (folder: string) => Verified): Verified {
  let folder: string | undefined;
  try {
    folder = prepare(project);
    return work(folder);
  } catch (error) {
    return { code: null, stderr: `it could not be prepared: ${String(error).split('\n')[0] ?? ''}` };
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

const how = ({ offline }: (typeof PROJECTS)[number]): string => (offline === true ? 'local dependencies' : 'registry');
const projects = rowsOf(PROJECTS, 'Small projects', (project) => {
  const { name, manager, options = [] } = project;
  return row(
    [name, manager, how(project)],
    result(name, () => within(project, (folder) => verifyIn(folder, ...options))),
  );
});

const same = new Set(projects.filter(([, , , differences]) => differences === '0').map(([name]) => name));
const built = new Map<string, string[]>();
for (const project of PROJECTS.filter(({ name }) => same.has(name))) {
  const { name, manager } = project;
  const known = manager === 'yarn 4' ? 'yarn-berry' : (manager.split(' ')[0] ?? '');
  built.set(known, [...(built.get(known) ?? []), `${name} (${how(project)})`]);
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const wrong = CONTROLS.map((each) => ({ ...each, name: `control-${each.name}` }));
const ours = new Set([...PROJECTS, ...wrong].map(({ name }) => name));
const theirs = named.filter((word) => !ours.has(word));
for (const word of theirs.length > 0 || merge ? theirs : REPOSITORIES) {
  const target = targetOf(word, isDirectory);
  const { name, dockerfile } = target;
  const label = dockerfile.includes('/') ? `${name} ${dockerfile}` : name;
  result(label.replaceAll(' ', '+'), () => {
    const checkout = target.directory ?? mkdtempSync(join(tmpdir(), 'dockerfix-verified-clone-'));
    try {
      if (target.directory === undefined) cloneInto(checkout, target);
      const commit = execFileSync('git', ['rev-parse', '--short=7', 'HEAD'], {
        cwd: checkout,
        encoding: 'utf8',
      }).trim();
      standIn(readFileSync(join(checkout, dockerfile), 'utf8'));
      return { label: `${label} (${commit})`, ...verifyIn(checkout, '--timeout', '600', dockerfile) };
    } finally {
      if (target.directory === undefined) rmSync(checkout, { recursive: true, force: true });
    }
  });
}

/** By names without the commit: rows, and of what did not build as it is the label alone. */
const fetched = new Map([...rowsBelow('Public repositories')].map(([label, cells]) => [withoutCommit(label), cells]));
const fails = new Map(
  (/^These did not build here[^:]*: (.*)\.$/m.exec(page)?.[1]?.split(', ') ?? []).map((label) => [
    withoutCommit(label),
    label,
  ]),
);
for (const file of readdirSync(results)) {
  const { label, ...verified } = JSON.parse(readFileSync(join(results, file), 'utf8')) as Result;
  if (label === undefined) continue;
  const name = withoutCommit(label);
  fetched.delete(name);
  fails.delete(name);
  if (verified.verification?.verdict === 'original-fails') fails.set(name, label);
  else fetched.set(name, row([label], verified));
}
const repositories = [...fetched.keys()].sort().map((name) => fetched.get(name) ?? []);

const controls = rowsOf(wrong, 'Wrong rewrites', (control) => {
  const { verification } = result(control.name, () =>
    within(control, (folder) => {
      const rewritten = join(folder, '.git', 'rewritten');
      writeFileSync(rewritten, control.rewritten);
      return verifyIn(folder, '--against', rewritten, '--no-cache', 'Dockerfile');
    }),
  );
  const name = control.name.replace('control-', '');
  return [name, verification?.verdict ?? 'nothing built', String(differencesOf(verification))];
});

function withoutCommit(label: string): string {
  return label.replace(/ \([0-9a-f]{7}\)$/, '');
}

/** Has one of this machine's images stand in for each that it neither has nor can pull. */
function standIn(dockerfile: string): void {
  const file = parse(dockerfile);
  const names = file.stages.flatMap(({ base, instructions }) => [
    ...(base.stage === undefined ? [base.image] : []),
    ...instructions.flatMap((each) =>
      (each.keyword === 'COPY' || each.keyword === 'ADD') && each.fromStage === undefined ? [each.from] : [],
    ),
  ]);
  for (const name of names) {
    if (name === undefined || name === 'scratch' || name.includes('@')) continue;
    const works = (...argv: readonly string[]): boolean => spawnSync(DOCKER, argv, { stdio: 'ignore' }).status === 0;
    if (works('image', 'inspect', name) || works('pull', '--quiet', name)) continue;
    const family =
      /^(?:docker\.io\/)?(?:library\/)?(alpine|node|python|golang|rust|maven|gradle|clojure|php|composer|ruby|elixir|erlang|nginx|oven\/bun)(?::|$)/;
    const found = family.exec(name)?.[1] ?? 'debian';
    const version = name.includes('alpine') && /^(?:node|python|golang)$/.test(found) ? 'alpine' : 'latest';
    execFileSync(DOCKER, ['tag', `${found}:${version}`, name], { stdio: 'inherit' });
  }
}

function differencesOf(verification: Verified['verification']): number {
  return (verification?.stages ?? []).reduce((sum, { comparison }) => sum + (comparison?.differences.length ?? 0), 0);
}

function row(first: Row, { verification, stderr }: Verified): Row {
  if (verification === undefined) {
    const reason = stderr.trim().split('\n').at(-1) ?? '';
    return [...first, reason === '' ? 'nothing would change' : reason.replaceAll('|', '/'), '', '', '', '', '', ''];
  }
  const { verdict, stages, cache, seconds, diskBytes } = verification;
  const allowed = new Map<string, number>();
  for (const { comparison } of stages)
    for (const [rule, count] of Object.entries(comparison?.allowed ?? {}))
      if (count > 0) allowed.set(rule, (allowed.get(rule) ?? 0) + count);
  const { source } = cache ?? {};
  return [
    ...first,
    verdict === 'same' || verdict === 'different' ? String(differencesOf(verification)) : verdict,
    [...allowed].map(([rule, count]) => `${count} ${rule}`).join(', '),
    source === undefined ? '' : source.before.seconds.toFixed(1),
    source === undefined ? '' : source.after.seconds.toFixed(1),
    source === undefined ? '' : source.ratio.toFixed(1),
    Math.round(seconds).toString(),
    Math.round(diskBytes / 1e6).toString(),
  ];
}

const numbers = (column: number): number[] => [...projects, ...repositories].map((cells) => Number(cells.at(column)));
const minutes = Math.round(numbers(-2).reduce((sum, seconds) => sum + seconds, 0) / 60);
const megabytes = Math.max(...numbers(-1));
const lines = (rows: readonly Row[]): string => rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const version = execFileSync(DOCKER, ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8' }).trim();
const [today = ''] = new Date().toISOString().split('T');
const head = 'differences | let pass | rebuild before, s | after, s | ratio | all builds, s | disk, MB |';
const rule = '| --- | --- | --- | --- | --- | --- | --- |';

const text = `# Verified by building

Written by \`scripts/with-builder.sh npm run scoreboard:verify\`, last on ${today}, with docker ${version}: each project is built before and after by [\`dockerfix verify\`](verify.md), without any cache, on stand-ins (\`scripts/stand-ins.sh\`) for images that cannot be pulled. Rebuilds are after an edit of a source file, once each: their seconds are as noisy as the machine was busy. Disk is the most in use at once, beyond the start; what others wrote in the meantime is part of it. The builds of both tables took ${minutes} minutes, and at most ${megabytes} MB at once.

## Small projects

They are those of \`test/e2e/projects.ts\`. How: \`registry\` means that dependencies came from the manager's registry; \`local dependencies\` that the real tool ran without one, on path dependencies.

| project | manager | how | ${head}
| --- | --- | --- ${rule}
${lines(projects)}

## By manager

What was not built rests on the sources that its [page](managers/index.md) names, and on what that marks as run ([V]).

| manager | built, and the same |
| --- | --- |
${managers.map(({ name }) => `| ${name} | ${built.get(name)?.join(', ') ?? 'not built'} |`).join('\n')}

## Public repositories

Their commits are in \`bench/public-repositories.ts\`. Their base images were stand-ins of the same family, of another version where need be; \`apk add\` installed Debian's packages. No rebuild is told where the rewrite only mends the ignore file; where the compilation takes the time and not the download, nearly nothing is won.

| repository | ${head}
| --- ${rule}
${lines(repositories)}
${
  fails.size === 0
    ? ''
    : `\nThese did not build here as they are, so that nothing was compared: ${[...fails.values()].sort().join(', ')}.\n`
}
## Wrong rewrites

Each has to be caught.

| control | verdict | differences |
| --- | --- | --- |
${lines(controls)}
`;
writeFileSync(PAGE, await format(text, { ...(await resolveConfig(PAGE)), parser: 'markdown' }));
