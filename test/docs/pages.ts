/** The documents that people read, and what stands in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Page {
  readonly path: string;
  readonly text: string;
}

/** Of the repository's own root, docs/ and editors/. */
export const PAGES: readonly Page[] = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'editors'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
      .map((name) => `${folder}/${name}`),
  ),
]
  .sort()
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

export interface Block {
  readonly page: string;
  /** 1-based, of the fence. */
  readonly line: number;
  /** What the fence says. */
  readonly language: string;
  readonly text: string;
  /** `<!-- not run: REASON -->` stands above it. */
  readonly notRun?: string;
}

export function blocksOf({ path, text }: Page): readonly Block[] {
  const blocks: Block[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', fence = '', language = ''] = /^(\s*)(`{3,})(\S*)/.exec(lines[at] as string) ?? [];
    if (fence === '') continue;
    const end = lines.findIndex((line, index) => index > at && line.trim() === fence);
    if (end < 0) throw new Error(`${path}:${at + 1}: the block has no end`);
    const above = lines.slice(0, at).findLast((line) => line.trim() !== '');
    const notRun = /^\s*<!-- not run: (.+) -->$/.exec(above ?? '')?.[1];
    blocks.push({
      page: path,
      line: at + 1,
      language,
      text: lines
        .slice(at + 1, end)
        .map((line) => line.slice(indent.length))
        .join('\n'),
      ...(notRun === undefined ? {} : { notRun }),
    });
    at = end;
  }
  return blocks;
}

/** Without its blocks of code. */
export function proseOf({ text }: Page): string {
  return text.replace(/^(\s*)(`{3,})[\s\S]*?\n\1\2$/gm, (block) => block.replace(/[^\n]/g, ''));
}
