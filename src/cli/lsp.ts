/** `dockerfix lsp`: a language server on standard input and output. */
import { serve } from '../lsp/server.ts';
import { usageError, type Io } from './io.ts';
import { parseWith } from './parser.ts';
import { fixRequest } from './request.ts';

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const parsed = await parseWith(argv, 100, (parser) =>
    parser
      .usage('$0 lsp\n\nA language server: what dockerfix finds, as you type, with its fixes as code actions.')
      .options({
        stdio: { type: 'boolean', describe: 'standard input and output (the default, and all there is)' },
        // VS Code's client says whose end is this one's, too; the protocol's library reads it.
        clientProcessId: { type: 'number', hidden: true },
      }),
  );
  if ('mistake' in parsed) return usageError(io, parsed.mistake);
  if ('text' in parsed) {
    io.stdout(parsed.text);
    return 0;
  }
  // A configuration may be code and load plugins: opening somebody's repository in an editor must not run them.
  return serve((settings, directory) => fixRequest({ ...settings, config: false }, directory));
}
