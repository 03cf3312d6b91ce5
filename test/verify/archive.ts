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

export async function imageArchive({ layers, configuration = {}, history = [], gzip = false }: Plan): Promise<Buffer> {
  const stream = pack();
  const names: string[] = [];
  for (const [index, members] of layers.entries()) {
    const name = `layer-${index}/layer.tar`;
    names.push(name);
    const content = await tar(members);
    stream.entry({ name }, gzip ? gzipSync(content) : content);
  }
  const made = history.flatMap((text) => [{ created_by: 'LABEL a=b', empty_layer: true }, { created_by: text }]);
  const config = { architecture: 'amd64', os: 'linux', config: configuration, history: made };
  stream.entry({ name: 'config' }, JSON.stringify(config));
  stream.entry({ name: 'manifest.json' }, JSON.stringify([{ Config: 'config', Layers: names }]));
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
