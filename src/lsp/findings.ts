/** What a Dockerfile's outcome means at its lines, and the one fix that each of them offers. */
import { transforms, type FixOptions, type Outcome, type Transform } from '../index.ts';

/** A fix that could be made, or the reason for none, at one line. */
export interface Finding {
  readonly kind: 'fix' | 'refusal' | 'failure';
  /** 1-based. */
  readonly line: number;
  /** The transform's name, or the refusal's code. */
  readonly code: string;
  readonly message: string;
  /** The transform that has a fix for it. */
  readonly transform?: string;
  readonly unsafe: boolean;
}

export function findings(outcome: Outcome): readonly Finding[] {
  const fixes = outcome.applied.map(({ transform, line, message, risk, safety }): Finding => ({
    kind: 'fix',
    line,
    code: transform,
    message: risk === undefined ? message : `${message}\nUnsafe: ${risk}`,
    transform,
    unsafe: safety === 'unsafe',
  }));
  const refusals = outcome.refused.map(({ line, code, message, help, transform }): Finding => ({
    kind: outcome.status === 'failed' ? 'failure' : 'refusal',
    line,
    code,
    message: help === undefined || code === UNSAFE ? message : `${message}\n${help}`,
    ...(code === UNSAFE && transform !== undefined ? { transform } : {}),
    unsafe: code === UNSAFE,
  }));
  return [...fixes, ...refusals].sort((a, b) => a.line - b.line);
}

/** The one refusal that asking again, with leave to be unsafe, turns into a fix. */
const UNSAFE = 'unsafe-fix';

/** Options under which only this finding's fix is made: what the transform proposes at that line of the text as it is. */
export function alone(finding: Finding, source: string, options: FixOptions): FixOptions {
  return {
    ...options,
    unsafe: finding.unsafe,
    transforms: (options.transforms ?? transforms)
      .filter((each) => each.name === finding.transform)
      .map((transform): Transform => ({
        ...transform,
        *propose(file, context, target) {
          if (file.source !== source) return;
          for (const proposal of transform.propose(file, context, target))
            if (proposal.at.line === finding.line) yield proposal;
        },
      })),
  };
}
