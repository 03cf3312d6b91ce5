import type { Analysis, Command, Files, Install, PackageManager, Place } from '../model.ts';

export const managers: readonly PackageManager[] = [];

export function recognise(command: Command, place: Place): Install | undefined {
  const words = command.words.map((w) => w.value);
  const base = { command, place, directory: place.directory };
  if (words[0] === 'npm' && words.includes('-g')) return { ...base, manager: 'npm', kind: 'tool' };
  if (words[0] === 'npm' && (words[1] === 'ci' || words[1] === 'install')) return { ...base, manager: 'npm', kind: 'install' };
  if (words[0] === 'pip' && words[1] === 'install') return { ...base, manager: 'pip', kind: words.includes('-r') ? 'install' : 'tool' };
  return undefined;
}

export function analyse(install: Install, files: Files): Analysis {
  const dir = install.directory;
  const none = { outputs: [], ignore: [], splits: [] };
  if (install.kind === 'tool') return { ...none, steps: [{ name: install.command.text, reads: [], writes: [], edits: [], system: 'writes' }] };
  if (install.manager === 'npm') {
    if (files.has(`${dir}/package.json`) !== 'yes') return { ...none, steps: [{ name: 'npm', reads: [], writes: [], edits: [], system: 'none', opaque: { code: 'manifest-missing', message: 'no package.json' } }] };
    const reads = ['package.json', 'package-lock.json', '.npmrc'].map((n) => ({ path: `${dir}/${n}` }));
    return { steps: [{ name: 'npm deps', reads, writes: [`${dir}/node_modules`], edits: install.command.words[1]?.value === 'ci' ? [] : [`${dir}/package-lock.json`], system: 'reads' }], outputs: [`${dir}/node_modules`], ignore: ['node_modules'], splits: [] };
  }
  const file = install.command.words[install.command.words.findIndex((w) => w.value === '-r') + 1]?.value ?? '';
  return { ...none, steps: [{ name: install.command.text, reads: [{ path: `${dir}/${file}` }], writes: [], edits: [], system: 'writes' }] };
}
