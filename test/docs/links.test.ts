/** Every link of the documents goes somewhere: to a file of the repository, and to a heading that is there. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { PAGES, proseOf, root, type Page } from './pages.ts';

const byPath = new Map(PAGES.map((page) => [page.path, page]));

/** As GitHub and VitePress make them. */
function anchors(page: Page): ReadonlySet<string> {
  const seen = new Map<string, number>();
  return new Set(
    [...proseOf(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
      const slug = heading
        .replace(/[`*]|\]\([^)]*\)|\[/g, '')
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-');
      const nth = seen.get(slug) ?? 0;
      seen.set(slug, nth + 1);
      return nth === 0 ? slug : `${slug}-${nth}`;
    }),
  );
}

function linksOf(page: Page): readonly string[] {
  const text = proseOf(page).replace(/`[^`]*`/g, '');
  return [
    ...[...text.matchAll(/\]\(<?([^)\s>]+)>?\)/g)].map((match) => match[1] as string),
    ...[...text.matchAll(/(?:href|src)="([^"]+)"/g)].map((match) => match[1] as string),
  ];
}

function broken(page: Page, link: string): boolean {
  if (/^(?:https?|mailto):/.test(link)) return false;
  const [target = '', anchor] = link.split('#');
  const path = target === '' ? page.path : normalize(join(dirname(page.path), target));
  // Made when the site is.
  if (path === 'docs/playground/') return false;
  if (path.startsWith('..') || !existsSync(join(root, path)) || statSync(join(root, path)).isDirectory()) return true;
  const found = byPath.get(path);
  return anchor !== undefined && (found === undefined || !anchors(found).has(anchor));
}

it('go somewhere', () => {
  const links = PAGES.flatMap((page) => linksOf(page).map((link) => [page, link] as const));
  expect(links.length).toBeGreaterThan(70);
  expect(links.filter(([page, link]) => broken(page, link)).map(([page, link]) => `${page.path}: ${link}`)).toEqual([]);
});

it.each(['nope.md', '#no-such-heading', 'batch.md#nope', 'managers', '../../x.md'])('%s does not', (link) => {
  expect(broken(byPath.get('docs/ci.md') as Page, link)).toBe(true);
});

it('every page of docs/ is reached from its start or the README', () => {
  const seen = new Set<string>();
  const visit = (path: string): void => {
    const page = byPath.get(path);
    if (page === undefined || seen.has(path)) return;
    seen.add(path);
    for (const link of linksOf(page)) visit(normalize(join(dirname(path), link.split('#')[0] as string)));
  };
  ['docs/index.md', 'README.md'].forEach(visit);
  expect(PAGES.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !seen.has(path))).toEqual([]);
});

it('the menu of the site names pages that there are', () => {
  const menu = readFileSync(join(root, 'site/.vitepress/config.js'), 'utf8');
  const named = [...menu.matchAll(/page\('[^']+', '([^']+)'\)/g)].map((match) => match[1] as string);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !byPath.has(`docs/${name}.md`))).toEqual([]);
});
