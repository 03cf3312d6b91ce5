import type { Analysis, Command, Files, Install, PackageManager, Place, ShellWord } from '../model.ts';
import { bun } from './bun.ts';
import { npm } from './npm.ts';
import { pip } from './pip.ts';
import { pnpm } from './pnpm.ts';
import { yarnBerry } from './yarn-berry.ts';
import { yarn } from './yarn.ts';

/** All that are known. Order does not matter: a command name belongs to one of them. */
export const managers: readonly PackageManager[] = [npm, yarn, yarnBerry, pnpm, bun, pip];

const byCommand = new Map<string, PackageManager[]>();
for (const manager of managers)
  for (const name of manager.commands) byCommand.set(name, [...(byCommand.get(name) ?? []), manager]);
const byName = new Map(managers.map((manager) => [manager.name, manager]));

/** The install that a simple command is, if it is one. */
export function recognise(command: Command, place: Place): Install | undefined {
  const stripped = withoutPrefix(command);
  const name = stripped.words[0]?.value;
  if (name === undefined) return undefined;
  const base = name.slice(name.lastIndexOf('/') + 1).replace(/^(pip|python)3?\.\d+$/, '$1');
  for (const manager of byCommand.get(base) ?? []) {
    const install = manager.recognise(stripped, place);
    if (install !== undefined) return install;
  }
  return undefined;
}

export function analyse(install: Install, files: Files): Analysis {
  return (byName.get(install.manager) as PackageManager).analyse(install, files);
}

/** `sudo`, `corepack`, `env A=b`, `npx yarn@1`: what follows is the command. */
function withoutPrefix(command: Command): Command {
  let words: readonly ShellWord[] = command.words;
  for (;;) {
    const [first, second] = words.map((word) => word.value ?? '');
    if (
      first === 'sudo' ||
      first === 'command' ||
      first === 'time' ||
      first === 'exec' ||
      (first === 'corepack' && /^(?:yarn|pnpm|npm)$/.test(second ?? ''))
    )
      words = words.slice(1);
    else if (first === 'env' && second !== undefined && second.includes('=')) {
      words = words.slice(1);
      while (words[0]?.value?.includes('=') === true) words = words.slice(1);
    } else break;
  }
  return words === command.words ? command : { ...command, words };
}
