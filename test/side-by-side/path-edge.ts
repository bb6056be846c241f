import type { Answers } from '../support/side-by-side.js';
import { answered, type Calls, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

const NATED = { contact: '<sip:alice@192.168.1.7:5062;transport=udp>' };
const PRIVATE = 'v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n';
const CORE = { from: '<sip:core@a.example>' };

const registrar: Answers = (method, user, request = '') => {
  if (method !== 'REGISTER') return (GATEWAYS['gw1'] as Answers)(method, user);
  if (/^From:.*over/m.test(request)) return [[503, 'Later']];
  if (/^From:.*deny/m.test(request))
    return [[401, 'Unauthorized', 'WWW-Authenticate: Digest realm="r", nonce="n"\r\n']];
  return [[200, 'OK', 'Path: <sip:x@127.0.0.1;lr>\r\n']];
};

/** An answered call with an INFO whose request-URI has an alias. */
const withAlias =
  (alias: string): Calls[string][1] =>
  async (call, lane) => {
    const answer = await call.invite();
    call.send('ACK', call.within(answer, 1));
    await call.ask('INFO', { ...call.within(answer, 2), uri: lane.named(`sip:bob@192.0.2.9;alias=${alias}`) });
  };

export const PATH_EDGE: OperatorFile = {
  file: 'path-edge-5.6.cfg',
  gateways: { gw1: registrar, gw2: GATEWAYS['gw2'] as Answers },
  prepare: (folder, lane) =>
    writeList(folder, lane, 'dispatcher.list', ['1 sip:127.0.0.1:GW1_PORT 0 10', '1 sip:127.0.0.1:GW2_PORT 0 5']),
  calls: {
    'a registration': ['alice', (call) => call.ask('REGISTER')],
    'a registration behind NAT': ['alice', (call) => call.ask('REGISTER', NATED)],
    'a registration of a static one': [
      'alice',
      (call) =>
        call.ask('REGISTER', {
          from: '<sip:static1@a.example>',
          more: 'Supported: path\r\nPath: <sip:192.0.2.1;lr>\r\n',
        }),
    ],
    'a registration that expires': [
      'alice',
      (call) => call.ask('REGISTER', { contact: '<sip:alice@127.0.0.1:5070>;expires=60' }),
    ],
    'a registration that is challenged': ['alice', (call) => call.ask('REGISTER', { from: '<sip:deny@a.example>' })],
    'a registrar that fails': ['alice', (call) => call.ask('REGISTER', { from: '<sip:over@a.example>' })],
    'an answered call': ['bob', talked()],
    'a caller behind NAT': ['bob', talked(NATED)],
    'media behind NAT': ['bob', (call) => call.invite({ ...NATED, body: PRIVATE })],
    'the first fails': ['over', (call) => answered(call)],
    'early media': ['early', (call) => answered(call)],
    'given up': ['ring', givenUp],
    busy: ['busy', (call) => call.invite(NATED)],
    'a call of the core by the Path': [
      'alice',
      (call, lane) =>
        call.invite({
          ...CORE,
          uri: lane.named('sip:alice@127.0.0.1:GW2_PORT'),
          more: `Route: <sip:static@127.0.0.1:${lane.proxyPort};lr;ob>\r\n`,
        }),
    ],
    'a call of the core by the received address': [
      'alice',
      (call, lane) =>
        call.invite({
          ...CORE,
          uri: 'sip:alice@192.168.1.7:5062',
          more: lane.named(
            `Route: <sip:alice@127.0.0.1:${lane.proxyPort};lr;received=sip:127.0.0.1:GW2_PORT%3btransport%3dudp>\r\n`,
          ),
        }),
    ],
    'a call of the core by an alias': [
      'alice',
      (call, lane) =>
        call.invite({
          ...CORE,
          uri: lane.named('sip:alice@192.168.1.7:5062;alias=127.0.0.1~GW2_PORT~1'),
          more: `Route: <sip:127.0.0.1:${lane.proxyPort};lr>\r\n`,
        }),
    ],
    'a call of the core without Path': ['alice', (call) => call.invite(CORE)],
    'an alias that is none': ['bob', withAlias('127.0.0.1~x~1')],
    'an alias within': ['bob', withAlias('127.0.0.1~GW2_PORT~1')],
    'a subscription': ['bob', (call) => call.ask('SUBSCRIBE', { more: 'Event: dialog\r\nExpires: 60\r\n' })],
    'a publication': ['bob', (call) => call.ask('PUBLISH')],
    'a message behind NAT': ['bob', (call) => call.ask('MESSAGE', { body: 'x', ...NATED })],
    'an OPTIONS to the edge': ['bob', (call) => call.ask('OPTIONS', { uri: 'sip:sw.example' })],
    'an OPTIONS to a user': ['bob', (call) => call.ask('OPTIONS')],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
  },
};
