import type { Span } from '../model.ts';

/** Applies edits that do not overlap, last to first. Two inserts at one place keep their order. */
export function applyEdits(source: string, edits: readonly { readonly span: Span; readonly text: string }[]): string {
  const sorted = edits
    .map((edit, order) => ({ ...edit, order }))
    .sort((a, b) => a.span[0] - b.span[0] || a.span[1] - b.span[1] || a.order - b.order);
  let result = '';
  let at = 0;
  for (const { span, text } of sorted) {
    if (span[0] < at) throw new Error(`edits overlap at offset ${span[0]}`);
    result += source.slice(at, span[0]) + text;
    at = span[1];
  }
  return result + source.slice(at);
}
