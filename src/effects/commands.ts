/**
 * What ordinary commands read and write: a table, not a shell. A command or option that is not in it is not
 * known, and the proof then takes it to read and write everything.
 * Sources: the commands' own manual pages (apt-get(8), apk(8), coreutils, shadow-utils, curl(1), wget(1)).
 */
import type { Command, Files, Place, Step } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { baseName, isShared, isSystem, join } from './paths.ts';

/** A step, with the finer things that ordinary commands do to files. */
export interface Effect extends Step {
  /** Paths that are gone afterwards. */
  readonly removes?: readonly string[];
  /** Directories that exist afterwards. */
  readonly makes?: readonly string[];
  /** Who makes them, with which mode. */
  readonly maker?: string;
  /** Existing directories whose own owner or mode changes. */
  readonly touches?: readonly string[];
}

type Rule = (words: readonly string[], at: Place, files: Files, command: Command) => Effect | undefined;

const NOTHING: Effect = { name: '', reads: [], writes: [], edits: [], system: 'none' };

const SYSTEM: Rule = (words) =>
  words.some((word) => word.includes('$(')) ? undefined : { ...NOTHING, system: 'writes' };

const SILENT: Rule = () => ({ ...NOTHING, system: 'reads' });

/** Only with one of these subcommands. */
const only =
  (pattern: RegExp, rule: Rule): Rule =>
  (words, at, files, command) =>
    pattern.test(words.slice(1).join(' ')) ? rule(words, at, files, command) : undefined;

/** Package managers of distributions: they read and write the system, unless handed a local file. */
const packages: Rule = (words, at) => {
  const local = words.slice(1).filter((word) => /^\.{0,2}\//.test(word) || /\.(?:deb|rpm|apk)$/.test(word));
  const reads = local
    .map((word) => resolvePath(at.directory, word))
    .filter((path) => !isSystemPath(path))
    .map((path) => ({ path, tree: true }));
  // Web servers' packages put a page below /var/www.
  const web = words.some((word) => /^(?:nginx|apache2|httpd|lighttpd)/.test(word));
  return {
    ...NOTHING,
    reads,
    writes: [],
    system: 'writes',
    ...(web ? { reads: [...reads, { path: '/var/www', tree: true }], writes: ['/var/www'] } : {}),
  };
};

/** A path that no project owns by its place alone. */
function isSystemPath(path: string): boolean {
  return (
    isSystem(path) ||
    isSystem(path.slice(0, path.lastIndexOf('/')) || '/') ||
    isShared(path) ||
    (/^\/(?:tmp|root|home\/[^/]+)\//.test(path) && path.split('/').length <= 4)
  );
}

/** Operands of a command whose options take no value. */
function operands(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  return words.slice(1).filter((word, at) => (end >= 0 && at >= end ? true : !word.startsWith('-')) && word !== '--');
}

const hasOption = (words: readonly string[], letter: string, long: string): boolean =>
  words.some((word) => word === `--${long}` || (/^-[A-Za-z]+$/.test(word) && word.includes(letter)));

const mkdir: Rule = (words, at) => {
  let mode = '';
  const paths: string[] = [];
  for (let index = 1; index < words.length; index++) {
    const word = words[index] as string;
    if (word === '-m' || word === '--mode') mode = words[++index] ?? '';
    else if (word.startsWith('--mode=')) mode = word.slice(7);
    else if (/^-[pv]*m/.test(word)) mode = word.slice(word.indexOf('m') + 1) || (words[++index] ?? '');
    else if (!word.startsWith('-')) paths.push(...braces(word));
  }
  const makes = paths.map((path) => resolvePath(at.directory, path));
  const user = at.user ?? '';
  // `mkdir` without -p fails when the directory exists, so that is an input.
  const reads = hasOption(words, 'p', 'parents') ? [] : makes.map((path) => ({ path }));
  return { ...NOTHING, reads, makes, maker: `${user} ${mode}`.trim(), system: 'none' };
};

function braces(word: string): string[] {
  const match = /^(.*?)\{([^{},]+(?:,[^{},]+)+)\}(.*)$/.exec(word);
  if (match === null) return [word];
  return (match[2] as string).split(',').flatMap((part) => braces(`${match[1] ?? ''}${part}${match[3] ?? ''}`));
}

/** chown and chmod: `-R` reads and rewrites a tree; otherwise one file, or a directory's own attributes. */
const attributes: Rule = (words, at, files) => {
  const [, ...paths] = operands(words);
  if (paths.length === 0 || words.some((word) => word.startsWith('--reference'))) return undefined;
  const targets = paths.map((path) => resolvePath(at.directory, path));
  if (hasOption(words, 'R', 'recursive')) {
    if (targets.every(isSystemPath) && targets.every((path) => isSystem(path))) return { ...NOTHING, system: 'writes' };
    return { ...NOTHING, reads: targets.map((path) => ({ path, tree: true })), writes: targets, system: 'reads' };
  }
  const touches = targets.filter((path) => files.entries(path) !== undefined && isDirectory(files, path));
  const writes = targets.filter((path) => !touches.includes(path));
  return { ...NOTHING, reads: writes.map((path) => ({ path })), writes, touches, system: 'reads' };
};

function isDirectory(files: Files, path: string): boolean {
  return files.has(path) === 'yes' && files.read(path) === undefined && (files.entries(path)?.length ?? 0) > 0;
}

const remove: Rule = (_words, at, _files, command) => {
  const removes: string[] = [];
  for (const [index, word] of command.words.entries()) {
    if (index === 0 || word.text.startsWith('-')) continue;
    // Whoever's home it is, it is the system's.
    const path = word.value ?? (/^(?:~\/)?[\w./*+@-]+$/.test(word.text) ? word.text.replace(/^~/, '/root') : undefined);
    if (path === undefined) return undefined;
    const star = path.search(/[*?[]/);
    const absolute = resolvePath(at.directory, star < 0 ? path : path.slice(0, path.lastIndexOf('/', star) + 1) || '.');
    // A glob in the system, a cache or a temporary directory stays there.
    if (star >= 0 && !isSystem(absolute) && absolute !== '/tmp' && !absolute.startsWith('/root/.')) return undefined;
    removes.push(star < 0 ? absolute : '*');
  }
  if (removes.length === 0) return undefined;
  const own = removes.filter((path) => path !== '*' && !isSystemPath(path));
  return { ...NOTHING, removes: own, system: own.length === removes.length ? 'none' : 'writes' };
};

const link: Rule = (words, at) => {
  const paths = operands(words);
  const target = paths[1];
  if (paths.length !== 2 || target === undefined || !hasOption(words, 's', 'symbolic')) return undefined;
  const absolute = resolvePath(
    at.directory,
    target.endsWith('/') ? join(target, baseName(paths[0] as string)) : target,
  );
  return writing([absolute]);
};

const touch: Rule = (words, at) => {
  const paths = operands(words).map((path) => resolvePath(at.directory, path));
  if (paths.length === 0) return undefined;
  const effect = writing(paths);
  return { ...effect, reads: paths.filter((path) => !isSystemPath(path)).map((path) => ({ path })) };
};

/** The result goes to these paths. */
function writing(paths: readonly string[]): Effect {
  const own = paths.filter((path) => !isSystemPath(path));
  return { ...NOTHING, writes: own, system: own.length === paths.length ? 'reads' : 'writes' };
}

/** Downloads: only where the file goes matters. */
const download =
  (output: RegExp, remoteName: RegExp | undefined, valued: RegExp): Rule =>
  (words, at) => {
    let target: string | undefined;
    let remote = remoteName === undefined;
    const urls: string[] = [];
    for (let index = 1; index < words.length; index++) {
      const word = words[index] as string;
      if (
        word.startsWith('@') ||
        /=@|^--?(?:K|config|T|upload-file|i|input-file|P|directory-prefix|output-dir|cert|key|netrc-file)$/.test(word)
      )
        return undefined;
      if (output.test(word)) target = words[++index];
      else if (/^--output(?:-document)?=/.test(word)) target = word.slice(word.indexOf('=') + 1);
      else if (remoteName?.test(word) === true) remote = true;
      else if (valued.test(word)) {
        if (words[++index]?.startsWith('@') === true) return undefined;
      } else if (!word.startsWith('-')) urls.push(word);
    }
    if (target === '-' || (target === undefined && !remote)) return { ...NOTHING, system: 'reads' };
    const names = target === undefined ? urls.map((url) => baseName(url.replace(/[?#].*$/, ''))) : [target];
    if (names.some((name) => name === '')) return undefined;
    return writing(names.map((name) => resolvePath(at.directory, name)));
  };

const copyOrMove: Rule = (words, at) => {
  const paths = operands(words);
  if (paths.length < 2 || words.some((word) => /^-t|^--target/.test(word))) return undefined;
  const all = paths.map((path) => resolvePath(at.directory, path));
  return all.every(isSystemPath) ? { ...NOTHING, system: 'writes' } : undefined;
};

const edit: Rule = (words, at) => {
  // sed -i SCRIPT FILE...: only on the system's files, and never with a script from a file.
  if (!words.some((word) => /^-[a-zA-Z]*i|^--in-place/.test(word)) || words.some((word) => /^(?:-f|--file)/.test(word)))
    return undefined;
  const files = words.slice(1).filter((word) => !word.startsWith('-') && /^\/[\w./+@-]+$/.test(word));
  return files.length > 0 && files.every((path) => isSystemPath(resolvePath(at.directory, path)))
    ? { ...NOTHING, system: 'writes' }
    : undefined;
};

const archive: Rule = (words, at) => {
  // Extracting from and into the system's directories.
  const text = words.slice(1).join(' ');
  const paths = words.slice(1).filter((word) => word.startsWith('/') && !word.startsWith('/--'));
  const into = /(?:^|\s)(?:-C|-d|--directory)[ =]?(\S+)/.exec(text)?.[1];
  if (into === undefined || paths.length < 2) return undefined;
  return paths.every((path) => isSystemPath(resolvePath(at.directory, path)))
    ? { ...NOTHING, system: 'writes' }
    : undefined;
};

const addUser: Rule = (words) => {
  // A home directory among the project's own files would be filled from /etc/skel.
  const text = words.join(' ');
  const home = /(?:^|\s)(?:-d|-h|--home|--home-dir)[ =](\S+)/.exec(text)?.[1];
  if (home !== undefined && !isSystemPath(home) && !isShared(home)) {
    if (/(?:^|\s)(?:-m|--create-home)(?:\s|$)/.test(text) || (words[0] ?? '').startsWith('adduser')) return undefined;
  }
  return { ...NOTHING, system: 'writes' };
};

const test: Rule = (words, at) => {
  const paths = words.slice(1).filter((word) => !word.startsWith('-') && word !== ']' && word !== '!');
  return { ...NOTHING, reads: paths.map((path) => ({ path: resolvePath(at.directory, path) })), system: 'reads' };
};

const virtualEnvironment: Rule = (words, at) => {
  const paths = operands(words).filter((word) => word !== 'venv');
  const target = paths.at(-1);
  if (target === undefined) return undefined;
  return writing([resolvePath(at.directory, target)]);
};

/** Prints what is there: an input is that it is there, as the command fails otherwise. */
const print: Rule = (words, at, files) => {
  const paths = operands(words).map((path) => resolvePath(at.directory, path));
  // A directory that only a copy fills would be missing before it.
  if (paths.some((path) => path !== at.directory && !isSystemPath(path) && isDirectory(files, path))) return undefined;
  const reads = paths.filter((path) => path !== at.directory && !isSystemPath(path)).map((path) => ({ path }));
  return { ...NOTHING, reads, system: 'reads' };
};

/** By command name. */
const RULES: Readonly<Record<string, Rule>> = {
  'apt-get': packages,
  apt: packages,
  aptitude: packages,
  apk: packages,
  yum: packages,
  dnf: packages,
  microdnf: packages,
  tdnf: packages,
  zypper: packages,
  pacman: packages,
  dpkg: only(/^(?:--add-architecture|--print|--configure|-i)/, packages),
  'dpkg-reconfigure': SYSTEM,
  'add-apt-repository': SYSTEM,
  'apt-key': only(/^adv/, SYSTEM),
  'update-ca-certificates': SYSTEM,
  'update-alternatives': SYSTEM,
  'locale-gen': SYSTEM,
  'update-locale': SYSTEM,
  localedef: SYSTEM,
  ldconfig: SYSTEM,
  'fc-cache': SYSTEM,
  'docker-php-ext-install': SYSTEM,
  'docker-php-ext-configure': SYSTEM,
  'docker-php-ext-enable': SYSTEM,
  pecl: only(/^(?:install|channel-update|update-channels) (?!\.|\/)/, SYSTEM),
  'install-php-extensions': SYSTEM,
  a2enmod: SYSTEM,
  a2dismod: SYSTEM,
  a2ensite: SYSTEM,
  a2dissite: SYSTEM,
  gem: only(/^(?:install|update) (?!.*(?:^|\s)(?:\.|\/))/, SYSTEM),
  rustup: only(/^(?:component|target|default|toolchain|update|self|install|set)/, SYSTEM),
  rustc: only(/^--version/, SILENT),
  npm: only(
    /^(?:(?:config|c) (?:set|delete|rm|list|ls|get)|set|cache (?:clean|clear|verify|rm)|-v|--version|version$|view |ping|root|prefix|bin)/,
    (words) =>
      words.includes('--location=project') || words.join(' ').includes('--location project')
        ? undefined
        : { ...NOTHING, system: 'writes' },
  ),
  yarn: only(/^(?:config (?:set|get|list|delete)|cache clean|--version|-v|set version \S+$)/, (words) =>
    words[1] === 'set' ||
    (words[1] === 'config' && !words.includes('-g') && words[2] === 'set' && /^[a-z]+[A-Z]/.test(words[3] ?? ''))
      ? undefined
      : { ...NOTHING, system: 'writes' },
  ),
  pnpm: only(/^(?:config (?:set|get|list|delete)|store prune|--version|-v|setup$|env use)/, (words) =>
    words.join(' ').includes('--location project') || words.includes('--location=project')
      ? undefined
      : { ...NOTHING, system: 'writes' },
  ),
  bun: only(/^(?:--version|-v|upgrade)/, SYSTEM),
  go: only(/^(?:version$|env )/, SYSTEM),
  node: only(/^(?:-v|--version)$/, SILENT),
  python: (words, at, files, command) => python(words, at, files, command),
  python3: (words, at, files, command) => python(words, at, files, command),
  virtualenv: virtualEnvironment,
  pip: only(/^(?:--version|-V|config |cache |list|freeze|show |check$|uninstall )/, SYSTEM),
  pip3: only(/^(?:--version|-V|config |cache |list|freeze|show |check$|uninstall )/, SYSTEM),
  composer: only(
    /^(?:--version|-V$|config (?:--global|-g) |global config |self-update|selfupdate|clear-cache|clearcache|diagnose)/,
    SYSTEM,
  ),
  bundle: (words, at) => {
    const text = words.slice(1).join(' ');
    if (/^(?:--version|-v$|version$|clean)/.test(text)) return { ...NOTHING, system: 'writes' };
    if (!/^config(?: |$)/.test(text)) return undefined;
    // Without --global it writes the project's settings, unless the image moved those.
    if (text.includes('--global')) return { ...NOTHING, system: 'writes' };
    const settings = join(at.directory, '.bundle/config');
    return { ...NOTHING, reads: [{ path: settings }], writes: [settings], system: 'writes' };
  },
  rebar3: only(/^(?:--version|version$|local (?:install|upgrade)|update$)/, SYSTEM),
  mvn: only(/^(?:--version|-v$)/, SILENT),
  gradle: only(/^(?:--version|-v$)/, SILENT),
  deno: only(/^(?:--version|-V$|upgrade)/, SYSTEM),
  swift: only(/^--version/, SILENT),
  cabal: only(/^(?:--version|user-config)/, SYSTEM),
  stack: only(/^(?:--version|config set)/, SYSTEM),
  poetry: only(/^(?:config (?!.*--local)|--version|-V$|about$|env info|cache )/, SYSTEM),
  pipenv: only(/^--version/, SILENT),
  pdm: only(/^(?:--version|-V$|config (?!.*(?:-l|--local)\b)|cache )/, SYSTEM),
  uv: only(/^(?:--version|-V$|version$|cache |self )/, SYSTEM),
  conda: only(/^(?:--version|clean |config (?!.*--file)|init(?: |$)|info|list)/, SYSTEM),
  mamba: only(/^(?:--version|clean |config (?!.*--file)|init(?: |$)|info|list)/, SYSTEM),
  micromamba: only(/^(?:--version|clean |config |shell init)/, SYSTEM),
  dotnet: only(
    /^(?:--version|--info|--list-sdks|nuget (?:add source (?!\.)|locals)|dev-certs|workload update)/,
    SYSTEM,
  ),
  git: only(/^config --(?:global|system) /, SYSTEM),
  mkdir,
  chown: attributes,
  chmod: attributes,
  chgrp: attributes,
  rm: remove,
  rmdir: remove,
  ln: link,
  touch,
  cp: copyOrMove,
  mv: copyOrMove,
  sed: edit,
  tar: archive,
  unzip: archive,
  curl: download(
    /^(?:-[a-zA-Z]*o|--output)$/,
    /^(?:-[a-zA-Z]*O[a-zA-Z]*|--remote-name)$/,
    /^(?:-H|--header|-A|--user-agent|-d|--data\S*|-u|--user|-x|--proxy|--retry\S*|-m|--max-time|--connect-timeout|-X|--request|--cacert|--proto|-e|-b|-w)$/,
  ),
  wget: download(
    /^(?:-[a-zA-Z]*O|--output-document)$/,
    undefined,
    /^(?:--header|-U|--user-agent|-t|--tries|-T|--timeout|--user|--password|-o|-e)$/,
  ),
  useradd: addUser,
  adduser: addUser,
  usermod: addUser,
  groupadd: SYSTEM,
  addgroup: SYSTEM,
  groupmod: SYSTEM,
  userdel: SYSTEM,
  deluser: SYSTEM,
  delgroup: SYSTEM,
  groupdel: SYSTEM,
  chsh: SYSTEM,
  chpasswd: SYSTEM,
  passwd: SYSTEM,
  setcap: SYSTEM,
  ls: print,
  cat: print,
  stat: print,
  du: only(/^(?:-[a-z]+ )*\/?$/, SILENT),
  df: SILENT,
  echo: SILENT,
  printf: SILENT,
  true: SILENT,
  ':': SILENT,
  false: SILENT,
  sleep: SILENT,
  date: SILENT,
  uname: SILENT,
  whoami: SILENT,
  id: SILENT,
  pwd: SILENT,
  env: only(/^$/, SILENT),
  printenv: SILENT,
  which: SILENT,
  type: SILENT,
  command: only(/^-v /, SILENT),
  nproc: SILENT,
  arch: SILENT,
  test,
  '[': test,
};

function python(words: readonly string[], at: Place, files: Files, command: Command): Effect | undefined {
  if (/^(?:-V|--version)$/.test(words[1] ?? '')) return { ...NOTHING, system: 'reads' };
  if (words[1] === '-m' && (words[2] === 'venv' || words[2] === 'virtualenv'))
    return virtualEnvironment(words.slice(2), at, files, command);
  if (words[1] === '-m' && words[2] === 'ensurepip') return { ...NOTHING, system: 'writes' };
  return undefined;
}

/**
 * What a simple command that is not an install does; undefined: not known.
 * A command may count as several effects (its own, and the file that it is redirected to).
 */
export function ordinary(command: Command, at: Place, files: Files): readonly Effect[] | undefined {
  const first = command.words[0]?.value;
  if (first === undefined) return undefined;
  // sudo and exported-for-one-command variables do not change what is touched.
  const skip = first === 'sudo' ? 1 + (command.words[1]?.value === '-E' ? 1 : 0) : 0;
  const name = command.words[skip]?.value;
  if (name === undefined) return undefined;
  const rule = RULES[baseName(name)];
  if (rule === undefined || (name.includes('/') && !isSystem(name))) return undefined;
  const words = command.words.slice(skip).map((word) => word.value ?? word.text);
  const literal = command.words
    .slice(skip)
    .every(
      (word) =>
        word.value !== undefined || (/^[-\w./*+@{},:=${}"%~<>^]+$/.test(word.text) && !word.text.includes('$(')),
    );
  if (!literal && rule !== SILENT && rule !== packages) return undefined;
  if (
    command.words.some((word) => /\$\(|`|<\(/.test(word.text)) &&
    !/\$\((?:nproc|uname -[a-z]|dpkg --print-architecture|arch|lsb_release -[a-z]+)\)/.test(command.text)
  )
    return undefined;
  const unresolved = command.words.slice(skip + 1).some((word) => word.value === undefined);
  if (
    unresolved &&
    rule !== SILENT &&
    rule !== packages &&
    rule !== SYSTEM &&
    rule !== remove &&
    rule !== addUser &&
    rule !== mkdir &&
    !onlySystemOperands(command, at)
  )
    return undefined;
  const effect = rule(words, at, files, { ...command, words: command.words.slice(skip) });
  if (effect === undefined) return undefined;
  const named: Effect = { ...effect, name: command.text };
  const redirected = redirect(command, at);
  if (redirected === undefined) return undefined;
  return [named, ...redirected];
}

/** Words that could not be resolved start with an absolute system directory, e.g. `/usr/lib/$ARCH/x`. */
function onlySystemOperands(command: Command, at: Place): boolean {
  return command.words.slice(1).every((word) => {
    if (word.value !== undefined) return true;
    if (/^(?:https?:\/\/|-)/.test(word.text.replace(/^["']/, ''))) return true;
    const fixed = /^["']?(\/[\w./-]*)/.exec(word.text)?.[1];
    return fixed !== undefined && isSystem(resolvePath(at.directory, fixed));
  });
}

function redirect(command: Command, at: Place): readonly Effect[] | undefined {
  const effects: Effect[] = [];
  for (const { operator, target } of command.redirects) {
    if (target === undefined) return undefined;
    if (target === '/dev/null' || target === '/dev/stderr' || target === '/dev/stdout' || /^[12]$/.test(target))
      continue;
    const path = resolvePath(at.directory, target);
    const name = `${command.text} (redirection)`;
    if (operator === '>' || operator === '>|' || operator === '&>') effects.push({ ...writing([path]), name });
    else if (operator === '>>') effects.push({ ...writing([path]), name, reads: isSystemPath(path) ? [] : [{ path }] });
    else return undefined;
  }
  return effects;
}

/**
 * Installers that are piped into a shell, by where they come from: each is published to set up a tool or a package
 * source, and touches the system alone. Anything else that is downloaded and run could do anything.
 */
const INSTALLERS =
  /https:\/\/(?:(?:deb|rpm)\.nodesource\.com\/|sh\.rustup\.rs|install\.python-poetry\.org|astral\.sh\/uv|get\.pnpm\.io\/|bun\.sh\/install|deno\.land\/|get\.docker\.com|raw\.githubusercontent\.com\/nvm-sh\/|(?:dl|packages)\.yarnpkg\.com\/|dl\.yarnpkg\.com\/|packages\.microsoft\.com\/|dl\.google\.com\/|dl-ssl\.google\.com\/|packages\.cloud\.google\.com\/|www\.postgresql\.org\/|download\.docker\.com\/|cli\.github\.com\/|bootstrap\.pypa\.io\/|getcomposer\.org\/|install\.fly\.io)/;

/** What a pipeline of plain commands does: a download fed to an installer, a key to a keyring, a line to a file. */
export function pipeline(command: Command, at: Place, files: Files): readonly Effect[] | undefined {
  const parts = command.pipeline ?? [];
  const [first, ...rest] = parts;
  if (first === undefined || rest.length === 0) return undefined;
  const source = ordinary(first, at, files);
  if (source === undefined || source.some((effect) => effect.writes.length > 0)) return undefined;
  const effects: Effect[] = [...source];
  for (const part of rest) {
    const words = part.words.map((word) => word.value ?? word.text);
    const name = words[0] === 'sudo' ? words.slice(1).find((word) => !word.startsWith('-')) : words[0];
    if (/^(?:bash|sh|python3?)$/.test(name ?? '')) {
      if (!INSTALLERS.test(first.text)) return undefined;
      effects.push({ ...NOTHING, name: command.text, system: 'writes' });
    } else if (
      /^(?:grep|sort|head|tail|wc|tr|cut|uniq|sha256sum|sha512sum|md5sum)$/.test(name ?? '') &&
      operands(words).every((word) => !word.startsWith('/') || name === 'grep' || name === 'tr')
    ) {
      effects.push({ ...NOTHING, name: command.text, system: 'reads' });
    } else if (/^(?:apt-key|debconf-set-selections|chpasswd)$/.test(name ?? '')) {
      effects.push({ ...NOTHING, name: command.text, system: 'writes' });
    } else if (name === 'tee' || name === 'gpg' || name === 'tar') {
      const paths = words.filter((word) => word.startsWith('/'));
      if (paths.length === 0 || !paths.every((path) => isSystemPath(resolvePath(at.directory, path)))) return undefined;
      effects.push({ ...NOTHING, name: command.text, system: 'writes' });
    } else return undefined;
    const redirected = redirect(part, at);
    if (redirected === undefined) return undefined;
    effects.push(...redirected);
  }
  return effects;
}
