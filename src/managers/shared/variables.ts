/** Variables that decide what an install reads or where it writes. */
import type { Install, Trouble } from '../../model.ts';
import { unresolvedVariable } from './steps.ts';

/** Why it is not known what it does: one of these stands in front of the command with a value that is not constant. */
export function unknownVariable(install: Install, names: readonly string[]): Trouble | undefined {
  const found = install.command.assignments.find(({ name, value }) => value === undefined && names.includes(name));
  return found === undefined ? undefined : unresolvedVariable(install, found.name);
}
