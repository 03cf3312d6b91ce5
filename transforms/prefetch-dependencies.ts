/**
 * ## What it does
 * Gives a build that downloads its dependencies implicitly (`go build`, `cargo build`, `mvn package`, `dotnet publish`)
 * a download step of its own, above the source copy.
 *
 * ## Why
 * Such a build has no install step that could stay cached: every source edit downloads everything again.
 *
 * ## Example
 * ```diff
 *  WORKDIR /src
 * +COPY go.mod go.sum ./
 * +RUN go mod download
 *  COPY . .
 *  RUN go build -o /app .
 * ```
 *
 * ## Fix safety
 * Safe where the download takes just what the build takes. Otherwise unsafe, with its risk; refused where the manager
 * has no such step, or where it could fail although the build succeeds.
 */
import { opportunities, proposals, traceOf, type Proposal, type Transform } from '../src/plugin.ts';

export const prefetchDependencies: Transform = {
  name: 'prefetch-dependencies',
  summary: 'download what a build needs before copying the source',
  *propose(file, context, target): Iterable<Proposal> {
    for (const stage of traceOf(file, context, target)) {
      const { plans, blocked, optimal } = opportunities(stage, context, { kind: 'build', narrow: true });
      yield* proposals(file, plans, stage, context, target);
      for (const { run, trouble } of blocked) yield { at: run, fixes: [], refusal: trouble };
      for (const { run, install } of optimal)
        yield {
          at: run,
          fixes: [],
          refusal: {
            code: 'already-optimal',
            message: `\`${install.command.text}\` finds what an earlier step downloaded`,
          },
        };
    }
  },
};
