// The site: docs/ as it is, with a menu. `BASE=/dockerfix/` where it is served below a path.
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const here = fileURLToPath(import.meta.url);
const docs = join(dirname(here), '../../docs');
const pages = (folder) =>
  readdirSync(join(docs, folder))
    .filter((name) => name !== 'index.md')
    .map((name) => name.replace(/\.md$/, ''))
    .map((name) => ({ text: name, link: `/${folder}/${name}` }));
const named = new Set();
const page = (text, link) => {
  named.add(link === '' ? 'index' : link);
  return { text, link: `/${link}` };
};
/** Pages that no list below names: by their headings. */
const others = () =>
  readdirSync(docs)
    .filter((name) => name.endsWith('.md') && !named.has(name.slice(0, -3)))
    .map((name) => page(/^# (.+)$/m.exec(readFileSync(join(docs, name), 'utf8'))?.[1] ?? name, name.slice(0, -3)));

/** The pages lie outside of this package: what they are compiled to import is found from here. */
const fromHere = {
  name: 'from-here',
  enforce: 'pre',
  resolveId(source, importer, options) {
    if (!/^vue(?:\/|$)/.test(source) || importer?.startsWith(docs) !== true) return undefined;
    return this.resolve(source, here, { ...options, skipSelf: true });
  },
};

export default defineConfig({
  title: 'dockerfix',
  description: 'Dockerfiles that stop re-installing dependencies on each source edit, proved or refused with a reason.',
  base: process.env.BASE ?? '/',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcDir: '../docs',
  outDir: './dist',
  cacheDir: './.vitepress/cache',
  markdown: {
    // `${{ … }}` is code, not an expression of the page.
    config: (markdown) => {
      const { code_inline } = markdown.renderer.rules;
      markdown.renderer.rules.code_inline = (...rest) => code_inline(...rest).replace('<code', '<code v-pre');
    },
  },
  vite: {
    publicDir: false,
    plugins: [fromHere],
    // Nor may what is rendered here take the other package's modules.
    ssr: { noExternal: true },
  },
  // Files that pages link to, and that are no pages.
  buildEnd: ({ outDir }) => {
    for (const path of readdirSync(docs, { recursive: true }).filter((each) => each.endsWith('.yaml')))
      cpSync(join(docs, path), join(outDir, path));
  },
  // Made of the working tree, not of a history that a shallow clone lacks.
  lastUpdated: false,
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('How it decides', 'how-it-decides'),
      { text: 'Codes', link: '/refusals/' },
      page('Playground', 'playground'),
    ],
    sidebar: [
      {
        text: 'Start',
        items: [
          page('In one minute', ''),
          page('How it decides', 'how-it-decides'),
          page('What it never does', 'never'),
          page('Playground', 'playground'),
        ],
      },
      {
        text: 'Guides',
        items: [
          page('Monorepos', 'monorepos'),
          page('CI', 'ci'),
          page('Where it runs', 'integrations'),
          page('Editors', 'editors'),
          page('Many repositories', 'batch'),
          page('Past one machine', 'queue'),
          page('With other tools', 'recipes'),
          page('Configuration', 'configuration'),
          page('Plugins', 'plugins'),
        ],
      },
      {
        text: 'See for yourself',
        items: [
          page('Layers', 'explain'),
          page('Replay', 'replay'),
          page('Verify', 'verify'),
          page('Report', 'report'),
          page('Measurements', 'measurements'),
          page('Verified projects', 'verified'),
        ],
      },
      {
        text: 'Reference',
        items: [
          page('Output formats', 'reporters'),
          { text: 'Codes', link: '/refusals/', collapsed: true, items: pages('refusals') },
          { text: 'Transforms', link: '/transforms/', collapsed: true, items: pages('transforms') },
          { text: 'Package managers', link: '/managers/', collapsed: true, items: pages('managers') },
          ...others(),
        ],
      },
    ],
  },
});
