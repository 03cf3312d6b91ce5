/**
 * Where the configuration is: looked for from the working directory up to the root of its repository, and outside of a
 * repository in the working directory alone. Nothing else is loaded where there is none.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readConfigText } from './read.ts';

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `dockerfix.config.${extension}`);

export interface FoundConfig {
  /** A configuration file, or a package.json with the key `dockerfix`. */
  readonly config?: string;
  readonly ignoreFile?: string;
}

export function findConfig(cwd: string): FoundConfig {
  let config: string | undefined;
  let ignoreFile: string | undefined;
  for (const directory of directoriesUp(cwd)) {
    config ??= NAMES.map((name) => join(directory, name)).find((path) => existsSync(path)) ?? packageWithKey(directory);
    const ignore = join(directory, '.dockerfixignore');
    if (ignoreFile === undefined && existsSync(ignore)) ignoreFile = ignore;
  }
  return {
    ...(config === undefined ? {} : { config }),
    ...(ignoreFile === undefined ? {} : { ignoreFile }),
  };
}

function directoriesUp(cwd: string): readonly string[] {
  const found: string[] = [];
  for (let here = cwd; ; here = dirname(here)) {
    found.push(here);
    if (existsSync(join(here, '.git'))) return found;
    if (dirname(here) === here) return [cwd];
  }
}

function packageWithKey(directory: string): string | undefined {
  const path = join(directory, 'package.json');
  try {
    const text = readConfigText(path);
    if (!text.includes('"dockerfix"')) return undefined;
    return (JSON.parse(text) as { dockerfix?: unknown }).dockerfix instanceof Object ? path : undefined;
  } catch {
    return undefined;
  }
}
