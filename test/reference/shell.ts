/**
 * The shell of the reference interpreter: lists, pipes, `if`, `for`, subshells and groups, with errexit and pipefail.
 * Nothing from `src/`, which has its own parser.
 */
import { Failure } from './files.ts';

type Node =
  | { readonly type: 'command'; readonly text: string }
  | { readonly type: 'pipe'; readonly parts: readonly Node[] }
  | { readonly type: 'list'; readonly items: readonly Item[] }
  | { readonly type: 'subshell'; readonly body: Node }
  | { readonly type: 'not'; readonly body: Node }
  | { readonly type: 'if'; readonly condition: Node; readonly yes: Node; readonly no: Node | undefined }
  | { readonly type: 'for'; readonly name: string; readonly words: string; readonly body: Node };
interface Item {
  readonly operator: '&&' | '||' | ';';
  readonly node: Node;
}

export interface State {
  errexit: boolean;
  pipefail: boolean;
}

/** What the shell asks of whoever runs its commands. */
export interface Commands<M extends { readonly options: State }> {
  /** What it prints; throws a `Failure`. */
  command(machine: M, text: string, input: string): string;
  /** A machine with the same files, but with its own directory, variables and options. */
  subshell(machine: M): M;
  expand(machine: M, words: string): readonly string[];
  assign(machine: M, name: string, value: string): void;
}

interface Result {
  readonly output: string;
  readonly failed?: Failure;
}

/** The shell ends here. */
class Exit extends Error {
  readonly failed: Failure;
  readonly output: string;

  constructor(failed: Failure, output: string) {
    super(failed.message);
    this.failed = failed;
    this.output = output;
  }
}

/** Runs a text; what it prints. Throws a `Failure` where it exits with another status than 0. */
export function runText<M extends { readonly options: State }>(
  machine: M,
  text: string,
  commands: Commands<M>,
  input = '',
): string {
  const { output, failed } = inOwnShell(() => new Runner(commands).run(parsed(text), machine, input, false));
  if (failed !== undefined) throw failed;
  return output;
}

function inOwnShell(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    return { output: error.output, failed: error.failed };
  }
}

class Runner<M extends { readonly options: State }> {
  private readonly commands: Commands<M>;

  constructor(commands: Commands<M>) {
    this.commands = commands;
  }

  /** `checked`: somebody looks at the status, so that errexit does not count. */
  run(node: Node, machine: M, input: string, checked: boolean): Result {
    switch (node.type) {
      case 'command':
        try {
          return { output: this.commands.command(machine, node.text, input) };
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          return { output: '', failed: error };
        }
      case 'pipe': {
        let text = input;
        let first: Failure | undefined;
        let last: Failure | undefined;
        for (const part of node.parts) {
          const own = this.commands.subshell(machine);
          const given = text;
          const { output, failed } = inOwnShell(() => this.run(part, own, given, checked));
          text = output;
          last = failed;
          first ??= failed;
        }
        return result(text, machine.options.pipefail ? first : last);
      }
      case 'subshell': {
        const own = this.commands.subshell(machine);
        return inOwnShell(() => this.run(node.body, own, input, checked));
      }
      case 'not': {
        const { output, failed } = this.run(node.body, machine, input, true);
        return result(output, failed === undefined ? new Failure('!') : undefined);
      }
      case 'if': {
        const asked = this.run(node.condition, machine, input, true);
        const branch = asked.failed === undefined ? node.yes : node.no;
        if (branch === undefined) return { output: asked.output };
        const done = this.run(branch, machine, input, checked);
        return result(asked.output + done.output, done.failed);
      }
      case 'for': {
        let all: Result = { output: '' };
        for (const word of this.commands.expand(machine, node.words)) {
          this.commands.assign(machine, node.name, word);
          const { output, failed } = this.run(node.body, machine, input, checked);
          all = result(all.output + output, failed);
        }
        return all;
      }
      case 'list':
        return this.list(node.items, machine, input, checked);
    }
  }

  private list(items: readonly Item[], machine: M, input: string, checked: boolean): Result {
    let text = '';
    let last: Failure | undefined;
    for (const [at, { operator, node }] of items.entries()) {
      if ((operator === '&&' && last !== undefined) || (operator === '||' && last === undefined)) continue;
      const isAsked = checked || (items[at + 1]?.operator ?? ';') !== ';';
      const { output, failed } = this.run(node, machine, input, isAsked);
      text += output;
      last = failed;
      if (failed !== undefined && machine.options.errexit && !isAsked && node.type !== 'not')
        throw new Exit(failed, text);
    }
    return result(text, last);
  }
}

const result = (output: string, failed: Failure | undefined): Result =>
  failed === undefined ? { output } : { output, failed };

// ------------------------------------------------------------------------------------------------ parsing

const OPERATORS = ['&&', '||', ';', '\n', '|', '(', ')'];

/** Words and operators, in order; quotes and substitutions stay within their word, comments are left out. */
function tokens(text: string): string[] {
  const found: string[] = [];
  let word = '';
  const end = (): void => {
    if (word !== '') found.push(word);
    word = '';
  };
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const quoted = /^(?:"(?:\\[^]|[^"])*"|'[^']*'|\$\([^()]*\)|\\[^])/.exec(rest)?.[0];
    if (quoted !== undefined) {
      if (quoted !== '\\\n') word += quoted;
      at += quoted.length;
      continue;
    }
    if (word === '' && rest.startsWith('#')) {
      at += (/^[^\n]*/.exec(rest) as RegExpExecArray)[0].length;
      continue;
    }
    const operator = OPERATORS.find((each) => rest.startsWith(each));
    if (operator !== undefined) {
      end();
      found.push(operator);
      at += operator.length;
    } else {
      if (/^\s/.test(rest)) end();
      else word += rest.charAt(0);
      at++;
    }
  }
  end();
  return found;
}

function parsed(text: string): Node {
  return new Parser(tokens(text)).list([]);
}

class Parser {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(tokens: readonly string[]) {
    this.tokens = tokens;
  }

  /** A method, so that the compiler does not take it for the same each time. */
  private peek(): string | undefined {
    return this.tokens[this.at];
  }

  private take(expected: string): void {
    if (this.peek() !== expected) throw new Failure(`${this.peek() ?? 'the end'} where ${expected} is expected`);
    this.at++;
  }

  /** Up to one of these words, which is not taken. */
  list(until: readonly string[]): Node {
    const items: Item[] = [];
    let operator: Item['operator'] = ';';
    for (;;) {
      while (this.peek() === '\n' || this.peek() === ';') this.at++;
      if (this.peek() === undefined || until.includes(this.peek() as string)) break;
      items.push({ operator, node: this.pipe() });
      const found = this.peek();
      if (found !== undefined && !OPERATORS.includes(found) && !until.includes(found))
        throw new Failure(`${found} is not expected`);
      operator = found === '&&' || found === '||' ? found : ';';
      if (operator !== ';') this.at++;
    }
    return { type: 'list', items };
  }

  private pipe(): Node {
    if (this.peek() === '!') {
      this.at++;
      return { type: 'not', body: this.pipe() };
    }
    const parts = [this.command()];
    while (this.peek() === '|') {
      this.at++;
      parts.push(this.command());
    }
    return parts.length === 1 ? (parts[0] as Node) : { type: 'pipe', parts };
  }

  private command(): Node {
    switch (this.peek()) {
      case '(':
        return { type: 'subshell', body: this.within('(', ')') };
      case '{':
        return this.within('{', '}');
      case 'if':
        this.at++;
        return this.condition();
      case 'for': {
        const [, name = ''] = this.tokens.slice(this.at);
        this.at += 2;
        this.take('in');
        const words = this.words();
        while (this.peek() === ';' || this.peek() === '\n') this.at++;
        return { type: 'for', name, words, body: this.within('do', 'done') };
      }
      default:
        return { type: 'command', text: this.words() };
    }
  }

  private condition(): Node {
    const condition = this.list(['then']);
    this.take('then');
    const yes = this.list(['elif', 'else', 'fi']);
    if (this.peek() === 'elif') {
      this.at++;
      return { type: 'if', condition, yes, no: this.condition() };
    }
    let no: Node | undefined;
    if (this.peek() === 'else') {
      this.at++;
      no = this.list(['fi']);
    }
    this.take('fi');
    return { type: 'if', condition, yes, no };
  }

  private within(first: string, last: string): Node {
    this.take(first);
    const body = this.list([last]);
    this.take(last);
    return body;
  }

  private words(): string {
    const words: string[] = [];
    while (this.peek() !== undefined && !OPERATORS.includes(this.peek() as string)) {
      words.push(this.peek() as string);
      this.at++;
    }
    if (words.length === 0) throw new Failure(`a command is missing before ${this.peek() ?? 'the end'}`);
    return words.join(' ');
  }
}
