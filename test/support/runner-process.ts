/**
 * Run by a test: runs the test files of its arguments as `npm test` does, each alone, or with "together" as the first
 * argument in one process; prints the totals as JSON at the end.
 */
import { dirname } from 'node:path';
import { runFiles, type Totals } from './runner/run-files.js';

const [first = '', ...others] = process.argv.slice(2);
const isTogether = first === 'together';
const files = isTogether ? others : [first, ...others];
const tests = { folder: dirname(files[0] ?? ''), files, source: (file: string) => file, remove() {} };
const totals: Totals = { passed: 0, failed: 0, skipped: 0, flaky: 0 };
const groups = isTogether ? [files] : files.map((file) => [file]);
await runFiles(tests, groups, new AbortController().signal, totals, Promise.resolve());
console.log(JSON.stringify(totals));
