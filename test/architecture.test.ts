/** Who may import whom: the rooms of the house plan. */
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesBelow } from './support/fixtures.ts';

const root = join(import.meta.dirname, '..');

/** Rooms by path; the longest match wins. */
const ROOMS: readonly (readonly [path: string, room: string])[] = [
  ['transforms/', 'transforms'],
  ['src/cli/', 'cli'],
  ['src/batch/', 'batch'],
  ['src/lsp/', 'lsp'],
  ['src/reporters/', 'reporters'],
  ['src/run.ts', 'run'],
  ['src/write.ts', 'write'],
  ['src/index.ts', 'index'],
  ['src/testing.ts', 'testing'],
  ['src/testing/', 'testing'],
  ['src/plugin.ts', 'plugin'],
  ['src/engine.ts', 'engine'],
  ['src/misfit.ts', 'misfit'],
  ['src/diff.ts', 'diff'],
  ['src/proof/', 'proof'],
  ['src/moves/', 'moves'],
  ['src/layers/', 'layers'],
  ['src/verify/', 'verify'],
  ['src/replay.ts', 'replay'],
  ['src/effects/', 'effects'],
  ['src/managers/', 'managers'],
  ['src/context/disk.ts', 'disk'],
  ['src/context/regular.ts', 'disk'],
  ['src/context/find.ts', 'disk'],
  ['src/context/git.ts', 'disk'],
  ['src/context/history.ts', 'disk'],
  ['src/context/', 'context'],
  ['src/dockerfile/', 'dockerfile'],
  ['src/config/', 'config'],
  ['src/refusals.ts', 'refusals'],
  ['src/model.ts', 'model'],
  ['package.json', 'package'],
];

/** Downward only. Everything may import the model, and its own room. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  cli: [
    'batch',
    'index',
    'config',
    'refusals',
    'lsp',
    'run',
    'replay',
    'verify',
    'layers',
    'reporters',
    'diff',
    'write',
    'disk',
    'context',
  ],
  batch: ['reporters', 'write', 'disk'],
  lsp: ['index', 'run', 'reporters', 'diff', 'disk'],
  run: ['index', 'misfit', 'disk', 'context'],
  verify: ['index', 'layers', 'context'],
  replay: ['index', 'run', 'disk', 'layers'],
  testing: ['index', 'context', 'dockerfile'],
  index: ['engine', 'misfit', 'transforms', 'managers', 'context', 'dockerfile', 'package'],
  misfit: ['effects', 'dockerfile'],
  transforms: ['plugin'],
  plugin: ['moves', 'effects', 'managers'],
  engine: ['dockerfile', 'proof', 'diff'],
  reporters: ['diff', 'refusals'],
  refusals: [],
  config: ['index', 'context', 'disk'],
  proof: ['effects', 'dockerfile'],
  moves: ['layers', 'effects', 'managers', 'context', 'dockerfile'],
  layers: ['effects', 'context', 'dockerfile'],
  effects: ['managers', 'context', 'dockerfile'],
  managers: ['context', 'dockerfile'],
  disk: ['context'],
  context: ['dockerfile'],
  dockerfile: [],
  diff: [],
  write: ['run', 'disk', 'diff'],
  model: [],
};

/** Packages, and Node's own modules, with the rooms that may use them. */
const PACKAGES: readonly (readonly [name: RegExp, rooms: readonly string[]])[] = [
  [/^dockerfile-ast$/, ['dockerfile']],
  // Context discovery reads build commands out of scripts.
  [/^unbash$/, ['dockerfile', 'context']],
  [/^yaml$/, ['managers', 'context', 'batch']],
  [/^(?:smol-toml|fast-xml-parser)$/, ['managers']],
  [/^jsonc-parser$/, ['managers', 'context']],
  [/^hcl2-parser$/, ['context']],
  [/^ignore$/, ['context']],
  [/^node:crypto$/, ['reporters']],
  [/^diff$/, ['diff']],
  [/^diff2html$/, ['reporters']],
  [/^yargs$/, ['cli']],
  [/^(?:valibot|jiti)$/, ['config']],
  [/^node:/, ['batch', 'cli', 'lsp', 'config', 'run', 'write', 'disk', 'verify', 'testing']],
  [/^tar-stream$/, ['verify']],
  [/^(?:piscina|p-limit|picomatch|bullmq|ioredis)$/, ['batch']],
  [/^(?:@octokit|@gitbeaker)\/|^gitea-js$|^ky$/, ['batch']],
  [/^vscode-languageserver(?:\/node|-textdocument)$/, ['lsp']],
];

function roomOf(path: string): string | undefined {
  return ROOMS.find(([prefix]) => path === prefix || path.startsWith(prefix))?.[1];
}

function violations(files: Readonly<Record<string, string>>): string[] {
  const found: string[] = [];
  for (const [path, text] of Object.entries(files)) {
    const room = roomOf(path);
    if (room === undefined) {
      found.push(`${path} is in no room`);
      continue;
    }
    for (const match of text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
    )) {
      const specifier = (match[1] ?? match[2]) as string;
      if (specifier.startsWith('.')) {
        const target = roomOf(relative(root, resolve(root, path, '..', specifier)));
        if (target === room || target === 'model') continue;
        if (target === undefined || MAY[room]?.includes(target) !== true)
          found.push(`${path} (${room}) imports ${specifier} (${target ?? 'nothing known'})`);
      } else if (!PACKAGES.some(([name, rooms]) => name.test(specifier) && rooms.includes(room)))
        found.push(`${path} (${room}) imports ${specifier}`);
    }
  }
  return found;
}

const sources = Object.fromEntries(
  ['src', 'transforms'].flatMap((folder) =>
    Object.entries(filesBelow(join(root, folder))).map(([path, text]) => [`${folder}/${path}`, text] as const),
  ),
);

describe('import directions', () => {
  it('hold', () => {
    expect(Object.keys(sources).length).toBeGreaterThan(30);
    expect(violations(sources)).toEqual([]);
  });
  it.each([
    ['a transform that looks at the proof', 'transforms/x.ts', "import { proof } from '../src/proof/prove.ts';"],
    ['a manager that looks at effects', 'src/managers/x.ts', "import { trace } from '../effects/trace.ts';"],
    ['the core using Node', 'src/proof/x.ts', "import { readFileSync } from 'node:fs';"],
    ['the model importing', 'src/model.ts', "import { parse } from './dockerfile/parse.ts';"],
    ['another room using dockerfile-ast', 'src/moves/x.ts', "import { DockerfileParser } from 'dockerfile-ast';"],
    ['a lazy import', 'src/engine.ts', "const x = import('./cli/index.ts');"],
    ['a file in no room', 'src/helpers.ts', ''],
  ])('catch %s', (_reason, path, text) => {
    expect(violations({ [path]: text })).toHaveLength(1);
  });
});

it('names no registry and no place of a machine', () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  expect(lock).not.toContain('"resolved"');
  for (const [path, text] of Object.entries(sources))
    expect(text, path).not.toMatch(/registry\.(?:npmjs|yarnpkg)\.|\/work\/|\/root\/\.pyenv/);
});
