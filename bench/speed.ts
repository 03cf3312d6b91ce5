/**
 * How fast, how much memory, and does it grow: `npm run bench`. On generated inputs, so that it runs anywhere; with a
 * directory of checkouts, on their Dockerfiles.
 */
import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fix, memoryContext, parse, type BuildContext } from '../src/index.ts';
import { run } from '../src/run.ts';

const gc = (globalThis as { gc?: () => void }).gc ?? ((): void => undefined);
const megabytes = (): number => {
  gc();
  return Math.round(process.memoryUsage().heapUsed / 1e5) / 10;
};
const time = (work: () => void): number => {
  const start = performance.now();
  work();
  return performance.now() - start;
};

const project: Record<string, string> = {
  'package.json': '{"name":"app","dependencies":{"express":"4"}}',
  'package-lock.json': '{"lockfileVersion":3,"packages":{}}',
  'requirements.txt': 'flask\n',
  '.dockerignore': 'node_modules\n',
};
for (let n = 0; n < 200; n++) project[`src/file${n}.js`] = '1';

const shapes = [
  'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\nEXPOSE 80\nCMD ["node", "server.js"]\n',
  'FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\n\nFROM nginx:alpine\nCOPY --from=build /app/dist /usr/share/nginx/html\n',
  'FROM python:3.12-slim\nENV A=1 B=2\nWORKDIR /app\nCOPY . .\nRUN apt-get update && apt-get install -y gcc \\\n && rm -rf /var/lib/apt/lists/*\nRUN pip install -r requirements.txt\nCMD ["python", "app.py"]\n',
  'FROM node:20\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nUSER node\nCMD ["node", "server.js"]\n',
];

async function main(): Promise<void> {
  const files: { source: string; context: BuildContext }[] = shapes.map((source) => ({
    source,
    context: memoryContext(project),
  }));
  const directory = process.argv[2];
  if (directory !== undefined) {
    files.length = 0;
    // Each with the context that it really has.
    for (const name of readdirSync(directory)) {
      const { outcomes } = await run({ cwd: join(realpathSync(directory), name), paths: ['.'], fix: {} });
      for (const { subject } of outcomes)
        if (subject !== undefined) files.push({ source: subject.source, context: subject.before });
    }
    if (files.length === 0) throw new Error(`no Dockerfile below ${directory}`);
  }
  const once = (): void => {
    // What was concluded in one round is not there in the next; Dockerfiles of one context share it, as in a run.
    const fresh = new Map<BuildContext, BuildContext>();
    for (const { source, context } of files) {
      const own = fresh.get(context) ?? (Object.create(context) as BuildContext);
      fresh.set(context, own);
      fix({ path: 'Dockerfile', source }, own);
    }
  };
  for (let n = 0; n < 300 / files.length + 1; n++) once();
  const rounds = Math.max(1, Math.round(4_000 / files.length));
  const spent = time(() => {
    for (let n = 0; n < rounds; n++) once();
  });
  console.log(
    `parse, propose and prove: ${Math.round((rounds * files.length * 1000) / spent)} Dockerfiles a second (${files.length} different ones)`,
  );

  const before = megabytes();
  for (let n = 0; n < 10_000; n++) {
    const { source, context } = files[n % files.length] as (typeof files)[number];
    fix({ path: 'Dockerfile', source: `${source}# ${n}\n` }, context);
    if (n % 2_500 === 2_499) console.log(`heap after ${n + 1} files: ${megabytes()} MB (before: ${before} MB)`);
  }

  for (const lines of [1_000, 10_000]) {
    const runs = `FROM node:20\nWORKDIR /app\nCOPY . .\n${'RUN apt-get update && apt-get install -y git\n'.repeat(lines)}RUN npm ci\n`;
    const copies = `FROM node:20\nWORKDIR /app\n${Array.from({ length: lines }, (_, n) => `COPY src/file${n % 200}.js ./f${n}.js\n`).join('')}RUN npm ci\n`;
    const mixed = `FROM node:20\nWORKDIR /app\n${Array.from({ length: lines / 2 }, (_, n) => `ENV A${n}=${n}\nRUN echo $A${n}\n`).join('')}`;
    const report = (name: string, source: string): string =>
      `${name} ${Math.round(time(() => void fix({ path: 'Dockerfile', source }, memoryContext(project))))} ms`;
    console.log(
      `${lines} lines: parse ${Math.round(time(() => void parse(runs)))} ms, ${report('RUN', runs)}, ${report('COPY', copies)}, ${report('ENV and RUN', mixed)}`,
    );
  }

  for (const count of [10_000, 100_000]) {
    const big: Record<string, string> = { ...project, '.dockerignore': 'node_modules\n**/*.log\ndocs\n' };
    for (let n = 0; n < count; n++) big[`packages/p${n % 500}/src/d${n % 37}/f${n}.ts`] = '';
    console.log(
      `${count} files in the context: ${Math.round(time(() => void fix({ path: 'Dockerfile', source: shapes[0] as string }, memoryContext(big))))} ms`,
    );
  }
}

await main();
