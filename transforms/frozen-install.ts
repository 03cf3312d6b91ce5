/**
 * ## What it does
 * Makes an install take exactly what the lockfile says: `npm install` becomes `npm ci`, and its peers get
 * `--frozen-lockfile`, `--immutable`, `--locked`.
 *
 * ## Why
 * An install that may rewrite its lockfile gives another image tomorrow than today, and says nothing.
 *
 * ## Example
 * ```diff
 * -RUN npm install
 * +RUN npm ci
 * ```
 *
 * ## Fix safety
 * Unsafe: versions may change to those of the lockfile, and a lockfile that does not fit fails the build. Only offered
 * where the lockfile is in the context and fits the manifest as far as both can be read. Runs only where it is asked
 * for: `--add frozen-install --unsafe`.
 */
import { isTrouble, rewritten, traceOf, type Proposal, type Transform } from '../src/plugin.ts';

export const frozenInstall: Transform = {
  name: 'frozen-install',
  summary: 'install exactly what the lockfile says (npm install → npm ci)',
  optIn: true,
  *propose(file, context, target): Iterable<Proposal> {
    for (const { events } of traceOf(file, context, target)) {
      for (const { instruction, actions } of events) {
        const seen = new Set<string>();
        for (const { command, analysis } of actions) {
          if (command === undefined || seen.has(command.text)) continue;
          seen.add(command.text);
          const frozen = analysis?.frozen?.();
          if (frozen === undefined) continue;
          if (isTrouble(frozen)) {
            yield { at: instruction, fixes: [], refusal: frozen };
            continue;
          }
          yield {
            at: instruction,
            fixes: [
              {
                edits: rewritten(file, instruction, command.span, frozen),
                message: `makes \`${command.text}\` keep to its lockfile`,
                safety: 'unsafe',
                risk: 'the lockfile decides the versions, and the build fails where it does not fit the manifest',
                changes: true,
              },
            ],
          };
        }
      }
    }
  },
};
