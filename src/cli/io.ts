import { printable } from '../reporters/text.ts';

/** Everything that the command touches besides files, so that tests can stand in for it. */
export interface Io {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Standard output is a terminal. */
  readonly isTerminal: boolean;
  readonly stdin: () => Promise<Uint8Array>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** Says what is wrong with the command line, and returns its exit code. */
export function usageError(io: Io, message: string): number {
  // A configuration's mistakes are a line each.
  io.stderr(`dockerfix: ${message.split('\n').map(printable).join('\n')}\nTry \`dockerfix --help\`.\n`);
  return 2;
}
