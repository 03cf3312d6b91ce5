// The licences of what is bundled and of what npm installs along: notices for the packages, and the table of docs/licences.md.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The directories of the packages that a bundle is made of.
 *
 * @param {readonly import('esbuild').Metafile[]} metafiles
 */
export function packagesIn(metafiles) {
  const found = new Set();
  for (const { inputs } of metafiles)
    for (const path of Object.keys(inputs)) {
      // Of nested packages, the innermost.
      const directory = /^(?:[\w-]+:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
      if (directory !== undefined) found.add(directory);
    }
  return [...found].sort();
}

/** Name, version, licence, and the texts that have to go along with a copy. */
export function licenceOf(directory) {
  const { name, version, license, licenses } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const stated = license?.type ?? license ?? licenses?.map(({ type }) => type).join(' OR ');
  const texts = readdirSync(directory)
    .filter((file) => /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i.test(file))
    .sort()
    .map((file) => readFileSync(join(directory, file), 'utf8').replaceAll('\r\n', '\n').trim());
  return { name, version, licence: stated ?? 'not stated', texts };
}

/** What a lock file installs; `dev`: for those who work here alone. */
export function locked(path) {
  const { packages } = JSON.parse(readFileSync(path, 'utf8'));
  return Object.entries(packages)
    .filter(([at]) => at !== '')
    .map(([at, { license, dev, devOptional }]) => ({
      name: at.slice(at.lastIndexOf('node_modules/') + 'node_modules/'.length),
      licence: license ?? 'not stated',
      dev: dev === true || devOptional === true,
    }));
}

/** Ships beside the bundles: their licences ask for it. A text that several packages share is there once. */
export function notices(metafiles) {
  const byText = new Map();
  for (const { name, version, licence, texts } of packagesIn(metafiles).map(licenceOf)) {
    const text = texts.length === 0 ? 'The package carries no text of its licence.' : texts.join('\n\n');
    const key = `${licence}\n\n${text}`;
    byText.set(key, [...(byText.get(key) ?? []), `${name} ${version}`]);
  }
  const rule = '-'.repeat(80);
  const parts = [...byText].map(([text, names]) => `${rule}\n${[...new Set(names)].join(', ')}\n${text}\n`);
  return `The programs in this folder contain parts of these packages.\n\n${parts.join('\n')}`;
}
