/** The server that comes with the extension: `dockerfix lsp` alone. */
import { run } from '../../src/cli/lsp.ts';

run(process.argv.slice(2), {
  cwd: process.cwd(),
  environment: process.env,
  isTerminal: false,
  stdin: () => Promise.resolve(new Uint8Array()),
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
}).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 2;
  },
);
