import { defineConfig } from 'vitest/config';

const report = process.env['VITEST_REPORT'];

export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    testTimeout: 600_000,
    ...(report === undefined ? {} : { reporters: ['verbose', 'json'], outputFile: { json: report } }),
  },
});
