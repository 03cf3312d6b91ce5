/** A user's home, and the edit that adds mounts to a RUN. */
import type { Dockerfile, Edit, Run } from '../../src/plugin.ts';

export interface Home {
  readonly path: string;
  readonly ids: string;
}

/** The official images' users. */
export function homeOf(user: string | undefined, image: string | undefined): Home | undefined {
  if (user === undefined || user === 'root') return { path: '/root', ids: '' };
  if (user === 'node' && /^(?:docker\.io\/)?(?:library\/)?node(?::|@|$)/.test(image ?? ''))
    return { path: '/home/node', ids: ',uid=1000,gid=1000' };
  if (user === 'gradle' && /^gradle(?::|@|$)/.test(image ?? ''))
    return { path: '/home/gradle', ids: ',uid=1000,gid=1000' };
  return undefined;
}

export function flagEdit(file: Dockerfile, run: Run, mounts: readonly string[]): Edit {
  const at = run.flags[0]?.span[0] ?? run.argument[0];
  const text = mounts.join(` ${file.escape}${file.eol}    `);
  // Line ends of two characters are no wider.
  const written = file.source.slice(...run.argument).replaceAll('\r', '');
  const isLong = mounts.length > 1 || text.length + written.length > 110;
  return {
    file: 'dockerfile',
    span: [at, at],
    text: isLong ? `${text} ${file.escape}${file.eol}    ` : `${text} `,
  };
}
