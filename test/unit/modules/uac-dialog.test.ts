import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

for (const inDialog of [0, 1]) {
  test(`with restore_dlg ${inDialog} the original From is kept ${inDialog === 1 ? 'in the dialog only' : 'in Record-Route'}`, async () => {
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

/** Sends an INVITE through a proxy that replaces headers, then an INFO from each side inside the dialog. */
async function inDialog(replaces: string): Promise<{ down: string; up: string; reply: string }> {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'dialog uac',
    head: 'modparam("uac", "restore_dlg", 1)\nmodparam("rr", "append_fromtag", 1)\nlisten=udp:127.0.0.1:5090\n',
    script: `request_route {
      if (has_totag()) { loose_route(); if (is_method("INFO")) record_route(); t_relay(); exit; }
      dlg_manage();
      record_route();
      ${replaces}
      $du = "sip:127.0.0.1:7001";
      t_relay();
    }`,
  });
  const sent = (start: string, last = false) => {
    const all = runner.sent.filter(({ text }) => text.startsWith(start)).map(({ text }) => text);
    return (last ? all.at(-1) : all[0]) ?? '';
  };
  const field = (text: string, name: string) => new RegExp(`^${name}: (.*)\r$`, 'm').exec(text)?.[1] ?? '';
  try {
    runner.receive(INVITE);
    await until('an INVITE', () => sent('INVITE') !== '');
    const invite = sent('INVITE');
    const contact = 'Contact: <sip:bob@127.0.0.1:7001>';
    runner.receive(answerTo(invite, '200 OK', { tag: 'gw', headers: [contact] }), 7001);
    await until('an answer', () => sent('SIP/2.0 200') !== '');
    const info = (uri: string, from: string, to: string, port: number) =>
      [
        `INFO ${uri} SIP/2.0`,
        `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKi${port}`,
        'Max-Forwards: 70',
        `From: ${from}`,
        `To: ${to}`,
        'Call-ID: a@a.example',
        'CSeq: 2 INFO',
        `Route: ${field(invite, 'Record-Route')}`,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n');
    const answer = sent('SIP/2.0 200');
    runner.receive(info('sip:bob@127.0.0.1:7001', field(answer, 'From'), field(answer, 'To'), 5070), 5070);
    await until('an INFO down', () => sent('INFO sip:bob') !== '');
    const down = sent('INFO sip:bob');
    runner.receive(
      info('sip:alice@127.0.0.1:5070', `${field(invite, 'To')};tag=gw`, field(invite, 'From'), 7001),
      7001,
    );
    await until('an INFO up', () => sent('INFO sip:alice') !== '');
    const up = sent('INFO sip:alice');
    runner.receive(answerTo(up, '200 OK'), 5070);
    const before = runner.sent.length;
    await until(
      'a reply up',
      () => runner.sent.length > before || field(sent('SIP/2.0 200', true), 'CSeq') === '2 INFO',
    );
    return { down, up, reply: sent('SIP/2.0 200', true) };
  } finally {
    await runner.stop();
  }
}

test('with restore_dlg requests inside the dialog have the display name that was given, and Record-Route the dialog', async () => {
  const { down, up } = await inDialog('uac_replace_from("Hidden", "sip:other@elsewhere.example");');
  assert.match(down, /^From: Hidden <sip:other@elsewhere\.example>;tag=ft\r$/m);
  assert.match(up, /^To: "Alice" <sip:alice@a\.example>;tag=ft\r$/m);
  assert.match(down, /^Record-Route: <sip:127\.0\.0\.1[^>]*;did=[\da-f.]+>\r$/m);
});

test('with restore_dlg and no new display name, requests inside the dialog have none', async () => {
  const { down } = await inDialog('uac_replace_from("sip:other@elsewhere.example");');
  assert.match(down, /^From: <sip:other@elsewhere\.example>;tag=ft\r$/m);
});

test('with restore_dlg a reply to the callee has From and To of its request where both were replaced', async () => {
  const { up, reply } = await inDialog(
    'uac_replace_from("sip:other@elsewhere.example"); uac_replace_to("sip:callee@elsewhere.example");',
  );
  assert.match(up, /^From: <sip:bob@b\.example>;tag=gw\r$/m);
  assert.match(reply, /^From: <sip:callee@elsewhere\.example>;tag=gw\r$/m);
  assert.match(reply, /^To: "Alice" <sip:other@elsewhere\.example>;tag=ft\r$/m);
});

for (const forced of [0, 1]) {
  test(`opensips: force_dialog ${forced} of uac ${forced === 1 ? 'begins' : 'does not begin'} a dialog where From is replaced`, async () => {
    const runner = startScript({
      dialect: 'opensips',
      modules: 'dialog uac_auth uac',
      head: `modparam("uac", "force_dialog", ${forced})\n`,
      script: `route {
        record_route();
        uac_replace_from("Other", "sip:other@elsewhere.example");
        xlog("[$DLG_status]\\n");
        $du = "sip:127.0.0.1:7001";
        t_relay();
      }`,
    });
    try {
      runner.receive(INVITE);
      await until('an INVITE', () => runner.sent.some(({ text }) => text.startsWith('INVITE')));
      const invite = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
      assert.match(invite, /^From: Other <sip:other@elsewhere\.example>;tag=ft\r$/m);
      assert.equal(/;did=/.test(invite), forced === 1);
      assert.deepEqual(runner.lines, [forced === 1 ? '[1]' : '[<null>]']);
      runner.receive(INVITE);
      assert.equal(runner.lines.length, 2 - forced, 'with a dialog a retransmission ends in the function');
    } finally {
      await runner.stop();
    }
  });
}
