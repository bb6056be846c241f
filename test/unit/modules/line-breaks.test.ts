import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

/** A request whose unescaped user part contains a line break and a header field. */
const REQUEST = INVITE.replace('sip:bob@sw', 'sip:bob%0d%0aX-Own%3a%201@sw');

const NEXT = '$du = "sip:127.0.0.1:5080";';
const USER = '$(rU{s.unescape.user})';

for (const dialect of ['opensips', 'kamailio'] as const) {
  const reply = dialect === 'opensips' ? 'send_reply' : 'sl_send_reply';
  const code = (status: string): string => (dialect === 'opensips' ? status : `"${status}"`);
  for (const [what, script, start] of [
    ['a request-URI', `${NEXT} $rU = ${USER}; t_relay();`, undefined],
    [
      'the request-URI of a branch',
      `${NEXT} $var(x) = "sip:" + ${USER} + "@127.0.0.1"; append_branch("$var(x)"); t_relay();`,
      /^INVITE /,
    ],
    ['the Contact of a redirection', `$rU = ${USER}; ${reply}(${code('302')}, "Moved");`, /^SIP\/2.0 302 Moved\r\n/],
    ['a reason', `${reply}(${code('404')}, "No ${USER}");`, /^SIP\/2.0 404 No bob X-Own: 1\r\n/],
    ['Record-Route', `${NEXT} record_route_preset("127.0.0.1;x=${USER}"); t_relay();`, /^INVITE /],
    ['its parameter', `${NEXT} add_rr_param(";x=${USER}"); record_route(); t_relay();`, /^INVITE /],
  ] as const)
    test(`${dialect}: escaped line breaks of a peer begin no line in ${what}`, async () => {
      const runner = startScript({ dialect, modules: dialect === 'opensips' ? 'signaling' : '', script });
      try {
        runner.receive(REQUEST);
        for (const { text } of runner.sent) assert.doesNotMatch(text, /[\r\n]X-Own:/);
        if (start !== undefined)
          assert.ok(
            runner.sent.some(({ text }) => start.test(text)),
            'something is sent',
          );
      } finally {
        await runner.stop();
      }
    });
}

for (const [dialect, module, call] of [
  ['opensips', 'uac', `uac_replace_from("${USER}", "sip:x@y")`],
  ['opensips', 'uac', `uac_replace_to("sip:${USER}@y")`],
  ['opensips', 'path', `add_path("${USER}")`],
  ['opensips', 'diversion', `add_diversion("unconditional", "sip:${USER}@x")`],
  ['opensips', '', `set_advertised_address("${USER}")`],
  ['opensips', 'nathelper', `fix_nated_contact(";x=${USER}")`],
  ['opensips', 'nathelper', `fix_nated_sdp("2", "${USER}")`],
  ['kamailio', 'uac', `uac_replace_from("x", "sip:${USER}@y")`],
  ['kamailio', 'path', `add_path_received("${USER}")`],
  ['kamailio', 'nathelper', `add_contact_alias("${USER}", "5060", "udp")`],
  ['kamailio', 'textopsx', `append_hf_value("Foo", "${USER}")`],
  ['kamailio', 'textopsx', `insert_hf_value("Foo", "${USER}")`],
  ['kamailio', '', `contact_param_encode("x", "${USER}")`],
  ['kamailio', '', `set_body("a", "text/${USER}")`],
] as const)
  test(`${dialect}: escaped line breaks of a peer begin no line by ${call.slice(0, call.indexOf('('))}()`, async () => {
    const runner = startScript({ dialect, modules: module, script: `${NEXT} ${call}; t_relay();` });
    const body = 'v=0\r\nc=IN IP4 1.1.1.1';
    try {
      runner.receive(
        REQUEST.replace(
          /Content-Length: 0\r\n\r\n/,
          `Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        ),
      );
      const [request = ''] = runner.sent.map(({ text }) => text).filter((text) => text.startsWith('INVITE '));
      assert.notEqual(request, '');
      assert.doesNotMatch(request, /[\r\n]X-Own:/);
    } finally {
      await runner.stop();
    }
  });
