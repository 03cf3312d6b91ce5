/** Reads the Dockerfiles that the generators write and that fixes make of them. Part of the reference interpreter. */
export interface Instruction {
  readonly keyword: string;
  readonly flags: ReadonlyMap<string, string>;
  readonly mounts: readonly string[];
  readonly text: string;
  readonly heredocs: readonly { readonly name: string; readonly body: string }[];
  /** The first of its lines, from 0, and the one after its last. */
  readonly lines: readonly [number, number];
}

export function instructions(source: string): Instruction[] {
  const lines = source.split('\n').map((line) => line.replace(/\r$/, ''));
  const found: Instruction[] = [];
  for (let at = 0; at < lines.length; at++) {
    const first = at;
    let line = lines[at] as string;
    if (/^\s*(?:#|$)/.test(line)) continue;
    while (/[^\\]\\[ \t]*$|^\\[ \t]*$/.test(line) && at + 1 < lines.length) {
      const next = lines[++at] as string;
      if (/^\s*(?:#|$)/.test(next)) continue;
      line = line.replace(/\\[ \t]*$/, '') + next;
    }
    const [, keyword = '', rest = ''] = /^\s*(\w+)\s*(.*)$/s.exec(line) ?? [];
    const flags = new Map<string, string>();
    const mounts: string[] = [];
    let text = rest;
    for (
      let flag = /^--(\w[\w-]*)(?:=(\S*))?\s*/.exec(text);
      flag !== null;
      flag = /^--(\w[\w-]*)(?:=(\S*))?\s*/.exec(text)
    ) {
      if (flag[1] === 'mount') mounts.push(flag[2] ?? '');
      else flags.set(flag[1] as string, flag[2] ?? '');
      text = text.slice(flag[0].length);
    }
    const heredocs: { name: string; body: string }[] = [];
    if (/^(?:RUN|COPY|ADD)$/i.test(keyword) && !text.startsWith('['))
      for (const match of text.matchAll(/(?:^|\s)<<(-?)(["']?)(\w+)\2(?=\s|$)/g)) {
        const body: string[] = [];
        for (
          at++;
          at < lines.length && (match[1] === '-' ? (lines[at] as string).replace(/^\t+/, '') : lines[at]) !== match[3];
          at++
        )
          body.push(match[1] === '-' ? (lines[at] as string).replace(/^\t+/, '') : (lines[at] as string));
        heredocs.push({ name: match[3] as string, body: body.map((each) => `${each}\n`).join('') });
      }
    found.push({ keyword: keyword.toUpperCase(), flags, mounts, text: text.trim(), heredocs, lines: [first, at + 1] });
  }
  return found;
}

/** `$NAME`, `${NAME}`, and `${NAME:-word}`, `${NAME-word}`, `${NAME:+word}`, `${NAME+word}`. */
export function replaced(text: string, get: (name: string) => string | undefined): string {
  return text.replace(
    /\$\{(\w+)(:?)([-+])([^}]*)\}|\$\{(\w+)\}|\$(\w+)/g,
    (_, name: string | undefined, colon: string, sign: string, word: string, braced?: string, plain?: string) => {
      if (name === undefined) return get((braced ?? plain) as string) ?? '';
      const value = get(name);
      const isSet = value !== undefined && (colon === '' || value !== '');
      return sign === '+' ? (isSet ? word : '') : isSet ? value : word;
    },
  );
}

/** The same, and quotes taken away. */
export function expand(text: string, get: (name: string) => string | undefined): string {
  return replaced(text, get).replace(/["']/g, '');
}

/** Words parted by blanks, quotes kept together. */
export function words(text: string): string[] {
  return text.match(/(?:"(?:\\.|[^"])*"|'[^']*'|[^\s"'])+/g) ?? [];
}

export function jsonOr(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}
