/**
 * A report to look at: one page that needs no network, in light and dark, on a phone and by keyboard. Nothing of a
 * repository gets into it but through `escape` or diff2html, which escapes too; and the page may load nothing.
 */
import { html as diffHtml } from 'diff2html';
import { unifiedDiff } from '../../diff.ts';
import { REFUSALS } from '../../refusals.ts';
import { invalidatedBy } from '../explain.ts';
import { duration, number, replayLines, type ReplayReport } from '../replay.ts';
import { charts } from './chart.ts';
import { escape, prose } from './escape.ts';
import type { HtmlFile, HtmlReport, HtmlRepository } from './input.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** With more than this many files, they start folded. */
const OPEN = 3;

export function htmlReport(report: HtmlReport): string {
  const { title, facts, files, repositories, problems = [] } = report;
  const entries =
    repositories?.map(repositorySection) ?? files.map((file, at) => section(file, at, files.length <= OPEN));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#files">To the ${repositories === undefined ? 'Dockerfiles' : 'repositories'}</a>
<header><h1>${escape(title)}</h1>
${facts.map((fact) => `<p class="soft">${prose(fact)}</p>`).join('\n')}</header>
<main>
${summary(files, repositories)}
${problems.length === 0 ? '' : `<h2>Problems</h2><ul class="said">${problems.map((each) => `<li>${prose(each)}</li>`).join('')}</ul>`}
${codes(files, repositories !== undefined)}
<h2 id="files">${repositories === undefined ? 'Dockerfiles' : 'Repositories'}</h2>
${filter(files, repositories ?? files)}
${entries.join('\n')}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

// ------------------------------------------------------------------------------------------------ summary

function summary(files: readonly HtmlFile[], repositories: readonly HtmlRepository[] = []): string {
  const count = (status: HtmlFile['status']): number => files.filter((file) => file.status === status).length;
  const fixes = files.reduce((sum, file) => sum + file.applied.length, 0);
  const refusals = files.reduce((sum, file) => sum + file.refused.length, 0);
  const replays = files.flatMap(({ replay }) => (replay === undefined ? [] : [replay]));
  const installs = replays.flatMap((replay) => replay.installs);
  const numbers: (readonly [value: string, label: string])[] = [
    ...(repositories.length === 0 ? [] : [[number(repositories.length), 'repositories to look at'] as const]),
    [number(files.length), files.length === 1 ? 'Dockerfile' : 'Dockerfiles'],
    [number(count('changed')), 'would change'],
    [number(fixes), fixes === 1 ? 'fix' : 'fixes'],
    [number(refusals), refusals === 1 ? 'refusal' : 'refusals'],
  ];
  if (count('failed') > 0) numbers.push([number(count('failed')), 'failed']);
  if (installs.length > 0)
    numbers.push([
      `${number(total(installs, 'before'))} → ${number(total(installs, 'after'))}`,
      'install runs over the history',
    ]);
  const saved = replays.reduce((sum, { savedPerMonth = 0 }) => sum + savedPerMonth, 0);
  if (saved > 0) numbers.push([duration(saved), 'saved a month']);
  return `<ul class="numbers">${numbers.map(([value, label]) => `<li><b>${escape(value)}</b>${escape(label)}</li>`).join('')}</ul>`;
}

function total(installs: ReplayReport['installs'], side: 'before' | 'after'): number {
  return installs.reduce((sum, each) => sum + each[side], 0);
}

/** Refusals by their code, most frequent first; folded where they would stand in the way. */
function codes(files: readonly HtmlFile[], folded: boolean): string {
  const groups = new Map<string, { count: number; files: Set<HtmlFile>; help: string }>();
  for (const file of files)
    for (const { code, help } of file.refused) {
      const group = groups.get(code) ?? { count: 0, files: new Set<HtmlFile>(), help: help ?? '' };
      group.count++;
      group.files.add(file);
      groups.set(code, group);
    }
  if (groups.size === 0) return '';
  const rows = [...groups]
    .sort((a, b) => b[1].count - a[1].count || (a[0] < b[0] ? -1 : 1))
    .map(
      ([code, group]) =>
        `<tr><td><button type="button" data-code="${escape(code)}">${escape(code)}</button></td><td class="n">${number(group.count)}</td><td class="n">${number(group.files.size)}</td><td>${prose(REFUSALS[code]?.todo ?? group.help)}</td></tr>`,
    );
  const title = '<h2>Refusals by reason</h2>';
  return `${folded ? `<details class="reasons"><summary>${title}</summary>` : title}
<div class="scroll" tabindex="0" role="group" aria-label="Refusals by reason"><table class="codes"><thead><tr><th scope="col">code</th><th scope="col" class="n">refusals</th><th scope="col" class="n">Dockerfiles</th><th scope="col">what you can do</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>${folded ? '</details>' : ''}`;
}

function filter(files: readonly HtmlFile[], entries: readonly { readonly status: string }[]): string {
  const option = (value: string): string => `<option>${escape(value)}</option>`;
  const statuses = [...new Set(entries.map(({ status }) => status))].sort();
  const known = [...new Set(files.flatMap((file) => file.refused.map(({ code }) => code)))].sort();
  return `<form class="filter" role="search">
<label>Search<input name="search" type="search" placeholder="path, command, message" autocomplete="off"></label>
<label>Status<select name="status"><option value="">all</option>${statuses.map(option).join('')}</select></label>
<label>Refusal<select name="code"><option value="">all</option>${known.map(option).join('')}</select></label>
<output>${entries.length} of ${entries.length} shown</output>
</form>`;
}

// --------------------------------------------------------------------------------------------- one Dockerfile

function section(file: HtmlFile, at: number, open: boolean): string {
  const { path, status, refused, replay } = file;
  return entry({ name: path, status, codes: codesOf(refused), figures: runs(replay), body: parts(file), at, open });
}

function runs(replay: ReplayReport | undefined): readonly string[] {
  const best = replay?.installs.reduce<ReplayReport['installs'][number] | undefined>(
    (most, each) => (most === undefined || each.before - each.after > most.before - most.after ? each : most),
    undefined,
  );
  if (best === undefined || replay === undefined || best.before === best.after) return [];
  return [`${number(best.before)} → ${number(best.after)} install runs in ${number(replay.commits)} commits`];
}

function parts(file: HtmlFile): string {
  const { path, status, replay } = file;
  return [
    said(file),
    verified(file),
    replay === undefined ? '' : `<h3>Over the history</h3><ul class="said">${history(replay)}</ul>`,
    file.columns === undefined ? '' : charts(file.columns, status === 'changed'),
    file.changes.length === 0 ? '' : `<h3>Change</h3>${diff(unifiedDiff(file.changes))}`,
    file.layers === undefined || file.layers.length === 0 ? '' : layers(file.layers, `Layers of ${path}`),
    refusals(file),
  ].join('\n');
}

function codesOf(refused: HtmlFile['refused']): readonly string[] {
  return [...new Set(refused.map(({ code }) => code))];
}

interface Entry {
  readonly name: string;
  readonly status: string;
  readonly codes: readonly string[];
  readonly figures: readonly string[];
  readonly body: string;
  readonly at: number;
  readonly open: boolean;
  /** A class of its own. */
  readonly kind?: 'file repository';
}

function entry({ name, status, codes: refusalCodes, figures, body, at, open, kind }: Entry): string {
  return `<details class="${kind ?? 'file'}" id="file-${at + 1}" data-status="${escape(status)}" data-codes="${escape(refusalCodes.join(' '))}"${open ? ' open' : ''}>
<summary><span class="path">${escape(name)}</span><span class="status ${escape(status)}">${escape(status)}</span>${figures.map((each) => `<span>${escape(each)}</span>`).join('')}</summary>
<div class="body">${body}</div>
</details>`;
}

// --------------------------------------------------------------------------------------------- one repository

function repositorySection({ name, status, figures, facts, patch, files }: HtmlRepository, at: number): string {
  const body = [
    `<ul class="said">${facts.map((fact) => `<li>${prose(fact)}</li>`).join('')}</ul>`,
    patch === undefined ? '' : `<h3>Change</h3>${download(patch)}${diff(patch.text)}`,
    ...files.map(
      (file) =>
        `<h3 class="dockerfile"><span class="path">${escape(file.path)}</span> <span class="status ${escape(file.status)}">${escape(file.status)}</span></h3>${parts(file)}`,
    ),
  ];
  const refused = files.flatMap((file) => file.refused);
  return entry({
    name,
    status,
    codes: codesOf(refused),
    figures,
    body: body.join('\n'),
    at,
    open: false,
    kind: 'file repository',
  });
}

/** In the page itself, so that it can be sent to somebody. */
function download({ name, text }: NonNullable<HtmlRepository['patch']>): string {
  const data = `data:text/x-patch;charset=utf-8,${encodeURIComponent(text)}`;
  return `<p><a download="${escape(name)}" href="${escape(data)}">Download ${escape(name)}</a></p>`;
}

function said({ applied }: HtmlFile): string {
  if (applied.length === 0) return '';
  const items = applied.map(
    ({ line, transform, message, risk }) =>
      `<li>line ${line}, ${escape(transform)}: ${prose(message)}${risk === undefined ? '' : ` <strong>unsafe: ${prose(risk)}</strong>`}</li>`,
  );
  return `<h3>Fixes</h3><ul class="said">${items.join('')}</ul>`;
}

function verified({ verified: lines = [] }: HtmlFile): string {
  if (lines.length === 0) return '';
  return `<h3>Built before and after</h3><ul class="said">${lines.map((line) => `<li>${prose(line.trim())}</li>`).join('')}</ul>`;
}

function history(replay: ReplayReport): string {
  return replayLines({ ...replay, path: '' })
    .map((line) => `<li>${prose(line.replace(/^:(\d+) /, 'Line $1: ').trim())}</li>`)
    .join('');
}

/** Side by side where there is room, one above the other on a phone. */
function diff(text: string): string {
  const view = (outputFormat: 'side-by-side' | 'line-by-line'): string =>
    diffHtml(text, { drawFileList: false, outputFormat, matching: 'lines', diffStyle: 'word' })
      // Ids repeat, and rows are no list.
      .replace(/ id="d2h-[^"]*"/g, '')
      // What can be scrolled has to be reached by keyboard.
      .replaceAll(
        'class="d2h-file-side-diff"',
        'class="d2h-file-side-diff" tabindex="0" role="group" aria-label="one side of the change"',
      )
      .replaceAll(
        'class="d2h-file-diff"',
        'class="d2h-file-diff scroll" tabindex="0" role="group" aria-label="change"',
      );
  return `<div class="wide">${view('side-by-side')}</div><div class="narrow">${view('line-by-line')}</div>`;
}

function layers(rows: NonNullable<HtmlFile['layers']>, label: string): string {
  const counted = rows.some(({ before, after }) => before !== undefined || after !== undefined);
  const head = counted
    ? '<th scope="col" class="n">before</th><th scope="col" class="n">after</th><th scope="col">invalidated by</th>'
    : '';
  const body = rows.map((row) => {
    const counts = counted
      ? `<td class="n">${row.before === undefined ? '' : number(row.before)}</td><td class="n">${row.after === undefined ? '' : number(row.after)}</td><td>${prose(invalidatedBy(row))}</td>`
      : '';
    return `<tr${row.rewrite === 'new' ? ' class="new"' : ''}><td class="n">${row.line ?? '+'}</td><td><code>${escape(row.text)}</code></td><td><code>${escape(row.reads.join(' '))}</code></td>${counts}<td>${escape(row.rewrite)}</td></tr>`;
  });
  return `<h3>Layers</h3>
<div class="scroll" tabindex="0" role="group" aria-label="${escape(label)}"><table class="layers"><thead><tr><th scope="col" class="n">line</th><th scope="col">layer</th><th scope="col">reads</th>${head}<th scope="col">rewrite</th></tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function refusals({ refused, chains = [] }: HtmlFile): string {
  if (refused.length === 0) return '';
  const items = refused.map(({ line, code, message, help }) => {
    const facts = chains.find(
      (chain) => chain.line === line && chain.code === code && chain.facts.at(-1) === message,
    )?.facts;
    const steps =
      facts === undefined || facts.length < 2
        ? prose(message)
        : `${prose(message)}<ol>${facts
            .slice(0, -1)
            .map((fact) => `<li>${prose(fact)}</li>`)
            .join('')}</ol>`;
    return `<li>line ${line}, <strong>${escape(code)}</strong>: ${steps}${help === undefined || help === '' ? '' : `<div class="soft">${prose(help)}</div>`}</li>`;
  });
  return `<h3>Refusals</h3><ul class="said">${items.join('')}</ul>`;
}
