/** What ran again per commit, before and after the rewrite, as bars. */
import { escape } from './escape.ts';
import type { HtmlColumn } from './input.ts';

const WIDTH = 720;
const HEIGHT = 130;
const LEFT = 34;
const BOTTOM = 20;

type Measure = 'layers' | 'cost';

const TITLES: Readonly<Record<Measure, string>> = {
  layers: 'Layers that ran again per commit',
  cost: 'Their cost per commit',
};

export function charts(columns: readonly HtmlColumn[], changed: boolean): string {
  // Nothing ever ran again: there is nothing to see.
  if (columns.every(({ layers }) => layers.before === 0 && layers.after === 0)) return '';
  return chart(columns, 'layers', changed) + (changed ? chart(columns, 'cost', changed) : '');
}

function chart(columns: readonly HtmlColumn[], measure: Measure, changed: boolean): string {
  const heights = columns.map((column) => ({
    before: column[measure].before / column.commits,
    after: column[measure].after / column.commits,
  }));
  const top = Math.max(1, ...heights.map(({ before, after }) => Math.max(before, after)));
  const step = (WIDTH - LEFT) / columns.length;
  const scale = (HEIGHT - BOTTOM - 8) / top;
  const wide = step * (changed ? 0.45 : 0.9);
  const bars = (side: 'before' | 'after', shift: number): string =>
    heights
      .map((height, at) => {
        const tall = height[side] * scale;
        const x = LEFT + at * step + shift;
        return tall === 0
          ? ''
          : `<rect x="${x.toFixed(1)}" y="${(HEIGHT - BOTTOM - tall).toFixed(1)}" width="${wide.toFixed(1)}" height="${tall.toFixed(1)}"/>`;
      })
      .join('');
  const commits = columns.reduce((sum, column) => sum + column.commits, 0);
  const average = (side: 'before' | 'after'): string =>
    (columns.reduce((sum, column) => sum + column[measure][side], 0) / commits).toFixed(1);
  const told = changed
    ? `${TITLES[measure]}: ${average('before')} on average before, ${average('after')} after the rewrite.`
    : `${TITLES[measure]}: ${average('before')} on average.`;
  return `<figure class="chart"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(told)}">
<text x="${LEFT - 6}" y="14" text-anchor="end">${Number(top.toFixed(top < 10 ? 1 : 0))}</text>
<text x="${LEFT - 6}" y="${HEIGHT - BOTTOM}" text-anchor="end">0</text>
<line x1="${LEFT}" y1="${HEIGHT - BOTTOM + 0.5}" x2="${WIDTH}" y2="${HEIGHT - BOTTOM + 0.5}"/>
<g class="before">${bars('before', 0)}</g>${changed ? `<g class="after">${bars('after', wide)}</g>` : ''}
<text x="${LEFT}" y="${HEIGHT - 4}">oldest</text><text x="${WIDTH}" y="${HEIGHT - 4}" text-anchor="end">newest</text>
</svg><figcaption>${escape(told)} <span class="key before">before</span>${changed ? ' <span class="key after">after</span>' : ''}</figcaption></figure>`;
}
