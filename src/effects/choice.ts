/**
 * `if [ "$NODE_ENV" = production ]; then npm ci --omit=dev; else npm install; fi`, `npm ci || npm install`: which install
 * runs is decided by variables, by whether a file is there, or by whether the first one fails, so that all of it reads
 * and writes what its branches may.
 */
import type { Analysis } from '../model.ts';
import type { Effect } from './commands.ts';

export interface Branch {
  /** It is taken where this file is there, or where it is not. */
  readonly file?: { readonly path: string; readonly absent: boolean };
  /** Shell text of which nothing is known. */
  readonly body: string;
}

const WORD = /(?:"\$\{?\w+(?::-[\w./-]*)?\}?"|\$\{?\w+(?::-[\w./-]*)?\}?|"[\w./ -]*"|'[\w./ -]*'|[\w./-]+)/.source;
const OF_VARIABLES = new RegExp(`^(?:! )?(?:-[nz] ${WORD}|${WORD}(?: (?:=|==|!=) ${WORD})?)$`);
const OF_FILE = /^(! )?-[ef] "?([\w./-]+)"?$/;

/** What it chooses from, in order; undefined: it is no such command. */
export function branches(text: string): readonly Branch[] | undefined {
  const ways = text.split('||');
  if (ways.length === 2 && !/[;&|\n(){}]/.test(ways.join(''))) return ways.map((body) => ({ body: body.trim() }));
  const parts = text
    .trim()
    .split(/(?:^|[;\n])\s*(if|then|elif|else|fi)(?=\s|$)/)
    .map((part) => part.trim());
  if (parts[0] !== '') return undefined;
  const found: Branch[] = [];
  let expected = ['if'];
  let file: Branch['file'];
  for (let at = 1; at < parts.length; at += 2) {
    const [word, rest] = [parts[at] as string, parts[at + 1] as string];
    if (!expected.includes(word)) return undefined;
    if (word === 'if' || word === 'elif') {
      const asked = tested(rest);
      if (asked === undefined) return undefined;
      file = asked.file;
      expected = ['then'];
    } else if (word === 'fi') {
      if (rest !== '') return undefined;
      expected = [];
    } else {
      if (rest === '') return undefined;
      found.push({ body: rest, ...(word === 'else' || file === undefined ? {} : { file }) });
      expected = word === 'then' ? ['elif', 'else', 'fi'] : ['fi'];
    }
  }
  return expected.length === 0 ? found : undefined;
}

function tested(text: string): Pick<Branch, 'file'> | undefined {
  const [, open = '', asked = '', close = ''] = /^(\[\[?) (.*) (\]\]?)$/.exec(text.replace(/\s+/g, ' ')) ?? [];
  if (open.length !== close.length) return undefined;
  const [, not, path] = OF_FILE.exec(asked) ?? [];
  if (path !== undefined) return { file: { path, absent: not !== undefined } };
  return OF_VARIABLES.test(asked) ? {} : undefined;
}

/** What any of them may do, as one; undefined: they do something that cannot be put together. */
export function either(effects: readonly Effect[], name: string): Effect | undefined {
  const isPlain = effects.every(
    ({ opaque, warm, offline, sets, removes = [], makes = [], touches = [], links }) =>
      opaque === undefined &&
      warm !== true &&
      offline !== true &&
      sets === undefined &&
      links === undefined &&
      removes.length + makes.length + touches.length === 0,
  );
  if (!isPlain) return undefined;
  const systems = new Set(effects.map(({ system }) => system));
  return {
    name,
    reads: effects.flatMap(({ reads }) => reads),
    writes: [...new Set(effects.flatMap(({ writes }) => writes))],
    edits: [...new Set(effects.flatMap(({ edits }) => edits))],
    into: [...new Set(effects.flatMap(({ into = [] }) => into))],
    system: systems.has('writes') ? 'writes' : systems.has('reads') ? 'reads' : 'none',
  };
}

/** Of installs of which one runs. */
export function eitherInstall(all: readonly Analysis[]): Analysis {
  return {
    steps: all.flatMap(({ steps }) => steps),
    outputs: [...new Set(all.flatMap(({ outputs }) => outputs))],
    ignore: [...new Set(all.flatMap(({ ignore }) => ignore))],
    splits: [],
  };
}
