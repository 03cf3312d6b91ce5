/**
 * pip, uv pip and pip-tools. Spec section 2.
 *
 * Reads: `-r` and `-c` files, recursively and relative to the file that names them; `./package` is relative to the
 * current directory; `--find-links` to either. A pip.conf in the current directory is not read [V]; uv reads uv.toml
 * and `[tool.uv]` (https://docs.astral.sh/uv/concepts/configuration-files/). Writes site-packages, which is the
 * system, or a virtual environment.
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Step, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { optionTable, parseArguments, type Arguments } from './shared/arguments.ts';
import { at } from './shared/package-json.ts';
import { single, tool, unknown, unresolvedVariable } from './shared/steps.ts';

const OPTIONS = optionTable(
  '-i --index-url --extra-index-url --platform --python-version --implementation --abi --timeout --default-timeout --retries --trusted-host --cert --client-cert --cache-dir --proxy --log --progress-bar --no-binary --only-binary --global-option --install-option --config-settings -C --config-setting --python -p --index --default-index --index-strategy --keyring-provider --link-mode --upgrade-strategy --root-user-action --exists-action --extra --upgrade-package -P --resolution --prerelease --torch-backend --exclude-newer --use-feature --use-deprecated --report --python-platform',
  '-r --requirement --requirements -c --constraint --constraints -e --editable -f --find-links -t --target --prefix --root --src --group --override --overrides --build-constraint -b -w --wheel-dir -d --dest --directory --project',
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
];
const EDITABLE = ['-e', '--editable'];
/** Variables that name files, as the options of the same names do. Source: pip's and uv's configuration pages. */
const FILE_VARIABLES = [
  'PIP_CONSTRAINT',
  'PIP_REQUIREMENT',
  'PIP_FIND_LINKS',
  'UV_CONSTRAINT',
  'UV_OVERRIDE',
  'UV_FIND_LINKS',
];
const VERBS = /^(?:install|wheel|download|sync)$/;

interface Invocation {
  readonly program: 'pip' | 'uv' | 'pip-sync';
  readonly verb: string;
  readonly args: Arguments;
}

/** The verb and its arguments, behind `python -m pip`, `uv pip` and options. */
function invocation(command: Command): Invocation | undefined {
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

/** `-rfile` and `-e.` are an option and its value. */
function joined(args: Arguments): Arguments {
  const list = args.list.map(([name, value]): readonly [string, string | true] => {
    const match = value === true ? /^(-[rcefiwdt])(.+)$/.exec(name) : null;
    return match === null ? [name, value] : [match[1] as string, match[2] as string];
  });
  return { ...args, list, options: new Map(list) };
}

function recognise(command: Command, place: Place): Install | undefined {
  const found = invocation(command);
  if (found === undefined) return undefined;
  const { verb, args } = found;
  const named = args.list.some(([name]) => REQUIREMENT.includes(name) || EDITABLE.includes(name) || name === '--group');
  const fromProject = named || verb !== 'install' || args.unresolved !== undefined || args.positional.some(isLocal);
  return { manager: 'pip', command, place, directory: place.directory, kind: fromProject ? 'install' : 'tool' };
}

/** A requirement that is a path rather than a name or a URL. */
function isLocal(word: string): boolean {
  if (/^(?:https?|git\+|hg\+|svn\+|bzr\+)/.test(word) || /@\s*(?:https?|git\+|hg\+|svn\+)/.test(word)) return false;
  return (
    /^\.{1,2}(?:\/|$|\[)|^~?\/|^file:|@\s*file:/.test(word) ||
    /^[\w./+-]+\.(?:whl|tar\.gz|zip)(?:\[[^\]]*\])?$/.test(word) ||
    /^[\w.-]+\/[\w./-]*(?:\[[^\]]*\])?$/.test(word)
  );
}

function archiveOf(spec: string): string | undefined {
  return /(?:^|file:(?:\/\/)?|\s)([\w./+-]+\.(?:whl|tar\.gz|zip))/.exec(spec)?.[1];
}

function analyse(install: Install, files: Files): Analysis {
  const { program, verb, args } = invocation(install.command) as Invocation;
  const targets = environment(install, files, program, args);
  if (install.kind === 'tool') return targets.trees.length === 0 ? tool(install) : into(install, targets, []);
  const folder = requirementsFolder(install);
  if (args.unresolved !== undefined && folder === undefined)
    return unknown(install, unresolvedVariable(install, args.unresolved));
  const reader = new RequirementReader(files, install.directory);
  const moved = ['PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT'].find((name) => (install.place.environment(name) ?? '') !== '');
  if (moved !== undefined)
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `ENV ${moved} moves what the install writes`,
      help: 'use --target on the command line',
    });
  for (const name of FILE_VARIABLES)
    for (const each of (install.place.environment(name) ?? '').split(/\s+/).filter((word) => word !== ''))
      if (name.endsWith('FIND_LINKS')) reader.links(each, install.directory);
      else reader.file(resolvePath(install.directory, each), each);
  if (folder !== undefined) reader.folder(folder);
  for (const [name, value] of args.list) {
    if (typeof value !== 'string' || (folder !== undefined && value.includes('$'))) continue;
    if (REQUIREMENT.includes(name)) reader.file(resolvePath(install.directory, value), value);
    else if (EDITABLE.includes(name)) reader.requirement(`-e ${value}`, install.command.text);
    else if (name === '-f' || name === '--find-links') reader.links(value, install.directory);
    else if (name === '--group')
      reader.file(
        resolvePath(install.directory, value.includes(':') ? (value.split(':', 1)[0] as string) : 'pyproject.toml'),
      );
  }
  const listed = verb === 'sync' ? (args.positional.length === 0 ? ['requirements.txt'] : args.positional) : [];
  for (const path of listed) reader.file(resolvePath(install.directory, path), path);
  if (verb !== 'sync') for (const word of args.positional) reader.requirement(word, install.command.text);
  if (reader.trouble !== undefined) return unknown(install, reader.trouble);
  const reads = [...reader.reads, ...(program === 'uv' ? uvSettings(files, install.directory) : [])];
  const chosen = [
    '-t',
    '--target',
    '--prefix',
    '--root',
    ...(verb === 'wheel' ? ['-w', '--wheel-dir'] : []),
    ...(verb === 'download' ? ['-d', '--dest'] : []),
  ]
    .map((name) => args.options.get(name))
    .find((value) => typeof value === 'string');
  if (typeof chosen === 'string' || verb === 'wheel' || verb === 'download') {
    const path = resolvePath(install.directory, chosen ?? '.');
    if (path === install.directory || install.directory.startsWith(`${path}/`))
      return unknown(install, {
        code: 'dynamic-manifest',
        message: `\`${install.command.text}\` puts its result beside the source`,
        help: 'name a directory for it',
      });
    return into(install, { trees: [path, ...reader.checkouts], certain: true }, reads);
  }
  return into(
    install,
    { trees: [...targets.trees, ...reader.checkouts], certain: targets.certain && targets.trees.length > 0 },
    reads,
  );
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
  const inside = at(install.directory, '');
  return {
    ...single(step),
    outputs: trees,
    ignore: trees.filter((path) => path.startsWith(inside)).map((path) => path.slice(inside.length)),
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

/** uv.toml, and the `[tool.uv]` tables of pyproject.toml: the rest of that file does not matter. */
function uvSettings(files: Files, directory: string): readonly Read[] {
  const path = at(directory, 'pyproject.toml');
  const tables = [
    ...(files.read(path) ?? '').matchAll(/^\[{1,2}tool\.uv[^\]]*\]{1,2}[^\n]*\n(?:(?!\[)[^\n]*\n?)*/gm),
  ].map((match) => match[0]);
  return [{ path: at(directory, 'uv.toml') }, { path, as: tables.join(''), optional: true }];
}

/** Follows requirement files, and collects what they read. */
class RequirementReader {
  readonly reads: Read[] = [];
  /** Where `-e git+...` puts its checkouts. */
  readonly checkouts: string[] = [];
  trouble: Trouble | undefined;
  private readonly seen = new Set<string>();
  private readonly files: Files;
  private readonly directory: string;

  constructor(files: Files, directory: string) {
    this.files = files;
    this.directory = directory;
  }

  /** `spelling`: how it was named, to tell a URL. */
  file(path: string, spelling = path): void {
    if (/^https?:/.test(spelling) || this.seen.has(path) || this.trouble !== undefined) return;
    this.seen.add(path);
    this.reads.push({ path });
    const presence = this.files.has(path);
    const text = this.files.read(path);
    if (presence === 'no')
      return this.refuse(
        'manifest-missing',
        `there is no \`${path}\` where this install runs`,
        'pass the right --context, or check .dockerignore',
      );
    if (text === undefined)
      return presence === 'maybe'
        ? this.refuse(
            'manifest-generated',
            `git ignores \`${path}\`, or an earlier command may have changed it, so its content is not known`,
            'commit the requirements file',
          )
        : this.refuse(
            'manifest-generated',
            `\`${path}\` is made or changed by an earlier command, so its content is not known`,
            'commit the requirements file',
          );
    if (/\.toml$/.test(path)) {
      // uv reads the dependencies of a pyproject.toml; where they are computed, it builds the project to learn them.
      if (/^dynamic\s*=\s*\[[^\]]*dependencies/m.test(text))
        this.refuse(
          'dynamic-manifest',
          `\`${path}\` has dynamic dependencies`,
          'list the dependencies in pyproject.toml',
        );
      else if (/\bfile:|\bpath\s*=/.test(text))
        this.refuse(
          'local-dependency-builds',
          `\`${path}\` depends on packages of the project itself`,
          'install those after the copy',
        );
      return;
    }
    if (/setup\.(?:py|cfg)$/.test(path))
      return this.refuse('dynamic-manifest', `\`${path}\` is code`, 'list the dependencies in a requirements file');
    for (const line of logicalLines(text)) this.line(line, path);
  }

  /** Any file of a folder may be meant, so all must be harmless. */
  folder(path: string): void {
    const names = (this.files.entries(path) ?? []).filter((name) => /\.(?:txt|in|pip)$/.test(name));
    if (names.length === 0)
      return this.refuse(
        'manifest-missing',
        `\`${path}\` holds no requirements files where this install runs`,
        'pass the right --context',
      );
    this.reads.push({ path, tree: true });
    for (const name of names) this.file(at(path, name));
  }

  private line(line: string, path: string): void {
    const option =
      /^(-r|--requirement|-c|--constraint|-f|--find-links|-e|--editable)(?:\s*=\s*|\s+|(?<=^-[rcfe])(?=[^\s-]))(\S.*)$/.exec(
        line,
      );
    if (option === null) {
      if (!line.startsWith('-')) this.requirement(line, path);
      return;
    }
    const [, name = '', value = ''] = option;
    const word = (value.split(/\s/, 1)[0] as string).replace(/^(["'])(.*)\1$/, '$2');
    if (EDITABLE.includes(name)) this.requirement(`-e ${word}`, path);
    else if (/\$\{/.test(word))
      this.refuse(
        'dynamic-manifest',
        `\`${path}\` names \`${word}\`, which depends on a variable`,
        'write the path out',
      );
    else if (name === '-f' || name === '--find-links') this.links(word, parentOf(path));
    else this.file(resolvePath(parentOf(path), word), word);
  }

  /** `--find-links` is looked for beside the file that names it, and in the current directory [V]. */
  links(value: string, beside: string): void {
    if (/^https?:/.test(value)) return;
    const paths = [resolvePath(beside, value.replace(/^file:(?:\/\/)?/, '')), resolvePath(this.directory, value)];
    this.reads.push(...[...new Set(paths)].map((path) => (/\.html?$/.test(path) ? { path } : { path, tree: true })));
  }

  /** One requirement; `where` names what asks for it. */
  requirement(line: string, where: string): void {
    const editable = line.startsWith('-e ');
    const spec = line
      .replace(/^-e\s+/, '')
      .replace(/\s+--hash=.*$/, '')
      .replace(/\s*;.*$/, '')
      .trim();
    if (/^(?:https?|git\+|hg\+|svn\+|bzr\+)|@\s*(?:https?|git\+|hg\+|svn\+|bzr\+)/.test(spec)) {
      if (!editable) return;
      const name = /[#&]egg=([\w.-]+)/.exec(spec)?.[1] ?? /^([\w.-]+)\s*@/.exec(spec)?.[1];
      if (name === undefined)
        this.refuse('dynamic-manifest', `\`${where}\` checks \`${spec}\` out into the project`, 'leave out `-e`');
      else this.checkouts.push(resolvePath(this.directory, `src/${name.toLowerCase().replace(/[._]/g, '-')}`));
      return;
    }
    if (!editable && !isLocal(spec)) return;
    const archive = editable ? undefined : archiveOf(spec);
    if (archive !== undefined) this.reads.push({ path: resolvePath(this.directory, archive) });
    else if (where.startsWith('/'))
      this.refuse(
        'local-dependency-builds',
        `\`${where}\` installs \`${spec}\`, which builds the project from its source`,
        'keep the project itself out of the requirements file and install it after the copy',
      );
    else
      this.refuse(
        'local-dependency-builds',
        `\`${where}\` builds \`${spec}\` from its source`,
        'install its dependencies from a requirements file first, and the project after the copy',
      );
  }

  private refuse(code: string, message: string, help: string): void {
    this.trouble ??= { code, message, help };
  }
}

/** Lines with continuations joined, comments and blank lines left out. */
function logicalLines(text: string): string[] {
  return text
    .replace(/^\ufeff/, '')
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.replace(/(?:^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

export const pip: PackageManager = {
  name: 'pip',
  summary: 'pip install -r, uv pip install and sync, pip-sync',
  commands: ['pip', 'pip3', 'python', 'python3', 'uv', 'pip-sync'],
  manifests: ['requirements.txt'],
  globs: ['requirements*.txt'],
  recognise,
  analyse,
  caches: [{ path: '~/.cache/pip', class: 'download', variable: 'PIP_CACHE_DIR' }],
};
