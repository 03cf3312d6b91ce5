/**
 * What dockerfix does to real repositories: `npm run scoreboard -- DIR...`, each DIR a checkout.
 *
 * Counts installs (one per command, stage and Dockerfile) by manager: already optimal, fixed, refused by code. An
 * install is at fault when a broad copy of the source stands above it. And it checks every Dockerfile for what must
 * always hold: nothing lost in parsing, a second run changes nothing, the CRLF twin gives the CRLF result.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findDockerfiles } from '../src/context/find.ts';
import { run } from '../src/run.ts';
import { fix, parse, type BuildContext, type Outcome, type Run } from '../src/index.ts';
import { opportunities, traceOf } from '../src/plugin.ts';

interface Row {
  optimal: number;
  fixed: number;
  refused: Map<string, number>;
}

const rows = new Map<string, Row>();
const row = (manager: string): Row => {
  const known = rows.get(manager) ?? { optimal: 0, fixed: 0, refused: new Map<string, number>() };
  rows.set(manager, known);
  return known;
};

interface Unit {
  readonly manager: string;
  /** Stage, manager and directory: what is counted once. */
  readonly key: string;
  readonly state: 'optimal' | 'faulty';
  readonly code: string;
}

/** Installs of a text, and builds that download, and whether a broad copy stands above. */
function units(source: string, context: BuildContext): Unit[] {
  const file = parse(source);
  if (file.trouble !== undefined) return [];
  return traceOf(file, context).flatMap((stage) => {
    const installs = opportunities(stage, context);
    const builds = opportunities(stage, context, { kind: 'build', narrow: true });
    const fine = new Set([...installs.optimal, ...builds.optimal].map((each) => each.install.command));
    const reasons = new Map(
      [...installs.blocked, ...builds.blocked].map((each) => [each.install.command, each.trouble.code]),
    );
    const planned = new Set(builds.plans.map((plan) => plan.last));
    const seen = new Set<string>();
    return stage.events.flatMap((event) =>
      event.actions.flatMap(({ install, command }): Unit[] => {
        if (install === undefined || command === undefined || !/^(?:install|fetch|build)$/.test(install.kind))
          return [];
        const key = `${stage.stage.index} ${install.manager} ${install.directory}`;
        const code = reasons.get(install.command);
        if (seen.has(key)) return [];
        // Into a cache mount, nothing is kept in a layer.
        if (install.kind === 'fetch' && code === undefined && !fine.has(install.command)) return [];
        // A build that nothing is copied for, or that finds what another one downloaded, has nothing to gain.
        if (
          install.kind === 'build' &&
          code === undefined &&
          !planned.has(event.instruction as Run) &&
          !fine.has(install.command)
        )
          return [];
        seen.add(key);
        const state = fine.has(install.command) || code === 'already-cached' ? 'optimal' : 'faulty';
        return [{ manager: install.manager, key, state, code: code ?? 'not-moved' }];
      }),
    );
  });
}

const directories = process.argv
  .slice(2)
  .flatMap((each) =>
    each.endsWith('/*') ? readdirSync(each.slice(0, -2)).map((name) => join(each.slice(0, -2), name)) : [each],
  );
let dockerfiles = 0;
let repositories = 0;
let changed = 0;
const broken: string[] = [];

for (const directory of directories) {
  if (!statSync(directory).isDirectory()) continue;
  const { files } = await findDockerfiles(['.'], directory);
  if (files.length === 0) continue;
  repositories++;
  const ignores = new Map<string, string>();
  const { outcomes } = await run({ paths: ['.'], cwd: directory, fix: {} });
  for (const outcome of outcomes) {
    dockerfiles++;
    const file = files.find((each) => each.shown === outcome.path);
    const before = file?.repository.read(file.path);
    if (file === undefined || before === undefined) continue;
    check(outcome.path, directory, before);
    if (outcome.context === undefined) {
      for (const each of units(before, file.repository.context('.', file.path))) {
        const into = row(each.manager).refused;
        const code = outcome.refused[0]?.code ?? each.code;
        if (each.state === 'faulty') into.set(code, (into.get(code) ?? 0) + 1);
      }
      continue;
    }
    const context = file.repository.context(outcome.context === '.' ? '.' : outcome.context, file.path);
    for (const change of outcome.changes) if (change.path !== outcome.path) ignores.set(change.path, change.after);
    tally(before, outcome, context, `${directory}/${outcome.path}`, ignores.get(context.ignoreFile.path));
  }
}

function tally(before: string, outcome: Outcome, context: BuildContext, where: string, ignore?: string): void {
  const after = outcome.changes.find((change) => change.path === outcome.path)?.after ?? before;
  const newContext = ignore === undefined ? context : context.withIgnoreFile(ignore);
  if (outcome.status === 'changed') changed++;
  const later = new Map(units(after, newContext).map((each) => [each.key, each]));
  for (const each of units(before, context)) {
    if (each.state === 'optimal') row(each.manager).optimal++;
    else {
      const then = later.get(each.key);
      const moved = after !== before && (then === undefined || then.state === 'optimal');
      if (moved) row(each.manager).fixed++;
      else {
        const code = outcome.refused.find((refusal) => refusal.code !== 'unsafe-fix')?.code ?? each.code;
        row(each.manager).refused.set(code, (row(each.manager).refused.get(code) ?? 0) + 1);
        console.log(`refused ${where} ${each.manager} ${code} ${outcome.refused[0]?.message ?? ''}`);
      }
    }
  }
  if (outcome.status !== 'changed' || newContext.ignoreFile.path === outcome.path) return;
  const again = fix({ path: outcome.path, source: after }, newContext);
  if (again.changes.length > 0)
    broken.push(
      `${where}: a second run changes it again: ${JSON.stringify(again.applied.map((each) => each.message))}`,
    );
  if (!before.includes('\r') && !before.includes('<<') && after !== before) {
    const twin = fix({ path: outcome.path, source: before.replaceAll('\n', '\r\n') }, context);
    const text = twin.changes.find((change) => change.path === outcome.path)?.after;
    if (text !== after.replaceAll('\n', '\r\n')) broken.push(`${where}: with CRLF it comes out differently`);
  }
}

/** Nothing is lost: instructions and comments lie in the text in order, and only blanks lie between them. */
function check(path: string, directory: string, source: string): void {
  const file = parse(source);
  const spans = [...file.instructions.map((each) => each.span), ...file.comments.map((each) => each.span)].sort(
    (a, b) => a[0] - b[0],
  );
  let at = 0;
  let rest = '';
  for (const [start, end] of spans) {
    if (start > at) rest += source.slice(at, start);
    at = Math.max(at, end);
  }
  rest += source.slice(at);
  if (file.trouble === undefined && /[^\s\ufeff\\`]/.test(rest.replace(/^\s*#.*$/gm, '')))
    broken.push(
      `${directory}/${path}: text lies outside of every instruction: ${JSON.stringify(rest.trim().slice(0, 60))}`,
    );
}

console.log(`${repositories} repositories, ${dockerfiles} Dockerfiles, ${changed} would change`);
console.log('\n| manager | optimal | at fault | fixed | refused |\n|---|---|---|---|---|');
for (const [manager, { optimal, fixed, refused }] of [...rows].sort()) {
  const count = [...refused.values()].reduce((sum, each) => sum + each, 0);
  const codes = [...refused].sort((a, b) => b[1] - a[1]).map(([code, times]) => `${code} ${times}`);
  console.log(`| ${manager} | ${optimal} | ${fixed + count} | ${fixed} | ${codes.join(', ')} |`);
}
console.log(`\nlossless, idempotent and CRLF-true: ${broken.length === 0 ? 'all' : `broken in ${broken.length}`}`);
for (const each of broken) console.log(each);
process.exitCode = broken.length === 0 ? 0 : 1;
