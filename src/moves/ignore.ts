/**
 * The ignore-file companion (spec 0.3): an install's output that the context may bring would be overwritten by the
 * late copy, so the ignore file must keep it out. One that git tracks is a refusal.
 */
import type { BuildContext, Edit, Trouble } from '../model.ts';
import { applyEdits } from '../dockerfile/edit.ts';
import { join, sourceOf, within } from '../effects/paths.ts';
import type { Action, Placement } from '../effects/actions.ts';

/** Lines to add for these installs below these copies; empty when nothing is exposed. */
export function missingIgnores(
  actions: readonly Action[],
  placements: readonly Placement[],
  context: BuildContext,
): readonly string[] | Trouble {
  const lines = new Set<string>();
  const exposed: string[] = [];
  for (const action of actions) {
    // What a command removes, nobody wants from somebody's disk: the late copy would bring it back.
    for (const removed of action.effect?.removes ?? []) {
      const path = placements.map((placement) => contextPath(placement, removed)).find((each) => each !== undefined);
      if (path === undefined || path === '.' || !context.may(path) || context.tracks(path)) continue;
      lines.add(path);
      exposed.push(path);
    }
    const { analysis, install } = action;
    if (analysis === undefined || install === undefined) continue;
    for (const output of analysis.outputs) {
      for (const placement of placements) {
        const path = contextPath(placement, output);
        if (path === undefined || !context.may(path)) continue;
        if (context.tracks(path))
          return {
            code: 'output-tracked-in-context',
            message: `\`${path}\`, which \`${action.text}\` fills, is committed: the late copy would overwrite the install`,
            help: `remove \`${path}\` from git, or exclude it in ${context.ignoreFile.path}`,
          };
        exposed.push(path);
        const root = contextPath(placement, install.directory) ?? '.';
        // Projects beside this one, which it refers to, are filled as well.
        const beside = !within(output, install.directory);
        for (const each of analysis.ignore) {
          const line = root === '.' || (beside && each.startsWith('**/')) ? each : join(root, each);
          // Of a plain path it can be said that it is kept out already.
          if (/[*?[]/.test(line) || context.may(line)) lines.add(line);
        }
      }
    }
  }
  const nested = [...lines].filter((line) => /(?:^|\/)node_modules$/.test(line));
  // One line for all of them reads better than one for each.
  if (nested.length > 1) for (const line of nested) lines.delete(line);
  if (nested.length > 1) lines.add('**/node_modules');
  // `**/obj` covers `web/**/obj`.
  for (const line of [...lines]) {
    const tail = line.indexOf('/**/');
    if (tail > 0 && lines.has(line.slice(tail + 1))) lines.delete(line);
  }
  const plain = [...lines].sort();
  const suffices = (some: readonly string[]): boolean => {
    const source = applyEdits(context.ignoreFile.source ?? '', [ignoreEdit(context, some, '\n')]);
    const without = context.withIgnoreFile(source);
    return !exposed.some((path) => without.may(path));
  };
  // An install can fill the directory of a project that is not the one in which it runs.
  const all = [...new Set([...plain, ...exposed])].sort();
  // A directory that the file ignores already is not looked at again, so a `!` for something in it needs the long form.
  const long = (some: readonly string[]): readonly string[] => some.map((line) => `${line}/**`);
  const enough = [plain, long(plain), all, long(all)].find(suffices) ?? [];
  // What the file keeps out already is not said again.
  return enough.reduce<readonly string[]>((kept, line) => {
    const fewer = kept.filter((each) => each !== line);
    return suffices(fewer) ? fewer : kept;
  }, enough);
}

function contextPath(placement: Placement, path: string): string | undefined {
  return placement.directory ? sourceOf(path, placement) : undefined;
}

/** Adds lines to the ignore file where a person would, or starts one. */
export function ignoreEdit(context: BuildContext, lines: readonly string[], eol: string): Edit {
  const source = context.ignoreFile.source ?? '';
  const own = source.includes('\r\n') ? '\r\n' : source.includes('\n') ? '\n' : eol;
  const text = lines.reduce((before, line) => withLine(before, line, own), source);
  const shorter = Math.min(source.length, text.length);
  let start = 0;
  while (start < shorter && source[start] === text[start]) start++;
  let rest = 0;
  while (rest < shorter - start && source.at(-1 - rest) === text.at(-1 - rest)) rest++;
  return { file: 'dockerignore', span: [start, source.length - rest], text: text.slice(start, text.length - rest) };
}

function withLine(text: string, line: string, eol: string): string {
  const rows = text.split('\n');
  // What comes after an exception may undo it, so that nothing is put ahead of one.
  const from = rows.findLastIndex((row) => /^\s*!/.test(row)) + 1;
  const named = rows.map((row, at) => (at < from || row.startsWith('#') ? '' : row.trim().replace(/^\/|\/$/g, '')));
  const narrower = line.startsWith('**/') ? named.indexOf(line.slice('**/'.length)) : -1;
  if (narrower >= 0)
    return rows.map((row, at) => (at === narrower ? row.replace(/^(\s*)\/?/, '$1**/') : row)).join('\n');
  const like = named.findLastIndex((name) => name !== '' && lastOf(name) === lastOf(line));
  if (like >= 0 && like < rows.length - 1)
    return [...rows.slice(0, like + 1), line + eol.slice(0, -1), ...rows.slice(like + 1)].join('\n');
  const ended = text === '' || text.endsWith('\n') ? text : text + eol;
  // The last of several groups with a heading is about something else.
  const isGrouped = /(?:^|\n)[ \t]*\r?\n[ \t]*#[^\n]*\n(?:[ \t]*[^\s#][^\n]*\n)*$/.test(ended);
  return ended + (isGrouped ? eol : '') + line + eol;
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
