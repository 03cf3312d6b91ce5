import { parseDocument } from 'yaml';
import { shallow } from './depth.ts';

/** The value of a YAML document. Throws on what is not YAML, on aliases that multiply, and on what is nested too deeply. */
export function parseYaml(text: string): unknown {
  const document = parseDocument(text, { logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return shallow(document.toJS({ maxAliasCount: 50 }) as unknown);
}
