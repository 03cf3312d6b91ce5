/**
 * ## What it does
 * Moves a `LABEL` below the last `RUN` of its stage. Put your own here.
 *
 * ## Why
 * The classic builder and Buildah chain every instruction: there, another label re-runs all that stands below.
 *
 * ## Example
 * ```diff
 * -LABEL version=1
 *  RUN make
 * +LABEL version=1
 * ```
 *
 * ## Fix safety
 * Safe: no command sees a label. The proof decides.
 */
import { moveBelow, type Plugin, type Transform } from 'dockerfix/plugin';

const transform: Transform = {
  name: 'my-transform',
  summary: 'label the image below the commands that do not see it',
  // The same file, the same proposals: nothing but what it is given is looked at.
  *propose(file) {
    for (const { instructions } of file.stages) {
      const last = instructions.findLast(({ keyword }) => keyword === 'RUN');
      if (last === undefined) continue;
      for (const at of instructions.slice(0, instructions.indexOf(last)))
        // Whether it may move is left to the proof, which says the first thing that would be different.
        if (at.keyword === 'LABEL')
          yield {
            at,
            fixes: [
              { edits: moveBelow(file, [at], last), message: 'labels the image after the commands', safety: 'safe' },
            ],
          };
    }
  },
};

const plugin: Plugin = { transforms: [transform] };

export default plugin;
