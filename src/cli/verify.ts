/** `dockerfix verify`: both Dockerfiles built for real, and compared. */
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { reason } from '../context/find.ts';
import { decodeUtf8 } from '../context/text.ts';
import { managers as builtIn, parse, version } from '../index.ts';
import type { FileOutcome, Subject } from '../run.ts';
import { run as findFixes } from '../run.ts';
import { jsonText, outcomeLines, printable } from '../reporters/text.ts';
import { verificationLines } from '../reporters/verify.ts';
import { DISK_FULL, ENGINES, findEngine } from '../verify/engines.ts';
import { HostTrouble, verify, type Verification, type VerifyOptions } from '../verify/verify.ts';
import { histories, historyRequest } from './history.ts';
import { REPORT_FLAG, reportTrouble, writeReport } from './html.ts';
import { usageError, type Io } from './io.ts';
import { FIX_FLAGS, parseCommand, PATHS } from './parser.ts';
import { fixRequest } from './request.ts';

const TIMEOUT = 1800;

/** Handed on to the builder as they are. */
const PASSED = ['build-arg', 'secret', 'ssh', 'platform', 'network'] as const;

const many = { type: 'string', array: true, requiresArg: true } as const;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = await parseCommand(argv, io, PATHS, (parser) =>
    parser
      .usage(
        '$0 verify [paths..]\n\nBuilds Dockerfiles as they are and as rewritten, with the builder that is here, and compares the images and the cache. Runs what the Dockerfiles say.',
      )
      .options({
        ...FIX_FLAGS,
        engine: { type: 'string', requiresArg: true, describe: `${ENGINES.join(', ')}, or the path of one` },
        against: {
          type: 'string',
          requiresArg: true,
          describe: "compare with this Dockerfile FILE instead of dockerfix's rewrite",
        },
        'against-ignore': { type: 'string', requiresArg: true, describe: 'and with this ignore FILE' },
        target: { type: 'string', requiresArg: true, describe: 'only this STAGE (default: each)' },
        'build-arg': { ...many, describe: 'NAME=VALUE, handed on to the builder' },
        secret: { ...many, describe: 'handed on' },
        ssh: { ...many, describe: 'handed on' },
        platform: { ...many, describe: 'handed on' },
        network: { ...many, describe: 'handed on' },
        timeout: { type: 'number', requiresArg: true, describe: `SECONDS for each build (default: ${TIMEOUT})` },
        cache: { type: 'boolean', describe: 'look at the cache, too (default; --no-cache leaves it)' },
        edit: { type: 'string', requiresArg: true, describe: 'source FILE to edit for that, relative to the context' },
        manifest: { type: 'string', requiresArg: true, describe: 'manifest FILE to edit for that' },
        keep: { type: 'boolean', describe: 'keep the images' },
        logs: { type: 'string', requiresArg: true, describe: 'DIR for the log of each build' },
        format: { choices: ['text', 'json'] as const, requiresArg: true, describe: 'text, or json for programs' },
        ...REPORT_FLAG,
        quiet: { alias: 'q', type: 'boolean', describe: 'no progress' },
      })
      .example('$0 verify', 'whatever would change below this directory')
      .example('$0 verify api/Dockerfile --engine podman', 'one file, with another builder')
      .epilogue('Exit codes: 0 the same, 1 different or the rewrite does not build, 2 anything else.'),
  );
  if (typeof options === 'number') return options;
  const { given } = options;
  const seconds = options.timeout ?? TIMEOUT;
  if (!(seconds > 0)) return usageError(io, '--timeout takes a number of seconds');
  if (options.against !== undefined && given.length !== 1)
    return usageError(io, '--against compares with one Dockerfile: name it');
  const unreportable = reportTrouble(options.report);
  if (unreportable !== undefined) return usageError(io, unreportable);
  const request = await fixRequest(options, io.cwd);
  if (typeof request === 'string') return usageError(io, request);

  const found = await findFixes({ ...request, paths: given.length === 0 ? ['.'] : given });
  for (const error of found.errors) io.stderr(`dockerfix: ${printable(`${error.path}: ${error.message}`)}\n`);
  const jobs: Job[] = [];
  let failed = found.errors.length > 0;
  for (const outcome of found.outcomes) {
    const job = jobOf(outcome, options.against, options['against-ignore'], io);
    if (typeof job !== 'string') jobs.push(job);
    else if (outcome.status === 'failed' || options.against !== undefined) {
      failed = true;
      io.stderr(`dockerfix: ${printable(`${outcome.path}: ${job}`)}\n`);
      for (const line of outcomeLines(outcome)) io.stderr(`${line}\n`);
    } else if (options.quiet !== true) io.stderr(`${printable(`${outcome.path} ${job}`)}\n`);
  }
  const wanted = options.target?.toLowerCase();
  if (wanted !== undefined && jobs.length > 0 && !jobs.some(({ before }) => hasStage(before.source, wanted)))
    return usageError(io, `there is no stage \`${options.target ?? ''}\``);
  for (const { path, before } of jobs)
    for (const note of notHandedOn(before.source, options.ssh ?? [], options.secret ?? []))
      io.stderr(`dockerfix: ${printable(`${path}:${note}`)}\n`);
  const results: { path: string; verification: Verification }[] = [];
  if (jobs.length > 0) {
    const engine = await findEngine(options.engine, io.environment, io.cwd);
    if ('code' in engine) return hostError(io, engine);
    if (options.quiet !== true) {
      const instead = engine.insteadOf === undefined ? '' : `, instead of ${engine.insteadOf}`;
      io.stderr(printable(`builder: ${engine.version} (${engine.program})${instead}`) + '\n');
    }
    const started = Date.now();
    for (const { path, ...job } of jobs) {
      const say = (line: string): void => {
        if (options.quiet !== true)
          io.stderr(printable(`[${Math.round((Date.now() - started) / 1000)} s] ${path} ${line}`) + '\n');
      };
      try {
        const verification = await verify({
          ...job,
          engine,
          ...(wanted === undefined ? {} : { target: wanted }),
          passed: PASSED.flatMap((name) => (options[name] ?? []).flatMap((value) => [`--${name}`, value])),
          seconds,
          keep: options.keep ?? false,
          cache: options.cache ?? true,
          ...(options.edit === undefined ? {} : { edit: options.edit }),
          ...(options.manifest === undefined ? {} : { manifest: options.manifest }),
          ...(options.logs === undefined ? {} : { logs: resolve(io.cwd, options.logs) }),
          say,
        });
        results.push({ path, verification });
        if (options.format !== 'json') for (const line of verificationLines(path, verification)) io.stdout(`${line}\n`);
      } catch (error) {
        if (error instanceof HostTrouble) return hostError(io, error.trouble);
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return hostError(io, DISK_FULL);
        throw error;
      }
    }
  }
  if (options.format === 'json')
    io.stdout(
      jsonText({
        version: 1,
        dockerfix: version,
        files: results.map(({ path, verification }) => ({ path, ...verification })),
      }),
    );
  if (options.report !== undefined) {
    const history = historyRequest({}, io.cwd);
    if (typeof history === 'string') return usageError(io, history);
    const builder = options.builder ?? 'buildkit';
    const past = await histories(found.outcomes, { ...history, builder });
    const lines = new Map(
      results.map(({ path, verification }) => [path, verificationLines('', verification).map((line) => line.trim())]),
    );
    if (!(await writeReport(options.report, found, past, { builder }, io, lines))) return 2;
  }
  if (failed || results.some(({ verification }) => verification.verdict === 'original-fails')) return 2;
  return results.every(({ verification }) => verification.verdict === 'same') ? 0 : 1;
}

type Job = Pick<VerifyOptions, 'directory' | 'before' | 'after' | 'managers'> & { readonly path: string };

/** A string says why there is nothing to build. */
function jobOf(outcome: FileOutcome, against: string | undefined, ignore: string | undefined, io: Io): Job | string {
  const { subject, path, status } = outcome;
  if (subject === undefined)
    return status === 'failed' ? 'cannot be read' : 'has no known build context; name it with --context';
  const directory = join(subject.place.repository.root, subject.place.directory);
  const managers = subject.fix.managers ?? builtIn;
  const before = { source: subject.source, context: subject.before };
  if (against !== undefined) {
    const source = read(io, against);
    if (typeof source !== 'object') return source;
    let context = subject.before;
    if (ignore !== undefined) {
      const text = read(io, ignore);
      if (typeof text !== 'object') return text;
      context = context.withIgnoreFile(text.text);
    }
    return { path, directory, managers, before, after: { source: source.text, context } };
  }
  if (outcome.changes.length === 0) return 'would not change: there is nothing to verify';
  return { path, directory, managers, before, after: { source: rewritten(outcome, subject), context: subject.after } };
}

function rewritten(outcome: FileOutcome, { source }: Subject): string {
  return outcome.changes.find((change) => change.path === outcome.path)?.after ?? source;
}

function read(io: Io, path: string): { readonly text: string } | string {
  try {
    const text = decodeUtf8(readFileSync(resolve(io.cwd, path)));
    return text === undefined ? `\`${path}\` is not UTF-8 text` : { text };
  } catch (error) {
    return `\`${path}\`: ${reason(error)}`;
  }
}

/** `LINE what` for each mount of a RUN that the builder will not find. */
function notHandedOn(source: string, ssh: readonly string[], secrets: readonly string[]): string[] {
  const given = new Set(secrets.map((each) => /(?:^|,)id=([^,]*)/.exec(each)?.[1]));
  return parse(source)
    .stages.flatMap(({ instructions }) => instructions)
    .flatMap((instruction) => {
      if (instruction.keyword !== 'RUN') return [];
      return instruction.flags.flatMap(({ name, value = '' }) => {
        if (name !== 'mount') return [];
        const part = (key: string): string | undefined => new RegExp(`(?:^|,)${key}=([^,]*)`).exec(value)?.[1];
        if (part('type') === 'ssh' && ssh.length === 0)
          return [`${instruction.line} mounts SSH keys, and no --ssh hands any on, such as \`--ssh default\``];
        const id = part('id') ?? basename(part('target') ?? part('dst') ?? part('destination') ?? '');
        return part('type') === 'secret' && !given.has(id)
          ? [`${instruction.line} mounts the secret \`${id}\`, and no --secret hands it on`]
          : [];
      });
    });
}

function hasStage(source: string, wanted: string): boolean {
  return parse(source).stages.some(({ name, index }) => name === wanted || String(index) === wanted);
}

function hostError(io: Io, { code, message, help }: { code: string; message: string; help: string }): number {
  io.stderr(`dockerfix: ${code} ${printable(message)}; ${printable(help)}\n`);
  return 2;
}
