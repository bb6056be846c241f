import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

for (const field of ['From', 'To', 'Call-ID', 'CSeq'])
  test(`opensips: a request without ${field} reaches the script, and what the script answers goes out`, async () => {
    const runner = startScript({ dialect: 'opensips', script: 'xlog("$rm\\n"); sl_send_reply(480, "Incomplete");' });
    try {
      runner.receive(INVITE.replace(new RegExp(`^${field}: .*\\r\\n`, 'm'), ''));
      assert.deepEqual(runner.lines, ['INVITE']);
      assert.deepEqual(
        runner.sent.map(({ text }) => text.slice(0, text.indexOf('\r'))),
        ['SIP/2.0 480 Incomplete'],
      );
      assert.doesNotMatch(runner.sent[0]?.text ?? '', new RegExp(`^${field}:`, 'm'));
    } finally {
      await runner.stop();
    }
  });
