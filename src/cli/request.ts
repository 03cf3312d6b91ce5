/** The options that say which fixes, in which context, made into what a run takes. */
import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { transforms as builtIn, type FixOptions } from '../index.ts';
import { configure, type Configuration } from '../config/settings.ts';
import type { Target, Transform } from '../model.ts';
import { openDirectory, type PerFile, type Place } from '../run.ts';

/** As FIX_FLAGS come out of the parser. */
export interface FixFlags {
  /** False: --no-config. */
  readonly config?: string | false | undefined;
  readonly context?: string | undefined;
  readonly unsafe?: boolean | undefined;
  readonly transform?: readonly string[] | undefined;
  readonly add?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
  readonly style?: Target['style'] | undefined;
  readonly builder?: Target['builder'] | undefined;
  readonly history?: boolean | undefined;
}

export interface Request {
  /** Without symlinks. */
  readonly cwd: string;
  readonly context?: Place;
  /** By the command line alone. */
  readonly fix: FixOptions;
  /** With what the command line says on top. */
  readonly configuration?: PerFile;
  readonly configurationFile?: string;
  /** Each repository's own is evidence. */
  readonly history?: true;
  /** All that can be chosen. */
  readonly transforms: readonly Transform[];
}

/** A string says what is wrong with the options. The configuration is that of the working directory. */
export async function fixRequest(flags: FixFlags, directory: string): Promise<Request | string> {
  const { transform, add, skip, style, builder } = flags;
  const cwd = realpathSync(directory);
  const configuration = await configure(cwd, {
    ...(typeof flags.config === 'string' ? { path: resolve(cwd, flags.config) } : {}),
    none: flags.config === false,
  });
  if (typeof configuration === 'string') return configuration;
  const transforms = configuration?.transforms ?? builtIn;
  const unknown = [...(transform ?? []), ...(add ?? []), ...(skip ?? [])].find(
    (name) => !transforms.some((each) => each.name === name),
  );
  if (unknown !== undefined) {
    const known = transforms.map((each) => each.name).join(', ');
    return `there is no transform \`${unknown}\`; there are: ${known}`;
  }
  const context = flags.context === undefined ? undefined : await openDirectory(cwd, flags.context);
  if (typeof context === 'string') return `--context ${flags.context ?? ''}: ${context}`;
  const fix: FixOptions = {
    ...(flags.unsafe === undefined ? {} : { unsafe: flags.unsafe }),
    target: { ...(style === undefined ? {} : { style }), ...(builder === undefined ? {} : { builder }) },
    ...(transform === undefined ? {} : { only: transform }),
    ...(add === undefined ? {} : { add }),
    ...(skip === undefined ? {} : { skip }),
  };
  const configured = configuration === undefined ? undefined : await perFile(configuration, fix);
  if (typeof configured === 'string') return configured;
  return {
    cwd,
    transforms,
    ...(context === undefined ? {} : { context }),
    ...(configured === undefined ? {} : { configuration: configured }),
    ...(configuration?.path === undefined ? {} : { configurationFile: configuration.path }),
    ...(flags.history === true ? { history: true as const } : {}),
    fix,
  };
}

/** The command line on top of what the configuration says. Contexts are opened ahead: each is named in it. */
async function perFile(
  { path, config, settingsFor, ignored }: Configuration,
  flags: FixOptions,
): Promise<PerFile | string> {
  const places = new Map<string, Place>();
  for (const { context } of [config, ...(config.overrides ?? [])]) {
    if (context === undefined || path === undefined) continue;
    const place = await openDirectory(dirname(path), context);
    if (typeof place === 'string') return `${path}: \`context\`: ${context}: ${place}`;
    places.set(context, place);
  }
  const made = new Map<object, ReturnType<PerFile['settingsFor']>>();
  return {
    ignored,
    settingsFor(file) {
      const settings = settingsFor(file);
      let known = made.get(settings);
      if (known === undefined) {
        const place = settings.context === undefined ? undefined : places.get(settings.context);
        known = { fix: onTop(settings.fix, flags), ...(place === undefined ? {} : { context: place }) };
        made.set(settings, known);
      }
      return known;
    },
  };
}

function onTop(fix: FixOptions, flags: FixOptions): FixOptions {
  const { add = [], skip = [] } = flags;
  return {
    ...fix,
    ...flags,
    target: { ...fix.target, ...flags.target },
    add: [...(flags.only === undefined ? (fix.add ?? []) : []), ...add],
    // What is asked for is done, whatever the configuration leaves out.
    skip: [...(fix.skip ?? []).filter((name) => !add.includes(name) && flags.only?.includes(name) !== true), ...skip],
  };
}
