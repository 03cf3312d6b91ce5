/** The playground as a visitor has it: built, served, in a real browser. */
import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLES } from '../../playground/examples.ts';
import { pack, unpack } from '../../playground/share.ts';
import { answer, ANY_SOURCE_FILE, type Question } from '../../playground/work.ts';
import { BROWSERS, inaccessible, launch } from '../support/browser.ts';
import { lacks, needs } from '../support/programs.ts';

const root = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'dockerfix-playground-'));
let browser: Browser | undefined;
let server: Server;
let address: string;

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

beforeAll(async () => {
  execFileSync(process.execPath, ['scripts/playground.js', directory], { cwd: root });
  server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const name = path === '/' ? 'index.html' : path.slice(1);
    response.setHeader('content-type', TYPES[extname(name)] ?? 'text/plain');
    response.end(readFileSync(join(directory, name)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  if (!lacks(...BROWSERS)) browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Opened {
  readonly page: Page;
  /** What it asked for besides its own four files, and what went wrong in it. */
  readonly trouble: string[];
}

async function open(fragment = '', options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await (browser as Browser).newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const trouble: string[] = [];
  const own = new Set(['', 'style.css', 'main.js', 'worker.js'].map((name) => address + name));
  context.on('request', (request) => {
    const url = request.url().replace(/#.*/, '');
    if (!own.has(url) && url !== 'data:,') trouble.push(url);
  });
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('console', (message) => trouble.push(message.text()));
  page.on('dialog', (dialog) => {
    trouble.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(address + fragment);
  await page.locator('#status:not(:empty)').waitFor();
  return { page, trouble };
}

const asked = (more: Partial<Question>): Question => ({
  dockerfile: 'FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\n',
  files: [],
  style: 'copy',
  builder: 'buildkit',
  unsafe: false,
  add: [],
  ...more,
});

const example = (index: number): Question => asked(EXAMPLES[index] as (typeof EXAMPLES)[number]);

describe('what the page works out', () => {
  it.each([
    [0, 'changed', []],
    [1, 'changed', []],
    [2, 'changed', []],
    [3, 'changed', []],
    [4, 'refused', ['intervening-run-reads-source']],
    [5, 'unchanged', []],
  ])('of example %i', (index, status, codes) => {
    const { status: got, refused, layers } = answer(example(index));
    expect(got).toBe(status);
    expect(refused.map(({ code }) => code)).toEqual(codes);
    expect(refused.every(({ explanation }) => explanation !== undefined)).toBe(true);
    expect(layers.length).toBeGreaterThan(2);
  });
  it('counts what an edit re-runs before and after', () => {
    const { reruns } = answer(example(0));
    expect(reruns.map(({ path }) => path)).toEqual([ANY_SOURCE_FILE, 'package-lock.json', 'package.json', 'server.js']);
    expect(reruns[0]).toMatchObject({ before: ['COPY . .', 'RUN npm ci'], after: ['COPY . .'] });
    expect(reruns[2]?.after).toHaveLength(3);
  });
  it('assumes the usual manifests where no file is given, and says that it is unsafe', () => {
    const { contextKnown, applied, dockerfile } = answer(asked({}));
    expect(contextKnown).toBe(false);
    expect(applied.map(({ safety }) => safety)).toContain('unsafe');
    expect(dockerfile).toContain('COPY package*.json ./\nRUN npm ci\nCOPY . .');
  });
  it('takes paths as people write them', () => {
    const files = [
      { path: './package.json', text: '{}' },
      { path: '/package-lock.json', text: '{"lockfileVersion":3,"packages":{}}' },
    ];
    expect(answer(asked({ files })).dockerfile).toContain('COPY package.json package-lock.json ./\n');
  });
  it('says what is wrong with a text that is no Dockerfile', () => {
    expect(answer(asked({ dockerfile: 'NOPE\n' }))).toMatchObject({ status: 'failed', refused: [{ line: 1 }] });
  });
});

describe('links', () => {
  it('come back as they were', async () => {
    const question = asked({
      files: [{ path: 'ü/€.json', text: '😀\r\n' }],
      unsafe: true,
      style: 'bind',
      add: ['cache-mounts'],
    });
    expect(await unpack(await pack(question))).toEqual(question);
  });
  it.each([
    ['nothing', ''],
    ['no base64', '%%%'],
    ['nothing packed', 'aGVsbG8'],
  ])('of %s are told apart', async (_reason, fragment) => {
    expect(await unpack(fragment)).toBeUndefined();
  });
  it('of another shape, or that unpack to too much, are not taken', async () => {
    expect(await unpack(await pack([] as unknown as Question))).toBeUndefined();
    expect(await unpack(await pack(asked({ dockerfile: 'x'.repeat(3_000_000) })))).toBeUndefined();
    const odd = { ...asked({}), style: 'nope', files: [1, { path: 2 }], add: [3], unsafe: 'yes' };
    expect(await unpack(await pack(odd as unknown as Question))).toEqual(asked({}));
  });
});

describe.each<[name: string, options: BrowserContextOptions]>([
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', { viewport: { width: 360, height: 740 }, hasTouch: true }],
])('%s', (_name, options) => {
  needs(...BROWSERS);

  it.each([0, 4])('example %i is accessible, needs no network, and does not scroll sideways', async (index) => {
    const fragment = `#${await pack(example(index))}`;
    const { page, trouble } = await open(fragment, { ...options, bypassCSP: true });
    await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))");
    expect(await inaccessible(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(trouble).toEqual([]);
    if (process.env['SCREENSHOTS'] !== undefined)
      await page.screenshot({
        path: join(process.env['SCREENSHOTS'], `playground-${_name}-${index}.png`),
        fullPage: true,
      });
  });
});

describe('in the browser', () => {
  needs(...BROWSERS);

  it('shows the diff, the reasons, and what an edit re-runs', async () => {
    const { page, trouble } = await open();
    const text = await page.locator('#result').innerText();
    expect(await page.locator('.diff .plus').allInnerTexts()).toContain('+COPY package.json package-lock.json ./');
    for (const part of ['1 fix, 0 refusals', 'split-dependency-manifests', '2 steps run again today'])
      expect(text).toContain(part);
    expect(trouble).toEqual([]);
  });
  it('explains a refusal, and goes to its line', async () => {
    const { page } = await open();
    await page.locator('#example').selectOption({ index: 4 });
    await page.getByText('What intervening-run-reads-source means').click();
    expect(await page.locator('.reasons').innerText()).toContain('What to do:');
    await page.getByRole('button', { name: 'line 5' }).click();
    expect(await page.evaluate('getSelection().toString()')).toBe('RUN npm ci');
  });
  it('works by keyboard alone, and keeps itself in its address', async () => {
    const { page, trouble } = await open();
    await page.locator('#dockerfile').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('FROM node\nWORKDIR /srv\nCOPY . .\nRUN npm install\n');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Remove package.json');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.keyboard.type('notes.txt');
    await expect
      .poll(() =>
        page
          .locator('.file input')
          .evaluateAll((all) => all.map((each) => (each as unknown as { value: string }).value)),
      )
      .toEqual(['package-lock.json', 'server.js', 'notes.txt']);
    await expect.poll(() => page.locator('#result').innerText()).toContain('manifest-missing');
    await expect.poll(async () => (await unpack(new URL(page.url()).hash.slice(1)))?.files.length).toBe(3);
    const again = await open(new URL(page.url()).hash);
    expect(await again.page.locator('#dockerfile').inputValue()).toContain('WORKDIR /srv');
    expect(await again.page.locator('#result').innerText()).toContain('manifest-missing');
    expect(trouble).toEqual([]);
  });
  it('opens files, and takes options', async () => {
    const { page } = await open();
    await page.locator('#open').setInputFiles([
      {
        name: 'Dockerfile',
        mimeType: 'text/plain',
        buffer: Buffer.from('FROM python:3.13\nWORKDIR /x\nCOPY . .\nRUN pip install -r requirements.txt\n'),
      },
      { name: 'requirements.txt', mimeType: 'text/plain', buffer: Buffer.from('flask==3.1.0\n') },
    ]);
    await expect.poll(() => page.locator('.diff .plus').allInnerTexts()).toContain('+COPY requirements.txt ./');
    await page.getByText('Options').click();
    await page.getByLabel(/cache-mounts/).check();
    await expect.poll(() => page.locator('.diff').innerText()).toContain('--mount=type=cache');
    const again = await open(new URL(page.url()).hash);
    await expect.poll(() => again.page.locator('.diff').innerText()).toContain('--mount=type=cache');
  });
  it('runs nothing that somebody put into a link', async () => {
    const bad = `<img src=x onerror=alert(1)><script>alert(1)</script>"'\``;
    const question = asked({
      dockerfile: `FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci ${bad}\n`,
      files: [
        { path: `${bad}package.json`, text: bad },
        { path: 'package.json', text: `{"scripts":{"postinstall":${JSON.stringify(bad)}}}` },
      ],
      add: [bad],
    });
    const { page, trouble } = await open(`#${await pack(question)}`);
    expect(await page.locator('img, [onerror], body script').count()).toBe(0);
    expect(trouble).toEqual([]);
  });
  it('forbids itself scripts of others, styles of others, and every connection', async () => {
    const { page } = await open();
    expect(
      await page.evaluate(async () => {
        try {
          await fetch('/style.css');
          return 'fetched';
        } catch {
          return 'refused';
        }
      }),
    ).toBe('refused');
  });
});
