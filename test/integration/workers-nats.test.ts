import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallEntry } from '../../src/calls/call-entry-types.js';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { validateCallRecord } from '../support/call-record-schema.js';
import { startDaemon } from '../support/daemon-fixture.js';
import { NatsBench, watcher, withoutNats } from '../support/nats-fixtures.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';
import { workerPids } from '../support/workers.js';

const skip = 'libc' in (await loadLibc()) ? withoutNats : 'the system calls are not available';

describe('call records of two workers on NATS', { timeout: 120_000, skip }, () => {
  test('each call is published once by the worker that handled it, also calls of a worker that dies', async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const nc = await bench.client(nats.url);
    const published = await watcher(nc, 'opensips.calls.>');
    const good = await startGateway({ host: '127.0.1.71', name: 'good', answer: () => ({ status: 200, ringMs: 20 }) });
    const bad = await startGateway({ host: '127.0.1.72', name: 'bad', answer: () => 503 });
    const caller = await startCaller({ host: '127.0.1.73' });
    t.after(() => {
      good.kill();
      bad.kill();
      caller.stop();
    });
    const daemon = await startDaemon(
      {
        node: 'sw1',
        workers: 2,
        worker_spread: 'even',
        partitions: [{ name: 'acme', db_url: 'sqlite:./acme.db' }],
        routing: [
          {
            match: { $rU: '/^call/' },
            select: { partition: 'acme', set: 1, alg: 8, flags: 'f' },
            failover: { codes: ['503'] },
            record_route: true,
          },
        ],
        events: { nats: { servers: nats.url } },
        calls: { nats: true },
      },
      {
        acme: [
          { setid: 1, destination: bad.uri, priority: 2 },
          { setid: 1, destination: good.uri, priority: 1 },
        ],
      },
    );
    t.after(() => daemon.stop());
    const dial = (user: string, options: object = {}) =>
      caller.placeCall({ ruri: `sip:${user}@example.com`, proxy: `sip:127.0.0.1:${daemon.sipPort}`, ...options });
    const records = () => published.map(({ text }) => JSON.parse(text) as CallEntry);

    const callIds: string[] = [];
    for (let i = 0; i < 16; i++) {
      const { status, byeStatus, callId } = await dial(`call${i}`);
      assert.deepEqual([status, byeStatus], [200, 200]);
      callIds.push(callId);
    }
    await until('all are published', () => published.length >= callIds.length, { show: () => published.length });
    assert.deepEqual(
      records()
        .map((each) => each.call_id)
        .sort(),
      [...callIds].sort(),
    );
    for (const record of records()) {
      assert.equal(validateCallRecord(record), true, JSON.stringify(validateCallRecord.errors));
      assert.deepEqual(
        record.tries.map((each) => [each.destination, each.code]),
        [
          [bad.uri, 503],
          [good.uri, 200],
        ],
      );
      assert.equal(record.hung_up, 'caller');
    }
    const [victim] = await workerPids((command) => daemon.daemon.mi.execute(command));
    const given = daemon.daemon.metrics.prometheus();
    for (const worker of [1, 2])
      assert.match(given, new RegExp(`^switchyard_worker_requests_total\\{worker="${worker}"\\} [1-9]`, 'm'));

    published.length = 0;
    good.answer = () => ({ status: 200, ringMs: 60_000 });
    const before = good.count('INVITE');
    const ringing = Array.from({ length: 16 }, (_, i) => dial(`call-ringing${i}`, { timeoutMs: 3000 }));
    await until('they ring', () => good.count('INVITE') - before >= ringing.length);
    process.kill(victim as number, 'SIGKILL');
    const lost = () => records().filter(({ tries }) => tries.some(({ cause }) => cause === 'worker died'));
    await until('those of the dead worker are published', () => lost().length > 0);
    await Promise.all(ringing);
    const [{ fields = {} } = {}] = daemon.logged(/worker has died/);
    assert.equal(lost().length, (fields as { calls?: number }).calls);
    for (const record of lost()) {
      assert.equal(validateCallRecord(record), true, JSON.stringify(validateCallRecord.errors));
      assert.deepEqual([record.code, record.tries.at(-1)?.destination], [500, good.uri]);
    }
  });
});
