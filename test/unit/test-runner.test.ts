import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { programArguments } from '../support/program.js';

const IMPORT = "import { describe, test } from 'node:test';\n";

/** What the runner prints for test files with these bodies. */
async function printed(...bodies: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-runner-'));
  const files = bodies.map((body, i) => {
    const file = join(folder, `${i}.test.mjs`);
    writeFileSync(file, `${IMPORT}${body}\n`);
    return file;
  });
  const { NODE_TEST_CONTEXT: _within, CI: _again, ...env } = process.env;
  const program = [...programArguments('test/support/runner-process.ts'), ...files];
  try {
    return await new Promise((resolve) =>
      execFile(process.execPath, program, { env }, (_error, stdout, stderr) => resolve(stdout + stderr)),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The totals: passed, failed, skipped. */
function totals(output: string): readonly number[] {
  const { passed, failed, skipped } = JSON.parse(/^\{.*\}$/m.exec(output)?.[0] ?? output) as Record<string, number>;
  return [passed as number, failed as number, skipped as number];
}

test('passed, failed and skipped tests are counted, a skipped describe block as one', {
  timeout: 120_000,
}, async () => {
  const output = await printed(
    "test('good', () => {});\ntest('bad', () => { throw new Error('its reason'); });\ntest('later', { skip: true });",
    "describe('not here', { skip: true }, () => test('x', () => {}));",
  );
  assert.deepEqual(totals(output), [1, 1, 2]);
  assert.match(output, /its reason/);
  assert.match(output, /^FAILED: .*0\.test\.mjs: bad$/m);
});

test('a file without a test has failed', { timeout: 120_000 }, async () => {
  const output = await printed('', "describe('empty', () => {});");
  assert.deepEqual(totals(output), [0, 2, 0]);
  assert.match(output, /^FAILED: .*0\.test\.mjs: no test ran$/m);
});

test('a file that ends before its tests has failed', { timeout: 120_000 }, async () => {
  const output = await printed(
    // The timer lets the result of the first test be sent.
    "test('good', () => {});\ntest('exits', () => new Promise(() => setTimeout(() => process.exit(0), 100)));\ntest('never', () => {});",
    "test('good', () => {});\ntest('dies', async () => { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); });",
  );
  assert.equal(totals(output)[1], 2, output);
  assert.match(output, /^FAILED: .*0\.test\.mjs: ended before 2 of its tests$/m);
});

test('an error after the end of a test fails the file, and is printed', { timeout: 120_000 }, async () => {
  const output = await printed("test('good', () => void setTimeout(() => { throw new Error('too late'); }, 50));");
  assert.deepEqual(totals(output), [1, 1, 0]);
  assert.match(output, /too late/);
  assert.match(output, /^FAILED: .*0\.test\.mjs: the file$/m);
});
