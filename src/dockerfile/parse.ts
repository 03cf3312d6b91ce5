/** Text to model. `crosscheck.ts` holds it against a second parser before anything is changed. */
import type {
  Base,
  Command,
  Comment,
  Copy,
  Dockerfile,
  Instruction,
  Run,
  Span,
  Stage,
  State,
  Trouble,
  Word,
} from '../model.ts';
import { complaint, heredocName, pairs } from './check.ts';
import { BLANKS, joined, scan, type RawInstruction, type Scan } from './scan.ts';
import { parseCommands, understandsShell } from './shell.ts';
import { baseDirectory, baseVariables, resolvePath, Scope } from './state.ts';
import { expand, type Expanded, type Variables } from './variables.ts';

/** Never throws: what is wrong with the text is in `trouble`. */
export function parse(source: string): Dockerfile {
  return new Builder(source, scan(source)).build();
}

type Here = State & { readonly environment: Variables };
type Attached = { readonly outer: Span; readonly comments: readonly Comment[] };
type Building = Stage & { readonly instructions: Instruction[]; end: State };

class Builder {
  private readonly source: string;
  private readonly raw: Scan;
  private readonly globals: Instruction[] = [];
  private readonly globalScope = Scope.globals();
  private readonly stages: Building[] = [];
  private readonly scopes: Scope[] = [];
  /** Where each stage name is last defined: that is what `--from` finds, whatever comes in between (rule 13). */
  private readonly stageNames = new Map<string, number>();
  /** The same, up to the current stage: what `FROM` finds. */
  private readonly earlier = new Map<string, number>();
  private readonly all: Instruction[] = [];
  private trouble: Trouble | undefined;

  constructor(source: string, raw: Scan) {
    this.source = source;
    this.raw = raw;
  }

  build(): Dockerfile {
    const { raw, source } = this;
    if (raw.error !== undefined) {
      const { code, message, offset, help } = raw.error;
      this.fail(code, message, [offset, offset], help);
    }
    const attached = this.attached();
    raw.instructions
      .filter((each) => each.keyword.toUpperCase() === 'FROM')
      .forEach((each, index) => {
        const name = stageName(each);
        if (name !== undefined) this.stageNames.set(name, index);
      });
    let scope = this.globalScope;
    let state: State = { workdir: '/', shell: DEFAULT_SHELL, environment: scope.before(0) };
    raw.instructions.forEach((each, index) => {
      const keyword = each.keyword.toUpperCase();
      const wrong = complaint(each, raw.escape);
      if (wrong !== undefined)
        this.fail(wrong.code, wrong.message, each.span, wrong.code === 'unknown-flag' ? 'update dockerfix' : undefined);
      if (keyword === 'FROM') {
        const base = this.base(each);
        const parent = base.stage === undefined ? undefined : this.stages[base.stage];
        scope =
          base.stage === undefined
            ? new Scope(undefined, base.image === 'scratch')
            : new Scope(this.scopes[base.stage]);
        for (const [name, value] of baseVariables(base.image)) scope.set(name, value, false, index);
        const environment = scope.before(index);
        state =
          parent === undefined
            ? { workdir: baseDirectory(base.image), shell: DEFAULT_SHELL, environment }
            : { ...parent.end, environment };
        this.stage(each, base, this.common(each, attached[index] as Attached, keyword, state) as Instruction, state);
        this.scopes.push(scope);
        return;
      }
      const stage = this.stages.at(-1);
      const here = { ...state, environment: scope.before(index) };
      const instruction = this.instruction(each, attached[index] as Attached, keyword, here);
      this.all.push(instruction);
      state = this.next(each, instruction, here, scope, index);
      if (stage === undefined) {
        this.globals.push(instruction);
        if (keyword !== 'ARG') this.fail('syntax-error', `\`${keyword}\` before the first FROM`, each.span);
        return;
      }
      stage.instructions.push(instruction);
      stage.end = state;
      (stage as { span: Span }).span = [stage.span[0], each.span[1]];
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

  private expand(word: string, variables: Variables): Expanded {
    return expand(word, variables, this.raw.escape);
  }

  /** Each instruction with the comment lines directly above it (rule 12); a blank line or a directive stops it. */
  private attached(): Attached[] {
    const byLine = new Map(this.raw.comments.map((comment) => [comment.line, comment]));
    const first = this.source.startsWith('\ufeff') ? 1 : 0;
    const lineStart = (offset: number): number => Math.max(first, this.source.lastIndexOf('\n', offset - 1) + 1);
    return this.raw.instructions.map((each) => {
      const comments: Comment[] = [];
      for (let line = each.line - 1; ; line--) {
        const comment = byLine.get(line);
        if (comment === undefined) break;
        comments.push({ span: comment.span, text: comment.text });
      }
      comments.reverse();
      return { outer: [lineStart(comments[0]?.span[0] ?? each.span[0]), each.span[1]], comments };
    });
  }

  private common(raw: RawInstruction, { outer, comments }: Attached, keyword: string, state: State) {
    return {
      span: raw.span,
      outer,
      comments,
      keyword,
      flags: raw.flags,
      argument: raw.argument,
      text: raw.text.text,
      line: raw.line,
      heredocs: raw.heredocs,
      state,
    };
  }

  private instruction(raw: RawInstruction, attached: Attached, keyword: string, here: Here): Instruction {
    const common = this.common(raw, attached, keyword, here);
    switch (keyword) {
      case 'RUN':
        return { ...common, ...this.run(raw, here) } as Run;
      case 'COPY':
      case 'ADD':
        return { ...common, ...this.copy(raw, here) } as Copy;
      case 'WORKDIR':
        return { ...common, path: this.directory(raw.text.text, here) } as Instruction;
      default:
        return common as Instruction;
    }
  }

  // ------------------------------------------------------------------------------------------------ stages

  private stage(raw: RawInstruction, base: Base, from: Instruction, end: State): void {
    const name = stageName(raw);
    if (name !== undefined) this.earlier.set(name, this.stages.length);
    this.all.push(from);
    this.stages.push({
      index: this.stages.length,
      span: raw.span,
      ...(name === undefined ? {} : { name }),
      base,
      from,
      instructions: [],
      end,
    });
  }

  /** Only what stands before the first FROM counts here, and a stage is found in lower case alone (rules 13, 16). */
  private base(raw: RawInstruction): Base {
    const text = raw.text.text.split(BLANKS)[0] ?? '';
    const { value } = this.expand(text, this.globalScope.now());
    const stage = value === undefined ? undefined : this.earlier.get(value);
    const image = stage === undefined ? value : this.stages[stage]?.base.image;
    return {
      text,
      ...(image === undefined || image === '' ? {} : { image }),
      ...(stage === undefined ? {} : { stage }),
    };
  }

  // ------------------------------------------------------------------------------------------ instructions

  /** A directory that cannot be told is named after what it is written as, and where that starts from. */
  private directory(text: string, here: Here): string {
    const { value } = this.expand(text, here.environment);
    if (value !== undefined) return resolvePath(here.workdir, value);
    const from = text.startsWith('/') || here.workdir === '/' ? '' : `${here.workdir} `;
    return `?{${`${from}${text}`.replaceAll('/', '|')}}`;
  }

  private copy(raw: RawInstruction, here: Here): Partial<Copy> {
    const { text } = raw.text;
    const spans = [...text.matchAll(raw.json === undefined ? /[^\t\v\f\r ]+/g : JSON_STRING)].map((match) =>
      raw.text.span(match.index, match.index + match[0].length),
    );
    const texts = raw.json ?? (text === '' ? [] : text.split(BLANKS));
    const words = texts.map((each, index): Word => {
      const { value, varies } = this.expand(each, here.environment);
      return { text: each, span: spans[index] as Span, ...(value === undefined ? {} : { value }), varies };
    });
    const destination = words.at(-1);
    const from = raw.flags.find((flag) => flag.name === 'from' && flag.value !== '')?.value;
    const fromStage = from === undefined ? undefined : this.fromStage(from, raw.span);
    return {
      sources: words.slice(0, -1).flatMap(({ value, ...word }): Word[] => {
        const name = heredocName(word.text);
        if (name === undefined) return [value === undefined ? word : { ...word, value }];
        // BuildKit makes an empty file where the heredoc itself was not found, as in the JSON form.
        return raw.heredocs.some((heredoc) => heredoc.name === name) ? [] : [word];
      }),
      json: raw.json !== undefined,
      ...(destination === undefined ? {} : { destination }),
      ...(from === undefined ? {} : { from }),
      ...(fromStage === undefined ? {} : { fromStage }),
    };
  }

  /** Rule 13: a name in any case, or the number of a stage. Neither may be this stage or a later one. */
  private fromStage(from: string, span: Span): number | undefined {
    const index = /^[+-]?\d+$/.test(from) ? Number(from) : this.stageNames.get(from.toLowerCase());
    if (index === undefined) return undefined;
    if (index >= 0 && index < this.stages.length - 1) return index;
    this.fail('stage-not-before', `\`--from=${from}\` names a stage that does not come before this one`, span);
    return undefined;
  }

  private run(raw: RawInstruction, here: Here): { form: Run['form']; commands?: readonly Command[] } {
    const form = raw.heredocs.length > 0 ? 'heredoc' : raw.json === undefined ? 'shell' : 'exec';
    const commands =
      form === 'heredoc' ? this.heredocCommands(raw, here) : form === 'exec' ? execCommand(raw) : shell(raw.text, here);
    return commands === undefined ? { form } : { form, commands };
  }

  /** The body is the script only when the argument is the heredoc and nothing else, and names no interpreter. */
  private heredocCommands(raw: RawInstruction, here: Here): readonly Command[] | undefined {
    const [heredoc] = raw.heredocs;
    if (heredoc === undefined || raw.heredocs.length > 1 || heredocName(raw.text.text) === undefined) return undefined;
    const [start, end] = heredoc.body;
    const body = this.source.slice(start, end);
    if (/^\t*#!/.test(body)) return undefined;
    if (!heredoc.stripTabs) return shell(joined(this.source, [[start, end]]), here);
    const lines = [...body.matchAll(/^\t*([^\n]*\n?)/gm)].map((match): Span => {
      const lineEnd = start + match.index + match[0].length;
      return [lineEnd - (match[1] as string).length, lineEnd];
    });
    return shell(joined(this.source, lines), here);
  }

  // ----------------------------------------------------------------------------------------------- effects

  /** What is in force after an instruction. */
  private next(raw: RawInstruction, instruction: Instruction, here: Here, scope: Scope, index: number): State {
    switch (instruction.keyword) {
      case 'WORKDIR':
        return { ...here, workdir: (instruction as { path: string }).path };
      case 'USER': {
        const { value } = this.expand(raw.text.text, here.environment);
        return { ...here, user: value ?? `?{${raw.text.text}}` };
      }
      case 'SHELL':
        return raw.json === undefined ? here : { ...here, shell: raw.json };
      case 'ENV':
        for (const [name, text] of this.environmentPairs(raw.text.text)) {
          const key = this.expand(name, here.environment).value;
          const { value, varies } = this.expand(text, here.environment);
          if (key !== undefined) scope.set(key, value, varies, index);
        }
        return here;
      case 'ARG':
        for (const each of pairs(raw.text.text, this.raw.escape)) this.argument(each, scope, index);
        return here;
      default:
        return here;
    }
  }

  /** `a=b c="d e"`, or the legacy `a b c` (rule 11). All see the values from before (rule 19). */
  private environmentPairs(text: string): [name: string, value: string][] {
    const words = pairs(text, this.raw.escape);
    if (words[0]?.includes('=') === false) {
      const gap = BLANKS.exec(text);
      return gap === null ? [] : [[text.slice(0, gap.index), text.slice(gap.index + gap[0].length)]];
    }
    return words.map((each) => {
      const equals = each.indexOf('=');
      return equals < 0 ? [each, ''] : [each.slice(0, equals), each.slice(equals + 1)];
    });
  }

  /** One name of an ARG line. Unlike those of ENV, the next one sees it already (dispatchArg in convert.go). */
  private argument(text: string, scope: Scope, index: number): void {
    const equals = text.indexOf('=');
    if (equals >= 0) {
      scope.set(text.slice(0, equals), this.expand(text.slice(equals + 1), scope.now()).value, true, index);
      return;
    }
    // Without a value it takes the global one, keeps an earlier one, or stays unset (rules 16-18).
    const global = this.globalScope.now().look(text);
    const { value, set } = scope !== this.globalScope && global.set === true ? global : scope.now().look(text);
    scope.set(text, set === true ? value : undefined, true, index, set === true);
  }
}

const DEFAULT_SHELL = ['/bin/sh', '-c'];
const JSON_STRING = /"(?:[^"\\]|\\.)*"/g;

function stageName(raw: RawInstruction): string | undefined {
  const words = raw.text.text.split(BLANKS);
  return words.length === 3 && /^as$/i.test(words[1] as string) ? (words[2] as string).toLowerCase() : undefined;
}

function shell(text: RawInstruction['text'], here: Here): readonly Command[] | undefined {
  return understandsShell(here.shell) ? parseCommands(text, here.environment, here.shell) : undefined;
}

/** One command, but for a shell with a script of its own, of which nothing is known. */
function execCommand(raw: RawInstruction): readonly Command[] | undefined {
  const values = raw.json ?? [];
  if (values.length === 0 || (understandsShell(values) && values[1]?.startsWith('-') === true)) return undefined;
  const spans = [...raw.text.text.matchAll(JSON_STRING)];
  return [
    {
      span: raw.argument,
      text: values.map(quoted).join(' '),
      words: values.map((value, index) => {
        const match = spans[index] as RegExpExecArray;
        return { text: value, span: raw.text.span(match.index, match.index + match[0].length), value };
      }),
      assignments: [],
      redirects: [],
      simple: true,
    },
  ];
}

/** As a shell would have to be told it. */
function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
