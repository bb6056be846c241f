import { type Calls, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

const from = (user: string) => ({ from: `<sip:${user}@a.example>` });

const FRAUD: Calls = {
  'an answered call': ['4930123', talked(from('ann'))],
  'the second switch': ['4930123', (call) => call.invite({ ...from('ann'), more: 'X-Second: 1\r\n' })],
  'one call': ['4930124', (call) => call.invite(from('greedy'))],
  'a second one': ['4930124', (call) => call.invite(from('greedy'))],
  'one too many': ['4930124', (call) => call.invite(from('greedy'))],
  'the first switch fails': ['4930over', (call) => call.invite(from('bea'))],
  'both fail': ['4930none', (call) => call.invite(from('bea'))],
  busy: ['4930busy', (call) => call.invite(from('bea'))],
  'given up': ['4930ring', givenUp],
  abroad: ['+441234567', (call) => call.invite(from('cleo'))],
  'abroad again': ['00441234567', (call) => call.invite(from('cleo'))],
  'abroad once more': ['+331234567', (call) => call.invite(from('cleo'))],
  'abroad and nobody there': ['+44lost', (call) => call.invite(from('dora'))],
  'a number of fraud': ['+88312345', (call) => call.invite(from('eve'))],
  'after it': ['4930123', (call) => call.invite(from('eve'))],
  'a scanner': ['4930123', (call) => call.ask('OPTIONS', { ...from('scan'), agent: 'friendly-scanner' })],
  'after the scanner': ['4930123', (call) => call.ask('OPTIONS', from('scan'))],
  'bad words': ['4930', (call) => call.invite({ from: '"x DROP TABLE users" <sip:sql@a.example>' })],
  anonymous: ['4930', (call) => call.invite({ from: '"Anonymous" <sip:anonymous@anonymous.invalid>' })],
  'anonymous, but known': [
    '4930',
    (call) =>
      call.invite({
        from: '"Anonymous" <sip:anonymous@anonymous.invalid>',
        more: 'P-Asserted-Identity: <sip:1@a.example>\r\nX-Internal: 1\r\n',
      }),
  ],
  'video only': [
    '4930',
    (call) =>
      call.invite({
        ...from('fay'),
        body: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 4000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n',
      }),
  ],
  'a codec that is taken out': [
    '4930',
    (call) =>
      call.invite({
        ...from('fay'),
        body: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 3 8\r\na=rtpmap:3 GSM/8000\r\na=rtpmap:8 PCMA/8000\r\n',
      }),
  ],
  'a message': ['4930', (call) => call.ask('MESSAGE', { ...from('gil'), body: 'x' })],
  'a REGISTER': ['bob', (call) => call.ask('REGISTER', from('gil'))],
  'an INFO of nobody': ['4930', (call) => call.ask('INFO', { ...from('gil'), to: ';tag=none' })],
};

/** A proxy before a switch that blocks fraud and floods. */
export const FRAUD_FRONT: OperatorFile = {
  file: 'fraud-front-5.6.cfg',
  gateways: GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    writeList(folder, lane, 'address.list', ['1 192.0.2.1 32 0 office']);
  },
  calls: FRAUD,
};
