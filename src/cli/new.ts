/** `dockerfix new`: a plugin package to start from, with fixtures that pass. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { version } from '../index.ts';
import { usageError, type Io } from './io.ts';
import { offered, parseOptions } from './parser.ts';

const KINDS = ['transform', 'manager'] as const;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  io.stdout(offered(argv, KINDS));
  const options = await parseOptions(argv, io, (parser) =>
    parser
      .usage(
        '$0 new transform|manager NAME\n\nMakes the folder dockerfix-NAME: a plugin package with one transform or package manager, and fixtures that pass its tests.',
      )
      .command('$0 <kind> <name>', false, (command) =>
        command
          .positional('kind', { choices: KINDS, demandOption: true, describe: 'what the plugin brings' })
          .positional('name', { type: 'string', demandOption: true, describe: 'kebab-case' }),
      )
      .example('$0 new transform late-label', 'a transform dockerfix-late-label/late-label'),
  );
  if (typeof options === 'number') return options;
  const { kind, name: given } = options as unknown as { kind: (typeof KINDS)[number]; name: string };
  const name = given.replace(/^dockerfix-/, '');
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name))
    return usageError(io, 'NAME has to be kebab-case, as in `late-label`');
  const folder = `dockerfix-${name}`;
  const target = resolve(io.cwd, folder);
  if (existsSync(target)) return usageError(io, `there is \`${folder}\` already`);
  // Made beside it and renamed: all of it, or nothing.
  const beside = mkdtempSync(join(io.cwd, '.dockerfix-'));
  const making = join(beside, folder);
  try {
    for (const [path, text] of scaffold(kind, name)) {
      mkdirSync(dirname(join(making, path)), { recursive: true });
      writeFileSync(join(making, path), text);
    }
    renameSync(making, target);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  io.stdout(`${folder}\n`);
  io.stderr(`cd ${folder} && npm install && npm test\n`);
  return 0;
}

function scaffold(kind: string, name: string): readonly (readonly [path: string, text: string])[] {
  const root = join(templates(), kind);
  const own = (text: string): string => text.replaceAll(`my-${kind}`, name).replaceAll('>=0.0.0', `>=${version}`);
  return (
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(root, path)).isFile())
      // npm leaves a .gitignore out of packages.
      .map((path) => [own(path).replace(/^gitignore$/, '.gitignore'), own(readFileSync(join(root, path), 'utf8'))])
  );
}

/** Beside dist/ in the package, two above this file in the sources. */
function templates(): string {
  const found = ['../templates', '../../templates']
    .map((path) => join(import.meta.dirname, path))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error('the templates are missing from the package');
  return found;
}
