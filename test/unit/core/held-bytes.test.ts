import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeldBytes } from '../../../src/core/held-bytes.js';

test('the buffer has the bytes that were added and not dropped, however they are split into chunks', () => {
  const piece = fc.uint8Array({ maxLength: 700 });
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, fc.nat(900)), { maxLength: 40 }), (steps) => {
      const held = new HeldBytes();
      let expected = Buffer.alloc(0);
      for (const [chunk, used] of steps) {
        held.add(chunk);
        expected = Buffer.concat([expected, chunk]);
        held.drop(used);
        expected = expected.subarray(Math.min(used, expected.length));
        assert.equal(held.length, expected.length);
        assert.deepEqual(Buffer.from(held.bytes), Buffer.from(expected));
        const from = Math.min(5, expected.length);
        assert.equal(held.indexOf(7, from), expected.indexOf(7, from));
        assert.equal(held.text(from, from + 20), expected.toString('latin1', from, from + 20));
        assert.equal(held.at(from), expected[from] ?? -1);
      }
    }),
  );
});

test('the buffer is reallocated a few times, not for each byte, and freed when it is empty', () => {
  const held = new HeldBytes();
  const memories = new Set<ArrayBufferLike>();
  for (let i = 0; i < 100_000; i++) {
    held.add(Uint8Array.of(i & 255));
    memories.add(held.bytes.buffer);
  }
  assert.ok(memories.size < 12, `${memories.size} buffers`);
  held.drop(100_000);
  held.add(Uint8Array.of(1));
  assert.ok(held.bytes.buffer.byteLength <= 256);
});
