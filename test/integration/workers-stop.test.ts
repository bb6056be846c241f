import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { startDaemon } from '../support/daemon-fixture.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

test('a daemon that stops waits for the calls that its workers set up, and takes no others', { skip }, async (t) => {
  const gateway = await startGateway({ host: '127.0.1.33', name: 'gw' });
  gateway.answer = () => ({ status: 200, ringMs: 3000 });
  const caller = await startCaller({ host: '127.0.1.34' });
  const daemon = await startDaemon(
    {
      workers: 2,
      worker_spread: 'even',
      modparam: { db_url: 'sqlite:./gateways.db' },
      routing: [{ match: {}, select: { set: 1, alg: 4 }, record_route: true }],
    },
    { default: [{ setid: 1, destination: gateway.uri }] },
    { drainMs: 20_000 },
  );
  let stopped: Promise<void> | undefined;
  t.after(async () => {
    caller.stop();
    gateway.kill();
    await (stopped ?? daemon.stop());
  });
  const dial = (user: string) =>
    caller.placeCall({
      ruri: `sip:${user}@acme.example`,
      proxy: `sip:127.0.0.1:${daemon.sipPort}`,
      timeoutMs: 20_000,
    });
  const ringing = Array.from({ length: 12 }, (_, i) => dial(`a${i}`));
  await until('all ring', () => gateway.count('INVITE') === 12);
  stopped = daemon.stop();
  const late = await dial('late');
  assert.equal(late.status, 503);
  assert.deepEqual([...new Set((await Promise.all(ringing)).map(({ status }) => status))], [200]);
  await until('their ACKs pass', () => gateway.count('ACK') === 12);
  await stopped;
});
