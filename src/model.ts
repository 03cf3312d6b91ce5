/**
 * Every type that two rooms share. No behaviour, no imports.
 *
 * Offsets are UTF-16 code units into the text they belong to; lines and columns exist only in reports.
 * Image paths are absolute POSIX paths (`/app/package.json`); context paths are relative POSIX paths
 * (`package.json`, the context's own root is `.`).
 */

/** Half-open range `[start, end)`. */
export type Span = readonly [start: number, end: number];

// ---------------------------------------------------------------------------------------------- Dockerfile

export interface Dockerfile {
  /** The text exactly as read: BOM, line ends and all. */
  readonly source: string;
  readonly escape: '\\' | '`';
  /** Value of the `# syntax=` directive, e.g. `docker/dockerfile:1.20`. */
  readonly syntax?: string;
  /** The line end to insert lines with: that of the first line that has one. */
  readonly eol: '\n' | '\r\n';
  /** `ARG`s before the first `FROM` (rule 16). */
  readonly globals: readonly Instruction[];
  readonly stages: readonly Stage[];
  /** All instructions in order, globals included. */
  readonly instructions: readonly Instruction[];
  /** All comments outside of instructions, in order; directives excluded. */
  readonly comments: readonly Comment[];
  /** Why nothing may be changed in this file (`parser-disagrees`, `syntax-error` ...); absent: it was understood. */
  readonly trouble?: Trouble;
}

/** A line of its own between instructions; those within an instruction belong to its text. */
export interface Comment {
  /** From `#` to the end of the line, line end excluded. */
  readonly span: Span;
  readonly text: string;
}

/** A finding about the text or a fact that stands in the way. */
export interface Trouble {
  /** Stable kebab-case code. */
  readonly code: string;
  readonly message: string;
  /** What the user could do about it. */
  readonly help?: string;
  readonly span?: Span;
  /** Of `manifest-missing`: the image path at which nothing is. */
  readonly path?: string;
}

export interface Stage {
  readonly index: number;
  readonly span: Span;
  /** Lower-cased `AS` name (rule 13). */
  readonly name?: string;
  readonly base: Base;
  readonly from: Instruction;
  /** Everything after `FROM`, in order. */
  readonly instructions: readonly Instruction[];
}

export interface Base {
  /** Image reference with global ARG defaults filled in; absent when it cannot be resolved. */
  readonly image?: string;
  /** Index of an earlier stage in this file. */
  readonly stage?: number;
  /** As written. */
  readonly text: string;
}

/** A Dockerfile word: an argument of COPY, WORKDIR, USER ... */
export interface Word {
  /** As written, continuations removed; in JSON form decoded, so that only `span` is as written. */
  readonly text: string;
  readonly span: Span;
  /** After expansion and quote removal, build-arg defaults assumed; absent when it cannot be known. */
  readonly value?: string;
  /** The value came from an ARG, so `--build-arg` can change it. */
  readonly varies: boolean;
}

export interface Flag {
  /** Without dashes: `chown`. */
  readonly name: string;
  /** Raw text after `=`, quotes processed; absent for a bare flag such as `--link`. */
  readonly value?: string;
  readonly span: Span;
}

export interface Heredoc {
  readonly name: string;
  readonly stripTabs: boolean;
  /** The delimiter was quoted, so COPY does not expand the body. */
  readonly quoted: boolean;
  /** The body, terminator line excluded. */
  readonly body: Span;
}

/** What is in force just before an instruction runs. */
export interface State {
  /** As resolved; absent: the base image's. */
  readonly user?: string;
  /** Absolute image path. Starts with `?` where the base image's own directory is not known. */
  readonly workdir: string;
  readonly shell: readonly string[];
  readonly environment: Environment;
}

/** ENV and ARG as RUN and expansion see them at one point. */
export interface Environment {
  /** Constant value with build-arg defaults assumed; undefined when unset or not known. */
  get(name: string): string | undefined;
  /** Set by ENV or by an ARG (with or without a value) here or in a parent stage. */
  declared(name: string): boolean;
  /** The value comes from an ARG, directly or through expansion. */
  varies(name: string): boolean;
}

interface InstructionBase {
  /** The instruction from its keyword to its end (heredoc bodies included), the last line end excluded. */
  readonly span: Span;
  /** Like `span`, but from the start of the comment block attached directly above (rule 12), or of its own line. */
  readonly outer: Span;
  /** The attached comments. */
  readonly comments: readonly Comment[];
  /** Upper-cased. */
  readonly keyword: string;
  readonly flags: readonly Flag[];
  /** Everything after the keyword and flags, as an untouched range of the source (heredoc bodies excluded). */
  readonly argument: Span;
  /** The same as a builder reads it: without continuations and the comments between them. */
  readonly text: string;
  /** 1-based line of the keyword. */
  readonly line: number;
  readonly heredocs: readonly Heredoc[];
  readonly state: State;
}

export interface Run extends InstructionBase {
  readonly keyword: 'RUN';
  readonly form: 'shell' | 'exec' | 'heredoc';
  /** Top-level commands in order; absent: the shell text was not understood. */
  readonly commands?: readonly Command[];
}

export interface Copy extends InstructionBase {
  readonly keyword: 'COPY' | 'ADD';
  /** `--from`, as written; absent: from the build context. */
  readonly from?: string;
  /** Index of the stage that `--from` names, when it is one of this file. */
  readonly fromStage?: number;
  readonly sources: readonly Word[];
  readonly destination?: Word;
  readonly json: boolean;
}

export interface Workdir extends InstructionBase {
  readonly keyword: 'WORKDIR';
  /** Absolute image path after it; starts with `?` when not known. */
  readonly path: string;
}

export interface Other extends InstructionBase {
  readonly keyword:
    | 'FROM'
    | 'ARG'
    | 'ENV'
    | 'LABEL'
    | 'USER'
    | 'SHELL'
    | 'EXPOSE'
    | 'CMD'
    | 'ENTRYPOINT'
    | 'HEALTHCHECK'
    | 'STOPSIGNAL'
    | 'VOLUME'
    | 'ONBUILD'
    | 'MAINTAINER';
}

export type Instruction = Run | Copy | Workdir | Other;

// -------------------------------------------------------------------------------------------------- shell

/** One top-level command of a RUN. */
export interface Command {
  /** Offsets in the Dockerfile, redirections and assignments included. */
  readonly span: Span;
  /** Canonical text: continuations and comments gone, runs of blanks outside quotes folded to one. */
  readonly text: string;
  /** How it is joined to the command before it; absent for the first. */
  readonly operator?: '&&' | ';';
  /** Name and arguments; empty unless `simple`. */
  readonly words: readonly ShellWord[];
  /** `NAME=value` before the name (with an empty `words`: shell variables being set). */
  readonly assignments: readonly { readonly name: string; readonly value?: string }[];
  /** `text` is the target as written. */
  readonly redirects: readonly { readonly operator: string; readonly target?: string; readonly text?: string }[];
  /** A plain command. Otherwise (pipeline, `||`, if, for, subshell, `&` ...) only `text` is known. */
  readonly simple: boolean;
  /** The parts of a pipeline of plain commands. */
  readonly pipeline?: readonly Command[];
}

export interface ShellWord {
  readonly text: string;
  readonly span: Span;
  /** After quote removal and expansion of constant ENV/ARG; absent when it has other expansions or globs. */
  readonly value?: string;
}

// ---------------------------------------------------------------------------------------- build context

export type EntryKind = 'file' | 'directory' | 'symlink';

/** What a build can COPY: paths relative to the context root, `.dockerignore` already applied. */
export interface BuildContext {
  /** False: nothing is known about it, and the absence of a file proves nothing. */
  readonly known: boolean;
  /** A file, symlink or directory that git tracks, or that is untracked and not git-ignored, and not docker-ignored. */
  has(path: string): boolean;
  kind(path: string): EntryKind | undefined;
  /** `has`, or git ignores it (or it is `node_modules` or the like) so that somebody's disk may hold it or something below it. */
  may(path: string): boolean;
  /** Text of a file that `has`; undefined for binary, oversized or absent files. */
  read(path: string): string | undefined;
  /** A file that may be executed, as git records it. */
  executable(path: string): boolean;
  /** Names directly inside a directory, sorted. */
  entries(directory: string): readonly string[];
  /** All files and symlinks at or below a directory, sorted. */
  list(directory: string): readonly string[];
  /** `.dockerignore` excludes exactly this path (a re-included descendant may still exist). */
  ignores(path: string): boolean;
  /** git tracks this path or something below it, docker-ignored or not. */
  tracks(path: string): boolean;
  /** The ignore file in force (rule 36): path as the user should see it, and its text when it exists. */
  readonly ignoreFile: { readonly path: string; readonly source?: string };
  /** The same files under another text of the ignore file. */
  withIgnoreFile(source: string): BuildContext;
  /** Text of the other Dockerfiles that build from this context under the same ignore file. */
  readonly siblings: readonly string[];
}

// --------------------------------------------------------------------------------------- package managers

export type Presence = 'yes' | 'no' | 'maybe';

/** What a command finds on disk at one point of a build, by absolute image path. */
export interface Files {
  has(path: string): Presence;
  /** The text, when it is known exactly. */
  read(path: string): string | undefined;
  /** A file that may be executed; undefined when its mode is not known. */
  executable(path: string): boolean | undefined;
  /** Names known to be directly in a directory, sorted; undefined when a command may have changed them. */
  entries(directory: string): readonly string[] | undefined;
}

export interface Mount {
  readonly type: string;
  readonly target?: string;
  /** It is a cache that a package manager is known to have. */
  readonly cache?: CacheDirectory['class'];
  /** A bind mount whose changes are thrown away after the RUN. */
  readonly writable?: true;
}

/** Where and as whom a command runs. */
export interface Place {
  readonly directory: string;
  readonly user?: string;
  /** Image reference of the stage, e.g. `node:20-alpine`, when known. */
  readonly image?: string;
  /** The value of a variable; undefined where it is not set, as far as the Dockerfile tells, or set to something unknown. */
  environment(name: string): string | undefined;
  /** It is set, whether its value is known or not. */
  declared(name: string): boolean;
  /** The RUN's `--mount`s; targets are absolute image paths. */
  readonly mounts: readonly Mount[];
}

/** One command, recognised as one that installs or fetches dependencies. */
export interface Install {
  readonly manager: string;
  /**
   * `install`: of the project in `directory`. `tool`: reads nothing of the project (strategy N). `fetch`: only warms a
   * store (strategy W). `build`: compiles the source, and downloads what that needs. `script`: runs a script of the
   * project.
   */
  readonly kind: 'install' | 'tool' | 'fetch' | 'build' | 'script';
  /** Absolute image path in which it works. */
  readonly directory: string;
  readonly command: Command;
  readonly place: Place;
}

/** A path whose value a step depends on. */
export interface Read {
  /** Absolute image path. It counts whether or not it exists. */
  readonly path: string;
  /** The whole directory, not one file. */
  readonly tree?: boolean;
  /** Only this much of the content matters (e.g. package.json without its scripts): compared instead of the file. */
  readonly as?: string;
  /** `as` counts even when the file is absent; when it is empty, the file is not needed. */
  readonly optional?: boolean;
  /** An install that goes without it is none the worse. */
  readonly incidental?: true;
}

/** One thing that a command does, as the proof sees it: a function of what it reads. */
export interface Step {
  /** Equal names on equal inputs, user, directory and environment give equal results. */
  readonly name: string;
  readonly reads: readonly Read[];
  /** Trees that hold nothing but this step's result afterwards. Absolute image paths. */
  readonly writes: readonly string[];
  /** Files that it may rewrite and that a later COPY restores (allowance 0.4: lockfiles). */
  readonly edits: readonly string[];
  /** Files whose exact new text is known. */
  readonly sets?: Readonly<Record<string, string>>;
  /** It reads (or also changes) the image outside of the project: /usr, /etc, caches ... */
  readonly system: 'none' | 'reads' | 'writes';
  /** Any variable may change its result, be it named or not: MSBuild takes them all for properties. */
  readonly variables?: true;
  /** Run once more on its own result, it changes nothing. */
  readonly settles?: boolean;
  /** It only fills a store that the real install also fills: no effect on any result, but all `reads` must exist. */
  readonly warm?: boolean;
  /** It takes everything from the store that a warm step filled, and fails without one. */
  readonly offline?: boolean;
  /** Not known what it touches: it reads and writes everything. Says why. */
  readonly opaque?: Trouble;
}

/** A way to divide an install around the late source copy (strategies S and W). Shell text, one command line each. */
export interface Split {
  /** Runs before the source is copied. */
  readonly before: string;
  /** Runs after it. */
  readonly after: string;
  /** The reason, for the report: `postinstall reads the source, so it runs after the copy`. */
  readonly why: string;
  /** What could change; makes the fix unsafe. */
  readonly risk?: string;
  /** Image paths of files that the first half changes, and that a copy has to bring back below it. */
  readonly rewrites?: readonly string[];
}

export interface Analysis {
  /** In order. A step that cannot be analysed is `opaque`. */
  readonly steps: readonly Step[];
  /** Directories inside the project that it fills and that a context must not bring (0.3). Absolute image paths. */
  readonly outputs: readonly string[];
  /** `.dockerignore` lines that keep those out, relative to the install's directory, e.g. `node_modules`, `**\/node_modules`. */
  readonly ignore: readonly string[];
  /** Ways to divide it, best first; used when the command cannot be hoisted as it is. */
  readonly splits: readonly Split[];
  /** What to say when it can be neither hoisted nor split. */
  readonly refusal?: Trouble;
  /** The command that installs just what the lockfile says, or fails; a trouble where the lockfile does not allow it. */
  readonly frozen?: () => string | Trouble | undefined;
}

export interface CacheDirectory {
  /** `~` is the user's home. */
  readonly path: string;
  /** D: a download cache, safe to mount. P: a package store that later steps need (0.5). */
  readonly class: 'download' | 'store';
  /** Environment variable that moves it, and where in that directory it then is. */
  readonly variable?: string;
  readonly inside?: string;
  /** Only root's, or only everybody else's. */
  readonly only?: 'root' | 'others';
  /** It holds what was compiled: only builds use it. */
  readonly compiled?: true;
  /** Whether a command uses it; absent: each does. */
  readonly uses?: (install: Install) => boolean;
  /** Why it must not be mounted. */
  readonly never?: string;
}

/** Knowledge of one package manager: one file each in `src/managers/`, data first. */
export interface PackageManager {
  readonly name: string;
  /** One line for `--list`. */
  readonly summary: string;
  /** Command names that can be this manager's, for a fast look-up: `npm`; wrappers such as `python -m pip` are listed by their first word. */
  readonly commands: readonly string[];
  /** Manifest file names whose presence marks a project of it; the first is what a context-less build is assumed to have. */
  readonly manifests: readonly string[];
  /** Globs that copy the manifests when the context is not known: `package*.json`. */
  readonly globs: readonly string[];
  recognise(command: Command, place: Place): Install | undefined;
  analyse(install: Install, files: Files): Analysis;
  readonly caches: readonly CacheDirectory[];
}

// ------------------------------------------------------------------------------------------- transforms

/** What is known of the past of a build context: evidence of which order is the cheapest. */
export interface History {
  /** By commit, the paths of the context that it changed. */
  readonly commits: readonly (readonly string[])[];
  /** What instructions took, by their text; default: weights by kind. */
  readonly seconds?: ReadonlyMap<string, number>;
}

/** What the tool may emit, and what it knows. */
export interface Target {
  readonly style: 'copy' | 'parents' | 'bind';
  readonly builder: 'buildkit' | 'buildah' | 'kaniko' | 'classic';
  /** The package managers; default: the built-in ones. Hand the target on to `traceOf`. */
  readonly managers?: readonly PackageManager[];
  /** Default: nothing is known, and copies that could stand in any order keep theirs. */
  readonly history?: History;
  /** Those of the transform that is asked. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Replace `span` of a file by `text`. */
export interface Edit {
  readonly file: 'dockerfile' | 'dockerignore';
  readonly span: Span;
  readonly text: string;
}

/** Edits that are applied all or none. */
export interface Fix {
  readonly edits: readonly Edit[];
  readonly message: string;
  readonly safety: 'safe' | 'unsafe';
  /** What could change; required when unsafe. */
  readonly risk?: string;
  /** It changes what the build does, knowingly: nothing is proved of it, so it has to be unsafe. */
  readonly changes?: true;
}

/** What a transform found at one place: fixes to try, best first, or the reason for none. */
export interface Proposal {
  /** The instruction it is about. */
  readonly at: Instruction;
  readonly fixes: readonly Fix[];
  /** Said when there are no fixes, or the proof passes none of them and has nothing better to say. */
  readonly refusal?: Trouble;
}

export interface Transform {
  /** kebab-case; a plugin's are `package/name`. */
  readonly name: string;
  /** One line for `--list`. */
  readonly summary: string;
  /** Runs only where it is asked for. */
  readonly optIn?: true;
  /** What is wrong with the options that a configuration has for it; absent: it takes none. */
  checkOptions?(options: Readonly<Record<string, unknown>>): string | undefined;
  propose(file: Dockerfile, context: BuildContext, target: Target): Iterable<Proposal>;
}

/** What a plugin's default export is. Names get the plugin's own in front: `package/name`. */
export interface Plugin {
  readonly transforms?: readonly Transform[];
  readonly managers?: readonly PackageManager[];
}

// --------------------------------------------------------------------------------------------- outcomes

export interface Applied {
  readonly transform: string;
  /** 1-based, in the original text. */
  readonly line: number;
  readonly message: string;
  readonly safety: 'safe' | 'unsafe';
  readonly risk?: string;
  /** It changed what the build does, knowingly. */
  readonly changes?: true;
  /** Against the text of its round. */
  readonly edits: readonly Edit[];
}

export interface Refusal {
  readonly transform?: string;
  readonly line: number;
  readonly code: string;
  readonly message: string;
  readonly help?: string;
}

/** One file before and after; `before` is absent for a file to be made. */
export interface FileChange {
  readonly path: string;
  readonly before?: string;
  readonly after: string;
}

export interface Outcome {
  readonly path: string;
  readonly status: 'changed' | 'unchanged' | 'refused' | 'failed';
  /** Dockerfile first, then its ignore file; only files that change. */
  readonly changes: readonly FileChange[];
  readonly applied: readonly Applied[];
  readonly refused: readonly Refusal[];
  /** Installs that are already cached as well as they can be: `already-optimal` and the like. */
  readonly notes: readonly Refusal[];
}

/** A finding that belongs to a path rather than to a Dockerfile that was read. */
export interface Note {
  readonly path: string;
  readonly line?: number;
  readonly code: string;
  readonly message: string;
  readonly help?: string;
}
