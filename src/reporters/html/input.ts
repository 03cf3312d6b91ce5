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
}

/** One Dockerfile. */
export interface HtmlFile {
  readonly path: string;
  /** The repository, in a report on several. */
  readonly repository?: string;
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
