/** ENV, ARG and LABEL on symbols: what each name holds, whatever the order in which unrelated names were set. */
import { pairs } from '../dockerfile/check.ts';
import { expand, type Escape, type Lookup } from '../dockerfile/variables.ts';
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
  readonly texts: Map<string, string>;
  /** Those of `texts` that programs take file names from. */
  readonly followed = new Map<string, string>();
  private readonly provenance = new Set<string>();
  private readonly groups: Group[] = [];
  private known: number | undefined;
  /** All that was set, in order. */
  private all = 0;
  /** What ARGs before the first FROM hold. */
  private readonly globals: ReadonlyMap<string, string>;
  private readonly lookup: Lookup = {
    look: (name) => {
      const text = this.texts.get(name);
      return { value: text ?? INHERITED, set: text === undefined ? undefined : true, varies: false };
    },
    // Either may count; what came with the base image is not looked at, nor what stands behind it in a list.
    either: (value, alternative) => [alternative, value].filter((each) => each !== '' && each !== undefined).join(':'),
  };

  constructor(symbols: Symbols, from?: Variables, globals: ReadonlyMap<string, string> = from?.globals ?? new Map()) {
    this.symbols = symbols;
    this.globals = globals;
    this.all = from?.all ?? 0;
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
  set(keyword: 'ENV' | 'ARG' | 'LABEL', text: string, escape: Escape): void {
    const references = this.references(text);
    const expanded = (word: string): string | undefined => expand(word, this.lookup, escape).value;
    const set = settings(keyword, text, escape).map(([name, value]) => [toldName(expanded(name)), value] as const);
    const into = keyword === 'LABEL' ? this.labels : this.values;
    const changes = set.map(([name]) => {
      // One whose name is not known may be any.
      const before = name === ANY ? this.all : (into.get(name) ?? 0);
      return [name, this.symbols.of(keyword, text, escape, references, before, into.get(ANY) ?? 0)] as const;
    });
    for (const [name, symbol] of changes)
      if (keyword === 'LABEL') this.labels.set(name, symbol);
      else this.put(name, symbol);
    this.all = this.symbols.of(this.all, keyword, ...changes.map(([, symbol]) => symbol));
    if (keyword === 'LABEL') return;
    // All of an instruction see the old values (rule 19); an ARG without a value takes that of before the first FROM.
    const texts = set.map(
      ([name, value]) => [name, value === undefined ? this.globals.get(name) : expanded(value)] as const,
    );
    for (const [name, value] of texts) {
      if (value === undefined && keyword === 'ARG') continue;
      // What doubles from line to line is not a path.
      const told = (value ?? INHERITED).slice(0, LONGEST);
      this.texts.set(name, told);
      if (isFollowed(name)) this.followed.set(name, told);
    }
  }

  /** One of them differs from build to build. */
  differs(): boolean {
    return this.provenance.size > 0;
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  /** What the variables that a text names hold. */
  references(text: string): string {
    if (!text.includes('$')) return '';
    const names = new Set([...text.matchAll(/\$\{?([\p{L}\p{Nd}_]+)/gu)].map((match) => match[1] as string));
    if (this.values.has(ANY)) names.add(ANY);
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

/** Stands for a name that is not known: `ENV $A=b`. */
const ANY = '?';

function toldName(name: string | undefined): string {
  return name === undefined || name.includes(INHERITED) ? ANY : name;
}

/** What is set, in order, as it is written; an ARG may have no value. */
function settings(
  keyword: string,
  text: string,
  escape: Escape,
): readonly (readonly [name: string, value: string | undefined])[] {
  const words = pairs(text, escape);
  // The legacy form: `ENV name value with blanks`.
  if (keyword !== 'ARG' && words[0]?.includes('=') === false)
    return [[words[0], text.trim().slice(words[0].length).trim()]];
  return words.map((word) => {
    const equals = word.indexOf('=');
    return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
  });
}
