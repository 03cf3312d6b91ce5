/** Inputs by number: generated projects, the fixtures and some odd shapes, each changed in a few places. */
import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FixOptions } from '../../src/index.ts';
import { filesBelow } from '../../src/testing/folders.ts';
import { buildable } from '../reference/build.ts';
import { draft, type Project } from '../reference/generate.ts';
import { Random } from './random.ts';
import { SHAPES, TOKENS, VALUES } from './shapes.ts';

export interface Input {
  /** `project`: in the language of the reference interpreter; `evidence`: files that say where a Dockerfile is built. */
  readonly kind: 'project' | 'mutated' | 'evidence';
  readonly source: string;
  readonly files: Readonly<Record<string, string>>;
  readonly links: readonly string[];
  readonly options: FixOptions;
  readonly project?: Project;
}

interface Seed {
  readonly source: string;
  readonly files: Readonly<Record<string, string>>;
}

/** The fixtures' projects, before and after; then the shapes, in a project of many managers. */
export function seedsOf(fixtures: string): readonly Seed[] {
  const seeds: Seed[] = [];
  for (const transform of readdirSync(fixtures).sort())
    for (const name of readdirSync(join(fixtures, transform)).sort()) {
      const { Dockerfile: source = '', ...files } = filesBelow(join(fixtures, transform, name), [
        'expected',
        'options.json',
      ]);
      seeds.push({ source, files });
      const { Dockerfile: after, '.dockerignore': ignore } = filesBelow(join(fixtures, transform, name, 'expected'));
      if (after !== undefined)
        seeds.push({ source: after, files: ignore === undefined ? files : { ...files, '.dockerignore': ignore } });
    }
  return [...seeds, ...SHAPES.map((source) => ({ source, files: MANY }))];
}

const MANY: Readonly<Record<string, string>> = {
  '.dockerignore': 'node_modules\n',
  'package.json': '{"name":"app","scripts":{"build":"x"},"dependencies":{"a":"1"}}',
  'package-lock.json': '{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"1"}}}}',
  'yarn.lock': '# yarn lockfile v1\n',
  'requirements.txt': 'flask\n',
  'go.mod': 'module x\n',
  'go.sum': '',
  'Cargo.toml': '[package]\nname = "x"\n',
  'Cargo.lock': 'version = 4\n',
  'src/main.rs': 'fn main() {}\n',
  'main.go': 'package main\n',
  'server.js': '1\n',
};

/** The input of a seed at a place. */
export function inputAt(seeds: readonly Seed[], seed: number, at: number): Input {
  const random = new Random(seed, at);
  const choice = random.below(100);
  if (choice < 40) return generated(random);
  if (choice < 95) return mutated(seeds, random);
  return evidence(random);
}

// ------------------------------------------------------------------------------------- generated projects

const sample = (random: Random): Project => fc.sample(draft, { seed: random.next() | 0, numRuns: 1 })[0] as Project;

/** Lines are lost, doubled, exchanged, or come from another project: all that stays in the interpreter's language. */
function generated(random: Random): Input {
  let made = sample(random);
  const plain = (source: string): boolean => !source.includes('<<') && !source.includes('\\\n');
  if (random.chance(50) && plain(made.source)) {
    const lines = made.source.split('\n').slice(0, -1);
    for (let n = random.below(3); n >= 0; n--) {
      const from = 1 + random.below(lines.length - 1);
      const to = 1 + random.below(lines.length - 1);
      const how = random.below(4);
      if (lines.length < 3 || /^FROM/.test(lines[from] ?? '') || /^FROM/.test(lines[to] ?? '')) continue;
      if (how === 0) lines.splice(from, 1);
      else if (how === 1) lines.splice(to, 0, lines[from] as string);
      else if (how === 2) [lines[from], lines[to]] = [lines[to] as string, lines[from] as string];
      else {
        const { source } = sample(random);
        const other = source.split('\n').filter((line) => !/^(?:FROM|COPY --from|$)/.test(line));
        if (plain(source) && other.length > 0) lines.splice(to, 0, random.pick(other));
      }
    }
    made = { ...made, source: `${lines.join('\n')}\n` };
  }
  if (random.chance(20)) {
    const rules = (made.context.files['.dockerignore'] ?? '').split('\n');
    rules.splice(random.below(rules.length), random.below(2), random.pick(RULES));
    const ignore = { '.dockerignore': `${rules.join('\n')}\n` };
    const { context, disk } = made;
    made = {
      ...made,
      context: { ...context, files: { ...context.files, ...ignore } },
      disk: { ...disk, files: { ...disk.files, ...ignore } },
    };
  }
  if (random.chance(75)) made = { ...made, source: buildable(made.source, made.context) };
  return {
    kind: 'project',
    source: made.source,
    files: made.context.files,
    links: made.context.links ?? [],
    options: {},
    project: made,
  };
}

const RULES: readonly string[] = [
  ...[
    'node_modules',
    '**/node_modules',
    '!node_modules',
    '*',
    '!*',
    '**',
    'src',
    '!src',
    'src/**',
    '*.json',
    '!package.json',
  ],
  ...[
    'packages/*/package.json',
    '**/*.js',
    '!**/a.js',
    '/x.txt',
    'x.txt/',
    '.npmrc',
    '**/.npmrc',
    '!.npmrc',
    'dist',
    '?.txt',
    '# x',
    '',
  ],
];

// ------------------------------------------------------------------------------------------------ mutations

function mutated(seeds: readonly Seed[], random: Random): Input {
  const seed = random.pick(seeds);
  let { source } = seed;
  const files: Record<string, string> = { ...seed.files };
  if (random.chance(65))
    for (let n = random.below(5); n >= 0; n--) source = changeText(source, random, () => random.pick(seeds).source);
  const names = Object.keys(files);
  if (names.length > 0 && random.chance(65))
    for (let n = random.below(4); n >= 0; n--) {
      const name = random.pick(names);
      const text = files[name] ?? '';
      const other = (): string => random.pick(Object.values(random.pick(seeds).files).concat(''));
      files[name] =
        /\.(?:json|lock)$/.test(name) && random.chance(70) ? changeJson(text, random) : changeText(text, random, other);
    }
  const links: string[] = [];
  if (names.length > 0 && random.chance(15)) {
    const name = random.pick(names);
    const how = random.below(4);
    if (how === 0) Reflect.deleteProperty(files, name);
    else if (how === 1) {
      links.push(name);
      files[name] = random.pick([...names, '..', '/', '/etc/passwd', '../../x', '.', name, '']);
    } else if (how === 2) files[random.pick(ADDED)] = random.pick(Object.values(files));
    else files[`${name}/below`] = 'x';
  }
  return { kind: 'mutated', source, files, links, options: optionsOf(random) };
}

const ADDED: readonly string[] = [
  ...[
    '.npmrc',
    '.yarnrc',
    '.yarnrc.yml',
    '.gitignore',
    'Dockerfile.dockerignore',
    'pnpm-workspace.yaml',
    'lerna.json',
    'bunfig.toml',
  ],
  ...[
    '.pnpmfile.cjs',
    'setup.py',
    'setup.cfg',
    'pip.conf',
    'constraints.txt',
    'vendor/x',
    'node_modules/a/index.js',
    'a/package.json',
  ],
];

function optionsOf(random: Random): FixOptions {
  if (random.chance(50)) return {};
  return {
    unsafe: random.chance(50),
    target: {
      style: random.pick(['copy', 'copy', 'bind', 'parents'] as const),
      builder: random.pick(['buildkit', 'buildkit', 'buildah', 'kaniko', 'classic'] as const),
    },
    ...(random.chance(40) ? { add: ['frozen-install', 'cache-mounts', 'late-arg'] } : {}),
  };
}

/** One change of a text somewhere: what is at hand is lost, doubled, moved, or something else is put there. */
function changeText(text: string, random: Random, other: () => string): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(random.chance(70) ? 8 : 80));
  const lines = text.split('\n');
  const line = random.below(lines.length);
  switch (random.below(12)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, end) + text.slice(at, end) + text.slice(end);
    case 2:
      return text.slice(0, at) + random.pick(TOKENS) + text.slice(random.chance(50) ? at : end);
    case 3:
      lines.splice(line, 1);
      return lines.join('\n');
    case 4:
      lines.splice(random.below(lines.length), 0, lines[line] as string);
      return lines.join('\n');
    case 5: {
      const to = random.below(lines.length);
      [lines[line], lines[to]] = [lines[to] as string, lines[line] as string];
      return lines.join('\n');
    }
    case 6:
      lines.splice(line, 0, ...lines.splice(random.below(lines.length), 1 + random.below(4)));
      return lines.join('\n');
    case 7: {
      const from = other().split('\n');
      const start = random.below(from.length);
      lines.splice(line, random.below(2), ...from.slice(start, start + 1 + random.below(5)));
      return lines.join('\n');
    }
    case 8: {
      const words = (lines[line] as string).split(' ');
      words.splice(random.below(words.length), random.below(2), random.pick(TOKENS));
      lines[line] = words.join(' ');
      return lines.join('\n');
    }
    case 9:
      lines[line] = random.pick([
        (each: string) => each.toLowerCase(),
        (each: string) => each.toUpperCase(),
        (each: string) => `${each}\r`,
        (each: string) => `  ${each}`,
        (each: string) => `${each} \\`,
        (each: string) => each.replace(/ /g, '\\\n'),
        (each: string) => `# ${each}`,
        (each: string) => `ONBUILD ${each}`,
      ])(lines[line] as string);
      return lines.join('\n');
    case 10:
      return text.slice(0, at) + random.pick(TOKENS).repeat(1 + random.below(40)) + text.slice(at);
    default:
      return random.chance(50) ? text.slice(0, at) : text.replace(/\n+$/, '');
  }
}

/** Another value at some place of a document, or one place's value at another. */
function changeJson(text: string, random: Random): string {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return changeText(text, random, () => '{}');
  }
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key]);
      visit((value as Record<string, unknown>)[key]);
    }
  };
  visit(root);
  if (places.length === 0 || random.chance(3)) return JSON.stringify(random.pick(VALUES));
  const [holder, key] = random.pick(places);
  const [from, name] = random.pick(places);
  switch (random.below(5)) {
    case 0:
      Reflect.deleteProperty(holder, key);
      break;
    case 1:
      Object.defineProperty(holder, random.pick([key, name, ...FIELDS]), {
        value: structuredClone(from[name]),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      break;
    default:
      Object.defineProperty(holder, random.chance(60) ? key : random.pick(FIELDS), {
        value: structuredClone(random.pick(VALUES)),
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  return JSON.stringify(root, undefined, random.pick([0, 2]));
}

const FIELDS: readonly string[] = [
  ...'name version scripts dependencies devDependencies optionalDependencies peerDependencies workspaces packages bin files'.split(
    ' ',
  ),
  ...'pnpm overrides patchedDependencies resolutions directories engines packageManager prisma husky postinstall prepare'.split(
    ' ',
  ),
  ...'lockfileVersion bundleDependencies hasInstallScript link resolved __proto__ constructor repositories autoload imports'.split(
    ' ',
  ),
];

// ------------------------------------------------------------------------------------------------- evidence

const EVIDENCE: readonly (readonly [path: string, text: string])[] = [
  [
    'compose.yaml',
    'services:\n  web:\n    build: .\n  api:\n    build:\n      context: ./api\n      dockerfile: ../Dockerfile\n      args: { A: b }\n  x: &x\n    build: { context: "${DIR:-api}" }\n  y: *x\n',
  ],
  ['docker-compose.override.yml', 'services:\n  web:\n    build:\n      dockerfile: Dockerfile\n'],
  [
    'docker-bake.json',
    '{"target":{"a":{"context":".","inherits":["b"]},"b":{"dockerfile":"api/Dockerfile","matrix":{"x":["1","2"]}}},"variable":{"V":{"default":"."}}}',
  ],
  [
    'docker-bake.hcl',
    'variable "V" { default = "api" }\ntarget "a" {\n  context = "${V}"\n  dockerfile = "Dockerfile"\n  matrix = { x = ["a", "b"] }\n}\ngroup "default" { targets = ["a"] }\n',
  ],
  [
    '.github/workflows/ci.yml',
    'on: push\nenv: { DIR: api }\njobs:\n  a:\n    strategy: { matrix: { d: [., api], include: [{ d: x, f: y }] } }\n    steps:\n      - uses: docker/build-push-action@v6\n        with: { context: "${{ matrix.d }}", file: api/Dockerfile }\n      - run: cd api && docker build -f Dockerfile -t x . | tee log\n        working-directory: .\n',
  ],
  [
    '.gitlab-ci.yml',
    'build:\n  before_script: [cd api]\n  script:\n    - docker build -f "$CI_PROJECT_DIR/Dockerfile" --build-arg A=b .\n',
  ],
  [
    'Makefile',
    'D := api\nbuild:\n\tcd $(D) && docker build \\\n\t -t x --file=../Dockerfile ..\n\t@podman build $(CURDIR)\n',
  ],
  ['package.json', '{"scripts":{"docker":"docker build -f api/Dockerfile . && docker buildx build api"}}'],
  [
    'scripts/build.sh',
    '#!/bin/sh\nHERE=..\ncd "$HERE" || exit\nfor d in api; do docker build $d; done\n(cd api; docker build .)\n',
  ],
];

function evidence(random: Random): Input {
  const files: Record<string, string> = { Dockerfile: 'FROM node\n', 'api/Dockerfile': 'FROM node\n', 'api/x': '' };
  for (const [path, text] of EVIDENCE) {
    if (random.chance(40)) continue;
    files[path] = text;
    for (let n = random.below(4); n > 0; n--)
      files[path] =
        path.endsWith('.json') && random.chance(50)
          ? changeJson(files[path], random)
          : changeText(files[path], random, () => random.pick(EVIDENCE)[1]);
  }
  return { kind: 'evidence', source: '', files, links: [], options: {} };
}
