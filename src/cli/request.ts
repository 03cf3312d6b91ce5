/** The options that say which fixes, in which context, made into what a run takes. */
import { realpathSync } from 'node:fs';
import { transforms, type FixOptions } from '../index.ts';
import type { Target } from '../model.ts';
import { openDirectory, type Place } from '../run.ts';

/** As FIX_FLAGS come out of the parser. */
export interface FixFlags {
  readonly context?: string | undefined;
  readonly unsafe?: boolean | undefined;
  readonly transform?: readonly string[] | undefined;
  readonly add?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
  readonly style?: Target['style'] | undefined;
  readonly builder?: Target['builder'] | undefined;
}

export interface Request {
  /** Without symlinks. */
  readonly cwd: string;
  readonly context?: Place;
  readonly fix: FixOptions;
}

/** A string says what is wrong with the options. */
export async function fixRequest(flags: FixFlags, directory: string): Promise<Request | string> {
  const { transform, add, skip, style, builder } = flags;
  const unknown = [...(transform ?? []), ...(add ?? []), ...(skip ?? [])].find(
    (name) => !transforms.some((each) => each.name === name),
  );
  if (unknown !== undefined) {
    const known = transforms.map((each) => each.name).join(', ');
    return `there is no transform \`${unknown}\`; there are: ${known}`;
  }
  const cwd = realpathSync(directory);
  const context = flags.context === undefined ? undefined : await openDirectory(cwd, flags.context);
  if (typeof context === 'string') return `--context ${flags.context ?? ''}: ${context}`;
  return {
    cwd,
    ...(context === undefined ? {} : { context }),
    fix: {
      unsafe: flags.unsafe ?? false,
      target: { ...(style === undefined ? {} : { style }), ...(builder === undefined ? {} : { builder }) },
      ...(transform === undefined ? {} : { only: transform }),
      ...(add === undefined ? {} : { add }),
      ...(skip === undefined ? {} : { skip }),
    },
  };
}
