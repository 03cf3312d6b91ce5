/** The page: takes what is typed to the worker, and shows what comes back. */
import { byId, element } from './dom.ts';
import { EXAMPLES } from './examples.ts';
import { BUILDERS, MAX_LINK, pack, STYLES, unpack } from './share.ts';
import { render } from './view.ts';
import type { Answer, Question } from './work.ts';
import type { Message } from './worker.ts';

/** After the last key. */
const PAUSE_MS = 200;
/** No Dockerfile that is not made to takes this long. */
const PATIENCE_MS = 10_000;
/** What a file that is opened may hold; a page is no place for more. */
const MAX_FILE = 2_000_000;

const dockerfile = byId('dockerfile', HTMLTextAreaElement);
const files = byId('files', HTMLDivElement);
const example = byId('example', HTMLSelectElement);
const style = byId('style', HTMLSelectElement);
const builder = byId('builder', HTMLSelectElement);
const unsafe = byId('unsafe', HTMLInputElement);
const optIn = byId('opt-in', HTMLDivElement);
const status = byId('status', HTMLParagraphElement);
const shown = byId('answer', HTMLDivElement);
const share = byId('share', HTMLButtonElement);
const open = byId('open', HTMLInputElement);

// ------------------------------------------------------------------------------------------------- the input

function addFile(path: string, text: string): HTMLInputElement {
  const name = element('input', { value: path, placeholder: 'path, e.g. package.json', ariaLabel: 'Path of the file' });
  const area = element('textarea', { value: text, rows: 3, spellcheck: false, ariaLabel: `Text of ${path}` });
  const remove = element('button', { type: 'button', ariaLabel: `Remove ${path}` }, 'Remove');
  const box = element('div', { className: 'file' }, element('p', { className: 'row' }, name, remove), area);
  name.addEventListener('input', () => {
    area.ariaLabel = `Text of ${name.value}`;
    remove.ariaLabel = `Remove ${name.value}`;
  });
  remove.addEventListener('click', () => {
    box.remove();
    byId('add', HTMLButtonElement).focus();
    ask();
  });
  files.append(box);
  return name;
}

/** One of the same path is replaced. */
function putFile(path: string, text: string): void {
  if (path === 'Dockerfile') {
    dockerfile.value = text;
    return;
  }
  const present = [...files.children].find((box) => box.querySelector('input')?.value === path);
  const area = present?.querySelector('textarea');
  if (area) area.value = text;
  else addFile(path, text);
}

async function openFiles(list: FileList): Promise<void> {
  for (const file of list) {
    const whole = file.size <= MAX_FILE;
    if (whole) putFile(file.name, await file.text());
    else status.textContent = `${file.name} is too large for this page`;
  }
  ask();
}

function question(): Question {
  return {
    dockerfile: dockerfile.value,
    files: [...files.children].flatMap((box) => {
      const path = box.querySelector('input')?.value.trim() ?? '';
      return path === '' ? [] : [{ path, text: box.querySelector('textarea')?.value ?? '' }];
    }),
    style: STYLES[style.selectedIndex] ?? 'copy',
    builder: BUILDERS[builder.selectedIndex] ?? 'buildkit',
    unsafe: unsafe.checked,
    add: [...optIn.querySelectorAll('input')].flatMap((each) => (each.checked ? [each.value] : [])),
  };
}

/** What `optIn` does not offer yet is kept for when it does. */
let wanted: readonly string[] = [];

function fill(asked: Question): void {
  dockerfile.value = asked.dockerfile;
  files.replaceChildren();
  for (const { path, text } of asked.files) addFile(path, text);
  style.selectedIndex = STYLES.indexOf(asked.style);
  builder.selectedIndex = BUILDERS.indexOf(asked.builder);
  unsafe.checked = asked.unsafe;
  wanted = asked.add;
  for (const each of optIn.querySelectorAll('input')) each.checked = wanted.includes(each.value);
}

function fillExample(index: number): void {
  const { dockerfile: text, files: list } = EXAMPLES[index] ?? { dockerfile: '', files: [] };
  fill({ dockerfile: text, files: list, style: 'copy', builder: 'buildkit', unsafe: false, add: [] });
}

/** Where a line of the Dockerfile is told, it can be gone to. */
function toLine(line: number): void {
  const lines = dockerfile.value.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  dockerfile.focus();
  dockerfile.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  dockerfile.scrollTop = (dockerfile.scrollHeight * (line - 1)) / lines.length;
}

// ------------------------------------------------------------------------------------------------ the answer

let worker: Worker | undefined;
let asked = 0;
let pause: ReturnType<typeof setTimeout> | undefined;
let patience: ReturnType<typeof setTimeout> | undefined;

function start(): Worker {
  const made = new Worker('worker.js');
  made.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if ('optIn' in data) {
      offer(data.optIn);
      return;
    }
    if (data.id !== asked) return;
    clearTimeout(patience);
    if ('failure' in data) say(`This is a bug of dockerfix: ${data.failure}`, []);
    else say(summary(data.answer), render(data.answer, toLine));
  });
  made.addEventListener('error', () => say('The worker could not be started: serve this page over HTTP.', []));
  return made;
}

function offer(list: Extract<Message, { optIn: unknown }>['optIn']): void {
  if (optIn.childElementCount > 0) return;
  for (const { name, summary: text } of list) {
    const box = element('input', { type: 'checkbox', value: name, checked: wanted.includes(name) });
    optIn.append(element('p', {}, element('label', {}, box, ` ${name}: ${text}`)));
  }
  if (wanted.length > 0) ask();
}

/** Soon, and the link with it. */
function ask(): void {
  clearTimeout(pause);
  pause = setTimeout(() => {
    const now = question();
    clearTimeout(patience);
    asked++;
    worker ??= start();
    worker.postMessage({ id: asked, question: now });
    patience = setTimeout(() => {
      worker?.terminate();
      worker = undefined;
      say('Given up after 10 seconds.', []);
    }, PATIENCE_MS);
    void link(now);
  }, PAUSE_MS);
}

let fragment = '';

async function link(now: Question): Promise<void> {
  const packed = await pack(now);
  const fits = packed.length <= MAX_LINK;
  fragment = fits ? packed : '';
  history.replaceState(null, '', fits ? `#${packed}` : location.pathname + location.search);
  share.disabled = !fits;
  share.textContent = fits ? 'Copy a link to this' : 'Too long for a link';
}

function summary({ status: state, applied, refused, notes }: Answer): string {
  const count = (many: number, one: string, more: string): string => `${many} ${many === 1 ? one : more}`;
  if (state === 'failed') return 'This could not be worked on.';
  if (applied.length + refused.length > 0)
    return `${count(applied.length, 'fix', 'fixes')}, ${count(refused.length, 'refusal', 'refusals')}`;
  return notes.length > 0 ? 'Nothing to do: it is as good as it can be.' : 'Nothing to do.';
}

function say(text: string, parts: readonly HTMLElement[]): void {
  status.textContent = text;
  shown.replaceChildren(...parts);
}

// -------------------------------------------------------------------------------------------------- the start

for (const { title } of EXAMPLES) example.append(element('option', {}, title));
for (const each of STYLES) style.append(element('option', {}, each));
for (const each of BUILDERS) builder.append(element('option', {}, each));

document.addEventListener('input', (event) => {
  if (event.target !== example && event.target !== open) ask();
});
example.addEventListener('change', () => {
  fillExample(example.selectedIndex);
  ask();
});
byId('add', HTMLButtonElement).addEventListener('click', () => addFile('', '').focus());
open.addEventListener('change', () => {
  if (open.files !== null) void openFiles(open.files).finally(() => (open.value = ''));
});
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  if (event.dataTransfer !== null) void openFiles(event.dataTransfer.files);
});
share.addEventListener('click', () => {
  navigator.clipboard.writeText(location.href).then(
    () => (status.textContent = 'The link is copied.'),
    () => (status.textContent = 'Copy the address of this page: it is the link.'),
  );
});
/** A link that is opened in the page itself. */
addEventListener('hashchange', () => {
  if (location.hash.slice(1) !== fragment) void load();
});

async function load(): Promise<void> {
  const linked = location.hash.length > 1 ? await unpack(location.hash.slice(1)) : undefined;
  if (linked === undefined) fillExample(example.selectedIndex);
  else fill(linked);
  ask();
}
void load();
