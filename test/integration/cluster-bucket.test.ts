import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { NatsBench, settings, stream, withoutNats } from '../support/nats-fixtures.js';
import { until } from '../support/until.js';

async function start(context: TestContext) {
  const bench = new NatsBench(context);
  const { url } = await bench.server();
  const nats = bench.bus(settings(url, { jetstream: stream }));
  await nats.start();
  await nats.caughtUp(3000);
  const bus = nats.cluster({ cluster: 'test', replicas: 1, storage: 'file' });
  assert.equal(await new Promise((resolve) => bus.create(resolve)), true);
  const keysRead = (partitions: readonly string[]) =>
    new Promise<string[]>((resolve, reject) => {
      const keys: string[] = [];
      bus.read(
        1,
        partitions,
        (key) => keys.push(key),
        (last) => (last === undefined ? reject(new Error('broken off')) : resolve(keys)),
      );
    });
  return { bus, keysRead, client: await bench.client(url) };
}

suite('the bucket of a cluster on a real server', { skip: withoutNats, timeout: 30_000 }, () => {
  test('a large bucket is read by partition; keys that are of no partition are always read', async (context) => {
    const { client, keysRead } = await start(context);
    const put = (key: string) => client.jetstream().publish(`$KV.SWITCHYARD_test.${key}`, 'x');
    for (const key of ['gen', 'k', 'm.n1', 't.vip', 'r.acme']) await put(key);
    for (let from = 0; from < 2000; from += 200) {
      await Promise.all(Array.from({ length: 200 }, (_, i) => put(`d.globex.1.${from + i}`)));
    }
    await Promise.all(Array.from({ length: 20 }, (_, i) => put(`d.acme.1.${i}`)));
    const acme = await keysRead(['acme']);
    assert.equal(acme.length, 25);
    assert.ok(!acme.some((key) => key.startsWith('d.globex.')));
    assert.equal((await keysRead(['acme', 'globex'])).length, 2025);
    // More keys than a single consumer each would be worth.
    assert.equal((await keysRead(['a', 'b', 'c', 'd', 'e'])).length, 2025);
    assert.deepEqual((await keysRead(['nobody'])).sort(), ['gen', 'k', 'm.n1', 'r.acme', 't.vip']);
  });

  test('revisions of a bucket that was created again are not confused with those of the old one, and two nodes that create it lose nothing', async (context) => {
    const { bus, client } = await start(context);
    const commit = (key: string, expected: number) =>
      new Promise<{ kind: string; revision?: number }>((resolve) => bus.commit(key, 'x', expected, resolve));
    const make = () => new Promise<boolean>((resolve) => bus.create(resolve));
    const first = await commit('d.acme.1.a', 0);
    const manager = await client.jetstreamManager();
    await manager.streams.delete('KV_SWITCHYARD_test');
    assert.deepEqual(await Promise.all([make(), make()]), [true, true]);
    const again = await commit('d.acme.1.a', 0);
    assert.ok((first.revision ?? 0) > 1e12 && (again.revision ?? 0) > (first.revision ?? 0));
    assert.equal(await make(), true);
    assert.equal((await commit('d.acme.1.a', first.revision ?? 0)).kind, 'conflict');
    assert.equal((await commit('d.acme.1.a', again.revision ?? 0)).kind, 'done');
  });

  test('records that have not changed since they were read are removed, and the stream keeps nothing of them', async (context) => {
    const { bus } = await start(context);
    const commit = (key: string, text: string, expected: number) =>
      new Promise<{ kind: string; revision?: number }>((resolve) => bus.commit(key, text, expected, resolve));
    const remove = (key: string, expected: number) =>
      new Promise<boolean>((resolve) => bus.remove(key, expected, resolve));
    const { revision = 0 } = await commit('d.acme.9.a', 'x', 0);
    const later = await commit('d.acme.9.a', 'y', revision);
    assert.equal(await remove('d.acme.9.a', revision), false);
    assert.equal(await remove('d.acme.9.a', later.revision ?? 0), true);
    assert.equal(await new Promise((resolve) => bus.get('d.acme.9.a', resolve)), 'none');
    assert.equal((await commit('d.acme.9.a', 'z', 0)).kind, 'done');
  });

  test('a message whose handling fails does not end what is received after it', async (context) => {
    const { bus, client } = await start(context);
    const got: string[] = [];
    const fail = () => {
      throw new TypeError('Cannot convert object to primitive value');
    };
    bus.listen({
      up: () => {},
      down: () => {},
      message: (kind, _node, text) => (text === 'bad' ? fail() : void got.push(`${kind} ${text}`)),
      record: (key, _revision, text) => (text === 'bad' ? fail() : void got.push(`${key} ${text}`)),
      asked: (text, answer) => (text === 'bad' ? fail() : answer(text === 'long' ? 'x'.repeat(2_000_000) : 'yes')),
    });
    await client.flush();
    const node = 'sw1';
    for (const text of ['bad', 'good']) {
      client.publish(`opensips.cluster.test.ask.${node}`, text);
      client.publish('opensips.cluster.test.hb.n2', text);
      await client.jetstream().publish('$KV.SWITCHYARD_test.m.n2', text);
    }
    await until('later messages', () => got.length === 2, { milliseconds: 5000 });
    assert.deepEqual(got.sort(), ['hb good', 'm.n2 good']);
    const answer = async (text: string) =>
      (await client.request(`opensips.cluster.test.ask.${node}`, text, { timeout: 5000 })).string();
    assert.match(await answer('long'), /"error":"the answer is larger/);
    assert.equal(await answer('x'), 'yes');
  });
});
