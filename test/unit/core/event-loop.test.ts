import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * Allocates 40 MB that stay referenced, with an event loop iteration after every few hundred kilobytes, and prints the
 * maximum size of the young generation.
 */
const PROGRAM = `
const { collectBetweenIterations, nextIteration } = await import(process.argv[1]);
const { getHeapSpaceStatistics } = await import('node:v8');
if (process.argv[2] === 'collect') collectBetweenIterations();
const kept = [];
let most = 0;
for (let i = 0; i < 200; i++) {
  for (let k = 0; k < 4000; k++) kept.push({ i, k });
  most = Math.max(most, getHeapSpaceStatistics().find((each) => each.space_name === 'new_space').space_used_size);
  await nextIteration();
}
console.log(JSON.stringify({ most, kept: kept.length, gc: typeof globalThis.gc }));
`;

test('collectBetweenIterations() keeps the heap of new objects small during long work', () => {
  const module = new URL('../../../src/core/event-loop.ts', import.meta.url).href;
  const run = (mode: string) => {
    const node = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', PROGRAM, module, mode];
    const cwd = fileURLToPath(new URL('../../..', import.meta.url));
    return JSON.parse(execFileSync(process.execPath, node, { cwd, encoding: 'utf8' })) as Record<string, unknown>;
  };
  const collected = run('collect');
  assert.equal(collected['kept'], 800_000);
  assert.equal(collected['gc'], 'undefined', 'globalThis.gc is not exposed');
  assert.ok((collected['most'] as number) < 4 * 1024 * 1024, `${collected['most']} bytes`);
  assert.equal(run('leave')['kept'], 800_000, 'the program also runs without it');
});
