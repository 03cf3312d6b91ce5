/** The one way to read a file that somebody else's repository has: no device, no pipe, nothing without an end. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** A file larger than this is not read: no manifest is. */
export const MAX_BYTES = 20 * 1024 * 1024;

/** Undefined: it is no regular file, or too large. Throws where there is none, or it may not be read. */
export function readRegular(path: string, flags = 0, limit = MAX_BYTES): Uint8Array | undefined {
  // O_NONBLOCK: a pipe of that name must not make it wait.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > limit) return undefined;
    const bytes = new Uint8Array(stat.size);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, stat.size, 0));
  } finally {
    closeSync(descriptor);
  }
}
