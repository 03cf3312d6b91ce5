/** Tools that ask git about the project. */
import type { Files } from '../../model.ts';
import { ancestors } from '../../dockerfile/state.ts';
import { at } from './package-json.ts';

/** Whether a checkout may be around a project. Above the project a directory that packages fill is no checkout. */
export function hasRepository(files: Files, directory: string): boolean {
  return [...ancestors(directory)].some((here) => {
    const presence = files.has(at(here, '.git'));
    return presence === 'yes' || (presence === 'maybe' && (here === directory || files.entries(here) !== undefined));
  });
}
