import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BlacklistTable } from '../../../src/blacklist/blacklist.js';
import { nullLogger } from '../../../src/core/logger.js';
import type { Destination } from '../../../src/engine/destination.js';
import { makeDestination } from '../../support/event-fixtures.js';

function partition(name: string, sets: Record<number, Destination[]>) {
  const entries = Object.entries(sets).map(
    ([id, destinations]) => [Number(id), { id: Number(id), destinations }] as const,
  );
  const snapshot = { generation: 1, loadedAt: 0, sets: new Map(entries), setOrder: entries.map(([id]) => id), size: 0 };
  return { name, snapshot };
}

const at = (address: string, port = 5066, transport: 'udp' | 'tcp' = 'udp') => ({ address, port, transport });
const one = makeDestination({ setId: 1, uri: 'sip:127.0.65.1:5066' });
const off = makeDestination({ setId: 1, uri: 'sip:127.0.0.1:5066', state: 'inactive' });
const two = makeDestination({ setId: 2, uri: 'sip:127.0.65.2:5066' });
const three = makeDestination({ setId: 3, uri: 'sip:127.0.65.3:5066' });
const acme = partition('default', { 1: [one, off], 2: [two], 3: [three] });

describe('black lists', () => {
  test('with "endpoint" there is one rule per address, with port and protocol, inactive ones included, as recorded', () => {
    const warnings: string[] = [];
    const log = { ...nullLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
    const table = new BlacklistTable(log, [
      { partition: 'default', name: 'bl1', sets: [1, 2], match: 'endpoint' },
      { partition: 'default', name: 'bl9', sets: [9], match: 'endpoint' },
    ]);
    table.rebuild(acme);
    assert.deepEqual(table.lists(), [
      {
        name: 'bl1',
        rules: [
          { address: '127.0.65.1', port: 5066, transport: 'udp' },
          { address: '127.0.0.1', port: 5066, transport: 'udp' },
          { address: '127.0.65.2', port: 5066, transport: 'udp' },
        ],
      },
      { name: 'bl9', rules: [] },
    ]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /bl9 of partition default/);
    assert.ok(table.blocked(['bl1'], at('127.0.65.1')));
    assert.ok(!table.blocked(['bl1'], at('127.0.65.1', 5060)), 'same address, other port');
    assert.ok(!table.blocked(['bl1'], at('127.0.65.1', 5066, 'tcp')), 'same address, other protocol');
    assert.ok(!table.blocked(['bl1'], at('127.0.65.3')));
    assert.ok(!table.blocked([], at('127.0.65.1')));
  });

  test('by default the address alone counts, as documented', () => {
    const table = new BlacklistTable(nullLogger, [{ partition: 'default', name: 'gws', sets: [1], match: 'ip' }]);
    assert.ok(!table.blocked(['gws'], at('127.0.65.1')), 'nothing before the first load');
    table.rebuild(acme);
    assert.deepEqual(table.lists(), [{ name: 'gws', rules: [{ address: '127.0.65.1' }, { address: '127.0.0.1' }] }]);
    assert.ok(table.blocked(['other', 'gws'], at('127.0.65.1', 9, 'tcp')));
    assert.ok(table.blocked(['gws'], at('::ffff:127.0.65.1')));
    assert.ok(!table.blocked(['other'], at('127.0.65.1')));
  });

  test('a list is rebuilt after a change of its own partition only', () => {
    const table = new BlacklistTable(nullLogger, [
      { partition: 'default', name: 'shared', sets: [1], match: 'ip' },
      { partition: 'p2', name: 'shared', sets: [7], match: 'ip' },
    ]);
    table.rebuild(acme);
    table.rebuild(partition('p2', { 7: [makeDestination({ uri: 'sip:10.9.9.9' })] }));
    assert.equal(table.lists()[0]?.rules.length, 3);
    table.rebuild(partition('default', { 1: [makeDestination({ uri: 'sip:10.0.0.7' })] }));
    assert.ok(!table.blocked(['shared'], at('127.0.65.1')));
    assert.ok(table.blocked(['shared'], at('10.0.0.7')));
    assert.ok(table.blocked(['shared'], at('10.9.9.9')));
    table.define([{ partition: 'p2', name: 'shared', sets: [7], match: 'ip' }]);
    assert.ok(!table.blocked(['shared'], at('10.0.0.7')));
    assert.ok(table.blocked(['shared'], at('10.9.9.9')), 'kept until its partition is rebuilt');
  });

  test('IPv6 addresses are compared by value', () => {
    const table = new BlacklistTable(nullLogger, [{ partition: 'default', name: 'six', sets: [1], match: 'endpoint' }]);
    table.rebuild(partition('default', { 1: [makeDestination({ uri: 'sip:[2001:DB8:0:0::1]:5060' })] }));
    assert.ok(table.blocked(['six'], at('2001:db8::1', 5060)));
    assert.ok(table.check('six', '[2001:db8:0::1]', 'udp', 5060));
    assert.equal(table.check('six', '2001:db8::1', 'tcp', 5060), undefined);
    assert.equal(table.check('none', '2001:db8::1', undefined, undefined), undefined);
  });

  test('a check for any protocol or any port finds rules for any of them only, as documented', () => {
    const table = new BlacklistTable(nullLogger, [
      { partition: 'default', name: 'wide', sets: [1], match: 'ip' },
      { partition: 'default', name: 'narrow', sets: [1], match: 'endpoint' },
    ]);
    table.rebuild(partition('default', { 1: [makeDestination({ uri: 'sip:10.0.0.7:5062' })] }));
    const found = (transport: string | undefined, port: number | undefined) =>
      ['wide', 'narrow'].filter((name) => table.check(name, '10.0.0.7', transport, port) !== undefined);
    assert.deepEqual(found(undefined, undefined), ['wide']);
    assert.deepEqual(found('udp', undefined), ['wide']);
    assert.deepEqual(found(undefined, 5062), ['wide']);
    assert.deepEqual(found('udp', 5062), ['wide', 'narrow']);
  });

  test('very many addresses are replaced in slices; a rebuild that a newer one overtakes has no effect', async () => {
    const many = (from: number) =>
      partition('default', {
        1: Array.from({ length: 5000 }, (_, i) => {
          return makeDestination({ setId: 1, uri: `sip:10.${from}.${i >> 8}.${i & 255}:5060` });
        }),
      });
    const table = new BlacklistTable(nullLogger, [{ partition: 'default', name: 'bl', sets: [1], match: 'ip' }]);
    let iterations = 0;
    const pause = async () => {
      iterations++;
      assert.ok(!table.blocked(['bl'], at('10.1.0.1')), 'as it was until the end');
      await new Promise((resolve) => setImmediate(resolve));
    };
    const overtaken = table.rebuildInSlices(many(1), pause);
    const last = table.rebuildInSlices(many(2), pause);
    await Promise.all([overtaken, last]);
    assert.ok(iterations >= 5, `${iterations} iterations`);
    assert.ok(table.blocked(['bl'], at('10.2.0.1')));
    assert.ok(!table.blocked(['bl'], at('10.1.0.1')));
    const small = table.rebuildInSlices(acme, pause);
    assert.ok(table.blocked(['bl'], at('127.0.65.1')), 'a small one is done at once');
    await small;
  });
});
