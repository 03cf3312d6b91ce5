/** `dockerfix lsp`: a language server on standard input and output. */
import { serve } from '../lsp/server.ts';
import type { Io } from './io.ts';
import { parseOptions } from './parser.ts';
import { fixRequest } from './request.ts';

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = await parseOptions(argv, io, (parser) =>
    parser
      .usage('$0 lsp\n\nA language server: what dockerfix finds, as you type, with its fixes as code actions.')
      .options({
        stdio: { type: 'boolean', describe: 'standard input and output (the default, and all there is)' },
        // VS Code's client says whose end is this one's, too; the protocol's library reads it.
        clientProcessId: { type: 'number', hidden: true },
      }),
  );
  if (typeof options === 'number') return options;
  // A configuration may be code and load plugins: opening somebody's repository in an editor must not run them.
  return serve((settings, directory) => fixRequest({ ...settings, config: false }, directory));
}
