/** `.dockerignore` by rule 36, written anew. Part of the reference interpreter. */

export function expression(pattern: string): RegExp {
  let text = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] as string;
    if (char === '*' && pattern[at + 1] === '*') {
      at++;
      if (pattern[at + 1] === '/') at++;
      text += at + 1 >= pattern.length ? '.*' : '(?:.*/)?';
    } else if (char === '*') text += '[^/]*';
    else if (char === '?') text += '[^/]';
    else text += char.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  }
  return new RegExp(`^${text}$`);
}

/** The last rule that matches the path or a directory above it decides. */
export function ignored(rules: string): (path: string) => boolean {
  const parsed = rules
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '!')
    .map((line) => {
      const negated = line.startsWith('!');
      const body = (negated ? line.slice(1).trim() : line).replace(/^\/+|\/+$/g, '').replace(/^\.\//, '');
      return { negated, matches: expression(body) };
    });
  return (path) => {
    let result = false;
    const parts = path.split('/');
    for (const { negated, matches } of parsed) {
      if (parts.some((_, at) => matches.test(parts.slice(0, at + 1).join('/')))) result = !negated;
    }
    return result;
  };
}

/** Go's filepath.Match, for one path segment each. */
export function matches(pattern: string, path: string): boolean {
  const [one, other] = [pattern.split('/'), path.split('/')];
  return (
    one.length === other.length &&
    one.every((part, at) =>
      new RegExp(
        `^${part
          .replace(/[.+^${}()|\\]/g, '\\$&')
          .replace(/\*/g, '.*')
          .replace(/\?/g, '.')}$`,
        's',
      ).test(other[at] as string),
    )
  );
}
