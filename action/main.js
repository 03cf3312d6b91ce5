// The script of action.yml: check, comment the diff, or commit the fix. It uses Node alone.
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODES = ['check', 'comment', 'fix'];
/** How the comment is found again. */
const MARK = '<!-- dockerfix -->';

class Mistake extends Error {}

/** Returns the exit code, as the command's. */
export async function main(env) {
  const mode = env.DOCKERFIX_MODE || 'check';
  if (!MODES.includes(mode)) throw new Mistake(`mode: there is no \`${mode}\`; there are: ${MODES.join(', ')}`);
  const cli = install(env);
  const asked = [
    ...lines(env.DOCKERFIX_OPTIONS),
    ...configuration(env),
    '--',
    ...(lines(env.DOCKERFIX_PATHS).length > 0 ? lines(env.DOCKERFIX_PATHS) : ['.']),
  ];
  const dockerfix = (...options) => run(process.execPath, [cli, ...options, ...asked], withoutToken(env));

  const checked = dockerfix('--check', '--format', 'github');
  process.stdout.write(checked.stdout);
  process.stderr.write(checked.stderr);
  output(env, 'changed', String(checked.status === 1));
  if (checked.status > 1) return checked.status;
  if (mode === 'check') return checked.status;
  if (mode === 'comment')
    await comment(env, checked.status === 1 ? dockerfix('--format', 'markdown').stdout : undefined);
  if (mode === 'fix' && checked.status === 1) return commit(env, dockerfix('--write', '--format', 'json'));
  return 0;
}

/** Away from the repository, whose .npmrc could name another registry. Returns the command's file. */
function install(env) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const folder = mkdtempSync(join(env.RUNNER_TEMP || tmpdir(), 'dockerfix-'));
  const what = env.DOCKERFIX_PACKAGE || `dockerfix@${version}`;
  const argv = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--omit=dev', '--prefix', folder, what];
  const { status, stderr } = run('npm', argv, withoutToken(env), folder);
  if (status !== 0) throw new Mistake(`npm could not install ${what}: ${stderr.trim()}`);
  return join(folder, 'node_modules/dockerfix/dist/cli.js');
}

/** Anybody starts these, and secrets are at hand. */
const STARTED_BY_OTHERS = ['pull_request_target', 'issue_comment', 'workflow_run'];

/** A configuration may be code: that of a fork must not run where secrets are. */
function configuration(env) {
  return STARTED_BY_OTHERS.includes(env.GITHUB_EVENT_NAME) ? ['--no-config'] : [];
}

function withoutToken(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'DOCKERFIX_TOKEN'));
}

/** One comment for each pull request, changed in place. `text` is absent where nothing would change. */
async function comment(env, text) {
  const event = JSON.parse(readFileSync(env.GITHUB_EVENT_PATH, 'utf8'));
  const number = event.pull_request?.number ?? event.issue?.number;
  if (number === undefined) {
    process.stdout.write('There is no pull request here, so nothing was commented.\n');
    return;
  }
  const comments = `/repos/${env.GITHUB_REPOSITORY}/issues/${number}/comments`;
  const known = await ownComment(env, comments);
  if (known === undefined && text === undefined) return;
  const body = `${MARK}\n${text ?? 'dockerfix: nothing would change any more.'}`;
  if (known === undefined) await api(env, 'POST', comments, { body });
  else if (known.body !== body)
    await api(env, 'PATCH', `/repos/${env.GITHUB_REPOSITORY}/issues/comments/${known.id}`, { body });
}

async function ownComment(env, comments) {
  const login = await me(env);
  for (let page = 1; ; page++) {
    const found = await api(env, 'GET', `${comments}?per_page=100&page=${page}`);
    const own = found.find((each) => each.user?.login === login && each.body?.startsWith(MARK));
    if (own !== undefined || found.length < 100) return own;
  }
}

/** The workflow's own token may not ask who it is. */
async function me(env) {
  const response = await request(env, 'GET', '/user');
  return response.ok ? (await response.json()).login : 'github-actions[bot]';
}

async function api(env, method, path, body) {
  const response = await request(env, method, path, body);
  if (!response.ok) {
    const why = response.status === 403 ? ': the job needs `permissions: pull-requests: write`' : '';
    throw new Mistake(`${method} ${path} answered ${response.status}${why}`);
  }
  return response.json();
}

function request(env, method, path, body) {
  return fetch(`${env.GITHUB_API_URL || 'https://api.github.com'}${path}`, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${env.DOCKERFIX_TOKEN}`,
      'user-agent': 'dockerfix',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
}

/** Just what was written, onto the branch that is checked out: what is there of a fork goes to no branch of this one. */
function commit(env, { status, stdout, stderr }) {
  process.stderr.write(stderr);
  if (status > 1) return status;
  const files = JSON.parse(stdout).files.flatMap(({ changes }) => changes.map(({ path }) => path));
  const paths = [...new Set(files)];
  const git = (...argv) => {
    // A file's name is no pattern.
    const safely = ['--literal-pathspecs', '-c', 'core.hooksPath=/dev/null', ...argv];
    const done = run('git', safely, withoutToken(env));
    if (done.status !== 0)
      throw new Mistake(`git ${argv.find((each) => /^[a-z]+$/.test(each))} failed: ${done.stderr.trim()}`);
    return done.stdout.trim();
  };
  // On a pull request it is the merge with its base that is checked out, unless told.
  const branch = git('branch', '--show-current');
  if (branch === '')
    throw new Mistake(
      'fix: no branch is checked out; on a pull request, give the checkout `ref: ${{ github.head_ref }}`',
    );
  const who = ['user.name=github-actions[bot]', 'user.email=41898282+github-actions[bot]@users.noreply.github.com'];
  git('add', '--', ...paths);
  git(
    ...who.flatMap((each) => ['-c', each]),
    'commit',
    '--quiet',
    '-m',
    env.DOCKERFIX_MESSAGE || 'Keep dependencies cached',
    '--',
    ...paths,
  );
  git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
  process.stdout.write(paths.map((path) => `committed ${JSON.stringify(path)}\n`).join(''));
  return 0;
}

function lines(text = '') {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function output(env, name, value) {
  if (env.GITHUB_OUTPUT) appendFileSync(env.GITHUB_OUTPUT, `${name}=${value}\n`);
}

function run(command, argv, env, cwd = process.cwd()) {
  const { status, stdout, stderr, error } = spawnSync(command, argv, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw new Mistake(`${command}: ${error.message}`);
  return { status: status ?? 2, stdout, stderr };
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  main(process.env).then(
    (code) => {
      process.exitCode = code;
    },
    (error) => {
      process.stdout.write(
        `::error title=dockerfix::${(error instanceof Mistake ? error.message : error.stack).replaceAll('%', '%25').replaceAll('\n', '%0A')}\n`,
      );
      process.exitCode = 2;
    },
  );
