import type { Analysis, Install, Step, Trouble } from '../../model.ts';

/** An install that cannot be analysed: it counts as reading and writing everything. */
export function unknown(install: Install, code: string, message: string, help?: string): Analysis {
  const opaque: Trouble = { code, message, ...(help === undefined ? {} : { help }) };
  return {
    steps: [{ name: install.command.text, reads: [], writes: [], edits: [], system: 'writes', opaque }],
    outputs: [],
    ignore: [],
    splits: [],
    refusal: opaque,
  };
}

/** An install that reads nothing of the project: it changes the system alone (strategy N). */
export function tool(install: Install): Analysis {
  return single({ name: install.command.text, reads: [], writes: [], edits: [], system: 'writes' });
}

export function single(step: Step): Analysis {
  return { steps: [step], outputs: [], ignore: [], splits: [] };
}
