/** Elements are only made of text, never of markup: what is pasted or linked to stays text. */
type Child = Node | string;

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/** What stands between backquotes as code. */
export function prose(text: string): Child[] {
  return text.split(/`([^`]+)`/).map((part, at) => (at % 2 === 1 ? element('code', {}, part) : part));
}

/** The button says that it was done. */
export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const button = element('button', { type: 'button' }, label);
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(text()).then(
      () => told(button, label, 'Copied'),
      () => told(button, label, 'This browser does not let it copy'),
    );
  });
  return button;
}

function told(button: HTMLButtonElement, label: string, text: string): void {
  button.textContent = text;
  setTimeout(() => (button.textContent = label), 1500);
}
