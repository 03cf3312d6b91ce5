/**
 * sbt. Spec section 18. Adapt (W, unsafe): `sbt update`, the original after.
 *
 * Reads: build.sbt and every other *.sbt beside it, project/ in full, which is code, the *.sbt of subprojects, and the
 * launcher's options in .sbtopts and .jvmopts.
 *
 * Writes: ~/.sbt, ~/.ivy2 and the coursier cache; target/ and project/target/.
 *
 * Runs: the build definition, and its plugins.
 *
 * Hazards: a build definition can read any file, such as the version from git, which is refused.
 *
 * Sources: https://www.scala-sbt.org/1.x/docs/Directories.html
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { resolvePath } from '../dockerfile/state.ts';
import { optionTable, parseArguments } from './shared/arguments.ts';
import { at } from './shared/package-json.ts';
import { bareBuild, build, generated, isTrouble, missing, single, unknown } from './shared/steps.ts';

const OPTIONS = optionTable('-D -J -mem', '');
const VERSIONED = /sbt-dynver|sbt-git\b|sbt-ci-release|GitVersioning|sbt-release-early/;

function recognise(command: Command, place: Place): Install | undefined {
  const { positional } = parseArguments(command, 1, OPTIONS);
  if (positional.length === 0) return undefined;
  const kind = positional.every((task) => /^(?:\w+\/)?update(?:Full)?$/.test(task)) ? 'fetch' : 'build';
  return { manager: 'sbt', command, place, directory: place.directory, kind };
}

function analyse(install: Install, files: Files): Analysis {
  const reads = readsOf(install, files);
  if (isTrouble(reads)) return install.kind === 'build' ? bareBuild(install, reads) : unknown(install, reads);
  const fetch = { reads, writes: [], edits: [], system: 'reads', warm: true } as const;
  if (install.kind === 'fetch') return single({ ...fetch, name: install.command.text });
  const before = `${install.command.words[0]?.text ?? 'sbt'} update`;
  return build(install, { ...fetch, name: before }, [
    {
      before,
      after: install.command.text,
      why: 'dependencies are downloaded by a step of their own',
      risk: 'build.sbt is code, and may read more than what is copied ahead of it',
    },
  ]);
}

function readsOf({ directory }: Install, files: Files): readonly Read[] | Trouble {
  const names = files.entries(directory);
  if (names === undefined) return generated(directory);
  const reads: Read[] = [];
  const scripts = names.filter((name) => name.endsWith('.sbt')).map((name) => at(directory, name));
  if (scripts.length === 0) return missing(at(directory, 'build.sbt'));
  const project = at(directory, 'project');
  const plugins = (files.entries(project) ?? []).filter((name) => /\.(?:sbt|scala)$/.test(name));
  for (const path of [...scripts, ...plugins.map((name) => at(project, name))]) {
    const text = files.read(path);
    if (text === undefined) return generated(path);
    if (VERSIONED.test(text))
      return { code: 'needs-vcs', message: `\`${path}\` takes the version from git`, help: 'write the version out' };
    if (/\bIO\.|\bSource\.from|"file:|Resolver\.file|scala\.io|sys\.process|java\.io|java\.nio|\.!!/.test(text))
      return {
        code: 'dynamic-manifest',
        message: `\`${path}\` reads files or runs programs`,
        help: 'mount a cache at /root/.cache/coursier instead (--add cache-mounts)',
      };
    // `project in file("a")`, and `lazy val a = project`, which is in the directory of its name.
    for (const [, quoted, folder = quoted ?? ''] of text.matchAll(
      /\bfile\(\s*"([^"]+)"\s*\)|\blazy\s+val\s+(\w+)\s*=\s*\(?\s*project\b/g,
    )) {
      const subproject = resolvePath(directory, folder);
      for (const name of files.entries(subproject) ?? [])
        if (name.endsWith('.sbt')) reads.push({ path: at(subproject, name) });
    }
  }
  reads.push(...scripts.map((path) => ({ path })));
  for (const name of ['.sbtopts', '.jvmopts'])
    if (files.has(at(directory, name)) === 'yes') reads.push({ path: at(directory, name) });
  if (files.has(project) !== 'no') reads.push({ path: project, tree: true });
  return reads;
}

export const sbt: PackageManager = {
  name: 'sbt',
  summary: 'sbt update, and sbt compile, assembly and the like, which download implicitly',
  commands: ['sbt'],
  manifests: ['build.sbt'],
  globs: ['*.sbt'],
  recognise,
  analyse,
  caches: [
    { path: '~/.cache/coursier', class: 'store', variable: 'COURSIER_CACHE' },
    { path: '~/.sbt', class: 'store' },
  ],
};
