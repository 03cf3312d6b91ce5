/** ENV, ARG and LABEL on symbols: what each name holds, whatever the order in which unrelated names were set. */
import { pairs } from '../dockerfile/check.ts';
import { INHERITED, isFollowed } from './surroundings.ts';
import type { Symbols } from './symbols.ts';

/**
 * Names of values that differ from build to build and say where an image came from. That a package manager's install
 * depends on one is left out of the proof, unless its command names it.
 */
const PROVENANCE =
  /^(?:(?:APP|IMAGE|CI|GITHUB|DOCKER|SOURCE|NEXT_PUBLIC|VITE|REACT_APP)_)?(?:(?:GIT|VCS|SCM|CI_COMMIT|COMMIT|BUILD)_?(?:SHA|SHORT_SHA|COMMIT|COMMIT_SHA|HASH|REV|REVISION|REF|REF_NAME|REF_TYPE|BRANCH|TAG|ID|NUMBER|NUM|NO|DATE|TIME|TIMESTAMP|VERSION|URL)|COMMIT|SHA|REVISION|VERSION|RELEASE|BUILDTIME|BUILDDATE|TIMESTAMP|CREATED)$/;

export function isProvenance(name: string): boolean {
  return PROVENANCE.test(name);
}

/** Ordinary names are hashed by groups, so that one more among thousands does not mean to hash them all again. */
const GROUPS = 64;

class Group {
  readonly names = new Set<string>();
  symbol: number | undefined;
}

/** Of a variable's text, as far as it is looked at. */
const LONGEST = 10_000;

export class Variables {
  private readonly symbols: Symbols;
  private readonly values = new Map<string, number>();
  private readonly labels: Map<string, number>;
  /** What each variable holds, where a default says; what came with the base image is `INHERITED`. */
  private readonly texts: Map<string, string>;
  /** Those of `texts` that programs take file names from. */
  readonly followed = new Map<string, string>();
  private readonly provenance = new Set<string>();
  private readonly groups: Group[] = [];
  private known: number | undefined;

  constructor(symbols: Symbols, from?: Variables) {
    this.symbols = symbols;
    this.labels = new Map(from?.labels);
    this.texts = new Map(from?.texts);
    for (const [name, symbol] of from?.values ?? []) this.put(name, symbol);
    for (const [name, text] of from?.followed ?? []) this.followed.set(name, text);
  }

  fork(): Variables {
    return new Variables(this.symbols, this);
  }

  private put(name: string, symbol: number): void {
    if (isProvenance(name)) this.provenance.add(name);
    else {
      let sum = 0;
      for (let at = 0; at < name.length; at++) sum = (sum * 31 + name.charCodeAt(at)) % GROUPS;
      const group = (this.groups[sum] ??= new Group());
      group.names.add(name);
      group.symbol = undefined;
    }
    this.values.set(name, symbol);
    this.known = undefined;
  }

  /** The order of two settings of one name counts (rule 18), and what a value refers to. */
  set(keyword: 'ENV' | 'ARG' | 'LABEL', text: string, escape: '\\' | '`'): void {
    const references = this.references(text);
    const set = settings(keyword, text, escape);
    const into = keyword === 'LABEL' ? this.labels : this.values;
    const changes = set.map(
      ([name]) => [name, this.symbols.of(keyword, text, references, into.get(name) ?? 0)] as const,
    );
    for (const [name, symbol] of changes)
      if (keyword === 'LABEL') this.labels.set(name, symbol);
      else this.put(name, symbol);
    if (keyword === 'LABEL') return;
    const expand = (value: string): string =>
      value
        .replace(/^(["'])(.*)\1$/s, '$2')
        .replace(/\$\{?(\w+)\}?/g, (_, name: string) => this.texts.get(name) ?? INHERITED)
        // What doubles from line to line is not a path.
        .slice(0, LONGEST);
    // All of an instruction see the old values (rule 19).
    const texts = set.flatMap(([name, value]) => (value === undefined ? [] : [[name, expand(value)] as const]));
    for (const [name, value] of texts) {
      this.texts.set(name, value);
      if (isFollowed(name)) this.followed.set(name, value);
    }
  }

  /** What the variables that a text names hold. */
  references(text: string): string {
    if (!text.includes('$')) return '';
    const names = new Set([...text.matchAll(/\$\{?(\w+)/g)].map((match) => match[1] as string));
    return [...names]
      .sort()
      .map((name) => `${name}=${this.values.get(name) ?? 0}`)
      .join(' ');
  }

  /** The symbol of all variables; with the text of a command, without provenance that it does not name. */
  value(used?: string): number {
    const named = [...this.provenance].filter((name) => used?.includes(name) !== false);
    return named.length < this.provenance.size ? this.hash(named) : (this.known ??= this.hash(named));
  }

  private hash(provenance: readonly string[]): number {
    const groups = this.groups.map((group) => (group.symbol ??= this.symbols.of('group', this.list(group.names))));
    return this.symbols.of('environment', groups.join(' '), this.list(provenance));
  }

  private list(names: Iterable<string>): string {
    return [...names]
      .sort()
      .map((name) => `${name}=${this.values.get(name) ?? 0}`)
      .join(' ');
  }

  /** For the image's configuration. */
  lines(): readonly string[] {
    return [
      `environment ${this.value()}`,
      ...[...this.labels].map(([name, symbol]) => `LABEL ${name} ${symbol}`).sort(),
    ];
  }
}

/** What is set, in order; a value that is not told is undefined. A name that is itself a variable may be any. */
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
