/** The language server: diagnostics for fixes and refusals, and code actions that make the fixes. Text counts as the editor holds it. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  CodeActionKind,
  createConnection,
  DiagnosticSeverity,
  DidChangeConfigurationNotification,
  ProposedFeatures,
  TextDocuments,
  TextDocumentSyncKind,
  type ClientCapabilities,
  type CodeAction,
  type CodeActionParams,
  type Diagnostic,
  type Position,
  type TextDocumentEdit,
  type CreateFile,
  type WorkspaceEdit,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { isDockerfileName } from '../context/find.ts';
import { lineEdits } from '../diff.ts';
import { fixText, version, type FixOptions, type Outcome } from '../index.ts';
import { printable } from '../reporters/text.ts';
import { run, type Place } from '../run.ts';
import { alone, findings, type Finding } from './findings.ts';

/** What the user set for `dockerfix` in the editor, as the command line's options of those names. */
export interface Settings {
  readonly unsafe?: boolean;
  readonly transform?: readonly string[];
  readonly add?: readonly string[];
  readonly skip?: readonly string[];
  readonly style?: 'copy' | 'parents' | 'bind';
  readonly builder?: 'buildkit' | 'buildah' | 'kaniko' | 'classic';
  readonly context?: string;
}

export interface Requested {
  readonly cwd: string;
  readonly context?: Place;
  readonly fix: FixOptions;
}

/** A string says what is wrong with the settings. */
export type MakeRequest = (settings: Settings, directory: string) => Promise<Requested | string>;

/** Typing pauses at least so long before a look is taken. */
const PAUSE_MS = 150;

const SEVERITY = {
  fix: DiagnosticSeverity.Warning,
  refusal: DiagnosticSeverity.Information,
  failure: DiagnosticSeverity.Error,
} as const;

const FIX_ALL = `${CodeActionKind.SourceFixAll}.dockerfix`;

/** What was found in one version of a document. */
interface Look {
  readonly outcome: Located;
  readonly findings: readonly Finding[];
  /** The text it is about. */
  readonly source: string;
  again(fix: (options: FixOptions) => FixOptions): Promise<Located>;
  /** Each finding's own fix, once asked for. */
  readonly actions: Map<Finding, Promise<CodeAction | undefined>>;
}

interface Located extends Outcome {
  /** Of the changed files, by their shown path; absent: there is no file yet. */
  readonly absolute?: ReadonlyMap<string, string>;
}

/** Serves standard input and output until the client ends it, which ends the process. */
export function serve(makeRequest: MakeRequest): Promise<never> {
  const connection = createConnection(ProposedFeatures.all, process.stdin, process.stdout);
  const documents = new TextDocuments(TextDocument);
  const looks = new Map<string, Look>();
  let capabilities: ClientCapabilities = {};
  let settings: Settings = {};
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  let said = '';

  const unsaved = (path: string): string | undefined =>
    documents
      .all()
      .find((each) => pathOf(each.uri) === path)
      ?.getText();

  async function look(document: TextDocument): Promise<Look | string> {
    const path = pathOf(document.uri);
    const source = document.getText();
    const saved = path !== undefined && existsSync(path);
    const requested = await makeRequest(settings, saved ? dirname(path) : process.cwd());
    if (typeof requested === 'string') return requested;
    const again = async (change: (options: FixOptions) => FixOptions): Promise<Located> => {
      const fix = change(requested.fix);
      if (!saved) return fixText(source, { ...fix, unsafe: fix.unsafe ?? false, path: document.uri });
      const result = await run({ ...requested, fix, paths: [path], unsaved });
      return (
        result.outcomes[0] ?? {
          path,
          status: 'failed',
          changes: [],
          applied: [],
          refused: result.errors.map(({ code, message }) => ({ line: 1, code, message })),
          notes: [],
        }
      );
    };
    const outcome = await again((options) => options);
    return { outcome, findings: findings(outcome), source, again, actions: new Map() };
  }

  async function check(document: TextDocument): Promise<void> {
    const found = await look(document);
    // Meanwhile it may have been changed or closed.
    if (documents.get(document.uri)?.version !== document.version) return;
    if (typeof found === 'string') {
      if (found !== said) connection.window.showErrorMessage(`dockerfix settings: ${printable(found)}`);
      said = found;
      return;
    }
    said = '';
    looks.set(document.uri, found);
    const diagnostics = found.findings.map((each) => diagnosticOf(each, document));
    await connection.sendDiagnostics({ uri: document.uri, version: document.version, diagnostics });
  }

  /** All open Dockerfiles: a manifest or an ignore file that was edited matters to each. */
  function schedule(): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      working = working.then(async () => {
        for (const document of documents.all().filter(isDockerfile))
          await check(document).catch((error: unknown) =>
            connection.console.error(`dockerfix: ${error instanceof Error ? (error.stack ?? '') : String(error)}`),
          );
      });
    }, PAUSE_MS);
  }

  async function configure(): Promise<void> {
    if (capabilities.workspace?.configuration === true)
      settings = settingsOf(await connection.workspace.getConfiguration('dockerfix'));
    schedule();
  }

  function workspaceEdit(outcome: Located, document: TextDocument): WorkspaceEdit | undefined {
    const versioned = capabilities.workspace?.workspaceEdit?.documentChanges === true;
    const creates = capabilities.workspace?.workspaceEdit?.resourceOperations?.includes('create') === true;
    const edits: (TextDocumentEdit | CreateFile)[] = [];
    for (const change of outcome.changes) {
      const path = outcome.absolute?.get(change.path);
      const open =
        path === undefined || path === pathOf(document.uri)
          ? document
          : documents.all().find((each) => pathOf(each.uri) === path);
      // A fix is all or nothing: without a file, there is no place for what belongs beside it.
      if (path === undefined && change.path !== outcome.path) return undefined;
      const uri = open?.uri ?? pathToFileURL(path as string).href;
      const before = change.before ?? '';
      // It was edited after the look: the fix would take that back.
      if (open !== undefined && open.getText() !== before) return undefined;
      if (change.before === undefined && open === undefined) {
        if (!creates) return undefined;
        edits.push({ kind: 'create', uri });
      }
      const text = TextDocument.create(uri, '', 0, before);
      const at = (line: number): Position => text.positionAt(startOf(before, line));
      edits.push({
        textDocument: { uri, version: open?.version ?? null },
        edits: lineEdits(before, change.after).map((edit) => ({
          range: { start: at(edit.start), end: at(edit.end) },
          newText: edit.text,
        })),
      });
    }
    if (edits.length === 0) return undefined;
    if (versioned) return { documentChanges: edits };
    return {
      changes: Object.fromEntries(
        edits.flatMap((each) => ('edits' in each ? [[each.textDocument.uri, each.edits as never]] : [])),
      ),
    };
  }

  async function fixOf(finding: Finding, found: Look, document: TextDocument): Promise<CodeAction | undefined> {
    const edit = workspaceEdit(await found.again((options) => alone(finding, found.source, options)), document);
    if (edit === undefined) return undefined;
    const [message = ''] = finding.message.split('\n');
    return {
      title: printable(finding.unsafe ? `Fix, though it is unsafe: ${message}` : `Fix: ${message}`),
      kind: CodeActionKind.QuickFix,
      diagnostics: [diagnosticOf(finding, document)],
      isPreferred: !finding.unsafe,
      edit,
    };
  }

  async function codeActions({ textDocument, range, context }: CodeActionParams): Promise<CodeAction[]> {
    const document = documents.get(textDocument.uri);
    const found = looks.get(textDocument.uri);
    if (document === undefined || found === undefined || found.source !== document.getText()) return [];
    const wanted = (kind: string): boolean =>
      context.only?.some((each) => each === '' || kind === each || kind.startsWith(`${each}.`)) ?? true;
    const actions: CodeAction[] = [];
    if (wanted(CodeActionKind.QuickFix))
      for (const finding of found.findings) {
        const { line } = document.positionAt(startOf(document.getText(), finding.line - 1));
        if (finding.transform === undefined || line < range.start.line || line > range.end.line) continue;
        const action = found.actions.get(finding) ?? fixOf(finding, found, document);
        found.actions.set(finding, action);
        const made = await action;
        if (made !== undefined) actions.push(made);
      }
    const all = wanted(FIX_ALL) ? workspaceEdit(found.outcome, document) : undefined;
    if (all !== undefined) actions.push({ title: 'Apply all fixes of dockerfix', kind: FIX_ALL, edit: all });
    return actions;
  }

  connection.onInitialize((params) => {
    capabilities = params.capabilities;
    settings = settingsOf(params.initializationOptions);
    return {
      serverInfo: { name: 'dockerfix', version },
      capabilities: {
        textDocumentSync: TextDocumentSyncKind.Incremental,
        codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, FIX_ALL] },
      },
    };
  });
  connection.onInitialized(() => {
    if (capabilities.workspace?.didChangeConfiguration?.dynamicRegistration === true)
      void connection.client.register(DidChangeConfigurationNotification.type, { section: 'dockerfix' });
    void configure();
  });
  connection.onDidChangeConfiguration(() => void configure());
  connection.onDidChangeWatchedFiles(schedule);
  connection.onCodeAction(codeActions);
  documents.onDidChangeContent(schedule);
  documents.onDidClose(({ document }) => {
    looks.delete(document.uri);
    void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
    // What is on disk counts again.
    schedule();
  });
  documents.listen(connection);
  connection.listen();
  return new Promise(() => undefined);
}

/** To the protocol a lone carriage return ends a line, too; here, as in a Dockerfile, a line feed alone does. */
function startOf(text: string, line: number): number {
  let at = 0;
  for (let n = 0; n < line; n++) {
    const end = text.indexOf('\n', at);
    // The last line's end may have no line below it.
    if (end < 0) return text.length;
    at = end + 1;
  }
  return at;
}

function diagnosticOf(finding: Finding, document: TextDocument): Diagnostic {
  const all = document.getText();
  const start = startOf(all, finding.line - 1);
  const text = all.slice(start, startOf(all, finding.line));
  const indent = text.trim() === '' ? 0 : text.length - text.trimStart().length;
  return {
    range: {
      start: document.positionAt(start + indent),
      end: document.positionAt(start + text.trimEnd().length),
    },
    severity: SEVERITY[finding.kind],
    source: 'dockerfix',
    code: finding.code,
    message: finding.message
      .split('\n')
      .map((each) => printable(each))
      .join('\n'),
  };
}

function isDockerfile(document: TextDocument): boolean {
  const name = pathOf(document.uri) ?? document.uri;
  return /^(?:docker|container)file$/.test(document.languageId) || isDockerfileName(basename(name));
}

/** Without symlinks in its directories; undefined for what is no file, or one of another machine. */
function pathOf(uri: string): string | undefined {
  if (!uri.startsWith('file:')) return undefined;
  let path: string;
  try {
    path = fileURLToPath(uri);
  } catch {
    return undefined;
  }
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

/** Only what has the right type: an editor shows mistakes in its settings itself. */
function settingsOf(value: unknown): Settings {
  if (typeof value !== 'object' || value === null) return {};
  const given = value as Readonly<Record<string, unknown>>;
  const settings: Record<string, unknown> = {};
  if (typeof given['unsafe'] === 'boolean') settings['unsafe'] = given['unsafe'];
  for (const name of ['style', 'builder', 'context'] as const)
    if (typeof given[name] === 'string' && given[name] !== '') settings[name] = given[name];
  for (const name of ['transform', 'add', 'skip'] as const) {
    const names: unknown = given[name];
    if (Array.isArray(names) && names.length > 0 && names.every((each) => typeof each === 'string'))
      settings[name] = names;
  }
  return settings;
}
