import type { Answers, TestCall } from '../support/side-by-side.js';
import { answered, givenUp } from '../support/two-proxies.js';
import { credentials } from './credentials.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

/** A call that is challenged, then repeated with credentials. */
const challenged =
  (user: string, password: string) =>
  async (call: TestCall): Promise<void> => {
    const first = await call.invite({ more: 'X-Auth: www\r\n' });
    await call.invite({
      cseq: 2,
      more: credentials(first, user, password, 'INVITE', 'sip:4940@sw.example'),
    });
  };

/** The provider challenges, and accepts the credentials of the trunk. */
const provider: Answers = (method, user, request = '') => {
  if (method !== 'INVITE' || !user.includes('4955')) return (GATEWAYS['gw1'] as Answers)(method, user);
  if (/^Proxy-Authorization: .*username="pbx"/m.test(request)) return [[200, 'OK']];
  return [
    [
      407,
      'Proxy Authentication Required',
      'Proxy-Authenticate: Digest realm="trunk.provider.example", nonce="abc", qop="auth"\r\n',
    ],
  ];
};

export const IP_TRUNK: OperatorFile = {
  file: 'ip-trunk-5.6.cfg',
  gateways: { ...GATEWAYS, gw1: provider },
  prepare(folder, lane) {
    writeList(folder, lane, 'pbx.list', ['1 127.0.0.1 32 0 pbx1', '2 192.0.2.0 24 0 other']);
    writeList(folder, lane, 'dispatcher.list', ['1 sip:127.0.0.1:GW1_PORT 0 10', '1 sip:127.0.0.1:GW2_PORT 0 5']);
  },
  alike: (text) =>
    text
      // Each program has its own nonces, cookies and digests.
      .replace(/(nonce|cnonce|response|vsf|vst)=\\?"?[\w+/=.-]+\\?"?/g, '$1=*')
      // RFC 3261 sections 9.1 and 17.1.1.3: From and To as in the request that was sent; the original uses those of the
      // received request.
      .replace(/("(?:ACK|CANCEL) (?:(?!",).)*?from: )[^;]*/g, '$1*')
      .replace(/("(?:ACK|CANCEL) (?:(?!",).)*?to: )[^;\\]*/g, '$1*'),
  calls: {
    'a call of a PBX': ['4940', talked({ from: '<sip:alice@a.example>' })],
    'a caller of the trunk': ['+4940', talked({ from: '"A" <sip:+4930123456@a.example>' })],
    'a national number': ['040', (call) => call.invite()],
    diverted: ['4940', (call) => call.invite({ more: 'Diversion: <sip:+49305@x>;reason=user-busy\r\n' })],
    'the provider asks for credentials': ['4955', (call) => call.invite()],
    'the first fails': ['4940over', (call) => answered(call)],
    busy: ['4940busy', (call) => call.invite()],
    'given up': ['4940ring', givenUp],
    'a caller with a password': ['4940', challenged('alice', 'open sesame')],
    'a caller with a wrong password': ['4940', challenged('alice', 'wrong')],
    'a caller whom nobody knows': ['4940', challenged('eve', 'x')],
    'a proxy challenge': ['4940', (call) => call.invite({ more: 'X-Auth: digest\r\n' })],
    'a message': ['4940', (call) => call.ask('MESSAGE', { body: 'x' })],
    'an OPTIONS to the trunk': ['', (call) => call.ask('OPTIONS', { uri: 'sip:127.0.0.1' })],
    'a registration': ['bob', (call) => call.ask('REGISTER')],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
  },
};
