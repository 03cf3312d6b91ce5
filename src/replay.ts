/** From outcomes and a repository's history to counts: what each commit's build would have made again. */
import type { BuildContext, Dockerfile, Target } from './model.ts';
import {
  commitTrees,
  isShallow,
  readHistory,
  resolveCommit,
  type Commit,
  type HistoryOptions,
} from './context/history.ts';
import { fix, parse } from './index.ts';
import { DEFAULT_COSTS, measuredCosts } from './layers/cost.ts';
import { changedLayers } from './layers/keys.ts';
import { layersOf, type Builder, type Change } from './layers/layers.ts';
import { Tally, type Count, type Pair } from './layers/tally.ts';
import type { FileOutcome, Subject } from './run.ts';

export interface ReplayOptions extends HistoryOptions {
  /** Each commit's own Dockerfile instead of today's. */
  readonly asWas: boolean;
  readonly builder: Builder;
  /** Seconds by instruction, where somebody measured them. */
  readonly seconds?: ReadonlyMap<string, number>;
}

export interface Replay {
  readonly outcome: FileOutcome;
  /** Today's layers. */
  readonly pair: Pair;
  readonly count: Count;
  readonly measured: boolean;
}

export interface Span {
  /** Seconds. */
  readonly from: number;
  readonly to: number;
}

export interface ReplayResult {
  readonly replays: readonly Replay[];
  /** Commits that were compared with their parent. */
  readonly commits: number;
  readonly span?: Span;
  /** The clone has no more history than this. */
  readonly shallow: boolean;
}

export interface Version {
  readonly file: Dockerfile;
  readonly rewritten: Dockerfile;
  readonly context: BuildContext;
  readonly pair: Pair;
}

/** The outcomes are of one repository. A string says why nothing can be replayed. */
export async function replay(outcomes: readonly FileOutcome[], options: ReplayOptions): Promise<ReplayResult | string> {
  const repository = outcomes.find((outcome) => outcome.subject !== undefined)?.subject?.place.repository;
  if (repository === undefined) return 'there is no Dockerfile here whose build context is known';
  if (!repository.git) return 'it is in no git repository, so there is no history to replay';
  const branch = options.branch ?? 'HEAD';
  const start = await resolveCommit(repository.root, branch);
  if (start === undefined)
    return options.branch === undefined
      ? 'the repository has no commits yet'
      : `there is no branch or commit \`${branch}\``;
  const trees = commitTrees(repository.root);
  const known = outcomes.flatMap((outcome) =>
    outcome.subject === undefined ? [] : [new Player(outcome, outcome.subject, options, trees)],
  );
  let commits = 0;
  let from = Infinity;
  let to = -Infinity;
  try {
    for await (const commit of readHistory(repository.root, start, options)) {
      if (commit.parent === undefined) continue;
      commits++;
      from = Math.min(from, commit.time);
      to = Math.max(to, commit.time);
      for (const player of known) player.play(commit);
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return {
    replays: known.map((player) => player.result()),
    commits,
    ...(commits === 0 ? {} : { span: { from, to } }),
    shallow: await isShallow(repository.root),
  };
}

/** Replays one Dockerfile. */
class Player {
  readonly outcome: FileOutcome;
  readonly subject: Subject;
  private readonly options: ReplayOptions;
  private readonly trees: ReturnType<typeof commitTrees>;
  private readonly today: Version;
  /** The one in force at the commit that comes next; undefined: there was none. */
  private version: Version | undefined;
  private readonly tally: Tally;
  private readonly prefix: string;
  private readonly files: ReadonlySet<string>;

  constructor(outcome: FileOutcome, subject: Subject, options: ReplayOptions, trees: ReturnType<typeof commitTrees>) {
    this.outcome = outcome;
    this.subject = subject;
    this.options = options;
    this.trees = trees;
    const { place, dockerfile } = subject;
    this.today = pairsOf(outcome, subject, options.builder);
    this.version = this.today;
    const { before: layers } = this.today.pair;
    this.tally = new Tally(
      options.seconds === undefined ? DEFAULT_COSTS : measuredCosts(options.seconds, layers.layers),
    );
    this.prefix = place.directory === '.' ? '' : `${place.directory}/`;
    this.files = new Set([dockerfile, `${dockerfile}.dockerignore`, `${this.prefix}.dockerignore`]);
    this.tally.use(this.today.pair);
  }

  play(commit: Commit): void {
    const changes = commit.changed.flatMap(({ path, submodule }): readonly Change[] => {
      if (path.startsWith(this.prefix)) return [{ path: path.slice(this.prefix.length), tree: submodule }];
      // The context lies in a submodule.
      return submodule && this.prefix.startsWith(`${path}/`) ? [{ path: '.', tree: true }] : [];
    });
    const own = this.options.asWas && commit.changed.some(({ path }) => this.files.has(path));
    if (!own) {
      if (this.version !== undefined) this.tally.add(changes);
      return;
    }
    const fresh = this.at(commit.id);
    const old = this.at(commit.parent as string);
    if (fresh !== undefined && old !== undefined) {
      // The two come from different texts, though what they came to may be one.
      this.tally.use({ before: fresh.pair.before, after: { ...fresh.pair.after } });
      this.between(old, fresh, changes);
    }
    this.version = old;
    if (old !== undefined) this.tally.use(old.pair);
  }

  /** A build after the Dockerfile or its ignore file changed. */
  private between(old: Version, fresh: Version, changes: readonly Change[]): void {
    const flipped =
      old.context.ignoreFile.source === fresh.context.ignoreFile.source
        ? []
        : [...new Set([...old.context.list('.'), ...fresh.context.list('.')])].filter(
            (path) => old.context.ignores(path) !== fresh.context.ignores(path),
          );
    this.tally.add(
      // What the ignore file let go or took in counts, although it is ignored on one side.
      [...changes, ...flipped.map((path) => ({ path, tree: true }))],
      {
        before: changedLayers(
          { file: old.file, layers: old.pair.before },
          { file: fresh.file, layers: fresh.pair.before },
        ),
        after: changedLayers(
          { file: old.rewritten, layers: old.pair.after },
          { file: fresh.rewritten, layers: fresh.pair.after },
        ),
      },
    );
  }

  /** What one commit holds, rewritten. */
  private at(commit: string): Version | undefined {
    const { place, dockerfile, fix: options } = this.subject;
    const tree = this.trees(commit);
    const source = tree?.read(dockerfile);
    if (tree === undefined || source === undefined) return undefined;
    const context = tree.context(place.directory, dockerfile);
    const { changes } = fix({ path: dockerfile, source }, context, options);
    const rewritten = changes.find(({ path }) => path === dockerfile)?.after ?? source;
    const ignore = changes.find(({ path }) => path === context.ignoreFile.path)?.after;
    const after = ignore === undefined ? context : context.withIgnoreFile(ignore);
    return versionOf(source, rewritten, context, after, this.options.builder, options);
  }

  result(): Replay {
    return {
      outcome: this.outcome,
      pair: this.today.pair,
      count: this.tally.count(),
      measured: this.options.seconds !== undefined,
    };
  }
}

/** The Dockerfile as the fixes leave it. */
function rewrittenText({ changes, absolute, ignoreFile }: FileOutcome, source: string): string {
  return changes.find(({ path }) => absolute.get(path) !== ignoreFile)?.after ?? source;
}

function versionOf(
  source: string,
  rewritten: string,
  before: BuildContext,
  after: BuildContext,
  builder: Builder,
  known: Pick<Target, 'managers'>,
): Version {
  const file = parse(source);
  const layers = layersOf(file, before, builder, known);
  if (rewritten === source && before === after)
    return { file, rewritten: file, context: before, pair: { before: layers, after: layers } };
  const other = parse(rewritten);
  return {
    file,
    rewritten: other,
    context: before,
    pair: { before: layers, after: layersOf(other, after, builder, known) },
  };
}

/** Today's layers of an outcome, without any history. */
export function pairsOf(outcome: FileOutcome, subject: Subject, builder: Builder): Version {
  const { source, before, after, fix: options } = subject;
  return versionOf(source, rewrittenText(outcome, source), before, after, builder, options);
}
