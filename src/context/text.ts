/** UTF-8 or nothing: another encoding would come back changed. The byte order mark stays. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  return decode(bytes, 'utf-8', true);
}

function decode(bytes: Uint8Array, encoding: string, keepsMark = false): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: keepsMark }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What a file of the project says; undefined: it is no text. */
export function decodeText(bytes: Uint8Array): string | undefined {
  const text = decodeUtf8(bytes);
  return text?.includes('\0') === true ? undefined : text;
}

/**
 * The same of a list of requirements, which may also be UTF-16 with a byte order mark, as PowerShell's
 * `pip freeze > requirements.txt` makes it: pip reads both. Source: pip's `_internal/utils/encoding.py`.
 */
export function decodeRequirements(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  const isWide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const text = isWide ? decode(bytes, first === 0xff ? 'utf-16le' : 'utf-16be') : decodeText(bytes);
  // UTF-32 starts like UTF-16.
  return text?.includes('\0') === true ? undefined : text;
}
