import type { BuildContext, PackageManager } from '../model.ts';
import { memoryContext } from './memory.ts';

/**
 * The context that a Dockerfile is given when there is none: each manager's usual manifests, nothing that runs code,
 * and no stray `node_modules`. It says that it is not known, so every fix made on it is unsafe.
 */
export function assumedContext(managers: readonly PackageManager[]): BuildContext {
  const files: Record<string, string> = { '.dockerignore': '**/node_modules\n', 'src/main': '' };
  for (const manager of managers)
    for (const name of manager.manifests) files[name] = name.endsWith('.json') ? '{}' : '';
  const known = memoryContext(files);
  return Object.create(known, { known: { value: false } }) as BuildContext;
}
