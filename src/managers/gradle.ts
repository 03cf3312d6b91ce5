/**
 * Gradle. Spec section 8. Nothing is prefetched for a build: a cache mount is what helps.
 *
 * Reads: settings.gradle(.kts), every project's build.gradle(.kts), gradle.properties, gradle/, the wrapper, buildSrc/
 * and included builds in full, lockfiles, scripts that are applied, jars that are named. The scripts are code: what is
 * not a literal is not followed.
 *
 * Writes: Gradle's home; builds .gradle and build/ of every project.
 *
 * Runs: the build scripts, whatever is asked for.
 *
 * Hazards: `gradle dependencies` fetched nothing for subprojects, `gradle build` without sources fetched nothing at
 * all and passed [V: 4.4]. The official image declares its home a VOLUME, so that what is fetched there is lost.
 *
 * Sources: https://docs.gradle.org/current/userguide/directory_layout.html
 */
import type { Analysis, Command, Files, Install, PackageManager, Place, Read, Trouble } from '../model.ts';
import { parentOf, resolvePath } from '../dockerfile/state.ts';
import { optionTable, parseArguments } from './shared/arguments.ts';
import { at } from './shared/package-json.ts';
import { alreadyCached, bareBuild, generated, isMounted, isTrouble, missing, single, unknown } from './shared/steps.ts';

const OPTIONS = optionTable(
  '-x --exclude-task --console --max-workers --priority --warning-mode --configuration -D -P --gradle-version --distribution-type',
  '-p --project-dir -g --gradle-user-home -I --init-script -b --build-file -c --settings-file --include-build',
);
const FETCHES =
  /^:?(?:[\w-]+:)*(?:dependencies|buildEnvironment|resolve\w*Dependencies|download\w*Dependencies|resolveAll\w*|getDeps|copyDependencies)$/;
const STORES = ['/root/.gradle', '/home/gradle/.gradle', '/root/.gradle/caches', '/home/gradle/.gradle/caches'];
const DYNAMIC =
  /\b(?:new\s+File|FileInputStream|FileReader|fileContents|flatDir|file|files|fileTree|includeBuild|includeFlat|Files|Paths|rootDir|projectDir|exec|execute|providers\.exec|ProcessBuilder|java\.io|kotlin\.io|evaluate)\b\s*[.({]|\b(?:includeBuild|includeFlat)\s+["']|\.execute\(\)|\bapply\s*\(?\s*from\b|\bfindProject\b|\bproject\(["'][^"']+["']\)\.projectDir/;

/** https://docs.gradle.org/current/userguide/dependency_locking.html */
const LOCKS = ['gradle.lockfile', 'buildscript-gradle.lockfile', 'settings-gradle.lockfile'];

/** Options that name scripts beside those that a build has. */
const SCRIPTS = ['-I', '--init-script', '-b', '--build-file', '-c', '--settings-file', '--include-build'];

function recognise(command: Command, place: Place): Install | undefined {
  const args = parseArguments(command, 1, OPTIONS);
  const named = args.options.get('-p') ?? args.options.get('--project-dir');
  const directory = typeof named === 'string' ? resolvePath(place.directory, named) : place.directory;
  const base = { manager: 'gradle', command, place, directory };
  const [first] = args.positional;
  if (first === undefined)
    return (args.options.has('--version') || args.options.has('-v')) && isWrapper(command)
      ? { ...base, kind: 'tool' }
      : undefined;
  return { ...base, kind: args.positional.every((task) => FETCHES.test(task)) ? 'fetch' : 'build' };
}

function isWrapper(command: Command): boolean {
  return (command.words[0]?.value ?? '').endsWith('gradlew');
}

function analyse(install: Install, files: Files): Analysis {
  const { place, command } = install;
  const wrapper = isWrapper(command)
    ? wrapperReads(resolvePath(place.directory, command.words[0]?.value ?? 'gradlew'), files)
    : [];
  // Downloads the Gradle that the wrapper names.
  if (install.kind === 'tool')
    return single({ name: command.text, reads: wrapper, writes: [], edits: [], system: 'writes' });
  const home = place.environment('GRADLE_USER_HOME');
  if (install.kind === 'build')
    return bareBuild(
      install,
      isMounted(place, home === undefined ? STORES : [...STORES, home, `${home}/caches`])
        ? alreadyCached(install, "Gradle's home")
        : {
            code: 'dynamic-manifest',
            message: `Gradle's build scripts are code: only \`${command.text}\` itself can tell what it downloads`,
            help: 'mount a cache at its home instead (--add cache-mounts)',
          },
    );
  const args = parseArguments(command, 1, OPTIONS);
  const script = SCRIPTS.find((name) => args.options.has(name));
  if (script !== undefined)
    return unknown(install, {
      code: 'dynamic-manifest',
      message: `\`${command.text}\` names a script of its own (\`${script}\`), which is not followed`,
      help: 'mount a cache instead (--add cache-mounts)',
    });
  const reads = new ScriptReader(files, args.positional).project(install.directory);
  return isTrouble(reads)
    ? unknown(install, reads)
    : single({ name: command.text, reads: [...wrapper, ...reads], writes: [], edits: [], system: 'reads', warm: true });
}

/**
 * The wrapper's own directory is beside its script, wherever it is called from; it takes a proxy out of
 * gradle.properties. https://docs.gradle.org/current/userguide/gradle_wrapper.html
 */
function wrapperReads(script: string, files: Files): readonly Read[] {
  const properties = at(parentOf(script), 'gradle.properties');
  return [
    { path: script },
    { path: at(parentOf(script), 'gradle/wrapper'), tree: true },
    ...(/^[^\S\r\n]*systemProp\./m.test(files.read(properties) ?? '') ? [{ path: properties }] : []),
  ];
}

class ScriptReader {
  private readonly reads: Read[] = [];
  private readonly files: Files;
  private trouble: Trouble | undefined;
  /** A task that is asked for, and copies: `task getDeps(type: Copy)`, `tasks.register<Sync>("getDeps")`. */
  private readonly copies: RegExp;

  constructor(files: Files, tasks: readonly string[]) {
    this.files = files;
    const names = tasks.map((task) => task.replace(/^.*:/, '').replace(/\W/g, '\\$&')).join('|');
    this.copies = new RegExp(
      `\\b(?:${names})\\b[^\\n{]*\\b(?:Copy|Sync)\\b|<(?:Copy|Sync)>\\s*\\(\\s*["'](?:${names})["']|\\bval\\s+(?:${names})\\b[^\\n]*<(?:Copy|Sync)>`,
    );
  }

  /** What configuring a build reads. */
  project(root: string): readonly Read[] | Trouble {
    const settings = this.script(root, 'settings.gradle');
    const build = this.script(root, 'build.gradle');
    if (settings === undefined && build === undefined && this.trouble === undefined)
      return missing(at(root, 'build.gradle'));
    this.reads.push({ path: at(root, 'gradle.properties') });
    for (const folder of ['gradle', 'buildSrc'])
      if (this.files.has(at(root, folder)) !== 'no') this.reads.push({ path: at(root, folder), tree: true });
    // `include "$name"`, `names.each { include it }`
    const computed = /\binclude(?:\s+|\s*\(\s*)(?:[\w$*]+|"[^"\n]*\$[^"\n]*")/.exec(settings ?? '')?.[0];
    if (computed !== undefined) this.refuse(at(root, 'settings.gradle'), computed);
    // include 'a', ':b:c', where b is a project as well: https://docs.gradle.org/current/userguide/multi_project_builds.html
    for (const [, list = ''] of (settings ?? '').matchAll(
      /^[^\S\r\n]*include\s*(?:\(\s*)?((?:["'][^"']+["']\s*,?\s*)+)/gm,
    ))
      for (const [, name = ''] of list.matchAll(/["']:?([^"']+)["']/g)) {
        let directory = root;
        for (const part of name.split(':')) {
          directory = at(directory, part);
          this.script(directory, 'build.gradle');
          if (this.files.has(at(directory, 'gradle.properties')) === 'yes')
            this.reads.push({ path: at(directory, 'gradle.properties') });
        }
      }
    return this.trouble ?? this.reads;
  }

  /** Of one name, in Groovy or Kotlin; its text without comments. */
  private script(directory: string, name: string): string | undefined {
    for (const lock of LOCKS)
      if (this.files.has(at(directory, lock)) === 'yes') this.reads.push({ path: at(directory, lock) });
    for (const path of [at(directory, name), at(directory, `${name}.kts`)]) {
      if (this.files.has(path) === 'no') continue;
      this.reads.push({ path });
      const text = this.files.read(path);
      if (text === undefined) {
        this.trouble ??= generated(path);
        return undefined;
      }
      const code = this.literals(text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1'), directory);
      const found = DYNAMIC.exec(code) ?? this.copies.exec(code);
      if (found !== null) this.refuse(path, found[0]);
      return code;
    }
    return undefined;
  }

  private refuse(path: string, code: string): void {
    this.trouble ??= {
      code: 'dynamic-manifest',
      message: `\`${path}\` has code that is not followed: \`${code}\``,
      help: 'mount a cache instead (--add cache-mounts)',
    };
  }

  private literals(code: string, directory: string): string {
    return code
      .replace(/\bapply\s*\(?\s*from\s*[:=]\s*["']([^"'$]+)["']/g, (_all, path: string) => {
        if (!/^https?:/.test(path)) this.reads.push({ path: resolvePath(directory, path) });
        return '';
      })
      .replace(/\bfiles\(\s*["']([^"'$]+)["']\s*\)/g, (_all, path: string) => {
        this.reads.push({ path: resolvePath(directory, path) });
        return '';
      })
      .replace(/\bfileTree\(\s*(?:dir\s*[:=]\s*)?["']([^"'$]+)["'][^)]*\)/g, (_all, path: string) => {
        this.reads.push({ path: resolvePath(directory, path), tree: true });
        return '';
      });
  }
}

export const gradle: PackageManager = {
  name: 'gradle',
  summary: 'gradlew --version and gradle dependencies; gradle build and the like can only have their cache mounted',
  commands: ['gradle', 'gradlew'],
  manifests: ['build.gradle', 'build.gradle.kts', 'settings.gradle'],
  globs: ['*.gradle*'],
  recognise,
  analyse,
  caches: [{ path: '~/.gradle', class: 'store', variable: 'GRADLE_USER_HOME' }],
};
