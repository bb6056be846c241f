import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editDistance, nearest } from '../../../src/config/nearest.js';

test('edit distance counts a swap of neighbours as one', () => {
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('lisetn', 'listen'), 1);
  assert.equal(editDistance('threshold', 'threshhold'), 1);
  assert.equal(editDistance('kitten', 'sitting'), 3);
});

test('edit distance is symmetric and zero only for equal words', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
    }),
  );
});

test('the nearest candidate, or none', () => {
  const keys = ['ds_ping_interval', 'ds_ping_method', 'ds_probing_mode', 'listen'];
  assert.equal(nearest('ds_ping_intervall', keys), 'ds_ping_interval');
  assert.equal(nearest('DS-Ping-Method', keys), 'ds_ping_method');
  assert.equal(nearest('lsten', keys), 'listen');
  assert.equal(nearest('bogus', keys), undefined);
  assert.equal(nearest('x'.repeat(10_000), keys), undefined);
});
