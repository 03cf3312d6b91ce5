/** Git repositories of the fixtures' shapes, with some commits each. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of fixtures, each a small project. */
export function shapes(): string[] {
  return readdirSync('fixtures').flatMap((name) =>
    readdirSync(join('fixtures', name)).map((each) => join('fixtures', name, each)),
  );
}

/** `to` must not exist. Every fifth commit or so changes a manifest, the others a source file. */
export function makeRepository(to: string, shape: string, seed: number, commits: number): void {
  const files = new Map<string, Buffer>();
  for (const each of readdirSync(shape, { withFileTypes: true, recursive: true })) {
    const name = join(each.parentPath, each.name).slice(shape.length + 1);
    if (each.isFile() && !name.startsWith('expected/')) files.set(name, readFileSync(join(shape, name)));
  }
  for (let file = 0; file < 50; file++)
    files.set(`src/d${file % 7}/f${file}.ts`, Buffer.from(`export const n = ${seed * file};\n`));
  const parts: (string | Buffer)[] = [];
  const manifest = [...files.keys()].find((name) => name === 'package.json' || name.endsWith('requirements.txt'));
  // Some are busy, some sleep.
  const apart = 3600 * (1 + (seed % 97));
  const now = Math.floor(Date.now() / 1000);
  for (let n = 0; n < commits; n++) {
    const time = now - (commits - n) * apart;
    parts.push(`commit refs/heads/main\ncommitter a <a@example.com> ${time} +0000\ndata 1\nx\n`);
    if (n === 0) for (const [name, bytes] of files) parts.push(...modify(name, bytes));
    else if (manifest !== undefined && (n + seed) % 5 === 0)
      parts.push(...modify(manifest, Buffer.concat([files.get(manifest) as Buffer, Buffer.from('\n'.repeat(n))])));
    else parts.push(...modify(`src/d${n % 7}/f${n % 50}.ts`, Buffer.from(`export const n = ${seed * n};\n// ${n}\n`)));
  }
  execFileSync('git', ['init', '-q', '-b', 'main', to]);
  execFileSync('git', ['-C', to, 'fast-import', '--quiet', '--done'], {
    input: Buffer.concat([...parts, 'done\n'].map((part) => Buffer.from(part))),
  });
  execFileSync('git', ['-C', to, 'checkout', '-q', '-f', 'main']);
}

function modify(name: string, bytes: Buffer): (string | Buffer)[] {
  return [`M 100644 inline ${JSON.stringify(name)}\ndata ${bytes.length}\n`, bytes, '\n'];
}
