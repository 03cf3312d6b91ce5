/**
 * Composer. Spec section 10. Divided (S): `--no-scripts --no-autoloader`, COPY, and the install again, which fires the
 * install and autoload events and restores what it finds missing [V].
 *
 * Reads: [V: 2.5] composer.json, composer.lock, auth.json; of each path repository the composer.json, and everything
 * where it has bins; archives that composer.lock has by path [V: 2.5]; symfony.lock, local artifacts and patches, those
 * of patches.json and patches.lock.json among them.
 *
 * Writes: vendor/ (COMPOSER_VENDOR_DIR, `config.vendor-dir`) and the `bin-dir` (COMPOSER_BIN_DIR); composer.lock where
 * there is none.
 *
 * Runs: the root's scripts alone, and plugins.
 *
 * Hazards: its autoloader needs the source: a missing classmap directory fails [V]. The root's scripts run project
 * code; one that is run ahead of the packages would find them there, and is refused. Plugins that write files into the
 * source are refused.
 *
 * Sources: https://getcomposer.org/doc/articles/scripts.md, https://getcomposer.org/doc/05-repositories.md,
 * https://getcomposer.org/doc/03-cli.md#environment-variables,
 * https://docs.cweagans.net/composer-patches/usage/defining-patches/
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { imageOf, parentOf, resolvePath } from '../dockerfile/state.ts';
import { directoryFrom, has, optionTable, optionText, parseArguments, type Arguments } from './shared/arguments.ts';
import { document, list, optionalDocument } from './shared/documents.ts';
import { at, inside, record, strings, type Json } from './shared/package-json.ts';
import { hasRepository } from './shared/repository.ts';
import { build, installsProject, isTrouble, single, tool, unknown, unresolvedVariable } from './shared/steps.ts';
import { unknownVariable } from './shared/variables.ts';

const OPTIONS = optionTable('--ignore-platform-req --prefer-install --apcu-autoloader-prefix', '-d --working-dir');
const MUTATING = new Set(['update', 'u', 'upgrade', 'require', 'r', 'remove', 'rm', 'uninstall', 'create-project']);
/** Events that an install and the autoloader fire. Source: the scripts page, "Command events". */
const EVENTS = ['post-install-cmd', 'pre-autoload-dump', 'post-autoload-dump'];
/** Those ahead of the packages: an install that finds its packages there fires them too late. */
const EARLY = [
  'pre-install-cmd',
  'pre-dependencies-solving',
  'post-dependencies-solving',
  'pre-pool-create',
  'pre-operations-exec',
  // Plugins' events, which scripts hear as well [V: 2.5].
  'init',
  'command',
  'pre-command-run',
  'pre-file-download',
  'post-file-download',
];
const PER_PACKAGE = ['pre-package-install', 'post-package-install', 'pre-package-update', 'post-package-update'];
/** Plugins that write into the project beside vendor. */
const SCAFFOLDS =
  /^(?:drupal\/core-composer-scaffold|composer\/installers|oomphinc\/composer-installers-extender|johnpbloch\/wordpress-core-installer|roots\/wordpress-core-installer|symfony\/flex|wikimedia\/composer-merge-plugin|typo3\/cms-composer-installers|magento\/magento-composer-installer)$/;

const REMOTE = /^[a-z][a-z\d+.-]*:\/\//i;

/** Neither at a URL nor, as Git has it, `user@host:path`. */
const isOnDisk = (url: string): boolean => /^file:/i.test(url) || (!REMOTE.test(url) && !/^[\w.-]+@[\w.-]+:/.test(url));

const onDisk = (url: string, root: string): string => resolvePath(root, url.replace(/^file:\/\//i, ''));

/** `composer …`, and `php composer.phar …`. */
function parse(command: Command): Arguments | undefined {
  const words = command.words.map((word) => word.value ?? '');
  if (/(?:^|\/)php[\d.]*$/.test(words[0] ?? '')) {
    const phar = words.findIndex((word) => /(?:^|\/)composer(?:\.phar)?$/.test(word));
    return phar > 0 && words.slice(1, phar).every((word) => /^-/.test(word) || /=/.test(word))
      ? apart(parseArguments(command, phar + 1, OPTIONS))
      : undefined;
  }
  return apart(parseArguments(command, 1, OPTIONS));
}

/** `-no` is `-n -o` [V: 2.5]. */
function apart(args: Arguments): Arguments {
  const list = args.list.flatMap(([name, value]) =>
    /^-[a-z]{2,}$/.test(name) && !/^-v+$/.test(name)
      ? Array.from(name.slice(1), (letter) => [`-${letter}`, value] as const)
      : [[name, value] as const],
  );
  return { ...args, list, options: new Map(list) };
}

function recognise(command: Command, place: Place): Install | undefined {
  const args = parse(command);
  const [verb, second] = args?.positional ?? [];
  if (args === undefined || verb === undefined) return undefined;
  const base = {
    manager: 'composer',
    command,
    place,
    directory: directoryFrom(args, ['-d', '--working-dir'], place),
  };
  if (verb === 'global') return second === 'require' || second === 'update' ? { ...base, kind: 'tool' } : undefined;
  return verb === 'install' || verb === 'i' || MUTATING.has(verb) ? { ...base, kind: 'install' } : undefined;
}

function analyse(install: Install, files: Files): Analysis {
  if (install.kind === 'tool') return tool(install);
  const args = parse(install.command) as Arguments;
  const [verb = ''] = args.positional;
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  const open = unknownVariable(install, ['COMPOSER', 'COMPOSER_VENDOR_DIR', 'COMPOSER_BIN_DIR']);
  if (open !== undefined) return unknown(install, open);
  if (MUTATING.has(verb))
    return unknown(install, {
      code: 'mutating-install',
      message: `\`${install.command.text}\` changes composer.json or composer.lock`,
      help: 'commit the result, and use `composer install`',
    });
  const project = readProject(install, files);
  if (isTrouble(project)) return unknown(install, project);
  const step = {
    name: `composer install ${optionText(args, ['--no-scripts', '--no-autoloader', '-o', '--optimize-autoloader', '-a', '--classmap-authoritative', '--apcu-autoloader', '-d', '--working-dir', '-q', '--quiet', '-v', '-vv', '-vvv', '--no-progress', '--ansi', '--no-ansi'])}`,
    reads: [...project.reads, ...project.outputs.map((path) => ({ path, tree: true }))],
    writes: project.outputs,
    edits: [...project.edits],
    system: 'reads',
    settles: true,
  } as const;
  const outputs = {
    outputs: project.outputs,
    ignore: inside(install.directory, project.outputs),
  };
  const bare = has(args, '--no-autoloader');
  const quiet = has(args, '--no-scripts') || project.scripts.length === 0;
  const early = has(args, '--no-scripts') ? undefined : project.early;
  if (early !== undefined)
    return unknown(install, {
      code: 'lifecycle-script-reads-source',
      message: `the script \`${early}\` of composer.json ${PER_PACKAGE.includes(early) ? 'runs once for each package' : 'runs before the packages are there'}`,
      help: 'install with `--no-scripts`, or run it after the install',
    });
  if (project.trouble !== undefined) return unknown(install, project.trouble);
  const scans = !bare && (project.scans || has(args, '-o', '--optimize-autoloader', '-a', '--classmap-authoritative'));
  if (quiet && !scans && !project.versioned) return { ...single(step), ...outputs };
  const why = quiet
    ? scans
      ? 'the autoloader lists its classes'
      : 'it asks git for the version of the project'
    : `${project.scripts.map((name) => `\`${name}\``).join(' and ')} ${project.scripts.length === 1 ? 'runs' : 'run'}`;
  const flags = [...(has(args, '--no-scripts') ? [] : ['--no-scripts']), ...(bare ? [] : ['--no-autoloader'])].join(
    ' ',
  );
  const trouble: Trouble = {
    code: 'lifecycle-script-reads-source',
    message: `\`${install.command.text}\` reads the source, as ${why}`,
  };
  return {
    ...build(
      install,
      step,
      install.command.redirects.length > 0 || flags === ''
        ? []
        : [
            {
              before: `${install.command.text.replace(/ (?:-o|--optimize-autoloader|-a|--classmap-authoritative)(?= |$)/g, '')} ${flags}`,
              after: install.command.text,
              why: `${why} after the copy`,
            },
          ],
      outputs,
      trouble,
    ),
    refusal: trouble,
  };
}

interface Project {
  readonly reads: readonly Read[];
  readonly outputs: readonly string[];
  readonly edits: readonly string[];
  /** Of the root, that an install runs. */
  readonly scripts: readonly string[];
  /** One that cannot wait for the second half. */
  readonly early: string | undefined;
  /** Its autoloader lists classes of the source, rather than just where to look for them. */
  readonly scans: boolean;
  /** It asks git for its branch and commit, which vendor/composer/installed.php then tells [V: 2.5]. */
  readonly versioned: boolean;
  readonly trouble: Trouble | undefined;
}

function readProject(install: Install, files: Files): Project | Trouble {
  const named = install.place.environment('COMPOSER');
  const path = resolvePath(install.directory, named === undefined || named === '' ? 'composer.json' : named);
  const json = document(files, path, 'json');
  if (isTrouble(json)) return json;
  const root = parentOf(path);
  const lock = path.replace(/\.json$/, '.lock');
  const locked = optionalDocument(files, lock, 'json');
  if (isTrouble(locked)) return locked;
  if (locked === undefined && files.has(lock) === 'maybe')
    return {
      code: 'manifest-generated',
      message: `git ignores \`${lock}\`, or an earlier command may have made it, so its content is not known`,
      help: 'commit it',
    };
  const config = record(json['config']);
  const reads: Read[] = [{ path }, { path: lock }, { path: at(root, 'symfony.lock') }];
  if (files.has(at(root, 'auth.json')) !== 'no') reads.push({ path: at(root, 'auth.json') });
  const repositories = Array.isArray(json['repositories'])
    ? (json['repositories'] as unknown[])
    : Object.values(record(json['repositories']));
  for (const repository of repositories.map(record)) {
    for (const each of list(repository['package'])) {
      const { url: archive } = record(record(each)['dist']);
      if (typeof archive === 'string' && isOnDisk(archive)) reads.push({ path: onDisk(archive, root) });
    }
    const url = repository['url'];
    if (typeof url !== 'string') continue;
    if (repository['type'] === 'path') {
      if (record(repository['options'])['symlink'] === false || /[*?[{$]/.test(url))
        return installsProject(install, `the packages of \`${url}\``);
      reads.push({ path: resolvePath(root, url), tree: true });
    } else if (repository['type'] === 'artifact' || isOnDisk(url)) reads.push({ path: onDisk(url, root), tree: true });
  }
  for (const { dist } of [...list(locked?.['packages']), ...list(locked?.['packages-dev'])].map(record)) {
    const { type, url } = record(dist);
    if (typeof url === 'string' && type !== 'path' && isOnDisk(url)) reads.push({ path: onDisk(url, root) });
  }
  const extra = record(json['extra']);
  const patches = [extra['patches']];
  if ([...requirements(json), ...lockedNames(locked)].includes('cweagans/composer-patches'))
    for (const name of ['patches.json', 'patches.lock.json']) {
      const listed = optionalDocument(files, at(root, name), 'json');
      if (isTrouble(listed)) return listed;
      if (listed === undefined) continue;
      reads.push({ path: at(root, name) });
      patches.push(listed['patches']);
    }
  for (const patch of patches.flatMap(patchesOf))
    if (!REMOTE.test(patch)) reads.push({ path: resolvePath(root, patch) });
  const patchesFile = extra['patches-file'] ?? record(extra['composer-patches'])['patches-file'];
  if (typeof patchesFile === 'string')
    return {
      code: 'dynamic-manifest',
      message: `\`${path}\` takes its patches from \`${patchesFile}\``,
      help: 'list them in composer.json',
    };
  const scripts = record(json['scripts']);
  const vendor = directoryOf('COMPOSER_VENDOR_DIR', config['vendor-dir'], install) ?? 'vendor';
  const bin = directoryOf('COMPOSER_BIN_DIR', config['bin-dir'], install);
  const outputs = [vendor, ...(bin === undefined || bin.startsWith(`${vendor}/`) ? [] : [bin])];
  if (outputs.some((each) => /[$~]/.test(each)))
    return { code: 'dynamic-manifest', message: `\`${path}\` computes its vendor-dir`, help: 'write the path out' };
  const asks = json['version'] === undefined && (install.place.environment('COMPOSER_ROOT_VERSION') ?? '') === '';
  // Where commands fill the directory, only the proof can tell what the context adds to it.
  const versioned = asks && files.entries(root) !== undefined && hasRepository(files, root);
  const git = at(root, '.git');
  if (asks && !versioned && files.has(git) !== 'no') reads.push({ path: git, tree: true });
  const scaffold = [...requirements(json), ...lockedNames(locked)].find((name) => SCAFFOLDS.test(name));
  return {
    reads,
    outputs: outputs.map((each) => resolvePath(root, each)),
    edits: locked === undefined ? [lock] : [],
    scripts: EVENTS.filter((name) => isSet(scripts[name])),
    scans:
      ['optimize-autoloader', 'classmap-authoritative'].some((name) => config[name] === true) ||
      [json['autoload'], json['autoload-dev']].some((each) => list(record(each)['classmap']).length > 0),
    versioned,
    early: [...EARLY, ...PER_PACKAGE].find((name) => isSet(scripts[name])),
    trouble:
      scaffold === undefined ||
      (scaffold === 'symfony/flex' && locked !== undefined && files.has(at(root, 'symfony.lock')) === 'yes')
        ? undefined
        : {
            code: 'mutating-install',
            message: `\`${scaffold}\` reads or writes files of the project while it installs`,
            help: 'run it with `--no-plugins`, or commit what it writes',
          },
  };
}

/** By package and description, or with each patch as an object that has more to say of it. */
function patchesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const { url } = record(value);
  return typeof url === 'string' ? [url] : Object.values(value).flatMap(patchesOf);
}

/** A variable wins over the configuration, unless it is empty. */
function directoryOf(variable: string, configured: unknown, { place }: Install): string | undefined {
  const named = place.environment(variable) ?? '';
  return named !== '' ? named : typeof configured === 'string' ? configured : undefined;
}

function isSet(value: unknown): boolean {
  return typeof value === 'string' ? value !== '' : list(value).length > 0;
}

function requirements(json: Json): readonly string[] {
  return Object.keys(record(json['require']));
}

function lockedNames(lock: Json | undefined): readonly string[] {
  return strings(list(lock?.['packages']).map((each) => record(each)['name']));
}

/**
 * The official image, whose COMPOSER_HOME is /tmp, or PHP's own, which sets none: there ~/.composer/cache is the cache
 * as soon as it is a directory, whether or not the system knows XDG. Source: composer/src/Composer/Factory.php
 */
function isOf(name: string, { image = '' }: Place): boolean {
  return imageOf(image).name === name;
}

export const composer: PackageManager = {
  name: 'composer',
  summary: 'composer install, php composer.phar install',
  commands: ['composer', 'composer.phar', 'php'],
  manifests: ['composer.json', 'composer.lock'],
  globs: ['composer.json', 'composer.lock*'],
  recognise,
  analyse,
  caches: [
    {
      path: '/tmp/cache',
      class: 'download',
      variable: 'COMPOSER_CACHE_DIR',
      only: 'root',
      uses: ({ place }) => !isOf('php', place),
    },
    {
      path: '~/.composer/cache',
      class: 'download',
      variable: 'COMPOSER_CACHE_DIR',
      uses: ({ place }) => !isOf('composer', place),
    },
  ],
};
