/**
 * ## What it does
 * Moves a `LABEL` below the `RUN` that follows it. Put your own here.
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
import type { Edit, Plugin, Transform } from 'dockerfix/plugin';

const transform: Transform = {
  name: 'my-transform',
  summary: 'label the image below the commands that do not see it',
  // The same file, the same proposals: nothing but what it is given is looked at.
  *propose({ source, eol, stages }) {
    for (const { instructions } of stages)
      for (const [index, at] of instructions.entries()) {
        const next = instructions[index + 1];
        if (at.keyword !== 'LABEL' || next?.keyword !== 'RUN') continue;
        // Comments belong to the instruction below them, and a blank line to whoever put it there.
        const text = source.slice(at.outer[0], next.outer[0]);
        if (at.comments.length > 0 || !/^[^\n]*\r?\n$/.test(text)) {
          yield { at, fixes: [], refusal: { code: 'comment-binds', message: 'it is not on a line of its own' } };
          continue;
        }
        const end = next.span[1];
        const edits: readonly Edit[] = [
          { file: 'dockerfile', span: [at.outer[0], next.outer[0]], text: '' },
          { file: 'dockerfile', span: [end, end], text: eol + text.trimEnd() },
        ];
        yield { at, fixes: [{ edits, message: 'labels the image after the command', safety: 'safe' }] };
      }
  },
};

const plugin: Plugin = { transforms: [transform] };

export default plugin;
