import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionTable } from '../../../../src/sip/transport/connection-table.js';

const made = (id: string, inbound = false) => ({ id, inbound, open: true, address: '192.0.2.1', port: 5060 });

describe('ConnectionTable', () => {
  test('finds connections by name and by flow token; by name only open ones', () => {
    const table = new ConnectionTable<ReturnType<typeof made>>(10);
    const a = made('a');
    table.add(a, '192.0.2.1|5060');
    table.name(a, 'alias');
    assert.deepEqual([table.named('alias'), table.named('192.0.2.1|5060'), table.named('other')], [a, a, undefined]);
    assert.deepEqual(table.flow('a'), { flow: a, address: '192.0.2.1', port: 5060 });
    assert.deepEqual(table.namesOf(a), ['192.0.2.1|5060', 'alias']);
    a.open = false;
    assert.equal(table.named('alias'), undefined);
  });

  test('forgets a closed connection with the names that it still has, and counts it once', () => {
    const table = new ConnectionTable<ReturnType<typeof made>>(10);
    const [a, b] = [made('a', true), made('b', true)];
    table.add(a, 'x');
    table.add(b, 'x');
    table.remove(a);
    table.remove(a);
    assert.equal(table.named('x'), b);
    assert.deepEqual([table.flow('a'), table.counts], [undefined, { inbound: 1, outbound: 0, refused: 0 }]);
  });

  test("only outbound connections count toward the table's limit", () => {
    const table = new ConnectionTable<ReturnType<typeof made>>(1);
    table.add(made('in', true), 'in');
    assert.equal(table.full, false);
    const out = made('out');
    table.add(out, 'out');
    assert.deepEqual([table.full, table.counts], [true, { inbound: 1, outbound: 1, refused: 0 }]);
    table.remove(out);
    assert.equal(table.full, false);
  });
});
