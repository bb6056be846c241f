import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

for (const inDialog of [0, 1]) {
  test(`with restore_dlg ${inDialog} what From was stands ${inDialog === 1 ? 'in the dialog only' : 'in Record-Route'}`, async () => {
    const runner = startScript({
      dialect: 'kamailio',
      modules: 'dialog uac',
      head: `modparam("uac", "restore_dlg", ${inDialog})\n`,
      script: `request_route {
        dlg_manage();
        record_route();
        uac_replace_from("sip:other@elsewhere.example");
        $du = "sip:127.0.0.1:7001";
        t_relay();
      }`,
    });
    try {
      const lines = [
        'INVITE sip:bob@sw.example SIP/2.0',
        'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1',
        'Max-Forwards: 70',
        'From: "Alice" <sip:alice@a.example>;tag=1',
        'To: <sip:bob@sw.example>',
        'Call-ID: 1',
        'CSeq: 1 INVITE',
        'Contact: <sip:alice@127.0.0.1:5070>',
        'Content-Length: 0',
      ];
      runner.receive(`${lines.join('\r\n')}\r\n\r\n`, 5070);
      const invite = () => runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text;
      await until('an INVITE', () => invite() !== undefined);
      assert.match(invite() ?? '', /^From: "Alice" <sip:other@elsewhere\.example>;tag=1\r$/m);
      assert.equal(/;vsf=/.test(invite() ?? ''), inDialog === 0);
    } finally {
      await runner.stop();
    }
  });
}
