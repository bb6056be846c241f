import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unbounded } from '../../../../../src/access/caller.js';
import { SwitchyardError } from '../../../../../src/core/errors.js';
import { KAMAILIO_DEFAULTS } from '../../../../../src/engine/kamailio/options.js';
import type { MiValue } from '../../../../../src/management/mi/command.js';
import { addressText } from '../../../../../src/management/mi/commands/ds-list.js';
import { type MiFixture, makeMiFixture, makeRow } from '../../../../support/mi-fixture.js';
import { partitionOptions, request, row } from '../../../../support/partitions.js';

interface Listing {
  PARTITIONS: { name: string; SETS: { id: number; Destinations: Record<string, MiValue>[] }[] }[];
}

async function list(fixture: MiFixture, params?: unknown): Promise<Listing> {
  return (await fixture.handler.execute('ds_list', params)) as unknown as Listing;
}

async function states(fixture: MiFixture, params: unknown): Promise<Record<string, unknown>> {
  const listing = await list(fixture, params);
  const all = listing.PARTITIONS.flatMap((each) => each.SETS).flatMap((set) => set.Destinations);
  return Object.fromEntries(all.map((each) => [each['URI'], each['state']]));
}

describe('ds_list', () => {
  test('lists the destinations of a group and state', async () => {
    const fixture = makeMiFixture();
    const one = await list(fixture, { group: '1', partition: 'default' });
    assert.deepEqual(
      one.PARTITIONS.map((each) => each.SETS.map((set) => set.id)),
      [[1]],
    );
    assert.deepEqual(await states(fixture, { group: 'p2:7' }), { 'sip:127.0.0.31:5060': 'Active' });
    assert.deepEqual(await states(fixture, { state: 'probing' }), { 'sip:user@127.0.0.13:5070': 'Probing' });
    await assert.rejects(list(fixture, { group: 'nope:1' }), { code: 500, message: 'ERROR Unknown partition' });
    await assert.rejects(list(fixture, { group: 'x' }), { code: 500, message: 'bad group value' });
    await assert.rejects(list(fixture, { state: 'x' }), { code: 500, message: 'Bad state value' });
  });

  test('shows with full=2 why a destination is in its state', async () => {
    const fixture = makeMiFixture();
    await fixture.handler.execute('ds_set_state', ['i', '5', 'sip:127.0.0.11:5060']);
    const destination = fixture.engine.partition('')?.find(5, 'sip:127.0.0.11:5060');
    assert.ok(destination);
    destination.health.lastProbe = { time: fixture.clock.now(), ok: false, code: 408, cause: 'timeout' };
    const listed = (await list(fixture, { full: 2, group: 5 })).PARTITIONS.at(-1)?.SETS[0]?.Destinations;
    const shown = listed?.find((each) => each['URI'] === 'sip:127.0.0.11:5060');
    assert.deepEqual(shown?.['last_change'], {
      time: new Date(fixture.clock.now()).toISOString(),
      by: 'mi',
      reason: 'MI command',
    });
    assert.deepEqual(shown?.['last_probe'], {
      time: new Date(fixture.clock.now()).toISOString(),
      ok: false,
      code: 408,
      cause: 'timeout',
    });
    assert.equal(shown?.['consecutive_failures'], 0);
  });

  test('shows with full=2 the calls in progress of a partition that counts them', async () => {
    const fixture = makeMiFixture();
    const { engine } = fixture;
    const kamailio = { ...KAMAILIO_DEFAULTS, flags: 2, hashSize: 6 };
    const partition = engine.addPartition(partitionOptions({ name: 'kam', flavour: 'kamailio', kamailio }));
    partition.load([row('sip:10.0.0.1', { attrs: 'duid=a' })], { inheritState: true });
    const target = { setId: 1, algorithm: 10, flags: 0, maxResults: 0 };
    engine.context().selectOne(partition, target, request({ callId: '1' }));
    const shown = async (full: number) =>
      (await list(fixture, { full, partition: 'kam' })).PARTITIONS[0]?.SETS[0]?.Destinations[0] as Record<
        string,
        unknown
      >;
    assert.equal((await shown(2))['load'], 1);
    assert.equal((await shown(1))['load'], undefined);
  });

  test('shows with full=1 the reason of states that are not active, if there is one; a strict partition answers as recorded', async () => {
    for (const compat of ['default', 'strict'] as const) {
      const fixture = makeMiFixture({ compat });
      const address = 'sip:127.0.0.11:5060';
      const shown = async (uri: string) => {
        const listed = (await list(fixture, { full: 1, group: 5 })).PARTITIONS.at(-1)?.SETS[0]?.Destinations;
        return listed?.find((each) => each['URI'] === uri);
      };
      const before = Object.keys((await shown(address)) ?? {});
      await fixture.handler.execute('ds_set_state', ['i', '5', address]);
      const ours = Object.keys((await shown(address)) ?? {}).filter((key) => !before.includes(key));
      assert.deepEqual(ours, compat === 'strict' ? [] : ['consecutive_failures', 'last_change']);
      // It was inactive when it was loaded: nothing changes.
      assert.equal((await shown('sip:127.0.0.12:5060;transport=udp'))?.['last_change'], undefined);
    }
  });

  test('shows UTF-8 of the table as UTF-8', async () => {
    const wire = Buffer.from('über, größer', 'utf8').toString('latin1');
    const row = makeRow({ setId: 1, uri: 'sip:127.0.0.21:5060', attrs: wire, description: wire });
    const fixture = makeMiFixture({ rows: { default: [row] } });
    const shown = (await list(fixture, { full: 1 })).PARTITIONS.at(-1)?.SETS[0]?.Destinations[0];
    assert.deepEqual([shown?.['attr'], shown?.['description']], ['über, größer', 'über, größer']);
  });

  test('writes addresses as recorded, IPv6 in full', () => {
    const v6 = (address: string): string => addressText({ family: 6, address, port: 5062, transport: 'udp' });
    assert.equal(v6('::1'), '0:0:0:0:0:0:0:1:5062');
    assert.equal(v6('2001:DB8::a:0'), '2001:db8:0:0:0:0:a:0:5062');
    assert.equal(v6('::'), '0:0:0:0:0:0:0:0:5062');
    assert.equal(v6('::ffff:127.0.0.1'), '0:0:0:0:0:ffff:7f00:1:5062');
    assert.equal(v6('fe80::0001%eth0'), 'fe80:0:0:0:0:0:0:1:5062');
    assert.equal(addressText({ family: 4, address: '10.0.0.1', port: 5060, transport: 'udp' }), '10.0.0.1:5060');
  });

  test('does not delay calls while it lists very many destinations, and lists one snapshot', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) =>
      makeRow({ setId: i % 3, uri: `sip:10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }),
    );
    const fixture = makeMiFixture({ rows: { default: rows } });
    let iterations = 0;
    let running = true;
    const count = (): void => {
      iterations++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    const listing = list(fixture);
    setImmediate(() => fixture.engine.partition('')?.load([], { inheritState: true }));
    const sets = (await listing).PARTITIONS[0]?.SETS ?? [];
    running = false;
    assert.equal(
      sets.reduce((sum, set) => sum + set.Destinations.length, 0),
      20_000,
    );
    assert.ok(iterations >= 10, `the event loop ran ${iterations} times`);
  });

  test('does not delay calls while it searches for a few destinations, or sets very many', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => makeRow({ setId: 1, uri: `sip:10.0.${i >> 8}.${i & 255}` }));
    const fixture = makeMiFixture({ rows: { default: rows } });
    const turnsOf = async (work: Promise<unknown>): Promise<number> => {
      let iterations = 0;
      let running = true;
      const count = (): void => {
        iterations++;
        if (running) setImmediate(count);
      };
      setImmediate(count);
      await work;
      running = false;
      return iterations;
    };
    assert.ok((await turnsOf(list(fixture, { state: 'p' }))) >= 15, 'listing');
    const all = { state: 'i', group: '1', address: 'all' };
    assert.ok((await turnsOf(fixture.handler.execute('ds_set_state', all))) >= 150, 'setting');
    const batch = JSON.stringify(
      Array.from({ length: 20 }, (_, id) => ({
        jsonrpc: '2.0',
        id,
        method: 'ds_set_state',
        params: { ...all, address: rows[id]?.uri },
      })),
    );
    assert.ok((await turnsOf(fixture.handler.handle(batch, unbounded('http')))) >= 19, 'a batch');
  });

  test('ds_list works without partitions', async () => {
    assert.deepEqual(await list(makeMiFixture({ rows: {} })), { PARTITIONS: [] });
    await assert.rejects(list(makeMiFixture({ rows: {} }), { partition: 'default' }), { code: 500 });
  });
});

describe('ds_set_state', () => {
  test('the answer names a state that is not in the table yet', async () => {
    const fixture = makeMiFixture();
    fixture.writable = false;
    const set = () => fixture.handler.execute('ds_set_state', ['i', '5', 'sip:127.0.0.11:5060']);
    assert.equal(await set(), 'OK, not yet in the table');
    fixture.writable = true;
    assert.equal(await set(), 'OK');
  });

  test('accepts the address "all" for a whole set', async () => {
    const fixture = makeMiFixture();
    assert.equal(await fixture.handler.execute('ds_set_state', ['i', '5', 'all']), 'OK');
    assert.deepEqual(Object.values(await states(fixture, { group: ':5', partition: 'default' })), [
      'Inactive',
      'Inactive',
      'Inactive',
    ]);
    await assert.rejects(fixture.handler.execute('ds_set_state', ['i', '77', 'all']), { code: 404 });
  });

  test('names both destinations of one URI with two sockets, and echoes the address as it was written', async () => {
    const uri = 'sip:127.0.0.1:5060';
    const rows = {
      default: [makeRow({ setId: 1, uri, socket: 'udp:a:1' }), makeRow({ setId: 1, uri, socket: 'udp:b:1' })],
    };
    const fixture = makeMiFixture({ rows });
    const received: string[] = [];
    fixture.engine.states.onChange((change) =>
      received.push(`${change.address} ${change.state} ${change.reason} ${change.origin}`),
    );
    await fixture.handler.execute('ds_set_state', ['i', '1', 'SIP:127.0.0.1:5060']);
    assert.deepEqual(received, new Array(2).fill('SIP:127.0.0.1:5060 inactive MI command mi'));
  });
});

describe('ds_reload', () => {
  test('ds_reload keeps states by default', async () => {
    const fixture = makeMiFixture();
    const uri = 'sip:127.0.0.11:5060';
    for (const [params, expected] of [
      [{}, 'Inactive'],
      [{ inherit_state: 'y' }, 'Inactive'],
      [{ inherit_state: 'bogus' }, 'Inactive'],
      [{ inherit_state: 'n' }, 'Active'],
      [{ inherit_state: false }, 'Active'],
      [{ inherit_state: 0, partition: 'default' }, 'Active'],
    ] as const) {
      await fixture.handler.execute('ds_set_state', ['i', '5', uri]);
      assert.equal(await fixture.handler.execute('ds_reload', params), 'OK');
      assert.equal((await states(fixture, { partition: 'default' }))[uri], expected, JSON.stringify(params));
    }
  });

  test('reports its changes, or those it would make', async () => {
    const fixture = makeMiFixture();
    fixture.rows.set('p2', [
      makeRow({ setId: 7, uri: 'sip:127.0.0.31:5060', weight: 5 }),
      makeRow({ setId: 9, uri: 'bad' }),
    ]);
    const run = async (params: MiValue): Promise<MiValue> => {
      const report = (await fixture.handler.execute('ds_reload', params)) as {
        dry_run: boolean;
        PARTITIONS: MiValue[];
      };
      return [report.dry_run, report.PARTITIONS.length, ...report.PARTITIONS];
    };
    const [dry, count, first] = (await run({ partition: 'p2', dry_run: 1 })) as [
      boolean,
      number,
      Record<string, { count: number }>,
    ];
    assert.deepEqual([dry, count, first['removed']?.count, first['discarded']?.count], [true, 1, 1, 1]);
    assert.equal(fixture.engine.partition('p2')?.snapshot.size, 2);
    const [wet] = (await run({ partition: 'p2', report: 1 })) as [boolean];
    assert.equal(wet, false);
    assert.equal(fixture.engine.partition('p2')?.snapshot.size, 1);
  });

  test('ds_reload says why it failed', async () => {
    const fixture = makeMiFixture();
    fixture.reloadFailure = new SwitchyardError('STORE_UNREACHABLE', 'database "x" does not answer');
    await assert.rejects(fixture.handler.execute('ds_reload'), {
      code: 500,
      message: 'ERROR Reload failed: database "x" does not answer',
    });
    assert.equal(
      await fixture.handler.handle(':ds_reload:\n', unbounded('datagram')),
      '500 ERROR Reload failed: database "x" does not answer\n',
    );
  });
});

describe('a destination that names a socket nothing listens on', () => {
  test('is marked in the list, except in a strict partition', async () => {
    for (const compat of ['default', 'strict'] as const) {
      const fixture = makeMiFixture({ compat, deps: { listens: (socket) => socket !== 'udp:127.0.0.1:25070' } });
      const shown = JSON.stringify(await fixture.handler.execute('ds_list'));
      const note = '"socket":"udp:127.0.0.1:25070","socket_state":"does not exist, another is used"';
      assert.equal(shown.includes(note), compat === 'default');
      const text = (await fixture.handler.handle(':ds_list:\n', unbounded('datagram'))) ?? '';
      assert.equal(text.includes('socket_state:: does not exist'), compat === 'default');
    }
    const served = makeMiFixture({ deps: { listens: () => true } });
    assert.ok(!JSON.stringify(await served.handler.execute('ds_list')).includes('socket_state'));
  });
});

describe('ds_add, ds_remove, ds_push_script_attrs, ds_ping_active', () => {
  test('ds_add and ds_remove add and remove a destination', async () => {
    const { handler, engine } = makeMiFixture();
    const uri = 'sip:127.0.0.99:5060';
    assert.equal(await handler.execute('ds_add', { partition: 'p2', set: 7, uri, weight: 3, attrs: 'x' }), 'OK');
    const added = engine.partition('p2')?.find(7, uri);
    assert.deepEqual([added?.row.weight, added?.row.attrs], [3, 'x']);
    await assert.rejects(handler.execute('ds_add', ['p2', 7, uri]), { code: 409 });
    assert.equal(await handler.execute('ds_remove', ['p2', 7, uri]), 'OK');
    await assert.rejects(handler.execute('ds_remove', ['p2', 7, uri]), { code: 404 });
    await assert.rejects(handler.execute('ds_add', ['p2', 7, 'nonsense']), { code: 400, data: 'uri' });
    await assert.rejects(handler.execute('ds_add', ['p2', -1, uri]), { code: 500, message: 'bad group value' });
    await assert.rejects(handler.execute('ds_add', ['zz', 1, uri]), { code: 404 });
  });

  test('script attributes are listed after the attributes', async () => {
    const { handler } = makeMiFixture();
    assert.equal(await handler.execute('ds_push_script_attrs', ['gold', '127.0.0.31', 5060, 7, 'p2']), 'OK');
    const text = await handler.handle(
      '{"jsonrpc":"2.0","id":1,"method":"ds_list","params":{"group":"p2:7"}}',
      unbounded('cli'),
    );
    assert.match(text ?? '', /"attr":"p2a","script_attr":"gold","resolved_addresses"/);
    await assert.rejects(handler.execute('ds_push_script_attrs', ['x', '1.2.3.4', 0]), { code: 404 });
  });

  test('script attributes are accepted by four positions, and with both names of the set', async () => {
    const { handler, scriptAttrs } = makeMiFixture();
    const at = { attrs: 'gold', ip: '127.0.0.31', port: 5060 };
    assert.equal(await handler.execute('ds_push_script_attrs', ['a', '127.0.0.21', 5060, 1]), 'OK');
    for (const set of [{ set: 7 }, { setid: 7 }, { set: -1 }, {}]) {
      scriptAttrs.clear();
      assert.equal(await handler.execute('ds_push_script_attrs', { ...at, ...set, partition: 'p2' }), 'OK');
      assert.deepEqual([...scriptAttrs.values()], ['gold'], JSON.stringify(set));
    }
    await assert.rejects(handler.execute('ds_push_script_attrs', { ...at, set: 2, partition: 'p2' }), { code: 404 });
    await assert.rejects(handler.execute('ds_push_script_attrs', { ...at, sets: 2 }), { code: -32602 });
  });

  test('the group of ds_set_state: blanks are allowed around its first colon only, a large number is not found', async () => {
    const { handler } = makeMiFixture();
    const set = (group: string) =>
      handler.execute('ds_set_state', { state: 'a', group, address: 'sip:127.0.0.31:5060' });
    for (const group of ['p2:7', 'p2 : 7', 'p2 :7']) assert.equal(await set(group), 'OK', group);
    for (const group of [' 7', '7 ', 'p2:7 ', 'p2:7:1', 'a:b:c:7', ':::7', '4294967296', '99999999999', '0x7', '7a']) {
      await assert.rejects(set(group), { code: 500, message: 'bad group value' }, group);
    }
    await assert.rejects(set('4294967295'), { code: 404, message: 'destination not found' });
    await assert.rejects(set(' p2:7'), { code: 404, message: 'ERROR Unknown partition' });
  });

  test('probing is switched off and on', async () => {
    const fixture = makeMiFixture();
    assert.deepEqual(await fixture.handler.execute('ds_ping_active'), { PingState: 1 });
    assert.deepEqual(await fixture.handler.execute('ds_ping_active', [0]), { OldPingState: 1, NewPingState: 0 });
    assert.equal(fixture.probing, false);
    await assert.rejects(fixture.handler.execute('ds_ping_active', { state: 'maybe' }), { code: 400 });
  });

  test('a probe is sent at once, to one destination; if probing is off the answer says so', async () => {
    const fixture = makeMiFixture();
    const { handler, engine } = fixture;
    const [destination] = [...(engine.partition('p2')?.snapshot.sets.get(7)?.destinations ?? [])];
    const address = destination?.row.uri ?? '';
    assert.equal(await handler.execute('ds_probe', { group: 'p2:7', address }), 'OK');
    assert.deepEqual(fixture.probed, [address]);
    await assert.rejects(handler.execute('ds_probe', { group: 'p2:7', address: 'sip:nobody' }), { code: 404 });
    fixture.probing = false;
    await assert.rejects(handler.execute('ds_probe', { group: 'p2:7', address }), { code: 409 });
  });
});
