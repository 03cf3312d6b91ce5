/**
 * Go modules. Spec section 6.
 *
 * Reads: [V: 1.19] go.mod (required) and go.sum of the main module; go.work, searched upward or named by GOWORK, with
 * its .sum and the go.mod of every `use` directory, unless GOWORK=off; of local `replace` targets go.mod alone. With
 * vendor/modules.txt and no `-mod=mod` nothing is downloaded. GOFLAGS counts for `go mod download`, too [V: 1.26].
 *
 * Writes: the module cache, outside of the project. From Go 1.18 on `go mod download` leaves go.sum alone; earlier
 * ones complete it, so a go.sum that lacks a requirement is refused.
 *
 * Runs: nothing of the project; `go generate` and `go mod tidy` are not taken for installs.
 *
 * Hazards: `go mod download` can fail where `go build` passes: on a module that the build does not need and that
 * cannot be reached [V]. So signs of private modules (GOPRIVATE, .netrc, ssh mounts) are a refusal.
 *
 * Sources: https://go.dev/ref/mod, https://go.dev/doc/go1.18#go-command
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Step, Trouble } from '../model.ts';
import { ancestors, parentOf, resolvePath } from '../dockerfile/state.ts';
import { directoryFrom, optionTable, parseArguments, type Arguments } from './shared/arguments.ts';
import { memo } from './shared/memo.ts';
import { at } from './shared/package-json.ts';
import {
  alreadyCached,
  bareBuild,
  build,
  generated,
  isMounted,
  isTrouble,
  missing,
  single,
  tool,
  unknown,
  unresolvedVariable,
} from './shared/steps.ts';

const OPTIONS = optionTable(
  '-o -p -asmflags -buildmode -buildvcs -compiler -gccgoflags -gcflags -installsuffix -ldflags -pkgdir -tags -toolexec -run -bench -count -timeout -coverprofile -covermode -coverpkg -cpu -parallel -exec -vettool --ldflags --tags --o -x',
  '-C -mod -modfile -modcacherw -overlay -pgo',
);
const BUILDS = new Set(['build', 'install', 'test', 'run', 'vet', 'generate', 'list']);
const STORES = ['/go/pkg/mod', '/root/go/pkg/mod', '/go/pkg', '/go'];

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb, ...rest] = args.positional;
  const base = { manager: 'go', command, place, directory: directoryFrom(args, ['-C'], place) };
  if (verb === 'mod') return rest[0] === 'download' ? { ...base, kind: 'fetch' } : undefined;
  if (verb === 'install' && rest.length > 0 && rest.every((each) => /^[\w.-]+\.[\w-]+\/.*@/.test(each)))
    return { ...base, kind: 'tool' };
  // Of what the source imports, in the versions that go.mod names.
  if (verb === 'get' && !args.options.has('-u') && rest.every((each) => /^\.\.?(?:\/|$)/.test(each)))
    return { ...base, kind: 'build' };
  // `go run PACKAGE@VERSION` does without the go.mod that is there.
  if (verb === 'run' && rest[0]?.includes('@') === true) return undefined;
  return verb !== undefined && BUILDS.has(verb) ? { ...base, kind: 'build' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  if (install.kind === 'tool') return tool(install);
  const args = parseArguments(install.command, 1, OPTIONS);
  if (install.kind === 'fetch') {
    if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
    // With module arguments it downloads just those.
    const reads = moduleReads(install, files, args);
    return isTrouble(reads) ? unknown(install, reads) : single(fetch(install.command.text, reads));
  }
  const refusal = whyNotFetch(install, files, args);
  if (refusal !== undefined) return bareBuild(install, refusal);
  const reads = moduleReads(install, files, args);
  if (isTrouble(reads)) return bareBuild(install, reads);
  const flags = ['-C', '-modfile']
    .map((name) => [name, args.options.get(name)] as const)
    .flatMap(([name, value]) => (typeof value === 'string' ? [`${name}=${value}`] : []));
  const [first = '', ...others] = [...flags.filter((flag) => flag.startsWith('-C')), 'mod download', ...flags.slice(1)];
  const before = `${assignments(install.command)}go ${[first, ...others].join(' ')}`.trim();
  return build(install, fetch(before, reads), [
    { before, after: install.command.text, why: 'modules are downloaded by a step of their own' },
  ]);
}

/** `GOFLAGS=-mod=mod GOPROXY=… ` in front of the command; what is about compiling stays out. */
function assignments(command: Command): string {
  return command.assignments
    .filter(
      ({ name, value }) =>
        value !== undefined &&
        /^GO(?:FLAGS|PROXY|NOSUMDB|SUMDB|WORK|TOOLCHAIN|INSECURE|MODCACHE|PATH|VCS|AUTH)$/.test(name),
    )
    .map(({ name, value }) => `${name}=${value as string} `)
    .join('');
}

function fetch(name: string, reads: readonly Read[]): Step {
  return { name, reads, writes: [], edits: [], system: 'reads', warm: true };
}

/** Where a download of its own would be of no use, or could fail although the build does not. */
function whyNotFetch(install: Install, files: Files, args: Arguments): Trouble | undefined {
  const { place, command } = install;
  if (args.unresolved !== undefined && args.positional[0] === undefined)
    return unresolvedVariable(install, args.unresolved);
  const store = place.environment('GOMODCACHE');
  if (isMounted(place, store === undefined ? STORES : [...STORES, store]))
    return alreadyCached(install, 'the module cache');
  const flags = `${setting(install, 'GOFLAGS') ?? ''} ${command.text}`;
  if (setting(install, 'GO111MODULE') === 'off')
    return missing(at(install.directory, 'go.mod'), 'that Go would use (GO111MODULE=off)');
  const root = moduleRoot(install, files);
  const work = workspaceOf(install, files);
  if (root === undefined && work === undefined) return missing(at(install.directory, 'go.mod'));
  if (
    /-mod=vendor/.test(flags) ||
    (files.has(at(work === undefined ? (root ?? '/') : parentOf(work), 'vendor/modules.txt')) === 'yes' &&
      !/-mod=mod/.test(flags))
  )
    return { code: 'already-cached', message: `\`${command.text}\` takes its modules from vendor/` };
  const signal = ['GOPRIVATE', 'GONOPROXY', 'GONOSUMDB', 'GONOSUMCHECK'].find(
    (name) => (setting(install, name) ?? '') !== '',
  );
  const secret = place.mounts.find(({ type }) => type === 'ssh' || type === 'secret');
  if (signal !== undefined || secret !== undefined || files.has('/root/.netrc') === 'yes')
    return {
      code: 'private-modules',
      message: `\`${command.text}\` may use private modules (${signal ?? (secret === undefined ? '.netrc' : `--mount=type=${secret.type}`)}), and \`go mod download\` can fail on one that the build never needs`,
      help: 'add `COPY go.mod go.sum ./` and `RUN go mod download` yourself if it can reach them all, or mount a cache at /go/pkg/mod',
    };
  return undefined;
}

function moduleRoot(install: Install, files: Files): string | undefined {
  for (const directory of ancestors(install.directory))
    if (files.has(at(directory, 'go.mod')) !== 'no') return directory;
  return undefined;
}

function moduleReads(install: Install, files: Files, args: Arguments): readonly Read[] | Trouble {
  const flags = setting(install, 'GOFLAGS') ?? '';
  for (const name of ['-modfile', '-overlay']) {
    const other = args.options.get(name) ?? new RegExp(`${name}=(\\S+)`).exec(flags)?.[1];
    if (typeof other === 'string')
      return {
        code: 'dynamic-manifest',
        message: `\`${install.command.text}\` takes its requirements from \`${other}\``,
        help: `leave ${name} out`,
      };
  }
  const work = workspaceOf(install, files);
  const root = moduleRoot(install, files);
  if (root === undefined && work === undefined) return missing(at(install.directory, 'go.mod'));
  const seen = new Set<string>();
  const reads: Read[] = [];
  const queue: string[] = [];
  for (const [, path = ''] of (setting(install, 'GOPROXY') ?? '').matchAll(/file:\/\/([^,|]+)/g))
    reads.push({ path: resolvePath('/', path), tree: true });
  if (isSearched(install))
    for (const directory of ancestors(install.directory)) reads.push({ path: at(directory, 'go.work') });
  if (work !== undefined) {
    const text = files.read(work);
    if (text === undefined) return files.has(work) === 'no' ? missing(work) : generated(work);
    reads.push({ path: work }, { path: `${work}.sum` });
    const from = parentOf(work);
    for (const [directory = ''] of directives(text, 'use')) queue.push(resolvePath(from, directory));
    for (const words of directives(text, 'replace')) queue.push(...replacement(words, from));
  } else if (root !== undefined) queue.push(root);
  for (let directory = queue.shift(); directory !== undefined; directory = queue.shift()) {
    if (seen.has(directory)) continue;
    seen.add(directory);
    const path = at(directory, 'go.mod');
    const text = files.read(path);
    if (files.has(path) === 'no') return missing(path);
    if (text === undefined) return generated(path);
    reads.push({ path }, { path: at(directory, 'go.sum') });
    // Replacements count in main modules alone; those of a replaced module are only looked at.
    for (const words of directives(text, 'replace')) queue.push(...replacement(words, directory));
    if (directory === root && work === undefined) {
      const lacking = unsummed(text, files.read(at(directory, 'go.sum')) ?? '');
      if (lacking !== undefined)
        return {
          code: 'mutating-install',
          message: `\`${at(directory, 'go.sum')}\` lacks \`${lacking}\`, which \`go mod download\` of Go 1.17 and older would add`,
          help: 'run `go mod tidy` and commit go.sum',
        };
    }
  }
  return reads;
}

/** A variable in front of the command itself counts most. */
function setting({ command, place }: Install, name: string): string | undefined {
  const own = command.assignments.findLast((each) => each.name === name);
  return own === undefined ? place.environment(name) : own.value;
}

/** GOWORK names a file, or says `off`. https://go.dev/ref/mod#workspaces */
function isSearched(install: Install): boolean {
  return /^(?:auto)?$/.test(setting(install, 'GOWORK') ?? '');
}

/** The go.work in force. */
function workspaceOf(install: Install, files: Files): string | undefined {
  const named = setting(install, 'GOWORK');
  if (named === 'off') return undefined;
  if (named !== undefined && !isSearched(install)) return resolvePath(install.place.directory, named);
  for (const directory of ancestors(install.directory))
    if (files.has(at(directory, 'go.work')) === 'yes') return at(directory, 'go.work');
  return undefined;
}

/** `old => ./local`: the local directory. */
function replacement(words: readonly string[], directory: string): readonly string[] {
  const target = words[words.indexOf('=>') + 1] ?? '';
  return words.includes('=>') && /^(?:\.{1,2}(?:\/|$)|\/)/.test(target) ? [resolvePath(directory, target)] : [];
}

/** A directly required module of which go.sum has no content hash. */
function unsummed(mod: string, sum: string): string | undefined {
  const known = summed(sum);
  const replaced = new Set(directives(mod, 'replace').map(([name]) => name));
  return directives(mod, 'require')
    .filter((words) => !words.includes('//indirect') && !replaced.has(words[0]))
    .map(([name, version]) => `${name ?? ''} ${version ?? ''}`)
    .find((each) => !known.has(each));
}

const summed = memo((sum) => new Set(sum.split('\n').map((line) => line.split(' ', 2).join(' '))));

/** The words of each `verb …` line or line of a `verb ( … )` block. */
function directives(text: string, verb: string): readonly (readonly string[])[] {
  return allDirectives(text).get(verb) ?? [];
}

/** By verb. Grammar: https://go.dev/ref/mod#go-mod-file-grammar */
const allDirectives = memo((text) => {
  const found = new Map<string, string[][]>();
  const add = (verb: string, words: string[]): void => {
    const known = found.get(verb);
    if (known === undefined) found.set(verb, [words]);
    else known.push(words);
  };
  let block: string | undefined;
  for (const raw of text.split('\n')) {
    const [code = '', comment = ''] = raw.split('//', 2);
    const words = (code.match(/"[^"]*"|`[^`]*`|[()]|[^\s()]+/g) ?? []).map((word) =>
      word.replace(/^["`](.*)["`]$/, '$1'),
    );
    const [verb] = words;
    if (verb === undefined) continue;
    if (comment.trim() === 'indirect') words.push('//indirect');
    if (block !== undefined) {
      if (verb === ')') block = undefined;
      else add(block, words);
    } else if (words[1] === '(') block = verb;
    else add(verb, words.slice(1));
  }
  return found;
});

export const go: PackageManager = {
  name: 'go',
  summary: 'go mod download, and go build, install, test, vet and run, which download implicitly',
  commands: ['go'],
  manifests: ['go.mod', 'go.sum'],
  globs: ['go.mod', 'go.sum*'],
  recognise,
  analyse,
  caches: [
    { path: '/go/pkg/mod', class: 'store', variable: 'GOMODCACHE' },
    { path: '~/.cache/go-build', class: 'store', variable: 'GOCACHE', compiled: true },
  ],
};
