/** Colours a unified diff the way git does. */
export function colorDiff(diff: string): string {
  return diff
    .split('\n')
    .map((line) => {
      if (line.startsWith('diff ') || line.startsWith('--- ') || line.startsWith('+++ ') || line.startsWith('new file'))
        return `\u001b[1m${line}\u001b[m`;
      if (line.startsWith('@@')) return `\u001b[36m${line}\u001b[m`;
      if (line.startsWith('+')) return `\u001b[32m${line}\u001b[m`;
      if (line.startsWith('-')) return `\u001b[31m${line}\u001b[m`;
      return line;
    })
    .join('\n');
}
