/** The configuration's shape: checks it, types it, and makes schema/config.schema.json (scripts/docs.js). */
import * as v from 'valibot';

const text = v.pipe(v.string(), v.nonEmpty());
const paths = v.array(text);

const command = v.strictObject({
  run: v.pipe(text, v.description('The command line, as the Dockerfile has it: `make deps`.')),
  reads: v.pipe(
    paths,
    v.description(
      'All that it reads of the project: files, and directories with a final `/`; relative to where it runs.',
    ),
  ),
  writes: v.optional(v.pipe(paths, v.description('Directories that it fills, and that nothing else writes.'))),
  system: v.optional(
    v.pipe(
      v.picklist(['none', 'reads', 'writes']),
      v.description('What it does to the image outside of the project; default: writes.'),
    ),
  ),
});

const settings = {
  context: v.optional(
    v.pipe(text, v.description('Build context, relative to the configuration; default: it is found.')),
  ),
  unsafe: v.optional(v.pipe(v.boolean(), v.description('Apply fixes that could change something, too.'))),
  style: v.optional(v.pipe(v.picklist(['copy', 'parents', 'bind']), v.description('How manifests are brought in.'))),
  builder: v.optional(
    v.pipe(
      v.picklist(['buildkit', 'buildah', 'kaniko', 'classic']),
      v.description('What must be able to build the result.'),
    ),
  ),
  transforms: v.optional(
    v.pipe(
      v.record(text, v.union([v.boolean(), v.record(v.string(), v.unknown())])),
      v.description(
        'By name: false leaves it out, true adds one that runs only where it is asked for, an object is its options.',
      ),
    ),
  ),
  commands: v.optional(v.pipe(v.array(command), v.description('Commands of your own that install dependencies.'))),
  inputs: v.optional(
    v.pipe(
      v.record(text, paths),
      v.description(
        'By package manager: files that its installs read besides those that are known; relative to where they run.',
      ),
    ),
  ),
  allowScripts: v.optional(
    v.pipe(
      v.record(text, paths),
      v.description('By the text of a lifecycle script in package.json: the files that it reads, and no others.'),
    ),
  ),
};

export const CONFIG = v.strictObject({
  $schema: v.optional(v.string()),
  ...settings,
  plugins: v.optional(
    v.pipe(
      v.array(v.union([text, v.looseObject({ name: text })])),
      v.description('Packages or files, relative to the configuration, that bring transforms and package managers.'),
    ),
  ),
  ignore: v.optional(v.pipe(paths, v.description('Dockerfiles to leave alone, as .dockerfixignore has them.'))),
  overrides: v.optional(
    v.array(
      v.strictObject({
        files: v.pipe(
          paths,
          v.description('Patterns of Dockerfiles, as a .gitignore has them, from the configuration.'),
        ),
        ...settings,
      }),
    ),
  ),
});

export type Config = v.InferOutput<typeof CONFIG>;
export type Settings = Omit<Config, '$schema' | 'plugins' | 'ignore' | 'overrides'>;
export type OwnCommand = v.InferOutput<typeof command>;

/** A configuration, or each thing that is wrong with it, by key. */
export function checkConfig(value: unknown): { readonly config: Config } | { readonly mistakes: readonly string[] } {
  if (Array.isArray(value)) return { mistakes: ['the configuration has to be an object, not a list'] };
  const result = v.safeParse(CONFIG, value);
  if (result.success) return { config: result.output };
  return { mistakes: result.issues.flatMap((issue) => mistakesOf(issue, '')) };
}

function mistakesOf(issue: v.BaseIssue<unknown>, base: string): readonly string[] {
  const at = keyOf(issue, base);
  if (issue.type === 'strict_object' && issue.expected === 'never') return [`there is no key \`${at}\``];
  if (issue.type === 'strict_object' && issue.received === 'undefined') return [`\`${at}\` is missing`];
  const key = at === '' ? 'the configuration' : `\`${at}\``;
  return [`${key} has to be ${expected(issue)}, not ${issue.received}`];
}

function expected({ expected: wanted, type }: v.BaseIssue<unknown>): string {
  if (type === 'non_empty') return 'not empty';
  if (wanted === null) return 'something else';
  return wanted
    .replaceAll('"', '')
    .replace(/^\((.*)\)$/, '$1')
    .replaceAll(' | ', ' or ')
    .replace(/Object|Array/g, (name) => (name === 'Array' ? 'a list' : 'an object'));
}

/** `overrides[0].style` */
function keyOf(issue: v.BaseIssue<unknown>, base: string): string {
  return (issue.path ?? []).reduce(
    (path, { key }) => (typeof key === 'number' ? `${path}[${key}]` : `${path}${path === '' ? '' : '.'}${String(key)}`),
    base,
  );
}
