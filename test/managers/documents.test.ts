import { expect, it } from 'vitest';
import { fix, memoryContext } from '../../src/index.ts';

it('a manifest with fields of a trouble is none', () => {
  const source = 'FROM dart:3\nWORKDIR /app\nCOPY . .\nRUN dart pub get\n';
  const files = {
    'pubspec.yaml': 'name: a\ncode: 1\nmessage: [2]\n',
    'pubspec.lock': 'packages: {}\n',
    '.dockerignore': '.dart_tool\n',
  };
  const { refused, status } = fix({ path: 'Dockerfile', source }, memoryContext(files));
  expect([status, refused]).toEqual(['changed', []]);
});
