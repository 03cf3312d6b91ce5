// Prints `N passed, N failed` from vitest's JSON report, and fails where nothing ran or, in CI, something was skipped.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { numPassedTests: passed, numFailedTests: failed, numPendingTests: pending, numTodoTests: todo } = report;
const skipped = pending + todo;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
if (passed + failed === 0 || failed > 0 || (skipped > 0 && process.env.CI !== undefined)) process.exit(1);
