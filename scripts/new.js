// npm run new -- transform|manager NAME: starts one from the templates of `dockerfix new`, with its fixtures and its place
// in the list. What it makes passes its fixtures, and is formatted; CONTRIBUTING says what is left to do.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';

/** Where a manager finds what `dockerfix/plugin` hands on from the managers' room: file by name. */
const HELPERS = new Map(
  [...readFileSync('src/plugin.ts', 'utf8').matchAll(/export \{([^}]*)\} from '\.\/managers\/([^']*)'/g)].flatMap(
    ([, names, path]) => names.split(',').map((each) => [each.replace('type ', '').trim(), path]),
  ),
);

/** Where each kind lives, what it imports, and what its cases are called. */
const KINDS = {
  transform: {
    file: (name) => `transforms/${name}.ts`,
    list: 'transforms/index.ts',
    origin: () => '../src/plugin.ts',
    case: (name, fixture) => `fixtures/${name}/${fixture}`,
  },
  manager: {
    file: (name) => `src/managers/${name}.ts`,
    list: 'src/managers/index.ts',
    origin: (name) => (HELPERS.has(name) ? `./${HELPERS.get(name)}` : '../model.ts'),
    // What moves a manager's manifests is the transform.
    case: (name, fixture) => `fixtures/split-dependency-manifests/${fixture.replace('-', `-${name}-`)}`,
  },
};

/** The imports of a template, told as they are inside this repository. */
function imports(names, origin) {
  const byOrigin = new Map();
  for (const each of names.split(',').map((text) => text.trim())) {
    if (each === '' || each === 'type Plugin') continue;
    const path = origin(each.replace('type ', ''));
    byOrigin.set(path, [...(byOrigin.get(path) ?? []), each]);
  }
  return [...byOrigin]
    .sort()
    .map(([path, each]) =>
      each.every((one) => one.startsWith('type '))
        ? `import type { ${each.map((one) => one.slice(5)).join(', ')} } from '${path}';`
        : `import { ${each.join(', ')} } from '${path}';`,
    )
    .join('\n');
}

async function start(kind, name) {
  const place = KINDS[kind];
  const path = place.file(name);
  if (existsSync(path)) throw new Error(`there is \`${path}\` already`);
  const template = join('templates', kind);
  const own = (text) => text.replaceAll(`my-${kind}`, name);
  const constant = name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
  const write = async (file, text) =>
    writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));

  const source = own(readFileSync(join(template, 'src/index.ts'), 'utf8'))
    .replace(/import \{([^}]*)\} from 'dockerfix\/plugin';/, (_, names) => imports(names, place.origin))
    .replace(`const ${kind}:`, `export const ${constant}:`)
    .replace(/\nconst plugin: [\s\S]*$/, '');
  await write(path, source);

  const list = readFileSync(place.list, 'utf8');
  const imported = `import { ${constant} } from './${name}.ts';\n`;
  const lastImport = list.lastIndexOf("';\n", list.indexOf('\n/**')) + 3;
  await write(
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
try {
  if (!Object.hasOwn(KINDS, kind) || !/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name) || rest.length > 0)
    throw new Error('usage: npm run new -- transform|manager NAME (kebab-case, as in `late-label`)');
  console.log((await start(kind, name)).join('\n'));
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
