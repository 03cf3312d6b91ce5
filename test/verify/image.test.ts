import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { compareImages, differencesOf } from '../../src/verify/compare.ts';
import { instructionOf, readArchive, type Image } from '../../src/verify/image.ts';
import { imageArchive, tar, type Member, type Plan } from './archive.ts';

async function image(plan: Plan): Promise<Image> {
  const { images } = await readArchive(Readable.from([await imageArchive({ a: plan })]));
  return images.get('a') as Image;
}

const base: readonly Member[] = [
  { name: 'app/', type: 'directory' },
  { name: 'app/a.js', text: 'a' },
  { name: 'app/old/', type: 'directory' },
  { name: 'app/old/x', text: 'x' },
  { name: 'app/hidden/', type: 'directory' },
  { name: 'app/hidden/y', text: 'y' },
];

describe('an image', () => {
  it('is its layers, flattened', async () => {
    const { entries } = await image({
      layers: [
        base,
        [
          { name: 'app/.wh.old', text: '' },
          { name: 'app/hidden/.wh..wh..opq', text: '' },
          { name: 'app/hidden/z', text: 'z' },
          { name: 'app/a.js', text: 'aa', mode: 0o600, uid: 7 },
          { name: 'app/b.js', type: 'link', linkname: 'app/a.js' },
          { name: 'app/c', type: 'symlink', linkname: 'a.js' },
        ],
      ],
    });
    expect([...entries.keys()].sort()).toEqual([
      '/app',
      '/app/a.js',
      '/app/b.js',
      '/app/c',
      '/app/hidden',
      '/app/hidden/z',
    ]);
    expect(entries.get('/app/a.js')).toMatchObject({ type: 'file', mode: 0o600, uid: 7, size: 2, layer: 1 });
    expect(entries.get('/app/b.js')?.sha256).toBe(entries.get('/app/a.js')?.sha256);
    expect(entries.get('/app/c')).toMatchObject({ type: 'symlink', link: 'a.js' });
  });
  it('loses what is below a directory that becomes a file', async () => {
    const { entries } = await image({ layers: [base, [{ name: 'app/old', text: 'now a file' }]] });
    expect(entries.get('/app/old')?.type).toBe('file');
    expect(entries.has('/app/old/x')).toBe(false);
  });
  it('may have gzipped and empty layers', async () => {
    const { entries } = await image({ layers: [base, []], gzip: true });
    expect(entries.size).toBe(base.length);
    expect((await image({ layers: [base, []] })).entries.size).toBe(base.length);
  });
  it('knows what made a layer', async () => {
    const { layers } = await image({
      layers: [base, base],
      history: ['COPY . /app # buildkit', 'RUN /bin/sh -c npm ci # buildkit'],
    });
    expect(layers).toEqual(['COPY . /app', 'RUN npm ci']);
  });
  it.each([
    ['RUN |1 A=b /bin/sh -c make # buildkit', 'RUN make'],
    ['/bin/sh -c #(nop) COPY dir:1 in /app ', 'COPY dir:1 in /app'],
    ['/bin/sh -c npm ci', 'RUN npm ci'],
  ])('reads the history %s', (text, instruction) => {
    expect(instructionOf(text)).toBe(instruction);
  });
  it('shares its layers with others of the archive', async () => {
    const archive = await imageArchive({
      'x:1': { layers: [base] },
      'y:1': { layers: [base, [{ name: 'b', text: '' }]] },
    });
    const { images, sizes } = await readArchive(Readable.from([archive]));
    expect([...images].map(([tag, { entries }]) => [tag, entries.size])).toEqual([
      ['x:1', base.length],
      ['y:1', base.length + 1],
    ]);
    const lengths = [await tar(base), await tar([{ name: 'b', text: '' }])].map(({ length }) => length);
    expect([...sizes.values()].sort()).toEqual(lengths.sort());
  });
  it('is refused where it is not whole', async () => {
    await expect(readArchive(Readable.from([]))).rejects.toThrow('manifest.json');
  });
});

describe('differences', () => {
  it.each<[string, Member, string]>([
    ['mode', { name: 'app/a.js', text: 'a', mode: 0o755 }, '/app/a.js mode 0644 → 0755'],
    ['owner', { name: 'app/a.js', text: 'a', uid: 1000, gid: 1000 }, '/app/a.js owner 0:0 → 1000:1000'],
    ['content', { name: 'app/a.js', text: 'b' }, '/app/a.js content'],
    ['type', { name: 'app/a.js', type: 'symlink', linkname: 'b' }, '/app/a.js type file → symlink'],
    ['an added path', { name: 'app/new', text: '' }, '/app/new added'],
    ['a missing path', { name: 'app/.wh.a.js', text: '' }, '/app/a.js missing'],
  ])('are told: %s', async (_name, member, line) => {
    const before = await image({ layers: [base] });
    const after = await image({ layers: [base, [member]] });
    const found = differencesOf(before, after).map(
      ({ path, what, before: was, after: is }) =>
        `${path} ${what}${['mode', 'owner', 'type'].includes(what) ? ` ${was ?? ''} → ${is ?? ''}` : ''}`,
    );
    expect(found).toEqual([line]);
  });
  it('are told of a link and of the configuration', async () => {
    const link = (to: string): Member[] => [{ name: 'l', type: 'symlink', linkname: to }];
    const before = await image({
      layers: [link('a')],
      configuration: { Env: ['B=1', 'A=1'], Hostname: 'x', Cmd: ['a'] },
    });
    const after = await image({
      layers: [link('b')],
      configuration: { Env: ['A=1', 'B=1'], Hostname: 'y', User: 'node' },
    });
    expect(differencesOf(before, after).map(({ path, what }) => `${path} ${what}`)).toEqual([
      '/l link',
      'config.Cmd configuration',
      'config.User configuration',
    ]);
  });
  it('leave out what two builds of the original differ in, and nothing else of that directory', async () => {
    const log = (name: string): Member[] => [...base, { name: `app/${name}`, text: name }];
    const before = await image({ layers: [log('run-2026-01.log')] });
    const again = await image({ layers: [log('run-2026-02.log')] });
    const after = await image({
      layers: [[...log('run-2026-03.log').slice(0, 3), { name: 'app/run-2026-03.log', text: '' }]],
    });
    const { differences, allowed } = compareImages(before, after, again, []);
    expect(allowed).toEqual({ nondeterminism: 2, 'package-manager-cache': 0, 'lockfile-restored': 0 });
    expect(differences.map(({ path }) => path)).toEqual(['/app/hidden', '/app/hidden/y', '/app/old/x']);
  });
  it('leave out what package managers keep for themselves', async () => {
    const before = await image({ layers: [base] });
    const after = await image({
      layers: [
        base,
        [
          { name: 'home/node/.npm/x', text: '' },
          { name: 'home/node/.npmrc', text: '' },
        ],
      ],
    });
    const { differences, allowed } = compareImages(before, after, before, ['/home/*/.npm']);
    expect(allowed['package-manager-cache']).toBe(1);
    expect(differences.map(({ path }) => path)).toEqual(['/home/node/.npmrc']);
  });
  it('leave out a lockfile that the context restores, and no other file', async () => {
    const imageWith = (text: string): Promise<Image> =>
      image({
        layers: [
          [
            { name: 'app/', type: 'directory' },
            { name: 'app/package-lock.json', text },
            { name: 'app/a.js', text },
          ],
        ],
      });
    const [before, after] = [await imageWith('rewritten by the install'), await imageWith("the context's")];
    const hash = after.entries.get('/app/a.js')?.sha256 ?? '';
    const lockfiles = new Map([['package-lock.json', new Set([hash])]]);
    const { differences, allowed } = compareImages(before, after, before, [], lockfiles);
    expect(allowed['lockfile-restored']).toBe(1);
    expect(differences.map(({ path }) => path)).toEqual(['/app/a.js']);
    expect(compareImages(after, before, after, [], lockfiles).differences).toHaveLength(2);
  });
});
