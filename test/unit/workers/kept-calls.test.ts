import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptCalls } from '../../../src/workers/kept-calls.js';

/** Calls kept for workers, what is written for them, and the time. */
function made() {
  const time = { now: 1_000_000 };
  const written: string[] = [];
  const calls = new KeptCalls({
    write: (text, ended) => written.push(`${text} ${ended - 1_000_000}`),
    now: () => time.now,
  });
  const keep = (worker: number, callId: string, lifetimeMs = 3_600_000) =>
    calls.keep(worker, `${callId}.1`, { callId, lifetimeMs, text: callId });
  return { calls, written, time, keep };
}

test('a record is written when the call of a dead worker ends, once, and not for a living worker', () => {
  const { calls, written, keep } = made();
  keep(1, 'a');
  keep(1, 'b');
  keep(1, 'c');
  keep(2, 'd');
  calls.keep(1, 'b.1', null);
  calls.ended('a', 1_000_500);
  assert.deepEqual(written, []);
  assert.equal(calls.lost(1), 2);
  assert.equal(calls.size, 2);
  for (const callId of ['a', 'a', 'b', 'd', 'unknown']) calls.ended(callId, 1_001_000);
  assert.deepEqual(written, ['a 1000']);
  assert.equal(calls.size, 1);
  // Its successor has calls of its own.
  keep(1, 'e');
  assert.equal(calls.lost(1), 1);
  calls.ended('e', 1_002_000);
  calls.ended('c', 1_003_000);
  assert.deepEqual(written, ['a 1000', 'e 2000', 'c 3000']);
  assert.equal(calls.size, 0);
});

test('a call that nobody ends is recorded when its lifetime is over', () => {
  const { calls, written, time, keep } = made();
  keep(1, 'short', 20_000);
  keep(1, 'long', 90_000);
  calls.lost(1);
  time.now += 15_000;
  calls.look();
  assert.deepEqual(written, []);
  time.now += 15_000;
  calls.look();
  assert.deepEqual(written, ['short 20000']);
  time.now += 70_000;
  calls.look();
  assert.deepEqual(written, ['short 20000', 'long 90000']);
});

test('the number of kept calls and of their characters is bounded', () => {
  const { calls, written, keep } = made();
  for (let i = 0; i < 50_003; i++) keep(1, `${i}`);
  assert.equal(calls.lost(1), 50_000);
  for (let i = 0; i < 3; i++) calls.ended(`${i}`, 0);
  assert.deepEqual(written, [], 'the oldest were dropped');
  for (let i = 0; i < 2; i++) keep(2, `more${i}`);
  calls.lost(2);
  assert.deepEqual(written, ['3 0', '4 0'], 'the oldest that were left are written at once');
  const text = 'x'.repeat(33 * 1024 * 1024);
  for (const id of ['p', 'q']) calls.keep(3, id, { callId: id, lifetimeMs: 1000, text });
  assert.equal(calls.lost(3), 1);
});

test('the characters that several dead workers leave are bounded: the oldest record is written at once', () => {
  const { calls, written } = made();
  const text = 'x'.repeat(33 * 1024 * 1024);
  for (const [worker, id] of ['p', 'q'].entries()) {
    calls.keep(worker, id, { callId: id, lifetimeMs: 1000, text: `${id}${text}` });
    calls.lost(worker);
  }
  assert.deepEqual(
    written.map((each) => each.charAt(0)),
    ['p'],
  );
  assert.equal(calls.size, 1);
});
