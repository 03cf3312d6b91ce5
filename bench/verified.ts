/**
 * The build scoreboard: `npm run scoreboard:verify -- [--results DIR] [CHECKOUT...]` builds the end-to-end suite's
 * projects and these checkouts before and after, and writes docs/verified.md. Results that DIR has are not made again.
 * Run it below scripts/with-builder.sh where there is no builder or no registry of images.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { prepare, verifyIn, type Verified } from '../test/e2e/prepare.ts';
import { PROJECTS } from '../test/e2e/projects.ts';

const words = process.argv.slice(2);
const at = words.indexOf('--results');
const results = at < 0 ? mkdtempSync(join(tmpdir(), 'dockerfix-verified-')) : resolve(words.splice(at, 2)[1] ?? '');
mkdirSync(results, { recursive: true });

function result(name: string, make: () => Verified): Verified {
  const file = join(results, `${name}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Verified;
  process.stderr.write(`${name}\n`);
  const made = make();
  writeFileSync(file, JSON.stringify(made));
  return made;
}

const rows = PROJECTS.map(({ name, manager, offline, ...project }) =>
  row(
    name,
    manager,
    offline === true ? 'local dependencies' : 'registry',
    result(name, () => {
      const folder = prepare({ name, ...project });
      try {
        return verifyIn(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
  ),
);
for (const checkout of words) {
  const name = basename(checkout);
  rows.push(
    row(
      name.replace('+', '/'),
      '',
      'fetched',
      result(name, () => verifyIn(checkout)),
    ),
  );
}

function row(name: string, manager: string, how: string, { verification, stderr }: Verified): string {
  const cells = (...texts: readonly string[]): string => `| ${[name, manager, how, ...texts].join(' | ')} |`;
  if (verification === undefined) {
    const reason = stderr.trim().split('\n').at(-1) ?? '';
    return cells(reason === '' ? 'nothing would change' : reason.replaceAll('|', '/'), '', '', '', '');
  }
  const { verdict, stages, cache, seconds } = verification;
  const differences = stages.reduce((sum, { comparison }) => sum + (comparison?.differences.length ?? 0), 0);
  const allowed = new Map<string, number>();
  for (const { comparison } of stages)
    for (const [rule, count] of Object.entries(comparison?.allowed ?? {}))
      if (count > 0) allowed.set(rule, (allowed.get(rule) ?? 0) + count);
  const told = verdict === 'same' || verdict === 'different' ? String(differences) : verdict;
  const { source } = cache ?? {};
  return cells(
    told,
    [...allowed].map(([rule, count]) => `${count} ${rule}`).join(', '),
    source === undefined ? '' : source.before.seconds.toFixed(1),
    source === undefined ? '' : source.after.seconds.toFixed(1),
    source === undefined ? '' : source.ratio.toFixed(1),
    Math.round(seconds).toString(),
  );
}

writeFileSync(
  'docs/verified.md',
  `# Verified by building

Written by \`scripts/with-builder.sh npm run scoreboard:verify\`: each project is built before and after by [\`dockerfix verify\`](verify.md), without any cache, on stand-in images (\`scripts/stand-ins.sh\`). Seconds are of a rebuild after a source edit; they are as noisy as the machine was busy.

How: \`registry\` means that dependencies came from the manager's registry; \`local dependencies\` that the real tool ran without one, on path dependencies; \`fetched\` is a public repository. Managers that are not in the table were not verified by building.

| project | manager | how | differences | let pass | rebuild before, s | after, s | ratio | all builds, s |
| ------- | ------- | --- | ----------- | -------- | ----------------- | -------- | ----- | ------------- |
${rows.join('\n')}
`,
);
