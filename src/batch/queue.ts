/** What both ends of the queue agree on. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { Result } from './results.ts';
import type { Target } from './targets.ts';

export const QUEUE = 'dockerfix';

/** Tries of one repository, where another one may bring more. */
export const ATTEMPTS = 3;

export interface Job {
  readonly version: 1;
  readonly target: Pick<Target, 'id' | 'kind' | 'location'>;
  /** Which fixes. The configuration is that of the worker, and has to be the same. */
  readonly flags: unknown;
  /** Of dockerfix, and of its configuration: both ends must agree, or results would depend on who made them. */
  readonly tool: string;
  readonly configuration: string;
  readonly timeout: number;
  readonly maxBytes: number;
  readonly history: number;
}

/** A failure that another try, or another worker, may not have. */
export const PASSING: ReadonlySet<string> = new Set(['git-failed', 'timed-out', 'out-of-memory', 'internal-error']);

export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls?: object;
  readonly username?: string;
  readonly password?: string;
  /** As BullMQ wants it: it waits for a server that is away. */
  readonly maxRetriesPerRequest: null;
}

/** A string says what is wrong. Passwords are not taken from the command line, which others can read. */
export function connectionOf(
  url: string,
  { REDIS_USERNAME: username, REDIS_PASSWORD: password }: Readonly<Record<string, string | undefined>>,
): Connection | string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '')
    return '--queue takes redis://HOST:PORT, or rediss:// for TLS';
  if (parsed.username !== '' || parsed.password !== '')
    return '--queue must hold no user or password: they are taken from REDIS_USERNAME and REDIS_PASSWORD';
  const db = /^\/?(\d*)$/.exec(parsed.pathname)?.[1];
  if (db === undefined) return '--queue: after the host comes the number of a database, or nothing';
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: Number(parsed.port || 6379),
    db: Number(db),
    ...(parsed.protocol === 'rediss:' ? { tls: {} } : {}),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    maxRetriesPerRequest: null,
  };
}

/** Why it cannot be reached, before anything waits for it. */
export async function unreachable(connection: Connection): Promise<string | undefined> {
  const redis = new Redis({ ...connection, lazyConnect: true, retryStrategy: () => null, connectTimeout: 10_000 });
  let trouble: string | undefined;
  redis.on('error', (error: Error) => (trouble ??= error.message));
  try {
    await redis.connect();
    await redis.ping();
    return undefined;
  } catch (error) {
    return `the queue at ${connection.host}:${connection.port} cannot be reached: ${trouble ?? (error as Error).message}`;
  } finally {
    redis.disconnect();
  }
}

export function digest(path: string | undefined): string {
  return path === undefined ? 'none' : createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** What a worker gave back, if it is that at all. */
export function resultOf(value: unknown, { id, kind, location }: Target): Result | undefined {
  const result = value as Partial<Result> | null;
  if (typeof result !== 'object' || result === null || result.id !== id || !Array.isArray(result.files))
    return undefined;
  return { ...(result as Result), id, kind, location };
}
