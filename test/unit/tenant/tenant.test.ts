import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DispatcherConfig } from '../../../src/config/dispatcher-settings.js';
import type { PartitionConfig } from '../../../src/config/settings.js';
import { SwitchyardError } from '../../../src/core/errors.js';
import { nullLogger } from '../../../src/core/logger.js';
import type { DestinationRow } from '../../../src/engine/destination.js';
import { Engine } from '../../../src/engine/engine.js';
import type { PartitionOptions } from '../../../src/engine/options.js';
import type { DnsSource } from '../../../src/sip/dns-source.js';
import { Resolver } from '../../../src/sip/resolve.js';
import type { DestinationStore } from '../../../src/store/store.js';
import { dropsProbing, namesEvery } from '../../../src/tenant/options.js';
import { PartitionRuntime } from '../../../src/tenant/tenant.js';
import { FakeClock } from '../../support/fake-clock.js';
import { partitionOptions, row, seededRandom } from '../../support/partitions.js';

/** A runtime with rows and names that the test provides. */
function makeRuntime(
  rows: DestinationRow[],
  config: Partial<PartitionConfig> = {},
  options: Partial<PartitionOptions> = {},
) {
  const clock = new FakeClock();
  const names = new Map<string, string[]>();
  const table = {
    rows,
    failure: undefined as Error | undefined,
    loads: 0,
    gate: undefined as Promise<void> | undefined,
  };
  const absent = () => Promise.reject(new Error('ENOTFOUND'));
  const dns: DnsSource = {
    naptr: absent,
    srv: absent,
    aaaa: absent,
    system: absent,
    a: (name) => {
      const found = names.get(name);
      return found === undefined ? absent() : Promise.resolve(found.map((address) => ({ address, ttl: 5 })));
    },
  };
  const store: DestinationStore = {
    description: 'table of the test',
    writable: false,
    load: async () => {
      table.loads++;
      await table.gate;
      if (table.failure !== undefined) throw table.failure;
      return { rows: table.rows, discarded: [] };
    },
    saveStates: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const errors: string[] = [];
  const warnings: { fields: object; message: string }[] = [];
  const engine = new Engine({ clock, random: seededRandom() });
  const partition = engine.addPartition(partitionOptions({ name: 'acme', ...options }));
  const counts = { loaded: 0, renamed: 0 };
  const runtime = new PartitionRuntime({
    config: { name: 'acme', ...config } as PartitionConfig,
    partition,
    store,
    flusher: undefined,
    changes: engine.states,
    resolver: new Resolver(clock, seededRandom(), dns),
    clock,
    log: {
      ...nullLogger,
      error: (_fields: object, message: string) => void errors.push(message),
      warn: (fields: object, message: string) => void warnings.push({ fields, message }),
    },
    namesEvery: 15_000,
    listens: (socket) => socket === 'udp:192.0.2.1:5060',
    loaded: () => void counts.loaded++,
    renamed: () => void counts.renamed++,
  });
  return { clock, names, table, engine, partition, runtime, counts, errors, warnings };
}

const addresses = (partition: { named(): readonly { resolved: readonly { address: string }[] }[] }) =>
  partition.named().map((each) => each.resolved.map(({ address }) => address).join());

describe('partition runtime', () => {
  test('a first load that fails is tried again with back-off, and logged once', async () => {
    const { clock, table, runtime, counts, errors } = makeRuntime([row('sip:192.0.2.1')]);
    table.failure = new SwitchyardError('STORE_UNREACHABLE', 'db: refused', { retryable: true });
    await runtime.start();
    assert.equal(runtime.notReady, 'db: refused');
    const at: number[] = [];
    for (let quarter = 1; quarter <= 160; quarter++) {
      const before = table.loads;
      await clock.advanceAsync(250);
      if (table.loads > before) at.push(quarter / 4);
    }
    assert.deepEqual(at, [0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 25.75, 35.75]);
    assert.equal(errors.length, 1);
    table.failure = undefined;
    await clock.advanceAsync(10_000, 5000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(runtime.notReady, undefined);
    assert.equal(counts.loaded, 1);
    await runtime.stop();
    assert.equal(clock.pending, 0);
  });

  test('destination sockets on which the daemon does not listen are reported once at each load', async () => {
    const { runtime, warnings } = makeRuntime([
      row('sip:192.0.2.7', { socket: 'udp:192.0.2.1:5060' }),
      row('sip:192.0.2.8', { socket: 'udp:192.0.2.2:5060' }),
      row('sip:192.0.2.9', { socket: 'udp:192.0.2.2:5060' }),
      row('sip:192.0.2.10'),
    ]);
    await runtime.reload({ inheritState: true, dryRun: false });
    const found = warnings.filter(({ message }) => /does not listen: another one is used/.test(message));
    assert.deepEqual(
      found.map(({ fields }) => fields),
      [{ socket: 'udp:192.0.2.2:5060', destinations: 2 }],
    );
    assert.ok(runtime.reports.some(({ text }) => /socket udp:192\.0\.2\.2:5060 of 2 destinations/.test(text)));
    await runtime.stop();
  });

  test('a retry is cancelled once another load of the partition has succeeded', async () => {
    const { clock, table, runtime } = makeRuntime([row('sip:192.0.2.1')]);
    table.failure = new Error('down');
    await runtime.start();
    table.failure = undefined;
    await runtime.reload({ inheritState: true, dryRun: false });
    const { loads } = table;
    await clock.advanceAsync(10_000, 1000);
    assert.equal(table.loads, loads);
    await runtime.stop();
  });

  test('host names are followed: new addresses are used, an outage of the DNS changes nothing', async () => {
    const it = makeRuntime([row('sip:gw.example:5060'), row('sip:192.0.2.9'), row('sip:gw.example')]);
    it.names.set('gw.example', ['192.0.2.1']);
    await it.runtime.start();
    assert.deepEqual(addresses(it.partition), ['192.0.2.1', '192.0.2.1']);
    it.names.set('gw.example', ['192.0.2.2', '192.0.2.3']);
    await it.clock.advanceAsync(15_000);
    await it.runtime.refreshNames();
    assert.deepEqual(addresses(it.partition), ['192.0.2.2,192.0.2.3', '192.0.2.2,192.0.2.3']);
    assert.equal(it.partition.destinationsAt('192.0.2.3').length, 2);
    assert.equal(it.partition.destinationsAt('192.0.2.1').length, 0);
    assert.equal(it.counts.renamed, 1);
    it.names.clear();
    it.clock.advance(60_000);
    await it.runtime.refreshNames();
    await it.runtime.reload({ inheritState: true, dryRun: false });
    assert.deepEqual(addresses(it.partition), ['192.0.2.2,192.0.2.3', '192.0.2.2,192.0.2.3']);
    await it.runtime.stop();
  });

  test('a row whose name did not resolve is loaded when it does', async () => {
    const it = makeRuntime([row('sip:late.example'), row('sip:192.0.2.9')]);
    await it.runtime.start();
    assert.equal(it.partition.snapshot.size, 1);
    it.names.set('late.example', ['192.0.2.4']);
    it.clock.advance(16_000);
    await it.runtime.refreshNames();
    assert.equal(it.partition.snapshot.size, 2);
    assert.deepEqual(addresses(it.partition), ['192.0.2.4']);
    await it.runtime.stop();
  });

  test('names are resolved as often as ds_dns_mode says', () => {
    const every = (dns: object | undefined, config: object = { flavour: 'kamailio' }) =>
      namesEvery(config as PartitionConfig, { kamailio: { dns: dns ?? {} } } as DispatcherConfig);
    const usual = { interval: 600, ttl: 0, matchAll: undefined };
    assert.equal(every(undefined), 15_000);
    assert.equal(every({ ...usual, mode: 4 }), 600_000);
    assert.equal(every({ ...usual, mode: 12, interval: 30 }), 30_000);
    assert.equal(every({ ...usual, mode: 2 }), 1000);
    assert.equal(every({ ...usual, mode: 6, ttl: 10 }), 10_000);
    assert.equal(every({ ...usual, mode: 1 }), 15_000);
    assert.equal(every({ ...usual, mode: 1 }, { flavour: 'kamailio', compat: 'strict' }), undefined);
    assert.equal(every({ ...usual, mode: 4 }, { flavour: 'opensips' }), 15_000);
  });

  test('rows lose the flag for probes with version 6 and no probes', () => {
    const drops = (config: object, pingInterval: number) =>
      dropsProbing(config as PartitionConfig, { pingInterval } as DispatcherConfig);
    assert.equal(drops({ flavour: 'kamailio', version: '6' }, 0), true);
    assert.equal(drops({ flavour: 'kamailio', version: '6' }, 10), false);
    assert.equal(drops({ flavour: 'kamailio', version: '5.6' }, 0), false);
  });

  test('one host over two transports is resolved for each of them', async () => {
    const it = makeRuntime([row('sip:gw.example'), row('sip:gw.example;transport=tcp')]);
    it.names.set('gw.example', ['192.0.2.1']);
    await it.runtime.start();
    assert.deepEqual(
      it.partition.named().map((each) => each.resolved[0]?.transport),
      ['udp', 'tcp'],
    );
    await it.runtime.stop();
  });

  test('a load that ends after the partition was stopped changes nothing', async () => {
    const it = makeRuntime([row('sip:192.0.2.1')]);
    let open = () => {};
    it.table.gate = new Promise((resolve) => {
      open = resolve;
    });
    const started = it.runtime.start();
    const stopped = it.runtime.stop();
    open();
    await Promise.all([started, stopped]);
    assert.equal(it.partition.snapshot.size, 0);
    assert.equal(it.counts.loaded, 0);
    assert.deepEqual(it.errors, []);
    assert.equal(it.clock.pending, 0);
  });

  test('rows edited in memory wait for the load before them and keep states', async () => {
    const it = makeRuntime([row('sip:192.0.2.1'), row('sip:192.0.2.2')]);
    await it.runtime.start();
    const first = it.partition.find(1, 'sip:192.0.2.1');
    assert.ok(first);
    it.engine.states.apply({ destination: first, kind: 'set', to: 'inactive', origin: 'mi', reason: 'MI command' });
    it.table.rows = [row('sip:192.0.2.1'), row('sip:192.0.2.3')];
    const reload = it.runtime.reload({ inheritState: true, dryRun: false });
    const report = await it.runtime.editRows((rows) => [...rows, row('sip:192.0.2.4', { setId: 2 })]);
    await reload;
    assert.deepEqual(report.added, ['2 sip:192.0.2.4']);
    assert.deepEqual(
      [...it.partition.snapshot.sets].map(([id, set]) => `${id}:${set.destinations.length}`),
      ['1:2', '2:1'],
    );
    assert.equal(it.partition.find(1, 'sip:192.0.2.1')?.health.state, 'inactive');
    await it.runtime.stop();
  });

  test('with expand_names each address of a name is a destination of its own, and follows the DNS', async () => {
    const it = makeRuntime(
      [
        row('sip:gw.example:5070;transport=tcp', { rowId: 7, attrs: 'a=b' }),
        row('sip:192.0.2.9'),
        row('sips:secure.example'),
      ],
      { expandNames: true },
    );
    it.names.set('gw.example', ['192.0.2.1', '192.0.2.2']);
    it.names.set('secure.example', ['192.0.2.5', '192.0.2.6']);
    await it.runtime.start();
    const uris = () => it.partition.snapshot.sets.get(1)?.destinations.map((each) => each.row.uri) ?? [];
    const tcp = (n: number) => `sip:192.0.2.${n}:5070;transport=tcp`;
    // The name is kept, since a certificate is checked against it.
    assert.deepEqual(uris(), [tcp(1), tcp(2), 'sip:192.0.2.9', 'sips:secure.example']);
    const first = it.partition.find(1, tcp(1)) ?? assert.fail();
    assert.deepEqual([first.row.attrs, first.row.description, first.row.rowId], ['a=b', 'gw.example', undefined]);
    it.engine.states.apply({ destination: first, kind: 'set', to: 'inactive', origin: 'mi', reason: 'test' });
    // A different order alone is not a change.
    it.names.set('gw.example', ['192.0.2.2', '192.0.2.1']);
    it.clock.advance(16_000);
    await it.runtime.refreshNames();
    assert.equal(it.table.loads, 1);
    it.names.set('gw.example', ['192.0.2.1', '192.0.2.3']);
    it.clock.advance(16_000);
    await it.runtime.refreshNames();
    assert.deepEqual(uris(), [tcp(1), tcp(3), 'sip:192.0.2.9', 'sips:secure.example']);
    assert.equal(it.partition.find(1, tcp(1))?.health.state, 'inactive');
    // A failure of DNS changes nothing.
    it.names.clear();
    it.clock.advance(60_000);
    await it.runtime.refreshNames();
    await it.runtime.reload({ inheritState: true, dryRun: false });
    assert.deepEqual(uris(), [tcp(1), tcp(3), 'sip:192.0.2.9', 'sips:secure.example']);
    await it.runtime.stop();
  });

  test('a strict kamailio partition refuses a reload with a name that does not resolve; by default the row is left out', async () => {
    for (const compat of ['default', 'strict'] as const) {
      const it = makeRuntime([row('sip:192.0.2.1'), row('sip:lost.example')], {}, { flavour: 'kamailio', compat });
      await it.runtime.start();
      // The first load is never rejected: there is no earlier one to keep.
      assert.equal(it.partition.snapshot.size, 1);
      it.table.rows = [row('sip:192.0.2.1'), row('sip:192.0.2.2'), row('sip:lost.example')];
      const reload = it.runtime.reload({ inheritState: false, dryRun: false });
      if (compat === 'strict') {
        await assert.rejects(reload, /1 sip:lost\.example: host "lost\.example" does not resolve/);
        assert.equal(it.partition.snapshot.size, 1);
      } else {
        assert.deepEqual(
          (await reload).discarded.map((each) => each.row),
          ['1 sip:lost.example'],
        );
        assert.equal(it.partition.snapshot.size, 2);
      }
      await it.runtime.stop();
    }
  });
});
