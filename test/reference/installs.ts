/**
 * The installs of other languages for the reference interpreter, as spec/package-managers.md tells what each reads,
 * writes and runs. Nothing from `src/`.
 */
import type { Machine } from './commands.ts';
import { absolute, base, Failure, hash, parent } from './files.ts';

/** What an installer depends on besides files. */
export interface Around {
  readonly system: string;
  readonly environment: string;
  readonly store: (place: string, key: string, isOffline: boolean) => void;
  readonly script: (machine: Machine, directory: string, text: string) => void;
}

type Installer = (machine: Machine, written: string, args: readonly string[], around: Around) => boolean;

const need = ({ fs, cwd }: Machine, name: string): string => {
  const content = fs.read(absolute(cwd, name));
  if (content === undefined) throw new Failure(`no ${name}`);
  return content;
};
const may = ({ fs, cwd }: Machine, ...names: readonly string[]): string[] =>
  names.map((name) => fs.read(absolute(cwd, name)) ?? '-');
/** Without those that decide nothing about packages. */
const flags = (args: readonly string[]): string =>
  args
    .filter(
      (arg) => !/^--(?:no-(?:scripts|autoloader|root|install-project|interaction)|optimize-autoloader)$/.test(arg),
    )
    .join(' ');

/** What lies there already and was made of something else stays beside it. */
function result({ fs, user, log }: Machine, written: string, directory: string, value: string): void {
  log.push([written, value]);
  fs.makeAs(directory, user);
  const old = fs.read(`${directory}/.packages`);
  if (old !== undefined && old !== value) fs.write(`${directory}/.leftover`, old, user);
  fs.write(`${directory}/.packages`, value, user);
}

const composer: Installer = (machine, written, args, { system, environment, script }) => {
  if (args[0] !== 'install' || args.some((arg) => !/^install$|^-/.test(arg))) return false;
  const { fs, cwd, user } = machine;
  const json = JSON.parse(need(machine, 'composer.json')) as Record<string, Record<string, unknown>>;
  const { scripts = {}, autoload = {}, ...facts } = json;
  const event = (name: string): void => {
    const text = scripts[name];
    if (!args.includes('--no-scripts') && typeof text === 'string') script(machine, cwd, text);
  };
  event('pre-install-cmd');
  const [lock = '-', auth = '-'] = may(machine, 'composer.lock', 'auth.json');
  const made = /^made (\w+)$/.exec(lock)?.[1];
  const packages = made ?? hash(JSON.stringify(facts), lock, auth, flags(args), system, environment);
  if (lock === '-') fs.write(absolute(cwd, 'composer.lock'), `made ${packages}`, user);
  result(machine, written, absolute(cwd, 'vendor'), packages);
  if (!args.includes('--no-autoloader')) {
    const folders = (autoload['classmap'] ?? []) as string[];
    for (const folder of folders)
      if (fs.get(absolute(cwd, folder)) === undefined) throw new Failure(`no classmap ${folder}`);
    const all = folders.map((folder) => fs.hashOf(absolute(cwd, folder)));
    fs.write(absolute(cwd, 'vendor/autoload.php'), hash(JSON.stringify(autoload), ...all), user);
    event('post-autoload-dump');
  }
  event('post-install-cmd');
  return true;
};

const bundle: Installer = (machine, written, args, { system, environment }) => {
  if (args.some((arg) => !/^install$|^-/.test(arg))) return false;
  const { fs, cwd } = machine;
  const gemfile = need(machine, 'Gemfile');
  const seen = [gemfile, ...may(machine, 'Gemfile.lock')];
  if (gemfile.includes('.ruby-version')) seen.push(need(machine, '.ruby-version'));
  if (/^gemspec/m.test(gemfile)) seen.push(need(machine, 'app.gemspec'));
  const local = /path: "([^"]+)"/.exec(gemfile)?.[1];
  if (local !== undefined) {
    if (!fs.isDirectory(absolute(cwd, local))) throw new Failure(`no ${local}`);
    seen.push(fs.packed(absolute(cwd, local)));
  }
  result(machine, written, '/opt/bundle', hash(...seen, args.join(' '), system, environment));
  return true;
};

const uv: Installer = (machine, written, args, { system, environment }) => {
  if (args[0] !== 'sync' || args.slice(1).some((arg) => !arg.startsWith('-'))) return false;
  const { fs, cwd, user } = machine;
  const project = need(machine, 'pyproject.toml');
  if (args.some((arg) => /^--(?:frozen|locked)$/.test(arg))) need(machine, 'uv.lock');
  const seen = may(machine, 'uv.lock', '.python-version', 'uv.toml');
  const venv = absolute(cwd, '.venv');
  result(machine, written, venv, hash(project, ...seen, flags(args), system, environment));
  if (project.includes('[build-system]') && !args.includes('--no-install-project'))
    fs.write(`${venv}/project`, source(machine, venv), user);
  return true;
};

const poetry: Installer = (machine, written, args, { system, environment }) => {
  if (args[0] !== 'install' || args.slice(1).some((arg) => !arg.startsWith('-'))) return false;
  const { fs, user } = machine;
  const seen = [need(machine, 'pyproject.toml'), ...may(machine, 'poetry.lock', 'poetry.toml')];
  const venv = '/opt/poetry';
  result(machine, written, venv, hash(...seen, flags(args), system, environment));
  if (!args.includes('--no-root')) {
    if (!fs.isDirectory(absolute(machine.cwd, 'src'))) throw new Failure('no package');
    fs.write(`${venv}/project`, source(machine, venv), user);
  }
  return true;
};

/** To build a project is to run what it likes: everything but what was installed, which has its own file. */
function source({ fs }: Machine, venv: string): string {
  const all = fs.below('/').filter((path) => path !== venv && !path.startsWith(`${venv}/`));
  return hash(...all.map((path) => `${path} ${JSON.stringify(fs.entries.get(path))}`));
}

const cargo: Installer = (machine, _written, args, { store }) => {
  if (!/^(?:fetch|build)$/.test(args[0] ?? '')) return false;
  const toml = need(machine, 'Cargo.toml');
  const isOffline = args.includes('--offline');
  store('/usr/local/cargo/registry', [toml, ...may(machine, 'Cargo.lock')].join(), isOffline);
  if (args[0] === 'build') return false;
  // Cargo reads every `.cargo/config.toml` upwards, rustup the nearest toolchain file.
  const above: string[] = [];
  for (let at = machine.cwd; ; at = parent(at)) {
    for (const name of ['.cargo/config.toml', 'rust-toolchain.toml'])
      above.push(machine.fs.read(absolute(at, name)) ?? '-');
    if (at === '/') break;
  }
  machine.log.push(['cargo fetch', hash(toml, ...may(machine, 'Cargo.lock'), ...above)]);
  if (args.includes('--locked')) need(machine, 'Cargo.lock');
  if (may(machine, 'src/main.rs', 'src/lib.rs').every((each) => each === '-')) throw new Failure('no targets');
  return true;
};

const mvn: Installer = (machine, _written, args, { store }) => {
  const pom = need(machine, 'pom.xml');
  store('~/.m2', pom, args.includes('-o'));
  if (!args.includes('dependency:go-offline')) return false;
  machine.log.push(['mvn', hash(pom, ...may(machine, '.mvn/maven.config', '.mvn/extensions.xml', '.mvn/jvm.config'))]);
  return true;
};

const dotnet: Installer = (machine, _written, args, { system, environment, store }) => {
  const [verb = '', project] = args;
  if (!/^(?:restore|build|publish)$/.test(verb)) return false;
  const { fs, cwd, user } = machine;
  const named =
    project?.endsWith('.csproj') === true ? project : fs.names(cwd).find((name) => name.endsWith('.csproj'));
  if (named === undefined) throw new Failure('no project');
  const isRestored = args.includes('--no-restore');
  const restore = (path: string, above: readonly string[]): void => {
    const text = fs.read(path);
    if (text === undefined) throw new Failure(`no ${path}`);
    // Of these two the nearest counts, of nuget.config all.
    const nearest = new Map<string, string>();
    const seen: string[] = [];
    for (let at = parent(path); ; at = parent(at)) {
      const here = at === '/' ? '' : at;
      for (const name of ['Directory.Build.props', 'global.json']) {
        const content = fs.read(`${here}/${name}`);
        if (content !== undefined && !nearest.has(name)) nearest.set(name, content);
      }
      seen.push(fs.read(`${here}/nuget.config`) ?? '-');
      if (at === '/') break;
    }
    seen.push(...[...nearest].flat());
    const output = `${parent(path) === '/' ? '' : parent(path)}/obj`;
    store('~/.nuget/packages', text, isRestored);
    if (isRestored) {
      if (fs.read(`${output}/assets.json`) === undefined) throw new Failure(`not restored: ${path}`);
      return;
    }
    const value = hash(text, ...seen, system, environment);
    machine.log.push([`dotnet restore ${base(path)}`, value]);
    fs.makeAs(output, user);
    fs.write(`${output}/assets.json`, value, user);
    for (const [, other = ''] of text.matchAll(/Include="([^"]+)"/g)) {
      const next = absolute(parent(path), other);
      if (!above.includes(next)) restore(next, [...above, next]);
    }
  };
  restore(absolute(cwd, named), []);
  return verb === 'restore';
};

export const INSTALLERS: Readonly<Record<string, Installer>> = { composer, bundle, uv, poetry, cargo, mvn, dotnet };
