/** The texts of the generated documents, by path: from doc comments, from the managers' data, and from the tables. */
import { readFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import { format, resolveConfig } from 'prettier';
import { CONFIG } from '../src/config/schema.ts';
import { managers } from '../src/managers/index.ts';
import type { CacheDirectory, PackageManager, Transform } from '../src/model.ts';
import { REFUSALS, type Explanation } from '../src/refusals.ts';
import { transforms } from '../transforms/index.ts';
import { diffPicture } from './picture.ts';

/** Nothing else may lie in them. */
export const FOLDERS = ['docs/transforms', 'docs/managers', 'docs/refusals'];

interface Licensed {
  readonly name: string;
  readonly licence: string;
}
export interface Packages {
  readonly bundled: readonly Licensed[];
  readonly installed: readonly Licensed[];
  readonly tools: readonly Licensed[];
}

export async function generated(packages: Packages): Promise<Readonly<Record<string, string>>> {
  const pages: Record<string, string> = {
    'docs/licences.md': licencesPage(packages),
    'docs/refusals/index.md': refusalsIndex(),
    'docs/transforms/index.md': indexPage(
      'Transforms',
      'In the order in which they are tried. Each page is made from the doc comment of its source.',
      transforms,
    ),
    'docs/managers/index.md': indexPage(
      'Package managers',
      'What each install reads, writes and runs. Each page is made from the doc comment and the data of its source.',
      managers,
    ),
    'schema/config.schema.json': configSchema(),
  };
  for (const transform of transforms) pages[`docs/transforms/${transform.name}.md`] = transformPage(transform);
  for (const code of Object.keys(REFUSALS)) pages[`docs/refusals/${code}.md`] = refusalPage(code);
  for (const manager of managers) pages[`docs/managers/${manager.name}.md`] = managerPage(manager);
  const formatted = Object.entries(pages).map(async ([path, text]) => {
    const options = await resolveConfig(path);
    return [path, await format(text, { ...options, filepath: path })] as const;
  });
  return { ...Object.fromEntries(await Promise.all(formatted)), 'docs/pictures/diff.svg': await diffPicture() };
}

/** The file's first doc comment, without its stars. */
export function docComment(path: string): string {
  const comment = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(path, 'utf8'))?.[1];
  if (comment === undefined) throw new Error(`${path} has no doc comment`);
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
}

const made = (path: string): string => `<!-- Made from ${path} by \`npm run docs\`. -->\n\n`;

function indexPage(
  title: string,
  text: string,
  items: readonly { readonly name: string; readonly summary: string; readonly optIn?: true }[],
): string {
  const rows = items.map(
    ({ name, summary, optIn }) =>
      `| [\`${name}\`](${name}.md) | ${summary}${optIn === true ? ' (where it is asked for)' : ''} |`,
  );
  return `# ${title}\n\n${text}\n\n| name | |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function transformPage({ name, summary, optIn }: Transform): string {
  const path = `transforms/${name}.ts`;
  const asked = optIn === true ? `\n\nRuns only where it is asked for: \`--add ${name}\`.` : '';
  return `${made(path)}# ${name}\n\n${capital(summary)}.${asked}\n\n${docComment(path)}\n`;
}

/** What a manager's doc comment has to say, each as a paragraph that begins with the word. */
export const SECTIONS = ['Reads', 'Writes', 'Runs', 'Hazards', 'Sources'] as const;

/** The head, and the sections by name. A paragraph that begins with none of their names belongs to the one before it. */
export function managerSections(path: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  let at = 'head';
  for (const paragraph of docComment(path).split(/\n\s*\n/)) {
    const match = /^([A-Z][a-z]+):\s*/.exec(paragraph);
    const name = match?.[1];
    if (match !== null && (SECTIONS as readonly (string | undefined)[]).includes(name)) {
      at = name as string;
      found[at] = sentence(oneLine(paragraph.slice(match[0].length)));
    } else found[at] = found[at] === undefined ? oneLine(paragraph) : `${found[at]}\n\n${oneLine(paragraph)}`;
  }
  return found;
}

function managerPage(manager: PackageManager): string {
  const path = `src/managers/${manager.name}.ts`;
  const { head = '', ...sections } = managerSections(path);
  const list = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');
  const missing = SECTIONS.filter((name) => sections[name] === undefined);
  if (missing.length > 0) throw new Error(`the doc comment of ${path} lacks ${missing.join(', ')}`);
  const parts = SECTIONS.map(
    (name) => `## ${name}\n\n${name === 'Sources' ? links(sections[name] as string) : (sections[name] as string)}\n`,
  );
  return `${made(path)}# ${manager.name}

${head.replace(/ Spec section \d+\./, '')}

[V] is verified by running it, in the versions named.

Commands: ${manager.summary}${manager.commands.length === 0 ? '' : ` (programs: ${list(manager.commands)})`}

${manager.manifests.length === 0 ? '' : `A project of it has: ${list(manager.manifests)}. Where the context is not known, these are copied: ${list(manager.globs)}.\n`}
${parts.slice(0, -1).join('\n')}
## Caches

${cachesTable(manager.caches)}
${parts.at(-1) ?? ''}`;
}

function cachesTable(caches: readonly CacheDirectory[]): string {
  if (caches.length === 0) return 'None that could be mounted.\n';
  const rows = caches.map(({ path, class: kind, variable, inside, only, compiled, never }) => {
    const notes = [
      variable === undefined ? '' : `moved by \`${variable}\`${inside === undefined ? '' : ` (\`${inside}\` in it)`}`,
      only === undefined ? '' : only === 'root' ? 'of root' : 'of other users',
      compiled === true ? 'holds what was compiled: builds alone use it' : '',
      never === undefined ? '' : `never mounted: ${never}`,
    ];
    return `| \`${path}\` | ${kind === 'download' ? 'downloads' : 'package store'} | ${notes.filter((note) => note !== '').join('; ')} |`;
  });
  return `| directory | holds | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function refusalsIndex(): string {
  const rows = Object.entries(REFUSALS).map(
    ([code, { kind, means }]) => `| [\`${code}\`](${code}.md) | ${kind === 'refusal' ? '' : `_${kind}:_ `}${means} |`,
  );
  return `${made('src/refusals.ts')}# Codes

Every refusal, note and error has a stable code. \`dockerfix explain CODE\` prints its page.

| code | |
| --- | --- |
${rows.join('\n')}
`;
}

function refusalPage(code: string): string {
  const { kind, means, why, todo, example } = REFUSALS[code] as Explanation;
  return `${made('src/refusals.ts')}# ${code}

${kind === 'refusal' ? '' : `_${capital(kind)}._ `}${means}

**Why:** ${why}

**What to do:** ${todo}

\`\`\`text
${example}
\`\`\`
`;
}

/** By licence, the commonest first: the names. */
function byLicence(packages: readonly Licensed[]): readonly (readonly [licence: string, names: readonly string[]])[] {
  const found = new Map<string, Set<string>>();
  for (const { name, licence } of packages) found.set(licence, (found.get(licence) ?? new Set()).add(name));
  return [...found]
    .map(([licence, names]) => [licence, [...names].sort()] as const)
    .sort(([a, { length: most }], [b, { length }]) => length - most || (a < b ? -1 : 1));
}

function licencesPage({ bundled, installed, tools }: Packages): string {
  const table = (packages: readonly Licensed[]): string =>
    `| licence | packages |\n| --- | --- |\n${byLicence(packages)
      .map(([licence, names]) => `| ${licence} | ${names.join(', ')} |`)
      .join('\n')}\n`;
  const counts = byLicence(tools).map(([licence, names]) => `${licence} (${names.length})`);
  return `${made('the bundle and the lock files')}# Licences

dockerfix is MIT licensed. What it is made of, by licence:

## In the command

Bundled into \`dist\`. \`dist/THIRD-PARTY-NOTICES.txt\`, made with each build, ships their texts.

${table(bundled)}
## Installed along

By npm, with dockerfix. hcl2-parser is MIT licensed and contains HashiCorp's HCL (MPL-2.0), compiled.

${table(installed)}
## Tools

They build and test dockerfix and its site, and pack the VS Code extension, which brings its own notices: ${counts.join(', ')}.
`;
}

function configSchema(): string {
  const schema = toJsonSchema(CONFIG, { errorMode: 'ignore' });
  return JSON.stringify({ title: 'dockerfix.config', ...schema });
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}

/** A file's name keeps its case. */
function sentence(text: string): string {
  return /^[\w-]*[./(:]/.test(text) ? text : capital(text);
}

function links(text: string): string {
  return text
    .split(/, (?=https:)/)
    .map((each) => `- ${each.replace(/^https:\S+/, '<$&>')}\n`)
    .join('');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
