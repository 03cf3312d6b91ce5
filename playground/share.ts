/** The question as a link: packed into the fragment of the address, which browsers do not send to any server. */
import type { Question } from './work.ts';

/** What a link may unpack to: it comes from anybody. */
const MAX_UNPACKED = 2_000_000;

/** Longer ones get cut by chats and mail. */
export const MAX_LINK = 30_000;

export async function pack(question: Question): Promise<string> {
  const stream = new Blob([JSON.stringify(question)]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Undefined for what no page of this kind packed. */
export async function unpack(fragment: string): Promise<Question | undefined> {
  try {
    const binary = atob(fragment.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
      if (text.length > MAX_UNPACKED) {
        await reader.cancel();
        return undefined;
      }
    }
    return checked(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export const STYLES = ['copy', 'parents', 'bind'] as const;
export const BUILDERS = ['buildkit', 'buildah', 'kaniko', 'classic'] as const;

function checked(value: unknown): Question | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { dockerfile, files, style, builder, unsafe, add } = value as Readonly<Record<string, unknown>>;
  if (typeof dockerfile !== 'string' || !Array.isArray(files)) return undefined;
  return {
    dockerfile,
    files: (files as readonly unknown[]).flatMap((file) => {
      if (typeof file !== 'object' || file === null) return [];
      const { path, text } = file as Readonly<Record<string, unknown>>;
      return typeof path === 'string' && typeof text === 'string' ? [{ path, text }] : [];
    }),
    style: STYLES.find((each) => each === style) ?? 'copy',
    builder: BUILDERS.find((each) => each === builder) ?? 'buildkit',
    unsafe: unsafe === true,
    add: Array.isArray(add) ? add.filter((each) => typeof each === 'string') : [],
  };
}
