/** What the formats for machines share: a flat list of findings, each with an id that lasts. */
import { createHash } from 'node:crypto';
import { REFUSALS } from '../refusals.ts';
import type { Report } from './reporter.ts';

/** One thing that was found, in the words that the formats for machines share. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  /** A transform's name, or a code. */
  readonly rule: string;
  /** `fix`: something would change; `refusal`: it was left alone; `error`: the file could not be worked on. */
  readonly kind: 'fix' | 'refusal' | 'error';
  readonly message: string;
}

/** In the order of the report; what is as good as it can be is left out. */
export function findingsOf({ outcomes, notes }: Report): readonly Finding[] {
  const ofFiles = outcomes.flatMap(({ path, status, applied, refused }): Finding[] => [
    ...applied.map(({ line, transform, message, risk }): Finding => ({
      ...{ path, line, rule: transform, kind: 'fix' },
      message: risk === undefined ? message : `${message} [unsafe: ${risk}]`,
    })),
    ...refused.map(({ line, code, message, help }): Finding => ({
      ...{ path, line, rule: code, kind: status === 'failed' ? 'error' : 'refusal' },
      message: withHelp(message, help),
    })),
  ]);
  const ofPaths = notes.map(({ path, line = 1, code, message, help }): Finding => ({
    ...{ path, line, rule: code, kind: REFUSALS[code]?.kind === 'error' ? 'error' : 'refusal' },
    message: withHelp(message, help),
  }));
  return [...ofFiles, ...ofPaths];
}

function withHelp(message: string, help: string | undefined): string {
  return help === undefined || help === '' ? message : `${message}; ${help}`;
}

/** With an id that is the same wherever in the file it stands: a shift of lines is no new finding. */
export function fingerprinted(findings: readonly Finding[]): readonly (Finding & { readonly id: string })[] {
  const seen = new Map<string, number>();
  return findings.map((finding) => {
    const key = [finding.path, finding.rule, finding.message].join('\0');
    const nth = seen.get(key) ?? 0;
    seen.set(key, nth + 1);
    const id = createHash('sha256').update([key, nth].join('\0')).digest('hex').slice(0, 32);
    return { ...finding, id };
  });
}
