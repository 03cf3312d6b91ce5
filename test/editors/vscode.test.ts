/** The VS Code extension: its activation with a stand-in for the editor, and the server that it starts, for real. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createProtocolConnection, type PublishDiagnosticsParams } from 'vscode-languageserver-protocol/node';
import { folder, PROJECT } from '../cli/support.ts';

const extension = join(import.meta.dirname, '../../editors/vscode');
const require = createRequire(import.meta.url);
const dist = mkdtempSync(join(tmpdir(), 'dockerfix-vscode-'));

interface Server {
  readonly module?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly transport: number;
}
interface Client {
  readonly server: Server;
  readonly options: { readonly documentSelector: readonly object[]; readonly initializationOptions: unknown };
  running: boolean;
}

/** What the extension did to the editor. */
const editor = {
  settings: {} as Record<string, unknown>,
  clients: [] as Client[],
  commands: new Map<string, () => Promise<void>>(),
  changed: (_event: { affectsConfiguration(name: string): boolean }): void => undefined,
};

const disposable = { dispose: () => undefined };
const modules: Readonly<Record<string, object>> = {
  vscode: {
    commands: {
      registerCommand: (name: string, run: () => Promise<void>) => {
        editor.commands.set(name, run);
        return disposable;
      },
    },
    workspace: {
      getConfiguration: () => ({ ...editor.settings, get: (name: string, or: unknown) => editor.settings[name] ?? or }),
      createFileSystemWatcher: () => disposable,
      onDidChangeConfiguration: (listener: typeof editor.changed) => {
        editor.changed = listener;
        return disposable;
      },
    },
  },
  'vscode-languageclient/node': {
    TransportKind: { stdio: 0 },
    LanguageClient: class {
      readonly client: Client;
      constructor(_id: string, _name: string, server: Server, options: Client['options']) {
        this.client = { server, options, running: false };
        editor.clients.push(this.client);
      }
      start(): Promise<void> {
        this.client.running = true;
        return Promise.resolve();
      }
      stop(): Promise<void> {
        this.client.running = false;
        return Promise.resolve();
      }
    },
  },
};

const standIns: Plugin = {
  name: 'stand-ins',
  setup(builder) {
    builder.onResolve({ filter: /^vscode(?:-languageclient\/node)?$/ }, ({ path }) => ({
      path,
      namespace: 'stand-in',
    }));
    builder.onLoad({ filter: /./, namespace: 'stand-in' }, ({ path }) => ({
      contents: `module.exports = globalThis.__modules[${JSON.stringify(path)}]`,
    }));
  },
};

interface Extension {
  activate(context: object): Promise<void>;
  deactivate(): Promise<void>;
}
let made: Extension;

beforeAll(async () => {
  const { bundle } = require(join(extension, 'build.js')) as {
    bundle: (outdir: string, plugins: readonly Plugin[]) => Promise<void>;
  };
  await bundle(dist, [standIns]);
  Object.assign(globalThis, { __modules: modules });
  made = require(join(dist, 'extension.js')) as Extension;
});
afterAll(() => rmSync(dist, { recursive: true, force: true }));
beforeEach(async () => {
  await made.deactivate();
  Object.assign(editor, { settings: {}, clients: [] });
  editor.commands.clear();
});

const context = { subscriptions: [], asAbsolutePath: (path: string) => path.replace(/^dist/, dist) };

describe('activation', () => {
  it('starts the server that comes with it, for Dockerfiles, with the settings', async () => {
    editor.settings = { unsafe: true };
    await made.activate(context);
    const [client] = editor.clients;
    expect(client).toMatchObject({ running: true, server: { module: join(dist, 'server.mjs') } });
    expect(client?.options.documentSelector).toContainEqual({ scheme: 'file', language: 'dockerfile' });
    expect(client?.options.initializationOptions).toMatchObject({ unsafe: true });
    await made.deactivate();
    expect(client?.running).toBe(false);
  });
  it('starts another one where the user names it, and starts again when that changes', async () => {
    await made.activate(context);
    editor.settings = { path: '/opt/dockerfix' };
    editor.changed({ affectsConfiguration: (name) => name === 'dockerfix.unsafe' });
    expect(editor.clients).toHaveLength(1);
    editor.changed({ affectsConfiguration: (name) => name === 'dockerfix.path' });
    await expect.poll(() => editor.clients.map(({ running }) => running)).toEqual([false, true]);
    expect(editor.clients[1]?.server).toEqual({ command: '/opt/dockerfix', args: ['lsp'], transport: 0 });
    await editor.commands.get('dockerfix.restart')?.();
    expect(editor.clients.map(({ running }) => running)).toEqual([false, false, true]);
  });
});

it('the server that it starts finds what there is to fix', async () => {
  await made.activate(context);
  const { module = '' } = editor.clients[0]?.server ?? {};
  const root = folder();
  const uri = pathToFileURL(join(root, 'Dockerfile')).href;
  // As the client library starts a module.
  const child = spawn(process.execPath, [module, '--stdio', `--clientProcessId=${process.pid}`], { cwd: root });
  const connection = createProtocolConnection(child.stdout, child.stdin);
  const diagnostics = new Promise<PublishDiagnosticsParams>((done) =>
    connection.onNotification('textDocument/publishDiagnostics', done),
  );
  connection.listen();
  const { serverInfo } = await connection.sendRequest<{ serverInfo: { name: string } }>('initialize', {
    processId: process.pid,
    rootUri: pathToFileURL(root).href,
    capabilities: {},
  });
  expect(serverInfo.name).toBe('dockerfix');
  await connection.sendNotification('initialized', {});
  await connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'dockerfile', version: 1, text: PROJECT.Dockerfile },
  });
  expect((await diagnostics).diagnostics.map(({ code }) => code)).toContain('split-dependency-manifests');
  const ended = new Promise((done) => child.on('exit', done));
  await connection.sendRequest('shutdown');
  await connection.sendNotification('exit');
  expect(await ended).toBe(0);
});

it('offers settings that the server knows', () => {
  const { contributes } = JSON.parse(readFileSync(join(extension, 'package.json'), 'utf8')) as {
    contributes: { configuration: { properties: Record<string, unknown> } };
  };
  const server = readFileSync(join(extension, '../../src/lsp/server.ts'), 'utf8');
  const known = /export interface Settings \{([\s\S]*?)\n\}/.exec(server)?.[1] ?? '';
  for (const name of Object.keys(contributes.configuration.properties))
    if (name !== 'dockerfix.path') expect(known).toContain(`readonly ${name.replace('dockerfix.', '')}?:`);
});
