/** What is told by the words of a COPY or ADD alone, where the build context cannot say. */
import { parseIgnore } from '../context/dockerignore.ts';
import { resolvePath } from '../dockerfile/state.ts';
import type { Copy } from '../model.ts';
import { baseName } from './paths.ts';

/** What ADD unpacks: tar, or a compressed one. */
export const ARCHIVE = /\.(?:tar|tgz|tbz2?|txz|tar\.\w+|gz|bz2|xz|zst)$/i;

/** Binary files that are no such archive, whatever is in them. */
export const NO_ARCHIVE =
  /\.(?:jar|war|ear|zip|whl|deb|rpm|apk|exe|dll|so|wasm|class|png|jpe?g|gif|ico|webp|pdf|woff2?|ttf|otf|eot|mp[34]|jks|p12|pfx|der|db|sqlite3?|lockb|gpg|snk|node|dylib|pyc|mo|onnx)$/i;

/** Names that no directory has. Others with a dot may be either: `conf.d`, `.output`, `python3.12`. */
export const SURE_FILE =
  /(?:^|\/)(?:\.env[\w.-]*|\.\w+rc|\.\w*ignore|Makefile|Gemfile|Dockerfile|Procfile|LICENSE|\.[\w-]+-version)$|\.(?:json[5c]?|ya?ml|toml|lockb?|txt|md|cfg|ini|conf|xml|properties|env|[bz]?a?sh|py|[cm]?[jt]sx?|rb|php|go|rs|java|kts?|gradle|cs|sln|\w+proj|props|targets|jar|war|ear|zip|tgz|gz|xz|bz2|tar|whl|deb|rpm|apk|exe|dll|so|dylib|wasm|html?|[sp]?css|sass|less|svg|png|jpe?g|gif|ico|pem|crt|cer|key|p12|jks|sql|db|sqlite3?|templates?|tmpl|tpl|j2|service|log|map|mod|sum|repo|list|gpg|asc|proto|graphql|prisma|exs?|lua|pl|csv|tsv|pdf|sample|example|dist)$/i;

/** By its name: `.env`, `server.js`, `Gemfile`. Only used where the context cannot tell. */
export function looksLikeFile(path: string): boolean {
  const name = baseName(path.replace(/\/+$/, ''));
  return (
    !path.endsWith('/') &&
    (/^\.[a-z]+(?:\.\w+)*$|\.[A-Za-z0-9]{1,5}$/.test(name) ||
      /^(?:Makefile|Gemfile|Dockerfile|Procfile|LICENSE)$/.test(name)) &&
    name !== '.' &&
    name !== '..' &&
    !/^\.(?:git|github|yarn|next|mvn|cargo|config|venv)$/.test(name)
  );
}

export function afterPivot(source: string, path: string): string {
  const pivot = source.indexOf('/./');
  return pivot < 0 ? path : path.slice(resolvePath('/', source.slice(0, pivot)).length);
}

export function endsInSlash(path: string): boolean {
  return path.endsWith('/') || path.endsWith('/.') || path === '.';
}

/**
 * What `--exclude` may keep out: a pattern counts from the context, from the source and from everything between, as
 * nothing says which; undefined: nothing.
 */
export function excluded(copy: Copy): ((path: string) => boolean) | undefined {
  const patterns = copy.flags.filter(({ name }) => name === 'exclude').map(({ value }) => value ?? '');
  if (patterns.length === 0) return undefined;
  if (patterns.some((pattern) => pattern.includes('$'))) return () => true;
  const rules = parseIgnore(patterns.filter((pattern) => !pattern.startsWith('!')).join('\n'));
  return (path) => {
    for (let from = 0; ;) {
      if (rules.ignores(path.slice(from))) return true;
      const slash = path.indexOf('/', from);
      if (slash < 0) return false;
      from = slash + 1;
    }
  };
}
