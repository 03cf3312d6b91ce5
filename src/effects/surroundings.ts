/**
 * What a command reads of a project besides what it is known for: files that its options or the environment name,
 * programs and modules of the project that stand in for the system's.
 * Sources: bash(1) on BASH_ENV and PATH, https://docs.python.org/3/using/cmdline.html (PYTHONPATH, -m),
 * https://docs.npmjs.com/cli/using-npm/config, pip's and apt's own manuals on options that name files.
 */
import type { Command, Place, Read } from '../model.ts';
import { ancestors, resolvePath } from '../dockerfile/state.ts';
import { isPrinted } from './commands.ts';
import type { Image } from './image.ts';
import { HOME_FILES, isSystem, join } from './paths.ts';

export interface Surroundings {
  /** What its own words name. */
  readonly operands: readonly Read[];
  readonly reads: readonly Read[];
  /** Directories of the project that it was told to use for what is the system's otherwise. */
  readonly trees: readonly string[];
}

/** Variables that tools take file names from. */
const TOOL_VARIABLE =
  /^(?:npm_|node_|pip_|python|uv_|poetry_|pipenv_|pdm_|conda|mamba|yarn_|pnpm_|bun_|corepack_|deno_|go[a-z]*$|cgo_|cargo_|rust|composer|bundle_|gem_|ruby|php|maven_|mvn_|java_|jdk_|_java|gradle_|sbt_|jvm_|nuget|dotnet_|msbuild|mix_|hex_|rebar|erl_|pub_|bash_env$|env$|ld_|ssl_|curl_|git_|https?_|requests_|wgetrc$|netrc$|apt_|xdg_|perl|nvm_|openssl_|pnpm_home$)|(?:_CONFIG|CONFIG_FILE|RC|_OPTS|_OPTIONS|_FLAGS|CERTS?|_CA|BUNDLE)$/i;

/** Variables that name the directory that a tool is installed into or keeps its state in. */
const TOOL_DIRECTORY =
  /^(?:GOBIN|GOPATH|GEM_HOME|GEM_PATH|BUNDLE_PATH|NPM_CONFIG_PREFIX|PNPM_HOME|CARGO_HOME|CARGO_INSTALL_ROOT|RUSTUP_HOME|PYTHONUSERBASE|PIP_TARGET|PIP_PREFIX|COMPOSER_HOME|NUGET_PACKAGES|POETRY_HOME|PIPX_\w+|UV_TOOL_\w+|DENO_INSTALL\w*|MIX_HOME|HEX_HOME|YARN_GLOBAL_FOLDER|BUN_INSTALL)$/i;

/** Modules that Python programs import, and that a file of the same name would stand in for. */
const PYTHON_MODULES =
  'sitecustomize usercustomize pip setuptools wheel pkg_resources venv virtualenv abc argparse ast base64 binascii bisect bz2 calendar code codecs collections colorsys compileall concurrent configparser contextlib copy csv ctypes dataclasses datetime decimal difflib dis email encodings ensurepip enum errno fnmatch fractions functools gc getopt getpass gettext glob gzip hashlib heapq hmac html http imaplib importlib inspect io ipaddress itertools json keyword linecache locale logging lzma math mimetypes multiprocessing netrc ntpath numbers opcode operator optparse os pathlib pickle pkgutil platform plistlib posixpath pprint profile pty queue quopri random re reprlib resource runpy sched secrets select selectors shlex shutil signal site socket socketserver sqlite3 ssl stat statistics string stringprep struct subprocess symbol sys sysconfig tarfile tempfile textwrap threading time timeit token tokenize tomllib trace traceback types typing unicodedata unittest urllib uuid warnings weakref webbrowser xml xmlrpc zipfile zipimport zlib zoneinfo'.split(
    ' ',
  );

/** Commands whose operands are all known (`effects/commands.ts`). */
const OWN_OPERANDS = /^(?:mkdir|chown|chmod|chgrp|rm|rmdir|ln|touch|test|\[|ls|cat|stat|echo|printf)$/;

/** Beside those, commands that take nothing from a home directory: package managers of distributions, and others. */
const LEAVES_HOME =
  /^(?:true|:|sleep|apt|apt-get|apk|yum|dnf|microdnf|tdnf|zypper|pacman|dpkg|locale-gen|ldconfig|\w*(?:user|group)\w*)$/;

/** Commands that may write to settings in it. */
const SETTLES = /^(?:git config|\S+ (?:(?:c|config|global|set|init|setup|env|self|nuget|shell) |setup$))/;

/** Directories that tools look into before all others. */
const SEARCHED =
  /^(?:XDG_CONFIG_(?:HOME|DIRS)|CURL_HOME|SSL_CERT_DIR|PERL5?LIB|RUBYLIB|GIT_\w*(?:DIR|PATH)|PHP_INI_SCAN_DIR|DOTNET_CLI_HOME|GRADLE_USER_HOME|MAVEN_CONFIG)$/;

/** Options whose value is a path even when it does not look like one. */
const PATH_OPTION = /^--?(?:c|C|K|f|r|t|i|T|config\S*|target|prefix|root|tool-path|install-dir|bindir|dir)$/;

/** Variables that name code to run. */
const CODE_VARIABLE =
  /^(?:BASH_ENV|ENV|NODE_OPTIONS|RUBYOPT|PERL5OPT|LD_PRELOAD|PYTHONSTARTUP|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|GIT_SSH\w*|npm_config_script_shell|npm_config_shell|npm_config_node_options)$/i;

/** A variable that can make programs read files. */
export function isFollowed(name: string): boolean {
  return (
    name === 'PATH' ||
    name === 'HOME' ||
    TOOL_DIRECTORY.test(name) ||
    CODE_VARIABLE.test(name) ||
    TOOL_VARIABLE.test(name) // PYTHONPATH among them
  );
}

/** What may be left out of its name. Source: https://nodejs.org/api/modules.html#all-together */
const MODULE = ['', '.js', '.cjs', '.mjs', '.json', '.rb', '/index.js'];

/** Programs that others run. */
const HELPERS = 'sh bash env node python python3 ruby php perl git make cc gcc g++ java go npm sed grep tar'.split(' ');

/** Code of the project could read anything. */
const EVERYTHING: Read = { path: '/', tree: true };

/** Files in which a directory says which version of a language it wants, and the programs that are meant. */
const VERSION_FILES: readonly (readonly [file: string, programs: RegExp])[] = [
  ['.python-version', /^(?:python|pip|uv|poetry|pdm|virtualenv)/],
  ['.ruby-version', /^(?:ruby|gem|bundle|rake)/],
  ['.node-version', /^(?:node|npm|npx|yarn|pnpm|corepack)/],
  ['.go-version', /^go$/],
  ...['.tool-versions', 'mise.toml', '.mise.toml'].map(
    (file) =>
      [
        file,
        /^(?:python|pip|uv|poetry|pdm|ruby|gem|bundle|node|npm|npx|yarn|pnpm|corepack|bun|deno|go$|mix|java|mvn|gradle|php|composer)/,
      ] as const,
  ),
];

/**
 * Directories of programs that look for such a file, here or above, and run the version that it names. Sources:
 * https://github.com/pyenv/pyenv#understanding-python-version-selection, https://asdf-vm.com/manage/versions.html
 */
const SHIMS = /\/\.?(?:pyenv|rbenv|nodenv|goenv|asdf|mise)\/shims\/?$/;

/** Stands for what a variable held before this build. */
export const INHERITED = '\0';

export function surroundings(
  command: Command,
  place: Place,
  /** What those hold that are followed, as far as that is known. */
  variables: ReadonlyMap<string, string>,
  image: Image,
): Surroundings {
  const operands = new Map<string, Read>();
  const reads = new Map<string, Read>();
  const trees = new Set<string>();
  const { directory } = place;
  const isFile = (path: string): boolean => {
    const presence = isSystem(path) ? 'no' : image.has(path);
    return (presence === 'yes' || (presence === 'maybe' && image.owns(path))) && !image.isDirectory(path);
  };
  const file = (path: string, into = reads): void => {
    if (isFile(path)) into.set(path, { path });
  };
  const settings = (path: string): void => {
    if ((!image.owns(path) && !image.holdsOwn(path)) || image.has(path) === 'no') return;
    reads.set(path, { path, tree: true });
    if (SETTLES.test(command.text)) trees.add(path);
  };
  const names = command.words.map((word) => word.value ?? word.text);
  const program = names.find((name) => /^(?:\S*\/)?(?:pip|python|virtualenv|poetry|pipenv|pdm|pipx)[\d.]*$/.test(name));
  // The same goes for a program that comes from elsewhere: `curl … | python3 -`.
  const takesInput = names.includes('-') || names.length === 1;
  const modules = new Set(program !== undefined && (names.includes('-m') || takesInput) ? [directory] : []);

  // What is printed to a file, others may read as a path: `echo "deb file:/debs ./" > sources.list`.
  const isKept = /^(?:echo|printf)$/.test(names[0] ?? '') && command.redirects.some((each) => !isPrinted(each));
  const ownOperands = OWN_OPERANDS.test(names[0] ?? '') && !isKept;
  // Their options name files of any name: `-d @payload`, `--cacert ca`.
  const isDownload = /^(?:curl|wget)$/.test(names[0] ?? '');
  const isPath = (text: string): boolean => isDownload || /[./]/.test(text);
  for (const [at, name] of names.entries()) {
    if (at === 0 && !name.includes('/')) continue;
    const option = names[at - 1] ?? '';
    if (option === '--script-shell' || name.startsWith('--script-shell=')) reads.set('/', EVERYTHING);
    if (ownOperands) continue;
    // `-c Release`, `-f net8.0`, `-r linux-x64`
    const isValue = option.startsWith('-') && names[0] !== 'dotnet' && PATH_OPTION.test(option);
    // What a token holds, its word holds.
    if (!isValue && !isPath(name)) continue;
    for (const token of tokens(name)) {
      if (!isValue && !isPath(token)) continue;
      const path = resolvePath(directory, token);
      file(path, operands);
      const isInside = image.owns(path) && path !== directory && !directory.startsWith(`${path}/`);
      if ((isValue || token.includes('/')) && isInside && image.isDirectory(path)) trees.add(path);
    }
  }
  for (const [name, value] of variables) {
    if (name === 'PATH') {
      for (const entry of value.split(':')) {
        if (entry.includes(INHERITED)) break;
        const path = resolvePath(directory, entry === '' ? '.' : entry);
        if (SHIMS.test(path))
          for (const here of ancestors(directory))
            for (const [name, programs] of VERSION_FILES) if (programs.test(names[0] ?? '')) file(join(here, name));
        const isHere = (name: string): boolean => image.has(join(path, name)) === 'yes';
        if (image.owns(path) && [...names.slice(0, 1), ...HELPERS].some(isHere)) reads.set('/', EVERYTHING);
      }
      // They fail where there is none.
      if (!/^(?:which|type|command)$/.test(names[0] ?? '')) continue;
      for (const entry of value.split(':'))
        for (const name of names.slice(1))
          if (!entry.includes(INHERITED)) file(join(resolvePath(directory, entry), name));
    } else if (name === 'PYTHONPATH') {
      if (program === undefined) continue;
      for (const entry of value.split(':')) if (entry !== '') modules.add(resolvePath(directory, entry));
    } else if (name === 'LD_LIBRARY_PATH') {
      const isLibrary = (each: string): boolean => /\.so(?:\.|$)/.test(each);
      for (const entry of value.split(':').map((each) => resolvePath(directory, each)))
        if (image.owns(entry) && image.entries(entry)?.some(isLibrary) === true) reads.set('/', EVERYTHING);
    } else if (SEARCHED.test(name)) {
      for (const entry of value.split(':')) if (entry !== '') settings(resolvePath(directory, entry));
    } else if (TOOL_DIRECTORY.test(name)) {
      const path = resolvePath(directory, value);
      if (image.owns(path) && image.has(path) !== 'no') trees.add(path);
    } else if (CODE_VARIABLE.test(name)) {
      const isHere = (token: string): boolean =>
        /[./]/.test(token) && MODULE.some((end) => isFile(resolvePath(directory, token) + end));
      if ([...tokens(value)].some(isHere)) reads.set('/', EVERYTHING);
    } else if (TOOL_VARIABLE.test(name))
      for (const token of tokens(value)) {
        if (!/[./]/.test(token)) continue;
        const path = resolvePath(directory, token);
        file(path);
        if (reads.has(path) && SETTLES.test(command.text)) trees.add(path);
      }
  }
  const user = place.user?.replace(/:.*/, '') ?? '';
  const own = /^(?:root|base|)$/.test(user) ? '/root' : `/home/${user}`;
  const leavesHome = OWN_OPERANDS.test(names[0] ?? '') || LEAVES_HOME.test(names[0] ?? '');
  const home = variables.get('HOME') ?? (leavesHome ? undefined : own);
  if (home !== undefined && (image.owns(home) || image.holdsOwn(home)))
    for (const each of HOME_FILES) settings(join(home, each));
  for (const inside of modules)
    if (
      PYTHON_MODULES.some((name) =>
        [`${name}.py`, `${name}/__init__.py`].some((each) => image.has(join(inside, each)) === 'yes'),
      )
    )
      reads.set('/', EVERYTHING);
  return { operands: [...operands.values()], reads: [...reads.values()], trees: [...trees] };
}

/** What may be a file name in a word: `--config=x`, `-cx`, `@x`, `file:///x`, `A=x:y`. */
function tokens(word: string): Set<string> {
  const found = new Set<string>(word.startsWith('-') ? [] : [word]);
  const attached = /^-[A-Za-z](.+)$/.exec(word)?.[1];
  for (const part of [...word.split(/[\s:;,=]+/), ...(attached === undefined ? [] : attached.split(/[\s:;,=]+/))]) {
    const bare = part.replace(/^["'@]+|["']+$/g, '').replace(/^\/{2,}/, '/');
    if (bare !== '' && bare !== '.' && bare !== '/') found.add(bare);
    if (bare.startsWith('@')) found.add(bare.slice(1));
  }
  for (const each of found)
    if (each.startsWith('-') || each.length > 1_000 || each.includes(INHERITED)) found.delete(each);
  return found;
}
