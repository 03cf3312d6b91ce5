/**
 * Bundler. Spec section 11.
 *
 * Reads: [V: 2.3] the Gemfile and Gemfile.lock; what the Gemfile reads, evaluates or requires; path gems, in full; the
 * project's .bundle/config, unless BUNDLE_APP_CONFIG points elsewhere, as it does in the official image; vendor/cache;
 * a source that is a directory.
 *
 * Writes: /usr/local/bundle, which is the system, or what BUNDLE_PATH or a setting says, vendor/bundle by convention.
 *
 * Runs: the Gemfile and the gemspecs that it names, which are Ruby; native extensions of gems.
 *
 * Hazards: what is not a plain literal of a Gemfile is not followed. A gemspec that lists its files with git needs
 * .git.
 *
 * Sources: https://bundler.io/man/gemfile.5.html, https://bundler.io/man/bundle-config.1.html
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { optionTable, parseArguments } from './shared/arguments.ts';
import { at } from './shared/package-json.ts';
import { generated, missing, single, unknown, unresolvedVariable } from './shared/steps.ts';
import { unknownVariable } from './shared/variables.ts';

const OPTIONS = optionTable(
  '-j --jobs --retry --without --with --trust-policy --shebang --redownload --prefer-local --target-rbconfig',
  '--gemfile --path --binstubs --standalone',
);
/** Ruby that reads files or runs programs; each literal form that is understood is taken out of the line first. */
const DYNAMIC =
  /\b(?:File|Dir|IO|Pathname|Open3|YAML|JSON|Bundler|Kernel|Gem::Specification)\b|\b(?:require(?!:)|require_relative|load|eval|instance_eval|class_eval|eval_gemfile|gemspec|system|exec|spawn|open|glob|path|plugin)\b|__dir__|__FILE__|`|%x|\bgit(?::|\s*=>)\s*["'](?:file:|\.{0,2}\/)/;

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const [verb] = args.positional.filter((word) => !/^_[\d.]+_$/.test(word));
  if (verb !== 'install' && verb !== undefined) return undefined;
  if (verb === undefined && (args.options.has('--version') || args.options.has('-v'))) return undefined;
  return { manager: 'bundler', command, place, directory: place.directory, kind: 'install' };
}

function analyse(install: Install, files: Files): Analysis {
  const args = parseArguments(install.command, 1, OPTIONS);
  if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
  const open = unknownVariable(install, ['BUNDLE_GEMFILE', 'BUNDLE_PATH']);
  if (open !== undefined) return unknown(install, open);
  const { directory, place } = install;
  const named = args.options.get('--gemfile') ?? place.environment('BUNDLE_GEMFILE');
  const gemfile = resolvePath(directory, typeof named === 'string' && named !== '' ? named : 'Gemfile');
  const reader = new GemfileReader(files);
  reader.gemfile(gemfile);
  if (reader.trouble !== undefined) return unknown(install, reader.trouble);
  const root = parentOf(gemfile);
  const lock = gemfile.endsWith('gems.rb') ? gemfile.replace(/rb$/, 'locked') : `${gemfile}.lock`;
  if (files.has(lock) === 'maybe')
    return unknown(install, {
      code: 'manifest-generated',
      message: `git ignores \`${lock}\`, or an earlier command may have made it, so its content is not known`,
      help: 'commit it',
    });
  const chosen = args.options.get('--path') ?? place.environment('BUNDLE_PATH');
  const configured = /^BUNDLE_PATH:[ ]*["']?([^"'\n]+)/m
    .exec(files.read(at(root, '.bundle/config')) ?? '')?.[1]
    ?.trim();
  // Whether the image has its settings elsewhere is not known: it may be either.
  const trees =
    typeof chosen === 'string' && chosen !== ''
      ? [chosen]
      : [...(configured === undefined ? [] : [configured]), 'vendor/bundle'];
  const inside = at(directory, '');
  const own = [...new Set(trees.map((path) => resolvePath(root, path)))].filter((path) => path.startsWith(inside));
  const cache = at(root, 'vendor/cache');
  return {
    ...single({
      name: install.command.text,
      reads: [
        ...reader.reads,
        { path: lock },
        { path: at(root, '.bundle/config') },
        ...(files.has(cache) === 'yes' ? [{ path: cache, tree: true }] : []),
        ...own.map((path) => ({ path, tree: true })),
      ],
      writes: own,
      edits: [lock],
      system: 'writes',
    }),
    outputs: own,
    ignore: own.map((path) => path.slice(inside.length)),
  };
}

/** Follows a Gemfile as far as it is literal. */
class GemfileReader {
  readonly reads: Read[] = [];
  trouble: Trouble | undefined;
  private readonly files: Files;

  constructor(files: Files) {
    this.files = files;
  }

  gemfile(path: string): void {
    this.reads.push({ path });
    const text = this.files.read(path);
    if (this.files.has(path) === 'no') return this.refuse(missing(path));
    if (text === undefined) return this.refuse(generated(path));
    const directory = parentOf(path);
    for (const raw of statements(text)) {
      const line = this.literals(raw, directory);
      if (DYNAMIC.test(line)) {
        return this.refuse({
          code: 'dynamic-manifest',
          message: `\`${path}\` has code that is not followed: \`${raw.trim().slice(0, 60)}\``,
          help: 'write it as a literal, or copy what it reads and install ahead of the source by hand',
        });
      }
    }
  }

  /** The line without the literal forms that are understood, whose files are noted. */
  private literals(line: string, directory: string): string {
    const quoted = String.raw`["']([^"'#]+)["']`;
    const file = String.raw`(?:${quoted}|File\.(?:expand_path|join)\(\s*(?:__dir__\s*,\s*)?${quoted}(?:\s*,\s*__dir__)?\s*\))`;
    const note = (path: string, then: (found: string) => void): string => {
      then(resolvePath(directory, path));
      return '';
    };
    return line
      .replace(
        new RegExp(String.raw`(?:File|IO)\.(?:read|exist\?|readlines)\(\s*${file}\s*\)`, 'g'),
        (_all, a?: string, b?: string) => note(a ?? b ?? '', (path) => this.reads.push({ path })),
      )
      .replace(/\bsource(?::|\s*=>|\b)\s*\(?\s*["']file:(?:\/\/)?([^"'#]+)["']/, (_all, path: string) =>
        note(path, (found) => this.reads.push({ path: found, tree: true })),
      )
      .replace(new RegExp(String.raw`^\s*ruby\s+file:\s*${quoted}`), (_all, path: string) =>
        note(path, (found) => this.reads.push({ path: found })),
      )
      .replace(new RegExp(String.raw`\beval_gemfile\s*\(?\s*${file}\s*\)?`), (_all, a?: string, b?: string) =>
        note(a ?? b ?? '', (path) => this.gemfile(path)),
      )
      .replace(
        new RegExp(String.raw`(?:\bpath:\s*|:path\s*=>\s*|^\s*path\s*\(?\s*)${file}`),
        (_all, a?: string, b?: string) => note(a ?? b ?? '', (path) => this.pathGem(path)),
      );
  }

  /** Its gemspec is evaluated, and may list or read any of its files. */
  private pathGem(path: string): void {
    this.reads.push({ path, tree: true });
    for (const name of this.files.entries(path) ?? [])
      if (name.endsWith('.gemspec') && /\bgit\b/.test(this.files.read(at(path, name)) ?? ''))
        this.refuse({
          code: 'needs-vcs',
          message: `\`${at(path, name)}\` lists its files with git`,
          help: 'list them with Dir[]',
        });
  }

  private refuse(trouble: Trouble): void {
    this.trouble ??= trouble;
  }
}

/** Lines without their comments; strings keep their content. */
function statements(text: string): readonly string[] {
  return text
    .replace(/^=begin[\s\S]*?^=end/gm, '')
    .replace(/^__END__[\s\S]*/m, '')
    .split(/\r?\n/)
    .map((line) => line.replace(/^((?:[^"'#]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)#.*$/, '$1'))
    .map((line) => line.replace(/https?:\/\/[^"'\s]+/g, ''))
    .filter((line) => line.trim() !== '');
}

export const bundler: PackageManager = {
  name: 'bundler',
  summary: 'bundle install',
  commands: ['bundle', 'bundler'],
  manifests: ['Gemfile', 'Gemfile.lock'],
  globs: ['Gemfile', 'Gemfile.lock*'],
  recognise,
  analyse,
  // The gem home is what the install makes: there is no directory that could be mounted.
  caches: [],
};
