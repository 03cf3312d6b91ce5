/**
 * pip, uv pip and pip-tools. Spec section 2.
 *
 * Reads: `-r` and `-c` files, recursively and relative to the file that names them; `./package` is relative to the
 * current directory. A pip.conf in the current directory is not read. Writes site-packages, which is the system.
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { parseArguments, type Arguments } from './shared/arguments.ts';
import { single, tool, unknown } from './shared/steps.ts';

const VALUED = new Set(
  '-r --requirement -c --constraint -e --editable -i --index-url --extra-index-url -f --find-links -t --target --prefix --root --platform --python-version --implementation --abi --timeout --default-timeout --retries --trusted-host --cert --client-cert --cache-dir --src --proxy --log --progress-bar --no-binary --only-binary --global-option --config-settings -C --python -p --index --default-index --index-strategy --keyring-provider --link-mode --upgrade-strategy --root-user-action --exists-action --group --extra --override -w --wheel-dir -d --dest'.split(
    ' ',
  ),
);

interface Parsed {
  readonly verb: string;
  readonly skip: number;
}

/** Where the arguments of `install` start, behind `python -m`, `uv` and options before the verb. */
function verbOf(command: Command): Parsed | undefined {
  const words = command.words.map((word) => word.value);
  let at = 1;
  const name = (words[0] ?? '').slice((words[0] ?? '').lastIndexOf('/') + 1);
  if (/^python[\d.]*$/.test(name)) {
    if (words[1] !== '-m' || words[2] !== 'pip') return undefined;
    at = 3;
  } else if (name === 'uv') {
    if (words[1] !== 'pip') return undefined;
    at = 2;
  } else if (name === 'pip-sync') return { verb: 'sync', skip: 1 };
  while (words[at]?.startsWith('-') === true) at += VALUED.has(words[at] as string) ? 2 : 1;
  const verb = words[at];
  return verb === undefined ? undefined : { verb, skip: at + 1 };
}

function recognise(command: Command, place: Place): Install | undefined {
  const parsed = verbOf(command);
  if (parsed === undefined || !/^(?:install|wheel|download|sync)$/.test(parsed.verb)) return undefined;
  const args = parseArguments(command, parsed.skip, VALUED);
  const files =
    command.words.some((word) => /^(?:-r|--requirement|-c|--constraint|-e|--editable|--group)/.test(word.text)) ||
    parsed.verb === 'sync' ||
    parsed.verb !== 'install';
  const local = args.positional.some(isLocal);
  return { manager: 'pip', command, place, directory: place.directory, kind: files || local ? 'install' : 'tool' };
}

function isLocal(word: string): boolean {
  return /^\.{1,2}(?:\/|$|\[)|^\/|\.(?:whl|tar\.gz|zip)$|^file:/.test(word) && !/^https?:/.test(word);
}

function analyse(install: Install, files: Files): Analysis {
  const parsed = verbOf(install.command) as Parsed;
  const args = parseArguments(install.command, parsed.skip, VALUED);
  if (install.kind === 'tool') return tool(install);
  const folder = args.dynamic ? requirementsFolder(install) : undefined;
  if (args.dynamic && folder === undefined)
    return unknown(install, 'unresolved-variable', `\`${install.command.text}\` uses a variable that is not constant`);
  const local = args.positional.find(isLocal) ?? editable(install);
  if (local !== undefined)
    return unknown(
      install,
      'local-dependency-builds',
      `\`${install.command.text}\` builds \`${local}\` from its source`,
      'install its dependencies from a requirements file first, and the project after the copy',
    );
  const named = requirementFiles(install, args, parsed);
  const reads: Read[] = folder === undefined ? [] : [{ path: folder, tree: true }];
  if (folder !== undefined) {
    const names = files.entries(folder) ?? [];
    if (names.length === 0)
      return unknown(install, 'manifest-missing', `\`${folder}\` holds no requirements files where pip runs`);
    // Any of them may be meant, so all must be harmless.
    named.push(...names.filter((name) => /\.(?:txt|in|pip)$/.test(name)).map((name) => `${folder}/${name}`));
  }
  for (const path of named) {
    const trouble = follow(files, resolvePath(install.directory, path), install.directory, reads, new Set());
    if (trouble !== undefined) return unknown(install, trouble.code, trouble.message, trouble.help);
  }
  for (const name of ['PIP_CONSTRAINT', 'PIP_FIND_LINKS', 'PIP_REQUIREMENT'])
    if (install.place.environment(name) !== undefined)
      return unknown(install, 'dynamic-manifest', `ENV ${name} adds files to what pip reads`);
  for (const option of ['-f', '--find-links', '-t', '--target', '--prefix']) {
    const value = args.options.get(option);
    if (typeof value !== 'string' || /^https?:/.test(value)) continue;
    if (option === '-f' || option === '--find-links')
      reads.push({ path: resolvePath(install.directory, value), tree: true });
    else
      return single({
        name: install.command.text,
        reads,
        writes: [resolvePath(install.directory, value)],
        edits: [],
        system: 'reads',
      });
  }
  const written = ['-w', '--wheel-dir', '-d', '--dest']
    .map((name) => args.options.get(name))
    .find((each) => typeof each === 'string');
  if (parsed.verb === 'wheel' || parsed.verb === 'download')
    return single({
      name: install.command.text,
      reads,
      writes: [resolvePath(install.directory, typeof written === 'string' ? written : '.')],
      edits: [],
      system: 'reads',
    });
  const environment = inTreeEnvironment(install, files);
  const writes = environment === undefined ? [] : [environment];
  return {
    steps: [
      {
        name: install.command.text,
        reads: [...reads, ...writes.map((path) => ({ path, tree: true }))],
        writes,
        edits: [],
        system: environment === undefined ? 'writes' : 'reads',
      },
    ],
    outputs: writes,
    ignore: writes.map((path) => path.slice(install.directory.length + 1)),
    splits: [],
  };
}

/** `-r requirements/$ENV.txt`: a folder of requirements files, whichever of them is meant. */
function requirementsFolder(install: Install): string | undefined {
  const open = install.command.words.filter((word) => word.value === undefined);
  const match = /^([\w./-]+)\/[\w.-]*\$\{?\w+\}?[\w.-]*$/.exec(open[0]?.text ?? '');
  return open.length === 1 && match !== null ? resolvePath(install.directory, match[1] as string) : undefined;
}

/** Every `-r` and `-c`, several times over, and the positional files of `uv pip sync` and pip-sync. */
function requirementFiles(install: Install, args: Arguments, parsed: Parsed): string[] {
  const words = install.command.words.map((word) => word.value ?? '');
  const found: string[] = [];
  for (let at = parsed.skip; at < words.length; at++) {
    const word = words[at] as string;
    if (/^(?:-r|--requirement|-c|--constraint|--override)$/.test(word)) found.push(words[++at] ?? '');
    else {
      const joined = /^(?:-r|-c|--requirement=|--constraint=|--override=)(.+)$/.exec(word)?.[1];
      if (joined !== undefined && !word.startsWith('--re') && !/^--c(?!onstraint)/.test(word)) found.push(joined);
      else if (joined !== undefined) found.push(joined);
    }
  }
  if (parsed.verb === 'sync') found.push(...(args.positional.length === 0 ? ['requirements.txt'] : args.positional));
  return found;
}

function editable(install: Install): string | undefined {
  const words = install.command.words.map((word) => word.value ?? '');
  const at = words.findIndex((word) => word === '-e' || word === '--editable' || /^(?:-e\.|--editable=)/.test(word));
  return at < 0 ? undefined : (words[at + 1] ?? words[at]);
}

function follow(files: Files, path: string, current: string, reads: Read[], seen: Set<string>): Trouble | undefined {
  if (/^\/?https?:/.test(path) || seen.has(path)) return undefined;
  seen.add(path);
  reads.push({ path });
  const presence = files.has(path);
  if (presence === 'no')
    return {
      code: 'manifest-missing',
      message: `\`${path}\` does not exist where pip runs`,
      help: 'pass the right --context, or check .dockerignore',
    };
  const text = files.read(path);
  if (text === undefined)
    return {
      code: 'manifest-generated',
      message: `the content of \`${path}\` is not known: a command made or changed it, or git ignores it`,
    };
  // uv reads the dependencies of a pyproject.toml, setup.cfg or setup.py named with -r; only the first is data.
  if (path.endsWith('pyproject.toml'))
    return /^dynamic\s*=.*dependencies/m.test(text)
      ? { code: 'dynamic-manifest', message: `\`${path}\` has dynamic dependencies` }
      : undefined;
  if (/setup\.(?:py|cfg)$/.test(path)) return { code: 'dynamic-manifest', message: `\`${path}\` is code` };
  const hashed = /--hash=/.test(text);
  for (const raw of text.replace(/\\\r?\n/g, ' ').split('\n')) {
    const line = raw.replace(/(?:^|\s)#.*$/, '').trim();
    if (line === '') continue;
    const include = /^(?:-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?=[^\s-]))(\S+)/.exec(line)?.[1];
    if (include !== undefined) {
      if (include.includes('$')) return { code: 'dynamic-manifest', message: `\`${path}\` includes \`${include}\`` };
      const trouble = /^https?:/.test(include)
        ? undefined
        : follow(files, resolvePath(parentOf(path), include), current, reads, seen);
      if (trouble !== undefined) return trouble;
      continue;
    }
    const links = /^(?:-f|--find-links)(?:\s*=\s*|\s+)(\S+)/.exec(line)?.[1];
    if (links !== undefined && !/^https?:/.test(links)) {
      reads.push(
        { path: resolvePath(parentOf(path), links), tree: true },
        { path: resolvePath(current, links), tree: true },
      );
      continue;
    }
    const editableSpec = /^(?:-e|--editable)(?:\s*=\s*|\s+)(\S+)/.exec(line)?.[1];
    const spec = editableSpec ?? line;
    if (/^(?:git|hg|svn|bzr)\+/.test(spec) || /^https?:/.test(spec)) continue;
    const local =
      editableSpec !== undefined ||
      /^\.{1,2}(?:\/|$|\[)|^\/|@\s*file:|^file:/.test(spec) ||
      /^[\w./-]+\.(?:whl|tar\.gz|zip)(?:\s|;|$)/.test(spec);
    if (!local) continue;
    const archive = /([\w./+-]+\.(?:whl|tar\.gz|zip))/.exec(spec)?.[1];
    if (archive !== undefined) reads.push({ path: resolvePath(current, archive.replace(/^file:(?:\/\/)?/, '')) });
    else
      return {
        code: 'local-dependency-builds',
        message: `\`${path}\` installs \`${spec}\`, which builds the project from its source${hashed ? ' (in hash mode)' : ''}`,
        help: 'keep the project itself out of the requirements file and install it after the copy',
      };
  }
  return undefined;
}

/** A virtual environment that lies in the project: `/app/.venv/bin/pip`, or PATH that starts with one. */
function inTreeEnvironment(install: Install, files: Files): string | undefined {
  const name = install.command.words[0]?.value ?? '';
  const direct = /^(.*)\/bin\/(?:pip|python)[\d.]*$/.exec(name)?.[1];
  const active =
    install.place.environment('VIRTUAL_ENV') ??
    /^([^:]*venv[^:/]*)\/bin(?::|$)/.exec(install.place.environment('PATH') ?? '')?.[1];
  const path = direct === undefined || /^\/usr(?:\/local)?$/.test(direct) ? active : direct;
  if (path === undefined) return undefined;
  const absolute = resolvePath(install.directory, path);
  return absolute.startsWith(`${install.directory}/`) && install.directory !== '/' && files.has(absolute) !== 'no'
    ? absolute
    : undefined;
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
