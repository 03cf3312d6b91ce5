/**
 * Builds of which it is known that they leave the manifests alone, although they read all of the project: those that
 * run the TypeScript compiler alone. It runs no code of the project, and writes to `outDir`.
 * Source: https://www.typescriptlang.org/tsconfig/#outDir
 */
import type { Command, Files } from '../../model.ts';
import { resolvePath } from '../../dockerfile/state.ts';
import { document } from './documents.ts';
import { at, record } from './package-json.ts';
import { commandsOf } from './shell-words.ts';
import { isTrouble } from './steps.ts';

const MANIFESTS = [
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  '.npmrc',
];

/** The manifests that a build leaves as they are; empty: any command that is not known to. */
export function sparedBy({ words, redirects }: Command, directory: string, files: Files): readonly string[] {
  const [program, ...rest] = words.map(({ value }) => value);
  const name = program === 'yarn' && rest[0] !== 'run' ? rest[0] : rest[1];
  const runs = /^(?:npm|pnpm|yarn)$/.test(program ?? '') && (rest[0] === 'run' || program === 'yarn');
  const length = program === 'yarn' && rest[0] !== 'run' ? 1 : 2;
  if (!runs || name === undefined || rest.length !== length || redirects.length > 0) return [];
  const manifest = document(files, at(directory, 'package.json'), 'json');
  if (isTrouble(manifest)) return [];
  const packages = { ...record(manifest['dependencies']), ...record(manifest['devDependencies']) };
  // They change what `tsc` does.
  const compiler = packages['typescript'];
  if (typeof compiler !== 'string' || compiler.includes(':') || 'ts-patch' in packages || 'tsc' in packages) return [];
  const defined = record(manifest['scripts']);
  const texts = [`pre${name}`, name, `post${name}`].flatMap((each) => defined[each] ?? []);
  const commands = texts.map((text) =>
    typeof text === 'string' && !text.includes('=') ? commandsOf(text) : undefined,
  );
  if (defined[name] === undefined) return [];
  const compiles = commands.every((list) => list?.every((each) => isCompile(each, directory, files)) === true);
  return compiles ? MANIFESTS.map((each) => at(directory, each)) : [];
}

function isCompile([program, ...args]: readonly string[], directory: string, files: Files): boolean {
  const isOutput = (path: string): boolean => /^(?:\.\/)?(?:dist|build|lib|out)\/?$/.test(path);
  if (program === 'rimraf') return args.length > 0 && args.every(isOutput);
  if (program === 'rm') return args[0] === '-rf' && args.length > 1 && args.slice(1).every(isOutput);
  if (program !== 'tsc') return program === 'echo';
  const [option, named, ...more] = args;
  if (more.length > 0 || (option !== undefined && (!/^(?:-p|--project)$/.test(option) || named === undefined)))
    return false;
  const file = named === undefined ? 'tsconfig.json' : named.endsWith('.json') ? named : `${named}/tsconfig.json`;
  const settings = document(files, resolvePath(directory, file), 'json');
  if (isTrouble(settings)) return false;
  const options = record(settings['compilerOptions']);
  const { outDir } = options;
  if (typeof outDir !== 'string' || ['declarationDir', 'outFile', 'tsBuildInfoFile'].some((each) => each in options))
    return false;
  return isOutput(outDir) && !file.includes('/');
}
