import type { Analysis, Install, Step, Trouble } from '../../model.ts';

/** An install that cannot be analysed: it counts as reading and writing everything. */
export function unknown(install: Install, trouble: Trouble): Analysis {
  return {
    steps: [{ name: install.command.text, reads: [], writes: [], edits: [], system: 'writes', opaque: trouble }],
    outputs: [],
    ignore: [],
    splits: [],
    refusal: trouble,
  };
}

/** An install that reads nothing of the project: it changes the system alone (strategy N). */
export function tool(install: Install, reads: Step['reads'] = []): Analysis {
  return single({ name: install.command.text, reads, writes: [], edits: [], system: 'writes' });
}

export function single(step: Step): Analysis {
  return { steps: [step], outputs: [], ignore: [], splits: [] };
}

export function isTrouble(value: unknown): value is Trouble {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

// The troubles that several managers meet, in one wording.

export function unresolvedVariable(install: Install, word: string): Trouble {
  return {
    code: 'unresolved-variable',
    message: `\`${install.command.text}\` depends on \`${word}\`, which is not constant`,
    help: 'write the value out, or set it with ENV',
  };
}

export function installsProject(install: Install, what = 'the project itself'): Trouble {
  return {
    code: 'local-dependency-builds',
    message: `\`${install.command.text}\` installs ${what}`,
    help: 'install the dependencies first, and this after the copy',
  };
}

export function missing(path: string, why = 'where this install runs'): Trouble {
  return {
    code: 'manifest-missing',
    message: `there is no \`${path}\` ${why}`,
    help: 'pass the right --context, or check .dockerignore',
  };
}

export function generated(path: string): Trouble {
  return {
    code: 'manifest-generated',
    message: `\`${path}\` is made or changed by an earlier command, so its content is not known`,
  };
}
