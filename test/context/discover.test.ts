import { describe, expect, it } from 'vitest';
import { chooseContext, findEvidence } from '../../src/context/discover.ts';
import { isDockerfileName } from '../../src/context/find.ts';

const evidence = (files: Record<string, string>) =>
  findEvidence({ files: Object.keys(files).sort(), read: (path) => files[path] });

describe('evidence', () => {
  it.each<[reason: string, files: Record<string, string>, expected: [string, string][]]>([
    [
      'compose, short',
      { 'compose.yaml': 'services:\n  a:\n    build: ./api\n', 'api/Dockerfile': '' },
      [['api', 'api/Dockerfile']],
    ],
    [
      'compose, dockerfile relative to the context',
      {
        'deploy/docker-compose.yml':
          'services:\n  a:\n    build:\n      context: ..\n      dockerfile: api/Dockerfile\n',
        'api/Dockerfile': '',
      },
      [['.', 'api/Dockerfile']],
    ],
    [
      'compose, defaults of variables',
      { 'docker-compose.yml': 'services:\n  a:\n    build:\n      context: ${DIR:-api}\n', 'api/Dockerfile': '' },
      [['api', 'api/Dockerfile']],
    ],
    [
      'compose, a variable without default says nothing',
      { 'docker-compose.yml': 'services:\n  a:\n    build:\n      context: ${DIR}\n', Dockerfile: '' },
      [],
    ],
    [
      'compose, inline Dockerfiles are not files',
      { 'docker-compose.yml': 'services:\n  a:\n    build:\n      dockerfile_inline: FROM a\n', Dockerfile: '' },
      [],
    ],
    [
      'bake, JSON',
      {
        'docker-bake.json': '{"target":{"a":{"context":"api","dockerfile":"../Dockerfile.api"}}}',
        'Dockerfile.api': '',
      },
      [['api', 'Dockerfile.api']],
    ],
    [
      'bake, HCL with inherits',
      {
        'docker-bake.hcl':
          'target "base" {\n context = "api"\n}\ntarget "b" {\n inherits = ["base"]\n dockerfile = "Dockerfile.b"\n}\n',
        'api/Dockerfile.b': '',
      },
      [['api', 'api/Dockerfile.b']],
    ],
    [
      'a workflow with build-push-action',
      {
        '.github/workflows/a.yml':
          'jobs:\n  a:\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          context: .\n          file: ./api/Dockerfile\n',
        'api/Dockerfile': '',
      },
      [['.', 'api/Dockerfile']],
    ],
    [
      'a workflow that runs docker build',
      {
        '.github/workflows/a.yml':
          'jobs:\n  a:\n    steps:\n      - run: docker build -t x -f Dockerfile ..\n        working-directory: api\n',
        'api/Dockerfile': '',
      },
      [['.', 'api/Dockerfile']],
    ],
    [
      'a Makefile',
      { Makefile: 'image:\n\t@docker buildx build --platform linux/amd64 \\\n\t  -t x api\n', 'api/Dockerfile': '' },
      [['api', 'api/Dockerfile']],
    ],
    [
      'package.json scripts',
      { 'package.json': '{"scripts":{"image":"cd api && docker build -f Dockerfile.x ."}}', 'api/Dockerfile.x': '' },
      [['api', 'api/Dockerfile.x']],
    ],
    [
      'a shell script',
      { 'scripts/build.sh': '#!/bin/sh\nsudo podman build --file=api/Dockerfile .\n', 'api/Dockerfile': '' },
      [['.', 'api/Dockerfile']],
    ],
    [
      'a context outside of the repository',
      { 'docker-compose.yml': 'services:\n  a:\n    build: ../other\n', Dockerfile: '' },
      [],
    ],
    [
      'a remote context',
      { 'docker-compose.yml': 'services:\n  a:\n    build: https://example.com/a.git\n', Dockerfile: '' },
      [],
    ],
    [
      'broken files',
      {
        'docker-compose.yml': 'services: [build\n',
        'docker-bake.hcl': 'target {{{',
        'docker-bake.json': '{',
        Dockerfile: '',
      },
      [],
    ],
    [
      'an alias bomb',
      {
        'docker-compose.yml': `a: &a [build]\n${Array.from(
          { length: 9 },
          (_, n) =>
            `b${n}: &b${n} [${Array(9)
              .fill(n === 0 ? '*a' : `*b${n - 1}`)
              .join(',')}]\n`,
        ).join('')}services: *b8\n`,
        Dockerfile: '',
      },
      [],
    ],
  ])('%s', async (_reason, files, expected) => {
    expect((await evidence(files)).map((each) => [each.context, each.dockerfile])).toEqual(expected);
  });
});

describe('choice', () => {
  const holds =
    (...directories: string[]) =>
    (directory: string): readonly string[] =>
      directories.includes(directory) ? [] : ['package.json'];
  const says = (context: string) => ({ context, dockerfile: 'api/Dockerfile', file: 'compose.yaml' });
  it('follows the evidence', () => {
    expect(chooseContext('api/Dockerfile', [says('.')], holds('.', 'api')).directory).toBe('.');
  });
  it('drops evidence that cannot be right', () => {
    expect(chooseContext('api/Dockerfile', [says('.'), says('web')], holds('.')).directory).toBe('.');
  });
  it('refuses two that could both be right, and says how to choose', () => {
    const { trouble } = chooseContext('api/Dockerfile', [says('.'), says('api')], holds('.', 'api'));
    expect(trouble?.code).toBe('context-ambiguous');
    expect(trouble?.help).toContain('--context');
  });
  it('goes up to the nearest directory that holds everything', () => {
    expect(chooseContext('a/b/Dockerfile', [], holds('a', '.')).directory).toBe('a');
  });
  it('refuses when there is none, and names what is missing', () => {
    const { trouble } = chooseContext('a/Dockerfile', [], holds());
    expect(trouble).toMatchObject({
      code: 'context-unknown',
      message: expect.stringContaining('package.json') as string,
    });
  });
});

it('knows Dockerfiles by name', () => {
  const names = [
    'Dockerfile',
    'Dockerfile.prod',
    'api.Dockerfile',
    'api.dockerfile',
    'Containerfile',
    'Containerfile.x',
    'dockerfile',
  ];
  const others = [
    'Dockerfile.dockerignore',
    'Dockerfile.md',
    'DockerfileX',
    'docker-compose.yml',
    'my-Dockerfile',
    'Dockerfile.sh',
  ];
  expect([...names, ...others].filter(isDockerfileName)).toEqual(names);
});
