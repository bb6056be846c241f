import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeHeartbeat, type Heartbeat, parseHeartbeat } from '../../../src/cluster/heartbeat.js';

const BEAT: Heartbeat = {
  inc: 'a1',
  pv: 1,
  phase: 'ready',
  gen: '9f3a',
  rev: 17,
  view: 12345,
  tags: ['vip'],
  weight: 2,
  zone: 'fra1',
};

test('a heartbeat is read as it was written, and is short', () => {
  assert.deepEqual(parseHeartbeat(encodeHeartbeat(BEAT)), BEAT);
  const plain = { ...BEAT, tags: [], weight: 1, zone: '' };
  assert.deepEqual(parseHeartbeat(encodeHeartbeat(plain)), plain);
  assert.ok(encodeHeartbeat({ ...plain, rev: 1e9, view: 2 ** 32 - 1 }).length < 200);
});

test('fields of a later version are ignored', () => {
  assert.deepEqual(parseHeartbeat(JSON.stringify({ ...BEAT, pv: 2, later: { x: 1 } })), { ...BEAT, pv: 2 });
});

test('a text that is not a heartbeat is refused', () => {
  for (const change of [
    { inc: '' },
    { inc: 7 },
    { pv: 0 },
    { pv: 1.5 },
    { phase: 'king' },
    { gen: 3 },
    { rev: -1 },
    { rev: '1' },
    { view: null },
    { tags: 'vip' },
    { tags: [1] },
    { weight: -1 },
    { weight: 'much' },
    { zone: 1 },
    { inc: 'x'.repeat(65) },
    { tags: new Array(65).fill('t') },
  ]) {
    assert.equal(parseHeartbeat(JSON.stringify({ ...BEAT, ...change })), undefined, JSON.stringify(change));
  }
  for (const text of ['', 'null', '[]', '7', '{', `"${'x'.repeat(5000)}"`])
    assert.equal(parseHeartbeat(text), undefined);
});

test('no text makes the parser throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseHeartbeat(text);
    }),
  );
});
