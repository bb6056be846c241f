import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { programArguments } from '../../support/program.js';

test('collectBetweenIterations() keeps the heap of new objects small during long work', () => {
  const run = (mode: string) => {
    const node = [...programArguments('test/support/collecting-process.ts'), mode];
    return JSON.parse(execFileSync(process.execPath, node, { encoding: 'utf8' })) as Record<string, unknown>;
  };
  const collected = run('collect');
  assert.equal(collected['kept'], 800_000);
  assert.equal(collected['gc'], 'undefined', 'globalThis.gc is not exposed');
  assert.ok((collected['max'] as number) < 4 * 1024 * 1024, `${collected['max']} bytes`);
  assert.equal(run('leave')['kept'], 800_000, 'the program also runs without it');
});
