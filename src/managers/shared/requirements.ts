/** Requirement files, as pip, uv, pip-tools, Pipenv and conda read them. Spec section 2. */
import type { Files, Read, Trouble } from '../../model.ts';
import { parentOf, resolvePath } from '../../dockerfile/state.ts';
import { at } from './package-json.ts';
import { missing } from './steps.ts';

const EDITABLE = ['-e', '--editable'];

/** A requirement that is a path rather than a name or a URL. */
export function isLocal(word: string): boolean {
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

/** Follows requirement files, and collects what they read. */
export class RequirementReader {
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
    if (names.length === 0) {
      this.trouble ??= missing(path, 'with requirements files');
      return;
    }
    this.reads.push({ path, tree: true });
    for (const name of names) this.file(at(path, name));
  }

  /** One line; `path` names the file that it is in, and lies in the directory that its paths are relative to. */
  line(line: string, path: string): void {
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
