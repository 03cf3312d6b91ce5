/** What a configuration tells about commands, inputs and scripts, made into package managers. */
import type { Analysis, Command, Files, PackageManager, Read, Step } from '../model.ts';
import type { OwnCommand, Settings } from './schema.ts';

/** The managers with what the settings add to them; the list itself where they add nothing. */
export function configuredManagers(managers: readonly PackageManager[], settings: Settings): readonly PackageManager[] {
  const { commands = [], inputs = {}, allowScripts = {} } = settings;
  if (commands.length + Object.keys(inputs).length + Object.keys(allowScripts).length === 0) return managers;
  const own = commands.length === 0 ? [] : [ownCommands(commands)];
  return [...own, ...managers.map((manager) => withInputs(withScripts(manager, allowScripts), inputs[manager.name]))];
}

function ownCommands(commands: readonly OwnCommand[]): PackageManager {
  const find = (command: Command): OwnCommand | undefined => commands.find(({ run }) => folded(run) === command.text);
  return {
    name: 'configured',
    summary: 'commands of the configuration',
    commands: [...new Set(commands.map(({ run }) => programOf(run)))],
    manifests: [],
    globs: [],
    caches: [],
    recognise: (command, place) =>
      find(command) === undefined
        ? undefined
        : { manager: 'configured', kind: 'install', directory: place.directory, command, place },
    analyse(install): Analysis {
      const { run, reads, writes = [], system = 'writes' } = find(install.command) as OwnCommand;
      const outputs = writes.map((path) => resolved(install.directory, path));
      return {
        steps: [
          {
            name: folded(run),
            reads: reads.map((path) => readOf(install.directory, path)),
            writes: outputs,
            edits: [],
            system,
          },
        ],
        outputs,
        ignore: writes.map((path) => path.replace(/^\.\//, '').replace(/\/$/, '')),
        splits: [],
      };
    },
  };
}

function withInputs(manager: PackageManager, inputs: readonly string[] = []): PackageManager {
  if (inputs.length === 0) return manager;
  return {
    ...manager,
    analyse(install, files) {
      const analysis = manager.analyse(install, files);
      return install.kind === 'tool'
        ? analysis
        : reading(
            analysis,
            inputs.map((path) => readOf(install.directory, path)),
          );
    },
  };
}

/**
 * To the manager, an allowed script does nothing; what it reads is read by the install. That holds for the original
 * and for the rewrite alike, so the proof compares what the configuration says of the script.
 */
function withScripts(manager: PackageManager, allowed: Readonly<Record<string, readonly string[]>>): PackageManager {
  if (!manager.manifests.includes('package.json')) return manager;
  const texts = Object.keys(allowed);
  if (texts.length === 0) return manager;
  return {
    ...manager,
    analyse(install, files) {
      const used = new Map<string, readonly string[]>();
      const seen: Files = {
        has: (path) => files.has(path),
        executable: (path) => files.executable(path),
        entries: (path) => files.entries(path),
        read(path) {
          const text = files.read(path);
          if (
            text === undefined ||
            !path.endsWith('/package.json') ||
            !texts.some((each) => text.includes(JSON.stringify(each)))
          )
            return text;
          return withoutScripts(text, allowed, (script) => used.set(script, allowed[script] ?? []));
        },
      };
      const analysis = manager.analyse(install, seen);
      return reading(
        analysis,
        [...used.values()].flat().map((path) => readOf(install.directory, path)),
      );
    },
  };
}

function withoutScripts(
  text: string,
  allowed: Readonly<Record<string, readonly string[]>>,
  use: (script: string) => void,
): string {
  let json;
  try {
    json = JSON.parse(text) as { scripts?: Record<string, unknown> };
  } catch {
    return text;
  }
  for (const [name, script] of Object.entries(json.scripts ?? {})) {
    if (typeof script !== 'string' || !Object.hasOwn(allowed, script)) continue;
    use(script);
    (json.scripts as Record<string, unknown>)[name] = 'true';
  }
  return JSON.stringify(json);
}

function reading(analysis: Analysis, reads: readonly Read[]): Analysis {
  const more = (step: Step): Step => (step.opaque === undefined ? { ...step, reads: [...step.reads, ...reads] } : step);
  return { ...analysis, steps: analysis.steps.map(more) };
}

function readOf(directory: string, path: string): Read {
  return path.endsWith('/') ? { path: resolved(directory, path), tree: true } : { path: resolved(directory, path) };
}

/** An absolute image path. */
function resolved(directory: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const start = directory.startsWith('/') || path.startsWith('/') ? '/' : '';
  return start + parts.join('/');
}

function folded(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}

function programOf(run: string): string {
  const [word = ''] = folded(run).split(' ');
  return word.slice(word.lastIndexOf('/') + 1);
}
