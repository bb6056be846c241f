import { answered, type Calls, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

const BOB = { from: '<sip:bob@b.example>' };

const ROOMS: Calls = {
  'a ping': ['', (call) => call.ask('OPTIONS', { uri: 'sip:media.example' })],
  'a new room': ['conf-red', talked()],
  'the same room': ['conf-red', talked(BOB)],
  'a message into the room': ['conf-red', (call) => call.ask('MESSAGE', { body: 'x' })],
  'a message into no room': ['conf-none', (call) => call.ask('MESSAGE', { body: 'x' })],
  'another room': ['conf-blue', (call) => answered(call, 'Subject: The Blue Room\r\nX-Secret: 1\r\n')],
  'a room whose server fails': ['conf-over', (call) => answered(call)],
  'the same, where it went': ['conf-over', (call) => answered(call)],
  'a room that nobody takes': ['conf-none', (call) => call.invite()],
  'a room that is busy': ['conf-busy', (call) => call.invite()],
  'a room, given up': ['conf-ring', givenUp],
  'a room that is silent': ['conf-silent', (call) => call.invite()],
  'a number': ['4930', talked()],
  'early media': ['early', (call) => call.invite()],
  music: ['music', (call) => answered(call)],
  'nothing of the kind': ['secret', (call) => call.invite({ from: '<sip:mallory@a.example>' })],
  'the same again': ['secret2', (call) => call.invite({ from: '<sip:mallory@a.example>' })],
  'and again': ['secret3', (call) => call.invite({ from: '<sip:mallory@a.example>' })],
  'and then banned': ['4930', (call) => call.invite({ from: '<sip:mallory@a.example>' })],
  'a SUBSCRIBE': ['conf-red', (call) => call.ask('SUBSCRIBE', { more: 'Event: conference\r\n' })],
  'an INFO of nobody': ['4930', (call) => call.ask('INFO', { to: ';tag=none' })],
  'no hops left': ['4930', (call) => call.ask('INVITE', { hops: 0 })],
  'a preloaded Route': ['4930', (call) => call.invite({ more: 'Route: <sip:127.0.0.1:PROXY;lr>\r\n' })],
};

const NUMBERS: Calls = {
  'two carriers': ['+49891234567', (call) => call.invite()],
  'a longer prefix': ['+49301234567', (call) => call.invite()],
  'with zeros': ['00442012345', (call) => call.invite()],
  'a national number': ['089-1234.567', (call) => call.invite()],
  'a local number': ['123456', (call) => call.invite()],
  permanently: ['+49891234567', (call) => call.invite({ more: 'X-Permanently: 1\r\n' })],
  'no such prefix': ['+7123456', (call) => call.invite()],
  'no such carrier': ['+1234567', (call) => call.invite()],
  'a premium number': ['+49900123456', (call) => call.invite()],
  'too short': ['12', (call) => call.invite()],
  'no number': ['alice', (call) => call.invite()],
  'another number in a header': ['1', (call) => call.invite({ more: 'P-Preferred-Number:  +49301111 \r\n' })],
  'a loop': ['+4989123', (call) => call.invite({ more: 'Diversion: <sip:+4989123@x.example>;reason=away\r\n' })],
  'a diverted call': ['+4989123', (call) => call.invite({ more: 'Diversion: <sip:1@x>, <sip:2@x>\r\n' })],
  'from another network': ['+4989123', (call) => call.invite({ from: '<sip:x@10.1.2.3>' })],
  'from our network': ['+4989123', (call) => call.invite({ from: '<sip:x@127.3.2.1>' })],
  'a message': ['+4989123', (call) => call.ask('MESSAGE', { body: 'x' })],
  'within a call': ['+4989123', (call) => call.ask('BYE', { to: ';tag=x' })],
  'a ping': ['', (call) => call.ask('OPTIONS', { uri: 'sip:redirect.example' })],
  'a CANCEL': ['+4989123', (call) => call.ask('CANCEL')],
};

/** Conferences that stay on one server, and a redirect server. */
export const CALLERS_FILES: readonly OperatorFile[] = [
  {
    file: 'sticky-balancer-5.6.cfg',
    gateways: GATEWAYS,
    inOrder: true,
    prepare(folder, lane) {
      writeList(folder, lane, 'dispatcher.list', [
        '1 sip:127.0.0.1:GW1_PORT 0 10',
        '1 sip:127.0.0.1:GW2_PORT 0 5',
        '2 sip:127.0.0.1:GW2_PORT 0 10',
      ]);
    },
    calls: ROOMS,
  },
  { file: 'redirect-lcr-5.6.cfg', gateways: GATEWAYS, inOrder: true, calls: NUMBERS },
];
