import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const report = process.env['VITEST_REPORT'];

export default defineConfig({
  // The templates are tested as they stand.
  resolve: { alias: { 'dockerfix/plugin': join(import.meta.dirname, 'src/plugin.ts') } },
  test: {
    include: ['test/**/*.test.ts'],
    // Needs a builder: `npm run test:e2e`.
    exclude: ['test/e2e/**'],
    testTimeout: 60_000,
    hookTimeout: 240_000,
    ...(report === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: report } }),
  },
});
