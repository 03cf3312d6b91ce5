/** The HTML report in a real browser: what is in it, that it is safe, and that everybody can use it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ranking } from '../../src/batch/page.ts';
import type { Result } from '../../src/batch/results.ts';
import { unifiedDiff } from '../../src/diff.ts';
import type { ReplayReport } from '../../src/reporters/replay.ts';
import { htmlReport, type HtmlFile, type HtmlReport } from '../../src/reporters/html/index.ts';
import { dockerfix, folder } from '../cli/support.ts';
import { BROWSERS, inaccessible, launch } from '../support/browser.ts';
import { History } from '../support/history.ts';
import { lacks, needs } from '../support/programs.ts';

const directory = mkdtempSync(join(tmpdir(), 'dockerfix-html-'));
let browser: Browser | undefined;
needs(...BROWSERS);
beforeAll(async () => {
  if (!lacks(...BROWSERS)) browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Opened {
  readonly page: Page;
  /** What it asked for besides itself, and what went wrong in it. */
  readonly trouble: string[];
}

async function open(html: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const path = join(directory, 'report.html');
  writeFileSync(path, html);
  const page = await (
    await (browser as Browser).newContext({ viewport: { width: 1280, height: 900 }, ...options })
  ).newPage();
  const trouble: string[] = [];
  page.on('request', (request) => {
    if (request.url() !== `file://${path}`) trouble.push(request.url());
  });
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('console', (message) => trouble.push(message.text()));
  page.on('dialog', (dialog) => {
    trouble.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(`file://${path}`);
  return { page, trouble };
}

function fileOf(name: string, more: Partial<HtmlFile> = {}): HtmlFile {
  return {
    path: `${name}/Dockerfile`,
    status: 'changed',
    changes: [
      {
        path: `${name}/Dockerfile`,
        before: 'FROM node:20\nCOPY . .\nRUN npm ci\n',
        after: 'FROM node:20\nCOPY package.json ./\nRUN npm ci\nCOPY . .\n',
      },
    ],
    applied: [{ line: 3, transform: 'late-copy', message: 'copies `package.json` ahead', risk: 'none' }],
    refused: [
      { line: 3, code: 'needs-vcs', message: '`pip install .` reads `.git`', help: 'do it by hand' },
      { line: 1, code: 'dynamic-manifest', message: 'it is computed' },
    ],
    chains: [{ line: 3, code: 'needs-vcs', facts: ['a fact', '`pip install .` reads `.git`'] }],
    layers: [
      {
        stage: '0',
        line: 2,
        text: 'COPY . .',
        reads: ['.'],
        before: 9,
        after: 9,
        causes: [{ line: 2, text: 'COPY . .', count: 9 }],
        rewrite: 'moves below',
      },
      { stage: '0', text: 'COPY package.json ./', reads: ['package.json'], after: 2, causes: [], rewrite: 'new' },
    ],
    replay: {
      path: `${name}/Dockerfile`,
      status: 'changed',
      commits: 10,
      installs: [{ command: 'npm ci', line: 3, before: 9, after: 2, least: 2 }],
      layers: { before: 18, after: 13 },
      cost: { before: 300, after: 80, unit: 'seconds' },
      savedPerMonth: 3600,
    },
    columns: [
      { commits: 5, layers: { before: 10, after: 7 }, cost: { before: 150, after: 50 } },
      { commits: 5, layers: { before: 8, after: 6 }, cost: { before: 150, after: 30 } },
    ],
    ...more,
  };
}

const REPORT: HtmlReport = {
  title: 'dockerfix: project',
  facts: ['replayed 10 commits'],
  problems: ['x/Dockerfile unreadable permission denied'],
  files: [
    fileOf('a'),
    fileOf('b', { status: 'refused', changes: [], applied: [] }),
    { path: 'c/Dockerfile', status: 'failed', changes: [], applied: [], refused: [] },
  ],
};

describe.each<[name: string, options: BrowserContextOptions]>([
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', { viewport: { width: 360, height: 740 }, hasTouch: true }],
])('%s', (_name, options) => {
  it('is accessible, needs no network, and does not scroll sideways', async () => {
    const { page, trouble } = await open(htmlReport(REPORT), { ...options, bypassCSP: true });
    expect(trouble).toEqual([]);
    expect(await inaccessible(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    const sides = page.locator('.d2h-file-side-diff:visible');
    expect(await sides.count()).toBe(_name === 'on a phone' ? 0 : 2);
  });
});

it('shows the summary, the change, the layers, the chart, and refusals by code', async () => {
  const { page } = await open(htmlReport(REPORT));
  const text = await page.locator('main').innerText();
  for (const part of [
    'would change',
    '18 → 4',
    '2 h',
    'late-copy',
    'needs-vcs',
    'a fact',
    'moves below',
    'permission denied',
  ])
    expect(text).toContain(part);
  expect(text).toContain('Of the last 10 commits, 9 would have re-run npm ci; after the rewrite 2 (4.5 × fewer).');
  expect(await page.locator('#file-1 figure rect').count()).toBe(8);
  expect(await page.locator('#file-1 .wide .d2h-ins').count()).toBeGreaterThan(0);
  expect(await page.locator('.codes tbody tr').allInnerTexts()).toEqual([
    expect.stringContaining('dynamic-manifest'),
    expect.stringContaining('needs-vcs'),
  ]);
});

describe('with hundreds of Dockerfiles', () => {
  const files = Array.from({ length: 300 }, (_, at) =>
    at % 3 === 0 ? fileOf(`p${at}`, { status: 'refused', changes: [] }) : fileOf(`p${at}`, { refused: [] }),
  );
  it('is filtered by text, status and code, by keyboard alone', async () => {
    const { page, trouble } = await open(htmlReport({ ...REPORT, files }));
    const shown = (): Promise<string> => page.locator('output').innerText();
    expect(await shown()).toBe('300 of 300 shown');
    expect(await page.locator('details[open]').count()).toBe(0);
    await page.locator('[name=search]').focus();
    await page.keyboard.type('P299/');
    expect(await shown()).toBe('1 of 300 shown');
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.keyboard.press('Tab');
    await page.keyboard.type('refused');
    expect(await shown()).toBe('100 of 300 shown');
    await page.locator('button[data-code=needs-vcs]').focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('[name=code]').inputValue()).toBe('needs-vcs');
    await page.locator('#file-1 > summary').focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('#file-1').getAttribute('open')).toBe('');
    expect(trouble).toEqual([]);
  });
  it('opens what is linked to', async () => {
    const path = join(directory, 'report.html');
    const { page } = await open(htmlReport({ ...REPORT, files }));
    await page.goto(`file://${path}#file-200`);
    expect(await page.locator('#file-200').getAttribute('open')).toBe('');
  });
});

describe('of 500 repositories', () => {
  const now = 1_800_000_000;
  const resultOf = (at: number): Result => ({
    version: 1,
    id: `acme-r${at}-0123456789`,
    kind: 'clone',
    location: `https://example.com/acme/r${at}.git`,
    status: at % 10 === 0 ? 'failed' : at % 3 === 0 ? 'refused' : 'changed',
    commit: 'a'.repeat(40),
    ...(at % 10 === 0 ? { error: { code: 'git-failed', message: 'fatal: not found' } } : {}),
    files:
      at % 10 === 0
        ? []
        : [
            {
              path: 'Dockerfile',
              status: at % 3 === 0 ? 'refused' : 'changed',
              context: '.',
              notes: [],
              applied: [{ transform: 'late-copy', line: 3, message: 'copies `package.json` ahead', safety: 'safe' }],
              refused: [{ line: 3, code: at % 2 === 0 ? 'needs-vcs' : 'dynamic-manifest', message: 'it is computed' }],
            },
          ],
    notes: [],
    patch: at % 10 === 0 || at % 3 === 0 ? '' : unifiedDiff(fileOf('a').changes),
    ...(at % 10 === 0 || at % 3 === 0 || at % 7 === 0
      ? {}
      : {
          replay: {
            commits: 100,
            // The higher its number, the longer it sleeps.
            from: now - (at + 20) * 86_400,
            to: now - at * 86_400,
            files: [{ ...(fileOf('a').replay as ReplayReport), path: 'Dockerfile', commits: 100 }],
          },
        }),
    milliseconds: 1,
  });
  const ranked = ranking(now);
  for (let at = 500; at > 0; at--) ranked.add(resultOf(at));
  ranked.add({ ...resultOf(1), location: 'https://example.com/acme/fine', status: 'unchanged' });
  const html = htmlReport(ranked.page(['dockerfix 1']));

  it('has those first in which the rewrite saves most, then those without a history, then what failed', async () => {
    const { page, trouble } = await open(html);
    expect(html.length).toBeLessThan(5_000_000);
    const names = await page.locator('summary .path').allTextContents();
    expect(names).toHaveLength(500);
    expect(names.slice(0, 4)).toEqual(['acme/r1', 'acme/r2', 'acme/r4', 'acme/r5']);
    expect(names.indexOf('acme/r7')).toBeGreaterThan(names.indexOf('acme/r499'));
    expect(names.indexOf('acme/r10')).toBeGreaterThan(names.indexOf('acme/r7'));
    expect(names.indexOf('acme/r3')).toBeGreaterThan(names.indexOf('acme/r10'));
    expect(await page.locator('#file-1 > summary').innerText()).toContain('9 → 2 install runs in 100 commits');
    expect(trouble).toEqual([]);
  });
  it.each<[name: string, options: BrowserContextOptions]>([
    ['light', { colorScheme: 'light' }],
    ['dark and on a phone', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
  ])('can be reviewed by keyboard: %s', async (_name, options) => {
    const { page, trouble } = await open(html, { ...options, bypassCSP: true });
    await page.locator('details.reasons > summary').focus();
    await page.keyboard.press('Enter');
    await page.locator('button[data-code=needs-vcs]').focus();
    const started = performance.now();
    await page.keyboard.press('Enter');
    expect(await page.locator('output').innerText()).toBe('200 of 500 shown');
    await page.locator('[name=code]').selectOption('');
    await page.locator('[name=search]').fill('acme/r499');
    expect(await page.locator('output').innerText()).toBe('1 of 500 shown');
    expect(performance.now() - started).toBeLessThan(5000);
    await page.locator('details.file:visible > summary').focus();
    await page.keyboard.press('Enter');
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('a[download]:visible').click()]);
    expect(file.suggestedFilename()).toBe('acme-r499-0123456789.patch');
    expect(readFileSync(await file.path(), 'utf8')).toBe(unifiedDiff(fileOf('a').changes));
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    expect(trouble.filter((each) => !each.startsWith('data:'))).toEqual([]);
  });
  it('is accessible', async () => {
    const few = ranking(now);
    for (let at = 1; at <= 12; at++) few.add(resultOf(at));
    const { page } = await open(htmlReport(few.page([])), { bypassCSP: true });
    await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))");
    expect(await inaccessible(page)).toEqual([]);
  });
  it('leaves out what a page cannot hold, and says so', () => {
    const many = ranking(now);
    for (let at = 1; at <= 2500; at++) many.add(resultOf(at));
    const { repositories, facts } = many.page([]);
    expect(repositories).toHaveLength(1000);
    expect(facts.at(-1)).toBe('1,500 more are in results.jsonl');
  });
});

it('runs nothing that a repository put into it', async () => {
  const bad = `"><img src=x onerror=alert(1)><script>alert(1)</script>'\`</code><b onmouseover=alert(1)>\``;
  const evil = <T>(value: T): T =>
    JSON.parse(
      JSON.stringify(value, (key, each: unknown) =>
        typeof each === 'string' && key !== 'status' && key !== 'unit' ? each + bad : each,
      ),
    ) as T;
  const report = evil(REPORT);
  const { name, status } = { name: bad, status: bad };
  const patch = { name, text: unifiedDiff(report.files.flatMap(({ changes }) => changes)) };
  const repositories = [{ name, status, figures: [bad], facts: [bad], patch, files: report.files }];
  for (const each of [report, { ...report, repositories }]) {
    const { page, trouble } = await open(htmlReport(each));
    await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))");
    expect(await page.locator('img, main script, [onerror], [onmouseover]').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(1);
    expect(trouble).toEqual([]);
  }
});

describe('--report', () => {
  const history = new History({
    Dockerfile: 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n',
    '.dockerignore': 'node_modules\n',
    'package.json': '{}',
    'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
    'server.js': '0',
  }).commit({ 'server.js': '1' });
  it.each([[[]], [['replay']], [['explain']]])('of %j', async (command) => {
    const file = join(directory, `${command.join('')}.html`);
    const { code } = await dockerfix(history.root, [...command, '--report', file]);
    expect(code).toBe(0);
    const { page } = await open(readFileSync(file, 'utf8'));
    const text = await page.locator('main').innerText();
    expect(text).toContain('Of the last 1 commits, 1 would have re-run npm ci; after the rewrite 0.');
    expect(text).toContain('moves below');
    // Once more, over it.
    expect((await dockerfix(history.root, [...command, '--report', file])).code).toBe(0);
  });
  it('without a history, and of a file that cannot be parsed', async () => {
    const file = join(directory, 'plain.html');
    const root = folder({ Dockerfile: 'FROM node\nCOPY . .\nNOPE\n' }, false);
    expect((await dockerfix(root, ['--report', file])).code).toBe(2);
    const { page } = await open(readFileSync(file, 'utf8'));
    expect(await page.locator('.status').innerText()).toBe('failed');
  });
  it.each<[reason: string, file: string, message: string]>([
    ['another name', 'report.txt', 'must end in .html'],
    ['no such directory', 'nope/x.html', 'no such file or directory'],
  ])('refuses %s', async (_reason, file, message) => {
    const { code, err } = await dockerfix(history.root, ['--report', file]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
