/**
 * What a transform may import (published as `dockerfix/plugin`): the model, what a build reads and writes, and
 * the moves that edit it.
 */
export type * from './model.ts';
export { traceOf } from './effects/memo.ts';
export { within } from './effects/paths.ts';
export { isProvenance } from './effects/environment.ts';
export type { Action, Event, Placement, StageTrace } from './effects/trace.ts';
export { managers } from './managers/index.ts';
export { edited, emit, manifestCopies, supportsMounts } from './moves/emit.ts';
export { isTrouble, planFixes, proposals } from './moves/fix.ts';
export { ignoreEdit, missingIgnores } from './moves/ignore.ts';
export { cheaperOrders, noGain, type Order } from './moves/order.ts';
export { relocate } from './moves/relocate.ts';
export { opportunities, type Blocked, type Opportunities, type Plan } from './moves/sink.ts';
