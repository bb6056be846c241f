import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon-process.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { replyTo, requestText } from '../support/sip-recorder.js';
import { until } from '../support/until.js';

test('the log level of one call or one partition is raised while the daemon runs', async (t) => {
  const gateway = await DatagramPeer.open();
  t.after(() => gateway.close());
  gateway.onMessage = (text, { address, port }) => {
    if (text.startsWith('INVITE')) void gateway.send(replyTo(text, 486, 'gw'), port, address);
  };
  const caller = await DatagramPeer.open();
  t.after(() => caller.close());
  const daemon = await startDaemon({
    destinations: [[1, `sip:127.0.0.1:${gateway.port}`]],
    settings: { routing: [{ select: { set: 1, alg: 8 } }] },
  });
  t.after(() => daemon.stop());
  const call = async (callId: string) => {
    const via = `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${callId}`;
    await caller.send(requestText({ callId, via }), daemon.port, '127.0.0.1');
    await caller.expect(new RegExp(`^SIP/2\\.0 486 [\\s\\S]*Call-ID: ${callId}\\r`));
  };
  const lines = (callId: string) =>
    daemon
      .log()
      .split('\n')
      .filter((line) => line.includes(`"callId":"${callId}"`));

  await call('quiet');
  assert.deepEqual(await daemon.mi('log_level', { level: 'debug', call_id: 'watched' }), {
    'Log level': 4,
    seconds: 600,
  });
  await call('other');
  await call('watched');
  await until('the line of the call', () => lines('watched').some((line) => /486 by sip:127\.0\.0\.1/.test(line)));
  assert.deepEqual([lines('quiet'), lines('other')], [[], []]);
  const shown = (await daemon.mi('log_level')) as { Raised: { call_id: string }[] };
  assert.equal(shown.Raised[0]?.call_id, 'watched');

  await daemon.mi('log_level', { level: 'debug', call_id: 'watched', seconds: 0 });
  await daemon.mi('log_level', { level: 'debug', partition: 'default', seconds: 60 });
  await call('inside');
  await until('the line of the partition', () => lines('inside').length > 0);
  await assert.rejects(daemon.mi('log_level', { level: 'debug', partition: 'nobody' }), /Unknown partition/);
});
