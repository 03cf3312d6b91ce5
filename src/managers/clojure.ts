/**
 * Clojure: the Clojure CLI and Leiningen. Spec section 18. Adapt (W, unsafe): `clojure -P` with the same aliases, or
 * `lein deps`; the original after.
 *
 * Reads: deps.edn, or project.clj with profiles.clj. `:local/root` and checkouts are packages of the project.
 *
 * Writes: ~/.m2, ~/.gitlibs; .cpcache or target/.
 *
 * Runs: nothing to download; a `~` in project.clj is code.
 *
 * Hazards: dependencies of other aliases and profiles than the build's are downloaded too, and may be missing.
 *
 * Sources: https://clojure.org/reference/clojure_cli#prep, https://codeberg.org/leiningen/leiningen (doc/TUTORIAL)
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { at } from './shared/package-json.ts';
import { bareBuild, build, generated, isTrouble, missing, single, unknown } from './shared/steps.ts';

/** Repositories on the disk, packages put into the project, and plugins that read other manifests. */
const ELSEWHERE =
  /"file:[^"]*"|:(?:mvn\/)?local-repo\b|:parent-project\b|\blein-(?:parent|tools-deps|monolith|modules|sub|git-version|v)\b/;
const BUILDS = new Set(['uberjar', 'jar', 'compile', 'test', 'run', 'install', 'ring', 'do', 'cljsbuild', 'bin']);

function recognise(command: Command, place: Place): Install | undefined {
  const words = command.words.slice(1).map((word) => word.value ?? word.text);
  const base = { manager: 'clojure', command, place, directory: place.directory };
  if (!isLein(command)) {
    if (words.includes('-P')) return { ...base, kind: 'fetch' };
    return words.some((word) => /^-[MTXA]/.test(word)) ? { ...base, kind: 'build' } : undefined;
  }
  const tasks = words[0] === 'with-profile' ? words.slice(2) : words;
  if (tasks[0] === 'deps' && tasks.length === 1) return { ...base, kind: 'fetch' };
  return BUILDS.has(tasks[0] ?? '') ? { ...base, kind: 'build' } : undefined;
}

function isLein(command: Command): boolean {
  return /(?:^|\/)lein$/.test(command.words[0]?.value ?? '');
}

function analyse(install: Install, files: Files): Analysis {
  const lein = isLein(install.command);
  const reads = readsOf(install, files, lein);
  if (isTrouble(reads)) return install.kind === 'build' ? bareBuild(install, reads) : unknown(install, reads);
  const fetch = { reads, writes: [], edits: [], system: 'reads', warm: true } as const;
  if (install.kind === 'fetch') return single({ ...fetch, name: install.command.text });
  const words = install.command.words.map((word) => word.text);
  const before = lein
    ? ['lein', ...(words[1] === 'with-profile' ? words.slice(1, 3) : []), 'deps'].join(' ')
    : [words[0] ?? 'clojure', '-P', ...words.slice(1).filter((word) => /^-[MTXAS]/.test(word))].join(' ');
  return build(install, { ...fetch, name: before }, [
    {
      before,
      after: install.command.text,
      why: 'dependencies are downloaded by a step of their own',
      risk: 'dependencies of profiles or aliases that the build does not use are downloaded too, and may be missing',
    },
  ]);
}

function readsOf({ directory }: Install, files: Files, lein: boolean): readonly Read[] | Trouble {
  const path = at(directory, lein ? 'project.clj' : 'deps.edn');
  if (files.has(path) === 'no') return missing(path);
  const text = files.read(path);
  if (text === undefined) return generated(path);
  const code = text.replace(/;.*$/gm, '').replace(/"(?:[^"\\]|\\.)*"/g, '""');
  if (/:local\/root\b/.test(code) || files.has(at(directory, 'checkouts')) === 'yes')
    return {
      code: 'local-dependency-builds',
      message: `\`${path}\` depends on packages of the project`,
      help: 'mount a cache at /root/.m2 instead (--add cache-mounts)',
    };
  const elsewhere = ELSEWHERE.exec(text.replace(/;.*$/gm, ''));
  if (elsewhere !== null)
    return {
      code: 'dynamic-manifest',
      message: `\`${path}\` has \`${elsewhere[0]}\`, which names files or directories of the project`,
      help: 'mount a cache at /root/.m2 instead (--add cache-mounts)',
    };
  if (lein && /~[([\w]|#=/.test(code))
    return { code: 'dynamic-manifest', message: `\`${path}\` has code in it (\`~\`)`, help: 'write the values out' };
  return lein ? [{ path }, { path: at(directory, 'profiles.clj') }] : [{ path }];
}

export const clojure: PackageManager = {
  name: 'clojure',
  summary: 'clojure -P and lein deps, and clojure -T, -X and lein uberjar, which download implicitly',
  commands: ['clojure', 'clj', 'lein'],
  manifests: ['deps.edn', 'project.clj'],
  globs: ['deps.edn'],
  recognise,
  analyse,
  caches: [
    { path: '~/.m2', class: 'store' },
    { path: '~/.gitlibs', class: 'store', variable: 'GITLIBS' },
  ],
};
