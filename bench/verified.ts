/**
 * The build scoreboard: `npm run scoreboard:verify -- [--results DIR [--table]] [CHECKOUT[:DOCKERFILE]...]` builds the
 * end-to-end suite's projects and these checkouts before and after, and writes docs/verified.md. What DIR has is not made
 * again, and is in the tables: an interrupted run goes on where it was, and --table builds none of the suite's projects
 * that are missing. Run it below scripts/with-builder.sh where there is no builder or no registry of images: what a
 * checkout builds on is then a stand-in of the same family.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { managers, parse } from '../src/index.ts';
import { DOCKER, prepare, verifyIn, type Verified } from '../test/e2e/prepare.ts';
import { CONTROLS, PROJECTS } from '../test/e2e/projects.ts';

const words = process.argv.slice(2);
const at = words.indexOf('--results');
const results = at < 0 ? mkdtempSync(join(tmpdir(), 'dockerfix-verified-')) : resolve(words.splice(at, 2)[1] ?? '');
const table = words.includes('--table');
mkdirSync(results, { recursive: true });

/** `label`: of a checkout. */
type Result = Verified & { readonly label?: string };

const fileOf = (name: string): string => join(results, `${name.replaceAll('/', '+')}.json`);
const wanted = ({ name }: { readonly name: string }): boolean => !table || existsSync(fileOf(name));

const made: Result[] = [];
function result(name: string, make: () => Result): Result {
  const file = fileOf(name);
  if (!existsSync(file)) {
    process.stderr.write(`${name}\n`);
    writeFileSync(file, JSON.stringify(make()));
  }
  const found = JSON.parse(readFileSync(file, 'utf8')) as Result;
  made.push(found);
  return found;
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

const built = new Map<string, string[]>();
const projects = PROJECTS.filter(wanted).map((project) => {
  const { name, manager, offline, options = [] } = project;
  const how = offline === true ? 'local dependencies' : 'registry';
  const verified = result(name, () => within(project, (folder) => verifyIn(folder, ...options)));
  const known = manager === 'yarn 4' ? 'yarn-berry' : (manager.split(' ')[0] ?? '');
  if (verified.verification?.verdict === 'same') built.set(known, [...(built.get(known) ?? []), `${name} (${how})`]);
  return row([name, manager, how], verified);
});

for (const word of words.filter((each) => each !== '--table')) {
  const [checkout = '', dockerfile = 'Dockerfile'] = word.split(':');
  const commit = execFileSync('git', ['rev-parse', '--short=7', 'HEAD'], { cwd: checkout, encoding: 'utf8' }).trim();
  const name = basename(checkout).replace('+', '/');
  standIn(readFileSync(join(checkout, dockerfile), 'utf8'));
  const label = dockerfile.includes('/') ? `${name} ${dockerfile}` : name;
  result(label.replaceAll(' ', '+'), () => ({
    label: `${label} (${commit})`,
    ...verifyIn(checkout, '--timeout', '600', dockerfile),
  }));
}
const checkouts = readdirSync(results)
  .map((name) => JSON.parse(readFileSync(join(results, name), 'utf8')) as Result)
  .filter(({ label }) => label !== undefined);
const fails = checkouts.filter(({ verification }) => verification?.verdict === 'original-fails');
const fetched = checkouts.filter((each) => !fails.includes(each)).map((each) => row([each.label ?? ''], each));

const controls = CONTROLS.map((each) => ({ ...each, name: `control-${each.name}` }))
  .filter(wanted)
  .map((control) => {
    const { verification } = result(control.name, () =>
      within(control, (folder) => {
        const rewritten = join(folder, '.git', 'rewritten');
        writeFileSync(rewritten, control.rewritten);
        return verifyIn(folder, '--against', rewritten, '--no-cache', 'Dockerfile');
      }),
    );
    return `| ${control.name.replace('control-', '')} | ${verification?.verdict ?? 'nothing built'} | ${differencesOf(verification)} |`;
  });

/** Names an image after that this machine has in place of one that it cannot pull. */
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
    if (spawnSync(DOCKER, ['image', 'inspect', name], { stdio: 'ignore' }).status === 0) continue;
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

function row(first: readonly string[], { verification, stderr }: Verified): string {
  const cells = (...texts: readonly string[]): string => `| ${[...first, ...texts].join(' | ')} |`;
  if (verification === undefined) {
    const reason = stderr.trim().split('\n').at(-1) ?? '';
    return cells(reason === '' ? 'nothing would change' : reason.replaceAll('|', '/'), '', '', '', '', '', '');
  }
  const { verdict, stages, cache, seconds, diskBytes } = verification;
  const allowed = new Map<string, number>();
  for (const { comparison } of stages)
    for (const [rule, count] of Object.entries(comparison?.allowed ?? {}))
      if (count > 0) allowed.set(rule, (allowed.get(rule) ?? 0) + count);
  const { source } = cache ?? {};
  return cells(
    verdict === 'same' || verdict === 'different' ? String(differencesOf(verification)) : verdict,
    [...allowed].map(([rule, count]) => `${count} ${rule}`).join(', '),
    source === undefined ? '' : source.before.seconds.toFixed(1),
    source === undefined ? '' : source.after.seconds.toFixed(1),
    source === undefined ? '' : source.ratio.toFixed(1),
    Math.round(seconds).toString(),
    Math.round(diskBytes / 1e6).toString(),
  );
}

const all = [...made.filter(({ label }) => label === undefined), ...checkouts];
const verifications = all.flatMap(({ verification }) => verification ?? []);
const minutes = Math.round(verifications.reduce((sum, { seconds }) => sum + seconds, 0) / 60);
const megabytes = Math.round(Math.max(...verifications.map(({ diskBytes }) => diskBytes)) / 1e6);
const version = execFileSync(DOCKER, ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8' }).trim();
const [today = ''] = new Date().toISOString().split('T');
const head = 'differences | let pass | rebuild before, s | after, s | ratio | all builds, s | disk, MB |';
const rule = '| --- | --- | --- | --- | --- | --- | --- |';

writeFileSync(
  'docs/verified.md',
  `# Verified by building

Written by \`scripts/with-builder.sh npm run scoreboard:verify -- CHECKOUT...\` on ${today}, with docker ${version}: each project is built before and after by [\`dockerfix verify\`](verify.md), without any cache, on stand-in images (\`scripts/stand-ins.sh\`). Rebuilds are after an edit of a source file, once each: their seconds are as noisy as the machine was busy. Disk is the most in use at once, beyond the start; what others wrote in the meantime is part of it. All of it took ${minutes} minutes and at most ${megabytes} MB at once.

## Small projects

They are those of \`test/e2e/projects.ts\`. How: \`registry\` means that dependencies came from the manager's registry; \`local dependencies\` that the real tool ran without one, on path dependencies.

| project | manager | how | ${head}
| --- | --- | --- ${rule}
${projects.join('\n')}

## By manager

What was not built rests on the sources that its [page](managers/index.md) names, and on what that marks as run ([V]).

| manager | built, and the same |
| --- | --- |
${managers.map(({ name }) => `| ${name} | ${built.get(name)?.join(', ') ?? 'not built'} |`).join('\n')}

## Public repositories

Their base images were stand-ins of the same family, of another version where need be; \`apk add\` installed Debian's packages. No rebuild is told where the rewrite only mends the ignore file; where the compilation takes the time and not the download, nearly nothing is won.

| repository | ${head}
| --- ${rule}
${fetched.join('\n')}
${
  fails.length === 0
    ? ''
    : `\nThese did not build here as they are, so that nothing was compared: ${fails.map(({ label }) => label ?? '').join(', ')}.\n`
}
## Wrong rewrites

Each has to be caught.

| control | verdict | differences |
| --- | --- | --- |
${controls.join('\n')}
`,
);
