/**
 * What BuildKit says of an instruction that it cannot use, after its instructions/parse.go and line_parsers.go. Only
 * what makes every build of the file fail; a flag of a later version is told apart by its code.
 */
import { BLANK, BLANKS, HEREDOC, jsonArray, type RawInstruction, type Traced } from './scan.ts';
import { type Escape, isSpace, nameWords } from './variables.ts';

export interface Complaint {
  readonly code: 'syntax-error' | 'unknown-flag';
  readonly message: string;
}

/** Flags of BuildKit's newest Dockerfile frontend, `RUN --device` and `--security` included (rule 34). */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  FROM: ['platform'],
  RUN: ['mount', 'network', 'security', 'device'],
  COPY: ['from', 'chown', 'chmod', 'link', 'exclude', 'parents'],
  ADD: ['chown', 'chmod', 'link', 'keep-git-dir', 'checksum', 'unpack', 'exclude'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'start-interval', 'retries'],
};
const KEYWORDS = new Set(
  'FROM RUN COPY ADD WORKDIR USER ENV ARG LABEL SHELL EXPOSE CMD ENTRYPOINT HEALTHCHECK STOPSIGNAL VOLUME ONBUILD MAINTAINER'.split(
    ' ',
  ),
);
const REPEATABLE = new Set(['exclude', 'mount', 'device']);
/** Their flags are not looked at. */
const IGNORES_FLAGS = new Set(['ARG', 'STOPSIGNAL']);

/** The first thing that is wrong with one instruction by itself. */
export function complaint(raw: RawInstruction, escape: Escape): Complaint | undefined {
  const keyword = raw.keyword.toUpperCase();
  if (!KEYWORDS.has(keyword)) return syntax(`unknown instruction \`${raw.keyword.slice(0, 40)}\``);
  const flag = IGNORES_FLAGS.has(keyword)
    ? undefined
    : raw.flags.find((each) => FLAGS[keyword]?.includes(each.name) !== true);
  if (flag !== undefined)
    return { code: 'unknown-flag', message: `\`${keyword} --${flag.name}\` is not a flag that dockerfix knows` };
  const twice = raw.flags.find(
    (each, index) => !REPEATABLE.has(each.name) && raw.flags.findIndex((other) => other.name === each.name) < index,
  );
  if (twice !== undefined) return syntax(`\`--${twice.name}\` is given twice`);
  const message = wrong(keyword, raw.text, raw.json, escape);
  return message === undefined ? undefined : syntax(message);
}

function syntax(message: string): Complaint {
  return { code: 'syntax-error', message };
}

function wrong(
  keyword: string,
  { text }: Traced,
  json: readonly string[] | undefined,
  escape: Escape,
): string | undefined {
  const words = json ?? (text === '' ? [] : text.split(BLANKS));
  switch (keyword) {
    case 'FROM':
      if (words.length !== 1 && !(words.length === 3 && /^as$/i.test(words[1] as string)))
        return '`FROM` takes an image, or an image `AS` a name';
      return words.length === 1 || /^[a-z][a-z0-9_.-]*$/.test((words[2] as string).toLowerCase())
        ? undefined
        : `\`${words[2] as string}\` cannot be the name of a stage`;
    case 'COPY':
    case 'ADD':
      if (words.length < 2) return `\`${keyword}\` needs a source and a destination`;
      return heredocName(words.at(-1) as string) !== undefined ? `\`${keyword}\` to a heredoc` : undefined;
    case 'ENV':
    case 'LABEL':
      return wrongPairs(keyword, text, escape);
    case 'ARG':
      if (words.length === 0) return '`ARG` needs a name';
      return pairs(text, escape).some((each) => each.startsWith('=')) ? '`ARG` with an empty name' : undefined;
    case 'WORKDIR':
    case 'USER':
    case 'STOPSIGNAL':
    case 'MAINTAINER':
    case 'EXPOSE':
      return text === '' ? `\`${keyword}\` needs an argument` : undefined;
    case 'VOLUME':
      return words.length === 0 || words.some((each) => BLANK.test(each)) ? '`VOLUME` needs a path' : undefined;
    case 'SHELL':
      return json === undefined || json.length === 0 ? '`SHELL` needs a JSON array' : undefined;
    case 'HEALTHCHECK': {
      const [type = '', ...rest] = words;
      if (type.toUpperCase() === 'NONE') return rest.length > 0 ? '`HEALTHCHECK NONE` takes no arguments' : undefined;
      return type.toUpperCase() !== 'CMD' || rest.length === 0 ? '`HEALTHCHECK` needs `CMD` and a command' : undefined;
    }
    case 'ONBUILD':
      if (/^(?:ONBUILD|FROM|MAINTAINER)?$/i.test(words[0] ?? ''))
        return `\`ONBUILD ${words[0] ?? ''}\` is not a trigger`;
      return wrongTrigger(words[0] as string, text, escape);
    default:
      return undefined;
  }
}

/** A trigger is read in full where it is written, but checked only when it fires. */
function wrongTrigger(keyword: string, text: string, escape: Escape): string | undefined {
  const rest = text.slice(keyword.length).trimStart();
  const upper = keyword.toUpperCase();
  if ((upper === 'ENV' || upper === 'LABEL') && rest !== '') return wrongPairs(upper, rest, escape);
  const takesJson = ['RUN', 'CMD', 'ENTRYPOINT', 'COPY', 'ADD', 'VOLUME', 'SHELL'].includes(upper);
  return takesJson && jsonArray(rest) === 'other' ? 'a JSON array may hold nothing but strings' : undefined;
}

function wrongPairs(keyword: string, text: string, escape: Escape): string | undefined {
  const found = pairs(text, escape);
  if (found.length === 0) return `\`${keyword}\` needs a name and a value`;
  if (!(found[0] as string).includes('='))
    return BLANKS.test(text) ? undefined : `\`${keyword} ${text.slice(0, 40)}\` gives no value`;
  const odd = found.find((each) => !each.includes('='));
  if (odd !== undefined) return `\`${odd.slice(0, 40)}\` in \`${keyword}\` gives no value`;
  return found.some((each) => each.startsWith('=')) ? `\`${keyword}\` with an empty name` : undefined;
}

/** Words parted by blanks outside of quotes; quotes and escapes kept. An escape at the very end is dropped. */
export function pairs(text: string, escape: Escape): readonly string[] {
  const words: string[] = [];
  let word = '';
  let inWord = false;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    let char = text[at] as string;
    if (quote === '' && isSpace(char)) {
      if (inWord) words.push(word);
      word = '';
      inWord = false;
      continue;
    }
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === escape && quote !== "'") {
      if (at + 1 === text.length) break;
      word += char;
      char = text[++at] as string;
    }
    word += char;
    inWord = true;
  }
  if (inWord) words.push(word);
  return words;
}

/**
 * The heredoc that a word names as a source or destination of COPY and ADD, where the text has been split on blanks
 * (rule 10), or as all of a RUN.
 */
export function heredocName(word: string): string | undefined {
  const rest = HEREDOC.exec(word)?.[3] ?? '';
  const names = rest === '' ? [] : (nameWords(rest, false) ?? []);
  return names.length === 1 ? names[0] : undefined;
}
