/**
 * vcpkg in manifest mode.
 *
 * Reads: vcpkg.json and vcpkg-configuration.json beside it; overlay ports and triplets are refused.
 *
 * Writes: vcpkg_installed/.
 *
 * Sources: https://learn.microsoft.com/vcpkg/concepts/manifest-mode
 */
import type { PackageManager, Plugin } from 'dockerfix/plugin';

const vcpkg: PackageManager = {
  name: 'vcpkg',
  summary: 'vcpkg install',
  commands: ['vcpkg'],
  manifests: ['vcpkg.json'],
  globs: ['vcpkg.json', 'vcpkg-configuration.jso[n]'],
  caches: [{ path: '~/.cache/vcpkg', class: 'download', variable: 'VCPKG_DEFAULT_BINARY_CACHE' }],
  recognise(command, place) {
    const [, verb, ...rest] = command.words.map((word) => word.value);
    // With names of packages it is the classic mode, which reads no manifest.
    const isManifestMode = verb === 'install' && rest.every((word) => word?.startsWith('-') === true);
    return isManifestMode
      ? { manager: 'vcpkg', kind: 'install', directory: place.directory, command, place }
      : undefined;
  },
  analyse({ command, directory }, files) {
    const manifest = `${directory}/vcpkg.json`;
    const configuration = `${directory}/vcpkg-configuration.json`;
    const name = command.text;
    const none = { writes: [], edits: [], system: 'writes' } as const;
    const nothing = { outputs: [], ignore: [], splits: [] };
    const overlay = command.text.includes('--overlay') || files.read(configuration)?.includes('"overlay-') === true;
    if (overlay || files.has(manifest) !== 'yes') {
      const opaque = overlay
        ? { code: 'dynamic-manifest', message: `\`${name}\` uses overlays of the project`, help: 'copy them by hand' }
        : {
            code: 'manifest-missing',
            message: `there is no \`${manifest}\``,
            help: 'pass the right --context',
            path: manifest,
          };
      return { steps: [{ name, reads: [], ...none, opaque }], ...nothing, refusal: opaque };
    }
    const installed = `${directory}/vcpkg_installed`;
    return {
      steps: [{ name, reads: [{ path: manifest }, { path: configuration }], ...none, writes: [installed] }],
      outputs: [installed],
      ignore: ['vcpkg_installed'],
      splits: [],
    };
  },
};

const plugin: Plugin = { managers: [vcpkg] };

export default plugin;
