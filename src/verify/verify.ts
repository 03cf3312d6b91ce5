/**
 * Builds a Dockerfile as it is and as rewritten, with a real builder, and compares what comes out. The user's tree is
 * only read: Dockerfiles are passed from outside the context, and edits are made to a copy of it.
 */
import { createHash, randomInt } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cp } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { basename, join, relative } from 'node:path';
import { parse } from '../index.ts';
import type { BuildContext, Dockerfile, PackageManager, Stage } from '../model.ts';
import { compareImages, LOCKFILE, type Comparison } from './compare.ts';
import { chooseEdits } from './edits.ts';
import { watchDisks, type DiskWatch } from './disk.ts';
import {
  buildArguments,
  DISK_FULL,
  hostTrouble,
  intermediateImages,
  removeArguments,
  saves,
  stepsOf,
  type Engine,
  type EngineName,
  type EngineTrouble,
  type Step,
} from './engines.ts';
import { readArchive, type Image } from './image.ts';
import { killAll, runProgram, type Ran } from './process.ts';

/** One way to build: a Dockerfile's text, and the ignore file in force with it. */
export interface Side {
  readonly source: string;
  readonly context: BuildContext;
}

export interface VerifyOptions {
  readonly engine: Engine;
  /** Absolute. */
  readonly directory: string;
  readonly before: Side;
  readonly after: Side;
  /** Also those of plugins: what their installs read is edited, and what is in their caches is let pass. */
  readonly managers: readonly PackageManager[];
  /** Only this stage. */
  readonly target?: string;
  /** Build options as the user gave them. */
  readonly passed: readonly string[];
  /** Each build, at most. */
  readonly seconds: number;
  readonly keep: boolean;
  /** The cache is looked at, too. */
  readonly cache: boolean;
  /** Files to edit for that, instead of chosen ones. */
  readonly edit?: string;
  readonly manifest?: string;
  /** Where logs go; absent: a temporary directory, which is kept only when something is wrong. */
  readonly logs?: string;
  /** Told as it goes on. */
  readonly say: (line: string) => void;
}

export interface Built {
  readonly name: string;
  readonly stage: string;
  readonly code: number;
  readonly seconds: number;
  readonly log: string;
  /** The last lines, where it failed. */
  readonly tail?: string;
  /** It was ended, because it took longer than a build may. */
  readonly late?: true;
}

export interface StageResult {
  readonly stage: string;
  /** Absent: one of them could not be built. */
  readonly comparison?: Comparison;
  readonly failed?: 'original' | 'rewritten';
}

export interface Rebuild {
  readonly seconds: number;
  readonly cached: readonly string[];
  readonly ran: readonly string[];
}

export interface CacheResult {
  readonly source?: {
    readonly path: string;
    readonly before: Rebuild;
    readonly after: Rebuild;
    readonly ratio: number;
  };
  /** `reran`: RUNs that the source edit left cached, and this edit did not. */
  readonly manifest?: { readonly path: string; readonly seconds: number; readonly reran: readonly string[] };
  /** Why something was not looked at, or went wrong. */
  readonly notes: readonly string[];
}

export interface Verification {
  readonly engine: EngineName;
  readonly verdict: 'same' | 'different' | 'rewrite-fails' | 'original-fails';
  readonly stages: readonly StageResult[];
  readonly builds: readonly Built[];
  readonly cache?: CacheResult;
  /** Of all different layers, in bytes. */
  readonly imageBytes: number;
  /** The most that was in use at once, beyond the start. */
  readonly diskBytes: number;
  readonly seconds: number;
  readonly logs: string;
  readonly kept: readonly string[];
}

/** The machine's trouble, not the Dockerfile's. */
export class HostTrouble extends Error {
  readonly trouble: EngineTrouble;
  constructor(trouble: EngineTrouble) {
    super(trouble.message);
    this.trouble = trouble;
  }
}

const VARIANTS = ['original', 'rewritten', 'original-again'] as const;
type Variant = (typeof VARIANTS)[number];

export async function verify(options: VerifyOptions): Promise<Verification> {
  const session = new Session(options);
  // bin.ts ends the process on a signal, which ends up here as well.
  const atExit = (): void => {
    options.say('stopped; removing what was built');
    session.cleanUp();
  };
  process.once('exit', atExit);
  try {
    return await session.run();
  } finally {
    process.removeListener('exit', atExit);
    session.cleanUp();
  }
}

class Session {
  private readonly options: VerifyOptions;
  private readonly folder = mkdtempSync(join(tmpdir(), 'dockerfix-verify-'));
  private readonly logs: string;
  private readonly id = basename(this.folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-+$/, '');
  private readonly tags = new Set<string>();
  /** Of builds that have not come to their end. */
  private readonly unfinished = new Set<string>();
  private readonly builds: Built[] = [];
  private readonly disk: DiskWatch;
  private imageBytes = 0;
  private keepLogs = false;

  constructor(options: VerifyOptions) {
    this.options = options;
    const { storage } = options.engine;
    this.disk = watchDisks([tmpdir(), ...(storage === undefined ? [] : [storage])]);
    this.logs = options.logs ?? join(this.folder, 'logs');
    mkdirSync(this.logs, { recursive: true });
  }

  /** Waits for nothing, so that it can run when the process ends. */
  cleanUp(): void {
    killAll();
    this.disk.stop();
    const { engine, keep } = this.options;
    const remove = (argv: readonly string[]): void => {
      spawnSync(engine.program, argv, { stdio: 'ignore', env: { ...process.env, ...engine.environment } });
    };
    if (!keep && this.tags.size > 0) remove(removeArguments([...this.tags]));
    // One by one: each is refused as long as another image is made of it.
    for (const log of this.unfinished)
      if (existsSync(log))
        for (const id of intermediateImages(readFileSync(log, 'utf8'), engine.buildkit).reverse()) remove(['rmi', id]);
    this.tags.clear();
    this.unfinished.clear();
    if (this.keepLogs && this.options.logs === undefined) {
      for (const each of ['context', ...VARIANTS]) rmSync(join(this.folder, each), { recursive: true, force: true });
    } else rmSync(this.folder, { recursive: true, force: true });
  }

  async run(): Promise<Verification> {
    const started = performance.now();
    const { before, after, keep } = this.options;
    for (const variant of VARIANTS) this.write(variant, variant === 'rewritten' ? after : before);
    const files = { before: parse(before.source), after: parse(after.source) };
    const targets = targetsOf(files.before, this.options.target);
    const done = (
      verdict: Verification['verdict'],
      stages: readonly StageResult[],
      cache?: CacheResult,
    ): Verification => {
      this.keepLogs = verdict !== 'same';
      return {
        engine: this.options.engine.name,
        verdict,
        stages,
        builds: this.builds,
        ...(cache === undefined ? {} : { cache }),
        imageBytes: this.imageBytes,
        diskBytes: this.disk.stop(),
        seconds: (performance.now() - started) / 1000,
        logs: this.keepLogs || this.options.logs !== undefined ? this.logs : '',
        kept: keep ? [...this.tags] : [],
      };
    };

    const built = new Set<string>();
    const failures = new Map<string, Variant>();
    const final = targets.at(-1) as TargetStage;
    for (const variant of VARIANTS)
      for (const stage of [...targets].sort((a, b) => Number(b.cold) - Number(a.cold))) {
        const { name } = stage;
        if (failures.has(name)) continue;
        const { code } = await this.build(variant, stage, stage.cold || !this.options.engine.buildkit);
        if (code !== 0) {
          failures.set(name, variant);
          // Nothing can be said of a rewrite where the original's last stage does not build.
          if (variant === 'original' && stage === final)
            return done('original-fails', [{ stage: name, failed: 'original' }]);
        } else built.add(this.tag(variant, name));
      }
    const images = await this.read([...built]);

    const lockfiles = this.lockfiles();
    const stages = targets.map(({ name }): StageResult => {
      const failed = failures.get(name);
      if (failed !== undefined) return { stage: name, failed: failed === 'rewritten' ? 'rewritten' : 'original' };
      const [original, rewritten, again] = VARIANTS.map((variant) => images.get(this.tag(variant, name))) as [
        Image,
        Image,
        Image,
      ];
      return {
        stage: name,
        comparison: compareImages(
          original,
          rewritten,
          again,
          cacheDirectories(original, this.options.managers),
          lockfiles,
        ),
      };
    });
    if (stages.some(({ failed }) => failed === 'rewritten')) return done('rewrite-fails', stages);
    const same = stages.every(({ comparison }) => (comparison?.differences.length ?? 0) === 0);
    const cache = this.options.cache ? await this.tryCache(files, final) : undefined;
    return done(same ? 'same' : 'different', stages, cache);
  }

  private lockfiles(): Map<string, Set<string>> {
    const { after, directory } = this.options;
    const found = new Map<string, Set<string>>();
    for (const path of after.context.list('.')) {
      if (!LOCKFILE.test(path) || !statSync(join(directory, path), { throwIfNoEntry: false })?.isFile()) continue;
      const hash = createHash('sha256')
        .update(readFileSync(join(directory, path)))
        .digest('hex');
      const name = basename(path);
      found.set(name, (found.get(name) ?? new Set()).add(hash));
    }
    return found;
  }

  private write(variant: Variant, { source, context }: Side): void {
    const folder = join(this.folder, variant);
    mkdirSync(folder);
    writeFileSync(join(folder, 'Dockerfile'), withNamedStages(source));
    // Beside the Dockerfile it counts instead of the context's own (rule 36).
    writeFileSync(join(folder, 'Dockerfile.dockerignore'), context.ignoreFile.source ?? '');
  }

  private async build(
    variant: Variant,
    { name: stage, target }: TargetStage,
    cold: boolean,
    note = '',
  ): Promise<Built & { steps: readonly Step[] }> {
    const { engine, directory, passed, seconds, say } = this.options;
    const copy = note !== '';
    const tag = this.tag(variant, stage, note);
    const dockerfile = join(this.folder, variant, 'Dockerfile');
    const argv = buildArguments(engine, {
      dockerfile,
      ignoreFile: `${dockerfile}.dockerignore`,
      context: copy ? join(this.folder, 'context') : directory,
      ...(target === undefined ? {} : { target }),
      tag,
      cold,
      passed,
    });
    const label = `${variant.replace('-', ', ')}, stage ${stage}${copy ? `, ${note}` : cold ? '' : ', from the cache'}`;
    say(`building: ${label}`);
    const name = `${String(this.builds.length + 1).padStart(2, '0')}-${variant}-${stage.replace(/[^\w.-]/g, '-')}`;
    const log = join(this.logs, `${name}.log`);
    this.tags.add(tag);
    // From within the folder, so that a relative path of `--secret` is none of the repository's by accident: it is the user's.
    this.unfinished.add(log);
    const ran = await runProgram(engine.program, argv, {
      environment: engine.environment,
      seconds,
      log,
      tidies: engine.tidies,
    });
    if (ran.code === 0) this.unfinished.delete(log);
    const built: Built = {
      name: label,
      stage,
      code: ran.code,
      seconds: ran.seconds,
      log,
      ...(ran.code === 0 ? {} : { tail: tailOf(ran.text) }),
      ...(ran.timedOut ? { late: true } : {}),
    };
    this.builds.push(built);
    if (ran.code !== 0) {
      this.tags.delete(tag);
      const trouble = hostTrouble(ran.text) ?? (this.disk.full() ? DISK_FULL : undefined);
      if (trouble !== undefined) throw new HostTrouble(trouble);
    }
    return { ...built, steps: stepsOf(ran.text, engine.buildkit) };
  }

  /** `note`: of a rebuild. One tag for two images would leave the first without any, and so behind. */
  private tag(variant: Variant, stage: string, note = ''): string {
    const number = note === '' ? '' : `-${this.builds.length + 1}`;
    return `${this.id}-${variant}${number}:${stage.replace(/[^a-zA-Z0-9_.-]/g, '-')}`;
  }

  /** By tag. They are saved together, so that what they have in common is read once. */
  private async read(tags: readonly string[]): Promise<ReadonlyMap<string, Image>> {
    const { engine, say } = this.options;
    const read = new Map<string, Image>();
    // Where each image has an archive of its own, they have layers of the same name.
    const layers = new Map<string, number>();
    if (tags.length === 0) return read;
    say('reading the images');
    let ran: Ran | undefined;
    const take = async (stream: Readable): Promise<void> => {
      const { images, sizes } = await readArchive(stream);
      for (const each of sizes) layers.set(...each);
      // Some put `localhost/` before it.
      for (const [name, image] of images) read.set(name.slice(name.lastIndexOf('/') + 1), image);
    };
    for (const { argv, file } of saves(engine, tags, this.folder)) {
      ran = await runProgram(engine.program, argv, {
        environment: engine.environment,
        ...(file === undefined ? { output: take } : {}),
      });
      if (file !== undefined && ran.code === 0) {
        await take(createReadStream(file));
        rmSync(file);
      }
      const trouble = hostTrouble(ran.text);
      if (ran.code !== 0 && trouble !== undefined) throw new HostTrouble(trouble);
      if (ran.code !== 0) break;
    }
    this.imageBytes = [...layers.values()].reduce((sum, size) => sum + size, 0);
    const lost = tags.find((tag) => !read.has(tag));
    if (lost !== undefined)
      throw new HostTrouble({
        code: 'engine-fails',
        message: `the image ${lost} cannot be read: ${ran?.text.trim().split('\n').at(-1) ?? ''}`,
        help: 'choose another builder with --engine',
      });
    return read;
  }

  private async tryCache(files: { before: Dockerfile; after: Dockerfile }, stage: TargetStage): Promise<CacheResult> {
    const { before, after, managers, directory, say } = this.options;
    const chosen = chooseEdits(
      { file: files.before, context: before.context },
      { file: files.after, context: after.context },
      managers,
    );
    const source = this.options.edit ?? chosen.source;
    const manifest = this.options.manifest ?? chosen.manifest;
    const notes: string[] = [];
    if (source === undefined)
      return {
        notes: [
          'no file was found whose edit re-ran an install before and no longer does, so no rebuild was timed; name one with --edit',
        ],
      };
    say('copying the context');
    const copy = join(this.folder, 'context');
    const prunes = (path: string): boolean =>
      [before.context, after.context].every(
        (context) => context.ignores(path) && !(context.ignoreFile.source ?? '').includes('!'),
      );
    await cp(directory, copy, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      filter: (path) => path === directory || !prunes(relative(directory, path)),
    });
    const edited = async (path: string, work: () => Promise<boolean>): Promise<boolean> => {
      const file = join(copy, path);
      const content = readFileSync(file);
      writeFileSync(file, Buffer.concat([content, unseen()]));
      const worked = await work();
      writeFileSync(file, content);
      return worked;
    };
    const rebuild = async (variant: Variant, note: string): Promise<Rebuild | undefined> => {
      const built = await this.build(variant, stage, false, note);
      if (built.code !== 0) {
        notes.push(
          `${built.late === true ? 'the build took too long' : 'the build failed'} (${built.name}): ${built.tail ?? ''}`,
        );
        return undefined;
      }
      const texts = (cached: boolean): string[] =>
        built.steps.filter((step) => step.cached === cached && !step.text.startsWith('FROM ')).map(({ text }) => text);
      return { seconds: built.seconds, cached: texts(true), ran: texts(false) };
    };
    // The builder sees the copy for the first time: that is not part of what is measured.
    for (const variant of ['original', 'rewritten'] as const)
      if ((await rebuild(variant, 'nothing edited')) === undefined) return { notes };
    let result: Omit<CacheResult, 'notes'> = {};
    await edited(source, async () => {
      const one = await rebuild('original', `${source} edited`);
      const two = one === undefined ? undefined : await rebuild('rewritten', `${source} edited`);
      if (one === undefined || two === undefined) return false;
      result = { source: { path: source, before: one, after: two, ratio: one.seconds / two.seconds } };
      return true;
    });
    if (manifest === undefined) notes.push('no manifest was found that an install reads; name one with --manifest');
    else if (result.source !== undefined) {
      const { cached } = result.source.after;
      await edited(manifest, async () => {
        const again = await rebuild('rewritten', `${manifest} edited`);
        if (again === undefined) return false;
        const reran = again.ran.filter((text) => text.startsWith('RUN ') && cached.includes(text));
        if (reran.length === 0) notes.push(`no install ran again after ${manifest} was edited`);
        result = { ...result, manifest: { path: manifest, seconds: again.seconds, reran } };
        return true;
      });
    }
    return { ...result, notes };
  }
}

interface TargetStage {
  /** Its name, or its number. */
  readonly name: string;
  /** Absent: the last one, which needs no naming. */
  readonly target?: string;
  /** Built without any cache. */
  readonly cold: boolean;
}

/** Stages to build. Cold ones are those that no other needs; building them builds the rest, which then are cached. */
function targetsOf(file: Dockerfile, only: string | undefined): TargetStage[] {
  const used = new Set<number>();
  for (const { base, instructions } of file.stages) {
    if (base.stage !== undefined) used.add(base.stage);
    for (const each of instructions)
      if ((each.keyword === 'COPY' || each.keyword === 'ADD') && each.fromStage !== undefined) used.add(each.fromStage);
  }
  return file.stages
    .filter(({ name, index }) => only === undefined || name === only || String(index) === only)
    .map((stage) => ({
      name: stage.name ?? String(stage.index),
      cold: only !== undefined || !used.has(stage.index),
      ...(stage.index === file.stages.length - 1 ? {} : { target: stage.name ?? givenName(stage) }),
    }));
}

function givenName({ index }: Stage): string {
  return `dockerfix-stage-${index}`;
}

/** BuildKit's `--target` takes names alone. Numbers that name a stage still do. */
function withNamedStages(source: string): string {
  const unnamed = parse(source)
    .stages.slice(0, -1)
    .filter(({ name }) => name === undefined);
  return unnamed.reduceRight(
    (text, stage) => `${text.slice(0, stage.from.span[1])} AS ${givenName(stage)}${text.slice(stage.from.span[1])}`,
    source,
  );
}

/**
 * Empty lines, which mean nothing in a source file or a manifest. Their number is random, because the builder may still
 * have the results of an earlier verification with the same edit.
 */
function unseen(): Buffer {
  return Buffer.alloc(randomInt(1, 4096), '\n');
}

const TAIL = 15;

function tailOf(text: string): string {
  return text.replaceAll('\r', '').trimEnd().split('\n').slice(-TAIL).join('\n');
}

/** Where package managers keep their own, in this image. */
function cacheDirectories({ configuration }: Image, managers: readonly PackageManager[]): string[] {
  const variables = new Map(
    ((configuration['Env'] ?? []) as readonly string[]).map((each): [string, string] => {
      const at = each.indexOf('=');
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
  return managers.flatMap(({ caches }) =>
    caches.flatMap(({ path, variable, inside }) => {
      const moved = variable === undefined ? undefined : variables.get(variable);
      return [
        ...(path.startsWith('~') ? [`/root${path.slice(1)}`, `/home/*${path.slice(1)}`] : [path]),
        ...(moved === undefined ? [] : [inside === undefined ? moved : `${moved}/${inside}`]),
      ];
    }),
  );
}
