import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Latency } from '../../../src/probing/latency.js';

test('average and deviation are those of all round trips', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 2000, noNaN: true }), { minLength: 1, maxLength: 200 }), (rtts) => {
      const latency = new Latency();
      for (const rtt of rtts) latency.observe(rtt);
      const average = rtts.reduce((sum, each) => sum + each, 0) / rtts.length;
      const variance = rtts.reduce((sum, each) => sum + (each - average) ** 2, 0) / rtts.length;
      assert.ok(Math.abs(latency.average - average) < 1e-6);
      assert.ok(Math.abs(latency.deviation - Math.sqrt(variance)) < 1e-4);
      assert.equal(latency.last, rtts.at(-1));
      assert.equal(latency.max, Math.max(...rtts));
      assert.equal(latency.count, rtts.length);
    }),
    { numRuns: 50 },
  );
});

test('the moving average starts with the first round trip and follows a change', () => {
  const latency = new Latency();
  latency.observe(100);
  assert.equal(latency.ewma, 100);
  latency.observe(200);
  assert.equal(latency.ewma, 110);
  for (let i = 0; i < 100; i++) latency.observe(200);
  assert.ok(Math.abs(latency.ewma - 200) < 0.01);
});

test('a change is visible in the average also after very many round trips', () => {
  const latency = new Latency();
  for (let i = 0; i < 50_000; i++) latency.observe(10);
  for (let i = 0; i < 30_000; i++) latency.observe(100);
  assert.ok(latency.average > 90 && latency.average < 100, `${latency.average}`);
  assert.ok(latency.deviation >= 0 && latency.deviation < 30, `${latency.deviation}`);
});

test('probe timeouts are counted apart from round trips', () => {
  const latency = new Latency();
  latency.timedOut();
  assert.deepEqual([latency.count, latency.timeouts, latency.average, latency.deviation], [0, 1, 0, 0]);
});
