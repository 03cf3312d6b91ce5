/**
 * Writes a plan down as edits that look hand-made: the file's own case, indentation, blank lines and line ends;
 * comments travel with the instruction that they belong to.
 */
import type { BuildContext, Command, Copy, Dockerfile, Edit, Mount, Run, Target, Trouble } from '../model.ts';
import { goMatch } from '../context/dockerignore.ts';
import { applyEdits } from '../dockerfile/edit.ts';
import { parse } from '../dockerfile/parse.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { within } from '../effects/paths.ts';
import { mountOf } from '../effects/mounts.ts';
import { knowledgeOf } from '../managers/index.ts';
import { isPrinted } from '../effects/commands.ts';
import { removed } from './below.ts';
import { afterLine, blankAfter, blankBefore, commentsIn, indentAt, rewritten } from './lines.ts';
import type { CopyEvent, Need, Plan } from './sink.ts';

/** What divides flags, or the fields of `--mount`, which are a line of CSV; and what escapes or names a variable. */
const UNMOUNTABLE = /[\s,"'\\`$]/;

/** Undefined: the builder and the file's own syntax line know cache and bind mounts. */
export function supportsMounts(file: Dockerfile, target: Target): Trouble | undefined {
  if (target.builder === 'buildah' || (target.builder === 'buildkit' && knows(file, [1, 2]))) return undefined;
  return {
    code: 'builder-too-old',
    message:
      target.builder === 'buildkit'
        ? `\`# syntax=${file.syntax ?? ''}\` knows no mounts`
        : `${target.builder} knows no mounts`,
    help: target.builder === 'buildkit' ? 'raise the syntax line' : 'build with BuildKit',
  };
}

/**
 * The file's own syntax line, or the builder's default where it has none, is at least this (rule 34). A default is
 * taken to know what has been there since 1.2, and nothing newer.
 */
function knows({ syntax }: Dockerfile, [major, minor]: readonly [number, number], labs?: number): boolean {
  const match = /:(\d+)(?:\.(\d+))?(?:\.\d+)?(-labs)?/.exec(syntax ?? ':1.2');
  if (match === null) return false;
  // `docker/dockerfile:1` follows the newest.
  const found = match[2] === undefined ? Infinity : Number(match[2]);
  const needed = match[3] !== undefined && labs !== undefined ? labs : minor;
  return Number(match[1]) > major || (Number(match[1]) === major && found >= needed);
}

/** The file as it would be after these edits. */
export function edited(file: Dockerfile, edits: readonly Edit[]): Dockerfile {
  return parse(applyEdits(file.source, edits));
}

/** The edits on the Dockerfile, or why they cannot be written. */
export function emit(file: Dockerfile, plan: Plan, context: BuildContext, target: Target): readonly Edit[] | Trouble {
  return new Writer(file, plan, context, target).edits();
}

/** The first half of a divided RUN put above the copies, where none of them has to move for that. */
export function emitAhead(
  file: Dockerfile,
  plan: Plan,
  context: BuildContext,
  target: Target,
): readonly Edit[] | undefined {
  return new Writer(file, plan, context, target).ahead();
}

/** What makes a layer smaller by removing what an earlier command of the same RUN left, wherever a command names it. */
const SHRINKS = new RegExp(
  `(?<![\\w.$-])(?:${[
    '(?:rm|unlink|shred|rimraf|truncate|modclean|node-prune)(?= |$)',
    'find .*-delete',
    '(?:npm|pnpm) (?:\\S+ )?prune',
    '(?:npm|yarn|pnpm|bun) .*(?:--prod\\b|--production|--omit[= ]dev)',
    '(?:npm|yarn|pnpm|bun|composer) (?:uninstall|un|remove|rm|logout|autoclean)\\b',
    '(?:npm|yarn|corepack|uv|poetry|pdm|bun pm|pip[\\d.]*) cache',
    'pnpm store',
    'pip[\\d.]* uninstall',
    'go clean',
    'nuget locals',
    'composer (?:clear-?cache|cc)\\b',
    '(?:conda|mamba|micromamba|bundle|deno) clean',
    'gem (?:cleanup|uninstall)',
    '(?:npm|yarn|pnpm|pip[\\d.]*|composer|git|bundle|poetry) config .*(?:unset|delete|\\brm\\b)',
    '(?:apt|apt-get|aptitude) (?:-\\S+ )*(?:purge|remove|autoremove|clean|autoclean)\\b',
    'apk (?:-\\S+ )*del',
    '(?:yum|dnf|microdnf|zypper) (?:-\\S+ )*(?:clean|remove|erase)\\b',
    'dpkg (?:-P|-r|--purge|--remove)',
  ].join('|')})`,
);

/** Writes settings that may hold a token: where one RUN does so twice, the second may be there to take it away. */
const SETTLES =
  /(?:(?<![\w.$-])(?:npm|pnpm|yarn|pip[\d.]*|git|poetry|composer|bundle) (?:c|config|set)\b|\.(?:npmrc|yarnrc|gitconfig|netrc)\b|pip\.conf\b)/;

/** A removal in the project: nothing of what a download fills. */
const REMOVES_OWN = /^rm(?: -\w+)*(?: \w[\w./-]*)+$/;

/** A comment for which a copy stands ahead of an install on purpose. */
const SAID_FIRST =
  /^[ \t]*#.{0,200}\b(?:before|prior to|ahead of)\b.{0,200}(?:\b(?:npm|pnpm|yarn|bun|pip|uv|poetry|bundle|composer)\b|install|dependenc).*$/im;

/** A comment about an install, or one that a linter reads: it stays above the first half of a divided RUN. */
const SAID_OF_INSTALL =
  /\b(?:instal|download|fetch|restore|resolve|sync|d[eé]pend|deps\b|requirement|packages\b|librar|crates\b|modules\b|cache)|\b(?:hadolint|checkov|trivy|dockerfix)\b/i;

const SAFE_WORD = /^[A-Za-z0-9._@+/*?[\]-]+$/;

/** The narrow copies of a plan alone, as lines to stand above their reader. */
export function manifestCopies(
  file: Dockerfile,
  plan: Plan,
  context: BuildContext,
  target: Target,
): readonly string[] | Trouble {
  return new Writer(file, plan, context, target).copies();
}

class Writer {
  private readonly source: string;
  private readonly eol: string;
  private readonly file: Dockerfile;
  private readonly plan: Plan;
  private readonly context: BuildContext;
  private readonly target: Target;

  constructor(file: Dockerfile, plan: Plan, context: BuildContext, target: Target) {
    this.file = file;
    this.plan = plan;
    this.context = context;
    this.target = target;
    this.source = file.source;
    this.eol = file.eol;
  }

  copies(): readonly string[] | Trouble {
    const lines: string[] = [];
    for (const need of this.plan.needs) {
      const found = this.narrow(need, need.reader);
      if (!Array.isArray(found)) return found;
      lines.push(...found);
    }
    return lines;
  }

  edits(): readonly Edit[] | Trouble {
    const edits: Edit[] = [];
    const inPlace = new Map<CopyEvent, string[]>();
    const above = new Map<Run, string[]>();
    const mounts = new Map<Run, string[]>();
    for (const need of this.plan.needs) {
      const reader = need.reader;
      if (this.target.style === 'bind') {
        const flags = this.bindFlags(need);
        if (!Array.isArray(flags)) return flags;
        mounts.set(reader, [...(mounts.get(reader) ?? []), ...flags]);
        continue;
      }
      const here = !this.runBetween(need.copy.copy, reader) || this.ownsDirectory(need.copy, reader);
      const lines = this.narrow(need, here ? need.copy.copy : reader);
      if (!Array.isArray(lines)) return lines;
      if (here) inPlace.set(need.copy, [...(inPlace.get(need.copy) ?? []), ...lines]);
      else above.set(reader, [...(above.get(reader) ?? []), ...lines]);
    }
    const gone = this.plan.sunk.filter((event) => !inPlace.has(event)).map(({ copy }) => copy);
    edits.push(...removed(this.file, [...gone, ...this.plan.riders]));
    for (const [{ copy }, lines] of inPlace) edits.push(this.replaced(copy, lines));
    for (const [run, lines] of above) {
      const at = run.outer[0];
      const indent = indentAt(this.source, run.span[0]);
      edits.push({
        file: 'dockerfile',
        span: [at, at],
        text: lines.map((line) => indent + line + this.eol).join('') + (blankBefore(this.source, at) ? this.eol : ''),
      });
    }
    for (const [run, flags] of mounts) {
      const at = run.flags[0]?.span[0] ?? run.argument[0];
      // Several stand on lines of their own.
      const apart = flags.length > 1 ? `${this.file.escape}${this.eol}${indentAt(this.source, run.span[0])}    ` : '';
      edits.push({ file: 'dockerfile', span: [at, at], text: flags.map((flag) => `${flag} ${apart}`).join('') });
    }
    const moved: string[] = [];
    const moving = [
      ...this.plan.sunk.map((event) => ({ each: event.copy, lines: inPlace.get(event) })),
      ...this.plan.riders.map((each) => ({ each, lines: undefined })),
    ].sort((one, other) => one.each.span[0] - other.each.span[0]);
    for (const { each, lines } of moving) {
      const start = this.start(each, lines);
      const said = SAID_FIRST.exec(this.source.slice(start, each.span[0]))?.[0];
      if (said !== undefined)
        return {
          code: 'comment-says-before',
          message: `\`${said.trim()}\` says that line ${each.line} stands where it does on purpose`,
          help: 'change the comment if that is no longer so',
        };
      const text = this.movedText(each, start);
      if (typeof text !== 'string') return text;
      moved.push(moved.length > 0 && blankBefore(this.source, start) ? this.eol + text : text);
    }
    const landing = this.landing(moved);
    if (!Array.isArray(landing)) return landing;
    return [...edits, ...landing];
  }

  /**
   * A divided RUN that follows its copies directly: nothing has to move, its first half goes above them. Undefined
   * where something in between, or ahead of it in the RUN, decides how that half runs.
   */
  ahead(): readonly Edit[] | undefined {
    const { split, cut, last, sunk, riders, clear } = this.plan;
    const first = sunk[0]?.copy;
    const command = last.commands?.[0];
    if (riders.length > 0 || split === undefined || cut !== 0 || first === undefined || command === undefined || !clear)
      return undefined;
    if (last.form !== 'shell' || split.after !== command.text || this.target.style === 'bind') return undefined;
    const rest = (last.commands ?? []).slice(1).filter(({ text }) => !REMOVES_OWN.test(text) || text.includes('..'));
    if (this.growing(last, [command], rest) !== undefined) return undefined;
    if (this.plan.needs.some((need) => this.runBetween(need.copy.copy, need.reader))) return undefined;
    const between = this.file.instructions.filter(
      (each) => each.span[0] > first.span[0] && each.span[0] < last.span[0],
    );
    if (between.some((each) => each.keyword !== 'COPY' && each.keyword !== 'ADD')) return undefined;
    const lines: string[] = [];
    for (const need of this.plan.needs) {
      const found = this.narrow(need, need.copy.copy);
      if (!Array.isArray(found)) return undefined;
      lines.push(...found);
    }
    const indent = indentAt(this.source, last.span[0]);
    const keyword = this.source.slice(last.span[0], last.span[0] + 3);
    const flags = last.flags.map((flag) => `${this.source.slice(...flag.span)} `).join('');
    const at = first.outer[0];
    const gap = blankBefore(this.source, at) ? this.eol : '';
    const text = [...lines, `${keyword} ${flags}${this.folded(split.before, indent)}`];
    return [{ file: 'dockerfile', span: [at, at], text: text.map((line) => indent + line + this.eol).join('') + gap }];
  }

  /** A long list of commands, one a line. */
  private folded(text: string, indent: string): string {
    return text.length <= 100 ? text : text.replaceAll(' && ', ` && ${this.file.escape}${this.eol}${indent}    `);
  }

  private runBetween(copy: Copy, reader: Run): boolean {
    return this.file.instructions.some(
      (each) => each.keyword === 'RUN' && each.span[0] > copy.span[0] && each.span[0] < reader.span[0],
    );
  }

  /** A WORKDIR in between is the directory of another owner that the copy makes: it would make one of root's. */
  private ownsDirectory({ copy, placements }: CopyEvent, reader: Run): boolean {
    return (
      copy.flags.some(({ name }) => name === 'chown') &&
      !placements.some(({ target }) => within(copy.state.workdir, target)) &&
      placements.some(({ target, directory }) => directory && within(reader.state.workdir, target))
    );
  }

  private supports(version: readonly [number, number], labs?: number): boolean {
    return this.target.builder === 'buildkit' && knows(this.file, version, labs);
  }

  // --------------------------------------------------------------------------------- the narrow copies

  /** One COPY per directory (0.2), with the same flags and the destination spelt like the broad one's. */
  private narrow(need: Need, at: Copy | Run): string[] | Trouble {
    const copy = need.copy.copy;
    const owner = this.plan.owners.get(copy);
    // Above the RUN that gives it away, it is given away with the rest.
    const isGiven = owner === undefined || at === copy || at.span[0] < owner.by.span[0];
    const flags = copy.flags
      .filter(({ name }) => isGiven || name !== 'chown')
      .map((flag) => this.source.slice(...flag.span));
    if (!isGiven) flags.push(`--chown=${owner.to}`);
    const destination = copy.destination;
    const value = destination?.value;
    if (destination === undefined || value === undefined) return unresolved(copy);
    const top = resolvePath(copy.state.workdir, value);
    const relative = !value.startsWith('/');
    const groups = new Map<string, { sources: string[]; target: string }>();
    const files = this.target.style === 'copy' && !this.context.known ? this.globbed(need) : need.files;
    for (const each of files) {
      const directory = each.directory ? each.target : parentOf(each.target);
      const group = groups.get(directory) ?? { sources: [], target: directory };
      group.sources.push(this.spell(copy, each.source) + ('sure' in each && !each.sure ? '*' : ''));
      groups.set(directory, group);
    }
    const base = at === copy || at.state.workdir === copy.state.workdir || !relative ? destination.text : top;
    if (base.startsWith('?')) return unresolved(copy);
    if (this.target.style === 'parents' && groups.size > 1) {
      if (!this.supports([1, 20], 7))
        return {
          code: 'builder-too-old',
          message: '`COPY --parents` needs BuildKit and a `# syntax=docker/dockerfile:1.20` line or later',
          help: 'use --style copy, or raise the syntax line yourself',
        };
      return this.withParents(need, copy, flags, base);
    }
    const lines: string[] = [];
    for (const { sources, target } of groups.values()) {
      const isFile = need.copy.placements.some((each) => each.target === need.files[0]?.target && !each.directory);
      const inside =
        target === top || (isFile && parentOf(top) === target) ? '' : target.slice(top === '/' ? 1 : top.length + 1);
      const place =
        isFile && top !== target && need.files.length === 1 && need.files[0]?.target === top
          ? base
          : slashed(inside === '' ? base : joinText(base, inside));
      const named = this.asFolder(need, target, copy) ?? [...new Set(sources)];
      lines.push(this.line(copy, flags, named, place));
    }
    return lines;
  }

  /** The one folder that is needed in full, instead of its many files: `patches/`. */
  private asFolder(need: Need, target: string, copy: Copy): readonly string[] | undefined {
    const files = need.files.filter((each) => !each.directory && parentOf(each.target) === target);
    if (files.length < 3 || !this.context.known || files.some(({ sure }) => !sure)) return undefined;
    const folder = parentOf(`/${(files[0] as (typeof files)[number]).source}`).slice(1);
    const names = new Set(files.map(({ source }) => source));
    const held = this.context.entries(folder).map((name) => `${folder}/${name}`);
    if (folder === '' || held.length !== names.size || !held.every((path) => names.has(path))) return undefined;
    // The same copy once more would leave nothing to come after it.
    if (need.copy.placements.some(({ source }) => source === folder)) return undefined;
    return [`${this.spell(copy, folder)}/`];
  }

  /** A context path, spelt as the broad copy spells its own sources. */
  private spell(copy: Copy, source: string): string {
    const first = copy.sources[0]?.text ?? '';
    return /^\.\/./.test(first) ? `./${source}` : /^\/./.test(first) ? `/${source}` : source;
  }

  private line(copy: Copy, flags: readonly string[], sources: readonly string[], destination: string): string {
    const keyword = this.source.slice(copy.span[0], copy.span[0] + copy.keyword.length);
    const plain = sources.every((source) => SAFE_WORD.test(source));
    const words =
      plain && !copy.json
        ? [...sources, destination].join(' ')
        : JSON.stringify([...sources, destination]).replaceAll('","', '", "');
    return [keyword, ...flags, words].join(' ');
  }

  private withParents(need: Need, copy: Copy, flags: readonly string[], base: string): string[] {
    const placement = need.copy.placements[0];
    const root = placement === undefined || placement.source === '.' ? '' : `${placement.source}/./`;
    const sources = need.files.map((each) => root + each.source.slice(root === '' ? 0 : root.length - 2));
    return [this.line(copy, ['--parents', ...flags], sources, slashed(base))];
  }

  /** Without a known context, the manifests' usual globs: a wildcard that matches nothing copies nothing. */
  private globbed(need: Need): Need['files'] {
    const globs = this.plan.gains.flatMap((action) => action.manager?.globs ?? []);
    return need.files.map((each) => {
      const name = each.source.slice(each.source.lastIndexOf('/') + 1);
      const glob = globs.find((pattern) => goMatch(pattern, name));
      return glob === undefined ? each : { ...each, source: each.source.slice(0, -name.length) + glob, sure: true };
    });
  }

  private bindFlags(need: Need): string[] | Trouble {
    const help = 'use --style copy';
    if (!this.supports([1, 2]) && this.target.builder !== 'buildah') {
      const message = `${this.target.builder} cannot bind-mount the build context`;
      return { code: 'builder-too-old', message, help };
    }
    const unsure = need.files.find(({ sure }) => !sure);
    if (unsure !== undefined) {
      const message = `\`${unsure.source}\` may be absent, and what a mount binds has to be there`;
      return { code: 'manifest-generated', message, help };
    }
    const odd = need.files.find(({ source, target }) => UNMOUNTABLE.test(source + target));
    if (odd !== undefined) {
      const message = `\`${odd.source}\` has a character in its path that the flags of a mount take for their own`;
      return { code: 'copy-not-movable', message, help };
    }
    const top = need.reader.state.workdir;
    return need.files.map((each) => {
      const target = each.target.startsWith(`${top}/`) ? each.target.slice(top.length + 1) : each.target;
      return `--mount=type=bind,source=${each.source},target=${target}`;
    });
  }

  // -------------------------------------------------------------------------------------- the move itself

  /** Narrow copies in the place of the broad one. */
  private replaced(copy: Copy, lines: readonly string[]): Edit {
    const indent = indentAt(this.source, copy.span[0]);
    const end = afterLine(this.source, copy.span[1]);
    return {
      file: 'dockerfile',
      span: [this.start(copy, lines), end],
      text:
        lines.map((line) => indent + line).join(this.eol) +
        this.source.slice(copy.span[1], end).replace(/^[^\r\n]*/, ''),
    };
  }

  /** Where what moves begins: with its comments, unless they are about the install that its narrow copies are for. */
  private start({ outer, span }: Copy | Run, lines: readonly string[] | undefined): number {
    const own = span[0] - indentAt(this.source, span[0]).length;
    const comment = this.source.slice(outer[0], own);
    const isOfInstall = /\b(?:install|dependenc|requirement|packages?\b|librar)/i.test(comment);
    const isOfManifests = /\b(?:package(?:-lock)?\.json|requirements\.txt|lock ?file)\b/i.test(comment);
    const isOfSource = /\b(?:source|src|code|files?|cop(?:y|ies|ied)|everything)\b/i.test(comment);
    // One above both, with nothing between them, is about both.
    const isOfBoth = /^\r?\n[ \t]*$/.test(this.source.slice(span[1], this.plan.last.span[0]));
    const stays = isOfManifests || (isOfInstall && (!isOfSource || isOfBoth));
    return lines !== undefined && stays ? own : outer[0];
  }

  private movedText(copy: Copy | Run, start: number): string | Trouble {
    const text = this.inPlace(copy, start);
    const owner = copy.keyword === 'RUN' ? undefined : this.plan.owners.get(copy);
    if (owner === undefined || typeof text !== 'string') return text;
    const old = copy.flags.find(({ name }) => name === 'chown');
    const [from, to] = old?.span ?? [copy.argument[0], copy.argument[0]];
    const at = copy.flags[0]?.span[0] ?? from;
    return old === undefined
      ? `${text.slice(0, at - start)}--chown=${owner.to} ${text.slice(at - start)}`
      : `${text.slice(0, from - start)}--chown=${owner.to}${text.slice(to - start)}`;
  }

  private inPlace(copy: Copy | Run, start: number): string | Trouble {
    const text = this.source.slice(start, copy.span[1]);
    // What it does in another directory, the proof decides.
    if (copy.keyword === 'RUN') return text;
    const destination = copy.destination;
    const after = this.workdirAfter();
    if (destination?.value === undefined) return unresolved(copy);
    if (destination.value.startsWith('/') || after === copy.state.workdir) return text;
    const absolute = resolvePath(copy.state.workdir, destination.value);
    if (absolute.startsWith('?')) return unresolved(copy);
    const offset = destination.span[0] - start;
    const placements = this.plan.sunk.find((event) => event.copy === copy)?.placements ?? [];
    const isFile = placements.some(({ target, directory }) => !directory && target === absolute);
    return text.slice(0, offset) + (isFile ? absolute : slashed(absolute)) + text.slice(destination.span[1] - start);
  }

  private workdirAfter(): string {
    return this.plan.last.state.workdir;
  }

  /** Below the last RUN, or inside it where it is cut. */
  private landing(moved: readonly string[]): Edit[] | Trouble {
    const { last, cut, split } = this.plan;
    const commands = last.commands ?? [];
    const written = this.source.slice(last.span[0], afterLine(this.source, last.span[1]));
    if (written.trimEnd().endsWith(this.file.escape))
      return {
        code: 'copy-not-movable',
        message: `the \`RUN\` of line ${last.line} goes on where the file ends, so that nothing can follow it`,
        help: `leave out the last \`${this.file.escape}\``,
      };
    const [first, final] = [this.plan.sunk[0] as CopyEvent, this.plan.sunk.at(-1) as CopyEvent];
    const spaced =
      blankBefore(this.source, first.copy.outer[0]) ||
      blankAfter(this.source, afterLine(this.source, final.copy.span[1])) !== undefined;
    const gap = spaced ? this.eol : '';
    const rest = cut === undefined ? [] : commands.slice(cut + 1);
    const block = moved.map((text) => text + this.eol).join('');
    if (cut === undefined || (rest.length === 0 && split === undefined)) {
      const end = afterLine(this.source, last.span[1]);
      const ended = /[\r\n]$/.test(this.source.slice(0, end));
      return [
        {
          file: 'dockerfile',
          span: [end, end],
          text: (ended ? '' : this.eol) + gap + (ended ? block : block.slice(0, -this.eol.length)),
        },
      ];
    }
    if (last.form !== 'shell')
      return { code: 'unsplittable-run', message: `\`RUN\` in ${last.form} form cannot be divided` };
    const kept = last.flags.find(
      ({ name, value }) => name === 'mount' && isPrivate(mountOf(last, value ?? '', knowledgeOf(this.target.managers))),
    );
    if (kept !== undefined)
      return {
        code: 'unsplittable-run',
        message: `\`${this.source.slice(...kept.span)}\` may hold what both halves of the RUN need`,
        help: 'divide the RUN by hand',
      };
    const command = commands[cut] as Command;
    const next = rest[0];
    // With errexit, too, the failure of any but the last of `a && b;` is ignored.
    const isLast = next?.operator === ';' && this.leadsWithSet(commands.slice(0, cut + 1));
    if (rest.some(({ operator }) => operator === ';') && !isLast)
      return {
        code: 'unsplittable-run',
        message: `\`${command.text}\` is followed by \`;\`: its failure is ignored, which two RUNs could not do`,
        help: 'join the commands with `&&`',
      };
    const grows = this.growing(last, commands.slice(0, cut + 1), rest);
    if (grows !== undefined) return grows;
    const indent = indentAt(this.source, last.span[0]);
    const keyword = this.source.slice(last.span[0], last.span[0] + 3);
    const flags = this.source.slice(last.flags[0]?.span[0] ?? 0, last.flags.at(-1)?.span[1] ?? 0);
    const carry = this.carried(commands.slice(0, cut + 1));
    const opening = `${indent}${keyword} ${flags === '' ? '' : `${flags} `}${carry}`;
    const edits: Edit[] = [];
    const end = next?.span[0] ?? command.span[1];
    // A comment between the two commands is about the second.
    const said = commentsIn(this.file, [command.span[1], end], indent);
    const isOwn = split !== undefined && split.after === command.text && cut === 0;
    const about = isOwn ? this.aboutSecond(last) : '';
    if (about !== '') edits.push({ file: 'dockerfile', span: [last.outer[0], last.outer[0] + about.length], text: '' });
    const apart = about === '' ? gap : this.eol;
    const below = `${this.eol}${apart}${block}${apart}${about}${said}${opening}`;
    if (isOwn) {
      // The second half is the command itself, as it is written.
      const at = command.span[0];
      edits.push({ file: 'dockerfile', span: [at, at], text: this.folded(split.before, indent) + below });
    } else if (split !== undefined) {
      edits.push(...rewritten(this.file, last, command.span, this.folded(split.before, indent)));
      const joined = next === undefined || said !== '' ? '' : this.source.slice(command.span[1], end);
      const short = next === undefined ? '' : `${next.operator === ';' ? ';' : ' &&'} `;
      const text = `${below}${split.after}${/[\r\n]/.test(joined) ? joined : short}`;
      edits.push({ file: 'dockerfile', span: [command.span[1], end], text });
    } else if (next !== undefined) {
      edits.push({ file: 'dockerfile', span: [command.span[1], next.span[0]], text: below });
    }
    return edits;
  }

  /** The comments of a divided RUN that are about its command, not about the install that is put ahead of it. */
  private aboutSecond({ outer, span }: Run): string {
    const text = this.source.slice(outer[0], span[0] - indentAt(this.source, span[0]).length);
    return SAID_OF_INSTALL.test(text) || /\n[ \t]*\r?\n/.test(text) ? '' : text;
  }

  /** A command below the cut removes, or writes over, what one above it may have left in a layer that is shipped. */
  private growing(run: Run, above: readonly Command[], below: readonly Command[]): Trouble | undefined {
    const written = above
      .flatMap(({ redirects }) => redirects.filter((each) => !isPrinted(each)))
      .flatMap(({ target, text }) => target ?? text ?? []);
    const settles = above.some(({ text }) => SETTLES.test(text));
    const shrinks = below.find(
      ({ text }) =>
        SHRINKS.test(text) || (settles && SETTLES.test(text)) || written.some((path) => text.includes(path)),
    );
    return shrinks === undefined || !this.ships(run)
      ? undefined
      : {
          code: 'image-would-grow',
          message: `\`${shrinks.text}\` would no longer share a layer with what it removes`,
          help: 'build in a stage of its own and copy the result out of it',
        };
  }

  /** The stage is the last one or one that it is based on, so that its layers are pulled and pushed. */
  private ships(run: Run): boolean {
    let stage = this.file.stages.at(-1);
    while (stage !== undefined) {
      if (stage.instructions.includes(run)) return true;
      stage = stage.base.stage === undefined ? undefined : this.file.stages[stage.base.stage];
    }
    return false;
  }

  private leadsWithSet(commands: readonly Command[]): boolean {
    return commands.some((command) => command.words[0]?.value === 'set' && /(?:^|\s)-[a-z]*e/.test(command.text));
  }

  /** What the shell had been told before the cut, told again. */
  private carried(commands: readonly Command[]): string {
    // From where another `cd` went to a place that it tells in full, nobody comes back.
    const last = commands.findLastIndex(({ words }) => words[0]?.value === 'cd' && words[1]?.value?.[0] === '/');
    const isWhere = (at: number): boolean =>
      at >= last || commands.slice(at, last).some(({ text }) => /\bpwd\b|\bOLDPWD\b|\bPWD\b/.test(text));
    const told = commands.map(({ text, words, assignments }, at) => {
      const name = words[0]?.value ?? '';
      const isSet = words.length === 0 && assignments.length > 0;
      if (!(isSet || /^(?:\.|source|set|export)$/.test(name) || (name === 'cd' && isWhere(at)))) return '';
      // A substitution may fail where the next command is run all the same.
      const isForgiven = text.includes('$(') && commands[at + 1]?.operator === ';' && !this.leadsWithSet(commands);
      return `${text}${isForgiven ? ';' : ' &&'} `;
    });
    return told.join('');
  }
}

/** A cache mount that is no package manager's download cache (a toolchain, a build directory), or one that is gone after its RUN. */
function isPrivate({ type, cache, writable }: Mount): boolean {
  return type === 'tmpfs' || writable === true || (type === 'cache' && cache !== 'download');
}

/** Where it would go is not known in another directory. */
export function unresolved(copy: Copy): Trouble {
  return {
    code: 'unresolved-variable',
    message: `the destination of \`${copy.keyword}\` (line ${copy.line}) cannot be resolved`,
    help: 'give the stage an absolute WORKDIR',
  };
}

function slashed(path: string): string {
  return path === '.' ? './' : path.endsWith('/') ? path : `${path}/`;
}

function joinText(base: string, inside: string): string {
  return base === '.' || base === './' ? `./${inside}` : base.endsWith('/') ? base + inside : `${base}/${inside}`;
}
