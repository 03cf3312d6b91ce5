/** `docker build` and its likes in scripts: which directory and which Dockerfile they name. */
import { parse } from 'unbash';

export interface BuildCommand {
  /** As written; both are relative to `directory`, unless they begin with `ROOT`. */
  readonly context: string;
  readonly dockerfile?: string;
  /** Where it runs, from where the script starts. */
  readonly directory: string;
  /** After a `cd` that cannot be followed. */
  readonly lost?: true;
}

export interface ScriptKind {
  /** Each line has a shell of its own, as in a Makefile. */
  readonly separateLines?: boolean;
  /** Where it starts, and where the script itself lies; relative to the repository's root. */
  readonly start?: string;
  readonly script?: string;
}

/** Stands for the repository's root where a path begins. */
export const ROOT = '__repository_root__';

/** Options that take a value as the next word, of any of the builders. */
const VALUED = new Set(
  (
    '-t --tag --build-arg --target --platform --cache-from --cache-to --label -o --output --secret --ssh --progress ' +
    '--network --add-host --build-context --builder --shm-size -m --memory --iidfile --metadata-file --isolation --ulimit ' +
    '--cpuset-cpus --annotation --attest --format --allow --call --cgroup-parent --no-cache-filter --sbom --provenance ' +
    '--memory-swap --security-opt -c --cpu-shares --cpu-period --cpu-quota --cpuset-mems -v --volume --authfile --creds ' +
    '--cert-dir --device --dns --dns-option --dns-search --env --hooks-dir --ignorefile --jobs --logfile --runtime ' +
    '--runtime-flag --sign-by --timestamp --userns --uts --pid --ipc --cap-add --cap-drop --arch --os --variant ' +
    '--build-arg-file --layer-label --unsetenv --unsetlabel --unsetannotation --retry --retry-delay --decryption-key --group-add'
  ).split(' '),
);

/** Those of `docker` itself: https://docs.docker.com/reference/cli/docker/ */
const GLOBAL = new Set(['--config', '-c', '--context', '-H', '--host', '-l', '--log-level']);

/** Names of the directory that a command runs in. */
const HERE = /\$\{?PWD(?!\w)\}?|\$\(pwd(?: -P)?\)|`pwd`/g;
/** Of the one that a Makefile is read in. */
const START = /\$\(CURDIR\)|\$\{CURDIR\}|\$\(shell +pwd\)|\$\(PWD\)/g;
const TOP =
  /\$\((?:shell +)?git (?:-C \S+ )?rev-parse --show-toplevel(?: *2> *\/dev\/null)? *\)|`git rev-parse --show-toplevel`|\$[{(]?(?:CI_PROJECT_DIR|GITHUB_WORKSPACE)(?!\w)[})]?|\$\{\{ *github\.workspace *\}\}/g;
/** The directory of the script itself. */
const OWN = own();
const ABSOLUTE = /\$\((?:shell +)?(?:abspath|realpath|readlink -f) +"?([\w./-]+)"? *\)/g;
const ENTERED =
  /\$\((?:shell +)?(?:CDPATH=\S* +)?cd +(?:-P +)?(?:-- +)?"?([\w./-]+)"?(?: *[12&]?>&? *(?:\/dev\/null|&?1))* *(?:&&|;) *pwd(?: -P)? *\)/g;

function own(): RegExp {
  const self = String.raw`"?\$(?:0|BASH_SOURCE|\{(?:0|BASH_SOURCE(?:\[0\])?)(?::-\$0)?\})"?`;
  const real = String.raw`(?:${self}|"?\$\((?:realpath|readlink -f) +(?:-- +)?${self}\)"?)`;
  const list = String.raw`\$\((?:first|last)word +\$\(MAKEFILE_LIST\)\)`;
  return new RegExp(
    [
      String.raw`\$\(dirname +(?:-- +)?${real} *\)`,
      `\`dirname +${self}\``,
      String.raw`\$\{(?:0|BASH_SOURCE(?:\[0\])?)%/\*\}`,
      String.raw`\$\((?:dir|shell +dirname) +(?:${list}|\$\((?:abspath|realpath) +${list}\)) *\)`,
    ].join('|'),
    'g',
  );
}

const MAX_LINE = 10_000;
/** More than anybody has in a file. */
export const MAX_BUILDS = 1_000;
/** No system opens a longer one. */
const MAX_PATH = 4_096;

export function buildCommands(text: string, kind: ScriptKind = {}): readonly BuildCommand[] {
  if (!/docker|podman|buildah|nerdctl|depot/.test(text) || !/\b(?:build|bud)\b/.test(text)) return [];
  const found: BuildCommand[] = [];
  const variables = constants(text, kind);
  let scope: Scope = { here: '.', lost: false };
  for (const raw of text.replace(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    if (found.length >= MAX_BUILDS) break;
    if (raw.length > MAX_LINE || !/\b(?:build|bud|cd|pushd|popd)\b/.test(raw)) continue;
    // What a variable was set to may name a place, too.
    const line = fill(
      withPlaces(raw, kind, (path) => path),
      variables,
    );
    if (kind.separateLines === true) scope = { here: '.', lost: false };
    for (const { words, input, directory, lost } of commandsOf(parse(line), scope)) {
      const build = buildOf(words, input);
      if (build !== undefined) found.push({ ...build, directory, ...(lost ? { lost } : {}) });
    }
  }
  return found;
}

function fill(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:\{(\w+)\}|\((\w+)\)|(\w+))/g,
    (whole, a?: string, b?: string, c?: string) => variables.get(a ?? b ?? c ?? '') ?? whole,
  );
}

/** With the directories that have well-known names put in; `here` makes a path of one relative to where the line runs. */
function withPlaces(line: string, { start, script }: ScriptKind, here: (path: string) => string | undefined): string {
  const at = (directory: string | undefined): string | undefined =>
    directory === undefined || !/^[\w./-]+$/.test(directory)
      ? undefined
      : directory === '.'
        ? ROOT
        : `${ROOT}/${directory}`;
  const entered = (whole: string, path: string): string => (path.startsWith(ROOT) ? path : (here(path) ?? whole));
  return (
    line
      // make's `dir` leaves a slash at the end.
      .replace(OWN, (whole) => at(script)?.concat(whole.startsWith('$(dir ') ? '/' : '') ?? whole)
      .replace(TOP, ROOT)
      .replace(START, (whole) => at(start) ?? whole)
      .replace(ENTERED, entered)
      .replace(ABSOLUTE, entered)
      .replace(HERE, (whole) => here('.') ?? whole)
  );
}

/** Variables that the text sets once, to plain text or to a directory that is known. */
function constants(text: string, kind: ScriptKind): ReadonlyMap<string, string> {
  const set = text.split('\n').flatMap((line) => {
    const [, name = '', value = ''] =
      /^[ \t]*(?:(?:export|readonly|local)[ \t]+)?(\w+)[ \t]*[:?]?=(.*)/.exec(line.slice(0, MAX_LINE)) ?? [];
    return name === '' ? [] : [{ name, value: value.trim() }];
  });
  const times = new Map<string, number>();
  for (const { name } of set) times.set(name, (times.get(name) ?? 0) + 1);
  // A subshell, and what stands in `$()`, moves nothing.
  const moves = kind.separateLines !== true && /(?:^|[^(\w-])(?:cd|pushd)\s/m.test(text);
  const { start = '' } = kind;
  const here = (path: string): string | undefined =>
    moves || !/^[\w./-]+$/.test(start) ? undefined : `${ROOT}/${start}/${path}`;
  const values = new Map<string, string>();
  for (const { name, value } of set) {
    if (times.get(name) !== 1) continue;
    const known = withPlaces(fill(value, values), kind, here);
    const plain = /^(["']?)([\w./-]*)\1(?:\s+#.*)?$/.exec(known)?.[2];
    if (plain !== undefined && plain.length < MAX_PATH) values.set(name, plain);
  }
  return values;
}

interface Node {
  readonly type?: string;
  readonly name?: Node;
  readonly suffix?: readonly Node[];
  readonly value?: string;
  readonly text?: string;
  /** Of a redirection. */
  readonly operator?: string;
  readonly target?: Node;
}

interface Place {
  here: string;
  /** It cannot be told where. */
  lost: boolean;
}

interface Scope extends Place {
  /** Where `cd -` and `popd` go back to. */
  left?: Place | undefined;
}

interface Located {
  readonly words: readonly string[];
  /** The file that it reads as its standard input. */
  readonly input?: string | undefined;
  readonly directory: string;
  readonly lost: boolean;
}

/** All simple commands below a node, in order; `cd` in a subshell ends with it. */
function commandsOf(node: unknown, scope: Scope, depth = 0): Located[] {
  if (typeof node !== 'object' || node === null || depth > 60) return [];
  if (Array.isArray(node)) return node.flatMap((each) => commandsOf(each, scope, depth + 1));
  const { type, name, suffix } = node as Node;
  if (type === 'Command') {
    const isRedirection = (each: Node): boolean => each.type === 'Redirect';
    const words = [name, ...(suffix ?? []).filter((each) => !isRedirection(each))].map(textOf);
    const input = suffix?.find((each) => isRedirection(each) && each.operator === '<')?.target;
    while (/^(?:sudo|time|nohup|exec|command|env|cross-env|\w+=.*|@.*|-)$/.test(words[0] ?? '') && words.length > 1)
      words.shift();
    if (/^(?:cd|pushd|popd)$/.test(words[0] ?? '')) move(scope, words);
    const { here: directory, lost } = scope;
    return [{ words, directory, lost, ...(input === undefined ? {} : { input: textOf(input) }) }];
  }
  const inner = type === 'Subshell' || type === 'CommandExpansion' ? { ...scope } : scope;
  return Object.values(node).flatMap((each) => commandsOf(each, inner, depth + 1));
}

function textOf(word: Node | undefined): string {
  return word?.value ?? word?.text ?? '';
}

function move(scope: Scope, [command, ...words]: readonly string[]): void {
  const { here, lost, left } = scope;
  const to = words.find((word) => !word.startsWith('-')) ?? '';
  scope.left = { here, lost };
  if (command === 'popd' || words.includes('-')) Object.assign(scope, left ?? LOST);
  else if (to.startsWith(ROOT)) Object.assign(scope, { here: to, lost: false });
  else if (/^[\w./-]+$/.test(to) && here.length < MAX_PATH) scope.here = `${here}/${to}`;
  else Object.assign(scope, LOST);
}

/** Scripts go to their own directory or to the root that way; which, is for the caller to try. */
const LOST: Place = { here: '.', lost: true };

function buildOf(words: readonly string[], input?: string): Pick<BuildCommand, 'context' | 'dockerfile'> | undefined {
  if (!/^@?(?:.*\/)?(?:docker|podman|buildah|nerdctl|depot)$/.test(words[0] ?? '')) return undefined;
  const isValue = (at: number): boolean => GLOBAL.has(words[at - 1] ?? '');
  const start = words.findIndex((word, at) => /^(?:build|bud)$/.test(word) && !isValue(at));
  const known = (word: string, at: number): boolean => isValue(at + 1) || /^(?:buildx|image|builder|-\S+)$/.test(word);
  if (start < 1 || !words.slice(1, start).every(known)) return undefined;
  let dockerfile: string | undefined;
  const positional: string[] = [];
  for (let at = start + 1; at < words.length; at++) {
    const word = words[at] as string;
    const joined = /^(?:--file=|-f=?(?=-$|[^\s-]))(.+)$/.exec(word)?.[1];
    if (joined !== undefined) dockerfile = joined;
    else if (word === '-f' || word === '--file') dockerfile = words[++at];
    else if (VALUED.has(word)) at++;
    else if (!word.startsWith('-')) positional.push(word);
    else if (word === '-') return undefined;
  }
  // `-f -` reads the Dockerfile from standard input, which a pipe may be.
  if (dockerfile === '-' && input === undefined) return undefined;
  if (dockerfile === '-') dockerfile = input;
  // It comes last by custom; what stands before it belongs to an option that is not known here.
  const context = positional.findLast((word) => !holdsOptions(word)) ?? positional.at(-1);
  if (context === undefined) return undefined;
  return { context, ...(dockerfile === undefined ? {} : { dockerfile }) };
}

/** `$@`, `"${args[@]}"`, `$(BUILD_ARGS)`: a variable of options rather than of a path, by its name. */
function holdsOptions(word: string): boolean {
  if (/^"?\$(?:[@*]|\{\w+\[[@*]\])/.test(word)) return true;
  const name = /^"?\$[{(]?(\w+)/.exec(word)?.[1];
  return name !== undefined && /(?:^|_)(?:arg|arguments?|extra|flag|opt|option|param)s?(?:_|$)|Args$|Opts$/i.test(name);
}
