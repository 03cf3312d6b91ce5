/** Every package manager has fixtures of real shapes: 3 that apply, 4 that are refused, 1 that is right already. */
import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { managers, memoryContext, parse } from '../../src/index.ts';
import { traceOf } from '../../src/plugin.ts';
import { allCases, filesBelow } from '../support/fixtures.ts';

type Case = ReturnType<typeof allCases>[number];
type Kind = 'applies' | 'refuses' | 'already';
const LEAST: Readonly<Record<Kind, number>> = { applies: 3, refuses: 4, already: 1 };

/** Managers by the line of the instruction that runs them. */
function runners({ files }: Case): ReadonlyMap<number, ReadonlySet<string>> {
  const file = parse(files['Dockerfile'] ?? '');
  const traces = file.trouble === undefined ? traceOf(file, memoryContext(files)) : [];
  const found = new Map<number, Set<string>>();
  for (const { instruction, actions } of traces.flatMap(({ events }) => events))
    for (const { install } of actions)
      if (install !== undefined)
        found.set(instruction.line, (found.get(instruction.line) ?? new Set()).add(install.manager));
  return found;
}

/** What a case is about: what its name says, and the managers at the lines that its diagnostics name, or all of them. */
function* subjects(each: Case, kind: Kind): Iterable<string> {
  // Berry's commands are `yarn` too, and Lerna, Nx and Turbo leave the installing to others.
  for (const { name } of managers) if (`${each.name}-`.includes(`-${name}-`)) yield name;
  const byLine = runners(each);
  if (kind === 'already') {
    for (const names of byLine.values()) yield* names;
    return;
  }
  const said = filesBelow(join(each.folder, 'expected'))['diagnostics.txt'] ?? '';
  for (const [, line, code] of said.matchAll(/^(\d+) (\S+) /gm))
    if ((code === 'fix') === (kind === 'applies')) yield* byLine.get(Number(line)) ?? [];
}

const cases = new Map<string, Record<Kind, Set<string>>>(
  managers.map(({ name }) => [name, { applies: new Set(), refuses: new Set(), already: new Set() }]),
);
for (const each of allCases()) {
  const kind = each.name.slice(0, each.name.indexOf('-')) as Kind;
  for (const name of subjects(each, kind)) cases.get(name)?.[kind].add(each.name);
}

describe.each([...cases])('%s', (_name, counts) => {
  it.each(Object.entries(LEAST) as [Kind, number][])('%s in at least %i fixtures', (kind, least) => {
    expect([...counts[kind]].length).toBeGreaterThanOrEqual(least);
  });
});
