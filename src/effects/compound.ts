/** Commands within commands: of a compound one, and of one that is given another to run. */
import type { Command, Run } from '../model.ts';
import { parse } from '../dockerfile/parse.ts';
import { baseName } from './paths.ts';

/** Of a compound command, in UTF-16 units. */
const LONGEST_LOOKED_INTO = 2_000;

const lookedInto = new Map<string, readonly Command[]>();

/** The commands of a compound one, as far as their words tell; what loops over constant words is repeated. */
export function commandsWithin(text: string): readonly Command[] {
  let known = lookedInto.get(text);
  if (known === undefined) {
    if (lookedInto.size > 1_000) lookedInto.clear();
    const parts = text
      .slice(0, LONGEST_LOOKED_INTO)
      .replace(
        /\bfor (\w+) in ([\w./ -]+)[;\n]\s*do\b([^]*?)\bdone\b/g,
        (_, name: string, words: string, body: string) =>
          words
            .trim()
            .split(/ +/)
            .map((word) => body.replace(new RegExp(`\\$(?:${name}\\b|\\{${name}\\})`, 'g'), word))
            .join(';'),
      )
      .slice(0, LONGEST_LOOKED_INTO)
      .split(/[;|&(){}\n]+|(?:^|\s)(?:if|then|elif|else|fi|do|done|while|time|!)(?=\s|$)/);
    known = parts
      .filter((part) => part.trim() !== '' && !part.includes('<<'))
      .flatMap((part) => commandsOf(part.trim()).slice(0, 1))
      .filter((command) => command.simple);
    lookedInto.set(text, known);
  }
  return known;
}

/** Itself, or the commands that it is given to run: `sh -c "npm ci"`, `timeout 600 npm ci`, `env A=$(b) npm ci`. */
export function handedOn(command: Command): readonly Command[] {
  const words = command.words.map(({ value, text }) => value ?? text);
  const name = baseName(words[0] ?? '');
  if (/^(?:ba|da|z)?sh$/.test(name)) {
    const script = words.findIndex((word) => /^-\w*c$/.test(word));
    return script < 0 ? [command] : commandsWithin(words[script + 1] ?? '');
  }
  if (!/^(?:env|timeout|nice|nohup|xargs)$/.test(name)) return [command];
  const start = words.findIndex((word, at) => at > 0 && !/^(?:-\S*|\d+[smh]?|\w+=.*)$/s.test(word));
  return start < 0 ? [] : commandsOf(words.slice(start).join(' '));
}

export function oneLine(script: string): string {
  return script.replace(/\\\r?\n/g, ' ').replace(/\s*\n\s*/g, '; ');
}

/** What a RUN of this line would run. */
export function commandsOf(line: string): readonly Command[] {
  const run = parse(`FROM scratch\nRUN ${line}\n`).stages[0]?.instructions[0] as Run | undefined;
  return run?.commands ?? [];
}

export function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}
