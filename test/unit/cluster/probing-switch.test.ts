import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probingKey, probingSwitch } from '../../../src/cluster/probing-switch.js';

test('a switch names its partition, whatever characters the name has', () => {
  for (const partition of ['acme', 'a.b', 'Kölner Straße', '*']) {
    const key = probingKey(partition);
    assert.match(key, /^p\.[^.*> ]+$/);
    assert.deepEqual(probingSwitch(key, JSON.stringify({ probing: false, partition })), { on: false, partition });
    assert.deepEqual(probingSwitch(key, JSON.stringify({ probing: true, partition })), { on: true, partition });
  }
});

test('the switch for all partitions has the form that older nodes write', () => {
  assert.equal(probingKey(undefined), 'p');
  assert.deepEqual(probingSwitch('p', '{"probing":false}'), { on: false });
  assert.deepEqual(probingSwitch('p', '{"probing":true}'), { on: true });
});

test('an unreadable switch switches nothing off', () => {
  for (const text of ['', 'null', '7', '{', '{"probing":0}']) assert.deepEqual(probingSwitch('p', text), { on: true });
  for (const text of ['', 'null', '{"probing":false}', '{"probing":false,"partition":"globex"}'])
    assert.equal(probingSwitch('p.acme', text), undefined, text);
  assert.equal(probingSwitch('r.acme', '{"probing":false,"partition":"acme"}'), undefined);
});
