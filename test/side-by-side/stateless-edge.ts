import type { TestCall } from '../support/side-by-side.js';
import { answered, type Calls, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

/** A request that may get no reply, followed by a ping that is answered. */
const sent =
  (method: string, options: Parameters<TestCall['ask']>[1] = {}): Calls[string][1] =>
  async (call) => {
    call.send(method, options);
    await call.ask('OPTIONS', { uri: 'sip:lb.example.net', cseq: 90 });
  };

/** Requests that are hashed by algorithm: each has its own Call-ID, caller and number. */
const picked: Calls = Object.fromEntries(
  ['0', '1', '2', '3', '4', '6', '7', '8', '9', '11', '13', '99', '', '-1'].flatMap((algorithm) =>
    ['a', 'b'].map((name) => [
      `${name} by algorithm ${algorithm}`,
      [
        name,
        (call) =>
          call.ask('MESSAGE', {
            from: `<sip:${name}${algorithm}@a.example>`,
            more: `X-Pick: ${algorithm}\r\n`,
            body: name,
          }),
      ] as Calls[string],
    ]),
  ),
);

/** A balancer that keeps no transactions but for calls to numbers. */
export const STATELESS_EDGE: OperatorFile = {
  file: 'stateless-edge-5.6.cfg',
  gateways: GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    writeList(folder, lane, 'dispatcher.list', [
      '1 sip:127.0.0.1:GW1_PORT 0 0 weight=60;rweight=60',
      '1 sip:127.0.0.1:GW2_PORT 0 0 weight=40;rweight=40',
      '2 sip:127.0.0.1:GW1_PORT 0 10',
      '2 sip:127.0.0.1:GW2_PORT 0 5',
    ]);
  },
  alike: (text) => text.replace(/z9hG4bKcydzigwkX/g, '*').replace(/(?<=;branch=z9hG4bK)[\w.-]+(?=;i=|$)/g, '*'),
  calls: {
    ...picked,
    registrations: [
      'bob',
      (call) => call.ask('REGISTER', { uri: 'sip:sw.example', more: 'X-Internal: 1\r\nExpires: 60\r\n' }),
    ],
    'registrations of another': [
      'bob',
      (call) => call.ask('REGISTER', { uri: 'sip:sw.example', from: '<sip:zoe@a.example>' }),
    ],
    'registrations behind NAT': [
      'bob',
      (call) => call.ask('REGISTER', { uri: 'sip:sw.example', contact: '<sip:a@10.0.0.1:5060>' }),
    ],
    'registrations along a path': [
      'bob',
      (call) => call.ask('REGISTER', { uri: 'sip:sw.example', more: 'Path: <sip:192.0.2.4;lr>\r\n' }),
    ],
    'a publication': ['bob', (call) => call.ask('PUBLISH', { more: 'Event: presence\r\n' })],
    'to the same registrar': ['sticky', (call) => call.ask('MESSAGE', { body: 'hello' })],
    'to the same registrar, of another': [
      'sticky',
      (call) => call.ask('MESSAGE', { from: '<sip:zoe@a.example>', body: 'hello' }),
    ],
    'to the same registrar, of nobody': ['sticky', (call) => call.ask('MESSAGE', { from: '<sip:nob@a.example>' })],
    'a ping': ['', (call) => call.ask('OPTIONS', { uri: 'sip:lb.example.net' })],
    'a ping of somebody': ['bob', (call) => call.ask('OPTIONS')],
    'a call to a name': ['bob', talked()],
    'a call to a name, busy': ['busy', (call) => call.invite()],
    'a call to a name, given up': ['bring', givenUp],
    'a subscription': ['bob', (call) => call.ask('SUBSCRIBE', { more: 'Event: presence\r\n' })],
    'an INFO outside': ['bob', (call) => call.ask('INFO', { body: 'signal' })],
    'a REFER outside': ['bob', (call) => call.ask('REFER', { more: 'Refer-To: <sip:x@y>\r\n' })],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    'a BYE of nobody': ['bob', (call) => call.ask('BYE', { to: ';tag=none' })],
    'an ACK of nobody': ['bob', sent('ACK', { to: ';tag=none' })],
    'a CANCEL of nobody': ['bob', sent('CANCEL')],
    'a call to a number': ['4930123', talked()],
    'a call to a number by hash': ['4930129', talked()],
    'the first fails': ['4930over', (call) => answered(call)],
    'both fail': ['4930none', (call) => call.invite()],
    'busy at a number': ['4930busy', (call) => call.invite()],
    'given up at a number': ['4930ring', givenUp],
    moved: ['4930moved', (call) => call.invite()],
    'with an internal header': ['4930124', (call) => answered(call, 'X-Internal: 1\r\n')],
    'no hops left': ['bob', (call) => call.ask('MESSAGE', { hops: 0 })],
    'preloaded to elsewhere': ['bob', sent('MESSAGE', { more: 'Route: <sip:198.51.100.7;lr>\r\n' })],
    'preloaded within': [
      'bob',
      (call) => call.ask('INFO', { to: ';tag=x', more: 'Route: <sip:198.51.100.7;lr>\r\n', uri: 'sip:lb.example.net' }),
    ],
    'a re-INVITE': [
      'bob',
      async (call) => {
        const answer = await call.invite();
        call.send('ACK', call.within(answer, 1));
        const second = await call.invite(call.within(answer, 2));
        call.send('ACK', { ...call.within(second, 2), branch: 'ack2', more: call.within(answer, 2).more ?? '' });
        await call.ask('UPDATE', call.within(answer, 3));
        await call.ask('BYE', call.within(answer, 4));
      },
    ],
  },
};
