/**
 * .NET. Spec section 9. Restoring only evaluates projects, so no source is needed.
 *
 * Reads: the target project, or every project of the solution; the projects that they reference;
 * Directory.Build.props, Directory.Build.targets, Directory.Build.rsp and Directory.Packages.props from the project
 * upward; global.json and NuGet.Config from the current directory upward, in each spelling that NuGet looks for on
 * Linux; packages.lock.json; whatever is imported; local package feeds; files that a property function reads, or whose
 * presence a condition asks for, outside of targets.
 *
 * Writes: obj/ beside each project, and ~/.nuget/packages or what `--packages` or globalPackagesFolder names. `build`,
 * `publish`, `run`, `test` and `pack` restore first, with the same result.
 *
 * Runs: MSBuild's evaluation; targets by builds alone.
 *
 * Hazards: an obj/ of the host that the late copy brings breaks the build. Any variable may change a build: MSBuild
 * takes them all for properties. Paths in Import, ProjectReference, property functions and conditions that are computed
 * are refused.
 *
 * Sources: https://learn.microsoft.com/visualstudio/msbuild/customize-by-directory,
 * https://learn.microsoft.com/nuget/consume-packages/configuring-nuget-behavior,
 * https://learn.microsoft.com/dotnet/core/tools/dotnet-restore,
 * https://learn.microsoft.com/visualstudio/msbuild/property-functions
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Step, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { has, optionTable, parseArguments, type Arguments } from './shared/arguments.ts';
import { document, list, optionalDocument } from './shared/documents.ts';
import { at, inside, record, strings, type Json } from './shared/package-json.ts';
import {
  alreadyCached,
  bareBuild,
  build,
  generated,
  isMounted,
  isTrouble,
  missing,
  single,
  tool,
  unknown,
  unresolvedVariable,
} from './shared/steps.ts';

const OPTIONS = optionTable(
  '-o --output -v --verbosity -c --configuration -f --framework --version-suffix --logger --results-directory --filter -l --artifacts-path --launch-profile --version -r --runtime -a --arch --os -p --property',
  '-s --source --add-source --configfile --packages --lock-file-path --project --tool-manifest',
);
const BUILDS = new Set(['build', 'publish', 'run', 'test', 'pack', 'watch', 'msbuild']);
/** Options of a build that its restore has too. */
const RESTORE_OPTIONS =
  /^(?:-r|--runtime|-a|--arch|--os|-s|--source|--configfile|--packages|--(?:use-)?lock-file.*|--use-current-runtime|--ucr)$/;
/** The first .NET whose restore has the option: https://github.com/dotnet/docs/pull/39162, https://github.com/dotnet/sdk/issues/37245 */
const SINCE: Readonly<Record<string, number>> = { '-a': 8, '--arch': 8, '--os': 10 };
const PROPERTY = /^(?:-p|\/p|--?property|\/property)(?::(.+))?$/;
/** A restore does not use it. */
const VERSION = /^["']?[-/](?:p|property):\w*Version\w*=/i;
const STORES = ['/root/.nuget/packages', '/root/.nuget'];
const PROJECT = /\.(?:cs|fs|vb)proj$/i;
const SOLUTION = /\.slnx?$/i;
/** NuGet's settings, in each spelling that it looks for where names differ by case. */
export const CONFIGURATION = ['NuGet.Config', 'NuGet.config', 'nuget.config'];
/** Of these the nearest counts. */
const PROPERTIES = ['Directory.Build.props', 'Directory.Build.targets', 'Directory.Packages.props'];
const SETTINGS = [...CONFIGURATION, ...PROPERTIES, 'global.json', 'Directory.Build.rsp'];
/** Properties that move obj/. */
const MOVES_OUTPUT = [
  'BaseIntermediateOutputPath',
  'MSBuildProjectExtensionsPath',
  'ArtifactsPath',
  'UseArtifactsOutput',
  'RestoreOutputPath',
  'RestorePackagesPath',
];
/** Where an SDK, a package or somebody's home is: no file of the project. */
const ELSEWHERE =
  /^\$\((?:MSBuild(?:Extensions|Tools|SDKs|Bin)\w*Path\w*|NuGetPackageRoot|VSToolsPath|HOME|UserProfile|(?:Local)?AppData|Program\w+)\)/i;
/** Items and properties that no restore looks at, so that it does not matter whether they are there. */
const INERT =
  /^(?:None|Content|Compile|EmbeddedResource|Resource|Page|Folder|Reference|Analyzer|AdditionalFiles|EditorConfigFiles|InternalsVisibleTo|Using|SignAssembly|AssemblyOriginatorKeyFile|ApplicationIcon|CodeAnalysisRuleSet)$/;
/** Property functions that look at the disk; those that only work on the text of a path are no matter. */
const READS = /^system\.io\.file::readall(?:text|lines|bytes)$/;
const ASKS = /^(?:exists|system\.io\.(?:file|directory)::exists|msbuild::(?:file|directory)exists)$/;
const LOOKS = /^system\.io\.(?:file|directory)(?:info)?::(?!get(?:parent|currentdirectory)$)/;
/** A target of the project that runs as part of a restore. */
const DURING_RESTORE = /(?:^|;|\s)(?:Restore|_?GenerateRestore\w*|CollectPackage\w+)(?:;|\s|$)/i;

function recognise(command: Command, place: Place): Install | undefined {
  const args = arguments_(command);
  const [verb, second] = args.positional;
  const base = { manager: 'dotnet', command, place, directory: place.directory };
  if (verb === 'restore') return { ...base, kind: 'install' };
  if (verb === 'tool' && (second === 'install' || second === 'update'))
    return { ...base, kind: has(args, '-g', '--global', '--tool-path') ? 'tool' : 'install' };
  if (verb === 'tool' && second === 'restore') return { ...base, kind: 'install' };
  if (verb === 'workload' && second === 'install') return { ...base, kind: 'tool' };
  return verb !== undefined && BUILDS.has(verb) && !has(args, '--no-restore', '--no-build')
    ? { ...base, kind: 'build' }
    : undefined;
}

/** `/p:A=B` is an option too. */
function arguments_(command: Command): Arguments {
  const args = parseArguments(command, 1, OPTIONS);
  const slashed = args.positional.filter((word) => /^\/[a-z]+(?::|$)/i.test(word) && !/^\/.*\//.test(word));
  return slashed.length === 0
    ? args
    : {
        ...args,
        positional: args.positional.filter((word) => !slashed.includes(word)),
        list: [...args.list, ...slashed.map((word) => [word, true] as const)],
      };
}

function analyse(install: Install, files: Files): Analysis {
  const args = arguments_(install.command);
  if (install.kind === 'tool') return machineTool(install, files, args);
  const [verb, target] = args.positional;
  if (install.kind === 'build') {
    const { place } = install;
    const store = place.environment('NUGET_PACKAGES');
    if (isMounted(place, store === undefined ? STORES : [...STORES, store]))
      return bareBuild(install, alreadyCached(install, 'the package store'));
  }
  if (args.unresolved !== undefined && !VERSION.test(args.unresolved))
    return refuse(install, unresolvedVariable(install, args.unresolved));
  if (verb === 'tool') return tools(install, files, args);
  const named = verb === 'run' || verb === 'watch' ? args.options.get('--project') : target;
  const start = startOf(install, files, typeof named === 'string' ? named : undefined);
  if (isTrouble(start)) return refuse(install, start);
  const project = new ProjectReader(files);
  for (const directory of upward(install.directory, files))
    for (const name of ['global.json', ...CONFIGURATION]) project.setting(at(directory, name));
  project.feeds(install.directory);
  if (SOLUTION.test(start)) project.solution(start);
  else project.project(start);
  const restored = restoreOptions(args);
  const configured = args.options.get('--configfile');
  if (typeof configured === 'string') project.reads.set(resolvePath(install.directory, configured), {});
  if (project.trouble !== undefined) return refuse(install, project.trouble);
  const store = args.options.get('--packages');
  if (typeof store === 'string') project.stores.push(resolvePath(install.directory, store));
  const trees = [...[...project.directories].map((directory) => at(directory, 'obj')), ...project.stores];
  const relative = typeof named === 'string' ? named : undefined;
  const step: Step = {
    name: ['dotnet restore', relative ?? '.', ...restored].join(' '),
    reads: [...project.all(), ...trees.map((path) => ({ path, tree: true }))],
    writes: trees,
    edits: project.locks,
    system: 'writes',
    settles: true,
    variables: true,
  };
  const outputs = { outputs: trees, ignore: ['**/obj', ...inside(install.directory, project.stores)] };
  if (install.kind === 'install') return { ...single(step), ...outputs };
  const unknownTo = args.list.find(([name]) => sdkOf(install.place.image, SINCE[name] ?? 0) < (SINCE[name] ?? 0));
  if (unknownTo !== undefined)
    return refuse(install, {
      code: 'unsplittable-run',
      message: `\`${install.command.text}\` has \`${unknownTo[0]}\`, which \`dotnet restore\` knows from .NET ${SINCE[unknownTo[0]]} on`,
      help: 'name the runtime instead: `-r linux-x64`',
    });
  const before = ['dotnet restore', ...(relative === undefined ? [] : [quoted(relative)]), ...restored].join(' ');
  return build(
    install,
    step,
    [{ before, after: install.command.text, why: 'packages are restored by a step of their own' }],
    outputs,
  );
}

/** The version in the tag of the official image: `sdk:8.0-alpine`. Of `--os`, which is young, an unknown one has to be taken for older. */
function sdkOf(image: string | undefined, since: number): number {
  const found = /\/dotnet\/(?:core\/|nightly\/)?sdk:(\d+)\./.exec(image ?? '');
  return found === null ? (since > 8 ? 0 : since) : Number(found[1]);
}

function refuse(install: Install, trouble: Trouble): Analysis {
  return install.kind === 'build' ? bareBuild(install, trouble) : unknown(install, trouble);
}

/** `-r`, `-p:` and the like, sorted, so that a restore and a build that say the same have one name. */
function restoreOptions(args: Arguments): readonly string[] {
  const kept: string[] = [];
  for (const [name, value] of args.list) {
    if (RESTORE_OPTIONS.test(name)) kept.push(value === true ? name : `${name} ${value}`);
    else if (name === '--self-contained' || name === '--sc')
      kept.push(`-p:SelfContained=${value === true ? 'true' : value}`);
    else if (name === '--no-self-contained') kept.push('-p:SelfContained=false');
    else {
      const property = PROPERTY.exec(name);
      if (property === null) continue;
      // `-p:A=B`, split at its `=` by the option parser; or `-p A=B`.
      const text = property[1] === undefined ? String(value) : `${property[1]}${value === true ? '' : `=${value}`}`;
      if (
        !/^(?:Configuration|Version|\w*Version|VersionSuffix|OutputPath|PublishDir|DebugType|DebugSymbols)=/i.test(text)
      )
        kept.push(`-p:${text}`);
    }
  }
  return [...new Set(kept)].sort();
}

/** The project or solution that a command is about. */
function startOf({ directory, command }: Install, files: Files, named: string | undefined): string | Trouble {
  const path = resolvePath(directory, named ?? '.');
  if (PROJECT.test(path) || SOLUTION.test(path)) return files.has(path) === 'yes' ? path : missing(path);
  const entries = files.entries(path);
  if (entries === undefined) return generated(at(path, '*.csproj'));
  const names = entries.filter((name) => PROJECT.test(name) || SOLUTION.test(name));
  const solutions = names.filter((name) => SOLUTION.test(name));
  // MSBuild takes a solution and a project of the same name as one; otherwise it wants exactly one file.
  const [first, ...others] = solutions.length > 0 ? solutions : names;
  if (first === undefined) return missing(at(path, '*.csproj'));
  const same = new Set(names.map((name) => name.replace(/\.\w+$/, '')));
  if (others.length > 0 || (solutions.length === 1 && names.length > 1 && same.size > 1))
    return {
      code: 'dynamic-manifest',
      message: `\`${command.text}\` finds ${names.length} projects in \`${path}\``,
      help: 'name the project',
    };
  return at(path, first);
}

/** A tool of the machine's comes from the sources that are configured where it is installed. */
function machineTool(install: Install, files: Files, args: Arguments): Analysis {
  const project = new ProjectReader(files);
  for (const directory of upward(install.directory, files))
    for (const name of ['global.json', ...CONFIGURATION]) project.setting(at(directory, name));
  project.feeds(install.directory);
  for (const [name, value] of args.list) {
    if (typeof value !== 'string') continue;
    if (name === '--configfile') project.reads.set(resolvePath(install.directory, value), {});
    if (/^(?:-s|--source|--add-source)$/.test(name) && !/^https?:/.test(value))
      project.reads.set(resolvePath(install.directory, value), { tree: true });
  }
  return project.trouble === undefined ? tool(install, project.all()) : unknown(install, project.trouble);
}

function tools(install: Install, files: Files, args: Arguments): Analysis {
  if (args.positional[1] !== 'restore')
    return unknown(install, {
      code: 'mutating-install',
      message: `\`${install.command.text}\` changes the tool manifest`,
      help: 'commit the result, and use `dotnet tool restore`',
    });
  const project = new ProjectReader(files);
  project.feeds(install.directory);
  if (project.trouble !== undefined) return unknown(install, project.trouble);
  const reads = [...upward(install.directory, files)]
    .flatMap((directory) =>
      ['.config/dotnet-tools.json', 'dotnet-tools.json', ...CONFIGURATION].map((name) => ({
        path: at(directory, name),
      })),
    )
    .concat(project.all());
  return reads.some(({ path }) => path.endsWith('dotnet-tools.json') && files.has(path) === 'yes')
    ? single({ name: install.command.text, reads, writes: [], edits: [], system: 'writes' })
    : unknown(install, missing(at(install.directory, '.config/dotnet-tools.json')));
}

/** Collects what evaluating a project reads. */
class ProjectReader {
  readonly reads = new Map<string, Omit<Read, 'path'>>();
  /** Files that matter by being there or not. */
  private readonly asked = new Set<string>();
  /** Of the projects that are restored. */
  readonly directories = new Set<string>();
  readonly locks: string[] = [];
  /** Where packages are put, if not in the user's home. */
  readonly stores: string[] = [];
  trouble: Trouble | undefined;
  private readonly files: Files;

  constructor(files: Files) {
    this.files = files;
  }

  all(): readonly Read[] {
    const asked = [...this.asked].filter((path) => !this.reads.has(path));
    return [
      ...[...this.reads].map(([path, more]) => ({ path, ...more })),
      ...asked.map((path) => ({ path, as: this.files.has(path) === 'no' ? 'absent' : 'present' })),
    ];
  }

  /** What counts if it is there. Templates of .gitignore list `*.rsp` and the like, which is no sign that there are any. */
  setting(path: string): void {
    if (this.files.has(path) === 'yes') this.reads.set(path, {});
  }

  /** Every project of a solution; it has to be there, as building fails otherwise. */
  solution(path: string): void {
    this.reads.set(path, {});
    const directory = parentOf(path);
    for (const name of ['Directory.Solution.props', 'Directory.Solution.targets', 'Directory.Build.rsp'])
      this.setting(at(directory, name));
    const text = this.files.read(path);
    if (text === undefined) return this.refuse('manifest-generated', `what \`${path}\` lists is not known`);
    const listed = /\.slnx$/i.test(path)
      ? elements(optionalDocument(this.files, path, 'xml'), 'Project').map((each) => each['@Path'])
      : // Project("{type}") = "Name", "path\to.csproj", "{id}": https://learn.microsoft.com/visualstudio/extensibility/internals/solution-dot-sln-file
        [...text.matchAll(/^Project\("[^"]*"\)\s*=\s*"[^"]*",\s*"([^"]*)"/gm)].map((match) => match[1]);
    for (const each of strings(listed)) {
      const name = each.replaceAll('\\', '/');
      if (/\.\w*proj$/i.test(name)) this.project(resolvePath(directory, name));
    }
  }

  project(path: string): void {
    if (this.reads.has(path) || this.trouble !== undefined) return;
    if (!PROJECT.test(path)) {
      if (/\.esproj$/i.test(path))
        return this.refuse('dynamic-manifest', `\`${path}\` installs packages of another package manager`);
      // Of another kind it is evaluated, too.
      this.surroundings(path);
      this.build(path, parentOf(path));
      return;
    }
    const directory = parentOf(path);
    this.directories.add(directory);
    this.surroundings(path);
    if (this.files.has(at(directory, 'packages.config')) === 'yes')
      return this.refuse('dynamic-manifest', `\`${at(directory, 'packages.config')}\` is of an older kind of project`);
    const lock = at(directory, 'packages.lock.json');
    this.reads.set(lock, {});
    if (this.files.has(lock) === 'yes') this.locks.push(lock);
    this.build(path, directory);
  }

  /** What counts for a project beside its own file. */
  private surroundings(path: string): void {
    const directory = parentOf(path);
    for (const above of upward(directory, this.files))
      for (const name of ['Directory.Build.rsp', ...CONFIGURATION]) this.setting(at(above, name));
    for (const name of PROPERTIES) {
      const found = this.above(directory, name);
      if (found !== undefined) this.build(found, directory);
    }
  }

  /** The nearest file of that name: MSBuild stops there, and those further up have to be absent or present as they are. */
  private above(directory: string, name: string): string | undefined {
    for (const each of upward(directory, this.files)) {
      const path = at(each, name);
      if (this.files.has(path) === 'yes') return path;
    }
    return undefined;
  }

  /** A project or a file that one imports. */
  private build(path: string, project: string): void {
    if (this.reads.get(path) !== undefined && path !== project) return;
    this.reads.set(path, {});
    const xml = document(this.files, path, 'xml');
    if (isTrouble(xml)) {
      this.trouble ??= xml;
      return;
    }
    const here = parentOf(path);
    if (MOVES_OUTPUT.some((name) => elements(xml, name).length > 0))
      return this.refuse('dynamic-manifest', `\`${path}\` moves the directories that a restore fills`);
    const target = elements(xml, 'Target').find((each) =>
      strings([each['@BeforeTargets'], each['@AfterTargets']]).some((text) => DURING_RESTORE.test(text)),
    );
    if (target !== undefined)
      return this.refuse('dynamic-manifest', `\`${path}\` has a target that runs with a restore`);
    for (const each of evaluated(xml)) this.evaluate(each, here, project, path);
    for (const name of ['RestoreConfigFile', 'NuGetLockFilePath'])
      for (const each of elements(xml, name))
        this.follow(textOf(each), project, project, path, (found) => this.reads.set(found, {}));
    for (const each of elements(xml, 'Import')) {
      if (each['@Sdk'] !== undefined) continue;
      const isOptional = /\bExists\b/i.test(strings([each['@Condition']]).join());
      this.follow(each['@Project'], here, project, path, (found) => {
        if (isOptional && this.files.has(found) === 'no') this.asked.add(found);
        else this.build(found, project);
      });
    }
    for (const each of elements(xml, 'ProjectReference'))
      this.follow(each['@Include'], project, project, path, (found) =>
        this.files.has(found) === 'no' ? this.refuseMissing(found) : this.project(found),
      );
    for (const name of ['RestoreSources', 'RestoreAdditionalProjectSources'])
      for (const each of elements(xml, name))
        for (const source of textOf(each).split(';'))
          if (source !== '' && !/^https?:|^\$\(RestoreSources\)$/.test(source.trim()))
            this.follow(source.trim(), project, project, path, (found) => this.reads.set(found, { tree: true }));
  }

  /** What the property functions and conditions of one text look at. */
  private evaluate({ text, condition, inert }: Evaluated, here: string, project: string, from: string): void {
    for (const { name, given } of calls(text)) {
      const [first = '', second] = given;
      if (name === 'msbuild::getpathoffileabove') this.askAbove(first, second, here, project, from);
      else if (name === 'msbuild::getdirectorynameoffileabove') this.askAbove(second ?? '', first, here, project, from);
      else if (READS.test(name) && !ELSEWHERE.test(first)) {
        const found = this.located(first, here, project)?.filter((path) => this.files.has(path) === 'yes') ?? [];
        if (found.length === 0) this.refuseComputed(from, first);
        for (const path of found) this.reads.set(path, {});
      } else if (ASKS.test(name)) {
        if (inert || ELSEWHERE.test(first) || (name === 'exists' && !condition)) continue;
        const found = this.located(first, here, project);
        const isFolder = found?.some((path) => (this.files.entries(path) ?? []).length > 0);
        if (found === undefined || isFolder === true) this.refuseComputed(from, first);
        else for (const path of found) this.asked.add(path);
      } else if (LOOKS.test(name)) this.refuseComputed(from, `${name}(${first})`);
    }
  }

  private askAbove(name: string, start: string | undefined, here: string, project: string, from: string): void {
    const [directory] = this.located(start ?? '$(MSBuildThisFileDirectory)', here, project) ?? [];
    if (directory === undefined || !/^[\w.-]+$/.test(name)) return this.refuseComputed(from, name);
    const found = this.above(directory, name);
    if (found !== undefined) this.asked.add(found);
  }

  /** Where a path leads that is written out; a relative one is the project's or the file's own. */
  private located(text: string, here: string, project: string): readonly string[] | undefined {
    const path = expanded(text, here, project);
    return path === '' || /[$*?%@]/.test(path)
      ? undefined
      : [...new Set([resolvePath(here, path), resolvePath(project, path)])];
  }

  private refuseComputed(from: string, what: string): void {
    this.refuse('dynamic-manifest', `\`${from}\` looks for \`${what}\`, which is not followed`);
  }

  private refuseMissing(path: string): void {
    this.trouble ??= missing(path);
  }

  private follow(value: unknown, here: string, project: string, from: string, then: (path: string) => void): void {
    if (typeof value !== 'string' || value === '') return;
    for (const each of value.split(';').filter((word) => word.trim() !== '')) {
      const text = each.trim().replaceAll('\\', '/');
      // $([MSBuild]::GetPathOfFileAbove('Directory.Build.props', '$(MSBuildThisFileDirectory)../'))
      const upper =
        /^\$\(\[MSBuild\]::GetPathOfFileAbove\(['"]?([\w.]+)['"]?,\s*['"]?(?:\$\(MSBuildThisFileDirectory\)\/?)?([./]*)['"]?\)\)$/i.exec(
          text,
        );
      if (upper !== null) {
        const found = this.above(resolvePath(here, upper[2] === '' ? '.' : (upper[2] as string)), upper[1] as string);
        if (found !== undefined) then(found);
        continue;
      }
      const path = expanded(text, here, project);
      if (/[$*?%@]/.test(path)) {
        if (ELSEWHERE.test(path)) continue;
        return this.refuse('dynamic-manifest', `\`${from}\` names \`${each.trim()}\`, which is computed`);
      }
      then(resolvePath(here, path));
    }
  }

  /** Local directories among the package sources. */
  feeds(directory: string): void {
    for (const above of upward(directory, this.files))
      for (const name of CONFIGURATION) {
        const path = at(above, name);
        if (this.files.has(path) !== 'yes') continue;
        const xml = document(this.files, path, 'xml');
        if (isTrouble(xml)) {
          this.trouble ??= xml;
          return;
        }
        for (const setting of elements(xml, 'config')
          .flatMap((each) => list(each['add']))
          .map(record)) {
          const value = setting['@value'];
          if (
            /^globalPackagesFolder$/i.test(String(setting['@key'])) &&
            typeof value === 'string' &&
            !/[%$~]/.test(value)
          )
            this.stores.push(resolvePath(above, value.replaceAll('\\', '/')));
        }
        for (const sources of [...elements(xml, 'packageSources'), ...elements(xml, 'fallbackPackageFolders')])
          for (const source of list(sources['add'])) {
            const value = record(source)['@value'];
            if (typeof value === 'string' && !/^https?:/.test(value))
              this.reads.set(resolvePath(above, value.replaceAll('\\', '/')), { tree: true });
          }
      }
  }

  private refuse(code: string, message: string): void {
    this.trouble ??= { code, message, help: 'restore in a step of your own, ahead of the source' };
  }
}

function expanded(text: string, here: string, project: string): string {
  return text
    .replaceAll('\\', '/')
    .replace(/^\$\(MSBuildThisFileDirectory\)\/?/i, `${here}/`)
    .replace(/^\$\(MSBuildProjectDirectory\)\/?/i, `${project}/`);
}

interface Evaluated {
  readonly text: string;
  readonly condition: boolean;
  /** Only what a restore does not look at depends on it. */
  readonly inert: boolean;
}

/** The texts that are evaluated before any target runs. An Import's own condition is about the file that is imported. */
function evaluated(xml: unknown): readonly Evaluated[] {
  const found: Evaluated[] = [];
  const visit = (element: string, value: unknown): void => {
    if (typeof value === 'string') found.push({ text: value, condition: false, inert: false });
    const children = Object.keys(record(value)).filter((key) => !/^[@#]/.test(key));
    const inert =
      INERT.test(element) || element === 'Import' || (children.length > 0 && children.every((key) => INERT.test(key)));
    for (const [key, child] of Object.entries(record(value)))
      if (typeof child === 'string' && /^[@#]/.test(key))
        found.push({ text: child, condition: key === '@Condition', inert });
      else if (key !== 'Target') for (const each of list(child)) visit(key, each);
  };
  visit('', xml);
  return found;
}

/** More than the arguments of any call that somebody writes. */
const LONGEST = 1_000;

/** `[Type]::Method(a, b)` and `Exists(a)`, those inside of others too; names in lower case, quotes taken off. */
function calls(text: string): readonly { readonly name: string; readonly given: readonly string[] }[] {
  const code = text.replaceAll('&quot;', '"').replaceAll('&apos;', "'");
  return [...code.matchAll(/(?:\[([\w.]+)\]::)?\b(\w+)\s*\(/g)].map((match) => {
    const start = match.index + match[0].length;
    const given: string[] = [];
    let argument = '';
    let depth = 1;
    for (const letter of code.slice(start, start + LONGEST)) {
      depth += letter === '(' ? 1 : letter === ')' ? -1 : 0;
      if (depth === 0) break;
      if (letter === ',' && depth === 1) {
        given.push(argument);
        argument = '';
      } else argument += letter;
    }
    given.push(argument);
    return {
      name: `${match[1] === undefined ? '' : `${match[1]}::`}${match[2] as string}`.toLowerCase(),
      given: given.map((each) => each.trim().replace(/^(["'])(.*)\1$/, '$2')),
    };
  });
}

function textOf(element: Json): string {
  const text = element['#text'];
  return typeof text === 'string' ? text : '';
}

function quoted(path: string): string {
  return path.includes(' ') ? `"${path}"` : path;
}

/** The directory and those around it; `/`, which is the base image's rather than a project's, where a setting was put there. */
function* upward(directory: string, files: Files): Iterable<string> {
  yield directory;
  for (let here = parentOf(directory), last = directory; here !== last && here !== '/'; here = parentOf(here)) {
    yield here;
    last = here;
  }
  if (directory !== '/' && SETTINGS.some((name) => files.has(`/${name}`) === 'yes')) yield '/';
}

/** All elements of one name, at any depth; one that holds but text has it as `#text`. */
function elements(xml: unknown, name: string): readonly Json[] {
  const found: Json[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) visit(each);
    else
      for (const [key, child] of Object.entries(record(value))) {
        if (key === name)
          for (const each of list(child)) found.push(typeof each === 'object' ? record(each) : { '#text': each });
        visit(child);
      }
  };
  visit(xml);
  return found;
}

export const dotnet: PackageManager = {
  name: 'dotnet',
  summary:
    'dotnet restore, dotnet tool restore, and dotnet build, publish, run, test and pack, which restore implicitly',
  commands: ['dotnet'],
  manifests: ['global.json'],
  globs: ['*.csproj', '*.sln*'],
  recognise,
  analyse,
  caches: [{ path: '~/.nuget/packages', class: 'store', variable: 'NUGET_PACKAGES' }],
};
