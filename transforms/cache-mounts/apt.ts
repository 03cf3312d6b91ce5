/** Caches of apt. */
import {
  rewritten,
  supportsMounts,
  type Dockerfile,
  type Event,
  type Proposal,
  type Run,
  type Target,
  type Trouble,
} from '../../src/plugin.ts';
import { flagEdit } from './mounts.ts';
import { removalOf } from './removals.ts';

const APT = ['/var/cache/apt', '/var/lib/apt'];

const INSTALLS = /(?:^|[\s;&|(])apt(?:-get)? (?:[^\s;&|]+ ){0,50}install /;

/** It fetches the lists ahead of its first install. */
function updates({ text }: Run): boolean {
  const at = INSTALLS.exec(text)?.index ?? 0;
  return /(?:^|[\s;&|(])apt(?:-get)? (?:-\S+ ){0,20}update\b/.test(text.slice(0, at));
}

/** It installs by lists that an earlier one fetched. */
export const isUnlisted = (run: Run): boolean => INSTALLS.test(run.text) && !updates(run);

/** Debian's and Ubuntu's images delete what apt downloads; the documented way is to take that file out. */
export function* systemPackages(
  file: Dockerfile,
  unlisted: readonly Run[],
  event: Event,
  target: Target,
): Iterable<Proposal> {
  const { instruction } = event;
  if (instruction.keyword !== 'RUN' || instruction.form !== 'shell') return;
  const run = instruction;
  const commands = run.commands ?? [];
  const first = commands[0];
  const installs = commands.findIndex(({ text }) => INSTALLS.test(text));
  const isRoot = (run.state.user ?? 'root') === 'root';
  if (first === undefined || installs < 0 || !isRoot || supportsMounts(file, target) !== undefined) return;
  if (run.flags.some((flag) => flag.name === 'mount' && (flag.value ?? '').includes('/var/cache/apt'))) return;
  // Lists are mounted with the rest: who installs has to fetch them in the same RUN, and who comes later, too.
  if (!updates(run)) return;
  const refusal = troubleOf(run, unlisted);
  if (refusal !== undefined) {
    yield { at: run, fixes: [], refusal };
    return;
  }
  // What is cleaned ahead of the install is left: it is not what that downloads.
  const cleaning = commands.filter(
    (command, at) =>
      at > installs && /^(?:rm -rf? \/var\/lib\/apt\/lists(?:\/\*)?|apt(?:-get)? clean)$/.test(command.text),
  );
  yield {
    at: run,
    fixes: [
      {
        edits: [
          flagEdit(
            file,
            run,
            APT.map((path) => `--mount=type=cache,target=${path},sharing=locked`),
          ),
          {
            file: 'dockerfile',
            span: [first.span[0], first.span[0]],
            text: 'rm -f /etc/apt/apt.conf.d/docker-clean && ',
          },
          ...cleaning.flatMap((command) => {
            const before = commands[commands.indexOf(command) - 1];
            return rewritten(file, run, [before?.span[1] ?? command.span[0], command.span[1]], '');
          }),
        ],
        message: 'keeps what apt downloads in a cache mount',
        safety: 'unsafe',
        risk: 'the image no longer has /etc/apt/apt.conf.d/docker-clean, which later apt runs in it would obey',
        changes: true,
      },
    ],
  };
}

function troubleOf(run: Run, unlisted: readonly Run[]): Trouble | undefined {
  const later = unlisted.find(({ line }) => line > run.line);
  if (later !== undefined)
    return {
      code: 'mount-is-output',
      message: `the RUN of line ${later.line} installs by the package lists that this one fetches`,
      help: 'let it run `apt-get update` itself',
    };
  const removal = removalOf(run, '/root', APT, true);
  if (removal === undefined) return undefined;
  return {
    code: 'cache-cleaned',
    message: `\`${removal.command}\` would fail with a cache mount at \`${removal.target}\``,
    help: 'remove what is in it instead',
  };
}
