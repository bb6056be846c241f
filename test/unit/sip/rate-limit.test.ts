import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SourceRateLimiter } from '../../../src/sip/rate-limit.js';
import { assertLinear } from '../../support/growth.js';

function limiterAt(perSecond: number, burst: number, maxSources?: number) {
  const clock = { ms: 1000 };
  return { clock, limiter: new SourceRateLimiter({ perSecond, burst }, () => clock.ms, undefined, maxSources) };
}

describe('SourceRateLimiter', () => {
  test('a quiet source may send its burst at once, then at the rate', () => {
    const { clock, limiter } = limiterAt(10, 3);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limiter.take('a')),
      [0, 0, 0, 1],
    );
    clock.ms += 100;
    assert.deepEqual([limiter.take('a'), limiter.take('a')], [0, 1]);
    assert.equal(limiter.refused, 2);
  });

  test('each source has a rate limit of its own', () => {
    const { limiter } = limiterAt(1, 1);
    assert.deepEqual(
      ['a', 'b', 'a'].map((each) => limiter.take(each)),
      [0, 0, 1],
    );
  });

  test('returns the seconds after which a request would be allowed', () => {
    const { limiter } = limiterAt(0.1, 1);
    limiter.take('a');
    assert.equal(limiter.take('a'), 10);
  });

  test('a rate of 0 means no limit, and removing a limit clears the sources', () => {
    const { limiter } = limiterAt(0, 1);
    for (let i = 0; i < 100; i++) assert.equal(limiter.take('a'), 0);
    limiter.configure({ perSecond: 1, burst: 1 });
    assert.deepEqual([limiter.take('a'), limiter.take('a')], [0, 1]);
    limiter.configure({ perSecond: 0, burst: 1 });
    assert.deepEqual([limiter.take('a'), limiter.size], [0, 0]);
  });

  test('after a change of the limit a source without tokens waits as long as the new limit demands', () => {
    const { clock, limiter } = limiterAt(0.01, 100);
    for (let i = 0; i < 101; i++) limiter.take('a');
    limiter.configure({ perSecond: 2, burst: 10 });
    assert.equal(limiter.take('a'), 1);
    clock.ms += 1000;
    assert.deepEqual(
      [1, 2, 3].map(() => limiter.take('a')),
      [0, 0, 1],
    );
  });

  test('property: a source gets at most burst + rate * time, and at least its burst', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 200 }),
        (perSecond, burst, gaps) => {
          const { clock, limiter } = limiterAt(perSecond, burst);
          let passed = 0;
          let elapsed = 0;
          for (const gap of gaps) {
            clock.ms += gap;
            elapsed += gap;
            while (limiter.take('a') === 0) passed++;
          }
          assert.ok(passed <= burst + (perSecond * elapsed) / 1000 + 1e-3, `${passed}`);
          assert.ok(passed >= burst);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('memory is bounded: sources with all tokens are removed first, else the oldest', () => {
    const { clock, limiter } = limiterAt(1, 1, 100);
    for (let i = 0; i < 100_000; i++) {
      limiter.take(`10.0.${i >> 8}.${i & 255}`);
      if (i % 1000 === 0) clock.ms += 10;
    }
    assert.equal(limiter.size, 100);
    clock.ms += 10_000;
    limiter.take('new');
    assert.ok(limiter.size < 100);
  });

  test('adding a new source to a full table takes the same time for any number of sources', () => {
    const cases = [{ name: 'twice as many sources as are stored', make: (length: number) => 'x'.repeat(length) }];
    const run = ({ length }: string) => {
      const { limiter } = limiterAt(1, 10, length);
      for (let i = 0; i < 2 * length; i++) assert.equal(limiter.take(`s${i}`), 0);
      assert.equal(limiter.size, length);
    };
    assertLinear('new sources', cases, run, { lengths: [2048, 16_384], maxMs: 1000 });
  });

  test('after the limit was lifted and set again, the oldest current sources are removed first', () => {
    const { limiter } = limiterAt(1, 1, 6);
    const takeAll = (prefix: string) => Array.from({ length: 9 }, (_, i) => limiter.take(`${prefix}${i}`));
    takeAll('a');
    limiter.configure({ perSecond: 0, burst: 1 });
    limiter.configure({ perSecond: 1, burst: 1 });
    takeAll('b');
    assert.equal(limiter.size, 6);
    assert.deepEqual(
      [3, 8].map((i) => limiter.take(`b${i}`)),
      [1, 1],
    );
    assert.equal(limiter.take('b2'), 0);
  });
});
