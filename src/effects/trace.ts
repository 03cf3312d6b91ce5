/**
 * Runs every stage of a Dockerfile on symbols: what each instruction reads, what it writes, and the state it leaves.
 * The proof compares two traces; transforms and the cache model read one.
 */
import type { BuildContext, Dockerfile, Instruction, PackageManager } from '../model.ts';
import { knowledgeOf } from '../managers/index.ts';
import type { Event, StageTrace } from './actions.ts';
import { copy } from './copies.ts';
import { Variables } from './environment.ts';
import { Machine } from './machine.ts';
import type { Memory } from './recall.ts';
import { runEvent } from './runs.ts';
import type { Symbols } from './symbols.ts';

/** Executes a whole file. Share `symbols` between two traces to compare them. */
export function trace(
  file: Dockerfile,
  context: BuildContext,
  symbols: Symbols,
  /** Default: the built-in ones. */
  managers: readonly PackageManager[] | undefined,
  /** Of these managers in this context. */
  memory: Memory,
): readonly StageTrace[] {
  const knowledge = knowledgeOf(managers);
  const done: StageTrace[] = [];
  const environments: Variables[] = [];
  const globals = new Variables(symbols);
  for (const each of file.globals) globals.set('ARG', each.text, file.escape);
  for (const stage of file.stages) {
    const machine = new Machine(file, stage, context, symbols, knowledge, memory, done, environments, globals);
    done.push(run(machine));
    environments.push(machine.environment);
  }
  return done;
}

function run(machine: Machine): StageTrace {
  const events = machine.stage.instructions.map((instruction) => execute(machine, instruction));
  const { stage } = machine.stage.base;
  const parent = stage === undefined ? undefined : machine.done[stage];
  return {
    stage: machine.stage,
    events,
    image: machine.image,
    configuration: [...machine.configuration, ...[...machine.mayFail].sort(), ...machine.environment.lines()],
    owners: machine.users.needed,
    fetched: machine.fetched,
    placed: machine.placed,
    gone: machine.gone,
    ...(parent === undefined ? {} : { parent }),
  };
}

function execute(machine: Machine, instruction: Instruction): Event {
  if (machine.triggered) machine.configuration.push(`${instruction.keyword} ${machine.textOf(instruction)}`);
  switch (instruction.keyword) {
    case 'RUN':
      return runEvent(machine, instruction);
    case 'COPY':
    case 'ADD':
      return { instruction, actions: [], ...copy(machine, instruction) };
    case 'WORKDIR':
      machine.image.makeDirectory(
        (instruction as { path: string }).path,
        `${machine.user(instruction)}${machine.userNamed}`,
      );
      break;
    case 'USER':
      machine.userNamed = machine.used(instruction.text);
      break;
    case 'ENV':
    case 'ARG':
    case 'LABEL':
      machine.environment.set(instruction.keyword, instruction.text, machine.file.escape);
      return { instruction, actions: [] };
    case 'VOLUME':
      machine.volumes.push(machine.textOf(instruction));
      break;
  }
  const text = machine.textOf(instruction);
  const words = [instruction.keyword, machine.flagText(instruction), text].filter((each) => each !== '');
  machine.configuration.push(words.join(' ') + machine.used(text));
  return { instruction, actions: [] };
}
