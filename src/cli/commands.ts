/** The commands besides the main one. Each is loaded only when it is called. */
import type { Io } from './io.ts';

export interface Command {
  /** One line for `--help`. */
  readonly summary: string;
  /** `run` takes what follows the command's name, and returns the exit code. */
  load(): Promise<{ run(argv: readonly string[], io: Io): Promise<number> }>;
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  batch: {
    summary: 'many repositories: a patch or a pull request for each, and a list of what was found',
    load: () => import('./batch.ts'),
  },
  explain: {
    summary: 'show the layers, what re-runs each, and what led to each refusal; or what CODE means',
    load: () => import('./explain.ts'),
  },
  replay: {
    summary: 'count what the commits of this repository would have re-run, before and after',
    load: () => import('./replay.ts'),
  },
  verify: {
    summary: 'build Dockerfiles before and after with a real builder, and compare the images and the cache',
    load: () => import('./verify.ts'),
  },
  init: { summary: 'write a configuration to start from', load: () => import('./init.ts') },
  new: {
    summary: 'make a plugin package to start from: a transform or a package manager',
    load: () => import('./new.ts'),
  },
  completion: { summary: 'a script that completes in bash or zsh', load: () => import('./completion.ts') },
  worker: {
    summary: 'take repositories off the queue of `dockerfix batch --queue`, on another machine',
    load: () => import('./worker.ts'),
  },
  lsp: { summary: 'a language server, for editors', load: () => import('./lsp.ts') },
};
