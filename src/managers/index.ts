import type { Analysis, CacheDirectory, Command, Files, Install, PackageManager, Place, ShellWord } from '../model.ts';
import { bun } from './bun.ts';
import { bundler } from './bundler.ts';
import { cargo } from './cargo.ts';
import { clojure } from './clojure.ts';
import { composer } from './composer.ts';
import { conda } from './conda.ts';
import { corepack } from './corepack.ts';
import { dart } from './dart.ts';
import { deno } from './deno.ts';
import { dotnet } from './dotnet.ts';
import { go } from './go.ts';
import { gradle } from './gradle.ts';
import { haskell } from './haskell.ts';
import { lerna } from './lerna.ts';
import { maven } from './maven.ts';
import { mix } from './mix.ts';
import { npm } from './npm.ts';
import { pdm } from './pdm.ts';
import { pip } from './pip.ts';
import { pipenv } from './pipenv.ts';
import { pnpm } from './pnpm.ts';
import { poetry } from './poetry.ts';
import { rebar3 } from './rebar3.ts';
import { sbt } from './sbt.ts';
import { swift } from './swift.ts';
import { uv } from './uv.ts';
import { yarn } from './yarn.ts';
import { yarnBerry } from './yarn-berry.ts';

/** All that are known. Order does not matter: a command name belongs to one of them. */
export const managers: readonly PackageManager[] = [
  npm,
  yarn,
  yarnBerry,
  pnpm,
  bun,
  corepack,
  lerna,
  deno,
  pip,
  uv,
  poetry,
  pipenv,
  pdm,
  conda,
  go,
  cargo,
  maven,
  gradle,
  sbt,
  clojure,
  dotnet,
  composer,
  bundler,
  mix,
  rebar3,
  dart,
  swift,
  haskell,
];

/** A list of managers, made quick to ask. */
export interface Knowledge {
  /** The install that a simple command is, if it is one. */
  recognise(command: Command, place: Place): Install | undefined;
  analyse(install: Install, files: Files): Analysis;
  /** The class of the cache that a path is, of whatever manager and user, with these variables; undefined: none that is known. */
  cacheClass(path: string, environment: Place['environment']): CacheDirectory['class'] | undefined;
  manager(name: string): PackageManager | undefined;
}

const made = new WeakMap<readonly PackageManager[], Knowledge>();

export function knowledgeOf(list: readonly PackageManager[] = managers): Knowledge {
  let knowledge = made.get(list);
  if (knowledge === undefined) made.set(list, (knowledge = learn(list)));
  return knowledge;
}

function learn(list: readonly PackageManager[]): Knowledge {
  const byName = new Map(list.map((manager) => [manager.name, manager]));
  const byCommand = new Map<string, PackageManager[]>();
  for (const manager of list)
    for (const name of manager.commands) byCommand.set(name, [...(byCommand.get(name) ?? []), manager]);
  const caches = list.flatMap((manager) => manager.caches.map((cache) => ({ ...cache, pattern: cachePattern(cache) })));
  return {
    recognise: (command, place) => recogniseAmong(byCommand, command, place),
    analyse: (install, files) => (byName.get(install.manager) as PackageManager).analyse(install, files),
    cacheClass: (path, environment) =>
      caches.find((cache) => cache.pattern.test(path) || isMoved(cache, path, environment))?.class,
    manager: (name) => byName.get(name),
  };
}

/** It lies where a variable puts the cache. */
function isMoved({ variable, inside }: CacheDirectory, path: string, environment: Place['environment']): boolean {
  const value = variable === undefined ? undefined : environment(variable)?.replace(/\/+$/, '');
  if (value === undefined || !value.startsWith('/')) return false;
  const tree = inside === undefined ? value : `${value}/${inside}`;
  return path === tree || path.startsWith(`${tree}/`);
}

function cachePattern({ path }: CacheDirectory): RegExp {
  return new RegExp(`^${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/^~/, '(?:/root|/home/[^/]+)')}(?:/.*)?$`);
}

function recogniseAmong(
  byCommand: ReadonlyMap<string, readonly PackageManager[]>,
  command: Command,
  place: Place,
): Install | undefined {
  const stripped = withoutPrefix(command);
  const name = stripped.words[0]?.value;
  if (name === undefined) return undefined;
  const candidates = byCommand.get(programName(name));
  if (candidates === undefined) return undefined;
  // A variable in front of the command is in force for it alone.
  const own = new Map(stripped.assignments.map((each) => [each.name, each.value]));
  const here: Place =
    own.size === 0
      ? place
      : {
          ...place,
          environment: (key) => (own.has(key) ? own.get(key) : place.environment(key)),
          declared: (key) => own.has(key) || place.declared(key),
        };
  for (const manager of candidates) {
    const install = manager.recognise(stripped, here);
    if (install !== undefined) return install;
  }
  return undefined;
}

/** `/opt/venv/bin/pip3.12` → `pip`. */
function programName(word: string): string {
  const slash = word.lastIndexOf('/');
  return word
    .slice(slash + 1)
    .replace(/^(pip|python)3?\.\d+$/, '$1')
    .replace(/^(yarn|pnpm|npm)@[\w.^~-]+$/, '$1');
}

const WRAPPERS = new Set(['command', 'time', 'exec', 'nice']);

/** `sudo -E`, `corepack`, `env A=b`, `npx yarn@1`: what follows is the command. */
function withoutPrefix(command: Command): Command {
  let words: readonly ShellWord[] = command.words;
  let assignments = command.assignments;
  for (;;) {
    const [first, second = '', third = ''] = words.slice(0, 3).map((word) => word.value ?? '');
    if (first === undefined) break;
    if (WRAPPERS.has(first)) words = words.slice(1);
    else if (first === 'sudo') words = words.slice(/^-[EHn]+$/.test(second) ? 2 : 1);
    else if (first === 'corepack' && /^(?:yarn|pnpm|npm)(?:@|$)/.test(second)) words = words.slice(1);
    else if (first === 'npx' && /^(?:yarn|pnpm|npm|lerna)(?:@|$)/.test(second)) words = words.slice(1);
    else if (first === 'npx' && /^(?:-y|--yes)$/.test(second) && /^(?:yarn|pnpm|npm|lerna)(?:@|$)/.test(third))
      words = words.slice(2);
    else if (first === 'env' && second.includes('=')) {
      words = words.slice(1);
      for (let pair = words[0]?.value; pair !== undefined && /^\w+=/.test(pair); pair = words[0]?.value) {
        const equals = pair.indexOf('=');
        assignments = [...assignments, { name: pair.slice(0, equals), value: pair.slice(equals + 1) }];
        words = words.slice(1);
      }
    } else break;
  }
  return words === command.words ? command : { ...command, words, assignments };
}
