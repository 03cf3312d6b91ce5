/** `init`, `new` and `completion`: what somebody starts with. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { checkConfig } from '../../src/config/schema.ts';
import { REFUSALS } from '../../src/refusals.ts';
import { lacks } from '../support/programs.ts';
import { dockerfix, folder, PROJECT } from './support.ts';

describe('init', () => {
  it.each(['json', 'js', 'ts'])('writes a configuration (%s) that is valid and changes nothing', async (language) => {
    const root = folder({ ...PROJECT, 'package.json': '{"type":"module"}' });
    const before = (await dockerfix(root, [])).out;
    const { code, out } = await dockerfix(root, ['init', '--language', language]);
    expect([code, out]).toEqual([0, `dockerfix.config.${language}\n`]);
    expect(await dockerfix(root, ['--print-config', '.'])).toMatchObject({ code: 0, err: '' });
    expect((await dockerfix(root, [])).out).toBe(before);
    if (language === 'json')
      expect(checkConfig(JSON.parse(readFileSync(join(root, 'dockerfix.config.json'), 'utf8')))).toHaveProperty(
        'config',
      );
  });
  it('names the schema where the package is installed', async () => {
    const schema = 'node_modules/dockerfix/schema/config.schema.json';
    const root = folder({ [schema]: '{}', 'a/b.txt': '' });
    await dockerfix(join(root, 'a'), ['init']);
    expect(readFileSync(join(root, 'a/dockerfix.config.json'), 'utf8')).toContain(`"$schema": "../${schema}"`);
  });
  it.each(['dockerfix.config.json', 'dockerfix.config.mts', '../dockerfix.config.js'])(
    'leaves %s alone',
    async (existing) => {
      const root = folder();
      const inner = join(root, 'inner');
      mkdirSync(inner);
      writeFileSync(join(inner, existing), 'mine');
      const { code, err } = await dockerfix(inner, ['init']);
      expect([code, err.split('\n')[0]]).toEqual([2, `dockerfix: there is a configuration already: ${existing}`]);
      expect(readFileSync(join(inner, existing), 'utf8')).toBe('mine');
      expect(readdirSync(inner)).toEqual(existing.startsWith('..') ? [] : [existing]);
    },
  );
  it('leaves a key of package.json alone, and a symlink that leads nowhere', async () => {
    const keyed = folder({ 'package.json': '{"dockerfix":{}}' });
    expect((await dockerfix(keyed, ['init'])).err).toContain('there is a configuration already: package.json');
    const linked = folder();
    symlinkSync('/nowhere/at/all', join(linked, 'dockerfix.config.json'));
    const { code, err } = await dockerfix(linked, ['init']);
    expect(code).toBe(2);
    expect(err).toContain('dockerfix.config.json could not be written');
  });
});

describe('new', () => {
  it.each(['transform', 'manager'])('makes a %s with the name throughout', async (kind) => {
    const root = folder({}, false);
    const { code, out } = await dockerfix(root, ['new', kind, 'acme-tool']);
    expect([code, out]).toEqual([0, 'dockerfix-acme-tool\n']);
    expect(readdirSync(root)).toEqual(['dockerfix-acme-tool']);
    const made = join(root, 'dockerfix-acme-tool');
    const paths = readdirSync(made, { recursive: true, encoding: 'utf8' });
    expect(paths).toContain('.gitignore');
    expect(paths.filter((path) => path.includes('/applies-')).length).toBeGreaterThan(0);
    for (const path of paths.filter((each) => statSync(join(made, each)).isFile()))
      expect(path + readFileSync(join(made, path), 'utf8')).not.toMatch(/my-(?:transform|manager)|0\.0\.0/);
  });
  it.each([
    [['new', 'transform', 'Late_Label'], 'kebab-case'],
    [['new', 'transform', '../up'], 'kebab-case'],
    [['new', 'thing', 'a'], 'Choices: "transform", "manager"'],
    [['new', 'transform'], 'Not enough'],
    [['new', 'manager', 'taken'], 'there is `dockerfix-taken` already'],
  ])('refuses %j', async (argv, message) => {
    const root = folder({ 'dockerfix-taken': 'a file' }, false);
    const { code, err } = await dockerfix(root, argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(readdirSync(root)).toEqual(['dockerfix-taken']);
  });
});

describe('completion', () => {
  const bin = join(import.meta.dirname, '../../dist/cli.js');
  /** A directory in which `dockerfix` is the built command. */
  const path = folder({}, false);
  symlinkSync(bin, join(path, 'dockerfix'));
  const environment = { ...process.env, PATH: `${path}:${process.env['PATH'] ?? ''}` };

  /** What a real shell offers once the script is sourced; the last word is the one being typed. */
  function offers(shell: string, words: readonly string[]): readonly string[] {
    const typed = ['dockerfix', ...words].map((word) => `'${word}'`).join(' ');
    const script = {
      bash: `eval "$(dockerfix completion bash)"; COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; "$(complete -p dockerfix | sed 's/.*-F \\([^ ]*\\) .*/\\1/')"; printf '%s\\n' "\${COMPREPLY[@]}"`,
      // Stand-ins for the two functions of zsh's completion system; what matches is picked here.
      zsh: `compdef() { }; _describe() { print -rl -- $reply }; eval "$(dockerfix completion zsh)"; words=(${typed}); CURRENT=${words.length + 1}; _dockerfix_yargs_completions`,
    }[shell] as string;
    const out = execFileSync(shell, shell === 'zsh' ? ['-f', '-c', script] : ['--norc', '-c', script], {
      encoding: 'utf8',
      env: { ...environment, SHELL: `/bin/${shell}` },
    });
    const found = out.split('\n').map((line) => line.replace(/:.*/, ''));
    return found.filter((each) => each !== '' && each.startsWith(words.at(-1) ?? ''));
  }

  it.for(['bash', 'zsh'])('%s completes commands, options and values', (shell, { skip }) => {
    skip(lacks(shell), `install ${shell}`);
    expect([...offers(shell, [''])].sort()).toEqual(Object.keys(COMMANDS).sort());
    expect(offers(shell, ['--wr'])).toEqual(['--write']);
    expect(offers(shell, ['--style', 'p'])).toEqual(['parents']);
    expect(offers(shell, ['new', 't'])).toEqual(['transform']);
    expect(offers(shell, ['explain', 'lifecycle-'])).toEqual(
      Object.keys(REFUSALS).filter((code) => code.startsWith('lifecycle-')),
    );
    expect(offers(shell, ['batch', '--res'])).toEqual(['--results', '--resume']);
  });

  it.each(['', ...Object.keys(COMMANDS)])('every option of `dockerfix %s` is offered', async (command) => {
    const before = command === '' ? [] : [command];
    const help = (await dockerfix(path, [...before, '--help'])).out;
    const options = [...help.matchAll(/^ {2}(?:-\w, )? *--([a-z][a-z-]*)/gm)].map((match) => `--${match[1] as string}`);
    const { out, code } = await dockerfix(path, ['--get-yargs-completions', 'dockerfix', ...before, '--']);
    expect(code).toBe(0);
    expect(options).toContain('--help');
    expect(out.split('\n')).toEqual(expect.arrayContaining(options));
  });

  it('takes the shell from $SHELL', async () => {
    expect((await dockerfix(path, ['completion'], { environment: { SHELL: '/bin/zsh' } })).out).toContain('#compdef');
    expect((await dockerfix(path, ['completion'])).out).toContain('complete -o bashdefault');
    expect((await dockerfix(path, ['completion', 'fish'])).code).toBe(2);
    expect(existsSync(join(path, 'fish'))).toBe(false);
  });
});
