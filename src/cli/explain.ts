/** `dockerfix explain`: of a refusal's code, what it means, why, and what to do; of Dockerfiles, their layers. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { transforms, managers } from '../index.ts';
import { REFUSALS } from '../refusals.ts';
import { usageError, type Io } from './io.ts';
import { explainLayers } from './layers.ts';
import { offered } from './parser.ts';

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [word = '', ...rest] = argv;
  if (word === '--codes' && rest.length === 0) {
    io.stdout(`${Object.keys(REFUSALS).join('\n')}\n`);
    return 0;
  }
  io.stdout(offered(argv, Object.keys(REFUSALS)));
  // A file of a code's name is told with `./`, as is any other path.
  if (rest.length > 0 || !/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(word) || existsSync(resolve(io.cwd, word)))
    return explainLayers(argv, io);
  const text = explainCode(word);
  if (text === undefined)
    return usageError(
      io,
      `there is no code \`${word}\`, and no such file; \`dockerfix explain --codes\` lists the codes`,
    );
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
