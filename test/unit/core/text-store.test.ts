import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TextChunk, TextStore } from '../../../src/core/text-store.js';

test('memory is used again when all texts in it are released, and its generation says so', () => {
  const store = new TextStore();
  const text = `\xff${'x'.repeat(999)}`;
  const kept: { chunk: TextChunk; at: number; generation: number }[] = [];
  const put = () => {
    const chunk = store.put(text);
    kept.push({ chunk, at: chunk.used - text.length, generation: chunk.generation });
  };
  for (let i = 0; i < 1000; i++) {
    put();
    if (kept.length > 200) store.release((kept.shift() as { chunk: TextChunk }).chunk);
  }
  // 200 texts of 1,000 bytes use four or five chunks of 65 each, however many were stored and removed.
  assert.ok(store.chunks <= 5, `${store.chunks}`);
  for (const { chunk, at, generation } of kept) {
    assert.equal(chunk.generation, generation);
    assert.equal(chunk.bytes.toString('latin1', at, at + text.length), text);
  }
  const [oldest] = kept;
  assert.ok(oldest !== undefined);
  for (const { chunk } of kept.splice(0)) store.release(chunk);
  assert.notEqual(oldest.chunk.generation, oldest.generation);
  assert.ok(store.chunks <= 1);
  put();
  assert.ok(store.chunks <= 1);
});
