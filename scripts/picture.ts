/** What dockerfix prints on a bundled example, as on a terminal, for the README: light and dark. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../src/cli/index.ts';

const EXAMPLE = 'fixtures/split-dependency-manifests/applies-design-example';
const LINE = 20;
const CHAR = 7.85;
const EDGE = 16;

/** git's colours: bold, red, green, cyan. */
const CLASSES: Readonly<Record<string, string>> = { '1': 'head', '31': 'minus', '32': 'plus', '36': 'hunk' };

export async function diffPicture(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'dockerfix-picture-'));
  try {
    for (const name of ['Dockerfile', '.dockerignore', 'package.json']) cpSync(join(EXAMPLE, name), join(folder, name));
    return picture(['$ npx dockerfix', ...(await printed(folder))]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function printed(cwd: string): Promise<readonly string[]> {
  let text = '';
  const print = (each: string): void => void (text += each);
  const code = await main(['--color'], {
    cwd,
    environment: {},
    isTerminal: true,
    stdin: () => Promise.resolve(new Uint8Array()),
    stdout: print,
    stderr: print,
  });
  if (code !== 0) throw new Error(`the example of the picture ended with ${code}: ${text}`);
  return text.trimEnd().split('\n');
}

function picture(lines: readonly string[]): string {
  const rows = lines.map((line, at) => {
    // eslint-disable-next-line no-control-regex -- the escape sequences of a terminal
    const [, color = '', text = line] = /^\u001b\[(\d+)m(.*)\u001b\[m$/.exec(line) ?? [];
    const y = EDGE + at * LINE;
    const kind = CLASSES[color] ?? '';
    const bar =
      kind === 'plus' || kind === 'minus'
        ? `<rect class="${kind}-back" x="0" y="${y}" width="100%" height="${LINE}"/>`
        : '';
    return `${bar}<text x="${EDGE}" y="${y + 14.5}"${kind === '' ? '' : ` class="${kind}"`} xml:space="preserve">${escape(text)}</text>`;
  });
  const longest = Math.max(...lines.map((line) => line.length));
  const width = Math.ceil(2 * EDGE + longest * CHAR);
  const height = 2 * EDGE + lines.length * LINE;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<!-- Made from ${EXAMPLE} by \`npm run docs\`. -->
<title id="title">npx dockerfix shows a diff: package.json is copied and installed before the source</title>
<style>
:root { color-scheme: light dark; }
.back { fill: #f6f8fa; } text { fill: #1f2328; font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.head { font-weight: 600; } .plus { fill: #116329; } .minus { fill: #a40e26; } .hunk { fill: #0550ae; }
.plus-back { fill: #dafbe1; } .minus-back { fill: #ffebe9; }
@media (prefers-color-scheme: dark) {
.back { fill: #0d1117; } text { fill: #e6edf3; } .plus { fill: #7ee787; } .minus { fill: #ffa198; } .hunk { fill: #79c0ff; }
.plus-back { fill: #12261e; } .minus-back { fill: #2d1618; }
}
</style>
<rect class="back" width="100%" height="100%" rx="8"/>
${rows.join('\n')}
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
