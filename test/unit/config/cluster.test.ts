import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../../../src/config/load.js';

const nats = { nats: { servers: ['nats://127.0.0.1:4222'], jetstream: {} } };

function read(modparam: object, more: object = {}) {
  const { settings, warnings } = readSettings({ modparam: { db_url: 'text:./x', ...modparam }, ...more });
  return { cluster: settings.cluster, said: warnings.map(({ pointer, reason }) => `${pointer}: ${reason}`) };
}

test('modparam cluster_id names a cluster where events name a NATS server that keeps them', () => {
  const { cluster, said } = read({ cluster_id: 7, cluster_sharing_tag: 'vip' }, { events: nats });
  assert.deepEqual([cluster?.name, cluster?.probing, cluster?.sharingTag], ['7', 'by-shtag', 'vip']);
  assert.deepEqual(said, []);
  assert.equal(read({ cluster_id: '7', cluster_probing_mode: 'all' }, { events: nats }).cluster?.probing, 'all');
});

test('the key "cluster" overrides cluster_id and its name', () => {
  const more = { events: nats, cluster: { name: 'edge' } };
  assert.equal(read({ cluster_id: 7 }, more).cluster?.name, 'edge');
  assert.equal(read({ cluster_id: 7 }, { ...more, cluster: {} }).cluster?.name, '7');
});

test('cluster_id without such a server has no effect, and a warning says so', () => {
  for (const events of [{}, { nats: { servers: ['nats://127.0.0.1:4222'] } }]) {
    const { cluster, said } = read({ cluster_id: 7 }, { events });
    assert.equal(cluster, undefined);
    assert.match(said.join(), /\/modparam\/cluster_id: has no effect: .* set "events" "nats" with "jetstream"/);
  }
});

test('cluster_id 0 is no cluster, as in OpenSIPS', () => {
  assert.equal(read({ cluster_id: 0 }, { events: nats }).cluster, undefined);
});

test('verdicts by zone need each zone to probe by itself', () => {
  const cluster = { verdict: 'zone', zone: 'fra1' };
  assert.equal(read({}, { events: nats, cluster }).cluster?.verdict, 'zone');
  for (const probing of ['all', 'by-shtag'])
    assert.throws(
      () => read({ cluster_sharing_tag: 'vip' }, { events: nats, cluster: { ...cluster, probing } }),
      /"zone" needs probing "distributed"/,
    );
});
