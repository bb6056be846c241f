import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestAuthority } from '../support/certificates.js';
import { headersOf, routeLines } from '../support/raw-agent.js';
import type { Lane, TestCall } from '../support/side-by-side.js';
import { answered, type Calls, givenUp } from '../support/two-proxies.js';
import { WsPeer } from '../support/ws-peer.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { plain } from './plain.js';
import { writeList } from './tables.js';
import { BROWSER_SDP, browserRequest, connected } from './webrtc-tls.js';

type Act = Calls[string][1];
const CONTACT = '<sip:web@browser.invalid;transport=ws>';

/** Opens a browser connection for one call. */
const browsing =
  (act: (browser: WsPeer, call: TestCall, lane: Lane) => Promise<void>, port = 5091): Act =>
  async (call, lane) => {
    const browser = await connected(lane, port);
    try {
      await act(browser, call, lane);
    } finally {
      browser.socket.terminate();
    }
  };

/** The final reply to a request of a browser, which is compared. */
async function asked(browser: WsPeer, lane: Lane, request: Parameters<typeof browserRequest>[0]): Promise<string> {
  browser.write(browserRequest(request));
  const { cseq = 1, method, callId } = request;
  const [text = ''] = await browser.expect(new RegExp(`^SIP/2\\.0 [2-6][\\s\\S]*CSeq: ${cseq} ${method}\\r[\\s\\S]*`));
  lane.note(callId, plain(text));
  return text;
}

/** A browser asks for something outside a dialog. */
const asks = (
  method: string,
  uri: string,
  rest: Partial<Parameters<typeof browserRequest>[0]> = {},
  port = 5091,
): Act =>
  browsing(async (browser, call, lane) => {
    const text = await asked(browser, lane, { method, uri, callId: call.callId, ...rest });
    const to = headersOf(text, 'to')[0] ?? '';
    if (method === 'INVITE' && !text.startsWith('SIP/2.0 2'))
      browser.write(browserRequest({ method: 'ACK', uri, callId: call.callId, to }));
  }, port);

/** A browser calls, sends an INFO and an INVITE within the dialog, gets an INFO, hangs up. */
const talks = (user: string, more = '', port = 5091): Act =>
  browsing(async (browser, call, lane) => {
    const { callId } = call;
    const answer = await asked(browser, lane, {
      method: 'INVITE',
      uri: `sip:${user}@sw.example`,
      callId,
      body: BROWSER_SDP,
      more,
    });
    const to = headersOf(answer, 'to')[0] ?? '';
    if (!answer.startsWith('SIP/2.0 2')) {
      browser.write(browserRequest({ method: 'ACK', uri: `sip:${user}@sw.example`, callId, to }));
      return;
    }
    const uri = /<([^>]*)>/.exec(headersOf(answer, 'contact')[0] ?? '')?.[1] ?? '';
    const within = { uri, callId, to, more: routeLines(answer) };
    browser.write(browserRequest({ method: 'ACK', ...within }));
    await asked(browser, lane, { method: 'INFO', cseq: 2, ...within });
    await asked(browser, lane, { method: 'INVITE', cseq: 3, ...within, body: BROWSER_SDP });
    browser.write(browserRequest({ method: 'ACK', cseq: 3, ...within }));
    await asked(browser, lane, { method: 'BYE', cseq: 4, ...within });
  }, port);

/** The core calls a browser along the Path of its registration. */
const fromCore = (status = '200 OK', registration = ''): Act =>
  browsing(async (browser, call, lane) => {
    const { callId } = call;
    const register = `${callId}-register`;
    browser.write(
      browserRequest({
        method: 'REGISTER',
        uri: 'sip:sw.example',
        callId: register,
        to: '<sip:web@sw.example>',
        contact: CONTACT,
        more: registration,
      }),
    );
    const [registered = ''] = await browser.expect(/^SIP\/2\.0 [2-6][\s\S]*/);
    lane.note(callId, plain(registered));
    const [path = ''] = /(?<=^path: ).*$/m.exec(JSON.stringify(lane.got(register)).replaceAll('\\n', '\n')) ?? [];
    lane.note(callId, `path ${path.replace(/<sip:[^@]*@/, '<sip:*@')}`);
    const route = lane.pathOf(register);
    call.send('INVITE', {
      uri: 'sip:web@browser.invalid;transport=ws',
      body: BROWSER_SDP.replace('UDP/TLS/RTP/SAVPF 111', 'RTP/AVP 0'),
      more: `Route: ${route}\r\n`,
    });
    const [invite = ''] = await browser.expect(/^INVITE [\s\S]*/);
    lane.note(callId, plain(invite));
    const lines = invite.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Record-Route):/.test(line));
    const body = status.startsWith('2') ? BROWSER_SDP : '';
    browser.write(
      [
        `SIP/2.0 ${status}`,
        ...lines.map((line) => (line.startsWith('To:') ? `${line};tag=gw9` : line)),
        `Contact: ${CONTACT}`,
        ...(body === '' ? [] : ['Content-Type: application/sdp']),
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    );
    const final = await call.reply('INVITE', /[2-6]../);
    if (!status.startsWith('2')) {
      call.send('ACK', {
        uri: 'sip:web@browser.invalid;transport=ws',
        to: /;tag=[^\r]*/.exec(headersOf(final, 'to')[0] ?? '')?.[0] ?? '',
      });
      return;
    }
    call.send('ACK', call.within(final, 1));
    const [ack = ''] = await browser.expect(/^ACK [\s\S]*/);
    lane.note(callId, plain(ack));
    call.send('BYE', call.within(final, 2));
    const [bye = ''] = await browser.expect(/^BYE [\s\S]*/);
    lane.note(callId, plain(bye));
    const answer = bye.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/.test(line));
    browser.write(['SIP/2.0 200 OK', ...answer, 'Content-Length: 0', '', ''].join('\r\n'));
    await call.reply('BYE', /200/, 2);
  });

/** The answer to an HTTP request. */
const overHttp =
  (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Act =>
  async (call, lane) => {
    await call.ask('OPTIONS', { uri: 'sip:edge.web.example' });
    const response = await fetch(`http://127.0.0.1:${lane.ports.get(5090)}${path}`, { headers, method });
    const shown = ['content-type', 'www-authenticate', 'access-control-allow-origin'].map((name) =>
      response.headers.get(name),
    );
    lane.note(call.callId, `${response.status} ${shown.join(' ')} ${await response.text()}`);
  };

/** A WebSocket handshake. */
const shakes =
  (protocols: string | string[], headers: Readonly<Record<string, string>> = {}): Act =>
  async (call, lane) => {
    await call.ask('OPTIONS', { uri: 'sip:edge.web.example' });
    const browser = await WsPeer.connect(`ws://127.0.0.1:${lane.ports.get(5090)}/ws`, protocols, { headers });
    lane.note(call.callId, `${browser.refusal} ${browser.socket.protocol}`);
    browser.socket.terminate();
  };

/** Browsers before a core that keeps the registrations; flows are found by Path. */
export const WEBRTC_PATH_EDGE: OperatorFile = {
  file: 'webrtc-path-edge-5.6.cfg',
  gateways: GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    const authority = new TestAuthority();
    lane.closing.push(() => authority.remove());
    const { key, cert } = authority.issue('edge', ['IP:127.0.0.1']);
    copyFileSync(key, join(folder, 'edge.key'));
    copyFileSync(cert, join(folder, 'edge.pem'));
    writeList(folder, lane, 'tls.cfg', [
      '[server:default]',
      'method = TLSv1.2+',
      'verify_certificate = no',
      'require_certificate = no',
      `private_key = ${join(folder, 'edge.key')}`,
      `certificate = ${join(folder, 'edge.pem')}`,
    ]);
    writeList(folder, lane, 'dispatcher.list', ['10 sip:127.0.0.1:GW1_PORT 0 10', '10 sip:127.0.0.1:GW2_PORT 0 5']);
  },
  alike: (text) =>
    text
      .replace(/(sip:(?:[^@"<>]*@)?127\.0\.0\.1:|rport=|alias=127\.0\.0\.1~)\d{5}/g, '$1*')
      .replace(/received=sip:127\.0\.0\.1:\d+/g, 'received=*')
      .replace(/received=sip%3[aA]127\.0\.0\.1%3[aA]\d+/g, 'received=*')
      // Flow tokens have keys of each program.
      .replace(/<sip:[\w+/=-]{20,}@/g, '<sip:TOKEN@')
      .replace(/((?:record-route: <sip:|via: SIP\/2\.0\/WSS )127\.0\.0\.1:)PORT509[01]/gi, '$1WS')
      .replace(/(?<=sr-)[\w.*-]+/g, '*')
      .replace(/branch=\*+/g, 'branch=*'),
  calls: {
    'a browser calls': ['bob', talks('bob')],
    'a browser calls without TLS': ['bob', talks('bob', '', 5090)],
    'a browser calls, the first fails': ['over', talks('over')],
    'a browser calls, both fail': ['none', talks('none')],
    'a browser calls one who is busy': ['busy', talks('busy')],
    'a browser calls one who has moved': ['moved', talks('moved')],
    'a browser gets early media': [
      'early',
      talks('early', 'X-Secret: 1\r\nSession-Expires: 90\r\nAllow-Events: x\r\n'),
    ],
    'an offer that is not secured': [
      'bob',
      asks('INVITE', 'sip:bob@sw.example', { body: BROWSER_SDP.replace('SAVPF', 'SAVP') }),
    ],
    'no offer': ['bob', asks('INVITE', 'sip:bob@sw.example')],
    'no number': ['bob', asks('INVITE', 'sip:sw.example', { body: BROWSER_SDP })],
    'a contact of a telephone': [
      'bob',
      asks('INVITE', 'sip:bob@sw.example', { contact: '<sip:web@192.168.1.2:5060>', body: BROWSER_SDP }),
    ],
    'a message of a browser': ['bob', asks('MESSAGE', 'sip:bob@sw.example', { body: 'x' })],
    'a subscription of a browser': [
      'bob',
      asks('SUBSCRIBE', 'sip:bob@sw.example', { more: 'Event: presence\r\nUser-Agent: b\r\n' }),
    ],
    'a publication of a browser': ['bob', asks('PUBLISH', 'sip:bob@sw.example', { more: 'Event: presence\r\n' })],
    'an UPDATE of a browser': ['bob', asks('UPDATE', 'sip:bob@sw.example')],
    'a ping of a browser': ['bob', asks('OPTIONS', 'sip:sw.example')],
    'another ping of a browser': ['bob', asks('OPTIONS', 'sip:ping@edge.web.example')],
    'a browser registers': ['web', asks('REGISTER', 'sip:sw.example', { to: '<sip:web@sw.example>' })],
    'a browser registers without TLS': [
      'web',
      asks('REGISTER', 'sip:sw.example', { to: '<sip:web@sw.example>' }, 5090),
    ],
    'a browser registers a flow': [
      'web',
      asks('REGISTER', 'sip:sw.example', {
        to: '<sip:web@sw.example>',
        contact: `${CONTACT};reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"`,
        more: 'Supported: path, outbound\r\n',
      }),
    ],
    'another hop registers': [
      'web',
      asks('REGISTER', 'sip:sw.example', { to: '<sip:web@sw.example>', more: 'Path: <sip:192.0.2.9;lr>\r\n' }),
    ],
    'an INFO of no dialog of a browser': [
      'bob',
      asks('INFO', 'sip:bob@sw.example', { to: '<sip:bob@sw.example>;tag=none' }),
    ],
    'the core calls a browser': ['web', fromCore()],
    'the core calls a flow': ['web', fromCore('200 OK', 'Supported: path, outbound\r\n')],
    'the core calls a browser that is busy': ['web', fromCore('486 Busy Here')],
    'the core calls a browser that rings': ['web', fromCore('603 Decline')],
    'the core calls nobody': ['web', (call) => answered(call)],
    'the core calls along a strange route': ['web', (call) => call.invite({ more: 'Route: <sip:192.0.2.8;lr>\r\n' })],
    'the core registers': ['web', (call) => call.ask('REGISTER')],
    'the core sends a message': ['web', (call) => call.ask('MESSAGE', { body: 'x' })],
    'the core sends INFO': ['web', (call) => call.ask('INFO', { to: ';tag=none' })],
    'the core gives up': ['web', givenUp],
    health: ['web', overHttp('/health?x=1')],
    'health by POST': ['web', overHttp('/health', {}, 'POST')],
    'stats of nobody': ['web', overHttp('/stats')],
    stats: ['web', overHttp('/stats', { authorization: `Basic ${Buffer.from('edge:secret').toString('base64')}` })],
    'stats of an origin': ['web', overHttp('/stats', { origin: 'https://a.example' })],
    'a page that is not there': ['web', overHttp('/ws/none')],
    'an evil origin': ['web', shakes('sip', { origin: 'https://EVIL.example' })],
    'another sub-protocol': ['web', shakes('msrp')],
    'two sub-protocols': ['web', shakes(['msrp', 'sip'])],
    'another host': ['web', shakes('sip', { host: 'other.example' })],
  },
};
