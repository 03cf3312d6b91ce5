/** What the HTML page shows. Plain data, so that any command can fill it in. */
import type { FileChange, Outcome, Refusal } from '../../model.ts';
import type { LayerRow, RefusalChain } from '../explain.ts';
import type { ReplayReport } from '../replay.ts';

export interface HtmlReport {
  readonly title: string;
  /** What the figures rest on, a sentence each: the tool's version, the commits that were looked at. */
  readonly facts: readonly string[];
  readonly files: readonly HtmlFile[];
  /** Findings that belong to no Dockerfile that was read. */
  readonly problems?: readonly string[];
  /** In a report on many repositories: one entry for each, in this order, instead of one for each Dockerfile. */
  readonly repositories?: readonly HtmlRepository[];
}

export interface HtmlRepository {
  readonly name: string;
  readonly status: string;
  /** Figures beside its name. */
  readonly figures: readonly string[];
  /** Where it is, what was read of it, why it failed. */
  readonly facts: readonly string[];
  /** What would change in it, to look at and to download. */
  readonly patch?: { readonly name: string; readonly text: string };
  /** Theirs stand among the report's `files`, too. */
  readonly files: readonly HtmlFile[];
}

/** One Dockerfile. */
export interface HtmlFile {
  readonly path: string;
  readonly status: Outcome['status'];
  readonly changes: readonly FileChange[];
  /** A sentence on each fix. */
  readonly applied: readonly {
    readonly line: number;
    readonly transform: string;
    readonly message: string;
    readonly risk?: string;
  }[];
  readonly refused: readonly Refusal[];
  /** With `dockerfix explain`: what led to the refusals. */
  readonly chains?: readonly RefusalChain[];
  readonly layers?: readonly LayerRow[];
  /** With `dockerfix verify`: what was found by building, a line each. */
  readonly verified?: readonly string[];
  readonly replay?: ReplayReport;
  /** Oldest first. */
  readonly columns?: readonly HtmlColumn[];
}

/** Some commits in a row: layers that ran again, and what they cost, both summed. */
export interface HtmlColumn {
  readonly commits: number;
  readonly layers: { readonly before: number; readonly after: number };
  readonly cost: { readonly before: number; readonly after: number };
}
