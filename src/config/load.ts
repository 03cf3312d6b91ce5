/** Reads a configuration file. What is wrong with it comes back as text that names the file and the key. */
import { basename, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readConfigText } from './read.ts';
import { checkConfig, type Config } from './schema.ts';

export async function loadConfig(path: string): Promise<Config | string> {
  let value: unknown;
  try {
    value = await read(path);
  } catch (error) {
    return `${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
  const checked = checkConfig(value);
  return 'config' in checked ? checked.config : checked.mistakes.map((mistake) => `${path}: ${mistake}`).join('\n');
}

async function read(path: string): Promise<unknown> {
  if (basename(path) === 'package.json') return (JSON.parse(readConfigText(path)) as { dockerfix?: unknown }).dockerfix;
  if (extname(path) === '.json') return JSON.parse(readConfigText(path)) as unknown;
  return importFile(path);
}

/** Node strips types itself from 22.18 on; jiti does it before. */
export async function importFile(path: string): Promise<unknown> {
  const { href } = pathToFileURL(path);
  const { typescript } = process.features as { readonly typescript?: unknown };
  if (!/\.[cm]?ts$/.test(path) || (typescript !== undefined && typescript !== false))
    return defaultOf(await import(href));
  const { createJiti } = await import('jiti');
  return createJiti(href).import(path, { default: true });
}

function defaultOf(module: unknown): unknown {
  const { default: value } = module as { readonly default?: unknown };
  return value ?? module;
}
