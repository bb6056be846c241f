import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AvpStore, type AvpValue } from '../../../src/pvar/avp-store.js';

test('the newest value is first, negative indexes count from the oldest', () => {
  const avps = new AvpStore();
  avps.push('x', 1);
  avps.push('x', 2);
  avps.append('x', 0);
  assert.deepEqual(avps.all('x'), [2, 1, 0]);
  assert.deepEqual(
    [avps.get('x'), avps.get('x', 2), avps.get('x', -1), avps.get('x', 3), avps.get('x', -4)],
    [2, 0, 0, null, null],
  );
  assert.equal(avps.pop('x'), 2);
  assert.equal(avps.count('x'), 2);
  avps.delete('x', -1);
  assert.deepEqual(avps.all('x'), [1]);
  avps.delete('x', 5);
  avps.delete('x');
  assert.deepEqual(avps.names(), []);
  assert.equal(avps.pop('x'), null);
});

test('a virtual AVP reads and writes the values of its owner', () => {
  let kept: readonly AvpValue[] = ['sip:a', 'sip:b'];
  const avps = new AvpStore();
  avps.push('list', 'gone');
  avps.registerVirtual('list', {
    get: () => kept,
    set: (values) => {
      kept = values;
    },
  });
  assert.deepEqual(avps.all('list'), ['sip:a', 'sip:b']);
  avps.push('list', 'sip:c');
  assert.deepEqual(kept, ['sip:c', 'sip:a', 'sip:b']);
  avps.delete('list', 0);
  avps.setAt('list', 1, 'sip:z');
  assert.deepEqual(kept, ['sip:a', 'sip:z']);
  assert.deepEqual(avps.names(), ['list']);
  avps.delete('list');
  assert.deepEqual(kept, []);
  assert.deepEqual(avps.names(), []);
});

test('the number and length of values are limited', () => {
  const avps = new AvpStore();
  for (let i = 0; i < 10_050; i++) avps.append('x', i);
  assert.equal(avps.count('x'), 10_000);
});

test('an AVP behaves like an array whose head is the newest value', () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant('push' as const), value: fc.nat(9) }),
    fc.record({ op: fc.constant('append' as const), value: fc.nat(9) }),
    fc.record({ op: fc.constant('delete' as const), value: fc.nat(4) }),
    fc.record({ op: fc.constant('pop' as const), value: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const avps = new AvpStore();
      const model: number[] = [];
      for (const { op, value } of steps) {
        if (op === 'push') model.unshift(value);
        else if (op === 'append') model.push(value);
        else if (op === 'pop') model.shift();
        else model.splice(value, 1);
        if (op === 'delete') avps.delete('x', value);
        else if (op === 'pop') avps.pop('x');
        else avps[op]('x', value);
        assert.deepEqual(avps.all('x'), model);
      }
    }),
    { numRuns: 100 },
  );
});
