/**
 * ## What it does
 * Moves a broad `COPY` below the installs that follow it, and copies just their manifests ahead of them. A RUN that works
 * on nothing but the source (`chmod +x start.sh`) moves along.
 *
 * ## Why
 * Docker re-runs an instruction when what it depends on changed. A source copy above `npm ci` makes every edit of
 * every file re-install all dependencies.
 *
 * ## Example
 * ```diff
 *  WORKDIR /app
 * -COPY . .
 * +COPY package.json package-lock.json ./
 *  RUN npm ci
 * +COPY . .
 * ```
 *
 * ## Fix safety
 * Safe when the build context is known: every file that the install reads is copied first, and the proof shows that
 * all commands see the same inputs. Without a context it is unsafe: which manifests exist is assumed.
 */
import { opportunities, proposals, traceOf, type Proposal, type Transform } from '../src/plugin.ts';

export const splitDependencyManifests: Transform = {
  name: 'split-dependency-manifests',
  summary: 'copy dependency manifests and install before copying the source',
  *propose(file, context, target): Iterable<Proposal> {
    for (const stage of traceOf(file, context, target)) {
      const { plans, blocked, optimal } = opportunities(stage, context);
      const worth = plans.filter((plan) => plan.needs.length > 0 || plan.provided || plan.split !== undefined);
      // Several ways to divide one install are alternatives; moving what stands above it is a proposal of its own.
      for (const group of [
        worth.filter((plan) => plan.split !== undefined),
        worth.filter((plan) => plan.split === undefined),
      ]) {
        yield* proposals(file, group, stage, context, target);
      }
      for (const { run, trouble } of blocked) yield { at: run, fixes: [], refusal: trouble };
      for (const { run, install } of optimal)
        yield {
          at: run,
          fixes: [],
          refusal: {
            code: 'already-optimal',
            message: `\`${install.command.text}\` is re-run only when its manifests change`,
          },
        };
    }
  },
};
