/**
 * ## What it does
 * Moves an `EXPOSE` below the last `RUN` of its stage.
 *
 * ## Why
 * The classic builder and Buildah chain every instruction: there, another port re-runs all that stands below.
 *
 * ## Example
 * ```diff
 * -EXPOSE 80
 *  RUN make
 * +EXPOSE 80
 * ```
 *
 * ## Fix safety
 * Safe: no command sees what is exposed. The proof decides.
 */
import { moveBelow, type Plugin, type Transform } from 'dockerfix/plugin';

const lateExpose: Transform = {
  name: 'late-expose',
  summary: 'expose ports below the commands that do not see them',
  *propose(file) {
    for (const { instructions } of file.stages) {
      const last = instructions.findLast(({ keyword }) => keyword === 'RUN');
      if (last === undefined) continue;
      for (const at of instructions.slice(0, instructions.indexOf(last)))
        if (at.keyword === 'EXPOSE')
          yield {
            at,
            fixes: [
              { edits: moveBelow(file, [at], last), message: 'exposes the port after the commands', safety: 'safe' },
            ],
          };
    }
  },
};

const plugin: Plugin = { transforms: [lateExpose] };

export default plugin;
