import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FirstLoadRetry, ServerRetries } from '../../../src/tenant/server-retries.js';
import { FakeClock } from '../../support/fake-clock.js';

/** Partitions of one server, which fail until it is up; `tries`: seconds of the tries of each. */
function makePartitions(count: number) {
  const clock = new FakeClock();
  const server = new ServerRetries();
  const state = { isUp: false };
  const tries: number[][] = [];
  const all = Array.from({ length: count }, (_, i) => {
    const own: number[] = [];
    tries.push(own);
    const attempt = (): void => {
      own.push(clock.monotonic() / 1000);
      retry.begins();
      if (state.isUp) retry.succeeded();
      else retry.failed();
    };
    const retry: FirstLoadRetry = new FirstLoadRetry(clock, server, attempt);
    clock.schedule(i * 10, attempt);
    return retry;
  });
  return { clock, state, tries, all };
}

test('a partition alone is tried every ten seconds at the latest', () => {
  const { clock, tries, all } = makePartitions(1);
  clock.advance(60_000);
  const own = tries[0] ?? [];
  const gaps = own.slice(1).map((at, i) => at - (own[i] ?? 0));
  assert.deepEqual(gaps.slice(0, 7), [0.25, 0.5, 1, 2, 4, 8, 10]);
  for (const each of all) each.stop();
  assert.equal(clock.pending, 0);
});

test('many partitions of a server are tried every thirty seconds, and the first success wakes all', () => {
  const { clock, state, tries, all } = makePartitions(50);
  clock.advance(200_000);
  const late = tries.flat().filter((at) => at > 100);
  assert.ok(late.length <= 50 * 4, `${late.length} tries in 100 s`);
  state.isUp = true;
  const before = tries.flat().length;
  clock.advance(31_000);
  assert.equal(tries.flat().length, before + 50);
  const woken = tries.map((own) => own.at(-1) ?? 0);
  assert.ok(Math.max(...woken) - Math.min(...woken) <= 1, 'all are loaded within a second');
  assert.equal(clock.pending, 0);
  for (const each of all) each.stop();
});

test('one that is woken while its try fails is tried again after a second', () => {
  const clock = new FakeClock();
  const server = new ServerRetries();
  let tried = 0;
  const retry = new FirstLoadRetry(clock, server, () => tried++);
  for (let i = 0; i < 6; i++) {
    retry.begins();
    retry.failed();
  }
  retry.begins();
  server.wakeAll();
  retry.failed();
  clock.advance(1000);
  assert.equal(tried, 1);
});
