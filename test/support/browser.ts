/** A real browser, and what every page of ours has to hold in it. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Any of them will do. */
export const BROWSERS =
  process.env['CHROMIUM'] === undefined ? ['chromium', 'chromium-browser', 'google-chrome'] : [process.env['CHROMIUM']];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function launch(): Promise<Browser> {
  const executablePath = BROWSERS.map((each) => resolve('/usr/bin', each)).find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error('install chromium, or name a browser in CHROMIUM');
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** What axe finds wrong. The page has to be opened with `bypassCSP`. */
export async function inaccessible(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html ?? ''}`);
  });
}
