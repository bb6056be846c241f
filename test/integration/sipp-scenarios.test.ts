import assert from 'node:assert/strict';
import { test } from 'node:test';
import { haveSipp, runSipp, type SippCallerOptions, startSippUas } from '../support/sipp.js';

interface Pair {
  readonly title: string;
  readonly answerer: Parameters<typeof startSippUas>[0];
  readonly caller: Omit<SippCallerOptions, 'target'>;
}

/**
 * Each caller with its answerer and no proxy between them: a scenario that fails here is not evidence against a proxy.
 */
const PAIRS: readonly Pair[] = [
  { title: 'a call', answerer: { scenario: 'uas-answer' }, caller: { scenario: 'uac-call' } },
  { title: 'a call over IPv6', answerer: { scenario: 'uas-answer', host: '::1' }, caller: { scenario: 'uac-call' } },
  {
    title: 'a large body over TCP',
    answerer: { scenario: 'uas-answer', transport: 'tcp' },
    caller: { scenario: 'uac-large', values: { padding: 'x'.repeat(30_000) } },
  },
  {
    title: 'a refusal',
    answerer: { scenario: 'uas-reject', values: { status: 486, reason: 'Busy Here' } },
    caller: { scenario: 'uac-rejected', values: { status: 486 } },
  },
  { title: 'a re-INVITE', answerer: { scenario: 'uas-reinvite' }, caller: { scenario: 'uac-reinvite' } },
  { title: 'a reliable provisional', answerer: { scenario: 'uas-prack' }, caller: { scenario: 'uac-prack' } },
  { title: 'a cancelled call', answerer: { scenario: 'uas-ringing' }, caller: { scenario: 'uac-cancel-ringing' } },
  {
    title: 'a late answer',
    answerer: { scenario: 'uas-late', values: { silence: 600 }, args: ['-pause_msg_ign'] },
    caller: { scenario: 'uac-call' },
  },
  { title: 'OPTIONS', answerer: { scenario: 'uas-request' }, caller: { scenario: 'uac-request' } },
  {
    title: 'MESSAGE',
    answerer: { scenario: 'uas-request', values: { method: 'OPTIONS|MESSAGE', status: 202, reason: 'Accepted' } },
    caller: { scenario: 'uac-request', values: { method: 'MESSAGE', status: 202 } },
  },
];

const skip = (await haveSipp()) ? false : 'SIPp is not installed';

for (const { title, answerer, caller } of PAIRS) {
  test(`SIPp alone: ${title}`, { skip }, async () => {
    const uas = await startSippUas(answerer);
    const target = uas.uri.replace(/^sip:|;.*$/g, '');
    const result = await runSipp({
      calls: 2,
      host: uas.host,
      transport: answerer.transport ?? 'udp',
      ...caller,
      target,
    });
    const answered = await uas.stop();
    assert.deepEqual([result.exitCode, result.ok, result.failed], [0, 2, 0], result.errors.join('\n'));
    assert.deepEqual([answered.ok, answered.failed], [2, 0], answered.errors.join('\n'));
  });
}

test('SIPp alone: an answer from another destination than the one expected fails the call', { skip }, async () => {
  const uas = await startSippUas({ scenario: 'uas-answer' });
  const target = `127.0.0.1:${uas.port}`;
  const right = await runSipp({ scenario: 'uac-failover', values: { port: uas.port }, target });
  const wrong = await runSipp({ scenario: 'uac-failover', values: { port: uas.port + 1 }, target });
  await uas.stop();
  assert.deepEqual([right.ok, right.failed], [1, 0]);
  assert.deepEqual([wrong.ok, wrong.failed, wrong.exitCode], [0, 1, 1]);
});
