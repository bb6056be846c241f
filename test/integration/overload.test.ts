import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readSettings } from '../../src/config/load.js';
import { startDaemonHere } from '../support/daemon-in-process.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { flood } from '../support/flooder.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';
import { replyTo, requestText } from '../support/sip-recorder.js';
import { StreamPeer } from '../support/stream-peer.js';
import { until } from '../support/until.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const RULE = {
  match: { $rU: 'call' },
  select: { set: 1, alg: 8, flags: 'f' },
  relay: 'stateful',
  record_route: true,
};
const FLOOD = 20_000;

async function daemonWith(t: TestContext, rows: Parameters<typeof startDaemonHere>[0], settings: object) {
  const running = await startDaemonHere(rows, { tm: { t1: 10, t2: 40, t4: 50 }, routing: [RULE], ...settings });
  t.after(() => running.stop());
  return running;
}

function heap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('a flood of requests', () => {
  for (const [title, limits, refusals] of [
    ['is absorbed', {}, 0],
    ['is refused by its source', { requests_per_second_per_source: 200, burst: 200 }, FLOOD / 4],
    ['finds the bound of transactions', { max_transactions: 500 }, 1],
  ] as const) {
    test(`${title}, and leaves nothing behind`, async (t) => {
      const gateway = await startGateway({ host: '127.0.0.31', name: 'gw' });
      t.after(() => gateway.kill());
      const { port, daemon, errors } = await daemonWith(t, [[1, gateway.uri]], { limits });
      const caller = await startCaller({ host: '127.0.0.35' });
      t.after(() => caller.stop());
      const placeCall = (count: number) =>
        Promise.all(
          Array.from({ length: count }, () =>
            caller.placeCall({ ruri: 'sip:call@example.com', proxy: `sip:127.0.0.1:${port}`, timeoutMs: 20_000 }),
          ),
        );
      const good = async (calls: ReturnType<typeof placeCall>) =>
        (await calls).filter(({ status, byeStatus }) => status === 200 && byeStatus === 200).length;
      // Compilation and caches of the first calls are not measured.
      assert.equal(await good(placeCall(5)), 5);
      await flood({
        from: '127.0.0.36',
        port,
        count: 500,
        uris: ['sip:x@example.com'],
        methods: ['OPTIONS', 'INVITE'],
      });
      await until('no transaction left', () => daemon.layer.size === 0, { milliseconds: 60_000 });
      const before = heap();
      const attack = flood({
        from: '127.0.0.36',
        port,
        count: FLOOD,
        uris: ['sip:x@example.com', 'sip:y@example.org;a=b'],
        methods: ['INVITE', 'OPTIONS'],
      });
      const during = refusals === 1 ? undefined : placeCall(20);
      const statuses = await attack;
      if (during !== undefined) assert.equal(await good(during), 20);
      const refused = statuses['503'] ?? 0;
      // How many are accepted depends on their rate: some are rejected above the capacity.
      assert.ok(refused >= refusals, JSON.stringify(statuses));
      assert.ok((statuses['404'] ?? 0) > 100, JSON.stringify(statuses));
      await until('no transaction left', () => daemon.layer.size === 0, { milliseconds: 60_000 });
      assert.equal(daemon.layer.unanswered, 0);
      const grown = heap() - before;
      assert.ok(grown < 4 << 20, `the heap has grown by ${grown} bytes`);
      assert.equal(await good(placeCall(5)), 5);
      assert.deepEqual(errors, []);
    });
  }
});

describe('limits', () => {
  async function caller(t: TestContext, host: string): Promise<DatagramPeer> {
    const peer = await DatagramPeer.open(host);
    t.after(() => peer.close());
    return peer;
  }

  const request = (n: number, parts: Parameters<typeof requestText>[0] = {}) =>
    requestText({
      method: 'OPTIONS',
      callId: `limit-${n}`,
      via: `SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bKlimit${n}`,
      ...parts,
    });

  test('by source: requests beyond the burst get 503 with Retry-After; ACK, CANCEL, copies and other sources are not limited', async (t) => {
    const { port, daemon } = await daemonWith(t, [], {
      limits: { requests_per_second_per_source: 0.02, burst: 2 },
    });
    const [busy, other] = [await caller(t, '127.0.0.41'), await caller(t, '127.0.0.42')];
    // A slow answer, as on a busy machine, is preceded by 100.
    const statuses = (peer: DatagramPeer) =>
      peer.received.map(({ text }) => text.slice(8, 11)).filter((status) => status !== '100');
    const ask = async (peer: DatagramPeer, text: string) => {
      const had = statuses(peer).length;
      await peer.send(text, port, '127.0.0.1');
      await until('an answer', () => statuses(peer).length > had);
    };
    await ask(busy, request(1));
    for (let i = 0; i < 5; i++) await ask(busy, request(1));
    await busy.send(request(9, { method: 'ACK', toTag: 'x' }), port, '127.0.0.1');
    await ask(busy, request(2, { method: 'INVITE' }));
    await ask(busy, request(3));
    await ask(busy, request(4, { method: 'INVITE' }));
    assert.deepEqual(statuses(busy).slice(0, 7), Array(7).fill('404'));
    const refused = busy.received.filter(({ text }) => text.startsWith('SIP/2.0 503 '));
    assert.equal(refused.length, 2);
    assert.match(refused[0]?.text ?? '', /^Retry-After: (4\d|50)\r$/m);
    await ask(other, request(5));
    assert.deepEqual(statuses(other), ['404']);
    assert.match(daemon.metrics.prometheus(), /^switchyard_sip_limited_total 2$/m);
    assert.match(daemon.metrics.prometheus(), /^switchyard_sip_limited_sources 2$/m);
  });

  test('on rates change with a reload at once; other limits need a restart', async (t) => {
    const { port, daemon } = await daemonWith(t, [], {});
    const peer = await caller(t, '127.0.0.43');
    const { settings } = (daemon as unknown as { options: { settings: Parameters<typeof daemon.reconfigure>[0] } })
      .options;
    const limits = (more: object) => ({ ...settings, limits: readSettings({ limits: more }, {}).settings.limits });
    assert.deepEqual(await daemon.reconfigure(limits({ requests_per_second_per_source: 0.1, burst: 1 })), []);
    for (let i = 20; i < 23; i++) await peer.send(request(i), port, '127.0.0.1');
    await until('refusals', () => peer.received.filter(({ text }) => text.startsWith('SIP/2.0 503')).length === 2);
    assert.deepEqual(await daemon.reconfigure(limits({ max_connections: 3 })), ['limits']);
    await peer.send(request(30), port, '127.0.0.1');
    await peer.expect(/^SIP\/2\.0 404 [\s\S]*limit-30/);
  });

  test('of connections: connections beyond the limit are refused and counted', async (t) => {
    const { daemon, port } = await daemonWith(t, [], { listen: 'tcp:127.0.0.1:0', limits: { max_connections: 2 } });
    const peers = await Promise.all([1, 2, 3, 4].map(() => StreamPeer.connect(port)));
    t.after(() => {
      for (const peer of peers) peer.destroy();
    });
    await until('two refused', () => peers.filter((peer) => peer.closed).length === 2);
    const text = daemon.metrics.prometheus();
    assert.match(text, /^switchyard_sip_connections\{transport="tcp",socket="tcp:127\.0\.0\.1:0",direction="in"\} 2$/m);
    assert.match(text, /^switchyard_sip_connections_refused_total\{transport="tcp",[^}]*\} 2$/m);
  });

  test('a destination that answers does not count as a source of requests', async (t) => {
    const far = await caller(t, '127.0.0.44');
    far.onMessage = (text, { address, port }) => void far.send(replyTo(text, 404), port, address);
    const limits = { requests_per_second_per_source: 0.1, burst: 30 };
    const { port } = await daemonWith(t, [[1, `sip:127.0.0.44:${far.port}`]], { limits });
    const peer = await caller(t, '127.0.0.45');
    for (let i = 40; i < 60; i++) await peer.send(request(i, { uri: 'sip:call@example.com' }), port, '127.0.0.1');
    // A slow destination, as on a busy machine, causes the proxy to send 100 to the caller first.
    const finals = () => peer.received.filter(({ text }) => !text.startsWith('SIP/2.0 100'));
    await until('all answers', () => finals().length === 20);
    assert.ok(finals().every(({ text }) => text.startsWith('SIP/2.0 404')));
  });
});
