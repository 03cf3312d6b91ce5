/**
 * pip, uv pip and pip-tools. Spec section 2.
 *
 * Reads: `-r` and `-c` files, recursively and relative to the file that names them; `./package` is relative to the
 * current directory; `--find-links` to either; indexes that are directories. A pip.conf in the current directory is not
 * read [V]; uv reads uv.toml and `[tool.uv]`, here or above [V: 0.13]. PIP_CONSTRAINT, PIP_FIND_LINKS and their like
 * name files, too.
 *
 * Writes: site-packages, which is the system, or a virtual environment.
 *
 * Runs: the build backends of packages that come as source; of the project's own with `.`, `-e .` and `./package`.
 *
 * Hazards: `pip install -e .` without the source says "Successfully installed", and the import fails later (PEP 660)
 * [V]. So anything that builds the project stays below the copy. Of `uv pip install .`, `uv pip install -r
 * pyproject.toml` goes ahead: it installs static dependencies without the source, a dynamic version or not [V: 0.13].
 *
 * Sources: https://pip.pypa.io/en/stable/reference/requirements-file-format/,
 * https://docs.astral.sh/uv/concepts/configuration-files/
 */
import type {
  Analysis,
  Command,
  Files,
  Install,
  PackageManager,
  Place,
  Read,
  ShellWord,
  Step,
  Trouble,
} from '../model.ts';
import { ancestors, resolvePath } from '../dockerfile/state.ts';
import { has, optionTable, optionText, parseArguments, type Arguments } from './shared/arguments.ts';
import { document, optionalDocument } from './shared/documents.ts';
import { at, inside, record, strings } from './shared/package-json.ts';
import {
  dependencyStep,
  hasDynamicDependencies,
  pythonInstall,
  requirementsOf,
  uvPlaces,
  uvSources,
} from './shared/python-project.ts';
import { isLocal, placesNamed, RequirementReader } from './shared/requirements.ts';
import { installsProject, isTrouble, single, tool, unknown, unresolvedVariable } from './shared/steps.ts';
import { unknownVariable } from './shared/variables.ts';

const OPTIONS = optionTable(
  '-i --index-url --extra-index-url --platform --python-version --implementation --abi --timeout --default-timeout --retries --trusted-host --cache-dir --proxy --log --progress-bar --no-binary --only-binary --global-option --install-option --config-settings -C --config-setting --python -p --index --default-index --index-strategy --keyring-provider --link-mode --upgrade-strategy --root-user-action --exists-action --extra --upgrade-package -P --resolution --prerelease --torch-backend --exclude-newer --use-feature --use-deprecated --report --python-platform',
  '-r --requirement --requirements -c --constraint --constraints --build-constraints --excludes -e --editable -f --find-links -t --target --prefix --root --src --group --override --overrides --build-constraint -b -w --wheel-dir -d --dest --directory --project --cert --client-cert',
);
const REQUIREMENT = [
  '-r',
  '--requirement',
  '--requirements',
  '-c',
  '--constraint',
  '--constraints',
  '--override',
  '--overrides',
  '--build-constraint',
  '--build-constraints',
  '--excludes',
];
const EDITABLE = ['-e', '--editable'];
/** Variables that name files, as the options of the same names do. Source: pip's and uv's configuration pages. */
const FILE_VARIABLES = [
  'PIP_CONSTRAINT',
  'PIP_REQUIREMENT',
  'PIP_BUILD_CONSTRAINT',
  'UV_CONSTRAINT',
  'UV_OVERRIDE',
  'UV_BUILD_CONSTRAINT',
  'UV_EXCLUDE',
];
/** They move what an install writes. */
const TARGET_VARIABLES = ['PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT'];
const VERBS = /^(?:install|wheel|download|sync)$/;

interface Invocation {
  readonly program: 'pip' | 'uv' | 'pip-sync';
  readonly verb: string;
  readonly args: Arguments;
}

/** The verb and its arguments, behind `python -m pip`, `uv pip` and options. */
function invocation(written: Command): Invocation | undefined {
  const command = { ...written, words: written.words.map(literal) };
  const words = command.words.map((word) => word.value ?? word.text);
  const name = (words[0] ?? '').slice((words[0] ?? '').lastIndexOf('/') + 1);
  if (name === 'pip-sync')
    return { program: 'pip-sync', verb: 'sync', args: joined(parseArguments(command, 1, OPTIONS)) };
  let skip = 1;
  let program: Invocation['program'] = 'pip';
  if (/^python[\d.]*$/.test(name)) {
    while (/^-[a-zA-Z]+$/.test(words[skip] ?? '') && words[skip] !== '-m') skip++;
    if (words[skip] !== '-m' || !/^(?:pip|uv)$/.test(words[skip + 1] ?? '')) return undefined;
    if (words[skip + 1] === 'uv') program = 'uv';
    skip += 2;
  } else if (name === 'uv') program = 'uv';
  if (program === 'uv') {
    while (words[skip]?.startsWith('-') === true) skip++;
    if (words[skip] !== 'pip') return undefined;
    skip++;
  }
  const args = joined(parseArguments(command, skip, OPTIONS));
  const [verb, ...positional] = args.positional;
  return verb === undefined || !VERBS.test(verb) ? undefined : { program, verb, args: { ...args, positional } };
}

/** `.[dev]` is a pattern to the shell, which stays as it is where no `.d`, `.e` or `.v` lies there. */
function literal(word: ShellWord): ShellWord {
  return word.value === undefined && BRACKETED.test(word.text) ? { ...word, value: word.text } : word;
}

const BRACKETED = /^(?:\.|\.{0,2}(?:\/[\w.-]+)+\/?)\[[\w.,-]+\]$/;

/** `-rfile` and `-e.` are an option and its value. */
function joined(args: Arguments): Arguments {
  const list = args.list.map(([name, value]): readonly [string, string | true] => {
    const match = value === true ? /^(-[rcefiwdt])(.+)$/.exec(name) : null;
    return match === null ? [name, value] : [match[1] as string, match[2] as string];
  });
  return { ...args, list, options: new Map(list) };
}

const isOfUv = ({ command }: Install): boolean => invocation(command)?.program === 'uv';

function recognise(command: Command, place: Place): Install | undefined {
  const found = invocation(command);
  if (found === undefined) return undefined;
  const { verb, args } = found;
  const named = args.list.some(([name]) => REQUIREMENT.includes(name) || EDITABLE.includes(name) || name === '--group');
  const fromProject = named || verb !== 'install' || args.unresolved !== undefined || args.positional.some(isLocal);
  return { manager: 'pip', command, place, directory: place.directory, kind: fromProject ? 'install' : 'tool' };
}

function analyse(install: Install, files: Files): Analysis {
  const { program, verb, args } = invocation(install.command) as Invocation;
  const open = unknownVariable(install, [...FILE_VARIABLES, ...TARGET_VARIABLES, 'PIP_FIND_LINKS', 'UV_FIND_LINKS']);
  if (open !== undefined) return unknown(install, open);
  const targets = environment(install, files, program, args);
  const settings = program === 'uv' ? uvSettings(files, install.directory) : [];
  if (isTrouble(settings)) return unknown(install, settings);
  const surroundings = [...settings, ...placesNamed(install, args, program === 'uv' ? 'UV_' : 'PIP_')];
  const source = args.options.get('--src') ?? install.place.environment('PIP_SRC');
  const reader = new RequirementReader(files, install.directory, typeof source === 'string' ? source : 'src');
  for (const each of (install.place.environment('PIP_EDITABLE') ?? '').split(/\s+/))
    if (program === 'pip' && each !== '') reader.requirement(`-e ${each}`, 'PIP_EDITABLE');
  for (const name of FILE_VARIABLES)
    for (const each of (install.place.environment(name) ?? '').split(/\s+/).filter((word) => word !== '')) {
      const path = resolvePath(install.directory, each);
      // Of one that the build made, the variable itself says that it is read (`effects/surroundings.ts`).
      if (install.kind !== 'tool' || files.read(path) !== undefined) reader.file(path, each);
    }
  if (install.kind === 'tool') {
    if (reader.trouble !== undefined) return unknown(install, reader.trouble);
    const reads = [...reader.reads, ...surroundings];
    const target = chosenTarget(install, verb, args);
    if (target !== undefined) return intoTarget(install, target, [], reads);
    return targets.trees.length === 0 ? tool(install, reads) : into(install, targets, reads);
  }
  const folder = requirementsFolder(install);
  if (args.unresolved !== undefined && folder === undefined) {
    // A pattern that the shell expands to files: packages that the build made or was given.
    const packages = isLocal(args.unresolved.replaceAll('*', '_')) && !/[$`]/.test(args.unresolved);
    return unknown(
      install,
      packages ? installsProject(install, `\`${args.unresolved}\``) : unresolvedVariable(install, args.unresolved),
    );
  }
  const project =
    program === 'uv' && verb === 'install' ? ofProject(install, files, args, targets, surroundings) : undefined;
  if (project !== undefined) return project;
  const moved = TARGET_VARIABLES.find((name) => (install.place.environment(name) ?? '') !== '');
  if (moved !== undefined)
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `ENV ${moved} moves what the install writes`,
      help: 'use --target on the command line',
    });
  if (folder !== undefined) reader.folder(folder);
  for (const [name, value] of args.list) {
    if (typeof value !== 'string' || (folder !== undefined && value.includes('$'))) continue;
    if (REQUIREMENT.includes(name)) reader.file(resolvePath(install.directory, value), value);
    else if (EDITABLE.includes(name)) reader.requirement(`-e ${value}`, install.command.text);
    else if (name === '--group')
      reader.file(
        resolvePath(install.directory, value.includes(':') ? (value.split(':', 1)[0] as string) : 'pyproject.toml'),
      );
  }
  const listed = verb === 'sync' ? (args.positional.length === 0 ? ['requirements.txt'] : args.positional) : [];
  for (const path of listed) reader.file(resolvePath(install.directory, path), path);
  if (verb !== 'sync') for (const word of args.positional) reader.requirement(word, install.command.text);
  if (reader.trouble !== undefined)
    return unknown(install, isProjectAlone(args) ? withoutDependencies(install) : reader.trouble);
  const reads = [...reader.reads, ...surroundings];
  const target = chosenTarget(install, verb, args);
  if (target !== undefined) return intoTarget(install, target, reader.checkouts, reads);
  return into(
    install,
    { trees: [...targets.trees, ...reader.checkouts], certain: targets.certain && targets.trees.length > 0 },
    reads,
  );
}

/** They change what is installed, or where, in ways that the two halves of a divided install would not share. */
const WHOLE =
  /^(?:-[UtCPcf]|--(?:find-links|upgrade|reinstall|force-reinstall|no-deps|target|prefix|root|group|all-extras|dry-run|constraint|requirement|override|build-constraint).*)$/;

/** What `uv pip install` is given of a project, and nothing beside it. */
interface Given {
  /** The word that names it: `.`, `./api[dev]`, or `pyproject.toml` behind `-r`. */
  readonly word: string;
  /** As written. */
  readonly folder: string;
  /** Between the brackets. */
  readonly extras: readonly string[];
  /** `-r`: its dependencies, and not the project itself. */
  readonly isBare: boolean;
}

/** All that is given to options of these names, in order. */
function valuesOf({ list }: Arguments, ...names: readonly string[]): readonly string[] {
  return list.flatMap(([name, value]) => (names.includes(name) ? [String(value)] : []));
}

function given(args: Arguments): Given | undefined {
  const { list, positional } = args;
  const manifests = valuesOf(args, '-r');
  const [word, ...more] = [...manifests, ...positional, ...valuesOf(args, ...EDITABLE)];
  if (word === undefined || more.length > 0 || list.some(([name]) => WHOLE.test(name))) return undefined;
  if (manifests.length > 0) {
    const folder = /^(?:(.+)\/)?pyproject\.toml$/.exec(word);
    return folder === null ? undefined : { word, folder: folder[1] ?? '.', extras: [], isBare: true };
  }
  const match = /^(\.{1,2}(?:\/[\w./-]*)?)(?:\[([\w.,-]+)\])?$/.exec(word);
  return match === null
    ? undefined
    : { word, folder: match[1] as string, extras: match[2]?.split(',') ?? [], isBare: false };
}

/**
 * `uv pip install .`, `uv pip install -e '.[dev]'`: what the project depends on, and then the project itself. The first
 * can be had without the second: `uv pip install -r pyproject.toml --extra dev` [V: 0.13]. Undefined: not that simple.
 */
function ofProject(
  install: Install,
  files: Files,
  args: Arguments,
  { trees, certain }: Targets,
  surroundings: readonly Read[],
): Analysis | undefined {
  const project = given(args);
  if (project === undefined || trees.length > 1) return undefined;
  const { command, directory } = install;
  const { word, folder, extras, isBare } = project;
  // Of a pattern, what it could match.
  if (Array.from(extras.join('')).some((letter) => files.has(resolvePath(directory, folder + letter)) !== 'no'))
    return undefined;
  if (FILE_VARIABLES.some((name) => (install.place.environment(name) ?? '') !== '')) return undefined;
  const path = at(resolvePath(directory, folder), 'pyproject.toml');
  const json = document(files, path, 'toml');
  if (isTrouble(json) || hasDynamicDependencies(json) || strings(record(json['project'])['dependencies']).length === 0)
    return undefined;
  const isHere = uvSources(json).some((source) => 'path' in source || 'workspace' in source);
  if (isHere || requirementsOf(json).some(isLocal)) return undefined;
  const [tree] = trees;
  const step = dependencyStep(
    `${command.text.split(' install ', 1)[0] ?? ''} install ${optionText(args, ['-r', ...EDITABLE, '--extra'])} of ${path} ${[...valuesOf(args, '--extra'), ...extras].sort().join()}`,
    [{ path }, ...surroundings],
    { ...(tree === undefined ? {} : { tree }), certain: certain && tree !== undefined },
  );
  if (isBare) return pythonInstall(install, step, undefined, []);
  const start = command.words[0]?.span[0] ?? 0;
  const before = [
    ...command.words
      .filter((each) => literal(each).value !== word && !EDITABLE.includes(each.text))
      .map(({ text }) => text),
    `-r ${folder === '.' ? '' : `${folder.replace(/\/$/, '')}/`}pyproject.toml`,
    ...extras.map((each) => `--extra ${each}`),
  ].join(' ');
  return pythonInstall(install, step, 'the project itself', [
    {
      before: command.text.slice(0, start - command.span[0]) + before,
      after: command.text,
      why: 'the project itself is installed after the copy',
    },
  ]);
}

/** `pip install --no-deps .`: what it builds changes with the source, and it installs nothing else. */
function isProjectAlone(args: Arguments): boolean {
  return has(args, '--no-deps') && valuesOf(args, ...REQUIREMENT).length === 0 && args.positional.every(isLocal);
}

function withoutDependencies({ command }: Install): Trouble {
  return {
    code: 'already-cached',
    message: `\`${command.text}\` builds the project alone, and installs none of its dependencies`,
  };
}

/** The directory that the command line names for the result; undefined: it goes where the interpreter looks. */
function chosenTarget({ directory }: Install, verb: string, { options }: Arguments): string | undefined {
  const value = [
    '-t',
    '--target',
    '--prefix',
    '--root',
    ...(verb === 'wheel' ? ['-w', '--wheel-dir'] : []),
    ...(verb === 'download' ? ['-d', '--dest'] : []),
  ]
    .map((name) => options.get(name))
    .find((each) => typeof each === 'string');
  const isBeside = value === undefined && (verb === 'wheel' || verb === 'download');
  return isBeside ? directory : typeof value === 'string' ? resolvePath(directory, value) : undefined;
}

/** pip leaves alone what it finds there already. */
function intoTarget(install: Install, target: string, checkouts: readonly string[], reads: readonly Read[]): Analysis {
  if (target === install.directory || install.directory.startsWith(`${target}/`))
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `\`${install.command.text}\` puts its result beside the source`,
      help: 'name a directory for it',
    });
  return into(install, { trees: [target, ...checkouts], certain: true }, reads);
}

/** `-r requirements/$ENV.txt`: a folder of requirements files, whichever of them is meant. */
function requirementsFolder({ command, directory }: Install): string | undefined {
  const open = command.words.filter((word) => word.value === undefined);
  const match = /^["']?([\w./-]+)\/[\w.-]*\$\{?\w+\}?[\w.-]*["']?$/.exec(open[0]?.text ?? '');
  return open.length === 1 && match !== null ? resolvePath(directory, match[1] as string) : undefined;
}

/** A step that fills these trees, and the system unless it is certain that it does not. */
function into(install: Install, { trees, certain }: Targets, reads: readonly Read[]): Analysis {
  const step: Step = {
    name: install.command.text,
    reads: [...reads, ...trees.map((path) => ({ path, tree: true }))],
    writes: trees,
    edits: [],
    system: certain ? 'reads' : 'writes',
  };
  return {
    ...single(step),
    outputs: trees,
    ignore: inside(install.directory, trees),
  };
}

interface Targets {
  /** Virtual environments that it installs into. */
  readonly trees: readonly string[];
  /** It does not write anywhere else. */
  readonly certain: boolean;
}

/** Which virtual environment is in use: by the program's own path, VIRTUAL_ENV, PATH, or one that was made here. */
function environment(install: Install, files: Files, program: Invocation['program'], args: Arguments): Targets {
  const { directory, place, command } = install;
  const system = /^\/(?:usr|bin|sbin|opt\/conda|root\/\.local|home\/[^/]+\/\.local|pyenv)(?:\/|$)/;
  const word =
    command.words
      .map((each) => each.value ?? '')
      .find((each) => /(?:^|\/)(?:pip[\d.]*|python[\d.]*|uv|pip-sync)$/.test(each)) ?? '';
  const named = /^(.+)\/bin\/[^/]+$/.exec(word)?.[1];
  const first = /^([^:]+)\/bin(?::|$)/.exec(place.environment('PATH') ?? '')?.[1];
  const chosen = [
    named,
    program === 'uv' ? args.options.get('--python') : undefined,
    place.environment('VIRTUAL_ENV'),
    first,
  ].find((each) => typeof each === 'string' && each.includes('/') && !system.test(each));
  if (typeof chosen === 'string')
    return { trees: [resolvePath(directory, chosen.replace(/\/bin\/python[\d.]*$/, ''))], certain: true };
  const made = ['.venv', 'venv', 'env', '.env']
    .map((name) => at(directory, name))
    .filter((path) => files.has(path) === 'yes' && files.entries(path) === undefined);
  return { trees: made, certain: program === 'uv' && !args.options.has('--system') && made.length === 1 };
}

/** uv.toml, the `[tool.uv]` of pyproject.toml (the rest of that file does not matter), and the directories they name. */
function uvSettings(files: Files, directory: string): readonly Read[] | Trouble {
  const reads: Read[] = [];
  for (const here of ancestors(directory)) {
    const path = at(here, 'pyproject.toml');
    const own = at(here, 'uv.toml');
    // Above, what is not there is the image's matter.
    if (here !== directory && [path, own].every((each) => files.has(each) !== 'yes')) continue;
    const project = optionalDocument(files, path, 'toml');
    const settings = optionalDocument(files, own, 'toml');
    if (isTrouble(project)) return project;
    if (isTrouble(settings)) return settings;
    const table = record(project?.['tool'])['uv'];
    reads.push({ path: own }, ...uvPlaces(settings ?? {}, here), ...uvPlaces(record(table), here));
    if (table !== undefined) reads.push({ path, as: JSON.stringify(table) });
  }
  return reads;
}

export const pip: PackageManager = {
  name: 'pip',
  summary: 'pip install -r, uv pip install and sync, pip-sync',
  commands: ['pip', 'pip3', 'python', 'python3', 'uv', 'pip-sync'],
  manifests: ['requirements.txt'],
  globs: ['requirements*.txt'],
  recognise,
  analyse,
  // Source: https://docs.astral.sh/uv/concepts/cache/#cache-directory
  caches: [
    { path: '~/.cache/pip', class: 'download', variable: 'PIP_CACHE_DIR', uses: (install) => !isOfUv(install) },
    { path: '~/.cache/uv', class: 'download', variable: 'UV_CACHE_DIR', uses: isOfUv },
  ],
};
