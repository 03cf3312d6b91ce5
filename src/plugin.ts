/**
 * What a transform may import (published as `dockerfix/plugin`): the model, what a build reads and writes, and
 * the moves that edit it; and what helps a package manager to read its command line and its manifests. Each says what
 * it does where it is written.
 */
export type * from './model.ts';
export { traceOf } from './effects/memo.ts';
export { within } from './effects/paths.ts';
export { isProvenance } from './effects/environment.ts';
export type { Action, Event, Placement, StageTrace } from './effects/actions.ts';
export { managers } from './managers/index.ts';
export {
  optionTable,
  optionText,
  parseArguments,
  type Arguments,
  type OptionTable,
} from './managers/shared/arguments.ts';
export { document, optionalDocument, type Format } from './managers/shared/documents.ts';
export { worksOffline } from './managers/shared/offline.ts';
export { generated, isTrouble, missing, single, tool, unknown, unresolvedVariable } from './managers/shared/steps.ts';
export { moveBelow, removed } from './moves/below.ts';
export { edited, emit, manifestCopies, supportsMounts } from './moves/emit.ts';
export { rewritten, short } from './moves/lines.ts';
export { planFixes, proposals } from './moves/fix.ts';
export { ignoreEdit, missingIgnores } from './moves/ignore.ts';
export { cheaperOrders, noGain, type Order } from './moves/order.ts';
export { relocate } from './moves/relocate.ts';
export { opportunities, type Blocked, type Opportunities, type Plan } from './moves/sink.ts';
