import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from '../../../src/core/within.js';
import { FakeClock } from '../../support/fake-clock.js';

test('work that ends in time gives its result, and leaves no timer behind', async () => {
  const clock = new FakeClock();
  assert.equal(await within(clock, 100, Promise.resolve('done')), 'done');
  await assert.rejects(within(clock, 100, Promise.reject(new Error('broken'))), /broken/);
  assert.equal(clock.pending, 0);
});

test('work that ends too late is not waited for, and its failure is ignored', async () => {
  const clock = new FakeClock();
  let fail = (_error: Error) => {};
  const work = new Promise<string>((_resolve, reject) => {
    fail = reject;
  });
  const waited = within(clock, 100, work);
  clock.advance(100);
  assert.equal(await waited, undefined);
  fail(new Error('too late'));
  await new Promise((resolve) => setImmediate(resolve));
});
