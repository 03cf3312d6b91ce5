/** Manifests in TOML, XML, YAML and JSON, read with their own parsers; each is read once, however often it is asked for. */
import { XMLParser } from 'fast-xml-parser';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import type { Files, Trouble } from '../../model.ts';
import { shallow } from './depth.ts';
import { memo } from './memo.ts';
import { record, type Json } from './package-json.ts';
import { generated, isTrouble, missing } from './steps.ts';
import { parseYaml } from './yaml.ts';

type Parser = (text: string) => unknown;

const XML_OPTIONS = {
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  // Entities of a document's own are how small files become large ones.
  processEntities: false,
};

const parsers = {
  toml: memo((text) => shallow(parseToml(text))),
  yaml: memo(parseYaml),
  json: memo((text) => shallow(parseJson(text))),
  xml: memo((text) => shallow(new XMLParser(XML_OPTIONS).parse(text) as unknown)),
} satisfies Readonly<Record<string, Parser>>;

/** With comments and trailing commas, which few have: the engine's own parser is many times faster. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseJsonc(text, [], { allowTrailingComma: true });
  }
}

export type Format = keyof typeof parsers;

/** The document; `undefined` where there is none; a trouble where its content is not known or not understood. */
export function optionalDocument(files: Files, path: string, format: Format): Json | Trouble | undefined {
  const presence = files.has(path);
  if (presence === 'no') return undefined;
  const text = files.read(path);
  if (text === undefined) return presence === 'maybe' ? undefined : generated(path);
  try {
    const json = record(parsers[format](text.replace(/^\ufeff/, '')));
    if (!isTrouble(json)) return json;
    // No manifest has such a field; told as a trouble it would be one.
    const { code: _, ...rest } = json;
    return rest;
  } catch {
    return {
      code: 'dynamic-manifest',
      message: `\`${path}\` is not valid ${format.toUpperCase()}`,
      help: 'mend the file',
    };
  }
}

/** The same of a file that has to be there. */
export function document(files: Files, path: string, format: Format): Json | Trouble {
  if (files.has(path) === 'maybe')
    return {
      code: 'manifest-generated',
      message: `git ignores \`${path}\`, or an earlier command may have made it, so its content is not known`,
      help: 'commit it',
    };
  return optionalDocument(files, path, format) ?? missing(path);
}

/** XML has one element or several; a list either way. */
export function list(value: unknown): readonly unknown[] {
  return value === undefined || value === null || value === ''
    ? []
    : Array.isArray(value)
      ? (value as unknown[])
      : [value];
}
