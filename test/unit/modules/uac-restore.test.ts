import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';

/** Recorded from Kamailio 5.6.3. */
const HEAD = `modparam("uac", "restore_from_avp", "$avp(rf)")
modparam("uac", "restore_to_avp", "$avp(rt)")
`;

/** "sip:caller@from.example" and "sip:new@x.example", as Record-Route keeps them. */
const VSF = 'AAAAAA0EGywdXCUeEwIdQgB4YW1wbGU-';

/** The From of a BYE whose Route has a parameter, as it is sent on, and the output of the script. */
function byeWith(parameter: string): { from: string | undefined; lines: string[]; stop: () => Promise<void> } {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'uac',
    head: HEAD,
    script: 'request_route { loose_route(); xlog("rf=$avp(rf)\\n"); t_relay(); }',
  });
  const lines = [
    'BYE sip:gw@127.0.0.1:7001 SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK2',
    'Max-Forwards: 70',
    'From: "Caller" <sip:caller@from.example>;tag=ft',
    'To: <sip:alice@to.example>;tag=tt',
    'Call-ID: 1',
    'CSeq: 2 BYE',
    `Route: <sip:127.0.0.1:5060;lr;ftag=ft;vsf=${parameter}>`,
    'Content-Length: 0',
  ];
  runner.receive(`${lines.join('\r\n')}\r\n\r\n`);
  const sent = runner.sent.find(({ port }) => port === 7001)?.text ?? '';
  return { from: /^From: (.*)\r$/m.exec(sent)?.[1], lines: runner.lines, stop: () => runner.stop() };
}

test('a request inside the dialog gets the URI that its side knows, and the AVP the received header', async () => {
  const { from, lines, stop } = byeWith(VSF);
  await stop();
  assert.equal(from, '"Caller" <sip:new@x.example>;tag=ft');
  assert.deepEqual(lines, ['rf="Caller" <sip:caller@from.example>']);
});

test('a parameter that is not in the form of Record-Route changes nothing', async () => {
  for (const parameter of [`${VSF}AA`, VSF.replace('-', '='), VSF.slice(0, -1), 'AAAA', '!!!!']) {
    const { from, lines, stop } = byeWith(parameter);
    await stop();
    assert.equal(from, '"Caller" <sip:caller@from.example>;tag=ft', parameter);
    assert.deepEqual(lines, ['rf=<null>'], parameter);
  }
});

test('the AVP gets the received header also when the display name alone is replaced', async () => {
  const script = 'uac_replace_from("N", ""); xlog("$rc $avp(rf)\\n"); xlog("end\\n");';
  assert.match(INVITE, /^From: "Alice" <sip:alice@a\.example>;tag=ft/m);
  const lines = await linesOf({ dialect: 'kamailio', modules: 'uac', head: HEAD, script });
  assert.deepEqual(lines, ['1 "Alice" <sip:alice@a.example>']);
});

test('restoring by Record-Route needs append_fromtag', async () => {
  const started = (more: string) =>
    startScript({
      dialect: 'kamailio',
      modules: 'uac',
      head: `modparam("rr", "append_fromtag", 0)\n${more}`,
      script: 'request_route { exit; }',
    });
  assert.throws(() => started(''), /restore_mode "auto" of module uac needs parameter append_fromtag/);
  await started('modparam("uac", "restore_mode", "none")\n').stop();
});
