import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warmUp } from '../../../src/daemon/warm-up.js';
import { nextMessage, WARM_UP_PORTS, warmUpInvite } from '../../../src/daemon/warm-up-messages.js';

/** The daemon's timers are unreferenced, and nothing else runs in this process. */
async function kept<T>(work: Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 1000);
  try {
    return await work;
  } finally {
    clearInterval(alive);
  }
}

const udpSockets = () => process.getActiveResourcesInfo().filter((kind) => /UDP|Poll/.test(kind)).length;

test('calls are made from INVITE to the reply to BYE, and no socket is left', async () => {
  const before = udpSockets();
  const made = await kept(warmUp({ calls: 5, flavours: ['opensips'] }));
  assert.ok(made >= 5, `${made} calls`);
  assert.equal(udpSockets(), before);
});

test('calls are made without batched system calls too', async () => {
  const made = await kept(warmUp({ calls: 5, flavours: ['kamailio'] }, () => false, false));
  assert.ok(made >= 5, `${made} calls`);
});

test('the warm-up ends as soon as the daemon stops', async () => {
  let asked = 0;
  const made = await kept(warmUp({ calls: 10_000, flavours: ['kamailio', 'opensips'] }, () => ++asked > 20));
  assert.ok(made < 20, `${made} calls`);
});

test('the warm-up ends when enough calls were made', async () => {
  const seen: number[] = [];
  const made = await kept(
    warmUp({ calls: 10_000, flavours: ['opensips'] }, (calls) => {
      seen.push(calls);
      return calls >= 3;
    }),
  );
  assert.ok(made >= 3 && made < 20, `${made} calls`);
  assert.equal(seen.at(-1), made);
});

test('a gateway rings and answers, the caller acknowledges and hangs up along the Record-Route', () => {
  const [gateway] = WARM_UP_PORTS.gateways;
  const invite = warmUpInvite(7).replace('\r\nFrom:', '\r\nRecord-Route: <sip:127.0.0.1:5060;lr>\r\nFrom:');
  const answers = nextMessage(invite, gateway);
  assert.ok(answers !== 'completed');
  assert.deepEqual(
    answers.map(({ text }) => text.slice(0, 11)),
    ['SIP/2.0 180', 'SIP/2.0 200'],
  );
  const requests = nextMessage(answers[1]?.text ?? '', WARM_UP_PORTS.caller);
  assert.ok(requests !== 'completed');
  for (const [i, method] of ['ACK', 'BYE'].entries()) {
    const text = requests[i]?.text ?? '';
    assert.ok(text.startsWith(`${method} sip:127.0.0.1:${gateway};transport=UDP SIP/2.0\r\n`), text);
    assert.match(text, /\r\nRoute: <sip:127\.0\.0\.1:5060;lr>\r\n/);
    assert.match(text, /\r\nTo: <sip:service@127\.0\.0\.1:5060>;tag=g\r\n/);
  }
  const [ok] = nextMessage(requests[1]?.text ?? '', gateway);
  assert.equal(nextMessage((ok as { text: string }).text, WARM_UP_PORTS.caller), 'completed');
});

test('replies have the values of Via in one line for some callers, and one line each for others', () => {
  const [gateway] = WARM_UP_PORTS.gateways;
  const lines = [0, 1, 2].map((n) => {
    const forwarded = warmUpInvite(n).replace('Via: ', 'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx\r\nVia: ');
    const [ringing] = nextMessage(forwarded, gateway);
    assert.ok(typeof ringing === 'object');
    assert.match(
      ringing.text,
      new RegExp(`z9hG4bKx(\r\nVia:|,) SIP/2\\.0/UDP 127\\.0\\.0\\.1:5070;branch=z9hG4bK-${n}-INVITE`),
    );
    return ringing.text.split('\r\n').filter((line) => line.startsWith('Via:')).length;
  });
  assert.deepEqual(lines, [2, 1, 2]);
});
