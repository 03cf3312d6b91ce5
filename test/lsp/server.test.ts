/** The built server over standard input and output, with the protocol's own client library. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import {
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

async function start(root: string, settings: object = {}): Promise<void> {
  child = spawn(process.execPath, [bin, 'lsp', '--stdio'], { cwd: root });
  connection = createProtocolConnection(child.stdout, child.stdin);
  connection.onNotification('textDocument/publishDiagnostics', (each: PublishDiagnosticsParams) => {
    published.push(each);
  });
  connection.listen();
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: pathToFileURL(root).href,
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
const actions = (uri: string, line: number): Promise<CodeAction[]> =>
  connection.sendRequest('textDocument/codeAction', {
    textDocument: { uri },
    range: { start: { line, character: 0 }, end: { line, character: 0 } },
    context: { diagnostics: [] },
  });

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
});
