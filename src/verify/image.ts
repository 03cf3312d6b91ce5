/**
 * Images as the archive of `docker save` has them: configuration, and layers flattened into one file system. Read as a
 * stream, so that it needs neither the disk nor the memory that the images would; a layer that several of them share is
 * in it, and is read, once.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';

export interface Entry {
  readonly type: 'file' | 'directory' | 'symlink' | 'device' | 'fifo';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Of a symlink. */
  readonly link?: string;
  /** Of a file. */
  readonly sha256?: string;
  /** Index of the layer that it comes from. */
  readonly layer: number;
}

export interface Image {
  /** By absolute path. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly configuration: Readonly<Record<string, unknown>>;
  /** What made each layer, as the image's history tells. */
  readonly layers: readonly string[];
}

export interface Archive {
  /** By tag, as the builder spells it. */
  readonly images: ReadonlyMap<string, Image>;
  /** Of its layers by their names in it, in bytes. */
  readonly sizes: ReadonlyMap<string, number>;
}

type Found = Omit<Entry, 'layer'> & { readonly hardLink?: string };

interface Layer {
  readonly entries: ReadonlyMap<string, Found>;
  readonly removed: readonly string[];
  /** Directories whose lower content is hidden. */
  readonly opaque: readonly string[];
  readonly size: number;
}

interface ConfigFile {
  readonly architecture?: string;
  readonly os?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly history?: readonly { readonly created_by?: string; readonly empty_layer?: boolean }[];
}

interface Manifest {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

export async function readArchive(archive: Readable): Promise<Archive> {
  const layers = new Map<string, Layer>();
  const aliases = new Map<string, string>();
  const texts = new Map<string, string>();
  await eachEntry(archive, async (header, content) => {
    const { name } = header;
    if (header.type === 'symlink' || header.type === 'link')
      // One layer twice: docker writes the second as a link to the first.
      aliases.set(name, resolveName(name, header.linkname, header.type));
    else if (header.type === 'file')
      if (name.endsWith('.json') || header.size < 2) texts.set(name, await text(content));
      else {
        const read = await layerOrText(content, header.size);
        if (typeof read === 'string') texts.set(name, read);
        else layers.set(name, read);
      }
  });
  const manifests = JSON.parse(texts.get('manifest.json') ?? 'null') as readonly Manifest[] | null;
  if (manifests === null) throw new Error('the image archive has no manifest.json');
  const images = new Map<string, Image>();
  for (const manifest of manifests) {
    const file = JSON.parse(texts.get(manifest.Config) ?? '{}') as ConfigFile;
    const made = (file.history ?? []).filter((each) => each.empty_layer !== true);
    const parts = manifest.Layers.map((name) => {
      const layer = layers.get(name) ?? layers.get(aliases.get(name) ?? '');
      if (layer === undefined) throw new Error(`the image archive lacks its layer ${name}`);
      return layer;
    });
    const image: Image = {
      entries: flatten(parts),
      configuration: configurationOf(file),
      layers: parts.map((_, index) => instructionOf(made[index]?.created_by ?? '')),
    };
    for (const tag of manifest.RepoTags ?? []) images.set(tag, image);
  }
  return { images, sizes: new Map([...layers].map(([name, { size }]) => [name, size])) };
}

/** What builders put around an instruction in the history. */
export function instructionOf(createdBy: string): string {
  const plain = createdBy
    .replace(/\s*# buildkit\s*$/, '')
    .replace(/\s*\|inheritLabels=\w+/, '')
    .trim();
  const nop = /^\/bin\/sh -c #\(nop\)\s+(.*)$/s.exec(plain)?.[1];
  if (nop !== undefined) return nop.trim();
  const run = /^(?:RUN\s+)?(?:\|\d+\s.*?)?\/bin\/sh -c\s+(.*)$/s.exec(plain)?.[1];
  return run === undefined ? plain : `RUN ${run.trim()}`;
}

/** Fields that say how a container starts. Others (Hostname, Image ...) tell how the builder worked. */
const FIELDS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Healthcheck',
  'Volumes',
  'WorkingDir',
  'OnBuild',
  'Labels',
  'StopSignal',
  'StopTimeout',
  'Shell',
];

/** Builders write themselves into labels. */
const BUILDER_LABELS = new Set(['io.buildah.version']);

function configurationOf({ architecture, os, config = {} }: ConfigFile): Record<string, unknown> {
  const given = FIELDS.map((field): [string, unknown] => {
    const value = config[field];
    if (field === 'Env' && Array.isArray(value)) return [field, value.map(String).sort()];
    if (field === 'Labels' && typeof value === 'object' && value !== null)
      return [field, Object.fromEntries(Object.entries(value).filter(([name]) => !BUILDER_LABELS.has(name)))];
    return [field, value];
  });
  return Object.fromEntries(
    [['architecture', architecture] as [string, unknown], ['os', os] as [string, unknown], ...given].filter(
      ([, value]) => !isEmpty(value),
    ),
  );
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  );
}

function flatten(layers: readonly Layer[]): Map<string, Entry> {
  const flat = new Map<string, Entry>();
  const remove = (path: string, itself: boolean): void => {
    if (itself) flat.delete(path);
    const below = path === '/' ? '/' : `${path}/`;
    for (const each of flat.keys()) if (each.startsWith(below)) flat.delete(each);
  };
  layers.forEach((layer, index) => {
    for (const path of layer.opaque) remove(path, false);
    for (const path of layer.removed) remove(path, true);
    const add = (path: string, found: Found): void => {
      const { type, mode, uid, gid, size, link, sha256 } = found;
      // What was a directory and no longer is loses what was in it.
      if (type !== 'directory' && flat.get(path)?.type === 'directory') remove(path, true);
      const more = { ...(link === undefined ? {} : { link }), ...(sha256 === undefined ? {} : { sha256 }) };
      flat.set(path, { type, mode, uid, gid, size, ...more, layer: index });
    };
    const links: [string, Found][] = [];
    for (const [path, found] of layer.entries)
      if (found.hardLink === undefined) add(path, found);
      else links.push([path, found]);
    for (const [path, found] of links) {
      const target = layer.entries.get(found.hardLink as string) ?? flat.get(found.hardLink as string);
      add(path, target ?? found);
    }
  });
  return flat;
}

/** A layer is a tar file, gzipped or not; other members of the archive are text. */
async function layerOrText(content: Readable, size: number): Promise<Layer | string> {
  const { start, whole } = await peek(content);
  if (start[0] === 0x1f && start[1] === 0x8b) {
    const unzipped = createGunzip();
    const [layer] = await Promise.all([readLayer(unzipped, size), pipeline(whole, unzipped)]);
    return layer;
  }
  if (start.length >= 262 && start.subarray(257, 262).toString('latin1') === 'ustar') return readLayer(whole, size);
  // Two empty blocks: a layer without files.
  if (start.length >= 512 && start.every((byte) => byte === 0)) return readLayer(whole, size);
  return text(whole);
}

async function readLayer(content: Readable, size: number): Promise<Layer> {
  const entries = new Map<string, Found>();
  const removed: string[] = [];
  const opaque: string[] = [];
  await eachEntry(content, async (header, body) => {
    const path = absolute(header.name);
    const name = path.slice(path.lastIndexOf('/') + 1);
    const directory = path.slice(0, path.lastIndexOf('/')) || '/';
    if (name === '.wh..wh..opq') opaque.push(directory);
    else if (name.startsWith('.wh.')) removed.push(`${directory === '/' ? '' : directory}/${name.slice(4)}`);
    else entries.set(path, await found(header, body));
  });
  return { entries, removed, opaque, size };
}

async function found(header: Header, body: Readable): Promise<Found> {
  const common = {
    mode: header.mode & 0o7777,
    uid: header.uid,
    gid: header.gid,
    size: header.size,
  };
  switch (header.type) {
    case 'directory':
      return { ...common, type: 'directory', size: 0 };
    case 'symlink':
      // Its mode means nothing.
      return { ...common, type: 'symlink', mode: 0o777, size: 0, link: header.linkname };
    case 'link':
      return { ...common, type: 'file', hardLink: absolute(header.linkname) };
    case 'fifo':
      return { ...common, type: 'fifo' };
    case 'character-device':
    case 'block-device':
      return { ...common, type: 'device', link: `${header.devmajor}:${header.devminor}` };
    default: {
      const hash = createHash('sha256');
      for await (const chunk of body) hash.update(chunk as Buffer);
      return { ...common, type: 'file', sha256: hash.digest('hex') };
    }
  }
}

async function eachEntry(archive: Readable, take: (header: Header, body: Readable) => Promise<void>): Promise<void> {
  const members = extract();
  const fed = pipeline(archive, members as unknown as NodeJS.WritableStream);
  // Said by the loop below, too.
  fed.catch(() => undefined);
  for await (const member of members) {
    await take(member.header, member as unknown as Readable);
    member.resume();
  }
  await fed;
}

/** The first block of it, and the whole again. */
async function peek(content: Readable): Promise<{ readonly start: Buffer; readonly whole: Readable }> {
  const chunks = content[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const head: Buffer[] = [];
  for (let length = 0; length < 512;) {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(next.value);
    length += next.value.length;
  }
  const start = Buffer.concat(head);
  async function* again(): AsyncGenerator<Buffer> {
    yield start;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  }
  return { start, whole: Readable.from(again()) };
}

async function text(content: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function absolute(name: string): string {
  const path = name.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
  return path === '.' ? '/' : `/${path}`;
}

function resolveName(name: string, target: string, type: 'symlink' | 'link'): string {
  if (type === 'link') return target;
  const parts = name.split('/').slice(0, -1);
  for (const part of target.split('/'))
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  return parts.join('/');
}
