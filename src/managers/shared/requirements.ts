/** Requirement files, as pip, uv, pip-tools, Pipenv and conda read them. Spec section 2. */
import type { Files, Install, Read, Trouble } from '../../model.ts';
import { parentOf, resolvePath } from '../../dockerfile/state.ts';
import type { Arguments } from './arguments.ts';
import { at } from './package-json.ts';
import { missing } from './steps.ts';

/** A line of a file may be of any length. */
const LONGEST = 300;
const EDITABLE = ['-e', '--editable'];
const INDEXES = ['-i', '--index-url', '--extra-index-url', '-f', '--find-links'];
const FOLLOWED = new Set(['-r', '--requirement', '-c', '--constraint', ...EDITABLE, ...INDEXES]);

/** One file that is a package, `.tar.bz2` and `.txz` among them. Source: pip's src/pip/_internal/utils/filetypes.py. */
export const ARCHIVE = /\.(?:whl|zip|tgz|tbz|txz|tlz|tar(?:\.(?:gz|bz2|xz|lz|lzma|zst))?)$/;

/** `https://…` and `git+ssh://…`, but neither `file:` nor `git+file:`. */
const REMOTE = /^(?:(?:git|hg|svn|bzr)\+(?!file:|\$)|(?!file:)[a-z][a-z\d.]+:\/\/)/i;

/** Of `name[extra] @ URL` the URL. */
function referenceOf(requirement: string): string | undefined {
  return /^[\w.-]+\s*(?:\[[^\]]*\]\s*)?@\s*(\S.*)$/.exec(requirement)?.[1];
}

function isRemote(requirement: string): boolean {
  return REMOTE.test(referenceOf(requirement) ?? requirement);
}

/** A requirement that is a path rather than a name or a URL. uv takes `name @ ./path` as well [V: 0.13]. */
export function isLocal(word: string): boolean {
  if (isRemote(word)) return false;
  return (
    referenceOf(word) !== undefined ||
    /^\.|^~?\/|^(?:\w+\+)?file:|^\$\{/.test(word) ||
    archiveOf(word) !== undefined ||
    /^[^\s;@/]+\/[^;]*$/.test(word)
  );
}

function archiveOf(requirement: string): string | undefined {
  const path = (referenceOf(requirement) ?? requirement)
    .replace(/^file:(?:\/\/(?:localhost)?)?/, '')
    .replace(/(?:[#?].*)?$/, '')
    .replace(/\[[^[\]]*\]$/, '');
  return /^[\w./+-]+$/.test(path) && ARCHIVE.test(path) ? path : undefined;
}

/** What is read of indexes and of places to find packages: those that are not somewhere else. */
export function localPlaces(values: readonly string[], directory: string): readonly Read[] {
  return values.flatMap((value) => {
    // `--index name=URL`, as uv has it.
    const url = value.replace(/^[\w.-]+=/, '');
    if (url === '' || REMOTE.test(url)) return [];
    const path = resolvePath(directory, url.replace(/^file:(?:\/\/(?:localhost)?)?/, ''));
    return [/\.html?$/.test(path) ? { path } : { path, tree: true }];
  });
}

/** Options of pip and uv, and the ends of their variables' names, that say where packages are. */
const PLACES = [...INDEXES, '--index', '--default-index'];
const PLACE_VARIABLES = ['FIND_LINKS', 'INDEX_URL', 'EXTRA_INDEX_URL', 'INDEX', 'DEFAULT_INDEX'];

/** What is read of the places that a command line and the variables of pip or uv name. */
export function placesNamed(
  { directory, place }: Install,
  { list }: Arguments,
  prefix: 'PIP_' | 'UV_',
): readonly Read[] {
  // A variable that is not known mostly holds a URL.
  const options = list.flatMap(([name, value]) =>
    PLACES.includes(name) && typeof value === 'string' && !value.includes('$') ? [value] : [],
  );
  // uv's find-links have commas between them.
  const variables = PLACE_VARIABLES.flatMap((name) => (place.environment(prefix + name) ?? '').split(/[\s,]+/));
  // `--project` leaves the current directory as it is.
  return [...new Set([directory, place.directory])].flatMap((each) => localPlaces([...options, ...variables], each));
}

/** Follows requirement files, and collects what they read. */
export class RequirementReader {
  readonly reads: Read[] = [];
  /** Where `-e git+...` puts its checkouts. */
  readonly checkouts: string[] = [];
  trouble: Trouble | undefined;
  private readonly seen = new Set<string>();
  private readonly files: Files;
  private readonly directory: string;

  /** Of `-e git+...`, if it is said. */
  private readonly source: string;

  constructor(files: Files, directory: string, source = 'src') {
    this.files = files;
    this.directory = directory;
    this.source = resolvePath(directory, source);
  }

  /** `spelling`: how it was named, to tell a URL. */
  file(path: string, spelling = path): void {
    if (/^https?:/.test(spelling) || this.seen.has(path) || this.trouble !== undefined) return;
    this.seen.add(path);
    this.reads.push({ path });
    const presence = this.files.has(path);
    const text = this.files.read(path);
    if (presence === 'no') {
      this.trouble ??= missing(path);
      return;
    }
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
      else if (/\bfile:|\bpath\s*=|\bworkspace\s*=\s*true|[\w\]]\s*@\s*(?:\.{0,2}\/|\$\{)/.test(text))
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
    if (names.length === 0) {
      this.trouble ??= missing(path, 'with requirements files');
      return;
    }
    this.reads.push({ path, tree: true });
    for (const name of names) this.file(at(path, name));
  }

  /** One line; `path` names the file that it is in, and lies in the directory that its paths are relative to. */
  line(line: string, path: string): void {
    if (!line.startsWith('-')) return this.requirement(line, path);
    // A line may have several options [V: pip 23.2].
    const words = [...line.replace(/((?:^|\s)-[\w-]+)\s*=\s*/g, '$1 ').matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(
      ([word]) => word.replace(/["']/g, ''),
    );
    for (const [at, word] of words.entries()) {
      const attached = /^(-[rcefi])(.+)$/.exec(word);
      const name = attached?.[1] ?? word;
      const value = attached?.[2] ?? words[at + 1];
      if (value !== undefined && FOLLOWED.has(name)) this.option(name, value, path);
    }
  }

  private option(name: string, value: string, path: string): void {
    if (EDITABLE.includes(name)) this.requirement(`-e ${value}`, path);
    else if (REMOTE.test(value)) return;
    // One that is not known mostly holds a URL.
    else if (/^(?:-i|--index-url|--extra-index-url)$/.test(name) && value.startsWith('${')) return;
    else if (value.includes('${')) this.computed(value, path);
    else if (INDEXES.includes(name)) this.links(value, parentOf(path));
    else this.file(resolvePath(parentOf(path), value), value);
  }

  private computed(value: string, where: string): void {
    this.refuse(
      'dynamic-manifest',
      `\`${where}\` names \`${value}\`, which depends on a variable`,
      'write the path out',
    );
  }

  /** An index, or `--find-links`, which is looked for beside the file that names it and in the current directory [V]. */
  links(value: string, beside: string): void {
    for (const directory of new Set([beside, this.directory])) this.reads.push(...localPlaces([value], directory));
  }

  /** One requirement; `where` names what asks for it. */
  requirement(line: string, where: string): void {
    const editable = line.startsWith('-e ');
    const spec = line
      .replace(/^-e\s+/, '')
      .replace(/\s--[a-z].*$/, '')
      .replace(/;.*$/, '')
      .trim();
    if (isRemote(spec)) {
      if (!editable) return;
      const name = /[#&]egg=([\w.-]+)/.exec(spec)?.[1] ?? /^([\w.-]+)\s*@/.exec(spec)?.[1];
      if (name === undefined)
        this.refuse('dynamic-manifest', `\`${where}\` checks \`${spec}\` out into the project`, 'leave out `-e`');
      else this.checkouts.push(resolvePath(this.source, name.toLowerCase().replace(/[._]/g, '-')));
      return;
    }
    if (!editable && !isLocal(spec)) return;
    if (spec.includes('${')) return this.computed(spec, where);
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
    this.trouble ??= { code, message: message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message, help };
  }
}

/** Lines with continuations joined, comments and blank lines left out. A line of nothing but a comment is not continued [V]. */
function logicalLines(text: string): string[] {
  return text
    .replace(/^\ufeff/, '')
    .replace(/^[ \t]*#.*$/gm, '#')
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.replace(/(?:^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}
