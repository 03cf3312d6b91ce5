import type { Analysis, Install, Place, Split, Step, Trouble } from '../../model.ts';

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

/**
 * A command that downloads what the project needs and then works on its source. Only the first part is understood,
 * and can be moved ahead by one of the splits.
 */
export function build(
  install: Install,
  fetch: Step,
  splits: readonly Split[],
  outputs: Outputs = NO_OUTPUTS,
  trouble: Trouble = {
    code: 'intervening-run-reads-source',
    message: `\`${install.command.text}\` builds the source`,
  },
): Analysis {
  const rest: Step = {
    name: install.command.text,
    reads: [],
    writes: [],
    edits: [],
    system: 'writes',
    opaque: trouble,
  };
  return { steps: [fetch, rest], ...outputs, splits };
}

/** A build whose downloads cannot be moved ahead. */
export function bareBuild(install: Install, refusal: Trouble): Analysis {
  return unknown(install, refusal);
}

export type Outputs = Pick<Analysis, 'outputs' | 'ignore'>;
export const NO_OUTPUTS: Outputs = { outputs: [], ignore: [] };

/** One of these directories is a cache mount, so that what a build downloads is kept between builds already. */
export function isMounted({ mounts }: Place, paths: readonly string[]): boolean {
  return mounts.some(({ type, target }) => type === 'cache' && paths.some((path) => target === path));
}

/**
 * What a RUN downloads stays in its layer. In a cache mount it does not: where that layer is found again, on another
 * machine or after the cache has been cleared, the store may be empty.
 */
export function keepsStores({ mounts }: Place): boolean {
  return mounts.every(({ type }) => type !== 'cache' && type !== 'tmpfs');
}

export function alreadyCached(install: Install, what: string): Trouble {
  return { code: 'already-cached', message: `${what} of \`${install.command.text}\` is a cache mount` };
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
    path,
  };
}

export function generated(path: string): Trouble {
  return {
    code: 'manifest-generated',
    message: `\`${path}\` is made or changed by an earlier command, or ignored by git, so its content is not known`,
  };
}
