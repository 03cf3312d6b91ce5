/** What every reporter is given, and the table of those that `--format` names. */
import type { Note, Outcome } from '../model.ts';

export interface Report {
  /** Version of dockerfix. */
  readonly tool: string;
  readonly outcomes: readonly (Outcome & { readonly context?: string })[];
  /** About paths rather than Dockerfiles; those that could not be read among them. */
  readonly notes: readonly Note[];
  /** The changes are in the files already. */
  readonly written: boolean;
}

export type Reporter = (report: Report) => string;

export interface Format {
  /** Its readers take paths from the repository's root, not from the working directory. */
  readonly fromRoot?: true;
  load(): Promise<Reporter>;
}

/** Each is loaded only when it is asked for. */
export const FORMATS = {
  json: { load: async () => (await import('./json.ts')).jsonReport },
  sarif: { fromRoot: true, load: async () => (await import('./sarif.ts')).sarifReport },
  github: { fromRoot: true, load: async () => (await import('./github.ts')).githubReport },
  gitlab: { fromRoot: true, load: async () => (await import('./gitlab.ts')).gitlabReport },
  junit: { load: async () => (await import('./junit.ts')).junitReport },
  markdown: { load: async () => (await import('./markdown.ts')).markdownReport },
} as const satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof FORMATS;
