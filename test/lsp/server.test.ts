/** The built server over standard input and output, with the protocol's own client library. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CancellationToken,
  CancellationTokenSource,
  createProtocolConnection,
  type CodeAction,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
} from 'vscode-languageserver-protocol/node';
import { TextDocument, type TextEdit } from 'vscode-languageserver-textdocument';
import { FIXED, folder, PROJECT } from '../cli/support.ts';

const bin = join(import.meta.dirname, '../../dist/cli.js');
let child: ChildProcessWithoutNullStreams;
let connection: ProtocolConnection;
const published: PublishDiagnosticsParams[] = [];

afterEach(async () => {
  const ended = new Promise<number | null>((done) => child.on('exit', done));
  await connection.sendRequest('shutdown');
  await connection.sendNotification('exit');
  expect(await ended).toBe(0);
  published.length = 0;
});

async function start(root: string, settings: object = {}, folders: readonly string[] = [root]): Promise<void> {
  child = spawn(process.execPath, [bin, 'lsp', '--stdio'], { cwd: root });
  connection = createProtocolConnection(child.stdout, child.stdin);
  connection.onNotification('textDocument/publishDiagnostics', (each: PublishDiagnosticsParams) => {
    published.push(each);
  });
  connection.listen();
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: pathToFileURL(root).href,
    workspaceFolders: folders.map((each) => ({ uri: pathToFileURL(each).href, name: each })),
    initializationOptions: settings,
    capabilities: { workspace: { workspaceEdit: { documentChanges: true, resourceOperations: ['create'] } } },
  });
  await connection.sendNotification('initialized', {});
}

const uriOf = (root: string, name: string): string => pathToFileURL(join(root, name)).href;
const open = (uri: string, text: string, version = 1): Promise<void> =>
  connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: uri.endsWith('Dockerfile') ? 'dockerfile' : 'plaintext', version, text },
  });
async function diagnosed(uri: string, version: number): Promise<PublishDiagnosticsParams> {
  await expect
    .poll(() => published.some((each) => each.uri === uri && each.version === version), { timeout: 30_000 })
    .toBe(true);
  return published.findLast((each) => each.uri === uri && each.version === version) as PublishDiagnosticsParams;
}
const actions = (
  uri: string,
  line: number,
  only?: readonly string[],
  token: CancellationToken = CancellationToken.None,
): Promise<CodeAction[]> =>
  connection.sendRequest(
    'textDocument/codeAction',
    {
      textDocument: { uri },
      range: { start: { line, character: 0 }, end: { line, character: 0 } },
      context: { diagnostics: [], ...(only === undefined ? {} : { only }) },
    },
    token,
  );
/** A document's text after an action. */
function applied(action: CodeAction | undefined, uri: string, text: string): string {
  const changes = (action?.edit?.documentChanges ?? []) as readonly {
    textDocument?: { uri: string };
    edits: TextEdit[];
  }[];
  const edits = changes.flatMap((each) => (each.textDocument?.uri === uri ? each.edits : []));
  return TextDocument.applyEdits(TextDocument.create(uri, '', 0, text), edits);
}

describe('the language server', () => {
  it('offers the Dockerfile and its new ignore file as one edit, with the version', async () => {
    const root = folder();
    const uri = uriOf(root, 'Dockerfile');
    await start(root);
    await open(uri, PROJECT.Dockerfile, 7);
    const { diagnostics } = await diagnosed(uri, 7);
    expect(diagnostics.map((each) => [each.code, each.severity, each.range.start.line])).toContainEqual([
      'split-dependency-manifests',
      2,
      3,
    ]);
    const [fix] = await actions(uri, 3);
    expect(fix?.kind).toBe('quickfix');
    expect(fix?.edit?.documentChanges).toEqual([
      { textDocument: { uri, version: 7 }, edits: expect.any(Array) as unknown },
      { kind: 'create', uri: uriOf(root, '.dockerignore') },
      {
        textDocument: { uri: uriOf(root, '.dockerignore'), version: null },
        edits: [
          { range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, newText: 'node_modules\n' },
        ],
      },
    ]);
    const [{ edits }] = fix?.edit?.documentChanges as unknown as [{ edits: TextEdit[] }];
    expect(TextDocument.applyEdits(TextDocument.create(uri, '', 7, PROJECT.Dockerfile), edits)).toBe(FIXED);
  });
  it('goes by what the editor holds, not by what is saved', async () => {
    const root = folder();
    const uri = uriOf(root, 'Dockerfile');
    await start(root);
    await open(uri, 'FROM node:20\n');
    expect((await diagnosed(uri, 1)).diagnostics).toEqual([]);
    await connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [{ text: PROJECT.Dockerfile }],
    });
    expect((await diagnosed(uri, 2)).diagnostics).not.toEqual([]);
    // An unsaved ignore file leaves the Dockerfile alone to be changed.
    await open(uriOf(root, '.dockerignore'), 'node_modules\n');
    await expect.poll(async () => (await actions(uri, 3))[0]?.edit?.documentChanges?.length).toBe(1);
  });
  it('counts columns in UTF-16 and says why a file cannot be read', async () => {
    const root = folder();
    const uri = uriOf(root, 'Dockerfile');
    await start(root);
    await open(uri, 'NONSENSE 😀\n');
    const { diagnostics } = await diagnosed(uri, 1);
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({
      code: 'syntax-error',
      severity: 1,
      range: { start: { line: 0, character: 0 }, end: { line: 0, character: 11 } },
    });
  });
  it('counts lines as the protocol does, which ends them at a lone carriage return, too', async () => {
    const [text, ignored] = [`# a\r\r\n${PROJECT.Dockerfile.replaceAll('\n', '\r\n')}`, 'dist\rx\ntmp\n'];
    const root = folder({ ...PROJECT, Dockerfile: text, '.dockerignore': ignored });
    const uri = uriOf(root, 'Dockerfile');
    await start(root);
    await open(uri, text);
    expect((await diagnosed(uri, 1)).diagnostics.map(({ range }) => range.start.line)).toEqual([5]);
    const [fix] = await actions(uri, 5);
    expect(applied(fix, uri, text)).toBe(`# a\r\r\n${FIXED.replaceAll('\n', '\r\n')}`);
    expect(applied(fix, uriOf(root, '.dockerignore'), ignored)).toBe(`${ignored}node_modules\n`);
  });
  it('takes back nothing that was written into an ignore file just now', async () => {
    const root = folder({ ...PROJECT, '.dockerignore': 'dist\n' });
    const [uri, ignoring] = [uriOf(root, 'Dockerfile'), uriOf(root, '.dockerignore')];
    await start(root);
    await open(ignoring, 'dist\n');
    await open(uri, PROJECT.Dockerfile);
    await diagnosed(uri, 1);
    await connection.sendNotification('textDocument/didChange', {
      textDocument: { uri: ignoring, version: 2 },
      contentChanges: [{ text: 'dist\ncoverage\n' }],
    });
    expect(await actions(uri, 3, ['source.fixAll'])).toEqual([]);
    await expect
      .poll(async () => applied((await actions(uri, 3, ['source.fixAll']))[0], ignoring, 'dist\ncoverage\n'))
      .toBe('dist\ncoverage\nnode_modules\n');
  });
  it('keeps CRLF, in the Dockerfile and in an open ignore file', async () => {
    const crlf = (text: string): string => text.replaceAll('\n', '\r\n');
    const root = folder({ ...PROJECT, Dockerfile: crlf(PROJECT.Dockerfile) });
    const [uri, ignore] = [uriOf(root, 'Dockerfile'), uriOf(root, '.dockerignore')];
    await start(root);
    await open(ignore, 'dist\r\n');
    await open(uri, crlf(PROJECT.Dockerfile));
    await diagnosed(uri, 1);
    const [fix] = await actions(uri, 3);
    expect(applied(fix, uri, crlf(PROJECT.Dockerfile))).toBe(crlf(FIXED));
    expect(applied(fix, ignore, 'dist\r\n')).toBe('dist\r\nnode_modules\r\n');
  });
  it('fixes all where only that is asked for, as on save', async () => {
    const root = folder({ ...PROJECT, '.dockerignore': 'node_modules\n' });
    const uri = uriOf(root, 'Dockerfile');
    const twice = PROJECT.Dockerfile + PROJECT.Dockerfile.replace('node:20', 'node:22');
    await start(root);
    await open(uri, twice);
    await diagnosed(uri, 1);
    for (const only of ['source.fixAll', 'source.fixAll.dockerfix', 'source']) {
      const offered = await actions(uri, 0, [only]);
      expect(offered.map(({ kind }) => kind)).toEqual(['source.fixAll.dockerfix']);
      expect(applied(offered[0], uri, twice)).toBe(FIXED + FIXED.replace('node:20', 'node:22'));
    }
    expect(await actions(uri, 3, ['source.organizeImports'])).toEqual([]);
    // One fix is one install; all are both.
    const [one] = await actions(uri, 3, ['quickfix']);
    expect(applied(one, uri, twice)).toBe(FIXED + PROJECT.Dockerfile.replace('node:20', 'node:22'));
  });
  it('neither runs nor obeys the configuration of the repository that is opened', async () => {
    const told = folder({}, false);
    const writes = (name: string): string =>
      `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(join(told, name))}, '');\n`;
    const root = folder({
      ...PROJECT,
      'dockerfix.config.mjs': `${writes('configuration')}export default { plugins: ['./plugin.mjs'], transforms: { 'split-dependency-manifests': false } };\n`,
      'plugin.mjs': `${writes('plugin')}export default { transforms: [] };\n`,
      '.dockerfixignore': '**\n',
    });
    const uri = uriOf(root, 'Dockerfile');
    await start(root);
    await open(uri, PROJECT.Dockerfile);
    expect((await diagnosed(uri, 1)).diagnostics.map(({ code }) => code)).toContain('split-dependency-manifests');
    expect(readdirSync(told)).toEqual([]);
  });
  it('looks at several folders, each with its own files', async () => {
    const other = folder({ Dockerfile: PROJECT.Dockerfile, 'server.js': '1' });
    const root = folder();
    const [one, two] = [uriOf(root, 'Dockerfile'), uriOf(other, 'Dockerfile')];
    await start(root, {}, [root, other]);
    await open(one, PROJECT.Dockerfile);
    await open(two, PROJECT.Dockerfile);
    expect((await diagnosed(one, 1)).diagnostics.map(({ code }) => code)).toContain('split-dependency-manifests');
    expect((await diagnosed(two, 1)).diagnostics.map(({ code }) => code)).toEqual(['context-unknown']);
  });
  it('goes on after requests that were cancelled', async () => {
    const root = folder();
    const uri = uriOf(root, 'Dockerfile');
    await start(root);
    await open(uri, PROJECT.Dockerfile);
    await diagnosed(uri, 1);
    const asked = Array.from({ length: 20 }, () => {
      const source = new CancellationTokenSource();
      const answer = actions(uri, 3, undefined, source.token).then(
        () => 'answered',
        () => 'cancelled',
      );
      source.cancel();
      return answer;
    });
    expect(await Promise.all(asked)).toHaveLength(20);
    expect(applied((await actions(uri, 3))[0], uri, PROJECT.Dockerfile)).toBe(FIXED);
  });
  it('survives whatever is opened', async () => {
    const root = folder();
    const uri = uriOf(root, 'Dockerfile');
    await start(root);
    const texts = [
      '',
      '\0\uD800\u202E',
      'FROM a\nRUN <<EOF\nnever ends',
      'FROM a\nCOPY ['.repeat(500),
      `FROM a\nRUN ${'('.repeat(20_000)}`,
      `# ${'x'.repeat(2_100_000)}\nFROM a\n`,
    ];
    await open(uri, 'FROM a\n');
    for (const [index, text] of texts.entries()) {
      await connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version: index + 2 },
        contentChanges: [{ text }],
      });
      await diagnosed(uri, index + 2);
    }
    // Names of files that are none here.
    for (const odd of ['untitled:Dockerfile', 'file://elsewhere/share/Dockerfile', 'file:///a%2Fb/Dockerfile'])
      await open(odd, PROJECT.Dockerfile);
    await connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: 100 },
      contentChanges: [{ text: PROJECT.Dockerfile }],
    });
    expect((await diagnosed(uri, 100)).diagnostics).not.toEqual([]);
  });
});
