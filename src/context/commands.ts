/** `docker build` and its likes in scripts: which directory and which Dockerfile they name. */
import { parse } from 'unbash';

export interface BuildCommand {
  /** As written; both are relative to `directory`. */
  readonly context: string;
  readonly dockerfile?: string;
  /** Where it runs, from where the script starts; absent when a `cd` cannot be followed. */
  readonly directory: string;
}

export interface ScriptKind {
  /** Each line has a shell of its own, as in a Makefile. */
  readonly separateLines?: boolean;
}

/** Options that take a value as the next word. */
const VALUED = new Set(
  (
    '-t --tag --build-arg --target --platform --cache-from --cache-to --label -o --output --secret --ssh --progress ' +
    '--network --add-host --build-context --builder --shm-size -m --memory --iidfile --metadata-file --isolation --ulimit ' +
    '--cpuset-cpus --annotation --attest --format --allow --call --cgroup-parent --no-cache-filter --sbom --provenance'
  ).split(' '),
);

/** Names of the directory that a script starts in. */
const HERE =
  /\$\{?(?:PWD|CI_PROJECT_DIR|GITHUB_WORKSPACE)\}?|\$\{\{\s*github\.workspace\s*\}\}|\$\((?:CURDIR|pwd)\)|`pwd`/g;

const MAX_LINE = 10_000;
/** More than anybody has in a file. */
export const MAX_BUILDS = 1_000;
/** No system opens a longer one. */
const MAX_PATH = 4_096;

export function buildCommands(text: string, { separateLines = false }: ScriptKind = {}): readonly BuildCommand[] {
  if (!/docker|podman|buildah|nerdctl/.test(text) || !/\b(?:build|bud)\b/.test(text)) return [];
  const found: BuildCommand[] = [];
  const variables = constants(text);
  let here = '.';
  for (const raw of text.replace(/\\\r?\n/g, ' ').split('\n')) {
    if (found.length >= MAX_BUILDS) break;
    if (raw.length > MAX_LINE || !/\b(?:build|bud|cd)\b/.test(raw)) continue;
    const line = raw
      .replace(HERE, '.')
      .replace(
        /\$(?:\{(\w+)\}|\((\w+)\)|(\w+))/g,
        (whole, a?: string, b?: string, c?: string) => variables.get(a ?? b ?? c ?? '') ?? whole,
      );
    const scope = { here: separateLines ? '.' : here };
    for (const words of commandsOf(parse(line), scope)) {
      const build = buildOf(words.words);
      if (build !== undefined) found.push({ ...build, directory: words.directory });
    }
    here = scope.here;
  }
  return found;
}

/** Variables that the text sets once, to plain text. */
function constants(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const unclear = new Set<string>();
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] =
      /^[ \t]*(?:(?:export|readonly|local)[ \t]+)?(\w+)[ \t]*[:?]?=(.*)/.exec(line.slice(0, MAX_LINE)) ?? [];
    if (name === '') continue;
    const plain = /^(["']?)([\w./-]*)\1(?:\s+#.*)?$/.exec(value.trim())?.[2];
    if (plain === undefined || values.has(name)) unclear.add(name);
    else values.set(name, plain);
  }
  for (const name of unclear) values.delete(name);
  return values;
}

interface Node {
  readonly type?: string;
  readonly name?: Node;
  readonly suffix?: readonly Node[];
  readonly value?: string;
  readonly text?: string;
}

interface Located {
  readonly words: readonly string[];
  readonly directory: string;
}

/** All simple commands below a node, in order; `cd` in a subshell ends with it. */
function commandsOf(node: unknown, scope: { here: string }, depth = 0): Located[] {
  if (typeof node !== 'object' || node === null || depth > 60) return [];
  if (Array.isArray(node)) return node.flatMap((each) => commandsOf(each, scope, depth + 1));
  const { type, name, suffix } = node as Node;
  if (type === 'Command') {
    const words = [name, ...(suffix ?? [])].map((word) => word?.value ?? word?.text ?? '');
    while (/^(?:sudo|time|exec|command|@.*|-)$/.test(words[0] ?? '') && words.length > 1) words.shift();
    if (words[0] === 'cd' || words[0] === 'pushd') {
      const to = words.slice(1).find((word) => !word.startsWith('-')) ?? '';
      // Scripts go to their own directory or to the root that way; which, is for the caller to try.
      if (/^[\w./-]+$/.test(to) && scope.here.length < MAX_PATH) scope.here = `${scope.here}/${to}`;
    }
    return [{ words, directory: scope.here }];
  }
  const inner = type === 'Subshell' || type === 'CommandExpansion' ? { ...scope } : scope;
  return Object.values(node).flatMap((each) => commandsOf(each, inner, depth + 1));
}

function buildOf(words: readonly string[]): Pick<BuildCommand, 'context' | 'dockerfile'> | undefined {
  if (!/^@?(?:.*\/)?(?:docker|podman|buildah|nerdctl)$/.test(words[0] ?? '')) return undefined;
  const start = words.findIndex((word) => word === 'build' || word === 'bud');
  if (start < 1 || words.slice(1, start).some((word) => !/^(?:buildx|image|builder|--\S+)$/.test(word)))
    return undefined;
  let dockerfile: string | undefined;
  let context: string | undefined;
  for (let at = start + 1; at < words.length; at++) {
    const word = words[at] as string;
    const joined = /^(?:--file=|-f=?(?=[^\s-]))(.+)$/.exec(word)?.[1];
    if (joined !== undefined) dockerfile = joined;
    else if (word === '-f' || word === '--file') dockerfile = words[++at];
    else if (VALUED.has(word)) at++;
    else if (!word.startsWith('-')) context ??= word;
    else if (word === '-') return undefined;
  }
  if (context === undefined) return undefined;
  return { context, ...(dockerfile === undefined ? {} : { dockerfile }) };
}
