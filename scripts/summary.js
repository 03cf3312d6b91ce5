// Prints `N passed, N failed` from vitest's JSON report, and fails where nothing ran or, in CI, something was skipped.
import { readFileSync } from 'node:fs';

const text = readFileSync(process.argv[2], 'utf8');
const report = text === '' ? { testResults: [] } : JSON.parse(text);
const { numPassedTests: passed = 0, numPendingTests: pending = 0, numTodoTests: todo = 0 } = report;
// A file that could not even be loaded has no tests to count.
const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
const failed = (report.numFailedTests ?? 0) + unloaded.length;
const skipped = pending + todo;
const inCi = process.env.CI !== undefined && process.env.CI !== 'false';
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
if (passed + failed === 0 || failed > 0 || (skipped > 0 && inCi)) process.exitCode = 1;
