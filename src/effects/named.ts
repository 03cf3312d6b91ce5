/** The build context's paths that instructions name, in whatever way. */
import { contextPath, goMatch } from '../context/dockerignore.ts';
import type { BuildContext, Instruction } from '../model.ts';
import { contextBinds } from './mounts.ts';
import { baseName } from './paths.ts';

/** What an instruction names of the build context. */
export function namedByContext(instruction: Instruction): readonly string[] {
  switch (instruction.keyword) {
    case 'COPY':
    case 'ADD':
      return instruction.from === undefined ? instruction.sources.map(({ text, value }) => value ?? text) : [];
    case 'RUN':
      return contextBinds(instruction).map(({ source }) => source);
    case 'ONBUILD':
      // Whatever it triggers.
      return instruction.text.split(/[\s,="'[\]]+/).filter((word) => /^[\w.]/.test(word));
    default:
      return [];
  }
}

/** What the lines that an ignore file got may keep out: a path that it is known to, or what a wildcard selects. */
export function mayExclude(
  source: string,
  before: BuildContext,
  after: BuildContext,
  added: readonly string[],
): boolean {
  const path = contextPath(source);
  return path !== '.' && ((before.may(path) && !after.may(path)) || added.some((line) => mayMatch(path, line)));
}

/** A wildcard at the end of a source could select what this line of an ignore file keeps out. */
function mayMatch(source: string, line: string): boolean {
  const last = baseName(source);
  if (!/[*?[]/.test(last)) return false;
  const kept = line.trim().replace(/^\/|(?:\/\*\*|\/)+$/g, '');
  if (kept.startsWith('**/')) return goMatch(last, baseName(kept));
  const [segments, names] = [source.split('/'), kept.split('/')];
  return segments.length === names.length && segments.every((each, index) => goMatch(each, names[index] as string));
}
