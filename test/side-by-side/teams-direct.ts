import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestAuthority } from '../support/certificates.js';
import { headersOf, routeLines } from '../support/raw-agent.js';
import type { Lane } from '../support/side-by-side.js';
import { answered, type Calls } from '../support/two-proxies.js';
import { ANSWERED, type OperatorFile } from './operator-file.js';
import { plain } from './plain.js';
import { ADDRESS, DIALPLAN, sqliteTables, writeList } from './tables.js';
import { talked } from './talks.js';
import { TlsExchange } from './tls-exchange.js';

const SDP =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 6000 RTP/SAVP 8 103\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:103 SILK/8000\r\n';

/** The exchange that belongs to each proxy. */
const exchanges = new WeakMap<Lane, TlsExchange>();
const authorities = new WeakMap<Lane, TestAuthority>();

interface Asked {
  readonly user: string;
  readonly callId: string;
  /** Port of the exchange. */
  readonly port: number;
  readonly from?: string;
  readonly more?: string;
}

/** A request as Teams sends it. */
function request(
  method: string,
  { user, callId, port, from = '"Ann" <sip:+4930555001@sip.pstnhub.example>', more = '' }: Asked,
  within: { readonly cseq?: number; readonly uri?: string; readonly to?: string } = {},
): string {
  const { cseq = 1, uri = `sip:${user}@localhost:5061;transport=tls`, to = `<sip:${user}@localhost>` } = within;
  const body = method === 'INVITE' ? SDP : '';
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK${callId}${cseq}${method === 'ACK' ? 'a' : ''}`,
    'Max-Forwards: 70',
    `From: ${from};tag=ft`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:127.0.0.1:${port};transport=tls;x-i=1>`,
    'X-MS-Meeting: 1',
    'History-Info: <sip:+49@sip.example>;index=1',
    `${more}${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** Teams calls over TLS; the caller of the test is not involved. */
const fromTeams =
  (callId: string, user: string, asked: Partial<Asked> & { readonly refer?: string } = {}): Calls[string][1] =>
  async (_call, lane) => {
    const { refer, ...more } = asked;
    const exchange = exchanges.get(lane) as TlsExchange;
    const teams = await exchange.caller(lane.ports.get(5061) as number);
    const whole = { user, callId, port: exchange.port, ...more };
    const final = await teams.ask(request('INVITE', whole));
    const to = headersOf(final, 'to')[0] ?? '';
    if (!final.startsWith('SIP/2.0 2')) teams.socket.write(request('ACK', whole, { to }));
    else {
      const uri = /<([^>]*)>/.exec(headersOf(final, 'contact')[0] ?? '')?.[1] ?? '';
      const route = { ...whole, more: routeLines(final) };
      teams.socket.write(request('ACK', route, { uri, to }));
      if (refer !== undefined)
        await teams.ask(
          request('REFER', { ...route, more: `${route.more}Refer-To: ${refer}\r\n` }, { cseq: 2, uri, to }),
        );
      await teams.ask(request('BYE', route, { cseq: 3, uri, to }));
    }
    for (const each of teams.received) lane.note(callId, plain(each));
  };

/** One request of Teams over TLS. */
const teamsAsks =
  (callId: string, method: string, user = '+49'): Calls[string][1] =>
  async (_call, lane) => {
    const exchange = exchanges.get(lane) as TlsExchange;
    const teams = await exchange.caller(lane.ports.get(5061) as number);
    lane.note(callId, plain(await teams.ask(request(method, { user, callId, port: exchange.port }))));
  };

/** Microsoft Teams on one side over TLS, carriers and a PBX on the other. */
export const TEAMS_DIRECT: OperatorFile = {
  file: 'teams-direct-5.6.cfg',
  // The original resolves the name it advertises.
  filled: [['sbc1.sw.example', 'localhost']],
  inOrder: true,
  gateways: {
    gw1(method, user) {
      if (method !== 'INVITE') return [[202, 'Accepted']];
      if (user.endsWith('503')) return [[503, 'Service Unavailable']];
      return user.endsWith('486') ? [[486, 'Busy Here']] : ANSWERED;
    },
    gw2: (_method, user) => (user.endsWith('999503') ? [[500, 'Broken']] : ANSWERED),
  },
  async peers(lane) {
    const authority = new TestAuthority();
    authorities.set(lane, authority);
    lane.closing.push(() => authority.remove());
    const exchange = await TlsExchange.open(authority, 'x-i=3');
    exchange.lane = lane;
    exchanges.set(lane, exchange);
    lane.closing.push(() => exchange.close());
    lane.ports.set(5062, exchange.port);
  },
  prepare(folder, lane) {
    const { port } = exchanges.get(lane) as TlsExchange;
    const own = (authorities.get(lane) as TestAuthority).issue('sbc1', ['DNS:localhost']);
    copyFileSync(own.key, join(folder, 'sbc1.key'));
    copyFileSync(own.cert, join(folder, 'sbc1.pem'));
    const profile = ['method = TLSv1.2+', 'verify_certificate = no', 'require_certificate = no'];
    const files = [`private_key = ${folder}/sbc1.key`, `certificate = ${folder}/sbc1.pem`];
    writeList(folder, lane, 'tls.cfg', [
      '[server:default]',
      ...profile,
      ...files,
      '[client:default]',
      ...profile,
      ...files,
    ]);
    writeList(folder, lane, 'address.list', ['2 127.0.0.1 32 0 carrier', '3 127.0.0.0 8 0 microsoft']);
    const socket = `socket=tls:127.0.0.1:${lane.ports.get(5061)}`;
    writeList(folder, lane, 'dispatcher.list', [
      '# Teams',
      `100 sip:127.0.0.1:${port};transport=tls 0 10 ${socket}`,
      `100 sip:localhost:${port};transport=tls 0 5 ${socket}`,
      '1 sip:127.0.0.1:GW1_PORT 0 10',
      '1 sip:127.0.0.1:GW2_PORT 0 5',
      '2 sip:127.0.0.1:GW2_PORT',
    ]);
    sqliteTables(folder, lane, [
      ADDRESS,
      DIALPLAN,
      `INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_len, subst_exp, repl_exp, attrs) VALUES ${[
        "(1, 1, 1, '^00[1-9]', 0, '^00(.*)$', '+\\1', '')",
        "(1, 2, 1, '^0[1-9]', 0, '^0(.*)$', '+49\\1', '')",
        "(1, 3, 1, '^\\+[1-9]', 0, '^(.*)$', '\\1', '')",
        "(1, 4, 1, '^[0-9]{2,4}$', 0, '^(.*)$', '\\1', 'pbx')",
      ].join(', ')}`,
    ]);
  },
  // The port of a connection of the exchange.
  alike: (text) => text.replace(/(SIP\/2\.0\/TLS [^;"]*;[^"]*?rport=)\d+/g, '$1*'),
  calls: {
    'a ping of a carrier': ['ping', (call) => call.ask('OPTIONS', { uri: 'sip:localhost' })],
    'to Teams': ['004930555001', (call) => answered(call)],
    'a national number': ['030555002', (call) => answered(call)],
    'a caller of the country': ['+4989777001', (call) => call.invite({ from: '"0891" <sip:0891234@sw.example>' })],
    'Teams is busy': ['+4930555busy', (call) => call.invite()],
    'to the voice mail': ['+4930555404', talked()],
    'Teams fails': ['+4930555503', (call) => call.invite()],
    'a number of nobody': ['+4940111', (call) => call.invite()],
    'no number': ['x', (call) => call.invite({ uri: 'sip:localhost' })],
    'from Teams': ['+493012345', fromTeams('from-Teams', '+493012345')],
    'from Teams abroad': ['0044123', fromTeams('from-Teams-abroad', '0044123')],
    'from Teams to the PBX': ['4711', fromTeams('from-Teams-to-the-PBX', '4711')],
    'from Teams, hidden': ['+49301', fromTeams('from-Teams-hidden', '+49301', { more: 'Privacy: id\r\n' })],
    'from Teams as a name': ['+49302', fromTeams('from-Teams-as-a-name', '+49302', { from: '<sip:ann@sw.example>' })],
    'a carrier fails': ['+4930503', fromTeams('a-carrier-fails', '+4930503')],
    'both carriers fail': ['+49999503', fromTeams('both-carriers-fail', '+49999503')],
    'one is busy': ['+4930486', fromTeams('one-is-busy', '+4930486')],
    'unknown to the dial plan': ['abc', fromTeams('unknown-to-the-dial-plan', 'abc')],
    'a transfer': ['+49303', fromTeams('a-transfer', '+49303', { refer: '<sip:bob@sip.pstnhub.example>' })],
    'a transfer elsewhere': [
      '+49304',
      fromTeams('a-transfer-elsewhere', '+49304', { refer: '<sip:bob@evil.example>' }),
    ],
    'a ping of Teams': ['', teamsAsks('a-ping-of-Teams', 'OPTIONS')],
    'a MESSAGE of Teams': ['', teamsAsks('a-MESSAGE-of-Teams', 'MESSAGE')],
    'an INFO of nobody': ['+49', (call) => call.ask('INFO', { to: ';tag=none' })],
  },
};
