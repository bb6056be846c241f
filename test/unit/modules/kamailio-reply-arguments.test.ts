import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

const CASES: readonly (readonly [call: string, status: string])[] = [
  ['sl_send_reply("$var(c)", "x")', '500 x'],
  ['send_reply("$avp(c)", "x")', '500 x'],
  ['sl_send_reply("$avp(n)", "x")', '404 x'],
  ['send_reply("$avp(none)", "x")', '500 x'],
  ['send_reply("$(var(c){s.int})", "x")', '404 x'],
  ['send_reply("404", "$avp(none)")', '404 Internal Server Error'],
  ['t_newtran() && t_reply("$var(c)", "x")', '500 x'],
  ['t_newtran() && t_reply("404", "$avp(none)")', '404 Server Internal Error'],
];

test('a reply whose code is a text in a variable, or whose reason is not set, is that of Kamailio 5.6.3', async () => {
  for (const [call, status] of CASES) {
    const script = `request_route { $var(c) = "404"; $avp(c) = "404"; $avp(n) = 404; if (${call}) exit; }`;
    const runner = startScript({ dialect: 'kamailio', modules: '', script });
    try {
      const lines = ['OPTIONS sip:x@sw.example SIP/2.0', 'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1'];
      const rest = ['From: <sip:a@b>;tag=1', 'To: <sip:c@d>', 'Call-ID: 1', 'CSeq: 1 OPTIONS', 'Content-Length: 0'];
      runner.receive(`${[...lines, ...rest].join('\r\n')}\r\n\r\n`, 5070);
      await until('a reply', () => runner.sent.length > 0);
      assert.equal(runner.sent.at(-1)?.text.split('\r\n')[0], `SIP/2.0 ${status}`, call);
    } finally {
      await runner.stop();
    }
  }
});
