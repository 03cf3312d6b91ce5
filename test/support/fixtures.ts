import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

export const fixturesRoot = join(import.meta.dirname, '../../fixtures');

/** Every file below a folder, by its path in it. */
export function filesBelow(folder: string, skip: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (directory: string): void => {
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      if (skip.includes(relative(folder, path))) continue;
      if (statSync(path).isDirectory()) walk(path);
      else found[relative(folder, path)] = readFileSync(path, 'utf8');
    }
  };
  if (existsSync(folder)) walk(folder);
  return found;
}

export interface Case {
  readonly transform: string;
  readonly name: string;
  readonly folder: string;
  readonly files: Readonly<Record<string, string>>;
  readonly options: object;
}

/** The cases of one transform. */
export function casesOf(transform: string): Case[] {
  return readdirSync(join(fixturesRoot, transform)).map((name) => {
    const folder = join(fixturesRoot, transform, name);
    const settings = join(folder, 'options.json');
    return {
      transform,
      name,
      folder,
      files: filesBelow(folder, ['expected', 'options.json']),
      options: existsSync(settings) ? (JSON.parse(readFileSync(settings, 'utf8')) as object) : {},
    };
  });
}

export function allCases(): Case[] {
  return readdirSync(fixturesRoot).flatMap(casesOf);
}
