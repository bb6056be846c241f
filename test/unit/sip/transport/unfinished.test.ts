import assert from 'node:assert/strict';
import { test } from 'node:test';
import { affordableBytes, UnfinishedBytes } from '../../../../src/sip/transport/unfinished.js';

test('one source gets most of the memory, another gets some of the rest, and all is released', () => {
  const bytes = new UnfinishedBytes(9000);
  let held = 0;
  while (bytes.change('a', held, held + 100)) held += 100;
  assert.ok(held >= 7900 && held <= 8000, `${held}`);
  bytes.change('a', held + 100, held);
  assert.equal(bytes.change('b', 0, 500), true);
  assert.equal(bytes.change('a', held, held + 100), false);
  bytes.change('a', held + 100, 0);
  bytes.change('b', 500, 0);
  assert.equal(bytes.size, 0);
  assert.equal(bytes.change('a', 0, 4000), true);
});

test('a trusted source may use everything, and no more', () => {
  const bytes = new UnfinishedBytes(9000, { has: () => true });
  assert.deepEqual([bytes.change('a', 0, 8900), bytes.change('a', 8900, 9000)], [true, false]);
});

test('the limit depends on the memory of the process', () => {
  assert.equal(affordableBytes(4096 * 1024 * 1024), 256 * 1024 * 1024);
  assert.equal(affordableBytes(64 * 1024 * 1024), 16 * 1024 * 1024);
});
