/**
 * Every manager, built for real: what dockerfix makes of it has to give the same image, and rewrites that are wrong have
 * to be caught. Needs a builder and the images of scripts/stand-ins.sh; without them it fails. E2E=gate builds those
 * projects alone that the gate has time for.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepare, verifyIn } from './prepare.ts';
import { CONTROLS, PROJECTS } from './projects.ts';

const gate = process.env['E2E'] === 'gate';

function make(project: Parameters<typeof prepare>[0]): string {
  const folder = prepare(project);
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

describe('the rewrite gives the same image', () => {
  for (const project of PROJECTS.filter((each) => !gate || each.gate === true))
    it(project.name, () => {
      const folder = make(project);
      const { code, verification, stderr } = verifyIn(folder, ...(project.options ?? []));
      expect(stderr).toBe('');
      expect(verification?.stages.flatMap(({ comparison }) => comparison?.differences ?? [])).toEqual([]);
      expect(verification?.verdict).toBe('same');
      // The install stayed cached after a source edit, and ran again after one of the manifest.
      expect(verification?.cache?.notes).toEqual([]);
      expect(verification?.cache?.source?.ratio).toBeGreaterThan(project.faster ?? 0);
      expect(verification?.cache?.manifest?.reran).not.toEqual([]);
      expect(code).toBe(0);
    });
});

describe('a wrong rewrite is caught', () => {
  for (const control of CONTROLS)
    it(control.name, () => {
      const folder = make(control);
      const rewritten = join(folder, '.git', 'rewritten');
      writeFileSync(rewritten, control.rewritten);
      const { code, verification } = verifyIn(folder, '--against', rewritten, '--no-cache', 'Dockerfile');
      const paths = verification?.stages.flatMap(({ comparison }) => comparison?.differences.map(({ path }) => path));
      expect(paths).toContain(control.shows);
      expect(verification?.verdict).toBe('different');
      expect(code).toBe(1);
    });
});
