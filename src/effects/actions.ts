/** What the trace of a Dockerfile tells: of each stage, what its instructions do, depend on and leave. */
import type {
  Analysis,
  BuildContext,
  Command,
  Install,
  Instruction,
  Mount,
  PackageManager,
  Read,
  Stage,
  Trouble,
} from '../model.ts';
import { worksOffline } from '../managers/shared/offline.ts';
import type { Effect } from './commands.ts';
import type { Image } from './image.ts';
import { sourceOf, within } from './paths.ts';

/** Something an action depends on, with the value that it had. */
export interface Input {
  /** An image path, `system` for everything outside the project, or `everything`. */
  readonly what: string;
  readonly value: number;
}

/** One thing that a RUN does. */
export interface Action {
  /** What it is called in a message: the command's text. */
  readonly text: string;
  /** Actions of one name do the same to the same inputs. */
  readonly name: string;
  readonly command?: Command;
  readonly install?: Install;
  /** Whose install it is. */
  readonly manager?: PackageManager;
  readonly analysis?: Analysis;
  readonly effect?: Effect;
  /** Why it counts as reading and writing everything. */
  readonly opaque?: Trouble;
  readonly inputs: readonly Input[];
  readonly symbol: number;
  /** What the first half of each split of the analysis would read here. */
  readonly splitReads?: readonly (readonly Read[])[];
  /** The values of those, here. */
  readonly splitInputs?: readonly Input[];
  /** Texts of files that it reads and that name variables: `x==${VERSION}`. */
  readonly told?: string;
  /** It only fills a store (strategy W): its result is not compared, what it reads is. */
  readonly warm?: boolean;
  /** An install within a command that is not looked into: `if … fi`, `… || …`. */
  readonly inner?: Install;
  /** What it writes into, or removes, may not be there, so that it fails. */
  readonly lacks?: boolean;
  /** It repeats an earlier action on its own result, and so changes nothing. */
  readonly repeats?: boolean;
}

/** Ends the name of an action that nobody minds the failure of. */
export const FORGIVEN = ' (may fail)';

/** Nobody minds where it fails. */
export function isForgiven({ name }: Action): boolean {
  return name.endsWith(FORGIVEN);
}

/** Where one source of a COPY ends up. */
export interface Placement {
  /** Context path. */
  readonly source: string;
  /** Image path of that very file or directory. */
  readonly target: string;
  readonly directory: boolean;
}

/** One of these copies brings what the build context has to this path. */
export function isBrought(path: string, placements: readonly Placement[], context: BuildContext): boolean {
  return placements.some((each) => {
    const source = sourceOf(path, each);
    return source !== undefined && context.has(source);
  });
}

/** One of these copies puts something there, or further down. */
export function isFilled(directory: string, placements: readonly Placement[], context: BuildContext): boolean {
  return placements.some(({ target }) => within(target, directory)) || isBrought(directory, placements, context);
}

export interface Event {
  readonly instruction: Instruction;
  readonly actions: readonly Action[];
  /** For a COPY or ADD of plain context files: where each goes. Absent: not a plain copy from the context. */
  readonly placements?: readonly Placement[];
  /** For a plain COPY from a stage of this file: that stage, and where each of its paths goes. */
  readonly from?: { readonly stage: StageTrace; readonly placements: readonly Placement[] };
  /** Of a RUN. */
  readonly mounts?: readonly Mount[];
}

/** It downloads nothing. */
export function isOffline({ text, install }: Action): boolean {
  return worksOffline(text, install);
}

export interface StageTrace {
  readonly stage: Stage;
  readonly events: readonly Event[];
  /** The file system at the end. */
  readonly image: Image;
  /** What `docker inspect` would show, in the order it was set. */
  readonly configuration: readonly string[];
  /** Users and groups whose names fail it where nobody has them. */
  readonly owners: ReadonlySet<string>;
  /** The stage of this file that it is based on. */
  readonly parent?: StageTrace;
  /** Managers whose store was filled by a fetch before this stage began. */
  readonly fetched: ReadonlySet<string>;
  /** Directories of the context that were copied, by where to. */
  readonly placed: ReadonlyMap<string, ReadonlySet<string>>;
  /** Paths of the system that were removed. */
  readonly gone: ReadonlySet<string>;
}
