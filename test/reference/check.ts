import { build, difference, newBuilder, type Builder, type Context, type Stage } from './build.ts';
import { Failure } from './files.ts';
import type { Project } from './generate.ts';
import { fix, memoryContext } from '../../src/index.ts';
import type { BuildContext, Outcome } from '../../src/model.ts';

export type Verdict = 'unchanged' | 'fails' | 'same';

export const attempt = (
  source: string,
  context: Context,
  rules: string,
  builder = newBuilder(),
): readonly Stage[] | Failure => {
  try {
    return build(source, context, rules, builder);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
};

/** Throws where a fix that counts as safe changes what the reference interpreter builds. */
export function check(project: Project): Verdict {
  const { source, context } = project;
  return compare(project, fix({ path: 'Dockerfile', source }, known(context)));
}

/** What dockerfix is told of a context. */
export function known({ files, links = [], executable = [] }: Context): BuildContext {
  return memoryContext(files, { symlinks: links, executable });
}

/** The same of a fix that was made. */
export function compare(project: Project, outcome: Outcome): Verdict {
  const after = outcome.changes.find((each) => each.path === 'Dockerfile')?.after;
  if (after === undefined) return 'unchanged';
  const rules =
    outcome.changes.find((each) => each.path === '.dockerignore')?.after ??
    project.context.files['.dockerignore'] ??
    '';
  const trouble = different(project, after, rules);
  if (typeof trouble === 'string') throw new Error(trouble);
  return trouble === undefined ? 'same' : 'fails';
}

/** How another Dockerfile builds something else, on a clean checkout or on somebody's disk; why the original does not build. */
export function different(
  { source, context, disk }: Project,
  after: string,
  rules: string,
): string | Failure | undefined {
  let failure: Failure | undefined;
  let isBuilt = false;
  const texts = `--- before\n${source}--- after\n${after}--- ignore file\n${rules}`;
  for (const each of [context, disk]) {
    const builders = [newBuilder(), newBuilder()] as const;
    const trouble = differs(source, after, each, rules, builders);
    if (trouble instanceof Failure) {
      failure = trouble;
      continue;
    }
    if (trouble !== undefined) return `${trouble}${each === disk ? ' (on a disk with more files)' : ''}\n${texts}`;
    isBuilt = true;
    if (!source.includes('type=cache')) continue;
    // Caches are cleared by rules of their own, and so are layers.
    for (const part of ['caches', 'layers'] as const) {
      const rebuilt = differs(
        source,
        after,
        edited(each),
        rules,
        builders.map((builder) => ({ ...builder, [part]: new Map() })),
      );
      if (typeof rebuilt === 'string') return `${rebuilt} (after another build, with no ${part})\n${texts}`;
    }
  }
  return isBuilt ? undefined : failure;
}

function differs(
  source: string,
  after: string,
  context: Context,
  rules: string,
  [one, other]: readonly Builder[],
): string | Failure | undefined {
  const before = attempt(source, context, rules, one);
  if (before instanceof Failure) return before;
  const result = attempt(after, context, rules, other);
  return result instanceof Failure ? `fails: ${result.message}` : difference(before, result);
}

/** The same files after an edit of the source. */
function edited(context: Context): Context {
  const { files, links = [] } = context;
  const changed = Object.entries(files).filter(([path]) => /\.js$|^x\.txt$/.test(path) && !links.includes(path));
  return { ...context, files: { ...files, ...Object.fromEntries(changed.map(([path, text]) => [path, `${text}2`])) } };
}
