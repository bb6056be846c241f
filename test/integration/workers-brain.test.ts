import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { startDaemon } from '../support/daemon-process.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';

import { until } from '../support/until.js';
import { workerPids } from '../support/workers.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

test('workers relay calls while the main process is stopped, and end when it ends', { skip }, async (t) => {
  const gateways = [
    await startGateway({ host: '127.0.1.35', name: 'gw1' }),
    await startGateway({ host: '127.0.1.36', name: 'gw2' }),
  ];
  const caller = await startCaller({ host: '127.0.1.37' });
  const daemon = await startDaemon({
    destinations: gateways.map(({ uri }) => [1, uri] as const),
    settings: {
      workers: 2,
      worker_spread: 'even',
      routing: [{ match: {}, select: { set: 1, alg: 4 }, record_route: true }],
    },
  });
  t.after(async () => {
    caller.stop();
    for (const each of gateways) each.kill();
    await daemon.stop();
  });
  const pids = await workerPids(daemon.mi);
  assert.equal(pids.length, 2);
  const calls = async (from: number) => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        caller.placeCall({ ruri: `sip:${from + i}@acme.example`, proxy: `sip:127.0.0.1:${daemon.port}` }),
      ),
    );
    return [...new Set(results.map((each) => `${each.status} ${each.byeStatus}`))];
  };
  const counts = () => gateways.map((each) => each.count('INVITE'));
  assert.deepEqual(await calls(0), ['200 200']);
  process.kill(daemon.pid, 'SIGSTOP');
  try {
    assert.deepEqual(await calls(100), ['200 200'], 'nobody asks it');
  } finally {
    process.kill(daemon.pid, 'SIGCONT');
  }
  assert.deepEqual(await calls(200), ['200 200']);
  assert.deepEqual(counts(), [30, 30], 'round robin is exact over all of them');
  const metrics = async () => (await fetch(`${daemon.http}/metrics`)).text();
  await until('what was reported meanwhile is read', async () =>
    /^switchyard_calls_total(?:\{.*\})? 60$/m.test(await metrics()),
  );
  process.kill(daemon.pid, 'SIGKILL');
  await until('the workers have ended', () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
});
