import { readRegular } from '../context/disk.ts';

/** The text of a configuration or an ignore file. Throws an Error with a clear message. */
export function readConfigText(path: string): string {
  const bytes = readRegular(path);
  if (bytes === undefined) throw new Error('it is not a regular file, or too large');
  return new TextDecoder().decode(bytes);
}
