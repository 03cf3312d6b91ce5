/** The core in a thread of its own: the page stays quick, and can give up. */
import { answer, OPT_IN, type Answer, type Question } from './work.ts';

/** The first message says what there is to choose from. */
export type Message =
  | { readonly optIn: typeof OPT_IN }
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly failure: string };

const send = (message: Message): void => postMessage(message);

addEventListener('message', ({ data }: MessageEvent<{ readonly id: number; readonly question: Question }>) => {
  const { id, question } = data;
  try {
    send({ id, answer: answer(question) });
  } catch (error) {
    // A bug of ours: the page says so.
    send({ id, failure: error instanceof Error ? error.message : String(error) });
  }
});
send({ optIn: OPT_IN });
