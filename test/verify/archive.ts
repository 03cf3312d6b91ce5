/** Image archives as `docker save` writes them, made by hand. */
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';

export type Member = Partial<Header> & { readonly name: string; readonly text?: string };

export async function tar(members: readonly Member[]): Promise<Buffer> {
  const stream = pack();
  for (const { text, ...header } of members) {
    const mode = header.mode ?? (header.type === 'directory' ? 0o755 : 0o644);
    stream.entry({ uid: 0, gid: 0, ...header, mode }, text ?? '');
  }
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export interface Plan {
  readonly layers: readonly (readonly Member[])[];
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** By layer. */
  readonly history?: readonly string[];
  readonly gzip?: boolean;
}

/** By tag. Equal layers are there once. */
export async function imageArchive(plans: Readonly<Record<string, Plan>>): Promise<Buffer> {
  const stream = pack();
  const names = new Map<string, string>();
  const manifests = [];
  for (const [tag, { layers, configuration = {}, history = [], gzip = false }] of Object.entries(plans)) {
    const used: string[] = [];
    for (const members of layers) {
      const key = JSON.stringify(members);
      const name = names.get(key) ?? `${tag}-${names.size}/layer.tar`;
      used.push(name);
      if (names.has(key)) continue;
      names.set(key, name);
      const content = await tar(members);
      stream.entry({ name }, gzip ? gzipSync(content) : content);
    }
    const made = history.flatMap((text) => [{ created_by: 'LABEL a=b', empty_layer: true }, { created_by: text }]);
    const config = { architecture: 'amd64', os: 'linux', config: configuration, history: made };
    stream.entry({ name: `${tag}-config` }, JSON.stringify(config));
    manifests.push({ Config: `${tag}-config`, RepoTags: [tag], Layers: used });
  }
  stream.entry({ name: 'manifest.json' }, JSON.stringify(manifests));
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
