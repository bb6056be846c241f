import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { setTimeout as sleep } from 'node:timers/promises';
import { programArguments } from '../support/program.js';
import { byFile, whole } from '../support/runner/groups.js';
import { resultsOf } from '../support/runner/results.js';

const IMPORT = "import assert from 'node:assert';\nimport { after, beforeEach, describe, test } from 'node:test';\n";

/** What the runner prints for test files with these bodies, each in a process of its own. */
const printed = (...bodies: readonly string[]): Promise<string> => outputOf([], bodies);

/** What it prints when they share a process. */
const printedTogether = (...bodies: readonly string[]): Promise<string> => outputOf(['together'], bodies);

async function outputOf(how: readonly string[], bodies: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-runner-'));
  const files = bodies.map((body, i) => {
    const file = join(folder, `${i}.test.mjs`);
    writeFileSync(file, `${IMPORT}${body}\n`);
    return file;
  });
  const { NODE_TEST_CONTEXT: _within, CI: _again, ...env } = process.env;
  const program = [...programArguments('test/support/runner-process.ts'), ...how, ...files];
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

test('files that share a process have their own results, hooks and times', { timeout: 120_000 }, async () => {
  const output = await printedTogether(
    "test('good', () => {});\ntest('bad', () => { throw new Error('its reason'); });\ndescribe('block', () => test('inner', () => {}));",
    '',
    "throw new Error('at import');",
    "let count = 0;\nbeforeEach(() => { count++; });\ntest('good', () => assert.equal(count, 1));\nafter(() => { throw new Error('in a hook'); });",
    "test('good', () => {});\ntest('later', { skip: true });",
  );
  assert.deepEqual(totals(output), [4, 4, 1], output);
  assert.match(output, /^FAILED: .*0\.test\.mjs: bad$/m);
  assert.match(output, /^FAILED: .*1\.test\.mjs: no test ran$/m);
  assert.match(output, /^FAILED: .*2\.test\.mjs: the file$/m);
  assert.match(output, /^FAILED: .*3\.test\.mjs: the file$/m);
  for (const reason of [/its reason/, /at import/, /in a hook/]) assert.match(output, reason);
  assert.equal(output.match(/^\S+\d\.test\.mjs \(\d+\.\d s\)$/gm)?.length, 5, output);
  // Titles stand as far left as those of a file that runs alone.
  assert.match(output, /^✔ good /m);
});

test('files after one that ends their common process run in another process', {
  timeout: 120_000,
}, async () => {
  const output = await printedTogether(
    "test('good', () => {});",
    "test('good', () => {});\ntest('exits', () => new Promise(() => setTimeout(() => process.exit(0), 100)));\ntest('never', () => {});",
    "test('dies', async () => { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); });",
    "test('good', () => {});",
  );
  assert.deepEqual(totals(output), [3, 2, 0], output);
  assert.match(output, /^FAILED: .*1\.test\.mjs: ended before 2 of its tests$/m);
  assert.match(output, /^FAILED: .*2\.test\.mjs: /m);
});

test('an error after the tests of a shared process fails the last file, and is printed with its position', {
  timeout: 120_000,
}, async () => {
  const output = await printedTogether(
    "test('good', () => void setTimeout(() => { throw new Error('too late'); }, 50));",
    "test('good', () => new Promise((resolve) => setTimeout(resolve, 200)));",
  );
  assert.deepEqual(totals(output), [2, 1, 0], output);
  assert.match(output, /too late/);
  assert.match(output, /0\.test\.mjs:\d+/);
  assert.match(output, /^FAILED: .*1\.test\.mjs: the file$/m);
});

test('the time that a process goes on after its last test is measured', async () => {
  async function* events(): AsyncGenerator<TestEvent> {
    await sleep(60);
    yield { type: 'test:pass', data: { name: 'a test', nesting: 0 } } as TestEvent;
    await sleep(120);
    yield { type: 'test:pass', data: { name: 'left-open.js', nesting: 0 } } as TestEvent;
  }
  for await (const { after = 0, seconds } of whole('/left-open.js', events())) {
    assert.ok(after >= 0.1 && after <= seconds - 0.05, `${after} of ${seconds} s`);
  }
});

test('when the process of a group reports no file, its first file has failed', async () => {
  const details = {
    duration_ms: 1,
    error: Object.assign(new Error('spawn EAGAIN'), { failureType: 'testCodeFailure' }),
  };
  const fail = { type: 'test:fail', data: { name: '/x/group-0.mjs', nesting: 0, testNumber: 1, details } };
  for (const events of [[fail], []]) {
    async function* stream() {
      yield* events as unknown as TestEvent[];
    }
    const found: [file: string, failed: readonly string[]][] = [];
    for await (const part of byFile('/x/group-0.mjs', stream(), ['/x/0.test.js', '/x/1.test.js']))
      found.push([part.file, (await resultsOf(part)).failed]);
    assert.deepEqual(found, [['/x/0.test.js', [events.length > 0 ? 'the file' : 'no test ran']]]);
  }
});
