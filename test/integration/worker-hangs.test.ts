import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { startDaemon } from '../support/daemon-fixture.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';
import { workerPids } from '../support/workers.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

test('a worker whose event loop is blocked is killed and replaced, and one line is logged', { skip }, async (t) => {
  const gateway = await startGateway({ host: '127.0.1.31', name: 'gw' });
  const caller = await startCaller({ host: '127.0.1.32' });
  const daemon = await startDaemon(
    {
      workers: 2,
      worker_spread: 'even',
      modparam: { db_url: 'sqlite:./gateways.db' },
      routing: [{ match: {}, select: { set: 1, alg: 4 }, record_route: true }],
    },
    { default: [{ setid: 1, destination: gateway.uri }] },
  );
  t.after(async () => {
    caller.stop();
    gateway.kill();
    await daemon.stop();
  });
  const pids = () => workerPids((command) => daemon.daemon.mi.execute(command));
  const [victim, other] = await pids();
  process.kill(victim as number, 'SIGSTOP');
  const calls = (from: number) =>
    Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        caller.placeCall({
          ruri: `sip:${from + i}@acme.example`,
          proxy: `sip:127.0.0.1:${daemon.sipPort}`,
          timeoutMs: 30_000,
        }),
      ),
    );
  // Requests for the stopped worker wait in its socket.
  const waiting = calls(0);
  await until('a line in the log', () => daemon.logged(/a worker did not respond for 6 s/).length === 1);
  assert.deepEqual([...new Set((await waiting).map(({ status }) => status))], [200]);
  assert.deepEqual([...new Set((await calls(100)).map(({ status }) => status))], [200]);
  const [replaced, same] = await pids();
  assert.equal(same, other);
  assert.notEqual(replaced, victim);
  assert.equal(daemon.logged(/worker/).filter(({ fields }) => JSON.stringify(fields).includes('"worker":1')).length, 1);
});
