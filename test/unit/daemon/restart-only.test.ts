import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../../../src/config/load.js';
import { restartOnly } from '../../../src/daemon/restart-only.js';

const settings = (over: object) => readSettings({ listen: ['udp:127.0.0.1:5060'], node: 'sw1', ...over }).settings;
const BEFORE = settings({});

test('settings that a reload applies need no restart', () => {
  for (const over of [
    {},
    { log: { level: 'debug' } },
    { limits: { requests_per_second_per_source: 7, burst: 9, trusted_sources: ['10.0.0.0/8'] } },
    { partitions: [{ name: 'acme', db_url: 'sqlite:./acme.db' }] },
  ]) {
    assert.deepEqual(restartOnly(BEFORE, settings(over)), [], JSON.stringify(over));
  }
});

test('settings that apply at the start only are named by their key', () => {
  assert.deepEqual(restartOnly(BEFORE, settings({ listen: ['udp:127.0.0.1:5070'], node: 'sw2' })), ['listen', 'node']);
  const nats = { events: { nats: { servers: ['nats://127.0.0.1:4222'], jetstream: {} } } };
  const clustered = (cluster: object) => settings({ ...nats, cluster });
  assert.deepEqual(restartOnly(settings(nats), clustered({ name: 'edge' })), ['cluster']);
  assert.deepEqual(restartOnly(clustered({ name: 'edge' }), clustered({ name: 'edge', weight: 0 })), ['cluster']);
  assert.deepEqual(restartOnly(clustered({ name: 'edge' }), clustered({ name: 'edge' })), []);
  assert.deepEqual(restartOnly(BEFORE, settings({ workers: 3 })), ['workers']);
  assert.deepEqual(restartOnly(BEFORE, settings({ tm: { fr_timeout: 9 } })), ['tm']);
  assert.deepEqual(restartOnly(BEFORE, settings({ limits: { max_transactions: 77 } })), ['limits']);
});
