/** A unified diff for a terminal: coloured the way git does, and with nothing of a file's that could move the cursor. */
import { printable } from './text.ts';

export function terminalDiff(diff: string, color: boolean): string {
  return diff
    .split('\n')
    .map((line) => {
      const text = line
        .replace(/\r$/, '')
        .split('\t')
        .map((part) => printable(part))
        .join('\t');
      const style = color ? styleOf(line) : '';
      return style === '' ? text : `\u001b[${style}m${text}\u001b[m`;
    })
    .join('\n');
}

function styleOf(line: string): string {
  if (/^(?:diff |--- |\+\+\+ |new file)/.test(line)) return '1';
  if (line.startsWith('@@')) return '36';
  if (line.startsWith('+')) return '32';
  if (line.startsWith('-')) return '31';
  return '';
}
