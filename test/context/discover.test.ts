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
      'compose, inline Dockerfiles are not files of their own',
      { 'docker-compose.yml': 'services:\n  a:\n    build:\n      dockerfile_inline: FROM a\n', Dockerfile: '' },
      [['.', 'docker-compose.yml']],
    ],
    [
      'bake, JSON',
      {
        'docker-bake.json': '{"target":{"a":{"context":"api","dockerfile":"../Dockerfile.api"}}}',
        'Dockerfile.api': '',
        'api/x': '',
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

  const FILES = { 'api/Dockerfile': '', 'package.json': '{}' };
  const contexts = async (files: Record<string, string>): Promise<readonly unknown[]> =>
    (await evidence({ ...FILES, ...files }))
      .filter(({ dockerfile }) => dockerfile === 'api/Dockerfile')
      .map(({ context, line }) => context ?? `line ${line ?? 0}`);

  describe('of a command', () => {
    it.each<[words: string, expected: string]>([
      // Nothing but the last word is the context.
      ['$(BUILD_ARGS) -t x -f api/Dockerfile .', '.'],
      ['$@ -t x -f api/Dockerfile .', '.'],
      ['"${args[@]}" -f api/Dockerfile .', '.'],
      ['-v /x:/y -f api/Dockerfile .', '.'],
      ['--memory-swap 1g -f api/Dockerfile .', '.'],
      ['--of-tomorrow value -f api/Dockerfile .', '.'],
      ['-f api/Dockerfile . $(EXTRA_FLAGS)', '.'],
      ['-f api/Dockerfile api "$@"', 'api'],
      ['-f api/Dockerfile api >log 2>&1', 'api'],
      ['-f api/Dockerfile api </dev/null | tee log', 'api'],
      // The Dockerfile is what it reads.
      ['-f - . <api/Dockerfile', '.'],
      ['-f- . <api/Dockerfile >log', '.'],
      // It can only be told when it runs, or is made before.
      ['-f api/Dockerfile $(CTX)', 'line 2'],
      ['-f api/Dockerfile $(BUILD_ARGS)', 'line 2'],
      ['-f api/Dockerfile dist', 'line 2'],
      ['-f api/Dockerfile /srv', 'line 2'],
    ])('docker build %s', async (words, expected) => {
      expect(await contexts({ Makefile: `image:\n\tpodman build ${words}\n` })).toEqual([expected]);
    });
    it('of which the Dockerfile cannot be told, there is none', async () => {
      expect(
        await contexts({ Makefile: 'image:\n\tdocker build -f $(X)/Dockerfile .\n\tdocker build $(X)\n' }),
      ).toEqual([]);
    });
    it.each([
      'env DOCKER_BUILDKIT=1 docker build',
      'cross-env DOCKER_BUILDKIT=1 docker build',
      'docker --context far -H tcp://a --debug build',
      'depot build',
    ])('%s', async (words) => {
      expect(await contexts({ Makefile: `a:\n\t${words} -f api/Dockerfile .\n` })).toEqual(['.']);
    });
    it('that is none', async () => {
      expect(await contexts({ Makefile: 'a:\n\tdocker --context build ps -f api/Dockerfile .\n' })).toEqual([]);
    });
    it('in lines that Windows ends', async () => {
      expect(await contexts({ Makefile: 'a:\r\n\tdocker build -f api/Dockerfile .\r\n' })).toEqual(['.']);
    });
    it('in a file that the Makefile includes', async () => {
      expect(await contexts({ 'make/image.mk': 'a:\n\tdocker build -f api/Dockerfile .\n' })).toEqual(['.']);
      expect(await contexts({ 'api/image.mk': 'a:\n\tdocker build -f Dockerfile ..\n' })).toEqual(['.']);
      expect(await contexts({ Dockerfile: '', 'api/image.mk': 'a:\n\tdocker build .\n' })).toEqual([]);
    });
    it.each<[reason: string, script: string]>([
      ['cd -', 'cd api\nnpm test\ncd - >/dev/null\n'],
      ['popd', 'pushd api\nnpm test\npopd\n'],
      ['a directory that cannot be told', 'cd api\nnpm test\ncd "$HERE"\n'],
    ])('after %s', async (_reason, script) => {
      expect(new Set(await contexts({ 'a.sh': `${script}docker build -f api/Dockerfile .\n` }))).toEqual(
        new Set(['.']),
      );
    });
    it('after pushd', async () => {
      expect(new Set(await contexts({ 'a.sh': 'pushd api\ndocker build -f Dockerfile ..\n' }))).toEqual(new Set(['.']));
    });
    it('after the before_script that all jobs have', async () => {
      expect(
        await contexts({
          '.gitlab-ci.yml': 'default:\n  before_script: [cd api]\na:\n  script: [docker build -f Dockerfile ..]\n',
        }),
      ).toEqual(['.']);
    });
    it('of a Dockerfile that a pipe brings, there is none', async () => {
      expect(await evidence({ Dockerfile: '', Makefile: 'a:\n\tenvsubst <D.in | docker build -f- .\n' })).toEqual([]);
    });
    it('in a directory that cannot be told, there is none', async () => {
      expect(await contexts({ Makefile: 'a:\n\tcd $(DIR) && docker build -f api/Dockerfile .\n' })).toEqual([]);
    });
  });

  describe('of directories with well-known names', () => {
    it.each<[reason: string, path: string, text: string]>([
      [
        'the top, to make',
        'Makefile',
        'R := $(shell git rev-parse --show-toplevel)\na:\n\tdocker build -f $(R)/api/Dockerfile $(R)\n',
      ],
      [
        'the top, to a recipe',
        'api/Makefile',
        'a:\n\tdocker build -f Dockerfile "$$(git rev-parse --show-toplevel)"\n',
      ],
      ["make's own", 'Makefile', 'a:\n\tcd api && docker build -f Dockerfile $(CURDIR)\n'],
      [
        "the Makefile's",
        'api/Makefile',
        'D := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))\na:\n\tdocker build -f $(D)Dockerfile $(D)..\n',
      ],
      [
        'the top, to a script',
        'scripts/a.sh',
        'cd "$(git rev-parse --show-toplevel)"\ndocker build -f api/Dockerfile .\n',
      ],
      [
        'beside a script',
        'scripts/a.sh',
        'R="$(cd "$(dirname "$0")/.." && pwd)"\ncd /\ndocker build -f "$R/api/Dockerfile" "$R"\n',
      ],
      [
        'beside a script, by steps',
        'scripts/a.sh',
        'HERE=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" >/dev/null 2>&1 && pwd)\nR="$HERE/.."\ndocker build -f ${R}/api/Dockerfile $R\n',
      ],
      ['where a script starts', 'a.sh', 'R=$(pwd)\ndocker build -f api/Dockerfile $R\n'],
    ])('%s', async (_reason, path, text) => {
      expect(new Set(await contexts({ [path]: text }))).toEqual(new Set(['.']));
    });
    it('that a script leaves before it builds', async () => {
      expect(await contexts({ 'a.sh': 'cd api\nR=$(pwd)\ndocker build -f Dockerfile $R\n' })).toEqual(['line 3']);
    });
  });

  describe('of compose files', () => {
    const service = (build: string): string => `services:\n  a:\n    build: {${build}}\n`;
    it.each<[reason: string, files: Record<string, string>, expected: readonly string[]]>([
      ['where it is run', { 'compose.yml': service('context: "${PWD}", dockerfile: api/Dockerfile') }, ['.']],
      [
        'where it is run, in both',
        { 'compose.yml': service('context: $PWD, dockerfile: "${PWD}/api/Dockerfile"') },
        ['.'],
      ],
      [
        'a committed .env, over a default',
        { '.env': 'CTX=. # all\n', 'compose.yml': service('context: "${CTX:-./api}", dockerfile: api/Dockerfile') },
        ['.'],
      ],
      [
        'a committed .env',
        {
          '.env': 'export DF="api/Dockerfile"\nCTX=.\n',
          'compose.yml': service('context: "${CTX}", dockerfile: "${DF}"'),
        },
        ['.'],
      ],
      ['the one file that fits', { 'compose.yml': service('context: "${CTX}", dockerfile: api/Dockerfile') }, ['.']],
      [
        'one of several files',
        { 'old/api/Dockerfile': '', 'compose.yml': service('context: "${CTX}", dockerfile: api/Dockerfile') },
        [],
      ],
      [
        'what a service of another file has',
        {
          'deploy/base.yml': service('context: .., dockerfile: other').replace('a:', 'b:'),
          'deploy/compose.yml':
            'services:\n  a:\n    extends: {file: base.yml, service: b}\n    build: {dockerfile: api/Dockerfile}\n',
        },
        ['.'],
      ],
      [
        'the directory that another file includes it with',
        {
          'compose.yml': 'include:\n  - path: [deploy/compose.yml]\n    project_directory: .\n',
          'deploy/compose.yml': service('context: ., dockerfile: api/Dockerfile'),
          'deploy/api/Dockerfile': '',
        },
        ['.'],
      ],
      ['a service that extends itself', { 'compose.yml': 'services:\n  a:\n    extends: a\n' }, []],
    ])('%s', async (_reason, files, expected) => {
      expect(await contexts(files)).toEqual(expected);
    });
  });

  describe('of bake files', () => {
    it.each<[reason: string, files: Record<string, string>, expected: readonly string[]]>([
      [
        'that are run from the root',
        { 'deploy/docker-bake.hcl': 'target "a" {\n context = "."\n dockerfile = "api/Dockerfile"\n}\n' },
        ['.'],
      ],
      [
        'that are run from where they are',
        { 'deploy/docker-bake.hcl': 'target "a" {\n context = "../api"\n}\n' },
        ['api'],
      ],
      ['that could be run from both', { Dockerfile: '', 'api/docker-bake.hcl': 'target "a" {\n}\n' }, []],
      [
        'with a function',
        { 'docker-bake.hcl': 'target "a" {\n context = where("x")\n dockerfile = "api/Dockerfile"\n}\n' },
        ['.'],
      ],
    ])('%s', async (_reason, files, expected) => {
      expect(await contexts(files)).toEqual(expected);
    });
    it('is weak where they are not at the root', async () => {
      const files = {
        'deploy/docker-bake.json': '{"target":{"a":{"dockerfile":"api/Dockerfile"}}}',
        'api/Dockerfile': '',
      };
      expect(await evidence(files)).toMatchObject([{ context: '.', weak: true }]);
    });
  });

  describe('of other tools', () => {
    it.each<[path: string, text: string]>([
      ['.circleci/config.yml', 'jobs:\n  a:\n    steps:\n      - run: docker build -f api/Dockerfile .\n'],
      ['.travis.yml', 'script:\n  - cd api\n  - docker build -f Dockerfile ..\n'],
      [
        'cloudbuild.yaml',
        "steps:\n  - name: gcr.io/cloud-builders/docker\n    args: [build, -t, 'x/$PROJECT_ID', -f, api/Dockerfile, .]\n",
      ],
      ['Taskfile.yml', 'tasks:\n  a:\n    cmds:\n      - docker build -f api/Dockerfile .\n'],
      ['justfile', 'd := "api"\nimage:\n  @docker build -f {{d}}/Dockerfile .\n'],
      ['Jenkinsfile', 'steps {\n  sh "docker build -f api/Dockerfile -t ${name}:${n} ."\n}\n'],
      ['Jenkinsfile', "sh(script: '''\n  cd api\n  docker build -f Dockerfile ..\n''')\n"],
      [
        'skaffold.yaml',
        'build:\n  artifacts:\n    - image: a\n      context: .\n      docker: {dockerfile: api/Dockerfile}\n    - image: b\n      context: api\n      jib: {}\n',
      ],
      [
        '.devcontainer/devcontainer.json',
        '{\n  // the root\n  "build": { "dockerfile": "../api/Dockerfile", "context": ".." },\n}\n',
      ],
    ])('%s', async (path, text) => {
      expect(await contexts({ [path]: text })).toEqual(['.']);
    });
    it('that make no image, there is none', async () => {
      expect(
        await contexts({
          '.travis.yml': 'services: docker\nscript: [docker pull api]\n',
          'skaffold.yaml': 'build:\n  artifacts:\n    - {image: a, context: api, buildpacks: {}}\n',
          '.devcontainer/devcontainer.json': '{"build": {"dockerfile": "../api/Dockerfile"}}',
        }),
      ).toEqual([]);
    });
  });

  describe('of workflows', () => {
    const action = (context: string, file = 'api/Dockerfile'): string =>
      `jobs:\n  a:\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          context: "${context}"\n          file: ${file}\n`;
    it.each<[reason: string, text: string, expected: readonly string[]]>([
      [
        'this repository by its address',
        action('https://github.com/${{ github.repository }}.git#${{ github.sha }}'),
        ['.'],
      ],
      [
        'a directory of it',
        action('${{ github.server_url }}/${{ github.repository }}.git#main:api', 'Dockerfile'),
        ['api'],
      ],
      ['a directory of the default context', action('{{defaultContext}}:api', 'Dockerfile'), ['api']],
      ['the default context', action('{{defaultContext}}'), ['.']],
      ['an address that may be its own', action('https://example.com/me/app.git'), ['line 7']],
      ['an input', action('${{ inputs.context }}'), ['line 6']],
      ['the workspace', action('${{ github.workspace }}/', '${{ github.workspace }}/api/Dockerfile'), ['.']],
      [
        'where all of its jobs run',
        'defaults:\n  run:\n    working-directory: api\njobs:\n  a:\n    steps:\n      - run: docker build -f Dockerfile .\n',
        ['api'],
      ],
      [
        'where one job runs',
        'defaults:\n  run:\n    working-directory: web\njobs:\n  a:\n    defaults:\n      run:\n        working-directory: api\n    steps:\n      - run: docker build -f Dockerfile ..\n',
        ['.'],
      ],
    ])('%s', async (_reason, text, expected) => {
      expect(await contexts({ '.github/workflows/a.yml': text })).toEqual(expected);
    });
    it('with a Dockerfile of some other repository, there is none', async () => {
      const files = {
        Dockerfile: '',
        '.github/workflows/a.yml': action('https://example.com/me/app.git', 'Dockerfile'),
      };
      expect(await evidence(files)).toEqual([]);
    });
  });

  it('of a symlink holds for the file that it leads to', async () => {
    const files = ['a/Dockerfile', 'common/Dockerfile', 'compose.yaml'];
    const found = await findEvidence({
      files,
      read: () => 'services:\n  a:\n    build: ./a\n',
      target: (path) => (path === 'a/Dockerfile' ? 'common/Dockerfile' : undefined),
    });
    expect(found.map(({ context, dockerfile }) => [context, dockerfile])).toEqual([
      ['a', 'a/Dockerfile'],
      ['a', 'common/Dockerfile'],
    ]);
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
  const unknown = { dockerfile: 'api/Dockerfile', file: 'Makefile', line: 7 };
  it('refuses where it is built from a directory that cannot be told, and says where that is', () => {
    expect(chooseContext('api/Dockerfile', [unknown], holds('api')).trouble).toMatchObject({
      code: 'context-unknown',
      message: expect.stringContaining('`Makefile` builds it in line 7') as string,
    });
  });
  it.each([
    ['a script', { ...says('.'), weak: true }],
    ['what does not fit', says('web')],
  ])('refuses it over %s', (_reason, other) => {
    expect(chooseContext('api/Dockerfile', [unknown, other], holds('.', 'api')).trouble?.code).toBe('context-unknown');
  });
  it('follows what is certain and fits before that', () => {
    expect(chooseContext('api/Dockerfile', [unknown, says('.')], holds('.', 'api')).directory).toBe('.');
  });
  it('does not mind how another Dockerfile is built', () => {
    expect(chooseContext('Dockerfile', [unknown], holds('.')).directory).toBe('.');
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
    'dockerfile.dev',
    'Dockerfile-dev',
    'Dockerfile_dev',
    'Dockerfile.php',
  ];
  const others = [
    'Dockerfile.dockerignore',
    'Dockerfile.md',
    'DockerfileX',
    'docker-compose.yml',
    'my-Dockerfile',
    'Dockerfile.sh',
    'dockerfile.php',
    'dockerfile.sublime-syntax',
    'dockerfile-lint',
    'Dockerfile.prod.dockerignore',
  ];
  expect([...names, ...others].filter(isDockerfileName)).toEqual(names);
});
