import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestAuthority } from '../support/certificates.js';
import { headersOf } from '../support/raw-agent.js';
import type { Lane } from '../support/side-by-side.js';
import type { Calls } from '../support/two-proxies.js';
import { WsPeer } from '../support/ws-peer.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { plain } from './plain.js';
import { writeList } from './tables.js';

/** SDP offer of a browser. */
export const BROWSER_SDP =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 UDP/TLS/RTP/SAVPF 111\r\n';
const ORIGIN = { rejectUnauthorized: false, origin: 'https://www.sw.example' };

interface Asked {
  readonly method: string;
  readonly uri: string;
  readonly callId: string;
  readonly cseq?: number;
  readonly more?: string;
  readonly to?: string;
  readonly body?: string;
  readonly contact?: string;
}

/** A request as a browser sends it: with an invalid host. */
export function browserRequest({
  method,
  uri,
  callId,
  cseq = 1,
  more = '',
  to = '<sip:bob@sw.example>',
  body = '',
  contact = '<sip:web@browser.invalid;transport=ws>',
}: Asked): string {
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/WSS browser.invalid;branch=z9hG4bK${callId}${cseq}${method === 'ACK' ? 'a' : ''}`,
    'Max-Forwards: 70',
    'From: <sip:web@sw.example>;tag=ft',
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: ${contact}`,
    `${more}${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** A browser's connection to the port that replaces a port of the file. */
export async function connected(lane: Lane, number: number): Promise<WsPeer> {
  const scheme = number === 5091 ? 'wss' : 'ws';
  return WsPeer.connect(`${scheme}://127.0.0.1:${lane.ports.get(number)}/ws`, 'sip', ORIGIN);
}

/** A browser calls; the caller of the test is not involved. */
const fromBrowser =
  (callId: string, port: number, user: string): Calls[string][1] =>
  async (_call, lane) => {
    const browser = await connected(lane, port);
    try {
      browser.write(browserRequest({ method: 'INVITE', uri: `sip:${user}@sw.example`, callId, body: BROWSER_SDP }));
      const [text = ''] = await browser.expect(/^SIP\/2\.0 [2-6][\s\S]*/);
      lane.note(callId, plain(text));
      const to = headersOf(text, 'to')[0] ?? '';
      if (!text.startsWith('SIP/2.0 2')) {
        browser.write(browserRequest({ method: 'ACK', uri: `sip:${user}@sw.example`, callId, to }));
        return;
      }
      const contact = /<([^>]*)>/.exec(headersOf(text, 'contact')[0] ?? '')?.[1] ?? '';
      const more = headersOf(text, 'record-route')
        .reverse()
        .map((each) => `Route: ${each}\r\n`)
        .join('');
      browser.write(browserRequest({ method: 'ACK', uri: contact, callId, to, more }));
      browser.write(browserRequest({ method: 'BYE', uri: contact, callId, cseq: 2, to, more }));
      const [bye = ''] = await browser.expect(/^SIP\/2\.0 [2-6][\s\S]*CSeq: 2 [\s\S]*/);
      lane.note(callId, plain(bye));
    } finally {
      browser.socket.terminate();
    }
  };

/** A browser registers, and the PBX calls it. */
const toBrowser: Calls[string][1] = async (call, lane) => {
  const callId = 'the-PBX-calls-a-browser';
  const browser = await connected(lane, 5091);
  try {
    browser.write(
      browserRequest({ method: 'REGISTER', uri: 'sip:sw.example', callId: 'web-register', to: '<sip:web@sw.example>' }),
    );
    const [registered = ''] = await browser.expect(/^SIP\/2\.0 [2-6][\s\S]*/);
    lane.note(callId, plain(registered));
    call.send('INVITE', { uri: 'sip:web@sw.example', body: BROWSER_SDP.replace('UDP/TLS/RTP/SAVPF 111', 'RTP/AVP 0') });
    const [invite = ''] = await browser.expect(/^INVITE [\s\S]*/);
    lane.note(callId, plain(invite));
    const lines = invite.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Record-Route):/.test(line));
    const answer = lines.map((line) => (line.startsWith('To:') ? `${line};tag=gw9` : line));
    browser.write(
      [
        'SIP/2.0 200 OK',
        ...answer,
        'Contact: <sip:web@browser.invalid;transport=ws>',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
    const final = await call.reply('INVITE', /200/);
    call.send('ACK', call.within(final, 1));
    const [ack = ''] = await browser.expect(/^ACK [\s\S]*/);
    lane.note(callId, plain(ack));
  } finally {
    browser.socket.terminate();
  }
};

/** The answer to an HTTP request. */
const overHttp =
  (callId: string, path: string, headers: Readonly<Record<string, string>> = {}): Calls[string][1] =>
  async (call, lane) => {
    await call.ask('OPTIONS', { uri: 'sip:sw.example' });
    const response = await fetch(`http://127.0.0.1:${lane.ports.get(5090)}${path}`, { headers });
    lane.note(callId, `${response.status} ${response.headers.get('content-type')} ${await response.text()}`);
  };

const refused =
  (callId: string, origin: string): Calls[string][1] =>
  async (call, lane) => {
    await call.ask('OPTIONS', { uri: 'sip:sw.example' });
    const browser = await WsPeer.connect(`ws://127.0.0.1:${lane.ports.get(5090)}/ws`, 'sip', { origin });
    lane.note(callId, String(browser.refusal));
    browser.socket.terminate();
  };

export const WEBRTC_TLS: OperatorFile = {
  file: 'webrtc-tls-5.6.cfg',
  gateways: GATEWAYS,
  prepare(folder, lane) {
    const authority = new TestAuthority();
    lane.closing.push(() => authority.remove());
    const { key, cert } = authority.issue('edge', ['IP:127.0.0.1']);
    copyFileSync(key, join(folder, 'kamailio-selfsigned.key'));
    copyFileSync(cert, join(folder, 'kamailio-selfsigned.pem'));
    writeList(folder, lane, 'dispatcher.list', ['1 sip:127.0.0.1:GW1_PORT 0 10', '1 sip:127.0.0.1:GW2_PORT 0 5']);
  },
  alike: (text) =>
    text
      // The port of a browser's connection.
      .replace(/(sip:(?:web@)?127\.0\.0\.1:|rport=|alias=127\.0\.0\.1~)\d{5}/g, '$1*')
      // For a browser connected over TLS the original writes the address of its socket without TLS.
      .replace(/((?:record-route: <sip:|via: SIP\/2\.0\/WSS )127\.0\.0\.1:)PORT509[01]/gi, '$1WS'),
  calls: {
    'a browser calls': ['bob', fromBrowser('a-browser-calls', 5090, 'bob')],
    'a browser calls with TLS': ['bob', fromBrowser('a-browser-calls-with-TLS', 5091, 'bob')],
    'a browser calls one who is busy': ['busy', fromBrowser('a-browser-calls-one-who-is-busy', 5090, 'busy')],
    'the PBX calls a browser': ['web', toBrowser],
    'nobody of that name': ['bob', (call) => call.invite()],
    'a registration of the PBX': ['bob', (call) => call.ask('REGISTER')],
    'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
    'no number': ['bob', (call) => call.ask('MESSAGE', { uri: 'sip:sw.example' })],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    status: ['bob', overHttp('status', '/ws/status')],
    'another path': ['bob', overHttp('another-path', '/ws/other')],
    'another origin': ['bob', refused('another-origin', 'https://evil.example')],
  },
};
