/** Shell completion, by yargs: the script, and what it asks for while somebody types. */
import { COMMANDS } from './commands.ts';
import type { Io } from './io.ts';
import { COMPLETIONS, offered, parseOptions } from './parser.ts';

const SHELLS = ['bash', 'zsh'] as const;

/** `dockerfix completion`: the script for a shell to source. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  io.stdout(offered(argv, SHELLS));
  const options = await parseOptions(argv, io, (parser) =>
    parser
      .usage('$0 completion [shell]\n\nA script for bash or zsh that completes commands, options and their values.')
      .command('$0 [shell]', false, (command) =>
        command.positional('shell', { choices: SHELLS, describe: 'default: that of $SHELL' }),
      )
      .example('source <($0 completion bash)', 'in ~/.bashrc; likewise zsh in ~/.zshrc, after compinit'),
  );
  if (typeof options === 'number') return options;
  const { shell } = options as { readonly shell?: string };
  io.stdout(await script(shell ?? io.environment['SHELL'] ?? 'bash'));
  return 0;
}

/** yargs asks the environment which shell it is. */
async function script(shell: string): Promise<string> {
  const { default: yargs } = await import('yargs');
  const { SHELL, ZSH_NAME } = process.env;
  try {
    process.env['SHELL'] = shell;
    Reflect.deleteProperty(process.env, 'ZSH_NAME');
    let text = '';
    await yargs()
      .scriptName('dockerfix')
      .exitProcess(false)
      .completion('completion')
      .parse(['completion'], {}, (_error, _args, output) => {
        text = output;
      });
    return `${text}\n`;
  } finally {
    if (SHELL === undefined) Reflect.deleteProperty(process.env, 'SHELL');
    else process.env['SHELL'] = SHELL;
    if (ZSH_NAME !== undefined) process.env['ZSH_NAME'] = ZSH_NAME;
  }
}

/** The words typed so far, the program's name first, the last one unfinished. */
export async function complete([program = '', ...words]: readonly string[], io: Io): Promise<number | undefined> {
  const [name = '', ...rest] = words;
  if (rest.length === 0 || !Object.hasOwn(COMMANDS, name)) return undefined;
  return (await (COMMANDS[name] as (typeof COMMANDS)[string]).load()).run([COMPLETIONS, program, ...rest], io);
}
