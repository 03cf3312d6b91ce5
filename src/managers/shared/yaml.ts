import { parseDocument } from 'yaml';

/** The value of a YAML document. Throws on what is not YAML, and on aliases that multiply. */
export function parseYaml(text: string): unknown {
  const document = parseDocument(text, { logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return document.toJS({ maxAliasCount: 50 }) as unknown;
}
