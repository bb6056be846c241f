import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
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

test('the calls with which each worker warms up are in no statistic and no record', async (t) => {
  if (!('libc' in (await loadLibc()))) return t.skip('the system calls are not available');
  process.env['SWITCHYARD_WARM_UP_CALLS'] = '20';
  const daemon = await startDaemon({
    destinations: [[1, 'sip:127.0.0.1:9']],
    settings: { log: { level: 'debug' }, workers: 2 },
  });
  try {
    const lines = () =>
      daemon
        .log()
        .split('\n')
        .filter((line) => line.includes('"warmed up"'));
    for (let waited = 0; lines().length < 2 && waited < 20_000; waited += 50) await sleep(50);
    assert.deepEqual(
      lines()
        .map((line) => /"worker":(\d)/.exec(line)?.[1])
        .sort(),
      ['1', '2'],
    );
    for (const line of lines()) assert.match(line, /"calls":2\d/);
    const metrics = await (await fetch(`${daemon.http}/metrics`)).text();
    assert.doesNotMatch(
      metrics,
      /^switchyard_(?:sip|transactions|selections|proxy|calls|worker_requests)\S*_total\S* [1-9]/m,
    );
    assert.doesNotMatch(daemon.log(), /warm-up@|5080|caller/);
  } finally {
    delete process.env['SWITCHYARD_WARM_UP_CALLS'];
    await daemon.stop();
  }
});
