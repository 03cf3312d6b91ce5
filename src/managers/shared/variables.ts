/** Variables that decide what an install reads or where it writes. */
import type { Install, Trouble } from '../../model.ts';
import { unresolvedVariable } from './steps.ts';

/** Why it is not known what it does: one of these is set, in front of the command or above, to what is not constant. */
export function unknownVariable(install: Install, names: readonly string[]): Trouble | undefined {
  const { command, place } = install;
  const isOpen = (name: string): boolean => {
    const own = command.assignments.findLast((each) => each.name === name);
    return own === undefined ? place.declared(name) && place.environment(name) === undefined : own.value === undefined;
  };
  const found = names.find(isOpen);
  return found === undefined ? undefined : unresolvedVariable(install, found);
}
