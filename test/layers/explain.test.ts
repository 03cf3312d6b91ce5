import { describe, expect, it } from 'vitest';
import { dockerfix } from '../cli/support.ts';
import { History } from '../support/history.ts';

const FILES = {
  Dockerfile: 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n',
  '.dockerignore': 'node_modules\n',
  'package.json': '{}',
  'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
  'server.js': '0',
};

describe('layers', () => {
  it('as a table, with what re-ran each', async () => {
    const { root } = new History(FILES).commit({ 'server.js': '1' }).commit({ 'package.json': '{"name":"a"}' });
    const { code, out, err } = await dockerfix(root, ['explain']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(
      [
        'Dockerfile, over 2 commits',
        'line  layer                    reads                    before  after  invalidated by  rewrite',
        '   2  WORKDIR /app                                           0      0                  stays',
        '   3  COPY . .                 .                             2      2  itself 2        moves below',
        '   +  COPY package.json pack…  package.json package-l…              1  itself 1        new',
        '   4  RUN npm ci                                             2      1  line 3 2        stays',
        '',
      ].join('\n'),
    );
  });

  it('without a history, without counts', async () => {
    const { root } = new History(FILES);
    const { code, out, err } = await dockerfix(root, ['explain', '--format', 'json', '--branch', 'nope']);
    expect(code).toBe(0);
    expect(err).toContain('no branch');
    const [file] = (JSON.parse(out) as { files: { layers: { text: string; before?: number }[] }[] }).files;
    expect(file?.layers.map(({ text, before }) => [text, before])).toContainEqual(['RUN npm ci', undefined]);
  });

  it('of two stages, with what is taken from one', async () => {
    const { root } = new History({
      ...FILES,
      Dockerfile:
        'FROM node:20 AS a\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nFROM node:20\nCOPY --from=a /app /app\n',
    });
    const { out } = await dockerfix(root, ['explain']);
    expect(out).toMatch(/COPY --from=a \/app \/app +\/app of stage 0 /);
  });
});

it('tells the facts that led to a refusal', async () => {
  const { root } = new History({
    ...FILES,
    Dockerfile: 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN ./configure && npm ci\n',
  });
  const { out } = await dockerfix(root, ['explain']);
  expect(out).toContain(
    [
      'Dockerfile:4 intervening-run-reads-source',
      '  - `COPY . .` (line 3) brings the whole build context, so whatever changes there re-runs all below it',
      '  - `npm ci` (line 4) installs with npm in /app',
      '  - `/app/package.json` is made or changed by an earlier command, or ignored by git, so its content is not known',
      '  → `./configure` is not known to leave the source alone',
    ].join('\n'),
  );
});

it('lets nothing of a repository move the cursor', async () => {
  const { root } = new History({ Dockerfile: 'FROM node:20\nRUN echo "\u001b[2J"\n' });
  const { out } = await dockerfix(root, ['explain']);
  expect(out).not.toContain('\u001b');
  expect(out).toContain('\\u001b[2J');
});
