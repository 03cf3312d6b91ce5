/** Text to model. `crosscheck.ts` holds it against a second parser before anything is changed. */
import type {
  Base,
  Command,
  Comment,
  Copy,
  Dockerfile,
  Environment,
  Instruction,
  Run,
  Span,
  Stage,
  State,
  Trouble,
  Word,
} from '../model.ts';
import { blankContinuations, scan, type RawInstruction, type Scan } from './scan.ts';
import { parseCommands, understandsShell } from './shell.ts';
import { baseDirectory, resolvePath, Scope } from './state.ts';
import { expand } from './variables.ts';

const KEYWORDS = new Set(
  'FROM RUN COPY ADD WORKDIR USER ENV ARG LABEL SHELL EXPOSE CMD ENTRYPOINT HEALTHCHECK STOPSIGNAL VOLUME ONBUILD MAINTAINER'.split(
    ' ',
  ),
);
const PROXY_ARGS = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
const NO_ENVIRONMENT: Environment = { get: () => undefined, declared: () => false, varies: () => false };

/** Never throws: what is wrong with the text is in `trouble`. */
export function parse(source: string): Dockerfile {
  const raw = scan(source);
  return new Builder(source, raw).build();
}

class Builder {
  private readonly source: string;
  private readonly raw: Scan;
  private readonly globals: Instruction[] = [];
  private readonly stages: (Stage & { readonly instructions: Instruction[]; end: State })[] = [];
  private readonly all: Instruction[] = [];
  private trouble: Trouble | undefined;

  constructor(source: string, raw: Scan) {
    this.source = source;
    this.raw = raw;
  }

  build(): Dockerfile {
    const { raw, source } = this;
    if (raw.error !== undefined) this.fail('syntax-error', raw.error.message, [raw.error.offset, raw.error.offset]);
    const outers = this.outers();
    const globals = new Scope();
    let scope = globals;
    let state: State = { workdir: '/', shell: ['/bin/sh', '-c'], environment: NO_ENVIRONMENT };
    raw.instructions.forEach((each, index) => {
      const keyword = each.keyword.toUpperCase();
      if (!KEYWORDS.has(keyword))
        this.fail('syntax-error', `unknown instruction \`${each.keyword.slice(0, 40)}\``, each.span);
      const outer = outers[index] as { outer: Span; comments: Comment[] };
      if (keyword === 'FROM') {
        const base = this.base(each, globals.before(index));
        const parent = base.stage === undefined ? undefined : this.stages[base.stage];
        scope = new Scope(parent?.end.environment);
        state =
          parent === undefined
            ? { workdir: baseDirectory(base.image), shell: ['/bin/sh', '-c'], environment: scope.before(index) }
            : { ...parent.end, environment: scope.before(index) };
        const instruction = { ...this.common(each, outer, keyword, state) } as Instruction;
        const name = /\s[aA][sS]\s+(\S+)\s*$/.exec(this.text(each))?.[1]?.toLowerCase();
        this.stages.push({
          index: this.stages.length,
          span: each.span,
          ...(name === undefined ? {} : { name }),
          base,
          from: instruction,
          instructions: [],
          end: state,
        });
        this.all.push(instruction);
        return;
      }
      const stage = this.stages.at(-1);
      const here = { ...state, environment: scope.before(index) };
      const instruction = this.instruction(each, outer, keyword, here);
      this.all.push(instruction);
      if (stage === undefined) {
        this.globals.push(instruction);
        if (keyword !== 'ARG' && KEYWORDS.has(keyword))
          this.fail('syntax-error', `\`${keyword}\` before the first FROM`, each.span);
      } else stage.instructions.push(instruction);
      state = this.next(instruction, here, scope, globals, index, stage === undefined);
      if (stage !== undefined) {
        stage.end = { ...state, environment: scope.before(index + 1) };
        (stage as { span: Span }).span = [stage.span[0], each.span[1]];
      }
    });
    if (this.stages.length === 0 && raw.instructions.length > 0) this.fail('syntax-error', 'there is no FROM', [0, 0]);
    return {
      source,
      escape: raw.escape,
      ...(raw.syntax === undefined ? {} : { syntax: raw.syntax }),
      eol: raw.eol,
      globals: this.globals,
      stages: this.stages,
      instructions: this.all,
      comments: raw.comments,
      ...(this.trouble === undefined ? {} : { trouble: this.trouble }),
    };
  }

  private fail(code: string, message: string, span: Span, help?: string): void {
    this.trouble ??= { code, message, span, ...(help === undefined ? {} : { help }) };
  }

  private text(raw: RawInstruction): string {
    return blankContinuations(this.source, raw.argument[0], raw.argument[1], this.raw.escape);
  }

  /** Each instruction with the comment lines directly above it (rule 12); directives and a blank line stop it. */
  private outers(): { outer: Span; comments: Comment[] }[] {
    const byLine = new Map(this.raw.comments.map((comment) => [comment.line, comment]));
    let previous = this.raw.directivesEnd;
    return this.raw.instructions.map((each) => {
      const comments: Comment[] = [];
      let start = this.source.lastIndexOf('\n', each.span[0] - 1) + 1;
      for (let line = each.line - 1; ; line--) {
        const comment = byLine.get(line);
        if (comment === undefined || comment.span[0] < previous) break;
        comments.unshift(comment);
        start = this.source.lastIndexOf('\n', comment.span[0] - 1) + 1;
      }
      previous = each.span[1];
      return { outer: [start, each.span[1]], comments };
    });
  }

  private common(
    raw: RawInstruction,
    { outer, comments }: { outer: Span; comments: Comment[] },
    keyword: string,
    state: State,
  ) {
    return {
      span: raw.span,
      outer,
      comments,
      keyword,
      flags: raw.flags,
      argument: raw.argument,
      line: raw.line,
      heredocs: raw.heredocs,
      state,
    };
  }

  private instruction(
    raw: RawInstruction,
    outer: { outer: Span; comments: Comment[] },
    keyword: string,
    state: State,
  ): Instruction {
    const common = this.common(raw, outer, keyword, state);
    switch (keyword) {
      case 'RUN':
        return { ...common, ...this.run(raw, state) } as Run;
      case 'COPY':
      case 'ADD':
        return { ...common, ...this.copy(raw, state) } as Copy;
      case 'WORKDIR': {
        const { value } = expand(this.text(raw).trim(), state.environment, this.raw.escape);
        const path =
          value === undefined || value === ''
            ? `?{${this.text(raw).trim().replaceAll('/', '|')}}`
            : resolvePath(state.workdir, value);
        return { ...common, path } as Instruction;
      }
      default:
        return common as Instruction;
    }
  }

  private base(raw: RawInstruction, environment: Environment): Base {
    const text = this.text(raw).trim().split(/\s+/)[0] ?? '';
    const { value } = expand(text, environment, this.raw.escape);
    const stage = this.stages.findLastIndex(
      (each) => each.name !== undefined && each.name === value?.toLowerCase() && value === value.toLowerCase(),
    );
    return {
      text,
      ...(value === undefined ? {} : { image: value }),
      ...(stage < 0
        ? {}
        : { stage, ...(this.stages[stage]?.base.image === undefined ? {} : { image: this.stages[stage].base.image }) }),
    };
  }

  private words(raw: RawInstruction, environment: Environment): { words: Word[]; json: boolean } {
    const text = this.text(raw);
    const start = raw.argument[0];
    const toWord = (word: string, span: Span): Word => {
      const { value, varies } = expand(word, environment, this.raw.escape);
      return { text: word, span, ...(value === undefined ? {} : { value }), varies };
    };
    if (text.trimStart().startsWith('[')) {
      try {
        const parsed: unknown = JSON.parse(text);
        if (Array.isArray(parsed) && parsed.every((each) => typeof each === 'string')) {
          const spans = [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)].map((match): Span => [
            start + match.index,
            start + match.index + match[0].length,
          ]);
          return { words: parsed.map((each: string, index) => toWord(each, spans[index] ?? raw.argument)), json: true };
        }
      } catch {
        // Not JSON: the plain form (rule 9).
      }
    }
    return {
      words: [...text.matchAll(/\S+/g)].map((match) =>
        toWord(match[0], [start + match.index, start + match.index + match[0].length]),
      ),
      json: false,
    };
  }

  private copy(raw: RawInstruction, state: State): Partial<Copy> {
    const { words, json } = this.words(raw, state.environment);
    const from = raw.flags.find((flag) => flag.name === 'from')?.value;
    const destination = words.at(-1);
    const sources = words.slice(0, -1).filter((word) => !(raw.heredocs.length > 0 && /^\d*<</.test(word.text)));
    const index =
      from === undefined
        ? -1
        : /^\d+$/.test(from)
          ? Number(from)
          : this.stages.findLastIndex((each) => each.name === from.toLowerCase());
    const stage = index >= 0 && index < this.stages.length - 1 ? index : undefined;
    return {
      sources,
      json,
      ...(destination === undefined ? {} : { destination }),
      ...(from === undefined ? {} : { from }),
      ...(stage === undefined ? {} : { fromStage: stage }),
    };
  }

  private run(raw: RawInstruction, state: State): { form: Run['form']; commands?: readonly Command[] } {
    const text = this.text(raw);
    const start = raw.argument[0];
    const heredoc = raw.heredocs[0];
    if (heredoc !== undefined) {
      const body = this.source.slice(...heredoc.body);
      if (
        raw.heredocs.length > 1 ||
        !/^\d*<<-?\s*\S+$/.test(text.trim()) ||
        body.startsWith('#!') ||
        !understandsShell(state.shell)
      )
        return { form: 'heredoc' };
      const commands = parseCommands(
        heredoc.stripTabs ? body.replace(/^\t+/gm, (tabs) => ' '.repeat(tabs.length)) : body,
        heredoc.body[0],
        state.environment,
      );
      return { form: 'heredoc', ...(commands === undefined ? {} : { commands }) };
    }
    if (text.trimStart().startsWith('[')) {
      const { words, json } = this.words(raw, NO_ENVIRONMENT);
      if (json) {
        const plain = words.map((word) => ({ text: word.text, span: word.span, value: word.text }));
        const name = plain[0]?.value ?? '';
        if (plain.length === 0) return { form: 'exec' };
        if (understandsShell([name]) && plain[1]?.value.startsWith('-') === true) return { form: 'exec' };
        return {
          form: 'exec',
          commands: [
            {
              span: raw.argument,
              text: plain.map((word) => word.value).join(' '),
              words: plain,
              assignments: [],
              redirects: [],
              simple: true,
            },
          ],
        };
      }
    }
    if (!understandsShell(state.shell)) return { form: 'shell' };
    const commands = parseCommands(text, start, state.environment);
    return { form: 'shell', ...(commands === undefined ? {} : { commands }) };
  }

  private next(
    instruction: Instruction,
    state: State,
    scope: Scope,
    globals: Scope,
    index: number,
    global: boolean,
  ): State {
    const text = (): string =>
      blankContinuations(this.source, instruction.argument[0], instruction.argument[1], this.raw.escape).trim();
    const escape = this.raw.escape;
    switch (instruction.keyword) {
      case 'WORKDIR':
        return { ...state, workdir: (instruction as { path: string }).path };
      case 'USER': {
        const { value } = expand(text(), state.environment, escape);
        return { ...state, user: value ?? `?{${text()}}` };
      }
      case 'SHELL':
        try {
          return { ...state, shell: JSON.parse(text()) as string[] };
        } catch {
          return state;
        }
      case 'ENV': {
        if (/^[^\s=]*$/.test(text())) this.fail('syntax-error', `\`ENV ${text()}\` gives no value`, instruction.span);
        for (const [name, raw] of assignments(text(), escape, true)) {
          const { value, varies } = expand(raw ?? '', state.environment, escape);
          scope.set(name, value, varies, index);
        }
        return state;
      }
      case 'ARG':
        for (const [name, raw] of assignments(text(), escape, false)) {
          const inherited = raw === undefined && !global ? globals.before(index).get(name) : undefined;
          const { value } = raw === undefined ? { value: inherited } : expand(raw, state.environment, escape);
          if (
            raw === undefined &&
            inherited === undefined &&
            (PROXY_ARGS.includes(name.toUpperCase()) || state.environment.get(name) !== undefined)
          )
            continue;
          (global ? globals : scope).set(name, value, true, index);
        }
        return state;
      default:
        return state;
    }
  }
}

/** `a=b c="d e"`, or for ENV the legacy `a b c` (rule 11). */
function assignments(text: string, escape: string, env: boolean): [string, string | undefined][] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === escape && at + 1 < text.length && quote !== "'") {
      word += char + (text[++at] as string);
    } else if (quote !== '') {
      word += char;
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") {
      quote = char;
      word += char;
    } else if (/\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
    } else word += char;
  }
  if (word !== '') words.push(word);
  if (env && words[0] !== undefined && !words[0].includes('=')) {
    const match = /^(\S+)\s+([\s\S]*)$/.exec(text);
    return match === null ? [] : [[match[1] as string, match[2]]];
  }
  return words.map((each) => {
    const equals = each.indexOf('=');
    return equals < 0 ? [each, undefined] : [each.slice(0, equals), each.slice(equals + 1)];
  });
}
