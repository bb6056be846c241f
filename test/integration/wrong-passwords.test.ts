import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { hashPassword } from '../../src/access/secret.js';
import { startDaemon } from '../support/daemon-process.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { replyTo, requestText } from '../support/sip-recorder.js';

const CALLS = 100;
const TRIES = 1500;

test('thousands of wrong passwords delay no call', { timeout: 60_000 }, async (t) => {
  const gateway = await DatagramPeer.open();
  t.after(() => gateway.close());
  gateway.onMessage = (text, { address, port }) => {
    if (text.startsWith('INVITE')) void gateway.send(replyTo(text, 486, 'gw'), port, address);
  };
  const caller = await DatagramPeer.open();
  t.after(() => caller.close());
  const password = await hashPassword('correct horse');
  const daemon = await startDaemon({
    destinations: [[1, `sip:127.0.0.1:${gateway.port}`]],
    settings: {
      routing: [{ select: { set: 1, alg: 8 } }],
      access: { users: [{ name: 'noc', password, role: 'viewer', partitions: '*' }] },
    },
  });
  t.after(() => daemon.stop());
  /** Median and maximum time in milliseconds from an INVITE to its final reply, over some sequential calls. */
  const times = async (name: string): Promise<{ readonly median: number; readonly longest: number }> => {
    const list: number[] = [];
    for (let i = 0; i < CALLS; i++) {
      const callId = `${name}${i}`;
      const via = `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${callId}`;
      const began = performance.now();
      await caller.send(requestText({ callId, via }), daemon.port, '127.0.0.1');
      await caller.expect(new RegExp(`^SIP/2\\.0 486 [\\s\\S]*Call-ID: ${callId}\\r`));
      list.push(performance.now() - began);
    }
    list.sort((a, b) => a - b);
    return { median: list[CALLS / 2] as number, longest: list.at(-1) as number };
  };
  await times('warm');
  const quiet = await times('quiet');
  let tried = 0;
  let over = false;
  const guess = async () => {
    while (!over && tried < TRIES) {
      const secret = Buffer.from(`noc:guess${tried++}`).toString('base64');
      const headers = { 'content-type': 'application/json', authorization: `Basic ${secret}` };
      const answer = await fetch(`${daemon.http}/mi`, { method: 'POST', headers, body: '{}' }).catch(() => undefined);
      await answer?.arrayBuffer();
      assert.ok(answer === undefined || answer.status === 401 || answer.status === 429, String(answer?.status));
    }
  };
  const guessing = Promise.all(Array.from({ length: 16 }, guess));
  const hashing = hashTime();
  const attacked = await times('attacked');
  over = true;
  await guessing;
  const hash = await hashing;
  t.diagnostic(
    `${tried} wrong passwords: median ${quiet.median.toFixed(1)} ms, then ${attacked.median.toFixed(1)} ms; longest ${quiet.longest.toFixed(1)}, ${attacked.longest.toFixed(1)}`,
  );
  // One hash takes 50 to 100 ms, more on a busy machine: on the event loop every call would wait for several.
  const limit = quiet.median + Math.max(25, hash);
  assert.ok(attacked.median < limit, `median ${attacked.median} ms, quiet ${quiet.median} ms, a hash ${hash} ms`);
});

/** Milliseconds that a hash takes during the attack, the fastest of three: a call would wait at least this long. */
async function hashTime(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const began = performance.now();
    await hashPassword('correct horse');
    least = Math.min(least, performance.now() - began);
  }
  return least;
}
