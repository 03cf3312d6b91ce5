import { build, difference, type Context, type Stage } from './build.ts';
import { Failure } from './files.ts';
import type { Project } from './generate.ts';
import { fix, memoryContext } from '../../src/index.ts';
import type { BuildContext, Outcome } from '../../src/model.ts';

export type Verdict = 'unchanged' | 'fails' | 'same';

export const attempt = (source: string, context: Context, rules: string): readonly Stage[] | Failure => {
  try {
    return build(source, context, rules);
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
  for (const each of [context, disk]) {
    const before = attempt(source, each, rules);
    if (before instanceof Failure) {
      failure = before;
      continue;
    }
    const result = attempt(after, each, rules);
    const trouble = result instanceof Failure ? `fails: ${result.message}` : difference(before, result);
    if (trouble !== undefined)
      return `${trouble}${each === disk ? ' (on a disk with more files)' : ''}\n--- before\n${source}--- after\n${after}--- ignore file\n${rules}`;
    isBuilt = true;
  }
  return isBuilt ? undefined : failure;
}
