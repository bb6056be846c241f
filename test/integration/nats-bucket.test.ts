import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { KV, NatsConnection } from 'nats';
import type { EventMetrics } from '../../src/events/metrics.js';
import { type StateEntry, stateEntry, stateKey } from '../../src/events/state-entry.js';
import { makeDestination } from '../support/event-fixtures.js';
import { keysIn, NatsBench, settings, stream, withoutNats } from '../support/nats-fixtures.js';
import { until } from '../support/until.js';

const BUCKET = 'DISPATCHER_STATE';
const destinations = Array.from({ length: 20 }, (_, i) => makeDestination({ uri: `sip:10.0.0.${i}` }));
const entries = (): StateEntry[] => destinations.map((each) => stateEntry(each, 'sw1'));

const open = (nc: NatsConnection): Promise<KV> => nc.jetstream().views.kv(BUCKET);

describe('the bucket with the current states', { timeout: 60_000, skip: withoutNats }, () => {
  test('keys that were purged or overwritten are written again, and until then the bucket is reported as not current', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const repairs: (() => number)[] = [];
    const metrics: EventMetrics = {
      gauge({ name, collect }) {
        if (name === 'switchyard_bucket_repairs_total') repairs.push(() => [...collect()][0]?.[1] ?? 0);
      },
    };
    const config = settings(nats.url, { jetstream: stream, bucket: BUCKET });
    const ours = bench.bus(config, { compareMs: 200, metrics });
    await ours.start();
    ours.syncSnapshot(entries);
    assert.equal(await ours.bucketSettled(5000), true);
    assert.equal(repairs[0]?.(), 0);
    const nc = await bench.client(nats.url);
    const kv = await open(nc);
    const [first, second, third, fourth] = entries() as [StateEntry, StateEntry, StateEntry, StateEntry];
    let wasBehind = false;
    const looking = setInterval(() => void ours.bucketSettled(0).then((settled) => (wasBehind ||= !settled)), 1);
    t.after(() => clearInterval(looking));
    await kv.purge(stateKey(first));
    await kv.delete(stateKey(second));
    await kv.put(stateKey(third), JSON.stringify({ ...third, status: 'inactive', state: 'inactive' }));
    await kv.put(stateKey(fourth), '{"not":"ours"}');
    await until('repaired', async () => {
      const values = await Promise.all([first, second, third, fourth].map((each) => kv.get(stateKey(each))));
      return values.every(
        (each, i) => each?.operation === 'PUT' && each.string() === JSON.stringify([first, second, third, fourth][i]),
      );
    });
    assert.equal(await ours.bucketSettled(5000), true);
    assert.equal(wasBehind, true);
    assert.ok(
      (repairs[0]?.() ?? 0) >= 1,
      'a repair may be shorter than the time between two scrapes, so it is counted',
    );
  });

  test('an entry that another node wrote about a shared destination is not changed', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const ours = bench.bus(settings(nats.url, { jetstream: stream, bucket: BUCKET }), { compareMs: 50 });
    await ours.start();
    ours.syncSnapshot(entries);
    assert.equal(await ours.bucketSettled(5000), true);
    const kv = await open(await bench.client(nats.url));
    const [first, second] = entries() as [StateEntry, StateEntry];
    const theirs = JSON.stringify({ ...first, node: 'sw2', seq: 7 });
    await kv.put(stateKey(first), theirs);
    // A comparison that repaired one key has also read the other.
    await kv.purge(stateKey(second));
    await until('repaired', async () => (await kv.get(stateKey(second)))?.operation === 'PUT');
    assert.equal((await kv.get(stateKey(first)))?.string(), theirs);
  });

  test('a server that comes back with an empty store gets all entries again', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const ours = bench.bus(settings(nats.url, { jetstream: stream, bucket: BUCKET }));
    await ours.start();
    ours.syncSnapshot(entries);
    assert.equal(await ours.bucketSettled(5000), true);
    await nats.kill();
    await until('noticed', () => !ours.connected);
    await rm(join(nats.dir, 'jetstream'), { recursive: true, force: true });
    await nats.restart();
    await until('connected', () => ours.connected);
    assert.equal(await ours.bucketSettled(10_000), true);
    const kv = await open(await bench.client(nats.url));
    assert.equal((await keysIn(kv)).length, destinations.length);
  });
});
