/** `--print-config`: what holds for each of the Dockerfiles that are meant. */
import { join } from 'node:path';
import { findDockerfiles } from '../context/find.ts';
import { jsonText } from '../reporters/text.ts';
import type { Options } from './arguments.ts';
import type { Io } from './io.ts';
import type { Request } from './request.ts';

export async function printConfig(options: Options, request: Request, io: Io): Promise<number> {
  const paths = options.paths.length === 0 ? ['.'] : options.paths;
  const { files } = await findDockerfiles(paths, request.cwd);
  const shown = Object.fromEntries(
    files.map(({ repository, path, shown: name }): readonly [string, object] => {
      const absolute = join(repository.root, path);
      if (request.configuration?.ignored(absolute) === true) return [name, { ignored: true }];
      const { fix, context = request.context } = request.configuration?.settingsFor(absolute) ?? { fix: request.fix };
      const { transforms: _transforms, managers, ...rest } = fix;
      return [
        name,
        {
          ...(context === undefined ? {} : { context: join(context.repository.root, context.directory) }),
          ...rest,
          ...(managers === undefined ? {} : { managers: managers.map((each) => each.name) }),
        },
      ];
    }),
  );
  io.stdout(jsonText({ config: request.configurationFile ?? null, files: shown }));
  return 0;
}
