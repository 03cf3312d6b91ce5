// Fails where a page of docs/ was not rendered whole, or a link of the built site goes nowhere: VitePress itself reports an
// error in a page and goes on.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const docs = join(here, '../docs');
const base = process.env.BASE ?? '/';
const mistakes = [];

const htmls = readdirSync(dist, { recursive: true }).filter((path) => path.endsWith('.html'));
const pages = new Map(htmls.map((path) => [path, readFileSync(join(dist, path), 'utf8')]));
for (const source of readdirSync(docs, { recursive: true }).filter((path) => path.endsWith('.md'))) {
  const path = source.replace(/\.md$/, '.html');
  const headings = readFileSync(join(docs, source), 'utf8')
    .replace(/^```[\s\S]*?^```/gm, '')
    .match(/^#{1,2} .+$/gm);
  const made = pages.get(path)?.match(/<h[12] id="/g) ?? [];
  if (made.length !== headings?.length)
    mistakes.push(`${path}: ${made.length} of the ${headings?.length ?? 0} headings of docs/${source} were rendered`);
}

/** The page that a link of another one names. */
function target(page, link) {
  const [path = '', hash = ''] = link.split('#');
  let file = page;
  if (path.startsWith(base)) file = path.slice(base.length);
  else if (path !== '') file = normalize(join(dirname(page), path));
  if (file === '' || file.endsWith('/')) file += 'index.html';
  return { file: [file, `${file}.html`].find((each) => existsSync(join(dist, each))), hash: decodeURIComponent(hash) };
}

let links = 0;
for (const [page, text] of pages) {
  if (page.startsWith('playground/')) continue;
  for (const [, link] of text.matchAll(/<(?:a|img)\b[^>]* (?:href|src)="([^"]+)"/g)) {
    if (/^(?:[a-z]+:|\/\/)/.test(link)) continue;
    links++;
    const { file, hash } = target(page, link);
    if (file === undefined) mistakes.push(`${page}: there is no ${link}`);
    else if (hash !== '' && pages.get(file)?.includes(`id="${hash}"`) === false)
      mistakes.push(`${page}: ${link}: there is no such heading`);
  }
}
for (const each of mistakes) console.error(each);
console.log(`${pages.size} pages, ${links} links, ${mistakes.length} mistakes`);
if (mistakes.length > 0 || links === 0) process.exitCode = 1;
