/** Programs beside Node that some tests need. Without one its tests are skipped, and say why; in CI they run, and fail. */
import { spawnSync } from 'node:child_process';
import { beforeEach } from 'vitest';

/** None of these can be started here. */
export function lacks(...programs: readonly string[]): boolean {
  if (process.env['CI'] !== undefined) return false;
  return programs.every((each) => spawnSync(each, ['--version'], { stdio: 'ignore' }).error !== undefined);
}

const told = new Set<string>();

/** Of the tests around it: one of these programs. */
export function needs(...programs: readonly string[]): void {
  const isLacking = lacks(...programs);
  const what = `install ${programs.join(' or ')}`;
  if (isLacking && !told.has(what)) console.warn(`${what}: tests that need it are skipped`);
  told.add(what);
  beforeEach(({ skip }) => {
    skip(isLacking, what);
  });
}
