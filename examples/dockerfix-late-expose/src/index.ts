/**
 * ## What it does
 * Moves an `EXPOSE` below the `RUN` that follows it.
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
import type { Edit, Plugin, Transform } from 'dockerfix/plugin';

const lateExpose: Transform = {
  name: 'late-expose',
  summary: 'expose ports below the commands that do not see them',
  *propose({ source, eol, stages }) {
    for (const { instructions } of stages)
      for (const [index, at] of instructions.entries()) {
        const next = instructions[index + 1];
        if (at.keyword !== 'EXPOSE' || next?.keyword !== 'RUN') continue;
        const text = source.slice(at.outer[0], next.outer[0]);
        const isPlain = at.comments.length === 0 && /^[^\n]*\r?\n$/.test(text);
        const end = next.span[1];
        const edits: readonly Edit[] = [
          { file: 'dockerfile', span: [at.outer[0], next.outer[0]], text: '' },
          { file: 'dockerfile', span: [end, end], text: eol + text.trimEnd() },
        ];
        yield isPlain
          ? { at, fixes: [{ edits, message: 'exposes the port after the command', safety: 'safe' }] }
          : { at, fixes: [], refusal: { code: 'comment-binds', message: 'a comment or a blank line belongs to it' } };
      }
  },
};

const plugin: Plugin = { transforms: [lateExpose] };

export default plugin;
