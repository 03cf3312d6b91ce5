/** Many inputs, one after the other, and what came of them. */
import { holds } from './holds.ts';
import { inputAt, seedsOf, type Input } from './inputs.ts';
import { smaller } from './smaller.ts';

export interface Tally {
  inputs: number;
  rewrites: number;
  /** Rewrites that the reference interpreter found to build the same. */
  compared: number;
  failures: Failure[];
  /** Of one `fix`, in milliseconds, and where. */
  longest: { milliseconds: number; at: number };
}

export interface Failure {
  readonly seed: number;
  readonly at: number;
  readonly broken: string;
  /** Broken in the same way before: not made smaller again. */
  readonly again: boolean;
  readonly input?: Input;
}

export interface FuzzOptions {
  readonly fixtures: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** Told before each input. */
  readonly before?: (at: number) => void;
  readonly failed?: (failure: Failure) => void;
}

export async function fuzz({ fixtures, seed, from, count, before, failed }: FuzzOptions): Promise<Tally> {
  const seeds = seedsOf(fixtures);
  const tally: Tally = { inputs: 0, rewrites: 0, compared: 0, failures: [], longest: { milliseconds: 0, at: from } };
  const kinds = new Set<string>();
  for (let at = from; at < from + count; at++) {
    before?.(at);
    const input = inputAt(seeds, seed, at);
    const { broken, changed, compared, longest } = await holds(input);
    tally.inputs++;
    if (changed) tally.rewrites++;
    if (compared) tally.compared++;
    if (longest > tally.longest.milliseconds) tally.longest = { milliseconds: longest, at };
    if (broken === undefined) continue;
    const kind = kindOf(broken);
    const again = kinds.has(kind);
    kinds.add(kind);
    const small = again
      ? {}
      : { input: await smaller(input, async (each) => kindOf((await holds(each)).broken ?? '') === kind) };
    const failure = { seed, at, broken, again, ...small };
    tally.failures.push(failure);
    failed?.(failure);
  }
  return tally;
}

/** The sentence without what differs from input to input. */
function kindOf(broken: string): string {
  return (broken.startsWith('it throws') ? broken.split('\n').slice(0, 2).join(' ') : (broken.split('\n')[0] as string))
    .replace(/`[^`]*`|"[^"]*"|\S*\/\S*|\d+/g, '*')
    .slice(0, 200);
}

/** One failure for people: what broke, how to see it again, and the smallest input that breaks the same. */
export function failureText({ seed, at, broken, input }: Failure): string {
  const command = `npm run bench:fuzz -- 1 --seed ${seed} --from ${at}`;
  if (input === undefined) return `FAILURE (${command}): ${broken.split('\n')[0] as string}\n`;
  const { source, files, links, options } = input;
  return [
    `FAILURE (${command}): ${broken}`,
    `--- Dockerfile ${JSON.stringify(source)}`,
    source,
    `--- files ${JSON.stringify(files)}`,
    ...(links.length > 0 ? [`--- links ${JSON.stringify(links)}`] : []),
    ...(Object.keys(options).length > 0 ? [`--- options ${JSON.stringify(options)}`] : []),
    '',
  ].join('\n');
}
