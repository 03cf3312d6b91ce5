/** Commands that download nothing: they live on what an earlier command left in a store. */
import type { Install } from '../../model.ts';

const OPTIONS: Readonly<Record<string, string>> = { cargo: '--frozen', maven: '-o', bundler: '--local' };
const VARIABLES: Readonly<Record<string, string>> = {
  cargo: 'CARGO_NET_OFFLINE',
  go: 'GOPROXY',
  npm: 'npm_config_offline',
  pnpm: 'npm_config_offline',
  uv: 'UV_OFFLINE',
};

/** `text` is the command's; without an install it is no manager's that is known. */
export function worksOffline(text: string, install: Install | undefined): boolean {
  const name = install?.manager ?? '';
  const options = ['--offline', '--no-restore', OPTIONS[name] ?? ''];
  const value = install?.place.environment(VARIABLES[name] ?? '') ?? '';
  return text.split(/\s+/).some((word) => word !== '' && options.includes(word)) || /^(?:1|true|off)$/i.test(value);
}
