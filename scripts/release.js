// The steps of a release, and what keeps each from going wrong:
//   node scripts/release.js prepare VERSION     on main: versions, CHANGELOG, one commit and its tag; nothing is pushed
//   node scripts/release.js publish [--dry-run] of a tag, by .github/workflows/release.yml: audit, then npm with provenance
//   node scripts/release.js notes               what CHANGELOG.md says of it
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** Packages that are released together. Each has a lock file of its own, which is audited. */
const PACKAGES = ['.', 'editors/vscode'];
const AUDITED = ['.', 'site', 'editors/vscode'];
/** Documents that name the newest version. */
const DOCUMENTS = ['docs/integrations.md'];

class Refused extends Error {}
const refuse = (reason) => {
  throw new Refused(reason);
};

const git = (...argv) => execFileSync('git', argv, { encoding: 'utf8' }).trim();
const json = (path) => JSON.parse(readFileSync(path, 'utf8'));

function run(command, ...argv) {
  const { status, error } = spawnSync(command, argv, { stdio: 'inherit' });
  if (error !== undefined) refuse(`${command}: ${error.message}`);
  return status;
}

function clean() {
  const dirty = git('status', '--porcelain');
  if (dirty !== '') refuse(`the tree has changes that are not committed:\n${dirty}`);
}

/** The text below the heading of a version, or of what has none yet. */
function changes(heading) {
  const sections = readFileSync('CHANGELOG.md', 'utf8').split(/^## /m).slice(1);
  const section = sections.find((each) => each.split(/[\s]/, 1)[0] === heading);
  return section?.slice(section.indexOf('\n')).trim();
}

const numbers = (version) => /^(\d+)\.(\d+)\.(\d+)$/.exec(version)?.slice(1).map(Number);
function isNewer(version, than) {
  const [a, b] = [numbers(version), numbers(than)];
  const at = a.findIndex((each, index) => each !== b[index]);
  return at >= 0 && a[at] > b[at];
}

function prepare(version = '') {
  if (numbers(version) === undefined) refuse(`\`${version}\` is no version: MAJOR.MINOR.PATCH`);
  clean();
  const branch = git('rev-parse', '--abbrev-ref', 'HEAD');
  if (branch !== 'main') refuse(`releases are made on main, not on ${branch}`);
  if (git('tag', '--list', `v${version}`) !== '') refuse(`there is a tag v${version} already`);
  const { version: current } = json('package.json');
  // The first release has the version that is there from the start.
  const released = git('tag', '--list', 'v*') !== '';
  if (released ? !isNewer(version, current) : isNewer(current, version))
    refuse(`${version} does not come after ${current}`);
  if ((changes('Unreleased') ?? '') === '') refuse('CHANGELOG.md has nothing under `## Unreleased`');

  for (const folder of PACKAGES) {
    const [manifest, lock] = [json(`${folder}/package.json`), json(`${folder}/package-lock.json`)];
    manifest.version = lock.version = lock.packages[''].version = version;
    writeFileSync(`${folder}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
    writeFileSync(`${folder}/package-lock.json`, `${JSON.stringify(lock, null, 2)}\n`);
  }
  for (const path of DOCUMENTS)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(`v${current}`, `v${version}`));
  const today = new Date().toISOString().slice(0, 10);
  const log = readFileSync('CHANGELOG.md', 'utf8');
  writeFileSync('CHANGELOG.md', log.replace('## Unreleased', `## Unreleased\n\n## ${version} (${today})`));
  git('commit', '--all', '--quiet', '--message', `Release ${version}`);
  git('tag', '--annotate', `v${version}`, '--message', `${version}\n\n${changes(version)}`);
  console.log(`Look at it with \`git show\`. To publish it: git push origin main v${version}`);
}

function publish(...options) {
  const unknown = options.find((each) => each !== '--dry-run');
  if (unknown !== undefined) refuse(`there is no option ${unknown}`);
  const dry = options.length > 0;
  clean();
  const { version } = json('package.json');
  for (const folder of PACKAGES)
    for (const path of [`${folder}/package.json`, `${folder}/package-lock.json`])
      if (json(path).version !== version) refuse(`${path} has version ${json(path).version}, not ${version}`);
  if (!git('tag', '--points-at', 'HEAD').split('\n').includes(`v${version}`))
    refuse(`the commit does not have the tag v${version}`);
  if ((changes(version) ?? '') === '') refuse(`CHANGELOG.md has nothing under \`## ${version}\``);
  if (!dry && process.env.GITHUB_ACTIONS !== 'true')
    refuse('only the workflow publishes: provenance says which commit was built where (--dry-run works anywhere)');
  // Closed: an audit that could not be made is no audit.
  for (const folder of AUDITED)
    if (run('npm', '--prefix', folder, 'audit') !== 0)
      refuse(`npm audit of ${folder} found something, or could not be made`);
  const code = run('npm', 'publish', '--provenance', '--access', 'public', ...(dry ? ['--dry-run'] : []));
  if (code !== 0) refuse('npm publish failed');
}

const [step, ...rest] = process.argv.slice(2);
try {
  if (step === 'prepare') prepare(...rest);
  else if (step === 'notes')
    console.log(changes(json('package.json').version) ?? refuse('CHANGELOG.md does not name this version'));
  else if (step === 'publish') publish(...rest);
  else refuse('usage: node scripts/release.js prepare VERSION | publish [--dry-run] | notes');
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.error(`release: ${error.message}`);
  process.exitCode = 1;
}
