#!/usr/bin/env node
// Stands in for a builder: does what the files of $FAKE_ENGINE say, and writes down how it was called.
import { appendFileSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.FAKE_ENGINE;
const [command, ...rest] = process.argv.slice(2);
const has = (name) => existsSync(join(folder, name));
const text = (name) => readFileSync(join(folder, name), 'utf8');
if (command === 'version') {
  if (has('version-fails')) {
    console.error(text('version-fails'));
    process.exit(1);
  }
  console.log('20.10.24');
} else if (command === 'buildx') process.exit(1);
else if (command === 'build') {
  const context = rest.at(-1);
  const dockerfile = rest[rest.indexOf('--file') + 1];
  const variant = /-(original-again|original|rewritten)[-\d]*:/.exec(rest[rest.indexOf('--tag') + 1])[1];
  const seen = readdirSync(context).map((name) => {
    try {
      return [name, readFileSync(join(context, name), 'utf8')];
    } catch {
      return [name, ''];
    }
  });
  const edited = seen.filter(([, content]) => content.endsWith('\n\n')).map(([name]) => name);
  appendFileSync(
    join(folder, 'calls.jsonl'),
    `${JSON.stringify({ variant, argv: rest, context, dockerfile: readFileSync(dockerfile, 'utf8'), ignore: readFileSync(`${dockerfile}.dockerignore`, 'utf8'), edited })}\n`,
  );
  if (has('hangs')) console.log('#4 [1/3] FROM node');
  if (has('hangs')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
  if (has(`fails-${variant}`)) {
    console.error(text(`fails-${variant}`));
    process.exit(1);
  }
  // Which file the install reads, and the install.
  const [manifest, install] = (has('install') ? text('install') : 'package.json npm ci').split(/ (.*)/);
  const installs = variant !== 'rewritten' || edited.includes(manifest) || rest.includes('--no-cache');
  console.log(
    `#5 [2/3] RUN ${install}\n${installs ? '#5 DONE 3.0s' : '#5 CACHED'}\n#6 [3/3] COPY . /app\n#6 DONE 0.1s`,
  );
} else if (command === 'save') {
  // The variants' archives one after the other, and a manifest under the tags that were asked for.
  const files = rest.map((tag) => {
    const variant = /-(original-again|original|rewritten)[-\d]*:/.exec(tag)[1];
    return has(`${variant}.tar`) ? `${variant}.tar` : 'original.tar';
  });
  const manifest = rest.map((tag, index) => {
    const [own] = JSON.parse(/\[\{"Config".*\}\]/.exec(text(files[index]))[0]);
    return { ...own, RepoTags: [tag] };
  });
  process.stdout.write(
    Buffer.concat([
      ...[...new Set(files)].map((name) => readFileSync(join(folder, name))),
      member('manifest.json', JSON.stringify(manifest)),
    ]),
  );
} else if (command === 'rmi')
  appendFileSync(join(folder, 'removed.txt'), `${rest.filter((each) => each !== '--force').join('\n')}\n`);
else process.exit(3);

function member(name, content) {
  const blocks = Buffer.alloc(512 + Math.ceil(content.length / 512) * 512);
  const header = [
    [0, name],
    [100, '0000644\0'],
    [124, `${content.length.toString(8).padStart(11, '0')}\0`],
    [148, '        '],
    [156, '0'],
    [257, 'ustar\u000000'],
    [512, content],
  ];
  for (const [offset, value] of header) blocks.write(value, offset);
  const sum = blocks.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  blocks.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return blocks;
}
