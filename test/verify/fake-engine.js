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
  const variant = /-(original-again|original|rewritten):/.exec(rest[rest.indexOf('--tag') + 1])[1];
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
  if (has('hangs')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
  if (has(`fails-${variant}`)) {
    console.error(text(`fails-${variant}`));
    process.exit(1);
  }
  const installs = variant !== 'rewritten' || edited.includes('package.json') || rest.includes('--no-cache');
  console.log(`#5 [2/3] RUN npm ci\n${installs ? '#5 DONE 3.0s' : '#5 CACHED'}\n#6 [3/3] COPY . /app\n#6 DONE 0.1s`);
} else if (command === 'save') {
  const variant = /-(original-again|original|rewritten):/.exec(rest[0])[1];
  process.stdout.write(readFileSync(join(folder, has(`${variant}.tar`) ? `${variant}.tar` : 'original.tar')));
} else if (command === 'rmi')
  appendFileSync(join(folder, 'removed.txt'), `${rest.filter((each) => each !== '--force').join('\n')}\n`);
else process.exit(3);
