/** Where `prisma generate` looks for its schema, and where it writes. Spec 1, "Adapt, in order", step 1. */
import type { Files, Read } from '../../model.ts';
import { parentOf, resolvePath } from '../../dockerfile/state.ts';
import { at, record, type Manifest } from './package-json.ts';

export interface Schema {
  readonly reads: readonly Read[];
  /** Directories of the project, outside of node_modules, that generators fill. */
  readonly outputs: readonly string[];
}

const CONFIGURATIONS = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].flatMap((extension) => [
  `prisma.config.${extension}`,
  `.config/prisma.${extension}`,
]);

/** Generators that read the schema alone. Another one is a program that may read what it likes. */
const CLIENTS = /^(?:prisma-client(?:-js)?)$/;

/** `absent`: there is no schema to be found; undefined: what is read cannot be known. */
export function prismaSchema(files: Files, manifest: Manifest, named?: string): Schema | 'absent' | undefined {
  const { directory, json } = manifest;
  const configuration = CONFIGURATIONS.map((name) => at(directory, name)).find((path) => files.has(path) !== 'no');
  const configured =
    configuration === undefined ? record(json['prisma'])['schema'] : configuredSchema(files.read(configuration));
  if (configured === undefined && configuration !== undefined && files.read(configuration) === undefined)
    return undefined;
  if (configured === null) return undefined;
  const reads: Read[] = configuration === undefined ? [] : [{ path: configuration }];
  const dotenv = configuration !== undefined && /dotenv/.test(files.read(configuration) ?? '');
  if (dotenv) reads.push({ path: at(directory, '.env') });
  const choice = named ?? (typeof configured === 'string' ? configured : undefined);
  for (const candidate of choice === undefined
    ? ['schema.prisma', 'prisma/schema.prisma', 'prisma/schema']
    : [choice]) {
    const path = resolvePath(directory, candidate);
    const presence = files.has(path);
    if (presence === 'no') continue;
    if (presence === 'maybe') return undefined;
    const texts = schemaTexts(files, path, 0);
    if (texts === undefined) return undefined;
    const outputs: string[] = [];
    for (const { file, text } of texts) {
      const found = generatorOutputs(text, parentOf(file));
      if (found === undefined) return undefined;
      outputs.push(...found);
    }
    const isFile = files.read(path) !== undefined;
    return { reads: [...reads, isFile ? { path } : { path, tree: true }], outputs };
  }
  return 'absent';
}

/** The `schema` of a configuration file; null when the file does more than can be read off. */
function configuredSchema(text: string | undefined): string | null | undefined {
  if (text === undefined) return undefined;
  const imports = [...text.matchAll(/(?:from|import|require\()\s*['"]([^'"]+)['"]/g)].map(
    (match) => match[1] as string,
  );
  if (
    imports.some((name) => !/^(?:dotenv(?:\/config)?|prisma(?:\/config)?|@prisma\/config|(?:node:)?path)$/.test(name))
  )
    return null;
  if (/readFile|readdir|exec|spawn|import\(/.test(text)) return null;
  const value = /^[\t ]*schema\s*:\s*(.+?),?\s*$/m.exec(text)?.[1];
  if (value === undefined)
    return /\bschema\s*:/.test(text) ? (/\bschema\s*:\s*['"]([^'"]+)['"]/.exec(text)?.[1] ?? null) : undefined;
  const literal = /^['"`]([^'"`$]+)['"`]$/.exec(value)?.[1];
  if (literal !== undefined) return literal;
  const joined =
    /^(?:path\.)?(?:join|resolve)\(\s*(?:(?:__dirname|import\.meta\.dirname|process\.cwd\(\))\s*,\s*)?((?:['"][^'"]+['"]\s*,?\s*)+)\)$/.exec(
      value,
    )?.[1];
  return joined === undefined ? null : [...joined.matchAll(/['"]([^'"]+)['"]/g)].map((match) => match[1]).join('/');
}

function schemaTexts(files: Files, path: string, depth: number): { file: string; text: string }[] | undefined {
  const text = files.read(path);
  if (text !== undefined) return [{ file: path, text }];
  const names = files.entries(path);
  if (names === undefined || depth > 4) return undefined;
  const found: { file: string; text: string }[] = [];
  for (const name of names) {
    const below = at(path, name);
    if (!name.endsWith('.prisma')) {
      // Migrations are not part of a schema.
      if (name.includes('.') || name === 'migrations' || files.read(below) !== undefined) continue;
      const nested = schemaTexts(files, below, depth + 1);
      if (nested === undefined) return undefined;
      found.push(...nested);
      continue;
    }
    const each = files.read(below);
    if (each === undefined) return undefined;
    found.push({ file: below, text: each });
  }
  return found;
}

/** Where the generators of one schema file write in the project; undefined when one of them is not known. */
function generatorOutputs(text: string, directory: string): string[] | undefined {
  const outputs: string[] = [];
  for (const block of text.matchAll(/^[^\S\r\n]*generator\s+\w+\s*\{([^}]*)\}/gm)) {
    const body = (block[1] as string).replace(/\/\/.*$/gm, '');
    const provider = /^[^\S\r\n]*provider\s*=\s*"([^"]*)"/m.exec(body)?.[1];
    if (provider === undefined || !CLIENTS.test(provider)) return undefined;
    const output = /^[^\S\r\n]*output\s*=\s*(.+?)\s*$/m.exec(body)?.[1];
    if (output === undefined) continue;
    const literal = /^"([^"]+)"$/.exec(output)?.[1];
    if (literal === undefined) return undefined;
    const path = resolvePath(directory, literal);
    if (!path.split('/').includes('node_modules')) outputs.push(path);
  }
  return outputs;
}
