/** Run by a test: runs the test files of its arguments as `npm test` does, and prints the totals as JSON at the end. */
import { runFiles, type Totals } from './runner/run-files.js';

const tests = { files: process.argv.slice(2), source: (file: string) => file, remove() {} };
const totals: Totals = { passed: 0, failed: 0, skipped: 0, flaky: 0 };
await runFiles(tests, new AbortController().signal, totals, Promise.resolve());
console.log(JSON.stringify(totals));
