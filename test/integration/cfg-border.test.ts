import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { pem, TestAuthority } from '../support/certificates.js';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { FakeRtpengine } from '../support/fake-rtpengine.js';
import { operatorFile } from '../support/operator-files.js';
import { freePort } from '../support/ports.js';
import { bodyOf, headersOf, RawAgent } from '../support/raw-agent.js';
import { findProgram } from '../support/servers/programs.js';
import { until } from '../support/until.js';
import { WsPeer } from '../support/ws-peer.js';

const skip = findProgram('openssl') === undefined ? 'openssl is not installed' : false;
const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

const sdp = (address: string): string =>
  ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', 'm=audio 4000 RTP/AVP 0', ''].join(
    '\r\n',
  );

const contactIn = (text: string): string => /<([^>]*)>/.exec(headersOf(text, 'contact')[0] ?? '')?.[1] ?? '';

/** The example of a border controller, unchanged except for free ports and its own certificates. */
async function border(media: number, pbx: number, peer: number) {
  const authority = new TestAuthority();
  open.push(() => authority.remove());
  const [peers, web] = [await freePort(), await freePort()];
  const names = ['DNS:border.example', 'IP:127.0.0.1'];
  const files = {
    web: authority.issue('web', names),
    peer: authority.issue('peer', names),
    out: authority.issue('out', names),
  };
  let text = readFileSync(operatorFile('opensips', 'sbc-webrtc-3.4.cfg'), 'utf8')
    .replaceAll('udp:127.0.0.1:5060', 'LISTEN')
    .replaceAll('127.0.0.1:5061', `127.0.0.1:${peers}`)
    .replaceAll('127.0.0.1:4443', `127.0.0.1:${web}`)
    .replaceAll('127.0.0.1:60000', `127.0.0.1:${media}`)
    .replaceAll('/tmp/border_fifo', 'FOLDER/fifo')
    .replaceAll('/etc/opensips/tls/ca.pem', authority.ca)
    .replaceAll('PBXPORT', String(pbx))
    .replaceAll('PEERPORT', String(peer));
  for (const [name, { cert, key }] of Object.entries(files))
    text = text
      .replaceAll(`/etc/opensips/tls/${name}-cert.pem`, cert)
      .replaceAll(`/etc/opensips/tls/${name}-key.pem`, key);
  const daemon = await startCfgDaemon({ text });
  open.push(() => daemon.stop());
  return { daemon, authority, web, peers };
}

/** A request over a WebSocket. */
const overWeb = (method: string, uri: string, cseq: number, to: string, body = ''): string =>
  [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/WSS x8k3.invalid;branch=z9hG4bKw${cseq}${method}`,
    'Max-Forwards: 70',
    'From: <sip:web@border.example>;tag=wt',
    `To: ${to}`,
    'Call-ID: browser1',
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:w1@x8k3.invalid;transport=ws>',
    'User-Agent: a browser',
    `${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');

test('a browser calls a PBX through a border controller: media, names and addresses of each side are hidden', {
  skip,
}, async () => {
  const [pbx, engine] = [await RawAgent.open('127.0.0.1'), await FakeRtpengine.open('192.0.2.77')];
  open.push(
    () => pbx.close(),
    () => engine.close(),
  );
  const { daemon, authority, web } = await border(engine.port, pbx.port, 1);
  const browser = await WsPeer.connect(`wss://127.0.0.1:${web}/`, 'sip', { ca: readFileSync(authority.ca) });
  open.push(() => browser.socket.terminate());
  browser.write(overWeb('INVITE', 'sip:100@border.example', 1, '<sip:100@border.example>', sdp('10.0.0.8')));
  const invite = await pbx.next('INVITE');
  assert.equal(headersOf(invite.text, 'via').length, 1);
  assert.match(headersOf(invite.text, 'call-id')[0] ?? '', /^BRD_/);
  assert.deepEqual(headersOf(invite.text, 'user-agent'), ['border']);
  assert.match(contactIn(invite.text), new RegExp(`^sip:w1@127\\.0\\.0\\.1:${daemon.port};did=`));
  assert.match(bodyOf(invite.text), /c=IN IP4 192\.0\.2\.77/);
  assert.ok(!invite.text.includes('x8k3') && !invite.text.includes('browser1'), invite.text);
  pbx.answer(invite, 200, 'OK', { more: 'Server: pbx 1.0\r\n', body: sdp('10.0.0.9') });
  const [ok] = await browser.expect(/^SIP\/2\.0 200 [\s\S]*$/);
  assert.deepEqual(headersOf(ok, 'call-id'), ['browser1']);
  assert.deepEqual(headersOf(ok, 'server'), []);
  assert.match(bodyOf(ok), /c=IN IP4 192\.0\.2\.77/);
  assert.match(contactIn(ok), new RegExp(`^sip:bob@127\\.0\\.0\\.1:${web};transport=wss;did=`));
  assert.ok(!ok.includes(String(pbx.port)), ok);
  const to = headersOf(ok, 'to')[0] ?? '';
  browser.write(overWeb('ACK', contactIn(ok), 1, to));
  await pbx.next('ACK');
  // The PBX sends a request to the browser, with the URIs it has learned.
  const back = { callId: headersOf(invite.text, 'call-id')[0] ?? '', from: to, to: '<sip:web@border.example>;tag=wt' };
  pbx.send(pbx.request('INFO', contactIn(invite.text), { ...back, cseq: 7 }), daemon.port);
  const [info] = await browser.expect(/^INFO [\s\S]*$/);
  assert.deepEqual(headersOf(info, 'call-id'), ['browser1']);
  browser.write(overWeb('BYE', contactIn(ok), 2, to));
  const bye = await pbx.next('BYE');
  pbx.answer(bye, 200, 'OK');
  await browser.expect(/^SIP\/2\.0 200 [\s\S]*CSeq: 2 BYE/);
  await until('the media proxy forgets the call', () => engine.commands.some((each) => each['command'] === 'delete'));
  assert.ok(
    daemon.script.some((line) => /^\[browser1\] BYE within the call of web$/.test(line)),
    daemon.script.join('\n'),
  );
});

test('a call of the PBX goes to a peer over TLS with the certificate of the client domain', { skip }, async () => {
  const [pbx, engine, far] = [
    await RawAgent.open('127.0.0.1'),
    await FakeRtpengine.open('192.0.2.77'),
    await freePort(),
  ];
  open.push(
    () => pbx.close(),
    () => engine.close(),
  );
  const { daemon, authority } = await border(engine.port, pbx.port, far);
  const seen: { name: string | undefined; text: string }[] = [];
  const server = createServer(
    { ...pem(authority.issue('far', ['IP:127.0.0.1'])), ca: readFileSync(authority.ca), requestCert: true },
    (socket: TLSSocket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) =>
        seen.push({ name: socket.getPeerCertificate().subject?.CN?.toString(), text: data.toString('latin1') }),
      );
    },
  );
  await new Promise<void>((resolve) => server.listen(far, '127.0.0.1', resolve));
  open.push(() => server.close());
  pbx.send(pbx.request('INVITE', 'sip:+49301@peer.example', { callId: 'out1', body: sdp('10.0.0.9') }), daemon.port);
  await until('the peer has the INVITE', () => seen.some(({ text }) => text.startsWith('INVITE ')), {
    show: () => daemon.log,
  });
  const [{ name, text } = { name: '', text: '' }] = seen;
  assert.equal(name, 'out');
  assert.match(headersOf(text, 'via').join(), /^SIP\/2\.0\/TLS 127\.0\.0\.1:/);
  assert.equal(headersOf(text, 'via').length, 1);
  assert.match(text, /c=IN IP4 192\.0\.2\.77/);
});
