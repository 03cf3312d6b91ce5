// Prints `N passed, N failed` from vitest's JSON reports, and fails where one of them ran nothing or, in CI, something was
// skipped.
import { readFileSync } from 'node:fs';

let [passed, failed, pending] = [0, 0, 0];
let empty = false;
for (const path of process.argv.slice(2)) {
  const text = readFileSync(path, 'utf8');
  const report = text === '' ? { testResults: [] } : JSON.parse(text);
  // A file that could not even be loaded has no tests to count.
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0 } = report;
  if (numPassedTests + numFailedTests + unloaded.length === 0) empty = true;
  passed += numPassedTests;
  failed += numFailedTests + unloaded.length;
  pending += numPendingTests + numTodoTests;
}
const inCi = process.env.CI !== undefined && process.env.CI !== 'false';
console.log(`${passed} passed, ${failed} failed${pending > 0 ? `, ${pending} skipped` : ''}`);
if (empty || failed > 0 || (pending > 0 && inCi)) process.exitCode = 1;
