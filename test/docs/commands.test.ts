/**
 * Every command that the documents show is run: each `sh` and `console` block, in a small repository. A block below
 * `<!-- not run: REASON -->` and what stands in running text are held against the command line's own parser instead.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse as parseShell } from 'unbash';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { dockerfix } from '../cli/support.ts';
import { blocksOf, PAGES, proseOf, root, type Block } from './pages.ts';

const scripts = Object.assign(
  {},
  ...['.', 'site', 'editors/vscode'].map(
    (name) =>
      (JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
        .scripts,
  ),
) as Readonly<Record<string, string>>;
const DEMO = 'fixtures/split-dependency-manifests/applies-design-example';

const shown = PAGES.flatMap(blocksOf).filter(({ language }) => /^(?:sh|bash|shell|console)$/.test(language));
const run = shown.filter(({ notRun }) => notRun === undefined);
const notRun = shown.filter((block) => block.notRun !== undefined);

/** The lines that are typed; a trailing backslash joins two. */
function typed({ language, text }: Block): readonly string[] {
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  return (language === 'console' ? lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2)) : lines)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

// ------------------------------------------------------------------------------------------------ what is run

const made: string[] = [];
afterAll(() => made.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'dockerfix-docs-'));
  made.push(folder);
  return folder;
};

const APP = {
  Dockerfile: 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n',
  'package.json': '{}',
  'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
  'server.js': '1',
};

function repository(at: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(at, path)), { recursive: true });
    writeFileSync(join(at, path), text);
  }
  const git = (...argv: readonly string[]): void => {
    execFileSync('git', ['-C', at, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...argv]);
  };
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'one');
}

let programs: string;
beforeAll(() => {
  programs = temporary();
  const program = (name: string, script: string): void => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(programs, name), 0o755);
  };
  program(
    'dockerfix',
    `"${process.execPath}" "${join(root, 'dist/cli.js')}" "$@"; code=$?; echo "$code $*" >> "$DOCS_LOG"; exit $code`,
  );
  program('npx', 'test "$1" = dockerfix || { echo "npx $1 is not known here" >&2; exit 99; }\nexec "$@"');
  // What they do is the rest of the gate; here they have to exist.
  const known = Object.keys(scripts).join('|');
  program(
    'npm',
    `case "$1 $2" in "ci "|"test "|"install "*) ;; "run "*) case "$2" in ${known}) ;; *) exit 99;; esac;; *) exit 99;; esac`,
  );
});

/** As a reader has it: projects, a history, checkouts beside one another, and clone URLs in a file. */
function sandbox(): string {
  const folder = temporary();
  for (const name of ['repos/one', 'repos/two']) repository(join(folder, name), APP);
  writeFileSync(join(folder, 'urls.txt'), `${pathToFileURL(join(folder, 'repos/one')).href}\n`);
  for (const name of ['', 'services/api', 'api'])
    for (const [path, text] of Object.entries(APP)) {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, path), text);
    }
  cpSync(join(root, DEMO), join(folder, DEMO), { recursive: true });
  symlinkSync(join(root, 'dist'), join(folder, 'dist'));
  repository(folder, { '.gitignore': '/repos/\n/dist\n' });
  return folder;
}

it.each(run.map((block) => [`${block.page}:${block.line}`, block] as const))('%s works', (_name, block) => {
  const cwd = sandbox();
  const log = join(cwd, '.git/docs-log');
  for (const line of typed(block)) {
    const { status, stderr } = spawnSync('bash', ['-c', line], {
      cwd,
      encoding: 'utf8',
      env: {
        PATH: [programs, process.env['PATH']].join(delimiter),
        HOME: cwd,
        DOCS_LOG: log,
        GITHUB_STEP_SUMMARY: join(cwd, 'summary.md'),
      },
    });
    // 1 is `--check` that would change something.
    expect(status === 0 || (status === 1 && line.includes('--check')), `${line}\n${stderr}`).toBe(true);
  }
  const codes = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  // Also of those whose exit code a pipe or `||` swallowed.
  expect(codes.filter((code) => !/^0\b|^1 .*--check/.test(code))).toEqual([]);
});

// -------------------------------------------------------------------------------------------- what is checked

interface Simple {
  readonly type: string;
  readonly name?: { readonly value?: string };
  readonly suffix?: readonly { readonly value?: string }[];
}

/** The plain commands of a line, words without their quotes. */
function commandsOf(line: string): readonly (readonly string[])[] {
  const found: string[][] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, name, suffix = [] } = node as Simple;
    if (type === 'Command' && name?.value !== undefined)
      found.push([name.value, ...suffix.flatMap(({ value }) => (value === undefined ? [] : [value]))]);
    Object.values(node).forEach((each) => (Array.isArray(each) ? each.forEach(visit) : visit(each)));
  };
  visit(parseShell(line));
  return found;
}

/** What is wrong with a command; undefined: nothing, as far as that can be told without running it. */
async function mistakeIn(words: readonly string[]): Promise<string | undefined> {
  const [first = '', ...rest] = words[0] === 'npx' || words[0] === 'bash' ? words.slice(1) : words;
  if (first === 'dockerfix') {
    // An option that there is not keeps it from running, and is named along with all others that there are not.
    const { err } = await dockerfix(root, [...rest, '--zzz']);
    return /there is no option --zzz$/m.test(err.replace(/;.*/, '')) ? undefined : err;
  }
  if (first === 'npm')
    return rest[0] !== 'run' || Object.hasOwn(scripts, rest[1] ?? '')
      ? undefined
      : `there is no script ${rest[1] ?? ''}`;
  if (/^\.?\w+\//.test(first)) return existsSync(join(root, first)) ? undefined : `there is no ${first}`;
  return undefined;
}

describe('what is not run', () => {
  it.each([...notRun.map((block) => [`${block.page}:${block.line}`, block] as const)])(
    '%s can be parsed',
    async (_name, block) => {
      const commands = typed(block).flatMap(commandsOf);
      expect(commands.length).toBeGreaterThan(0);
      for (const words of commands) expect(await mistakeIn(words), words.join(' ')).toBeUndefined();
    },
  );
  it('is the exception', () => {
    console.log(`commands of the documents: ${run.length} blocks run, ${notRun.length} parsed alone`);
    expect(notRun.length).toBeLessThan(run.length);
  });
  it('in running text', async () => {
    const inline = PAGES.flatMap((page) =>
      [
        ...proseOf(page).matchAll(
          /`((?:npx )?dockerfix(?: [^`]*)?|npm run [^`]*|(?:bash )?\.?\w+\/[\w./-]+(?: [^`]*)?)`/g,
        ),
      ]
        .map((match) => match[1] as string)
        // What is optional, where it goes to, and all but the first of what can be chosen.
        .map((text) =>
          text
            .replace(/ \[[^\]]*\]| >.*$/g, '')
            .replace(/(\w)(?:\|\w+)+/g, '$1')
            .trim(),
        )
        .filter((text) => /^(?:npx |npm |bash |scripts\/|dockerfix(?: |$))/.test(text))
        .map((text) => ({ path: page.path, text })),
    );
    expect(inline.length).toBeGreaterThan(20);
    for (const { path, text } of inline)
      for (const words of commandsOf(text))
        // A command's bare name may lack its arguments.
        expect((await mistakeIn(words))?.replace(/^.*Not enough non-option[\s\S]*/, '') ?? '', `${path}: ${text}`).toBe(
          '',
        );
  });
  it('a wrong one is told', async () => {
    expect(await mistakeIn(['npx', 'dockerfix', '--chekc'])).toContain('--chekc');
    expect(await mistakeIn(['dockerfix', 'verify', '--engin', 'docker'])).toContain('--engin');
    expect(await mistakeIn(['npm', 'run', 'nope'])).toBe('there is no script nope');
    expect(await mistakeIn(['bash', 'scripts/nope.sh'])).toBe('there is no scripts/nope.sh');
  });
});

it('the README names every command', () => {
  const usage = blocksOf(PAGES.find(({ path }) => path === 'README.md') as (typeof PAGES)[number]).find(
    ({ language, text }) => language === '' && text.startsWith('dockerfix '),
  );
  const named = (usage?.text ?? '').split('\n').flatMap((line) => /^dockerfix ([a-z]+)\b/.exec(line)?.[1] ?? []);
  expect([...new Set(named)].sort()).toEqual(Object.keys(COMMANDS).sort());
});
