/** `dockerfix explain CODE`: what a refusal means, why, and what to do. */
import { transforms, managers } from '../index.ts';
import { REFUSALS } from '../refusals.ts';
import { usageError, type Io } from './io.ts';
import { parseWith } from './parser.ts';

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const parsed = await parseWith(argv, Number(io.environment['COLUMNS'] ?? 100), (parser) =>
    parser.usage('$0 explain CODE\n\nSays what a refusal means, why, and what to do about it.').demandCommand(0, 1),
  );
  if ('mistake' in parsed) return usageError(io, parsed.mistake);
  if ('text' in parsed) {
    io.stdout(parsed.text);
    return 0;
  }
  const [code] = argv.filter((word) => !word.startsWith('-'));
  if (code === undefined) {
    io.stdout(`${Object.keys(REFUSALS).join('\n')}\n`);
    return 0;
  }
  const text = explainCode(code);
  if (text === undefined) return usageError(io, `there is no code \`${code}\`; \`dockerfix explain\` lists them`);
  io.stdout(text);
  return 0;
}

/** Undefined where there is no such code. A transform's and a manager's name count as well. */
export function explainCode(code: string): string | undefined {
  if (Object.hasOwn(REFUSALS, code)) {
    const { kind, means, why, todo, example } = REFUSALS[code] as (typeof REFUSALS)[string];
    const indented = example.replaceAll('\n', '\n    ');
    return `${code} (${kind})\n\n  ${means}\n\n  Why: ${why}\n\n  What to do: ${todo}\n\n  Example:\n    ${indented}\n`;
  }
  const named = [...transforms, ...managers].find((each) => each.name === code);
  return named === undefined ? undefined : `${code}\n\n  ${named.summary}\n`;
}
