/**
 * Changes as one patch that `git apply` and `patch -p1` accept from the directory that the paths are relative to. So it
 * has no `diff --git` lines: paths below one are, for git, relative to the top of the repository, and what lies outside
 * of the directory it runs in is skipped without a word. Source: git's apply.c, `parse_traditional_patch` (`prefix`).
 */
import { structuredPatch } from 'diff';
import type { FileChange } from './model.ts';

/** Several changes of one file become one section, from its first text to its last. */
export function unifiedDiff(changes: readonly FileChange[]): string {
  return mergeChanges(changes).map(section).join('');
}

/** Lines `[start, end)` of the first text, 0-based, and what replaces them. */
export interface LineEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The same change line by line, for formats that carry edits instead of a patch. In the order of the file. */
export function lineEdits(before: string, after: string): readonly LineEdit[] {
  const { hunks } = structuredPatch('', '', before, after, '', '', { context: 0 });
  return hunks.map(({ oldStart, oldLines, lines }) => {
    const added: string[] = [];
    for (const [at, line] of lines.entries())
      if (line.startsWith('+')) added.push(line.slice(1) + (lines[at + 1]?.startsWith('\\') === true ? '' : '\n'));
    return { start: oldStart - 1, end: oldStart - 1 + oldLines, text: added.join('') };
  });
}

export function mergeChanges(changes: readonly FileChange[]): readonly FileChange[] {
  const byPath = new Map<string, FileChange>();
  for (const change of changes) {
    const first = byPath.get(change.path);
    byPath.set(change.path, first === undefined ? change : { ...first, after: change.after });
  }
  return [...byPath.values()].filter((change) => change.before !== change.after);
}

function section({ path, before, after }: FileChange): string {
  const [from, to] = [`a/${path}`, `b/${path}`];
  const { hunks } = structuredPatch(path, path, before ?? '', after, '', '', { context: 3 });
  // There is no other way to say that a file is new and empty.
  if (hunks.length === 0) return `diff --git ${quote(from)} ${quote(to)}\nnew file mode 100644\n`;
  const lines = [`--- ${before === undefined ? '/dev/null' : label(from)}`, `+++ ${label(to)}`];
  for (const hunk of hunks)
    lines.push(`@@ -${range(hunk.oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@`, ...hunk.lines);
  return `${lines.join('\n')}\n`;
}

/** A range without lines names the line before it. */
function range(start: number, length: number): string {
  return length === 1 ? String(start) : `${length === 0 ? start - 1 : start},${length}`;
}

/** git ends names that have blanks with a tab, so that `patch` sees where they end. */
function label(path: string): string {
  const quoted = quote(path);
  return quoted === path && path.includes(' ') ? `${path}\t` : quoted;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
};

/** As git quotes a path (with core.quotePath off): only when it has quotes, backslashes or control characters. */
function quote(path: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const escaped = path.replace(/["\\]/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g, (char) => {
    return ESCAPES[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return escaped === path ? path : `"${escaped}"`;
}
