import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestAuthority } from '../support/certificates.js';
import { headersOf, routeLines } from '../support/raw-agent.js';
import type { Lane, TestCall } from '../support/side-by-side.js';
import { answered, type Calls } from '../support/two-proxies.js';
import type { WsPeer } from '../support/ws-peer.js';
import { credentials } from './credentials.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { plain } from './plain.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';
import { BROWSER_SDP, browserRequest, connected } from './webrtc-tls.js';

const DOMAIN = 'sip:sw.example';
const WSS = 5091;
const CONTACT = '<sip:web@browser.invalid;transport=ws>';

type Act = Calls[string][1];

/** The final reply to a request of a browser. */
async function asked(browser: WsPeer, request: Parameters<typeof browserRequest>[0]): Promise<string> {
  browser.write(browserRequest(request));
  const { cseq = 1, method } = request;
  const [text = ''] = await browser.expect(new RegExp(`^SIP/2\\.0 [2-6][\\s\\S]*CSeq: ${cseq} ${method}\\r[\\s\\S]*`));
  return text;
}

/** A request of a browser, repeated with credentials when it is challenged; the replies are compared. */
async function proved(
  browser: WsPeer,
  lane: Lane,
  request: Parameters<typeof browserRequest>[0],
  password = 'webphone',
): Promise<string> {
  const { method, uri, callId, more = '' } = request;
  const first = await asked(browser, request);
  lane.note(callId, plain(first));
  if (!/^SIP\/2\.0 40[17]/.test(first)) return first;
  const { cseq = 1 } = request;
  if (method === 'INVITE')
    browser.write(browserRequest({ method: 'ACK', uri, callId, cseq, to: headersOf(first, 'to')[0] ?? '' }));
  const proof = credentials(first, 'web', password, method, uri);
  const second = await asked(browser, { ...request, cseq: cseq + 1, more: more + proof });
  lane.note(callId, plain(second));
  return second;
}

const registration = (callId: string, more = '', contact = CONTACT) => ({
  method: 'REGISTER',
  uri: DOMAIN,
  callId,
  to: '<sip:web@sw.example>',
  contact,
  more,
});

/** Opens a browser connection for one call of the list. */
const browsing =
  (act: (browser: WsPeer, call: TestCall, lane: Lane) => Promise<void>): Act =>
  async (call, lane) => {
    const browser = await connected(lane, WSS);
    try {
      await act(browser, call, lane);
    } finally {
      browser.socket.terminate();
    }
  };

/** A browser answers the INVITE it receives. */
async function answers(browser: WsPeer, lane: Lane, callId: string, status = '200 OK'): Promise<string> {
  const [invite = ''] = await browser.expect(/^INVITE [\s\S]*/);
  lane.note(callId, plain(invite));
  const lines = invite.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Record-Route):/.test(line));
  const body = status === '200 OK' ? BROWSER_SDP : '';
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
  return invite;
}

/** The caller of the test calls a browser that has just registered; the browser ends the call. */
const toBrowser = browsing(async (browser, call, lane) => {
  await proved(browser, lane, registration('to-a-browser-register'));
  call.send('INVITE', { uri: 'sip:web@sw.example', body: BROWSER_SDP.replace('UDP/TLS/RTP/SAVPF 111', 'RTP/AVP 0') });
  const invite = await answers(browser, lane, call.callId);
  const final = await call.reply('INVITE', /200/);
  call.send('ACK', call.within(final, 1));
  const [ack = ''] = await browser.expect(/^ACK [\s\S]*/);
  lane.note(call.callId, plain(ack));
  const uri = /<([^>]*)>/.exec(headersOf(invite, 'contact')[0] ?? '')?.[1] ?? '';
  const bye = [
    `BYE ${uri} SIP/2.0`,
    'Via: SIP/2.0/WSS browser.invalid;branch=z9hG4bKbyeback',
    'Max-Forwards: 70',
    `From: ${headersOf(invite, 'to')[0]};tag=gw9`,
    `To: ${headersOf(invite, 'from')[0]}`,
    `Call-ID: ${call.callId}`,
    'CSeq: 5 BYE',
    ...headersOf(invite, 'record-route').map((each) => `Route: ${each}`),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  browser.write(bye);
  const [ended = ''] = await browser.expect(/^SIP\/2\.0 [2-6][\s\S]*CSeq: 5 BYE[\s\S]*/);
  lane.note(call.callId, plain(ended));
});

const refusedBy = (status: string): Act =>
  browsing(async (browser, call, lane) => {
    await proved(browser, lane, registration(`${call.callId}-register`));
    call.send('INVITE', { uri: 'sip:web@sw.example', body: BROWSER_SDP });
    await answers(browser, lane, call.callId, status);
    const final = await call.reply('INVITE', /[3-6]../);
    call.send('ACK', { uri: 'sip:web@sw.example', to: /;tag=.*/.exec(headersOf(final, 'to')[0] ?? '')?.[0] ?? '' });
  });

/** The connection of a browser is lost after its registration. */
const lost: Act = async (call, lane) => {
  await browsing(async (browser, _call, own) => {
    await proved(browser, own, registration(`${call.callId}-register`));
  })(call, lane);
  // Each proxy notices the loss at its own time.
  for (let i = 1; ; i++) {
    const probe = lane.call(`is-it-lost-${i}`, 'web');
    if ((await probe.ask('MESSAGE', { uri: 'sip:web@sw.example' })).startsWith('SIP/2.0 404') || i > 40) break;
    await sleep(100);
  }
  await call.invite({ uri: 'sip:web@sw.example' });
};

/** A browser calls. */
const calls = (user: string): Act =>
  browsing(async (browser, call, lane) => {
    const { callId } = call;
    const uri = `sip:${user}@sw.example`;
    const to = `<${uri}>`;
    const final = await proved(browser, lane, { method: 'INVITE', uri, callId, to, body: BROWSER_SDP });
    const tagged = headersOf(final, 'to')[0] ?? '';
    if (!final.startsWith('SIP/2.0 2')) {
      browser.write(browserRequest({ method: 'ACK', uri, callId, cseq: 2, to: tagged }));
      return;
    }
    const contact = /<([^>]*)>/.exec(headersOf(final, 'contact')[0] ?? '')?.[1] ?? '';
    const more = routeLines(final);
    browser.write(browserRequest({ method: 'ACK', uri: contact, callId, cseq: 2, to: tagged, more }));
    const bye = await asked(browser, { method: 'BYE', uri: contact, callId, cseq: 3, to: tagged, more });
    lane.note(callId, plain(bye));
  });

const registers = (more = '', contact = CONTACT, password = 'webphone'): Act =>
  browsing(async (browser, call, lane) => {
    await proved(browser, lane, registration(call.callId, more, contact), password);
  });

/** A phone registers over UDP. */
const telephone =
  (user: string, contact: string, password: string, more = ''): Act =>
  async (call, lane) => {
    const options = {
      uri: DOMAIN,
      contact: lane.named(contact),
      from: `<sip:${user}@sw.example>`,
      more: lane.named(more),
    };
    const first = await call.ask('REGISTER', options);
    const proof = credentials(first, user, password, 'REGISTER', DOMAIN);
    await call.ask('REGISTER', { ...options, cseq: 2, more: options.more + proof });
  };

const overHttp =
  (path: string): Act =>
  async (call, lane) => {
    await call.ask('OPTIONS', { uri: DOMAIN });
    const response = await fetch(`http://127.0.0.1:${lane.ports.get(5090)}${path}`);
    lane.note(call.callId, `${response.status} ${response.headers.get('content-type')} ${await response.text()}`);
  };

/** Browsers and phones that register at one edge proxy. */
export const BROWSER_REGISTRAR: OperatorFile = {
  file: 'browser-registrar-5.6.cfg',
  gateways: GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    const authority = new TestAuthority();
    lane.closing.push(() => authority.remove());
    const { key, cert } = authority.issue('edge', ['IP:127.0.0.1']);
    copyFileSync(key, join(folder, 'edge.key'));
    copyFileSync(cert, join(folder, 'edge.pem'));
    writeList(folder, lane, 'dispatcher.list', ['1 sip:127.0.0.1:GW1_PORT 0 10', '1 sip:127.0.0.1:GW2_PORT 0 5']);
  },
  alike: (text) =>
    text
      .replace(/(nonce|opaque)=\\?"?[\w+/=.-]+\\?"?/g, '$1=*')
      .replace(/;expires=\d+/g, ';expires=*')
      .replace(/uloc-[\w-]+/g, 'uloc-*')
      // The port of a browser's connection.
      .replace(/(sip:(?:web@)?127\.0\.0\.1:|rport=|alias=127\.0\.0\.1~)\d{5}/g, '$1*')
      // For a browser connected over TLS the original writes the address of its socket without TLS.
      .replace(/((?:record-route: <sip:|via: SIP\/2\.0\/WSS )127\.0\.0\.1:)PORT509[01]/gi, '$1WS'),
  calls: {
    'nobody is there': ['web', (call) => call.invite()],
    'a browser registers': ['web', registers()],
    'with an instance': [
      'web',
      registers(
        'Supported: path, gruu, outbound\r\n',
        '<sip:web@browser.invalid;transport=ws>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"',
      ),
    ],
    'with a wrong password': ['web', registers('', CONTACT, 'wrong')],
    'a browser asks what is registered': ['web', registers('', 'none')],
    'a browser goes': ['web', registers('Expires: 0\r\n', '*')],
    'to a browser': ['web', toBrowser],
    'a browser is busy': ['web', refusedBy('486 Busy Here')],
    'a browser declines': ['web', refusedBy('603 Decline')],
    'a browser is lost': ['web', lost],
    'alice registers': ['alice', telephone('alice', '<sip:alice-busy@127.0.0.1:GW1_PORT>', 'wonderland')],
    'bob registers': ['bob', telephone('bob', '<sip:bob@127.0.0.1:GW2_PORT>;q=0.5', 'builder')],
    'with the password of another': ['bob', telephone('bob', '<sip:bob@127.0.0.1:GW2_PORT>', 'wonderland')],
    'somebody unknown': ['carol', telephone('carol', '<sip:carol@127.0.0.1:GW2_PORT>', 'x')],
    'a browser calls bob': ['bob', calls('bob')],
    'a browser calls alice, who is busy': ['alice', calls('alice')],
    'a browser calls nobody': ['nobody', calls('nobody')],
    'a browser calls the trunk': ['4930123', calls('+4930123')],
    'a browser calls a trunk that fails': ['4930over', calls('4930none')],
    'to bob from outside': ['bob', talked()],
    'to alice from outside': ['alice', (call) => answered(call)],
    'a trunk call from outside': ['0301234', talked()],
    'to elsewhere': ['x', (call) => call.invite({ uri: 'sip:x@elsewhere.example' })],
    'a SUBSCRIBE': ['bob', (call) => call.ask('SUBSCRIBE', { more: 'Event: presence\r\n' })],
    'a message to bob': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
    'a ping': ['', (call) => call.ask('OPTIONS', { uri: DOMAIN })],
    'a scanner': ['bob', (call) => call.ask('INVITE', { agent: 'friendly-scanner' })],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    alive: ['', overHttp('/alive')],
    'another path': ['', overHttp('/ws/other')],
  },
};
