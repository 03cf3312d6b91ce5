/** `dockerfix -`: a Dockerfile in, the rewritten text out. */
import { join, relative, resolve } from 'node:path';
import { fix, fixText, version, type Outcome } from '../index.ts';
import { unifiedDiff } from '../diff.ts';
import { shownPath } from '../context/find.ts';
import { noteLine, outcomeLines, printable } from '../reporters/text.ts';
import type { Options } from './arguments.ts';
import { usageError, type Io } from './io.ts';
import { formatOf } from './report.ts';
import type { Request } from './request.ts';
import type { BuildContext } from '../model.ts';
import { ignoreFilesDiffer, type Place } from '../run.ts';
import { decodeUtf8 } from '../context/text.ts';

export async function rewriteStandardInput(options: Options, request: Request, io: Io): Promise<number> {
  if (options.paths.length > 1) return usageError(io, '`-` cannot be combined with paths');
  if (options.write) return usageError(io, '`-` prints the result, so --write means nothing with it');
  const path = options.stdinFilepath ?? 'Dockerfile';
  const source = decodeUtf8(await io.stdin());
  if (source === undefined) {
    io.stderr(`${printable(path)} not-utf8 standard input is not UTF-8 text\n`);
    return 2;
  }
  const absolute = resolve(request.cwd, path);
  if (options.stdinFilepath !== undefined && request.configuration?.ignored(absolute) === true) {
    if (options.format === 'text') io.stdout(source);
    const note = { path, code: 'ignored-by-configuration', message: 'is to be left alone' };
    const silent = formatOf(options);
    if (silent !== undefined)
      io.stdout((await silent.load())({ tool: version, outcomes: [], notes: [note], written: false }));
    else if (!options.quiet) io.stderr(`${noteLine(note)}\n`);
    return 0;
  }
  const configured = request.configuration?.settingsFor(absolute);
  const settings = configured?.fix ?? request.fix;
  const place = request.context ?? configured?.context;
  // Without a context every fix is unsafe, and asked for by asking for this.
  const proposed =
    place === undefined
      ? fixText(source, { ...settings, unsafe: true, path })
      : inContext(source, path, place, { cwd: request.cwd, fix: settings });
  const outcome = options.format === 'text' ? withoutHalves(proposed, path, settings.unsafe === true) : proposed;
  const format = formatOf(options);
  if (format !== undefined)
    io.stdout((await format.load())({ tool: version, outcomes: [outcome], notes: [], written: false }));
  else if (options.format === 'diff') io.stdout(unifiedDiff(outcome.changes));
  else io.stdout(outcome.changes.find((each) => each.path === path)?.after ?? source);
  if (!options.quiet && options.format === 'text') for (const line of outcomeLines(outcome)) io.stderr(`${line}\n`);
  if (outcome.status === 'failed') return 2;
  return options.check && outcome.changes.length > 0 ? 1 : 0;
}

function inContext(
  source: string,
  path: string,
  { repository, directory }: Place,
  request: Pick<Request, 'cwd' | 'fix'>,
): Outcome {
  // Nothing says where the text is from: then it is the context's own Dockerfile.
  const absolute = path === 'Dockerfile' ? join(repository.root, directory, path) : resolve(request.cwd, path);
  const dockerfile = relative(repository.root, absolute);
  const context = repository.context(directory, dockerfile);
  const attempt = (each: BuildContext): Outcome => fix({ path, source }, each, request.fix);
  const outcome = attempt(context);
  const show = (each: string): string => shownPath(request.cwd, join(repository.root, each));
  const differing = ignoreFilesDiffer(outcome, { repository, directory, dockerfile, context, attempt, show });
  if (differing !== undefined) {
    const refusal = { line: outcome.applied[0]?.line ?? 1, ...differing };
    return { ...outcome, status: 'refused', changes: [], applied: [], refused: [refusal] };
  }
  const shown = (each: string): string => (each === path ? path : show(each));
  return { ...outcome, changes: outcome.changes.map((each) => ({ ...each, path: shown(each.path) })) };
}

/** Text has no room for the ignore file, and half of a fix is not safe. */
function withoutHalves(outcome: Outcome, path: string, unsafe: boolean): Outcome {
  const other = outcome.changes.find((each) => each.path !== path);
  if (other === undefined || unsafe) return outcome;
  const refused = outcome.applied.map(({ transform, line }) => ({
    transform,
    line,
    code: 'ignore-file-needed',
    message: `the fix changes ${other.path} as well, which standard output has no room for`,
    help: 'run dockerfix on the file, or use --format diff',
  }));
  return { ...outcome, status: 'refused', changes: [], applied: [], refused: [...refused, ...outcome.refused] };
}
