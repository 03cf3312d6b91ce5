/** An answer as elements. */
import { copyButton, element, prose } from './dom.ts';
import type { Answer, Reason, Rerun } from './work.ts';

/** `toLine` shows a line of the Dockerfile as it is. */
export function render(answer: Answer, toLine: (line: number) => void): readonly HTMLElement[] {
  const { diff, applied, refused, notes, contextKnown, layers } = answer;
  const parts: HTMLElement[] = [];
  if (!contextKnown)
    parts.push(
      element(
        'p',
        { className: 'hint' },
        'Without any file of the build context, the usual manifests are assumed, and every fix is unsafe. Add the manifest that the install reads.',
      ),
    );
  if (diff !== '')
    parts.push(
      scrolling('the change', diffLines(diff)),
      element(
        'p',
        { className: 'row' },
        copyButton('Copy the patch', () => diff),
        copyButton('Copy the new Dockerfile', () => answer.dockerfile),
      ),
    );
  const lineButton = (line: number): HTMLButtonElement => {
    const button = element('button', { type: 'button', className: 'line' }, `line ${line}`);
    button.addEventListener('click', () => toLine(line));
    return button;
  };
  if (applied.length > 0)
    parts.push(
      element('h3', {}, 'Fixes'),
      element(
        'ul',
        { className: 'reasons' },
        ...applied.map(({ line, transform, message, risk }) =>
          element(
            'li',
            {},
            element('p', {}, lineButton(line), ' ', element('b', {}, transform), ' ', ...prose(message)),
            ...(risk === undefined ? [] : [element('p', { className: 'risk' }, 'Unsafe: ', ...prose(risk))]),
          ),
        ),
      ),
    );
  if (refused.length > 0) parts.push(element('h3', {}, 'Left alone, and why'), reasons(refused, lineButton));
  // Of the rewritten text they would be no news.
  if (notes.length > 0 && applied.length === 0)
    parts.push(element('h3', {}, 'Already well'), reasons(notes, lineButton));
  if (answer.reruns.length > 0 && layers.length > 0) parts.push(reruns(answer.reruns), table(layers));
  return parts;
}

function scrolling(label: string, child: HTMLElement): HTMLElement {
  const box = element('div', { className: 'scroll', tabIndex: 0, role: 'group', ariaLabel: label }, child);
  return box;
}

function diffLines(diff: string): HTMLElement {
  const lines = diff.replace(/\n$/, '').split('\n');
  return element(
    'pre',
    { className: 'diff' },
    ...lines.map((line) => element('span', { className: kindOf(line) }, line)),
  );
}

function kindOf(line: string): string {
  if (/^(?:diff |--- |\+\+\+ |new file)/.test(line)) return 'head';
  if (line.startsWith('@@')) return 'hunk';
  return line.startsWith('+') ? 'plus' : line.startsWith('-') ? 'minus' : '';
}

function reasons(list: readonly Reason[], lineButton: (line: number) => HTMLElement): HTMLElement {
  return element(
    'ul',
    { className: 'reasons' },
    ...list.map(({ line, code, message, help, explanation }) =>
      element(
        'li',
        {},
        element('p', {}, lineButton(line), ' ', element('b', {}, code), ' ', ...prose(message)),
        ...(help === undefined || help === '' ? [] : [element('p', {}, 'What you can do: ', ...prose(help))]),
        ...(explanation === undefined
          ? []
          : [
              element(
                'details',
                {},
                element('summary', {}, `What ${code} means`),
                element('p', {}, ...prose(explanation.means)),
                element('p', {}, element('b', {}, 'Why: '), ...prose(explanation.why)),
                element('p', {}, element('b', {}, 'What to do: '), ...prose(explanation.todo)),
                scrolling(`an example of ${code}`, element('pre', {}, explanation.example)),
              ),
            ]),
      ),
    ),
  );
}

function reruns(list: readonly Rerun[]): HTMLElement {
  const select = element('select', {}, ...list.map(({ path }) => element('option', { value: path }, path)));
  const shown = element('div', { className: 'sides', ariaLive: 'polite' });
  const show = (): void => {
    const { before, after } = list[select.selectedIndex] as Rerun;
    const same = before.join('\n') === after.join('\n');
    shown.replaceChildren(
      side(same ? 'again' : 'again today', before),
      ...(same ? [] : [side('again after the change', after)]),
    );
  };
  select.addEventListener('change', show);
  show();
  return element(
    'section',
    {},
    element('h3', {}, 'What an edit re-runs'),
    element('p', { className: 'row' }, element('label', {}, 'After an edit of ', select)),
    shown,
  );
}

function side(title: string, texts: readonly string[]): HTMLElement {
  return element(
    'div',
    {},
    element('h4', {}, `${texts.length} ${texts.length === 1 ? 'step runs' : 'steps run'} ${title}`),
    element('ol', {}, ...texts.map((text) => element('li', {}, element('code', {}, text)))),
  );
}

function table(layers: Answer['layers']): HTMLElement {
  const head = ['line', 'layer', 'reads', 'rewrite'].map((text) => element('th', { scope: 'col' }, text));
  return element(
    'details',
    {},
    element('summary', {}, 'Layers'),
    scrolling(
      'layers',
      element(
        'table',
        {},
        element('thead', {}, element('tr', {}, ...head)),
        element(
          'tbody',
          {},
          ...layers.map(({ line, text, reads, rewrite }) =>
            element(
              'tr',
              {},
              element('td', {}, line === undefined ? '+' : String(line)),
              element('td', {}, element('code', {}, text)),
              element('td', {}, element('code', {}, reads.join(' '))),
              element('td', {}, rewrite),
            ),
          ),
        ),
      ),
    ),
  );
}
