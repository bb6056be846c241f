import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

for (const [hop, code, status] of [
  ['sip:a@[::1]', -7, 500],
  ['sip:[2001:db8::1]', -7, 500],
  ['sip:[::1];transport=udp', -7, 500],
  ['sip:[::1]:5090', -478, 478],
] as const) {
  test(`kamailio: ${hop} without an IPv6 socket is ${code}, as recorded`, async () => {
    const script = `$du = "${hop}"; $var(r) = t_relay(); xlog("$var(r)\\n");`;
    const runner = startScript({ dialect: 'kamailio', script });
    try {
      runner.receive(INVITE);
      const replies = () => runner.sent.map(({ text }) => text.slice(0, 11));
      for (let i = 0; i < 600 && replies().length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.deepEqual(runner.lines, [`${code}`]);
      assert.deepEqual(replies(), ['SIP/2.0 100', `SIP/2.0 ${status}`]);
    } finally {
      await runner.stop();
    }
  });
}
