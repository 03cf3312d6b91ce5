// npm run new -- transform|manager NAME: starts one from the templates of `dockerfix new`, with its fixtures and its place
// in the list. What it makes passes the tests as it is.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where each kind lives, what it imports, and what its cases are called. */
const KINDS = {
  transform: {
    file: (name) => `transforms/${name}.ts`,
    list: 'transforms/index.ts',
    model: '../src/plugin.ts',
    case: (name, fixture) => `fixtures/${name}/${fixture}`,
  },
  manager: {
    file: (name) => `src/managers/${name}.ts`,
    list: 'src/managers/index.ts',
    model: '../model.ts',
    // What moves a manager's manifests is the transform.
    case: (name, fixture) => `fixtures/split-dependency-manifests/${fixture.replace('-', `-${name}-`)}`,
  },
};

function start(kind, name) {
  const place = KINDS[kind];
  const path = place.file(name);
  if (existsSync(path)) throw new Error(`there is \`${path}\` already`);
  const template = join('templates', kind);
  const own = (text) => text.replaceAll(`my-${kind}`, name);
  const constant = name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

  const source = own(readFileSync(join(template, 'src/index.ts'), 'utf8'))
    .replace(/import type \{(.*), Plugin(.*)\} from 'dockerfix\/plugin'/, `import type {$1$2} from '${place.model}'`)
    .replace(`const ${kind}:`, `export const ${constant}:`)
    .replace(/\nconst plugin: [\s\S]*$/, '');
  writeFileSync(path, source);

  const list = readFileSync(place.list, 'utf8');
  const imported = `import { ${constant} } from './${name}.ts';\n`;
  const lastImport = list.lastIndexOf("';\n", list.indexOf('\n/**')) + 3;
  writeFileSync(
    place.list,
    (list.slice(0, lastImport) + imported + list.slice(lastImport)).replace(/\n\];/, `\n  ${constant},\n];`),
  );

  const made = [];
  for (const fixture of readdirSync(join(template, 'fixtures'))) {
    const folder = place.case(name, fixture);
    made.push(folder);
    for (const each of readdirSync(join(template, 'fixtures', fixture), { recursive: true })) {
      const from = join(template, 'fixtures', fixture, each);
      if (!statSync(from).isFile()) continue;
      mkdirSync(dirname(own(join(folder, each))), { recursive: true });
      writeFileSync(own(join(folder, each)), own(readFileSync(from, 'utf8')));
    }
  }
  return [path, place.list, ...made];
}

const [kind, name = '', ...rest] = process.argv.slice(2);
if (!Object.hasOwn(KINDS, kind) || !/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name) || rest.length > 0) {
  console.error('usage: npm run new -- transform|manager NAME (kebab-case, as in `late-label`)');
  process.exitCode = 2;
} else console.log(start(kind, name).join('\n'));
