/** `dockerfix init`: writes a configuration to start from, never over one that is there. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { findConfig } from '../config/find.ts';
import { transforms } from '../index.ts';
import { writeTogether } from '../write.ts';
import { usageError, type Io } from './io.ts';
import { parseOptions } from './parser.ts';

const SCHEMA = 'node_modules/dockerfix/schema/config.schema.json';

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = await parseOptions(argv, io, (parser) =>
    parser
      .usage(
        '$0 init\n\nWrites dockerfix.config.json here, with the values that hold without one. None is needed; an existing one is left alone.',
      )
      .options({
        language: {
          choices: ['json', 'js', 'ts'] as const,
          requiresArg: true,
          describe: 'write dockerfix.config.js or .ts instead',
        },
      }),
  );
  if (typeof options === 'number') return options;
  const cwd = realpathSync(io.cwd);
  const { config } = findConfig(cwd);
  if (config !== undefined) return usageError(io, `there is a configuration already: ${relative(cwd, config)}`);
  const { language = 'json' } = options;
  const name = `dockerfix.config.${language}`;
  try {
    writeTogether([{ path: join(cwd, name), after: language === 'json' ? json(cwd) : code() }], cwd);
  } catch (error) {
    return usageError(io, `${name} could not be written: ${error instanceof Error ? error.message : String(error)}`);
  }
  io.stdout(`${name}\n`);
  return 0;
}

/** What holds without a configuration. */
const VALUES = {
  style: 'copy',
  builder: 'buildkit',
  transforms: Object.fromEntries(transforms.map(({ name, optIn }) => [name, optIn !== true])),
  plugins: [],
  ignore: [],
};

function json(cwd: string): string {
  const schema = schemaFrom(cwd);
  return `${JSON.stringify({ ...(schema === undefined ? {} : { $schema: schema }), ...VALUES }, undefined, 2)}\n`;
}

function code(): string {
  const rows = Object.entries(VALUES.transforms).map(([name, on]) => `    '${name}': ${on},\n`);
  return `// All keys: docs/configuration.md of dockerfix.
export default {
  // How manifests are brought in: copy, parents or bind.
  style: '${VALUES.style}',
  // What must be able to build the result: buildkit, buildah, kaniko or classic.
  builder: '${VALUES.builder}',
  transforms: {
${rows.join('')}  },
  // Packages or files that bring transforms and package managers.
  plugins: [],
  // Dockerfiles to leave alone.
  ignore: [],
};
`;
}

/** For editors; only where the package is installed. */
function schemaFrom(cwd: string): string | undefined {
  for (let here = cwd, last = ''; here !== last; last = here, here = dirname(here))
    if (existsSync(join(here, SCHEMA))) return relative(cwd, join(here, SCHEMA));
  return undefined;
}
