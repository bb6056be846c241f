import { answered } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { toposTables, writeList } from './tables.js';
import { talked } from './talks.js';

const SDP = (media: string) => `v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\n${media}`;
const AUDIO = SDP(
  'm=audio 6000 RTP/AVP 0 8 97 101\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:101 telephone-event/8000\r\na=candidate:1 1 UDP 1 10.0.0.7 6000 typ host\r\na=sendrecv\r\n',
);

export const TOPOS_BORDER: OperatorFile = {
  file: 'topos-border-5.6.cfg',
  gateways: GATEWAYS,
  prepare(folder, lane) {
    toposTables(folder);
    writeList(folder, lane, 'carriers.list', ['10 127.0.0.1 32 0 acme', '11 192.0.2.0 24 0 other']);
    writeList(folder, lane, 'dispatcher.list', [
      '1 sip:127.0.0.1:GW1_PORT 0 10 name=core1',
      '1 sip:127.0.0.1:GW2_PORT 0 5 name=core2',
      '2 sip:127.0.0.1:GW2_PORT 0 10 name=carrier2',
      '2 sip:127.0.0.1:GW1_PORT 0 5 name=carrier1',
    ]);
  },
  // Names of dialogs are those of each program.
  alike: (text) => text.replace(/([ab]tpsh)-[0-9a-f-]+/g, '$1-*'),
  calls: {
    'a call of a carrier': ['4930123', talked()],
    'codecs and candidates': ['4930123', (call) => call.invite({ body: AUDIO })],
    'media that is secured': ['4930123', (call) => call.invite({ body: SDP('m=audio 6000 RTP/SAVP 0\r\n') })],
    'fax alone': ['4930123', (call) => call.invite({ body: SDP('m=image 6000 udptl t38\r\n') })],
    'video alone': ['4930123', (call) => call.invite({ body: SDP('m=video 6000 RTP/AVP 31\r\n') })],
    'a call of the core': [
      '0049123',
      (call) => call.invite({ from: '<sip:core@a.example>', more: 'X-Core-Id: 7\r\nX-Internal: y\r\nX-Kept: z\r\n' }),
    ],
    'a private call of the core': [
      '4930123',
      (call) =>
        call.invite({
          from: '"C" <sip:core@a.example>',
          more: 'Privacy: id\r\nP-Asserted-Identity: <sip:+49301@a.example>\r\n',
        }),
    ],
    'a call of the core with an identity': [
      '4930123',
      (call) =>
        answered(call, 'P-Preferred-Identity: <sip:x@y>\r\nP-Asserted-Identity: "N" <sip:+49302@a.example>\r\n'),
    ],
    'an identity of the core': [
      '4930123',
      (call) =>
        call.invite({ from: '<sip:core@a.example>', more: 'P-Asserted-Identity: "N" <sip:+49302@a.example>\r\n' }),
    ],
    'the first fails': ['4930over', (call) => answered(call)],
    'both fail': ['4930none', (call) => call.invite()],
    busy: ['4930busy', (call) => call.invite()],
    redirected: ['4930moved', (call) => call.invite()],
    'early media': ['4930early', (call) => answered(call)],
    'no number': ['+00', (call) => call.invite()],
    'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
    'an INFO': ['bob', (call) => call.ask('INFO')],
    'an OPTIONS through it': ['bob', (call) => call.ask('OPTIONS')],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
  },
};
