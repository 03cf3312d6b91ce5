/**
 * my-manager.
 *
 * Reads: my-manager.json and my-manager.lock where it runs. Name every file here, absent ones as well.
 *
 * Writes: my-manager_modules/, and my-manager.lock.
 *
 * Runs: nothing of the project, unless it has hooks.
 *
 * Hazards: a project with hooks is not moved.
 *
 * Sources: https://example.org/the-page-that-says-so
 */
import {
  document,
  isTrouble,
  optionTable,
  optionText,
  parseArguments,
  single,
  unknown,
  unresolvedVariable,
  type PackageManager,
  type Plugin,
} from 'dockerfix/plugin';

/** Options that take a value; then those whose value says what is read, or where. */
const OPTIONS = optionTable('--jobs', '--group');
/** Those that change nothing in the result. One that is not known may read anything. */
const QUIET = ['--jobs', '--quiet'];
const KNOWN = [...QUIET, '--group'];

const manager: PackageManager = {
  name: 'my-manager',
  summary: 'my-manager install',
  commands: ['my-manager'],
  manifests: ['my-manager.json'],
  // What to copy where the context is not known; the brackets let a file be absent.
  globs: ['my-manager.json', 'my-manager.loc[k]'],
  caches: [],
  recognise(command, place) {
    const { positional } = parseArguments(command, 1, OPTIONS);
    return positional.join(' ') === 'install'
      ? { manager: 'my-manager', kind: 'install', directory: place.directory, command, place }
      : undefined;
  },
  analyse(install, files) {
    const { command, directory } = install;
    const args = parseArguments(command, 1, OPTIONS);
    if (args.unresolved !== undefined) return unknown(install, unresolvedVariable(install, args.unresolved));
    const option = args.list.map(([name]) => name).find((name) => !KNOWN.includes(name));
    if (option !== undefined)
      return unknown(install, {
        code: 'dynamic-manifest',
        message: `what \`${option}\` makes \`${command.text}\` read is not known`,
        help: 'leave it out',
      });
    const path = `${directory}/my-manager.json`;
    const lock = `${directory}/my-manager.lock`;
    const installed = `${directory}/my-manager_modules`;
    const manifest = document(files, path, 'json');
    if (isTrouble(manifest)) return unknown(install, manifest);
    if (manifest['hooks'] !== undefined)
      return unknown(install, {
        code: 'dynamic-manifest',
        message: `\`${command.text}\` runs hooks of the project`,
        help: 'copy by hand',
      });
    return {
      ...single({
        name: `my-manager install ${optionText(args, QUIET)}`,
        reads: [{ path }, { path: lock }],
        writes: [installed],
        edits: [lock],
        system: 'writes',
      }),
      outputs: [installed],
      ignore: ['my-manager_modules'],
    };
  },
};

const plugin: Plugin = { managers: [manager] };

export default plugin;
