import type * as Fs from 'node:fs';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { writeTogether } from '../../src/write.ts';

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  return { ...fs, renameSync: vi.fn(fs.renameSync) };
});

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dockerfix-write-'));
});
afterEach(() => {
  vi.mocked(renameSync).mockClear();
  rmSync(root, { recursive: true, force: true });
});

const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const left = (): string[] => readdirSync(root).filter((name) => name.startsWith('.dockerfix'));

/** The real one, but for the call with this number. */
async function failRename(number: number): Promise<void> {
  const { renameSync: real } = await vi.importActual<typeof Fs>('node:fs');
  vi.mocked(renameSync).mockImplementation((from, to) => {
    if (vi.mocked(renameSync).mock.calls.length === number) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    real(from, to);
  });
}

it('keeps mode and byte order mark', () => {
  writeFileSync(join(root, 'Dockerfile'), '\ufeffFROM a\r\n', { mode: 0o640 });
  chmodSync(join(root, 'Dockerfile'), 0o640);
  writeTogether([{ path: join(root, 'Dockerfile'), before: '\ufeffFROM a\r\n', after: '\ufeffFROM b\r\n' }], root);
  expect(read('Dockerfile')).toBe('\ufeffFROM b\r\n');
  expect(statSync(join(root, 'Dockerfile')).mode & 0o777).toBe(0o640);
  expect(left()).toEqual([]);
});

it.each([1, 2])('changes neither file when rename %i fails', async (number) => {
  writeFileSync(join(root, 'Dockerfile'), 'FROM a\n');
  const { ino } = statSync(join(root, 'Dockerfile'));
  await failRename(number);
  expect(() =>
    writeTogether(
      [
        { path: join(root, 'Dockerfile'), before: 'FROM a\n', after: 'FROM b\n' },
        { path: join(root, '.dockerignore'), after: 'x\n' },
      ],
      root,
    ),
  ).toThrow('EIO');
  expect(read('Dockerfile')).toBe('FROM a\n');
  expect(statSync(join(root, 'Dockerfile')).ino).toBe(ino);
  expect(existsSync(join(root, '.dockerignore'))).toBe(false);
  expect(left()).toEqual([]);
});

it('takes a new file away again when the other one cannot be renamed', async () => {
  writeFileSync(join(root, 'Dockerfile'), 'FROM a\n');
  await failRename(2);
  expect(() =>
    writeTogether(
      [
        { path: join(root, '.dockerignore'), after: 'x\n' },
        { path: join(root, 'Dockerfile'), before: 'FROM a\n', after: 'FROM b\n' },
      ],
      root,
    ),
  ).toThrow('EIO');
  expect([read('Dockerfile'), existsSync(join(root, '.dockerignore'))]).toEqual(['FROM a\n', false]);
});

it.each<[string, (path: string) => void, string | undefined]>([
  ['another text', (path) => writeFileSync(path, 'FROM other\n'), 'FROM a\n'],
  ['no file any more', () => undefined, 'FROM a\n'],
  ['a file where there was none', (path) => writeFileSync(path, ''), undefined],
])('refuses, and writes nothing, on %s', (_reason, prepare, before) => {
  writeFileSync(join(root, 'first'), '1');
  prepare(join(root, 'second'));
  expect(() =>
    writeTogether(
      [
        { path: join(root, 'first'), before: '1', after: '2' },
        { path: join(root, 'second'), after: 'FROM b\n', ...(before === undefined ? {} : { before }) },
      ],
      root,
    ),
  ).toThrow('changed by something else');
  expect(read('first')).toBe('1');
  expect(left()).toEqual([]);
});

it('writes through a symlink inside the root, and refuses one that leaves it', () => {
  mkdirSync(join(root, 'in'));
  writeFileSync(join(root, 'out'), '1');
  writeFileSync(join(root, 'in/real'), '1');
  symlinkSync('real', join(root, 'in/link'));
  symlinkSync('../out', join(root, 'in/escape'));
  writeTogether([{ path: join(root, 'in/link'), before: '1', after: '2' }], join(root, 'in'));
  expect(read('in/real')).toBe('2');
  expect(() => writeTogether([{ path: join(root, 'in/escape'), before: '1', after: '2' }], join(root, 'in'))).toThrow(
    'outside of the repository',
  );
  expect(read('out')).toBe('1');
});
