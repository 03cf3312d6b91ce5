/** The configuration as users meet it: through the command. */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/config/schema.ts';
import { findConfig } from '../../src/config/find.ts';
import { dockerfix, FIXED, folder, PROJECT } from '../cli/support.ts';

const OWN = {
  Dockerfile: 'FROM debian:12\nWORKDIR /app\nCOPY . .\nRUN make deps\nRUN make\n',
  Makefile: 'deps:\n\t./fetch\n',
  'deps.lock': '1',
  'main.c': '1',
  '.gitignore': 'third_party\n',
};
const COMMANDS = { commands: [{ run: 'make deps', reads: ['Makefile', 'deps.lock'], writes: ['third_party'] }] };
const POSTINSTALL = {
  ...PROJECT,
  'package.json': JSON.stringify({ scripts: { postinstall: 'node tools/check.js' } }),
  'tools/check.js': '1',
};

describe('where a configuration is found', () => {
  it.each([
    ['dockerfix.config.ts', 'const config: object = { unsafe: true };\nexport default config;\n'],
    ['dockerfix.config.js', 'export default { unsafe: true };\n'],
    ['dockerfix.config.mjs', 'export default { unsafe: true };\n'],
    ['dockerfix.config.json', '{ "unsafe": true }'],
    ['package.json', '{ "type": "module", "dockerfix": { "unsafe": true } }'],
  ])('%s', async (name, text) => {
    const root = folder({ ...PROJECT, 'package.json': '{"type":"module"}', [name]: text });
    const { code, out, err } = await dockerfix(root, ['--print-config']);
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toMatchObject({
      config: join(realpathSync(root), name),
      files: { Dockerfile: { unsafe: true } },
    });
  });
  it('upwards, to the root of the repository and no further', () => {
    const root = realpathSync(folder({ 'dockerfix.config.json': '{}', 'a/b/c': '', 'a/.dockerfixignore': '' }));
    const found = { config: join(root, 'dockerfix.config.json'), ignoreFile: join(root, 'a/.dockerfixignore') };
    expect(findConfig(join(root, 'a/b'))).toEqual(found);
    mkdirSync(join(root, 'a/.git'));
    expect(findConfig(join(root, 'a/b'))).toEqual({ ignoreFile: found.ignoreFile });
  });
  it('outside of a repository, in the working directory alone', () => {
    const root = realpathSync(folder({ 'dockerfix.config.json': '{}', 'a/x': '' }, false));
    expect(findConfig(join(root, 'a'))).toEqual({});
    expect(findConfig(root)).toEqual({ config: join(root, 'dockerfix.config.json') });
  });
  it('--no-config loads none, --config another', async () => {
    const root = folder({ ...PROJECT, 'dockerfix.config.js': 'throw new Error("loaded")', 'other.json': '{}' });
    expect(await dockerfix(root, ['--no-config', '--check'])).toMatchObject({ code: 1 });
    expect(await dockerfix(root, ['--config', 'other.json', '--check'])).toMatchObject({ code: 1 });
    const { code, err } = await dockerfix(root, []);
    expect([code, err]).toEqual([2, expect.stringContaining('dockerfix.config.js: loaded')]);
  });
});

describe('what is wrong with one', () => {
  it.each<readonly [unknown, string]>([
    [{ styl: 'copy' }, 'there is no key `styl`'],
    [{ style: 'tabs' }, '`style` has to be copy or parents or bind, not "tabs"'],
    [{ overrides: [{ files: ['a'], unsafe: 1 }] }, '`overrides[0].unsafe` has to be boolean, not 1'],
    [{ commands: [{ run: 'make' }] }, '`commands[0].reads` is missing'],
    [{ ignore: 'a' }, '`ignore` has to be a list, not "a"'],
    [[], 'the configuration has to be an object, not a list'],
  ])('%j', (value, message) => {
    expect(checkConfig(value)).toEqual({ mistakes: [message] });
  });
  it.each([
    [{ transforms: { 'late-cop': false } }, '`transforms.late-cop`: there is no such transform; there are: '],
    [{ transforms: { 'late-copy': { far: true } } }, '`transforms.late-copy`: this transform takes no options'],
    [{ overrides: [{ files: ['*'], inputs: { nmp: [] } }] }, '`overrides[0].inputs.nmp`: there is no such package'],
    [{ context: 'nowhere' }, '`context`: nowhere: '],
    [{ plugins: ['no-such-plugin'] }, '`plugins`: no-such-plugin was not found'],
  ])('%j, through the command', async (config, message) => {
    const root = folder({ ...PROJECT, 'dockerfix.config.json': JSON.stringify(config) });
    const { code, err } = await dockerfix(root, []);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(err).toContain('dockerfix.config.json: ');
  });
});

describe('what one does', () => {
  const fixed = async (
    files: Record<string, string>,
    config: object,
    argv: readonly string[] = [],
  ): Promise<string> => {
    const root = folder({ ...files, 'dockerfix.config.json': JSON.stringify(config) });
    const { out, err } = await dockerfix(root, ['--format', 'json', ...argv]);
    expect(err).toBe('');
    const { files: found } = JSON.parse(out) as { files: { changes: { path: string; after: string }[] }[] };
    return found[0]?.changes.find(({ path }) => path === 'Dockerfile')?.after ?? 'unchanged';
  };

  it('private commands: what they read is copied first', async () => {
    expect(await fixed(OWN, {})).toBe('unchanged');
    expect(await fixed(OWN, COMMANDS)).toBe(
      'FROM debian:12\nWORKDIR /app\nCOPY Makefile deps.lock ./\nRUN make deps\nCOPY . .\nRUN make\n',
    );
  });
  it('a private command that would lose something it reads is left where it is', async () => {
    const files = { ...OWN, Dockerfile: 'FROM debian:12\nWORKDIR /app\nCOPY . .\nRUN ./configure\nRUN make deps\n' };
    expect(await fixed(files, COMMANDS)).toBe('unchanged');
  });
  it('extra inputs are copied, too', async () => {
    const after = await fixed({ ...PROJECT, 'certs/ca.pem': '1' }, { inputs: { npm: ['certs/'] } });
    expect(after).toContain('COPY certs ');
    expect(after.indexOf('certs')).toBeLessThan(after.indexOf('npm ci'));
  });
  it('allowed lifecycle scripts run ahead of the source, with what they read', async () => {
    expect(await fixed(POSTINSTALL, { allowScripts: {} })).toContain('RUN npm run postinstall');
    const after = await fixed(POSTINSTALL, { allowScripts: { 'node tools/check.js': ['tools/check.js'] } });
    expect(after).toContain('COPY tools/check.js ./tools/\nRUN npm ci\nCOPY . .\n');
  });
  it('transforms are left out and added, flags win', async () => {
    const off = { transforms: { 'split-dependency-manifests': false } };
    expect(await fixed(PROJECT, off)).toBe('unchanged');
    expect(await fixed(PROJECT, off, ['--transform', 'split-dependency-manifests'])).toBe(FIXED);
    expect(await fixed(PROJECT, { transforms: { 'cache-mounts': true } })).toContain('--mount=type=cache');
    expect(await fixed(PROJECT, { style: 'bind' }, ['--style', 'copy'])).toBe(FIXED);
  });
  it('overrides hold for what their patterns match, the later one wins', async () => {
    const root = folder({
      ...PROJECT,
      'api/Dockerfile': PROJECT.Dockerfile,
      'dockerfix.config.json': JSON.stringify({
        style: 'bind',
        overrides: [
          { files: ['*'], unsafe: true },
          { files: ['api/'], unsafe: false, context: 'api' },
        ],
      }),
    });
    const { files } = JSON.parse((await dockerfix(root, ['--print-config'])).out) as { files: unknown };
    expect(files).toEqual({
      Dockerfile: { unsafe: true, target: { style: 'bind' }, add: [], skip: [], options: {} },
      'api/Dockerfile': {
        context: join(realpathSync(root), 'api'),
        ...{ unsafe: false, target: { style: 'bind' }, add: [], skip: [], options: {} },
      },
    });
  });
  it('.dockerfixignore and `ignore` leave Dockerfiles alone, and one that is named is told', async () => {
    const root = folder({
      ...PROJECT,
      'old/Dockerfile': 'FROM a\n',
      'older/Dockerfile': 'FROM a\n',
      '.dockerfixignore': '# gone soon\nold/\n',
      'dockerfix.config.json': '{ "ignore": ["older"] }',
    });
    expect((await dockerfix(root, [])).err).toContain('1 Dockerfile:');
    expect((await dockerfix(root, ['old/Dockerfile'])).err).toContain('old/Dockerfile ignored-by-configuration ');
  });
});

describe('plugins', () => {
  const plugin = (more: string): string => `export default { transforms: [{
    name: 'shout', summary: 'a label',
    checkOptions: (options) => typeof options.text === 'string' ? undefined : '\`text\` has to be a string',
    *propose(file, context, target) { ${more} },
  }] };`;
  const label = `const at = file.stages[0].instructions.at(-1);
    const text = 'LABEL shout=' + (target.options?.text ?? 'hey');
    if (!file.source.includes('LABEL')) yield { at, fixes: [{ message: 'adds a label', safety: 'unsafe', risk: 'a label', changes: true,
      edits: [{ file: 'dockerfile', span: [at.span[1], at.span[1]], text: file.eol + text }] }] };`;

  it('bring transforms under their own name, with options', async () => {
    const root = folder({
      Dockerfile: 'FROM a\nUSER b\n',
      'tools/loud.mjs': plugin(label),
      'dockerfix.config.json':
        '{ "plugins": ["./tools/loud.mjs"], "unsafe": true, "transforms": { "loud/shout": { "text": "ho" } } }',
    });
    const { out, err } = await dockerfix(root, []);
    expect(err).toContain('Dockerfile:2 loud/shout adds a label');
    expect(out).toContain('+LABEL shout=ho');
    expect((await dockerfix(root, ['--list'])).out).toContain('loud/shout');
    expect((await dockerfix(root, ['--skip', 'loud/shout'])).out).toBe('');
    writeFileSync(
      join(root, 'dockerfix.config.json'),
      '{ "plugins": ["./tools/loud.mjs"], "transforms": { "loud/shout": {} } }',
    );
    expect((await dockerfix(root, [])).err).toContain('`transforms.loud/shout`: `text` has to be a string');
  });
  it('are held to the proof', async () => {
    const cheat = label.replace("safety: 'unsafe', risk: 'a label', changes: true", "safety: 'safe'");
    const root = folder({
      Dockerfile: 'FROM a\nUSER b\n',
      'cheat.mjs': plugin(cheat),
      'dockerfix.config.json': '{ "plugins": ["./cheat.mjs"] }',
    });
    const { out, err } = await dockerfix(root, []);
    expect(out).toBe('');
    expect(err).toContain('Dockerfile:2 different-configuration');
  });
  it('that throw are named, and cost no other file', async () => {
    const root = folder({
      ...PROJECT,
      'b/Dockerfile': 'FROM a\nUSER b\n',
      'bad.mjs': plugin(`if (file.source.startsWith('FROM a')) throw new Error('oops');`),
      'dockerfix.config.json': '{ "plugins": ["./bad.mjs"] }',
    });
    const { code, out, err } = await dockerfix(root, []);
    expect(code).toBe(2);
    expect(err).toContain("b/Dockerfile:1 plugin-failed the plugin's `bad/shout` failed: oops");
    expect(out).toContain('+COPY package.json package-lock.json ./');
  });
  it('that change the model that they are given deceive nobody', async () => {
    const swap = `const { instructions } = file.stages[0];
      const copy = instructions.findIndex(({ keyword }) => keyword === 'COPY');
      [instructions[copy], instructions[copy + 1]] = [instructions[copy + 1], instructions[copy]];
      const text = file.source.replace(/(COPY.*\\n)(RUN.*\\n)/, '$2$1');
      yield { at: instructions[0], fixes: [{ message: 'swaps', safety: 'safe',
        edits: [{ file: 'dockerfile', span: [0, file.source.length], text }] }] };`;
    const root = folder({
      ...PROJECT,
      'swap.mjs': plugin(swap),
      'dockerfix.config.json': '{ "plugins": ["./swap.mjs"] }',
    });
    const { out, err } = await dockerfix(root, ['--transform', 'swap/shout']);
    expect(out).toBe('');
    expect(err).toContain('different-command `npm ci` would run in another way than before');
  });
  it.each([
    'undefined',
    '{ fixes: [] }',
    '{ at }',
    '{ at, fixes: [{ message: "a", safety: "safe" }] }',
    '{ at, fixes: [{ message: {}, safety: "safe", edits: [] }] }',
    '{ at, fixes: [{ message: "a", edits: [] }] }',
    ...['[-9, -5]', '[NaN, 0]', '[0, 1e9]', '[5, 1]', '[]', 'null'].map(
      (span) =>
        `{ at, fixes: [{ message: 'a', safety: 'safe', edits: [{ file: 'dockerfile', span: ${span}, text: '' }] }] }`,
    ),
    '{ at, fixes: [{ message: "a", safety: "safe", edits: [{ file: "../x", span: [0, 0], text: "" }] }] }',
  ])('are named where they propose %s', async (proposal) => {
    const root = folder({
      Dockerfile: 'FROM a\nUSER b\n',
      'odd.mjs': plugin(`const at = file.instructions[0]; yield ${proposal};`),
      'dockerfix.config.json': '{ "plugins": ["./odd.mjs"] }',
    });
    const { code, err } = await dockerfix(root, []);
    expect(err).toContain(
      "Dockerfile:1 plugin-failed the plugin's `odd/shout` failed: what it proposes is no proposal",
    );
    expect(code).toBe(2);
  });
  it.each([
    ['export default 1', 'has no plugin as its default export'],
    ['export default { transforms: [{ name: "Loud" }] }', 'has a transform whose name is not kebab-case'],
    ['export default { managers: [{ name: "a", summary: "" }] }', 'has a manager `a` without `recognise`'],
    ['throw new Error("no")', 'could not be loaded: no'],
  ])('%s', async (text, message) => {
    const root = folder({ ...PROJECT, 'p.mjs': text, 'dockerfix.config.json': '{ "plugins": ["./p.mjs"] }' });
    expect((await dockerfix(root, [])).err).toContain(message);
  });
});
