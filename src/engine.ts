/**
 * Rounds: transforms propose, the edits are applied to the text, the result is parsed and proved against the
 * original. Knows no transform by name.
 */
import type {
  Applied,
  BuildContext,
  Dockerfile,
  Edit,
  FileChange,
  Fix,
  Instruction,
  Outcome,
  Proposal,
  Refusal,
  Target,
  Transform,
  Trouble,
} from './model.ts';
import { applyEdits } from './dockerfile/edit.ts';
import { crossCheck } from './dockerfile/crosscheck.ts';
import { parse } from './dockerfile/parse.ts';
import { proof } from './proof/prove.ts';

export interface EngineOptions {
  readonly transforms: readonly Transform[];
  readonly target: Target;
  /** Unsafe fixes may be applied. */
  readonly unsafe: boolean;
  /** By transform. */
  readonly options?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** More rounds than any file needs; a plugin that never settles is stopped here. */
const ROUNDS = 50;

/** Codes that say a thing is fine rather than refused. */
const NOTES = new Set(['already-optimal', 'already-cached']);

export function run(path: string, source: string, context: BuildContext, options: EngineOptions): Outcome {
  const original = parse(source);
  if (original.trouble !== undefined) {
    const refusal = toRefusal(original.trouble, lineAt(source, original.trouble.span?.[0] ?? 0), undefined);
    const status = original.trouble.code === 'syntax-error' ? 'failed' : 'refused';
    return { path, status, changes: [], applied: [], refused: [refusal], notes: [] };
  }
  const nothing: Outcome = { path, status: 'unchanged', changes: [], applied: [], refused: [], notes: [] };
  if (original.comments.some((comment) => /^#\s*dockerfix\s+ignore-file\s*$/.test(comment.text))) return nothing;

  const session = new Session(original, context, options);
  for (let round = 0; round < ROUNDS && session.round(); round++);
  return session.outcome(path);
}

class Session {
  private file: Dockerfile;
  private readonly original: Dockerfile;
  private readonly firstContext: BuildContext;
  private context: BuildContext;
  private readonly options: EngineOptions;
  /** Against the original, or what a fix made of it that changes the build knowingly. */
  private proof: ReturnType<typeof proof>;
  private disagreement: Trouble | 'none' | undefined;
  private readonly applied: Applied[] = [];
  /** What has been applied, by where in the original, by whom, and with what effect. */
  private readonly done = new Set<string>();
  private refused = new Map<string, Refusal>();
  private notes = new Map<string, Refusal>();
  /** Edits of each round on the Dockerfile, to tell lines in the original's terms. */
  private readonly history: (readonly Edit[])[] = [];

  constructor(original: Dockerfile, context: BuildContext, options: EngineOptions) {
    this.original = this.file = original;
    this.firstContext = this.context = context;
    this.options = options;
    this.proof = proof({ file: original, context }, options.target.managers);
  }

  /** True when something was accepted, so that another round is due. */
  round(): boolean {
    this.refused = new Map();
    this.notes = new Map();
    for (const transform of this.options.transforms) {
      const own = this.options.options?.[transform.name];
      const target = own === undefined ? this.options.target : { ...this.options.target, options: own };
      for (const proposal of transform.propose(this.file, this.context, target)) {
        if (ignored(this.file, proposal, transform.name)) continue;
        if (this.tryFixes(transform, proposal)) return true;
      }
    }
    return false;
  }

  private tryFixes(transform: Transform, proposal: Proposal): boolean {
    let reason: Trouble | undefined = proposal.refusal;
    for (const fix of proposal.fixes) {
      const trouble = this.accept(transform, proposal.at, fix);
      if (trouble === undefined) return true;
      reason ??= trouble;
    }
    if (reason !== undefined) this.refuse(transform, proposal.at, reason);
    return false;
  }

  private accept(transform: Transform, at: Instruction, fix: Fix): Trouble | undefined {
    const origin = this.originOf(at);
    // What was done once and is proposed again would be proposed for ever.
    const key = `${origin} ${transform.name} ${fix.message}`;
    if (this.done.has(key)) return { code: 'no-change', message: 'the fix was made already' };
    const edits = fix.edits.filter((edit) => edit.file === 'dockerfile');
    const ignoreEdits = fix.edits.filter((edit) => edit.file === 'dockerignore');
    const file = edits.length === 0 ? this.file : parse(applyEdits(this.file.source, edits));
    if (file.trouble !== undefined) return file.trouble;
    const context =
      ignoreEdits.length === 0
        ? this.context
        : this.context.withIgnoreFile(applyEdits(this.context.ignoreFile.source ?? '', ignoreEdits));
    if (file.source === this.file.source && context === this.context)
      return { code: 'no-change', message: 'the fix changes nothing' };
    const trouble = fix.changes === true ? undefined : this.proof.compare({ file, context });
    if (trouble !== undefined) return trouble;
    this.disagreement ??= crossCheck(this.original) ?? 'none';
    const second = this.disagreement === 'none' ? crossCheck(file) : this.disagreement;
    if (second !== undefined) return second;
    const safety = this.context.known && fix.changes !== true ? fix.safety : 'unsafe';
    const risk =
      fix.risk ??
      (this.context.known
        ? undefined
        : 'the build context is not known: that just the usual manifests exist is assumed');
    if (safety === 'unsafe' && !this.options.unsafe)
      return { code: 'unsafe-fix', message: `${fix.message}; ${risk ?? ''}`, help: 'apply it with --unsafe' };
    this.done.add(key);
    this.applied.push({
      transform: transform.name,
      line: lineAt(this.original.source, origin),
      message: fix.message,
      safety,
      ...(risk === undefined ? {} : { risk }),
      ...(fix.changes === true ? { changes: true } : {}),
      edits: fix.edits,
    });
    this.file = file;
    this.context = context;
    if (fix.changes === true) this.proof = proof({ file, context }, this.options.target.managers);
    this.history.push(edits);
    return undefined;
  }

  private refuse(transform: Transform, at: Instruction, trouble: Trouble): void {
    const refusal = toRefusal(trouble, this.lineOf(at), transform.name);
    const into = NOTES.has(trouble.code) ? this.notes : this.refused;
    const key = `${refusal.line} ${refusal.code} ${refusal.message}`;
    if (!into.has(key)) into.set(key, refusal);
  }

  /** The offset in the original of an instruction in the current text; of one that was added, where it was. */
  private originOf(instruction: Instruction): number {
    let offset = instruction.span[0];
    for (const edits of [...this.history].reverse()) offset = undoOffset(offset, edits);
    return offset;
  }

  private lineOf(instruction: Instruction): number {
    return lineAt(this.original.source, this.originOf(instruction));
  }

  outcome(path: string): Outcome {
    const changes: FileChange[] = [];
    if (this.file.source !== this.original.source)
      changes.push({ path, before: this.original.source, after: this.file.source });
    const before = this.firstContext.ignoreFile;
    const after = this.context.ignoreFile.source;
    if (after !== undefined && after !== before.source)
      changes.push({ path: before.path, ...(before.source === undefined ? {} : { before: before.source }), after });
    const refused = [...this.refused.values()].sort((a, b) => a.line - b.line);
    return {
      path,
      status: changes.length > 0 ? 'changed' : refused.length > 0 ? 'refused' : 'unchanged',
      changes,
      applied: this.applied,
      refused,
      notes: [...this.notes.values()].sort((a, b) => a.line - b.line),
    };
  }
}

function toRefusal(trouble: Trouble, line: number, transform: string | undefined): Refusal {
  return {
    line,
    code: trouble.code,
    message: trouble.message,
    ...(trouble.help === undefined ? {} : { help: trouble.help }),
    ...(transform === undefined ? {} : { transform }),
  };
}

/** `# dockerfix ignore` or `# dockerfix ignore=name` above an instruction that the proposal is about or edits. */
function ignored(file: Dockerfile, proposal: Proposal, name: string): boolean {
  const spared = file.instructions.filter((instruction) =>
    instruction.comments.some((comment) => {
      const match = /^#\s*dockerfix\s+ignore(?:=(\S+))?\s*$/.exec(comment.text);
      return match !== null && (match[1] === undefined || match[1].split(',').includes(name));
    }),
  );
  return spared.some(
    (instruction) =>
      instruction.span[0] === proposal.at.span[0] ||
      proposal.fixes.some((fix) =>
        fix.edits.some(
          (edit) =>
            edit.file === 'dockerfile' && edit.span[0] < instruction.outer[1] && edit.span[1] > instruction.outer[0],
        ),
      ),
  );
}

function undoOffset(offset: number, edits: readonly Edit[]): number {
  let shift = 0;
  for (const edit of [...edits].sort((a, b) => a.span[0] - b.span[0] || a.span[1] - b.span[1])) {
    const start = edit.span[0] + shift;
    if (offset < start) break;
    if (offset < start + edit.text.length) return edit.span[0];
    shift += edit.text.length - (edit.span[1] - edit.span[0]);
  }
  return offset - shift;
}

function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at >= 0 && at < offset; at = source.indexOf('\n', at + 1)) line++;
  return line;
}
