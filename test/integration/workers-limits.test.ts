import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { requestText } from '../support/sip-recorder.js';
import { until } from '../support/until.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

const BURST = 20;

describe('the limit on each source with two workers', { skip }, () => {
  let daemon: DaemonFixture;
  let gateway: DatagramPeer;
  const open: DatagramPeer[] = [];

  const peer = async (host: string): Promise<DatagramPeer> => {
    const opened = await DatagramPeer.open(host);
    open.push(opened);
    return opened;
  };

  before(async () => {
    gateway = await peer('127.0.1.61');
    daemon = await startDaemon(
      {
        workers: 2,
        worker_spread: 'even',
        modparam: { db_url: 'sqlite:./gateways.db' },
        limits: { requests_per_second_per_source: 0.01, burst: BURST },
        routing: [{ match: { $rU: '/./' }, select: { set: 1, alg: 4 } }],
      },
      { default: [{ setid: 1, destination: `sip:127.0.1.61:${gateway.port}` }] },
    );
  });

  after(async () => {
    for (const each of open) each.close();
    await daemon?.stop();
  });

  const metric = (name: string): number =>
    daemon.daemon.metrics
      .prometheus()
      .split('\n')
      .filter((line) => line.startsWith(name))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);

  test('holds for all calls of a source in all workers together, and no worker asks the main process', async () => {
    const caller = await peer('127.0.1.62');
    const asked = metric('switchyard_worker_questions_total');
    const before = gateway.received.length;
    for (let i = 0; i < 3 * BURST; i++) {
      const via = `SIP/2.0/UDP 127.0.1.62:${caller.port};branch=z9hG4bKlim${i}`;
      const text = requestText({ method: 'MESSAGE', uri: 'sip:x@example.com', callId: `limited-${i}`, via });
      await caller.send(text, daemon.sipPort, '127.0.0.1');
    }
    const refused = () => caller.received.filter(({ text }) => text.startsWith('SIP/2.0 503 ')).length;
    const relayed = () =>
      new Set(gateway.received.slice(before).map(({ text }) => /limited-\d+/.exec(text)?.[0] ?? '')).size;
    await until('all are answered or relayed', () => refused() + relayed() === 3 * BURST, {
      show: () => [refused(), relayed()],
    });
    assert.deepEqual([relayed(), refused()], [BURST, 2 * BURST]);
    assert.equal(metric('switchyard_worker_questions_total'), asked);
    assert.equal(metric('switchyard_sip_limited_total'), 2 * BURST);
    assert.equal(metric('switchyard_sip_limited_sources'), 1);
    for (const worker of [1, 2]) {
      const given = metric(`switchyard_worker_requests_total{worker="${worker}"}`);
      assert.ok(given > 0, `worker ${worker} was given none`);
    }
  });
});
