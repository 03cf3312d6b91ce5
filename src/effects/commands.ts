/**
 * What ordinary commands read and write: a table, not a shell. A command or option that is not in it is not
 * known, and the proof then takes it to read and write everything.
 * Sources: the commands' own manual pages (apt-get(8), apk(8), coreutils, shadow-utils, curl(1), wget(1)).
 */
import type { Command, Files, Place, Read, ShellWord, Step } from '../model.ts';
import { ancestors, parentOf, resolvePath } from '../dockerfile/state.ts';
import { CONFIGURATION } from '../managers/dotnet.ts';
import { baseName, HOME_FILES, isShared, isSystem, join } from './paths.ts';

/** A step, with the finer things that ordinary commands do to files. */
export interface Effect extends Step {
  /** Paths that are gone afterwards. */
  readonly removes?: readonly string[];
  /** Directories that exist afterwards. */
  readonly makes?: readonly string[];
  /** Who makes them, with which mode. */
  readonly maker?: string;
  /** Directories that have to be there: what it makes, it makes in them. */
  readonly into?: readonly string[];
  /** Existing directories whose own owner or mode changes. */
  readonly touches?: readonly string[];
  /** Paths of the system that it removes. */
  readonly gone?: readonly string[];
  /** What it writes are symbolic links. */
  readonly links?: true;
  /** Of what it writes only the owner or the mode changes: the content is the one that it read. */
  readonly attributes?: true;
  /** All that it does is to give these directories, with all in them, to this user and group. */
  readonly gives?: { readonly to: string; readonly trees: readonly string[] };
}

/** What a rule may ask of the image. */
export interface Disk extends Files {
  /** It lies in a tree of the project's own. */
  owns(path: string): boolean;
  /** A tree of the project's own lies in it. */
  holdsOwn(path: string): boolean;
  /** Known to exist and to be a directory. */
  isDirectory(path: string): boolean;
  /** A directory with those in it, where nothing else has been put there; undefined: something has, or may have. */
  bare(path: string): readonly string[] | undefined;
}

type Rule = (words: readonly string[], at: Place, files: Disk, command: Command) => Effect | undefined;

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
const packages: Rule = (words, at, files) => {
  const isDpkg = words[0] === 'dpkg' && hasOption(words, 'i', 'install');
  const local = isDpkg
    ? operands(words)
    : words.slice(1).filter((word) => /^\.{0,2}\/|^\.{1,2}$/.test(word) || /\.(?:deb|rpm|apk|zst|xz)$/.test(word));
  const reads = local
    .map((word) => resolvePath(at.directory, isPattern(word) ? aboveGlob(word) : word))
    .filter((path) => !isSystemPath(path, files))
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
function isSystemPath(path: string, files: Disk): boolean {
  if (files.owns(path) || files.holdsOwn(path)) return false;
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
  const named: string[] = [];
  for (let index = 1; index < words.length; index++) {
    const word = words[index] as string;
    if (word === '-m' || word === '--mode') mode = words[++index] ?? '';
    else if (word.startsWith('--mode=')) mode = word.slice(7);
    else if (/^-[pv]*m/.test(word)) mode = word.slice(word.indexOf('m') + 1) || (words[++index] ?? '');
    else if (!word.startsWith('-')) named.push(word);
  }
  const paths = braces(named);
  if (paths === undefined) return undefined;
  const makes = paths.map((path) => resolvePath(at.directory, path));
  const user = at.user ?? '';
  // `mkdir` without -p fails when the directory exists, so that is an input.
  const isAny = hasOption(words, 'p', 'parents');
  const reads = isAny ? [] : makes.map((path) => ({ path }));
  const into = isAny ? [] : makes.map(parentOf);
  return { ...NOTHING, reads, makes, into, maker: `${user} ${mode}`.trim(), system: 'none' };
};

/** More words than that are the same as an unknown one. */
const MOST_WORDS = 1_000;

/** What braces stand for, `{a,b}/c`; undefined: too much. */
function braces(words: readonly string[]): readonly string[] | undefined {
  let found = words;
  for (;;) {
    const next = found.flatMap((word) => {
      const match = /^(.*?)\{([^{},]+(?:,[^{},]+)+)\}(.*)$/.exec(word);
      const [, before = '', parts = '', after = ''] = match ?? [];
      return match === null ? [word] : parts.split(',').map((part) => before + part + after);
    });
    if (next.length === found.length) return found;
    if (next.length > MOST_WORDS) return undefined;
    found = next;
  }
}

/** chown and chmod: `-R` reads and rewrites a tree; otherwise one file, or a directory's own attributes. */
const attributes: Rule = (words, at, files) => {
  const [who = '', ...named] = operands(words);
  const paths = braces(named);
  if (paths === undefined || paths.length === 0 || words.some((word) => word.startsWith('--reference')))
    return undefined;
  // Names of users are looked up.
  const system = words[0] === 'chmod' || /^\d*:?\d*$/.test(who) ? 'none' : 'reads';
  const targets = paths.map((path) => resolvePath(at.directory, isPattern(path) ? aboveGlob(path) : path));
  if (hasOption(words, 'R', 'recursive') || paths.some(isPattern)) {
    if (targets.every((path) => isSystem(path))) return { ...NOTHING, system: 'writes' };
    const writes: string[] = [];
    const touches: string[] = [];
    for (const path of targets) {
      const bare = files.bare(path);
      if (bare === undefined) writes.push(path);
      else touches.push(...bare);
    }
    const isGift =
      words[0] === 'chown' &&
      /^(?:[a-z_][\w-]*:[a-z_][\w-]*|\d+:\d+)$/i.test(who) &&
      !paths.some(isPattern) &&
      words.slice(1).every((word) => !word.startsWith('-') || /^(?:-[Rvf]+|--recursive)$/.test(word));
    const reads = targets.map((path) => ({ path, tree: true }));
    const gives = isGift ? { gives: { to: who, trees: targets } } : {};
    return { ...NOTHING, reads, writes, touches, attributes: true, system, ...gives };
  }
  const touches = targets.filter((path) => files.isDirectory(path));
  const writes = targets.filter((path) => !touches.includes(path));
  const reads = writes.map((path) => ({ path }));
  return { ...NOTHING, reads, writes, touches, attributes: true, system };
};

/** `find PATH... TESTS -exec chmod MODE {} +`: the same as with `-R`, but of fewer files. */
const findAttributes: Rule = (words, at, files, command) => {
  const start = words.findIndex((word, index) => index > 0 && /^[-!(]/.test(word));
  const paths = start < 0 ? [] : words.slice(1, start);
  const effects: Effect[] = [];
  for (let index = start; index > 0 && index < words.length; index++) {
    const word = words[index] as string;
    if (/^-(?:type|name|iname|path|maxdepth|mindepth|user|group)$/.test(word)) index++;
    else if (word === '-exec') {
      const end = words.findIndex((each, place) => place > index && (each === ';' || each === '+'));
      const [name = '', ...rest] = words.slice(index + 1, end);
      if (end < 0 || !/^ch(?:mod|own|grp)$/.test(name) || rest.at(-1) !== '{}') return undefined;
      const effect = attributes([name, '-R', ...rest.slice(0, -1), ...paths], at, files, command);
      if (effect === undefined) return undefined;
      effects.push(effect);
      index = end;
    } else if (!/^(?:!|-not|-print|-depth|-xdev)$/.test(word)) return undefined;
  }
  if (paths.length === 0 || effects.length === 0) return undefined;
  return { ...(effects[0] as Effect), system: effects.find(({ system }) => system !== 'none')?.system ?? 'none' };
};

/** Which files it names depends on all that are there. */
const isPattern = (path: string): boolean => /[*?[]/.test(path);

/** The directory that a pattern is looked up in. */
function aboveGlob(path: string): string {
  const star = path.search(/[*?[]/);
  return path.slice(0, path.lastIndexOf('/', star) + 1) || '.';
}

const remove: Rule = (words, at, files, command) => {
  const removes: string[] = [];
  for (const [index, word] of command.words.entries()) {
    if (index === 0 || word.text.startsWith('-')) continue;
    const path = word.value ?? (/^[\w./*+@-]+$/.test(word.text) ? word.text : undefined);
    if (path === undefined) return undefined;
    const star = path.search(/[*?[]/);
    const absolute = resolvePath(at.directory, star < 0 ? path : aboveGlob(path));
    // A glob in the system, a cache or a temporary directory stays there.
    const isTemporary = isSystem(absolute) || absolute === '/tmp' || absolute.startsWith('/root/.');
    if (star >= 0 && (!isTemporary || files.owns(absolute) || files.holdsOwn(absolute))) return undefined;
    removes.push(star < 0 ? absolute : '*');
  }
  if (removes.length === 0) return undefined;
  const own = removes.filter((path) => path !== '*' && !isSystemPath(path, files));
  // Without -f it fails where there is nothing to remove; what holds a project's tree takes that along.
  const held = own.filter((path) => files.holdsOwn(path) && !files.owns(path));
  if (held.length > 0) return undefined;
  const reads = hasOption(words, 'f', 'force') ? [] : own.map((path) => ({ path }));
  const gone = removes.filter((path) => path !== '*' && !own.includes(path));
  return { ...NOTHING, reads, removes: own, gone, system: own.length === removes.length ? 'none' : 'writes' };
};

const link: Rule = (words, at, files) => {
  const paths = operands(words);
  const target = paths[1];
  if (paths.length !== 2 || target === undefined || !hasOption(words, 's', 'symbolic')) return undefined;
  const absolute = resolvePath(
    at.directory,
    target.endsWith('/') ? join(target, baseName(paths[0] as string)) : target,
  );
  // Where a directory stands at that path, the link is made in it.
  const effect = writing([absolute], files);
  const reads = effect.writes.map((path) => ({ path, tree: true }));
  // Programs find settings, certificates and the like through it; what is not run yet may come later.
  const source = resolvePath(parentOf(absolute), paths[0] as string);
  const isProgram = /^\/(?:usr\/(?:local\/)?)?s?bin\/./.test(absolute) && !Object.hasOwn(RULES, baseName(absolute));
  if (files.owns(source) && isSystemPath(absolute, files) && !isProgram) reads.push({ path: source, tree: true });
  return { ...effect, reads, links: true };
};

const touch: Rule = (words, at, files) => {
  const paths = operands(words).map((path) => resolvePath(at.directory, path));
  if (paths.length === 0) return undefined;
  return writing(paths, files);
};

/** The result goes to these paths. A file that is there keeps its owner and its mode. */
function writing(paths: readonly string[], files: Disk): Effect {
  const own = paths.filter((path) => !isSystemPath(path, files));
  return {
    ...NOTHING,
    reads: own.map((path) => ({ path })),
    writes: own,
    into: own.map(parentOf),
    system: own.length === paths.length ? 'reads' : 'writes',
  };
}

/** The options of a downloader; one that is not listed is not understood. */
interface Downloader {
  /** Letters and names of options without a value that change nothing of what is written. */
  readonly plain: ReadonlySet<string>;
  /** The same of those that take one. */
  readonly valued: ReadonlySet<string>;
  /** That name the file to write. */
  readonly output: ReadonlySet<string>;
  /** That take its name from the address. */
  readonly remote: ReadonlySet<string>;
  /** Without any of those, the result is printed. */
  readonly prints: boolean;
}

const listed = (letters: string, names = ''): ReadonlySet<string> =>
  new Set([...Array.from(letters, (letter) => `-${letter}`), ...names.split(' ').map((name) => `--${name}`)]);

const CURL: Downloader = {
  plain: listed(
    'fsSLkvgIN#460123ijlpRqaG',
    'fail silent show-error location location-trusted insecure verbose compressed globoff ipv4 ipv6 tlsv1 tlsv1.2 tlsv1.3 ssl-reqd http1.0 http1.1 http2 retry-connrefused retry-all-errors fail-with-body fail-early create-dirs progress-bar no-progress-meter no-buffer no-keepalive head get remote-time anyauth basic disable',
  ),
  valued: listed(
    'HAdumxXewyYUrtb',
    'header user-agent data data-raw data-binary data-urlencode form user proxy retry retry-delay retry-max-time max-time connect-timeout request cacert proto proto-redir referer write-out range url speed-limit speed-time max-redirs limit-rate cookie',
  ),
  output: listed('o', 'output'),
  remote: listed('O', 'remote-name remote-name-all'),
  prints: true,
};

const WGET: Downloader = {
  plain: listed(
    'qvSF46cN',
    'quiet verbose no-verbose no-check-certificate show-progress https-only no-cache no-cookies retry-connrefused no-clobber continue timestamping inet4-only inet6-only no-hsts server-response no-dns-cache no-proxy no-netrc',
  ),
  valued: listed(
    'UtTew',
    'header user-agent tries timeout user password execute progress connect-timeout read-timeout dns-timeout waitretry wait ca-certificate secure-protocol max-redirect post-data method referer compression retry-on-http-error limit-rate',
  ),
  output: listed('O', 'output-document'),
  remote: listed(''),
  prints: false,
};

/** Downloads: only where the file goes matters. */
const download =
  ({ plain, valued, output, remote, prints }: Downloader): Rule =>
  (words, at, files) => {
    const targets: string[] = [];
    const urls: string[] = [];
    let isNamed = !prints;
    for (let index = 1; index < words.length; index++) {
      const word = words[index] as string;
      if (!word.startsWith('-') || word === '-') {
        urls.push(word);
        continue;
      }
      if (word === '-nv' || word === '-nc') continue;
      const equals = word.startsWith('--') ? word.indexOf('=') : -1;
      const options = word.startsWith('--') ? [equals < 0 ? word : word.slice(0, equals)] : letters(word);
      for (const [place, option] of options.entries()) {
        if (plain.has(option)) continue;
        if (remote.has(option)) {
          isNamed = true;
          continue;
        }
        if (!valued.has(option) && !output.has(option)) return undefined;
        const attached = equals >= 0 ? word.slice(equals + 1) : option.length === 2 ? word.slice(place + 2) : '';
        const value = attached === '' && equals < 0 ? words[++index] : attached;
        if (value === undefined) return undefined;
        if (output.has(option)) targets.push(value);
        if (option === '--url') urls.push(value);
        // The rest of the word was its value.
        break;
      }
    }
    // curl makes several names of one address.
    if (prints && urls.some((url) => /[[\]{}]/.test(url))) return undefined;
    if (urls.some((url) => /^file:/i.test(url))) return undefined;
    if (targets.length === 0 && !isNamed) return { ...NOTHING, system: 'reads' };
    const names = targets.length > 0 && !(prints && isNamed) ? targets : undefined;
    if (names === undefined && targets.length > 0) return undefined;
    const written = (names ?? urls.map((url) => baseName(url.replace(/[?#].*$/, '')))).filter((name) => name !== '-');
    if (written.some((name) => name === '' || name.includes('#'))) return undefined;
    if (written.length === 0) return { ...NOTHING, system: 'reads' };
    return writing(
      written.map((name) => resolvePath(at.directory, name)),
      files,
    );
  };

const letters = (word: string): readonly string[] => Array.from(word.slice(1), (letter) => `-${letter}`);

/** One file or directory to another place. What stood there decides whether it comes in its stead or into it. */
const copyOrMove: Rule = (words, at, files) => {
  const paths = operands(words);
  if (paths.length < 2 || words.some((word) => /^-t|^--target/.test(word))) return undefined;
  const all = paths.map((path) => resolvePath(at.directory, path));
  if (all.every((path) => isSystemPath(path, files))) return { ...NOTHING, system: 'writes' };
  if (words.some((word) => word.startsWith('-') && !/^-[afnprRvP]+$/.test(word))) return undefined;
  if (paths.some((path) => /[*?[{]/.test(path))) return undefined;
  // Into a directory of the system, or over a file there: that is for the system to say.
  const sources = all.slice(0, -1);
  // `cp -r a/. b` copies what is in it, under whatever names.
  if (paths.slice(0, -1).some((path) => /(?:^|\/)\.{1,2}$/.test(path))) return undefined;
  if (words[0] === 'cp' && isSystem(all.at(-1) as string) && sources.every((path) => files.owns(path)))
    return { ...NOTHING, reads: sources.map((path) => ({ path, tree: true })), system: 'writes' };
  const [from, to] = all as [string, string];
  if (all.length > 2) return undefined;
  // Into what the system holds, or over what more of the project lies in.
  const isOfSystem = words[0] === 'cp' && isSystemPath(from, files);
  if (
    [...(isOfSystem ? [] : [from]), to].some(
      (path) => isSystemPath(path, files) || (files.holdsOwn(path) && !files.owns(path)),
    )
  )
    return undefined;
  const target = paths[1]?.endsWith('/') === true || files.isDirectory(to) ? join(to, baseName(from)) : to;
  const reads = [...(isOfSystem ? [] : [from]), target].map((path) => ({ path, tree: true }));
  return {
    ...NOTHING,
    reads,
    writes: [target],
    into: [parentOf(target)],
    ...(isOfSystem ? { system: 'reads' } : {}),
    ...(words[0] === 'mv' ? { removes: [from] } : {}),
  };
};

/** `s/a/b/g` alone: other commands of sed read and write files, or run programs. */
const SUBSTITUTION = /^s([/|#,@!:%~])(?:(?!\1)[^\\\n]|\\.)*\1(?:(?!\1)[^\\\n]|\\.)*\1[gIi\d]*$/;

/** `sed -i SCRIPT FILE...`, on files of the system or of the project, and never with a script from a file. */
const edit: Rule = (words, at, disk) => {
  if (!words.some((word) => /^-[a-zA-Z]*i|^--in-place/.test(word)) || words.some((word) => /^(?:-f|--file)/.test(word)))
    return undefined;
  // Without -e, the first operand is the script.
  const hasScript = words.some((word) => /^(?:-e|--expression)/.test(word));
  const files = words
    .filter(
      (word, index) => index > 0 && !word.startsWith('-') && !/^(?:-e|--expression)$/.test(words[index - 1] ?? ''),
    )
    .slice(hasScript ? 0 : 1);
  const isOfSystem = (word: string): boolean => {
    const fixed = /^\/[\w./+@-]*/.exec(word)?.[0];
    return fixed !== undefined && isSystemPath(resolvePath('/', fixed), disk);
  };
  if (files.length > 0 && files.every(isOfSystem)) return { ...NOTHING, system: 'writes' };
  const [script, ...named] = words.slice(2);
  if (!/^-(?:i|i[Er]|[Er]i)$/.test(words[1] ?? '') || script === undefined || !SUBSTITUTION.test(script))
    return undefined;
  return editedInPlace(named, at, disk);
};

/**
 * `dotnet nuget add source URL`, which goes to the project's own settings where they clear the user's.
 * Source: https://learn.microsoft.com/nuget/consume-packages/configuring-nuget-behavior
 */
const packageSource: Rule = (words, at, files) => {
  if (words.slice(1, 4).join(' ') !== 'nuget add source' || !/^https?:/.test(words[4] ?? '')) return undefined;
  const settings = [...ancestors(at.directory)].flatMap((each) => CONFIGURATION.map((name) => join(each, name)));
  return settings.some((path) => files.has(path) !== 'no') ? undefined : { ...NOTHING, system: 'writes' };
};

const sdk = only(/^(?:--version|--info|--list-sdks|nuget locals|dev-certs|workload update)/, SYSTEM);

/** `dos2unix FILE...`: like `sed -i`. */
const lineEnds: Rule = (words, at, disk) => editedInPlace(words.slice(1), at, disk);

function editedInPlace(named: readonly string[], at: Place, disk: Disk): Effect | undefined {
  const targets = named.map((path) => resolvePath(at.directory, path));
  if (named.length === 0 || named.some((path) => path.startsWith('-') || /[*?[{]/.test(path))) return undefined;
  if (!targets.every((path) => disk.owns(path))) return undefined;
  return { ...NOTHING, reads: targets.map((path) => ({ path })), writes: targets };
}

const archive: Rule = (words, at, files) => {
  // Extracting from and into the system's directories.
  const text = words.slice(1).join(' ');
  const paths = words.slice(1).filter((word) => word.startsWith('/') && !word.startsWith('/--'));
  const into = /(?:^|\s)(?:-C|-d|--directory)[ =]?(\S+)/.exec(text)?.[1];
  if (into === undefined || paths.length < 2) return undefined;
  return paths.every((path) => isSystemPath(resolvePath(at.directory, path), files))
    ? { ...NOTHING, system: 'writes' }
    : undefined;
};

/** There, useradd makes a home unless it is told not to. Source: /etc/login.defs of Fedora, `CREATE_HOME`. */
const MAKES_HOMES = /centos|fedora|rocky|alma|amazonlinux|oraclelinux|\bubi|redhat/;

/** A home that does not exist yet is made and filled from /etc/skel; one that does may move, or go with its user. */
const users: Rule = (words, { image = '' }, files) => {
  const [program = ''] = words;
  const text = words.join(' ');
  const isTold = (options: string): boolean => new RegExp(`\\s(?:${options})(?:[\\s=]|$)`).test(text);
  const isNew = program.includes('add');
  const takes =
    program === 'adduser' ||
    isTold(
      isNew || program === 'usermod' ? '-[a-zA-Z]*m[a-zA-Z]*|--create-home|--move-home' : '-[a-zA-Z]*r|--remove\\S*',
    ) ||
    (program === 'useradd' && MAKES_HOMES.test(image) && !isTold('-[a-zA-Z]*[rM][a-zA-Z]*|--system|--no-create-home'));
  if (!takes) return { ...NOTHING, system: 'writes' };
  const told = /\s(?:-[a-zA-Z]*d|-h|--home|--home-dir)[ =](\S+)/.exec(text)?.[1];
  // Which word is the name depends on which options take a value.
  const names = words.slice(1).filter((word) => /^["']?[a-z_$]/i.test(word));
  const homes = [
    ...(isNew && told !== undefined ? [] : names.map((name) => `/home/${name}`)),
    ...(told === undefined ? [] : [told]),
  ];
  if (homes.some((home) => home.includes('$')) && files.holdsOwn('/home')) return undefined;
  if (!isNew && homes.some((home) => files.owns(home) || files.holdsOwn(home))) return undefined;
  if (!homes.every((home) => isSystemPath(home, files) || isShared(home))) return undefined;
  const reads = homes.filter((home) => !isSystem(home)).map((path) => ({ path, tree: true }));
  return { ...NOTHING, reads, system: 'writes' };
};

const test: Rule = (words, at) => {
  const paths = words.slice(1).filter((word) => !word.startsWith('-') && word !== ']' && word !== '!');
  return { ...NOTHING, reads: paths.map((path) => ({ path: resolvePath(at.directory, path) })), system: 'reads' };
};

/** Source: the help texts of `python -m venv` and virtualenv. */
const virtualEnvironment: Rule = (words, at, files) => {
  const paths: string[] = [];
  for (let index = 1; index < words.length; index++) {
    const word = words[index] as string;
    if (/^(?:-p|--python|--prompt)$/.test(word)) index++;
    else if (!word.startsWith('-')) paths.push(word);
    else if (
      !/^-[vq]+$|^--(?:copies|symlinks|clear|upgrade|upgrade-deps|without-pip|system-site-packages|python=|prompt=|no-)/.test(
        word,
      )
    )
      return undefined;
  }
  const [target] = paths;
  if (target === undefined || paths.length > 1) return undefined;
  const tree = resolvePath(at.directory, target);
  const above = parentOf(tree);
  const makes = above.startsWith('/') && !isSystem(above) && !isShared(above) ? [above] : [];
  // It is made over what stands there, and so are the directories above it.
  return { ...writing([tree], files), into: [], makes, maker: at.user ?? '', reads: [{ path: tree, tree: true }] };
};

/** Prints what is there: an input is that it is there, as the command fails otherwise. */
const print: Rule = (words, at, files, command) => {
  const named = operands(words).map((path) => resolvePath(at.directory, path));
  const isShown = command.redirects.some(({ target }) => target !== '/dev/null' && !/^[12]$/.test(target ?? ''));
  const paths = isShown && named.length === 0 ? [at.directory] : named;
  // A directory that only a copy fills would be missing before it.
  if (paths.some((path) => path !== at.directory && !isSystemPath(path, files) && files.isDirectory(path)))
    return undefined;
  const reads = paths
    .filter((path) => (isShown || path !== at.directory) && !isSystemPath(path, files))
    .map((path) => ({ path, tree: true }));
  return { ...NOTHING, reads, system: 'reads' };
};

/** Looks up programs, which may be the project's: that matters when the answer is kept. */
const lookUp: Rule = (_words, _at, _files, { redirects }) =>
  redirects.every(({ target }) => target === '/dev/null' || /^[12]$/.test(target ?? ''))
    ? { ...NOTHING, system: 'reads' }
    : undefined;

/** Settings of npm and pnpm: the user's, unless another place is named. Source: https://docs.npmjs.com/cli/commands/npm-config */
const settingsOutside: Rule = (words) =>
  /(?:^| )(?:--location[ =]project|-L ?project|--(?:user|global)config\b)/.test(words.join(' '))
    ? undefined
    : { ...NOTHING, system: 'writes' };

/** rustup obeys the toolchain file of the directory or of one above it. */
const rustup: Rule = (_words, at) => {
  const names = ['rust-toolchain', 'rust-toolchain.toml'];
  const reads = [...ancestors(at.directory)].flatMap((each) => names.map((name) => ({ path: join(each, name) })));
  return { ...NOTHING, reads, system: 'writes' };
};

/** It looks into the directory for packages, too. Source: `gem help install`, --both. */
const gems: Rule = (_words, at, files) => {
  const names = (files.entries(at.directory) ?? []).filter((name) => name.endsWith('.gem'));
  return { ...NOTHING, reads: names.map((name) => ({ path: join(at.directory, name) })), system: 'writes' };
};

/** What makes `bundle config` set the project's own: a Gemfile. Source: Bundler's lib/bundler/cli/config.rb, `inside_app?`. */
function inBundle(at: Place, files: Disk): readonly Read[] {
  const reads: Read[] = [];
  for (const directory of ancestors(at.directory)) {
    const manifests = ['Gemfile', 'gems.rb'].map((name) => join(directory, name));
    reads.push(...manifests.map((path) => ({ path, as: 'there' })));
    if (manifests.every((path) => files.has(path) !== 'yes')) continue;
    // They are copied in one go.
    return [...reads, { path: join(directory, 'Gemfile.lock'), as: 'there' }];
  }
  return reads;
}

/** They keep a value, whatever it is, in settings that are the user's or the system's where the rule says so. */
const KEEPS =
  /^(?:npm (?:(?:config |c )?set)|pnpm config set|yarn config set|(?:pip3?|poetry|pdm|composer|bundle) config|git config) (?:(?:-\S+|set) )*\S*(?:auth|token|password|username|email|registry|repositories|http-basic|index-url|trusted-host|proxy|insteadOf)/i;

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
  a2enconf: SYSTEM,
  a2disconf: SYSTEM,
  phpenmod: SYSTEM,
  phpdismod: SYSTEM,
  'apt-mark': SYSTEM,
  gem: only(/^(?:install|update) (?!(?:.*\s)?(?:\.|\/|-g(?:\s|$)|--file))/, gems),
  rustup: only(/^(?:component|target|default|toolchain|update|self|install|set)/, rustup),
  rustc: only(/^--version/, SILENT),
  npm: only(
    /^(?:(?:config|c) (?:set|delete|rm|list|ls|get)|set|cache (?:clean|clear|verify|rm)|-v|--version|version$|view |ping|root|prefix|bin)/,
    settingsOutside,
  ),
  yarn: only(/^(?:config (?:set|get|list|delete)|cache clean|--version|-v|set version \S+$)/, (words, at, files) =>
    words[1] === 'set' ||
    // That of newer versions may be the project's own.
    (words[1] === 'cache' && files.has(join(at.directory, '.yarn/cache')) === 'yes') ||
    (words[1] === 'config' &&
      words[2] === 'set' &&
      !words.some((word) => /^(?:-g|-H|--home)$/.test(word)) &&
      /^[a-z]+[A-Z]/.test(words.slice(3).find((word) => !word.startsWith('-')) ?? ''))
      ? undefined
      : { ...NOTHING, system: 'writes' },
  ),
  pnpm: only(/^(?:config (?:set|get|list|delete)|store prune|--version|-v|setup$|env use)/, settingsOutside),
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
  bundle: (words, at, files) => {
    const text = words.slice(1).join(' ');
    if (/^(?:--version|-v$|version$|clean)/.test(text)) return { ...NOTHING, system: 'writes' };
    if (!/^config(?: |$)/.test(text)) return undefined;
    // Without --global it writes the project's settings, unless the image moved those.
    if (text.includes('--global')) return { ...NOTHING, system: 'writes' };
    const told = resolvePath(at.directory, at.environment('BUNDLE_APP_CONFIG') ?? '.bundle');
    const settings = files.owns(told) ? join(told, 'config') : join(at.directory, '.bundle/config');
    const reads = [{ path: settings }, ...(text.includes('--local') ? [] : inBundle(at, files))];
    return { ...NOTHING, reads, writes: [settings], system: 'writes' };
  },
  rebar3: only(/^(?:--version|version$|local (?:install|upgrade)|update$)/, SYSTEM),
  mvn: only(/^(?:--version|-v$)/, SILENT),
  gradle: only(/^(?:--version|-v$)/, SILENT),
  deno: only(/^(?:--version|-V$|upgrade)/, SYSTEM),
  swift: only(/^--version/, SILENT),
  cabal: only(/^(?:--version|user-config)/, SYSTEM),
  stack: only(/^(?:--version|config set)/, SYSTEM),
  poetry: only(/^(?:config (?!.*--local)|--version|-V$|about$|cache )/, SYSTEM),
  pipenv: only(/^--version/, SILENT),
  pdm: only(/^(?:--version|-V$|config (?!.*(?:-l|--local)\b)|cache )/, SYSTEM),
  uv: only(/^(?:--version|-V$|cache |self )/, SYSTEM),
  conda: only(/^(?:--version|clean |config (?!.*--file)|init(?: |$)|info|list)/, SYSTEM),
  mamba: only(/^(?:--version|clean |config (?!.*--file)|init(?: |$)|info|list)/, SYSTEM),
  micromamba: only(/^(?:--version|clean |config |shell init)/, SYSTEM),
  dotnet: (...call) => packageSource(...call) ?? sdk(...call),
  git: only(/^config --(?:global|system) /, SYSTEM),
  mkdir,
  chown: attributes,
  chmod: attributes,
  chgrp: attributes,
  find: findAttributes,
  rm: remove,
  rmdir: remove,
  ln: link,
  touch,
  cp: copyOrMove,
  mv: copyOrMove,
  sed: edit,
  dos2unix: lineEnds,
  unix2dos: lineEnds,
  tar: archive,
  unzip: archive,
  curl: download(CURL),
  'ssh-keyscan': (words) => (words.some((word) => word === '-f') ? undefined : { ...NOTHING, system: 'reads' }),
  wget: download(WGET),
  useradd: users,
  adduser: users,
  usermod: users,
  groupadd: SYSTEM,
  addgroup: SYSTEM,
  groupmod: SYSTEM,
  userdel: users,
  deluser: users,
  delgroup: SYSTEM,
  groupdel: SYSTEM,
  chsh: SYSTEM,
  chpasswd: SYSTEM,
  passwd: SYSTEM,
  setcap: attributes,
  ls: print,
  cat: print,
  stat: print,
  du: print,
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
  which: lookUp,
  type: lookUp,
  command: only(/^-v /, lookUp),
  nproc: SILENT,
  arch: SILENT,
  test,
  '[': test,
};

function python(words: readonly string[], at: Place, files: Disk, command: Command): Effect | undefined {
  if (/^(?:-V|--version)$/.test(words[1] ?? '')) return { ...NOTHING, system: 'reads' };
  if (words[1] === '-m' && (words[2] === 'venv' || words[2] === 'virtualenv'))
    return virtualEnvironment(words.slice(2), at, files, command);
  if (words[1] === '-m' && words[2] === 'ensurepip') return { ...NOTHING, system: 'writes' };
  return undefined;
}

/** Substitutions that only tell what machine or system this is, what time, or a secret of whoever builds. */
const ASKS =
  /\$\((?:apk --print-arch|arch|nproc|uname -[a-z]+|lsb_release -[a-z]+|dpkg --print-architecture|getconf \w+|date(?: -u| -I\w*| \+(?:"[^"`$]*"|'[^']*'|[^\s()`$"'<>|;&]*)| "\+[^()`$"]*"| '\+[^()`$']*')*|cat \/run\/secrets\/[\w.-]+)\)/g;

/** A text without such substitutions. */
export function unasked(text: string): string {
  return text.replace(ASKS, '');
}

/** It holds what another command prints, which may read the source; or it sets a variable on the way. */
export function substitutes(text: string): boolean {
  return /\$\(|`|<\(/.test(unasked(text)) || ASSIGNS.test(text);
}

/** `: "${MODE:=production}"`, `printf -v mode x`. */
export const ASSIGNS = /\$\{\w+:?=|\bprintf\s+-v/;

/**
 * What a simple command that is not an install does; undefined: not known.
 * A command may count as several effects (its own, and the file that it is redirected to).
 */
export function ordinary(command: Command, at: Place, files: Disk): readonly Effect[] | undefined {
  const first = command.words[0]?.value;
  if (first === undefined) return undefined;
  if (command.assignments.some(({ value }) => value === undefined) && substitutes(command.text)) return undefined;
  // sudo and exported-for-one-command variables do not change what is touched.
  const skip = first === 'sudo' ? 1 + (command.words[1]?.value === '-E' ? 1 : 0) : 0;
  const name = command.words[skip]?.value;
  if (name === undefined) return undefined;
  const program = baseName(name).replace(/^(python3)\.\d+$/, '$1');
  const rule = Object.hasOwn(RULES, program) ? RULES[program] : undefined;
  if (rule === undefined || (name.includes('/') && !isSystem(name))) return undefined;
  const given = command.words.slice(skip).map((word) => inFull(word, at));
  const words = given.map((word) => word.value ?? word.text);
  const literal = given.every(
    (word) => word.value !== undefined || (/^[-\w./*+@{},:=${}"%<>^]+$/.test(word.text) && !word.text.includes('$(')),
  );
  if (!literal && rule !== SILENT && rule !== packages) return undefined;
  if (ASSIGNS.test(command.text)) return undefined;
  for (const { text, value } of command.words) {
    if (substitutes(text)) return undefined;
    // What a glob stands for depends on what is there.
    if (rule === SILENT && value === undefined && /[*?[]/.test(text.replace(/'[^']*'|"[^"]*"/g, ''))) return undefined;
  }
  const unresolved = given.slice(1).some((word) => word.value === undefined);
  if (
    unresolved &&
    rule !== SILENT &&
    rule !== packages &&
    rule !== SYSTEM &&
    rule !== remove &&
    rule !== users &&
    !KEEPS.test(words.join(' ')) &&
    !(
      rule === mkdir &&
      hasOption(words, 'p', 'parents') &&
      !words.some((word) => isPattern(word) || /^--?mode|^-[pv]*m/.test(word))
    ) &&
    !(rule === attributes && !command.text.includes('$')) &&
    !onlySystemOperands(command, at)
  )
    return undefined;
  const effect = rule(words, at, files, { ...command, words: given });
  if (effect === undefined) return undefined;
  const named: Effect = { ...effect, name: command.text };
  const redirected = redirect(command, at, files);
  if (redirected === undefined) return undefined;
  return [named, ...redirected];
}

/** `~/x` as the shell hands it on. Left as it is: nothing tells whose home that is. */
function inFull(word: ShellWord, at: Place): ShellWord {
  const text = inHome(word.text, at);
  return text === undefined ? word : { ...word, text, ...(/^[\w./+@-]*$/.test(text) ? { value: text } : {}) };
}

/** What `~/x`, `$HOME/x` and `"${HOME}/x"` stand for. */
function inHome(text: string, at: Place): string | undefined {
  const { user = '' } = at;
  const rest = /^~(\/.*|)$/s.exec(text)?.[1] ?? /^"?\$(?:HOME|\{HOME\})"?(\/[\w./*+@-]*|)"?$/.exec(text)?.[1];
  if (rest === undefined) return undefined;
  // Settings and caches are the system's in any home.
  const isHidden = HOME_FILES.includes(rest.split('/')[1] ?? '');
  const other = isHidden ? `/home/${user.replace(/:.*/, '')}` : undefined;
  const home = at.declared('HOME') ? at.environment('HOME') : user === 'root' ? '/root' : other;
  return home === undefined ? undefined : home + rest;
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

/** No file is written: `> /dev/null`, `2>&1`. */
export function isPrinted({ operator, target = '' }: Command['redirects'][number]): boolean {
  return /^\/dev\/(?:null|stdout|stderr)$/.test(target) || (operator.endsWith('&') && /^[12]$/.test(target));
}

function redirect(command: Command, at: Place, files: Disk): readonly Effect[] | undefined {
  const effects: Effect[] = [];
  for (const each of command.redirects) {
    const { operator, text = '', target = inHome(text, at) } = each;
    if (target === undefined) return undefined;
    if (isPrinted(each)) continue;
    const path = resolvePath(at.directory, target);
    const name = `${command.text} (redirection)`;
    if (!['>', '>|', '&>', '>>'].includes(operator)) return undefined;
    effects.push({ ...writing([path], files), name });
  }
  return effects;
}

/**
 * Installers that are piped into a shell, by where they come from: each is published to set up a tool or a package
 * source, and touches the system alone. Anything else that is downloaded and run could do anything.
 */
const INSTALLERS =
  /https:\/\/(?:(?:deb|rpm)\.nodesource\.com\/|sh\.rustup\.rs|install\.python-poetry\.org|astral\.sh\/uv|get\.pnpm\.io\/|bun\.sh\/install|deno\.land\/|get\.docker\.com|raw\.githubusercontent\.com\/nvm-sh\/|(?:dl|packages)\.yarnpkg\.com\/|dl\.yarnpkg\.com\/|packages\.microsoft\.com\/|dl\.google\.com\/|dl-ssl\.google\.com\/|packages\.cloud\.google\.com\/|www\.postgresql\.org\/|download\.docker\.com\/|cli\.github\.com\/|bootstrap\.pypa\.io\/|getcomposer\.org\/|install\.fly\.io)/;

/** `echo "SUM  FILE" | sha256sum -c`: the files whose sums are compared, which only what is printed tells. */
function summed(words: readonly string[], { words: [program, ...printed] }: Command): readonly string[] {
  if (!words.some((word) => /^-\w*c|^--check/.test(word)) || !/sum$/.test(words[0] ?? '')) return [];
  const text = printed.map((word) => word.value ?? word.text).join(' ');
  const [, ...files] = text.split(/(?:\s|\\n|["'])+\*?/).filter((part) => part !== '');
  const isTold = /^(?:echo|printf)$/.test(program?.value ?? '') && !files.some((file) => file.includes('$'));
  return isTold ? files : ['.'];
}

/** What a pipeline of plain commands does: a download fed to an installer, a key to a keyring, a line to a file. */
export function pipeline(command: Command, at: Place, files: Disk): readonly Effect[] | undefined {
  const parts = command.pipeline ?? [];
  const [first, ...rest] = parts;
  if (first === undefined || rest.length === 0) return undefined;
  // What it prints is kept.
  const source = ordinary(
    { ...first, redirects: [...first.redirects, { operator: '>', target: '/dev/stdout' }] },
    at,
    files,
  );
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
      const named = [...(/^(?:grep|tr)$/.test(name ?? '') ? [] : operands(words)), ...summed(words, first)];
      const reads = named.map((path) => ({ path: resolvePath(at.directory, path), tree: true }));
      effects.push({ ...NOTHING, name: command.text, reads, system: 'reads' });
    } else if (/^(?:apt-key|debconf-set-selections|chpasswd)$/.test(name ?? '')) {
      effects.push({ ...NOTHING, name: command.text, system: 'writes' });
    } else if (name === 'tee' || name === 'gpg' || name === 'tar') {
      const named = operands(words.slice(words.indexOf(name)));
      const paths = words.filter((word) => word.startsWith('/'));
      if (paths.length === 0 || !paths.every((path) => isSystemPath(resolvePath(at.directory, path), files)))
        return undefined;
      if (name === 'tee' && named.some((path) => !path.startsWith('/'))) return undefined;
      effects.push({ ...NOTHING, name: command.text, system: 'writes' });
    } else return undefined;
    const redirected = redirect(part, at, files);
    if (redirected === undefined) return undefined;
    effects.push(...redirected);
  }
  return effects;
}
