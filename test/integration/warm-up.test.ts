import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../support/daemon-process.js';

test('calls made to warm up are in no statistic, no state and no line of the log', async () => {
  process.env['SWITCHYARD_WARM_UP_CALLS'] = '20';
  const daemon = await startDaemon({ destinations: [[1, 'sip:127.0.0.1:9']], settings: { log: { level: 'debug' } } });
  try {
    for (let waited = 0; !daemon.log().includes('"warmed up"') && waited < 20_000; waited += 50) await sleep(50);
    const lines = daemon.log().split('\n');
    assert.match(lines.find((line) => line.includes('"warmed up"')) ?? '', /"calls":2\d/);
    assert.doesNotMatch(daemon.log(), /warm-up@|5080|caller/);
    const metrics = await (await fetch(`${daemon.http}/metrics`)).text();
    const counted = metrics
      .split('\n')
      .filter((line) => /^switchyard_(sip|transactions|selections|proxy)\S* [1-9]/.test(line));
    assert.deepEqual(
      counted.filter((line) => /_total/.test(line)),
      [],
    );
    assert.match(JSON.stringify(await daemon.mi('ds_list')), /"state":"Active"/);
  } finally {
    delete process.env['SWITCHYARD_WARM_UP_CALLS'];
    await daemon.stop();
  }
});
