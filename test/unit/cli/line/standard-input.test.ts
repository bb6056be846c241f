import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';

const MODULE = new URL('../../../../src/cli/line/standard-input.ts', import.meta.url).href;

test('standard input is read whole from a pipe whose writer is slower', async () => {
  const script = `
    import { standardInput } from ${JSON.stringify(MODULE)};
    const reading = standardInput({ stdin: process.stdin });
    process.stderr.write('waits');
    process.stdout.write((await reading).toString());
  `;
  const reader = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
  let out = '';
  let err = '';
  reader.stdout.on('data', (data) => (out += data));
  reader.stderr.on('data', (data) => {
    if (err === '') reader.stdin.end('first second');
    err += data;
  });
  await new Promise((resolve) => reader.on('close', resolve));
  assert.deepEqual([out, err], ['first second', 'waits']);
});
