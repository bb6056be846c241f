import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairShare, sourceKey } from '../../../src/core/fair-share.js';

/** Lets sources request slots by round robin until none gets any more; returns the number for each. */
function fill(max: number, sources: readonly string[]): readonly number[] {
  const shares = new FairShare();
  let held = 0;
  for (let refused = 0; refused < sources.length; ) {
    refused = 0;
    for (const source of sources) {
      if (held >= max || shares.exceeds(source, max - held)) refused++;
      else {
        shares.add(source);
        held++;
      }
    }
  }
  return sources.map((source) => shares.heldBy(source));
}

test('busy sources get equal shares, and never everything', () => {
  assert.deepEqual(fill(9000, ['a']), [8001]);
  assert.deepEqual(fill(17_000, ['a', 'b']), [8001, 8000]);
  const many = fill(
    100_000,
    Array.from({ length: 200 }, (_, i) => `s${i}`),
  );
  const total = many.reduce((sum, each) => sum + each);
  assert.ok(total < 100_000 && Math.max(...many) - Math.min(...many) <= 1, `${total}`);
});

test('sources without transactions are forgotten', () => {
  const shares = new FairShare();
  shares.add('a', 3);
  shares.add('b');
  shares.remove('a', 2);
  assert.deepEqual([shares.heldBy('a'), shares.size], [1, 2]);
  shares.remove('a');
  shares.remove('nobody');
  assert.deepEqual([shares.heldBy('a'), shares.size], [0, 1]);
});

test('requests that end calls are refused only to sources with a large part of all transactions', () => {
  const shares = new FairShare();
  shares.add('small', 60);
  shares.add('large', 900);
  assert.deepEqual([shares.exceedsLast('small', 0, 960), shares.exceedsLast('large', 0, 960)], [false, true]);
  assert.deepEqual([shares.exceedsLast('large', 60, 960), shares.exceeds('large', 60)], [false, true]);
});

test('IPv6 sources are counted by their first 64 bits', () => {
  for (const [address, key] of [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8::', '2001:db8:0:0'],
    ['2001::1:2:3:4:5:6', '2001:0:1:2'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['::ffff:192.0.2.1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ] as const) {
    assert.equal(sourceKey(address), key, address);
  }
});
