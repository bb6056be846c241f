import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { TestAuthority } from '../support/certificates.js';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { freePort } from '../support/ports.js';
import { headersOf } from '../support/raw-agent.js';
import { answerTo } from '../support/script-run.js';
import { until } from '../support/until.js';
import { WsPeer } from '../support/ws-peer.js';

const FILE = `#!KAMAILIO
listen=LISTEN
listen=tcp:127.0.0.1:WEB
listen=tls:127.0.0.1:SECURE
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "nathelper.so"
loadmodule "tls.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("tls", "private_key", "KEY")
modparam("tls", "certificate", "CERTIFICATE")
request_route {
  if (has_totag() && loose_route()) {
    if (!isdsturiset()) handle_ruri_alias();
    t_relay();
    exit;
  }
  if (nat_uac_test("64")) {
    force_rport();
    add_contact_alias();
  }
  append_hf("X-From: $proto $Rp\\r\\n");
  record_route();
  $du = "sip:127.0.0.1:GATEWAY";
  t_relay();
}
`;

const authority = new TestAuthority();
after(() => authority.remove());
const { key, cert } = authority.issue('edge', ['IP:127.0.0.1']);

const request = (method: string, uri: string, more: string) =>
  [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/WS browser.invalid;branch=z9hG4bK${method}`,
    'Max-Forwards: 70',
    'From: <sip:a@a.example>;tag=ft',
    `Call-ID: ws`,
    `CSeq: 1 ${method}`,
    `${more}Content-Length: 0`,
    '',
    '',
  ].join('\r\n');

for (const [scheme, transport] of [
  ['ws', 'ws'],
  ['wss', 'wss'],
] as const)
  test(`a browser calls over ${scheme} by a port of kamailio.cfg, and the gateway calls back over that connection`, async (t) => {
    const [web, secure] = [await freePort(), await freePort()];
    const gateway = await DatagramPeer.open('127.0.0.1', await freePort());
    t.after(() => gateway.close());
    const daemon = await startCfgDaemon({
      text: FILE.replace('WEB', String(web))
        .replace('SECURE', String(secure))
        .replace('GATEWAY', String(gateway.port))
        .replace('KEY', key)
        .replace('CERTIFICATE', cert),
    });
    t.after(() => daemon.stop());
    const port = scheme === 'ws' ? web : secure;
    const browser = await WsPeer.connect(`${scheme}://127.0.0.1:${port}`, 'sip', { rejectUnauthorized: false });
    t.after(() => browser.socket.terminate());
    browser.write(
      request(
        'INVITE',
        'sip:b@b.example',
        'To: <sip:b@b.example>\r\nContact: <sip:a@browser.invalid;transport=ws>\r\n',
      ),
    );
    await until('the INVITE', () => gateway.received.length > 0);
    const invite = gateway.received[0]?.text ?? '';
    assert.deepEqual(headersOf(invite, 'x-from'), [`${transport} ${port}`]);
    const routes = headersOf(invite, 'record-route');
    // Kamailio writes "ws" for wss as well, as recorded.
    assert.match(routes[1] ?? '', new RegExp(`^<sip:127\\.0\\.0\\.1:${port};transport=ws;r2=on`));
    const answer = answerTo(invite, '200 OK', { tag: 'tt', headers: ['Contact: <sip:b@127.0.0.1>'] });
    void gateway.send(answer, daemon.port, '127.0.0.1');
    await browser.expect(/^SIP\/2\.0 200 /);
    const contact = /<([^>]*)>/.exec(headersOf(invite, 'contact')[0] ?? '')?.[1] ?? '';
    const bye = request(
      'BYE',
      contact,
      `To: <sip:b@b.example>;tag=tt\r\n${routes.map((each) => `Route: ${each}\r\n`).join('')}`,
    );
    void gateway.send(
      bye.replace('SIP/2.0/WS browser.invalid', `SIP/2.0/UDP 127.0.0.1:${gateway.port}`),
      daemon.port,
      '127.0.0.1',
    );
    await browser.expect(/^BYE sip:a@browser\.invalid/);
  });

const ASKING = `#!KAMAILIO
listen=LISTEN
listen=tcp:127.0.0.1:WEB
alias=edge.example:WEB
loadmodule "kex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("xhttp", "url_match", "^/($|health|other)")
modparam("xhttp", "url_skip", "health/no")
request_route {
  sl_send_reply("200", "OK");
}
event_route[xhttp:request] {
  xlog("asked for $hu\\n");
  set_reply_close();
  set_reply_no_connect();
  if ($hdr(Upgrade) =~ "websocket" && $hdr(Connection) =~ "Upgrade" && $rm =~ "GET") {
    if ($hdr(Host) == $null || !is_myself("sip:" + $hdr(Host))) {
      append_to_reply("X-Why: host\\r\\n");
      xhttp_reply("403", "Forbidden", "", "");
      exit;
    }
    if (ws_handle_handshake()) exit;
  }
  if ($hu == "/health") {
    append_to_reply("X-Edge: a\\r\\nX-Edge: b\\r\\nnothing\\r\\n");
    xhttp_reply("200", "OK", "text/plain", "$rm $proto $Rp $rb");
    exit;
  }
}
event_route[websocket:closed] {
  xlog("closed $si:$sp\\n");
}
`;

test('event_route[xhttp:request] takes handshakes and answers requests, and websocket:closed follows', async (t) => {
  const web = await freePort();
  const daemon = await startCfgDaemon({ text: ASKING.replaceAll('WEB', String(web)) });
  t.after(() => daemon.stop());
  const health = await fetch(`http://127.0.0.1:${web}/health`, { method: 'POST', body: 'hello' });
  assert.deepEqual(
    [health.status, health.headers.get('content-type'), health.headers.get('x-edge'), await health.text()],
    [200, 'text/plain', 'a, b', `POST tcp ${web} hello`],
  );
  assert.equal((await fetch(`http://127.0.0.1:${web}/other`)).status, 404, 'what the script does not answer');
  // As Kamailio 5.6.3, which gives no answer at all.
  for (const path of ['/metrics', '/health/no'])
    assert.equal((await fetch(`http://127.0.0.1:${web}${path}`)).status, 404, path);
  assert.deepEqual(
    daemon.script.filter((line) => line.startsWith('asked')),
    ['asked for /health', 'asked for /other'],
  );
  const tooLong = await fetch(`http://127.0.0.1:${web}/health`, { method: 'POST', body: 'x'.repeat(100_000) }).catch(
    () => undefined,
  );
  assert.notEqual(tooLong?.status, 200);
  const refused = await WsPeer.connect(`ws://127.0.0.1:${web}`, 'sip', { headers: { host: 'evil.example' } });
  assert.equal(refused.refusal, 403);
  const taken = await WsPeer.connect(`ws://127.0.0.1:${web}`, 'sip', { headers: { host: `edge.example:${web}` } });
  taken.write(request('OPTIONS', 'sip:edge.example', 'To: <sip:edge.example>\r\n'));
  await taken.expect(/^SIP\/2\.0 200 /);
  taken.socket.close();
  await until('the event', () => daemon.script.some((line) => /^closed 127\.0\.0\.1:\d+$/.test(line)));
});

test('a Path shows the socket that sends the request, where the next proxy reaches us, and after it the other one', async (t) => {
  const [web, gateway] = [await freePort(), await DatagramPeer.open()];
  t.after(() => gateway.close());
  const daemon = await startCfgDaemon({
    text: `#!KAMAILIO
listen=LISTEN
listen=tcp:127.0.0.1:${web}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "path.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("path", "enable_r2", 1)
request_route {
  if ($rU == "plain") add_path();
  else add_path_received("$fU", "x=1");
  $du = "sip:127.0.0.1:${gateway.port}";
  t_relay();
}
event_route[xhttp:request] { ws_handle_handshake(); }
`,
  });
  t.after(() => daemon.stop());
  const browser = await WsPeer.connect(`ws://127.0.0.1:${web}`);
  t.after(() => browser.socket.terminate());
  const pathsOf = async (method: string, uri: string): Promise<string[]> => {
    browser.write(request(method, uri, 'To: <sip:a@a.example>\r\n'));
    const { text } = await gateway.expect(new RegExp(`^${method} ${uri} `));
    return headersOf(text, 'path').map((each) => each.replace(/(?<=received=sip:127\.0\.0\.1:)\d+/, '*'));
  };
  assert.deepEqual(await pathsOf('REGISTER', 'sip:plain@a.example'), [
    `<sip:127.0.0.1:${daemon.port};lr;r2=on>`,
    `<sip:127.0.0.1:${web};transport=ws;lr;r2=on>`,
  ]);
  const more = 'lr;received=sip:127.0.0.1:*%3Btransport%3Dws;x=1;r2=on';
  assert.deepEqual(await pathsOf('MESSAGE', 'sip:received@a.example'), [
    `<sip:a@127.0.0.1:${daemon.port};${more}>`,
    `<sip:a@127.0.0.1:${web};transport=ws;${more}>`,
  ]);
});
