/** The build context's paths that instructions name, in whatever way. */
import { goMatch } from '../context/dockerignore.ts';
import type { Instruction } from '../model.ts';
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

/** A wildcard at the end of a source could select an entry of that name. */
export function mayMatch(source: string, name: string): boolean {
  const last = baseName(source);
  return /[*?[]/.test(last) && goMatch(last, name);
}
