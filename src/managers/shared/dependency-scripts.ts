/** Dependencies whose own install scripts look at the project that installs them. Spec 1, "Lifecycle". */
import type { Files, Read, Trouble } from '../../model.ts';
import { at, dependencies, major, record, type Manifest } from './package-json.ts';
import { prismaSchema } from './prisma.ts';
import { isUnknown, understandScript } from './scripts.ts';

/** What the dependencies' scripts read and write of the project. */
export interface Needs {
  readonly reads: readonly Read[];
  readonly outputs: readonly string[];
  readonly edits: readonly string[];
}

type Rule = (files: Files, manifest: Manifest, version: string) => Partial<Needs> | Trouble | undefined;

/** They install git hooks from a script of their own; without `.git` they do nothing. */
const hooks =
  (name: string, below = Infinity): Rule =>
  (files, manifest, version) => {
    if (major(version) >= below) return undefined;
    const known = understandScript('husky install', { files, manifest, depth: 0 });
    if (!isUnknown(known)) return undefined;
    return {
      code: 'needs-vcs',
      message: `the install script of \`${name}\` sets up git hooks if \`.git\` is there`,
      help: 'add .git to .dockerignore',
    };
  };

/** `gulp install` brings what semantic.json names, here or above, up to date. Source: its tasks/install.js; 2.9 of Fomantic has no script. */
const semantic =
  (name: string, without = /^$/): Rule =>
  (files, manifest, version) =>
    without.test(version) || files.has(at(manifest.directory, 'semantic.json')) === 'no'
      ? undefined
      : {
          code: 'lifecycle-script-reads-source',
          message: `the install script of \`${name}\` reads semantic.json, and changes the files that it names`,
          help: 'install with --ignore-scripts, and run `gulp install` there after the copy',
        };

const PUPPETEER = [
  '.puppeteerrc',
  ...['json', 'yaml', 'js', 'ts', 'cjs', 'mjs'].map((each) => `.puppeteerrc.${each}`),
  ...['js', 'ts', 'cjs', 'mjs'].map((each) => `puppeteer.config.${each}`),
];

const RULES: readonly (readonly [name: string, rule: Rule])[] = [
  [
    // Its postinstall generates the client; from 7 on it has none.
    '@prisma/client',
    (files, manifest, version) => {
      if (major(version) > 6) return undefined;
      const schema = prismaSchema(files, manifest);
      if (schema === 'absent') return undefined;
      if (schema !== undefined) return { reads: schema.reads, outputs: schema.outputs };
      return {
        code: 'lifecycle-script-reads-source',
        message:
          'the install script of `@prisma/client` generates from a schema whose place or generators are not known',
        help: 'name the schema in package.json (`prisma.schema`), or run `prisma generate` in a RUN of its own',
      };
    },
  ],
  ['husky', hooks('husky', 5)],
  ['lefthook', hooks('lefthook')],
  ['@arkweit/lefthook', hooks('@arkweit/lefthook')],
  ['@evilmartians/lefthook', hooks('@evilmartians/lefthook')],
  ['@evilmartians/lefthook-installer', hooks('@evilmartians/lefthook-installer')],
  ['simple-git-hooks', hooks('simple-git-hooks')],
  ['pre-commit', hooks('pre-commit')],
  ['pre-push', hooks('pre-push')],
  ['ghooks', hooks('ghooks')],
  ['yorkie', hooks('yorkie')],
  ['git-hooks', hooks('git-hooks')],
  ['git-commit-msg-linter', hooks('git-commit-msg-linter')],
  ['semantic-ui', semantic('semantic-ui')],
  ['fomantic-ui', semantic('fomantic-ui', /^\D*2\.9(?:\.|$)/)],
  [
    // cosmiconfig looks for these when the browser is downloaded.
    'puppeteer',
    (files, manifest) => ({
      reads: PUPPETEER.map((name) => at(manifest.directory, name))
        .filter((path) => files.has(path) !== 'no')
        .map((path) => ({ path })),
    }),
  ],
  [
    // Its postinstall refreshes the worker script in the directories that package.json names.
    'msw',
    (_files, manifest) => {
      const directory = record(manifest.json['msw'])['workerDirectory'];
      const directories = Array.isArray(directory) ? directory : [directory];
      return {
        edits: directories
          .filter((each): each is string => typeof each === 'string')
          .map((each) =>
            at(manifest.directory, `${each.replace(/^\.\//, '').replace(/\/$/, '')}/mockServiceWorker.js`),
          ),
      };
    },
  ],
  [
    // Beside an nx.json it looks for all projects and writes their graph to .nx or node_modules/.cache [V: 14-21.0].
    'nx',
    (files, manifest, version) =>
      major(version) < 14 || major(version) > 21 || files.has(at(manifest.directory, 'nx.json')) === 'no'
        ? undefined
        : {
            code: 'lifecycle-script-reads-source',
            message: 'the install script of `nx` before 22 reads the source of all projects, and keeps their graph',
            help: 'update nx to 22',
          },
  ],
  [
    '@sveltejs/kit',
    (_files, _manifest, version) =>
      major(version) >= 2
        ? undefined
        : {
            code: 'lifecycle-script-reads-source',
            message: 'the install script of `@sveltejs/kit` 1 runs `svelte-kit sync`, which reads the source',
            help: 'update @sveltejs/kit',
          },
  ],
];

const BY_NAME = new Map(RULES);

/**
 * What the install scripts of a manifest's direct dependencies need, or why that is not known. A member's look where the
 * install was started (`INIT_CWD`), which is the root as a rule. Source: postinstall.js of `@prisma/client`.
 */
export function dependencyScripts(files: Files, manifest: Manifest, root: Manifest): Needs | Trouble {
  const reads: Read[] = [];
  const outputs: string[] = [];
  const edits: string[] = [];
  for (const [name, version] of dependencies(manifest)) {
    for (const place of new Set([manifest, root])) {
      const needs = BY_NAME.get(name)?.(files, place, version);
      if (needs === undefined) continue;
      if ('code' in needs) return needs;
      reads.push(...(needs.reads ?? []));
      outputs.push(...(needs.outputs ?? []));
      edits.push(...(needs.edits ?? []));
    }
  }
  return { reads, outputs, edits };
}
