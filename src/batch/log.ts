/** `logs/ID.log`: what was done with one repository, and when. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

export type Log = (line: string) => void;

export function openLog(folder: string, id: string): Log {
  const path = join(folder, 'logs', `${id}.log`);
  return (line) => appendFileSync(path, logLine(line));
}

export function logLine(line: string): string {
  return `${new Date().toISOString()} ${line.replaceAll('\n', '\n  ')}\n`;
}
