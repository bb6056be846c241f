import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgedMap } from '../../../src/core/aged-map.js';
import { type Adder, type AdderPeers, OwnedEntries } from '../../../src/core/owned-entries.js';

const replaced: string[] = [];
const peers: AdderPeers = {
  exceeds: (share, max, source) => source !== 'trusted' && share.exceeds(source, max),
  replaced: (table, source) => replaced.push(`${table} ${source}`),
};
const by = (source: string): Adder => ({ source, peers });

test('a source that holds more than its share displaces its own oldest entries only', () => {
  replaced.length = 0;
  const map = new AgedMap<number>(1e9, 90, 1e9, 'calls');
  for (let i = 0; i < 5; i++) map.set(`good ${i}`, i, 1, i, by('192.0.2.1'));
  for (let i = 0; i < 500; i++) map.set(`bad ${i}`, i, 1, 5 + i, by('198.51.100.6'));
  for (let i = 0; i < 5; i++) assert.equal(map.get(`good ${i}`, 600), i);
  assert.equal(map.get('bad 499', 600), 499);
  assert.equal(map.get('bad 0', 600), undefined);
  assert.ok(map.count <= 90);
  assert.ok(map.count > 75);
  assert.equal(replaced.length, 500 + 5 - map.count);
  assert.equal(replaced[0], 'calls 198.51.100.6');
});

test('large entries count for what they hold', () => {
  const map = new AgedMap<number>(1e9, 1000, 10_000, 'calls');
  map.set('good', 1, 10, 0, by('192.0.2.1'));
  for (let i = 0; i < 100; i++) map.set(`bad ${i}`, i, 1000, 1, by('2001:db8::1:2'));
  for (let i = 0; i < 100; i++) map.set(`worse ${i}`, i, 1000, 1, by('2001:db8::ffff'));
  assert.equal(map.get('good', 2), 1);
  assert.ok(map.size <= 10_000);
});

test('entries of no peer and of trusted sources are displaced as the oldest of all', () => {
  const map = new AgedMap<number>(1e9, 10, 1e9, 'calls');
  map.set('own', 1, 1, 0);
  for (let i = 0; i < 10; i++) map.set(`t${i}`, i, 1, 1, by('trusted'));
  assert.equal(map.get('own', 2), undefined);
  assert.equal(map.get('t0', 2), 0);
});

test('the order of the entries of each source is kept when some are removed', () => {
  const entries = new OwnedEntries('calls', 100, 100);
  const all = ['a', 'b', 'c', 'd'].map((key) => entries.add(key, '192.0.2.1', 300));
  const removed: string[] = [];
  const [a, b, c, d] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0], (typeof all)[0]];
  entries.remove(b);
  entries.remove(a);
  entries.remove(d);
  const e = entries.add('e', '192.0.2.1', 790);
  entries.makeRoom(by('192.0.2.1'), (key) => {
    removed.push(key);
    entries.remove(key === 'c' ? c : e);
  });
  assert.deepEqual(removed, ['c', 'e']);
  entries.makeRoom(by('192.0.2.1'), () => assert.fail('nothing is held'));
});
