/** ENV, ARG and LABEL on symbols: what each name holds, whatever the order in which unrelated names were set. */
import { pairs } from '../dockerfile/check.ts';
import { INHERITED } from './surroundings.ts';
import type { Symbols } from './symbols.ts';

/**
 * Names of values that differ from build to build and say where an image came from. That a package manager's install
 * depends on one is left out of the proof, unless its command names it.
 */
const PROVENANCE =
  /^(?:(?:APP|IMAGE|CI|GITHUB|DOCKER|SOURCE|NEXT_PUBLIC|VITE|REACT_APP)_)?(?:(?:GIT|VCS|SCM|CI_COMMIT|COMMIT|BUILD)_?(?:SHA|SHORT_SHA|COMMIT|COMMIT_SHA|HASH|REV|REVISION|REF|REF_NAME|BRANCH|TAG|ID|NUMBER|NUM|NO|DATE|TIME|TIMESTAMP|VERSION|URL)|COMMIT|SHA|REVISION|VERSION|RELEASE|BUILDTIME|BUILDDATE|TIMESTAMP|CREATED)$/;

export function isProvenance(name: string): boolean {
  return PROVENANCE.test(name);
}

/** Of a variable's text, as far as it is looked at. */
const LONGEST = 10_000;

export class Variables {
  private readonly symbols: Symbols;
  private readonly values: Map<string, number>;
  private readonly labels: Map<string, number>;
  /** What each variable holds, where a default says; what came with the base image is `INHERITED`. */
  readonly texts: Map<string, string>;
  private known: number | undefined;

  constructor(
    symbols: Symbols,
    values = new Map<string, number>(),
    labels = new Map<string, number>(),
    texts = new Map<string, string>(),
  ) {
    this.symbols = symbols;
    this.values = values;
    this.labels = labels;
    this.texts = texts;
  }

  fork(): Variables {
    return new Variables(this.symbols, new Map(this.values), new Map(this.labels), new Map(this.texts));
  }

  /** The order of two settings of one name counts (rule 18), and what a value refers to. */
  set(keyword: 'ENV' | 'ARG' | 'LABEL', text: string, escape: '\\' | '`'): void {
    const references = this.references(text);
    const into = keyword === 'LABEL' ? this.labels : this.values;
    const changes = namesOf(keyword, text, escape).map(
      (name) => [name, this.symbols.of(keyword, text, references, into.get(name) ?? 0)] as const,
    );
    for (const [name, symbol] of changes) into.set(name, symbol);
    this.known = undefined;
    if (keyword === 'LABEL') return;
    const expand = (value: string): string =>
      value
        .replace(/^(["'])(.*)\1$/s, '$2')
        .replace(/\$\{?(\w+)\}?/g, (_, name: string) => this.texts.get(name) ?? INHERITED)
        // What doubles from line to line is not a path.
        .slice(0, LONGEST);
    // All of an instruction see the old values (rule 19).
    const texts = settings(keyword, text, escape).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, expand(value)] as const],
    );
    for (const [name, value] of texts) this.texts.set(name, value);
  }

  /** What the variables that a text names hold. */
  references(text: string): string {
    const names = new Set([...text.matchAll(/\$\{?(\w+)/g)].map((match) => match[1] as string));
    return [...names]
      .sort()
      .map((name) => `${name}=${this.values.get(name) ?? 0}`)
      .join(' ');
  }

  /** The symbol of all variables; with the text of a command, without provenance that it does not name. */
  value(used?: string): number {
    if (used !== undefined) return this.hash((name) => !isProvenance(name) || used.includes(name));
    return (this.known ??= this.hash(() => true));
  }

  private hash(keep: (name: string) => boolean): number {
    const entries = [...this.values].filter(([name]) => keep(name)).map(([name, symbol]) => `${name}=${symbol}`);
    return this.symbols.of('environment', entries.sort().join(' '));
  }

  /** For the image's configuration. */
  lines(): readonly string[] {
    return [
      `environment ${this.value()}`,
      ...[...this.labels].map(([name, symbol]) => `LABEL ${name} ${symbol}`).sort(),
    ];
  }
}

/** A name that is itself a variable may be any. */
function namesOf(keyword: string, text: string, escape: '\\' | '`'): readonly string[] {
  return settings(keyword, text, escape).map(([name]) => name);
}

function settings(
  keyword: string,
  text: string,
  escape: '\\' | '`',
): readonly (readonly [name: string, value: string | undefined])[] {
  const words = pairs(text, escape);
  const bare = (word: string): string => word.replace(/^(["'])(.*)\1$/, '$2');
  // The legacy form: `ENV name value with blanks`.
  if (keyword !== 'ARG' && words[0]?.includes('=') === false)
    return [[bare(words[0]), text.trim().slice(words[0].length).trim()]];
  return words.map((word) => {
    const equals = word.indexOf('=');
    return equals < 0 ? [bare(word), undefined] : [bare(word.slice(0, equals)), word.slice(equals + 1)];
  });
}
