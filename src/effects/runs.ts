/** RUN on symbols: its commands one after another, each as what a package manager or a table of commands knows of it. */
import type { Analysis, Command, Files, Install, Mount, PackageManager, Place, Presence, Read, Run } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { sparedBy } from '../managers/shared/compiler.ts';
import { missing } from '../managers/shared/steps.ts';
import { type Action, type Event, FORGIVEN, type Input } from './actions.ts';
import { branches, either, eitherInstall } from './choice.ts';
import { ASSIGNS, type Effect, isPrinted, ordinary, pipeline, substitutes } from './commands.ts';
import { commandsOf, commandsWithin, firstLine, handedOn, oneLine } from './compound.ts';
import { contextLayer, mergeLayer, valueLayer } from './image.ts';
import type { Machine } from './machine.ts';
import { contextBinds, isContextBind, mountOf } from './mounts.ts';
import { join, within } from './paths.ts';
import { recall } from './recall.ts';
import { type Shell, shellCommand } from './shell.ts';
import { input, runStep } from './steps.ts';
import { isFollowed, type Surroundings, surroundings } from './surroundings.ts';
import { userOf } from './users.ts';

/** What a RUN's commands share; with a text, variables that differ from build to build count only where it names them. */
type Base = (used?: string) => number;

/** Commands that change the shell for those after them in ways that are not modelled. */
const SHELL_ALTERING = new Set(
  '. source eval umask shopt alias unalias trap exec ulimit unset read pushd popd nvm conda declare local typeset readonly getopts shift hash enable'.split(
    ' ',
  ),
);

/** All that a RUN does, with what it has mounted. */
export function runEvent(machine: Machine, run: Run): Event {
  const actions = runCommands(machine, run);
  const mounts = mountsOf(machine, run);
  return mounts.length === 0 ? { instruction: run, actions } : { instruction: run, actions, mounts };
}

function runCommands(machine: Machine, run: Run): readonly Action[] {
  const binds = contextBinds(run);
  for (const { source, target } of binds)
    machine.image.mount(target, contextLayer(machine.context, source, '', 'root'));
  const others = mountsOf(machine, run).filter(({ type }) => type === 'bind' || type === 'tmpfs');
  machine.hidden = others.flatMap(({ target }) => target ?? []);
  // What comes out of a stage, or is made anew.
  for (const target of machine.hidden)
    if (!binds.some((each) => each.target === target)) machine.image.mount(target, mergeLayer(`mount:${target}`));
  // What a package manager's cache holds decides how long an install takes, and nothing else.
  const flags = machine.flagText(
    run,
    (name, value) =>
      name === 'mount' && (isContextBind(value) || mountOf(run, value, machine.knowledge).cache !== undefined),
  );
  const base = (used?: string): number =>
    machine.symbols.of(
      machine.environment.value(used),
      machine.user(run),
      run.state.shell.join('\0'),
      flags + machine.used(flags) + machine.userNamed,
    );
  // The project's own shell, or one that is told to read a file of it, may do anything.
  const isOwn = (word: string): boolean => {
    const path = resolvePath(run.state.workdir, word);
    return /^[^-].*[./]/.test(word) && machine.image.owns(path) && machine.image.has(path) !== 'no';
  };
  const isKnown = run.commands !== undefined && (run.form === 'exec' || !run.state.shell.some(isOwn));
  const actions = isKnown ? runShell(machine, run, run.commands, base) : [opaque(machine, run, base())];
  machine.image.unmountAll();
  machine.hidden = [];
  return actions;
}

function mountsOf(machine: Machine, run: Run): readonly Mount[] {
  return run.flags
    .filter(({ name }) => name === 'mount')
    .map(({ value }) => mountOf(run, value ?? '', machine.knowledge));
}

function opaque(machine: Machine, run: Run, base: number): Action {
  const text = machine.textOf(run);
  const trouble = {
    code: 'shell-not-understood',
    message: `\`RUN ${firstLine(text)}\` could not be parsed as a POSIX or bash script`,
  };
  return machine.everything(text, text, machine.symbols.of(base, run.state.workdir), trouble);
}

function runShell(machine: Machine, run: Run, commands: readonly Command[], base: Base): readonly Action[] {
  const shell: Shell = {
    directory: run.state.workdir,
    exports: new Map(),
    key: 0,
    manifest: machine.image.read(join(run.state.workdir, 'package.json')),
    errexit: run.form === 'shell' && run.state.shell.some((word) => /^-[a-df-z]*e/.test(word)),
  };
  const lastSemicolon = commands.findLastIndex((command) => command.operator === ';');
  const actions: Action[] = [];
  commands.forEach((command, at) => {
    const from = shell.directory;
    // With errexit, too, the failure of any but the last of `a && b;` is ignored.
    const isUnchecked = at < lastSemicolon && !(shell.errexit && commands[at + 1]?.operator === ';');
    if (shellCommand(machine, command, shell, isUnchecked)) {
      if (shell.directory !== from) actions.push(entering(machine, command, shell.directory));
      if (shell.sourced !== undefined) actions.push(sourcing(machine, command, shell.sourced));
      delete shell.sourced;
      return;
    }
    const done = runCommand(machine, run, command, shell, base, isUnchecked ? FORGIVEN : '');
    actions.push(...done);
    settings(machine, run, command, done);
  });
  return actions;
}

/** `npm config set ignore-scripts true`, `echo ignore-scripts=true >> ~/.npmrc`: what a home's settings say is not known. */
function settings(machine: Machine, run: Run, command: Command, done: readonly Action[]): void {
  const [action] = done;
  if (action === undefined || action.install !== undefined || !command.text.includes('ignore-scripts')) return;
  const user = userOf(machine.user(run)) ?? '';
  const told = run.state.environment.get('HOME') ?? '';
  const homes = ['/root', `/home/${user}`, told].filter((home) => home.startsWith('/'));
  for (const home of homes) machine.image.write(`${home}/.npmrc`, valueLayer(action.symbol, 'made'));
}

/** `cd` fails where the directory does not exist yet. */
function entering(machine: Machine, command: Command, directory: string): Action {
  const name = `cd ${directory}`;
  const isOfCopy = [...machine.placed.keys()].some((target) => within(directory, target));
  if (!machine.isThere(directory) && isOfCopy && machine.image.has(directory) === 'no')
    return machine.everything(command.text, name, 0, missing(directory, `where \`${command.text}\` goes`), { command });
  const input = machine.existing(directory);
  return { text: command.text, name, command, inputs: [input], symbol: machine.symbols.of(name, input.value) };
}

function sourcing(machine: Machine, command: Command, { what, value }: Input): Action {
  const name = `. ${what}`;
  return { text: command.text, name, command, inputs: [{ what, value }], symbol: machine.symbols.of(name, value) };
}

/**
 * npm reads package.json once and then runs its scripts one after another; `npm run a && npm run b` reads it again
 * in between. That a lifecycle script rewrites the scripts that follow it is left out.
 */
function scriptView(machine: Machine, shell: Shell): Files {
  const { image } = machine;
  const path = join(shell.directory, 'package.json');
  return {
    has: (each) => (each === path && shell.manifest !== undefined ? 'yes' : image.has(each)),
    read: (each) => image.read(each) ?? (each === path ? shell.manifest : undefined),
    executable: (each) => image.executable(each),
    entries: (each) => image.entries(each),
  };
}

/** A command in its surroundings. */
interface Scene {
  readonly run: Run;
  readonly command: Command;
  readonly shell: Shell;
  readonly place: Place;
  readonly around: Surroundings;
  /** Of the names of its actions. */
  readonly suffix: string;
  /** User, directory and environment, with no more variables that differ from build to build than a text names. */
  readonly state: (text: string | undefined) => number;
  /** The same, with what the shell has set where a word may use it. */
  readonly whole: (text: string | undefined) => number;
}

function runCommand(
  machine: Machine,
  run: Run,
  command: Command,
  shell: Shell,
  base: Base,
  suffix: string,
): readonly Action[] {
  const exports = [...shell.exports].map(([name, value]) => `${name}=${value ?? `?${shell.key}`}`).sort();
  const state = (text: string | undefined): number =>
    machine.symbols.of(base(text), shell.directory, machine.image.maker(shell.directory), ...exports);
  // A word that is not constant may use a shell variable set earlier in the same RUN.
  const open = [command, ...(command.pipeline ?? [])].some((each) =>
    each.words.some((word) => word.value === undefined),
  );
  const whole = (text: string | undefined): number =>
    open && shell.key !== 0 ? machine.symbols.of(state(text), shell.key) : state(text);
  const { image } = machine.stage.base;
  const place: Place = {
    directory: shell.directory,
    user: machine.user(run),
    ...(image === undefined ? {} : { image }),
    environment: (name) => (shell.exports.has(name) ? shell.exports.get(name) : run.state.environment.get(name)),
    declared: (name) => shell.exports.has(name) || run.state.environment.declared(name),
    mounts: mountsOf(machine, run),
  };
  const around = surroundings(command, place, variables(machine, shell, command), machine.image);
  const scene: Scene = { run, command, shell, place, around, suffix, state, whole };
  const named = isQuiet(command) ? command.text : undefined;
  const where = whole(named);
  if (command.simple && shell.lost !== true) {
    const install = machine.knowledge.recognise(command, place);
    // A build stays where it is; its download may be told without what it is told.
    if (
      install !== undefined &&
      command.redirects.every(isPrinted) &&
      (install.kind === 'build' || !substitutes(command.text))
    )
      return installActions(machine, scene, install, where);
    const effects = install === undefined ? ordinary(command, place, machine.image) : undefined;
    if (suffix === '') for (const { gives } of effects ?? []) if (gives !== undefined) machine.users.need(gives.to);
    if (effects !== undefined)
      return effects.map((effect) => {
        const step = surrounded({ ...given(machine, effect, place), name: effect.name + suffix }, around);
        return runStep(machine, step, where, command.text, { command });
      });
  }
  if (command.pipeline !== undefined && shell.lost !== true && !substitutes(command.text)) {
    const effects = pipeline(command, place, machine.image);
    if (effects !== undefined) {
      const each = command.pipeline.map((part) =>
        surroundings(part, place, variables(machine, shell, part), machine.image),
      );
      const all: Surroundings = {
        operands: each.flatMap(({ operands }) => operands),
        reads: each.flatMap(({ reads }) => reads),
        trees: each.flatMap(({ trees }) => trees),
      };
      return effects.map((effect) => {
        const step = surrounded({ ...effect, name: effect.name + suffix }, all);
        return runStep(machine, step, where, command.text, { command });
      });
    }
  }
  const here = machine.symbols.of(state(named), shell.key, shell.errexit ? 'e' : '');
  const choice = command.simple || shell.lost === true ? undefined : choiceOf(machine, command, place, shell);
  if (choice === undefined) return [notUnderstood(machine, scene, here)];
  // Its conditions may name what the same shell has set.
  const effect = { ...choice.effect, name: command.text + suffix };
  return [runStep(machine, effect, here, command.text, choice.install)];
}

function installActions(machine: Machine, scene: Scene, install: Install, where: number): readonly Action[] {
  const { command, shell, place, around, suffix, state, whole } = scene;
  const manager = machine.knowledge.manager(install.manager) as PackageManager;
  const files = install.kind === 'script' ? scriptView(machine, shell) : machine.image;
  const found = analysisOf(machine, manager, install, files);
  const analysis = substitutes(command.text) ? closed(found, command) : found;
  const splitReads = analysis.splits.map((split) => readsOf(machine, split.before, place));
  // What comes from a registry does not depend on what a build is called; what a script or a build makes may.
  const told = machine.environment.differs() ? variablesOf(machine, analysis) : '';
  const quiet = install.kind === 'script' ? where : whole(command.text + told);
  // A download of its own names fewer variables than the build that it is made for.
  const placeOf = (text: string): number =>
    text.includes('$') ? machine.symbols.of(state(text), shell.key) : state(text);
  const splitInputs: Input[] = [
    ...splitReads.flat().map((read) => input(machine, read)),
    ...analysis.splits.map((split): Input => ({ what: 'place', value: placeOf(split.before) })),
    { what: 'place', value: quiet },
  ];
  const rest = { command, install, manager, analysis, splitReads, splitInputs, ...(told === '' ? {} : { told }) };
  return analysis.steps.map((step) => {
    const own = step.opaque === undefined && step.variables !== true ? quiet : where;
    const at = step.warm === true ? placeOf(step.name) : own;
    const named = surrounded({ ...step, name: uncached(step.name) + suffix }, around);
    return runStep(machine, named, at, command.text, rest);
  });
}

/** It may read and write everything, but for files that no command of its kind touches. */
function notUnderstood(machine: Machine, scene: Scene, here: number): Action {
  const { run, command, shell, place, around, suffix } = scene;
  const name = command.words[0]?.value;
  const alters = command.simple
    ? ASSIGNS.test(command.text) ||
      name === undefined ||
      SHELL_ALTERING.has(name) ||
      name === 'cd' ||
      name === 'set' ||
      name === 'export'
    : !command.text.startsWith('(') &&
      /\b(?:cd|pushd|popd|export|set|source|eval|umask|exec|\.)\s|\b[A-Za-z_]\w*=|\bread\b/.test(command.text);
  // Where other code could run, or other files be seen, nothing is certain.
  const isPlain =
    command.simple &&
    shell.lost !== true &&
    command.assignments.length === 0 &&
    (place.environment('NODE_OPTIONS') ?? '') === '' &&
    !around.reads.some(({ path }) => path === '/') &&
    run.flags.every(({ name, value }) => name !== 'mount' || /(?:^|,)type=(?:cache|secret|ssh)/.test(value ?? ''));
  const parts = (command.simple ? [command] : commandsWithin(command.text)).flatMap(handedOn);
  const inner = parts
    .map((each) => machine.knowledge.recognise(each, place))
    .find((install) => install?.kind === 'install');
  const left = parts.flatMap((each) => ordinary(each, place, machine.image) ?? []);
  const action = machine.everything(
    command.text,
    command.text + suffix,
    here,
    {
      code: 'intervening-run-reads-source',
      message: `\`${firstLine(command.text)}\` is not known to leave the source alone`,
      help: 'copy what it needs ahead of it, or move it below the install',
    },
    { command, ...(inner === undefined ? {} : { inner }) },
    isPlain ? sparedBy(command, shell.directory, machine.image) : [],
  );
  for (const { writes, makes = [], touches = [] } of left)
    for (const path of [...writes, ...makes, ...touches]) machine.image.leave(path, action.symbol);
  if (/\b(?:cd|pushd|popd)\b/.test(command.text) && !command.text.startsWith('(')) shell.lost = true;
  if (alters) shell.key = machine.symbols.of(shell.key, command.text, action.symbol);
  return action;
}

/** Gives what it gives, where that is all that it does; otherwise it is as any change of attributes. */
function given(machine: Machine, effect: Effect, place: Place): Effect {
  const { gives, ...rest } = effect;
  if (gives === undefined) return effect;
  const isRoot = /^(?:0:0|root:root)$/.test(gives.to);
  const owner = gives.to + machine.users.idsOf(gives.to);
  const to = { owner: isRoot ? '' : owner, maker: isRoot ? 'root' : owner };
  const [tree] = gives.trees;
  if (userOf(place.user) !== 'root' || machine.volumes.length + place.mounts.length > 0) return rest;
  if (tree === undefined || gives.trees.length > 1 || machine.isElsewhere(tree) || machine.isLinked(tree)) return rest;
  if (!machine.image.give(tree, to)) return rest;
  return { ...effect, reads: [], writes: [], touches: [], system: 'reads' };
}

/** Installs of which variables choose one, or the files that there are. */
function choiceOf(
  machine: Machine,
  command: Command,
  place: Place,
  shell: Shell,
): { readonly effect: Effect; readonly install: Partial<Action> } | undefined {
  const effects: Effect[] = [];
  const installs: Install[] = [];
  const analyses: Analysis[] = [];
  for (const { file, body } of branches(command.text) ?? []) {
    if (/^exit [1-9]\d*$/.test(body)) continue;
    let presence: Presence = 'maybe';
    if (file !== undefined) {
      const path = resolvePath(place.directory, file.path);
      if (machine.image.isDirectory(path)) return undefined;
      effects.push({ name: '', reads: [{ path }], writes: [], edits: [], system: 'none' });
      presence = machine.image.has(path);
      if (presence === (file.absent ? 'yes' : 'no')) continue;
    }
    // A comment would take along what is joined to its line.
    const commands = /<<|(?:^|\s)#/.test(body) ? [] : commandsOf(oneLine(body));
    if (commands.length === 0) return undefined;
    for (const each of commands) {
      if (!each.simple) return undefined;
      const around = surroundings(each, place, variables(machine, shell, each), machine.image);
      const install = machine.knowledge.recognise(each, place);
      if (install === undefined) {
        const own = ordinary(each, place, machine.image);
        if (own === undefined) return undefined;
        effects.push(...own.map((effect) => surrounded(effect, around)));
        continue;
      }
      if (install.kind !== 'install' || !each.redirects.every(isPrinted) || substitutes(each.text)) return undefined;
      const analysis = analysisOf(
        machine,
        machine.knowledge.manager(install.manager) as PackageManager,
        install,
        machine.image,
      );
      installs.push(install);
      analyses.push(analysis);
      effects.push(...analysis.steps.map((step) => surrounded(step, around)));
    }
    if (presence !== 'maybe') break;
  }
  const [install] = installs;
  const effect = either(effects, command.text);
  if (install === undefined || effect === undefined) return undefined;
  const manager = machine.knowledge.manager(install.manager) as PackageManager;
  return { effect, install: { command, install, manager, analysis: eitherInstall(analyses) } };
}

/** The variables that programs take file names from, as this command sees them. */
function variables(machine: Machine, shell: Shell, command: Command): ReadonlyMap<string, string> {
  if (command.assignments.length === 0 && shell.exports.size === 0) return machine.environment.followed;
  const seen = new Map(machine.environment.followed);
  for (const [name, value] of [
    ...shell.exports,
    ...command.assignments.map(({ name, value }) => [name, value ?? ''] as const),
  ])
    if (value === undefined) seen.delete(name);
    else if (isFollowed(name)) seen.set(name, value);
  return seen;
}

/** A step with what it reads of its surroundings; one that works on the system may have been told to do it there. */
function surrounded(step: Effect, { operands, reads: ambient, trees }: Surroundings): Effect {
  // What fills a store is part of a command that may have operands of its own.
  const reads = step.warm === true ? ambient : [...operands, ...ambient];
  if (step.opaque !== undefined || (reads.length === 0 && trees.length === 0)) return step;
  const known = new Set(step.reads.map((read) => read.path));
  const moved =
    step.system === 'writes' && step.writes.length + step.edits.length === 0 && step.removes === undefined
      ? trees.filter((path) => !known.has(path))
      : [];
  const more = [
    ...reads.filter(({ path }) => !known.has(path) && !step.writes.some((tree) => within(path, tree))),
    ...moved.map((path) => ({ path, tree: true })),
  ];
  if (more.length === 0) return step;
  return { ...step, reads: [...step.reads, ...more], writes: [...step.writes, ...moved] };
}

function analysisOf(machine: Machine, manager: PackageManager, install: Install, files: Files): Analysis {
  const { kind, directory, command } = install;
  const words = command.words.map(({ text, value }) => [text, value]);
  // Unambiguous whatever stands in a word.
  const key = JSON.stringify([manager.name, kind, directory, command.text, command.assignments, words]);
  const found = recall(machine.memory, key, install.place, files, (place, seen) =>
    manager.analyse({ ...install, place }, seen),
  );
  // What it asks later, it asks of these files.
  return found.frozen === undefined ? found : { ...found, frozen: () => manager.analyse(install, files).frozen?.() };
}

/** The files that its steps read, as far as they name variables. */
function variablesOf(machine: Machine, { steps }: Analysis): string {
  const paths = new Set(steps.flatMap(({ reads }) => reads.map(({ path }) => path)));
  return [...paths]
    .map((path) => machine.image.read(path) ?? '')
    .filter((text) => text.includes('${'))
    .join('\n');
}

/** What a command line would read if it ran now, as far as its installs are understood. */
function readsOf(machine: Machine, line: string, place: Place): readonly Read[] {
  return recall(machine.memory, `reads ${line}`, place, machine.image, (here, files) => {
    const commands = commandsOf(line);
    const words = commands.map((command) => command.words.map(({ value }) => value ?? ''));
    // What the line makes itself was not there to be read.
    const made = new Set(
      words.flatMap(([name, ...paths]) =>
        name === 'touch' ? paths.map((path) => resolvePath(here.directory, path)) : [],
      ),
    );
    return commands.flatMap((command) => {
      const install = machine.knowledge.recognise(command, here);
      const steps = install === undefined ? [] : machine.knowledge.analyse(install, files).steps;
      return steps
        .filter((step) => step.opaque === undefined)
        .flatMap((step) => step.reads.filter(({ path }) => !made.has(path)));
    });
  });
}

/** Installs of system packages: their results do not depend on what a build is called. */
function isQuiet(command: Command): boolean {
  return /^(?:sudo )?(?:apt|apt-get|apk|yum|dnf|microdnf) /.test(`${command.text} `);
}

/** What an install leaves in its own cache is no part of its result. */
function uncached(name: string): string {
  return name.replace(/ --no-cache-dir(?= |$)/g, '');
}

/** Of a command that holds what another one prints: its steps may do anything, and so may what is made of it. */
function closed(analysis: Analysis, command: Command): Analysis {
  const opaque = {
    code: 'intervening-run-reads-source',
    message: `${firstLine(command.text)} depends on what another command prints`,
  };
  return {
    ...analysis,
    steps: analysis.steps.map((step) => (step.warm === true ? step : { ...step, opaque: step.opaque ?? opaque })),
    splits: analysis.splits.filter(({ before }) => !substitutes(before)),
  };
}
