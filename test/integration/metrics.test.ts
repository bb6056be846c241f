import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { deadRows, FaultBench } from '../support/faults/bench.js';
import { natsSettings } from '../support/faults/nats-crashes.js';
import { Responder } from '../support/faults/responder.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/until.js';

test('every documented metric is on /metrics, and /health and ds_list show why something does not work', async (t) => {
  const bench = new FaultBench(t);
  const http = await freePort();
  const responder = await Responder.start();
  bench.defer(() => responder.stop());
  const uri = responder.uri('down');
  responder.status.set('down', 503);
  const running = await bench.daemon({
    settings: {
      http: `127.0.0.1:${http}`,
      modparam: {
        db_url: await bench.sqlite([...deadRows(2, 2), { setId: 1, uri }]),
        ds_ping_interval: 1,
        ds_probing_mode: 1,
        ds_probing_threshhold: 2,
      },
      events: { nats: natsSettings(`nats://127.0.0.1:${await freePort()}`) },
    },
  });
  await until('down', () => running.destination('default', 1, uri).health.state === 'probing');

  const response = await fetch(`http://127.0.0.1:${http}/metrics`);
  const text = await response.text();
  const source = readFileSync(new URL('../../src/daemon/destination-metrics.ts', import.meta.url), 'utf8');
  const documented = [...source.matchAll(/^ \* .*?(switchyard_\w+)/gm)].map((match) => match[1]);
  assert.ok(documented.length > 25, `${documented.length} names`);
  for (const name of documented) assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'));
  for (const name of text.matchAll(/^# TYPE (\w+_total) (\w+)$/gm)) assert.equal(name[2], 'counter', name[1]);

  for (const full of [1, 2]) {
    const listed = JSON.stringify(await running.mi('ds_list', { full }));
    assert.match(listed, /"consecutive_failures":\d+,"last_probe":\{"time":"[^"]+","ok":false,"code":503/);
    assert.match(listed, /"last_change":\{"time":"[^"]+","by":"probe","reason":"negative probing reply","code":503\}/);
    const shown = listed.split('"consecutive_failures"').length - 1;
    const active = listed.split('"state":"Active"').length - 1;
    assert.equal(shown, full === 2 ? 3 : 3 - active, 'of active destinations only where asked');
  }
  const health = (await (await fetch(`http://127.0.0.1:${http}/health`)).json()) as Record<string, unknown>;
  assert.deepEqual(health['partitions'], { default: 'ready' });
  assert.equal(health['nats'], 'not connected');
});
