/** Splits a package.json script into simple commands. Only what scripts of one line use; more is not understood. */

/** The commands of a script, whatever joins them; undefined when it has more shell in it than `&&`, `||`, `;`, `if`. */
export function commandsOf(script: string): string[][] | undefined {
  const commands: string[][] = [[]];
  const words = tokens(script);
  if (words === undefined) return undefined;
  for (const { text, operator } of words) {
    const current = commands.at(-1) as string[];
    if (operator) commands.push([]);
    else if (current.length === 0 && /^(?:if|then|else|elif|fi|!|\{|\})$/.test(text)) continue;
    else if (current.length === 0 && /^[A-Za-z_]\w*=/.test(text)) continue;
    else current.push(text);
  }
  return commands.filter((command) => command.length > 0);
}

interface Token {
  readonly text: string;
  readonly operator: boolean;
}

function tokens(script: string): Token[] | undefined {
  const found: Token[] = [];
  let word: string | undefined;
  const flush = (): void => {
    if (word !== undefined) found.push({ text: word, operator: false });
    word = undefined;
  };
  for (let at = 0; at < script.length;) {
    const rest = script.slice(at);
    const quiet = /^(?:[12&]?>{1,2}\s*\/dev\/null|[12]>&[12])(?=[\s;&|)]|$)/.exec(rest);
    const joint = /^(?:&&|\|\||;|\n)/.exec(rest);
    const char = script[at] as string;
    if (quiet !== null && word === undefined) at += quiet[0].length;
    else if (joint !== null) {
      flush();
      found.push({ text: joint[0], operator: true });
      at += joint[0].length;
    } else if (/\s/.test(char)) {
      flush();
      at++;
    } else if (char === '(' || char === ')') {
      // A subshell runs its commands like any others.
      flush();
      found.push({ text: ';', operator: true });
      at++;
    } else if (/[`<>|&]/.test(char) || rest.startsWith('$(')) return undefined;
    else if (char === '\\' && at + 1 < script.length) {
      word = (word ?? '') + (script[at + 1] as string);
      at += 2;
    } else if (char === "'" || char === '"') {
      const end = closing(script, at);
      if (end === undefined) return undefined;
      const inner = script.slice(at + 1, end);
      if (char === '"' && /`|\$\(/.test(inner)) return undefined;
      word = (word ?? '') + (char === '"' ? inner.replace(/\\(["\\$`])/g, '$1') : inner);
      at = end + 1;
    } else {
      word = (word ?? '') + char;
      at++;
    }
  }
  flush();
  return found;
}

function closing(script: string, start: number): number | undefined {
  const quote = script[start] as string;
  for (let at = start + 1; at < script.length; at++) {
    if (script[at] === '\\' && quote === '"') at++;
    else if (script[at] === quote) return at;
  }
  return undefined;
}
