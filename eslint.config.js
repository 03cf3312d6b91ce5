import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist/', 'fixtures/', 'examples/', 'templates/', 'editors/', '**/.vitepress/cache/'] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // The regular expressions and arrays here are indexed with care, and noUncheckedIndexedAccess watches.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      // `as string` after a check that the compiler cannot follow reads better than a dead branch.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
    },
  },
  {
    // The core runs in a browser as well. What it imports is watched by test/architecture.test.ts.
    files: ['src/**/*.ts', 'transforms/**/*.ts'],
    ignores: [
      'src/{batch,cli,config,lsp,testing,verify}/**',
      'src/context/{disk,find,git,history}.ts',
      'src/{run,write}.ts',
    ],
    rules: {
      'no-restricted-globals': [
        'error',
        'Buffer',
        'process',
        'global',
        'require',
        'setImmediate',
        '__dirname',
        '__filename',
      ],
    },
  },
  {
    files: ['eslint.config.js', 'action/**/*.js', 'scripts/**/*.js', 'site/**/*.js', 'test/**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: {
        AbortSignal: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        console: 'readonly',
        fetch: 'readonly',
        process: 'readonly',
      },
    },
  },
);
