import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { freePort } from '../support/ports.js';
import { type Caller, type CallResult, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';

import { until } from '../support/until.js';
import { workerPids } from '../support/workers.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

const rule = (set: number, more: object = {}) => ({
  match: { $rU: `/^s${set}/` },
  select: { set, alg: 4, flags: 'f' },
  failover: { codes: ['503', 'timeout'], mark: 'i' },
  record_route: true,
  ...more,
});

/** Value of a metric, summed over matching labels. */
async function metric(daemon: DaemonFixture, name: string, labels = ''): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${daemon.httpPort}/metrics`);
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Waits until a metric has a value: reports of workers are read within 100 ms. */
async function reaches(daemon: DaemonFixture, name: string, value: number): Promise<void> {
  await until(`${name} ${value}`, async () => (await metric(daemon, name)) === value, {
    milliseconds: 10_000,
    show: () => metric(daemon, name),
  });
}

/** Process ids of the workers, as ps lists them. */
async function workersOf(daemon: DaemonFixture): Promise<readonly number[]> {
  return workerPids((command) => daemon.daemon.mi.execute(command));
}

for (const [workers, spread] of [
  [2, 'even'],
  [4, 'even'],
  [2, 'as_needed'],
] as const) {
  describe(`${workers} workers, ${spread}`, { skip }, () => {
    let daemon: DaemonFixture;
    const gateways: Gateway[] = [];
    let caller: Caller;

    before(async () => {
      for (let i = 1; i <= 3; i++) gateways.push(await startGateway({ host: `127.0.1.${20 + i}`, name: `gw${i}` }));
      caller = await startCaller({ host: '127.0.1.25' });
      const closed = await freePort();
      const row = (setid: number, gateway: number, more: object = {}) => ({
        setid,
        destination: gateways[gateway]?.uri,
        ...more,
      });
      daemon = await startDaemon(
        {
          workers,
          worker_spread: spread,
          modparam: { db_url: 'sqlite:./gateways.db' },
          tm: { fr_timeout: 5, fr_inv_timeout: 30 },
          partitions: [{ name: 'default' }, { name: 'loaded', flavour: 'kamailio', db_url: 'sqlite:./loaded.db' }],
          routing: [
            rule(1),
            rule(2, { select: { set: 2, alg: 8, flags: 'f' } }),
            rule(3),
            rule(4, { select: { set: 4, alg: 8, flags: 'f' } }),
            rule(5, { select: { set: 5, alg: 8, flags: 'f' } }),
            { match: { $rU: '/^load/' }, select: { set: 1, alg: 10, partition: 'loaded' } },
            { match: { $rU: '/^share/' }, select: { set: 2, alg: 9, partition: 'loaded' }, record_route: true },
          ],
        },
        {
          default: [
            ...[0, 1, 2].map((i) => row(1, i)),
            row(2, 0, { priority: 9 }),
            row(2, 1, { priority: 5 }),
            ...[0, 1].map((i) => row(3, i)),
            { setid: 4, destination: `sip:127.0.1.20:${closed};transport=tcp`, priority: 9 },
            row(4, 2),
            { setid: 5, destination: `sip:127.0.0.1:${closed}`, priority: 9 },
            row(5, 2),
          ],
          loaded: [
            ...[0, 1].map((i) => row(1, i, { attrs: `duid=${i};maxload=5` })),
            ...[0, 1, 2].map((i) => row(2, i, { attrs: `weight=${3 - i}` })),
          ],
        },
      );
    });

    after(async () => {
      caller?.stop();
      for (const gateway of gateways) gateway.kill();
      await daemon?.stop();
    });

    const dial = (user: string, options: object = {}): Promise<CallResult> =>
      caller.placeCall({ ruri: `sip:${user}@acme.example`, proxy: `sip:127.0.0.1:${daemon.sipPort}`, ...options });

    test('round robin is exact over all calls, although each worker gets a part of them', async () => {
      const before = gateways.map((gateway) => gateway.count('INVITE'));
      const asked = await metric(daemon, 'switchyard_worker_questions_total');
      const results = await Promise.all(Array.from({ length: 120 }, (_, i) => dial(`s1x${i}`)));
      assert.deepEqual([...new Set(results.map((each) => `${each.status} ${each.byeStatus}`))], ['200 200']);
      assert.deepEqual(
        gateways.map((gateway, i) => gateway.count('INVITE') - (before[i] ?? 0)),
        [40, 40, 40],
      );
      for (let worker = 1; spread === 'even' && worker <= workers; worker++) {
        const given = await metric(daemon, 'switchyard_worker_requests_total', `worker="${worker}"`);
        assert.ok(given >= 120 / workers / 4, `worker ${worker} was given ${given} of 120`);
      }
      await reaches(daemon, 'switchyard_calls_total', 120);
      // Workers decide without asking, inside dialogs as well.
      const questions = (await metric(daemon, 'switchyard_worker_questions_total')) - asked;
      assert.equal(questions, 0, `the workers asked about ${questions} requests`);
      await until('all calls have ended', () => gateways.every(({ activeCalls }) => activeCalls === 0));
    });

    test('shares by weight are exact over all calls, and no worker asks for them', async () => {
      const before = gateways.map((gateway) => gateway.count('INVITE'));
      const asked = await metric(daemon, 'switchyard_worker_questions_total');
      const results = await Promise.all(Array.from({ length: 60 }, (_, i) => dial(`share${i}`)));
      assert.deepEqual([...new Set(results.map((each) => `${each.status} ${each.byeStatus}`))], ['200 200']);
      assert.deepEqual(
        gateways.map((gateway, i) => gateway.count('INVITE') - (before[i] ?? 0)),
        [30, 20, 10],
      );
      assert.equal((await metric(daemon, 'switchyard_worker_questions_total')) - asked, 0);
      await until('all calls have ended', () => gateways.every(({ activeCalls }) => activeCalls === 0));
    });

    test('a full destination is passed over, whichever worker brings the call', async () => {
      for (const gateway of gateways) gateway.answer = () => ({ status: 200 });
      const before = gateways.map((gateway) => gateway.count('INVITE'));
      const open = Array.from({ length: 14 }, (_, i) => dial(`load${i}`, { holdMs: 1500 }));
      const results = await Promise.all(open);
      assert.deepEqual(
        gateways.map((gateway, i) => gateway.count('INVITE') - (before[i] ?? 0)),
        [5, 5, 0],
      );
      const answered = results.filter(({ status }) => status === 200);
      assert.equal(answered.length, 10);
      assert.deepEqual([...new Set(results.filter(({ status }) => status !== 200).map(({ status }) => status))], [503]);
      // All calls have ended: there is capacity again.
      assert.equal((await dial('load14')).status, 200);
    });

    test('ds_set_state changes the selections of all workers at once', async () => {
      const before = gateways.map((gateway) => gateway.count('INVITE'));
      const address = gateways[0]?.uri;
      await daemon.daemon.mi.execute('ds_set_state', { state: 'i', group: 3, address });
      const results = await Promise.all(Array.from({ length: 24 }, (_, i) => dial(`s3y${i}`)));
      assert.deepEqual([...new Set(results.map((each) => `${each.status} ${each.gateway}`))], ['200 gw2']);
      await daemon.daemon.mi.execute('ds_set_state', { state: 'a', group: 3, address });
      const more = await Promise.all(Array.from({ length: 24 }, (_, i) => dial(`s3z${i}`)));
      assert.deepEqual([...new Set(more.map(({ status }) => status))], [200]);
      assert.deepEqual(
        gateways.map((gateway, i) => gateway.count('INVITE') - (before[i] ?? 0)),
        [12, 36, 0],
      );
    });

    test('a destination that one worker cannot reach is marked for all', async () => {
      const [first, second] = gateways;
      if (first !== undefined) first.answer = () => 503;
      const before = second?.count('INVITE') ?? 0;
      assert.equal((await dial('s2a')).gateway, 'gw2');
      const tried = first?.count('INVITE') ?? 0;
      const results = await Promise.all(Array.from({ length: 16 }, (_, i) => dial(`s2b${i}`)));
      assert.deepEqual([...new Set(results.map(({ gateway }) => gateway))], ['gw2']);
      assert.equal(first?.count('INVITE'), tried, 'it is asked no more');
      assert.equal((second?.count('INVITE') ?? 0) - before, 17);
      if (first !== undefined) first.answer = () => 200;
      await daemon.daemon.mi.execute('ds_set_state', { state: 'a', group: 2, address: first?.uri });
    });

    test('a port that nobody listens on fails at once, whichever process the kernel gives the error to', async () => {
      const closedUri = [...daemon.daemon.engine.partitions][0]?.snapshot.sets.get(5)?.destinations[0]?.row.uri;
      for (let i = 0; i < 12; i++) {
        await daemon.daemon.mi.execute('ds_set_state', { state: 'a', group: 5, address: closedUri });
        const began = performance.now();
        assert.equal((await dial(`s5u${i}`)).gateway, 'gw3');
        assert.ok(performance.now() - began < 4000, `call ${i} waited for fr_timeout`);
      }
    });

    test('a caller who gives up while it rings has its call cancelled', async () => {
      for (const gateway of gateways) gateway.answer = () => ({ status: 200, ringMs: 5000 });
      const results = await Promise.all(Array.from({ length: 12 }, (_, i) => dial(`s1c${i}`, { cancelOn: 180 })));
      assert.deepEqual([...new Set(results.map(({ status }) => status))], [487]);
      await until('all are cancelled', () => gateways.reduce((sum, each) => sum + each.count('CANCEL'), 0) === 12);
      for (const gateway of gateways) gateway.answer = () => 200;
    });

    test('a request without a branch of RFC 3261 is relayed, and so is one that the kernel gives to another worker', async (t) => {
      const peer = await DatagramPeer.open('127.0.1.26');
      t.after(() => peer.close());
      const head = (user: string, via: string, before = '') =>
        `INVITE sip:${user}@acme.example SIP/2.0\r\n${before}Via: SIP/2.0/UDP 127.0.1.26:${peer.port};branch=${via}\r\n`;
      const rest = (callId: string) =>
        `From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: ${callId}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 9\r\nContact: <sip:a@127.0.1.26:${peer.port}>\r\nContent-Length: 0\r\n\r\n`;
      await peer.send(head('s1old', '1234') + rest('old'), daemon.sipPort, '127.0.0.1');
      // Each of these contains text that looks like a Call-ID field before the real one.
      for (let i = 0; i < 8; i++) {
        const misleading = `X-Call-ID: other${i}\r\n`;
        await peer.send(head(`s1m${i}`, `z9hG4bKm${i}`, misleading) + rest(`m${i}`), daemon.sipPort, '127.0.0.1');
      }
      await peer.expect(/^SIP\/2\.0 200 [\s\S]*Call-ID: old/i);
      for (let i = 0; i < 8; i++) await peer.expect(new RegExp(`^SIP/2\\.0 200 [\\s\\S]*Call-ID: m${i}`, 'i'));
      // With as_needed the second worker may have no share at this load; workers-spread.test.ts counts there.
      if (spread === 'even')
        await until(
          'they are counted',
          async () => (await metric(daemon, 'switchyard_worker_misdirected_total', 'handed_on')) > 0,
        );
    });

    test('the brain relays what workers cannot: a set with a destination over TCP, and calls while messages are traced', async () => {
      const given = () => metric(daemon, 'switchyard_worker_requests_total');
      const before = await given();
      const mixed = await Promise.all(Array.from({ length: 6 }, (_, i) => dial(`s4a${i}`)));
      assert.deepEqual(
        [...new Set(mixed.map((each) => `${each.status} ${each.gateway} ${each.byeStatus}`))],
        ['200 gw3 200'],
      );
      const trace = (await daemon.daemon.mi.execute('trace_start', { one_in: 1, seconds: 60 })) as Record<
        string,
        unknown
      >;
      const traced = await Promise.all(Array.from({ length: 6 }, (_, i) => dial(`s1t${i}`)));
      assert.deepEqual([...new Set(traced.map((each) => `${each.status} ${each.byeStatus}`))], ['200 200']);
      assert.equal(await given(), before);
      const [id] = Object.values(trace);
      const text = JSON.stringify(await daemon.daemon.mi.execute('trace_get', { id: id as number }));
      for (const { callId } of traced) assert.ok(text.includes(callId), `${callId} is in the trace`);
      await daemon.daemon.mi.execute('trace_stop', { id: id as number });
      assert.equal((await dial('s1u')).status, 200);
      assert.equal(await given(), before + 1);
    });

    test('only a bounded part of a flood of large messages for other workers is passed on, and calls go on', async () => {
      const peer = await DatagramPeer.open('127.0.1.27');
      const large = (i: number) =>
        `ACK sip:s1@acme.example SIP/2.0\r\nX-Call-ID: other\r\nVia: SIP/2.0/UDP 127.0.1.27:${peer.port};branch=z9hG4bKl${i}\r\n` +
        `From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: l${i}\r\nCSeq: 1 ACK\r\nX: ${'x'.repeat(60_000)}\r\n\r\n`;
      for (let i = 0; i < 400; i++) await peer.send(large(i), daemon.sipPort, '127.0.0.1');
      assert.equal((await dial('s1large')).status, 200);
      // With shares no other worker owns them: the receiving worker handles them.
      if (spread === 'even') {
        await until(
          'those beyond the bound are dropped',
          async () => (await metric(daemon, 'switchyard_worker_misdirected_total', 'dropped')) > 0,
        );
      }
      peer.close();
    });

    test('a killed worker is replaced; only the calls that it was setting up fail', async () => {
      for (const gateway of gateways) gateway.answer = () => ({ status: 200, ringMs: 600 });
      const [victim, ...others] = await workersOf(daemon);
      assert.equal(others.length, workers - 1);
      const standing = await Promise.all(Array.from({ length: 8 }, (_, i) => dial(`s1k${i}`, { holdMs: 0 })));
      assert.ok(standing.every(({ status }) => status === 200));
      const before = await metric(daemon, 'switchyard_worker_requests_total', 'worker="1"');
      const invites = () => gateways.reduce((sum, each) => sum + each.count('INVITE'), 0);
      const earlier = invites();
      const calls = Array.from({ length: 40 }, (_, i) => dial(`s1l${i}`, { timeoutMs: 4000 }));
      await until('they ring', () => invites() - earlier >= 40);
      process.kill(victim as number, 'SIGKILL');
      const results = await Promise.all(calls);
      const lost = results.filter(({ status }) => status !== 200).length;
      const given = (await metric(daemon, 'switchyard_worker_requests_total', 'worker="1"')) - before;
      assert.ok(lost <= given, `${lost} calls were lost, the worker had ${given}`);
      await until('a line in the log', () => daemon.logged(/worker has died/).length === 1);
      const { fields = {} } = daemon.logged(/worker has died/)[0] ?? {};
      assert.match(JSON.stringify(fields), /"worker":1,.*"signal":"SIGKILL"/);
      assert.ok(lost > 0, 'it had calls');
      const records = [...daemon.daemon.calls.ledger.records()].filter(({ tries }) =>
        tries.some(({ cause, code, local }) => cause === 'worker died' && code === 500 && local),
      );
      assert.equal(records.length, (fields as { calls?: number }).calls, 'each has a record that says so');
      for (const gateway of gateways) gateway.answer = () => 200;
      // A new caller: the old one may still wait for answers.
      const after = await Promise.all(Array.from({ length: 40 }, (_, i) => dial(`s1n${i}`, { timeoutMs: 9000 })));
      assert.deepEqual([...new Set(after.map(({ status }) => status))], [200]);
      const pids = await workersOf(daemon);
      assert.equal(pids.length, workers);
      assert.ok(!pids.includes(victim as number));
      assert.equal(await metric(daemon, 'switchyard_worker_deaths_total'), 1);
    });
  });
}
