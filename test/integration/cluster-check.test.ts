import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkCluster } from '../../src/events/sinks/nats-cluster-check.js';
import { LocalCluster } from '../support/cluster/local-cluster.js';
import { NatsBench, settings, stream, withoutNats } from '../support/nats-fixtures.js';

suite('switchyard check of a cluster', { skip: withoutNats, timeout: 30_000 }, () => {
  test('a check finds no fault with an empty server', async (context) => {
    const { url } = await new NatsBench(context).server();
    const found = await checkCluster(settings(url, { jetstream: stream }), { name: 'test', node: 'n1' });
    assert.deepEqual(found, []);
  });

  test('a node of the same name that is alive is named; one of another name is welcome', async () => {
    const cluster = await LocalCluster.start({ nodes: 1, gateways: 2 });
    try {
      const check = (node: string) =>
        checkCluster(settings(cluster.nats?.url ?? '', { jetstream: stream }), { name: 'test', node });
      const [taken, free] = await Promise.all([check('n1'), check('n2')]);
      assert.deepEqual(taken, [
        'a node named n1 is alive in cluster test: if it is not this one, it needs another "node"',
      ]);
      assert.deepEqual(free, []);
    } finally {
      await cluster.stop();
    }
  });

  test('a check names what an existing bucket lacks', async (context) => {
    const bench = new NatsBench(context);
    const { url } = await bench.server();
    const client = await bench.client(url);
    const manager = await client.jetstreamManager();
    const name = 'KV_SWITCHYARD_test';
    await manager.streams.add({ name, subjects: ['$KV.SWITCHYARD_test.>'], allow_direct: true, max_age: 60e9 });
    const found = await checkCluster(settings(url, { jetstream: stream }), { name: 'test', node: 'n1' });
    assert.equal(found.length, 3);
    assert.match(
      found.join('\n'),
      /is not republished to opensips\.cluster\.test\.rec\.>[\s\S]*direct gets[\s\S]*after 60 s/,
    );
  });
});
