/**
 * Many random and mutated inputs, and what has to hold for each: `npm run bench:fuzz -- [COUNT] [--seed S] [--from N]`.
 * Each input is made by its seed and its number, so that a failure can be seen again. A thread does the work, so that
 * one that never ends is told, too.
 */
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { failureText, fuzz, type Failure, type Tally } from '../test/fuzz/run.ts';

/** Nothing that ends takes as long. */
const NEVER_ENDS = 60_000;

interface Work {
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** The number of the input at work. */
  readonly progress: SharedArrayBuffer;
}

if (isMainThread) await main();
else await work(workerData as Work);

async function work({ progress, ...options }: Work): Promise<void> {
  const at = new Int32Array(progress);
  const tally = await fuzz({
    ...options,
    fixtures: 'fixtures',
    before: (number) => void Atomics.store(at, 0, number),
    failed: (failure) => parentPort?.postMessage({ failure }),
  });
  parentPort?.postMessage({ tally });
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const option = (name: string): number | undefined => {
    const at = words.indexOf(name);
    return at < 0 ? undefined : Number(words.splice(at, 2)[1]);
  };
  const seed = option('--seed') ?? randomInt(2 ** 31);
  const first = option('--from') ?? 0;
  const count = Number(words[0] ?? 10_000);
  if (![seed, first, count].every((each) => Number.isSafeInteger(each) && each >= 0)) {
    console.error('usage: npm run bench:fuzz -- [COUNT] [--seed S] [--from N]');
    process.exit(2);
  }
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 1_000);
  let failures = 0;
  const fail = (failure: Failure): void => {
    failures++;
    if (failure.again && failures > 50) return;
    console.log(failureText(failure));
  };
  const sum = { inputs: 0, rewrites: 0, compared: 0 };
  let longest: Tally['longest'] = { milliseconds: 0, at: first };
  const tell = (): void =>
    console.log(
      `${sum.inputs} inputs (seed ${seed}), ${sum.rewrites} rewrites, ${sum.compared} of them compared by the reference interpreter, ${seconds()} s, the longest ${Math.round(longest.milliseconds)} ms (--from ${longest.at}), ${failures} failures`,
    );
  console.log(`seed ${seed}, ${count} inputs from ${first}`);
  for (let from = first; from < first + count;) {
    // Few at a time: what is remembered by text is forgotten, and a thread that is ended takes little along.
    const some = Math.min(10_000, first + count - from);
    const result = await inThread({ seed, from, count: some }, fail);
    if (typeof result === 'number') {
      fail({ seed, at: result, broken: `it did not end in ${NEVER_ENDS / 1_000} s`, again: true });
      sum.inputs += result + 1 - from;
      from = result + 1;
      continue;
    }
    sum.inputs += result.inputs;
    sum.rewrites += result.rewrites;
    sum.compared += result.compared;
    if (result.longest.milliseconds > longest.milliseconds) longest = result.longest;
    from += some;
    tell();
  }
  process.exit(failures > 0 ? 1 : 0);
}

/** The number of the input that never ended, or the tally. */
function inThread(options: Omit<Work, 'progress'>, fail: (failure: Failure) => void): Promise<Tally | number> {
  const progress = new SharedArrayBuffer(4);
  const at = new Int32Array(progress);
  at[0] = options.from;
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { ...options, progress } });
  return new Promise((done, broken) => {
    let last = -1;
    const watch = setInterval(() => {
      const now = Atomics.load(at, 0);
      if (now === last) {
        void worker.terminate();
        finish(now);
      }
      last = now;
    }, NEVER_ENDS);
    const finish = (result: Tally | number): void => {
      clearInterval(watch);
      done(result);
    };
    worker.on('message', (message: { failure?: Failure; tally?: Tally }) => {
      if (message.failure !== undefined) fail(message.failure);
      if (message.tally !== undefined) finish(message.tally);
    });
    worker.on('error', broken);
  });
}
