/** One step of a command on symbols: what it sees of the files, and what it leaves. */
import type { Read, Trouble } from '../model.ts';
import { keepsStores } from '../managers/shared/steps.ts';
import type { Action, Input } from './actions.ts';
import type { Effect } from './commands.ts';
import { firstLine } from './compound.ts';
import { editLayer, linkLayer, valueLayer } from './image.ts';
import type { Left, Machine } from './machine.ts';
import { mayBeSystem, parentPath, within } from './paths.ts';
import { userOf } from './users.ts';

/** What a read finds now. */
export function input(machine: Machine, read: Read): Input {
  if (machine.isElsewhere(read.path)) return { what: read.path, value: machine.image.valueOf('/', true) };
  const projected = read.as !== undefined && (read.optional === true || machine.image.has(read.path) !== 'no');
  return {
    what: read.path,
    value: projected ? machine.symbols.of('as', read.as) : machine.image.valueOf(read.path, true),
  };
}

/** Takes the step: `place` stands for user, directory and environment, `rest` is what else its action tells. */
export function runStep(machine: Machine, step: Effect, place: number, text: string, rest: Partial<Action>): Action {
  const opaque = step.opaque ?? notAllowed(machine, step, rest.install?.place.user) ?? notKept(machine, step, text);
  if (opaque !== undefined) return machine.everything(text, step.name, place, opaque, rest);
  const inputs = step.reads.map((read) => input(machine, read));
  // A mount hides the store that an earlier layer filled, and what it holds belongs to no layer.
  const sees = rest.install === undefined || keepsStores(rest.install.place);
  if (step.warm === true) {
    if (sees) machine.warmed.add(rest.install?.manager ?? '');
    inputs.push({ what: 'place', value: place });
    return { text, name: step.name, symbol: 0, effect: step, inputs, warm: true, ...rest };
  }
  const settled = settle(machine, step, place, inputs);
  if (typeof settled !== 'number') return { ...settled, ...rest, repeats: true };
  const before = edited(machine, step);
  if (step.system !== 'none') inputs.push({ what: 'system', value: machine.image.system() });
  for (const path of step.makes ?? []) inputs.push(...whereMade(machine, path, userOf(step.maker)));
  // A package manager makes the directories that it needs, where its user may.
  const user = userOf(rest.install?.place.user ?? 'root');
  const into = [...(step.into ?? []), ...(user === 'root' ? [] : step.writes.map(parentPath))];
  for (const directory of new Set(into)) inputs.push(machine.writable(directory));
  const cold = step.offline === true && !(sees && machine.warmed.has(rest.install?.manager ?? ''));
  const name = cold ? `${step.name} --offline` : step.name;
  const exact = machine.symbols.of('step', name, place, ...inputs.map((input) => input.value));
  const lenient = step.attributes === true ? lenientSymbol(machine, step, name, place, inputs) : undefined;
  const symbol = lenient ?? exact;
  if (step.system === 'writes') machine.image.writeSystem(symbol, machine.aliased);
  const { removes = [], makes = [], touches = [] } = step;
  const removed = step.reads.filter(({ path }) => removes.includes(path));
  const lacks =
    step.into?.some((each) => !machine.isThere(each)) === true ||
    removed.some(({ path }) => !machine.image.isDirectory(path) && machine.image.has(path) !== 'yes');
  const written = [...step.writes, ...step.edits, ...makes, ...touches];
  // A link is taken away itself; what is written to it goes to where it leads.
  if (
    written.some((path) => machine.isElsewhere(path) || machine.isLinked(path)) ||
    removes.some((path) => machine.isElsewhere(parentPath(path)) || mayBeSystem(path))
  )
    machine.image.writeAll(machine.symbols.of('elsewhere', symbol, machine.image.valueOf('/')));
  step.writes.forEach((path, at) => {
    const strict = lenient === undefined ? undefined : machine.symbols.of(exact, at);
    const layer = valueLayer(machine.symbols.of(symbol, at), 'made', '', undefined, strict);
    machine.image.write(path, step.links === true ? linkLayer(layer) : layer);
  });
  for (const path of removes) machine.image.remove(path);
  for (const path of step.gone ?? []) machine.gone.add(path);
  for (const path of step.edits) machine.image.write(path, editLayer(machine.symbols.of(symbol, path)));
  for (const [path, content] of Object.entries(step.sets ?? {}))
    machine.image.write(path, valueLayer(machine.symbols.of('text', content), 'made', '', content));
  for (const path of makes) {
    machine.image.makeDirectory(path, step.maker ?? '');
    machine.gone.delete(path);
  }
  for (const path of touches) machine.image.touchDirectory(path, symbol);
  if (step.system === 'writes') machine.users.change(rest.command, symbol);
  const action: Action = { text, name, symbol, effect: step, inputs, ...(lacks ? { lacks } : {}), ...rest };
  if (step.settles === true) machine.settled.set(settled, { action, before, left: left(machine, step) });
  return action;
}

/** Who may make a directory depends on whose the one is that it would be made in. */
function whereMade(machine: Machine, path: string, user: string | undefined): readonly Input[] {
  let directory = path;
  while (!machine.image.isDirectory(directory)) directory = parentPath(directory);
  const maker = directory === path ? '' : machine.image.maker(directory);
  return user === 'root' || user === userOf(maker)
    ? []
    : [{ what: path, value: machine.symbols.of(directory === path ? 'there' : 'made', maker) }];
}

/** Only root may rewrite a file that another user's copy brought. */
function notAllowed(machine: Machine, { sets = {} }: Effect, user: string | undefined): Trouble | undefined {
  const name = userOf(user);
  const path = Object.keys(sets).find((each) => userOf(machine.image.owner(each)) !== name);
  return name === 'root' || path === undefined
    ? undefined
    : {
        code: 'not-writable',
        message: `\`${path}\` was not copied as the user \`${user ?? ''}\`, who has to change it`,
        help: 'copy it with --chown',
      };
}

/** What is mounted is read-only, or what is written there is lost. */
function notKept(
  machine: Machine,
  { writes, edits, removes = [], makes = [], sets = {} }: Effect,
  text: string,
): Trouble | undefined {
  if (machine.hidden.length === 0) return undefined;
  const written = [...writes, ...edits, ...removes, ...makes, ...Object.keys(sets)];
  const path = written.find((each) => machine.hidden.some((target) => within(each, target)));
  return path === undefined
    ? undefined
    : {
        code: 'intervening-run-reads-source',
        message: `\`${firstLine(text)}\` may write to \`${path}\`, where something is mounted`,
        help: 'copy it instead of mounting it',
      };
}

/** Files whose owner changes carry allowance 0.4 along: what decides is how they end. */
function lenientSymbol(machine: Machine, step: Effect, name: string, place: number, inputs: readonly Input[]): number {
  const trees = new Set(step.writes);
  const values = inputs.map(({ what, value }) => (trees.has(what) ? machine.image.valueOf(what) : value));
  return machine.symbols.of('step', name, place, ...values);
}

/** The action that this step repeats on its own result; otherwise the key to remember it by. */
function settle(machine: Machine, step: Effect, place: number, inputs: readonly Input[]): Action | number {
  if (step.settles !== true) return 0;
  // What it wrote itself is compared with what it left.
  const own = (path: string): boolean => step.edits.includes(path) || step.writes.some((tree) => within(path, tree));
  const key = machine.symbols.of(
    'settle',
    step.name,
    place,
    ...inputs.filter(({ what }) => !own(what)).map(({ value }) => value),
  );
  const known = machine.settled.get(key);
  if (known === undefined) return key;
  const { system, written, edited } = left(machine, step);
  if (system !== known.left.system || written.some((value, index) => value !== known.left.written[index])) return key;
  // A copy may have put back what stood there before.
  const isOwn = edited.every((value, index) => value === known.left.edited[index] || value === known.before[index]);
  if (!isOwn) return key;
  for (const path of step.edits) machine.image.write(path, editLayer(machine.symbols.of(known.action.symbol, path)));
  return known.action;
}

function left(machine: Machine, step: Effect): Left {
  return {
    system: step.system === 'none' ? 0 : machine.image.system(),
    written: step.writes.map((path) => machine.image.valueOf(path, true)),
    edited: edited(machine, step),
  };
}

function edited(machine: Machine, step: Effect): readonly number[] {
  return step.edits.map((path) => machine.image.valueOf(path, true));
}
