/**
 * Mix. Spec section 17.
 *
 * Reads: [V: 1.14] mix.exs and what it reads, mix.lock, the mix.exs of path dependencies and of an umbrella's apps,
 * config/config.exs with what it imports (a part of it fails, none of it does not). `deps.compile` needs path
 * dependencies in full.
 *
 * Writes: deps/, and `deps.compile` _build/, or what `deps_path`, `build_path` and MIX_DEPS_PATH name; mix.lock, or
 * what `lockfile` names.
 *
 * Runs: mix.exs and config/, which are Elixir; `deps.compile` compiles dependencies.
 *
 * Hazards: mix.exs is Elixir: what is not a plain literal is not followed. An alias that overrides deps.get runs
 * project code [V]. Without apps/ an umbrella gets less, and does not say so [V].
 *
 * Sources: https://hexdocs.pm/mix/Mix.Tasks.Deps.html, https://hexdocs.pm/mix/Mix.Tasks.Deps.Get.html
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Step, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { optionTable, parseArguments } from './shared/arguments.ts';
import { at, inside } from './shared/package-json.ts';
import { generated, missing, tool, unknown, unresolvedVariable } from './shared/steps.ts';
import { unknownVariable } from './shared/variables.ts';

const OPTIONS = optionTable('', '--only --target');
const TOOLS = new Set(['local.hex', 'local.rebar', 'archive.install', 'hex.repo', 'hex.config']);
const DYNAMIC = /\b(?:File|Path|Code|System\.(?:cmd|shell)|IO|EEx|:os\.cmd|:file)\b[.(]|\bimport_file\b|\bCode\.\w+/;

/** The tasks of a command: `mix do a, b` and `mix do a + b` have several. */
function tasks(command: Command): readonly (readonly string[])[] {
  const words = command.words.slice(1).map((word) => word.value ?? word.text);
  if (words[0] !== 'do') return [words];
  const found: string[][] = [[]];
  for (const word of words.slice(1)) {
    if (word === '+') found.push([]);
    else if (word.endsWith(',')) {
      found.at(-1)?.push(word.slice(0, -1));
      found.push([]);
    } else found.at(-1)?.push(word);
  }
  return found;
}

function recognise(command: Command, place: Place): Install | undefined {
  const names = tasks(command).map(([name = '']) => name);
  const base = { manager: 'mix', command, place, directory: place.directory };
  if (names.every((name) => TOOLS.has(name))) return { ...base, kind: 'tool' };
  return names.every((name) => TOOLS.has(name) || name === 'deps.get' || name === 'deps.compile')
    ? { ...base, kind: 'install' }
    : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  if (install.kind === 'tool') return tool(install);
  const args = parseArguments(install.command, 1, OPTIONS);
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  const { directory } = install;
  const all = tasks(install.command);
  const compiles = all.some(([name]) => name === 'deps.compile');
  const open = unknownVariable(install, ['MIX_DEPS_PATH']);
  if (open !== undefined) return unknown(install, open);
  const moved = ['MIX_EXS', 'MIX_BUILD_PATH', 'MIX_BUILD_ROOT'].find((name) => install.place.declared(name));
  if (moved !== undefined)
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `ENV ${moved} moves what Mix reads or writes`,
      help: 'set it for the build alone',
    });
  const reader = new ProjectReader(files, install.place.environment('MIX_ENV') ?? 'dev', compiles);
  reader.project(directory);
  const setting = (name: string, otherwise: string): string =>
    resolvePath(directory, reader.setting(directory, name) ?? otherwise);
  const configuration = setting('config_path', 'config/config.exs');
  if (files.has(configuration) !== 'no') reader.config(configuration);
  if (reader.trouble !== undefined) return unknown(install, reader.trouble);
  const named = install.place.environment('MIX_DEPS_PATH') ?? '';
  const deps = named === '' ? setting('deps_path', 'deps') : resolvePath(directory, named);
  const built = compiles ? [setting('build_path', '_build')] : [];
  const lock = setting('lockfile', 'mix.lock');
  const isGot = all.some(([name]) => name === 'deps.get');
  const trees = [...(isGot ? [deps] : []), ...built];
  const step: Step = {
    name: install.command.text,
    reads: [...reader.reads, { path: lock }, ...[deps, ...built].map((path) => ({ path, tree: true }))],
    writes: trees,
    edits: isGot ? [lock] : [],
    system: all.some(([name = '']) => TOOLS.has(name)) ? 'writes' : 'reads',
  };
  return { steps: [step], outputs: step.writes, ignore: inside(directory, trees), splits: [] };
}

class ProjectReader {
  readonly reads: Read[] = [];
  trouble: Trouble | undefined;
  private readonly seen = new Set<string>();
  private readonly files: Files;
  private readonly environment: string;
  private readonly whole: boolean;

  constructor(files: Files, environment: string, whole: boolean) {
    this.files = files;
    this.environment = environment;
    this.whole = whole;
  }

  project(directory: string): void {
    const text = this.read(at(directory, 'mix.exs'));
    if (text === undefined) return;
    const code = this.literals(text, directory);
    if (
      /\baliases:|def\w* aliases/.test(code) &&
      /(?:["']?deps\.(?:get|compile)["']?:|:["']deps\.(?:get|compile)["'],)\s*(?:\[|&|["'])/.test(code)
    )
      return this.refuse({
        code: 'lifecycle-script-reads-source',
        message: `\`${at(directory, 'mix.exs')}\` makes \`deps.get\` or \`deps.compile\` an alias`,
        help: 'call the alias something else',
      });
    this.check(code, at(directory, 'mix.exs'));
    // What is put together, or written as a tuple, may be the path of a dependency.
    if (/\bpath:(?!\s*"[^"#]*")|[[{,]\s*:path\b/.test(code))
      return this.refuse({
        code: 'dynamic-manifest',
        message: `\`${at(directory, 'mix.exs')}\` has a path that is computed`,
        help: 'write `path: "..."`',
      });
    for (const [, name = ''] of code.matchAll(/\{\s*:(\w+),[^{}]*\bin_umbrella:\s*true/g))
      this.project(resolvePath(parentOf(directory), name));
    for (const [, path = ''] of code.matchAll(/\bpath:\s*"([^"#]+)"/g)) {
      const dependency = resolvePath(directory, path);
      this.project(dependency);
      if (this.whole) this.reads.push({ path: dependency, tree: true });
    }
    const apps = /\bapps_path:\s*"([^"#]+)"/.exec(code)?.[1];
    if (apps === undefined) return;
    const names = this.files.entries(resolvePath(directory, apps));
    if (names === undefined) return this.refuse(generated(resolvePath(directory, apps)));
    for (const name of names) {
      const app = at(resolvePath(directory, apps), name);
      if (this.files.has(at(app, 'mix.exs')) === 'yes') this.project(app);
    }
  }

  /** What `project` of a mix.exs says of a path. */
  setting(directory: string, name: string): string | undefined {
    const path = at(directory, 'mix.exs');
    const found = new RegExp(String.raw`^[^#\n]*\b${name}:\s*(?:"([^"#]+)")?`, 'm').exec(this.files.read(path) ?? '');
    if (found !== null && found[1] === undefined)
      this.refuse({ code: 'dynamic-manifest', message: `\`${path}\` computes its ${name}`, help: 'write it out' });
    return found?.[1];
  }

  /** Evaluated by every task, imports and all; without any, dependencies are the same. */
  config(path: string): void {
    const text = this.read(path, true);
    if (text === undefined) return;
    const code = this.literals(text, parentOf(path));
    for (const [, name = ''] of code.matchAll(
      /^[^\S\r\n]*import_config\s*(?:\(\s*)?"((?:[^"\\#]|#(?!\{)|#\{[^}\n]*\})*)"/gm,
    )) {
      const resolved = name.replace(
        /#\{\s*(?:config_env\(\)|Mix\.env(?:\(\))?|Atom\.to_string\(Mix\.env\))\s*\}/g,
        this.environment,
      );
      if (/[#*{}]/.test(resolved))
        return this.refuse({
          code: 'dynamic-manifest',
          message: `\`${path}\` imports \`${name}\`, which is computed`,
          help: 'name the files',
        });
      this.config(resolvePath(parentOf(path), resolved));
    }
    this.check(code, path);
  }

  /** `File.read!("VERSION")` is a literal: the file is noted, the call taken out. */
  private literals(text: string, directory: string): string {
    return (
      text
        .replace(/^[^\S\r\n]*#.*$/gm, '')
        .replace(/\bFile\.(?:read!?|exists\?)\(\s*"([^"#]+)"\s*\)/g, (_all, path: string) => {
          this.reads.push({ path: resolvePath(directory, path) });
          return '';
        })
        // Paths that are only put together: they are read by what runs later.
        .replace(/\bPath\.(?:expand|join)\(/g, '(')
    );
  }

  private check(code: string, path: string): void {
    const found = DYNAMIC.exec(code);
    if (found !== null)
      this.refuse({
        code: 'dynamic-manifest',
        message: `\`${path}\` has code that is not followed: \`${found[0]}\``,
        help: 'write it as a literal',
      });
  }

  private read(path: string, incidental?: true): string | undefined {
    if (this.seen.has(path)) return undefined;
    this.seen.add(path);
    this.reads.push(incidental === undefined ? { path } : { path, incidental });
    const text = this.files.read(path);
    if (text === undefined) this.refuse(this.files.has(path) === 'no' ? missing(path) : generated(path));
    return text;
  }

  private refuse(trouble: Trouble): void {
    this.trouble ??= trouble;
  }
}

export const mix: PackageManager = {
  name: 'mix',
  summary: 'mix deps.get, mix deps.compile',
  commands: ['mix'],
  manifests: ['mix.exs', 'mix.lock'],
  globs: ['mix.exs', 'mix.lock*'],
  recognise,
  analyse,
  caches: [
    {
      path: '~/.hex/packages',
      class: 'download',
      variable: 'HEX_HOME',
      inside: 'packages',
      uses: ({ command }) => tasks(command).some(([name]) => name === 'deps.get'),
    },
  ],
};
