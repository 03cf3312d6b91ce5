/** Changes as one patch that `git apply` and `patch -p1` accept from the directory that the paths are relative to. */
import { structuredPatch } from 'diff';
import type { FileChange } from './model.ts';

/** Several changes of one file become one section, from its first text to its last. */
export function unifiedDiff(changes: readonly FileChange[]): string {
  return mergeChanges(changes).map(section).join('');
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
  const [from, to] = [quote(`a/${path}`), quote(`b/${path}`)];
  const { hunks } = structuredPatch(path, path, before ?? '', after, '', '', { context: 3 });
  const lines = [`diff --git ${from} ${to}`];
  if (before === undefined) lines.push('new file mode 100644', '--- /dev/null', `+++ ${to}`);
  else lines.push(`--- ${from}`, `+++ ${to}`);
  for (const hunk of hunks) {
    const oldStart = hunk.oldLines === 0 && before === undefined ? 0 : hunk.oldStart;
    lines.push(`@@ -${range(oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@`, ...hunk.lines);
  }
  return `${lines.join('\n')}\n`;
}

function range(start: number, length: number): string {
  return length === 1 ? String(start) : `${start},${length}`;
}

/** As git quotes a path: only when it has quotes, backslashes or control characters. */
function quote(path: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (!/["\\\u0000-\u001f\u007f]/.test(path)) return /\s/.test(path) ? `${path}\t`.slice(0, -1) : path;
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const escaped = path.replace(/["\\]/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g, (char) => {
    const named: Record<string, string> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };
    return named[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `"${escaped}"`;
}
