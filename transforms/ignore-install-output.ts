/**
 * ## What it does
 * Adds an install's output (`node_modules`) to the ignore file where a later `COPY` of the source could overwrite
 * the install with what lies on somebody's disk.
 *
 * ## Why
 * `RUN npm ci` followed by `COPY . .` ships the host's `node_modules`, built for another platform, whenever the
 * directory exists and is not ignored. It also makes the context large and the cache miss.
 *
 * ## Example
 * ```diff
 * --- a/.dockerignore
 * +++ b/.dockerignore
 * @@ -1 +1,2 @@
 *  .git
 * +node_modules
 * ```
 *
 * ## Fix safety
 * Safe: in a clean checkout nothing changes. Refused when git tracks the directory, or a Dockerfile of the same
 * context copies it on purpose.
 */
import { ignoreEdit, missingIgnores, traceOf, type Proposal, type Transform } from '../src/plugin.ts';

export const ignoreInstallOutput: Transform = {
  name: 'ignore-install-output',
  summary: 'keep install output such as node_modules out of the build context',
  *propose(file, context, target): Iterable<Proposal> {
    if (!context.known) return;
    for (const { events } of traceOf(file, context, target)) {
      for (const [index, event] of events.entries()) {
        const installs = event.actions.filter((action) => action.install?.kind === 'install');
        if (installs.length === 0) continue;
        const later = events.slice(index + 1).flatMap((each) => each.placements ?? []);
        const lines = missingIgnores(installs, later, context);
        if ('code' in lines) {
          yield { at: event.instruction, fixes: [], refusal: lines };
          continue;
        }
        if (lines.length === 0) continue;
        yield {
          at: event.instruction,
          fixes: [
            {
              edits: [ignoreEdit(context, lines, file.eol)],
              message: `adds ${lines.join(', ')} to ${context.ignoreFile.path}, so that the later COPY cannot overwrite the install`,
              safety: 'safe',
            },
          ],
        };
      }
    }
  },
};
