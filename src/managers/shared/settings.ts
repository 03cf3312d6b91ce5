/** Managers' settings files, as far as they decide what an install reads or runs. */
import type { Files, Trouble } from '../../model.ts';
import { record, type Json } from './package-json.ts';
import { generated } from './steps.ts';
import { memo } from './memo.ts';
import { parseYaml } from './yaml.ts';

const settings = memo((text) => record(parseYaml(text)));

/** Settings in YAML; empty when there are none. */
export function yamlSettings(files: Files, path: string): Json | Trouble {
  if (files.has(path) === 'no') return {};
  const text = files.read(path);
  if (text === undefined) return files.has(path) === 'maybe' ? {} : generated(path);
  try {
    return settings(text);
  } catch {
    return { code: 'dynamic-manifest', message: `\`${path}\` is not valid YAML`, help: 'mend the file' };
  }
}
