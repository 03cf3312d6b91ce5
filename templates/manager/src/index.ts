/**
 * my-manager.
 *
 * Reads: my-manager.json and my-manager.lock where it runs. Name every file here, absent ones as well.
 *
 * Writes: my-manager_modules/.
 *
 * Runs: nothing of the project, unless it has hooks.
 *
 * Hazards: a project with hooks is not moved.
 *
 * Sources: https://example.org/the-page-that-says-so
 */
import type { PackageManager, Plugin } from 'dockerfix/plugin';

const manager: PackageManager = {
  name: 'my-manager',
  summary: 'my-manager install',
  commands: ['my-manager'],
  manifests: ['my-manager.json'],
  // What to copy where the context is not known; the brackets let a file be absent.
  globs: ['my-manager.json', 'my-manager.loc[k]'],
  caches: [],
  recognise(command, place) {
    const [, verb, ...rest] = command.words.map((word) => word.value);
    // Options are not known here, so none are understood: what is not understood is not moved.
    const isInstall = verb === 'install' && rest.length === 0;
    return isInstall
      ? { manager: 'my-manager', kind: 'install', directory: place.directory, command, place }
      : undefined;
  },
  analyse({ command, directory }, files) {
    const name = command.text;
    const manifest = `${directory}/my-manager.json`;
    const text = files.read(manifest);
    const step = { name, edits: [`${directory}/my-manager.lock`], system: 'writes' } as const;
    const nothing = { outputs: [], ignore: [], splits: [] };
    if (text === undefined || text.includes('"hooks"')) {
      const opaque =
        text === undefined
          ? { code: 'manifest-missing', message: `there is no \`${manifest}\``, help: 'pass the right --context' }
          : { code: 'dynamic-manifest', message: `\`${name}\` runs hooks of the project`, help: 'copy by hand' };
      return { steps: [{ ...step, reads: [], writes: [], opaque }], ...nothing, refusal: opaque };
    }
    const installed = `${directory}/my-manager_modules`;
    const reads = [{ path: manifest }, { path: `${directory}/my-manager.lock` }];
    return {
      steps: [{ ...step, reads, writes: [installed] }],
      outputs: [installed],
      ignore: ['my-manager_modules'],
      splits: [],
    };
  },
};

const plugin: Plugin = { managers: [manager] };

export default plugin;
