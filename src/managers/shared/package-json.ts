/** What package.json files say, and what follows for every JavaScript manager. Spec sections 0, 1, 3-5, 16. */
import type { Files, Read, Trouble } from '../../model.ts';
import { goMatch } from '../../context/dockerignore.ts';
import { resolvePath } from '../../dockerfile/state.ts';

export interface Manifest {
  readonly directory: string;
  readonly json: Readonly<Record<string, unknown>>;
}

export function at(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

export function isTrouble(value: unknown): value is Trouble {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

export function readManifest(files: Files, directory: string): Manifest | Trouble {
  const path = at(directory, 'package.json');
  const presence = files.has(path);
  if (presence === 'no')
    return {
      code: 'manifest-missing',
      message: `there is no \`${path}\` where this install runs`,
      help: 'pass the right --context, or check .dockerignore',
    };
  const text = files.read(path);
  if (text === undefined)
    return {
      code: 'manifest-generated',
      message: `\`${path}\` is made or changed by an earlier command, so its content is not known`,
    };
  try {
    return { directory, json: record(JSON.parse(text.replace(/^\ufeff/, ''))) };
  } catch {
    return { code: 'dynamic-manifest', message: `\`${path}\` is not valid JSON` };
  }
}

/** Directories of the workspace members that the patterns select, sorted; each has a package.json. */
export function workspaceMembers(files: Files, root: string, patterns: readonly string[]): readonly string[] | Trouble {
  const found = new Set<string>();
  const excluded = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => tidy(pattern.slice(1)));
  for (const raw of patterns) {
    if (raw.startsWith('!')) continue;
    const pattern = tidy(raw);
    if (/[{}()]|\.\./.test(pattern))
      return { code: 'dynamic-manifest', message: `workspace pattern \`${raw}\` is not understood` };
    const matches = expandPattern(files, root, pattern === '.' ? [] : pattern.split('/'), 0);
    if (matches === undefined)
      return { code: 'manifest-generated', message: `an earlier command may have changed what \`${raw}\` selects` };
    for (const directory of matches) {
      if (directory === root) continue;
      const relative = directory.slice(root === '/' ? 1 : root.length + 1);
      if (excluded.some((each) => matchesPath(each, relative))) continue;
      if (files.has(at(directory, 'package.json')) !== 'no') found.add(directory);
    }
  }
  return [...found].sort();
}

function tidy(pattern: string): string {
  return pattern.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '') || '.';
}

function matchesPath(pattern: string, path: string): boolean {
  const expression = pattern.split('/').map((part) =>
    part === '**'
      ? '.*'
      : part
          .replace(/[.+^$()|[\]\\]/g, '\\$&')
          .replaceAll('*', '[^/]*')
          .replaceAll('?', '[^/]'),
  );
  return new RegExp(
    `^${expression
      .join('/')
      .replaceAll('/.*', '(?:/.*)?')
      .replace(/^\.\*\//, '(?:.*/)?')}$`,
  ).test(path);
}

function expandPattern(
  files: Files,
  directory: string,
  segments: readonly string[],
  depth: number,
): string[] | undefined {
  const [segment, ...rest] = segments;
  if (segment === undefined) return [directory];
  if (depth > 12) return [];
  if (!/[*?[]/.test(segment)) {
    const next = at(directory, segment);
    return files.has(next) === 'no' ? [] : expandPattern(files, next, rest, depth + 1);
  }
  const names = files.entries(directory);
  if (names === undefined) return undefined;
  const result: string[] = [];
  if (segment === '**') {
    const here = expandPattern(files, directory, rest, depth + 1);
    if (here === undefined) return undefined;
    result.push(...here);
  }
  for (const name of names) {
    if (name === 'node_modules' || name === '.git' || (segment !== '**' && !goMatch(segment, name))) continue;
    const next = at(directory, name);
    if (files.read(next) !== undefined || files.entries(next)?.length === 0) continue;
    const below = expandPattern(files, next, segment === '**' ? segments : rest, depth + 1);
    if (below === undefined) return undefined;
    result.push(...below);
  }
  return result;
}

const DEPENDENCY_FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

export function dependencies(manifest: Manifest): [name: string, spec: string][] {
  return DEPENDENCY_FIELDS.flatMap((field) =>
    Object.entries(record(manifest.json[field])).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

export interface LocalDependency {
  readonly name: string;
  readonly protocol: 'file' | 'link' | 'portal' | 'exec' | 'patch';
  /** Absolute image path. */
  readonly path: string;
}

/** Dependencies that are files of the project. `workspace:` ones are found as members. */
export function localDependencies(manifest: Manifest): readonly LocalDependency[] {
  const found: LocalDependency[] = [];
  for (const [name, spec] of dependencies(manifest)) {
    const match = /^(file|link|portal|exec):(.+)$/.exec(spec) ?? (/^\.{0,2}\//.test(spec) ? ['', 'file', spec] : null);
    if (match !== null)
      found.push({
        name,
        protocol: match[1] as LocalDependency['protocol'],
        path: resolvePath(manifest.directory, match[2]),
      });
    const patch = /^patch:[^#]*#(?:~\/|\.\/)?([^!&][^&:#]*)/.exec(spec);
    if (patch !== null)
      found.push({
        name,
        protocol: 'patch',
        path: resolvePath(manifest.directory, decodeURIComponent(patch[1] as string)),
      });
  }
  return found;
}

/** Files that a manifest's `bin` names and that exist: a link is made only to an existing one (0.1). */
export function binReads(files: Files, manifest: Manifest): Read[] {
  const bin = manifest.json['bin'];
  const targets =
    typeof bin === 'string' ? [bin] : Object.values(record(bin)).filter((each) => typeof each === 'string');
  // An existing target is an input; one that is built later is not there in either order, and must stay so.
  return targets.map((target) => {
    const path = resolvePath(manifest.directory, target);
    return { path, as: files.has(path) === 'no' ? 'absent' : 'present' };
  });
}

export function scripts(manifest: Manifest): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(record(manifest.json['scripts'])).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

/** The manifest without its scripts, in a form that does not depend on layout: all that a dependency install uses. */
export function withoutScripts(manifest: Manifest): string {
  const { scripts: _scripts, ...rest } = manifest.json;
  return JSON.stringify(rest);
}

// ------------------------------------------------------------------------------------------ lifecycle scripts

/** What a lifecycle script needs: nothing, certain files, or the source. */
export type ScriptNeed =
  { readonly kind: 'files'; readonly reads: readonly Read[] } | { readonly kind: 'source'; readonly runs: string };

const NOTHING: ScriptNeed = { kind: 'files', reads: [] };
const GIT_HOOKS =
  /^(?:husky(?: install)?(?: [\w./-]+)?|lefthook install(?: -f)?|simple-git-hooks|pre-commit install|git config [\w.-]+ \S+|yorkie|is-git-repository|git-hooks)$/;

/** Spec 1, "Adapt, in order", step 1: the scripts that are known not to read the source. */
export function scriptNeed(files: Files, manifest: Manifest, script: string, depth = 0): ScriptNeed {
  const reads: Read[] = [];
  for (const raw of script.split(/\s*(?:&&|\|\||;)\s*/)) {
    const piece = raw
      .replace(/^(?:cross-env\s+)?(?:[A-Z_][A-Z0-9_]*=\S*\s+)+/, '')
      .replace(
        /^(?:npx|pnpx|bunx|pnpm exec|pnpm dlx|yarn run|yarn dlx|npm exec|bun x|bun run)\s+(?:--?(?:y|yes|no-install|no|c|--)\s+)*/,
        (prefix) => (/^(?:yarn run|bun run)/.test(prefix) ? 'run:' : ''),
      )
      .replace(/\s+(?:2>&1|>\s*\/dev\/null|2>\s*\/dev\/null)/g, '')
      .trim();
    const need = pieceNeed(files, manifest, piece, depth);
    if (need.kind === 'source') return { kind: 'source', runs: script };
    reads.push(...need.reads);
  }
  return { kind: 'files', reads };
}

function pieceNeed(files: Files, manifest: Manifest, piece: string, depth: number): ScriptNeed {
  const source: ScriptNeed = { kind: 'source', runs: piece };
  const { directory } = manifest;
  if (piece === '' || /[`$<>|&]/.test(piece.replace(/\$\w+/g, ''))) return piece === '' ? NOTHING : source;
  if (
    /^(?:true|:|exit 0|echo\b.*|printf\b.*|is-ci|only-allow \w+|opencollective(?:-postinstall)?|ngcc\b[^.]*|command -v \w+)$/.test(
      piece,
    )
  )
    return NOTHING;
  if (/^(?:test|\[) ?(?:!|-[defn])? ?-?[def]? ?(?:\.git|\.husky)\/? ?\]?$/.test(piece) || GIT_HOOKS.test(piece))
    return files.has(at(directory, '.git')) === 'no' ? NOTHING : source;
  if (/^patch-package(?: --(?:error-on-fail|error-on-warn|use-yarn))*$/.test(piece))
    return { kind: 'files', reads: [{ path: at(directory, 'patches'), tree: true }] };
  if (/^prisma generate(?: --(?:no-engine|no-hints|allow-no-models|sql))*(?: --schema[= ]\S+)?$/.test(piece)) {
    const reads = prismaReads(files, manifest, /--schema[= ](\S+)/.exec(piece)?.[1]);
    return reads === undefined ? source : { kind: 'files', reads };
  }
  if (/^electron-builder install-app-deps$/.test(piece)) return { kind: 'files', reads: [] };
  if (/^node -e ["'](?:console\.(?:log|warn|error)\([^()]*\);?\s*)*["']$/.test(piece)) return NOTHING;
  const called = /^(?:run:|npm run(?:-script)? (?:-s |--silent )?|pnpm (?:run )?|yarn |run-s )([\w:.-]+)$/.exec(
    piece,
  )?.[1];
  const other = called === undefined ? undefined : scripts(manifest)[called];
  return other !== undefined && depth < 5 ? scriptNeed(files, manifest, other, depth + 1) : source;
}

/** Where `prisma generate` looks for its schema (spec 1); undefined when there is none to be found. */
export function prismaReads(files: Files, manifest: Manifest, named?: string): Read[] | undefined {
  const { directory, json } = manifest;
  const configured = record(json['prisma'])['schema'];
  const configs = ['prisma.config.ts', 'prisma.config.js', 'prisma.config.mjs', 'prisma.config.mts'].map((name) =>
    at(directory, name),
  );
  // A configuration file is code, and may import anything.
  if (configs.some((path) => files.has(path) !== 'no')) return undefined;
  const candidates = [
    named,
    typeof configured === 'string' ? configured : undefined,
    'prisma/schema.prisma',
    'schema.prisma',
    'prisma/schema',
  ].filter((each) => each !== undefined);
  for (const candidate of candidates) {
    const path = resolvePath(directory, candidate);
    const presence = files.has(path);
    if (presence === 'no') continue;
    if (presence === 'maybe') return undefined;
    const isFile = files.read(path) !== undefined;
    // A generator written in the project is code of the project.
    if (isFile && /provider\s*=\s*"(?:node |\.{1,2}\/|ts-node)/.test(files.read(path) ?? '')) return undefined;
    return [...configs.map((each) => ({ path: each })), ...(isFile ? [{ path }] : [{ path, tree: true }])];
  }
  return undefined;
}

/** Dependencies whose own install scripts read the project (spec 1): what they read, or why that is not known. */
export function dependencyScriptNeed(files: Files, manifest: Manifest): ScriptNeed {
  const names = new Map(dependencies(manifest));
  const reads: Read[] = [];
  const prisma = names.get('@prisma/client');
  if (prisma !== undefined && major(prisma) <= 6) {
    const schema = prismaReads(files, manifest);
    if (schema === undefined) {
      const config = ['prisma.config.ts', 'prisma.config.js', 'prisma.config.mjs', 'prisma.config.mts'].some(
        (name) => files.has(at(manifest.directory, name)) !== 'no',
      );
      if (config) return { kind: 'source', runs: "@prisma/client's postinstall" };
    } else reads.push(...schema);
  }
  for (const name of ['lefthook', 'simple-git-hooks', 'pre-commit', 'yorkie', 'husky'])
    if (
      names.has(name) &&
      (name !== 'husky' || major(names.get(name) ?? '') <= 4) &&
      files.has(at(manifest.directory, '.git')) !== 'no'
    )
      return { kind: 'source', runs: `${name}'s postinstall, which installs hooks into .git` };
  if (names.has('lefthook'))
    reads.push(
      ...['lefthook.yml', 'lefthook.yaml', '.lefthook.yml'].map((name) => ({ path: at(manifest.directory, name) })),
    );
  if (names.has('puppeteer')) {
    for (const name of [
      '.puppeteerrc',
      '.puppeteerrc.cjs',
      '.puppeteerrc.js',
      '.puppeteerrc.json',
      '.puppeteerrc.mjs',
      'puppeteer.config.cjs',
      'puppeteer.config.js',
      'puppeteer.config.mjs',
    ])
      reads.push({ path: at(manifest.directory, name) });
  }
  return { kind: 'files', reads };
}

/** The lowest major version that a range allows; 0 when it says none. */
export function major(range: string): number {
  const match = /(\d+)/.exec(range);
  return match === null ? 0 : Number(match[1]);
}
