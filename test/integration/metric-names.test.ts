import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon-fixture.js';
import { NatsBench, withoutNats } from '../support/nats-fixtures.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

const DEPLOY = join(import.meta.dirname, '../../examples/deploy');
const NAMES = /\b(?:switchyard|process|nodejs)_[a-z0-9_]+/g;

test('the alerts and the dashboard use metrics and labels that exist', {
  timeout: 30_000,
  skip: withoutNats,
}, async (t) => {
  const bench = new NatsBench(t);
  const nats = await bench.server();
  const good = await startGateway({ host: '127.0.0.91', name: 'good', answer: () => ({ status: 200, ringMs: 5 }) });
  const bad = await startGateway({ host: '127.0.0.92', name: 'bad', answer: () => 503 });
  const caller = await startCaller({ host: '127.0.0.93' });
  const daemon = await startDaemon(
    {
      modparam: { db_url: 'sqlite:./gateways.db', ds_ping_interval: 1 },
      routing: [
        {
          match: { $rm: 'INVITE' },
          select: { set: 1, alg: 8, flags: 'f' },
          failover: { codes: ['503'] },
          record_route: true,
        },
      ],
      events: { nats: { servers: nats.url, jetstream: {} } },
    },
    {
      default: [
        { setid: 1, destination: bad.uri, priority: 2, probe_mode: 1 },
        { setid: 1, destination: good.uri, priority: 1, probe_mode: 1 },
      ],
    },
  );
  t.after(async () => {
    good.kill();
    bad.kill();
    caller.stop();
    await daemon.stop();
  });
  const result = await caller.placeCall({ ruri: 'sip:bob@example.com', proxy: `sip:127.0.0.1:${daemon.sipPort}` });
  assert.equal(result.status, 200);
  const scrape = async () => (await fetch(`http://127.0.0.1:${daemon.httpPort}/metrics`)).text();
  await until('probes', async () => /switchyard_probe_seconds_count/.test(await scrape()));
  const text = await scrape();
  const live = new Set([...text.matchAll(/^([a-z_0-9]+)[ {]/gm)].map((match) => match[1] as string));
  for (const file of ['prometheus-alerts.yml', 'grafana-dashboard.json']) {
    const asked = new Set(readFileSync(join(DEPLOY, file), 'utf8').match(NAMES) ?? []);
    asked.delete('switchyard_outbox');
    // Metrics of the cluster exist only with a cluster.
    const missing = [...asked].filter((name) => !live.has(name) && !name.startsWith('switchyard_cluster_'));
    assert.deepEqual(missing, [], file);
    assert.ok(asked.size > 10);
  }
  const of = (gateway: { uri: string }) => `{partition="default",set="1",destination="${gateway.uri}",socket=""`;
  assert.ok(text.includes(`switchyard_destination_calls_total${of(bad)}} 1\n`));
  assert.ok(text.includes(`switchyard_destination_failovers_total${of(bad)}} 1\n`));
  assert.ok(text.includes(`switchyard_destination_replies_total${of(bad)},class="5xx"} 1\n`));
  assert.ok(text.includes(`switchyard_destination_replies_total${of(good)},class="2xx"} 1\n`));
  assert.ok(text.includes(`switchyard_destination_first_reply_seconds_count${of(good)}} 1\n`));
  assert.match(text, /switchyard_settings_reload_success 1\n/);
});
