/** What a verification found, in lines. */
import { plural, printable } from './text.ts';

/** As much of a verification as is told; the room that makes it has more. */
interface Told {
  readonly engine: string;
  readonly verdict: 'same' | 'different' | 'rewrite-fails' | 'original-fails';
  readonly stages: readonly {
    readonly stage: string;
    readonly failed?: string;
    readonly comparison?: {
      readonly differences: readonly {
        readonly path: string;
        readonly what: string;
        readonly before?: string;
        readonly after?: string;
        readonly layer?: string;
      }[];
      readonly allowed: Readonly<Record<string, number>>;
    };
  }[];
  readonly builds: readonly {
    readonly name: string;
    readonly code: number;
    readonly seconds: number;
    readonly tail?: string;
    readonly late?: boolean;
  }[];
  readonly cache?: {
    readonly source?: {
      readonly path: string;
      readonly before: { readonly seconds: number };
      readonly after: { readonly seconds: number; readonly cached: readonly string[] };
      readonly ratio: number;
    };
    readonly manifest?: { readonly path: string; readonly seconds: number; readonly reran: readonly string[] };
    readonly notes: readonly string[];
  };
  readonly imageBytes: number;
  readonly diskBytes: number;
  readonly seconds: number;
  readonly logs: string;
  readonly kept: readonly string[];
}

const SHOWN = 50;

const VERDICTS: Readonly<Record<Told['verdict'], string>> = {
  same: 'the images are the same',
  different: 'the images differ',
  'rewrite-fails': 'the original builds, the rewrite does not',
  'original-fails': 'the original does not build, so nothing can be said of the rewrite',
};

/** Where a build was ended because of the time. */
const LATE: Readonly<Partial<Record<Told['verdict'], string>>> = {
  'rewrite-fails': 'the original builds in time, the rewrite does not',
  'original-fails': 'the original does not build in time, so nothing can be said of the rewrite',
};

/** What a builder keeps beyond the images: all but these have BuildKit's cache. */
const LEFT: Readonly<Record<string, string>> = {
  podman: 'base images that it pulled and cache mounts stay',
  buildah: 'base images that it pulled and cache mounts stay',
};

export function verificationLines(path: string, told: Told): readonly string[] {
  const failed = told.builds.filter(({ code }) => code !== 0);
  const late = failed.some((build) => build.late === true);
  const lines = [`${path} ${(late ? LATE[told.verdict] : undefined) ?? VERDICTS[told.verdict]}`];
  for (const build of failed) {
    lines.push(
      build.late === true
        ? `  ended after ${Math.round(build.seconds)} s, --timeout gives it longer: ${build.name}`
        : `  does not build: ${build.name}`,
    );
    for (const line of (build.tail ?? '').split('\n')) lines.push(`    ${line}`);
  }
  for (const { stage, failed, comparison } of told.stages) {
    if (failed === 'original' && told.verdict !== 'original-fails')
      lines.push(`  stage ${stage}: the original does not build, so it is not compared`);
    if (comparison === undefined) continue;
    const { differences, allowed } = comparison;
    const passed = Object.entries(allowed)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${count} ${name}`);
    const suffix = passed.length === 0 ? '' : ` (let pass: ${passed.join(', ')})`;
    lines.push(`  stage ${stage}: ${plural(differences.length, 'difference')}${suffix}`);
    for (const { path: where, what, before, after, layer } of differences.slice(0, SHOWN)) {
      const values =
        what === 'missing'
          ? `, was ${before ?? ''}`
          : what === 'added'
            ? `, is ${after ?? ''}`
            : `: ${before ?? 'none'} → ${after ?? 'none'}`;
      lines.push(`    ${where} ${what}${values}${layer === undefined ? '' : ` (${layer})`}`);
    }
    if (differences.length > SHOWN)
      lines.push(`    and ${differences.length - SHOWN} more; --format json has them all`);
  }
  const { cache } = told;
  if (cache?.source !== undefined) {
    const { path: edited, before, after, ratio } = cache.source;
    lines.push(
      `  after an edit of ${edited}: ${tenths(before.seconds)} s before, ${tenths(after.seconds)} s after the rewrite (${tenths(ratio)} × faster)`,
    );
    for (const text of after.cached.filter((each) => each.startsWith('RUN '))) lines.push(`    cached: ${text}`);
  }
  if (cache?.manifest !== undefined && cache.manifest.reran.length > 0)
    lines.push(
      `  after an edit of ${cache.manifest.path}: ${tenths(cache.manifest.seconds)} s, ran again: ${cache.manifest.reran.join('; ')}`,
    );
  for (const note of cache?.notes ?? []) for (const line of note.split('\n')) lines.push(`  ${line}`);
  const images =
    told.imageBytes === 0
      ? ''
      : `, images of ${megabytes(told.imageBytes)} in all${told.kept.length === 0 ? ', removed' : ''}`;
  lines.push(
    `  ${plural(told.builds.length, 'build')}, ${Math.round(told.seconds)} s${images}; at most ${megabytes(told.diskBytes)} of disk at once; ${LEFT[told.engine] ?? "BuildKit's cache stays"}`,
  );
  for (const tag of told.kept) lines.push(`  kept: ${tag}`);
  if (told.logs !== '') lines.push(`  logs: ${told.logs}`);
  return lines.map(printable);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function tenths(value: number): string {
  return value.toFixed(1);
}
