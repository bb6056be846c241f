import type { Answers } from '../support/side-by-side.js';
import { answered, type Calls, givenUp } from '../support/two-proxies.js';
import type { OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';
import { THREE_GATEWAYS, usualCalls } from './vendor-lists.js';

/** A gateway that challenges the numbers ending in 401 or 402; the latter refuses the credentials too. */
const trunk: Answers = (method, user, request = '') => {
  if (method === 'REGISTER') return [[user === 'late' ? 503 : 200, 'Registered']];
  const challenged = user.endsWith('402') || (user.endsWith('401') && !/^Authorization:/m.test(request));
  if (method === 'INVITE' && challenged)
    return [[401, 'Unauthorized', 'WWW-Authenticate: Digest realm="nova.example", nonce="abc", algorithm=MD5\r\n']];
  return THREE_GATEWAYS.gw1(method, user);
};

const AST = { from: '"Desk 7" <sip:ast7@a.example>' };
const PRIVATE = 'v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n';
const NATED = { contact: '<sip:alice@192.168.1.7:5062>' };

const named = (entries: Calls, suffix: string): Calls =>
  Object.fromEntries(Object.entries(entries).map(([name, call]) => [`${name} ${suffix}`, call]));

const OUT: Calls = {
  'to the trunk': ['0301234', talked(AST)],
  'to the trunk, abroad': ['0044301234', (call) => call.invite(AST)],
  'to the trunk, local': ['1234', (call) => call.invite(AST)],
  'to the trunk with a plus': ['+49301234', (call) => call.invite(AST)],
  'to the trunk, anonymously': ['0301235', talked({ from: '<sip:ast8@a.example>', more: 'Privacy: id\r\n' })],
  'the trunk asks': ['0301401', (call) => call.invite(AST)],
  'the trunk refuses': ['0301402', (call) => call.invite(AST)],
  'the first trunk fails': ['0301503', (call) => call.invite(AST)],
  'the first trunk is silent': ['0301000', (call) => call.invite(AST)],
  'all trunks fail': ['03077503', (call) => call.invite(AST)],
  'all trunks are busy': ['03077486', (call) => call.invite(AST)],
  'not found': ['0301404', (call) => call.invite(AST)],
  'variables of Asterisk': [
    '0301236',
    (call) => call.invite({ ...AST, more: 'X-Ast-Var: 1\r\nX-Ast-Var: 2\r\nX-Asterisk-HangupCause: 16\r\n' }),
  ],
};

const IN: Calls = {
  ...usualCalls((end) => `+4930${end}`),
  'of both sides': ['49301010', talked()],
  'behind NAT': ['49301011', async (call) => call.send('ACK', call.within(await call.invite(NATED), 1))],
  'private media': ['49301012', (call) => call.invite({ body: PRIVATE })],
  'private media behind NAT': ['49301013', (call) => call.invite({ ...NATED, body: PRIVATE })],
  'an identity': ['49301014', (call) => answered(call, 'P-Asserted-Identity: "N" <sip:+49171@x.example>\r\n')],
  'an identity with zeros': ['49301015', (call) => answered(call, 'P-Asserted-Identity: <sip:0049171@x.example>\r\n')],
  'an identity without a plus': ['49301016', (call) => answered(call, 'P-Asserted-Identity: <sip:171@x.example>\r\n')],
  'given up early': ['493077999', givenUp],
  'the voicemail': ['8123', (call) => call.invite()],
  'the voicemail by name': ['voicemail-1', (call) => call.invite()],
  'busy and its voicemail': ['49307486', (call) => call.invite()],
  'busy and no voicemail': ['493077486', (call) => call.invite()],
  'do not disturb, on': ['*78', (call) => call.invite({ from: '<sip:4930200@a.example>' })],
  'one who is not to be disturbed': ['4930200', (call) => call.invite()],
  'do not disturb, off': ['*79', (call) => call.invite({ from: '<sip:4930200@a.example>' })],
  'one who may be disturbed': ['4930200', (call) => call.invite()],
  'forward, on': ['*7249301020', (call) => call.invite({ from: '<sip:4930201@a.example>' })],
  'one who forwards': ['4930201', (call) => call.invite()],
  'one who forwards, forwarded': [
    '4930201',
    (call) => call.invite({ more: 'Diversion: <sip:1@x.example>;reason=no-answer\r\n' }),
  ],
  'forward, off': ['*73', (call) => call.invite({ from: '<sip:4930201@a.example>' })],
  'one who forwards no more': ['4930201', (call) => call.invite()],
  'forwarded at the start': ['4999', (call) => call.invite()],
  'not to be disturbed from the start': ['4666', (call) => call.invite()],
  'a loop': [
    '4930300',
    (call) => call.invite({ more: 'Diversion: <sip:1@x.example>\r\nDiversion: "B" <sip:4930300@x.example>;r=1\r\n' }),
  ],
};

const REST: Calls = {
  'a registration': ['alice', (call) => call.ask('REGISTER', { more: 'X-Internal: 1\r\nExpires: 300\r\n' })],
  'a registration behind NAT': ['alice', (call) => call.ask('REGISTER', { ...NATED, more: 'X-Int: 1\r\n' })],
  'a registration that is too short': ['alice', (call) => call.ask('REGISTER', { more: 'Expires: 30\r\n' })],
  'a registration that ends': ['alice', (call) => call.ask('REGISTER', { more: 'Expires: 0\r\n' })],
  'a registrar that fails': [
    'late',
    (call) => call.ask('REGISTER', { uri: 'sip:late@sw.example', from: '<sip:late@sw.example>' }),
  ],
  'an event': ['bob', (call) => call.ask('SUBSCRIBE', { more: 'Event: dialog\r\n' })],
  'a publication': ['bob', (call) => call.ask('PUBLISH')],
  'an event within nothing': [
    'bob',
    (call) => call.ask('SUBSCRIBE', { uri: 'sip:sw.example', to: ';tag=x', more: 'Event: dialog\r\n' }),
  ],
  'a REFER': ['bob', (call) => call.ask('REFER', { more: 'Refer-To: <sip:a@b>\r\n' })],
  'a ping of no user': ['', (call) => call.ask('OPTIONS', { uri: 'sip:sw.example' })],
  'a ping to an alias': ['', (call) => call.ask('OPTIONS', { uri: 'sip:sip.sw.example' })],
  'a ping elsewhere': ['', (call) => call.ask('OPTIONS', { uri: 'sip:other.example' })],
  'a user of bad letters': [
    'bob',
    (call) =>
      call.invite({
        more: 'Authorization: Digest username="a\'b", realm="x", nonce="n", uri="sip:x", response="r"\r\n',
      }),
  ],
  'a stranger once': ['nobody', (call) => call.invite({ from: '<sip:strange@x.example>' })],
  'a stranger twice': ['nobody', (call) => call.invite({ from: '<sip:strange@x.example>' })],
  'a stranger thrice': ['nobody', (call) => call.invite({ from: '<sip:strange@x.example>' })],
  'a stranger again': ['nobody', (call) => call.invite({ from: '<sip:strange@x.example>' })],
  'a stranger, banned': ['nobody', (call) => call.invite({ from: '<sip:strange@x.example>' })],
  'hops of a large number': ['49301090', (call) => call.invite({ hops: 255 })],
};

/** An SBC in front of Asterisk servers and a trunk that asks for credentials. */
export const ASTERISK_SBC: OperatorFile = {
  file: 'asterisk-sbc-5.6.cfg',
  gateways: { gw1: trunk, gw2: THREE_GATEWAYS.gw2, gw3: THREE_GATEWAYS.gw3 },
  inOrder: true,
  alike: (text) =>
    text.replace(/cnonce=\\?"[^"\\]*\\?"|response=\\?"[^"\\]*\\?"/g, '*').replace(/;(frs|tos)=[\w.*+/=-]+/g, ';$1=*'),
  prepare(folder, lane) {
    writeList(folder, lane, 'dispatcher.list', [
      '1 sip:127.0.0.1:GW1_PORT 0 10 node=ast1',
      '1 sip:127.0.0.1:GW2_PORT 0 5 node=ast2',
      '2 sip:127.0.0.1:GW1_PORT 0 10 duid=t1',
      '2 sip:127.0.0.1:GW3_PORT 0 2 duid=t2',
      '3 sip:127.0.0.1:GW3_PORT 0 0 pilot=4000',
    ]);
    writeList(folder, lane, 'address.list', ['9 127.0.0.1 32 0 here', '8 192.0.2.0 24 0 there']);
  },
  calls: { ...IN, ...named(OUT, 'from Asterisk'), ...REST },
};
