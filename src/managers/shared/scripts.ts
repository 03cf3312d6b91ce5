/**
 * What lifecycle scripts do: the allow-list of spec 1, "Adapt, in order", step 1. A script is known when every command
 * in it is in the table; anything else may read the source.
 */
import type { Files, Read, Trouble } from '../../model.ts';
import { parentOf, resolvePath } from '../../dockerfile/state.ts';
import { at, scripts, withoutScripts, type Manifest } from './package-json.ts';
import { prismaSchema } from './prisma.ts';
import { commandsOf } from './shell-words.ts';

/** What a known script reads and changes. */
export interface Effect {
  readonly reads: readonly Read[];
  /** It changes what is in node_modules. */
  readonly modules?: boolean;
  /** Directories of the project that it fills. */
  readonly writes?: readonly string[];
}

/** Why a script is not known: what it runs, and the refusal's code. */
export interface Unknown {
  readonly runs: string;
  readonly code: 'lifecycle-script-reads-source' | 'needs-vcs';
}

export interface Scene {
  readonly files: Files;
  readonly manifest: Manifest;
  /** How many scripts have called each other. */
  readonly depth: number;
}

const NOTHING: Effect = { reads: [] };

type Rule = (args: readonly string[], scene: Scene) => Effect | Unknown | undefined;

const inert: Rule = () => NOTHING;

/** Tools that set up git hooks: without a .git directory they say so and stop. Sources: husky 4-9, lefthook, simple-git-hooks. */
const hooks: Rule = (_args, { files, manifest }) =>
  repositoryAbove(files, manifest.directory) ? { runs: '', code: 'needs-vcs' } : NOTHING;

/** A .git may be there or further up. Above the project a directory that packages fill is no checkout. */
function repositoryAbove(files: Files, directory: string): boolean {
  if (files.has(at(directory, '.git')) !== 'no') return true;
  for (let last = directory, above = parentOf(directory); above !== last; last = above, above = parentOf(above)) {
    const presence = files.has(at(above, '.git'));
    if (presence === 'yes' || (presence === 'maybe' && files.entries(above) !== undefined)) return true;
  }
  return false;
}

/** `[ -d .git ]`: a question about one path. Of something that is there, all could matter. */
const test: Rule = (args, scene) => {
  for (const [index, word] of args.entries()) {
    if (!/^-[abcdefghkprsuwxLOGSN]$/.test(args[index - 1] ?? '')) continue;
    const path = resolvePath(scene.manifest.directory, word);
    if (scene.files.has(path) !== 'no') return word.startsWith('.git') ? { runs: '', code: 'needs-vcs' } : undefined;
  }
  return NOTHING;
};

/** chmod of what is not there does nothing, now or later; of what is there, its mode has to come after the copy. */
const chmod: Rule = (args, { files, manifest }) => {
  const [mode, ...paths] = args.filter((word) => !/^-[Rvfc]+$/.test(word));
  if (mode === undefined || !/^[\dugoa+=,rwxX-]+$/.test(mode) || paths.some((path) => !/^[\w./*-]+$/.test(path)))
    return undefined;
  const looked = paths.map((path) => resolvePath(manifest.directory, path.replace(/(?:^|\/)[^/]*\*.*$/, '') || '.'));
  return looked.every((path) => files.has(path) === 'no')
    ? { reads: looked.map((path) => ({ path, tree: true })) }
    : undefined;
};

/** Options of node that load and open nothing. */
const NODE_OPTIONS = /^(?:--input-type(?:=.*)?|module|commonjs|--no-warnings|--no-deprecation)$/;

/** `node -e CODE` that neither loads nor opens anything. */
const node: Rule = (args, scene) => {
  const at = args.findIndex((word) => /^(?:-e|-p|-pe|--eval|--print)$/.test(word));
  const code = at < 0 ? undefined : args[at + 1];
  if (code === undefined || args.some((word, index) => index !== at && index !== at + 1 && !NODE_OPTIONS.test(word)))
    return undefined;
  const rest = code.replace(
    /(?:require|import)\(\s*(['"`])husky\1\s*\)(?:\.default|\)\.default)?(?:\.install)?/g,
    'HUSKY',
  );
  if (
    /\b(?:require|import|eval|Function|fetch|cwd|chdir|dlopen|binding|getBuiltinModule|mainModule|loadEnvFile)\b|\bfs\b|__dirname|__filename/.test(
      rest,
    )
  )
    return undefined;
  return rest.includes('HUSKY') ? hooks(args, scene) : NOTHING;
};

/** patch-package applies `patches/` to node_modules. Source: its README. */
const patchPackage: Rule = (args, { files, manifest }) => {
  if (args.some((word) => !word.startsWith('--') && args[args.indexOf(word) - 1] !== '--patch-dir')) return undefined;
  const named =
    args.find((word) => word.startsWith('--patch-dir='))?.slice('--patch-dir='.length) ??
    args[args.indexOf('--patch-dir') + 1];
  const directory = resolvePath(
    manifest.directory,
    args.some((word) => word.startsWith('--patch-dir')) ? (named ?? 'patches') : 'patches',
  );
  const locks = ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock']
    .map((name) => at(manifest.directory, name))
    .filter((path) => files.has(path) !== 'no');
  return {
    reads: [{ path: directory, tree: true }, manifestRead(manifest), ...locks.map((path) => ({ path }))],
    modules: true,
  };
};

const prisma: Rule = (args, { files, manifest }) => {
  if (args[0] !== 'generate') return args[0] === 'version' || args[0] === '-v' ? NOTHING : undefined;
  let named: string | undefined;
  for (let index = 1; index < args.length; index++) {
    const word = args[index] as string;
    if (word === '--schema') named = args[++index];
    else if (word.startsWith('--schema=')) named = word.slice('--schema='.length);
    else if (word === '--generator') index++;
    else if (!/^--(?:generator=.*|no-engine|no-hints|allow-no-models|data-proxy|accelerate|postinstall)$/.test(word))
      return undefined;
  }
  const schema = prismaSchema(files, manifest, named);
  if (schema === undefined || schema === 'absent') return undefined;
  // What it generates into the source belongs after the copy.
  if (schema.outputs.length > 0) return undefined;
  return { reads: [...schema.reads, manifestRead(manifest)], modules: true };
};

/** A script of the same package.json, with the ones before and after it. */
const script: Rule = (args, scene) => {
  const names = args.filter((word) => !word.startsWith('-'));
  const defined = scripts(scene.manifest);
  const name = names[0];
  if (
    names.length !== 1 ||
    name === undefined ||
    defined[name] === undefined ||
    args.some((word) => /^(?:-C|--prefix|--filter|-w|--workspaces?|-ws|-r|--cwd)/.test(word))
  )
    return undefined;
  return all(
    [`pre${name}`, name, `post${name}`].flatMap((each) =>
      defined[each] === undefined ? [] : [understandScript(defined[each], { ...scene, depth: scene.depth + 1 })],
    ),
  );
};

const scriptList: Rule = (args, scene) =>
  all(args.filter((word) => !word.startsWith('-')).map((name) => script([name], scene) ?? unknown(name)));

/** What follows is the command, behind options. */
const wrapped: Rule = (args, scene) => {
  const start = args.findIndex((word) => !/^(?:-y|--yes|-q|--quiet|--no|--no-install|--|-s|--silent)$/.test(word));
  const [name, ...rest] = start < 0 ? [] : args.slice(start);
  return name === undefined || name.startsWith('-')
    ? undefined
    : understandCommand([name.replace(/(?!^)@[\w.^~-]+$/, ''), ...rest], scene);
};

/** `npm run x`, `npm exec x`. */
const npm: Rule = ([verb, ...rest], scene) => {
  if (verb === 'run' || verb === 'run-script') return script(rest, scene);
  if (verb === 'exec' || verb === 'x') return wrapped(rest, scene);
  return verb === '-v' || verb === '--version' ? NOTHING : undefined;
};

/** `yarn x`, `pnpm x`, `bun x`: a script of that name, else an executable. */
const shortcut: Rule = ([verb, ...rest], scene) => {
  if (verb === undefined) return undefined;
  if (verb === 'run' || verb === '-s' || verb === '--silent') return shortcut(rest, scene);
  if (verb === 'exec' || verb === 'dlx' || verb === 'x') return wrapped(rest, scene);
  if (verb === 'install' || verb === 'add') return undefined;
  return scripts(scene.manifest)[verb] === undefined
    ? understandCommand([verb, ...rest], scene)
    : script([verb, ...rest], scene);
};

const crossEnv: Rule = (args, scene) =>
  wrapped(args.slice(args.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word))), scene);

const RULES: Readonly<Record<string, Rule>> = {
  true: inert,
  ':': inert,
  echo: inert,
  printf: inert,
  exit: inert,
  sleep: inert,
  'is-ci': inert,
  'only-allow': inert,
  'opencollective-postinstall': inert,
  opencollective: inert,
  'check-engine-light': inert,
  chmod,
  command: (args) => (args[0] === '-v' ? NOTHING : undefined),
  which: inert,
  '[': test,
  '[[': test,
  test,
  node,
  husky: (args, scene) =>
    args[0] === undefined || args[0] === 'install' || /^[\w./-]+$/.test(args[0]) ? hooks(args, scene) : undefined,
  lefthook: (args, scene) => (args[0] === 'install' ? hooks(args, scene) : undefined),
  'simple-git-hooks': hooks,
  'pre-commit': (args, scene) => (args[0] === 'install' ? hooks(args, scene) : undefined),
  'is-git-repository': hooks,
  git: (args, scene) => (args[0] === 'config' || args[0] === 'rev-parse' ? hooks(args, scene) : undefined),
  'patch-package': patchPackage,
  prisma,
  npm,
  npx: wrapped,
  pnpx: wrapped,
  bunx: wrapped,
  yarn: shortcut,
  pnpm: shortcut,
  bun: shortcut,
  'cross-env': crossEnv,
  'run-s': scriptList,
  'run-p': scriptList,
  'npm-run-all': scriptList,
};

/** Commands of which nothing but the directory matters, if that: they may follow a `cd ..`. */
const ANYWHERE = new Set(['true', ':', 'echo', 'exit', 'husky', 'lefthook', 'simple-git-hooks', '[', '[[', 'test']);

/** What a script does, or why that is not known. */
export function understandScript(text: string, scene: Scene): Effect | Unknown {
  const commands = scene.depth > 6 ? undefined : commandsOf(text);
  if (commands === undefined) return unknown(text);
  let here = scene;
  const effects = commands.map((command) => {
    const [name = '', directory] = command;
    if (name === 'cd' && command.length === 2 && /^\.\.(?:\/\.\.)*\/?$/.test(directory ?? '')) {
      here = inDirectory(here, resolvePath(here.manifest.directory, directory ?? ''));
      return NOTHING;
    }
    const known = here === scene || ANYWHERE.has(name) ? understandCommand(command, here) : undefined;
    return known ?? unknown(text);
  });
  const result = all(effects);
  return isUnknown(result) ? { ...result, runs: text } : result;
}

function inDirectory(scene: Scene, directory: string): Scene {
  return { ...scene, manifest: { ...scene.manifest, directory } };
}

function understandCommand([name = '', ...args]: readonly string[], scene: Scene): Effect | Unknown | undefined {
  return Object.hasOwn(RULES, name) ? RULES[name]?.(args, scene) : undefined;
}

function all(effects: readonly (Effect | Unknown)[]): Effect | Unknown {
  const bad = effects.find(isUnknown);
  if (bad !== undefined) return bad;
  const known = effects as readonly Effect[];
  return {
    reads: known.flatMap((effect) => effect.reads),
    modules: known.some((effect) => effect.modules === true),
    writes: known.flatMap((effect) => effect.writes ?? []),
  };
}

function unknown(runs: string): Unknown {
  return { runs, code: 'lifecycle-script-reads-source' };
}

export function isUnknown(value: Effect | Unknown): value is Unknown {
  return 'code' in value;
}

export function manifestRead(manifest: Manifest): Read {
  return { path: at(manifest.directory, 'package.json'), as: withoutScripts(manifest) };
}

/** The same for what is also written down of it: that it has an install script, as `hasInstallScript` of npm's lockfiles. */
export function recordedRead(manifest: Manifest): Read {
  const read = manifestRead(manifest);
  return hasInstallScript(manifest) ? { ...read, as: `${read.as ?? ''} hasInstallScript` } : read;
}

export function hasInstallScript(manifest: Manifest, without: readonly string[] = []): boolean {
  return ['preinstall', 'install', 'postinstall'].some(
    (name) => scripts(manifest)[name] !== undefined && !without.includes(name),
  );
}

/** Said of a script that cannot run ahead of the source. `subject` names it: "`postinstall`". */
export function scriptTrouble(subject: string, { runs, code }: Unknown): Trouble {
  return code === 'needs-vcs'
    ? {
        code,
        message: `${subject} runs \`${runs}\`, which sets up git hooks if \`.git\` is there`,
        help: 'add .git to .dockerignore',
      }
    : {
        code,
        message: `${subject} runs \`${runs}\`, which may read the source`,
        help: 'move what it does to a RUN of its own after the copy',
      };
}
