/** A smaller input that breaks the same: lines and files are left out while it still does. */
import type { Input } from './inputs.ts';

/** `breaks` tells whether an input still does; it is asked for at most this long. */
export async function smaller(
  input: Input,
  breaks: (input: Input) => Promise<boolean>,
  milliseconds = 10_000,
): Promise<Input> {
  const end = performance.now() + milliseconds;
  let best = input;
  const attempt = async (next: Input): Promise<boolean> => {
    if (performance.now() > end || !(await breaks(next))) return false;
    best = next;
    return true;
  };
  for (let size = -1; size !== measure(best);) {
    size = measure(best);
    for (const path of Object.keys(best.files)) {
      const { [path]: _gone, ...files } = best.files;
      await attempt(withFiles(best, files));
    }
    best = await lines(
      best,
      best.source,
      (each, source) => withSource(each, source),
      attempt,
      () => best,
    );
    for (const path of Object.keys(best.files))
      best = await lines(
        best,
        best.files[path] ?? '',
        (each, text) => withFiles(each, { ...each.files, [path]: text }),
        attempt,
        () => best,
      );
  }
  return best;
}

async function lines(
  _input: Input,
  text: string,
  put: (input: Input, text: string) => Input,
  attempt: (next: Input) => Promise<boolean>,
  current: () => Input,
): Promise<Input> {
  let parts = text.split(/(?<=\n)/);
  for (let size = Math.ceil(parts.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let at = 0; at < parts.length;) {
      const less = [...parts.slice(0, at), ...parts.slice(at + size)];
      if (await attempt(put(current(), less.join('')))) parts = less;
      else at += size;
    }
  return current();
}

const measure = ({ source, files }: Input): number => source.length + JSON.stringify(files).length;

function withSource(input: Input, source: string): Input {
  return { ...input, source, ...(input.project === undefined ? {} : { project: { ...input.project, source } }) };
}

function withFiles(input: Input, files: Readonly<Record<string, string>>): Input {
  const { project } = input;
  if (project === undefined) return { ...input, files };
  const links = (project.context.links ?? []).filter((path) => Object.hasOwn(files, path));
  const dirty = Object.fromEntries(
    Object.entries(project.disk.files).filter(([path]) => !Object.hasOwn(project.context.files, path)),
  );
  const context = { ...project.context, links, files };
  return {
    ...input,
    files,
    links,
    project: { ...project, context, disk: { ...context, files: { ...dirty, ...files } } },
  };
}
