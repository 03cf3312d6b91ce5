/** What a RUN has mounted. */
import { resolvePath } from '../dockerfile/state.ts';
import type { Mount, Run } from '../model.ts';
import type { Knowledge } from '../managers/index.ts';

/** The options of a `--mount=`. */
export function mountOptions(value: string): ReadonlyMap<string, string> {
  return new Map(
    value.split(',').map((part): [string, string] => {
      const equals = part.indexOf('=');
      return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
}

/** One `--mount=`. */
export function mountOf(run: Run, value: string, knowledge: Knowledge): Mount {
  const options = mountOptions(value);
  const type = options.get('type') ?? 'bind';
  const target = mountTarget(run, options);
  const cache =
    type === 'cache' && target !== undefined
      ? knowledge.cacheClass(target, (name) => run.state.environment.get(name))
      : undefined;
  return {
    type,
    ...(target === undefined ? {} : { target }),
    ...(cache === undefined ? {} : { cache }),
    ...(options.has('rw') || options.has('readwrite') ? { writable: true } : {}),
  };
}

/** What a RUN has mounted of the build context: a context path, and the image path where it is seen. */
export function contextBinds(run: Run): readonly { readonly source: string; readonly target: string }[] {
  return run.flags
    .filter(({ name, value }) => name === 'mount' && isContextBind(value ?? ''))
    .map(({ value }) => {
      const options = mountOptions(value ?? '');
      const target = options.get('target') ?? options.get('dst') ?? options.get('destination') ?? '.';
      return {
        source: resolvePath('/', options.get('source') ?? options.get('src') ?? '.').slice(1) || '.',
        target: resolvePath(run.state.workdir, target),
      };
    });
}

function mountTarget(run: Run, options: ReadonlyMap<string, string>): string | undefined {
  const target = options.get('target') ?? options.get('dst') ?? options.get('destination') ?? '';
  return target === '' ? undefined : resolvePath(run.state.workdir, target);
}

export function isContextBind(value: string): boolean {
  const options = mountOptions(value);
  return (options.get('type') ?? 'bind') === 'bind' && !options.has('from') && !value.includes('$');
}
