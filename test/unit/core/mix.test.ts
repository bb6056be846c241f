import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hash32, Mixer, number30, text30, text32 } from '../../../src/core/mix.js';

const keyOf = (mixer: Mixer) => `${mixer.a} ${mixer.b}`;

test('a hundred thousand similar names have different keys, and halves of keys, except by chance', () => {
  const mixer = new Mixer(1, 2);
  const both = new Set<string>();
  const halves = [new Set<number>(), new Set<number>()] as const;
  for (let i = 0; i < 100_000; i++) {
    mixer.begin().text('INVITE').text(`z9hG4bK-1234-${i}-0`).text('127.0.0.1').number(5060);
    both.add(keyOf(mixer));
    halves[0].add(mixer.a);
    halves[1].add(mixer.b);
  }
  assert.equal(both.size, 100_000);
  // On average one pair has the same half by chance.
  for (const half of halves) assert.ok(half.size > 99_990, String(half.size));
});

test('low bits, which choose the bucket, are evenly distributed', () => {
  const mixer = new Mixer(77, 99);
  const buckets = new Array<number>(256).fill(0);
  for (let i = 0; i < 25_600; i++) buckets[mixer.begin().text(`z9hG4bK${i}`).a & 255]! += 1;
  assert.ok(Math.max(...buckets) < 160 && Math.min(...buckets) > 50, buckets.join());
});

test('the hash depends on where one piece ends and the next begins, and on the seed', () => {
  const mixer = new Mixer(3, 4);
  const joined = keyOf(mixer.begin().text('ab').text('c'));
  assert.notEqual(joined, keyOf(mixer.begin().text('a').text('bc')));
  assert.notEqual(joined, keyOf(new Mixer(5, 6).begin().text('ab').text('c')));
  assert.equal(joined, keyOf(mixer.begin().text('xxabc', 2, 4).text('c')));
});

test('property: numbers of 30 bits are written in six digits and read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 30 - 1 }), (value) => {
      assert.match(text30(value), /^[0-9a-v]{6}$/);
      assert.equal(number30(`..${text30(value)}.`, 2), value);
    }),
  );
  for (const text of ['', '12345', '12345w', '12345A', '1234-6']) assert.equal(number30(text, 0), -1);
});

test('property: text32 is different for different numbers', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), (a, b) => {
      assert.match(text32(a), /^[0-9a-v]{6}[0-3]$/);
      assert.equal(text32(a) === text32(b), a === b);
    }),
  );
});

test('hash32 is FNV-1a', () => {
  assert.equal(hash32('', 0), 0x811c9dc5);
  assert.equal(hash32('foobar', 0), 0xbf9cf968);
  assert.equal(hash32('xfoobarx', 0, 1, 7), 0xbf9cf968);
});
