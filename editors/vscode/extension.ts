/** Starts `dockerfix lsp` for Dockerfiles. What it finds and offers is the server's. */
import { commands, workspace, type ExtensionContext } from 'vscode';
import {
  LanguageClient,
  TransportKind,
  type LanguageClientOptions,
  type ServerOptions,
} from 'vscode-languageclient/node';

/** What a Dockerfile's fixes depend on: an edit of one of them is a reason to look again. */
const WATCHED =
  '**/{*ockerfile*,*ontainerfile*,.dockerignore,*.dockerignore,.gitignore,package.json,*lock*,*.toml,requirements*.txt,go.mod,*compose*.y*ml}';

let client: LanguageClient | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  context.subscriptions.push(
    commands.registerCommand('dockerfix.restart', () => restart(context)),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('dockerfix.path')) void restart(context);
    }),
  );
  await start(context);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
  client = undefined;
}

async function restart(context: ExtensionContext): Promise<void> {
  await deactivate();
  await start(context);
}

async function start(context: ExtensionContext): Promise<void> {
  const settings = workspace.getConfiguration('dockerfix');
  const watcher = workspace.createFileSystemWatcher(WATCHED);
  context.subscriptions.push(watcher);
  const options: LanguageClientOptions = {
    // The others are read as the editor holds them, too.
    documentSelector: [
      { scheme: 'file', language: 'dockerfile' },
      { scheme: 'file', pattern: '**/{.dockerignore,*.dockerignore,package.json}' },
    ],
    initializationOptions: settings,
    synchronize: { fileEvents: watcher },
  };
  client = new LanguageClient('dockerfix', 'dockerfix', server(context, settings.get<string>('path', '')), options);
  await client.start();
}

function server(context: ExtensionContext, path: string): ServerOptions {
  if (path !== '') return { command: path, args: ['lsp'], transport: TransportKind.stdio };
  return { module: context.asAbsolutePath('dist/server.mjs'), transport: TransportKind.stdio };
}
