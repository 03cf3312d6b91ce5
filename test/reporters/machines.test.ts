/** Reports for machines, made by the command on real files. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { lineEdits } from '../../src/diff.ts';
import type { Outcome } from '../../src/model.ts';
import { githubReport } from '../../src/reporters/github.ts';
import { junitReport } from '../../src/reporters/junit.ts';
import { allCases } from '../support/fixtures.ts';
import { dockerfix, FIXED, folder, PROJECT } from '../cli/support.ts';

const MIXED = {
  ...Object.fromEntries(Object.entries(PROJECT).map(([path, text]) => [`a b/${path}`, text])),
  'x/Dockerfile': 'FROM node\nWORKDIR /app\nCOPY . .\nRUN ./configure\nRUN npm install express\n',
  'x/package.json': '{}',
  'y/Dockerfile': 'COPY\n',
};
const report = async (format: string, ...more: readonly string[]): Promise<string> =>
  (await dockerfix(folder(MIXED), ['--format', format, ...more])).out;

interface Region {
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
}
interface Sarif {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { shortDescription: { text: string } }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly level: string;
      readonly partialFingerprints: Readonly<Record<string, string>>;
      readonly fixes?: readonly {
        readonly artifactChanges: readonly {
          readonly artifactLocation: { readonly uri: string };
          readonly replacements: readonly { deletedRegion: Region; insertedContent: { text: string } }[];
        }[];
      }[];
    }[];
  }[];
}

describe('github', () => {
  it('writes the job summary where GitHub asks for one, after what is there', async () => {
    const root = folder(PROJECT);
    const path = join(folder({ summary: 'before\n' }, false), 'summary');
    await dockerfix(root, ['--format', 'github'], { environment: { GITHUB_STEP_SUMMARY: path } });
    expect(readFileSync(path, 'utf8')).toBe(`before\n${(await dockerfix(root, ['--format', 'markdown'])).out}`);
    await dockerfix(root, ['--format', 'json'], { environment: { GITHUB_STEP_SUMMARY: path } });
    expect(readFileSync(path, 'utf8')).not.toContain('"version"');
    const { code, out, err } = await dockerfix(root, ['--format', 'github'], {
      environment: { GITHUB_STEP_SUMMARY: join(root, 'none/summary') },
    });
    expect(code).toBe(0);
    expect(out).toContain('::warning file=Dockerfile');
    expect(err).toContain('the job summary could not be written');
  });
});

describe('sarif', () => {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../schemas/sarif-2.1.0.json'), 'utf8')) as object;
  const valid = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);

  it('fits the published schema, which rejects what does not', async () => {
    const log = JSON.parse(await report('sarif')) as Sarif;
    valid(log);
    expect(valid.errors).toBeNull();
    expect(log.runs[0]?.results.map(({ level }) => level).sort()).toEqual(['error', 'note', 'warning']);
    expect(valid({ ...log, version: 3 })).toBe(false);
    // What code scanning calls an alert.
    const named = log.runs[0]?.tool.driver.rules.map((rule) => rule.shortDescription.text);
    expect(named).toContain('Split dependency manifests');
    expect(named).toHaveLength(3);
  });
  it('has fixes that make the same file', async () => {
    const { runs } = JSON.parse(await report('sarif')) as Sarif;
    const [change] = runs[0]?.results.flatMap(({ fixes = [] }) => fixes.flatMap((fix) => fix.artifactChanges)) ?? [];
    expect(change?.artifactLocation.uri).toBe('a%20b/Dockerfile');
    let text = PROJECT.Dockerfile;
    for (const { deletedRegion, insertedContent } of [...(change?.replacements ?? [])].reverse()) {
      const offset = (line: number, column: number): number =>
        text
          .split('\n')
          .slice(0, line - 1)
          .join('\n').length +
        (line > 1 ? 1 : 0) +
        column -
        1;
      const { startLine, startColumn, endLine, endColumn } = deletedRegion;
      text =
        text.slice(0, offset(startLine, startColumn)) + insertedContent.text + text.slice(offset(endLine, endColumn));
    }
    expect(text).toBe(FIXED);
  });
  it('keeps its fingerprints when lines shift', async () => {
    const ids = (text: string): unknown =>
      (JSON.parse(text) as Sarif).runs[0]?.results.map((each) => each.partialFingerprints);
    const root = folder(MIXED);
    const before = ids((await dockerfix(root, ['--format', 'sarif'])).out);
    writeFileSync(join(root, 'x/Dockerfile'), `# a comment\n\n${MIXED['x/Dockerfile']}`);
    expect(ids((await dockerfix(root, ['--format', 'sarif'])).out)).toEqual(before);
  });
});

describe('github', () => {
  it('annotates paths from the root of the repository', async () => {
    const root = folder(MIXED);
    const { out } = await dockerfix(join(root, 'x'), ['--format', 'github', '../a b', '../y']);
    expect(out).toMatch(/^::warning file=a b\/Dockerfile,line=4,title=dockerfix split-dependency-manifests::copies /m);
    expect(out).toMatch(/^::error file=y\/Dockerfile,line=1,title=dockerfix syntax-error::/m);
  });
  it('keeps text from being a command or a property', () => {
    const outcome: Outcome = {
      ...{ path: 'a,b:c', status: 'refused', changes: [], applied: [], notes: [] },
      refused: [{ line: 1, code: 'unsafe-fix', message: '100%\n::error::x' }],
    };
    expect(githubReport({ tool: '1', outcomes: [outcome], notes: [], written: false })).toBe(
      '::notice file=a%2Cb%3Ac,line=1,title=dockerfix unsafe-fix::100%25\\u000a::error::x\n',
    );
  });
});

describe('gitlab', () => {
  it('has what GitLab requires of each issue, and no fingerprint twice', async () => {
    const issues = JSON.parse(await report('gitlab')) as Record<string, unknown>[];
    expect(issues).toHaveLength(3);
    for (const issue of issues)
      expect(issue).toEqual({
        description: expect.any(String) as string,
        check_name: expect.any(String) as string,
        fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        severity: expect.stringMatching(/^(?:info|minor|major)$/) as string,
        location: { path: expect.any(String) as string, lines: { begin: expect.any(Number) as number } },
      });
    expect(new Set(issues.map(({ fingerprint }) => fingerprint)).size).toBe(3);
  });
});

/** Throws where it is not well-formed. */
function xml(text: string): unknown {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the validator is still there; another package for it is not worth it
  return new XMLParser({ ignoreAttributes: false }).parse(text, true);
}

describe('junit', () => {
  it('is XML with a test for each Dockerfile', async () => {
    const text = await report('junit');
    const { testsuites } = xml(text) as {
      testsuites: { '@_failures': string; '@_errors': string; testsuite: { testcase: Record<string, unknown>[] } };
    };
    expect([testsuites['@_failures'], testsuites['@_errors']]).toEqual(['1', '1']);
    expect(testsuites.testsuite.testcase.map((each) => each['@_name'])).toEqual([
      ...['a b/Dockerfile', 'x/Dockerfile', 'y/Dockerfile'],
    ]);
  });
  it('escapes what XML has no room for', () => {
    const outcome: Outcome = {
      ...{ path: '<&">\u0001\ud800', status: 'refused', changes: [], applied: [], notes: [] },
      refused: [{ line: 1, code: 'unsafe-fix', message: ']]>' }],
    };
    const text = junitReport({ tool: '1', outcomes: [outcome], notes: [], written: false });
    expect(() => xml(text)).not.toThrow();
    expect(text).toContain('name="&#60;&#38;&#34;&#62;\ufffd\ufffd"');
  });
});

it.each(['sarif', 'gitlab', 'junit', 'github', 'markdown'])('--check --format %s exits 1', async (format) => {
  expect(await dockerfix(folder(PROJECT), ['--check', '--format', format])).toMatchObject({ code: 1, err: '' });
});

it('lineEdits carry every fixture from its first text to its last', () => {
  const made = allCases().flatMap(({ folder: path, files }) => {
    const expected = join(path, 'expected/Dockerfile');
    const after = existsSync(expected) ? readFileSync(expected, 'utf8') : '';
    return after === '' || files['Dockerfile'] === undefined ? [] : [[files['Dockerfile'], after] as const];
  });
  expect(made.length).toBeGreaterThan(50);
  for (const [before, after] of [...made, ['', 'a\n'], ['a', 'a\nb'], ['a\nb', 'a'], ['a\n', '']] as const) {
    const lines = before.split(/(?<=\n)/);
    for (const { start, end, text } of [...lineEdits(before, after)].reverse()) lines.splice(start, end - start, text);
    expect(lines.join('')).toBe(after);
  }
});
