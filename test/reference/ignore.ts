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

/**
 * The last rule that matches the path or a directory above it decides; one that could not change what those before it
 * say is not looked at, neither there nor for what is below (BuildKit walks down, `MatchesUsingParentResults`).
 */
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
    let held = parsed.map(() => false);
    const parts = path.split('/');
    for (let end = 1; end <= parts.length; end++) {
      const here = parts.slice(0, end).join('/');
      result = false;
      held = parsed.map(({ negated, matches }, at) => {
        const holds = held[at] === true || (negated === result && matches.test(here));
        if (holds) result = !negated;
        return holds;
      });
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
